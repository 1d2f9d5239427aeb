"""The native engine: it agrees with the float64 reference within bounds that are derived, and its bits never change."""

import dataclasses
import gc
import multiprocessing
import os
import time
import zlib
from dataclasses import dataclass
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
import rounding
from hypothesis import Phase, assume, given, settings

import backlit as bl
from backlit.core import rng
from backlit.core.activations import ACTIVATIONS
from backlit.core.losses import LOSSES, Quantile
from backlit.core.optimizers import OPTIMIZERS, RMSprop
from backlit.engines import native
from backlit.engines.native import NativeEngine
from backlit.engines.protocol import Batches
from backlit.engines.reference import ReferenceEngine
from backlit.errors import DivergedError
from backlit.training import StepsDone

if native.missing() and os.environ.get("BACKLIT_REQUIRE_ENGINE") == "1":
    raise RuntimeError(f"BACKLIT_REQUIRE_ENGINE is 1, but the native engine cannot run: {native.missing()}")
if native.missing():
    pytest.skip(f"the native engine cannot run: {native.missing()}", allow_module_level=True)

SETS = native._native.instruction_sets()
F32 = np.dtype(np.float32)
EDGES = (-1.0, -0.3, 0.1, 0.5, 1.2)
PHASES = [phase for phase in Phase if phase.name != "explain"]


# --- agreement with the reference --------------------------------------------------------------------------------

WIDTHS = [1, 2, 3, 4, 5, 15, 16, 17, 33, 63, 64, 65, 70]
KINDS = [
    *({"activation": name} for name in ACTIVATIONS),
    *({"loss": name} for name in LOSSES),
    *({"optimizer": name} for name in OPTIMIZERS),
]


@dataclass
class Case:
    net: bl.Network
    optimizer: Any
    X: np.ndarray
    Y: np.ndarray
    weights: np.ndarray | None
    theta: np.ndarray
    batch: int
    rate: float
    seed: int

    def _repr_pretty_(self, printer, cycle):
        """What Hypothesis prints of one that fails: short enough to read."""
        facts = (self.net.layers, self.net.loss, self.optimizer, self.X.shape, self.batch, self.rate, self.seed)
        printer.text(", ".join(map(repr, facts))[:3000])

    def data(self, dtype) -> bl.Data:
        """The same numbers in each float type."""
        single = bl.Data(self.X, self.Y, self.weights, rows=np.arange(len(self.X))[::-1] * 5)
        data = bl.Data(self.X.astype(dtype), self.Y.astype(dtype), rows=single.rows)
        if single.weights is not None:
            object.__setattr__(data, "weights", single.weights.astype(dtype))
        return data

    def state(self, dtype) -> Any:
        how = bl.Settings(optimizer=self.optimizer, batch_size=self.batch)
        return bl.begin(self.net, self.data(dtype), how, theta=self.theta.astype(dtype), seed=self.seed)


