"""`backlit train`, `predict` and `show`."""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from rich.console import RenderableType
from rich.text import Text

from backlit.cli.text import HEAD, QUIET, print_json, printing, show, test_scores
from backlit.cli.verdict import to_try
from backlit.commands import command, shown
from backlit.errors import ArgumentError, DataError, DivergedError, UnknownNameError
from backlit.explain.verdict import match
from backlit.explain.verdict_text import overshooting, sentence
from backlit.fitting import prepare
from backlit.model import Model
from backlit.problem import Parting, Problem
from backlit.progress import fit
from backlit.recipe import Recipe
from backlit.runs.course import judged
from backlit.runs.file import require_new
from backlit.runs.run import FIRST, open_run
from backlit.runs.timeline import UNFINISHED
from backlit.tables.columns import Category
from backlit.tables.csv_text import typed_part
from backlit.tables.fields import QuestionError, numbered
from backlit.tables.frames import Source, open_table, table_kind, write_csv, write_table
from backlit.tables.reading import DROP, Hints, Sheet
from backlit.words import Remark, count, plain, to_json

ROWS = 2048  #: predicted at once
MOST_NOTICES = 15  #: shown; --json has all


def train(
    table: str,
    target: str,
    *,
    hints: Hints,
    text_encoding: str | None,
    run: str | None,
    seed: int | None,
    split_seed: int,
    group: str | None,
    time_column: str | None,
    kinds: dict[str, str],
    task: str | None,
    recipe: Recipe,
    keep_rows: bool,
    max_size: int,
    force: bool,
    json: bool,
    options: dict[str, Any],
) -> None:
    """Read a table, learn, test, keep the run.

    options : those typed, as they were typed, from which the line is made that reproduces the run
    """
    _require_apart(target, group, time_column, kinds)
    file = require_new(run or default_run(table), force, "command", [table])
    source = open_table(table, text_encoding)
    asks = not json and sys.stdin.isatty() and sys.stderr.isatty()
    columns = {**kinds, **({group: DROP} if group and group not in kinds else {})}
    asked = {**columns, target: "category"} if task == "classification" else columns
    sheet, answers = _read(source, hints.target(target), asked, asks)
    for option, said in answers.items():
        options[option] = [*options.get(option, []), *said]
    for name in (target, group, time_column, *hints.columns):
        if name is not None and name not in sheet.frame.columns:
            raise UnknownNameError("column", name, sheet.frame.columns)
    others = [name for name in sheet.frame.columns if name != target]
    if others and all(kinds.get(name) == DROP for name in others):
        raise ArgumentError("option.drop", target=target)
    by = "time" if time_column else "group" if group else "row"
    parting = Parting(by, time_column or group, None if time_column else split_seed)
    otherwise = "--classes takes them as classes"
    problem = Problem.of(sheet, target, parting, task=task, called=table, otherwise=otherwise)
    classes = problem.target is not None
    if classes and recipe.target == "log":
        raise ArgumentError("option.log", target=target)
    start = prepare(problem, replace(recipe, columns=columns or None), seed)
    notices = [*problem.notices, *start.table.notices, *([] if problem.counts["test"] else [Remark("rows.no_test")])]
    if not json:
        show([_opening(table, problem, notices)])
    options |= {"seed": start.seed} | ({} if time_column else {"split_seed": split_seed})
    line = command("train", table, **{name: value for name, value in options.items() if name != "max_seconds"})
    about = {"source": table, "text_encoding": text_encoding, "commands": {FIRST: [line]}}
    began = time.perf_counter()
    failure: DivergedError | None = None
    with start.recording(file, about, rows=keep_rows, max_size=max_size, force=force) as recorder:
        try:
            fitted = fit(start, recorder=recorder)
        except DivergedError as error:
            error.facts |= {"file": str(file), "rate": None}
            failure = error
    seconds = time.perf_counter() - began
    opened = open_run(file, problem.whole)
    if failure is not None:
        verdict = judged(opened.timeline()).to_dict()
        opened.note(verdict=verdict, seconds=seconds)
        failure.add_note(f"{overshooting(verdict)}Try  {to_try(verdict, table, options, file, False)}")
        raise failure
    scores, against = {}, None
    if problem.counts["test"]:
        predictions, truth, scores = problem.test(fitted.model)
        if classes or predictions["backlit"].shape == truth.shape:  # quantiles are no match for a mean
            against = match(predictions, truth, scores)
    verdict = judged(opened.timeline(), against).to_dict()
    results = {"scores": scores, "seconds": seconds, "verdict": verdict, "judged_at": opened.timeline().steps()}
    opened.note(**results)
    if json:
        about |= {"rows": problem.counts, "split": parting.to_dict(), **results}
        task = "classification" if classes else "regression"
        result = {"run": str(file), "task": task, "target": target, "seed": start.seed, "reason": fitted.reason}
        result |= {"best_epoch": fitted.best_epoch, "notices": notices, **about}
        print_json({**result, "epochs": [epoch._asdict() for epoch in fitted.epochs]})
        return
    stopped = " (stopped by Ctrl-C; what was learnt is kept)" if fitted.reason == "interrupted" else ""
    best = f"the weights of epoch {fitted.best_epoch} are used{stopped}"
    unit = start.table.target.unit
    ending = Text.assemble(
        (f"{len(fitted.epochs)} epochs in {seconds:.1f} s; {best}\n", QUIET), (f"kept in {plain(str(file))}", HEAD)
    )
    following = to_try(verdict, table, options, file, fitted.reason in UNFINISHED)
    predicting = command("predict", str(file), "NEW.csv", out="PREDICTED.csv")
    lines = {"again": line, "next": predicting, "try": following}
    if verdict["beaten_by"] is not None:
        del lines["next"]
    typed = "\n".join(f"{label:8}{shown(text)}" for label, text in lines.items() if text)
    figures = test_scores(scores, f"on {problem.counts['test']:,} test rows", unit)
    show([*figures, ending, *filter(None, [plain(sentence(verdict, unit, target))]), typed])


