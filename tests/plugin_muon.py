"""Optimizers that only tests know: each says what an optimizer must, and nothing else."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from backlit.core.arrays import array_namespace
from backlit.core.optimizers import OPTIMIZERS, Momentum, Optimizer, Term


@dataclass(frozen=True)
class Muon(Momentum):
    """Momentum, and of each matrix the nearest one whose columns are orthogonal; Jordan et al. (2024).

    Newton-Schulz, X ← 1½ X − ½ X Xᵀ X, brings every singular value to 1.
    """

    name: ClassVar[str] = "muon"

    def direction(self, g, memory, slots):
        [averaged], memory = super().direction(g, memory, slots)
        parts = [_orthogonal(averaged.values[slot.start : slot.stop], slot.shape) for slot in slots]
        return [Term("orthogonalised", "times", array_namespace(g).concat(parts))], memory


def _orthogonal(v, shape):
    if len(shape) != 2:
        return v
    xp = array_namespace(v)
    X = xp.reshape(v, shape)
    X = X / (xp.sqrt(xp.sum(X * X)) + 1e-30)
    for _ in range(40):
        X = 1.5 * X - 0.5 * X @ (X.T @ X)
    return xp.reshape(X, (-1,))


@dataclass(frozen=True)
class Whitening(Optimizer):
    """L ← L + g gᵀ for each matrix, against (L / steps + ε)⁻¹ᐟ² g: a memory of other shapes and types."""

    note: str = ""  # a setting that is no number

    name: ClassVar[str] = "whitening"

    def init(self, theta, slots):
        matrices = (slot for slot in slots if len(slot.shape) == 2)
        squares = {f"L/{slot.name}": np.zeros(slot.shape[:1] * 2, theta.dtype) for slot in matrices}
        return {**squares, "steps": 0, "longest": 0.0, "moved": np.zeros(len(slots), bool)}

    def direction(self, g, memory, slots):
        steps = memory["steps"] + 1
        moved = memory["moved"] | np.array([g[slot.start : slot.stop].any() for slot in slots])
        longest = max(memory["longest"], float(np.linalg.norm(g)))
        after = {**memory, "steps": steps, "longest": longest, "moved": moved}
        parts = []
        for slot in slots:
            G = g[slot.start : slot.stop].reshape(slot.shape)
            if len(slot.shape) == 2:
                L = after[f"L/{slot.name}"] = memory[f"L/{slot.name}"] + G @ G.T
                values, vectors = np.linalg.eigh(L / steps)
                G = vectors / np.sqrt(np.maximum(values, 0) + 1e-3) @ (vectors.T @ G)
            parts.append(G.ravel().astype(g.dtype))
        length = np.asarray(after["longest"], g.dtype)
        return [Term("whitened", "times", np.concatenate(parts)), Term("longest", "over", length)], after


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    """The registry with these optimizers."""
    for optimizer in (Muon, Whitening):
        monkeypatch.setitem(OPTIMIZERS, optimizer.name, optimizer)
