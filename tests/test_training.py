"""Training: going on equals never having stopped; limits, early stopping, divergence, Ctrl-C, and bad input."""

import math
from dataclasses import replace

import numpy as np
import pytest

import backlit as bl
from backlit.engines.choice import choose
from backlit.engines.protocol import Figures
from backlit.engines.reference import ReferenceEngine
from backlit.errors import ArgumentError, BacklitError, DataError, DivergedError, ShapeError, UnknownNameError
from backlit.training import EpochDone, StepsDone, Stopped, begin, evaluate

draw = np.random.default_rng(0)
X, Y = draw.normal(size=(50, 3)), draw.normal(size=(50, 1))
DATA, VALIDATION = bl.Data(X[:37], Y[:37]), bl.Data(X[37:], Y[37:])
NET = bl.Network.dense(3, [5, 4], activation="tanh", dropout=0.3)


def settings(**changes):
    return replace(
        bl.Settings(optimizer="adam", learning_rate=0.01, schedule="cosine", batch_size=5, epochs=6), **changes
    )


def run(settings, stretch=None, **keywords):
    return list(bl.train(bl.Plan(NET, DATA, settings, **keywords), stretch=stretch))


def assert_same(a, b):
    """Every bit of two states, but for the seconds nothing else."""
    np.testing.assert_array_equal(a.theta, b.theta)
    assert a.memory.keys() == b.memory.keys()
    for name in a.memory:
        np.testing.assert_array_equal(a.memory[name], b.memory[name])
    assert (a.seed, a.planned, a.step, a.epoch, a.used, a.patience_left) == (
        b.seed, b.planned, b.step, b.epoch, b.used, b.patience_left,
    )  # fmt: skip
    assert (a.best is None) == (b.best is None)
    if a.best is not None and b.best is not None:
        assert a.best[:2] == b.best[:2]
        np.testing.assert_array_equal(a.best.theta, b.best.theta)


# --- exactness ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw"])
def test_going_on_from_any_moment_equals_never_having_stopped(optimizer, dtype):
    """In the middle of an epoch and at its end, with dropout, early stopping and a schedule."""
    data, validation = (bl.Data(d.X.astype(dtype), d.Y.astype(dtype)) for d in (DATA, VALIDATION))
    how = settings(optimizer=optimizer, patience=3)
    events = list(bl.train(bl.Plan(NET, data, how, watch=validation), stretch=1))
    assert any(event.state.used not in (0, len(data)) for event in events)
    assert any(event.state.used == len(data) for event in events)
    for event in events[:-1]:
        *_, end = bl.train(bl.Plan(NET, data, how, watch=validation), event.state, stretch=4)
        assert_same(end.state, events[-1].state)
        assert end.reason == events[-1].reason


@pytest.mark.parametrize("stretch", [2, 3, 8, 100, None])
def test_the_stretch_changes_no_bit(stretch):
    one = run(settings(), watch=VALIDATION, stretch=1)
    other = run(settings(), watch=VALIDATION, stretch=stretch)
    assert_same(one[-1].state, other[-1].state)
    E = [np.concatenate([e.figures.E for e in events if isinstance(e, StepsDone)]) for events in (one, other)]
    np.testing.assert_array_equal(*E)
    errors = [[e.error for e in events if isinstance(e, EpochDone)] for events in (one, other)]
    assert errors[0] == errors[1]


def test_batches_cover_every_row_once_an_epoch():
    seen = []

    class Spy(ReferenceEngine):
        def run(self, net, optimizer, state, rows, batches, rates):
            seen.extend(batches)
            return super().run(net, optimizer, state, rows, batches, rates)

    run(settings(epochs=2), engine=Spy())
    assert [len(batch) for batch in seen] == 2 * [5, 5, 5, 5, 5, 5, 5, 2]
    first, second = (np.concatenate(seen[i : i + 8]) for i in (0, 8))
    np.testing.assert_array_equal(np.sort(first), np.arange(37))
    assert not np.array_equal(first, second)


def test_all_rows_at_once_are_plain_gradient_descent():
    net = bl.Network.dense(3, [4], activation="tanh")
    how = bl.Settings(optimizer="sgd", learning_rate=0.1, batch_size=None, epochs=5)
    theta = begin(bl.Plan(net, DATA, how)).theta
    *_, stopped = bl.train(bl.Plan(net, DATA, how))
    for _ in range(5):
        theta = theta - 0.1 * bl.value_and_grad(net, theta, DATA.X, DATA.Y)[1]
    np.testing.assert_array_equal(stopped.theta, theta)


