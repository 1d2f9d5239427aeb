"""Starting weights: which distribution, and how wide for a layer's number of inputs and outputs.

fan_in_uniform, ±1/√d_in: Glorot & Bengio, AISTATS 2010, eq. 1; glorot: there, eq. 16; he: He et al., ICCV 2015, eq. 10;
lecun: LeCun et al., "Efficient BackProp", 1998, eq. 16.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Initializer:
    """Weights of mean 0 and the given variance.

    Attributes
    ----------
    distribution : "uniform" or "normal"
    variance : (d_in, d_out) -> the variance of one weight
    """

    name: str
    distribution: Literal["uniform", "normal"]
    variance: Callable[[int, int], float]


INITIALIZERS = {
    record.name: record
    for record in (
        Initializer("zeros", "uniform", lambda d_in, d_out: 0.0),
        Initializer("glorot_uniform", "uniform", lambda d_in, d_out: 2 / (d_in + d_out)),
        Initializer("glorot_normal", "normal", lambda d_in, d_out: 2 / (d_in + d_out)),
        Initializer("he_uniform", "uniform", lambda d_in, d_out: 2 / d_in),
        Initializer("he_normal", "normal", lambda d_in, d_out: 2 / d_in),
        Initializer("fan_in_uniform", "uniform", lambda d_in, d_out: 1 / (3 * d_in)),
        Initializer("lecun_uniform", "uniform", lambda d_in, d_out: 1 / d_in),
        Initializer("lecun_normal", "normal", lambda d_in, d_out: 1 / d_in),
    )
}
