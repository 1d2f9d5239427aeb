"""Is a derivative right? Move the weight a little both ways and see how E answers."""

from __future__ import annotations

import math
from collections.abc import Callable

MOST_DIGITS = 9  #: what a fourth-order difference in float64 can vouch for


def finite_difference(E: Callable[[float], float], w: float, h: float = 1e-3) -> float:
    """dE/dw at w from four values of E around it, without any backpropagation.

    (E(w−2h) − 8 E(w−h) + 8 E(w+h) − E(w+2h)) / 12h; its error shrinks with h⁴ (Abramowitz & Stegun, 25.3.21).
    """
    return (E(w - 2 * h) - 8 * E(w - h) + 8 * E(w + h) - E(w + 2 * h)) / (12 * h)


def agreeing_digits(a: float, b: float, noise: float = 0.0) -> int:
    """To how many significant digits two numbers agree, at most 9; a difference below `noise` is none."""
    scale = max(abs(a), abs(b))
    if abs(a - b) <= noise:
        return MOST_DIGITS
    return max(0, min(MOST_DIGITS, math.floor(-math.log10(abs(a - b) / scale))))
