"""Networks: layout, names, starting weights, JSON, and what does not fit."""

import json

import numpy as np
import pytest
from checks import random_network

import backlit as bl
from backlit.core.activations import ACTIVATIONS
from backlit.core.initializers import INITIALIZERS
from backlit.errors import ArgumentError, BacklitError, DataError, ShapeError, UnknownNameError


@pytest.fixture
def net():
    return bl.Network([bl.Dense(2, 3, "tanh"), bl.Dense(3, 1)], inputs=["sqft_living", "lot, in acres"])


@pytest.fixture
def binned():
    edges = ((0.0, 1.0, 2.0, 4.0), ())
    layers = [bl.PiecewiseLinear(edges), bl.Dense(4, 2, "relu"), bl.LayerNorm(2), bl.Dropout(0.1), bl.Dense(2, 1)]
    return bl.Network(layers, inputs=["sqft_living", "grade"])


def test_layout(net):
    slots = [(slot.layer, slot.name, slot.start, slot.stop, slot.shape) for slot in net.layout()]
    assert slots == [(1, "w1", 0, 6, (2, 3)), (1, "b1", 6, 9, (3,)), (2, "w2", 9, 12, (3, 1)), (2, "b2", 12, 13, (1,))]
    assert net.size == 13


def test_layers_without_weights_do_not_count_in_names(binned):
    assert [slot.name for slot in binned.layout()] == ["w1", "b1", "gamma1", "beta1", "w2", "b2"]


def test_split_and_join_are_inverse(binned):
    theta = np.arange(binned.size, dtype=float)
    np.testing.assert_array_equal(binned.join(binned.split(theta)), theta)


def test_every_name_leads_back_to_its_weight(net, binned):
    for network in (net, binned):
        for position in range(network.size):
            assert network.positions(network.weight_name(position)).tolist() == [position]


def test_names(net, binned):
    assert net.weight_name(1) == "w1[sqft_living, 2]"
    assert net.positions(" w1 [ sqft_living,2 ]").tolist() == [1]
    assert net.positions("w1[lot, in acres, 3]").tolist() == [5]
    assert net.positions("b2[1]").tolist() == [12]
    assert net.positions("w2").tolist() == [9, 10, 11]
    assert binned.weight_name(0) == "w1[sqft_living#1, 1]"
    assert binned.positions("w1[sqft_living, 2]").tolist() == [1, 3, 5]
    assert binned.positions("w1[grade, 2]").tolist() == [7]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("w3[1, 1]", r"unknown weight 'w3\[1, 1\]'; did you mean"),
        ("w1[sqft_livin, 2]", "did you mean 'sqft_living'"),
        ("w1[sqft_living, 9]", r"unknown part '9' of 'w1\[sqft_living, 9\]'; known: '1', '2' and '3'"),
        ("w1[sqft_living", "unknown weight"),
        ("b1[1, 2]", "unknown part '1,2' of 'b1"),
        ("w2[1]", "unknown weight"),
        ("", "unknown weight ''"),
    ],
)
def test_unknown_name(net, name, hint):
    with pytest.raises(UnknownNameError, match=hint):
        net.positions(name)


def test_position_out_of_range(net):
    with pytest.raises(ArgumentError, match="positions 0 to 12"):
        net.weight_name(13)


def test_start_by_name(net):
    theta = net.start(weights={"w1": np.arange(6).reshape(2, 3), "b1": 7, "w2[2, 1]": 0.5})
    assert theta.dtype == np.float32
    np.testing.assert_array_equal(theta[:9], [0, 1, 2, 3, 4, 5, 7, 7, 7])
    assert theta[10] == 0.5


@pytest.mark.parametrize(
    ("weights", "error", "message"),
    [
        ({"w1": [[1, 2], [3, 4]]}, ShapeError, r"has shape \(2, 2\); it must be \(2, 3\)"),
        ({"w2[1, 1]": [1.0, 2.0]}, ShapeError, "it must be one number"),
        ({"w1[a, 1]": 1.0}, UnknownNameError, "did you mean|known"),
        ({"b1": [0, np.nan, 0]}, DataError, r"weights\['b1'\]\[1\] is nan"),
    ],
)
def test_start_by_name_refuses(net, weights, error, message):
    with pytest.raises(error, match=message):
        net.start(weights=weights)


def test_a_group_of_bins_is_not_set_as_one(binned):
    with pytest.raises(ArgumentError, match="stands for 3 weights"):
        binned.start(weights={"w1[sqft_living, 1]": 0.5})


def test_start_depends_on_the_seed_alone(net):
    np.testing.assert_array_equal(net.start(3), net.start(3))
    assert not np.array_equal(net.start(3), net.start(4))


