"""Layers that only tests know, through the whole product: recorded, had back, gone on with, traced, drawn, compared."""

import math

import numpy as np
import polars as pl
import pytest
from checks import central_differences
from plugins import Embedding, Leak, Products, Sides, plugged, registered
from recorded import FRAME, every_state, recorded, same

import backlit as bl
from backlit.core.layers import LAYERS, Dense
from backlit.errors import UnknownNameError
from backlit.explain import what_if

pytest.importorskip("matplotlib", reason="figures are an extra: pip install backlit[figures]")

from backlit import figures


@pytest.fixture(scope="module", autouse=True)
def registry():
    with registered():
        yield


@pytest.fixture(scope="module")
def start():
    return plugged()


@pytest.fixture(scope="module")
def states(start):
    return every_state(start.plan, start.state)[0]


@pytest.fixture(scope="module")
def path(start, tmp_path_factory):
    file = tmp_path_factory.mktemp("runs") / "plugged.backlit"
    recorded(start, file)
    return file


@pytest.fixture
def run(path):
    return bl.open_run(path)


def test_a_network_of_such_layers_is_read_again(start, run, monkeypatch):
    assert run.net == start.plan.net
    assert run.net.layout() == start.plan.net.layout()
    monkeypatch.delitem(LAYERS, "embedding")
    with pytest.raises(UnknownNameError, match="unknown layer 'embedding'"):
        bl.Network.from_dict(start.plan.net.to_dict())


def test_every_step_is_had_back_to_the_bit(run, states):
    for step in (0, 7, 33, 20, max(states)):
        assert same(run.at(step), states[step])
    assert [same(state, states[state.step]) for state in run.replay(30, 36)] == [True] * 7
    assert run.verify(deep=True).sound


def test_it_goes_on_to_the_same_bits(start, states, tmp_path):
    run = recorded(start, tmp_path / "cut.backlit", 23)
    assert run.timeline().steps() == 23
    run.train()
    assert same(run.at(), states[max(states)])


def test_a_fork_edits_weights_and_dropout(run, states):
    name = "w1[size, 2]"
    fork = run.fork(12, weights={name: 0.25}, dropout=0.0)
    try:
        [position] = fork.net.positions(name)
        assert run.at(12, fork.name).theta[position] == np.float32(0.25)
        assert [layer.name for layer in fork.net.layers] == ["embedding", "gain", "dense", "layer_norm", "dense"]
        fork.train(5)
        compared = run.compare("main", fork.name, step=17)
        assert name in compared.weights["weight"].to_list()
    finally:
        assert run.at(12).theta[position] == states[12].theta[position]


def test_figures_of_every_step(run, start):
    frame = run.timeline().curves()
    assert {"gradient_norm_w1", "gradient_norm_g2", "gradient_norm_w3", "gradient_norm_gamma3", "stuck_w1"} <= {
        *frame.columns
    }
    step, t = 9, run.trace(9)
    assert frame["gradient_norm"][step] == pytest.approx(np.linalg.norm(t.gradient), rel=1e-5)
    at = slice(start.plan.net.positions("w1")[0], start.plan.net.positions("b1")[-1] + 1)
    assert frame["gradient_norm_w1"][step] == pytest.approx(np.linalg.norm(t.gradient[at]), rel=1e-5)


@pytest.mark.parametrize("rows", [None, [17]], ids=["batch", "row"])
def test_every_weight_of_a_moment(run, rows):
    t = run.trace(9, rows)
    numeric = central_differences(lambda theta: t.at(theta).E, t.theta)
    for i, name in enumerate(t.net.weight_names()):
        chain = t[name].chain()
        assert chain.gradient == pytest.approx(numeric[i], rel=1e-4, abs=1e-8)
        assert math.fsum(path.product for path in chain.paths) + chain.rest == pytest.approx(chain.gradient, rel=1e-9)
        assert chain.check.digits >= 5 or chain.check.kink
        assert t[name].by_row.sum() == pytest.approx(chain.gradient, rel=1e-9)
    assert t.table()["weight"].to_list() == t.net.weight_names()
    assert t.blame("unit")["blame"].sum() == pytest.approx(1)
    assert {"1, size.1", "1, rooms.2", "2, several", "3, 4"} <= set(t.blame("unit")["unit"])
    assert set(t.blame("column")["column"]) == {"size", "rooms", "town"}
    curve = what_if.along_weight(t, "b1[rooms, 1]", reach=1e-3, points=3)
    assert (curve.E[2] - curve.E[0]) / 2e-3 == pytest.approx(curve.gradient, rel=1e-3)


