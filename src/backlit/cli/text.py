"""Numbers as people read them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.text import Text

POSITIVE, NEGATIVE, QUIET, HEAD = "#4f9fdf", "#df8a3f", "grey58", "bold"  # blue and orange: safe for the colour-blind


def number(value: float, digits: int = 4) -> str:
    """A number with a true minus sign."""
    return f"{round(value, digits) + 0.0:,.{digits}f}".replace("-", "−")  # + 0.0 makes −0.0 a plain 0


def signed(value: float, digits: int = 4) -> Text:
    """A number in the colour of its sign."""
    return Text(number(value, digits), style=POSITIVE if value >= 0 else NEGATIVE)


def quantity(value: float, unit: str = "") -> str:
    """A whole number (or one with the digits it has) in its unit: $221,900, 1,180 sqft, 47.51°."""
    size = f"{abs(value):,.0f}" if abs(value) >= 1000 or float(value).is_integer() else f"{abs(value):,.4g}"
    sign = "−" if value < 0 else ""
    if unit == "$":
        return f"{sign}${size}"
    return f"{sign}{size}{'' if unit in ('', '°', '%') else ' '}{unit}"


def bars(values: Sequence[float], most: int = 16) -> str:
    """A curve as a line of blocks, from the least value to the greatest."""
    finite = [v for v in values if math.isfinite(v)]
    if len(finite) > most:
        finite = [finite[round(i * (len(finite) - 1) / (most - 1))] for i in range(most)]
    low, high = min(finite), max(finite)
    return "".join("▁▂▃▄▅▆▇█"[min(7, int(8 * (v - low) / ((high - low) or 1)))] for v in finite)
