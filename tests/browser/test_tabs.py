"""Several tabs, and a server that goes and comes back."""

from __future__ import annotations

import re
import signal

from playwright.sync_api import BrowserContext, Locator, Page, expect
from served import Complaints, Served, at_step, many, opened, press, show_numbers, table, until

from backlit.lesson import MANY


def banner(page: Page) -> Locator:
    return page.locator(".banner")


def shown_step(page: Page) -> int:
    return int(page.get_attribute("main", "data-step") or 0)


def test_two_tabs_stand_at_different_moments(context: BrowserContext, page: Page, served: Served) -> None:
    for step in range(1, 4):
        press(page, "ArrowRight", step)
    served.run(3)
    other = opened(context, many(served.origin))
    at_step(other, 0)
    other.keyboard.press("n")
    expect(other.get_by_role("heading", name="House 1", exact=True)).to_be_visible()
    expect(page.get_by_role("heading", name="House 0", exact=True)).to_be_visible()
    press(other, "ArrowRight", 1)
    at_step(page, 3)
    press(page, "ArrowLeft", 2)
    at_step(other, 1)
    press(other, "ArrowRight", 2)
    other.keyboard.press("p")
    for each in (page, other):
        expect(each.get_by_role("heading", name="House 0", exact=True)).to_be_visible()
        show_numbers(each, "network")
    assert table(page, "network") == table(other, "network")  # one truth


def test_two_tabs_look_at_different_runs(context: BrowserContext, page: Page, served: Served) -> None:
    other = opened(context, many(served.origin))
    other.get_by_role("button", name="The real one").click()
    expect(other.locator("header .run")).to_contain_text("houses.backlit")
    expect(page.locator("header .run")).to_contain_text("houses-3-3-1.backlit")
    press(page, "ArrowRight", 1)
    press(other, "ArrowRight", 1)
    other.get_by_role("button", name="3-3-1").click()
    expect(other.locator("header .run")).to_contain_text("houses-3-3-1.backlit")
    press(other, "End", 1)


def test_a_tab_that_plays_moves_and_another_one_stands(context: BrowserContext, page: Page, served: Served) -> None:
    other = opened(context, many(served.origin))
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Stop", exact=True)).to_be_visible()
    expect(banner(other)).to_contain_text("128 houses is being trained")
    until(page, lambda: shown_step(page) > 5)
    assert shown_step(other) == 0
    made = other.locator(".where [title$=made]")
    until(page, lambda: int((made.get_attribute("title") or "0").split()[0]) > 5)  # it knows how many there are
    press(other, "ArrowRight", 1)
    other.keyboard.press("ArrowLeft")
    at_step(other, 0)
    expect(banner(page)).to_have_count(0)
    other.get_by_role("button", name="Go to the newest step").click()
    expect(other.get_by_role("button", name="Stop", exact=True)).to_be_visible()
    before = shown_step(other)
    until(page, lambda: shown_step(other) > max(5, before))
    press(other, "Home", 0)  # it leaves, and the training goes on
    expect(banner(other)).to_contain_text("128 houses is being trained")
    before = shown_step(page)
    until(page, lambda: shown_step(page) > before)
    other.get_by_role("button", name="Stop it").click()
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    expect(banner(other)).to_have_count(0)
    at_step(page, served.run(1).timeline().steps())
    assert shown_step(other) == 0


def test_a_command_fails_with_a_sentence(
    context: BrowserContext, page: Page, served: Served, complaints: Complaints
) -> None:
    other = opened(context, many(f"{served.origin}#hide=tour"))
    page.keyboard.press("Space")
    expect(banner(other)).to_contain_text("128 houses is being trained")
    other.get_by_role("button", name="Start over from here").click()
    timeline = other.locator('[data-view="timeline"]')
    timeline.locator("form button.main").click()
    expect(timeline.get_by_role("alert")).to_contain_text("128 houses of houses-3-3-1.backlit is being trained")
    until(other, lambda: len(complaints) == 2)  # the browser's own, and the server's sentence
    complaints.expect("a status of 400")
    complaints.expect("stop it first")
    other.get_by_role("button", name="Stop it").click()
    expect(banner(other)).to_have_count(0)
    timeline.locator("form button.main").click()
    expect(other.locator("main")).to_have_attribute("data-timeline", "fork 1")
    expect(page.locator("main")).to_have_attribute("data-timeline", MANY)


def test_what_is_recorded_is_played_in_two_tabs_at_once(context: BrowserContext, page: Page, served: Served) -> None:
    served.run(0).train(steps=60)
    pages = [opened(context, many(f"{served.origin}#step={step}")) for step in (0, 20)]
    for each in pages:
        each.get_by_label("Speed").select_option("5 steps a second")
        each.locator("body").press("Space")
    until(page, lambda: shown_step(pages[0]) >= 3 and shown_step(pages[1]) >= 23)
    assert shown_step(pages[0]) < 20
    for each in pages:
        each.keyboard.press("Space")
        expect(each.get_by_role("button", name="Play", exact=True)).to_be_visible()
    assert served.run(60).timeline().steps() == 60  # nothing was trained


def test_the_server_is_killed_and_comes_back(
    context: BrowserContext, page: Page, served: Served, complaints: Complaints
) -> None:
    press(page, "ArrowRight", 1)
    press(page, "ArrowRight", 2)
    show_numbers(page, "network")
    before = table(page, "network")
    served.run(2)
    served.end(signal.SIGKILL)
    expect(page.get_by_role("alert")).to_contain_text("does not answer")
    served.start()
    expect(page.get_by_role("alert")).to_contain_text("Open the address")
    context.request.get(served.address)  # as another tab of the same browser does that opens it
    expect(page.get_by_role("alert")).to_have_count(0)
    at_step(page, 2)
    assert table(page, "network") == before
    press(page, "ArrowRight", 3)
    press(page, "ArrowLeft", 2)
    assert table(page, "network") == before
    complaints.clear()  # of connections that were refused meanwhile


def test_a_page_without_its_cookie_says_what_to_do(
    context: BrowserContext, served: Served, complaints: Complaints
) -> None:
    page = context.new_page()
    page.goto(served.origin)
    expect(page.get_by_role("alert")).to_contain_text("backlit studio")
    complaints.expect("403")


def test_no_request_leaves_the_machine(context: BrowserContext, served: Served) -> None:
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page = opened(context, many(served.address))
    press(page, "ArrowRight", 1)
    assert asked
    assert all(re.match(rf"({re.escape(served.origin)}|data:|blob:)", url) for url in asked)
