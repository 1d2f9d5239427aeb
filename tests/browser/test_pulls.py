"""The ranking of all weights, the paths that light up in the network, and the wishes at a weight: those of Python."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from served import Served, at_step, many, number, opened, press, serving, show_numbers, table, until, watched

import backlit as bl
from backlit.lesson import MANY

STEP = 2


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One studio for all tests here."""
    with serving(tmp_path_factory.mktemp("pulls")) as made:
        yield made


@pytest.fixture(scope="module")
def only(browser: Browser, served: Served) -> Iterator[Page]:
    """One page, on which some steps of 128 houses were made."""
    with watched(browser, reduced_motion="reduce") as context:
        page = opened(context, many(served.address))
        for step in range(1, STEP + 2):
            press(page, "ArrowRight", step)
        yield page


@pytest.fixture
def page(only: Page) -> Page:
    """House 0, nothing chosen."""
    only.mouse.move(0, 0)
    only.get_by_role("button", name="Numbers", pressed=True).evaluate_all("all => all.forEach(one => one.click())")
    only.evaluate(f"location.hash = '#timeline=128+houses&step={STEP}&row=0&of=row&new=' + Math.random()")
    for _ in range(3):
        only.locator("body").press("Escape")
    at_step(only, STEP)
    expect(only.locator(".pulls")).to_contain_text("this house")
    return only


def trace_of(served: Served, rows: list[int] | None) -> bl.Trace:
    return served.run(STEP).trace(STEP, rows, MANY)


def listed(page: Page) -> Locator:
    return page.locator(".pulls li button")


def choose(page: Page, weight: str) -> None:
    page.locator(f'.pulls [data-weight="{weight}"]').click()
    expect(page.locator('[data-view="chain"]').get_by_role("heading", name=weight, exact=True)).to_be_visible()


def lights(page: Page, kind: str) -> set[str]:
    """What is lit behind the network: edges by their weight, units by their column and place."""
    return set(
        page.eval_on_selector_all(
            f".lights .{kind}", "all => all.map(one => one.dataset.edge ?? 'unit ' + one.dataset.unit)"
        )
    )


@pytest.mark.parametrize("of", ["row", "batch"])
def test_the_list_is_the_ranking_of_python(page: Page, served: Served, of: str) -> None:
    t = trace_of(served, [0] if of == "row" else None)
    if of == "batch":
        page.locator("body").press("b")
        expect(page.locator(".pulls")).to_contain_text("this step’s 128 houses")
    show_numbers(page, "chain")
    names = [t.net.weight_name(i) for i in t.ranking.tolist()]
    until(page, lambda: [row[0] for row in table(page, "chain")] == names)
    rows = table(page, "chain")
    assert [number(row[1]) for row in rows] == pytest.approx(t.gradient[t.ranking], rel=1e-9)
    assert [number(row[2]) for row in rows] == pytest.approx(t.shares[t.ranking], rel=1e-9)
    assert [one.get_attribute("data-weight") for one in listed(page).all()] == names
    assert names[0] == t.strongest()[0]
    halves = [one.locator(".bar").bounding_box() for one in listed(page).all()]
    bars = [one.locator(".bar i").bounding_box() for one in listed(page).all()]
    for i, half, bar, one in zip(t.ranking.tolist(), halves, bars, listed(page).all()):
        assert half is not None
        assert bar is not None
        middle = half["x"] + half["width"] / 2
        share = abs(t.gradient[i]) / np.abs(t.gradient).max()
        assert bar["width"] == pytest.approx(max(1, share * half["width"] / 2), abs=1)
        assert (bar["x"] >= middle - 1.5) == (t.gradient[i] > 0)
        assert (one.locator(".way").inner_text().split() or [""])[0] == ("raises" if t.gradient[i] > 0 else "lowers")
        assert number(one.locator(".pull").inner_text()) == pytest.approx(t.gradient[i], rel=6e-3)


def test_the_list_lights_the_paths_and_opens_the_chain(page: Page) -> None:
    listed(page).filter(has_text="w1[grade, 2]").hover()
    path = {"w1[grade, 2]", "w2[2, 1]", "unit 0 1", "unit 1 1", "unit 2 0"}
    until(page, lambda: lights(page, "path") == path)
    listed(page).filter(has_text="b1[3]").hover()
    until(page, lambda: lights(page, "path") == {"w2[3, 1]", "unit 1 2", "unit 2 0"})
    page.mouse.move(0, 0)
    until(page, lambda: lights(page, "path") == set())
    page.keyboard.press("Shift")  # from now on the keyboard is used
    page.locator('[role=button][data-id="weight w2[1, 1]"]').focus()
    until(page, lambda: lights(page, "path") == {"w2[1, 1]", "unit 1 0", "unit 2 0"})
    expect(page.locator(".pulls li.lit")).to_contain_text("w2[1, 1]")
    choose(page, "w1[grade, 2]")
    page.mouse.move(0, 0)
    until(page, lambda: lights(page, "path") == path)  # they stay, and are where they are in the picture
    for light in page.locator(".lights path.path").all():
        wire = page.locator(f'[data-id="weight {light.get_attribute("data-edge")}"] .line')
        assert light.get_attribute("d") == wire.get_attribute("d")


