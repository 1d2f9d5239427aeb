"""One row, one step: a network with one hidden layer taken through feed forward, error, backpropagation and update,
with every number and its meaning."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backlit.core.activations import ACTIVATIONS
from backlit.core.backprop import backward, forward
from backlit.core.layers import Dense
from backlit.core.network import Network
from backlit.errors import ArgumentError
from backlit.explain.check import agreeing_digits, finite_difference
from backlit.tables.table import Table


@dataclass(frozen=True)
class Unit:
    """One unit of the hidden layer: z = Σ input · weight + bias, a = f(z)."""

    name: str
    weights: tuple[float, ...]
    bias: float
    z: float
    a: float


@dataclass(frozen=True)
class Factor:
    """One link of the chain rule."""

    value: float
    meaning: str


@dataclass(frozen=True)
class Derivative:
    """∂E/∂w of one weight.

    blame : |∂E/∂w| as a share of all weights' together
    factors : their product is ∂E/∂w
    check : ∂E/∂w by finite differences
    digits : to how many digits the two agree
    after : w − rate · ∂E/∂w
    """

    weight: str
    value: float
    gradient: float
    blame: float
    factors: tuple[Factor, ...]
    check: float
    digits: int
    after: float


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
    derivatives: tuple[Derivative, ...]
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
    X, Y = x[None, :], np.array([[y]])
    p = net.split(theta)
    (W1, b1), (W2, b2) = p
    S, caches = forward(net, p, X)
    E, dS = net.loss.value_and_grad(S, Y)
    gradient = backward(net, p, caches, dS).gradient
    after = theta - rate * gradient

    _, Z, A = caches[0]
    f = ACTIVATIONS[hidden.activation]
    slope = np.broadcast_to(f.slope(np, Z, A), Z.shape)[0]
    blame = np.abs(gradient) / (np.abs(gradient).sum() or 1.0)

    to_E = Factor(float(dS[0, 0]), "E ← output")
    chains: list[tuple[Factor, ...]] = []
    to_unit = [
        (to_E, Factor(float(W2[j, 0]), f"w2[{j + 1}, 1]"), Factor(float(slope[j]), f"slope of {f.name}"))
        for j in range(len(b1))
    ]
    chains += [(*to_unit[j], Factor(float(x_i), "input")) for x_i in x for j in range(len(b1))]
    chains += to_unit
    chains += [(to_E, Factor(float(a), f"output of unit {j + 1}")) for j, a in enumerate(A[0])]
    chains += [(to_E,)]

    derivatives = []
    for i, factors in enumerate(chains):
        check = finite_difference(lambda w, i=i: _E(net, _with(theta, i, w), X, Y), float(theta[i]))
        g = float(gradient[i])
        derivatives.append(
            Derivative(
                net.weight_name(i), float(theta[i]), g, float(blame[i]), factors,
                check, agreeing_digits(g, check), float(after[i]),
            )
        )  # fmt: skip
    return Lesson(
        inputs=dict(zip(net.inputs, x.tolist())),
        activation=f.name,
        units=tuple(
            Unit(str(j + 1), tuple(W1[:, j].tolist()), float(b1[j]), float(Z[0, j]), float(A[0, j]))
            for j in range(len(b1))
        ),
        output_weights=tuple(W2[:, 0].tolist()),
        output_bias=float(b2[0]),
        truth=float(table.target.decode_targets(Y)[0, 0]),
        centre=table.target.centre[0],
        scale=table.target.scale[0],
        unit=table.target.unit,
        before=_outcome(table, S, Y, float(E)),
        derivatives=tuple(derivatives),
        rate=rate,
        after=_outcome(table, forward(net, net.split(after), X)[0], Y, _E(net, after, X, Y)),
    )


def _outcome(table: Table, S: np.ndarray, Y: np.ndarray, E: float) -> Outcome:
    prediction, truth = float(table.target.decode_targets(S)[0, 0]), float(table.target.decode_targets(Y)[0, 0])
    return Outcome(float(S[0, 0]), prediction, prediction - truth, E)


def _E(net: Network, theta: np.ndarray, X: np.ndarray, Y: np.ndarray) -> float:
    return float(net.loss.value(forward(net, net.split(theta), X)[0], Y))


def _with(theta: np.ndarray, position: int, w: float) -> np.ndarray:
    changed = theta.copy()
    changed[position] = w
    return changed
