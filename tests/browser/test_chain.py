"""The chain of a weight, and a weight that is moved by hand: every number is that of Python."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect
from served import (
    Served,
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
from backlit.explain.what_if import along_weight
from backlit.lesson import MANY

STEP = 3
FILE, REAL = "houses-3-3-1.backlit", "houses.backlit"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One studio for all tests here."""
    with serving(tmp_path_factory.mktemp("chain")) as made:
        yield made


@pytest.fixture(scope="module")
def only(browser: Browser, served: Served) -> Iterator[Page]:
    """One page."""
    with watched(browser) as context:
        yield opened(context, many(served.address))


@pytest.fixture
def page(only: Page) -> Page:
    """The 3-3-1 network at STEP of its first timeline, nothing chosen and nothing moved."""
    for _ in range(3):
        only.locator("body").press("Escape")
    only.get_by_role("button", name="Numbers", pressed=True).evaluate_all("all => all.forEach(one => one.click())")
    only.evaluate("location.hash = '#timeline=128+houses&step=0&row=0&of=row&new=' + Math.random()")
    at_step(only, 0)
    expect(only.locator("main")).to_have_attribute("data-timeline", MANY)
    for step in range(1, STEP + 1):
        press(only, "ArrowRight", step)
    return only


def trace_of(served: Served, rows: list[int] | None, file: str = FILE, step: int = STEP) -> bl.Trace:
    return served.run(step, file).trace(step, rows)


def view(page: Page) -> Locator:
    return page.locator('[data-view="chain"]')


def choose(page: Page, weight: str) -> None:
    """By the keyboard: it is focused and chosen."""
    page.locator(f'[role=button][data-id="weight {weight}"]').focus()
    page.keyboard.press("Enter")
    expect(view(page).get_by_role("heading", name=weight, exact=True)).to_be_visible()


def told(page: Page, name: str) -> float:
    """A number of the view, by what stands beside it."""
    found = view(page).locator("dl > div").filter(has=page.locator("dt", has_text=name)).first.locator("dd")
    return number(found.inner_text().removesuffix("%"))


def rows_of(t: bl.Trace, weight: str, points: int = 101, most: int = 8) -> list[list[Any]]:
    """The chain as the page's table should have it."""
    w = t[weight]
    found, parts = w.chain(most), w.by_row
    rows: list[list[Any]] = [["weight", "", w.value], ["∂E/∂w", "", w.gradient], ["share of all pull", "", w.blame]]
    for i, path in enumerate(found.paths, 1):
        rows += [[f"path {i}", factor.symbol, factor.value] for factor in path.factors]
        rows.append([f"path {i}", "product", path.product])
    if found.rest_paths:
        rows.append([f"the other {found.rest_paths} paths", "", found.rest])
    rows += [["part of a row", "", parts[i]] for i in np.argsort(-np.abs(parts), kind="stable")[:8]]
    if found.update:
        rows.append(["update" if found.update.happened else "would be", "", found.update.after])
    rows.append(["finite differences", "", found.check.value])
    curve = along_weight(t, weight, points=points)
    return rows + [["curve", "", *each] for each in zip(curve.w, curve.E, curve.tangent)]


def agrees(page: Page, expected: list[list[Any]], weight: str) -> None:
    """The page's table of numbers becomes that one."""
    gradient = expected[1][2]

    def there() -> bool:
        shown = table(page, "chain")
        return len(shown) == len(expected) and number(shown[1][4]) == pytest.approx(gradient, rel=1e-9, abs=1e-15)

    until(page, there)
    for shown, (what, symbol, *values) in zip(table(page, "chain"), expected, strict=True):
        assert shown[0] == what
        assert shown[2] == (symbol or weight)
        found = [number(cell) for cell in shown[4:] if cell]
        assert found == pytest.approx(values, rel=1e-7, abs=1e-11), shown


