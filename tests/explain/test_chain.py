"""Chains are the derivative: every path of every layer, whoever wrote it; and a layer that lies is found out."""

import math
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from checks import LAYER_STACKS, Draw, central_differences
from plugins import Embedding, Gain

import backlit as bl
from backlit.core.activations import ACTIVATIONS
from backlit.core.layers import Dense, Dropout, LayerNorm, PiecewiseLinear
from backlit.core.network import Network
from backlit.errors import ChainError
from backlit.explain import chain as chain_module
from backlit.explain.chain import ALL_PATHS

STACKS = LAYER_STACKS | {
    "embedding": lambda: [Embedding(3, 2), Dense(6, 4, "tanh"), Dense(4, 1)],
    "embedding of units": lambda: [Dense(3, 2, "sigmoid"), Embedding(2, 2), LayerNorm(4), Dropout(0.3), Dense(4, 2)],
    "gain": lambda: [Dense(3, 4, "tanh"), Gain(), Dense(4, 2), Gain()],
    "bins of units": lambda: [Dense(3, 2), PiecewiseLinear(((-1.0, 0.1, 1.0), (0.0, 1.0))), Dense(3, 1)],
    "norm first": lambda: [LayerNorm(3), Dropout(0.3), Dense(3, 2, "softplus"), LayerNorm(2), Dense(2, 2)],
}


def traced(draw, masks=True):
    state = bl.State(draw.theta, {}, 0, 10, step=3)
    return bl.trace(draw.net, state, draw.X, draw.Y, weights=draw.weights, masks=masks)


def every_path(w, monkeypatch):
    monkeypatch.setattr(chain_module, "ALL_PATHS", 10**9)
    chain = w.chain()
    monkeypatch.undo()
    assert chain.rest_paths == chain.rest == 0
    return chain


@pytest.mark.parametrize("stack", [*STACKS, *range(12)])
def test_every_weight_of_every_layer(stack, monkeypatch):
    draw = Draw(stack) if isinstance(stack, int) else Draw(1, Network(STACKS[stack](), inputs=["a", "b", "c"]))
    t = traced(draw)

    def error(theta):
        return t.at(theta).E

    numeric = central_differences(error, draw.theta)
    for position, name in enumerate(draw.net.weight_names()):
        whole = every_path(t[name], monkeypatch)
        assert sum(path.product for path in whole.paths) == pytest.approx(numeric[position], rel=1e-5, abs=1e-7)
        monkeypatch.setattr(chain_module, "ALL_PATHS", 0)
        few = t[name].chain(most=3)
        monkeypatch.undo()
        strongest = sorted((path.product for path in whole.paths), key=lambda product: -abs(product))
        np.testing.assert_allclose(
            [abs(path.product) for path in few.paths], np.abs(strongest[:3]), rtol=1e-9, atol=1e-300
        )
        assert few.rest_paths == len(strongest) - len(few.paths)
        listed = math.fsum(path.product for path in few.paths)
        size = math.fsum(map(abs, strongest))
        assert few.rest == pytest.approx(math.fsum(strongest) - listed, rel=1e-12, abs=1e-12 * size)
        assert t[name].by_row.sum() == pytest.approx(numeric[position], rel=1e-5, abs=1e-7)


