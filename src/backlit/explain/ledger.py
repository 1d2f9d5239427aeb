"""The ledger: how much each weight changed a number, in parts that add up to the change.

On the way from theta to theta + step a number Q changes by the line integral of its gradient. So each weight has a part
of its own, its Δw times ∂Q/∂w averaged along the way (Lan et al., "LCA: Loss Change Allocation for Neural Network
Training", NeurIPS 2019). The average is taken by Gauss's rule; what it leaves over, the residual, is shown beside the
parts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

import numpy as np

from backlit.core.backprop import backward
from backlit.core.network import Network
from backlit.errors import ArgumentError, require

if TYPE_CHECKING:
    import polars as pl

    from backlit.explain.trace import Trace

Question = Literal["prediction", "E"]
QUESTIONS = get_args(Question)

TOLERANCE = 1e-6  #: the residual that is good enough, as a share of the largest part
MOST_STRETCHES = (
    128  #: into which the way is cut at the most, where kinks of ReLU and its like keep Gauss's rule from closing
)
NODES, SHARES = np.polynomial.legendre.leggauss(3)
NODES, SHARES = (NODES + 1) / 2, SHARES / 2


@dataclass(frozen=True, eq=False)
class Account:
    """What each weight did to a number along a step.

    Attributes
    ----------
    of : "prediction", in the target's unit, of several rows their mean; or "E"
    unit : of the prediction; "" where it has none, and for E
    before, after : the number before the step and after it
    parts : (p,) each weight's part of the change
    """

    net: Network
    of: Question
    unit: str
    before: float
    after: float
    parts: np.ndarray

    @property
    def change(self) -> float:
        """after − before."""
        return self.after - self.before

    @property
    def residual(self) -> float:
        """What the parts leave over: change − their sum."""
        return self.change - float(self.parts.sum())

    def by_weight(self) -> pl.DataFrame:
        """A row for each weight: its name and its part, the largest first."""
        import polars as pl

        frame = pl.DataFrame({"weight": self.net.weight_names(), "part": self.parts})
        return frame.sort(pl.col("part").abs(), descending=True, maintain_order=True)


class Stretch(NamedTuple):
    """A piece of the way, from share `start` to share `stop` of the step: Q at both ends, and the weights' parts."""

    start: float
    stop: float
    before: float
    after: float
    parts: np.ndarray

    @property
    def residual(self) -> float:
        return abs(self.after - self.before - float(self.parts.sum()))


def account(t: Trace, of: Question | None = None, step: np.ndarray | None = None) -> Account:
    """How much each weight changed the prediction, or E, of a trace's rows by a step.

    Parameters
    ----------
    of : "prediction" of one number, or "E"; None: the prediction, of classes and of several outputs E
    step : (p,) what is added to the weights; None: the trace's update

    Raises
    ------
    ArgumentError
        There is no update, or no single number is predicted.
    """
    single = t.net.outputs == 1 and not (t.described and t.described.target.classes)
    of = of or ("prediction" if single else "E")
    require("of", of, lambda v: v in QUESTIONS, "prediction or E")
    if of == "prediction" and not single:
        raise ArgumentError("ledger.several", outputs=t.net.outputs)
    value, gradient = (_prediction, _of_prediction) if of == "prediction" else (_error, _of_error)
    step = t.update.step if step is None else step
    before, after = value(t), value(t.at(t.theta + step))
    parts = sum((s.parts for s in _stretches(t, step, before, after, value, gradient)), np.zeros_like(t.theta))
    unit = t.described.target.unit if of == "prediction" and t.described else ""
    return Account(t.net, of, unit, before, after, parts)


def _stretches(
    t: Trace, step: np.ndarray, before: float, after: float,
    value: Callable[[Trace], float], gradient: Callable[[Trace], np.ndarray],
) -> list[Stretch]:  # fmt: skip
    """The way, cut where the parts do not add up yet."""

    def at(share: float) -> Trace:
        return t.at(t.theta + share * step)

    def stretch(start: float, stop: float, before: float, after: float) -> Stretch:
        mean = sum(w * gradient(at(start + (stop - start) * s)) for s, w in zip(NODES, SHARES))
        return Stretch(start, stop, before, after, mean * ((stop - start) * step))

    stretches = [stretch(0.0, 1.0, before, after)]
    while len(stretches) < MOST_STRETCHES:
        largest = np.abs(sum(s.parts for s in stretches)).max(initial=0.0)
        if not sum(s.residual for s in stretches) > TOLERANCE * largest:  # also where they are not finite
            break
        worst = max(stretches, key=lambda s: s.residual)
        middle = (worst.start + worst.stop) / 2
        between = value(at(middle))
        stretches.remove(worst)
        stretches.append(stretch(worst.start, middle, worst.before, between))
        stretches.append(stretch(middle, worst.stop, between, worst.after))
    return stretches


def _error(t: Trace) -> float:
    return t.E


def _of_error(t: Trace) -> np.ndarray:
    return t.gradient


def _prediction(t: Trace) -> float:
    return float(t.prediction.mean())


def _of_prediction(t: Trace) -> np.ndarray:
    """(p,) ∂prediction/∂theta, of several rows the mean."""
    loss, S = t.net.loss, t.S
    slope = t.described.target.slope(loss, S) if t.described else loss.prediction(np, S)[1] * np.ones_like(S)
    return backward(t.net, t.p, t.caches, slope / len(S)).gradient
