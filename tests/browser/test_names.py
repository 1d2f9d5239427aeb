"""Names of weights as in the textbooks, one letter for one thing, and formulas that fit where they stand."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import pytest
from playwright.sync_api import Browser, Page, expect
from served import Served, many, opened, serving, until, watched

import backlit as bl
from backlit.words import number, say

WEIGHT = "w1[sqft_living, 2]"
#: of all formulas: what does not fit is cut, or reaches beyond
CUT = """() => [...document.querySelectorAll('.formula, .formula p, .factors, .update ol, .flow, .words')]
  .filter(one => one.clientWidth && one.scrollWidth > one.clientWidth).map(one => one.className + one.innerText)"""
BEYOND = """() => [...document.querySelectorAll('.formula .base, .factors .chip, .update li')].filter(one => {
  const [own, view] = [one.getBoundingClientRect(), one.closest('[data-view]').getBoundingClientRect()]
  return own.right > view.right + 0.5 || own.left < view.left - 0.5
}).map(one => one.innerText)"""


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("names")) as served:
        yield served


@pytest.fixture
def textbook(browser: Browser, studio: Served) -> Iterator[Page]:
    with watched(browser, reduced_motion="reduce") as context:
        yield opened(context, f"{many(studio.address)}&row=0&weight={WEIGHT}&names=textbook")


def test_the_switch_is_remembered_and_stands_in_the_address(browser: Browser, studio: Served) -> None:
    with watched(browser) as context:
        page = opened(context, f"{many(studio.address)}&weight={WEIGHT}")
        head = page.locator('[data-view="chain"] h3').first
        expect(head).to_have_text(WEIGHT)
        assert "names=" not in page.url
        names = page.get_by_role("group", name="Names of weights")
        names.get_by_role("button", name="textbook").click()
        expect(head).to_have_text("w1_12")
        expect(names.get_by_role("button", name="textbook")).to_have_attribute("aria-pressed", "true")
        page.wait_for_url("**names=textbook**")
        again = opened(context, many(studio.origin) + f"&weight={WEIGHT}")  # the browser remembers
        expect(again.locator('[data-view="chain"] h3').first).to_have_text("w1_12")
        again.get_by_role("button", name="ours").click()
        expect(again.locator('[data-view="chain"] h3').first).to_have_text(WEIGHT)


def test_each_edge_has_the_name_that_python_says(textbook: Page, studio: Served) -> None:
    net = bl.open_run(studio.folder / "houses-3-3-1.backlit").net
    network = textbook.locator('[data-view="network"]')
    expect(network.locator(".label .name").first).to_have_text("w1_11")
    told = network.locator("g.label").evaluate_all(
        "all => Object.fromEntries(all.map(one => [one.dataset.id, one.querySelector('.name').textContent]))"
    )
    assert told == {f"weight {name}": net.textbook(name) for name in net.weight_names() if name[0] == "w"}
    assert network.locator(".matrix").all_text_contents() == ["W¹", "W²"]
    above = [text.split(" ")[0] for text in network.locator("text.z").all_text_contents()]
    assert above == ["x_1", "x_2", "x_3", "z1_1", "z1_2", "z1_3", "s_1"]
    aloud = textbook.locator(f'[role=button][data-id="weight {WEIGHT}"]').get_attribute("aria-label")
    assert aloud is not None
    assert aloud.startswith("Weight w1_12, from sqft_living to unit 2 of layer 1: ")


def test_names_lie_on_no_other(textbook: Page) -> None:
    expect(textbook.locator(".label .name").first).to_have_text("w1_11")
    boxes = textbook.locator('[data-view="network"] .label .value').evaluate_all(
        """all => all.map(one => [one.textContent, one.getBoundingClientRect()])
                     .map(([text, box]) => [text, box.left, box.right, box.top, box.bottom])"""
    )
    for (first, *a), (second, *b) in combinations(boxes, 2):
        wide, high = min(a[1], b[1]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[2], b[2])
        assert wide <= 1 or high <= 1, (first, second)


def test_formula_factors_and_tips_are_named_alike(textbook: Page) -> None:
    chain = textbook.locator('[data-view="chain"]')
    expect(chain.locator(".factors .symbol").first).to_have_text("∂E/∂s_1")
    assert chain.locator(".factors .symbol").all_text_contents() == ["∂E/∂s_1", "w2_21", "∂a1_2/∂z1_2", "x_1", "∂E/∂w"]
    assert "w1_{12}" in (chain.locator(".formula annotation").first.text_content() or "")
    assert chain.locator(".words li").nth(1).text_content() == (
        "The weight w2_21 is −0.165; it leads from unit 2 of layer 1 to the price."
    )
    textbook.locator(f'.label[data-id="weight {WEIGHT}"] rect').hover(force=True)
    expect(textbook.locator(".tip .name")).to_have_text("w1_12")


def test_a_name_that_does_not_fit_stays_our_own(textbook: Page) -> None:
    textbook.get_by_role("button", name="The real one").click()
    until(textbook, lambda: textbook.locator('[data-view="network"] .matrix').count() == 3)
    aloud = textbook.locator('[role=button][data-id^="weight w1["]').first
    name = (aloud.get_attribute("data-id") or "").removeprefix("weight ")
    assert f"Weight {name}, " in (aloud.get_attribute("aria-label") or "")  # all bins of a column together
    second = textbook.locator('[role=button][data-id^="weight w2["]').first
    until(textbook, lambda: (second.get_attribute("aria-label") or "").startswith("Weight w2_"))


def test_one_letter_for_the_output(page: Page) -> None:
    """What the network says is s, in drawing, tooltip, unit and formula; z belongs to sums before an activation."""
    expect(page.locator('[data-view="network"] text.z').last).to_contain_text("s ")
    assert page.locator('[data-view="network"] text.z').all_text_contents()[0].startswith("z ")
    output = page.locator('[data-view="network"] .unit').last
    assert (output.get_attribute("aria-label") or "").startswith("Price: s −0.152")
    output.click()
    unit = page.locator(".layer .unit table")
    expect(unit.locator("tfoot th")).to_have_text("the sum, s")
    expect(page.get_by_text("No activation follows")).to_be_visible()


@pytest.fixture(scope="module")
def deep(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A network of four layers, one of whose columns has a long name."""
    import polars as pl

    from backlit.tables.datasets import load_houses

    folder = tmp_path_factory.mktemp("deep")
    long = "living area of the fifteen nearest neighbours, in square feet"
    houses = load_houses()[:400].select("price", "grade", "lat", pl.col("sqft_living15").alias(long))
    model = bl.NetRegressor(
        hidden=(4, 3, 2), activation="tanh", encoding="plain", run=folder / "deep.backlit", random_state=1, max_steps=3
    )
    model.fit(houses.drop("price"), houses["price"])
    served = Served(folder, "deep.backlit")
    yield served
    served.end()


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("names", ["own", "textbook"])
def test_formulas_wrap_and_are_never_cut(
    browser: Browser, studio: Served, deep: Served, width: int, names: str
) -> None:
    size = {"width": width, "height": 800}
    net = bl.open_run(deep.folder / "deep.backlit").net
    long = next(name for name in net.weight_names() if "neighbours" in name)
    with watched(browser, viewport=size, reduced_motion="reduce") as context:
        for address, weight in ((many(studio.address), WEIGHT), (deep.address + "#", long)):
            page = opened(context, f"{address}&row=3&names={names}&weight={weight.replace('&', '%26')}")
            chain = page.locator('[data-view="chain"]')
            expect(chain.locator(".factors .chip").first).to_be_visible()
            for summary in chain.locator("details:not([open]) > summary").all():
                if summary.inner_text() == "In symbols":
                    summary.click()
            expect(chain.locator(".formula .katex").first).to_be_visible()
            assert page.evaluate(CUT) == []
            assert page.evaluate(BEYOND) == []
            page.close()