@st.composite
def cases(draw, activation=None, loss=None, optimizer=None):
    """A network of any pieces, unless one is given, with its rows."""
    one_in = lambda n: draw(st.integers(1, n)) == n
    pick = lambda choices: draw(st.sampled_from([*choices]))
    numbers = np.random.default_rng(seed := draw(st.integers(0, 2**32 - 1)))
    a_function = lambda: activation or pick(ACTIVATIONS)

    kind = LOSSES[loss or pick(LOSSES)]
    facts = {"scale": pick([1.0, 0.5]), "reduction": pick(["mean", "mean", "sum"])}
    if "label_smoothing" in kind.__dataclass_fields__:
        facts["label_smoothing"] = pick([0.0, 0.1])
    if kind is Quantile:
        facts["levels"] = tuple(np.linspace(0.1, 0.9, draw(st.integers(1, 6))))
    of = kind(**facts)
    outputs = len(of.levels) if kind is Quantile else draw(st.integers(2 if kind.name == "cross_entropy" else 1, 6))

    n = draw(st.integers(1, 140))
    width = d = 130 if one_in(10) else pick(WIDTHS)
    X = numbers.normal(size=(n, d)).astype(F32)
    layers: list[Any] = []
    if encoded := one_in(2):
        edges, bins = [], pick([1, 2, 5, 40])
        for i in range(d):
            own = tuple(np.unique(numbers.normal(size=bins + 1).astype(pick_type(numbers)).astype(float)))
            edges.append(own if numbers.random() < 0.5 and len(own) > 1 else ())
            if edges[-1]:  # some on an edge, some beyond the outer ones
                on = numbers.random(n) < 0.3
                X[on, i] = numbers.choice(own, on.sum())
            elif numbers.random() < 0.7:  # several columns that are mostly zero: seldom, or never, two in a row
                X[:, i] *= (np.arange(n) % 3 == i % 3) | (numbers.random(n) < 0.01)
        layers = [bl.PiecewiseLinear(tuple(edges))]
        width = len(layers[0].units(tuple(map(str, range(d)))))
    else:
        if one_in(3):
            layers.append(bl.Dropout(0.2))
        if one_in(4) and d > 1:
            layers.append(bl.LayerNorm(d))
    for _ in range(draw(st.integers(encoded and not layers[1:], 2))):
        units = 130 if one_in(15) else pick(WIDTHS)
        how = {"bias_rate": pick([0.0, 0.3, 2.0]), "bias_decay": pick([0.0, 0.5])} if one_in(3) else {}
        layers.append(bl.Dense(width, units, a_function(), **how))
        width = units
        if one_in(4) and width > 1:
            layers.append(bl.LayerNorm(width))
        if one_in(3):
            layers += [bl.Dropout(0.5), bl.Dropout(0.1)][: draw(st.integers(1, 2))]
    layers.append(bl.Dense(width, outputs, a_function() if one_in(3) else "identity"))
    if one_in(8):
        layers.append(bl.Dropout(0.3) if outputs == 1 or one_in(2) else bl.LayerNorm(outputs))
    net = bl.Network(layers, of)

    Y = {
        "cross_entropy": lambda: numbers.integers(0, outputs, (n, 1)),
        "binary_cross_entropy": lambda: numbers.integers(0, 2, (n, outputs)),
        "poisson": lambda: numbers.poisson(2.0, (n, outputs)),
    }.get(kind.name, lambda: numbers.normal(size=(n, 1 if kind is Quantile else outputs)))()
    changes = {"weight_decay": pick([0.0, 0.05]), "clip_norm": pick([None, 0.1, 1e3])}
    how = dataclasses.replace(
        bl.core.registry.resolve("optimizer", OPTIMIZERS, optimizer or pick(OPTIMIZERS)), **changes
    )
    theta = net.start(seed) + 0.1 * numbers.normal(size=net.size).astype(F32)
    weights = numbers.uniform(0.5, 1.5, n) if one_in(3) else None
    batch = draw(st.integers(1, n))
    return Case(net, how, X, Y.astype(F32), weights, theta, batch, pick([2.0**-10, 1e-3]), seed)


def pick_type(numbers):
    """Edges that float32 has, or has not."""
    return numbers.choice([np.float32, np.float64])


def assert_within(what: str, found: Any, bound: rounding.Rounded, exact: Any) -> None:
    """`exact` is the reference's; that the bound's own exact value is the same tells that it bounds the right thing."""
    np.testing.assert_allclose(bound.value, exact, rtol=1e-8, atol=1e-9, err_msg=f"the bound of {what}")
    off = np.abs(np.asarray(found, float) - exact)
    worst = np.argmax(off - bound.error)
    a, b, gap, most = (float(np.ravel(x)[worst]) for x in (found, exact, off, bound.error))
    assert np.all(off <= bound.error), f"{what}: {a} is {gap:.3g} from the reference's {b}, more than {most:.3g}"


