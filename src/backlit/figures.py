"""Pictures, drawn with matplotlib in one style: safe for the colour-blind, readable in print."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from backlit.core.layer import Stage
from backlit.core.losses import Measure
from backlit.core.network import Naming
from backlit.core.registry import lookup
from backlit.errors import needing, require
from backlit.explain.trace import Trace
from backlit.explain.what_if import Curve, Line
from backlit.model import Model
from backlit.tables.columns import Number
from backlit.tables.fields import numbers
from backlit.training import Epoch
from backlit.words import fixed, number, plain

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOUR: dict[Any, str] = {True: "#4f9fdf", False: "#df8a3f"}  # of what is 0 or more, and of what is less
DARK: dict[Any, str] = {True: "#1b5e94", False: "#95500f"}  # the same for letters, which need more contrast
QUIET = "#6b6b6b"
RING: dict[str, Any] = {"marker": "o", "ms": 9, "mfc": "none", "mec": "black", "ls": ""}
KEY: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0, 1.01), "ncols": 2, "borderaxespad": 0}
STYLE = {
    "font.size": 7.5, "axes.linewidth": 0.6, "xtick.major.width": 0.6, "ytick.major.width": 0.6, "xtick.minor.size": 0,
    "ytick.minor.size": 0, "axes.spines.top": False, "axes.spines.right": False, "axes.formatter.limits": (-4, 6),
    "axes.formatter.useoffset": False, "legend.frameon": False, "text.parse_math": False, "svg.fonttype": "none",
    "svg.hashsalt": "backlit", "pdf.fonttype": 42, "savefig.dpi": 200, "lines.markersize": 4.5,
}  # fmt: skip
UNDATED = {".svg": "Date", ".pdf": "CreationDate", ".png": "Software"}  # what would make bytes differ
NAMES = get_args(Naming)
MOST_NUMBERED, MOST_EDGES = 24, 36  #: edges of a network that get numbers; edges of one matrix that are drawn


@contextmanager
def _style() -> Iterator[None]:
    """Matplotlib's defaults and our own, whatever the user has set."""
    with needing("figures", "figures need"):
        from matplotlib import style
    with style.context(["default", STYLE]):
        yield


@_style()
def save(figure: Figure, path: str | Path) -> None:
    """Write SVG (its text as text), PDF or PNG, by the path's name; the same figure gives the same bytes."""
    suffix = Path(path).suffix.lower()
    require("path", str(path), lambda v: suffix in UNDATED, f"a name that ends in {', '.join(UNDATED)}")
    figure.savefig(path, metadata={UNDATED[suffix]: None})


