"""What the native engine promises beside its agreement: the same bits everywhere, a clean stop, and some more."""

import dataclasses
import gc
import multiprocessing
import os
import zlib
from typing import Any

import numpy as np
import pytest
from checks import need_native, random_targets

import backlit as bl
from backlit.core import rng
from backlit.core.activations import ACTIVATIONS
from backlit.core.losses import LOSSES
from backlit.core.optimizers import OPTIMIZERS, RMSprop
from backlit.engines import native
from backlit.engines.native import NativeEngine
from backlit.engines.protocol import Batches
from backlit.engines.reference import ReferenceEngine
from backlit.errors import DivergedError
from backlit.training import StepsDone, begin
from backlit.words import Remark

need_native()

SETS = native._native.instruction_sets()
F32 = np.dtype(np.float32)
EDGES = (-1.0, -0.3, 0.1, 0.5, 1.2)


# --- the same bits everywhere ------------------------------------------------------------------------------------


def bits(net, data, how, threads=1, isa=None, stretch=None, theta=None):
    """The bytes of theta, the memory and all figures after a run."""
    with pytest.MonkeyPatch.context() as patch:
        if isa:
            patch.setenv("BACKLIT_ISA", isa)
        state = begin(bl.Plan(net, data, how), seed=5, theta=theta)
        *events, end = bl.train(bl.Plan(net, data, how, engine=NativeEngine(threads)), state, stretch=stretch)
    figures = [event.figures for event in events if isinstance(event, StepsDone)]
    state = end.state
    memory = {k: v if k == "t" else v.tobytes() for k, v in state.memory.items()}
    return state.step, state.theta.tobytes(), memory, *(np.concatenate(parts).tobytes() for parts in zip(*figures))


def table(loss, n=237, d=6, outputs=3):
    draw = np.random.default_rng(1)
    return draw.normal(size=(n, d)).astype(F32), random_targets(LOSSES[loss](), n, outputs, draw).astype(F32)


BATCHES = (1, 7, 37, 100)
COVER = [  # every activation, loss, optimizer and batch with dropout and without
    (activation, [*LOSSES][i % 7], [*OPTIMIZERS][i % 6], BATCHES[i % 4], dropout, (i + dropout) % 3)
    for dropout in (0, 1)
    for i, activation in enumerate(ACTIVATIONS)
]


def test_the_cover_is_one():
    for place, choices in enumerate((ACTIVATIONS, LOSSES, OPTIMIZERS, BATCHES)):
        for choice in choices:
            assert {dropout for *pieces, dropout, _ in COVER if pieces[place] == choice} == {0, 1}, choice


@pytest.mark.parametrize(("activation", "loss", "optimizer", "batch", "dropout", "kind"), COVER)
def test_a_thousand_steps_end_with_the_same_bits(activation, loss, optimizer, batch, dropout, kind):
    X, Y = table(loss)
    layers: list[Any] = [bl.Dense(6, 17, activation)]
    if kind == 1:
        layers = [bl.PiecewiseLinear((EDGES, (), EDGES, (), EDGES, ())), bl.Dense(15, 17, activation)]
    if kind == 2:
        layers.append(bl.LayerNorm(17))
    layers += [bl.Dropout(0.3)] * dropout
    net = bl.Network([*layers, bl.Dense(17, 5, activation), bl.Dense(5, 3)], loss)
    how = bl.Settings(optimizer, 1e-3, "cosine", batch, None, max_steps=1000)
    if activation in ("elu", "selu") or loss == "poisson":
        how = dataclasses.replace(how, optimizer=dataclasses.replace(how.optimizer, clip_norm=1.0))
    data = bl.Rows(bl.Data(X, Y), weights=np.linspace(0.5, 1.5, len(X)) if kind else None)
    first = bits(net, data, how, isa=SETS[0], stretch=100)
    assert first[0] == 1000
    for isa in SETS:
        for threads, stretch in ((1, 100), (2, 7), (3, 100), (4, 1)):
            assert bits(net, data, how, threads, isa, stretch) == first, (isa, threads, stretch)
    assert bits(net, data, how) == first


