"""The tour: from start to end by its own tasks, left and taken up again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect
from served import READY, Complaints, Served, at_step, opened, show_numbers, table, until, window

import backlit as bl
from backlit.lesson import MANY, ONE

DONE = "Done. You can go on."


@pytest.fixture
def context(browser: Browser, complaints: Complaints, serve: object) -> Iterator[BrowserContext]:
    """Nothing scrolls smoothly."""
    with window(browser, complaints, reduced_motion="reduce") as made:
        yield made


def card(page: Page) -> Locator:
    return page.get_by_role("dialog", name="", exact=False).filter(has_text="How does it learn?")


def title(page: Page, text: str) -> None:
    expect(card(page).get_by_role("heading")).to_have_text(text)


def staged(page: Page) -> None:
    """The moment that it talks about is there; what is done from now on counts."""
    expect(card(page)).to_have_attribute("data-stage", "set")


def noticed(page: Page) -> None:
    """What it asked for was done; on to the next."""
    expect(card(page)).to_contain_text(DONE)
    card(page).get_by_role("button", name="Next").click()
    expect(card(page)).not_to_contain_text(DONE)
    staged(page)


def centre(found: Locator) -> tuple[float, float]:
    found.scroll_into_view_if_needed()
    box = found.bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page: Page, found: Locator, x: float) -> None:
    """To the right by so many pixels."""
    at = centre(found)
    page.mouse.move(*at)
    page.mouse.down()
    page.mouse.move(at[0] + x, at[1], steps=6)
    page.mouse.up()


def test_from_start_to_end_by_its_tasks(page: Page, served: Served) -> None:
    run = bl.open_run(served.folder / "houses-3-3-1.backlit")
    timeline, network = page.locator('[data-view="timeline"]'), page.locator('[data-view="network"]')
    page.get_by_role("region", name="A tour").get_by_role("button", name="Start").click()

    title(page, "How does it come to a prediction?")
    staged(page)
    page.keyboard.press("Shift+ArrowRight")
    noticed(page)

    title(page, "How wrong is it?")
    t = run.trace(0, [0])
    assert page.get_attribute("main", "data-timeline") == ONE
    expect(card(page)).to_contain_text(f"${t.prediction[0, 0]:,.0f}")
    page.keyboard.press("n")
    noticed(page)

    title(page, "Would another weight have been better?")
    dot = page.locator('[data-view="chain"] .dot')
    expect(dot).to_be_visible()
    drag(page, dot, -40 if t["w2[1, 1]"].gradient > 0 else 40)
    noticed(page)

    title(page, "Which weights matter most?")
    show_numbers(page, "network")
    names = [row[0] for row in table(page, "network") if row[0].startswith("w")]
    steepest = max(names, key=lambda name: abs(t[name].gradient))
    network.locator(f'g.label[data-id="weight {steepest}"]').click()
    noticed(page)

    title(page, "How far should the weights move?")
    grip = timeline.get_by_role("slider", name="Another learning rate for this step")
    best = timeline.locator("circle.best")
    drag(page, grip, centre(best)[0] - centre(grip)[0])
    timeline.locator("form button.main").click()
    noticed(page)
    own = run.timelines()[-1]
    assert (len(run.timelines()), own.parent and own.parent.name) == (4, ONE)
    assert own.settings().learning_rate != 0.05

    title(page, "Why is there a minus?")
    page.keyboard.press("ArrowRight")
    at_step(page, 1)
    page.keyboard.press("ArrowLeft")
    at_step(page, 0)
    noticed(page)

    title(page, "How do the first weights get to know?")
    for _ in range(2):
        page.keyboard.press("Shift+ArrowRight")
    noticed(page)

    title(page, "Is one step enough?")
    page.get_by_label("Speed").select_option("250 steps a second")
    page.get_by_role("button", name="Play", exact=True).click()
    noticed(page)

    title(page, "When should it stop?")
    stop = page.get_by_role("button", name="Stop", exact=True)
    if not stop.is_visible():
        page.get_by_role("button", name="Play", exact=True).click()
    until(page, lambda: int(page.get_attribute("main", "data-step") or 0) > 800)
    stop.click()
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    x, _ = centre(timeline.get_by_role("slider", name="Step", exact=True))
    area = timeline.locator(".lines .area").bounding_box()
    assert area
    page.mouse.click(x - 25, area["y"] + 90)
    noticed(page)

    title(page, "And if I had chosen otherwise?")
    page.keyboard.press("Home")
    at_step(page, 0)
    timeline.get_by_role("button", name="Start over from here").click()
    timeline.get_by_label("Learning rate", exact=True).fill("0.5")
    timeline.locator("form button.main").click()
    expect(card(page)).to_contain_text(DONE)
    card(page).get_by_role("button", name="Next").click()

    title(page, "Now it is yours")
    card(page).get_by_role("button", name="Finish").click()
    expect(card(page)).to_have_count(0)
    assert len(run.timelines()) == 5
    own = run.timelines()[-1]
    assert own.parent is not None
    assert own.parent.name == MANY  # since its eighth stop


def test_it_is_offered_once_and_left_and_taken_up_again(context: BrowserContext, page: Page, served: Served) -> None:
    offer = page.get_by_role("region", name="A tour")
    offer.get_by_role("button", name="Start").click()
    for _ in range(2):
        card(page).get_by_role("button", name="Next").click()
    title(page, "Would another weight have been better?")
    until(page, lambda: "tour=3" in page.url)
    page.reload()
    title(page, "Would another weight have been better?")
    card(page).get_by_role("button", name="Skip").click()
    expect(card(page)).to_have_count(0)
    until(page, lambda: "tour" not in page.url)
    page.reload()
    page.wait_for_selector(READY)
    expect(page.get_by_role("button", name="How does it learn?")).to_be_visible()
    expect(offer).to_have_count(0)
    page.get_by_role("button", name="How does it learn?").click()
    title(page, "How does it come to a prediction?")
    card(page).get_by_role("button", name="Continue the tour at 3 of 10").click()
    title(page, "Would another weight have been better?")
    card(page).get_by_role("heading").press("Escape")
    expect(card(page)).to_have_count(0)
    other = opened(context, f"{served.origin}/#tour=4")
    title(other, "Which weights matter most?")
    last = opened(context, f"{served.origin}/#tour=99")
    title(last, "Now it is yours")


def test_not_now_is_remembered(page: Page) -> None:
    offer = page.get_by_role("region", name="A tour")
    offer.get_by_role("button", name="Not now").click()
    expect(offer).to_have_count(0)
    page.reload()
    page.wait_for_selector(READY)
    page.wait_for_timeout(200)
    expect(offer).to_have_count(0)