def test_an_embedding_by_hand():
    """s = Σ_u v_u · tanh(z_u) + c, z_u = Σ_ik (x_i w_ik + b_ik) W_ik,u + B_u: each path is one product of these."""
    net = Network([Embedding(2, 3), Dense(6, 4, "tanh"), Dense(4, 1)], inputs=["size", "age"])
    draw = np.random.default_rng(0)
    theta, X, Y = draw.normal(size=net.size), draw.normal(size=(3, 2)), draw.normal(size=(3, 1))
    t = bl.trace(net, theta, X, Y)
    (w, b), (W, B), (v, c) = net.split(theta)
    a = np.tanh((X[:, :, None] * w + b).reshape(3, 6) @ W + B)
    s = a @ v + c
    for i, k in product(range(2), range(3)):
        of_w, of_b = t[f"w1[{net.inputs[i]}, {k + 1}]"], t[f"b1[{net.inputs[i]}, {k + 1}]"]
        for weight, last in ((of_w, X[:, i]), (of_b, np.ones(3))):
            by_hand = sorted(
                (row, 2 * (s[row, 0] - Y[row, 0]) / 3, v[u, 0], 1 - a[row, u] ** 2, W[3 * i + k, u], last[row])
                for row, u in product(range(3), range(4))
            )
            chain = weight.chain()
            paths = sorted((path.row, *(link.value for link in path.factors)) for path in chain.paths)
            np.testing.assert_allclose(paths, by_hand, rtol=1e-9)
            assert chain.rest_paths == 0
            assert chain.gradient == pytest.approx(sum(math.prod(path[1:]) for path in by_hand), rel=1e-9)
            assert chain.check.digits >= 7
    factors = t["w1[age, 2]"].chain().paths[0].factors
    assert factors[-1].symbol == "∂a1[age.2]/∂w1[age, 2]"
    assert [link.kind for link in factors] == ["link.score", "link.weight", "link.slope", "link.weight", "embedding"]
    assert factors[3].symbol.startswith("w2[age.2, ")
    text = t["w1[age, 2]"].chain().text()
    assert "∂a1[age.2]/∂w1[age, 2] embedding" in text
    assert "leads from unit age.2 of layer 1 to unit" in text
    assert r"\partial" in t["w1[age, 2]"].chain().latex()


def test_a_long_name_does_not_break_out_of_its_column():
    net = Network([Dense(2, 2, "tanh"), Dense(2, 1)])
    t = bl.trace(net, net.start(0, dtype=np.float64), [[0.3, -0.4]], [[1.0]])
    chain = t["w1[x1, 2]"].chain()
    (path,) = chain.paths
    named = [replace(one, facts={**one.facts, "goal": "average_price_per_room"}) if one.kind == "link.weight" else one
             for one in path.factors]  # fmt: skip
    lines = replace(chain, paths=(replace(path, factors=tuple(named)),)).text().splitlines()
    assert max(map(len, lines)) <= 80
    first = next(i for i, line in enumerate(lines) if "leads from unit 2" in line)
    assert lines[first + 1] == " " * lines[first].index("leads") + "average_price_per_room"


def test_a_weight_that_acts_on_every_unit():
    net = Network([Dense(2, 3, "tanh"), Gain(), Dense(3, 2)])
    t = bl.trace(net, net.start(0, dtype=np.float64), [[0.3, -0.4], [1.0, 0.2]], [[1.0, 0.0], [0.0, 1.0]])
    chain = t["g2"].chain()
    assert len(chain.paths) == 2 * 3 * 2  # rows, units, outputs
    assert {path.factors[-1].symbol for path in chain.paths} == {f"∂a2[{u}]/∂g2[1]" for u in (1, 2, 3)}
    assert sum(path.product for path in chain.paths) == pytest.approx(chain.gradient, rel=1e-12)
    assert chain.check.digits >= 7
    unit = t.unit(2, 1)  # z = a · g, of which nothing is a weight of this unit alone
    assert unit.names == ()
    np.testing.assert_allclose(unit.rest, unit.z)


def test_a_unit_of_an_embedding():
    net = Network([Embedding(2, 3), Dense(6, 1)], inputs=["size", "age"])
    t = bl.trace(net, net.start(0, dtype=np.float64), [[0.3, -0.4], [1.0, 0.2]], [[1.0], [0.0]])
    unit = t.unit(1, 5)
    assert (unit.sources, unit.names) == (("age",), ("w1[age, 2]",))
    assert unit.bias == t["b1[age, 2]"].value
    np.testing.assert_allclose(unit.inputs[:, 0] * unit.weights[0] + unit.bias, unit.z)
    assert not unit.rest.any()
    layer = t.layer(1)
    assert layer.weights["b"].shape == (2, 3)
    np.testing.assert_allclose(layer.gradients["w"].ravel(), t.gradient[:6])
    np.testing.assert_allclose(layer.dX, t.dX)


def test_blame_of_an_embedding():
    net = Network([Embedding(2, 3), Dense(6, 1)], inputs=["size", "age"])
    t = bl.trace(net, net.start(0, dtype=np.float64), [[0.3, -0.4], [1.0, 0.2]], [[1.0], [0.0]])
    size = np.abs(t.gradient) / np.abs(t.gradient).sum()
    by_unit = dict(t.blame("unit").iter_rows())
    assert by_unit["1, age.2"] == pytest.approx(size[4] + size[10])
    assert by_unit["2, 1"] == pytest.approx(size[12:].sum())
    by_column = dict(t.blame("column").iter_rows())
    assert by_column == pytest.approx({"size": size[:3].sum(), "age": size[3:6].sum()})
    assert sum(t.blame("layer")["blame"]) == pytest.approx(1)
    assert [name.partition("[")[0] for name in t.strongest()] in (["w1", "w2"], ["w2", "w1"])