@_style()
def network(trace: Trace, most_units: int = 12, names: str = "own") -> Figure:
    """The network as in a textbook: units with their values, edges as wide as |w| in the colour of its sign.

    A small one has its numbers on the edges. Of a wide layer the units with the most blame are drawn, and of a wide
    matrix the strongest weights between those. Over several rows, values are means. An edge's gid is its weight's name.

    Parameters
    ----------
    names : "own", or "textbook": w1_12 from input 1 to hidden unit 2, also on the edges of a small one
    """
    from matplotlib.figure import Figure
    from matplotlib.patches import FancyBboxPatch

    most_units = require("most_units", most_units, lambda v: isinstance(v, int) and v >= 1, "1 or more")
    require("names", names, lambda v: v in NAMES, f"one of {', '.join(NAMES)}")
    called = trace.net.textbook if names == "textbook" else str
    stages = trace.net.numbered
    values = [trace.data.X.mean(axis=0), *(trace.outputs[stage.position].mean(axis=0) for stage in stages)]
    values[-1] = trace.S.mean(axis=0)
    blame = [stages[0].between(np.abs(trace.gradient)).sum(axis=1), *(_blame(trace, stage) for stage in stages)]
    units = [np.sort(np.argsort(-share, kind="stable")[:most_units]) for share in blame]
    more = [len(v) - len(u) for u, v in zip(units, values)]
    gaps = [(len(u), len(v)) for u, v in pairwise(units)]
    small = not any(more) and max(map(len, units)) <= 6 and sum(n * m for n, m in gaps) <= MOST_NUMBERED

    # where things are, in inches; a and b are half a unit's width and height
    a, b, low, top = (0.28, 0.28, 0.95, 1.15) if small else (0.31, 0.13, 0.6, 0.75)
    spacing = max(1.1, 0.32 * (1 + max(min(gap) for gap in gaps))) if small else 0.35
    before, after = [_input(trace, j, values[0][j]) for j in units[0]], _outcomes(trace, units[-1])
    first, last = (a + 0.15 + 0.062 * max(map(len, "\n".join(side).split("\n"))) for side in (before, after))
    width = max(6.5, first + last + 1.2 * len(stages)) + 0.9 * len(stages) * (small and called is not str)
    tall = [spacing * (len(u) + (left_out > 0) - 1) for u, left_out in zip(units, more)]
    height = low + max(tall) + top
    shares = np.cumsum([0.0, *(np.sqrt(2 + min(*gap, 3)) for gap in gaps)])
    xs = first + (width - first - last) * shares / shares[-1]
    ys = [low + (max(tall) + own) / 2 - spacing * np.arange(len(u)) for u, own in zip(units, tall)]
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(0, height), frame_on=False, xticks=(), yticks=())

    functions = [stage.layer.function for stage in stages]
    kinds = ["input\n ", *(f"hidden\n{name}" for name in functions[:-1]), f"output\n{functions[-1]}"]
    look = "circle,pad=0" if small else f"round,pad=0,rounding_size={b}"
    for i, (x, y) in enumerate(zip(xs, ys)):
        _text(axes, x, height - 0.13, kinds[i], size=8, va="top", color=QUIET)
        for j, at in zip(units[i], y):
            axes.add_patch(FancyBboxPatch((x - a, at - b), 2 * a, 2 * b, look, fc="w", ec="k", lw=0.8, zorder=4))
            name = called(stages[i - 1].unit(j) if i else trace.net.inputs[j])
            name = f"{_plain(name)}\n" if small else f"{j + 1}:  "
            _text(axes, x, at, name * (i > 0 or called is not str) + fixed(float(values[i][j]), 4 if small else 2))
        _text(axes, x, y[-1] - spacing, f"+ {more[i]:,} more" * (more[i] > 0))
    for lines, x, at, side in ((before, xs[0] - a - 0.06, ys[0], "right"), (after, xs[-1] + a + 0.1, ys[-1], "left")):
        for line, y in zip(lines, at):
            _text(axes, x, y, line, ha=side)
    for n, stage in enumerate(stages, 1):
        (above, below), left, right = gaps[n - 1], xs[n - 1] + a, xs[n] - a
        leading = [slot for slot in stage.slots if (stage.ends[slot.weight][0] >= 0).any()]
        letters = ", ".join(slot.name if called is str else slot.matrix for slot in leading)
        _text(axes, (left + right) / 2, height - 0.2, letters, size=8, style="italic", weight="bold")
        W, dW, there = (stage.between(vector) for vector in (trace.theta, trace.gradient, np.ones(trace.net.size)))
        drawn = [
            ((i, j), y, z) for i, y in zip(units[n - 1], ys[n - 1]) for j, z in zip(units[n], ys[n]) if there[i, j]
        ]
        drawn = sorted(drawn, key=lambda edge: abs(W[edge[0]]))[-MOST_EDGES:]  # the strongest on top
        widest = max((abs(W[edge]) for edge, _, _ in drawn), default=0.0) or 1.0
        share = 1 / (below + 1) if below <= above else above / (above + 1)  # there all edges are equally far apart
        numbers = []
        for (i, j), y, z in drawn:
            name = stage.edge(int(stage.edges[stage.origins == i, j].max()), stage.parents[i])
            look = {"color": COLOUR[W[i, j] >= 0], "lw": max(0.3, 3 * abs(W[i, j]) / widest)}
            axes.plot([left, right], [y, z], gid=_plain(name, 1000), **look)
            middle = (left + share * (right - left), y + share * (z - y))
            own = "" if called is str else f"{_plain(called(name))} = "
            numbers.append((*middle, own, float(W[i, j]), float(dW[i, j])))
        away = np.where(ys[n] >= ys[n].mean() - 1e-9, b + 0.16, -b - 0.16)  # outwards, where no edge passes
        for at, y in zip(stage.biases[units[n]].tolist(), ys[n] + away):
            if at >= 0:
                name = f"{_plain(called(trace.net.weight_name(at)))} = "
                numbers.append((xs[n], y, name, float(trace.theta[at]), float(trace.gradient[at])))
        for x, y, name, w, slope in numbers if small else ():
            half = 0.03 * max(len(name + fixed(w)), len(fixed(slope)))
            axes.fill_between([x - half, x + half], y - 0.12, y + 0.13, color="white", lw=0, zorder=3)
            _text(axes, x, y + 0.01, name + fixed(w), va="bottom", color=DARK[w >= 0])
            _text(axes, x, y - 0.01, fixed(slope), va="top", color=QUIET, style="italic")
    notes = ["blue: w > 0, orange: w < 0; width: |w| in its matrix", *["above: the weight, below: ∂E/∂w"] * small]
    notes += ["w1_12: from input 1 to unit 2"] * (called is not str)
    notes += ["bins of an input summed"] * trace.net.binned + [f"means of {len(trace.data):,} rows"] * (
        len(trace.data) > 1
    )
    _text(axes, 0.1, 0.13, "      ".join(notes), ha="left", size=7.5)
    return figure


