"""The timeline: its figures, scrubbing, starting over, comparing, and the rate along a step."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from served import Complaints, Served, at_step, many, number, opened, serving, show_numbers, table, until, window

import backlit as bl
from backlit import words
from backlit.explain.what_if import Line, along_step
from backlit.lesson import FIRST_FILE, MANY, first_run
from backlit.runs.run import Run
from backlit.studio.shelf import SOURCE

STEPS = 400


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A studio on a run that was trained for some epochs."""
    folder = tmp_path_factory.mktemp("timeline")
    first_run(folder / FIRST_FILE, SOURCE)
    bl.open_run(folder / FIRST_FILE).train(steps=STEPS)
    with serving(folder) as served:
        yield served


@pytest.fixture(scope="module")
def told() -> Complaints:
    return Complaints()


@pytest.fixture(scope="module")
def shared(browser: Browser, served: Served, told: Complaints) -> Iterator[Page]:
    with window(browser, told) as context:
        page = opened(context, many(f"{served.address}#hide=tour"))
        page.get_by_label("Speed").select_option("as fast as it goes")
        show_numbers(page, "timeline")
        yield page


@pytest.fixture
def page(shared: Page, told: Complaints) -> Iterator[Page]:
    """The one page of all of these, on the first timeline."""
    shared.locator(".tree .go").first.click()
    yield shared
    assert not told, "\n".join(told)


@pytest.fixture
def run(served: Served) -> Run:
    return bl.open_run(served.folder / FIRST_FILE)


def timeline(page: Page) -> Locator:
    return page.locator('[data-view="timeline"]')


def jump(page: Page, step: int) -> None:
    field = page.get_by_role("textbox", name="Step")
    field.fill(str(step))
    field.press("Enter")
    field.blur()
    at_step(page, step)


def start_over(page: Page, rate: float | None, name: str) -> None:
    """From the present step, through the form."""
    timeline(page).get_by_role("button", name="Start over from here").click()
    if rate is not None:
        timeline(page).get_by_label("Learning rate", exact=True).fill(str(rate))
    timeline(page).get_by_label("Name").fill(name)
    timeline(page).locator("form button.main").click()


def in_dollars(run: Run, E: float | None) -> float:
    assert E is not None
    return run.table.target.scale[0] * E**0.5


def test_the_figures_are_those_of_python(page: Page, run: Run) -> None:
    rows = [row for row in table(page, "timeline") if row[0] == MANY]
    line = run.timeline(MANY)
    ended = {int(row[1]): row for row in rows if row[2]}
    assert len(ended) == len(line.epochs()) >= 3
    for epoch in line.epochs():
        _, _, number_, train, validation, *_ = ended[epoch.step]
        assert int(number_) == epoch.epoch
        assert float(train) == pytest.approx(in_dollars(run, epoch.error), rel=1e-12)
        assert float(validation) == pytest.approx(in_dollars(run, epoch.metric), rel=1e-12)
    figures = line.curves().rows(named=True)
    shown = {int(row[1]): row[5:] for row in rows if row[5]}
    assert len(shown) == len(figures) == STEPS
    for row in figures:
        names = ("E", "rate", "gradient_norm", "update_norm")
        assert [float(cell) for cell in shown[row["step"]]] == pytest.approx([row[name] for name in names], rel=1e-6)
    jump(page, STEPS)
    read = timeline(page).locator(".read").first
    expect(read).to_contain_text(f"train ${in_dollars(run, line.epochs()[-1].error):,.0f}")
    expect(read).to_contain_text(f"validation ${in_dollars(run, line.epochs()[-1].metric):,.0f}")


def test_scrubbing_with_the_mouse_leads_to_the_step(page: Page, run: Run) -> None:
    box = timeline(page).locator(".lines .area").bounding_box()
    assert box
    slider = timeline(page).get_by_role("slider", name="Step", exact=True)
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 60)
    page.mouse.down()
    seen = []
    for share in (0.3, 0.5, 0.4):
        page.mouse.move(box["x"] + share * box["width"], box["y"] + 60, steps=4)
        seen.append(int(slider.get_attribute("aria-valuenow") or -1))
    page.mouse.up()
    assert 0 < seen[0] < seen[2] < seen[1] < STEPS
    at_step(page, seen[2])
    end = box["x"] + box["width"] - 8
    page.mouse.click(end, box["y"] + 60)
    at_step(page, STEPS)
    page.mouse.click(box["x"] + 2, box["y"] + 60)
    at_step(page, 0)
    page.mouse.click(box["x"] + 0.4 * box["width"], box["y"] + 60)
    at_step(page, seen[2])
    show_numbers(page, "network")
    t = run.trace(seen[2], [0], timeline=MANY)
    for name, value, gradient, *_ in table(page, "network"):
        at = t.net.positions(name)[0]
        assert number(value) == pytest.approx(t.theta[at], rel=1e-4)
        assert number(gradient) == pytest.approx(t.gradient[at], rel=1e-4, abs=1e-9)
    show_numbers(page, "network")


