"""Several tabs, and a server that goes and comes back."""

from __future__ import annotations

import re
import signal

from playwright.sync_api import BrowserContext, Page, expect
from served import Complaints, Served, at_step, opened, press, show_numbers, table


def test_one_tab_drives_and_the_other_follows(context: BrowserContext, page: Page, served: Served) -> None:
    other = opened(context, served.origin)
    expect(other.get_by_text("Another tab drives")).to_be_visible()
    press(page, "ArrowRight", 1)
    at_step(other, 1)
    for each in (page, other):
        show_numbers(each, "network")
    assert table(page, "network") == table(other, "network")
    other.keyboard.press("ArrowRight")
    expect(other.get_by_text("take over to change")).to_be_visible()
    at_step(page, 1)
    other.get_by_role("button", name="Take over").click()
    expect(other.get_by_text("Another tab drives")).to_have_count(0)  # each tab hears of it when it does
    expect(page.get_by_text("Another tab drives")).to_be_visible()
    press(other, "ArrowRight", 2)
    at_step(page, 2)


def test_a_tab_that_looks_on_may_go_its_own_way(context: BrowserContext, page: Page, served: Served) -> None:
    press(page, "ArrowRight", 1)
    press(page, "ArrowRight", 2)
    other = opened(context, served.origin)
    at_step(other, 2)
    press(other, "ArrowLeft", 1)
    at_step(page, 2)
    press(page, "ArrowRight", 3)
    at_step(other, 1)
    other.get_by_role("button", name="Follow it").click()
    at_step(other, 3)
    press(page, "ArrowLeft", 2)
    at_step(other, 2)


def test_a_tab_that_looks_on_has_a_row_of_its_own(context: BrowserContext, page: Page, served: Served) -> None:
    other = opened(context, served.origin)
    other.keyboard.press("n")
    expect(other.get_by_role("heading", name="House 1", exact=True)).to_be_visible()
    expect(page.get_by_role("heading", name="House 0", exact=True)).to_be_visible()


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
    page = opened(context, served.address)
    press(page, "ArrowRight", 1)
    assert asked
    assert all(re.match(rf"({re.escape(served.origin)}|data:|blob:)", url) for url in asked)
