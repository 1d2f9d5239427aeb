"""Traces and chains: they add up to the gradient, for every loss, layer and number of rows; and read as they count."""

import json
import math
import re

import numpy as np
import polars as pl
import pytest
from checks import Draw, central_differences
from hypothesis import given, settings
from hypothesis import strategies as st

import backlit as bl
from backlit.core.backprop import value_and_grad
from backlit.engines.native import missing
from backlit.errors import ArgumentError, UnknownNameError
from backlit.explain import what_if
from backlit.explain.chain import ALL_PATHS
from backlit.explain.check import engine_remark
from backlit.explain.trace import Trace
from backlit.explain.update import WeightTerm, WeightUpdate
from backlit.fitting import Recipe, prepare
from backlit.problem import Problem
from backlit.tables.target import Target
from backlit.training import begin
from backlit.words import to_json

# Matt Mazur, "A Step by Step Backpropagation Example" (2015); factors as the post prints them, to its digits
MAZUR = bl.Network(
    [bl.Dense(2, 2, "sigmoid"), bl.Dense(2, 2, "sigmoid")], bl.SquaredError(scale=0.5, reduction="sum"), ["i1", "i2"]
)
MAZUR_THETA = MAZUR.start(
    0, {"w1": [[0.15, 0.25], [0.2, 0.3]], "b1": 0.35, "w2": [[0.4, 0.5], [0.45, 0.55]], "b2": 0.6}, np.float64
)
SGD = bl.Settings(optimizer="sgd", learning_rate=0.5)


@pytest.fixture
def mazur():
    return bl.trace(MAZUR, MAZUR_THETA, [[0.05, 0.1]], [[0.01, 0.99]], SGD)


def test_mazur_output_weight(mazur):
    chain = mazur["w2[1, 1]"].chain()
    [path] = chain.paths
    values = [factor.value for factor in path.factors]
    np.testing.assert_allclose(values, [0.74136507, 0.186815602, 0.593269992], atol=5e-9)
    assert path.product == pytest.approx(0.082167041, abs=5e-10)
    assert chain.update.after == pytest.approx(0.35891648, abs=5e-9)


def test_mazur_hidden_weight(mazur):
    """∂E/∂w1 = (0.055399425 − 0.019049119) · 0.241300709 · 0.05: two paths, one through each output."""
    chain = mazur["w1[i1, 1]"].chain()
    through = sorted((path.product / 0.241300709 / 0.05 for path in chain.paths), reverse=True)
    np.testing.assert_allclose(through, [0.055399425, -0.019049119], atol=5e-9)
    for path in chain.paths:
        np.testing.assert_allclose([f.value for f in path.factors[-2:]], [0.241300709, 0.05], atol=5e-10)
    assert chain.gradient == pytest.approx(0.000438568, abs=5e-10)
    assert chain.update.after == pytest.approx(0.149780716, abs=5e-10)


def test_single_neurons():
    """CS231n's sigmoid neuron and micrograd's tanh neuron: the slope times the input."""
    sigmoid = bl.Network([bl.Dense(2, 1, "sigmoid")], inputs=["x0", "x1"])
    theta = sigmoid.start(0, {"w1": [[2], [-3]], "b1": -3}, np.float64)
    chain = bl.trace(sigmoid, theta, [[-1.0, -2.0]], [[0.0]])["w1[x0, 1]"].chain()
    assert [f.value for f in chain.paths[0].factors[1:]] == pytest.approx([0.19661193324148185, -1.0])
    tanh = bl.Network([bl.Dense(2, 1, "tanh")])
    theta = tanh.start(0, {"w1": [[-3], [1]], "b1": 6.881373587019543}, np.float64)
    chain = bl.trace(tanh, theta, [[2.0, 0.0]], [[0.0]])["w1[x1, 1]"].chain()
    assert [f.value for f in chain.paths[0].factors] == pytest.approx([math.sqrt(2), 0.5, 2.0])


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.booleans())
def test_paths_add_up_to_the_gradient(seed, n, masks):
    draw = Draw(seed, n=n)
    net = draw.net
    state = bl.State(draw.theta, {}, seed, 10, step=3)
    t = bl.trace(net, state, draw.X, draw.Y, weights=draw.weights, masks=masks)
    _, gradient = value_and_grad(net, draw.theta, draw.X, draw.Y, draw.weights, t.key)
    np.testing.assert_allclose(t.gradient, gradient, rtol=1e-9, atol=1e-12)
    for i in np.random.default_rng(seed).choice(net.size, min(6, net.size), replace=False):
        name = net.weight_name(i)
        for most in (1, 3, ALL_PATHS):
            chain = t[name].chain(most)
            total = sum(path.product for path in chain.paths) + chain.rest
            assert total == pytest.approx(gradient[i], rel=1e-12, abs=1e-12 * np.abs(gradient).max())
            assert len(chain.paths) + chain.rest_paths >= 1
        assert t[name].by_row.sum() == pytest.approx(gradient[i], rel=1e-12, abs=1e-13)
        if not chain.check.kink:
            assert chain.check.value == pytest.approx(gradient[i], rel=1e-6, abs=1e-9)


