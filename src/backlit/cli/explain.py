"""`backlit explain` and `figure`: a row of a run's table, or the demo's house, taken apart and drawn."""

from __future__ import annotations

import html as markup
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.text import Text

from backlit.cli.text import HEAD, NEGATIVE, POSITIVE, QUIET, grid, print_json, show, signed
from backlit.errors import ArgumentError, DataError, require
from backlit.explain.check import engine_remark
from backlit.explain.trace import Trace, trace
from backlit.explain.what_if import Curve, Line, along_step, along_weight
from backlit.runs.file import require_new
from backlit.runs.run import Run, open_run
from backlit.tables.fields import numbers
from backlit.words import fixed, number, percent, plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KINDS = ("network", "weight", "step", "errors", "predicted", "response")
FORMATS = ("text", "latex", "json", "html")


def explain(
    run: str | None, *, demo: bool, row: int, weight: str | None, what_if: bool, format: str, json: bool,
    table: str | None, step: int | None, timeline: str | None,
) -> None:  # fmt: skip
    """Trace one row, and show who is to blame or the chain of one weight."""
    form = "json" if json else format
    require("--format", form, lambda v: v in FORMATS, f"one of {', '.join(FORMATS)}")
    if (run is None) == (not demo):
        raise ArgumentError("option.run_or_demo")
    t = demo_trace(row) if run is None else run_trace(open_run(run, table), row, step, timeline)
    names = [weight] if weight else t.strongest()
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
        title = markup.escape(f"Row {row}: prediction {_outcome(t)}, E = {t.E:.6g}")
        body = "\n".join(chain._repr_html_() for chain in chains)
        print(f"<!doctype html><meta charset=utf-8><title>backlit</title><h1>{title}</h1>\n{body}")
    else:
        content: dict[str, Any] = {"row": row, "prediction": t.prediction[0], "E": t.E}
        content["engine_difference"] = t.engine_difference
        content |= {"blame": t.blame("matrix").to_dicts(), "chains": chains}
        if what_if:
            content["what_if"] = [along_weight(t, name) for name in names]
            content["along_step"] = along_step(t) if t.optimizer is not None else None
        print_json(content)


def demo_trace(house: int) -> Trace:
    """The demo's little network before its first step, on one house."""
    from backlit.lesson import first_network, house_rows

    net, theta, table, settings = first_network()
    X, Y = house_rows(table, house)
    return trace(net, theta, X, Y, settings, rows=[house], table=table)


def run_trace(run: Run, row: int, step: int | None, timeline: str | None) -> Trace:
    """A row of the table that a run learnt from, at a step; None: under the weights that predict."""
    require(
        "--row", row, lambda v: 0 <= v < run.frame().height, f"a row of the table, from 0 to {run.frame().height - 1}"
    )
    return run.trace(step, [row], timeline)


def figure(
    kind: str, run: str | None, *, demo: bool, out: str, row: int, weight: str | None, column: list[str],
    names: str, table: str | None, step: int | None, timeline: str | None, force: bool, json: bool,
) -> None:  # fmt: skip
    """Draw a run, or the demo's little network, into a file."""
    from backlit import figures

    require("KIND", kind, lambda v: v in KINDS, f"one of {', '.join(KINDS)}")
    require("--names", names, lambda v: v in figures.NAMES, f"one of {', '.join(figures.NAMES)}")
    if (run is None) == (not demo):
        raise ArgumentError("option.run_or_demo")
    file = require_new(out, force, "command", filter(None, (run, table)))
    if kind in ("network", "weight", "step"):
        t = demo_trace(row) if run is None else run_trace(open_run(run, table), row, step, timeline)
        if kind == "step" and t.optimizer is None:
            raise DataError("figure.no_state", run=run)
        moved = weight or t.strongest()[0]
        called = t.net.textbook(moved) if names == "textbook" else moved
        drawn = {
            "network": lambda: figures.network(t, names=names),
            "weight": lambda: figures.along_weight(along_weight(t, moved), called),
            "step": lambda: figures.along_step(along_step(t)),
        }[kind]()
    elif run is None:
        raise ArgumentError("option.demo_figure", kind=kind)
    else:
        drawn = _of_run(kind, open_run(run, table), row, column, timeline)
    figures.save(drawn, file)
    print_json({"kind": kind, "out": str(file)}) if json else print(f"wrote {plain(str(file))}")


