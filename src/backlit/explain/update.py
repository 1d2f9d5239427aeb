"""What an optimizer makes of the gradient, term by term, and as people read it."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from backlit.core.network import Network
from backlit.core.optimizers import Memory, Optimizer, Term, clip, moved
from backlit.words import Remark, number, say

WIDTH = 76  #: of what is said for a terminal
SIGNS = {"minus": "−", "times": "·", "over": "/"}


@dataclass(frozen=True, eq=False)
class Update:
    """An update of all weights.

    Attributes
    ----------
    before : (p,) theta
    terms : what the optimizer subtracts from it, each (p,); see `backlit.core.optimizers.Term`
    clip : what the gradient was multiplied by, 1 unless it was too long
    """

    before: np.ndarray
    terms: tuple[Term, ...]
    clip: float

    @cached_property
    def step(self) -> np.ndarray:
        """(p,) how far each weight moves."""
        return moved(0.0, self.terms)

    @cached_property
    def after(self) -> np.ndarray:
        """(p,) theta after the update."""
        return moved(self.before, self.terms)

    def columns(self) -> dict[str, np.ndarray]:
        """The terms by their kinds, clip where the gradient was shortened, then step and after."""
        clipped = {} if self.clip == 1 else {"clip": np.full_like(self.before, self.clip)}
        return {kind: values for kind, _, values in self.terms} | clipped | {"step": self.step, "after": self.after}

    def of(self, position: int, happened: bool) -> WeightUpdate:
        """That of the weight at a position of theta."""
        terms = tuple(WeightTerm(kind, enters, float(values[position])) for kind, enters, values in self.terms)
        before, after = float(self.before[position]), float(self.after[position])
        return WeightUpdate(before, terms, self.clip, after, happened)


@dataclass(frozen=True)
class WeightTerm:
    """One part of an update: "minus" begins a product that is subtracted; "times" and "over" continue it."""

    kind: str
    enters: Literal["minus", "times", "over"]
    value: float


@dataclass(frozen=True)
class WeightUpdate:
    """One weight's update: before, then its terms as they come, is after; see `Update`.

    happened : whether training made it; otherwise it is what would be
    """

    before: float
    terms: tuple[WeightTerm, ...]
    clip: float
    after: float
    happened: bool

    def value(self, kind: str) -> float | None:
        """That of the term of a kind, if there is one."""
        return next((term.value for term in self.terms if term.kind == kind), None)

    @property
    def symbols(self) -> str:
        """Such as w − α · ∂E/∂w."""
        return "w" + "".join(f" {SIGNS[term.enters]} {say(f'term.{term.kind}')}" for term in self.terms)

    def numbers(self, digits: int = 6) -> str:
        """The same in numbers, and what comes of it."""
        parts = [f" {SIGNS[term.enters]} {_bracket(term.value, digits)}" for term in self.terms]
        return f"{number(self.before, digits=digits)}{''.join(parts)} = {number(self.after, digits=digits)}"

    def reasons(self, gradient: float) -> tuple[Remark, ...]:
        """Why the weight goes where it goes, beside its ∂E/∂w."""
        moved = self.after - self.before
        ways = {"way": "raises" if gradient > 0 else "lowers", "goes": "raises" if moved > 0 else "lowers"}
        if gradient == 0:
            kinds = ["flat", "flat_moved"] if moved else ["flat"]
        elif self.value("rate") == 0:
            kinds = ["still"]
        else:
            kinds = ["too_small" if moved == 0 else "along" if (moved > 0) == (gradient < 0) else "against"]
        average = self.value("averaged")
        kinds += ["clipped"] * (self.clip != 1)
        kinds += ["averaged"] * (average is not None and abs(average - gradient * self.clip) > 1e-6 * abs(gradient))
        return tuple(Remark(f"update.{kind}", **ways, share=self.clip) for kind in kinds)

    def lines(self, gradient: float) -> list[str]:
        """For a terminal, beside the weight's ∂E/∂w."""
        equation = self.numbers()
        if len(equation) > WIDTH - 9:
            equation = equation.replace(" = ", f"\n{'':8} = ")
        lines = [f"{'update' if self.happened else 'would be':8} {self.symbols}", *f"{'':8} {equation}".split("\n")]
        said = [*map(str, self.reasons(gradient)), *([say("update.minus")] if gradient else [])]
        return [*lines, *(line for text in said for line in textwrap.wrap(text, WIDTH))]


def update_of(
    optimizer: Optimizer, net: Network, theta: np.ndarray, gradient: np.ndarray, memory: Memory, rate: float
) -> Update:
    """The update that a gradient, (p,), causes."""
    terms, _ = optimizer.update(theta, gradient, memory, rate, net.layout())
    whole = tuple(term._replace(values=np.broadcast_to(term.values, theta.shape)) for term in terms)
    length, norm = float(np.linalg.norm(gradient)), optimizer.clip_norm
    shortened = 1.0 if norm is None or length == 0 else float(np.linalg.norm(clip(gradient, norm))) / length
    return Update(theta, whole, shortened)


def _bracket(value: float, digits: int) -> str:
    return number(value, digits=digits) if value >= 0 else f"({number(value, digits=digits)})"