def test_the_picture(run):
    t = run.trace(9, [17])
    figure = figures.network(t)
    edges = {line.get_gid(): line for line in figure.axes[0].lines if line.get_gid()}
    net = t.net
    expected = [f"w1[{name}, {k}]" for name in net.inputs for k in (1, 2)]
    assert sorted(name for name in edges if name.startswith("w1")) == sorted(expected)
    shown = [name for name in edges if name.startswith("w3")]
    strongest = sorted(net.weight_names(), key=lambda name: -abs(t[name].value) * name.startswith("w3"))
    assert sorted(shown) == sorted(strongest[: figures.MOST_EDGES])
    for name, line in edges.items():
        assert line.get_color() == figures.COLOUR[t[name].value >= 0]
    low, high = (edges[f"w1[{net.inputs[0]}, {k}]"].get_ydata() for k in (1, 2))
    assert low[0] == high[0]  # from one input
    assert low[1] != high[1]  # to two units


def test_the_picture_of_a_small_one_has_its_numbers():
    net = bl.Network([Embedding(2, 2), Dense(4, 1)], inputs=["size", "age"])
    t = bl.trace(net, net.start(0, dtype=np.float64), [[0.5, -1.0]], [[0.2]])
    said = [text.get_text() for text in figures.network(t).findobj(match=lambda o: hasattr(o, "get_text"))]
    for name in net.weight_names():
        before = f"{name} = " if name.startswith("b") else ""
        assert any(line.startswith(before) and f"{t[name].value:.4f}".replace("-", "−") in line for line in said), name
    a = t.layer(1).A[0]
    assert f"a1[age.2]\n{a[3]:.4f}".replace("-", "−") in said
    assert {"w1", "w2", "hidden\nidentity"} <= set(said)


def test_it_predicts(run, start):
    net, theta = start.plan.net, run.timeline().best().theta.astype(np.float64)
    X = start.table.encode(FRAME[:5], np.float64)
    w, b = net.split(theta)[0]
    flat = (X[:, :, None] * w + b).reshape(5, -1)
    p = net.split(theta)
    for layer, q in list(zip(net.layers, p))[1:]:
        flat, _ = layer.forward(q, flat)
    np.testing.assert_allclose(run.model().predict(FRAME[:5]), run.table.target.decode(net.loss, flat)[:, 0], rtol=1e-5)


def test_bins_of_an_embedding_are_one_weight_to_name():
    """Behind bins, an embedding's weights for all bins of an input are named by the input."""
    net = bl.Network([bl.PiecewiseLinear(((0.0, 1.0, 2.0), ())), Embedding(3, 2), Dense(6, 1)], inputs=["size", "age"])
    assert net.positions("w1[size, 2]").tolist() == [1, 3]
    t = bl.trace(net, net.start(0, dtype=np.float64), [[0.5, -1.0], [1.5, 0.0]], [[0.2], [0.1]])
    group = t["w1[size, 2]"].chain()
    assert group.gradient == pytest.approx(t["w1[size#1, 2]"].gradient + t["w1[size#2, 2]"].gradient)
    assert {path.factors[-1].symbol for path in group.paths} == {
        "∂a1[size#1.2]/∂w1[size#1, 2]", "∂a1[size#2.2]/∂w1[size#2, 2]",
    }  # fmt: skip
    assert isinstance(t.table(), pl.DataFrame)


