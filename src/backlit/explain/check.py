"""Is a derivative right? Move the weight a little both ways and see how E answers; ask the engine that trains."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from backlit.engines.choice import fast
from backlit.engines.protocol import Data, Rows
from backlit.words import Remark

if TYPE_CHECKING:
    from backlit.explain.trace import Trace

MOST_DIGITS = 9  #: what a fourth-order difference in float64 can vouch for


def finite_difference(E: Callable[[float], float], w: float, h: float = 1e-3) -> float:
    """dE/dw at w from four values of E around it, without any backpropagation.

    (E(w−2h) − 8 E(w−h) + 8 E(w+h) − E(w+2h)) / 12h; its error shrinks with h⁴ (Abramowitz & Stegun, 25.3.21).
    """
    return (E(w - 2 * h) - 8 * E(w - h) + 8 * E(w + h) - E(w + 2 * h)) / (12 * h)


def agreeing_digits(a: float, b: float, noise: float = 0.0) -> int:
    """To how many significant digits two numbers agree, at most 9; a difference below `noise` is none.

    What is not finite agrees with nothing.
    """
    scale = max(abs(a), abs(b))
    if abs(a - b) <= noise:
        return MOST_DIGITS
    if not math.isfinite(scale + abs(a - b)):
        return 0
    return max(0, min(MOST_DIGITS, math.floor(-math.log10(abs(a - b) / scale))))


def engine_difference(t: Trace) -> float | None:
    """How far the fast engine's gradient is from the trace's, ‖g − ∂E/∂theta‖ / ‖∂E/∂theta‖; None if it cannot run.

    The trace computes in float64, the engine in float32: some 1e-7 is rounding, much more would be a mistake.
    """
    engine, rows = fast(t.net), t.data
    if engine is None:
        return None
    data = Data(rows.X.astype(np.float32), rows.Y.astype(np.float32), rows.rows)
    gradient = engine.gradient(t.net, t.theta.astype(np.float32), Rows(data, None, rows.weights, scaled=True), t.key)
    length = float(np.linalg.norm(t.gradient))
    return float(np.linalg.norm(gradient - t.gradient)) / length if length else 0.0


def engine_remark(difference: float | None) -> Remark | None:
    """The same in words."""
    if difference is None:
        return None
    if not math.isfinite(difference):
        return Remark("check.training_overflows")
    digits = math.floor(-math.log10(difference)) if difference > 0 else 7
    if digits < 1:
        return Remark("check.training_differs", share=difference)
    return Remark("check.training", digits=digits)
