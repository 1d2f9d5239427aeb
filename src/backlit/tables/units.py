"""Numbers in their units, and names from tables, as people read them."""

from __future__ import annotations

import math


def quantity(value: float, unit: str = "", digits: int = 4) -> str:
    """A number in its unit: $221,900, 1,180 sqft, 47.51°. From 1,000 up, and whole numbers, without decimals."""
    size = f"{abs(value):,.0f}" if abs(value) >= 1000 or float(value).is_integer() else f"{abs(value):,.{digits}g}"
    sign = "−" if value < 0 else ""
    if unit == "$":
        return f"{sign}${size}"
    return f"{sign}{size}{'' if unit in ('', '°', '%') else ' '}{unit}"


def number(value: float, digits: int = 4) -> str:
    """A number with a true minus sign; 3.1e−08 where it would be rounded to 0, or has more digits than one counts."""
    size = abs(value)
    if 0 < size < 0.5 * 10**-digits or 1e9 <= size < math.inf:
        return f"{value:.1e}".replace("-", "−")
    return fixed(value, digits)


def fixed(value: float, digits: int) -> str:
    """With so many decimals."""
    return f"{round(value, digits) + 0.0:,.{digits}f}".replace("-", "−")  # + 0.0 makes −0.0 a plain 0


def amount(value: float, unit: str = "") -> str:
    """A number in its unit, to four significant digits, or from 1,000 up to six."""
    return quantity(float(f"{value:.6g}"), unit)


def percent(share: float, digits: int = 1) -> str:
    """A share in percent; 0% and 100% are said of nothing else."""
    least = 0.5 * 10**-digits / 100
    if 0 < share < least:
        return f"<{10**-digits:g}%"
    if 1 - least < share < 1:
        return f">{100 - 10**-digits:g}%"
    return f"{share:.{digits}%}".replace("-", "−")


def row_count(n: int) -> str:
    """So many rows, as text."""
    return f"{n:,} row{'s' * (n != 1)}"


def plain(text: str) -> str:
    """Text from a table, with control characters, terminal codes and direction marks written out as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
