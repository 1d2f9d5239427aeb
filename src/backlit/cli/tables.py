"""`backlit train`, `predict` and `show`."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from rich.console import Group, RenderableType
from rich.table import Table as Grid
from rich.text import Text

from backlit.cli.text import HEAD, POSITIVE, QUIET, bars, number, plain, score_grid, show
from backlit.core.layers import Dense
from backlit.errors import ArgumentError, DataError, UnknownNameError
from backlit.fitting import Recipe, Split, prepare, report, split_by_order, split_rows
from backlit.model import Model
from backlit.progress import fit
from backlit.runs.file import open_run, require_new
from backlit.tables.columns import Number
from backlit.tables.frames import read_table, scan_table, write_table
from backlit.tables.infer import DROP
from backlit.tables.target import Target, guess_task


def train(
    table: str,
    target: str,
    *,
    run: str | None,
    seed: int | None,
    group: str | None,
    time_column: str | None,
    kinds: dict[str, str],
    task: str | None,
    recipe: Recipe,
    force: bool,
    as_json: bool,
) -> None:
    """Read a table, learn, test, keep the run."""
    file = require_new(run or default_run(table), force)
    frame = read_table(table)
    for name in (target, group, time_column, *kinds):
        if name is not None and name not in frame.columns:
            raise UnknownNameError("column", name, frame.columns)
    notices = []
    known = frame[target].is_not_null()
    if not known.all():
        frame = frame.filter(known)
        notices.append(f"{len(known) - frame.height:,} rows without {target} are left out")
    if frame.height < 10:
        raise DataError(f"{table} has {frame.height} rows with a {target}; give ten or more, so that some can test")
    described, targets = describe_target(frame, target, task, recipe)
    split = choose_split(frame, group, time_column, seed)
    columns = {**kinds, **({group: DROP} if group and group not in kinds else {})}
    recipe = Recipe(**{**vars(recipe), "columns": columns or None})
    plan = prepare(frame.drop(target), targets, recipe, target=described, split=split, seed=seed)
    notices += plan.notices
    what = f"{len(described.classes)} classes" if described else "numbers"
    if not as_json:
        show([_opening(table, frame, target, what, notices, split)])
    began = time.perf_counter()
    fitted = fit(plan)
    seconds = time.perf_counter() - began
    scores = report(plan, fitted.theta, frame.drop(target), targets, split)
    rows = {name: len(part) for name, part in split._asdict().items()}
    about = {"source": table, "rows": rows, "scores": scores, "seconds": seconds}
    fitted.record(file, about, replace=force)
    if as_json:
        task = "classification" if described else "regression"
        result = {"run": str(file), "task": task, "target": target, "seed": plan.seed, "reason": fitted.reason}
        epochs = [epoch._asdict() for epoch in fitted.epochs]
        _print_json({**result, "best_epoch": fitted.best_epoch, "notices": notices, **about, "epochs": epochs})
        return
    stopped = " (stopped by Ctrl-C; what was learnt is kept)" if fitted.reason == "interrupted" else ""
    told = f"{len(fitted.epochs)} epochs in {seconds:.1f} s; the weights of epoch {fitted.best_epoch} are used{stopped}"
    following = f"backlit predict {file} NEW.csv --out PREDICTED.csv"
    show(
        [
            score_grid(scores, f"on {rows['test']:,} test rows", recipe.units.get(target, "")),
            _lines([Text(told, style=QUIET), Text(f"kept in {file}", style=HEAD), Text(f"next    {following}")]),
        ]
    )


def predict(run: str, table: str, *, out: str | None, force: bool, as_json: bool) -> None:
    """Add predictions to a table, a part at a time."""
    model = open_run(run).model
    if out is not None:
        require_new(out, force)
        if table != "-" and Path(out).exists() and Path(table).samefile(out):
            raise ArgumentError(f"--out is {out}, the table itself; name another file")
    scan = scan_table(table, as_text=True)
    schema = scan.collect_schema()
    for column in model.table.columns:
        if column.name not in schema:
            near = UnknownNameError("column", column.name, schema.names())
            raise DataError(f"{table} lacks a column that the network learnt from: {near}")
    names = predicted_columns(model)
    extra: dict[str, Any] = dict.fromkeys(names, pl.Float64)
    if model.table.target.classes:
        extra[names[0]] = pl.String
    taken = [name for name in extra if name in schema]
    if taken:
        raise DataError(f"{table} has a column {taken[0]!r} already, where predictions would go; rename it")

    def add(part: pl.DataFrame) -> pl.DataFrame:
        return part.with_columns(**predictions(model, part))

    predicted = scan.map_batches(add, streamable=True, schema={**schema, **extra})
    if out is not None:
        write_table(predicted, out)
        rows = int(scan_table(out, as_text=True).select(pl.len()).collect().item())
        _print_json({"out": out, "rows": rows}) if as_json else print(f"wrote {rows:,} rows to {out}")
    elif as_json:
        _print_json(predicted.select(list(extra)).collect().to_dicts())
    else:
        sys.stdout.write(predicted.collect().write_csv())


def summary(run: str, *, as_json: bool) -> None:
    """What a run file holds."""
    opened = open_run(run)
    about, target = opened.about, opened.table.target
    if as_json:
        facts = {"table": opened.table.to_dict(), "network": opened.net.to_dict(), **about}
        _print_json({**facts, "epochs": [epoch._asdict() for epoch in opened.epochs]})
        return
    layers = " → ".join(f"{layer.name} {layer.d_out}" for layer in opened.net.layers if isinstance(layer, Dense))
    goal = f"{len(target.classes)} classes of {target.names[0]}" if target.classes else ", ".join(target.names)
    settings, state = about["settings"], about["state"]
    how = f"{settings['optimizer']['name']}, learning rate {settings['learning_rate']:g}, seed {about['seed']}"
    facts = {
        "predicts": goal,
        "from": f"{len(opened.table.columns)} columns: {', '.join(column.name for column in opened.table.columns)}",
        "network": f"{len(opened.net.inputs)} inputs → {layers}, {opened.net.size:,} weights, {opened.net.loss.name}",
        "trained": f"{how}, {state['step']:,} steps in {state['epoch']} epochs, ended by {about['reason']}",
        "rows": ", ".join(f"{count:,} {name}" for name, count in about["rows"].items()),
        "written": f"{about['created']} by backlit {about['versions']['backlit']}",
    }
    grid = Grid(box=None, pad_edge=False, show_header=False, padding=(0, 3, 0, 0))
    for name, fact in facts.items():
        grid.add_row(Text(name, style=QUIET), Text(plain(fact)))
    errors = [epoch.error if epoch.metric is None else epoch.metric for epoch in opened.epochs]
    known = [E for E in errors if E is not None]
    if known:
        curve = Text.assemble((bars(known, 40), POSITIVE), f"  E {number(known[0])} → {number(min(known))}")
        grid.add_row(Text("error", style=QUIET), curve)
    for notice in opened.table.notices:
        grid.add_row(Text("note", style=QUIET), Text(plain(notice)))
    parts: list[RenderableType] = [Group(Text(plain(str(opened.path)), style=HEAD), grid)]
    if "scores" in about:
        parts.append(score_grid(about["scores"], "on the test rows", target.unit))
    show(parts)


def default_run(table: str) -> str:
    """NAME.backlit beside where the command runs."""
    return "table.backlit" if table == "-" else f"{Path(table).stem}.backlit"


def describe_target(
    frame: pl.DataFrame, name: str, task: str | None, recipe: Recipe
) -> tuple[Target | None, pl.DataFrame]:
    """The classes, or None for numbers; and the target's column."""
    series = frame[name]
    task = task or guess_task(series)
    if task == "classification":
        return Target.fit_classes(series), frame.select(name)
    values = Number.values(series)
    if np.unique(values).size == 1:
        raise DataError(f"target {name!r} is {values[0]:g} in every row; there is nothing to learn")
    return None, pl.DataFrame({name: values})