def test_listed_paths_are_the_strongest():
    net = bl.Network.dense(2, [6, 5, 4], activation="tanh")
    theta = net.start(1, dtype=np.float64)
    t = bl.trace(net, theta, [[0.4, -0.7], [1.0, 0.2]], [[1.0], [-1.0]])
    every = t["w1[x2, 3]"].chain(most=10_000)
    assert every.rest_paths == 0
    assert len(every.paths) == 2 * 5 * 4
    products = sorted((abs(path.product) for path in every.paths), reverse=True)
    bl_all, chain_module = ALL_PATHS, __import__("backlit.explain.chain", fromlist=["chain"])
    try:
        chain_module.ALL_PATHS = 0
        few = t["w1[x2, 3]"].chain(most=7)
    finally:
        chain_module.ALL_PATHS = bl_all
    np.testing.assert_allclose([abs(path.product) for path in few.paths], products[:7], rtol=1e-12)
    assert few.rest_paths == 33
    signed = sorted((path.product for path in every.paths), key=lambda product: -abs(product))
    assert few.rest == pytest.approx(sum(signed[7:]), rel=1e-9)
    assert sum(p.product for p in few.paths) + few.rest == pytest.approx(every.gradient, rel=1e-12)


def test_a_group_of_bins_is_the_sum_over_its_bins():
    layers = [bl.PiecewiseLinear(((0.0, 1.0, 2.0, 3.0), ())), bl.Dense(4, 2, "tanh"), bl.Dense(2, 1)]
    net = bl.Network(layers, inputs=["size", "age"])
    theta = net.start(0, dtype=np.float64)
    t = bl.trace(net, theta, [[1.4, 0.3]], [[0.5]])
    group = t["w1[size, 2]"]
    bins = [t[f"w1[size#{i}, 2]"] for i in (1, 2, 3)]
    assert group.gradient == pytest.approx(sum(w.gradient for w in bins))
    chain = group.chain()
    assert {path.factors[-1].symbol for path in chain.paths} == {"size#1", "size#2", "size#3"}
    assert sum(path.product for path in chain.paths) == pytest.approx(chain.gradient)
    assert chain.check.digits >= 8


@pytest.mark.parametrize("name", ["w1[x1, 2]", "w2[3, 1]", "b1[2]", "b2[1]"])
def test_printed_text_multiplies_to_the_printed_product(name):
    net = bl.Network.dense(2, [3, 3], activation="tanh")
    t = bl.trace(net, net.start(5, dtype=np.float64), [[0.3, -1.2]], [[0.7]], SGD)
    text = t[name].chain().text()
    plain = text.replace("−", "-")
    blocks = re.findall(r"\n\n((?:  [ ×] +\S+  .*\n)+)  = +(\S+)", plain)
    assert blocks
    for factors, product in blocks:
        values = [float(line.split()[1 if "×" in line else 0]) for line in factors.splitlines()]
        assert math.prod(values) == pytest.approx(float(product), rel=2e-5)
    assert f"∂E/∂{name} = " in text
    assert "agrees to 9 digits" in text
    assert "would be" in text
    assert max(map(len, text.splitlines())) < 80