def _of_run(kind: str, opened: Run, row: int, columns: list[str], timeline: str | None) -> Figure:
    from backlit import figures

    target, chosen = opened.table.target, opened.timeline(timeline)
    if kind == "errors":
        return figures.errors(chosen.epochs(), opened.measure, metric=opened.watched is not None)
    frame = opened.frame()
    if kind == "response":
        require("--row", row, lambda v: 0 <= v < frame.height, f"a row of the table, from 0 to {frame.height - 1}")
        require("--column", columns, lambda v: len(v) == 2, "given twice: the columns across and upwards")
        return figures.response(chosen.model(), frame[row : row + 1], columns)
    name = target.names[0]
    if target.classes:
        raise ArgumentError("figure.classes", run=opened.path, target=name)
    if name not in frame.columns:
        raise DataError("figure.no_truth", column=name)
    known = frame.filter(frame[name].is_not_null())
    return figures.predicted(chosen.model().decode(known)[:, 0], numbers(known[name]), target.unit)


def plain_lines(text: str) -> str:
    """Text of several lines, what cannot be printed escaped."""
    return "\n".join(map(plain, text.splitlines()))


def _outcome(t: Trace) -> str:
    """What is predicted of the first row, and how that compares with the truth."""
    target = t.described.target if t.described is not None else None
    if target is not None and target.classes:
        likely, true = (int(rows[0].argmax()) for rows in (t.prediction, t.truth))
        prediction = f"{percent(float(t.prediction[0, likely]))} for {target.labels[likely]}"
        if likely == true:
            return f"{prediction}, which is right"
        return f"{prediction}; {percent(float(t.prediction[0, true]))} for {target.labels[true]}, the truth"
    unit = target.unit if target is not None else ""
    prediction, off = (", ".join(number(float(v), unit) for v in rows[0]) for rows in (t.prediction, t.difference))
    return f"{prediction}, which is off by {off}"


def _head(t: Trace, row: int) -> RenderableType:
    checked = "" if (remark := engine_remark(t.engine_difference)) is None else f"\n{remark}"
    return Text.assemble(
        (f"Row {row}   ", HEAD), "prediction ", (plain(_outcome(t)), HEAD), f"     E = {fixed(t.E)}", (checked, QUIET)
    )


def _blame(t: Trace) -> RenderableType:
    made = grid(("the hardest pulled in each matrix", "w", "∂E/∂w", "of all pull"))
    for name, value, gradient, share in t.blame("matrix").iter_rows():
        made.add_row(Text(plain(name)), signed(value), signed(gradient), percent(share))
    return made


def _curve(curve: Curve) -> RenderableType:
    picked = curve.w.size // 10
    rows = list(zip(curve.w[::picked], curve.E[::picked], curve.tangent[::picked]))
    return Group(Text(f"What if {plain(curve.weight)} were ...", style=HEAD), _curve_grid("w", rows))


def _line(line: Line) -> RenderableType:
    rows = list(zip(line.rate[::16], line.E[::16], line.tangent[::16]))
    hurts = f"; from {line.hurts:.3g} on it hurts" if line.hurts is not None else ""
    ended = f"the rate is 0 at this step; up to {line.last:.3g}, the last before it:" if not line.chosen else ""
    best = f"E still falls at {line.best:.3g}" if line.falls else f"best {line.best:.3g}"
    remark = f"{ended or f'chosen {line.chosen:.3g},'} {best}{hurts}"
    return Group(
        Text.assemble(("What if the learning rate were ...", HEAD), f"   {remark}"),
        _curve_grid("rate", rows),
    )


def _curve_grid(along: str, rows: list[tuple[float, ...]]) -> RenderableType:
    made = grid((along, "E", "its tangent"), left=0)
    least = min(row[1] for row in rows)
    for row in rows:
        style = POSITIVE if row[1] == least else NEGATIVE if row[1] > 2 * rows[len(rows) // 2][1] else ""
        made.add_row(*(fixed(float(value)) for value in row), style=style)
    return made