def wide(kind):
    """So much work in a step that the threads of a team share it in some steps, whether or not that is faster."""
    layers: list[Any] = [bl.Dense(100, 130, "gelu"), bl.Dropout(0.2), bl.Dense(130, 130)]
    if kind:
        layers = [bl.PiecewiseLinear((EDGES,) * 80 + ((),) * 20), bl.Dense(340, 130), *layers[1:]]
    net = bl.Network([*layers, bl.LayerNorm(130), bl.Dense(130, 3)], "cross_entropy")
    X, Y = table("cross_entropy", 2085, 100)
    if kind:
        X[:, 80:] *= np.arange(2085)[:, None] % 20 == np.arange(20)
    return net, bl.Data(X, Y)


@pytest.mark.parametrize("kind", [0, 1])
def test_threads_that_share_a_step_change_no_bit(kind):
    net, data = wide(kind)
    how = bl.Settings(bl.Adam(weight_decay=0.01, clip_norm=0.5 if kind else None), 1e-3, batch_size=100, epochs=2)
    first = bits(net, data, how, isa=SETS[0])
    for isa in SETS:
        for threads, stretch in ((1, 7), (2, 16), (3, 100), (4, 16)):
            assert bits(net, data, how, threads, isa, stretch) == first, (isa, threads, stretch)


def test_the_environment_forces_an_instruction_set(monkeypatch):
    monkeypatch.setenv("BACKLIT_ISA", "sse2")
    native.missing.cache_clear()
    try:
        assert native.missing() == Remark("lacks.instruction_set", wish="sse2", sets=SETS)
        for isa in SETS:
            monkeypatch.setenv("BACKLIT_ISA", isa)
            native.missing.cache_clear()
            assert native.missing() is None
            assert native.instruction_set() == isa
    finally:
        monkeypatch.undo()
        native.missing.cache_clear()


# --- divergence --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "optimizer", [bl.SGD(), bl.SGD(clip_norm=1e30), bl.Momentum(), bl.Nesterov(), RMSprop(), bl.Adam()]
)
@pytest.mark.parametrize("activation", ["relu", "tanh", "softplus"])
def test_what_diverges_stops_before_the_step_that_did(activation, optimizer, monkeypatch):
    """With the bits of a run of the steps before; and the engine goes on to work."""
    X, Y = table("squared_error", 50, 3, 2)
    net, data = bl.Network.dense(3, [5, 6], 2, activation), bl.Rows(bl.Data(X, Y))
    state = begin(bl.Plan(net, data, bl.Settings(optimizer, batch_size=5)), seed=1)
    batches = Batches(np.arange(50), 5)
    slow, fast = np.full(10, 1e-3), np.full(10, 1e-3)
    fast[3:] = 1e30
    engine = NativeEngine(1)
    calm = engine.run(net, optimizer, state, data, batches, slow)
    after, figures = engine.run(net, optimizer, state, data, batches, fast)
    done = after.step
    assert 4 <= done < 10
    assert after.used == 5 * done
    for figure in figures:
        assert len(figure) == done + 1
    assert np.isfinite(figures.E[:done]).all()
    assert np.isfinite(figures.gradient_norm[:done]).all()
    assert not np.isfinite(figures.E[done] + figures.gradient_norm[done])
    assert np.isnan(figures.update_norm[done])
    assert (figures.update_norm[:done] > 0).all()
    only, same = NativeEngine(1).run(net, optimizer, state, data, Batches(np.arange(5 * done), 5), fast[:done])
    assert_same_state(only, after)
    assert_same_figures(same, figures.first(done))
    for isa in SETS:
        monkeypatch.setenv("BACKLIT_ISA", isa)
        ahead = Batches(np.arange(5 * done, 5 * done + 5), 5)
        _, last = NativeEngine(1).run(net, optimizer, only, data, ahead, fast[done : done + 1])
        assert_same_figures([f[0] for f in last], [f[done] for f in figures])
    again, its = engine.run(net, optimizer, state, data, batches, slow)
    assert_same_state(again, calm[0])
    assert_same_figures(its, calm[1])


def assert_same_figures(one, other):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


def assert_same_state(one, other):
    np.testing.assert_array_equal(one.theta, other.theta)
    for name in one.memory:
        np.testing.assert_array_equal(one.memory[name], other.memory[name])
    assert (one.step, one.used) == (other.step, other.used)


