"""∂E/∂w of one weight, in symbols, numbers and words; and E along the whole step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from backlit.core.backprop import backward
from backlit.errors import ArgumentError
from backlit.explain.chain import Factor
from backlit.explain.trace import Trace, WeightTrace
from backlit.explain.what_if import along_step, along_weight
from backlit.studio import messages
from backlit.studio.messages import Curve, MomentQuery, Path, Share, WeightQuery
from backlit.studio.moments import described, owner_of, traced
from backlit.words import number, plain

if TYPE_CHECKING:
    from backlit.studio.desk import Desk

MOST_PATHS, MOST_SHARES = 8, 8  #: listed
POINTS, POINTS_OF_MANY = 101, 41  #: of the curve; of the curve of a batch


def chain(desk: Desk, query: WeightQuery) -> messages.Chain:
    """∂E/∂w of one weight, or of all bins of an input, by the chain rule."""
    t = traced(desk, query)
    w = _one_weight(t, query.weight)
    found, several = w.chain(MOST_PATHS), len(t.data) > 1
    curve = along_weight(t, w.name, points=POINTS_OF_MANY if several else POINTS)
    parts = w.by_row
    greatest = np.argsort(-np.abs(parts), kind="stable")[:MOST_SHARES]
    return messages.Chain(
        weight=w.name,
        single=len(w.positions) == 1,
        value=w.value,
        gradient=w.gradient,
        blame=w.blame,
        latex=found.latex(),
        words=tuple(map(_sentence, found.paths[0].factors)) if found.paths else (),
        paths=tuple(Path(path.row, path.factors, path.product) for path in found.paths),
        rest=found.rest,
        rest_paths=found.rest_paths,
        rows=found.rows,
        by_row=tuple(Share(int(t.rows[i]), float(parts[i])) for i in greatest),
        rest_rows=float(np.delete(parts, greatest).sum()),
        price=_price(w),
        check=found.check,
        engine_difference=t.engine_difference,
        update=found.update,
        curve=Curve(
            curve.w.tolist(), curve.E.tolist(), curve.tangent.tolist(), curve.value, curve.here, curve.gradient,
            curve.after, curve.E_after,
        ),
    )  # fmt: skip


def _one_weight(t: Trace, name: str) -> WeightTrace:
    """A weight, or all bins of one input; whole matrices are refused."""
    w, net = t[name], t.net
    if len(w.positions) == 1:
        return WeightTrace(t, net.weight_name(int(w.positions[0])), w.positions)
    slot = next(slot for slot in net.layout() if slot.start <= w.positions[0] < slot.stop)
    inputs, unit = np.divmod(w.positions - slot.start, slot.shape[-1])
    sources = {slot.axes[0][i].rpartition("#")[0] for i in inputs} if slot.name == "w1" else set()
    if len(sources) != 1 or not sources <= set(net.inputs) or len(set(unit.tolist())) > 1:
        first = net.weight_name(int(w.positions[0]))
        raise ArgumentError(f"weight is {name!r}, which is {len(w.positions):,} weights; name one, such as {first}")
    return WeightTrace(t, f"{slot.name}[{sources.pop()}, {slot.axes[1][unit[0]]}]", w.positions)


def _price(w: WeightTrace) -> tuple[float, float] | None:
    """∂E/∂prediction [1/$] and ∂prediction/∂w [$], for one row and one number."""
    t, target = w.trace, described(w.trace)
    if len(t.data) > 1 or t.net.outputs > 1 or target.classes:
        return None
    slope = target.scale[0]  # ∂prediction/∂s, and where that is an exponential function, times the prediction
    if target.scaling == "log" or t.net.loss.name == "poisson":
        slope *= float(t.prediction[0, 0])
    of_score = backward(t.net, t.p, t.caches, np.ones_like(t.dS)).gradient  # ∂s/∂w
    return float(t.dS[0, 0]) / slope, float(of_score[w.positions].sum()) * slope


def _sentence(factor: Factor) -> str:
    """What a factor says."""
    value, symbol, meaning = number(factor.value, digits=3), plain(factor.symbol), factor.meaning
    if meaning.startswith("how much E changes"):
        return f"E changes by {value} for each unit that the score rises."
    if meaning.startswith("the slope of"):
        passed = "nothing" if factor.value == 0 else f"{value} of each change"
        return f"The unit passes on {passed}: {meaning}."
    if meaning.startswith("leads from"):
        return f"The weight {symbol} is {value}; it {meaning}."
    if meaning.startswith("kept by dropout"):
        if factor.value == 0:
            return "Dropout silences the unit in this row, so nothing passes."
        return f"Dropout keeps the unit in this row, and makes it {value} times as large."
    if meaning.startswith("how the norm"):
        return f"The norm of the layer passes on {value} of each change."
    return f"The weight multiplies {symbol}, which is {value}."


def line(desk: Desk, query: MomentQuery) -> messages.Line:
    """E along the whole update, as a function of the learning rate."""
    t = traced(desk, query)
    found, settings = along_step(t), owner_of(desk, query.timeline, query.step).settings
    return messages.Line(
        found.rate.tolist(), found.E.tolist(), found.tangent.tolist(), found.here, found.chosen, found.E_chosen,
        found.best, found.E_best, found.hurts, found.chosen / settings.learning_rate,
    )  # fmt: skip
