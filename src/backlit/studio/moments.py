"""A moment's numbers: the trace behind them, for what is drawn, and for one unit."""

from __future__ import annotations

from dataclasses import fields
from functools import cache
from typing import Any

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from backlit.core.activations import ACTIVATIONS
from backlit.core.layer import Stage
from backlit.core.state import State
from backlit.errors import ArgumentError, DataError, UnknownNameError, require
from backlit.explain.trace import LayerTrace, Trace, trace
from backlit.runs.fork import edited
from backlit.runs.timeline import Timeline, trace_of_step
from backlit.studio import messages
from backlit.studio.desk import Desk
from backlit.studio.layouts import Drawing, drawing, laid_out, telling
from backlit.studio.messages import Cell, DrawnQuery, LayoutQuery, MomentQuery, Outcome, UnitNumbers, UnitQuery
from backlit.tables.columns import Category, Column
from backlit.tables.target import Target
from backlit.training import rows_a_step
from backlit.words import chance, number, plain

MOST_TRACES = 6  #: that are kept
MOST_ROWS = 256  #: of a moment that are named


# --- the trace ---------------------------------------------------------------------------------------------------


@cache
def on_one_thread() -> Any:
    """NumPy's products on one thread from now on: while training has the other threads, sharing them takes longer."""
    return threadpool_limits(1, "blas")


def traced(desk: Desk, query: MomentQuery) -> Trace:
    """The trace of a moment, with what is changed in it by hand."""
    on_one_thread()
    with desk.lock:
        run = desk.opened(query.run)
        own = query.of == "batch"
        if own and query.features:
            raise ArgumentError("studio.features_of_batch")
        features = sorted((name, repr(value)) for name, value in query.features.items())
        edited = (tuple(sorted(query.weights.items())), () if own else (query.row, *features))
        state = desk.state(query.run, query.timeline, query.step)  # which refuses a step that is not there
        owner = desk.timeline(query.run, query.timeline).owner(query.step)
        schedule = state.begun, state.planned  # which change where training goes on beyond the end of its schedule
        key = (owner.number, query.step, *schedule, query.of, *edited)
        # few, for each is some 10 MB of a wide network
        recent: dict[tuple, Trace] = desk.cached((run, "traces"), dict)
        recent[key] = t = recent.pop(key, None) or _traced(desk, query, owner, state)
        if len(recent) > MOST_TRACES:
            del recent[next(iter(recent))]
        return t


def _traced(desk: Desk, query: MomentQuery, owner: Timeline, state: State) -> Trace:
    run = desk.opened(query.run)
    if query.weights:
        state, _ = edited(state, owner.net, query.weights)
    if query.of == "row":
        X, Y = _encoded(desk, query)
        settings = desk.cached((run, "settings", owner.number), owner.settings)
        return trace(owner.net, state, X, Y, settings, rows=[query.row], table=run.table)
    return trace_of_step(owner.plan(), state, run.table)


def _encoded(desk: Desk, query: MomentQuery) -> tuple[np.ndarray, np.ndarray]:
    """The row as the network takes it, with its changed features."""
    run = desk.opened(query.run)
    X, Y = desk.cached((run, "row", query.row), lambda: run.encoded([query.row]))
    if not query.features:
        return X, Y
    columns = {column.name: column for column in run.table.columns}
    for name in query.features:
        if name not in columns:
            raise UnknownNameError("column that is learnt from:", name, columns)
    changed = [field_of(columns[name], value) for name, value in query.features.items()]
    one = run.frame()[query.row : query.row + 1].with_columns(changed)
    return run.table.encode(one, np.float64), Y


def field_of(column: Column, value: Cell) -> pl.Series:
    """One entry of a column, as the page gives it; raises where the column cannot hold it."""
    series = pl.Series(column.name, [value])
    fits = not (column.kind in ("number", "date") and isinstance(value, bool))
    try:
        column.encode(series, np.empty((1, len(column.inputs()))))
    except DataError:
        fits = False
    if not fits or (column.kind == "date" and isinstance(value, float)):
        raise ArgumentError(f"entry.{column.kind}", column=column.name, value=value)
    if isinstance(column, Category) and not column.other and len(column.unseen(series)):
        raise UnknownNameError("level", value, column.levels, of=column.name)
    return series


# --- what is drawn -----------------------------------------------------------------------------------------------