@pytest.mark.parametrize("name", INITIALIZERS)
def test_initializer_has_its_variance(name):
    net = bl.Network([bl.Dense(300, 200, "tanh", weights=name)])
    W, b = net.split(net.start(0, dtype=np.float64))[0]
    variance = INITIALIZERS[name].variance(300, 200)
    assert abs(W.var() - variance) <= 0.02 * variance
    assert abs(W.mean()) <= 4 * np.sqrt(variance / W.size)
    assert not b.any()
    if "uniform" in name:
        assert np.abs(W).max() <= np.sqrt(3 * variance)


def test_each_activation_names_a_known_start():
    assert {activation.start for activation in ACTIVATIONS.values()} <= set(INITIALIZERS)


@pytest.mark.parametrize("seed", range(30))
def test_json_and_back(seed):
    net = random_network(np.random.default_rng(seed))
    again = bl.Network.from_dict(json.loads(json.dumps(net.to_dict())))
    assert again == net
    assert again.layout() == net.layout()


def test_json_of_another_program(net):
    saved = net.to_dict()
    saved["layers"][0]["activation"] = "thanh"
    with pytest.raises(UnknownNameError, match="did you mean 'tanh'"):
        bl.Network.from_dict(saved)
    saved["layers"][0] = {"name": "dense", "units": 3}
    with pytest.raises(UnknownNameError, match="unknown setting 'units' of 'dense'"):
        bl.Network.from_dict(saved)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: bl.Network([bl.Dense(2, 3), bl.Dense(4, 1)]),
            ShapeError,
            r"layers\[1\].* takes 4 inputs, but 3 come in",
        ),
        (lambda: bl.Network([bl.Dense(2, 1)], inputs=["a"]), ShapeError, "takes 2 inputs, but 1 come in"),
        (lambda: bl.Network([bl.Dense(2, 1)], inputs=["a", "a"]), ArgumentError, "each name may stand once"),
        (
            lambda: bl.Network([bl.PiecewiseLinear(((0.0, 1.0, 2.0), ())), bl.Dense(3, 1)], inputs=["a", "a #1"]),
            ArgumentError,
            r"layers\[0\].* calls two of its units or weights 'a#1'",
        ),
        (lambda: bl.Network([bl.Dense(2, 1)], loss="squared"), UnknownNameError, "did you mean 'squared_error'"),
        (lambda: bl.Network([bl.Dense(2, 1)], loss=3), ArgumentError, "loss is 3; give a name"),
        (lambda: bl.Network(["dense"]), ArgumentError, "layers holds 'dense'"),
        (lambda: bl.Network([]), ArgumentError, "give their names"),
        (lambda: bl.Network([bl.Dropout(0.1)], inputs=["a"]), ArgumentError, "nothing with weights"),
        (lambda: bl.Network([bl.Dense(2, 3), bl.LayerNorm(3), bl.LayerNorm(3)]), ArgumentError, "put a Dense between"),
        (lambda: bl.Dense(2, 3, "rleu"), UnknownNameError, "unknown activation 'rleu'; did you mean 'relu', 'elu'"),
        (lambda: bl.Dense(2, 3, weights="he"), UnknownNameError, "unknown initializer 'he'"),
        (lambda: bl.Dense(0, 3), ArgumentError, "d_in is 0"),
        (lambda: bl.Dense(2, 0), ArgumentError, "d_out is 0"),
        (lambda: bl.Dense(2, 1, bias_rate=-1), ArgumentError, "bias_rate is -1"),
        (lambda: bl.Dropout(1.0), ArgumentError, "rate of dropout is 1.0; it must be from 0 to below 1"),
        (lambda: bl.LayerNorm(1), ArgumentError, "d is 1; it must be 2 or more units"),
        (lambda: bl.PiecewiseLinear(((1.0, 1.0),)), ArgumentError, r"edges\[0\].*increasing"),
        (lambda: bl.PiecewiseLinear(((1.0,),)), ArgumentError, r"edges\[0\].*two or more"),
        (lambda: bl.PiecewiseLinear(((0.0, np.inf),)), ArgumentError, "finite"),
        (lambda: bl.Quantile(levels=(0.0,)), ArgumentError, "levels is"),
        (lambda: bl.Quantile(levels=0.5), ArgumentError, "levels is 0.5"),
        (lambda: bl.Dense("3", 1), ArgumentError, "d_in is .3."),
        (lambda: bl.Huber(delta=0), ArgumentError, "delta is 0"),
        (lambda: bl.SquaredError(scale=0), ArgumentError, "scale is 0"),
        (lambda: bl.SquaredError(reduction="max"), ArgumentError, "reduction is 'max'"),
        (lambda: bl.CrossEntropy(label_smoothing=1.0), ArgumentError, "label_smoothing is 1.0"),
    ],
)
def test_what_does_not_fit(make, error, message):
    with pytest.raises(error, match=message) as caught:
        make()
    assert isinstance(caught.value, BacklitError)