@pytest.mark.parametrize("weight", ["w1[grade, 2]", "b1[3]", "w2[1, 1]", "b2[1]"])
def test_the_chain_of_a_row_is_that_of_python(page: Page, served: Served, weight: str) -> None:
    t = trace_of(served, [0])
    found = t[weight].chain()
    choose(page, weight)
    show_numbers(page, "chain")
    agrees(page, rows_of(t, weight), weight)
    assert told(page, "value") == pytest.approx(found.value, rel=1e-3)
    assert told(page, "∂E/∂w") == pytest.approx(found.gradient, rel=1e-3)
    assert told(page, "of all pull") == pytest.approx(100 * found.blame, abs=0.06)
    chips = view(page).locator(".factors .chip .value").all_inner_texts()
    factors = [factor.value for factor in found.paths[0].factors]
    assert [number(chip) for chip in chips] == pytest.approx([*factors, found.paths[0].product], rel=1e-3)
    expect(view(page).get_by_text(f"agrees to {found.check.digits} digits")).to_be_visible()
    update = view(page).get_by_role("group", name="What this house alone would make of it")
    terms = [number(term.strip("()")) for term in update.locator(".value").all_inner_texts()]
    assert found.update is not None
    own = [term.value for term in found.update.terms]
    assert terms == pytest.approx([found.update.before, *own, found.update.after], rel=1e-4)
    assert terms[0] - terms[1] * terms[2] == pytest.approx(terms[3], rel=1e-3)


def test_the_chain_of_a_batch_is_the_update_that_happened(page: Page, served: Served) -> None:
    weight = "w1[sqft_living, 1]"
    t = trace_of(served, None)
    found, parts = t[weight].chain(), t[weight].by_row
    choose(page, weight)
    show_numbers(page, "chain")
    page.locator("body").press("b")
    agrees(page, rows_of(t, weight, points=41), weight)
    assert found.update is not None
    update = view(page).get_by_role("group", name="The update", exact=True)
    new = number(update.locator(".new .value").inner_text())
    assert new == pytest.approx(found.update.after, rel=1e-4)
    shares = view(page).locator("ul li").all_inner_texts()
    assert f"the other {len(t.data) - 8}, together" in shares[-1]
    sizes = [number(share.split("\n")[-1].removeprefix("+")) for share in shares]
    assert sum(sizes) == pytest.approx(found.gradient, rel=2e-3, abs=0.01 * max(map(abs, sizes)))
    press(page, "ArrowRight", STEP + 1)
    until(page, lambda: told(page, "value") == pytest.approx(new, rel=1e-3))
    page.locator("body").press("ArrowLeft")
    at_step(page, STEP)
    agrees(page, rows_of(t, weight, points=41), weight)
    first = view(page).locator("ul button").first
    row = int(first.inner_text().split()[1])
    assert row == t.rows[np.argmax(np.abs(parts))]
    first.click()
    expect(page.get_by_role("heading", name=f"House {row}", exact=True)).to_be_visible()


def test_the_chain_in_the_default_network(context: BrowserContext, serve: Callable[..., Served]) -> None:
    served = serve()
    page = opened(context, many(served.address))
    page.get_by_role("button", name="The real one").click()
    expect(page.get_by_text(REAL)).to_be_visible()
    expect(page.locator("main")).to_have_attribute("data-step", "0")
    press(page, "ArrowRight", 1)
    until(page, lambda: bl.open_run(served.folder / REAL).timeline().steps() == 1)  # it is told first and written then
    t = trace_of(served, [0], REAL, 1)
    for key, points in (("row", 101), ("batch", 41)):
        if key == "batch":
            page.locator("body").press("b")
            t = trace_of(served, None, REAL, 1)
        view(page).locator(".pulls li button").first.click()
        weight = view(page).locator("h3").first.inner_text()
        if key == "row":
            show_numbers(page, "chain")
        agrees(page, rows_of(t, weight, points), weight)
        page.keyboard.press("Escape")
    edge = page.locator('[role=button][data-id^="weight w1["]').first.get_attribute("data-id") or ""
    choose(page, edge.removeprefix("weight "))  # all bins of a column together
    agrees(page, rows_of(t, edge.removeprefix("weight "), 41), edge.removeprefix("weight "))


# --- a weight that is moved --------------------------------------------------------------------------------------


def moved(t: bl.Trace, weight: str, value: float) -> bl.Trace:
    theta = np.array(t.theta, np.float64)
    theta[t.net.positions(weight)] = np.float32(value)  # as the run would keep it
    return t.at(theta)


def slider(page: Page) -> Locator:
    return view(page).get_by_role("slider")


