"""What layers answer, against what follows from their own backward, tangent and forward."""

import numpy as np
import pytest
from checks import LAYER_STACKS, Draw, central_differences
from plugins import Embedding, Gain

from backlit.core.backprop import forward, row_products, tangent, value_and_grad
from backlit.core.layer import Layer, rows_of
from backlit.core.layers import Dense, Dropout, LayerNorm, PiecewiseLinear
from backlit.core.network import Network
from backlit.errors import ShapeError

STACKS = LAYER_STACKS | {
    "layer_norm_first": lambda: [LayerNorm(3), Dense(3, 2, "relu"), Dropout(0.3), Dense(2, 2)],
    "embedding": lambda: [Embedding(3, 2), Dense(6, 4, "tanh"), Dense(4, 1)],
    "gain": lambda: [Dense(3, 4, "tanh"), Gain(), Dense(4, 2), Gain()],
    "bins of units": lambda: [Dense(3, 2), PiecewiseLinear(((-1.0, 0.1, 1.0), (0.0, 1.0))), Dense(3, 1)],
}


@pytest.fixture(params=[*STACKS, *range(20)])
def draw(request):
    if isinstance(request.param, int):
        return Draw(request.param)
    return Draw(0, Network(STACKS[request.param](), inputs=["a", "b", "c"]))


def places(draw):
    """Each layer of a network with its weights, cache, inputs and outputs."""
    A = draw.X
    for stage, p in zip(draw.net.stages, draw.net.split(draw.theta)):
        key = draw.key.at(stage.position) if stage.layer.random else None
        Y, cache = stage.layer.forward(p, A, key)
        yield stage, p, cache, A, Y
        A = Y


def test_row_products_are_those_of_each_rows_own_gradient(draw):
    """Rows are weighted and averaged in E; one row alone has its weight over n."""
    net, n = draw.net, len(draw.X)
    U = draw.draw.normal(size=net.size)
    p = net.split(draw.theta)
    products = row_products(net, p, draw.caches, draw.back.dY, net.split(U))
    for row in range(n):
        dY = [np.where(np.arange(n)[:, None] == row, d, 0.0) for d in draw.back.dY]
        own = [layer.backward(q, c, d)[1] for layer, q, c, d in zip(net.layers, p, draw.caches, dY)]
        assert products[row] == pytest.approx(float(net.join(own) @ U), rel=1e-9, abs=1e-13)
    assert products.sum() == pytest.approx(float(draw.back.gradient @ U), rel=1e-9, abs=1e-13)


def test_row_products_without_dropout_are_derivatives_of_one_rows_error():
    net = Network([Embedding(2, 3), Dense(6, 3, "tanh"), LayerNorm(3), Gain(), Dense(3, 2)])
    draw = np.random.default_rng(0)
    theta, U = net.start(1, dtype=np.float64), draw.normal(size=net.size)
    X, Y = draw.normal(size=(4, 2)), draw.normal(size=(4, 2))
    S, caches = forward(net, net.split(theta), X)
    dS = net.loss.value_and_grad(S, Y)[1]
    dY = [dS]
    for i in range(len(net.layers) - 1, 0, -1):
        dY.append(net.layers[i].backward(net.split(theta)[i], caches[i], dY[-1])[0])
    products = row_products(net, net.split(theta), caches, dY[::-1], net.split(U))
    for row in range(4):
        own = lambda h: value_and_grad(net, theta + h * U, X[row : row + 1], Y[row : row + 1])[0]  # noqa: B023
        assert products[row] * 4 == pytest.approx((own(1e-5) - own(-1e-5)) / 2e-5, rel=1e-6)


def test_inputs_that_stand_still(draw):
    net, p = draw.net, draw.net.split(draw.theta)
    tp = net.split(draw.draw.normal(size=net.size))
    still = tangent(net, p, tp, draw.caches)
    np.testing.assert_allclose(still, tangent(net, p, tp, draw.caches, np.zeros_like(draw.X)), rtol=1e-12, atol=1e-12)


def test_jacobians_by_finite_differences(draw):
    for stage, p, cache, X, Y in places(draw):
        J = stage.layer.jacobian(p, cache, Y)
        key = draw.key.at(stage.position) if stage.layer.random else None
        if stage.layer.elementwise:
            J = J[:, :, None] * np.eye(Y.shape[1])
        assert J.shape == (len(X), X.shape[1], Y.shape[1])
        for j in range(Y.shape[1]):
            numeric = central_differences(lambda X: stage.layer.forward(p, X, key)[0][:, j].sum(), X)  # noqa: B023
            np.testing.assert_allclose(J[:, :, j], numeric, rtol=1e-6, atol=2e-7)


def test_what_a_layer_writes_out_is_what_follows_by_default(draw):
    for stage, p, cache, _, Y in places(draw):
        layer = stage.layer
        np.testing.assert_allclose(layer.jacobian(p, cache, Y), Layer.jacobian(layer, p, cache, Y), atol=1e-12)
        slope = layer.slope(cache) if stage.slots else None
        for slot in stage.slots:
            for index in np.ndindex(slot.shape):
                acted, plain = np.zeros_like(Y), np.zeros_like(Y)
                outputs, values = layer.effect(p, cache, slot.weight, index)
                acted[:, outputs] = values if slope is None else values * slope[:, outputs]
                outputs, values = Layer.effect(layer, p, cache, slot.weight, index)
                plain[:, outputs] = values
                np.testing.assert_allclose(acted, plain, atol=1e-12)


