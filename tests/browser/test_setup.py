"""Setting up a run: a file that is dropped or chosen, a table that is there, and what is refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from served import Complaints, Served, at_step, many, number, opened, press, serving, show_numbers, table, until, window

import backlit as bl
from backlit.core.layers import Dense
from backlit.runs.run import Run

IMAGE, LINK = "<img src=x onerror=alert(1)>", r"$\href{javascript:alert(1)}{size}$"
N = 240
draw = np.random.default_rng(4)
HOMES = pl.DataFrame(
    {
        "remark": [f"a long text that is different in each row, number {i}" for i in range(N)],
        LINK: [None if i % 9 == 4 else round(float(x), 2) for i, x in enumerate(draw.gamma(2, 500, N))],
        IMAGE: draw.integers(1, 90, N),
        "town": draw.choice(["Kent", "<b>Auburn</b>", "Åmål"], N),
        "rooms": draw.integers(1, 6, N),
        "same": ["x"] * N,
        "price": draw.integers(100_000, 900_000, N),
    }
)
DROP = """
([name, text]) => {
  const held = new DataTransfer();
  held.items.add(new File([text], name));
  for (const type of ["dragenter", "dragover", "drop"]) {
    document.body.dispatchEvent(new DragEvent(type, {dataTransfer: held, bubbles: true, cancelable: true}));
  }
}
"""
DROP_LARGE = """
(name) => {
  const held = new DataTransfer();
  held.items.add(new File([new Uint8Array(65e6)], name));
  document.body.dispatchEvent(new DragEvent("drop", {dataTransfer: held, bubbles: true, cancelable: true}));
}
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("setup")) as served:
        yield served


@pytest.fixture(scope="module")
def told() -> Complaints:
    return Complaints()


@pytest.fixture(scope="module")
def shared(browser: Browser, served: Served, told: Complaints) -> Iterator[Page]:
    with window(browser, told) as context:
        yield opened(context, f"{served.address}#hide=tour")


@pytest.fixture
def page(shared: Page, told: Complaints) -> Iterator[Page]:
    """The one page of all of these, with no dialog open."""
    yield shared
    shared.keyboard.press("Escape")
    expect(shared.get_by_role("dialog")).to_have_count(0)
    assert not told, "\n".join(told)


@pytest.fixture
def form(page: Page) -> Locator:
    """The set-up, with no table chosen."""
    page.get_by_role("button", name="Your table").click()
    form = dialog(page)
    expect(form.locator("form, .drop")).to_be_visible()
    if (another := form.get_by_role("button", name="Another table")).is_visible():
        another.click()
    return form


def dialog(page: Page) -> Locator:
    return page.get_by_role("dialog")


def begun(page: Page, served: Served, form: Locator) -> Run:
    """Begin, and the new run file."""
    before = set(served.folder.glob("*.backlit"))
    form.get_by_role("button", name="Begin", exact=True).click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    [path] = set(served.folder.glob("*.backlit")) - before
    expect(page.locator("header strong")).to_have_text(path.name)
    at_step(page, 0)
    return bl.open_run(path)


def units(run: Run) -> list[int]:
    return [layer.d_out for layer in run.net.layers if isinstance(layer, Dense)]


def is_that_of_python(page: Page, run: Run, step: int) -> None:
    """Every weight that is drawn; bins of a column together are their sums."""
    until(page, lambda: run.timeline().steps() >= step)  # a step is told first, and written then
    t = run.trace(step, [0])
    show_numbers(page, "network")
    shown = table(page, "network")
    assert len(shown) >= min(len(t.theta), 12)
    for name, value, gradient, moves in (row[:4] for row in shown):
        at = t[name].positions
        for text, numbers in ((value, t.theta), (gradient, t.gradient), (moves, t.update.step)):
            assert number(text) == pytest.approx(float(numbers[at].sum()), rel=1e-3, abs=1e-6), name
    assert number(page.locator(".steps .E").inner_text()) == pytest.approx(t.E, rel=1e-3)
    show_numbers(page, "network")