def test_json_and_html():
    net = bl.Network.dense(["a<b", "c"], [3], activation="tanh")
    chain = bl.trace(net, net.start(0, dtype=np.float64), [[0.3, -1.2]], [[0.7]], SGD)["w1[a<b, 1]"].chain()
    saved = json.loads(to_json(chain))
    assert {"weight", "gradient", "paths", "rest", "check", "update"} <= set(saved)
    assert set(saved["paths"][0]["factors"][0]) == {
        "kind", "symbol", "meaning", "value", "facts", "layer", "unit", "source",
    }  # fmt: skip
    assert saved["paths"][0]["product"] == pytest.approx(chain.gradient)
    assert "a&lt;b" in chain._repr_html_()
    assert "<b>" in chain._repr_html_()


def test_latex_escapes_names():
    net = bl.Network.dense(["50%_$x^2 & {y}\\", "c"], [2], activation="tanh")
    latex = (
        bl.trace(net, net.start(0, dtype=np.float64), [[0.3, -1.2]], [[0.7]])["w1[50%_$x^2&{y}\\,1]"].chain().latex()
    )
    assert latex.startswith("\\begin{align*}")
    assert r"50\%\_\$x\textasciicircum{}2" in latex
    assert latex.count("{") == latex.count("}")


def test_latex_of_a_column_that_looks_like_a_derivative():
    net = bl.Network.dense(["∂a/∂b/∂c"], [2], activation="tanh")
    latex = bl.trace(net, net.start(0, dtype=np.float64), [[0.3]], [[0.7]])["w1[∂a/∂b/∂c,1]"].chain().latex()
    assert latex.count("{") == latex.count("}")


# --- the update --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw"])
@pytest.mark.parametrize("clip_norm", [None, 0.01])
def test_the_update_that_happened_is_the_one_training_made(optimizer, clip_norm):
    from dataclasses import replace

    draw = np.random.default_rng(0)
    net = bl.Network.dense(3, [5], activation="tanh", dropout=0.3)
    data = bl.Data(draw.normal(size=(20, 3)), draw.normal(size=20))
    how = bl.Settings(optimizer=optimizer, learning_rate=0.05, batch_size=None, epochs=5, schedule="cosine")
    how = replace(how, optimizer=replace(how.optimizer, clip_norm=clip_norm, weight_decay=0.1))
    states = [event.state for event in bl.train(bl.Plan(net, data, how), stretch=1) if isinstance(event, bl.StepsDone)]
    before, after = replace(states[2], epoch=3, used=0), states[3]
    t = bl.trace(net, before, data.X, data.Y, how, masks=True)
    np.testing.assert_allclose(t.update.after, after.theta, rtol=1e-12, atol=1e-14)
    frame, u = t.table(), t.update
    of_gradient = frame["averaged"] if "averaged" in frame.columns else frame["gradient"] * u.clip
    step = -frame["rate"] * of_gradient / (frame["scaling"] if "scaling" in frame.columns else 1) - frame["decay"]
    np.testing.assert_allclose(frame["step"], step, rtol=1e-12)
    np.testing.assert_allclose(frame["after"], frame["value"] + step, rtol=1e-12)
    np.testing.assert_array_equal(frame["gradient"], t.gradient)
    assert u.clip == pytest.approx(1.0 if clip_norm is None else 0.01 / np.linalg.norm(t.gradient))
    assert (frame["clip"].to_list() if "clip" in frame.columns else [1.0] * t.net.size) == [u.clip] * t.net.size
    assert t.happened
    assert "update" in t["w1[x1, 1]"].chain().text()