def value_of(page: Page) -> float:
    return float(slider(page).get_attribute("aria-valuenow") or "nan")


def test_a_weight_is_dragged_and_put_back(page: Page, served: Served) -> None:
    weight = "w1[grade, 2]"
    t = trace_of(served, [0])
    curve = along_weight(t, weight)
    coarse = float(np.abs(np.diff(curve.E, 2)).max()) / 8  # how far a chord is from its curve
    choose(page, weight)
    show_numbers(page, "chain")
    before = table(page, "chain")
    dot = slider(page)
    dot.scroll_into_view_if_needed()
    box = dot.locator(".now").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for by in (12, 31, 47):
        page.mouse.move(x + by, y - 5)
        w = value_of(page)
        E = moved(t, weight, w).E
        assert told(page, "E there") == pytest.approx(E, abs=coarse + 1e-3 * E)
        promise = t.E + t[weight].gradient * (w - t[weight].value)
        assert told(page, "the tangent promised") == pytest.approx(promise, rel=2e-3, abs=1e-3)
    page.mouse.up()
    there = moved(t, weight, w)
    until(page, lambda: told(page, "E there") == pytest.approx(there.E, rel=6e-4))
    agrees(page, rows_of(there, weight), weight)
    until(page, lambda: number(page.locator(".steps .E").inner_text()) == pytest.approx(there.E, rel=1e-3))
    assert number(view(page).locator("dd").first.inner_text()) == pytest.approx(w, rel=1e-3)
    view(page).get_by_role("button", name="Undo").click()
    until(page, lambda: table(page, "chain") == before)
    until(page, lambda: number(page.locator(".steps .E").inner_text()) == pytest.approx(t.E, rel=1e-3))


def test_a_weight_is_moved_by_keys(page: Page, served: Served) -> None:
    weight = "w2[3, 1]"
    t = trace_of(served, [0])
    choose(page, weight)
    show_numbers(page, "chain")
    begun = value_of(page)
    slider(page).focus()
    seen = [begun]
    for key in ("ArrowRight", "ArrowUp", "PageUp", "Shift+ArrowLeft", "Home", "End"):
        page.keyboard.press(key)
        seen.append(value_of(page))
    assert begun < seen[1] < seen[2] < seen[3]
    assert seen[5] == float(slider(page).get_attribute("aria-valuemin") or "nan")
    assert seen[6] == float(slider(page).get_attribute("aria-valuemax") or "nan")
    at_step(page, STEP)  # the keys were the slider's
    agrees(page, rows_of(moved(t, weight, seen[6]), weight), weight)
    page.keyboard.press("Escape")
    expect(view(page).get_by_role("button", name="Undo")).to_have_count(0)
    assert value_of(page) == begun


def test_starting_over_with_a_weight_is_the_fork_of_python(page: Page, served: Served, tmp_path: Path) -> None:
    weight = "w2[2, 1]"
    choose(page, weight)
    slider(page).focus()
    for _ in range(7):
        page.keyboard.press("Shift+ArrowRight")
    value = value_of(page)
    # A copy as it is now, in which Python does the same.
    with sqlite3.connect(served.folder / FILE) as source, sqlite3.connect(tmp_path / FILE) as copy:
        source.backup(copy)
    source.close()
    copy.close()
    view(page).get_by_role("button", name="Start over with w = ").click()
    expect(page.locator("main")).not_to_have_attribute("data-timeline", MANY)
    at_step(page, STEP)
    for step in range(STEP + 1, STEP + 4):
        press(page, "ArrowRight", step)
    name = page.get_attribute("main", "data-timeline")
    run = bl.open_run(served.folder / FILE)
    line = run.timeline(name)
    assert (line.parent and line.parent.name, line.start) == (MANY, STEP)
    state, at = line.at(STEP), run.net.positions(weight)
    before = run.at(STEP, MANY).theta
    assert float(state.theta[at][0]) == float(state.theta.dtype.type(value))
    assert np.array_equal(np.delete(state.theta, at), np.delete(before, at))
    fork = bl.open_run(tmp_path / FILE).fork(STEP, MANY, weights={weight: value})
    fork.train(3)
    until(page, lambda: line.steps() == STEP + 3)
    for step in range(STEP, STEP + 4):
        assert np.array_equal(fork.at(step).theta, line.at(step).theta)