def test_order_and_masks_belong_to_table_rows():
    """The same rows handed over in another order are used in the same order and under the same masks."""
    shuffled = np.random.default_rng(1).permutation(37)
    again = bl.Data(X[:37][shuffled], Y[:37][shuffled], rows=shuffled)
    *_, one = run(settings())
    *_, other = bl.train(bl.Plan(NET, again, settings()))
    assert_same(one.state, other.state)


def test_some_rows_of_the_data_train_as_if_they_were_all():
    """Their positions, numbers and weights are those of the rows; nothing of the others is used."""
    some, weights = np.array([40, 3, 11, 29, 8, 49, 17]), np.arange(1.0, 8.0)
    one = bl.Plan(NET, bl.Rows(bl.Data(X, Y), some, weights), settings(), watch=bl.Rows(bl.Data(X, Y), np.arange(9)))
    alone = bl.Rows(bl.Data(X[some], Y[some], rows=some), weights=weights)
    other = bl.Plan(NET, alone, settings(), watch=bl.Data(X[:9], Y[:9]))
    np.testing.assert_array_equal(one.learn.rows, some)
    np.testing.assert_array_equal(one.learn.at(some[2:4]).weights, weights[2:4] * 7 / weights.sum())
    assert_same(*(list(bl.train(plan))[-1].state for plan in (one, other)))


def test_weights_of_two_count_like_rows_that_stand_twice():
    net = bl.Network.dense(3, [4])
    weights = np.array([2.0, 1.0] * 18 + [1.0])
    doubled = np.repeat(np.arange(37), weights.astype(int))
    how = bl.Settings(optimizer="sgd", learning_rate=0.1, batch_size=None, epochs=3)
    *_, weighted = bl.train(bl.Plan(net, bl.Rows(bl.Data(X[:37], Y[:37]), weights=weights), how))
    *_, repeated = bl.train(bl.Plan(net, bl.Data(X[doubled], Y[doubled]), how))
    np.testing.assert_allclose(weighted.theta, repeated.theta, rtol=1e-12)


def test_biases_with_rate_0_stay():
    net = bl.Network([bl.Dense(3, 2, "tanh", bias_rate=0), bl.Dense(2, 1)])
    theta = net.start(0, {"b1": 0.7}, np.float64)
    how = settings(optimizer=bl.Adam(weight_decay=0.1))
    *_, stopped = bl.train(bl.Plan(net, DATA, how), begin(bl.Plan(net, DATA, how), theta=theta))
    np.testing.assert_array_equal(net.split(stopped.theta)[0][1], [0.7, 0.7])
    assert stopped.theta[0] != theta[0]


class Idle:
    """Steps that cost nothing and change nothing."""

    def __init__(self):
        self.stretches = []

    def run(self, net, optimizer, state, rows, batches, rates):
        steps = len(batches)
        assert rates.shape == (steps,)
        assert rates.dtype == np.float64
        self.stretches.append(steps)
        after = replace(state, step=state.step + steps, used=state.used + len(batches.positions))
        return after, Figures(*np.ones((3, steps)), *np.ones((2, steps, 2)))


def test_training_itself_costs_nothing_per_step():
    """A native step may take 350 ns; so training hands an engine many steps at a time, with their rates and rows."""
    data = bl.Data(np.zeros((20_000, 3)), np.zeros(20_000))
    how = bl.Settings(batch_size=1, epochs=20, schedule="warmup_cosine")
    engine = Idle()
    *_, stopped = bl.train(bl.Plan(NET, data, how, engine=engine))
    assert stopped.state.step == 400_000
    assert engine.stretches[:4] == [1, 16, 256, 4096]


# --- when it stops -----------------------------------------------------------------------------------------------


def test_limits():
    assert run(settings())[-1].reason == "epochs"
    assert run(settings())[-1].state.epoch == 6
    stopped = run(settings(max_steps=11))[-1]
    assert (stopped.reason, stopped.state.step, stopped.state.used) == ("max_steps", 11, 15)
    assert run(settings(epochs=10_000, max_seconds=0.05))[-1].reason == "max_seconds"


def test_a_limit_in_seconds_does_not_change_the_schedule():
    event = next(iter(run(settings(epochs=10_000, max_seconds=1e-9, max_steps=50_000))))
    assert event.state.planned == 50_000


def test_best_weights_are_kept():
    events = run(settings(learning_rate=0.3, epochs=12, schedule="constant"), watch=VALIDATION)
    epochs = [event for event in events if isinstance(event, EpochDone)]
    best = min(epochs, key=lambda event: event.metric)
    assert best.improved
    assert best is not epochs[-1]
    assert events[-1].state.best.metric == best.metric
    plan = bl.Plan(NET, DATA, watch=VALIDATION)
    assert evaluate(plan, events[-1].theta, plan.watched) == best.metric