def ten_steps(case: Case) -> tuple[Batches, list[Any]]:
    """Ten batches, the last one short, together and one by one."""
    positions = np.random.default_rng(case.seed).permutation(np.tile(np.arange(len(case.X)), 10))
    batches = Batches(positions[: 9 * case.batch + (case.batch + 1) // 2], case.batch)
    return batches, [Batches(batch, case.batch) for batch in batches]


def bounded(case: Case, at: rounding.Moment, state: Any, data: bl.Data, batch: np.ndarray):
    [key] = rng.step_keys(case.seed, state.step, data.rows[batch], len(batch))
    weights = None if data.weights is None else data.weights[batch]
    return rounding.step(case.net, case.optimizer, at, data.X[batch], data.Y[batch], weights, key, case.rate)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: "-".join(kind.values()))
def test_agreement(kind):
    """Scores, every slot of the gradient, E, its length, theta and memory: after one step, and after ten.

    Tolerances are those of rounding.py: derived, for each number its own. Each of ten steps starts from what the engine
    made of the one before, so none is looser than one step's rounding; and ten steps in a row are compared under the
    bound carried through all ten. The gradient is read off Momentum's v after the first step.
    """

    @settings(
        max_examples=12, deadline=None, derandomize=True, database=None, report_multiple_bugs=False, phases=PHASES
    )
    @given(case=cases(**kind))
    def check(case):
        check_case(case)

    check()


def check_case(case):
    engine, reference = NativeEngine(1), ReferenceEngine()
    single, double = case.data(np.float32), case.data(np.float64)
    net, optimizer = case.net, case.optimizer
    assert engine.supports(net, optimizer, F32), engine.lacks(net, optimizer, F32)
    state, rates = case.state(np.float32), np.full(10, case.rate)
    batches, each = ten_steps(case)
    start = dataclasses.replace(state, theta=state.theta.astype(float))

    exact_ten, exact_figures = reference.run(net, optimizer, case.state(np.float64), double, batches, rates)
    assume(len(exact_figures.E) == 10 and max(map(max, exact_figures)) < 1e6)  # what diverges is tested elsewhere

    p = [[rounding.exact(w) for w in p] for p in net.split(start.theta)]
    S, _ = rounding.forward(net, p, double.X, None)
    assert_within(
        "scores", engine.predict(net, state.theta, single.X), S, reference.predict(net, start.theta, double.X)
    )

    momentum = bl.Momentum()
    begun = dataclasses.replace(state, memory=momentum.init(state.theta))
    after, _ = NativeEngine(1).run(net, momentum, begun, single, each[0], rates[:1])
    begun = dataclasses.replace(start, memory=momentum.init(start.theta))
    exact, _ = reference.run(net, momentum, begun, double, each[0], rates[:1])
    _, seen = bounded(case, rounding.Moment.of(start), start, double, each[0].positions)
    for slot in net.layout():
        s = slice(slot.start, slot.stop)
        assert_within(f"gradient of {slot.name}", after.memory["v"][s], seen["gradient"][s], exact.memory["v"][s])

    carried = rounding.Moment.of(case.state(np.float64))
    ten, figures = engine.run(net, optimizer, state, single, batches, rates)
    for i, batch in enumerate(each):
        memory = {k: v if k == "t" else v.astype(float) for k, v in state.memory.items()}
        start = dataclasses.replace(state, theta=state.theta.astype(float), memory=memory)
        exact, (E, gradient_norm) = reference.run(net, optimizer, start, double, batch, rates[:1])
        state, own = engine.run(net, optimizer, state, single, batch, rates[:1])
        after, seen = bounded(case, rounding.Moment.of(start), start, double, batch.positions)
        assert (own.E[0], own.gradient_norm[0]) == (figures.E[i], figures.gradient_norm[i])
        assert_within(f"E at step {i}", own.E, seen["E"], E)
        assert_within(f"gradient_norm at step {i}", own.gradient_norm, seen["gradient_norm"], gradient_norm)
        assert_within(f"theta after step {i}", state.theta, after.theta, exact.theta)
        assert state.memory.keys() == exact.memory.keys()
        for name in exact.memory:
            if name == "t":
                assert state.memory[name] == exact.memory[name]
            else:
                assert_within(f"{name} after step {i}", state.memory[name], after.memory[name], exact.memory[name])
        carried, _ = bounded(case, carried, start, double, batch.positions)
    np.testing.assert_array_equal(ten.theta, state.theta)
    assert_within("theta after ten steps", ten.theta, carried.theta, exact_ten.theta)


@pytest.mark.parametrize(("name", "walk"), [("sgd", 3e-3), ("nesterov", 1e-3), ("adam", 5e-2)])
def test_the_bounds_are_tight(name, walk):
    """Or else a wrong formula might pass: here a slot's gradient is bounded to 2e-4 of its length.

    And ten steps to a share of their way; Adam's to most, for it magnifies what is uncertain in a derivative near 0.
    """
    numbers = np.random.default_rng(0)
    X, Y = numbers.normal(size=(50, 5)).astype(F32), numbers.integers(0, 3, (50, 1)).astype(F32)
    net = bl.Network([bl.Dense(5, 17, "gelu"), bl.Dropout(0.2), bl.Dense(17, 3)], "cross_entropy")
    optimizer = bl.core.registry.resolve("optimizer", OPTIMIZERS, name)
    case = Case(net, optimizer, X, Y, None, net.start(0), 50, 1e-3, 0)
    data, state = case.data(np.float64), case.state(np.float64)
    moment = rounding.Moment.of(state)
    for i, batch in enumerate(ten_steps(case)[1]):
        moment, seen = bounded(case, moment, dataclasses.replace(state, step=i), data, batch.positions)
        for slot in net.layout() if i == 0 else ():
            g = seen["gradient"][slot.start : slot.stop]
            assert np.linalg.norm(g.error) < 2e-4 * np.linalg.norm(g.value), slot.name
    assert np.linalg.norm(moment.theta.error) < walk * np.linalg.norm(moment.theta.value - state.theta)


# --- the same bits everywhere ------------------------------------------------------------------------------------


def bits(net, data, how, threads=1, isa=None, stretch=None, theta=None):
    """The bytes of theta, the memory and all figures after a run."""
    with pytest.MonkeyPatch.context() as patch:
        if isa:
            patch.setenv("BACKLIT_ISA", isa)
        state = bl.begin(net, data, how, seed=5, theta=theta)
        *events, end = bl.train(net, data, how, state=state, engine=NativeEngine(threads), stretch=stretch)
    figures = [event.figures for event in events if isinstance(event, StepsDone)]
    state = end.state
    memory = {k: v if k == "t" else v.tobytes() for k, v in state.memory.items()}
    return state.step, state.theta.tobytes(), memory, *(np.concatenate(parts).tobytes() for parts in zip(*figures))


def table(loss, n=237, d=6, outputs=3):
    draw = np.random.default_rng(1)
    X = draw.normal(size=(n, d)).astype(F32)
    Y = {
        "cross_entropy": draw.integers(0, outputs, (n, 1)),
        "binary_cross_entropy": draw.integers(0, 2, (n, outputs)),
        "poisson": draw.poisson(2.0, (n, outputs)),
        "quantile": draw.normal(size=(n, 1)),
    }.get(loss, draw.normal(size=(n, outputs)))
    return X, Y.astype(F32)


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
    data = bl.Data(X, Y, np.linspace(0.5, 1.5, len(X)) if kind else None)
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
        assert native.missing() == f"BACKLIT_ISA is 'sse2', and this processor has {' and '.join(SETS)}"
        for isa in SETS:
            monkeypatch.setenv("BACKLIT_ISA", isa)
            native.missing.cache_clear()
            assert native.missing() == ""
            assert native.instruction_set() == isa
    finally:
        monkeypatch.undo()
        native.missing.cache_clear()


# --- divergence --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "optimizer", [bl.SGD(), bl.SGD(clip_norm=1e30), bl.Momentum(), bl.Nesterov(), RMSprop(), bl.Adam()]
)
@pytest.mark.parametrize("activation", ["relu", "tanh", "softplus"])
def test_what_diverges_stops_before_the_step_that_did(activation, optimizer):
    """With the bits of a run of the steps before; and the engine goes on to work."""
    X, Y = table("squared_error", 50, 3, 2)
    net, data = bl.Network.dense(3, [5, 6], 2, activation), bl.Data(X, Y)
    state = bl.begin(net, data, bl.Settings(optimizer, batch_size=5), seed=1)
    batches = Batches(np.arange(50), 5)
    slow, fast = np.full(10, 1e-3), np.full(10, 1e-3)
    fast[3:] = 1e30
    engine = NativeEngine(1)
    calm = engine.run(net, optimizer, state, data, batches, slow)
    after, figures = engine.run(net, optimizer, state, data, batches, fast)
    done = after.step
    assert 4 <= done < 10
    assert after.used == 5 * done
    assert len(figures.E) == len(figures.gradient_norm) == done + 1
    assert np.isfinite(figures.E[:done]).all()
    assert np.isfinite(figures.gradient_norm[:done]).all()
    assert not np.isfinite(figures.E[done] + figures.gradient_norm[done])
    only, same = NativeEngine(1).run(net, optimizer, state, data, Batches(np.arange(5 * done), 5), fast[:done])
    assert_same_state(only, after)
    np.testing.assert_array_equal(np.array(same), np.array(figures)[:, :done])
    again, its = engine.run(net, optimizer, state, data, batches, slow)
    assert_same_state(again, calm[0])
    np.testing.assert_array_equal(np.array(its), np.array(calm[1]))


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
        list(bl.train(net, data, how, engine="native", stretch=stretch))
    error = caught.value
    assert error.state.step == error.step > 0
    *_, same = bl.train(net, data, dataclasses.replace(how, max_steps=error.step), engine="native")
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
        assert reason in engine.lacks(net, optimizer, dtype)
        assert not engine.supports(net, optimizer, dtype)
    assert engine.lacks(bl.Network([edges, bl.Dense(4, 1)]), sgd, F32) == ""