@pytest.mark.parametrize("stretch", [1, 7, None])
def test_divergence_is_told_as_by_the_reference(stretch):
    X, Y = table("squared_error", 50, 3, 1)
    net, data = bl.Network.dense(3, [5, 4]), bl.Data(X, Y)
    how = bl.Settings("sgd", 20.0, batch_size=5, epochs=100)
    with pytest.raises(DivergedError, match="training diverged at step") as caught:
        list(bl.train(bl.Plan(net, data, how, engine="native"), stretch=stretch))
    error = caught.value
    assert error.state.step == error.step > 0
    *_, same = bl.train(bl.Plan(net, data, dataclasses.replace(how, max_steps=error.step), engine="native"))
    assert_same_state(same.state, error.state)


# --- other promises ----------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Doubled(bl.Dense):
    """The same name, another class."""


class Other(RMSprop):
    """The same name, another class."""


def test_what_the_engine_lacks_is_named(monkeypatch):
    monkeypatch.setitem(ACTIVATIONS, "cubed", dataclasses.replace(ACTIVATIONS["tanh"], name="cubed"))
    edges = bl.PiecewiseLinear((EDGES,))
    engine, sgd = NativeEngine(1), bl.SGD()
    for layers, optimizer, dtype, reason in (
        ([bl.Dense(1, 1)], sgd, np.dtype(np.float64), "it computes in float32, and the data are float64"),
        ([bl.Dense(1, 1, "cubed")], sgd, F32, "it has no activation cubed"),
        ([Doubled(1, 1)], sgd, F32, "it has no Doubled"),
        ([bl.Dense(1, 1)], Other(), F32, "it has no Other"),
        ([bl.Dense(1, 1), edges, bl.Dense(4, 1)], sgd, F32, "PiecewiseLinear to come first and a Dense next"),
        ([edges, bl.Dropout(0.5), bl.Dense(4, 1)], sgd, F32, "PiecewiseLinear to come first and a Dense next"),
        ([edges, bl.LayerNorm(4), bl.Dense(4, 1)], sgd, F32, "PiecewiseLinear to come first and a Dense next"),
        ([bl.Dense(1, 2), *[bl.Dropout(0.5)] * 3, bl.Dense(2, 1)], sgd, F32, "it has no three dropouts in a row"),
    ):
        net = bl.Network(layers)
        assert reason in str(engine.lacks(net, optimizer, dtype))
    assert engine.lacks(bl.Network([edges, bl.Dense(4, 1)]), sgd, F32) is None


@pytest.mark.parametrize("optimizer", [bl.Momentum(), bl.Nesterov(), RMSprop(), bl.Adam()])
def test_tiny_memory_becomes_zero(optimizer):
    """Where inputs are 0 the memory of their weights fades: from just above 1e-30 to 0, from 1e-20 not yet."""
    net = bl.Network.dense(2, [5])
    data = bl.Rows(bl.Data(np.zeros((4, 2), F32), np.ones(4, F32)))
    state = begin(bl.Plan(net, data, bl.Settings(optimizer, batch_size=4)))
    for name, value in state.memory.items():
        if name != "t":
            value[:5], value[5:10] = 1.0001e-30, 1e-20
    ends = [
        engine.run(net, optimizer, state, data, Batches(np.arange(4), 4), np.array([1e-3]))[0]
        for engine in (NativeEngine(1), ReferenceEngine())
    ]
    for name in state.memory:
        if name != "t":
            for end in ends:
                assert np.all(end.memory[name][:5] == 0), name
                assert np.all(end.memory[name][5:10] > 0), name


def nets():
    yield bl.Network.dense(6, [17, 9], 3, "mish", dropout=0.5)
    yield bl.Network.dense(6, [], 2)
    layers = [
        bl.PiecewiseLinear((EDGES, (), EDGES, (), (), ())),
        bl.Dense(12, 130),
        bl.LayerNorm(130),
        bl.Dense(130, 4),
    ]
    yield bl.Network(layers)