@pytest.mark.parametrize(
    ("moved", "gradient", "terms", "clip", "texts"),
    [
        (0.02, -0.2, {"rate": 0.1}, 1.0, ["More of this weight lowers E, so the step raises it."]),
        (-0.02, 0.2, {"rate": 0.1}, 1.0, ["More of this weight raises E, so the step lowers it."]),
        (
            -0.1, -0.2, {"rate": 0.1, "averaged": 0.3}, 1.0,
            [
                "More of this weight lowers E. Still the step lowers it: it depends on more than this ∂E/∂w.",
                "The average is of this ∂E/∂w and earlier ones.",
            ],
        ),
        (0.0, -0.2, {"rate": 0.1}, 1.0, ["More of this weight lowers E, but the step is too small to change it."]),
        (0.0, -0.2, {"rate": 0.0}, 1.0, ["The rate is 0 at this step, so the weights do not move."]),
        (
            0.0, 0.0, {"rate": 0.1}, 1.0,
            ["A little more or less of this weight changes nothing: E does not pull at it."],
        ),
        (
            0.1, 0.0, {"rate": 0.1}, 1.0,
            [
                "A little more or less of this weight changes nothing: E does not pull at it.",
                "The step still raises it: it depends on more than this ∂E/∂w.",
            ],
        ),
        (
            0.02, -0.2, {"rate": 0.1, "averaged": -0.05}, 0.25,
            [
                "More of this weight lowers E, so the step raises it.",
                "The gradient was too long; it is shortened to 25.0% of itself.",
            ],
        ),
    ],
)  # fmt: skip
def test_why_a_weight_goes_where_it_goes(moved, gradient, terms, clip, texts):
    listed = tuple(WeightTerm(kind, "minus", value) for kind, value in terms.items())
    assert [*map(str, WeightUpdate(0.5, listed, clip, 0.5 + moved, True).reasons(gradient))] == texts


def test_how_far_training_agrees_in_words():
    said = {gap: str(engine_remark(gap)) for gap in (0.0, 6e-8, 0.04, 0.4)}
    assert [text.split("agrees with this to ")[-1] for text in said.values()] == [
        "7 digits.", "7 digits.", "1 digit.", "The fast engine, in 32-bit arithmetic, differs from this by 40.0%.",
    ]  # fmt: skip
    assert engine_remark(None) is None
    for gap in (float("inf"), float("nan")):
        assert (
            str(engine_remark(gap))
            == "The fast engine, in 32-bit arithmetic, comes to numbers here that are not finite."
        )


def test_the_batch_of_a_step_is_traced_under_its_masks():
    draw = np.random.default_rng(0)
    net = bl.Network.dense(3, [8], dropout=0.5)
    data = bl.Data(draw.normal(size=(12, 3)), draw.normal(size=12))
    how = bl.Settings(batch_size=4, epochs=1)
    plan = bl.Plan(net, data, how)
    state = begin(plan)
    event = next(iter(bl.train(plan, state, stretch=1)))
    batch = bl.core.rng.order(state.seed, 0, data.rows)[:4]
    t = bl.trace(net, state, data.X[batch], data.Y[batch], how, rows=batch, masks=True)
    assert pytest.approx(event.figures.E[0], rel=1e-12) == t.E
    assert np.linalg.norm(t.gradient) == pytest.approx(event.figures.gradient_norm[0], rel=1e-12)
    assert bl.trace(net, state, data.X[batch], data.Y[batch], how, rows=batch).E != t.E


@pytest.mark.skipif(bool(missing()), reason=f"native engine: {missing()}")
@pytest.mark.parametrize("masks", [False, True])
def test_difference_from_the_engine_is_rounding(masks):
    """float32 rounds by 6e-8; sums and slopes of a small network make that at most some hundred times as much."""
    for seed in range(20):
        draw = Draw(seed)
        theta, X, Y = (part.astype(np.float32) for part in (draw.theta, draw.X, draw.Y))
        t = bl.trace(draw.net, bl.State(theta, {}, seed, 10, step=3), X, Y, weights=draw.weights, masks=masks)
        assert t.engine_difference is not None
        assert t.engine_difference < 2e-5
    net = bl.Network.dense(3, [8], dropout=0.5)
    t = bl.trace(net, bl.State(net.start(), {}, 5, 10, step=3), X=np.ones((4, 3)), Y=np.ones((4, 1)), masks=masks)
    assert t.engine_difference < 1e-6
    other = bl.Network.dense(3, [8], dropout=0.4)  # the engine draws the same masks, not just any
    wrong = bl.trace(other, bl.State(net.start(), {}, 5, 10, step=3), X=np.ones((4, 3)), Y=np.ones((4, 1)), masks=masks)
    assert (np.linalg.norm(wrong.gradient - t.gradient) > 1e-3) == masks