def layout(desk: Desk, query: LayoutQuery) -> messages.Layout:
    """Which units and edges are drawn: those of the greatest |w|, or the greatest pull, at this moment."""
    require("units", query.units, lambda v: v >= 1, "1 or more")
    require("edges", query.edges, lambda v: v >= 1, "1 or more")
    return laid_out(desk, traced(desk, query), query).layout


def _drawn(desk: Desk, query: DrawnQuery) -> Trace:
    """The trace whose numbers are drawn."""
    t = traced(desk, query)
    return t.wrong_way() if query.wrong else t


def moment(desk: Desk, query: DrawnQuery) -> messages.Moment:
    """The numbers of a moment, for what a layout draws."""
    drawn, t = drawing(desk, query.run, query.layout), _drawn(desk, query)
    state = desk.state(query.run, query.timeline, query.step)
    update = None if t.optimizer is None else t.update.step
    layers = [t.layer(stage.number) for stage in t.net.numbered]
    columns = [_inputs(drawn, t, layers[0])]
    columns += [_units(at, t, stage, layer) for at, stage, layer in zip(drawn.units, t.net.numbered, layers)]
    after = None if update is None else t.after
    P, T, D = t.prediction, t.truth, t.difference
    P_after = np.empty((1, 0)) if after is None else after.prediction
    return messages.Moment(
        run=query.run,
        timeline=query.timeline,
        step=query.step,
        of=query.of,
        epoch=state.epoch,
        used=state.used,
        rows=t.rows[:MOST_ROWS],
        n=len(t.data),
        rate=t.rate,
        happened=not query.wrong and happens(desk, query, t),
        strongest=t.strongest()[0] if t.gradient.any() else "",
        E=t.E,
        E_after=None if after is None else after.E,
        prediction=P.mean(axis=0),
        prediction_after=P_after.mean(axis=0),
        truth=T.mean(axis=0),
        difference=(D if len(D) == 1 else np.abs(D)).mean(axis=0),
        text=outcome(t, P, P_after, T),
        columns=tuple(columns),
    )


def happens(desk: Desk, query: MomentQuery, t: Trace) -> bool:
    """Whether the update of a moment's trace is the step's own: nothing is changed by hand, and the step learns from
    the row that is looked at alone."""
    plan = desk.timeline(query.run, query.timeline).owner(query.step).plan()
    if t.happened or query.weights or query.features or plan.net.dropout or rows_a_step(plan) > 1:
        return t.happened and not query.weights
    return traced(desk, batch(query)).rows.tolist() == [query.row]


def batch(query: MomentQuery) -> MomentQuery:
    """The same moment, looking at the step's own rows."""
    own = {field.name: getattr(query, field.name) for field in fields(MomentQuery)}
    return MomentQuery(**own | {"of": "batch", "features": {}})


def step(desk: Desk, query: MomentQuery) -> messages.Step:
    """What the step of a moment, which may learn from many rows, makes of the one that is looked at."""
    t, own = traced(desk, query), traced(desk, batch(query))
    after = t.at(own.update.after)
    text = outcome(t, t.prediction, after.prediction, t.truth).prediction_after
    return messages.Step(len(own.data), text, t.E, after.E, own.E, own.after.E)


def weights(desk: Desk, query: DrawnQuery) -> bytes:
    """For each edge of a layout w, ∂E/∂w and the step of its update, as float32; of gathered bins their sums."""
    drawn, t = drawing(desk, query.run, query.layout), _drawn(desk, query)
    step = np.zeros_like(t.theta) if t.optimizer is None else t.update.step
    vectors = (t.theta, t.gradient, step)
    return np.stack([drawn.of_edges(vector) for vector in vectors], axis=1).astype("<f4").tobytes()


def _inputs(drawn: Drawing, t: Trace, first: LayerTrace) -> UnitNumbers:
    """What inputs, or single bins, hand on."""
    bins = drawn.sources >= 0
    a, da = t.data.X[:, drawn.inputs].mean(axis=0), t.dX[:, drawn.inputs].sum(axis=0)
    sources = drawn.sources[bins]
    a[bins], da[bins] = first.X[:, sources].mean(axis=0), first.dX[:, sources].sum(axis=0)
    return UnitNumbers(a, da)