@pytest.mark.parametrize("net", list(nets()), ids=["dense", "linear", "encoded"])
def test_scores_of_a_row_do_not_depend_on_the_others(net):
    engine, draw = NativeEngine(2), np.random.default_rng(3)
    theta = net.start(4)
    X = draw.normal(size=(5000, 6)).astype(F32)
    X[:, 3:] *= draw.random((5000, 3)) < 0.3
    whole = engine.predict(net, theta, X)
    assert whole.shape == (5000, net.outputs)
    assert whole.dtype == F32
    for n in (1, 5, 192, 193, 4097):
        np.testing.assert_array_equal(engine.predict(net, theta, X[-n:]), whole[-n:])
    for row in (0, 2500, 4999):
        np.testing.assert_array_equal(engine.predict(net, theta, X[row : row + 1]), whole[row : row + 1])
    assert engine.predict(net, theta, X[:0]).shape == (0, net.outputs)
    np.testing.assert_array_equal(engine.predict(net, theta, np.asfortranarray(X)), whole)
    np.testing.assert_array_equal(engine.predict(net, theta, np.repeat(X, 2, axis=0)[::2]), whole)
    np.testing.assert_array_equal(engine.predict(net, theta, X.astype(float)), whole)
    np.testing.assert_array_equal(engine.predict(net, theta.astype(float), X[:7]), whole[:7])


def test_training_feeds_forward_as_predict_does():
    """One row, one output, squared error: E is the square of what predict and the target differ by."""
    net = bl.Network([bl.PiecewiseLinear((EDGES, (), ())), bl.Dense(6, 17, "gelu"), bl.LayerNorm(17), bl.Dense(17, 1)])
    X, Y = table("squared_error", 40, 3, 1)
    data, theta = bl.Rows(bl.Data(X, Y)), net.start(1)
    state = begin(bl.Plan(net, data, bl.Settings("sgd")), theta=theta)
    E = NativeEngine(1).run(net, bl.SGD(), state, data, Batches(np.arange(40), 1), np.zeros(40))[1].E
    np.testing.assert_array_equal(E, np.square(NativeEngine(1).predict(net, theta, X) - Y)[:, 0])


@pytest.mark.parametrize("net", list(nets()), ids=["dense", "linear", "encoded"])
def test_the_gradient_is_that_of_the_reference_and_needs_no_step(net):
    """Of some rows and their weights; with a step's masks and without; and after one that was not finite."""
    X, Y = table("squared_error", 90, 6, net.outputs)
    rows = bl.Rows(bl.Data(X, Y), np.arange(20, 50), np.linspace(0.5, 2, 30)).at(np.array([44, 21, 30]))
    double = bl.Rows(bl.Data(X.astype(float), Y.astype(float)), rows.positions, rows.weights, scaled=True)
    theta, engine = net.start(2), NativeEngine(1)
    [key] = rng.step_keys(7, 5, rows.rows, 3)
    for masks in (None, key):
        gradient = engine.gradient(net, theta, rows, masks)
        exact = ReferenceEngine().gradient(net, theta.astype(float), double, masks)
        np.testing.assert_allclose(gradient, exact, rtol=1e-4, atol=1e-5 * np.abs(exact).max())
        assert not np.isfinite(engine.gradient(net, np.full_like(theta, 3e38), rows, masks)).all()
        np.testing.assert_array_equal(engine.gradient(net, theta, rows, masks), gradient)


def test_inputs_are_left_as_they_were():
    X, Y = table("squared_error")
    net, data = bl.Network.dense(6, [5], 3), bl.Rows(bl.Data(X, Y))
    how = bl.Settings("adam", batch_size=37)
    state = begin(bl.Plan(net, data, how))
    before = state.theta.copy(), state.memory["m"].copy(), X.copy()
    NativeEngine(1).run(net, how.optimizer, state, data, Batches(np.arange(237), 37), np.full(7, 0.1))
    for now, then in zip((state.theta, state.memory["m"], X), before):
        np.testing.assert_array_equal(now, then)
    assert state.memory["t"] == 0


def test_memory():
    X, Y = table("squared_error")
    engine, adam, rows = NativeEngine(1), bl.Adam(), bl.Rows(bl.Data(X, Y))
    net = bl.Network([bl.PiecewiseLinear((EDGES,) * 6), bl.Dense(24, 17), bl.Dense(17, 3)])
    facts = engine.memory(net, adam, rows, 37)
    assert facts["bins"] == 237 * 6 * 2
    assert 4 * 4 * net.size < facts["arena"] < 1e6  # theta, gradient, m and v at least
    assert engine.memory(net, adam, rows, 100)["arena"] > facts["arena"]
    assert engine.memory(bl.Network.dense(6, [5], 3), adam, bl.Rows(bl.Data(X, Y)), 37)["bins"] == 0


