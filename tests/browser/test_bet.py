"""A bet before a step: what it asks, that nothing gives the answer away, and how it comes out."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from served import Served, absent, at_step, opened, until, watched

import backlit as bl
from backlit.explain.ledger import account
from backlit.lesson import MANY, ONE

AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"


def bet(page: Page, direction: str | None, weight: str | None) -> None:
    page.get_by_role("button", name="Bet first").click()
    answer(page, direction, weight)


def answer(page: Page, direction: str | None, weight: str | None) -> None:
    own = page.locator(".bet")
    if direction:
        own.get_by_role("button", name=direction).click()
    if weight:
        own.get_by_label("Which weight").select_option(weight)


def came(page: Page, question: str) -> str:
    return page.locator(f'.bet li[data-question="{question}"]').inner_text().strip().replace("\u2060", "")


def made(run: bl.Run, step: int, row: int, timeline: str) -> tuple[float, float, dict[str, float]]:
    """The guess before and after a step that was made, and each weight's part of the change."""
    before, after = (run.trace(at, [row], timeline) for at in (step, step + 1))
    own = account(before, step=after.theta - before.theta)
    return float(before.prediction[0, 0]), float(after.prediction[0, 0]), dict(own.by_weight().iter_rows())


def test_the_three_questions_on_the_first_screen(newcomer: BrowserContext, served: Served, run: bl.Run) -> None:
    page = opened(newcomer, served.address + "#depth=picture")
    expect(page.get_by_role("button", name="Bet first")).to_be_visible()
    bet(page, None, None)
    make = page.get_by_role("button", name="Make the step")
    expect(make).to_be_disabled()
    answer(page, "up", None)
    expect(make).to_be_disabled()
    answer(page, None, "w2[2, 1]")
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
    slider = page.get_by_label("By about how much?")
    assert float(slider.get_attribute("max") or 0) == 270_000  # the miss is 261,299
    slider.press("Home")
    for _ in range(7):
        slider.press("ArrowRight")
    expect(page.locator(".bet output")).to_have_text("$70,000")
    make.click()
    at_step(page, 1)
    expect(page.locator(".bet li")).to_have_count(3)
    expect(page.locator('[data-view="first"]')).to_have_attribute("data-beat", "")  # not before the film is over
    until(page, lambda: run.timeline(ONE).steps() >= 1)
    before, after, parts = made(run, 0, 0, ONE)
    most = next(iter(parts))
    change = after - before
    assert most == "b2[1]"
    assert came(page, "direction") == (
        f"No: the guess went down by ${-change:,.0f}, from ${before:,.0f} to ${after:,.0f}. It was too high."
    )
    assert came(page, "weight") == (
        f"No: {most} did the most: −${-parts[most]:,.0f} of −${-change:,.0f}. "
        f"w2[2, 1] did −${-parts['w2[2, 1]']:,.0f}, in place {list(parts).index('w2[2, 1]') + 1}."
    )
    assert came(page, "size") == (
        f"Very close: you said $70,000, it was ${-change:,.0f}. That is ${-change - 70_000:,.0f} off."
    )
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
    page.get_by_role("button", name="Bet on the next step").click()
    expect(page.locator(".bet form")).to_be_visible()
    page.get_by_role("button", name="No bet").click()
    expect(page.locator(".bet")).to_have_count(0)
    expect(page.locator(".account li").first).to_be_visible()


def test_nothing_gives_the_answer_away_while_it_is_open(context: BrowserContext, served: Served, run: bl.Run) -> None:
    page = opened(context, served.address)
    network = page.locator('[data-view="network"]')
    announced = f"${run.trace(0, [0], ONE).after.prediction[0, 0]:,.0f}"
    after = network.locator("text", has_text=announced).locator("xpath=..")
    expect(after).to_have_css("opacity", "1")
    bet(page, None, None)
    expect(after).to_have_css("opacity", "0")
    expect(page.locator('[data-view="timeline"] .panel circle')).to_have_count(0)
    page.get_by_role("button", name="No bet").click()
    expect(after).to_have_css("opacity", "1")


def test_a_key_makes_the_step_too_and_a_click_on_a_weight_answers(
    context: BrowserContext, served: Served, run: bl.Run
) -> None:
    """The step of 128 houses, of which this one is none of its own."""
    page = opened(context, served.address + f"#timeline={MANY.replace(' ', '+')}&row=17")
    bet(page, "up", None)
    page.locator('.label[data-id="weight w2[1, 1]"]').click()
    expect(page.get_by_label("Which weight")).to_have_value("w2[1, 1]")
    page.keyboard.press("ArrowRight")
    at_step(page, 1)
    expect(page.locator(".bet li")).to_have_count(3)
    until(page, lambda: run.timeline(MANY).steps() >= 1)
    before, after, parts = made(run, 0, 17, MANY)
    assert came(page, "direction").startswith("Yes" if after > before else "No")
    assert f"from ${before:,.0f} to ${after:,.0f}" in came(page, "direction")
    assert next(iter(parts)) in came(page, "weight")
    # whoever goes elsewhere has another bet before them
    page.keyboard.press("ArrowLeft")
    at_step(page, 0)
    expect(page.locator(".bet form")).to_be_visible()
    expect(page.get_by_label("Which weight")).to_have_value("w2[1, 1]")  # still chosen in the drawing
    page.locator(".bet").get_by_role("button", name="down").click()
    page.keyboard.press("n")
    expect(page.locator(".bet [aria-pressed=true]")).to_have_count(0)
    expect(page.get_by_label("Which weight")).to_have_value("w2[1, 1]")


def test_what_is_changed_by_hand_is_taken_back_first(context: BrowserContext, served: Served) -> None:
    page = opened(context, served.address)
    bet(page, "down", "b2[1]")
    expect(page.get_by_role("button", name="Make the step")).to_be_enabled()
    page.locator('[role=button][data-id="weight w2[1, 1]"]').focus()
    page.keyboard.press("+")
    expect(page.locator(".bet")).to_contain_text("First take back what you have changed.")
    expect(page.get_by_role("button", name="Make the step")).to_be_disabled()


def test_a_wide_network_has_no_list_of_weights_to_choose_from(context: BrowserContext, served: Served) -> None:
    page = opened(context, served.address + "#run=real")
    page.get_by_role("button", name="Bet first").click()
    expect(page.locator(".bet form")).to_be_visible()
    expect(page.get_by_label("Which weight")).to_have_count(0)
    expect(page.get_by_label("By about how much?")).to_be_visible()


@pytest.mark.parametrize("size", [(1280, 720), (390, 844)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_used_by_everybody(browser: Browser, served: Served, size: tuple[int, int], scheme: str) -> None:
    if not AXE.exists():
        absent("no axe-core: it is where the page is built, in web/node_modules")
    viewport = {"width": size[0], "height": size[1]}
    with watched(browser, new=True, viewport=viewport, color_scheme=scheme, reduced_motion="reduce") as context:
        context.add_init_script(path=AXE)
        page = opened(context, served.address + "#depth=picture")
        bet(page, "down", "b2[1]")
        for _ in range(2):
            found = page.evaluate("axe.run('.bet')")["violations"]
            assert not found, [(one["id"], one["nodes"][0]["html"]) for one in found]
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            if page.locator(".bet li").count() == 0:
                page.get_by_role("button", name="Make the step").press("Enter")
                expect(page.locator(".bet li").first).to_be_visible()
        expect(page.get_by_role("button", name="Bet on the next step")).to_be_focused()
