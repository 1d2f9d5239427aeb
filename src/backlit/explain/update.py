"""What an optimizer makes of the gradient, term by term."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from backlit.core.network import Network
from backlit.core.optimizers import Optimizer, clip
from backlit.engines.reference import factors
from backlit.explain.chain_text import number
from backlit.words import percent


class Update(NamedTuple):
    """An update of all weights; vectors are (p,).

    step = −rate · (averaged / scaling) − decay, and after = before + step

    rate : α, with each layer's own factor
    clip : what the gradient was multiplied by, 1 unless it was too long
    averaged : the gradient, clipped, after momentum
    scaling : what adam and rmsprop divide it by, 1 for the others
    decay : what weight decay takes away
    """

    rate: np.ndarray
    clip: float
    averaged: np.ndarray
    scaling: np.ndarray
    decay: np.ndarray
    step: np.ndarray
    before: np.ndarray
    after: np.ndarray

    def of(self, position: int, happened: bool) -> WeightUpdate:
        """That of the weight at a position of theta."""
        i = position
        return WeightUpdate(
            float(self.before[i]), float(self.rate[i]), self.clip, float(self.averaged[i]), float(self.scaling[i]),
            float(self.decay[i]), float(self.after[i]), happened,
        )  # fmt: skip


@dataclass(frozen=True)
class WeightUpdate:
    """after = before − rate · averaged / scaling − decay; see `Update`.

    happened : whether training made it; otherwise it is what would be
    """

    before: float
    rate: float
    clip: float
    averaged: float
    scaling: float
    decay: float
    after: float
    happened: bool

    def lines(self, gradient: float) -> list[str]:
        """For a terminal, beside the weight's ∂E/∂w."""
        moved = f"{number(self.rate)} · {_bracket(self.averaged)}"
        if self.scaling != 1:
            moved += f" / {number(self.scaling)}"
        if self.decay:
            moved += f" − {_bracket(self.decay)}"
        what = "update" if self.happened else "would be"
        lines = [f"{what:8} {number(self.before)} − {moved} = {number(self.after)}"]
        if self.clip != 1:
            lines.append(f"the gradient was too long: shortened to {percent(self.clip)} of itself")
        if abs(self.averaged - gradient * self.clip) > 1e-12 * abs(gradient):
            lines.append("the step is against an average of this gradient and earlier ones")
        if self.rate == 0:
            lines.append("the learning rate is 0 at this step, so that no weight moves")
        if gradient == 0:
            return [*lines, "more or less of this weight changes nothing here: no E flows back to it"]
        way = "raises" if gradient > 0 else "lowers"
        return [
            *lines,
            f"more of this weight {way} E. The slope points up the error and the step goes",
            "down: minus. (Texts that add the gradient have put the minus into it.)",
        ]


def update_of(
    optimizer: Optimizer, net: Network, theta: np.ndarray, gradient: np.ndarray, memory: dict[str, Any], rate: float
) -> Update:
    """The update that a gradient causes."""
    rate_factors, decay_factors = factors(net, theta)
    rates = np.broadcast_to(np.asarray(rate * rate_factors), theta.shape)
    g = gradient if optimizer.clip_norm is None else clip(gradient, optimizer.clip_norm)
    direction, memory = optimizer.direction(g, memory)
    scaling = np.broadcast_to(optimizer.scaling(memory), theta.shape)
    decay = rates * optimizer.weight_decay * decay_factors * theta
    step = -rates * direction - decay
    length = float(np.linalg.norm(gradient))
    shortened = float(np.linalg.norm(g)) / length if length else 1.0
    return Update(rates, shortened, direction * scaling, scaling, decay, step, theta, theta + step)


def _bracket(value: float) -> str:
    return number(value) if value >= 0 else f"({number(value)})"
