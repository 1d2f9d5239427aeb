"""The row that is looked at, its neighbours, the worst ones, what is changed in it; and tables with hostile names."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, Locator, Page, expect
from served import Served, at_step, many, number, opened, press, serving, until, watched

import backlit as bl

STEP = 2
FILE = "houses-3-3-1.backlit"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One studio for the tests of the houses."""
    with serving(tmp_path_factory.mktemp("house")) as made:
        yield made


@pytest.fixture(scope="module")
def only(browser: Browser, served: Served) -> Iterator[Page]:
    """One page, at STEP."""
    with watched(browser) as context:
        page = opened(context, many(served.address))
        for step in range(1, STEP + 1):
            press(page, "ArrowRight", step)
        served.run(STEP)
        yield page


@pytest.fixture
def page(only: Page) -> Page:
    """House 5, as the table has it."""
    look(only, 6)
    look(only, 5)  # another row forgets what was changed
    expect(view(only).get_by_role("textbox", name="sqft_living")).to_have_value("5420")
    return only


def view(page: Page) -> Locator:
    return page.locator('[data-view="house"]')


def look(page: Page, row: int) -> None:
    field = view(page).get_by_role("spinbutton")
    field.fill(str(row))
    field.press("Enter")
    expect(view(page).get_by_role("heading", level=2)).to_have_text(f"House {row}")


def told(page: Page, name: str) -> str:
    return view(page).locator("dl > div").filter(has=page.locator("dt", has_text=name)).locator("dd").inner_text()


def dollars(value: float) -> str:
    return f"{'−' if value < 0 else ''}${abs(value):,.0f}"


def shows(page: Page, t: bl.Trace) -> None:
    """Prediction, truth and difference are those of a trace."""
    prediction, difference = t.prediction[0, 0], t.difference[0, 0]
    until(page, lambda: told(page, "prediction") == dollars(prediction))
    assert told(page, "truth") == dollars(prediction - difference)
    assert told(page, "difference") == dollars(difference)
    until(page, lambda: number(page.locator(".steps .E").inner_text()) == pytest.approx(t.E, rel=1e-3))


def with_changes(run: bl.Run, row: int, **changes: object) -> bl.Trace:
    """The trace of a row at the last step, with some of its fields changed."""
    t = run.trace(None, [row])
    one = run.frame()[row : row + 1].with_columns(**{name: pl.lit(value) for name, value in changes.items()})
    return t.on(bl.Rows(bl.Data(run.table.encode(one, np.float64), t.data.Y, t.data.rows)))


def test_every_way_to_a_row_shows_its_numbers(page: Page, served: Served) -> None:
    run = bl.open_run(served.folder / FILE)
    shows(page, run.trace(STEP, [5]))
    view(page).get_by_role("button", name="The next row").click()
    shows(page, run.trace(STEP, [6]))
    for _ in range(2):
        view(page).get_by_role("button", name="The row before").click()
    shows(page, run.trace(STEP, [4]))
    page.locator("body").press("n")
    shows(page, run.trace(STEP, [5]))
    page.locator("body").press("p")
    page.locator("body").press("p")
    shows(page, run.trace(STEP, [3]))
    last = run.frame().height - 1
    look(page, last)
    shows(page, run.trace(STEP, [last]))
    expect(view(page).get_by_role("button", name="The next row")).to_be_disabled()
    field = view(page).get_by_role("spinbutton")
    for given, row in (("99999999", last), ("-3", 0)):
        field.fill(given)
        field.press("Enter")
        expect(field).to_have_value(str(row))
    shows(page, run.trace(STEP, [0]))
    expect(view(page).get_by_role("button", name="The row before")).to_be_disabled()


def test_the_worst_rows_are_those_of_python(page: Page, served: Served) -> None:
    run = bl.open_run(served.folder / FILE)
    view(page).get_by_role("button", name="worst").click()
    worst = view(page).get_by_role("region", name="The worst rows")
    for which, label in (("watch", "validation rows"), ("learn", "training rows")):
        worst.get_by_label("Which rows").select_option(label)
        data = getattr(run.timeline(), which)()
        assert data is not None
        t = run.trace(STEP, data.rows.tolist())
        off = np.abs(t.difference[:, 0])
        order = np.argsort(-off)[:12]
        expected = [str(row) for row in data.rows[order]]

        def rows() -> list[list[str]]:
            return worst.locator("tbody tr").evaluate_all("all => all.map(row => [...row.cells].map(c => c.innerText))")

        until(page, lambda: [row[0] for row in rows()] == expected)  # noqa: B023
        for shown, i in zip(rows(), order, strict=True):
            prediction = t.prediction[i, 0]
            assert number(shown[1].lstrip("$")) == pytest.approx(prediction - t.difference[i, 0], rel=1e-5)
            assert number(shown[2].replace("$", "")) == pytest.approx(prediction, rel=1e-4)
            assert number(shown[3].lstrip("$")) == pytest.approx(off[i], rel=1e-4)
        assert f"{len(off):,}" in worst.inner_text()
    first = worst.locator("tbody button").first
    row = int(first.inner_text())
    first.click()
    shows(page, run.trace(STEP, [row]))
    view(page).get_by_role("button", name="worst").click()


def test_a_number_is_changed_for_a_look(page: Page, served: Served) -> None:
    run = bl.open_run(served.folder / FILE)
    before = run.trace(STEP, [5])
    shows(page, before)
    area = view(page).get_by_role("textbox", name="sqft_living")
    area.fill("4321")
    area.press("Enter")
    after = with_changes(run, 5, sqft_living=4321)
    shows(page, after)
    assert after.E != before.E
    expect(view(page).get_by_text("Changed:")).to_be_visible()
    grade = view(page).get_by_role("slider", name="grade")
    grade.focus()
    grade.press("End")
    top = float(grade.get_attribute("max") or "nan")
    shows(page, with_changes(run, 5, sqft_living=4321, grade=top))
    view(page).get_by_role("button", name="Take back the change of sqft_living").click()
    shows(page, with_changes(run, 5, grade=top))
    view(page).get_by_role("button", name="Reset").click()
    shows(page, before)
    expect(view(page).get_by_text("Changed:")).to_have_count(0)
    assert number(area.input_value()) == run.frame()[5, "sqft_living"]