def test_patience():
    events = run(settings(learning_rate=0.3, epochs=100, patience=2, schedule="constant"), watch=VALIDATION)
    improved = [event.improved for event in events if isinstance(event, EpochDone)]
    assert events[-1].reason == "patience"
    assert improved[-3:] == [True, False, False]


def test_target_error():
    events = run(settings(epochs=500, target_error=0.6, learning_rate=0.02, schedule="constant"))
    metrics = [event.metric for event in events if isinstance(event, EpochDone)]
    assert events[-1].reason == "target_error"
    assert metrics[-1] <= 0.6 < min(metrics[:-1])


def test_metric_of_ones_own():
    def mean_absolute(S, Y, weights):
        return float(np.abs(S - Y).mean())

    events = run(settings(epochs=2), watch=VALIDATION, metric=mean_absolute)
    metric = next(event.metric for event in events if isinstance(event, EpochDone))
    theta = next(event.state.theta for event in events if isinstance(event, EpochDone))
    S = choose("auto", NET, bl.SGD(), VALIDATION.X.dtype).predict(NET, theta, VALIDATION.X)
    assert metric == mean_absolute(S, VALIDATION.Y, None)


def test_error_of_an_epoch_is_the_average_over_its_rows():
    events = run(settings(epochs=1), stretch=3)
    E = np.concatenate([event.figures.E for event in events if isinstance(event, StepsDone)])
    done = next(event for event in events if isinstance(event, EpochDone))
    assert done.error == pytest.approx(np.average(E, weights=[5] * 7 + [2]))


def test_ctrl_c_keeps_what_was_learnt():
    class Interrupted(ReferenceEngine):
        def run(self, net, optimizer, state, rows, batches, rates):
            if state.step >= 10:
                raise KeyboardInterrupt
            return super().run(net, optimizer, state, rows, batches, rates)

    events = run(settings(), engine=Interrupted(), stretch=1)
    assert isinstance(events[-1], Stopped)
    assert events[-1].reason == "interrupted"
    assert events[-1].state.step == 10
    *_, end = bl.train(bl.Plan(NET, DATA, settings()), events[-1].state)
    assert_same(end.state, run(settings())[-1].state)


# --- divergence --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stretch", [1, 7, 100])
def test_divergence_names_the_step_and_keeps_the_last_good_state(stretch):
    net = bl.Network.dense(3, [4], activation="tanh")
    how = bl.Settings(optimizer="sgd", learning_rate=20.0, batch_size=5, epochs=100)
    with pytest.raises(DivergedError) as caught:
        list(bl.train(bl.Plan(net, DATA, how), stretch=stretch))
    error = caught.value
    assert f"diverged at step {error.step}:" in str(error)
    assert "largest derivative" in str(error)
    assert "learning_rate below 20, say 2" in str(error)
    assert error.state.step == error.step
    assert np.isfinite(error.state.theta).all()
    *_, same = bl.train(bl.Plan(net, DATA, replace(how, max_steps=error.step)))  # every step before it was fine
    np.testing.assert_array_equal(same.state.theta, error.state.theta)


def test_weights_that_overflow_while_E_is_finite():
    """tanh hides infinite weights from E; they are found all the same, at the step that made them."""
    net = bl.Network([bl.Dense(1, 1, "tanh")])
    data = bl.Data(np.ones((4, 1), np.float32), np.full((4, 1), -1, np.float32))
    how = bl.Settings(optimizer="sgd", learning_rate=3e38, batch_size=2, epochs=3)
    state = begin(bl.Plan(net, data, how), theta=np.array([0.5, 0.0], np.float32))
    with pytest.raises(DivergedError) as caught:
        list(bl.train(bl.Plan(net, data, how), state))
    assert np.isfinite(caught.value.state.theta).all()


