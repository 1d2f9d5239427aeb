"""Going back: every state of a run can be had again, to the bit, and taken apart."""

from dataclasses import replace

import numpy as np
import pytest
from recorded import ENGINES, FRAME, PRICE, RECIPE, SPLIT, WHOLE, N, every_state, same

import backlit as bl
from backlit.core import rng
from backlit.engines.native import missing
from backlit.errors import ArgumentError, DataError, RunWarning
from backlit.fitting import prepare
from backlit.problem import Problem
from backlit.progress import fit
from backlit.runs import recorder as recorder_module
from backlit.runs import timeline as timeline_module
from backlit.runs.run import recording
from backlit.training import StepsDone, train
from backlit.words import Remark


@pytest.fixture(scope="module", params=ENGINES)
def truth(request):
    """A start, and all of its states."""
    recipe = replace(RECIPE, engine=request.param)
    weights = np.random.default_rng(0).gamma(2, 1, N)
    start = prepare(Problem(FRAME, PRICE, split=SPLIT, weights=weights), recipe, 5)
    return start, *every_state(start.plan, start.state)


@pytest.fixture(scope="module")
def path(truth, tmp_path_factory):
    """The same run, recorded; with snapshots so far apart that steps between them must be made again."""
    start = truth[0]
    file = tmp_path_factory.mktemp("runs") / "homes.backlit"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recorder_module, "FLUSH_SECONDS", 0.0)
        patch.setattr(recorder_module, "COST", 0.0)
        with recording(file, *start, frame=WHOLE, about={"source": "homes.csv"}) as recorder:
            recorder._interval = 2.5  # in seconds: each stretch is said to take one
            events = train(start.plan, start.state)
            events = (replace(e, seconds=1.0) if isinstance(e, StepsDone) else e for e in events)
            for _ in recorder.record(events):
                pass
    return file


@pytest.fixture
def run(path):
    return bl.open_run(path)


# --- states ------------------------------------------------------------------------------------------------------


def test_recording_does_not_change_what_is_learnt(truth, run):
    _, states, epochs, _ = truth
    assert run.timeline().epochs() == epochs
    assert same(run.at(), states[max(states)])
    assert run.timeline().best().theta.tobytes() == states[max(states)].best.theta.tobytes()


def test_any_step_is_had_back_to_the_bit(truth, path):
    _, states, _, _ = truth
    stored = {snapshot.step for snapshot in bl.open_run(path).timeline().snapshots()}
    assert 4 <= len(stored) < len(states) / 3
    for step in random_order(states):
        assert same(bl.open_run(path).at(step), states[step]), step


def random_order(states):
    return np.random.default_rng(1).permutation(sorted(states)).tolist()


def test_replay_yields_every_state_between(truth, run):
    _, states, _, _ = truth
    for start, stop in ((0, max(states)), (13, 41), (9, 9)):
        found = list(run.replay(start, stop))
        assert [state.step for state in found] == list(range(start, stop + 1))
        assert all(same(state, states[state.step]) for state in found)
    assert [state.step for state in run.replay(max(states) - 2)][-1] == max(states)


@pytest.mark.skipif(bool(missing()), reason="needs the native engine")
def test_another_number_of_threads_gives_the_same_states(truth, path, monkeypatch):
    start, states, _, _ = truth
    if start.plan.engine.name != "native":
        pytest.skip("the reference has one")
    run = bl.open_run(path)
    monkeypatch.setattr("backlit.engines.choice.threads_or_all", lambda threads: 3)
    assert run.timeline().plan().engine.threads == 3
    assert same(run.at(50), states[50])


def test_steps_that_are_not_there(truth, run):
    last = max(truth[1])
    for step in (-1, last + 1, 2.5, "7"):
        with pytest.raises(ArgumentError, match=rf"step is .*; it must be a step from 0 to {last}"):
            run.at(step)


def test_the_rows_are_those_that_were_learnt_from(truth, run):
    start = truth[0]
    line = run.timeline()
    assert line.learn().data is line.watch().data  # X and Y are there once
    for kept, used in ((line.learn(), start.plan.learn), (line.watch(), start.plan.watch)):
        for name in ("X", "Y", "weights", "rows"):
            np.testing.assert_array_equal(getattr(kept, name), getattr(used, name))
    assert run.frame().equals(WHOLE)
    assert run.table == start.table


# --- figures -----------------------------------------------------------------------------------------------------


def test_figures_of_every_step(truth, run):
    start, states, _, figures = truth
    table = run.timeline().curves()
    assert table["step"].to_list() == sorted(states)[:-1]
    for name in ("E", "gradient_norm", "update_norm"):
        expected = np.concatenate([getattr(f, name) for f in figures]).astype(np.float32)
        np.testing.assert_array_equal(table[name].to_numpy(), expected)
    for name in ("gradient_norm", "stuck"):
        expected = np.concatenate([getattr(f, "layer_gradient_norm" if name != "stuck" else name) for f in figures])
        kept = table.select(f"{name}_w1", f"{name}_w2", f"{name}_w3").to_numpy()
        np.testing.assert_array_equal(kept, expected.astype(np.float32))
    settings = start.plan.settings
    rates = [settings.learning_rate * settings.schedule.factor(step, states[0].planned) for step in sorted(states)[:-1]]
    assert table["rate"].to_list() == rates
    assert run.timeline().curves(10, 20).equals(table[10:20])