def test_the_list_by_the_keyboard(page: Page, served: Served) -> None:
    t = trace_of(served, [0])
    names = [t.net.weight_name(i) for i in t.ranking.tolist()]
    until(page, lambda: listed(page).first.get_attribute("data-weight") == names[0])
    assert page.locator('.pulls li button[tabindex="0"]').count() == 1
    page.locator('.pulls li button[tabindex="0"]').focus()
    for key, at in (("Home", 0), ("ArrowDown", 1), ("ArrowDown", 2), ("ArrowUp", 1), ("End", 15), ("ArrowDown", 15)):
        page.keyboard.press(key)
        expect(page.locator(":focus")).to_have_attribute("data-weight", names[at])
        until(page, lambda at=at: names[at].startswith("b") or names[at] in lights(page, "path"))
    at_step(page, STEP)  # the keys were the list's
    page.keyboard.press("Enter")
    expect(page.locator('[data-view="chain"]').get_by_role("heading", name=names[15], exact=True)).to_be_visible()
    expect(page.locator(":focus")).to_have_text("All weights")
    page.keyboard.press("Enter")
    expect(listed(page)).to_have_count(16)


def test_a_factor_lights_its_place_and_a_place_its_factor(page: Page) -> None:
    choose(page, "w1[grade, 2]")
    chips = page.locator(".factors button")
    places = [{"unit 2 0"}, {"w2[2, 1]"}, {"unit 1 1"}, {"w1[grade, 2]", "unit 0 1"}]
    expect(chips).to_have_count(len(places))
    for chip, place in zip(chips.all(), places):
        chip.hover()
        until(page, lambda place=place: lights(page, "factor") == place)
        chip.focus()
        until(page, lambda place=place: lights(page, "factor") == place)
    sentences = page.locator(".words li")
    sentences.nth(1).hover()
    until(page, lambda: lights(page, "factor") == places[1])
    symbols, values = (page.locator(".formula p").nth(i).locator(".base") for i in (0, 1))
    for i, place in enumerate(places, 1):  # the first box is what stands before the factors
        for boxes in (symbols, values):
            boxes.nth(i).hover()
            until(page, lambda place=place: lights(page, "factor") == place)
            expect(chips.nth(i - 1)).to_have_class(re.compile(r"\blit\b"))
            expect(page.locator(".formula .base.lit")).to_have_count(2)
    page.mouse.move(0, 0)
    until(page, lambda: lights(page, "factor") == set())
    page.keyboard.press("Shift")  # from now on the keyboard is used
    for at, place in enumerate(("unit 2 0", "weight w2[2, 1]", "unit 1 1", "weight w1[grade, 2]")):
        page.locator(f'[role=button][data-id="{place}"]').focus()
        expect(chips.nth(at)).to_have_class(re.compile(r"\blit\b"))
        expect(page.locator(".factors .chip.lit")).to_have_count(1)


def test_the_way_back_goes_from_the_error_to_the_weight(page: Page) -> None:
    choose(page, "w1[grade, 2]")
    page.mouse.move(0, 0)
    seen: list[set[str]] = []
    page.get_by_role("button", name="Follow it back from E").click()

    def over() -> bool:
        now = lights(page, "last")
        if now and now not in seen:
            seen.append(now)
        return page.get_by_role("button", name="Follow it back from E").count() == 1

    until(page, over)
    assert seen == [{"unit 2 0"}, {"w2[2, 1]"}, {"unit 1 1"}, {"w1[grade, 2]", "unit 0 1"}]
    assert lights(page, "factor") == set()


def test_in_a_phase_what_is_not_known_is_not_listed(page: Page) -> None:
    page.keyboard.press("Shift+ArrowRight")
    expect(page.locator(".pulls")).to_contain_text("not yet known")
    expect(listed(page)).to_have_count(0)
    page.keyboard.press("Escape")
    expect(listed(page)).to_have_count(16)


