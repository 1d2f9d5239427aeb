"""For everybody: what axe-core finds, in light and dark; and nothing moves for those who ask for that."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from served import Served, absent, many, opened, press, serving, until, watched

import backlit as bl
from backlit.lesson import FIRST_FILE, ONE

AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
STEP = 2


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One studio for all tests here."""
    with serving(tmp_path_factory.mktemp("access")) as made:
        yield made


@pytest.fixture(scope="module")
def only(browser: Browser, served: Served) -> Iterator[Page]:
    """One page at STEP, in which axe-core is; two timelines."""
    if not AXE.exists():
        absent("no axe-core: it is where the page is built, in web/node_modules")
    with watched(browser, reduced_motion="reduce") as context:
        context.add_init_script(path=AXE)
        page = opened(context, many(served.address))
        for step in range(1, STEP + 1):
            press(page, "ArrowRight", step)
        yield page


def nothing(page: Page) -> None:
    """As it begins."""
    expect(page.locator('[data-view="chain"]').get_by_text("Click a weight")).to_be_visible()


def a_weight(page: Page) -> None:
    page.locator('[role=button][data-id="weight w1[grade, 2]"]').focus()
    page.keyboard.press("Enter")
    expect(page.locator('[data-view="chain"] .factors')).to_be_visible()


def a_weight_that_is_moved(page: Page) -> None:
    a_weight(page)
    page.locator('[data-view="chain"]').get_by_role("slider").focus()
    page.keyboard.press("PageUp")
    expect(page.locator('[data-view="chain"]').get_by_role("button", name="Undo")).to_be_visible()


def a_unit(page: Page) -> None:
    page.locator('[role=button][data-id="unit 1 1"]').focus()
    page.keyboard.press("Enter")
    expect(page.locator('[data-view="network"] tfoot')).to_be_visible()


def a_batch(page: Page) -> None:
    a_weight(page)
    page.locator("body").press("b")
    expect(page.get_by_role("heading", name="Batch")).to_be_visible()
    expect(page.get_by_text("What each row adds")).to_be_visible()


def a_phase(page: Page) -> None:
    a_weight(page)
    page.locator("body").press("Shift+ArrowRight")
    expect(page.locator(".phases .which")).to_have_text("Feed forward: layer 1")


def all_numbers(page: Page) -> None:
    for one in page.get_by_role("button", name="Numbers").all():
        one.click()
    page.locator('[data-view="house"]').get_by_role("button", name="worst").click()
    expect(page.get_by_role("region", name="The worst rows").locator("tbody tr")).to_have_count(12)


def starting_over(page: Page) -> None:
    page.get_by_role("button", name="Start over from here").click()
    expect(page.get_by_role("heading", name="Start over from step")).to_be_visible()


def the_landscape(page: Page) -> None:
    page.get_by_role("button", name="over two weights").click()
    expect(page.locator('[data-view="timeline"] .arrow')).to_be_visible()


def comparing(page: Page) -> None:
    """Of two timelines; the second is begun by the first test that comes here."""
    tree = page.locator('[data-view="timeline"]')
    if tree.locator(".tree .go", has_text="fork 1").count() == 0:
        starting_over(page)
        page.get_by_label("Learning rate", exact=True).fill("0.1")
        page.get_by_role("button", name="Start over with learning rate").click()
        page.get_by_role("button", name="Not yet").click()
        press(page, "ArrowRight", STEP + 1)
    tree.get_by_role("button", name=re.compile("Compare with (128 houses|fork 1)")).first.click()
    expect(tree.get_by_text("The same up to step")).to_be_visible()


def set_up(page: Page) -> None:
    page.get_by_role("button", name="Your table").click()
    page.get_by_role("region", name="Or a table that is here").get_by_role("button", name="houses").click()
    expect(page.get_by_role("button", name="Begin", exact=True)).to_be_visible()


def tour(page: Page) -> None:
    page.get_by_role("button", name="How does it learn?").click()
    expect(page.locator(".card[data-stage=set]")).to_be_visible()


def keys(page: Page) -> None:
    page.get_by_role("button", name="Keys").click()
    expect(page.get_by_role("dialog")).to_be_visible()


def put_back(page: Page) -> None:
    """As at first."""
    page.locator("dialog[open]").evaluate_all("all => all.forEach(one => one.close())")
    for name in ("Leave", "Cancel", "Close the comparison", "Undo", "one row"):
        for one in page.get_by_role("button", name=name, exact=True).all():
            if one.is_visible():
                one.click()
                break
    page.get_by_role("button", name="Numbers", pressed=True).evaluate_all("all => all.forEach(one => one.click())")
    page.get_by_role("button", name="worst", pressed=True).evaluate_all("all => all.forEach(one => one.click())")
    for _ in range(3):
        page.locator("body").press("Escape")