def test_the_strongest_paths_of_many_rows_are_the_strongest(monkeypatch):
    """Also where the sum of a row's paths is small, since they cancel."""
    net = Network([Dense(2, 5, "tanh"), Dense(5, 4, "tanh"), Dense(4, 1)])
    draw = np.random.default_rng(0)
    for seed in range(5):
        t = bl.trace(net, net.start(seed, dtype=np.float64), draw.normal(size=(60, 2)), draw.normal(size=(60, 1)))
        every = every_path(t["w1[x1, 2]"], monkeypatch)
        few = t["w1[x1, 2]"].chain(most=10)
        assert len(few.paths) == 10
        assert few.paths == every.paths[:10]


def test_many_rows_of_a_wide_network():
    net = Network.dense(6, [40, 30, 20], activation="relu")
    draw = np.random.default_rng(0)
    t = bl.trace(net, net.start(0, dtype=np.float64), draw.normal(size=(3000, 6)), draw.normal(size=(3000, 1)))
    chain = t["w1[x1, 3]"].chain()
    assert chain.rest_paths == 3000 * 30 * 20 - len(chain.paths)
    total = sum(path.product for path in chain.paths) + chain.rest
    assert total == pytest.approx(chain.gradient, rel=1e-9)


# --- layers that lie -------------------------------------------------------------------------------------------------


class TakenForDense(Embedding):
    """The trial of the issue: its weights are taken for those of a dense layer."""

    def effect(self, p, cache, weight, index):
        X = cache.X[:, [index[0]]]
        return np.array(index[-1:]), X if weight == "w" else np.ones_like(X)


class OtherJacobian(Gain):
    def jacobian(self, p, cache, Y):
        return 1.001 * super().jacobian(p, cache, Y)


class OtherTangent(Gain):
    def tangent(self, p, tp, cache, tX):
        return 0.5 * super().tangent(p, tp, cache, tX)


class OtherLinks(Gain):
    def links(self, stage, p, cache, j, i):
        [link] = super().links(stage, p, cache, j, i)
        return [replace(link, value=link.value + 0.1)]


class OtherBackward(Gain):
    def backward(self, p, cache, dY, to_input=True):
        dX, dp = super().backward(p, cache, dY, to_input)
        return dX, tuple(2 * dw for dw in dp)


@pytest.mark.parametrize(
    ("layers", "weight", "named"),
    [
        (
            [TakenForDense(2, 3), Dense(6, 4, "tanh"), Dense(4, 1)],
            "w1[x2, 3]",
            r"effect\(\) or tangent\(\) of TakenFor",
        ),
        (
            [TakenForDense(2, 3), Dense(6, 4, "tanh"), Dense(4, 1)],
            "b1[x2, 1]",
            r"effect\(\) or tangent\(\) of TakenFor",
        ),
        ([Dense(2, 3), OtherJacobian(), Dense(3, 1)], "w1[x1, 2]", r"jacobian\(\) of OtherJacobian"),
        ([Dense(2, 3), OtherTangent(), Dense(3, 1)], "g2", r"effect\(\) or tangent\(\) of OtherTangent"),
        ([Dense(2, 3), OtherLinks(), Dense(3, 1)], "b1[2]", r": links\(\) of OtherLinks"),
        ([Dense(2, 3), OtherBackward(), Dense(3, 1)], "g2", r"effect\(\) or tangent\(\) of OtherBackward"),
    ],
)
@pytest.mark.parametrize("most", [1, 8])
def test_a_layer_that_lies_is_an_error_not_a_picture(layers, weight, named, most, monkeypatch):
    monkeypatch.setattr(chain_module, "ALL_PATHS", most)
    net = Network(layers)
    t = bl.trace(net, net.start(3, dtype=np.float64), [[0.7, -1.1], [0.2, 0.4]], [[0.3], [-0.5]])
    with pytest.raises(ChainError, match=rf"add up to .* but ∂E/∂{weight[:2]}.* is .*{named}.*mend the layer"):
        t[weight].chain(most)
    if "effect" in named:
        with pytest.raises(ChainError, match="the rows' parts of"):
            t[weight].by_row  # noqa: B018


