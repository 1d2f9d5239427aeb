"""The learning rate of every step, as a factor on the rate that the user chose.

A schedule is a pure function of the step and of the number of planned steps. The factors are made by
plain arithmetic only, because the C library's cos and pow give other last digits on other machines.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from backlit.errors import require


@dataclass(frozen=True)
class Constant:
    """The same rate throughout."""

    name: ClassVar[str] = "constant"

    def factor(self, step: int, planned: int) -> float:
        return 1.0


@dataclass(frozen=True)
class StepDecay:
    """The rate times `decay` after every `every` steps."""

    every: int = 1000
    decay: float = 0.5

    name: ClassVar[str] = "step"

    def __post_init__(self) -> None:
        require("every", self.every, lambda v: isinstance(v, int) and v >= 1, "1 or more steps")
        require("decay", self.decay, lambda v: 0 < v <= 1, "above 0, at most 1")

    def factor(self, step: int, planned: int) -> float:
        return power(self.decay, step // self.every)


@dataclass(frozen=True)
class Exponential:
    """The rate times `decay` after every step."""

    decay: float = 0.999

    name: ClassVar[str] = "exponential"

    def __post_init__(self) -> None:
        require("decay", self.decay, lambda v: 0 < v <= 1, "above 0, at most 1")

    def factor(self, step: int, planned: int) -> float:
        return power(self.decay, step)


@dataclass(frozen=True)
class Cosine:
    """Up in a straight line over the first `warmup` of the planned steps, then down to 0 along half a cosine.

    Loshchilov & Hutter, "SGDR", ICLR 2017, eq. 5. Beyond the planned steps the factor stays 0.
    """

    warmup: float = 0.0

    name: ClassVar[str] = "cosine"

    def __post_init__(self) -> None:
        require("warmup", self.warmup, lambda v: 0 <= v < 1, "a share of the planned steps, from 0 to below 1")

    def factor(self, step: int, planned: int) -> float:
        rise = int(self.warmup * planned)
        if step < rise:
            return (step + 1) / (rise + 1)
        if step >= planned:
            return 0.0
        return 0.5 * (1 + _cos_pi((step - rise) / (planned - rise)))


def power(base: float, n: int) -> float:
    """baseⁿ for a whole n ≥ 0 by repeated squaring: the same bits on every machine."""
    result = 1.0
    while n:
        if n & 1:
            result *= base
        base *= base
        n >>= 1
    return result


def _cos_pi(t: float) -> float:
    """cos(πt) for t in [0, 1], as −sin(π(t − ½)) by its Taylor series; |error| < 1e-15."""
    x = math.pi * (t - 0.5)
    term = total = x
    for n in range(3, 25, 2):
        term *= -x * x / (n * (n - 1))
        total += term
    return -total


Schedule = Constant | StepDecay | Exponential | Cosine

SCHEDULES: dict[str, type[Schedule] | Schedule] = {
    "constant": Constant,
    "step": StepDecay,
    "exponential": Exponential,
    "cosine": Cosine,
    "warmup_cosine": Cosine(warmup=0.05),
}
