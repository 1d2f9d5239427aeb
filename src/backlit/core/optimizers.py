"""How a gradient becomes an update: pure functions of theta, gradient and memory.

    w  <-  w − α · direction − α · weight_decay · w

`direction` is the only thing in which the optimizers differ. The decay is a term of its own ("decoupled", Loshchilov &
Hutter, ICLR 2019), so adamw is adam with a decay (and with the numbers that are best for tables). Each part is a named
`Term`; whoever shows an update shows its terms as they come. The memory holds arrays and numbers of any kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, Literal, NamedTuple, final

import numpy as np

from backlit.core.arrays import Array, array_namespace, like
from backlit.core.network import Slot
from backlit.core.registry import make_plain
from backlit.core.schedules import power
from backlit.core.values import NOT_NEGATIVE, POSITIVE
from backlit.errors import require

Memory = dict[str, Any]

TINY = 1e-30  #: smaller memory becomes 0: such numbers are slow ("denormal"), and processors differ in them


class Term(NamedTuple):
    """One part of an update; no two of one update have the same kind.

    Attributes
    ----------
    kind : "rate", "gradient", "averaged", "scaling", "decay", or any other word that an optimizer has for it
    enters : "minus" begins a product that is subtracted from theta; "times" and "over" continue that product
    values : a number or (p,)
    """

    kind: str
    enters: Literal["minus", "times", "over"]
    values: Any


@dataclass(frozen=True, kw_only=True)
class Optimizer:
    """What every optimizer shares.

    Parameters
    ----------
    weight_decay : pulls every weight towards 0 by this share of itself, times the rate, at each step
    clip_norm : a longer gradient is shortened to this length (Pascanu et al., ICML 2013)
    """

    weight_decay: float = 0.0
    clip_norm: float | None = None

    name: ClassVar[str]

    def __post_init__(self) -> None:
        make_plain(self)
        NOT_NEGATIVE.require("weight_decay", self.weight_decay)
        POSITIVE.require("clip_norm", self.clip_norm, none=True)

    def init(self, theta: Array, slots: Sequence[Slot]) -> Memory:
        """The memory before the first step."""
        return {}

    def direction(self, g: Array, memory: Memory, slots: Sequence[Slot]) -> tuple[list[Term], Memory]:
        """The factors of the direction to step against, "times" or "over" each, and the memory after this step.

        Parameters
        ----------
        g : (p,) the gradient
        slots : where in g each matrix and vector of weights lies
        """
        raise NotImplementedError

    @final
    def update(
        self, theta: Array, grad: Array, memory: Memory, rate: float, slots: Sequence[Slot]
    ) -> tuple[list[Term], Memory]:
        """The terms of one update, and the memory after it.

        Parameters
        ----------
        theta, grad : (p,)
        rate : α
        slots : of theta; they carry the factors on the rate and the decay
        """
        if self.clip_norm is not None:
            grad = clip(grad, self.clip_norm)
        direction, memory = self.direction(grad, memory, slots)
        rates = rate * _factors([slot.rate for slot in slots], slots, theta)
        terms = [Term("rate", "minus", rates), *direction]
        if self.weight_decay:
            decays = _factors([slot.decay for slot in slots], slots, theta)
            terms.append(Term("decay", "minus", (rates * self.weight_decay * decays) * theta))
        return terms, memory

    @final
    def step(
        self, theta: Array, grad: Array, memory: Memory, rate: float, slots: Sequence[Slot]
    ) -> tuple[Array, Memory]:
        """theta and memory after one update; see `update`."""
        terms, memory = self.update(theta, grad, memory, rate, slots)
        return moved(theta, terms), memory


def moved(theta: Any, terms: Sequence[Term]) -> Any:
    """theta, (p,) or 0, less each product of the terms; what begins a product is multiplied last."""
    begins = [i for i, term in enumerate(terms) if term.enters == "minus"]
    for start, stop in pairwise([*begins, len(terms)]):
        product = 1.0
        for _, enters, values in terms[start + 1 : stop]:
            product = product * values if enters == "times" else product / values
        theta = theta - terms[start].values * product
    return theta


def clip(grad: Array, norm: float) -> Array:
    """The gradient, shortened to `norm` if it is longer."""
    xp = array_namespace(grad)
    length = float(xp.sqrt(xp.sum(grad * grad)))
    return grad if length <= norm else grad * (norm / length)


def _factors(values: list[float], slots: Sequence[Slot], theta: Array) -> Array | float:
    """Each weight's factor, (p,), from its slot's; 1.0 where all are 1."""
    if all(value == 1 for value in values):
        return 1.0
    return like(np.repeat(values, [slot.stop - slot.start for slot in slots]), theta)


@dataclass(frozen=True)
class SGD(Optimizer):
    """Plain gradient descent: w ← w − α · ∂E/∂w."""

    name: ClassVar[str] = "sgd"

    def direction(self, g: Array, memory: Memory, slots: Sequence[Slot]) -> tuple[list[Term], Memory]:
        return [Term("gradient", "times", g)], memory


@dataclass(frozen=True)
class Momentum(Optimizer):
    """v ← μ v + g, against v; Polyak (1964)."""

    momentum: float = 0.9

    name: ClassVar[str] = "momentum"

    def __post_init__(self) -> None:
        super().__post_init__()
        require("momentum", self.momentum, lambda v: 0 <= v < 1, "from 0 to below 1")

    def init(self, theta: Array, slots: Sequence[Slot]) -> Memory:
        return {"v": array_namespace(theta).zeros_like(theta)}

    def direction(self, g: Array, memory: Memory, slots: Sequence[Slot]) -> tuple[list[Term], Memory]:
        v = _without_tiny(self.momentum * memory["v"] + g)
        return [Term("averaged", "times", v)], {"v": v}


@dataclass(frozen=True)
class Nesterov(Momentum):
    """v ← μ v + g, against g + μ v; Sutskever et al., ICML 2013, in the form of Bengio et al. (2012), eq. 7."""

    name: ClassVar[str] = "nesterov"

    def direction(self, g: Array, memory: Memory, slots: Sequence[Slot]) -> tuple[list[Term], Memory]:
        _, memory = super().direction(g, memory, slots)
        return [Term("averaged", "times", g + self.momentum * memory["v"])], memory


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """v ← ρ v + (1 − ρ) g², against g / (√v + ε); Tieleman & Hinton (2012)."""

    rho: float = 0.9
    epsilon: float = 1e-8

    name: ClassVar[str] = "rmsprop"

    def __post_init__(self) -> None:
        super().__post_init__()
        require("rho", self.rho, lambda v: 0 <= v < 1, "from 0 to below 1")
        require("epsilon", self.epsilon, lambda v: v > 0, "greater than 0")

    def init(self, theta: Array, slots: Sequence[Slot]) -> Memory:
        return {"v": array_namespace(theta).zeros_like(theta)}

    def direction(self, g: Array, memory: Memory, slots: Sequence[Slot]) -> tuple[list[Term], Memory]:
        v = _without_tiny(self.rho * memory["v"] + (1 - self.rho) * (g * g))
        scaling = array_namespace(v).sqrt(v) + self.epsilon
        return [Term("gradient", "times", g), Term("scaling", "over", scaling)], {"v": v}


@dataclass(frozen=True)
class Adam(Optimizer):
    """m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g², against m̂ / (√v̂ + ε); Kingma & Ba, ICLR 2015, algorithm 1.

    m̂ = m / (1 − β₁ᵗ) and v̂ = v / (1 − β₂ᵗ), t counting this optimizer's steps from 1.
    """

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    name: ClassVar[str] = "adam"

    def __post_init__(self) -> None:
        super().__post_init__()
        require("beta1", self.beta1, lambda v: 0 <= v < 1, "from 0 to below 1")
        require("beta2", self.beta2, lambda v: 0 <= v < 1, "from 0 to below 1")
        require("epsilon", self.epsilon, lambda v: v > 0, "greater than 0")

    def init(self, theta: Array, slots: Sequence[Slot]) -> Memory:
        xp = array_namespace(theta)
        return {"m": xp.zeros_like(theta), "v": xp.zeros_like(theta), "t": 0}

    def direction(self, g: Array, memory: Memory, slots: Sequence[Slot]) -> tuple[list[Term], Memory]:
        t = memory["t"] + 1
        m = _without_tiny(self.beta1 * memory["m"] + (1 - self.beta1) * g)
        v = _without_tiny(self.beta2 * memory["v"] + (1 - self.beta2) * (g * g))
        m_hat = m * (1 / (1 - power(self.beta1, t)))
        v_hat = v * (1 / (1 - power(self.beta2, t)))
        scaling = array_namespace(v).sqrt(v_hat) + self.epsilon
        return [Term("averaged", "times", m_hat), Term("scaling", "over", scaling)], {"m": m, "v": v, "t": t}


def _without_tiny(memory: Array) -> Array:
    xp = array_namespace(memory)
    return memory * xp.astype(xp.abs(memory) >= TINY, memory.dtype, copy=False)


OPTIMIZERS: dict[str, type[Optimizer] | Optimizer] = {
    **{cls.name: cls for cls in (SGD, Momentum, Nesterov, RMSprop, Adam)},
    "adamw": Adam(beta2=0.95, weight_decay=0.03),
}