def nothing_came_true(page: Page) -> None:
    """Of what the hostile names say."""
    assert page.locator('img[src="x"], a[href^="javascript"], b:text-is("Auburn")').count() == 0


def test_a_dropped_table_begins_small(page: Page, served: Served) -> None:
    page.evaluate(DROP, [f"homes {IMAGE}.csv".replace("/", ""), HOMES.write_csv()])
    form = dialog(page)
    expect(form.get_by_label("To predict")).to_have_value("price")
    expect(form).to_contain_text(f"{N} rows, 7 columns")
    for name in (IMAGE, LINK):
        expect(form.get_by_role("rowheader", name=name, exact=True)).to_be_visible()
    expect(form.get_by_role("rowheader", name=LINK, exact=True).locator("xpath=..")).to_contain_text("27")
    nothing_came_true(page)
    form.get_by_role("button", name=re.compile("^Small, for learning")).click()
    run = begun(page, served, form)
    assert units(run) == [3, 1]
    assert run.timeline().settings().schedule.name == "constant"
    assert {column.name for column in run.table.columns} == {LINK, IMAGE, "rooms"}
    is_that_of_python(page, run, 0)
    press(page, "ArrowRight", 1)
    is_that_of_python(page, run, 1)
    page.locator(".pulls li button").first.click()
    expect(page.locator('[data-view="chain"] .katex').first).to_be_attached()
    nothing_came_true(page)
    expect(page.locator('[data-view="house"]')).to_contain_text(f"{HOMES['price'][0]:,}")


def test_a_chosen_file_begins_with_the_defaults(page: Page, served: Served, form: Locator) -> None:
    file = form.locator("input[type=file]")
    file.set_input_files({"name": "own.csv", "mimeType": "text/csv", "buffer": HOMES.write_csv().encode()})
    expect(form.get_by_label("To predict")).to_have_value("price")
    form.get_by_role("button", name=re.compile("^The defaults")).click()
    expect(form).to_contain_text("4 columns → 128 → 128 → price")
    run = begun(page, served, form)
    assert run.path.name == "own.backlit"
    assert units(run) == [128, 128, 1]
    is_that_of_python(page, run, 0)
    press(page, "ArrowRight", 1)
    is_that_of_python(page, run, 1)
    nothing_came_true(page)


def test_a_target_of_no_use_is_told(page: Page, form: Locator) -> None:
    form.locator("input[type=file]").set_input_files(
        {"name": "more.csv", "mimeType": "text/csv", "buffer": HOMES.write_csv().encode()}
    )
    target, begin = form.get_by_label("To predict"), form.get_by_role("button", name="Begin", exact=True)
    for name, told in (("remark", "too many for classes"), ("same", "one class only")):
        target.select_option(name)
        expect(form.get_by_role("alert")).to_contain_text(told)
        expect(begin).to_be_disabled()
    target.select_option("price")
    expect(form.get_by_role("alert")).to_have_count(0)
    expect(begin).to_be_enabled()
    form.get_by_role("button", name="None", exact=True).click()
    expect(form.get_by_role("alert")).to_contain_text("at least one column")
    expect(begin).to_be_disabled()


def test_a_bundled_table_in_classes(page: Page, served: Served, form: Locator) -> None:
    form.get_by_role("region", name="a table that is here").get_by_role("button", name="houses").click()
    expect(form.get_by_label("To predict")).to_have_value("price")
    form.get_by_label("To predict").select_option("waterfront")
    form.locator(".target select").nth(1).select_option("a class")
    form.get_by_role("button", name=re.compile("^Small, for learning")).click()
    run = begun(page, served, form)
    assert [str(label) for label in run.table.target.labels] == ["false", "true"]
    assert run.net.loss.name == "binary_cross_entropy"
    is_that_of_python(page, run, 0)
    p = run.trace(0, [0]).prediction.ravel()
    assert f"{100 * p.max():.1f}%" in page.locator('[data-view="house"]').inner_text()


