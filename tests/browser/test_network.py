"""The network: its edges by pointer and keyboard, a column's bins, and a unit from inside."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from served import (
    at_step,
    many,
    number,
    opened,
    press,
    serving,
    show_numbers,
    table,
    until,
    watched,
)

import backlit as bl

FILE, REAL = "houses-3-3-1.backlit", "houses.backlit"
STEP = 2


def driven(browser: Browser, folder: pytest.TempPathFactory, real: bool) -> Iterator[tuple[Page, bl.Run]]:
    """A studio of its own with one page, at STEP; and the run as Python opens it."""
    with serving(folder.mktemp("network")) as served, watched(browser) as context:
        page = opened(context, many(served.address))
        if real:
            page.get_by_role("button", name="The real one").click()
            expect(page.locator("header").get_by_text(REAL)).to_be_visible(timeout=20_000)
        path = served.folder / (REAL if real else FILE)
        for step in range(1, STEP + 1):
            press(page, "ArrowRight", step)
        until(page, lambda: bl.open_run(path).timeline().steps() == STEP)  # it is told first and written then
        yield page, bl.open_run(path)


@pytest.fixture(scope="module")
def small(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Page, bl.Run]]:
    yield from driven(browser, tmp_path_factory, real=False)


@pytest.fixture(scope="module")
def large(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Page, bl.Run]]:
    yield from driven(browser, tmp_path_factory, real=True)


def view(page: Page) -> Locator:
    return page.locator('[data-view="network"]')


def item(page: Page, id: str) -> Locator:
    return page.locator(f'[role=button][data-id="{id}"]')


def said(text: str) -> list[float]:
    """The numbers of a sentence."""
    return [number(one) for one in re.findall(r"[−+]?\d[\d,]*\.?\d*(?:e[−+]?\d+)?", text)]


def test_every_edge_tells_its_numbers(small: tuple[Page, bl.Run]) -> None:
    page, run = small
    t = run.trace(STEP, [0])
    for name in t.net.weight_names():
        label = item(page, f"weight {name}").get_attribute("aria-label") or ""
        at = t.net.positions(name)[0]
        numbers = [t.theta[at], t.gradient[at], t.update.step[at]]
        assert said(label.rpartition(": ")[2].replace("∂E/∂w", "")) == pytest.approx(numbers, rel=6e-3, abs=1e-9), label


def test_the_pointer_shows_and_chooses_an_edge(small: tuple[Page, bl.Run]) -> None:
    page, run = small
    name = "w1[grade, 2]"
    w = run.trace(STEP, [0])[name]
    view(page).locator(f'.label[data-id="weight {name}"]').hover()
    tip = view(page).locator(".tip")
    expect(tip).to_contain_text(name)
    numbers = [number(one) for one in tip.locator("dd").all_inner_texts()[:2]]
    assert numbers == pytest.approx([w.value, w.gradient], rel=1e-3)
    view(page).locator(f'.label[data-id="weight {name}"]').click()
    expect(item(page, f"weight {name}")).to_have_attribute("aria-pressed", "true")
    expect(page.locator('[data-view="chain"]').get_by_role("heading", name=name, exact=True)).to_be_visible()
    page.mouse.move(5, 5)
    expect(tip).to_have_count(0)
    page.locator("body").press("Escape")
    expect(item(page, f"weight {name}")).to_have_attribute("aria-pressed", "false")


def test_the_keyboard_goes_through_the_network(small: tuple[Page, bl.Run]) -> None:
    page, run = small
    focused = "document.activeElement.dataset.id"
    ids = [one.get_attribute("data-id") for one in page.locator("[data-view=network] [role=button][data-id]").all()]
    assert page.locator("[data-view=network] [role=button][tabindex='0']").count() == 1
    item(page, "weight w1[sqft_living, 1]").focus()
    seen = [page.evaluate(focused)]
    for _ in range(len(ids) - 1):
        page.keyboard.press("ArrowDown")
        seen.append(page.evaluate(focused))
    seen += [page.evaluate(focused)]
    page.keyboard.press("Shift+ArrowUp")
    for _ in range(len(ids)):
        page.keyboard.press("ArrowUp")
        seen.append(page.evaluate(focused))
    assert set(seen) == set(ids)
    at_step(page, STEP)
    item(page, "weight w2[2, 1]").focus()
    page.keyboard.press("Enter")
    expect(page.locator('[data-view="chain"]').get_by_role("heading", name="w2[2, 1]", exact=True)).to_be_visible()
    page.keyboard.press("+")
    expect(view(page).get_by_role("button", name="Undo")).to_be_visible()
    moved = np.array(run.at(STEP).theta)
    moved[run.net.positions("w2[2, 1]")] += np.float32(0.01)
    E = run.trace(STEP, [0]).at(moved.astype(np.float64)).E
    until(page, lambda: number(page.locator(".steps .E").inner_text()) == pytest.approx(E, rel=2e-3))
    page.keyboard.press("Escape")
    expect(view(page).get_by_role("button", name="Undo")).to_have_count(0)


def inside(page: Page, t: bl.Trace, layer: int, unit: int) -> None:
    """The unit that is looked into has the numbers of a trace: each term, the rest, their sum, and what comes back."""
    picture = view(page).locator("div.unit")
    expect(picture.locator("tfoot")).to_be_visible()
    u = t.unit(layer, unit)
    inputs = u.inputs.mean(axis=0)
    products, z, a = inputs * u.weights, u.z.mean(), u.a.mean()
    rows = picture.locator("tbody tr").evaluate_all("all => all.map(row => [...row.cells].map(c => c.innerText))")
    shown = [number(row[7]) for row in rows]
    named = picture.locator("tbody button").evaluate_all("all => all.map(one => one.title.replace('Select ', ''))")
    listed = [u.names.index(name) for name in named[:-1]]
    assert len(listed) == min(14, len(products))
    for sizes in (products, u.wishes.weights, u.wishes.inputs):
        assert np.abs(sizes)[listed].max() == np.abs(sizes).max()
    expected = products[listed].tolist()
    if len(products) > 14:
        expected.append(np.delete(products, listed).sum())
        assert f"{len(products) - 14} more" in rows[-2][0]
    assert shown == pytest.approx([*expected, u.bias], rel=1e-3, abs=1e-9)
    for row, i in zip(rows, listed):
        assert [number(row[1]), number(row[4])] == pytest.approx([inputs[i], u.weights[i]], rel=1e-3, abs=1e-9)
    assert sum(shown) == pytest.approx(z, rel=1e-3, abs=1e-3 * max(map(abs, shown)))
    assert number(picture.locator("tfoot .product").inner_text()) == pytest.approx(z, rel=1e-3)
    flow = [said(one)[-1] for one in picture.locator(".flow > span:not(.sign)").all_inner_texts()]
    back = [u.dz.sum(), u.da.sum(), u.slope.mean()]
    curved = t.stage(layer).layer.function != "identity"  # without an activation there is the sum alone
    assert flow == pytest.approx([z, a, *back] if curved else back[:1], rel=1e-3, abs=1e-9)


def test_a_unit_from_inside(small: tuple[Page, bl.Run]) -> None:
    page, run = small
    for of in ("row", "batch"):
        if of == "batch":
            page.locator("body").press("b")
            expect(page.get_by_role("heading", name="Batch")).to_be_visible()
        t = run.trace(STEP, [0] if of == "row" else None)
        until(page, lambda: number(page.locator(".steps .E").inner_text()) == pytest.approx(t.E, rel=1e-3))  # noqa: B023
        for layer, unit in ((1, 2), (2, 1)):
            item(page, f"unit {layer} {unit - 1}").focus()
            page.keyboard.press("Enter")
            expect(view(page).get_by_role("heading", level=3)).to_be_focused()
            inside(page, t, layer, unit)
            page.keyboard.press("Escape")
            expect(item(page, f"unit {layer} {unit - 1}")).to_be_focused()
    page.locator("body").press("b")


def test_a_unit_of_the_default_network(large: tuple[Page, bl.Run]) -> None:
    page, run = large
    found = view(page).locator('[role=button][data-id="unit 1 0"]')
    unit = int(re.search(r"nit (\d+) of layer 1", found.get_attribute("aria-label") or "")[1])  # type: ignore[index]
    found.focus()
    page.keyboard.press("Enter")
    inside(page, run.trace(STEP, [0]), 1, unit)
    page.keyboard.press("Escape")


def test_the_bins_of_a_column(large: tuple[Page, bl.Run]) -> None:
    page, run = large
    t = run.trace(STEP, [0])
    show_numbers(page, "network")

    def agrees() -> int:
        """How many weights are shown; each is one of Python's, or the sum of its bins."""
        shown = table(page, "network")
        for name, *values in shown:
            at = t.net.positions(name)
            sums = [float(vector[at].sum()) for vector in (t.theta, t.gradient, t.update.step)]
            assert [number(value) for value in values] == pytest.approx(sums, rel=1e-4, abs=1e-6), name
        return len(shown)

    assert agrees() > 100
    name = "sqft_living"
    gathered = [row[0] for row in table(page, "network") if row[0].startswith(f"w1[{name},")]
    assert gathered
    assert len(t.net.positions(gathered[0])) > 5
    view(page).get_by_role("button", name=re.compile(f"^Input {name}, \\d+ bins")).focus()
    page.keyboard.press("Enter")
    expect(view(page).get_by_role("button", name=f"Gather {name}")).to_be_visible()
    until(page, lambda: any(f"{name}#" in row[0] for row in table(page, "network")))
    agrees()
    one = next(row for row in table(page, "network") if f"{name}#" in row[0])
    at = t.net.positions(one[0])
    assert len(at) == 1
    assert number(one[1]) == pytest.approx(t.theta[at[0]], rel=1e-6)
    view(page).get_by_role("button", name=f"Gather {name}").click()
    until(page, lambda: not any(f"{name}#" in row[0] for row in table(page, "network")))
    agrees()
