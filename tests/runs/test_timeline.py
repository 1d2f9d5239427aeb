"""A timeline's description is read once; what grows is asked by methods; and one answer tells which weights predict."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from recorded import FRAME, WHOLE, planned, recorded, same

import backlit as bl
from backlit.errors import DataError, DivergedError, RunWarning
from backlit.runs import export
from backlit.runs import file as files
from backlit.runs.arrays import store
from backlit.runs.schema import put


@pytest.fixture
def run(tmp_path):
    return recorded(planned("auto"), tmp_path / "a.backlit")


@pytest.fixture
def opens(monkeypatch):
    """How often a database is opened: a list that grows."""
    opened, connect = [], files.sqlite3.connect

    def counted(*arguments, **keywords):
        opened.append(arguments)
        return connect(*arguments, **keywords)

    monkeypatch.setattr(files.sqlite3, "connect", counted)
    return opened


# --- how often a file is opened ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "look", [lambda run: run.trace(12), lambda run: run.trace(41), lambda run: run.trace(), lambda run: repr(run),
             lambda run: run.trace(12, [3, 4]), lambda run: run.trace(None, [3]), lambda run: run.at(33),
             lambda run: run.trace(5, timeline="two"), lambda run: run.trace(33, [1], timeline="two"),
             lambda run: run.timeline("two").curves(), lambda run: run.timeline("two").epochs(),
             lambda run: run.timelines(), lambda run: run.timeline("two").best(), lambda run: run.model(),
             lambda run: run.timeline("two").end()],
)  # fmt: skip
def test_a_question_opens_the_file_once(run, opens, look):
    run.fork(20, name="one", dropout=0.5).train(5)
    run.timeline("one").fork(23, name="two", learning_rate=0.1).train(15)
    for again in (bl.open_run(run.path), run):
        timeline = again.timeline("two")
        del opens[:]
        look(again)
        assert len(opens) == 1 + ("timeline" in look.__code__.co_names)
        del opens[:]
        timeline.trace(30)
        assert len(opens) == 1


def test_attributes_open_nothing(run, opens):
    fork = run.fork(20, name="one", dropout=0.5)
    again = bl.open_run(run.path)
    line = again.timeline("one")
    run.path.rename(run.path.with_name("elsewhere"))
    del opens[:]
    named = {name for name, value in vars(type(again)).items() if isinstance(value, property)}
    for name in ("path", "table", "net", "metric", "max_size", *named):
        assert getattr(again, name) is not None or name == "metric"
    assert [name for name, value in vars(type(line)).items() if isinstance(value, property)] == ["lineage"]
    assert vars(line) | {"lineage": line.lineage}
    assert opens == []
    assert (line.name, line.start, line.parent.name, line.changes) == ("one", 20, "main", {"dropout": [0.2, 0.5]})
    assert [one.name for one in line.lineage] == [one.name for one in fork.lineage] == ["main", "one"]
    assert [line.owner(step).name for step in (0, 19, 20, 99)] == ["main", "main", "one", "one"]


def test_what_grows_is_asked_anew(run):
    line = bl.open_run(run.path).timeline()
    assert (line.steps(), line.reason(), len(line.epochs()), line.settings().epochs) == (60, "epochs", 6, 6)
    with pytest.warns(RunWarning, match="the schedule ended at step 60; it begins again"):
        run.train(20)
    assert (line.steps(), line.reason(), len(line.epochs())) == (80, "max_steps", 8)
    assert line.curves()["step"].to_list() == list(range(80))
    assert line.snapshots()[-1].step == 80
    run.fork(3, name="one")
    other = bl.open_run(run.path).timeline("one")
    run.drop("one")
    with pytest.raises(DataError, match="has no timeline 2 any more; it was dropped"):
        other.steps()


def test_where_a_timeline_ends(run):
    line, best = run.timeline(), run.timeline().best()
    assert line.end() == (60, best.step, "epochs")
    fork = run.fork(20, name="one")
    assert fork.end()[::2] == (60, None)  # nothing of it is trained yet
    fork.train(5)
    assert fork.end()[::2] == (60, None)
    with files.writing(run.path) as file:
        put(file, fork.row()._replace(reason=None, stop=70))  # as a kill leaves it
    assert fork.end()[::2] == (70, None)
    with pytest.warns(RunWarning, match="begins again over the next 10 steps"):
        fork.train()
    assert fork.end() == (70, fork.best().step, "max_steps")
    hot = run.fork(20, name="hot", learning_rate=1e30)
    with pytest.raises(DivergedError):
        hot.train()
    assert hot.end().reason == "diverged"


def test_the_best_step_that_cannot_be_made_again_is_none_of_the_end(run):
    fitted = run.timeline()
    best = fitted.best().step
    with files.writing(run.path) as file:  # as a fit writes it that goes on from weights of before the file
        put(file, fitted.row()._replace(step=best + 1))
    again = bl.open_run(run.path).timeline()
    assert (again.best().step, again.end().best) == (best, None)


# --- which weights predict ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("patience", [None, 1])
def test_the_best_weights_are_those_of_their_step(tmp_path, patience):
    run = recorded(planned("auto", learning_rate=0.3, patience=patience), tmp_path / "a.backlit")
    run.fork(30, name="fork").train(1)
    for line in run.timelines():
        best = line.best()
        metrics = {epoch.step: epoch.metric for epoch in line.epochs()}
        assert best.watched
        assert metrics[best.step] == min(metrics.values())
        np.testing.assert_array_equal(line.at(best.step).theta, best.theta)
        np.testing.assert_array_equal(line.model().theta, best.theta)
        t = line.trace()
        assert t.step == best.step
        np.testing.assert_array_equal(t.theta.astype(np.float32), best.theta)


def test_without_watched_rows_the_last_snapshot_predicts(tmp_path):
    start = planned("auto", patience=None)
    run = recorded(replace(start, plan=replace(start.plan, watch=None)), tmp_path / "a.backlit")
    best = run.timeline().best()
    assert (best.step, best.watched) == (60, False)
    np.testing.assert_array_equal(best.theta, run.at(60).theta)
    assert run.trace().step == 60


def test_the_best_weights_are_there_where_their_step_cannot_be_made_again(run):
    bare = bl.open_run(export.without_rows(run, run.path.with_name("bare.backlit")))
    best = run.timeline().best()
    assert bare.timeline().best().step == best.step
    np.testing.assert_array_equal(bare.timeline().best().theta, best.theta)
    np.testing.assert_array_equal(bare.model().predict(FRAME), run.model().predict(FRAME))


def test_a_model_of_any_step(run):
    model = run.timeline().model(17)
    assert same(run.at(17), run.timeline().at(17))
    np.testing.assert_array_equal(model.theta, run.at(17).theta)
    assert not np.array_equal(model.predict(FRAME), run.model().predict(FRAME))


def test_both_ways_to_the_same_predictions(run):
    rows = run.timeline().watch()
    encoded = run.model().decode_encoded(rows.X)
    np.testing.assert_allclose(encoded, run.model().decode(WHOLE[rows.rows]), rtol=1e-6)
    np.testing.assert_array_equal(encoded[:, 0], pl.Series(run.model().predict(WHOLE[rows.rows])).to_numpy())


# --- which rows are its own --------------------------------------------------------------------------------------


def test_timelines_share_x_and_y_and_own_their_rows(run):
    run.fork(20, name="one", dropout=0.5)
    main, one = bl.open_run(run.path).timelines()
    assert main.learn().data is main.watch().data
    assert main.plan().learn is main.learn()
    assert one.saved_rows == main.saved_rows
    assert one.run.data() is main.learn().data is one.learn().data
    assert not set(main.learn().rows) & set(main.watch().rows)
    with run.reading() as file:
        sizes = [len(data) for (data,) in file.execute("SELECT data FROM blobs WHERE shape = '[4, 80]'")]
    assert len(sizes) == 1  # X, transposed, of the rows to learn from and to watch


def test_a_timeline_with_rows_of_its_own_trains_on_them_alone(run, tmp_path):
    """As a fork that leaves rows out will write it."""
    run.fork(20, name="few")
    few = run.timeline("few")
    with files.writing(run.path) as file:
        positions = few.learn().positions[5:25]
        learn = few.saved_rows["learn"] | {"positions": store(file, positions), "weights": None}
        rows = {**few.saved_rows, "learn": learn}
        put(file, few.row()._replace(rows=json.dumps(rows)))
    again = bl.open_run(run.path)
    few = again.timeline("few")
    assert few.plan().learn.rows.tolist() == again.timeline().learn().rows[5:25].tolist()
    few.train(3)
    used = set(again.trace(21, timeline="few").rows.tolist())
    assert used <= set(few.learn().rows.tolist())
    assert again.verify(deep=True).sound
    bare = export.without_rows(again, tmp_path / "bare.backlit")
    assert same(bl.open_run(bare, WHOLE).at(22, "few"), again.at(22, "few"))
    again.drop("few")
    again.gc()
    assert again.verify(deep=True).sound
    assert len(again.timeline().learn()) == 67
