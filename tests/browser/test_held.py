"""Weights are held still while the pull goes back; on demand, what comes of the famous wrong way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect
from served import number, opened, serving, until, watched

import backlit as bl

BACK, UPDATE = 4, 5  #: phases: backpropagate to layer 1; the update


@pytest.fixture(scope="module")
def held(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Page, bl.Run]]:
    """The lesson at the phase in which the pull comes to the first layer, of its timeline of one house."""
    with serving(tmp_path_factory.mktemp("held")) as served, watched(browser, reduced_motion="reduce") as context:
        page = opened(
            context, f"{served.address}&phase={BACK}" if "#" in served.address else f"{served.address}#phase={BACK}"
        )
        yield page, bl.open_run(served.folder / "houses-3-3-1.backlit")


def label(page: Page, name: str) -> list[str]:
    """What stands at an edge: whether it is held, or what it was; its weight; its pull."""
    texts = page.locator(f'.label[data-id="weight {name}"] text').all_text_contents()
    return [text.strip() for text in texts]


def go(page: Page, phase: int) -> None:
    stations = page.get_by_role("group", name="Phases of a step").get_by_role("button")
    if stations.nth(phase).get_attribute("aria-pressed") != "true":
        stations.nth(phase).click()


def test_later_weights_are_drawn_as_held(held: tuple[Page, bl.Run]) -> None:
    page, run = held
    t = run.trace(0, [0])
    for name in ("w2[1, 1]", "w2[2, 1]", "w2[3, 1]"):
        state, weight, _ = label(page, name)
        assert (state, number(weight)) == ("held still", pytest.approx(t[name].value, abs=5e-4))
    assert len(label(page, "w1[grade, 1]")) == 2
    assert page.locator(".ghost").count() == 3
    go(page, BACK - 1)
    expect(page.locator(".ghost")).to_have_count(0)
    expect(page.get_by_role("button", name="Why are the weights held still?")).to_have_count(0)
    go(page, BACK)


def test_the_wrong_way_on_demand(held: tuple[Page, bl.Run]) -> None:
    page, run = held
    t = run.trace(0, [0])
    astray, name, later = t.wrong_way(), "w1[sqft_living, 3]", "w2[2, 1]"
    page.get_by_role("button", name="Why are the weights held still?").click()
    card = page.get_by_role("region", name="Why are the weights held still?")
    assert card.locator("table").count() == 0
    card.get_by_role("checkbox", name="the famous wrong way: update w2 first").check()
    row = card.locator("tr", has=page.get_by_role("rowheader", name=name))
    expect(row).to_contain_text("12% too hard")
    shown = row.locator("[data-exact]").evaluate_all("all => all.map(one => Number(one.dataset.exact))")
    assert shown == pytest.approx([t[name].gradient, astray[name].gradient])
    guesses = card.locator("tr", has=page.get_by_role("rowheader", name="the guess"))
    expect(guesses).to_contain_text("$411,201")
    expect(guesses).to_contain_text("$411,326")

    until(page, lambda: label(page, name)[-1].startswith("≠"))
    assert number(label(page, name)[-1].removeprefix("≠ ")) == pytest.approx(astray[name].gradient, abs=6e-4)
    was, weight, pull = label(page, later)
    assert number(was.removeprefix("was ")) == pytest.approx(t[later].value, abs=5e-4)
    assert number(weight) == pytest.approx(t.update.after[t.net.positions(later)][0], abs=5e-4)
    assert number(pull) == pytest.approx(t[later].gradient, abs=6e-3)

    go(page, UPDATE)
    until(page, lambda: label(page, name)[0].startswith("was"))
    new = number(label(page, name)[1].rstrip(" ↑↓"))
    assert new == pytest.approx(astray.update.after[t.net.positions(name)][0], abs=5e-4)
    assert abs(new - t.update.after[t.net.positions(name)][0]) > 1e-3
    expect(page.locator(".outcome")).to_contain_text("the wrong step would make it")
    expect(page.locator(".outcome")).to_contain_text("$411,326")


def test_nobody_sees_wrong_numbers_without_being_told(held: tuple[Page, bl.Run]) -> None:
    page, run = held
    t, name = run.trace(0, [0]), "w1[sqft_living, 3]"
    go(page, 0)
    go(page, BACK)
    box = page.get_by_role("checkbox", name="the famous wrong way: update w2 first")
    expect(box).not_to_be_checked()
    until(page, lambda: not label(page, name)[-1].startswith("≠"))
    assert number(label(page, name)[-1]) == pytest.approx(t[name].gradient, abs=6e-4)
    page.get_by_role("button", name="Close").click()
    expect(box).to_have_count(0)
