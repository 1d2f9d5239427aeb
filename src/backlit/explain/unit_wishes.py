"""What the error wants of one unit: of its output, hence of its weights, its bias and what comes in."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from backlit.explain.trace import UnitTrace


class UnitWishes(NamedTuple):
    """Each is −∂E/∂ of what it is about, summed over the rows: above 0 the error falls where that rises.

    Attributes
    ----------
    output : of a
    weights : (m,) of each weight, through this unit: the greater what comes in, the greater the wish
    bias : of the bias, if it has one
    inputs : (m,) of each term's input, through this unit alone, which is what it hands back: its weight times −∂E/∂z
    """

    output: float
    weights: np.ndarray
    bias: float
    inputs: np.ndarray


def unit_wishes(u: UnitTrace) -> UnitWishes:
    """Those of a unit, all of them with its weights as they are."""
    dz = u.dz.sum()
    return UnitWishes(-float(u.da.sum()), -(u.inputs.T @ u.dz), -float(dz), -u.weights * dz)
