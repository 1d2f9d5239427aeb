"""One row, one step: a network with one hidden layer taken through feed forward, error, backpropagation and update,
with every number and its meaning."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backlit.core.layers import Dense
from backlit.core.network import Network
from backlit.errors import ArgumentError
from backlit.explain.chain import Chain
from backlit.explain.trace import Trace, trace
from backlit.tables.table import Table
from backlit.training import Settings


@dataclass(frozen=True)
class Unit:
    """One unit of the hidden layer: z = Σ input · weight + bias, a = f(z)."""

    name: str
    weights: tuple[float, ...]
    bias: float
    z: float
    a: float


@dataclass(frozen=True)
class Outcome:
    """What a feed forward yields for the row: the score, the prediction, prediction − truth (target's unit), and E."""

    score: float
    prediction: float
    difference: float
    E: float


@dataclass(frozen=True)
class Lesson:
    """All numbers of one step on one row, float64."""

    inputs: dict[str, float]
    activation: str
    units: tuple[Unit, ...]
    output_weights: tuple[float, ...]
    output_bias: float
    truth: float
    centre: float
    scale: float
    unit: str
    before: Outcome
    chains: tuple[Chain, ...]
    rate: float
    after: Outcome


def lesson(net: Network, theta: np.ndarray, table: Table, x: np.ndarray, y: float, rate: float) -> Lesson:
    """Take one row through one step of plain gradient descent.

    Parameters
    ----------
    net : Dense, Dense with one output
    theta : (p,) its weights, float64
    x, y : the row's encoded inputs, (d,), and encoded target
    rate : the learning rate

    Raises
    ------
    ArgumentError
        The network has another shape.
    """
    hidden = net.layers[0]
    if len(net.layers) != 2 or not isinstance(hidden, Dense) or not isinstance(net.layers[1], Dense) or net.outputs > 1:
        raise ArgumentError(f"the network is {net.layers}; a lesson is about one hidden layer and one output")
    settings = Settings(optimizer="sgd", learning_rate=rate)
    t = trace(net, theta, x[None, :], np.array([[y]]), settings, table=table)
    layer, out = t.layer(1), t.layer(2)
    chains = [t[name].chain() for name in net.weight_names()]
    target = table.target
    return Lesson(
        inputs=dict(zip(net.inputs, x.tolist())),
        activation=hidden.activation,
        units=tuple(
            Unit(
                str(j + 1), tuple(layer.W[:, j].tolist()), float(layer.b[j]), float(layer.Z[0, j]), float(layer.A[0, j])
            )
            for j in range(len(layer.b))
        ),
        output_weights=tuple(out.W[:, 0].tolist()),
        output_bias=float(out.b[0]),
        truth=float(target.decode_targets(t.data.Y)[0, 0]),
        centre=target.centre[0],
        scale=target.scale[0],
        unit=target.unit,
        before=_outcome(t),
        chains=tuple(chains),
        rate=rate,
        after=_outcome(t.after),
    )


def _outcome(t: Trace) -> Outcome:
    return Outcome(float(t.S[0, 0]), float(t.prediction[0, 0]), float(t.difference[0, 0]), t.E)