def _blame(trace: Trace, stage: Stage) -> np.ndarray:
    """Of each unit of a layer, the absolute values of its weights' ∂E/∂w summed."""
    total = np.zeros(len(stage.units))
    for slot in stage.slots:
        _, units = stage.ends[slot.weight]
        size = np.abs(trace.gradient[slot.start : slot.stop]).reshape(slot.shape)
        total += np.bincount(units[units >= 0], size[units >= 0], len(total))
    return total


def _text(axes: Axes, x: float, y: float, text: str, **look: Any) -> None:
    axes.text(x, y, text, **{"ha": "center", "va": "center", "size": 7, "zorder": 5, **look})


def _input(trace: Trace, i: int, value: Any) -> str:
    """An input's name, and below it what it is in the table where it is a number there."""
    name, columns = trace.net.inputs[i], trace.described.columns if trace.described else ()
    column = next((column for column in columns if column.name == name), None)
    if not isinstance(column, Number) or column.smooth:
        return _plain(name)
    value = float(f"{column.decode(value):.6g}")
    return f"{_plain(name)}\n{number(value, column.unit, 6) if column.unit else f'{value:g}'}"


def _outcomes(trace: Trace, units: np.ndarray) -> list[str]:
    """Prediction and truth of each output, a number in its unit or the probability of a class; below the last one E."""
    k, target = trace.net.outputs, trace.described.target if trace.described else None
    unit, classes = (target.unit, target.classes[-k:]) if target else ("", ())
    P, truth = trace.prediction, trace.truth
    about = [f"{_plain(str(name))} " for name in classes] or ["prediction " if k > 1 else "prediction\n"] * k
    P, truth = ([number(v, unit) for v in rows[:, -k:].mean(axis=0)] for rows in (P, truth))
    return [f"{about[j]}{P[j]}\ntruth {truth[j]}" + f"\nE = {trace.E:.4g}" * bool(j == units[-1]) for j in units]


@_style()
def along_weight(curve: Curve, name: str = "") -> Figure:
    """E as one weight moves, the tangent that its derivative promises, and where its update lands.

    Parameters
    ----------
    name : what the weight is called in it, such as `net.textbook(curve.weight)`; "": its own name
    """
    figure, axes = _axes(name or curve.weight, "E")
    axes.plot(curve.w, curve.E, color="black", label="E, by feeding forward")
    axes.set_ylim(axes.get_ylim())  # the tangent may leave the picture
    label = f"tangent: ∂E/∂w = {fixed(curve.gradient)}"
    axes.plot(curve.w, curve.tangent, "--", color=COLOUR[curve.gradient >= 0], label=label)
    axes.plot(curve.value, curve.here, "o", color="black", label=f"now: {fixed(curve.value)}")
    if curve.after is not None and curve.E_after is not None:
        axes.plot(curve.after, curve.E_after, **RING, label=f"after the step: {fixed(curve.after)}")
    axes.legend(**KEY)
    return figure


@_style()
def along_step(line: Line) -> Figure:
    """E along the whole step: the chosen learning rate, the best one, and from where it hurts."""
    figure, axes = _axes("learning rate", "E")
    axes.plot(line.rate, line.E, color="black", label="E, by feeding forward")
    low, high = axes.get_ylim()
    axes.set_ylim(low, min(high, 2 * line.here - line.E_best) if line.E_best < line.here else high)
    axes.plot(line.rate, line.tangent, "--", color=COLOUR[True], label="its tangent before the step")
    ended = "" if line.chosen else f" at this step; the last was {line.last:.3g}"
    axes.plot(line.chosen, line.E_chosen, "o", color="black", label=f"chosen: {line.chosen:.3g}{ended}")
    if not line.falls:
        axes.plot(line.best, line.E_best, **RING, label=f"best here: {line.best:.3g}")
    if line.hurts is not None:
        axes.axvspan(line.hurts, line.rate[-1], color="#f7e2cf", lw=0, label=f"hurts from {line.hurts:.3g} on")
    axes.legend(**KEY)
    return figure


