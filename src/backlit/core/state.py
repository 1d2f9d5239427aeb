"""One moment of a training run: enough to go on from, to the bit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from backlit.core.arrays import Array
from backlit.core.optimizers import Memory


class Best(NamedTuple):
    """The weights that did best on the watched rows so far."""

    metric: float
    step: int
    theta: Array


@dataclass(frozen=True)
class State:
    """State s is the state before update s.

    Attributes
    ----------
    theta : (p,) all weights
    memory : the optimizer's
    seed : of the order of rows and the dropout masks
    planned : the number of steps the schedule is laid out for
    begun : the step at which that schedule begins; 0 unless training went on in another way
    step : updates made so far
    epoch : passes over the rows completed so far
    used : rows of this epoch already used
    total : their errors, each at its own step, added up
    best : the best weights so far, if anything is watched
    patience_left : epochs without improvement that remain before training stops; None: no limit
    """

    theta: Array
    memory: Memory
    seed: int
    planned: int
    begun: int = 0
    step: int = 0
    epoch: int = 0
    used: int = 0
    total: float = 0.0
    best: Best | None = None
    patience_left: int | None = None

    def __repr__(self) -> str:
        best = "" if self.best is None else f", best so far {self.best.metric:.6g} at step {self.best.step}"
        return f"<state before step {self.step}: epoch {self.epoch}, {len(self.theta)} weights{best}>"