def predict(
    run: str,
    table: str,
    *,
    timeline: str | None,
    out: str | None,
    decimal: list[str],
    date_order: list[str],
    missing: list[str],
    text_encoding: str | None,
    force: bool,
    json: bool,
) -> None:
    """Add predictions to a table, a part at a time."""
    model = open_run(run).timeline(timeline).model()
    model = replace(model, table=model.table.read_as(hints_of({}, missing, decimal=decimal, date_order=date_order)))
    typed = False
    if out is not None:
        typed = table_kind(out) != "csv"
        require_new(out, force, "command", [run, table])
    source = open_table(table, text_encoding)
    parts = source.parts()
    first = next(parts)
    model.table.require_columns(first.columns)
    taken = [name for name in predicted_columns(model) if name in first.columns]
    if taken:
        raise DataError("predict.taken", source=source.called, column=taken[0])
    unseen: dict[str, tuple[int, str]] = {}
    predicted = _predicted(model, itertools.chain([first], parts), unseen)
    if typed and source.text is not None:
        commas = {column.name for column in model.table.columns if column.reading.decimal == ","}
        types = {name: dtype for name, dtype in source.text.types().items() if name not in commas}
        predicted = (typed_part(part, types) for part in predicted)
    if out is not None:
        rows = write_table(predicted, out)
    else:
        with printing():
            if json:
                _print_rows(part.select(predicted_columns(model)) for part in predicted)
            else:
                write_csv(predicted, sys.stdout.buffer)
    notices = _predict_notices(model, first, unseen)
    if out is not None and json:
        print_json({"out": out, "rows": rows, "notices": notices})
    elif out is not None:
        print(f"wrote {count(rows, 'row')} to {plain(out)}")
    if not (out is not None and json):
        for notice in notices:
            print(f"note: {plain(notice)}", file=sys.stderr)


def default_run(table: str) -> str:
    """NAME.backlit beside where the command runs."""
    return "table.backlit" if table == "-" else f"{Path(table).stem}.backlit"


def hints_of(kinds: dict[str, str], missing: list[str], **options: list[str]) -> Hints:
    """What is said of the columns: a value of an option is of all columns, and NAME=VALUE of the column NAME."""
    general: dict[str, str] = {}
    columns: dict[str, dict[str, str]] = {name: {"kind": kind} for name, kind in kinds.items()}
    for option, said in options.items():
        for text in said:
            name, _, value = text.rpartition("=")
            if name:
                columns.setdefault(name, {})[option] = value
            else:
                general[option] = value
    return Hints.of(columns, missing=missing, **general)


def _read(source: Source, hints: Hints, kinds: dict[str, str], asks: bool) -> tuple[Sheet, dict[str, list[str]]]:
    """A table, and the options that answer what was asked about it: NAME=VALUE.

    asks : whether somebody is there to be asked; else what two readings fit is refused where it is used
    """
    whole = source.whole()
    sheet, answers = source.sheet(hints, whole), {}
    while asks and (error := _open_question(sheet, kinds)) is not None:
        option, value = error.question.option, _ask(error)
        answers.setdefault(option, []).append(f"{error.name}={value}")
        hints = hints.say(error.name, **{option: value})
        sheet = source.sheet(hints, whole)
    return sheet, answers


def _open_question(sheet: Sheet, kinds: dict[str, str]) -> QuestionError | None:
    used = (error for name, error in sheet.troubles.items() if kinds.get(name) not in ("category", DROP))
    return next((error for error in used if isinstance(error, QuestionError)), None)


