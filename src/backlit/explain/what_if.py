"""What if: E as one weight moves, E along the whole step, and what a nudge of a weight or an input really does."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from backlit.engines.protocol import Data, Rows
from backlit.errors import UnknownNameError, require
from backlit.explain.trace import Trace
from backlit.words import Remark


@dataclass(frozen=True, eq=False)
class Curve:
    """E as one weight moves.

    Attributes
    ----------
    w, E : (m,) the true curve, by feeding forward
    tangent : (m,) E + ∂E/∂w · (w − value), which touches it at the weight's value
    value, here, gradient : the weight now, E there, and ∂E/∂w
    after, E_after : where the update of this weight alone would land; None without an update
    """

    weight: str
    w: np.ndarray
    E: np.ndarray
    tangent: np.ndarray
    value: float
    here: float
    gradient: float
    after: float | None
    E_after: float | None


@dataclass(frozen=True, eq=False)
class Line:
    """E along the whole step, as a function of the learning rate.

    Attributes
    ----------
    rate, E : (m,) the true curve; rate 0 is before the step
    tangent : (m,) what the derivatives promise
    chosen, E_chosen : the learning rate of this step; 0 where the schedule has come to its end, and then nothing moves
    last : the rate that the line is laid out for: the chosen one, or where that is 0 the last before that was not
    best, E_best : the lowest point of those computed
    hurts : the least rate from which E is higher than before the step; None if that is beyond the line
    """

    rate: np.ndarray
    E: np.ndarray
    tangent: np.ndarray
    here: float
    chosen: float
    E_chosen: float
    best: float
    E_best: float
    hurts: float | None
    last: float

    @property
    def falls(self) -> bool:
        """Whether E still falls where the line ends, so that `best` is no bottom."""
        return 0 < self.best == self.rate[-1]


@dataclass(frozen=True)
class Nudge:
    """A small change: what the derivative predicts for E, what really happens, and the predictions before and after."""

    what: str
    by: float
    predicted: float
    true: float
    before: np.ndarray
    after: np.ndarray


def along_weight(t: Trace, name: str, reach: float | None = None, points: int = 101) -> Curve:
    """E as the weight called `name` moves up to `reach` to either side (or its bins together)."""
    w = t[name]
    step = float(t.update.after[w.positions[0]] - t.theta[w.positions[0]]) if t.optimizer is not None else 0.0
    reach = reach or max(1.0, abs(w.value), 1.5 * abs(step))
    points = require("points", points, lambda v: isinstance(v, int) and v >= 2, "2 or more")
    by = np.linspace(-reach, reach, points)
    lands = t.optimizer is not None and len(w.positions) == 1
    return Curve(
        weight=name,
        w=w.value + by,
        E=np.array([_moved(t, w.positions, b).E for b in by]),
        tangent=t.E + w.gradient * by,
        value=w.value,
        here=t.E,
        gradient=w.gradient,
        after=w.value + step if lands else None,
        E_after=_moved(t, w.positions, step).E if lands else None,
    )


def along_step(t: Trace, times: float = 8.0, points: int = 129) -> Line:
    """E along the direction of the whole update, for rates from 0 to `times` the chosen one, or the last before it."""
    with np.errstate(over="ignore", invalid="ignore"):  # weights may lie beyond all numbers
        step = replace(t, rate=t.last_rate).update.step / t.last_rate
        rates = np.linspace(0, times * t.last_rate, points)
        E = np.array([t.at(t.theta + rate * step).E for rate in rates])
        best = int(np.argmin(np.where(np.isnan(E), np.inf, E)))
        worse = np.flatnonzero((E > t.E) & (rates > 0))
        return Line(
            rates, E, t.E + rates * float(t.gradient @ step), t.E, t.rate, t.at(t.theta + t.rate * step).E,
            float(rates[best]), float(E[best]), float(rates[worse[0]]) if len(worse) else None, t.last_rate,
        )  # fmt: skip


def signs(t: Trace) -> tuple[Remark, ...]:
    """Why the update subtracts: what a plus in its place does to E; and, for one row, why some texts add."""
    here, minus, plus = t.E, t.after.E, t.uphill.E
    kind = "far" if not here < plus else "up" if minus < here else "both" if minus > here else "flat"
    remarks = [Remark(f"sign.{kind}", here=here, minus=minus, plus=plus)]
    if len(t.data) == 1 and t.net.outputs == 1 and t.described and not t.described.target.classes:
        prediction, truth = float(t.prediction[0, 0]), float(t.truth[0, 0])
        facts = {
            "prediction": prediction,
            "truth": truth,
            "difference": prediction - truth,
            "turned": truth - prediction,
        }
        remarks.append(Remark("sign.turned", **facts, unit=t.described.target.unit))
    return tuple(remarks)


def nudge(t: Trace, name: str, by: float) -> Nudge:
    """Move a weight by `by`."""
    w = t[name]
    moved = _moved(t, w.positions, by)
    return Nudge(name, by, w.gradient * by, moved.E - t.E, t.prediction, moved.prediction)


def nudge_input(t: Trace, name: str, by: float) -> Nudge:
    """Move an input of every row by `by`, in the unit of its column where a table is known ("100 sqft more")."""
    if name not in t.net.inputs:
        raise UnknownNameError("input", name, t.net.inputs)
    i = t.net.inputs.index(name)
    scale = 1.0 if t.described is None else t.described.input(name).scale
    X = t.data.X.copy()
    X[:, i] += by / scale
    moved = t.on(Rows(Data(X, t.data.Y, t.data.rows), None, t.data.weights, scaled=True))
    return Nudge(name, by, float(t.dX[:, i].sum()) * by / scale, moved.E - t.E, t.prediction, moved.prediction)


def _moved(t: Trace, positions: np.ndarray, by: float) -> Trace:
    theta = t.theta.copy()
    theta[positions] += by
    return t.at(theta)
