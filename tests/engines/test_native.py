"""The native engine agrees with the float64 reference, within bounds that are derived."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
import rounding
from checks import need_native
from hypothesis import Phase, assume, given, settings

import backlit as bl
from backlit.core import rng
from backlit.core.activations import ACTIVATIONS
from backlit.core.layers import LAYERS
from backlit.core.losses import LOSSES, Quantile
from backlit.core.optimizers import OPTIMIZERS
from backlit.engines import native
from backlit.engines.native import NativeEngine
from backlit.engines.protocol import Batches
from backlit.engines.reference import ReferenceEngine
from backlit.training import begin

need_native()

F32 = np.dtype(np.float32)
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

    def rows(self, dtype) -> bl.Rows:
        """The same numbers in each float type."""
        numbers = np.arange(len(self.X))[::-1] * 5
        weights = bl.Rows(bl.Data(self.X, self.Y), weights=self.weights).weights
        return bl.Rows(bl.Data(self.X.astype(dtype), self.Y.astype(dtype), numbers), weights=weights, scaled=True)

    def state(self, dtype) -> Any:
        how = bl.Settings(optimizer=self.optimizer, batch_size=self.batch)
        return begin(bl.Plan(self.net, self.rows(dtype), how), theta=self.theta.astype(dtype), seed=self.seed)


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


def bounded(case: Case, at: rounding.Moment, state: Any, rows: bl.Rows, batch: np.ndarray):
    [key] = rng.step_keys(case.seed, state.step, rows.rows[batch], len(batch))
    some = rows.at(batch)
    return rounding.step(case.net, case.optimizer, at, some.X, some.Y, some.weights, key, case.rate)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: "-".join(kind.values()))
def test_agreement(kind):
    """Scores, every slot of the gradient, the figures, theta and memory: after one step, and after ten.

    Tolerances are those of rounding.py: derived, for each number its own. Each of ten steps starts from what the engine
    made of the one before, so none is looser than one step's rounding; and ten steps in a row are compared under the
    bound carried through all ten.
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
    single, double = case.rows(np.float32), case.rows(np.float64)
    net, optimizer = case.net, case.optimizer
    assert not engine.lacks(net, optimizer, F32)
    state, rates = case.state(np.float32), np.full(10, case.rate)
    batches, each = ten_steps(case)
    start = dataclasses.replace(state, theta=state.theta.astype(float))

    exact_ten, exact_figures = reference.run(net, optimizer, case.state(np.float64), double, batches, rates)
    assume(len(exact_figures.E) == 10 and max(map(np.max, exact_figures)) < 1e6)  # what diverges is tested elsewhere

    p = [[rounding.exact(w) for w in p] for p in net.split(start.theta)]
    S, _ = rounding.forward(net, p, double.X, None)
    assert_within(
        "scores", engine.predict(net, state.theta, single.X), S, reference.predict(net, start.theta, double.X)
    )

    first = each[0].positions
    [key] = rng.step_keys(case.seed, state.step, double.rows[first], len(first))
    gradient = engine.gradient(net, state.theta, single.at(first), key)
    exact_gradient = reference.gradient(net, start.theta, double.at(first), key)
    _, seen = bounded(case, rounding.Moment.of(start), start, double, first)
    for slot in net.layout():
        s = slice(slot.start, slot.stop)
        assert_within(f"gradient of {slot.name}", gradient[s], seen["gradient"][s], exact_gradient[s])

    carried = rounding.Moment.of(case.state(np.float64))
    ten, figures = engine.run(net, optimizer, state, single, batches, rates)
    for i, batch in enumerate(each):
        memory = {k: v if k == "t" else v.astype(float) for k, v in state.memory.items()}
        start = dataclasses.replace(state, theta=state.theta.astype(float), memory=memory)
        exact, told = reference.run(net, optimizer, start, double, batch, rates[:1])
        state, own = engine.run(net, optimizer, state, single, batch, rates[:1])
        after, seen = bounded(case, rounding.Moment.of(start), start, double, batch.positions)
        for name in told._fields:
            np.testing.assert_array_equal(getattr(own, name)[0], getattr(figures, name)[i])
            assert_within(f"{name} at step {i}", getattr(own, name)[0], seen[name], getattr(told, name)[0])
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
    data, state = case.rows(np.float64), case.state(np.float64)
    moment = rounding.Moment.of(state)
    for i, batch in enumerate(ten_steps(case)[1]):
        moment, seen = bounded(case, moment, dataclasses.replace(state, step=i), data, batch.positions)
        for slot in net.layout() if i == 0 else ():
            g = seen["gradient"][slot.start : slot.stop]
            assert np.linalg.norm(g.error) < 2e-4 * np.linalg.norm(g.value), slot.name
        for figure in (seen["update_norm"], seen["layer_gradient_norm"]) if i == 0 else ():
            assert np.all(figure.error < walk * figure.value)
        assert np.all(seen["stuck"].error == 0)
    assert np.linalg.norm(moment.theta.error) < walk * np.linalg.norm(moment.theta.value - state.theta)


SHARED = {"optimizer": {"weight_decay", "clip_norm"}, "loss": {"scale", "reduction", "levels"}}


def test_the_engine_declares_the_numbers_of_every_piece_by_their_names_in_python():
    """So a field that is added in Python alone is noticed here."""
    engine = native._native
    assert set(engine.LAYERS) == {*LAYERS}
    assert {*engine.ACTIVATIONS} == {*ACTIVATIONS}
    for what, registry, declared in (("optimizer", OPTIMIZERS, engine.OPTIMIZERS), ("loss", LOSSES, engine.LOSSES)):
        kinds = {entry if isinstance(entry, type) else type(entry) for entry in registry.values()}
        assert {kind.name for kind in kinds} == {*declared}
        for kind in kinds:
            fields = {field.name for field in dataclasses.fields(kind)} - SHARED[what]
            assert fields == {*declared[kind.name]}, kind