# --- blame, tables, what-if ----------------------------------------------------------------------------------------


def some_trace(settings=SGD):
    net = bl.Network.dense(["size", "age"], [4, 3], activation="tanh")
    draw = np.random.default_rng(0)
    return bl.trace(net, net.start(2, dtype=np.float64), draw.normal(size=(6, 2)), draw.normal(size=(6, 1)), settings)


def test_blame_adds_up_however_it_is_grouped():
    t = some_trace()
    for by in ("weight", "unit", "layer"):
        assert t.blame(by)["blame"].sum() == pytest.approx(1)
    matrices = t.blame("matrix")
    assert sorted(name.partition("[")[0] for name in matrices["weight"]) == ["b1", "b2", "b3", "w1", "w2", "w3"]
    for name, share in matrices.select("weight", "blame").iter_rows():
        slot = next(slot for slot in t.net.layout() if slot.name == name.partition("[")[0])
        assert share == t.shares[slot.start : slot.stop].max()
    assert set(t.blame("column")["column"]) == {"size", "age"}
    assert t.blame(most=3).height == 3
    assert t.blame()["blame"].is_sorted(descending=True)
    with pytest.raises(UnknownNameError, match="did you mean 'layer'"):
        t.blame("layers")


def test_table_has_every_weight_and_term():
    t = some_trace()
    frame = t.table()
    assert frame["weight"].to_list() == [t.net.weight_name(i) for i in range(t.net.size)]
    np.testing.assert_array_equal(frame["after"].to_numpy(), t.theta - 0.5 * t.gradient)


def test_layers_and_units():
    t = some_trace()
    layer = t.layer(2)
    np.testing.assert_allclose(layer.Z, layer.X @ layer.W + layer.b)
    np.testing.assert_allclose(layer.dZ, layer.dA * layer.slope)
    np.testing.assert_allclose(layer.dW.ravel(), t.gradient[t.net.positions("w2")])
    unit = t.unit(2, 3)
    np.testing.assert_allclose(unit.inputs @ unit.weights + unit.bias, unit.z)
    assert unit.sources == ("1", "2", "3", "4")
    assert t.unit(1, 1).sources == ("size", "age")
    np.testing.assert_allclose(t.dX, central_differences(lambda X: with_inputs(t, X), t.data.X), atol=1e-8)


def with_inputs(t: Trace, X):
    return t.on(bl.Data(X, t.data.Y)).E


def test_along_a_weight_the_tangent_touches_the_curve():
    t = some_trace()
    curve = what_if.along_weight(t, "w2[1, 2]", reach=1e-3, points=3)
    assert curve.E[1] == t.E == curve.tangent[1]
    slope = (curve.E[2] - curve.E[0]) / (curve.w[2] - curve.w[0])
    assert slope == pytest.approx(curve.gradient, rel=1e-5)
    assert curve.after == pytest.approx(curve.value - 0.5 * curve.gradient)
    theta = t.theta.copy()
    theta[t.net.positions("w2[1, 2]")] = curve.after
    assert curve.E_after == t.at(theta).E


def test_along_the_step():
    t = some_trace()
    line = what_if.along_step(t)
    assert line.E[0] == t.E
    assert line.chosen == 0.5
    assert line.E_chosen == pytest.approx(t.after.E)
    assert line.E_best == line.E.min() <= line.E_chosen
    slope = (line.E[1] - line.E[0]) / (line.rate[1] - line.rate[0])
    assert slope == pytest.approx((line.tangent[1] - line.tangent[0]) / (line.rate[1] - line.rate[0]), rel=0.3)
    if line.hurts is not None:
        assert (line.E[line.rate < line.hurts] <= t.E).all()
    assert [what_if.along_step(t, times).falls for times in (0.01, 200)] == [True, False]


def test_nudges():
    t = some_trace()
    small = what_if.nudge(t, "w1[size, 2]", 1e-5)
    assert small.true == pytest.approx(small.predicted, rel=1e-3)
    moved = what_if.nudge_input(t, "age", 1e-5)
    assert moved.true == pytest.approx(moved.predicted, rel=1e-3)
    with pytest.raises(UnknownNameError, match="did you mean 'size'"):
        what_if.nudge_input(t, "siz", 1.0)