def test_another_kind_and_columns_by_hand(page: Page, served: Served, form: Locator) -> None:
    form.get_by_role("region", name="a table that is here").get_by_role("button", name="houses").click()
    form.get_by_role("button", name="None", exact=True).click()
    for name in ("grade", "sqft_living"):
        form.get_by_role("checkbox", name=name, exact=True).check()
    form.get_by_label("What grade is taken for").select_option("category")
    form.get_by_label("Hidden", exact=True).fill("5, 4")
    form.get_by_label("Activation").select_option("tanh")
    form.get_by_label("Encoding").select_option("plain")
    form.get_by_label("Learning rate").fill("0.03")
    run = begun(page, served, form)
    assert {column.name: column.kind for column in run.table.columns} == {"sqft_living": "number", "grade": "category"}
    assert units(run) == [5, 4, 1]
    assert run.timeline().settings().learning_rate == 0.03
    is_that_of_python(page, run, 0)


DOUBTFUL = pl.DataFrame(
    {
        "preis": [f"{i % 60 + 3},{i * 37 % 900 + 100}" for i in range(N)],
        "sold": [f"{i % 12 + 1}/{i % 11 + 1}/2019" for i in range(N)],
        "rooms": draw.integers(1, 6, N),
        "goal": draw.normal(size=N).round(3),
    }
)


def doubtful(form: Locator) -> tuple[Locator, Locator]:
    """A table with columns that can be read in two ways; the button that begins, and the list of columns."""
    content = DOUBTFUL.write_csv(separator="\t").replace("rooms", " rooms").encode()
    form.locator("input[type=file]").set_input_files({"name": "lots.tsv", "mimeType": "", "buffer": content})
    expect(form.get_by_label("To predict")).to_have_value("goal")
    return form.get_by_role("button", name="Begin", exact=True), form.get_by_role("region", name="Columns of the table")


def test_a_column_with_two_readings_is_answered_where_it_stands(page: Page, served: Served, form: Locator) -> None:
    begin, columns = doubtful(form)
    expect(form.get_by_role("alert")).to_have_text("preis, sold cannot be used yet: see below.")
    expect(form).to_contain_text("blanks around column names are ignored, as in ' rooms'")
    expect(begin).to_be_disabled()
    expect(columns).to_contain_text("preis is '3,100', which may be 3100 or 3.1; choose the decimal mark above")
    choice = columns.get_by_label("Decimal mark of preis")
    assert choice.locator("option").all_inner_texts() == ["choose", "point: 3100", "comma: 3.1"]
    choice.focus()
    choice.select_option(",")
    expect(choice).to_have_count(0)
    expect(columns.get_by_role("checkbox", name="preis")).to_be_focused()
    expect(form.get_by_label("Decimal mark", exact=True)).to_have_value(",")
    expect(columns).to_contain_text("preis: 3,100 read as 3.1")
    expect(form.get_by_role("alert")).to_have_text("sold cannot be used yet: see below.")
    form.get_by_label("Order of dates", exact=True).select_option("dmy")
    expect(form.get_by_role("alert")).to_have_count(0)
    run = begun(page, served, form)
    assert run.frame()["preis"][:2].to_list() == [3.1, 4.137]
    assert run.frame()["sold"][1].isoformat() == "2019-02-02"
    assert {column.name: column.kind for column in run.table.columns} == {
        "preis": "number", "sold": "date", "rooms": "number",
    }  # fmt: skip
    assert "--decimal , --date-order dmy" in run.about()["commands"]["main"][0]
    is_that_of_python(page, run, 0)


