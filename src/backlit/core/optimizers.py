"""How a gradient becomes an update: pure functions of theta, gradient and memory.

    w  <-  w − α · direction − α · weight_decay · w

`direction` is the only thing in which the optimizers differ. The decay is a term of its own ("decoupled", Loshchilov &
Hutter, ICLR 2019), so adamw is adam with a decay. The memory holds vectors in theta's layout, and numbers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from backlit.core.arrays import Array, array_namespace
from backlit.core.registry import make_plain
from backlit.core.schedules import power
from backlit.errors import require

Memory = dict[str, Any]

TINY = 1e-30  #: smaller memory becomes 0: such numbers are slow ("denormal"), and processors differ in them


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
        require("weight_decay", self.weight_decay, lambda v: 0 <= v < math.inf, "a finite number, 0 or greater")
        require("clip_norm", self.clip_norm, lambda v: v is None or v > 0, "greater than 0, or None")

    def init(self, theta: Array) -> Memory:
        """The memory before the first step."""
        return {}

    def direction(self, g: Array, memory: Memory) -> tuple[Array, Memory]:
        """The direction to step against, (p,), and the memory after this step."""
        raise NotImplementedError

    def scaling(self, memory: Memory) -> Any:
        """What the direction has been divided by, a number or (p,): times it, the direction is an averaged gradient."""
        return 1.0

    def step(
        self, theta: Array, grad: Array, memory: Memory, rate: Any, decay_factors: Any = 1.0
    ) -> tuple[Array, Memory]:
        """theta and memory after one update.

        Parameters
        ----------
        theta, grad : (p,)
        rate : α, a number or (p,)
        decay_factors : factors on weight_decay, a number or (p,)
        """
        if self.clip_norm is not None:
            grad = clip(grad, self.clip_norm)
        direction, memory = self.direction(grad, memory)
        after = theta - rate * direction
        if self.weight_decay:
            after = after - (rate * self.weight_decay * decay_factors) * theta
        return after, memory


def clip(grad: Array, norm: float) -> Array:
    """The gradient, shortened to `norm` if it is longer."""
    xp = array_namespace(grad)
    length = float(xp.sqrt(xp.sum(grad * grad)))
    return grad if length <= norm else grad * (norm / length)


@dataclass(frozen=True)
class SGD(Optimizer):
    """Plain gradient descent: w ← w − α · ∂E/∂w."""

    name: ClassVar[str] = "sgd"

    def direction(self, g: Array, memory: Memory) -> tuple[Array, Memory]:
        return g, memory


@dataclass(frozen=True)
class Momentum(Optimizer):
    """v ← μ v + g, against v; Polyak (1964)."""

    momentum: float = 0.9

    name: ClassVar[str] = "momentum"

    def __post_init__(self) -> None:
        super().__post_init__()
        require("momentum", self.momentum, lambda v: 0 <= v < 1, "from 0 to below 1")

    def init(self, theta: Array) -> Memory:
        return {"v": array_namespace(theta).zeros_like(theta)}

    def direction(self, g: Array, memory: Memory) -> tuple[Array, Memory]:
        v = _without_tiny(self.momentum * memory["v"] + g)
        return v, {"v": v}


@dataclass(frozen=True)
class Nesterov(Momentum):
    """v ← μ v + g, against g + μ v; Sutskever et al., ICML 2013, in the form of Bengio et al. (2012), eq. 7."""

    name: ClassVar[str] = "nesterov"

    def direction(self, g: Array, memory: Memory) -> tuple[Array, Memory]:
        v, memory = super().direction(g, memory)
        return g + self.momentum * v, memory


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

    def init(self, theta: Array) -> Memory:
        return {"v": array_namespace(theta).zeros_like(theta)}

    def direction(self, g: Array, memory: Memory) -> tuple[Array, Memory]:
        memory = {"v": _without_tiny(self.rho * memory["v"] + (1 - self.rho) * (g * g))}
        return g / self.scaling(memory), memory

    def scaling(self, memory: Memory) -> Array:
        return array_namespace(memory["v"]).sqrt(memory["v"]) + self.epsilon


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

    def init(self, theta: Array) -> Memory:
        xp = array_namespace(theta)
        return {"m": xp.zeros_like(theta), "v": xp.zeros_like(theta), "t": 0}

    def direction(self, g: Array, memory: Memory) -> tuple[Array, Memory]:
        t = memory["t"] + 1
        m = _without_tiny(self.beta1 * memory["m"] + (1 - self.beta1) * g)
        v = _without_tiny(self.beta2 * memory["v"] + (1 - self.beta2) * (g * g))
        memory = {"m": m, "v": v, "t": t}
        m_hat = m * (1 / (1 - power(self.beta1, t)))
        return m_hat / self.scaling(memory), memory

    def scaling(self, memory: Memory) -> Array:
        v_hat = memory["v"] * (1 / (1 - power(self.beta2, memory["t"])))
        return array_namespace(v_hat).sqrt(v_hat) + self.epsilon


def _without_tiny(memory: Array) -> Array:
    xp = array_namespace(memory)
    return memory * xp.astype(xp.abs(memory) >= TINY, memory.dtype, copy=False)


OPTIMIZERS: dict[str, type[Optimizer] | Optimizer] = {
    **{cls.name: cls for cls in (SGD, Momentum, Nesterov, RMSprop, Adam)},
    "adamw": Adam(weight_decay=0.01),
}