@pytest.mark.parametrize("optimizer", [bl.Momentum(), bl.Nesterov(), RMSprop(), bl.Adam()])
def test_tiny_memory_becomes_zero(optimizer):
    """Where inputs are 0 the memory of their weights fades: from just above 1e-30 to 0, from 1e-20 not yet."""
    net = bl.Network.dense(2, [5])
    data = bl.Data(np.zeros((4, 2), F32), np.ones(4, F32))
    state = bl.begin(net, data, bl.Settings(optimizer, batch_size=4))
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
    data, theta = bl.Data(X, Y), net.start(1)
    state = bl.begin(net, data, bl.Settings("sgd"), theta=theta)
    E = NativeEngine(1).run(net, bl.SGD(), state, data, Batches(np.arange(40), 1), np.zeros(40))[1].E
    np.testing.assert_array_equal(E, np.square(NativeEngine(1).predict(net, theta, X) - Y)[:, 0])


def test_inputs_are_left_as_they_were():
    X, Y = table("squared_error")
    net, data = bl.Network.dense(6, [5], 3), bl.Data(X, Y)
    how = bl.Settings("adam", batch_size=37)
    state = bl.begin(net, data, how)
    before = state.theta.copy(), state.memory["m"].copy(), X.copy()
    NativeEngine(1).run(net, how.optimizer, state, data, Batches(np.arange(237), 37), np.full(7, 0.1))
    for now, then in zip((state.theta, state.memory["m"], X), before):
        np.testing.assert_array_equal(now, then)
    assert state.memory["t"] == 0