def test_the_bins_of_the_rows_are_there_once():
    """Whoever learns from some of the rows: other rows, other weights, another network on the same bins."""
    X, Y = table("squared_error")
    data = bl.Data(X, Y)
    engines = [NativeEngine(1) for _ in range(4)]
    binned = bl.PiecewiseLinear((EDGES,) * 6)
    for engine, positions, units in zip(engines, (None, np.arange(50), np.arange(20, 237), np.arange(9)), (9, 9, 9, 4)):
        net = bl.Network([binned, bl.Dense(24, units), bl.Dense(units, 3)])
        rows = bl.Rows(data, positions, None if positions is None else 1.0 + positions)
        assert engine.memory(net, bl.Adam(), rows, 5)["bins"] == 237 * 6 * 2
    other = bl.Network([bl.PiecewiseLinear(((), *(EDGES,) * 5)), bl.Dense(21, 3)])
    assert NativeEngine(1).memory(other, bl.Adam(), bl.Rows(data), 5)["bins"] == 2 * 237 * 6 * 2
    assert engines[0].memory(net, bl.Adam(), bl.Rows(data), 5)["bins"] == 237 * 6 * 2  # the other is gone


@pytest.mark.parametrize("binned", [False, True])
def test_some_rows_of_the_data_train_as_if_they_were_all(binned):
    """To the bit, clipped too, though other rows use inputs together that these do not."""
    draw = np.random.default_rng(2)
    X, Y = table("squared_error", 90, 6, 3)
    some = np.sort(draw.permutation(90)[:61])
    X[:, 3:] = np.eye(3)[draw.integers(0, 3, 90)]
    X[np.setdiff1d(np.arange(90), some), 3:] = 1
    weights = draw.uniform(0.5, 2, 61)
    first: list[Any] = (
        [bl.PiecewiseLinear((*(EDGES,) * 3, (), (), ())), bl.Dense(15, 8)] if binned else [bl.Dense(6, 8)]
    )
    net = bl.Network([*first, bl.Dropout(0.3), bl.Dense(8, 3)])
    how = bl.Settings(bl.Adam(clip_norm=0.5), 0.01, batch_size=7, epochs=3)
    alone = bl.Rows(bl.Data(X[some], Y[some], some), weights=weights)
    assert bits(net, bl.Rows(bl.Data(X, Y), some, weights), how) == bits(net, alone, how)


def in_a_child(engine, net, data, how, answer):
    """What a forked child does with its parent's engine, and with engines of its own."""
    *_, end = bl.train(bl.Plan(net, data, how, engine=engine), stretch=16)
    small = bl.Network.dense(100, [4], 3, loss="cross_entropy")
    list(bl.train(bl.Plan(small, data, how, engine=engine)))  # lays out another session in place of the parent's
    *_, own = bl.train(bl.Plan(net, data, how, engine=NativeEngine(2)), stretch=16)
    answer.put([zlib.crc32(state.theta) for state in (end.state, own.state)])  # more would not fit into a pipe


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("first", ["train", "drop"])
def test_a_forked_process_trains_too(first):
    """Its parent's team of threads is not there any more, neither to work nor to be waited for."""
    net, data = wide(0)
    how = bl.Settings("adam", batch_size=100, epochs=2)
    engine = NativeEngine(2)
    *_, here = bl.train(bl.Plan(net, data, how, engine=engine), stretch=16)
    context = multiprocessing.get_context("fork")
    answer = context.SimpleQueue()
    if first == "train":
        child = context.Process(target=in_a_child, args=(engine, net, data, how, answer))
    else:
        child = context.Process(
            target=lambda: (setattr(engine, "_laid_out", ((), None)), gc.collect(), answer.put(None))
        )
    child.start()
    child.join(60)
    hangs = child.is_alive()
    child.kill()
    assert not hangs
    assert child.exitcode == 0
    if first == "train":
        assert answer.get() == [zlib.crc32(here.state.theta)] * 2
