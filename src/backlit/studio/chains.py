"""∂E/∂w of one weight, in symbols, numbers and words; E along the whole step; and what each weight did in it."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from backlit.core.backprop import backward
from backlit.errors import ArgumentError
from backlit.explain import ledger, what_if
from backlit.explain.check import engine_remark
from backlit.explain.trace import Trace, WeightTrace
from backlit.studio import messages
from backlit.studio.desk import Desk
from backlit.studio.messages import MomentQuery, Part, Share, WeightQuery
from backlit.studio.moments import described, happens, outcome, traced

MOST_SHARES = 8  #: rows whose parts are listed
LETTERS = 22  #: of a name in a formula
MOST_PARTS = 60  #: weights of an account that are listed
POINTS, POINTS_OF_MANY = 101, 41  #: of the curve; of the curve of a batch


def chain(desk: Desk, query: WeightQuery) -> messages.Chain:
    """∂E/∂w of one weight, or of all bins of an input, by the chain rule."""
    t = traced(desk, query)
    w = one_weight(t, query.weight)
    own, several = w.chain(), len(t.data) > 1
    parts = w.by_row
    greatest = np.argsort(-np.abs(parts), kind="stable")[:MOST_SHARES]
    own = replace(own, update=own.update and replace(own.update, happened=happens(desk, query, t)))
    shown = own.called(t.net.textbook) if query.names == "textbook" else own
    return messages.Chain(
        **vars(replace(shown, weight=own.weight)),
        layer=w.effects.stage.number,
        single=len(w.positions) == 1,
        formula=tuple(shown.called(_short).lines()),
        by_row=tuple(Share(int(t.rows[i]), float(parts[i])) for i in greatest),
        rest_rows=float(np.delete(parts, greatest).sum()),
        price=_price(w),
        engine=engine_remark(t.engine_difference),
        reasons=() if own.update is None else own.update.reasons(own.gradient),
        curve=what_if.along_weight(t, w.name, points=POINTS_OF_MANY if several else POINTS),
    )


def _short(name: str) -> str:
    """A name in a formula, which can be broken at its signs only: the long words in it cut."""
    return re.sub(rf"[^\[\],]{{{LETTERS + 1},}}", lambda word: f"{word[0][: LETTERS - 1]}…", name)


def one_weight(t: Trace, name: str) -> WeightTrace:
    """A weight, or all bins of one input; whole matrices are refused."""
    w, net = t[name], t.net
    if len(w.positions) == 1:
        return WeightTrace(t, net.weight_name(int(w.positions[0])), w.positions)
    stage, slot = net.stage_of(int(w.positions[0]))
    first, (inputs, _) = int(w.positions[0]), stage.ends[slot.weight]
    parent = stage.origins[inputs[slot.index(first)]]
    group = stage.edge(first, stage.parents[parent]) if parent >= 0 else name
    if len(net.positions(group)) != len(w.positions) or not np.array_equal(net.positions(group), w.positions):
        first = net.weight_name(first)
        raise ArgumentError("studio.several_weights", name=name, weights=len(w.positions), first=first)
    return WeightTrace(t, group, w.positions)


def _price(w: WeightTrace) -> tuple[float, float] | None:
    """∂E/∂prediction [1/$] and ∂prediction/∂w [$], for one row and one number."""
    t, target = w.trace, described(w.trace)
    if len(t.data) > 1 or t.net.outputs > 1 or target.classes:
        return None
    slope = float(target.slope(t.net.loss, t.S)[0, 0])  # ∂prediction/∂s
    if slope == 0:  # the prediction stands still, and E with it or not: there is no ∂E/∂prediction
        return None
    of_score = backward(t.net, t.p, t.caches, np.ones_like(t.dS)).gradient  # ∂s/∂w
    return float(t.dS[0, 0]) / slope, float(of_score[w.positions].sum()) * slope


def signs(desk: Desk, query: WeightQuery) -> messages.Signs:
    """What a plus in place of the update's minus would do to E, the prediction, and a weight or its bins together."""
    t = traced(desk, query)
    positions, ways = one_weight(t, query.weight).positions, (t, t.after, t.uphill)
    said = tuple(outcome(t, t.prediction, way.prediction, t.truth).prediction_after for way in ways)
    return messages.Signs(tuple(way.E for way in ways), said, float(t.uphill.theta[positions].sum()), what_if.signs(t))


def line(desk: Desk, query: MomentQuery) -> what_if.Line:
    """E along the whole update, as a function of the learning rate."""
    return what_if.along_step(traced(desk, query))


def _made(desk: Desk, query: MomentQuery, t: Trace) -> np.ndarray | None:
    """(p,) what the step that was made here added to the weights; None where it is not made yet."""
    try:
        return desk.state(query.run, query.timeline, query.step + 1).theta - t.theta
    except ArgumentError:
        return None


def account(desk: Desk, query: MomentQuery) -> messages.Account:
    """What each weight did to the prediction by the step that was made here, or else by the update of these rows."""
    t = traced(desk, query)
    own = ledger.account(t, step=None if query.weights else _made(desk, query, t))
    greatest = np.argsort(-np.abs(own.parts), kind="stable")[:MOST_PARTS]
    return messages.Account(
        of=own.of,
        unit=own.unit,
        before=own.before,
        after=own.after,
        parts=tuple(Part(t.net.weight_name(int(i)), float(own.parts[i])) for i in greatest),
        rest=float(np.delete(own.parts, greatest).sum()),
        rest_weights=len(own.parts) - len(greatest),
        residual=own.residual,
    )
