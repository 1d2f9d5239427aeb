"""Moving through a run: what the page shows is what Python computes, forward, back, and again."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, Page, expect
from served import Served, at_step, many, number, opened, press, show_numbers, table, until

import backlit as bl


def test_forward_and_back_show_the_same_numbers(page: Page) -> None:
    show_numbers(page, "network")
    seen = {}
    for step in range(1, 6):
        press(page, "ArrowRight", step)
        seen[step] = table(page, "network")
    assert seen[1] != seen[5]
    for step in range(4, 0, -1):
        press(page, "ArrowLeft", step)
        assert table(page, "network") == seen[step]
    for step in range(2, 6):
        press(page, "ArrowRight", step)
        assert table(page, "network") == seen[step]


def test_every_number_of_the_network_is_that_of_python(page: Page, served: Served) -> None:
    for step in range(1, 4):
        press(page, "ArrowRight", step)
    show_numbers(page, "network")
    shown = table(page, "network")
    t = served.run(3).trace(3, [0])
    assert sorted(row[0] for row in shown) == sorted(t.net.weight_names())
    for name, value, gradient, step in (row[:4] for row in shown):
        at = t.net.positions(name)[0]
        assert number(value) == pytest.approx(t.theta[at], rel=1e-4)
        assert number(gradient) == pytest.approx(t.gradient[at], rel=1e-4, abs=1e-9)
        assert number(step) == pytest.approx(t.update.step[at], rel=1e-4, abs=1e-9)
    house = page.locator('[data-view="house"]').inner_text()
    assert f"${t.prediction[0, 0]:,.0f}" in house
    assert f"${abs(t.difference[0, 0]):,.0f}" in house
    assert number(page.locator(".steps .E").inner_text()) == pytest.approx(t.E, rel=1e-3)


def test_steps_are_those_of_a_run_without_a_page(page: Page, served: Served) -> None:
    for step in range(1, 4):
        press(page, "ArrowRight", step)
    page.get_by_label("Speed").select_option("as fast as it goes")
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    until(page, lambda: int(page.get_attribute("main", "data-step") or 0) > 300)
    page.locator("body").press("Space")
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    timeline = bl.open_run(served.folder / "houses-3-3-1.backlit").timeline()
    last = timeline.steps()
    at_step(page, last)
    for event in bl.train(timeline.plan(), timeline.at(0), stretch=1):  # other stretches end where time has them
        state = event.state
        if state.step == last:
            break
    assert np.array_equal(state.theta, timeline.at(last).theta)


def test_while_it_plays_each_update_is_one_request_in_which_all_are_at_one_step(page: Page) -> None:
    """Of the small network: moment, weights, maps and chain, so that none lags behind."""
    page.locator('[role=button][data-id="weight w2[2, 1]"]').focus()
    page.keyboard.press("Enter")
    expect(page.locator('[data-view="chain"] .factors')).to_be_visible()
    asked: list[list[tuple[str, dict[str, Any]]]] = []
    hear = lambda request: request.url.endswith("together") and asked.append(request.post_data_json)
    page.on("request", hear)
    page.get_by_role("button", name="Play").click()
    until(page, lambda: int(page.get_attribute("main", "data-step") or 0) >= 40)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    updates = [dict(questions) for questions in asked if any(name == "moment" for name, _ in questions)]
    follow = ("moment", "weights", "maps", "chain")
    together = [
        one for one in updates if {one[name]["step"] for name in follow if name in one} == {one["moment"]["step"]}
    ]
    assert sum(set(follow) <= set(one) for one in together) >= 0.8 * len(updates) >= 4
    assert len(asked) <= 1.5 * len(updates) + 5


def test_phases_go_forward_and_back(page: Page) -> None:
    phase = page.locator(".phases .which")
    expect(phase).to_have_text("the whole step")
    names = ["Feed forward: layer 1", "Feed forward: the output", "The error", "Backpropagate: the output",
             "Backpropagate: layer 1", "The update"]  # fmt: skip
    for name in names:
        page.keyboard.press("Shift+ArrowRight")
        expect(phase).to_have_text(name)
    page.keyboard.press("Shift+ArrowRight")
    at_step(page, 1)
    expect(phase).to_have_text(names[0])
    page.keyboard.press("Shift+ArrowLeft")
    at_step(page, 0)
    expect(phase).to_have_text(names[-1])
    page.keyboard.press("Escape")
    expect(phase).to_have_text("the whole step")


def test_a_link_leads_to_the_moment(context: BrowserContext, page: Page, served: Served) -> None:
    for step in range(1, 5):
        press(page, "ArrowRight", step)
    page.keyboard.press("n")
    until(page, lambda: "row=1" in page.url and "step=4" in page.url)
    address = page.url
    assert "token" not in address
    show_numbers(page, "network")
    shown = table(page, "network")
    press(page, "Home", 0)
    page.close()
    again = opened(context, address)
    at_step(again, 4)
    expect(again.get_by_role("heading", name="House 1", exact=True)).to_be_visible()
    show_numbers(again, "network")
    assert table(again, "network") == shown


def test_a_link_to_a_row_that_is_not_there_leads_to_the_last_one(context: BrowserContext, served: Served) -> None:
    page = opened(context, f"{served.address}#row=99999999")
    expect(page.get_by_role("heading", name="House 21612", exact=True)).to_be_visible()


def test_a_teacher_hides_views_by_the_address(context: BrowserContext, served: Served) -> None:
    page = opened(context, many(f"{served.address}#hide=timeline,chain,setup,tour"))
    expect(page.locator('[data-view="network"]')).to_be_visible()
    for view in ("timeline", "chain"):
        expect(page.locator(f'[data-view="{view}"]')).to_have_count(0)
    expect(page.get_by_role("button", name=re.compile("Your table"))).to_have_count(0)
    press(page, "ArrowRight", 1)
    assert "hide=" in page.url


def test_a_jump_by_number(page: Page) -> None:
    for step in range(1, 4):
        press(page, "ArrowRight", step)
    field = page.get_by_role("textbox", name="Step")
    field.fill("1")
    field.press("Enter")
    at_step(page, 1)
    field.fill("99")
    field.press("Enter")
    at_step(page, 3)
    field.fill("nonsense")
    field.press("Enter")
    expect(field).to_have_value("3")
