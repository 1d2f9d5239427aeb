"""The textbooks' names: each says from where to where its weight leads, no two weights share one, and what none fits
keeps its own. Where a weight leads is tried on the layer itself: the weight moves, and one unit follows."""

import re

import numpy as np
import pytest
from plugins import Embedding, Gain, Leak, Products, Sides

import backlit as bl
from backlit.core.layers import LAYERS, Dense, Dropout, LayerNorm, PiecewiseLinear
from backlit.core.network import Network

EDGES = ((0.0, 1.0, 2.0), (), (0.0, 1.0))
NETWORKS = {
    "dense": Network([Dense(3, 4, "tanh"), Dense(4, 2)]),
    "dropout": Network([Dropout(0.1), Dense(3, 2, "relu"), Dropout(0.5), Dense(2, 1)]),
    "layer_norm": Network([Dense(3, 4, "tanh"), LayerNorm(4), Dense(4, 1)]),
    "piecewise_linear": Network([PiecewiseLinear(EDGES), Dense(4, 2, "tanh"), Dense(2, 1)]),
    "embedding": Network([Embedding(3, 2), Dense(6, 1)]),
    "gain": Network([Dense(2, 3), Gain(), Dense(3, 1)]),
    "leak": Network([Dense(2, 3), Leak(3), Dense(3, 1)]),
    "sides": Network([Dense(2, 3), Sides(), Dense(6, 1)]),
    "products": Network([Products(2, 3), Dense(3, 1)]),
}


def test_every_registered_layer_is_here():
    assert set(LAYERS) <= set(NETWORKS)


def followers(net, stage, position):
    """The units of a layer that move when one of its weights does, from 1."""
    draw = np.random.default_rng(1)
    theta, X = net.start(2, dtype=np.float64) + 0.1, draw.normal(size=(50, len(stage.sources)))
    moved = theta.copy()
    moved[position] += 1e-3
    before, after = (stage.layer.forward(net.split(w)[stage.position], X)[0] for w in (theta, moved))
    return np.flatnonzero(np.abs(after - before).max(axis=0) > 0) + 1


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_name_says_to_which_unit_its_weight_leads(kind):
    net = NETWORKS[kind]
    names = [net.textbook(name) for name in net.weight_names()]
    assert len(set(names)) == len(names)
    for position, (own, name) in enumerate(zip(net.weight_names(), names)):
        stage, slot = net.stage_of(position)
        assert stage.textbook(position) == name
        if name == own:
            continue
        numbers = re.fullmatch(rf"{slot.name}_(\d)?(\d)", name)
        assert numbers, name
        source, unit = numbers.groups()
        assert followers(net, stage, position).tolist() == [int(unit)]
        if source:  # it reads that parent, and so it is named in the weight's own name
            assert stage.parents[int(source) - 1] in own


def test_names_of_a_dense_network():
    net = bl.Network.dense(["sqft_living", "grade", "lat"], [3])
    pairs = [f"{i}{j}" for i in (1, 2, 3) for j in (1, 2, 3)]
    weights = [*(f"w1_{pair}" for pair in pairs), "b1_1", "b1_2", "b1_3", "w2_11", "w2_21", "w2_31", "b2_1"]
    assert [net.textbook(name) for name in net.weight_names()] == weights
    others = {"sqft_living": "x_1", "lat": "x_3", "a1[2]": "a1_2", "z1[2]": "z1_2", "s[1]": "s_1", "E": "E"}
    assert {name: net.textbook(name) for name in others} == others
    assert net.textbook("w1") == "w1"  # a matrix is no weight
    assert [slot.matrix for slot in net.layout()] == ["W¹", "B¹", "W²", "B²"]


def test_from_ten_on_there_is_a_comma():
    net = bl.Network.dense(3, [12, 2])
    assert net.textbook("w1[x1, 12]") == "w1_1,12"
    assert net.textbook("w1[x1, 2]") == "w1_1,2"
    assert net.textbook("w2[12, 1]") == "w2_12,1"
    assert net.textbook("w3[2, 1]") == "w3_21"
    assert net.textbook("b1[12]") == "b1_12"


def test_what_no_name_fits_keeps_its_own():
    binned, products, gain = (NETWORKS[kind] for kind in ("piecewise_linear", "products", "gain"))
    for name in ("w1[x1#2, 1]", "w1[x2, 1]", "w1[x1, 2]"):  # a bin, its neighbour, all bins together
        assert binned.textbook(name) == name
    assert binned.textbook("w2[2, 1]") == "w2_21"
    assert products.textbook("T1[x1, x2, 3]") == "T1[x1, x2, 3]"
    assert gain.textbook("g2[1]") == "g2[1]"


def test_layer_norm_and_named_units():
    assert NETWORKS["layer_norm"].textbook("gamma1[3]") == "gamma1_3"
    embedding = NETWORKS["embedding"]
    assert [embedding.textbook(f"w1[x2, {k}]") for k in (1, 2)] == ["w1_23", "w1_24"]
    assert embedding.textbook("w2[x2.1, 1]") == "w2_31"


def test_letters_of_the_outputs():
    """What a network says is s; a sum of an output is z only where a function comes behind it."""
    plain, curved = bl.Network.dense(2, [2], activation="tanh"), bl.Network([Dense(2, 1, "softplus")])
    hidden, output = plain.stages
    assert (hidden.sum(0), hidden.unit(0), output.sum(0), output.unit(0)) == ("z1[1]", "a1[1]", "s[1]", "s[1]")
    assert (curved.stages[0].sum(0), curved.stages[0].unit(0)) == ("z1[1]", "s[1]")
