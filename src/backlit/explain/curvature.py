"""How sharply E bends: what bounds the learning rate."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from backlit.core.backprop import value_and_grad
from backlit.core.network import Network
from backlit.explain.trace import Trace

REACH = 1e-3  #: how far the weight that moves most is moved, to see how E bends along a step


def sharpest_curvature(net: Network, theta: np.ndarray, X: np.ndarray, Y: np.ndarray, iterations: int = 30) -> float:
    """The greatest second derivative of E along any direction at theta, by power iteration.

    Plain gradient descent near a minimum overshoots farther at every step once the rate is above 2 divided by this
    (LeCun et al., "Efficient BackProp", 1998, section 5.1). Second derivatives are differences of gradients.
    """
    direction = np.cos(np.arange(len(theta)))
    curvature = 0.0
    h = 1e-4
    for _ in range(iterations):
        direction /= np.linalg.norm(direction)
        ahead = value_and_grad(net, theta + h * direction, X, Y)[1]
        behind = value_and_grad(net, theta - h * direction, X, Y)[1]
        bend = (ahead - behind) / (2 * h)
        curvature = float(direction @ bend)
        if not bend.any():
            break
        direction = bend
    return abs(curvature)


@dataclass(frozen=True)
class Bend:
    """How E bends along the direction of one step, whatever optimizer chose it.

    Along θ + α·d, E falls at first by slope · α and bends up by ½ · curvature · slope · α²: it is back where it began
    at α = 2 / curvature. Above that rate each step lands farther up the other side than it came from. For plain
    gradient descent, curvature is ∇ᵀH∇ / ∇ᵀ∇.

    Attributes
    ----------
    step : which one
    rate : its learning rate
    curvature : dᵀHd / −∇·d, in 1 / rate; 0 or less, or not finite, where E does not bend up, or the step leads up
    """

    step: int
    rate: float
    curvature: float

    @property
    def limit(self) -> float:
        """The greatest rate that lowers E, as far as two derivatives know it."""
        return 2 / self.curvature if 0 < self.curvature < math.inf else math.inf


def bend_along_step(t: Trace) -> Bend:
    """How E of a trace's rows bends along its update; H d is a difference of two gradients."""
    with np.errstate(all="ignore"):
        d = replace(t, rate=1.0).update.step
        slope, most = -float(t.gradient @ d), float(np.abs(d).max())
        if not (slope > 0 and most < math.inf):
            return Bend(t.step, t.rate, 0.0)
        h = REACH / most
        ahead, behind = (t.at(t.theta + side * h * d).gradient for side in (1, -1))
        curvature = float(d @ (ahead - behind)) / (2 * h) / slope
    return Bend(t.step, t.rate, curvature if math.isfinite(curvature) else 0.0)


def trial_rates(bend: Bend, rate: float) -> tuple[float, float, float]:
    """Three learning rates worth comparing: with one E hardly moves, one is `rate`, and with one plain gradient descent
    overshoots farther at every step.

    They are a hundredth of the lesser, and four times the greater, of `rate` and `bend.limit`.
    """
    limit = bend.limit if math.isfinite(bend.limit) else rate
    low, high = sorted((rate, limit))
    return float(f"{low / 100:.2g}"), rate, float(f"{4 * high:.2g}")
