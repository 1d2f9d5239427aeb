"""What each row of a step wants of a weight: to be raised, or lowered, and how far. Plain gradient descent makes their
mean of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from backlit.errors import ArgumentError

if TYPE_CHECKING:
    from backlit.explain.trace import WeightTrace

GRADIENT_DESCENT = ("rate", "gradient")  #: the kinds of its terms


@dataclass(frozen=True, eq=False)
class Wishes:
    """What the rows of a trace want of one weight.

    Attributes
    ----------
    weight : its name
    rows : (n,) the rows' numbers in their table
    wishes : (n,) how far each row alone would move the weight by plain gradient descent, −α ∂Eᵢ/∂w; of a row that
        counts more than others it is as much more
    together : whether E, and so the wish of all, is the rows' mean or their sum
    weighted : whether rows count differently
    wish : their mean, or their sum: the step of plain gradient descent
    step : what the optimizer's step adds to the weight
    terms : the kinds of what else is in that step, or "still" where its rate is 0; () where it is the wish of all
    raised, lowered : how many rows want the weight raised, and how many lowered
    """

    weight: str
    rows: np.ndarray
    wishes: np.ndarray
    together: Literal["mean", "sum"]
    weighted: bool
    wish: float
    step: float
    terms: tuple[str, ...]
    raised: int
    lowered: int


def wishes(w: WeightTrace) -> Wishes:
    """The wishes of a trace's rows at a weight; where the rate is 0 by now, at the last one that was not."""
    t = w.trace
    if t.optimizer is None:
        raise ArgumentError("trace.no_settings")
    slot = w.effects.stage.slot_at(int(w.positions[0]))
    together, weights = t.net.loss.reduction, t.data.weights
    own = w.by_row * (len(t.data) if together == "mean" else 1)  # a row's own E is no share of all rows' E
    rate = t.last_rate * slot.rate
    alone = -rate * own
    update = t.update
    others = ["clipped"] * (update.clip != 1)
    others += [kind for kind, _, _ in update.terms if kind not in GRADIENT_DESCENT]
    return Wishes(
        weight=w.name,
        rows=t.rows,
        wishes=alone,
        together=together,
        weighted=weights is not None and bool(np.ptp(np.asarray(weights)) > 0),
        wish=-rate * w.gradient,
        step=float(update.step[w.positions].sum()),
        terms=tuple(others) if t.rate else ("still",),
        raised=int((alone > 0).sum()),
        lowered=int((alone < 0).sum()),
    )
