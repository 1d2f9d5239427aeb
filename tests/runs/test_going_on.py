"""Going on: what was cut off ends with the same bits, a fork goes another way from any step, and both are compared."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from recorded import ENGINES, FRAME, PRICE, WHOLE, every_state, planned, recorded, same

import backlit as bl
from backlit.core.optimizers import SGD, Adam
from backlit.errors import ArgumentError, DataError, DivergedError, RunWarning, UnknownNameError
from backlit.progress import fit
from backlit.runs.file import reading
from backlit.runs.recorder import referred
from backlit.runs.run import recording
from backlit.runs.schema import Blob
from backlit.runs.sense import rows_of
from backlit.training import EpochDone, Settings, Stopped, go_on, plan_again, rate_at, train

# --- resume ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("steps", [1, 9, 10, 37])
@pytest.mark.parametrize("changes", [{}, {"patience": 1, "learning_rate": 0.3}, {"batch_size": None}], ids=str)
def test_a_run_that_was_cut_off_goes_on_to_the_same_bits(engine, steps, changes, tmp_path):
    start = planned(engine, **changes)
    states, epochs, _ = every_state(start.plan, start.state)
    run = recorded(start, tmp_path / "a.backlit", min(steps, max(states) - 1))
    assert run.timeline().steps() == min(steps, max(states) - 1)
    timeline = run.train()
    assert same(run.at(), states[max(states)])
    assert timeline.epochs() == epochs
    assert run.verify(deep=True).sound
    for step in (0, 1, max(states) // 2):
        assert same(run.at(step), states[step])


def test_a_run_that_ended_says_so(tmp_path):
    run = recorded(planned(), tmp_path / "a.backlit")
    with pytest.raises(
        ArgumentError, match=r"timeline 'main' of .* has come to its end, step 60 \(epochs\); say how many"
    ):
        run.train()
    with pytest.raises(ArgumentError, match="steps is 0"):
        run.train(0)


def test_ctrl_c_and_whoever_stops_listening_leave_a_run_that_goes_on(tmp_path):
    start = planned()
    states, epochs, _ = every_state(start.plan, start.state)
    with recording(tmp_path / "a.backlit", *start) as recorder:
        for event in recorder.record(train(start.plan, start.state)):
            if event.state.step > 14:
                break
    run = bl.open_run(tmp_path / "a.backlit")
    assert run.timeline().reason() == "interrupted"
    assert 0 < run.timeline().steps() < 60
    events = run.timeline().events()
    next(events), events.close()
    assert same(run.train().at(), states[60])
    assert run.timeline().epochs() == epochs
    assert run.timeline().reason() == "epochs"


def test_training_that_diverged_keeps_the_steps_up_to_there(tmp_path):
    start = planned(optimizer="sgd", learning_rate=1e3, schedule="constant", clip_norm=None)
    with recording(tmp_path / "a.backlit", *start) as recorder, pytest.raises(DivergedError) as raised:
        fit(start, show=False, recorder=recorder)
    run = bl.open_run(tmp_path / "a.backlit")
    assert (run.timeline().reason(), run.timeline().steps()) == ("diverged", raised.value.step)
    assert run.timeline().curves()["step"].to_list() == list(range(raised.value.step))
    assert run.fork(0, learning_rate=0.01).train().reason() == "epochs"


# --- further than planned ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
def test_beyond_its_end_the_schedule_begins_again(engine, tmp_path):
    start = planned(engine)
    run = recorded(start, tmp_path / "a.backlit")
    last = run.at()
    with pytest.warns(RunWarning, match="the schedule ended at step 60; it begins again over the next 25 steps"):
        run.train(25)
    assert (run.at(60).begun, run.at(60).planned, run.timeline().steps()) == (60, 25, 85)
    state, settings = go_on(last, start.plan.settings, 85)
    expected, _, _ = every_state(replace(start.plan, settings=settings), state)
    for step in (60, 61, 72, 85):
        assert same(run.at(step), expected[step])
    assert [state.step for state in run.replay(58, 63)] == [58, 59, 60, 61, 62, 63]
    assert same(run.at(59), list(run.replay(0, 59))[-1])
    rates = run.timeline().curves()["rate"].to_numpy()
    np.testing.assert_array_equal(rates[60:], rate_at(settings, state, np.arange(60, 85)))
    assert run.verify(deep=True).sound


def test_so_many_steps_within_the_plan_and_beyond(tmp_path):
    start = planned()
    states, _, _ = every_state(start.plan, start.state)
    run = recorded(start, tmp_path / "a.backlit", 20)
    assert run.train(15).steps() == 35
    assert same(run.at(), states[35])
    with pytest.warns(RunWarning, match="begins again over the next 10 steps"):
        run.train(35)
    assert run.timeline().steps() == 70
    assert same(run.at(59), states[59])
    assert (run.at(60).begun, run.at(60).planned) == (60, 10)


def test_an_interrupted_call_goes_on_to_where_it_would_have_ended(tmp_path):
    run = recorded(planned(), tmp_path / "a.backlit", 20)
    events = run.timeline().events(30)
    next(events), events.close()
    assert run.train().steps() == 50
    assert run.train().steps() == 60


def test_patience_that_ran_out_is_given_anew(tmp_path):
    run = recorded(planned(patience=1, learning_rate=0.3, schedule="constant"), tmp_path / "a.backlit")
    assert run.timeline().reason() == "patience"
    before = run.timeline().steps()
    assert run.at().patience_left == 0
    run.train(3)
    assert run.timeline().steps() == before + 3
    assert run.at(before).patience_left == 1
    assert run.verify(deep=True).sound


# --- forks -------------------------------------------------------------------------------------------------------


@pytest.fixture(params=ENGINES)
def run(request, tmp_path):
    return recorded(planned(request.param), tmp_path / "a.backlit")


@pytest.mark.parametrize("step", [0, 13, 30])
def test_a_fork_without_a_change_is_its_parent(run, step):
    fork = run.fork(step).train()
    assert (fork.name, fork.parent.name, fork.start, fork.changes) == ("fork 1", "main", step, {})
    assert same(fork.at(), run.at())
    assert fork.epochs() == run.timeline().epochs()
    assert fork.curves().equals(run.timeline().curves())
    if step:
        assert same(fork.at(step - 1), run.at(step - 1))


def test_a_fork_goes_on_with_another_setting(run):
    plan = run.timeline().plan()
    fork = run.fork(17, learning_rate=0.01, name="faster").train()
    settings = replace(plan.settings, learning_rate=0.01)
    expected, _, _ = every_state(replace(plan, settings=settings), run.at(17))
    assert same(fork.at(), expected[60])
    assert same(fork.at(40), expected[40])
    assert fork.changes == {"learning_rate": [0.001, 0.01]}
    assert fork.reason() == "epochs"
    assert not same(fork.at(), run.at())
    assert run.verify(deep=True).sound


def test_an_edited_weight(run):
    before = run.at(20)
    place = int(run.net.positions("w2[3, 1]")[0])
    fork = run.fork(20, weights={"w2[3,1]": 0.25})
    edited = before.theta.copy()
    edited[place] = 0.25
    assert same(fork.at(20), replace(before, theta=edited))
    assert fork.changes == {"weights": {"w2[3, 1]": [float(before.theta[place]), 0.25]}}
    fork.train(1)
    assert fork.at(21).theta[place] != run.at(21).theta[place]
    with pytest.raises(ArgumentError, match=r"weights names 'w1\[size, 1\]', which is \d+ weights; name single ones"):
        run.fork(20, weights={"w1[size, 1]": 0.2})
    for value in (float("nan"), float("-inf"), 1e300):  # the last is none in the run's float32
        with pytest.raises(ArgumentError, match="must be a finite float32 number"):
            run.fork(20, weights={"b1[1]": value})


def test_another_optimizer_begins_with_an_empty_memory(run):
    fork = run.fork(20, optimizer="momentum")
    assert not fork.at().memory["v"].any()
    assert fork.settings().optimizer.clip_norm == 1.0  # the parent's
    kept = run.fork(20, optimizer=Adam(beta1=0.8))
    assert same(kept.at(), run.at(20))
    assert kept.settings().optimizer == Adam(beta1=0.8)
    assert run.fork(20, optimizer=SGD(weight_decay=0.5)).train(2).steps() == 22


def test_another_batch_size_goes_on_with_the_rows_that_are_left(run):
    state, rows = run.at(13), len(run.timeline().learn())
    assert 0 < state.used < rows
    for size in (3, 20, None):
        fork = run.fork(13, batch_size=size)
        trace = fork.trace(13)
        used = {int(row) for step in range(10, 13) for row in run.trace(step).rows}
        assert len(used) == state.used
        assert not used & set(trace.rows.tolist())
        assert len(trace.rows) == (rows - state.used if size is None else min(size, rows - state.used))
        fork.train()
        ends = [epoch.step for epoch in fork.epochs()]
        per_epoch = 1 if size is None else -(-rows // size)
        assert ends[1] == 13 + (1 if size is None else -(-(rows - state.used) // size))
        assert np.diff(ends[1:]).tolist() == [per_epoch] * 4
        last = fork.curves()["rate"].to_numpy()
        assert last[-1] == last[13:].min()  # the schedule is over when training is
        assert run.verify(deep=True).sound


def test_a_change_of_dropout(run):
    none = run.fork(10, dropout=0.0).train()
    assert none.changes == {"dropout": [0.2, 0.0]}
    assert len(none.net.layers) == len(run.net.layers) - 2
    assert none.net.size == run.net.size
    more = none.fork(30, dropout=0.5) if hasattr(none, "fork") else run.fork(30, none.name, dropout=0.5)
    assert [layer.rate for layer in more.net.layers if hasattr(layer, "rate")] == [0.5, 0.5]
    assert more.train(5).steps() == 35
    assert more.changes == {"dropout": [0.0, 0.5]}
    assert run.verify(deep=True).sound


def test_a_fork_of_a_fork(run):
    one = run.fork(10, learning_rate=0.01, name="one").train(20)
    two = run.fork(25, "one", learning_rate=0.002, name="two").train(10)
    other = run.fork(5, "two", name="other")
    assert (two.parent.name, other.parent.name) == ("one", "main")  # step 5 is main's
    assert [timeline.name for timeline in two.lineage] == ["main", "one", "two"]
    assert same(two.at(24), one.at(24))
    assert same(two.at(9), run.at(9))
    assert [state.step for state in two.replay(8, 27)] == list(range(8, 28))
    assert two.curves()["step"].to_list() == list(range(35))


def test_what_cannot_be_forked(run):
    with pytest.raises(UnknownNameError, match="unknown setting 'learning_rat'; did you mean 'learning_rate'"):
        run.fork(3, learning_rat=1)
    with pytest.raises(ArgumentError, match="name is 'main'; it must be printable, and not that of a timeline"):
        run.fork(3, name="main")
    with pytest.raises(ArgumentError, match="step is 61; it must be a step from 0 to 60"):
        run.fork(61)
    with pytest.raises(ArgumentError, match="batch_size is 1000; it must be at most the number of rows"):
        run.fork(3, batch_size=1000)
    with pytest.raises(UnknownNameError, match="unknown timeline 'mian'; did you mean 'main'"):
        run.fork(3, "mian")
    assert [timeline.name for timeline in run.timelines()] == ["main"]


@pytest.mark.parametrize("size", [7, 14, 3, None])
def test_the_place_in_the_schedule_stays(size):
    start = planned()
    states, _, _ = every_state(start.plan, start.state)
    state, before = states[23], start.plan.settings
    settings = replace(before, batch_size=size)
    again = plan_again(replace(start.plan, settings=settings), state, before)
    share = (state.step - state.begun) / state.planned
    assert (again.step - again.begun) / again.planned == pytest.approx(share, abs=0.06)
    if size == 7:
        assert again == state
    assert again.begun + again.planned - again.step == {7: 37, 14: 19, 3: 85, None: 4}[size]
    constant = replace(before, schedule="constant")
    assert plan_again(replace(start.plan, settings=replace(constant, batch_size=size)), state, constant) == state


# --- side by side, and keeping house -----------------------------------------------------------------------------


def test_two_timelines_side_by_side(run):
    fork = run.fork(25, learning_rate=0.02, name="fast").train()
    found = run.compare("main", "fast")
    assert (found.parted, found.changes) == (25, {"fast": {"learning_rate": [0.001, 0.02]}})
    epochs = found.epochs()
    assert epochs.columns == ["epoch", "step_a", "error_a", "metric_a", "step_b", "error_b", "metric_b"]
    assert (epochs["metric_a"][:2] == epochs["metric_b"][:2]).all()
    assert epochs["metric_a"][5] != epochs["metric_b"][5]
    weights = found.weights
    np.testing.assert_array_equal(np.abs(np.diff(weights["difference"].abs())), -np.diff(weights["difference"].abs()))
    at = int(run.net.positions(weights["weight"][0])[0])
    assert (
        weights["b"][0] - weights["a"][0]
        == weights["difference"][0]
        == float(fork.best().theta[at]) - float(run.timeline().best().theta[at])
    )
    rows = found.rows()
    assert sorted(rows["row"]) == sorted(run.timeline().watch().rows)
    row = rows.row(0, named=True)
    assert row["truth"] == pytest.approx(PRICE["price"][row["row"]])
    assert row["a"] == pytest.approx(run.model().predict(FRAME[row["row"] : row["row"] + 1])[0], rel=1e-5)
    assert row["gain"] == pytest.approx(abs(row["a"] - row["truth"]) - abs(row["b"] - row["truth"]))
    assert rows["gain"].is_sorted(descending=True)
    assert run.compare("fast", "main").parted == 25


def test_each_at_its_best_or_both_at_a_step(run):
    fork = run.fork(25, learning_rate=0.05, name="fast").train()
    found = run.compare("main", "fast")
    assert found.best
    assert found.at == tuple(timeline.at().best.step for timeline in (run.timeline(), fork))
    for model, timeline in zip(found.models, (run.timeline(), fork)):
        np.testing.assert_array_equal(model.theta, timeline.best().theta)
    there = run.compare("main", "fast", 41)
    assert (there.at, there.best) == ((41, 41), False)
    for model, name in zip(there.models, ("main", "fast")):
        np.testing.assert_array_equal(model.theta, run.at(41, name).theta)
    row = there.rows().row(0, named=True)
    model = run.timeline("fast").model(41)
    assert row["b"] == pytest.approx(model.predict(FRAME[row["row"] : row["row"] + 1])[0], rel=1e-5)
    with pytest.raises(ArgumentError, match="step is 61; it must be a step from 0 to 60"):
        run.compare("main", "fast", 61)


def test_timelines_that_watched_nothing_are_compared_at_the_same_step(tmp_path):
    start = planned("auto", patience=None)
    start = replace(start, plan=replace(start.plan, watch=None))
    run = recorded(start, tmp_path / "a.backlit")
    run.fork(25, learning_rate=0.02, name="short").train(steps=5)
    found = run.compare("main", "short")
    assert (found.at, found.best) == ((30, 30), False)
    np.testing.assert_array_equal(found.models[0].theta, run.at(30).theta)


def test_a_fork_with_another_decay_or_clipping(run):
    fork = run.fork(25, weight_decay=0.5, clip_norm=0.2)
    before = run.timeline().settings().optimizer
    assert fork.settings().optimizer == replace(before, weight_decay=0.5, clip_norm=0.2)
    assert fork.changes == {"weight_decay": [before.weight_decay, 0.5], "clip_norm": [before.clip_norm, 0.2]}
    assert same(fork.at(), run.at(25))  # the memory stays
    both = run.fork(25, optimizer="sgd", weight_decay=0.5)
    assert both.settings().optimizer.name == "sgd"
    assert both.settings().optimizer.weight_decay == 0.5


def test_keep_drop_and_collect(run):
    for name in ("one", "two"):
        run.fork(20, learning_rate=0.02, name=name).train()
    run.fork(30, "two", name="three")
    run.keep("one")
    with pytest.raises(ArgumentError, match="timeline 'one' is kept; release it first"):
        run.drop("one")
    with pytest.raises(ArgumentError, match="timeline 'two' has forks, three; drop those first"):
        run.drop("two")
    with pytest.raises(ArgumentError, match="timeline 'main' is the first"):
        run.drop("main")
    before = {name: run.at(35, name) for name in ("main", "one")}
    gone = run.timeline("three")
    for name in ("three", "two"):
        run.drop(name)
    with pytest.raises(DataError, match="has no timeline 4 any more; it was dropped"):
        gone.at(3)
    assert run.gc() >= 0
    with reading(run.path) as file:
        assert file.execute("PRAGMA freelist_count").fetchone() == (0,)
        assert {blob.hash.hex() for blob in rows_of(file, Blob)} == referred(file)
    run.keep("one", keep=False)
    assert [timeline.name for timeline in run.timelines()] == ["main", "one"]
    assert all(same(run.at(35, name), state) for name, state in before.items())
    assert run.verify(deep=True).sound
    run.drop("one")


def test_rows_that_stay_outside(tmp_path):
    start = planned()
    states, _, _ = every_state(start.plan, start.state)
    with recording(
        tmp_path / "a.backlit", *start, frame=WHOLE, about={"source": "far/homes.csv"}, rows=False
    ) as recorder:
        fit(start, show=False, recorder=recorder)
    run = bl.open_run(tmp_path / "a.backlit")
    assert not run.storage()["rows"]
    assert same(run.at(60), states[60])
    with pytest.raises(DataError, match=r"keeps no rows, and its table 'homes.csv' is not beside it; give the table"):
        run.at(7)
    assert same(bl.open_run(run.path, WHOLE).at(7), states[7])
    WHOLE.write_parquet(tmp_path / "homes.parquet")
    assert same(bl.open_run(run.path, tmp_path / "homes.parquet").at(7), states[7])
    WHOLE.write_csv(tmp_path / "homes.csv")
    assert same(bl.open_run(run.path).at(7), states[7])
    with pytest.raises(
        DataError, match=r"the rows of .* have changed: the table at hand is not the one it learnt from"
    ):
        bl.open_run(run.path, WHOLE.with_columns(pl.col("size") + 1)).at(7)
    with pytest.raises(DataError, match="but the table that is given has 10; give the table as it was"):
        bl.open_run(run.path, WHOLE.head(10)).at(7)


def test_events_are_those_of_training(run):
    fork = run.fork(50)
    events = list(fork.events())
    assert isinstance(events[-1], Stopped)
    assert any(isinstance(event, EpochDone) for event in events)
    assert Settings(**vars(fork.settings())) == fork.settings()


def test_going_on_beyond_the_end_says_how(copy):
    with pytest.raises(ArgumentError, match=r"has come to its end, step .* say how many steps it is to go on"):
        bl.open_run(copy).train()