def test_memory():
    X, Y = table("squared_error")
    engine, adam = NativeEngine(1), bl.Adam()
    net = bl.Network([bl.PiecewiseLinear((EDGES,) * 6), bl.Dense(24, 17), bl.Dense(17, 3)])
    facts = engine.memory(net, adam, bl.Data(X, Y), 37)
    assert facts["bins"] == 237 * 6 * 2
    assert 4 * 4 * net.size < facts["arena"] < 1e6  # theta, gradient, m and v at least
    assert engine.memory(net, adam, bl.Data(X, Y), 100)["arena"] > facts["arena"]
    assert engine.memory(bl.Network.dense(6, [5], 3), adam, bl.Data(X, Y), 37)["bins"] == 0


def in_a_child(engine, net, data, how, answer):
    """What a forked child does with its parent's engine, and with engines of its own."""
    *_, end = bl.train(net, data, how, engine=engine, stretch=16)
    small = bl.Network.dense(100, [4], 3, loss="cross_entropy")
    list(bl.train(small, data, how, engine=engine))  # lays out another session in place of the parent's
    *_, own = bl.train(net, data, how, engine=NativeEngine(2), stretch=16)
    answer.put([zlib.crc32(state.theta) for state in (end.state, own.state)])  # more would not fit into a pipe


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("first", ["train", "drop"])
def test_a_forked_process_trains_too(first):
    """Its parent's team of threads is not there any more, neither to work nor to be waited for."""
    net, data = wide(0)
    how = bl.Settings("adam", batch_size=100, epochs=2)
    engine = NativeEngine(2)
    *_, here = bl.train(net, data, how, engine=engine, stretch=16)
    context = multiprocessing.get_context("fork")
    answer = context.SimpleQueue()
    if first == "train":
        child = context.Process(target=in_a_child, args=(engine, net, data, how, answer))
    else:
        child = context.Process(
            target=lambda: (setattr(engine, "_laid_out", ((), None)), gc.collect(), answer.put(None))
        )
    child.start()
    child.join(20)
    hangs = child.is_alive()
    child.kill()
    assert not hangs
    assert child.exitcode == 0
    if first == "train":
        assert answer.get() == [zlib.crc32(here.state.theta)] * 2


def test_it_is_worth_having():
    """A loose bound, in the processor's own time: some fifteen times as fast as the reference is usual here."""
    net, optimizer, n = bl.Network.dense(8, [64, 64]), bl.Adam(), 3200
    draw = np.random.default_rng(0)
    data = bl.Data(draw.normal(size=(n, 8)).astype(np.float32), draw.normal(size=n).astype(np.float32))
    state = bl.begin(net, data, bl.Settings(optimizer, batch_size=32))
    batches, rates = Batches(np.arange(n), 32), np.full(n // 32, 1e-3)

    def seconds(engine):
        took = []
        for _ in range(5):
            began = time.process_time()
            engine.run(net, optimizer, state, data, batches, rates)
            took.append(time.process_time() - began)
        return min(took)

    assert 3 * seconds(NativeEngine(threads=1)) < seconds(ReferenceEngine())
