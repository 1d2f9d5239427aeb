"""∂E/∂w of one weight, in symbols, numbers and words; and E along the whole step."""

from __future__ import annotations

import numpy as np

from backlit.core.backprop import backward
from backlit.errors import ArgumentError
from backlit.explain.check import engine_remark
from backlit.explain.trace import Trace, WeightTrace
from backlit.explain.what_if import Line, along_step, along_weight
from backlit.studio import messages
from backlit.studio.desk import Desk
from backlit.studio.messages import MomentQuery, Share, WeightQuery
from backlit.studio.moments import described, traced

MOST_SHARES = 8  #: rows whose parts are listed
POINTS, POINTS_OF_MANY = 101, 41  #: of the curve; of the curve of a batch


def chain(desk: Desk, query: WeightQuery) -> messages.Chain:
    """∂E/∂w of one weight, or of all bins of an input, by the chain rule."""
    t = traced(desk, query)
    w = _one_weight(t, query.weight)
    own, several = w.chain(), len(t.data) > 1
    parts = w.by_row
    greatest = np.argsort(-np.abs(parts), kind="stable")[:MOST_SHARES]
    return messages.Chain(
        **vars(own),
        single=len(w.positions) == 1,
        formula=own.latex(),
        by_row=tuple(Share(int(t.rows[i]), float(parts[i])) for i in greatest),
        rest_rows=float(np.delete(parts, greatest).sum()),
        price=_price(w),
        engine=engine_remark(t.engine_difference),
        reasons=() if own.update is None else own.update.reasons(own.gradient),
        curve=along_weight(t, w.name, points=POINTS_OF_MANY if several else POINTS),
    )


def _one_weight(t: Trace, name: str) -> WeightTrace:
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
    of_score = backward(t.net, t.p, t.caches, np.ones_like(t.dS)).gradient  # ∂s/∂w
    return float(t.dS[0, 0]) / slope, float(of_score[w.positions].sum()) * slope


def line(desk: Desk, query: MomentQuery) -> Line:
    """E along the whole update, as a function of the learning rate."""
    return along_step(traced(desk, query))