def test_scrubbing_with_keys(page: Page, run: Run) -> None:
    jump(page, 250)
    slider = timeline(page).get_by_role("slider", name="Step", exact=True)
    slider.focus()
    epoch = run.timeline(MANY).epochs()[0].step
    for key, step in [("ArrowLeft", 249), ("ArrowRight", 250), ("PageUp", 250 - epoch), ("PageDown", 250),
                      ("ArrowUp", 251), ("ArrowDown", 250), ("End", STEPS), ("Home", 0)]:  # fmt: skip
        page.keyboard.press(key)
        at_step(page, step)
        expect(slider).to_have_attribute("aria-valuenow", str(step))
    expect(slider).to_be_focused()


def test_a_fork_goes_another_way_and_is_compared(page: Page, served: Served) -> None:
    jump(page, 200)
    start_over(page, 0.2, "faster")
    head = timeline(page).get_by_role("heading", name=re.compile("faster begins"))
    expect(head).to_have_text("faster begins at step 200")
    timeline(page).get_by_role("button", name="Train it").click()
    expect(timeline(page).locator(".tree .go", has_text="faster")).to_contain_text("all epochs done")
    timeline(page).get_by_role("button", name="Compare with 128 houses").click()
    panel = timeline(page).locator(".panel")
    run = bl.open_run(served.folder / FIRST_FILE)
    forked = run.timeline("faster")
    assert (forked.start, forked.settings().learning_rate, forked.parent and forked.parent.name) == (200, 0.2, MANY)
    found = run.compare(MANY, "faster")
    assert found.parted == 200
    expect(panel).to_contain_text("The same up to step 200. Then learning rate 0.05 → 0.2.")
    mean = found.rows()["gain"].mean()
    assert isinstance(mean, float)
    away = "nearer to" if mean >= 0 else "farther from"
    expect(panel).to_contain_text(re.compile(rf"faster is \${abs(mean):,.0f}\s+{away}"))
    best, worst = found.rows().head(6), found.rows().tail(6).reverse()
    for caption, rows, sign in (("better", best, "+"), ("worse", worst, "−")):
        part = panel.get_by_role("table", name=f"Predicted {caption} by faster")
        cells = [row.split() for row in part.locator("tbody tr").all_inner_texts()]
        assert cells == [
            [
                f"{row['row']:,}",
                *(words.number(row[name], "$") for name in ("truth", "a", "b")),
                f"{sign}${abs(row['gain']):,.0f}",
            ]
            for row in rows.iter_rows(named=True)
        ]
    part = panel.get_by_role("table", name="Weights that differ most")
    for row, gap in zip(part.locator("tbody tr").all(), found.weights.iter_rows(named=True), strict=False):
        name, a, b = row.locator("td").all_inner_texts()
        assert name == gap["weight"]
        assert [number(a), number(b)] == pytest.approx([gap["a"], gap["b"]], rel=1e-3)
    panel.get_by_role("button", name="Close the comparison").click()


def test_a_timeline_is_overlaid(page: Page) -> None:
    overlay = timeline(page).get_by_label("Overlay faster")
    lines = timeline(page).locator(".lines svg").first
    if overlay.is_checked():
        overlay.uncheck()
    alone = lines.locator("path").count()
    assert {row[0] for row in table(page, "timeline")} == {MANY}
    overlay.check()
    until(page, lambda: {row[0] for row in table(page, "timeline")} == {MANY, "faster"})
    assert lines.locator("path").count() > alone


def line_there(page: Page, run: Run, step: int, rows: list[int] | None) -> Line:
    """The line along a step, once it is drawn."""
    line = along_step(run.trace(step, rows, timeline=MANY))
    wanted = [line.here, line.E_chosen, line.chosen, line.E_best, line.best]

    def shown() -> bool:
        title = timeline(page).locator(".picture svg title").text_content() or ""
        found = [number(text.rstrip(",.")) for text in re.findall(r"[−\d][\d.,e−]*", title)]
        return found == pytest.approx(wanted, rel=6e-3)

    until(page, shown)
    return line


