"""Pictures of every view, light and dark. With BACKLIT_PICTURES=1 they become those of the documentation."""

from __future__ import annotations

import os
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from served import Served, many, opened, press, serving, until, watched

import backlit as bl
from backlit.lesson import FIRST_FILE, MANY, ONE, REAL_FILE, first_run, real_run
from backlit.studio.shelf import SOURCE

FIGURES = Path(__file__).parents[2] / "docs" / "figures" / "studio"
KEPT = os.environ.get("BACKLIT_PICTURES") == "1"
MOST = 250_000  # bytes
LOOKS = ("light", "dark")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The first network after some epochs, with a fork; the real one after one epoch."""
    folder = tmp_path_factory.mktemp("pictures")
    first_run(folder / FIRST_FILE, SOURCE)
    run = bl.open_run(folder / FIRST_FILE)
    run.train(steps=1080)
    run.fork(216, MANY, name="faster", learning_rate=0.2)
    run.train(steps=864, timeline="faster")
    real_run(folder / REAL_FILE, SOURCE)
    bl.open_run(folder / REAL_FILE).train(steps=60)
    with serving(folder) as served:
        yield served


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = FIGURES if KEPT else tmp_path_factory.mktemp("figures")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def page(browser: Browser, served: Served) -> Iterator[Page]:
    size = {"width": 1280, "height": 800}
    with watched(browser, viewport=size, device_scale_factor=1, reduced_motion="reduce") as context:
        yield opened(context, many(f"{served.address}#run=first"))


def take(page: Page, folder: Path, name: str, what: Locator | None = None) -> None:
    """Light and dark."""
    page.mouse.move(0, 0)
    for look in LOOKS:
        page.emulate_media(color_scheme=look, reduced_motion="reduce")
        page.wait_for_timeout(350)  # colours have changed
        path = folder / f"{name}-{look}.png"
        if what is None:
            page.screenshot(path=path)
        else:
            what.screenshot(path=path)
        assert colours(path) > 12, f"{path} is blank"
        assert path.stat().st_size < MOST, f"{path} has {path.stat().st_size:,} bytes"
    page.emulate_media(color_scheme="light", reduced_motion="reduce")


def colours(path: Path) -> int:
    """How many different bytes there are in a picture, as the file format predicts each from those beside it."""
    data, at, pixels = path.read_bytes(), 8, b""
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        if data[at + 4 : at + 8] == b"IDAT":
            pixels += data[at + 8 : at + 8 + length]
        at += 12 + length
    return len(set(zlib.decompress(pixels)))


def view(page: Page, name: str) -> Locator:
    return page.locator(f'[data-view="{name}"]')


def go(page: Page, served: Served, place: str) -> None:
    page.goto(f"{served.origin}/#{place}")


def ready(page: Page, step: int, timeline: str) -> None:
    """The moment is drawn, and what goes with it."""
    expect(page.locator("main")).to_have_attribute("data-step", str(step))
    expect(page.locator("main")).to_have_attribute("data-timeline", timeline)
    page.wait_for_timeout(900)


def test_the_first_screen(browser: Browser, served: Served, folder: Path) -> None:
    size = {"width": 1280, "height": 720}
    with watched(browser, viewport=size, device_scale_factor=1, reduced_motion="reduce") as context:
        page = opened(context, f"{served.address}#run=first&depth=picture&timeline=one house&step=0")
        take(page, folder, "first-step")
        press(page, "ArrowRight", 1)
        expect(page.locator('[data-view="first"]')).to_have_attribute("data-beat", "")
        expect(page.locator(".account li").first).to_be_visible()
        take(page, folder, "first")
        page.get_by_role("button", name="Bet first").click()
        expect(page.locator(".bet form")).to_be_visible()
        take(page, folder, "bet")


def test_the_first_network(page: Page, served: Served, folder: Path) -> None:
    go(page, served, "run=first&timeline=faster&step=540&row=0&weight=w1[sqft_living, 2]")
    ready(page, 540, "faster")
    view(page, "timeline").get_by_label("Overlay 128 houses").check()
    expect(view(page, "chain").locator(".katex").first).to_be_attached()
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(500)
    take(page, folder, "page")
    for name in ("network", "chain", "timeline", "house", "steps"):
        take(page, folder, name, view(page, name))
    view(page, "timeline").get_by_role("button", name="Compare with 128 houses").click()
    expect(view(page, "timeline").locator(".panel table").first).to_be_visible()
    take(page, folder, "compare", view(page, "timeline"))
    view(page, "timeline").get_by_role("button", name="Close the comparison").click()
    view(page, "timeline").get_by_role("button", name="Start over from here").click()
    take(page, folder, "start-over", view(page, "timeline"))
    view(page, "timeline").get_by_role("button", name="Cancel").click()


def test_a_phase_and_a_unit(page: Page, served: Served, folder: Path) -> None:
    page.get_by_role("button", name="Backpropagate: the output").click()
    page.wait_for_timeout(900)
    take(page, folder, "backpropagate", view(page, "network"))
    page.keyboard.press("Escape")
    unit = view(page, "network").locator('[role=button][aria-label^="Unit 2 of layer 1"]')
    unit.focus()
    page.keyboard.press("Enter")
    expect(view(page, "network").get_by_role("button", name="← The network")).to_be_visible()
    page.wait_for_timeout(400)
    take(page, folder, "unit", view(page, "network"))
    page.keyboard.press("Escape")


def test_pulls_wishes_and_a_factor(page: Page, served: Served, folder: Path) -> None:
    go(page, served, f"run=first&timeline={MANY.replace(' ', '+')}&step=0&row=0")
    ready(page, 0, MANY)
    page.keyboard.press("Escape")
    expect(page.locator(".pulls li button")).to_have_count(16)
    take(page, folder, "pulls", view(page, "chain"))
    page.locator('.pulls [data-weight="w1[grade, 2]"]').click()
    expect(page.locator(".wishes .wish")).to_have_count(128)
    take(page, folder, "wishes", page.locator(".wishes"))
    page.locator(".factors .chip").nth(1).focus()
    expect(page.locator(".lights .factor")).to_have_count(1)
    page.evaluate("scrollTo(0, 0)")
    take(page, folder, "factor", view(page, "network"))
    page.keyboard.press("Escape")


def test_a_race(page: Page, served: Served, folder: Path) -> None:
    go(page, served, "run=first&timeline=one house&step=0&row=0")
    ready(page, 0, ONE)
    view(page, "timeline").get_by_role("button", name="Race three rates").click()
    race = view(page, "race")
    race.get_by_role("button", name=re.compile("^Race")).click()
    expect(race.locator('[data-lane]:not([data-ending=""])')).to_have_count(3)
    take(page, folder, "race", race)
    race.get_by_role("button", name=re.compile("^Forget")).click()
    expect(race.locator("[data-lane]")).to_have_count(0)
    page.keyboard.press("Escape")


def test_the_tour_and_the_set_up(page: Page, served: Served, folder: Path) -> None:
    page.get_by_role("button", name="Your table").click()
    page.get_by_role("region", name="a table that is here").get_by_role("button", name="houses").click()
    dialog = page.locator("dialog[open]")
    expect(dialog.get_by_label("To predict")).to_have_value("price")
    take(page, folder, "set-up")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.get_by_role("button", name="How does it learn?").click()
    card = page.locator("aside.card")
    for _ in range(3):
        card.get_by_role("button", name="Next").click()
    expect(card.get_by_role("heading")).to_have_text("How does it know which way?")
    page.wait_for_timeout(1500)
    take(page, folder, "tour")
    card.get_by_role("button", name="Leave").click()


def test_the_real_network(page: Page, served: Served, folder: Path) -> None:
    page.get_by_role("button", name="The real one").click()
    expect(page.locator("header strong")).to_have_text(REAL_FILE)
    last = int(bl.open_run(served.folder / REAL_FILE).timeline().steps())
    ready(page, last, "main")
    until(page, lambda: view(page, "network").locator(".wire").count() > 20)
    view(page, "chain").locator(".pulls li button").first.click()
    page.wait_for_timeout(1500)
    take(page, folder, "real", view(page, "network"))
    column = view(page, "network").locator('[role=button][aria-label^="Input sqft_living"]')
    column.first.focus()
    page.keyboard.press("Enter")
    expect(view(page, "network").get_by_role("button", name="Gather sqft_living")).to_be_visible()
    page.wait_for_timeout(900)
    take(page, folder, "bins", view(page, "network"))
