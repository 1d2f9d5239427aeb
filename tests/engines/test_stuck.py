"""Units that pass no error back are counted exactly, by both engines."""

import numpy as np
import pytest

import backlit as bl
from backlit.core import rng
from backlit.engines import native
from backlit.engines.protocol import Batches
from backlit.engines.reference import ReferenceEngine
from backlit.training import begin

F32 = np.dtype(np.float32)


@pytest.fixture(params=["reference", *([] if native.missing() else native._native.instruction_sets())])
def engine(request, monkeypatch):
    if request.param == "reference":
        return ReferenceEngine()
    monkeypatch.setenv("BACKLIT_ISA", request.param)
    return native.NativeEngine(1)


def stuck(engine, net, weights, X, batch=None):
    """The shares at each step, one in a row; theta stays as it is."""
    X = np.asarray(X, F32)
    data = bl.Rows(bl.Data(X, np.ones((len(X), net.outputs), F32)))
    batches = Batches(np.arange(len(X)), batch or len(X))
    how = bl.Settings("sgd", batch_size=batches.size)
    state = begin(bl.Plan(net, data, how), theta=net.start(0, weights), seed=3)
    _, figures = engine.run(net, bl.SGD(), state, data, batches, np.zeros(len(batches)))
    assert figures.stuck.shape == figures.layer_gradient_norm.shape == (len(batches), sum(map(bool, net.slots)))
    return figures.stuck.tolist()


def biases(values):
    return {f"b1[{j}]": value for j, value in enumerate(values, 1)}


@pytest.mark.parametrize("units", [1, 3, 4, 16, 17, 40])
@pytest.mark.parametrize("outputs", [1, 5])
def test_dead_relu_units(engine, units, outputs):
    net = bl.Network.dense(2, [units], outputs)
    dead = [-100.0 if j % 3 == 0 else 100.0 for j in range(units)]
    [[first, last]] = stuck(engine, net, biases(dead), np.random.default_rng(0).normal(size=(100, 2)))
    assert first == -(-units // 3) / units
    assert last == 0


@pytest.mark.parametrize(("activation", "saturated"), [("tanh", True), ("sigmoid", True), ("softplus", False)])
def test_saturated_units(engine, activation, saturated):
    net = bl.Network.dense(1, [4], 1, activation)
    X = np.linspace(1, 2, 30)[:, None]
    [[share, _]] = stuck(engine, net, {"w1": [[1000.0, 0.5, 1000.0, 0.5]]}, X)
    assert share == (0.5 if saturated else 0)


@pytest.mark.parametrize("units", [1, 2, 3, 37])
@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
@pytest.mark.parametrize("place", ["last", "hidden", "encoded"])
def test_one_row_is_enough(engine, units, activation, place):
    """Row r moves only unit r % units, and so do others, but for the last unit: there only the last row of all does."""
    rows = 37 * units - 1
    X = np.eye(units)[np.arange(rows) % units]
    X[units - 1 :: units] = 0
    X[-1] = np.eye(units)[-1]
    layers = [bl.Dense(units, units, activation)]
    if place == "hidden":
        layers.append(bl.Dense(units, 1))
    if place == "encoded":
        layers.insert(0, bl.PiecewiseLinear(((),) * units))
    net = bl.Network(layers)
    weights = {"w1": 101 * np.eye(units), "b1": -100.0}
    assert stuck(engine, net, weights, X)[0][0] == 0
    assert stuck(engine, net, weights, X[:-1])[0][0] == 1 / units
    weights["w1"][0, 0] = 0
    assert stuck(engine, net, weights, X)[0][0] == 1 / units


@pytest.mark.parametrize("outputs", [1, 3, 20])
def test_rows_of_an_earlier_batch_do_not_count(engine, outputs):
    net = bl.Network([bl.Dense(1, outputs, "sigmoid")])
    X = np.r_[np.zeros(21), np.ones(2)][:, None]
    assert stuck(engine, net, {"w1": 50.0}, X, batch=21) == [[0.0], [1.0]]


@pytest.mark.parametrize(("slope", "share"), [(0.00999, 1), (0.01001, 0)])
def test_the_threshold(engine, slope, share):
    p = (1 - (1 - 4 * slope) ** 0.5) / 2  # p (1 − p) is the slope
    net = bl.Network.dense(1, [20], 1, "sigmoid")
    weights = {"w1": 0.0, "b1": np.log(p / (1 - p))}
    assert stuck(engine, net, weights, np.zeros((5, 1))) == [[share, 0]]
    net = bl.Network([*net.layers[:1], bl.Dropout(0.5), *net.layers[1:]])  # where it is kept, the slope is doubled
    assert stuck(engine, net, weights, np.zeros((100, 1))) == [[0, 0]]


def test_a_slope_below_zero_counts(engine):
    """Mish falls at z = −2, silu and gelu as well; leaky ReLU rises by just the threshold."""
    for activation in ("mish", "silu", "gelu"):
        net = bl.Network.dense(1, [20], 1, activation)
        assert stuck(engine, net, {"w1": 0.0, "b1": -2.0}, np.zeros((5, 1))) == [[0, 0]]
    net = bl.Network.dense(1, [20], 1, "leaky_relu")
    assert stuck(engine, net, {"w1": 0.0, "b1": -2.0}, np.zeros((5, 1))) == [[0, 0]]


def silenced(net, rows, steps):
    """At each step the share of units that the masks silence in every row."""
    for key in rng.step_keys(3, 0, np.arange(rows * steps), rows):
        M = np.ones((rows, 40))
        for i, layer in enumerate(net.layers):
            if isinstance(layer, bl.Dropout):
                M, _ = layer.forward((), M, key.at(i))
        yield np.mean(np.all(M == 0, axis=0))


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("masks", [1, 2])
def test_units_silenced_in_every_row(engine, activation, masks):
    """Of few rows as many as the masks say, of many rows none."""
    behind = [bl.Dropout(0.5)] * masks
    net = bl.Network([bl.Dense(1, 40, activation), *behind, bl.Dense(40, 1)])
    weights, X = {"w1": 0.0, "b1": 0.5}, np.zeros((200, 1))
    assert stuck(engine, net, weights, X) == [[0, 0]]
    expected = [*silenced(net, rows=2, steps=100)]
    assert len(set(expected)) > 5
    assert [share for share, _ in stuck(engine, net, weights, X, batch=2)] == expected


def test_layers_without_an_activation_are_never_stuck(engine):
    """Not even where dropout silences all that they give."""
    layers = [bl.Dense(2, 5), bl.Dropout(0.9), bl.LayerNorm(5), bl.Dropout(0.9), bl.Dense(5, 3, "relu")]
    net = bl.Network([*layers, bl.LayerNorm(3)])
    for shares in stuck(engine, net, {"b2": -100.0}, np.ones((20, 2)), batch=1):
        assert shares == [0, 0, 1, 0]


def test_dropout_farther_up_does_not_count(engine):
    net = bl.Network([bl.Dense(2, 5, "tanh"), bl.LayerNorm(5), bl.Dropout(0.9), bl.Dense(5, 1)])
    assert stuck(engine, net, {}, np.ones((20, 2)), batch=1) == [[0, 0, 0]] * 20