# --- kinks, silence, errors ----------------------------------------------------------------------------------------


def test_a_kink_within_reach_is_told():
    net = bl.Network([bl.Dense(1, 1, "relu"), bl.Dense(1, 1)])
    theta = net.start(0, {"w1": 0.0, "b1": 0.0, "w2": 1.0}, np.float64)
    chain = bl.trace(net, theta, [[1.0]], [[1.0]])["b1[1]"].chain()
    assert chain.check.kink
    assert chain.check.left == pytest.approx(0)
    assert chain.check.right == pytest.approx(-2, rel=1e-3)
    assert "meet a kink" in chain.text()


def test_a_silent_unit_has_a_derivative_of_0_that_checks():
    net = bl.Network([bl.Dense(1, 1, "relu"), bl.Dense(1, 1)])
    theta = net.start(0, {"w1": -1.0, "b1": -1.0, "w2": 1.0}, np.float64)
    chain = bl.trace(net, theta, [[1.0]], [[1.0]])["w1[x1, 1]"].chain()
    assert chain.gradient == 0
    assert chain.check.digits == 9


def test_errors():
    t = some_trace()
    with pytest.raises(UnknownNameError, match="did you mean 'size'"):
        t["w1[siz, 1]"]
    with pytest.raises(UnknownNameError, match="unknown layer 9"):
        t.layer(9)
    with pytest.raises(UnknownNameError, match="unknown unit 0"):
        t.unit(1, 0)
    with pytest.raises(ArgumentError, match="no settings"):
        some_trace(None).update  # noqa: B018
    assert some_trace(None)["w1[size, 1]"].chain().update is None


# --- published examples, factor by factor ----------------------------------------------------------------------------