@pytest.fixture
def page(only: Page) -> Iterator[Page]:
    yield only
    put_back(only)
    only.emulate_media(color_scheme="light", reduced_motion="reduce")


@pytest.mark.parametrize(
    "show", [nothing, a_weight, a_weight_that_is_moved, a_unit, a_batch, a_phase, all_numbers, starting_over,
             the_landscape, comparing, set_up, tour, keys],
    ids=lambda show: show.__name__,
)  # fmt: skip
def test_axe_finds_nothing_that_keeps_people_out(page: Page, show: Callable[[Page], None]) -> None:
    show(page)
    page.mouse.move(2, 2)
    told = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
        told += [
            f"{scheme}: {one['impact']} {one['id']}: {node['target']} {node['failureSummary']}"
            for one in found["violations"] for node in one["nodes"] if one["impact"] in ("serious", "critical")
        ]  # fmt: skip
    assert not told, "\n".join(told)


def test_nothing_moves_for_those_who_ask_for_that(browser: Browser, served: Served) -> None:
    with watched(browser, reduced_motion="reduce") as context:
        page = opened(context, many(served.address))
        page.get_by_role("button", name="Take over").evaluate_all("all => all.forEach(one => one.click())")
        expect(page.get_by_role("button", name="Play")).to_be_enabled()
        longest = """() => Math.max(0, ...document.getAnimations({ subtree: true }).map(
            one => Number(one.effect.getComputedTiming().duration) + Number(one.effect.getComputedTiming().delay)))"""
        seen = [page.evaluate(longest)]
        for key in ("Shift+ArrowRight", "Shift+ArrowRight", "Shift+ArrowRight", "Shift+ArrowRight", "Escape"):
            page.locator("body").press(key)
            seen += [page.evaluate(longest) for _ in range(3)]
        a_unit(page)
        seen.append(page.evaluate(longest))
        page.keyboard.press("Escape")
        seen.append(page.evaluate(longest))
        for act in (a_weight, set_up):
            act(page)
            seen.append(page.evaluate(longest))
        page.keyboard.press("Escape")
        assert max(seen) <= 1


def test_a_skip_link_leads_to_the_network(browser: Browser, served: Served) -> None:
    for depth in ("picture", "everything"):
        with watched(browser, new=True) as context:
            page = opened(context, f"{served.address}#depth={depth}")
            link = page.get_by_role("link", name="Skip to the network")
            assert (link.bounding_box() or {"y": 0})["y"] < -20  # out of sight
            page.keyboard.press("Tab")
            expect(link).to_be_focused()
            assert (link.bounding_box() or {"y": -1})["y"] >= 0
            page.keyboard.press("Enter")
            assert page.evaluate("document.activeElement.closest('.drawing') !== null")
            assert page.evaluate("document.activeElement.dataset.id") is not None


def test_each_step_is_told_in_one_sentence(browser: Browser, served: Served) -> None:
    run = bl.open_run(served.folder / FIRST_FILE)
    with watched(browser, new=True) as context:
        page = opened(context, f"{served.address}#depth=numbers")
        live = page.locator(".aloud[aria-live=polite]")
        expect(live).to_have_text("")
        for step in (1, 2):
            press(page, "ArrowRight", step)
            until(page, lambda: run.timeline(ONE).steps() >= step)  # noqa: B023
            before, after = run.trace(step - 1, [0], ONE), run.trace(step, [0], ONE)
            nearer = abs(before.difference[0, 0]) - abs(after.difference[0, 0])
            expect(live).to_have_text(
                f"Step {step} of 14: the guess for house 0 is ${after.prediction[0, 0]:,.0f}, "
                f"better by ${nearer:,.0f}; "
                f"E of this house fell from {before.E:.4g} to {after.E:.4g}."
            )


def test_while_it_plays_a_sentence_comes_now_and_then(browser: Browser, served: Served) -> None:
    with watched(browser) as context:
        page = opened(context, many(served.address))
        page.evaluate("""() => {
          window.told = [];
          new MutationObserver(() => window.told.push(performance.now()))
            .observe(document.querySelector(".aloud"), {childList: true, characterData: true, subtree: true});
        }""")
        page.get_by_role("button", name="Play").click()
        until(page, lambda: int(page.get_attribute("main", "data-step") or 0) > 90)
        page.get_by_role("button", name="Stop").click()
        expect(page.get_by_role("button", name="Play")).to_be_visible()
        live = page.locator(".aloud")  # the end is told at once
        until(page, lambda: f"Step {page.get_attribute('main', 'data-step')} of " in (live.text_content() or ""))
        told = page.evaluate("window.told")
        assert len(told) >= 2
        assert all(b - a > 2900 for a, b in pairwise(told[:-1]))