def test_a_mark_of_missing_fields_is_typed_and_the_table_is_read_again(
    page: Page, served: Served, form: Locator
) -> None:
    frame = pl.DataFrame(
        {"rooms": ["unheard" if i % 40 == 7 else f"{i * 37 % 90}" for i in range(N)], "goal": DOUBTFUL["goal"]}
    )
    file = {"name": "odd.csv", "mimeType": "", "buffer": frame.write_csv().encode()}
    form.locator("input[type=file]").set_input_files(file)
    expect(form.get_by_role("alert")).to_have_text("rooms cannot be used yet: see below.")
    expect(form.get_by_role("region", name="Columns of the table")).to_contain_text("add it to the missing marks above")
    form.get_by_label("Missing marks").fill("unheard")
    form.get_by_label("Missing marks").press("Enter")
    expect(form.get_by_role("alert")).to_have_count(0)
    run = begun(page, served, form)
    assert run.frame()["rooms"].null_count() == frame["rooms"].str.count_matches("unheard").sum() > 0
    assert "--missing unheard" in run.about()["commands"]["main"][0]


def test_a_column_with_two_readings_may_be_left_out_or_hold_names(page: Page, served: Served, form: Locator) -> None:
    begin, columns = doubtful(form)
    columns.get_by_role("checkbox", name="sold").uncheck()
    expect(form.get_by_role("alert")).to_have_text("preis cannot be used yet: see below.")
    columns.get_by_label("What preis is taken for").select_option("category")
    expect(form.get_by_role("alert")).to_have_count(0)
    run = begun(page, served, form)
    assert {column.name: column.kind for column in run.table.columns} == {"preis": "category", "rooms": "number"}


def test_a_target_with_two_readings_is_answered_beside_it(page: Page, form: Locator) -> None:
    begin, columns = doubtful(form)
    columns.get_by_role("checkbox", name="sold").uncheck()
    form.get_by_label("To predict").select_option("preis")
    expect(form.get_by_role("alert")).to_contain_text("preis is '3,100', which may be 3100 or 3.1")
    expect(begin).to_be_disabled()
    form.get_by_label("Decimal mark of preis").select_option(".")
    expect(form.get_by_role("alert")).to_have_count(0)
    expect(begin).to_be_enabled()
    form.get_by_label("Decimal mark", exact=True).select_option("automatic")
    expect(form.get_by_role("alert")).to_contain_text("choose the decimal mark above")
    expect(begin).to_be_disabled()


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("movie.mp4", "....", "movie.mp4 ends in '.mp4'"), ("ragged.csv", "a,b\n1,2\n3,4,5\n", "ragged.csv"),
        ("empty.csv", "", "empty.csv"), ("twice.csv", "a,a\n1,2\n", "twice.csv"),
        ("not.parquet", "PAR1 is not all", "not.parquet"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_told_by_its_name(
    page: Page, told: Complaints, form: Locator, name: str, text: str, why: str
) -> None:
    form.locator("input[type=file]").set_input_files({"name": name, "mimeType": "", "buffer": text.encode()})
    expect(form.get_by_role("alert")).to_contain_text(why)
    said = form.get_by_role("alert").inner_text()
    assert "/" not in said.replace("true/false", ""), said
    assert "upload-" not in said, said
    told.expect(why.split()[0])
    told.expect("400")


def test_too_large_a_file_is_refused_before_it_is_sent(page: Page) -> None:
    page.evaluate(DROP_LARGE, "huge.csv")
    expect(dialog(page).get_by_role("alert")).to_contain_text("huge.csv has 65 MB, and at most 64 MB are taken here")
    expect(dialog(page).get_by_role("alert")).to_contain_text("backlit studio TABLE")


def test_a_table_on_the_command_line_is_set_up(
    browser: Browser, complaints: Complaints, tmp_path: Path, serve: Callable[..., Served]
) -> None:
    HOMES.write_csv(tmp_path / "given.csv")
    served = serve("given.csv")
    with window(browser, complaints) as context:
        page = opened(context, many(served.address))
        expect(dialog(page)).to_contain_text("given")
        expect(dialog(page).get_by_label("To predict")).to_have_value("price")
        page.keyboard.press("Escape")
        page.reload()
        page.wait_for_selector("main[data-step]")
        expect(dialog(page)).to_have_count(0)