# internetknowledgehub.com: 2-2-1, sigmoid hidden, linear output; Schiendorfer: two rows, gradients summed, no biases
EXAMPLES = {
    "mazur": (
        ["sigmoid", "sigmoid"], 0.5, [[0.05, 0.1]], [[0.01, 0.99]],
        {"w1": [[0.15, 0.25], [0.2, 0.3]], "b1": 0.35, "w2": [[0.4, 0.5], [0.45, 0.55]], "b2": 0.6},
        {
            "w1": [[0.00043856773447434685, 0.0004977127352608601], [0.0008771354689486937, 0.0009954254705217202]],
            "w2": [[0.08216704056423078, -0.022602540477475067], [0.08266762784753326, -0.02274024221597822]],
        },
    ),
    "house-price": (
        ["sigmoid", "identity"], 0.5, [[-0.32, -0.66]], [[-0.54]],
        {"w1": [[0.2, 0.5], [0.15, 0.6]], "b1": [0.1, 0.25], "w2": [[0.3], [0.2]], "b2": 0.4},
        {
            "w1": [[-0.028054429959988973, -0.018290015178697657], [-0.05786226179247726, -0.037723156306063925]],
            "w2": [[0.5666245195728075], [0.496227150405306]],
        },
    ),
    "schiendorfer": (
        ["sigmoid", "sigmoid"], 1.0, [[3.0, 1.0], [-1.0, 4.0]], [[1.0, 0.0], [0.0, 1.0]],
        {"w1": [[6, -3], [-2, 5]], "w2": [[1, -2], [0.25, 2]]},
        {
            "w1": [[-3.251845849611891e-07, 0.00142014367004575], [1.0691730302564499e-06, 0.00047338123185227673]],
            "w2": [[-0.10518746036979919, 0.02654902489815658], [0.2748497387695007, -0.024553635958714033]],
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EXAMPLES)
def test_published_examples_factor_by_factor(name):
    activations, scale, X, T, weights, expected = EXAMPLES[name]
    sizes = [2, 2, len(T[0])]
    layers = [bl.Dense(sizes[i], sizes[i + 1], f) for i, f in enumerate(activations)]
    net = bl.Network(layers, bl.SquaredError(scale=scale, reduction="sum"))
    t = bl.trace(net, net.start(0, weights, np.float64), X, T)
    hidden, output = t.layer(1), t.layer(2)
    for matrix, numbers in expected.items():
        for (i, j), gradient in np.ndenumerate(np.array(numbers)):
            source = net.inputs[i] if matrix == "w1" else str(i + 1)
            chain = t[f"{matrix}[{source}, {j + 1}]"].chain()
            assert chain.rest_paths == 0
            assert sum(path.product for path in chain.paths) == pytest.approx(gradient, abs=1e-12)
            for path in chain.paths:
                values = [factor.value for factor in path.factors]
                row = path.row
                if matrix == "w2":
                    by_hand = [t.dS[row, j], output.slope[row, j], hidden.A[row, i]]
                    if activations[1] == "identity":
                        del by_hand[1]
                    assert values == by_hand
                else:
                    assert values[-2:] == [hidden.A[row, j] * (1 - hidden.A[row, j]), X[row][i]]
                    assert values[0] in t.dS[row]


def test_nielsens_neuron():
    """Nielsen, ch. 3: a sigmoid neuron, x = 1, y = 0, w = 0.6, b = 0.9: ∂C/∂w = a σ'(z), with a = 0.82."""
    net = bl.Network([bl.Dense(1, 1, "sigmoid")], bl.SquaredError(scale=0.5))
    t = bl.trace(net, net.start(0, {"w1": 0.6, "b1": 0.9}, np.float64), [[1.0]], [[0.0]])
    a = 0.8175744761936437
    values = [factor.value for factor in t["w1[x1, 1]"].chain().paths[0].factors]
    assert values == pytest.approx([a, a * (1 - a), 1.0], rel=1e-12)


# --- the schedule's end ------------------------------------------------------------------------------------------


def at_the_end(schedule, step, planned=10, begun=0):
    net = bl.Network.dense(["x"], [2], activation="tanh")
    theta = net.start(1, dtype=np.float64)
    chosen = bl.Settings(optimizer="sgd", learning_rate=0.5, schedule=schedule, epochs=None, max_steps=10)
    state = bl.State(theta, {}, 1, planned, begun, step)
    return bl.trace(net, state, [[0.3], [-1.0]], [[0.7], [0.2]], chosen)


@pytest.mark.parametrize("step", [10, 11, 500])
def test_a_rate_of_0_draws_the_line_of_the_last_that_was_not(step):
    t, last = at_the_end("cosine", step), at_the_end("cosine", 9)
    assert (t.rate, t.last_rate) == (0.0, last.rate)
    line, before = what_if.along_step(t), what_if.along_step(last)
    assert (line.chosen, line.E_chosen, line.last) == (0.0, t.E, last.rate)
    np.testing.assert_array_equal(line.rate, before.rate)
    np.testing.assert_allclose(line.E, before.E, rtol=1e-12)
    assert before.last == before.chosen == last.rate
    curve = what_if.along_weight(t, "w2[1, 1]")
    assert (curve.after, curve.E_after) == (curve.value, t.E)
    assert "The rate is 0 at this step" in t["w2[1, 1]"].chain().text()
    assert "The rate is 0" not in last["w2[1, 1]"].chain().text()
    assert np.array_equal(t.update.after, t.theta)


def test_a_schedule_that_never_had_a_rate_draws_the_line_of_the_chosen_one():
    t = at_the_end("cosine", 3, planned=3, begun=3)
    assert (t.rate, t.last_rate) == (0.5, 0.5)
    over = at_the_end("cosine", 0, planned=0)
    assert (over.rate, over.last_rate) == (0.0, 0.5)
    assert np.isfinite(what_if.along_step(over).E).all()


def test_a_line_beyond_all_numbers_has_no_traceback():
    t = at_the_end("constant", 3)
    t = t.at(np.full_like(t.theta, 1e200))
    line = what_if.along_step(t)
    assert (line.best, line.chosen) == (0.0, 0.5)


# --- truth -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1.0, 1e12, 1e200])
def test_truth_is_the_tables_however_far_the_prediction_is(size):
    frame = pl.DataFrame({"x": np.arange(20.0), "price": 221_900.0 + 1000 * np.arange(20.0)})
    start = prepare(Problem(frame.select("x"), frame.select("price")), Recipe(hidden=(4,), encoding="plain"), 0)
    X, Y = start.table.encode(frame.select("x"), np.float64), start.table.target.encode(frame.select("price"))
    with np.errstate(over="ignore", invalid="ignore"):
        t = bl.trace(start.plan.net, size * start.state.theta.astype(np.float64), X, Y, table=start.table)
        np.testing.assert_allclose(t.truth[:, 0], frame["price"], rtol=1e-12)
        np.testing.assert_array_equal(t.difference, t.prediction - t.truth)


def test_truth_of_classes_is_1_for_the_true_one():
    for labels in (["a", "b"], ["a", "b", "c"]):
        frame = pl.DataFrame({"x": np.arange(12.0), "kind": (labels * 6)[:12]})
        target = Target.fit_classes(frame["kind"])
        start = prepare(Problem(frame.select("x"), frame.select("kind"), target), Recipe(hidden=(4,)), 0)
        X, Y = start.table.encode(frame.select("x"), np.float64), target.encode(frame.select("kind"))
        t = bl.trace(start.plan.net, start.state.theta, X, Y, table=start.table)
        assert t.truth.shape == t.prediction.shape == (12, len(labels))
        assert [labels[i] for i in t.truth.argmax(axis=1)] == frame["kind"].to_list()
        np.testing.assert_array_equal(t.truth.sum(axis=1), 1)


# --- the ranking, and where the factors of a chain are ---------------------------------------------------------------


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1))
def test_all_weights_are_ranked_by_their_pull(seed):
    draw = Draw(seed, n=2)
    t = bl.trace(draw.net, draw.theta, draw.X, draw.Y)
    size = np.abs(value_and_grad(draw.net, draw.theta, draw.X, draw.Y)[1])
    assert sorted(t.ranking.tolist()) == list(range(draw.net.size))
    assert [size[i] for i in t.ranking] == pytest.approx(sorted(size, reverse=True), rel=1e-9, abs=1e-12)
    names = [draw.net.weight_name(i) for i in t.ranking.tolist()]
    assert t.strongest()[0] == t.blame(most=1)["weight"][0] == names[0]
    assert t.blame()["weight"].to_list() == names


