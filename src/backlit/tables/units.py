"""Numbers in their units, and names from tables, as people read them."""

from __future__ import annotations


def quantity(value: float, unit: str = "", digits: int = 4) -> str:
    """A number in its unit: $221,900, 1,180 sqft, 47.51°. From 1,000 up, and whole numbers, without decimals."""
    size = f"{abs(value):,.0f}" if abs(value) >= 1000 or float(value).is_integer() else f"{abs(value):,.{digits}g}"
    sign = "−" if value < 0 else ""
    if unit == "$":
        return f"{sign}${size}"
    return f"{sign}{size}{'' if unit in ('', '°', '%') else ' '}{unit}"


def percent(share: float) -> str:
    """A share as 98.3%; what is only nearly nothing or all is not rounded to it: <0.1%, >99.9%."""
    if share != share:
        return "not finite"
    text = f"{share:.1%}"
    if text == "100.0%" and share < 1:
        return ">99.9%"
    return "<0.1%" if text == "0.0%" and share > 0 else text


def chance(p: float) -> str:
    """A predicted probability, which is never 0 or 1, though its arithmetic may have rounded it."""
    return percent(min(max(p, 1e-9), 1 - 1e-9))


def plain(text: str) -> str:
    """Text from a table, with control characters, terminal codes and direction marks written out as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
