"""The learning rate of every step, as a factor on the rate that the user chose.

A schedule is a pure function of the step and of the number of planned steps; for an array of steps it yields an array
of the same bits. `ends` tells whether it is laid out over the planned steps, and over at their end. The factors are
made by plain arithmetic only, because the C library's cos and pow give other last digits on other machines.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import numpy as np

from backlit.core.registry import make_plain
from backlit.errors import require

Step = TypeVar("Step", float, np.ndarray)  #: a step's number, or an array of them; and their factors


@dataclass(frozen=True)
class Constant:
    """The same rate throughout."""

    name: ClassVar[str] = "constant"
    ends: ClassVar[bool] = False

    def factor(self, step: Step, planned: int) -> Step:
        return 1.0 + 0 * step


@dataclass(frozen=True)
class StepDecay:
    """The rate times `decay` after every `every` steps."""

    every: int = 1000
    decay: float = 0.5

    name: ClassVar[str] = "step"
    ends: ClassVar[bool] = False

    def __post_init__(self) -> None:
        make_plain(self)
        require("every", self.every, lambda v: isinstance(v, int) and v >= 1, "1 or more steps")
        require("decay", self.decay, lambda v: 0 < v <= 1, "above 0, at most 1")

    def factor(self, step: Step, planned: int) -> Step:
        return power(self.decay, step // self.every)


@dataclass(frozen=True)
class Exponential:
    """The rate times `decay` after every step."""

    decay: float = 0.999

    name: ClassVar[str] = "exponential"
    ends: ClassVar[bool] = False

    def __post_init__(self) -> None:
        make_plain(self)
        require("decay", self.decay, lambda v: 0 < v <= 1, "above 0, at most 1")

    def factor(self, step: Step, planned: int) -> Step:
        return power(self.decay, step)


@dataclass(frozen=True)
class Cosine:
    """Up in a straight line over the first `warmup` of the planned steps, then down to 0 along half a cosine.

    Loshchilov & Hutter, "SGDR", ICLR 2017, eq. 5. Beyond the planned steps the factor stays 0.
    """

    warmup: float = 0.0

    name: ClassVar[str] = "cosine"
    ends: ClassVar[bool] = True

    def __post_init__(self) -> None:
        make_plain(self)
        require("warmup", self.warmup, lambda v: 0 <= v < 1, "a share of the planned steps, from 0 to below 1")

    def factor(self, step: Step, planned: int) -> Step:
        rise = float(int(self.warmup * planned))
        up = (step + 1) / (rise + 1)
        down = 0.5 * (1 + _cos_pi((step - rise) / max(planned - rise, 1.0)))
        return _where(step < rise, up, _where(step < planned, down, 0.0))


def power(base: float, n: Any) -> Any:
    """baseⁿ for a whole n ≥ 0 or an array of them, by repeated squaring: the same bits on every machine."""
    most = int(n.max(initial=0) if isinstance(n, np.ndarray) else n)
    result = 1.0 + 0 * n
    for bit in range(most.bit_length()):
        result *= _where(n & 1 << bit != 0, base, 1.0)
        base *= base
    return result


def _cos_pi(t: Any) -> Any:
    """cos(πt) for t in [0, 1], as −sin(π(t − ½)) by its Taylor series; |error| < 1e-15."""
    x = math.pi * (t - 0.5)
    square = -x * x
    term, total = x, 1 * x
    for n in range(3, 25, 2):
        term *= square / (n * (n - 1))
        total += term
    return -total


def _where(condition: Any, yes: Any, no: Any) -> Any:
    """`yes` or `no`, entry by entry where the condition is an array."""
    return np.where(condition, yes, no) if isinstance(condition, np.ndarray) else yes if condition else no


Schedule = Constant | StepDecay | Exponential | Cosine

SCHEDULES: dict[str, type[Schedule] | Schedule] = {
    "constant": Constant,
    "step": StepDecay,
    "exponential": Exponential,
    "cosine": Cosine,
    "warmup_cosine": Cosine(warmup=0.05),
}