def test_equal_pulls_stand_in_the_order_of_the_weights():
    net = bl.Network([bl.Dense(2, 3, "identity"), bl.Dense(3, 1)])
    theta = net.start(0, {"w1": [[1.0] * 3] * 2, "b1": 0.0, "w2": [[1.0]] * 3, "b2": 0.0}, np.float64)
    t = bl.trace(net, theta, [[1.0, 1.0]], [[0.0]])  # every w2 gets 2 times what the others get
    names = [net.weight_name(i) for i in t.ranking.tolist()]
    assert names == ["w2[1, 1]", "w2[2, 1]", "w2[3, 1]", *net.weight_names()[:9], "b2[1]"]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1))
def test_factors_know_where_they_are(seed):
    """Their numbers are those of the names that they are written with."""
    draw = Draw(seed, n=1)
    t = bl.trace(draw.net, draw.theta, draw.X, draw.Y)
    for i in np.random.default_rng(seed).choice(draw.net.size, min(5, draw.net.size), replace=False):
        for path in t[draw.net.weight_name(i)].chain().paths:
            assert path.factors[0].symbol == f"∂E/∂s[{path.factors[0].unit}]"
            assert path.factors[0].layer == len(draw.net.numbered)
            for one in path.factors[1:]:
                stage = draw.net.numbered[one.layer - 1]
                if one.kind == "link.weight" and one.layer > 1:
                    assert one.symbol == f"w{one.layer}[{stage.parents[one.source - 1]}, {stage.units[one.unit - 1]}]"
                elif one.kind == "link.slope":
                    assert one.symbol.endswith(f"/∂z{one.layer}[{stage.units[one.unit - 1]}]")
                elif one.kind == "link.input" and one.source:
                    parent = stage.parents[one.source - 1]
                    came = f"a{stage.below}[{parent}]" if stage.below else parent
                    assert one.symbol == came or one.symbol.startswith(f"{came}#")