def choose_split(frame: pl.DataFrame, group: str | None, time_column: str | None, seed: int | None) -> Split:
    """By group, by time, or each row for itself."""
    if group is not None and time_column is not None:
        raise ArgumentError("--group and --time are both given; choose one way to split the rows")
    if time_column is not None:
        return split_by_order(frame[time_column].to_numpy())
    return split_rows(frame[group].to_numpy() if group else np.arange(frame.height), seed or 0)


def predicted_columns(model: Model) -> list[str]:
    """The names of the columns that `predict` adds."""
    target = model.table.target
    if target.classes:
        return [f"predicted {target.names[0]}", *(f"probability of {label}" for label in target.classes)]
    outputs = model.net.outputs
    names = target.names if len(target.names) == outputs else [f"{target.names[0]} {i + 1}" for i in range(outputs)]
    return [f"predicted {name}" for name in names]


def predictions(model: Model, part: pl.DataFrame) -> dict[str, pl.Series]:
    """The added columns of some rows."""
    values = model.decode(part)
    names = predicted_columns(model)
    columns = dict(zip(names[-values.shape[1] :], (pl.Series(column) for column in values.T)))
    if model.table.target.classes:
        labels = [str(label) for label in model.table.target.classes]
        columns = {names[0]: pl.Series([labels[i] for i in values.argmax(axis=1)], dtype=pl.String), **columns}
    return columns


def _opening(
    table: str, frame: pl.DataFrame, target: str, what: str, notices: list[str], split: Split
) -> RenderableType:
    counts = zip(("learning from", "stopping on", "testing on"), split)
    return _lines(
        [
            Text(plain(table), style=HEAD),
            Text(f"{frame.height:,} rows, {frame.width} columns; the target {plain(target)}: {what}"),
            *(Text(plain(notice), style=QUIET) for notice in notices),
            Text(", ".join(f"{what} {len(rows):,}" for what, rows in counts) + " rows", style=QUIET),
        ]
    )


def _lines(lines: list[Any]) -> Text:
    return Text("\n").join(lines)


def _print_json(content: Any) -> None:
    print(json.dumps(content, indent=2, default=_plain_number, ensure_ascii=False))


def _plain_number(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} has no JSON form")