@_style()
def errors(
    epochs: Sequence[Epoch],
    measure: Measure = Measure(),
    metric: bool = False,
) -> Figure:
    """The error of each epoch on the training and on the watched rows.

    Parameters
    ----------
    measure : how it is written, such as `target.measure(loss)`
    metric : whether a metric was watched in place of E; then that alone is drawn
    """
    figure, axes = _axes("epoch", measure.name)
    curves = (("error", "while learning", QUIET), ("metric", "on watched rows", COLOUR[True]))
    unit = measure.unit
    for name, label, colour in curves[metric:]:
        known = [(epoch.epoch, measure(E)) for epoch in epochs if (E := getattr(epoch, name)) is not None]
        axes.plot(*np.reshape(known, (-1, 2)).T, ".-", ms=3, color=colour, label=label)
    best = [epoch.epoch for epoch in epochs if epoch.improved][-1:]
    for at, E in [point for point in known if [point[0]] == best] or sorted(known, key=lambda point: point[1])[:1]:
        axes.plot(at, E, **RING, label=f"best: epoch {at}, {number(E, unit)}")
    axes.yaxis.set_major_formatter(lambda E, _: number(E, unit))
    axes.legend(**KEY)
    return figure


@_style()
def predicted(prediction: np.ndarray, truth: np.ndarray, unit: str = "") -> Figure:
    """Predicted against true numbers, (n,) each, with the diagonal where both are the same."""
    P, T = (np.asarray(values).ravel() for values in (prediction, truth))
    require("truth", T.shape, lambda v: v == P.shape != (0,), f"numbers for as many rows as prediction, {P.shape}")
    figure, axes = _axes(f"true ({len(P):,} rows)", "predicted", (4.2, 4.2))
    ends = np.array([min(P.min(), T.min()), max(P.max(), T.max())])
    axes.plot(T, P, ".", ms=2.5, mew=0, color=COLOUR[True], alpha=0.5, rasterized=len(P) > 2000)
    axes.plot(ends, ends, color="black", lw=0.8, label="predicted = true")
    scale = "log" if 0 < 30 * ends[0] < ends[1] else "linear"
    axes.set(xscale=scale, yscale=scale, aspect="equal")
    for axis in (axes.xaxis, axes.yaxis):
        if scale == "log":
            axis.get_major_locator().set_params(**{"subs": (1, 3)})
        axis.set_major_formatter(lambda value, _: number(value, unit))
    axes.legend(**KEY)
    return figure


@_style()
def response(model: Model, frame_row: pl.DataFrame, columns: Sequence[str], unit: str = "") -> Figure:
    """The prediction over two columns of numbers, in their units, the others as in the given row."""
    import polars as pl

    require("frame_row", frame_row.height, lambda v: v == 1, "one row")
    require("columns", tuple(columns), lambda v: len(set(v)) == len(v) == 2, "two different columns")
    target, own = model.table.target, model.decode(frame_row)[0]
    ranges, labels, here = [], [], []
    for name in columns:
        column = lookup("column of numbers", {c.name: c for c in model.table.columns if isinstance(c, Number)}, name)
        edges = column.edges[1:-1] or column.edges or (-1.5, 1.5)  # without the outermost bins
        here.append(float(numbers(frame_row[name])[0]))
        ends = [here[-1], column.decode(edges[0]), column.decode(edges[-1])]
        ranges.append(np.linspace(np.nanmin(ends), np.nanmax(ends), 61))
        labels.append(f"{_plain(name, 40)} ({column.unit})".removesuffix(" ()"))
    A, B = np.meshgrid(*ranges)
    rows = frame_row[np.zeros(A.size, int)].with_columns([pl.Series(n, V.ravel()) for n, V in zip(columns, (A, B))])
    which, unit = int(own.argmax()) if target.classes else 0, unit or target.unit
    of = f"probability of {target.classes[which]}" if target.classes else target.names[0]
    figure, axes = _axes(labels[0], labels[1], (5.2, 3.8))
    shades = axes.contourf(A, B, model.decode(rows)[:, which].reshape(A.shape), 12, cmap="cividis")
    shades.set_edgecolor("face")  # or else viewers show seams
    figure.colorbar(shades, label=_plain(of, 40), format=lambda value, _: number(value, unit))
    axes.plot(*here, **{**RING, "mfc": "white"}, label=f"the row: {number(own[which], unit)}")
    axes.legend(**KEY)
    return figure


def _axes(x: str, y: str, size: tuple[float, float] = (5.2, 3.2)) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(size, layout="constrained")
    return figure, figure.add_subplot(xlabel=_plain(x, 60), ylabel=_plain(y, 60))


def _plain(name: str, most: int = 18) -> str:
    """A name from a table, on one line, not too long."""
    name = plain(name)
    return name if len(name) <= most else f"{name[: most - 1]}…"