# --- bad input ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: bl.Settings(learning_rate=0), ArgumentError, "learning_rate is 0; it must be a finite number greater"),
        (lambda: bl.Settings(learning_rate=math.nan), ArgumentError, "learning_rate is nan"),
        (lambda: bl.Settings(learning_rate="fast"), ArgumentError, "learning_rate is 'fast'"),
        (lambda: bl.Settings(batch_size=0), ArgumentError, "batch_size is 0; it must be a whole number, 1 or greater"),
        (lambda: bl.Settings(batch_size=1.5), ArgumentError, "batch_size is 1.5"),
        (lambda: bl.Settings(epochs=None), ArgumentError, "epochs is None; it must be set where max_steps is not"),
        (lambda: bl.Settings(patience=-1), ArgumentError, "patience is -1"),
        (lambda: bl.Settings(max_seconds=0), ArgumentError, "max_seconds is 0"),
        (lambda: bl.Settings(optimizer="adm"), UnknownNameError, "unknown optimizer 'adm'; did you mean"),
        (lambda: bl.Settings(optimizer=bl.Cosine()), ArgumentError, "optimizer is Cosine"),
        (lambda: bl.Settings(schedule="cosin"), UnknownNameError, "did you mean 'cosine'"),
        (lambda: bl.Data(X, Y[:3]), ShapeError, "X has 50 rows and Y 3"),
        (lambda: bl.Data(X[0], Y), ShapeError, r"X has shape \(3,\)"),
        (lambda: bl.Data(X[:0], Y[:0]), DataError, "X has no rows"),
        (lambda: bl.Data([["a", "b"]], [1]), DataError, "X holds .*, not numbers"),
        (lambda: bl.Data(np.where(X == X[7, 2], np.nan, X), Y), DataError, r"X\[7, 2\] is nan"),
        (lambda: bl.Data(X, np.where(Y == Y[9], np.inf, Y)), DataError, r"Y\[9, 0\] is inf"),
        (lambda: bl.Rows(bl.Data(X, Y), weights=np.ones(3)), ShapeError, r"weights has shape \(3,\)"),
        (lambda: bl.Rows(bl.Data(X, Y), weights=-np.ones(50)), DataError, "none may be negative"),
        (lambda: bl.Rows(bl.Data(X, Y), weights=np.zeros(50)), DataError, "not all weights zero"),
        (lambda: bl.Rows(bl.Data(X, Y), weights=np.full(50, np.nan)), DataError, r"weights\[0\] is nan"),
        (lambda: bl.Rows(DATA, np.array([0, 3, 3])), DataError, "positions names a row twice"),
        (lambda: bl.Rows(DATA, np.array([0, 37])), ShapeError, "beyond the 37 rows"),
        (lambda: bl.Rows(DATA, np.array([-1])), ShapeError, "beyond the 37 rows"),
        (lambda: bl.Rows(DATA, np.array([0.5])), ShapeError, r"positions holds float64 of shape \(1,\)"),
        (lambda: bl.Rows(DATA, np.arange(0)), DataError, "positions names no row"),
        (lambda: bl.Data(X, Y, rows=np.zeros(50, int)), DataError, "rows names a row twice"),
        (lambda: bl.Data(X, Y, rows=np.arange(3)), ShapeError, r"rows has shape \(3,\)"),
        (
            lambda: bl.train(bl.Plan(NET, bl.Data(X[:, :2], Y))),
            ShapeError,
            "X has 2 columns, but the network has 3 inputs",
        ),
        (lambda: bl.train(bl.Plan(NET, bl.Data(X, np.hstack([Y, Y])))), ShapeError, "Y has 2 columns"),
        (
            lambda: bl.train(bl.Plan(NET, DATA, bl.Settings(batch_size=38))),
            ArgumentError,
            "at most the number of rows, 37",
        ),
        (lambda: bl.train(bl.Plan(NET, DATA), seed=-1), ArgumentError, "seed is -1"),
        (lambda: bl.train(bl.Plan(NET, DATA), stretch=0), ArgumentError, "stretch is 0"),
        (lambda: bl.train(bl.Plan(NET, DATA, engine="refrence")), UnknownNameError, "did you mean 'reference'"),
        (lambda: begin(bl.Plan(NET, DATA, bl.Settings()), theta=np.ones(3)), ShapeError, "this network has 49 weights"),
        (lambda: begin(bl.Plan(NET, DATA, bl.Settings()), theta=np.full(49, np.nan)), DataError, r"theta\[0\] is nan"),
    ],
)
def test_bad_input_is_refused_before_the_first_step(make, error, message):
    with pytest.raises(error, match=message) as caught:
        make()
    assert isinstance(caught.value, BacklitError)


def test_whole_numbers_and_lists_are_welcome():
    data = bl.Data([[1, 2], [3, 4]], [1, 0])
    assert data.X.dtype == np.float64
    assert data.Y.shape == (2, 1)


def test_a_state_of_another_precision():
    state = begin(bl.Plan(NET, DATA, settings()))
    with pytest.raises(ArgumentError, match="theta is float64 and X float32; make them equal"):
        bl.train(bl.Plan(NET, bl.Data(DATA.X.astype(np.float32), DATA.Y), settings()), state)


def test_a_metric_that_is_no_number_is_never_the_best():
    net, data = bl.Network.dense(2, [], 1), bl.Data(np.eye(2), np.ones(2))
    metrics = iter([np.nan, 3.0, np.nan, 2.0])
    events = bl.train(bl.Plan(net, data, bl.Settings(epochs=4, batch_size=None), metric=lambda *_: next(metrics)))
    done = [event for event in events if isinstance(event, EpochDone)]
    assert [event.improved for event in done] == [False, True, False, True]
    assert done[-1].state.best.metric == 2.0