def test_a_plus_goes_uphill(browser: Browser, studio: Served) -> None:
    """The switch at the update: the numbers of both ways are Python's, and the reason has this house's dollars."""
    t = bl.open_run(studio.folder / "houses-3-3-1.backlit").trace(0, [0], "128 houses")
    step = t.update.step
    down, up = t.at(t.theta + step), t.at(t.theta - step)
    assert up.E > t.E > down.E
    with watched(browser, reduced_motion="reduce") as context:
        page = opened(context, f"{many(studio.address)}&row=0&weight={WEIGHT}")
        update = page.locator('[data-view="chain"] div.update')
        expect(update.get_by_role("button", name="Minus: downhill")).to_have_attribute("aria-pressed", "true")
        update.get_by_role("button", name="Why minus?").click()
        expect(update.locator("tbody td[data-exact]")).to_have_count(3)
        shown = update.locator("tbody td[data-exact]").evaluate_all("all => all.map(one => Number(one.dataset.exact))")
        assert shown == pytest.approx([t.E, down.E, up.E], rel=1e-9)
        prices = update.locator("tbody tr").nth(1).locator("td").all_inner_texts()
        assert prices == [f"${way.prediction[0, 0]:,.0f}" for way in (t, down, up)]
        w = t[WEIGHT]
        new = update.locator("li.new .value")
        expect(new).to_have_text(number(w.value - step[w.positions[0]], digits=5))
        assert update.locator("li .sign").all_inner_texts() == ["+", "·", "="]
        text = update.inner_text()
        assert "E rises from 0.5096 to 0.8286. With the minus it falls to 0.2675." in text
        assert "$221,900 − $483,199 = −$261,299, and not $261,299" in text
        assert page.evaluate(CUT) == []
        update.get_by_role("button", name="Minus: downhill").click()
        expect(new).to_have_text(number(w.value + step[w.positions[0]], digits=5))


