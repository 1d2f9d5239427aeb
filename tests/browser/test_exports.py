"""What a view hands out: a picture that stands alone, its numbers, and a link to the moment."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.image import imread
from playwright.sync_api import Browser, BrowserContext, Page, expect
from served import Served, at_step, many, number, opened, press, serving, show_numbers, table, watched

VIEWS = ("network", "timeline", "house", "chain")
STEP = 2


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One studio for all tests here."""
    with serving(tmp_path_factory.mktemp("exports")) as made:
        yield made


@pytest.fixture(scope="module")
def only(browser: Browser, served: Served) -> Iterator[tuple[Page, dict[str, bytes]]]:
    """One page, with a weight chosen; and the pictures that it gave as soon as it was there."""
    with watched(browser, permissions=["clipboard-read", "clipboard-write"]) as context:
        page = opened(context, many(served.address))
        first = {view: exported(page, view, "Picture, PNG") for view in ("network", "house")}
        for step in range(1, STEP + 1):
            press(page, "ArrowRight", step)
        page.locator('[role=button][data-id="weight w1[grade, 2]"]').focus()
        page.keyboard.press("Enter")
        expect(page.locator('[data-view="chain"] .factors')).to_be_visible()
        yield page, first


def exported(page: Page, view: str, what: str) -> bytes:
    place = page.locator(f'[data-view="{view}"]')
    place.locator("summary[aria-label^=Export]").click()
    with page.expect_download() as found:
        place.locator(".menu").get_by_role("button", name=what).click()
    name = found.value.suggested_filename
    assert re.fullmatch(rf"backlit-{view}-step-\d+\.(svg|png|csv)", name)
    return Path(found.value.path()).read_bytes()


def words_of(picture: bytes) -> list[str]:
    root = ElementTree.fromstring(picture)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    return ["".join(text.itertext()).strip() for text in root.iter("{http://www.w3.org/2000/svg}text")]


def dark(picture: bytes) -> np.ndarray:
    """Where a picture is dark."""
    return np.asarray(imread(io.BytesIO(picture), format="png"))[..., :3].mean(axis=2) < 0.5


@pytest.mark.parametrize("view", VIEWS)
def test_a_picture_has_its_numbers_and_stands_alone(only: tuple[Page, dict[str, bytes]], view: str) -> None:
    page, _ = only
    picture = exported(page, view, "Picture, SVG")
    text = picture.decode()
    assert "<script" not in text
    assert "foreignObject" not in text
    assert not re.search(r"""\son\w+=|(href|src)=["'](?!data:|#)|url\((?!["']?(data:|#))""", text)
    assert "var(--" not in text
    words = [word for word in words_of(picture) if word]
    body = page.locator(f'[data-view="{view}"] div.body')
    seen = body.locator("svg text").evaluate_all("all => all.map(one => one.textContent.trim()).filter(Boolean)")
    assert seen or view == "house"
    for one in seen:
        assert one in words
    for value in body.locator("dd:visible").all_inner_texts():
        assert any(part and part in "\n".join(words) for part in value.split("\n"))
    assert any(re.search(r"\d", word) for word in words)


@pytest.mark.parametrize("view", VIEWS)
def test_a_bitmap_is_what_the_page_shows(only: tuple[Page, dict[str, bytes]], view: str) -> None:
    page, _ = only
    body = page.locator(f'[data-view="{view}"] div.body')
    page.mouse.move(3, 3)
    box = body.bounding_box()
    found = dark(exported(page, view, "Picture, PNG"))
    assert box is not None
    assert found.shape[1] == pytest.approx(2 * box["width"], abs=2)
    assert found.shape[0] >= 2 * box["height"] - 2
    assert 0.003 < found.mean() < 0.3
    # Where the page has a text, the picture has ink.
    places = body.evaluate("""body => {
        const box = body.getBoundingClientRect(), found = [];
        for (const one of body.querySelectorAll('svg text, dd')) {
            const r = one.getBoundingClientRect(), shown = one.checkVisibility({ opacityProperty: true });
            if (shown && one.textContent.trim() && r.width > 8 && r.right <= box.right && r.bottom <= box.bottom)
                found.push([r.left - box.left, r.top - box.top, r.right - box.left, r.bottom - box.top]);
        }
        return found;
    }""")
    assert places or view == "chain"
    ink = [found[int(2 * y0) : int(2 * y1) + 1, int(2 * x0) : int(2 * x1) + 1].any() for x0, y0, x1, y1 in places]
    assert all(ink), [place for place, there in zip(places, ink) if not there]


def test_the_first_picture_has_its_text(only: tuple[Page, dict[str, bytes]]) -> None:
    page, first = only
    page.locator("body").press("Home")
    at_step(page, 0)
    page.mouse.move(0, 0)  # off every word that is explained, which Escape would close first
    page.locator("body").press("Escape")
    expect(page.locator('[data-view="chain"]').get_by_text("Click a weight")).to_be_visible()
    for view, before in first.items():
        early, late = dark(before), dark(exported(page, view, "Picture, PNG"))
        assert early.shape == late.shape
        assert early.sum() == pytest.approx(late.sum(), rel=0.02)
    page.locator("body").press("End")
    at_step(page, STEP)
    page.locator('[role=button][data-id="weight w1[grade, 2]"]').focus()
    page.keyboard.press("Enter")


@pytest.mark.parametrize("view", VIEWS)
def test_numbers_as_csv_are_those_of_the_table(only: tuple[Page, dict[str, bytes]], view: str) -> None:
    page, _ = only
    show_numbers(page, view)
    head, *rows = csv.reader(io.StringIO(exported(page, view, "Numbers, CSV").decode()))
    shown = table(page, view)
    assert len(shown) == len(rows) > 1
    assert head == page.locator(f'[data-view="{view}"] .table th').all_inner_texts()
    for ours, theirs in zip(shown, rows, strict=True):
        for a, b in zip(ours, theirs, strict=True):
            assert a == b.removeprefix("'").strip() or number(a) == number(b)
    show_numbers(page, view)


def test_the_link_opens_the_same_moment(
    only: tuple[Page, dict[str, bytes]], served: Served, context: BrowserContext
) -> None:
    page, _ = only
    page.locator("body").press("n")
    expect(page.get_by_role("heading", name="House 1", exact=True)).to_be_visible()
    page.locator("body").press("ArrowLeft")
    at_step(page, STEP - 1)
    place = page.locator('[data-view="chain"]')
    place.locator("summary[aria-label^=Export]").click()
    place.locator(".menu").get_by_role("button", name="Link").click()
    expect(page.get_by_text("The link to this moment is copied.")).to_be_visible()
    link = page.evaluate("navigator.clipboard.readText()")
    assert link.startswith(f"{served.origin}/#")
    assert "token" not in link
    opened(context, served.address).close()  # this window has the cookie now
    again = opened(context, link)
    at_step(again, STEP - 1)
    expect(again.get_by_role("heading", name="House 1", exact=True)).to_be_visible()
    expect(again.locator('[data-view="chain"]').get_by_role("heading", name="w1[grade, 2]")).to_be_visible()
    for view in ("network", "chain"):
        expect(again.locator(f'[data-view="{view}"] div.body')).to_be_visible()
        for one in (page, again):
            show_numbers(one, view)
        assert table(page, view) == table(again, view)