def test_so_many_figures_that_not_all_are_kept(truth, tmp_path, monkeypatch):
    start, states, _, figures = truth
    monkeypatch.setattr(recorder_module, "MOST_FIGURES", 4)
    with recording(tmp_path / "a.backlit", *start) as recorder:
        fit(start, show=False, recorder=recorder)
    table = bl.open_run(tmp_path / "a.backlit").timeline().curves()
    assert 4 <= len(table) < len(states) / 4
    E = np.concatenate([f.E for f in figures]).astype(np.float32)
    np.testing.assert_array_equal(table["E"].to_numpy(), E[table["step"].to_numpy()])


# --- a moment taken apart ----------------------------------------------------------------------------------------


def test_the_trace_of_a_step_shows_the_update_that_happened(truth, run):
    """In float64, from the float32 state: what the engine did, but for rounding."""
    start, states, _, figures = truth
    for step in (0, 5, 40):
        t = run.trace(step)
        assert t.happened
        order = rng.order(start.seed, states[step].epoch, start.plan.learn.rows)
        batch = order[states[step].used : states[step].used + 7]
        np.testing.assert_array_equal(t.rows, start.plan.learn.rows[batch])
        assert pytest.approx(figures[step].E[0], rel=1e-5) == t.E
        length = np.linalg.norm(states[step + 1].theta - states[step].theta)
        size = np.abs(t.gradient)
        told = (size == 0) | (
            size > 1e-6 * size.max()
        )  # Adam divides by its size what may be no more than float32's rounding
        assert told.mean() > 0.9
        np.testing.assert_allclose(t.update.after[told], states[step + 1].theta[told], atol=1e-4 * length)


def test_the_trace_of_rows_at_a_step(truth, run):
    start, states, _, _ = truth
    t = run.trace(30, rows=[17])
    assert not t.happened
    X, Y = start.table.encode(FRAME[17:18], np.float64), start.table.target.encode(PRICE[17:18])
    alone = bl.trace(start.plan.net, states[30], X, Y, start.plan.settings, rows=[17], table=start.table)
    assert (t.E, t.update.after.tolist()) == (alone.E, alone.update.after.tolist())
    with pytest.raises(ArgumentError, match="row is 90; it must be a row of the table, from 0 to 89"):
        run.trace(30, rows=[90])


def test_without_a_step_the_weights_that_predict_are_traced(truth, run):
    states = truth[1]
    best = states[max(states)].best
    t = run.trace(rows=[3])
    np.testing.assert_array_equal(t.theta.astype(np.float32), best.theta.astype(np.float32))
    assert t.step == best.step
    assert t.update is not None


# --- by other arithmetic -----------------------------------------------------------------------------------------


def test_other_arithmetic_is_said(truth, path, monkeypatch):
    _, states, _, _ = truth
    run = bl.open_run(path)
    engine = run.timeline().plan().engine
    monkeypatch.setattr(type(engine), "arithmetic", lambda self: {"numerics": "99"})
    stored = [snapshot.step for snapshot in run.timeline().snapshots()]
    assert same(run.at(stored[1]), states[stored[1]])  # a snapshot is what it is
    with pytest.warns(RunWarning, match="recomputed, not recorded: numerics was .*, and is 99"):
        run.at(stored[1] + 1)
    with pytest.raises(DataError, match=r"cannot go on to the bit: .*Fork it from step \d+ instead"):
        run.train(5)


def test_steps_that_end_otherwise_than_recorded_are_said(truth, path, monkeypatch):
    run = bl.open_run(path)
    stored = [snapshot.step for snapshot in run.timeline().snapshots()]
    monkeypatch.setattr(timeline_module, "checksum_of", lambda state: b"other")
    with pytest.warns(RunWarning, match="they end with other weights than they did when they were recorded"):
        run.at(stored[2] - 1)


def test_only_the_engine_that_recorded_it_makes_its_steps_again(truth, path, monkeypatch):
    run = bl.open_run(path)
    row = run.timeline().row()
    monkeypatch.setattr(timeline_module.Timeline, "row", lambda self: row._replace(engine="abacus"))
    with pytest.raises(DataError, match="recorded by the engine 'abacus', and only that can make"):
        run.at(3)
    if truth[0].plan.engine.name == "native":
        monkeypatch.undo()
        monkeypatch.setattr("backlit.engines.native.missing", lambda: Remark("lacks.compiled"))
        with pytest.raises(DataError, match="recorded by the engine 'native', and only that can make its steps again"):
            bl.open_run(path).at(3)