@pytest.mark.parametrize("nonsense", ["twelve", "1e999", "12 34", "=1+1"])
def test_nonsense_is_refused_and_changes_nothing(page: Page, served: Served, nonsense: str) -> None:
    run = bl.open_run(served.folder / FILE)
    before = run.trace(STEP, [5])
    area = view(page).get_by_role("textbox", name="sqft_living")
    area.fill(nonsense)
    area.press("Enter")
    expect(view(page).get_by_role("alert")).to_contain_text(nonsense)
    expect(area).to_have_attribute("aria-invalid", "true")
    shows(page, before)
    view(page).get_by_role("button", name="Take back the change of sqft_living").click()
    expect(view(page).get_by_role("alert")).to_have_count(0)
    expect(area).to_have_value(str(run.frame()[5, "sqft_living"]))
    area.fill(nonsense)
    area.press("Enter")
    look(page, 6)
    expect(area).to_have_value(str(run.frame()[6, "sqft_living"]))


# --- other tables ------------------------------------------------------------------------------------------------


def write(path: Path, header: list[str], rows: list[list[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


def begun(page: Page) -> None:
    """The run that the set-up proposes."""
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Begin", exact=True).click()
    expect(dialog).to_have_count(0)
    at_step(page, 0)


def test_a_category_is_changed_for_a_look(
    context: BrowserContext, serve: Callable[..., Served], tmp_path: Path
) -> None:
    jobs, draw = ["clerk", "farmer", "nurse"], np.random.default_rng(1)
    people: list[list[object]] = []
    for _ in range(300):
        age, job, married = int(draw.integers(18, 80)), jobs[draw.integers(3)], bool(draw.integers(2))
        people.append(
            [age, job, str(married).lower(), ">50K" if age + 20 * married + draw.normal(0, 9) > 60 else "<=50K"]
        )
    write(tmp_path / "people.csv", ["age", "job", "married", "income"], people)
    page = opened(context, serve("people.csv").address)
    begun(page)
    press(page, "ArrowRight", 1)
    path = next(one for one in tmp_path.glob("*.backlit") if one.stem.startswith("people"))
    until(page, lambda: bl.open_run(path).timeline().steps() == 1)
    run = bl.open_run(path)

    def expect_of(t: bl.Trace) -> None:
        shown = f"{t.prediction.max():.1%} for {t.described.target.labels[int(t.prediction.argmax())]}"  # type: ignore[union-attr]
        until(page, lambda: told(page, "prediction") == shown)

    expect_of(run.trace(1, [0]))
    job = view(page).get_by_label("job", exact=True)
    for level in jobs:
        job.select_option(level)
        expect_of(with_changes(run, 0, job=level))
    other = people[0][2] != "true"
    view(page).get_by_label("married", exact=True).select_option("yes" if other else "no")
    expect_of(with_changes(run, 0, job=jobs[-1], married=other))
    view(page).get_by_role("button", name="Reset").click()
    expect_of(run.trace(1, [0]))


NASTY = ['<img src=x onerror="window.hacked=1">', "$\\href{javascript:window.hacked=1}{x}$", '"];alert(1)//',
         "\\htmlData{a=b}{c}", "🏚️ ünïcode ‮txet", "n" * 300, "a, 1]#3"]  # fmt: skip


def test_hostile_names_are_only_text(context: BrowserContext, serve: Callable[..., Served], tmp_path: Path) -> None:
    draw, half = np.random.default_rng(2), len(NASTY) // 2
    rows: list[list[object]] = [
        [*draw.integers(0, 99, len(NASTY) - half).tolist(), *(NASTY[i] for i in draw.integers(0, len(NASTY), half)),
         round(float(draw.normal()), 3)] for _ in range(200)
    ]  # fmt: skip
    write(tmp_path / "nasty.csv", [*NASTY, "price"], rows)
    said: list[str] = []

    def hear(dialog: Dialog) -> None:
        said.append(dialog.message)
        dialog.dismiss()

    context.on("dialog", hear)
    page = opened(context, many(serve().address))
    page.get_by_role("button", name="Your table").click()
    page.get_by_label("A table", exact=True).set_input_files(tmp_path / "nasty.csv")
    for name in NASTY:
        expect(page.get_by_role("dialog").get_by_text(name[:40]).first).to_be_attached()
    begun(page)
    press(page, "ArrowRight", 1)
    features = view(page).locator(".features")
    for name in NASTY:
        expect(features.get_by_text(name, exact=True).first).to_be_attached()
    edges = page.locator('[role=button][data-id^="weight w1["]')
    for i in range(0, edges.count(), 5):
        edges.nth(i).focus()
        page.keyboard.press("Enter")
        expect(page.locator('[data-view="chain"] h3').first).to_have_text(
            (edges.nth(i).get_attribute("data-id") or "")[7:]
        )
        expect(page.locator('[data-view="chain"] .factors')).to_be_visible()
    unit = page.locator('[role=button][data-id="unit 1 0"]')
    unit.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=re.compile("^Unit "))).to_be_visible()
    for one in page.get_by_role("button", name="Numbers").all():
        one.click()
    assert page.evaluate("window.hacked") is None
    assert page.locator("img, a[href^='javascript'], iframe, object").count() == 0
    assert not said