def test_factors_multiply_to_the_derivative(draw):
    for stage, p, cache, _, Y in places(draw):
        layer, J = stage.layer, stage.layer.jacobian(p, cache, Y)
        for row in range(len(Y)):
            one = rows_of(cache, [row])
            for j in range(Y.shape[1]):
                for i in [j] if layer.elementwise else range(J.shape[1]):
                    links = layer.links(stage, p, one, j, i)
                    value = J[row, i] if J.ndim == 2 else J[row, i, j]
                    assert np.prod([link.value for link in links]) == pytest.approx(value, abs=1e-12)
                    assert all(isinstance(link.kind, str) and link.symbol for link in links)
            for slot in stage.slots:
                for index in np.ndindex(slot.shape):
                    outputs, values = Layer.effect(layer, p, one, slot.weight, index)
                    for j, value in ((j, value) for j, value in zip(outputs.tolist(), values[0]) if value):
                        links = layer.weight_links(stage, p, one, j, slot.weight, index)
                        assert np.prod([link.value for link in links]) == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize("stack", STACKS)
def test_what_weights_act_on(stack):
    """What a layer says of the ends of its weights is what shows when they move."""
    for stage in Network(STACKS[stack](), inputs=["a", "b", "c"]).stages:
        for slot in stage.slots:
            _, outputs = stage.ends[slot.weight]
            _, tried = Layer.ends(stage.layer, slot.weight, stage.sources, stage.units)
            np.testing.assert_array_equal(outputs, tried)


def test_ends_of_an_embedding():
    [stage, _] = Network([Embedding(2, 3), Dense(6, 1)], inputs=["size", "age"]).stages
    assert stage.units == ("size.1", "size.2", "size.3", "age.1", "age.2", "age.3")
    for weight, expected in (("w", [[0, 0, 0], [1, 1, 1]]), ("b", [[-1, -1, -1], [-1, -1, -1]])):
        inputs, outputs = stage.ends[weight]
        assert inputs.tolist() == expected
        assert outputs.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert stage.edges.tolist() == [[0, 1, 2, -1, -1, -1], [-1, -1, -1, 3, 4, 5]]
    assert stage.biases.tolist() == [6, 7, 8, 9, 10, 11]
    assert stage.slot("w").axes == (("size", "age"), ("1", "2", "3"))


def test_ends_of_a_weight_that_acts_on_all():
    [_, stage, _] = Network([Dense(2, 3), Gain(), Dense(3, 1)]).stages
    assert [ends.tolist() for ends in stage.ends["g"]] == [[-2], [-1]]


def test_numbers_of_layers():
    layers = [Dropout(0.1), Embedding(2, 2), Dense(4, 3), LayerNorm(3), Dropout(0.2), Gain(), Dense(3, 1)]
    net = Network(layers, inputs=["size", "age"])
    assert [(stage.number, stage.below) for stage in net.stages] == [
        (0, 0), (1, 0), (2, 1), (2, 2), (2, 2), (3, 2), (4, 3),
    ]  # fmt: skip
    assert [stage.position for stage in net.numbered] == [1, 2, 5, 6]
    assert [slot.name for slot in net.layout()] == ["w1", "b1", "w2", "b2", "gamma2", "beta2", "g3", "w4", "b4"]
    assert (net.stages[2].source(3), net.stages[2].unit(0), net.stages[1].source(1)) == ("a1[age.2]", "a2[1]", "age")
    assert net.weight_names()[:3] == ["w1[size, 1]", "w1[size, 2]", "w1[age, 1]"]


def test_what_comes_from_an_input():
    edges = ((0.0, 1.0, 2.0), (), (0.0, 1.0))
    net = Network(
        [Dropout(0.1), PiecewiseLinear(edges), Dropout(0.2), Dense(4, 2), Dense(2, 1)], inputs=["a", "b", "c"]
    )
    assert net.stages[3].origins.tolist() == [0, 0, 1, 2]
    assert net.stages[3].parents == ("a", "b", "c")
    assert (net.stages[4].origins.tolist(), net.stages[4].parents) == ([0, 1], ("1", "2"))
    assert net.positions("w1[a, 2]").tolist() == [1, 3]
    assert net.positions("w1[c, 1]").tolist() == [6]
    net = Network([Dense(3, 2), LayerNorm(2), PiecewiseLinear(((-1.0, 0.0, 1.0), (0.0, 1.0))), Dense(3, 2)])
    assert [stage.origins.tolist() for stage in net.stages] == [[0, 1, 2], [0, 1], [0, 1], [0, 0, 1]]
    start = net.stages[3].slots[0].start
    assert net.positions("w2[1, 2]").tolist() == [start + 1, start + 3]
    assert net.weight_names()[start] == "w2[1#1, 1]"


@pytest.mark.parametrize("rate", [0.0, 0.3])
def test_dropout_of_a_network(rate):
    net = Network([Embedding(2, 2), Dropout(0.1), Dense(4, 3), LayerNorm(3), Dense(3, 1)])
    assert net.dropout == 0.1
    changed = net.with_dropout(rate)
    assert changed.dropout == rate
    kinds = [layer.name for layer in changed.layers]
    expected = ["embedding", "dropout", "dense", "dropout", "layer_norm", "dense"]
    assert kinds == [kind for kind in expected if rate or kind != "dropout"]
    assert changed.layout() == net.layout()


def test_axes_that_do_not_fit_are_refused():
    class Misnamed(Embedding):
        def axes(self, weight, sources, units):
            return sources, units

    with pytest.raises(ShapeError, match=r"names 2 by 6 weights, but w has shape \(2, 3\)"):
        Network([Misnamed(2, 3)])
