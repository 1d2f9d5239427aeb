"""Runs that are over: where they rest, what a rate of 0 means, what a diverged one still knows; and their numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from playwright.sync_api import BrowserContext, Page, expect
from served import Served, at_step, number, opened, show_numbers, table, until

import backlit as bl
from backlit.errors import DivergedError
from backlit.explain.verdict_text import sentence
from backlit.fitting import Recipe, prepare
from backlit.problem import Problem, Split
from backlit.runs.course import judged
from backlit.runs.run import Run, recording

N = 120
FILE = "over.backlit"
BEST, LAST = "best on the validation rows: these weights predict", "the last step"
draw = np.random.default_rng(3)
TABLE = pl.DataFrame({"size": draw.gamma(2, 700, N), "age": draw.integers(0, 90, N).astype(float)})
PRICE = pl.Series("price", 1_200_000 + 300 * TABLE["size"] - 2000 * TABLE["age"] + draw.normal(0, 200_000, N))
KIND = pl.Series("kind", ["old" if age > 45 else "new" for age in TABLE["age"]])
SPLIT = Split(np.arange(80), np.arange(80, 110), np.arange(110, N))


def begun(folder: Path, **settings: object) -> Run:
    """A run that overfits, so that its best epoch comes before its last; nothing is trained yet."""
    recipe = Recipe(hidden=(24,), learning_rate=0.03, batch_size=20, units={"price": "$"}, **settings)  # type: ignore
    start = prepare(Problem(TABLE, PRICE.to_frame(), split=SPLIT), recipe, 1)
    with recording(folder / FILE, *start, frame=TABLE.with_columns(PRICE)):
        pass
    return bl.open_run(folder / FILE)


def finished(folder: Path) -> Run:
    run = begun(folder, epochs=30)
    run.train()
    return run


def classified(folder: Path) -> Run:
    """Classes that are learnt by heart, but for one row of the watched ones, which is labelled wrong."""
    y = pl.Series("kind", [{"old": "new", "new": "old"}[kind] if i == 115 else kind for i, kind in enumerate(KIND)])
    model = bl.NetClassifier(
        hidden=(16,), learning_rate=0.03, epochs=200, dropout=0.0, random_state=1, run=folder / FILE, batch_size=20
    )
    model.fit(TABLE[:100], y[:100], X_val=TABLE[100:], y_val=y[100:])
    return bl.open_run(folder / FILE)


def diverged(folder: Path) -> Run:
    model = bl.NetRegressor(
        hidden=(6, 4), optimizer="sgd", learning_rate=10, epochs=20, encoding="plain", batch_size=2, random_state=1,
        run=folder / FILE,
    )  # fmt: skip
    with pytest.raises(DivergedError):
        model.fit(TABLE, PRICE)
    return bl.open_run(folder / FILE)


def best_of(run: Run) -> int:
    best = run.timeline().at().best
    assert best is not None
    return best.step


def ends(page: Page) -> tuple[str | None, str | None]:
    buttons = [page.get_by_role("button", name=name, exact=True) for name in ("best", "last")]
    return tuple(button.get_attribute("aria-pressed") for button in buttons)  # type: ignore


def test_a_finished_run_opens_at_the_weights_that_predict(
    context: BrowserContext, serve: Callable[..., Served], tmp_path: Path
) -> None:
    run = finished(tmp_path)
    best, last = best_of(run), run.timeline().steps()
    assert best < last
    page = opened(context, serve(FILE).address + "#hide=tour")
    at_step(page, best)
    steps = page.locator('[data-view="steps"]')
    expect(steps.get_by_text(BEST, exact=True)).to_be_visible()
    assert ends(page) == ("true", "false")
    button = page.get_by_role("button", name="last", exact=True)
    expect(button).to_have_accessible_description(f"step {last}: {LAST}")
    expect(page.get_by_role("button", name="best", exact=True)).to_have_accessible_description(f"step {best}: {BEST}")
    button.focus()
    page.keyboard.press("Enter")
    at_step(page, last)
    assert ends(page) == ("false", "true")
    expect(steps.get_by_text(LAST, exact=True)).to_be_visible()
    expect(page.locator(".aloud")).to_contain_text(f"Step {last} of {last}, {LAST}: the guess for row 0 is ")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    at_step(page, best)
    page.keyboard.press("ArrowLeft")
    at_step(page, best - 1)
    assert ends(page) == ("false", "false")


def verdict(run: Run) -> str:
    told = sentence(judged(run.timeline()).to_dict(), "$", "price")
    assert told
    return told


def test_a_finished_run_says_what_came_of_it(
    context: BrowserContext, serve: Callable[..., Served], tmp_path: Path
) -> None:
    run = finished(tmp_path)
    page = opened(context, serve(FILE).address + "#hide=tour")
    line = page.locator('[data-view="timeline"] .verdict')
    expect(line).to_have_text(verdict(run))
    page.get_by_role("button", name="Start over from here").click()
    page.get_by_role("button", name="Start over", exact=True).click()
    expect(line).to_have_count(0)


def test_the_last_step_of_a_schedule_that_ends_at_0(
    context: BrowserContext, serve: Callable[..., Served], tmp_path: Path
) -> None:
    """Nothing is wrong there: the page says why nothing moves, draws the curve, and its console stays clean."""
    run = finished(tmp_path)
    page = opened(context, serve(FILE).address + "#hide=tour&weight=b2[1]")
    page.get_by_role("button", name="last", exact=True).click()
    at_step(page, run.timeline().steps())
    timeline = page.locator('[data-view="timeline"]')
    expect(timeline).to_contain_text("The rate is 0 at this step, so the weights do not move.")
    expect(timeline.locator(".picture .curve")).to_have_attribute("d", re.compile(r"^M[\d.]+ [\d.]+(L[\d.]+ [\d.]+)+$"))
    expect(timeline.get_by_role("slider", name="Another learning rate for this step")).to_have_count(0)
    # one count of epochs: that of the bar is that of the curves, and of the run
    expect(page.locator(".where div", has_text="epoch").locator("dd")).to_have_text("30")
    expect(timeline.locator(".read .step")).to_have_text(f"step {run.timeline().steps()}, epoch 30")
    update = page.get_by_role("group", name="What this row alone would make of it")
    expect(update).to_contain_text("The rate is 0 at this step")


def test_training_ends_at_the_weights_that_predict(
    context: BrowserContext, serve: Callable[..., Served], tmp_path: Path
) -> None:
    run = begun(tmp_path, epochs=30)
    page = opened(context, serve(FILE).address + "#hide=tour")
    at_step(page, 0)
    page.get_by_label("Speed").select_option("as fast as it goes")
    page.keyboard.press("Space")
    until(page, lambda: run.timeline().reason() == "epochs")
    best, last = best_of(run), run.timeline().steps()
    assert best < last == 120
    at_step(page, best)
    expect(page.locator('[data-view="timeline"] .verdict')).to_have_text(verdict(run))
    expect(page.get_by_text(f"Training has ended at step {last}. This is step {best},")).to_be_visible()
    expect(page.locator('[data-view="steps"]').get_by_text(BEST, exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()


def test_a_diverged_run_shows_the_truth_of_the_table(
    context: BrowserContext, serve: Callable[..., Served], tmp_path: Path
) -> None:
    run = diverged(tmp_path)
    page = opened(context, serve(FILE).address + "#hide=tour")
    at_step(page, run.timeline().steps())
    house = page.locator('[data-view="house"]')
    for row in (0, 1):
        expect(house.get_by_role("heading", name=f"Row {row}", exact=True)).to_be_visible()
        expect(house.locator("dl > div", has_text="truth").first).to_contain_text(f"{round(PRICE[row], -1):,.0f}"[:-1])
        page.keyboard.press("n")
    show_numbers(page, "house")

    def truth() -> float:
        [cells] = [cells for cells in table(page, "house") if cells[0] == "truth"]
        return number(cells[1])

    until(page, lambda: truth() == pytest.approx(PRICE[2], rel=1e-5))  # the page may be on its way to the row


@pytest.mark.parametrize("made", [finished, classified, diverged])
def test_numbers_are_written_for_people(
    context: BrowserContext, serve: Callable[..., Served], tmp_path: Path, made: Callable[[Path], Run]
) -> None:
    """No number with more digits than mean something, none of many digits without a comma, none certain that is not."""
    made(tmp_path)
    page = opened(context, serve(FILE).address + "#hide=tour")
    for view in ("network", "timeline", "house"):
        show_numbers(page, view)
    page.get_by_role("button", name="worst").click()
    worst = page.get_by_role("region", name="The worst rows")
    expect(worst.locator("tbody tr")).not_to_have_count(0)
    for name in ("best", "last"):
        button = page.get_by_role("button", name=name, exact=True)
        if button.count():
            button.click()
        if made is classified and name == "last":
            expect(worst.locator("tbody tr").first).to_contain_text(re.compile(r">99\.9% for \w+\s*log-loss \d"))
            expect(worst.locator("p")).to_contain_text("in the middle log-loss ")
        said = page.locator("main").inner_text()
        digits = {text: text.replace(",", "").replace(".", "").lstrip("0") for text in re.findall(r"[\d,]*\.\d+", said)}
        assert not [text for text, known in digits.items() if len(known) > 7]
        assert not re.findall(r"(?<![\d.,])\d{5,}", said)
        assert not re.findall(r"\b(NaN|Infinity|undefined|null)\b", said)
        assert "100.0%" not in said