@pytest.mark.parametrize("of", ["row", "batch"])
def test_along_the_step_is_what_python_says(page: Page, run: Run, of: str) -> None:
    jump(page, 1)
    if of == "batch":
        page.keyboard.press("b")
    line = line_there(page, run, 1, [0] if of == "row" else None)
    picture = timeline(page).locator(".picture svg")
    width = float(picture.get_attribute("width") or 0)
    bad = picture.locator("rect.hurts")
    if line.hurts is None:
        expect(bad).to_have_count(0)
    else:
        far = min(line.rate[-1], max(1.5 * line.chosen, 1.5 * line.hurts))
        assert float(bad.get_attribute("x") or 0) == pytest.approx(8 + line.hurts / far * (width - 18), abs=0.5)
    if of == "batch":
        page.keyboard.press("b")


def test_the_handle_let_go_becomes_the_setting(page: Page, served: Served) -> None:
    jump(page, 3)
    grip = timeline(page).get_by_role("slider", name="Another learning rate for this step")
    line_there(page, bl.open_run(served.folder / FIRST_FILE), 3, [0])
    box, area = grip.bounding_box(), timeline(page).locator(".picture .area").bounding_box()
    assert box
    assert area
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(area["x"] + 0.7 * area["width"], box["y"], steps=5)
    rate = float(grip.get_attribute("aria-valuenow") or 0)
    page.mouse.up()
    field = timeline(page).get_by_label("Learning rate", exact=True)
    assert rate != pytest.approx(0.05, rel=0.01)
    expect(field).to_have_value(str(rate))
    timeline(page).get_by_label("Name").fill("by-hand")
    timeline(page).get_by_role("button", name=f"Start over with learning rate {rate}").click()
    expect(page.locator("main")).to_have_attribute("data-timeline", "by-hand")
    forked = bl.open_run(served.folder / FIRST_FILE).timeline("by-hand")
    assert (forked.settings().learning_rate, forked.start) == (rate, 3)
    timeline(page).get_by_role("button", name="Not yet").click()


def test_every_setting_of_the_steps_can_be_another(page: Page, served: Served) -> None:
    jump(page, 2)
    timeline(page).get_by_role("button", name="Start over from here").click()
    panel, button = (timeline(page).locator(part).bounding_box() for part in ("[data-panel]", "form button.main"))
    assert panel is not None
    assert button is not None
    assert button["y"] + button["height"] <= panel["y"] + panel["height"]  # seen without scrolling
    timeline(page).get_by_label("Optimizer").select_option("adam")
    timeline(page).get_by_label("Batch size").fill("")
    timeline(page).get_by_text("More", exact=True).click()
    timeline(page).get_by_label("Clip norm").fill("0.5")
    timeline(page).get_by_label("Patience").fill("3")
    timeline(page).get_by_label("Name").fill("otherwise")
    timeline(page).locator("form button.main").click()
    expect(page.locator("main")).to_have_attribute("data-timeline", "otherwise")
    before, after = (bl.open_run(served.folder / FIRST_FILE).timeline(name) for name in (MANY, "otherwise"))
    assert set(after.changes) == {"optimizer", "batch_size", "clip_norm", "patience"}
    settings = after.settings()
    assert (settings.optimizer.name, settings.optimizer.clip_norm) == ("adam", 0.5)
    assert (settings.batch_size, settings.patience) == (None, 3)
    assert settings.learning_rate == before.settings().learning_rate
    timeline(page).get_by_role("button", name="Not yet").click()


def test_a_run_that_diverges_says_so_and_the_page_goes_on(page: Page, served: Served) -> None:
    jump(page, 10)
    start_over(page, 5000, "too-fast")
    timeline(page).get_by_role("button", name="Train it").click()
    expect(timeline(page).locator(".tree .go", has_text="too-fast")).to_contain_text("diverged")
    assert bl.open_run(served.folder / FIRST_FILE).timeline("too-fast").reason() == "diverged"
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    page.keyboard.press("ArrowLeft")
    timeline(page).locator(".tree .go", has_text=MANY).first.click()
    jump(page, 12)
    page.keyboard.press("ArrowRight")
    at_step(page, 13)
    expect(page.locator("main")).to_have_attribute("data-timeline", MANY)


def test_the_form_tells_where_it_began_until_it_goes_on(page: Page) -> None:
    jump(page, 0)
    start_over(page, None, "again")
    panel = timeline(page).locator(".panel")
    expect(panel).to_contain_text("again begins at step 0")
    page.locator("body").press("ArrowRight")
    at_step(page, 1)
    expect(panel).to_contain_text("Along this step")