def _ask(error: QuestionError) -> str:
    """Which of its readings a column has; no answer is an error."""
    readings = error.question.readings
    for key, value in readings.items():
        print(f"  {key:4}{plain(error.question.entry)} is {value}", file=sys.stderr)
    while True:
        print(
            f"{plain(error.name)} can be read in two ways. Which? ({' or '.join(readings)}) ", end="", file=sys.stderr
        )
        sys.stderr.flush()
        answer = sys.stdin.readline()
        if not answer:
            raise error
        if answer.strip() in readings:
            return answer.strip()


def kinds_of(**chosen: list[str]) -> dict[str, str]:
    """What each column is said to be, from the columns of each kind; one that is said to be two things is refused."""
    kinds: dict[str, str] = {}
    for kind, names in chosen.items():
        for name in names:
            if kinds.setdefault(name, kind) != kind:
                raise ArgumentError("option.two_kinds", one=kinds[name], other=kind, column=name)
    return kinds


def _require_apart(target: str, group: str | None, time_column: str | None, kinds: dict[str, str]) -> None:
    """Refuse options that use the target for something else, or contradict each other."""
    if group is not None and time_column is not None:
        raise ArgumentError("option.both", one="group", other="time", of="way to split the rows")
    for option, name in {"group": group, "time": time_column}.items():
        if name == target:
            raise ArgumentError("option.parts_by_target", option=option, target=target)
    if target in kinds:
        instead = {
            "category": "say --classes to take it as classes", "number": "say --numbers to take it as numbers",
            "drop": "leave that out, or name another target",
        }.get(kinds[target], "leave that out")  # fmt: skip
        raise ArgumentError("option.kind_of_target", kind=kinds[target], target=target, instead=instead)


def predicted_columns(model: Model) -> list[str]:
    """The names of the columns that `predict` adds."""
    target = model.table.target
    if target.classes:
        return [f"predicted {target.names[0]}", *(f"probability of {label}" for label in target.labels)]
    return [f"predicted {name}" for name in model.net.loss.outputs(target.names)]


def predictions(model: Model, part: pl.DataFrame) -> dict[str, pl.Series]:
    """The added columns of some rows."""
    values = model.decode(part)
    names = predicted_columns(model)
    columns = dict(zip(names[-values.shape[1] :], (pl.Series(column) for column in values.T)))
    if model.table.target.classes:
        labels = np.array(model.table.target.labels, dtype=object)
        columns = {names[0]: pl.Series(labels[values.argmax(axis=1)], dtype=pl.String), **columns}
    return columns


def _predicted(
    model: Model, parts: Iterator[pl.DataFrame], unseen: dict[str, tuple[int, str]]
) -> Iterator[pl.DataFrame]:
    """The parts with their predictions; counts the unseen fields of each category, and keeps one."""
    row = 0
    for part in parts:
        for some in part.iter_slices(ROWS) if part.height else [part]:
            with numbered(row):
                added = predictions(model, some)
            for column in model.table.columns:
                if not isinstance(column, Category) or column.other:
                    continue
                odd = column.unseen(some[column.name])
                if len(odd):
                    count, example = unseen.get(column.name, (0, odd[0]))
                    unseen[column.name] = (count + len(odd), example)
            row += some.height
            yield some.with_columns(**added)


def _predict_notices(model: Model, first: pl.DataFrame, unseen: dict[str, tuple[int, str]]) -> list[Remark]:
    known = {*(column.name for column in model.table.columns), *model.table.target.names}
    levels = [f"{name} ({count:,}, such as {example!r})" for name, (count, example) in unseen.items()]
    extra = [name for name in first.columns if name not in known]
    return [
        *([Remark("predict.unseen", levels=_some(levels))] if levels else []),
        *([Remark("predict.passed_on", columns=_some(extra))] if extra else []),
    ]


def _opening(table: str, problem: Problem, notices: list[Remark | str]) -> RenderableType:
    frame, target = problem.frame, problem.target
    what = f"{len(target.classes)} classes" if target else "numbers"
    parts = zip(("learning from", "stopping on", "testing on"), problem.counts.values())
    more = [f"and {len(notices) - MOST_NOTICES} more; --json has all"] if len(notices) > MOST_NOTICES else []
    return _lines(
        [
            Text(plain(table), style=HEAD),
            Text(f"{count(frame.height, 'row')}, {frame.width} columns; the target {plain(problem.name)}: {what}"),
            *(Text(plain(notice), style=QUIET) for notice in [*notices[:MOST_NOTICES], *more]),
            Text(", ".join(f"{use} {rows:,}" for use, rows in parts) + " rows", style=QUIET),
        ]
    )


def _print_rows(parts: Iterator[pl.DataFrame]) -> None:
    """A JSON list, a row a line."""
    opening = "["
    for part in parts:
        for row in part.iter_rows(named=True):
            sys.stdout.write(f"{opening}{to_json(row)}")
            opening = ",\n"
    print("]")


def _lines(lines: list[Any]) -> Text:
    return Text("\n").join(lines)


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