def _units(at: np.ndarray, t: Trace, stage: Stage, layer: LayerTrace) -> UnitNumbers:
    means = {name: getattr(layer, letter)[:, at].mean(axis=0) for name, letter in (("a", "A"), ("z", "Z"))}
    sums = {name: getattr(layer, letter)[:, at].sum(axis=0) for name, letter in (("da", "dA"), ("dz", "dZ"))}
    rest = {"slope": layer.slope[:, at].mean(axis=0)}
    bias = stage.biases[at]
    vectors = {"bias": t.theta, "dbias": t.gradient} | ({} if t.optimizer is None else {"bias_step": t.update.step})
    rest |= {name: np.where(bias >= 0, vector[bias], 0.0) for name, vector in vectors.items()}
    return UnitNumbers(**means, **sums, **rest)


def described(t: Trace) -> Target:
    """What is predicted."""
    assert t.described is not None
    return t.described.target


def outcome(t: Trace, P: np.ndarray, P_after: np.ndarray, T: np.ndarray) -> Outcome:
    """The outcome as people read it."""
    target = described(t)
    if not target.classes:
        size = np.abs(P - T).mean(axis=0) if len(P) > 1 else (P - T)[0]
        means = (V.mean(axis=0) for V in (P, P_after, T[:, : len(target.names)]))  # quantiles have one truth
        return Outcome(*(in_unit(target, values) for values in (*means, size)))
    right = float((P * T).sum(axis=1).mean())
    short = f"{chance(1 - right)} short of certain"
    if len(P) > 1:
        right_after = float((P_after * T).sum(axis=1).mean()) if P_after.size else right
        of_true = "for the true class"
        before, after = (f"{chance(share)} {of_true}" for share in (right, right_after))
        return Outcome(before, after, "the true class of each row", short)
    after = likeliest(target, P_after[0]) if P_after.size else ""
    return Outcome(likeliest(target, P[0]), after, plain(target.labels[int(T[0].argmax())]), short)


def in_unit(target: Target, values: np.ndarray) -> str:
    """Numbers of the target, one for each of its columns."""
    return ", ".join(number(value, target.unit) for value in values)


def likeliest(target: Target, P: np.ndarray) -> str:
    """The class that is the most probable, with its probability."""
    return f"{chance(float(P.max()))} for {plain(target.labels[int(P.argmax())])}"


# --- one unit ----------------------------------------------------------------------------------------------------


def unit(desk: Desk, query: UnitQuery) -> messages.Unit:
    """A unit's dot product and what the error wants of it: listed are the terms that are great as product or wish."""
    require("most", query.most, lambda v: v >= 0, "0 or greater")
    t = traced(desk, query)
    stage, u = t.stage(query.layer), t.unit(query.layer, query.unit)
    function, bias = stage.layer.function, int(stage.biases[query.unit - 1])
    inputs = u.inputs.mean(axis=0)
    products = inputs * u.weights
    wishes = u.wishes
    sizes = np.abs([products, wishes.weights, wishes.inputs])
    places = np.argsort(np.argsort(-sizes, axis=1, kind="stable"), axis=1)  # of each term, by each of the three
    listed = np.sort(np.argsort(places.min(axis=0), kind="stable")[: query.most])
    table = desk.opened(query.run).table

    def term(i: int) -> messages.Term:
        source = u.sources[i]
        label = telling(table, source) if stage.below == 0 else f"unit {source}"
        name = f"a{stage.below}[{source}]" if stage.below else source
        return messages.Term(
            name,
            label,
            input=float(inputs[i]),
            weight=float(u.weights[i]),
            product=float(products[i]),
            weight_name=u.names[i],
            weight_wish=float(wishes.weights[i]),
            input_wish=float(wishes.inputs[i]),
        )

    return messages.Unit(
        layer=query.layer,
        unit=query.unit,
        activation=function,
        activation_latex=ACTIVATIONS[function].latex,
        terms=tuple(term(int(i)) for i in listed),
        rest=float(np.delete(products, listed).sum() + u.rest.mean()),
        rest_terms=len(products) - len(listed),
        bias=u.bias,
        bias_name=t.net.weight_name(bias) if bias >= 0 else "",
        z=float(u.z.mean()),
        a=float(u.a.mean()),
        slope=float(u.slope.mean()),
        da=float(u.da.sum()),
        dz=float(u.dz.sum()),
        wish=wishes.output,
        bias_wish=wishes.bias if bias >= 0 else 0.0,
    )
