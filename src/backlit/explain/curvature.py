"""How sharply E bends: what bounds the learning rate."""

from __future__ import annotations

import numpy as np

from backlit.core.backprop import value_and_grad
from backlit.core.network import Network


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
