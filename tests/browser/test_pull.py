"""The pull of the error: edges, dashes and halos as thick as Python's gradient, once it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect
from served import READY, many, opened, serving, until, watched

import backlit as bl
from backlit.explain.trace import Trace

FILE, REAL = "houses-3-3-1.backlit", "houses.backlit"
WIDTHS = """selector => Object.fromEntries([...document.querySelectorAll('[role=button][data-id]')].flatMap(one => {
  const drawn = one.querySelector(selector)
  return drawn ? [[one.dataset.id, [parseFloat(getComputedStyle(drawn).strokeWidth), drawn.style.stroke]]] : []
}))"""
CATCH = """widths => {  // those of the edges and the halos, once the pull has come back to the first layer
  const read = eval(widths)
  window.caught = new Promise(done => {
    const watch = new MutationObserver(() => {
      if (!document.querySelector('[data-beat="backward 1"]')) return
      watch.disconnect()
      done([read('.pull'), read('.halo')])
    })
    watch.observe(document, { subtree: true, attributeFilter: ['data-beat'] })
  })
}"""


@pytest.fixture(scope="module")
def small(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Page, bl.Run]]:
    with serving(tmp_path_factory.mktemp("pull")) as served, watched(browser, reduced_motion="reduce") as context:
        page = opened(context, many(served.address) + "&row=17&by=pull")
        yield page, bl.open_run(served.folder / FILE)


def widths(page: Page, selector: str) -> dict[str, float]:
    return {id: width for id, (width, _) in page.evaluate(WIDTHS, selector).items()}


def proportional(drawn: dict[str, float], true: dict[str, float]) -> bool:
    """Whether widths are so many pixels for each unit of the numbers' sizes, and as many numbers are drawn."""
    assert drawn.keys() == true.keys()
    sizes = np.abs([true[id] for id in drawn])
    each = max(drawn.values()) / sizes.max()
    return np.allclose(list(drawn.values()), each * sizes, atol=0.02) and max(drawn.values()) > 5


def pulls(t: Trace, *layers: int) -> dict[str, float]:
    """∂E/∂w of each weight of some layers."""
    names = [name for name in t.net.weight_names() if name[1] in map(str, layers)]
    return {f"weight {name}": t[name].gradient for name in names}


def of_units(t: Trace) -> dict[str, float]:
    """∂E/∂z of each unit."""
    return {f"unit {c} {k}": dz for c in (1, 2) for k, dz in enumerate(t.layer(c).dZ[0])}


def test_edges_biases_and_halos_are_as_thick_as_their_pull(small: tuple[Page, bl.Run]) -> None:
    page, run = small
    t = run.trace(0, [17])
    all = pulls(t, 1, 2)
    until(page, lambda: proportional(widths(page, ".line, .stub"), all))  # once the row's numbers are there
    signs = {id: "negative" in stroke for id, (_, stroke) in page.evaluate(WIDTHS, ".line, .stub").items()}
    assert signs == {id: pull < 0 for id, pull in all.items()}
    assert proportional(widths(page, ".halo"), of_units(t))
    expect(page.get_by_text("Thick: pulled hard")).to_be_visible()


def test_the_switch_is_remembered_and_stands_in_the_address(small: tuple[Page, bl.Run]) -> None:
    page, run = small
    switch = page.get_by_role("group", name="Edges as thick as their")
    switch.get_by_role("button", name="weight").click()
    assert widths(page, ".halo, .stub") == {}
    t = run.trace(0, [17])
    own = {id: width for id, width in widths(page, ".line").items() if id.startswith("weight w1")}
    assert proportional(own, {id: t[id.removeprefix("weight ")].value for id in own})
    until(page, lambda: "by=" not in page.url)
    switch.get_by_role("button", name="pull").click()
    until(page, lambda: "by=pull" in page.url)
    page.goto(page.url.replace("&by=pull", ""))
    page.reload()
    page.wait_for_selector(READY)
    expect(switch.get_by_role("button", name="pull")).to_have_attribute("aria-pressed", "true")


@pytest.fixture
def phases(browser: Browser, small: tuple[Page, bl.Run]) -> Iterator[tuple[Page, bl.Run]]:
    """A page with everything that moves, at the phase of the error; edges are as thick as their weights."""
    with watched(browser) as context:
        address = small[0].url.partition("#")[0]
        context.add_cookies(small[0].context.cookies())  # type: ignore
        yield opened(context, many(address) + "&row=17&phase=2"), small[1]


def test_the_pull_comes_back_layer_by_layer(phases: tuple[Page, bl.Run]) -> None:
    page, run = phases
    t = run.trace(0, [17])
    assert widths(page, ".halo, .stub") == {}
    for layer, known in ((2, [2]), (1, [1, 2])):
        page.keyboard.press("Shift+ArrowRight")
        page.wait_for_selector(".travel.backward path", state="attached")
        all = pulls(t, 1, 2)
        each = 10 / max(map(abs, all.values()))
        until(page, partial(drawn_as, page, pulls(t, *known), each))
        names = [id for id in all if id.startswith(f"weight w{layer}")]
        dashes = page.eval_on_selector_all(
            ".travel.backward path", "all => all.map(one => parseFloat(getComputedStyle(one).strokeWidth))"
        )
        assert dashes == pytest.approx([each * abs(all[id]) for id in names], abs=0.02)
        assert len(widths(page, ".halo")) == {2: 1, 1: 4}[layer]


