"""A run may have several first timelines, each with its own rows, settings and start; encoded rows are shared."""

from dataclasses import replace

import numpy as np
import pytest
from commands import backlit
from recorded import planned, recorded, same

import backlit as bl
from backlit.engines.protocol import Data, Rows
from backlit.errors import ArgumentError
from backlit.runs.file import reading
from backlit.runs.recorder import used_bytes
from backlit.training import Stopped, begin, train


@pytest.fixture
def run(tmp_path):
    return recorded(planned("auto"), tmp_path / "a.backlit", steps=15)


def another(run, rows=(3,), **changes):
    """What another first timeline trains: some rows of the run, each step all of them, and its starting weights."""
    first = run.timeline()
    settings = replace(
        first.settings(), **{"batch_size": None, "epochs": None, "max_steps": 8, "patience": None} | changes
    )
    plan = replace(first.plan(), learn=Rows(run.data(), np.array(rows)), watch=None, settings=settings)
    return plan, begin(plan, theta=run.at(0).theta, seed=first.seed)


def test_it_ends_with_the_bits_of_the_same_training_without_a_file(run):
    plan, state = another(run, rows=(3, 8, 20))
    run.begin("three rows", plan, state).train()
    *_, last = train(plan, state)
    assert isinstance(last, Stopped)
    again = bl.open_run(run.path)
    assert same(again.at(timeline="three rows"), last.state)
    assert again.timeline("three rows").learn().rows.tolist() == [run.data().rows[i] for i in (3, 8, 20)]
    assert again.timeline("three rows").watch() is None
    assert again.timeline("three rows").parent is None
    assert again.timeline().name == "main"
    assert again.verify(deep=True).sound


def test_main_stays_as_it_was_and_goes_on(run):
    states = [run.at(step) for step in range(16)]
    run.begin("one row", *another(run)).train()
    assert all(same(run.at(step), state) for step, state in enumerate(states))
    assert run.train(5).steps() == 20


def test_every_question_of_a_timeline_has_an_answer(run):
    one = run.begin("one row", *another(run)).train()
    row = int(run.data().rows[3])
    t = run.trace(2, timeline="one row")
    assert t.happened
    assert t.rows.tolist() == [row]
    np.testing.assert_allclose(t.update.after, run.at(3, "one row").theta, rtol=1e-4, atol=1e-7)
    assert len(one.curves()) == 8
    assert one.best().step == 8
    gone = run.compare("main", "one row")
    assert gone.parted is None
    assert set(gone.weights["weight"]) == set(run.net.weight_names())
    fork = one.fork(4, learning_rate=0.001, name="slower").train(3)
    assert [timeline.name for timeline in fork.lineage] == ["one row", "slower"]
    assert fork.learn().rows.tolist() == [row]
    told = backlit("history", run.path)
    assert (told.code, "one row" in told.out) == (0, True)
    assert backlit("diff", run.path, "main", "one row").code == 0
    assert backlit("show", run.path).code == 0


def test_the_rows_are_kept_once(run):
    with reading(run.path) as file:
        before = used_bytes(file)
    plan, state = another(run, rows=range(40))
    for n in range(5):
        run.begin(f"start {n}", plan, state)
    with reading(run.path) as file:
        assert used_bytes(file) - before < 8 * 4096  # pages that new rows of tables fill


def test_it_is_dropped_with_its_steps_and_the_first_is_not(run):
    run.begin("one row", *another(run)).train()
    run.drop("one row")
    assert [timeline.name for timeline in run.timelines()] == ["main"]
    assert run.verify().sound
    with pytest.raises(ArgumentError, match="'main' is the first"):
        run.drop("main")


def test_what_does_not_fit_the_run_is_refused_and_nothing_is_written(run):
    plan, state = another(run)
    for name in ("main", "", "two\nlines"):
        with pytest.raises(ArgumentError, match="name"):
            run.begin(name, plan, state)
    data = run.data()
    strange = replace(plan, learn=Rows(Data(data.X, data.Y), np.array([0])))
    with pytest.raises(ArgumentError, match="rows that are not the run's"):
        run.begin("strange", strange, state)
    inputs = [f"other {name}" for name in plan.net.inputs]
    net = bl.Network(plan.net.layers, plan.net.loss, inputs)
    with pytest.raises(ArgumentError, match="other inputs"):
        run.begin("strange", replace(plan, net=net), state)
    with pytest.raises(ArgumentError, match=r"in the middle of an epoch, 35 rows into it"):
        run.begin("strange", run.timeline().plan(), run.at(5))
    assert [timeline.name for timeline in run.timelines()] == ["main"]
    assert run.verify().sound


def test_timelines_of_other_networks_are_compared_by_their_rows(run):
    """No weight of one is a weight of the other; errors and predictions stand side by side all the same."""
    plan, _ = another(run, rows=(3, 8, 20))
    net = bl.Network([bl.Dense(len(plan.net.inputs), 3), bl.Dense(3, 1)], "squared_error", inputs=plan.net.inputs)
    plan = replace(plan, net=net)
    run.begin("other net", plan, begin(plan, seed=1)).train()
    for a, b in (("main", "other net"), ("other net", "main")):
        compared = run.compare(a, b)
        assert compared.weights.height == 0
        rows = compared.rows().sort("row")
        at = [run.timeline(name).model(step).decode_encoded(run.encoded(rows["row"].to_list())[0])[:, 0]
              for name, step in zip((a, b), compared.at)]  # fmt: skip
        assert np.array_equal(rows.select("a", "b").to_numpy().T, at)
        assert backlit("diff", run.path, a, b, "--json").json["weights"] == []
        assert backlit("diff", run.path, a, b).code == 0
