"""`backlit explain`: the chain rule of a weight, on a row of a run's table or on the demo's house."""

from __future__ import annotations

import html as markup
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table as Grid
from rich.text import Text

from backlit.cli.text import HEAD, NEGATIVE, POSITIVE, QUIET, number, plain, show, signed
from backlit.errors import ArgumentError, DataError, require
from backlit.explain.trace import Trace, trace
from backlit.explain.what_if import Curve, Line, along_step, along_weight
from backlit.runs.file import open_run
from backlit.tables.frames import read_table
from backlit.tables.units import quantity

FORMATS = ("text", "latex", "json", "html")


def explain(
    run: str | None, *, demo: bool, row: int, weight: str | None, what_if: bool, form: str, table: str | None
) -> None:
    """Trace one row, and show who is to blame or the chain of one weight."""
    require("--format", form, lambda v: v in FORMATS, f"one of {', '.join(FORMATS)}")
    if (run is None) == (not demo):
        raise ArgumentError("give a run file, or --demo for the little network of `backlit demo`")
    t = demo_trace(row) if run is None else run_trace(run, row, table)
    strongest = t.blame("matrix")["weight"].to_list()
    names = [weight] if weight else [name for name in strongest if name.startswith("w")]
    chains = [t[name].chain() for name in names]
    if form == "text":
        parts: list[RenderableType] = [_head(t, row), *([] if weight else [_blame(t)])]
        parts += [Text(plain_lines(chain.text())) for chain in chains]
        if what_if:
            parts += [_curve(along_weight(t, name)) for name in names]
            parts += [_line(along_step(t))] if t.optimizer is not None else []
        show(parts)
    elif form == "latex":
        print("\n\n".join(chain.latex() for chain in chains))
    elif form == "html":
        title = markup.escape(f"Row {row}: prediction {t.prediction[0].tolist()}, E = {t.E:.6g}")
        body = "\n".join(chain._repr_html_() for chain in chains)
        print(f"<!doctype html><meta charset=utf-8><title>backlit</title><h1>{title}</h1>\n{body}")
    else:
        content: dict[str, Any] = {"row": row, "prediction": t.prediction[0].tolist(), "E": t.E}
        content |= {"blame": t.blame("matrix").to_dicts(), "chains": [chain.to_dict() for chain in chains]}
        if what_if:
            content["what_if"] = [_listed(along_weight(t, name)) for name in names]
            content["along_step"] = _listed(along_step(t)) if t.optimizer is not None else None
        print(json.dumps(content, indent=2, ensure_ascii=False))


def demo_trace(house: int) -> Trace:
    """The demo's little network before its first step, on one house."""
    from backlit.cli.demo import first_network, house_rows

    net, theta, table, settings = first_network()
    X, Y = house_rows(table, house)
    return trace(net, theta, X, Y, settings, rows=[house], table=table)


def run_trace(run: str, row: int, table: str | None) -> Trace:
    """A row of the table that a run learnt from, under the weights that predict."""
    opened = open_run(run)
    source = table or opened.about.get("source")
    if not source or source == "-" or not Path(source).exists():
        raise DataError(f"{run} keeps no rows, and its table {source or ''} is not there; name it with --table")
    frame = read_table(source)
    require("--row", row, lambda v: 0 <= v < frame.height, f"a row of {source}, from 0 to {frame.height - 1}")
    one = frame[row : row + 1]
    target = opened.table.target
    for name in target.names:
        if name not in frame.columns:
            raise DataError(f"{source} has no column {name!r}; a trace needs the truth, so name a table that has it")
        if one[name].null_count():
            raise DataError(f"row {row} of {source} has no {name}; a trace needs the truth, so take another row")
    state: Any = opened.theta
    settings = None
    if opened.last is opened.theta or np.array_equal(opened.last, opened.theta):
        state, settings = opened.state, opened.settings
    X, Y = opened.table.encode(one, np.float64), target.encode(one.select(target.names))
    return trace(opened.net, state, X, Y, settings, rows=[row], table=opened.table)


def plain_lines(text: str) -> str:
    """Text of several lines, what cannot be printed escaped."""
    return "\n".join(map(plain, text.splitlines()))


def _head(t: Trace, row: int) -> RenderableType:
    described = t.target.target if t.target is not None else None
    if described is not None and described.classes:
        likely = int(t.prediction[0].argmax())
        told = f"{t.prediction[0, likely]:.1%} for {described.classes[likely]}"
    else:
        unit = described.unit if described is not None else ""
        told = ", ".join(quantity(float(f"{value:.6g}"), unit) for value in t.prediction[0])
        off = ", ".join(quantity(float(f"{value:.6g}"), unit) for value in np.atleast_2d(t.difference)[0])
        told += f", which is off by {off}"
    return Text.assemble((f"Row {row}   ", HEAD), "prediction ", (plain(told), HEAD), f"     E = {number(t.E)}")


def _blame(t: Trace) -> RenderableType:
    grid = Grid(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    grid.add_column("to blame the most, in each matrix and of the biases", header_style=QUIET)
    for heading in ("w", "∂E/∂w", "blame"):
        grid.add_column(heading, justify="right", header_style=QUIET)
    for name, value, gradient, share in t.blame("matrix").iter_rows():
        grid.add_row(Text(plain(name)), signed(value), signed(gradient), f"{share:.1%}")
    return grid


def _curve(curve: Curve) -> RenderableType:
    picked = curve.w.size // 10
    rows = list(zip(curve.w[::picked], curve.E[::picked], curve.tangent[::picked]))
    return Group(Text(f"What if {plain(curve.weight)} were ...", style=HEAD), _grid(("w", "E", "its tangent"), rows))


def _line(line: Line) -> RenderableType:
    rows = list(zip(line.rate[::16], line.E[::16], line.tangent[::16]))
    hurts = f"; from {line.hurts:.3g} on it hurts" if line.hurts is not None else ""
    told = f"chosen {line.chosen:.3g}, best {line.best:.3g}{hurts}"
    return Group(
        Text.assemble(("What if the learning rate were ...", HEAD), f"   {told}"),
        _grid(("rate", "E", "its tangent"), rows),
    )


def _grid(headings: tuple[str, ...], rows: list[tuple[float, ...]]) -> Grid:
    grid = Grid(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for heading in headings:
        grid.add_column(heading, justify="right", header_style=QUIET)
    least = min(row[1] for row in rows)
    for row in rows:
        style = POSITIVE if row[1] == least else NEGATIVE if row[1] > 2 * rows[len(rows) // 2][1] else ""
        grid.add_row(*(number(float(value)) for value in row), style=style)
    return grid


def _listed(curve: Curve | Line) -> dict[str, Any]:
    return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in asdict(curve).items()}