def drawn_as(page: Page, true: dict[str, float], each: float) -> bool:
    drawn = widths(page, ".line, .stub")
    return all(abs(drawn[id] - each * abs(pull)) < 0.02 for id, pull in true.items())


def test_in_the_film_edges_swell_by_their_pull(browser: Browser, small: tuple[Page, bl.Run]) -> None:
    with watched(browser, new=True, reduced_motion="reduce") as context:
        context.add_cookies(small[0].context.cookies())  # type: ignore
        page = opened(context, small[0].url.partition("#")[0])
        t = small[1].trace(0, [0])
        page.evaluate(CATCH, WIDTHS)
        page.get_by_role("button", name="Learn from this mistake").click()
        lines, halos = page.evaluate("() => window.caught")
        assert proportional({id: width for id, (width, _) in lines.items()}, pulls(t, 1, 2))
        assert proportional({id: width for id, (width, _) in halos.items()}, of_units(t))


def test_the_strongest_pulls_of_a_wide_network_are_drawn(browser: Browser, small: tuple[Page, bl.Run]) -> None:
    with watched(browser, reduced_motion="reduce") as context:
        context.add_cookies(small[0].context.cookies())  # type: ignore
        page = opened(context, small[0].url.partition("#")[0] + "#by=pull&depth=everything&run=real&step=0&row=17")
        expect(page.locator("header").get_by_text(REAL)).to_be_visible(timeout=20_000)
        expect(page.get_by_role("heading", name="House 17")).to_be_visible()
        t = bl.open_run(small[1].path.parent / REAL).trace(0, [17])

        def true(drawn: dict[str, float]) -> bool:
            return proportional(drawn, {id: t[id.removeprefix("weight ")].gradient for id in drawn})

        until(page, lambda: true(widths(page, ".line, .stub")))
        drawn = widths(page, ".line, .stub")
        for name in ("w2", "w3", "b2", "b3"):
            at = t.net.positions(name)
            hardest = at[int(np.abs(t.gradient[at]).argmax())]
            assert f"weight {t.net.weight_name(int(hardest))}" in drawn


# --- what the error wants of a unit ------------------------------------------------------------------------------


ARROWS = """all => all.map(one => {
  const [line, tip] = [one.querySelector('line'), one.querySelector('path')]
  if (!line) return [Number(one.dataset.exact), 0]
  const [, y] = /L[\\d.]+ ([\\d.]+)/.exec(tip.getAttribute('d'))
  return [Number(one.dataset.exact), Number(line.getAttribute('y1')) - Number(y)]
})"""


def arrows(page: Page, column: int) -> tuple[list[float], list[float]]:
    """The wishes of a column of the table, and how far their arrows reach up, in pixels."""
    all = page.eval_on_selector_all(f"tbody tr td:nth-of-type({column}) .wish", ARROWS)
    return [wish for wish, _ in all], [far for _, far in all]


def test_a_unit_shows_what_the_error_wants_of_it(small: tuple[Page, bl.Run]) -> None:
    page, run = small
    page.locator('[role=button][data-id="unit 1 0"]').click()
    text = page.locator(".wants")
    expect(text).to_be_visible()
    u = run.trace(0, [17]).unit(1, 1)
    expect(text).to_contain_text("wants more of" if u.wishes.output > 0 else "wants less of")
    for column, wishes in ((2, u.wishes.inputs), (5, [*u.wishes.weights, u.wishes.bias])):
        shown, reach = arrows(page, column)
        assert shown == pytest.approx(list(wishes))
        longest = np.abs(wishes).max()
        assert reach == pytest.approx([26 * wish / longest for wish in wishes], abs=0.1)
    hardest = u.sources[int(np.abs(u.inputs[0]).argmax())]
    expect(text).to_contain_text(f"most of all that from {hardest}")
    page.get_by_role("button", name="← The network").click()


def test_wishes_are_unknown_before_the_error_has_come_back(phases: tuple[Page, bl.Run]) -> None:
    page, _ = phases
    page.locator('[role=button][data-id="unit 1 0"]').click()
    expect(page.get_by_text("the sum, z")).to_be_visible()
    expect(page.locator(".wants")).to_be_hidden()
    assert page.locator("td .wish").count() == 0


def test_the_table_of_a_wide_unit_lies_beside_its_map(browser: Browser, small: tuple[Page, bl.Run]) -> None:
    with watched(browser, reduced_motion="reduce") as context:
        context.add_cookies(small[0].context.cookies())  # type: ignore
        page = opened(context, small[0].url.partition("#")[0] + "#depth=everything&run=real&step=0")
        expect(page.locator("header").get_by_text(REAL)).to_be_visible(timeout=20_000)
        page.locator('[role=button][data-id^="unit 1"]').first.click()
        expect(page.locator(".wants")).to_be_visible()
        for width in (1280, 1440, 1024, 820, 390):
            page.set_viewport_size({"width": width, "height": 900})
            page.wait_for_timeout(60)
            table, map = (page.locator(f".parts {name}").bounding_box() for name in ("table", ".map"))
            assert table is not None
            assert map is not None
            assert table["x"] + table["width"] <= map["x"] or table["y"] + table["height"] <= map["y"], width
