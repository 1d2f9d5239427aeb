"""Maps of the units, the price surface and the landscape of E: what the page draws and says is what Python computes."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import polars as pl
import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from served import many, number, opened, press, serving, until, watched

import backlit as bl
from backlit.explain.maps import extents, grid, surface

FILE, STEP, POINTS = "houses-3-3-1.backlit", 3, 24

PIXELS = """async (href) => {
    const image = new Image(); image.src = href; await image.decode();
    const canvas = document.createElement('canvas'); [canvas.width, canvas.height] = [image.width, image.height];
    const context = canvas.getContext('2d'); context.drawImage(image, 0, 0);
    return [...context.getImageData(0, 0, image.width, image.height).data];
}"""


@pytest.fixture(scope="module")
def small(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Page, bl.Run]]:
    with serving(tmp_path_factory.mktemp("maps")) as served, watched(browser) as context:
        page = opened(context, many(served.address))
        for step in range(1, STEP + 1):
            press(page, "ArrowRight", step)
        yield page, served.run(STEP)


def view(page: Page) -> Locator:
    return page.locator('[data-view="network"]')


def pixels(page: Page, href: str) -> np.ndarray:
    """(rows from the top, columns, red green blue)."""
    all_ = np.array(page.evaluate(PIXELS, href), float)
    side = round((len(all_) / 4) ** 0.5)
    return all_.reshape(side, side, 4)[:, :, :3]


def predicted(run: bl.Run, **columns: float) -> float:
    """What the model says of house 0 with some columns other."""
    house = run.frame()[:1].with_columns(**{name: pl.lit(value) for name, value in columns.items()})
    return float(bl.Model(run.table, run.net, run.at(STEP).theta).predict(house)[0])


def test_each_unit_has_a_map_of_its_activation(small: tuple[Page, bl.Run]) -> None:
    """Blue where it is above the middle, orange below, the stronger the farther."""
    page, run = small
    images = view(page).locator("g.map image")
    expect(images).to_have_count(4)
    t = run.trace(STEP, [0])
    points = grid(t, extents(t, run.timeline().learn().X), "sqft_living", "lat", POINTS)
    maps = [surface(t, points, 1, unit).values for unit in (1, 2, 3)]
    middle = float(run.timeline().learn().Y.mean()) * run.table.target.scale[0] + run.table.target.centre[0]
    maps.append(surface(t, points, 2, 1).values - middle)

    def agree() -> bool:
        for i, values in enumerate(maps):
            seen = pixels(page, images.nth(i).get_attribute("href") or "")[::-1]  # y ascending
            blueness = seen[:, :, 2] - seen[:, :, 0]
            sure = np.abs(values) > 0.1 * np.abs(values).max()
            if not np.array_equal(blueness[sure] > 0, values[sure] > 0):
                return False
            below = np.flatnonzero(values.ravel() < 0)
            if len(below) > 9 and np.corrcoef(values.ravel()[below], blueness.ravel()[below])[0, 1] < 0.9:
                return False
        return True

    until(page, agree)


def test_maps_move_with_the_step_and_cost_nothing_where_they_are_not_seen(small: tuple[Page, bl.Run]) -> None:
    page, _ = small
    image = view(page).locator("g.map image").last
    now = image.get_attribute("href")
    press(page, "ArrowLeft", STEP - 1)
    until(page, lambda: image.get_attribute("href") != now)
    press(page, "ArrowRight", STEP)
    until(page, lambda: image.get_attribute("href") == now)
    page.locator('[role=button][data-id="unit 1 0"]').focus()
    page.keyboard.press("Enter")
    expect(view(page).get_by_role("heading", level=3)).to_be_focused()
    expect(view(page).locator("g.map")).to_have_count(0)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.rpartition("/")[2]))
    press(page, "ArrowLeft", STEP - 1)
    press(page, "ArrowRight", STEP)
    until(page, lambda: "surface" in asked)
    assert "maps" not in asked
    page.keyboard.press("Escape")


def test_the_price_surface_is_read_off_by_keys(small: tuple[Page, bl.Run]) -> None:
    page, run = small
    page.locator('[role=button][data-id="unit 2 0"]').click()
    large = view(page).locator("section.large")
    told = large.locator("figcaption")
    expect(told).to_contain_text("house 0")
    assert number(told.inner_text().partition("$")[2]) == pytest.approx(predicted(run), rel=1e-3)
    expect(large).to_contain_text("Held as in house 0: grade 7.")
    picture = large.get_by_role("application")
    label = picture.get_attribute("aria-label") or ""
    assert re.match(r"price over sqft_living from .+ sqft to .+ sqft and lat from .+° to .+°: from \$.+ to \$", label)
    picture.focus()
    for key in ("ArrowRight", "Shift+ArrowRight", "ArrowUp"):
        page.keyboard.press(key)
    found = re.fullmatch(r"sqft_living ([\d,.]+) sqft, lat ([\d.]+)°: price \$([\d,]+)", told.inner_text())
    assert found, told.inner_text()
    area, latitude, price = map(number, found.groups())
    assert price == pytest.approx(predicted(run, sqft_living=area, lat=latitude), rel=5e-3)
    assert area > 1180
    at = page.locator("main").get_attribute("data-step")
    assert at == str(STEP)  # the arrows were the map's
    levels = [number(text.strip(" $K\n")) for text in large.locator("text.level").all_text_contents()]
    assert len(levels) > 1
    assert levels == sorted(levels)
    assert large.locator("circle.row").count() > 150
    page.keyboard.press("Escape")


def test_other_columns_and_a_curve(small: tuple[Page, bl.Run]) -> None:
    page, run = small
    page.locator('[role=button][data-id="unit 2 0"]').click()
    large = view(page).locator("section.large")
    large.get_by_label("across").select_option("grade")
    expect(large).to_contain_text("Held as in house 0: sqft_living 1,180 sqft.")
    large.get_by_label("up").select_option("grade")  # they change places
    expect(large.get_by_label("across")).to_have_value("lat")
    large.get_by_label("up").select_option("")
    expect(large.locator("path.curve")).to_have_count(1)
    expect(large).to_contain_text("sqft_living 1,180 sqft, grade 7")
    large.get_by_role("application").focus()
    page.keyboard.press("ArrowRight")
    found = re.fullmatch(r"lat ([\d.]+)°: price \$([\d,]+)", large.locator("figcaption").inner_text())
    assert found
    latitude, price = map(number, found.groups())
    assert price == pytest.approx(predicted(run, lat=latitude), rel=5e-3)
    page.keyboard.press("Escape")
    expect(view(page).locator("g.map path.curve")).to_have_count(4)
    page.locator('[role=button][data-id="unit 2 0"]').click()
    large.get_by_label("across").select_option("sqft_living")
    large.get_by_label("up").select_option("lat")
    page.keyboard.press("Escape")
    expect(view(page).locator("g.map image")).to_have_count(4)


def test_the_landscape_of_two_weights(small: tuple[Page, bl.Run]) -> None:
    page, run = small
    timeline = page.locator('[data-view="timeline"]')
    timeline.get_by_role("button", name="over two weights").click()
    told = timeline.locator("figcaption")
    t = run.trace(STEP, [0])
    expect(told).to_contain_text("now")
    assert number(told.inner_text().rpartition(" ")[2]) == pytest.approx(t.E, rel=1e-3)
    timeline.get_by_label("across").select_option("w1[lat, 2]")
    timeline.get_by_label("up").select_option("b2[1]")
    expect(timeline).to_contain_text(f"the last {STEP} steps; the other weights moved, too")
    expect(timeline.locator("circle.was")).to_have_count(STEP)
    picture = timeline.get_by_role("application")
    until(page, lambda: bool(re.match(r"E over w1\[lat, 2\] .+ b2\[1\] ", picture.get_attribute("aria-label") or "")))
    picture.focus()
    page.keyboard.press("Shift+ArrowUp")
    found = re.fullmatch(r"w1\[lat, 2\] (\S+), b2\[1\] (\S+): E (\S+)", told.inner_text())
    assert found, told.inner_text()
    x, y, E = map(number, found.groups())
    theta = t.theta.copy()
    theta[[t.net.positions(name)[0] for name in ("w1[lat, 2]", "b2[1]")]] = x, y
    assert pytest.approx(t.at(theta).E, rel=0.02) == E
    timeline.get_by_role("button", name="along this step").click()
    expect(timeline.get_by_role("heading", name="Along this step")).to_be_visible()
