"""Which values a setting may have: checked where the setting acts, and told where it is chosen."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Any

from backlit.errors import require


class Values:
    """The values that a setting may have; as text, what one says of them."""

    def holds(self, value: Any) -> bool:
        """Whether a value, as plain Python, is among them."""
        raise NotImplementedError

    def read(self, text: str) -> Any:
        """The value that is written so; raises `ValueError` where none is."""
        return text

    def write(self, value: Any) -> str:
        """How a value is typed."""
        return str(value)

    def require(self, name: str, value: Any, none: bool = False) -> Any:
        """The value of the setting `name`, as plain Python; raises `ArgumentError` unless it is among them.

        Parameters
        ----------
        none : whether it may be None
        """
        good = lambda v: (none and v is None) or self.holds(v)
        return require(name, value, good, f"{self}, or None" if none else str(self))


@dataclass(frozen=True)
class Numbers(Values):
    """Numbers from `least` on, or above `above`, and below `below`; infinity and NaN are none."""

    least: float | None = None
    above: float | None = None
    below: float | None = None
    whole: bool = False

    def holds(self, value: Any) -> bool:
        return (
            not isinstance(value, bool)
            and (isinstance(value, int) and value < 2**62 if self.whole else math.isfinite(value))
            and (self.least is None or value >= self.least)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
        )

    def read(self, text: str) -> Any:
        return int(text) if self.whole else float(text)

    def __str__(self) -> str:
        kind = "a whole number" if self.whole else "a finite number"
        if self.below is not None and self.whole:
            return f"{kind} from {self.least:,} to {self.below - 1:,}"
        if self.below is not None:
            return f"from {self.least:g} to below {self.below:g}"
        if self.above is not None:
            return f"{kind} greater than {self.above:g}"
        return kind if self.least is None else f"{kind}, {self.least:g} or greater"


COUNT, FINITE = Numbers(least=1, whole=True), Numbers()
WIDTH = Numbers(least=1, below=1_000_001, whole=True)  #: units of a layer, each of which has a name
POSITIVE, NOT_NEGATIVE, SHARE = Numbers(above=0), Numbers(least=0), Numbers(least=0, below=1)


@dataclass(frozen=True)
class Units(Values):
    """Numbers of units, one for each layer."""

    def holds(self, value: Any) -> bool:
        return all(map(WIDTH.holds, value))

    def read(self, text: str) -> tuple[int, ...]:
        return tuple(int(units) for units in text.replace(",", " ").split())

    def write(self, value: Any) -> str:
        return ",".join(map(str, value))

    def __str__(self) -> str:
        return "numbers of units, such as (128, 128); each is from 1 to 1,000,000"


@dataclass(frozen=True)
class Names(Values):
    """Some names; or those of a registry, or one of its records.

    Parameters
    ----------
    of : the names, or the registry's place, such as "backlit.core.losses:LOSSES": it is imported when it is asked
    """

    of: tuple[str, ...] | str

    def __iter__(self) -> Iterator[str]:
        return iter(resolve_name(self.of) if isinstance(self.of, str) else self.of)

    def holds(self, value: Any) -> bool:
        return isinstance(self.of, str) or value in self.of

    def __str__(self) -> str:
        *names, last = map(repr, self)
        return f"{', '.join(names)} or {last}"