def test_the_trial_embedding_had_another_number():
    """Taken for a dense layer, its paths sum to what is no derivative at all; as it is, they sum to ∂E/∂w."""
    draw = np.random.default_rng(1)
    theta, X, Y = draw.normal(size=45), draw.normal(size=(2, 2)), draw.normal(size=(2, 1))
    net, lying = (Network([kind(2, 3), Dense(6, 4, "tanh"), Dense(4, 1)]) for kind in (Embedding, TakenForDense))
    numeric = central_differences(lambda theta: bl.trace(net, theta, X, Y).E, theta)
    t, other = (bl.trace(of, theta, X, Y) for of in (net, lying))
    effects = other["w1[x2, 1]"].effects
    wrong = float((other.back.dY[0][:, effects.units] * effects.values).sum())
    right = t["w1[x2, 1]"].chain()
    assert right.gradient == pytest.approx(numeric[3], rel=1e-6)
    assert abs(wrong - right.gradient) > 0.1 * abs(right.gradient)
    assert sum(path.product for path in right.paths) + right.rest == pytest.approx(numeric[3], rel=1e-6)


def test_the_rest_is_not_the_gradient_less_the_listed_paths():
    """Were it, no difference could ever show."""
    net = Network.dense(3, [20, 20], activation="tanh")
    t = bl.trace(net, net.start(0, dtype=np.float64), np.ones((4, 3)), np.ones((4, 1)))
    t.__dict__["back"] = t.back._replace(gradient=t.gradient * (1 + 1e-6))
    with pytest.raises(ChainError, match="mend the layer"):
        t["w1[x1, 3]"].chain()


def test_paths_that_cancel_are_no_error():
    """∂E/∂w may be far smaller than its paths: rounding is measured by them."""
    net = Network([Dense(1, 2), Dense(2, 1)])
    theta = net.start(0, {"w1": [[1.0, 1.0]], "w2": [[1e8], [-1e8]]}, np.float64)
    t = bl.trace(net, theta, [[1.0]], [[1.0 + 1e-7]])
    assert t["w1[x1, 1]"].chain().rest_paths == 0
    wide = Network.dense(2, [30, 30], activation="identity")
    draw = np.random.default_rng(0)
    theta = 1e6 * draw.normal(size=wide.size)
    t = bl.trace(wide, theta, draw.normal(size=(50, 2)), draw.normal(size=(50, 1)))
    for name in ("w1[x1, 1]", "b1[4]"):
        assert t[name].chain().rest_paths > 0


@pytest.mark.parametrize("size", [1e-160, 1e160, np.inf, np.nan])
def test_beyond_all_numbers_there_is_no_error(size):
    net = Network.dense(2, [3, 3], activation="relu")
    with np.errstate(all="ignore"):
        t = bl.trace(net, size * net.start(0, dtype=np.float64), [[1.0, 1.0]], [[1.0]])
        for name in ("w1[x1, 1]", "b2[2]", "w3[1, 1]"):
            chain = t[name].chain()
            assert len(chain.paths) + chain.rest_paths >= 1
            assert chain.text()


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_is_a_link(activation):
    net = Network([Dense(2, 3, activation), Dense(3, 1)])
    t = bl.trace(net, net.start(0, dtype=np.float64), [[0.7, -0.4]], [[0.3]])
    [path] = t["w1[x1, 2]"].chain().paths
    kinds = [link.kind for link in path.factors]
    assert kinds == ["link.score", "link.weight", *["link.slope"] * (activation != "identity"), "link.input"]
    if activation != "identity":
        assert path.factors[2].facts == {"function": activation, "z": pytest.approx(t.layer(1).Z[0, 1])}
        assert f"the slope of {activation} at z = " in t["w1[x1, 2]"].chain().text()


def test_more_paths_than_all_are_listed_by_their_strength():
    net = Network.dense(2, [9, 9], activation="tanh")
    t = bl.trace(net, net.start(0, dtype=np.float64), np.ones((9, 2)), np.ones((9, 1)))
    chain = t["w1[x1, 1]"].chain()
    assert len(chain.paths) + chain.rest_paths == 81 > ALL_PATHS
    assert [abs(p.product) for p in chain.paths] == sorted((abs(p.product) for p in chain.paths), reverse=True)