@pytest.fixture
def odd():
    """A network of weights in odd shapes, and a kink."""
    net = bl.Network([Products(2, 3), Leak(3), Dense(3, 1)], inputs=["size", "age"])
    rows = np.random.default_rng(2).normal(size=(2, 5, 2))
    return bl.trace(net, net.start(0, dtype=np.float64), rows[0], rows[1][:, :1], bl.Settings(optimizer="sgd"))


def test_weights_of_odd_shapes_have_their_names(odd):
    net, names = odd.net, odd.net.weight_names()
    assert [names[0], names[11], names[12], names[13]] == ["T1[1, size, 1]", "T1[2, age, 3]", "t1", "a2[1]"]
    assert [net.positions(name).tolist() for name in names] == [[i] for i in range(net.size)]
    assert [net.weight_name(i) for i in range(net.size)] == names
    assert net.start(weights={"t1": 0.25})[12] == 0.25


def test_weights_of_odd_shapes_have_their_chains(odd):
    numeric = central_differences(lambda theta: odd.at(theta).E, odd.theta)
    for i, name in enumerate(odd.net.weight_names()):
        chain = odd[name].chain()
        assert chain.gradient == pytest.approx(numeric[i], rel=1e-5, abs=1e-8)
        assert math.fsum(path.product for path in chain.paths) + chain.rest == pytest.approx(chain.gradient, rel=1e-9)
    latex = odd["T1[1, size, 2]"].chain().latex()  # the same letter on the left and in the last factor of each path
    assert latex.count(r"\partial T^{(1)}_{\text{1, size}, 2}") == 1 + len(odd["T1[1, size, 2]"].chain().paths)
    assert r"{\partial t^{(1)}}" in odd["t1"].chain().latex()
    first, *rest = odd.strongest()
    assert first == odd.net.weight_name(int(np.abs(odd.gradient).argmax())) == "t1"  # the single number counts, too
    assert {name[:2] for name in rest} == {"T1", "a2", "w3"}  # but for the hardest pulled of all, it and biases do not


def test_a_weight_of_a_unit_is_a_bias_only_where_it_is_added(odd):
    """A slope that is learnt leads from the unit below to its own, and is multiplied by what lies below 0 there."""
    assert (odd.stage(2).biases < 0).all()
    assert odd.net.weight_name(int(odd.stage(3).biases[0])) == "b3[1]"
    a1, a2 = odd.layer(1).A, odd.layer(2).A
    for unit in (1, 2, 3):
        u = odd.unit(2, unit)
        assert (u.names, u.sources, u.bias) == ((f"a2[{unit}]",), (str(unit),), 0)
        np.testing.assert_allclose(u.inputs[:, 0], np.minimum(a1[:, unit - 1], 0))
        np.testing.assert_allclose(u.inputs @ u.weights + u.rest, a2[:, unit - 1])
    edges = [line.get_gid() for line in figures.network(odd).axes[0].lines if line.get_gid()]
    assert {"a2[1]", "a2[2]", "a2[3]"} <= set(edges)


def test_units_of_other_names_belong_to_the_input_that_they_depend_on():
    net = bl.Network([Sides(), Dense(4, 2), Sides(), Dense(4, 1)], inputs=["size", "age"])
    assert net.stages[1].origins.tolist() == net.stages[3].origins.tolist() == [0, 1, 0, 1]
    t = bl.trace(net, net.start(0, dtype=np.float64), [[0.5, -1.0]], [[0.2]])
    assert set(t.blame("column")["column"]) == {"size", "age"}
    assert net.positions("w1[size, 2]").tolist() == [
        net.positions(f"w1[size {side}, 2]")[0] for side in ("above", "below")
    ]
    chain = t["w1[age, 1]"].chain()  # both of its sides
    assert math.fsum(path.product for path in chain.paths) + chain.rest == pytest.approx(chain.gradient, rel=1e-9)
    edges = {line.get_gid() for line in figures.network(t).axes[0].lines}
    assert {f"w1[{name}, {unit}]" for name in net.inputs for unit in (1, 2)} <= edges