def test_of_a_wide_network_some_are_listed_and_more_on_demand(browser: Browser, tmp_path: Path) -> None:
    with serving(tmp_path) as served, watched(browser) as context:
        page = opened(context, many(served.address))
        page.get_by_role("button", name="The real one").click()
        expect(page.locator("main")).to_have_attribute("data-step", "0")
        expect(page.get_by_text("houses.backlit", exact=True)).to_be_visible()
        t = bl.open_run(served.folder / "houses.backlit").trace(0, [0])
        first = [t.net.weight_name(i) for i in t.ranking[:40].tolist()]
        until(page, lambda: listed(page).first.get_attribute("data-weight") == first[0])
        assert [one.get_attribute("data-weight") for one in listed(page).all()] == first[:16]
        rest = t.shares[t.ranking[16:]].sum()
        expect(page.locator(".pulls .rest")).to_contain_text(f"{t.net.size - 16:,} others, together {rest:.1%}")
        page.locator(".pulls").get_by_role("button", name="Show more").evaluate("one => one.click()")
        expect(listed(page)).to_have_count(40)
        assert [one.get_attribute("data-weight") for one in listed(page).all()] == first
        listed(page).nth(20).click()
        expect(page.locator('[data-view="chain"]').get_by_role("heading", name=first[20], exact=True)).to_be_visible()
        chain = t[first[20]].chain()
        until(page, lambda: len(lights(page, "path")) > 0)
        through = {path.factors[0].unit for path in chain.paths}
        assert {f"unit {len(t.net.numbered)} {unit - 1}" for unit in through} <= lights(page, "path")


# --- wishes ------------------------------------------------------------------------------------------------------


def arrows(page: Page) -> list[tuple[int, float]]:
    """The row and the wish of each arrow, from above."""
    found = page.eval_on_selector_all(".wishes .wish", "all => all.map(one => [one.dataset.row, one.dataset.exact])")
    return [(int(row), float(wish)) for row, wish in found]


def test_the_wishes_are_those_of_python_and_their_mean_is_the_step(page: Page, served: Served) -> None:
    weight = "w1[grade, 2]"
    t = trace_of(served, None)
    own = t[weight].wishes
    expected = dict(zip(own.rows.tolist(), own.wishes.tolist()))
    choose(page, weight)
    until(page, lambda: len(arrows(page)) == 128)
    assert dict(arrows(page)) == pytest.approx(expected, rel=1e-9)
    assert [wish for _, wish in arrows(page)] == sorted(wish for _, wish in arrows(page))
    mean = page.locator(".wishes .mean")
    assert float(mean.get_attribute("data-exact") or "nan") == pytest.approx(np.mean(own.wishes), rel=1e-9)
    step = served.run(STEP + 1).at(STEP + 1, MANY).theta - served.run(STEP).at(STEP, MANY).theta
    at = t.net.positions(weight)[0]
    assert float(mean.get_attribute("data-exact") or "nan") == pytest.approx(step[at], rel=1e-3)  # of 32 bits
    text = page.locator(".wishes").inner_text()
    assert f"{own.raised} of these 128 houses" in text
    assert f"{own.lowered} lowered" in text
    zero, drawn = (page.locator(f".wishes .{name}").bounding_box() for name in ("zero", "mean"))
    assert zero is not None
    assert drawn is not None
    assert (drawn["x"] + drawn["width"] / 2 > zero["x"]) == (own.wish > 0)


def test_a_houses_arrow_leads_to_it(page: Page) -> None:
    choose(page, "b2[1]")
    until(page, lambda: len(arrows(page)) == 128)
    all_rows = [row for row, _ in arrows(page)]
    plot, arrow = page.locator(".wishes svg"), page.locator(".wishes .wish").nth(20)
    line = page.locator(".wishes .line")

    def point() -> bool:
        """At its middle, as it stands now: what is above it may still grow."""
        box = arrow.bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        return f"House {all_rows[20]} wants it lowered by" in line.inner_text()

    plot.scroll_into_view_if_needed()
    until(page, point)
    page.mouse.down()
    page.mouse.up()
    expect(page.get_by_role("heading", name=f"House {all_rows[20]}", exact=True)).to_be_visible()
    until(page, lambda: [row for row, _ in arrows(page)] == all_rows)  # the step's houses are the same
    page.mouse.move(0, 0)
    expect(page.locator(".wishes .line")).to_contain_text(f"House {all_rows[20]} wants it lowered by")
    plot.focus()
    page.keyboard.press("End")
    expect(page.locator(".wishes .line")).to_contain_text(f"House {all_rows[127]} wants it")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=f"House {all_rows[126]}", exact=True)).to_be_visible()
    at_step(page, STEP)
