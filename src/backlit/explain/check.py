"""Is a derivative right? Move the weight a little both ways and see how E answers."""

from __future__ import annotations

import math
from collections.abc import Callable

MOST_DIGITS = 9  #: what a fourth-order difference in float64 can vouch for


def finite_difference(E: Callable[[float], float], w: float) -> float:
    """dE/dw at w from four values of E around it, without any backpropagation.

    (E(w−2h) − 8 E(w−h) + 8 E(w+h) − E(w+2h)) / 12h with h = 0.001 · max(1, |w|); its error shrinks with h⁴
    (Abramowitz & Stegun, 25.3.21).
    """
    h = 1e-3 * max(1.0, abs(w))
    return (E(w - 2 * h) - 8 * E(w - h) + 8 * E(w + h) - E(w + 2 * h)) / (12 * h)


def agreeing_digits(a: float, b: float) -> int:
    """To how many significant digits two numbers agree, at most 9."""
    scale = max(abs(a), abs(b))
    if scale == 0 or a == b:
        return MOST_DIGITS
    return max(0, min(MOST_DIGITS, math.floor(-math.log10(abs(a - b) / scale))))
