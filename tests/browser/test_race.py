"""A race of learning rates on the page: three lanes, live, each with its curve and a sentence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect
from served import Complaints, Served, absent, at_step, many, opened, until, watched

import backlit as bl
from backlit.lesson import MANY, ONE

AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
NAMES = ["rate 0.0005", "rate 0.05", "rate 1.5"]  # that are proposed for one house


@pytest.fixture
def page(context: BrowserContext, served: Served) -> Page:
    """At one house."""
    return opened(context, served.address)


def form(page: Page) -> None:
    page.get_by_role("button", name="Race three rates").click()
    expect(page.get_by_label("The present rate")).to_have_value("0.05")


def begin(page: Page) -> None:
    page.locator('[data-view="race"]').get_by_role("button", name="Race", exact=True).click()


def over(page: Page) -> None:
    expect(page.get_by_role("button", name="Race again")).to_be_visible()


def text(page: Page, name: str) -> str:
    return page.locator(f'[data-lane="{name}"] p').inner_text()


def boxes(page: Page, selector: str) -> list[dict[str, float]]:
    return [box for one in page.locator(selector).all() if (box := one.bounding_box())]


def test_three_rates_race_and_one_goes_wrong(page: Page, run: bl.Run) -> None:
    form(page)
    for label, rate in (("One that crawls", "0.0005"), ("One that overshoots", "1.5")):
        expect(page.get_by_label(label)).to_have_value(rate)
    begin(page)
    expect(page.locator("[data-lane]")).to_have_count(3)
    # live: some are under way before any has come to its end
    until(page, lambda: all("of 30: E of house 0" in text(page, name) for name in NAMES))
    assert page.locator('[data-lane]:not([data-ending=""])').count() == 0
    over(page)
    lanes = [run.timeline(name) for name in NAMES]
    assert [lane.steps() for lane in lanes] == [30, 30, 21]
    for lane in lanes[:2]:
        before, after = (run.trace(step, [0], lane.name).E for step in (0, 30))
        said = re.search(r"fell by (?:only )?>?([\d.]+)%, from ([\d.e−]+) to ([\d.e−]+)\.$", text(page, lane.name))
        assert said, text(page, lane.name)
        share, *ends = (float(one.replace("−", "-").removesuffix(".")) for one in said.groups())
        assert ends == pytest.approx([before, after], rel=1e-3)
        assert share == pytest.approx(100 * (1 - after / before), abs=1)
    assert text(page, NAMES[0]).startswith("Crawls")
    assert text(page, NAMES[2]).startswith("Went wrong at step 21: E had risen from 0.5096 to 2.1e+36")
    assert page.locator('[role="status"]', has_text="Went wrong at step 21").count() == 1
    # one scale: the same level stands at the same height in each, and 1 lies above where E began
    tops = [[round(box["y"]) for box in boxes(page, f'[data-lane="{name}"] text.tick')] for name in NAMES]
    assert tops[0] == tops[1] == tops[2]
    # the curves are those that were recorded
    wide = page.locator(f'[data-lane="{NAMES[1]}"] .line')
    assert len(re.findall("[ML]", wide.get_attribute("d") or "")) == 30
    # they are in the tree like any other, and can be looked at, rewound, compared
    page.get_by_role("button", name="Look at rate 1.5").click()
    at_step(page, 21)
    expect(page.locator("main")).to_have_attribute("data-timeline", "rate 1.5")
    page.keyboard.press("ArrowLeft")
    at_step(page, 20)
    page.get_by_role("button", name="Compare with rate 0.05").click()
    expect(page.get_by_role("heading", name="rate 0.05 and rate 1.5")).to_be_visible()


def test_they_can_be_forgotten_and_raced_again(page: Page, run: bl.Run, complaints: Complaints) -> None:
    form(page)
    page.get_by_label("Steps of each").fill("4")
    for _ in range(2):
        begin(page)
        over(page)
        page.get_by_role("button", name="Look at rate 0.05").click()
        at_step(page, 4)
        assert len(re.findall("[ML]", page.locator('[data-lane="rate 0.05"] .line').get_attribute("d") or "")) == 4
        page.get_by_role("button", name="Forget these 3").click()
        at_step(page, 0)
        expect(page.locator("main")).to_have_attribute("data-timeline", ONE)
        expect(page.get_by_label("Steps of each")).to_have_value("4")
        until(page, lambda: [line.name for line in run.timelines()] == [MANY, ONE, "another house"])
    on_its_way(complaints)


def test_my_own_rates_from_the_first_step_of_many_houses(context: BrowserContext, served: Served, run: bl.Run) -> None:
    page = opened(context, many(served.address))
    for step in (1, 2):
        page.keyboard.press("ArrowRight")
        at_step(page, step)
    form(page)
    page.get_by_label("One that crawls").fill("0.1")
    page.get_by_label("Rate 2").fill("nothing")
    expect(page.locator('[data-view="race"]').get_by_role("button", name="Race", exact=True)).to_be_disabled()
    page.get_by_label("Rate 2").fill("0.2")
    page.get_by_label("Rate 3").fill("0.3")
    page.get_by_role("button", name="the first step", exact=True).click()
    page.get_by_label("Steps of each").fill("10")
    begin(page)
    over(page)
    expect(page.get_by_role("heading", name="3 learning rates from step 0 of 128 houses")).to_be_visible()
    for name in ("rate 0.1", "rate 0.2", "rate 0.3"):
        assert "E of 13,765 houses fell by" in text(page, name)
        assert run.timeline(name).steps() == 10
    at_step(page, 2)  # nobody was moved


def test_its_news_may_come_before_its_reply(page: Page) -> None:
    def late(route: Route) -> None:
        reply = route.fetch()
        page.wait_for_timeout(500)
        route.fulfill(response=reply)

    page.route("**/api/race", late)
    form(page)
    page.get_by_label("Steps of each").fill("40")
    begin(page)
    over(page)
    expect(page.locator('[data-view="race"] [role="alert"]')).to_have_count(0)


def test_it_can_be_stopped(page: Page, run: bl.Run, complaints: Complaints) -> None:
    form(page)
    page.get_by_label("Steps of each").fill("900")
    begin(page)
    until(page, lambda: re.search(r"Step \d+ of 900", text(page, NAMES[1])) is not None)
    page.keyboard.press("ArrowRight")  # one training at a time
    expect(page.get_by_text("is being trained", exact=False).first).to_be_visible()
    page.locator('[data-view="race"]').get_by_role("button", name="Stop").press("Enter")
    over(page)
    steps = [run.timeline(name).steps() for name in NAMES]
    assert max(steps[:2]) - min(steps[:2]) <= 1
    assert steps[0] < 900
    complaints.expect("is being trained")
    complaints.expect("status of 400")


def test_a_late_tab_sees_it_and_one_at_a_forgotten_timeline_goes_elsewhere(
    context: BrowserContext, served: Served, page: Page, complaints: Complaints
) -> None:
    form(page)
    page.get_by_label("Steps of each").fill("5")
    begin(page)
    over(page)
    other = opened(context, served.address)
    other.get_by_role("button", name="Race three rates").click()
    expect(other.locator("[data-lane]")).to_have_count(3)
    other.get_by_role("button", name="Look at rate 1.5").click()
    at_step(other, 5)
    page.get_by_role("button", name="Forget these 3").click()
    expect(other.locator("main")).to_have_attribute("data-timeline", ONE)
    on_its_way(complaints)


def on_its_way(complaints: Complaints) -> None:
    """A question may have been asked of a timeline just before it was forgotten."""
    complaints[:] = [one for one in complaints if "unknown timeline" not in one and "status of 400" not in one]


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1024, 768), (820, 1180), (390, 844)])
def test_it_can_be_used_by_everybody(browser: Browser, served: Served, width: int, height: int) -> None:
    if not AXE.exists():
        absent("no axe-core: it is where the page is built, in web/node_modules")
    viewport = {"width": width, "height": height}
    with watched(browser, viewport=viewport, reduced_motion="reduce") as context:
        context.add_init_script(path=AXE)
        page = opened(context, served.address)
        told: list[str] = []

        def looked_at() -> None:
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                found = page.evaluate("axe.run('[data-view=timeline]')")["violations"]
                told.extend(f"{one['id']}: {node['html']}" for one in found for node in one["nodes"])
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

        page.get_by_role("button", name="Race three rates").press("Enter")
        expect(page.get_by_label("The present rate")).to_have_value("0.05")
        looked_at()
        page.get_by_label("Steps of each").press("Enter")  # which sends the form
        over(page)
        looked_at()
        assert not told, "\n".join(told)
        lanes = boxes(page, "[data-lane]")
        side_by_side = len({round(box["y"]) for box in lanes}) == 1
        assert side_by_side == (width != 390)
        page.get_by_role("button", name="Look at rate 0.05").press("Escape")
        expect(page.locator("[data-lane]")).to_have_count(0)
        expect(page.get_by_role("button", name="Race three rates")).to_be_focused()