# --- words where they stand --------------------------------------------------------------------------------------

STAND = {  # where: which words are explained there
    "steps": {"step", "epoch", "rate", "error"},
    "house": {"prediction", "truth"},
    "chain": {"weight", "derivative", "pull", "rate"},
    "timeline": {"step", "epoch", "rmse", "error"},
}


def told(page: Page, kind: str) -> str:
    return say(f"word.{kind}", row="house")


def test_words_are_explained_where_they_stand(page: Page) -> None:
    page.locator(f'.label[data-id="weight {WEIGHT}"] rect').click(force=True)
    expect(page.locator('[data-view="chain"] div.update')).to_be_visible()
    for view, kinds in STAND.items():
        described = page.locator(f'[data-view="{view}"] button.term').evaluate_all(
            "all => all.map(one => document.getElementById(one.getAttribute('aria-describedby')).textContent)"
        )
        if view == "timeline":  # where no step is made yet there is no E of it
            kinds = kinds - {"error"}
        assert {told(page, kind) for kind in kinds} <= set(described), view
    page.keyboard.press("Escape")
    expect(page.locator('[data-view="chain"]').get_by_text("gradient", exact=True)).to_have_count(1)
    page.get_by_role("button", name="this step’s batch").click()
    expect(page.locator('[data-view="steps"] button.term', has_text="128 houses")).to_be_visible()
    page.locator('[data-view="network"] .unit[data-id="unit 1 0"]').click()
    expect(page.locator("button.term", has_text="activation")).to_be_visible()


def test_a_word_is_told_to_pointer_keys_and_touch(browser: Browser, studio: Served) -> None:
    with watched(browser, reduced_motion="reduce", has_touch=True) as context:
        page = opened(context, many(studio.address))
        epoch = page.locator('[data-view="steps"] button.term', has_text="epoch")
        says = page.get_by_role("tooltip")
        expect(says).to_be_hidden()
        epoch.hover()
        expect(says).to_be_visible()
        expect(says).to_have_text(told(page, "epoch"))
        page.mouse.move(2, 2)
        expect(says).to_be_hidden()
        epoch.focus()  # by a script: as by keys
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Tab")
        expect(says).to_be_visible()
        page.keyboard.press("Escape")
        expect(says).to_be_hidden()
        page.locator("h1").click()
        epoch.tap()
        expect(says).to_be_visible()
        box = says.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 1440
        page.touchscreen.tap(400, 600)
        expect(says).to_be_hidden()


def test_escape_closes_a_word_and_nothing_else(textbook: Page) -> None:
    pull = textbook.locator('[data-view="chain"] button.term', has_text="pull").first
    pull.hover()
    says = textbook.get_by_role("tooltip")
    expect(says).to_be_visible()
    textbook.keyboard.press("Escape")
    expect(says).to_be_hidden()
    expect(textbook.locator('[data-view="chain"] h3').first).to_have_text("w1_12")  # it is still chosen


def test_the_curve_says_whose_E_each_step_has(page: Page) -> None:
    for key in range(2):
        page.keyboard.press("ArrowRight")
        expect(page.locator("main")).to_have_attribute("data-step", str(key + 1))
    curves = page.locator("svg.curves")
    expect(curves.get_by_text("E of 128 houses")).to_be_visible()
    assert "E of each step" not in page.locator('[data-view="timeline"]').inner_text()
