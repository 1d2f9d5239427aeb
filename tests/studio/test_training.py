import threading
import time
import warnings

import numpy as np
import pytest

from backlit.errors import ArgumentError, DataError, RunWarning, UnknownNameError
from backlit.lesson import ANOTHER, MANY, ONE
from backlit.recipe import TYPED
from backlit.runs.recorder import Recorder
from backlit.runs.run import open_run
from backlit.studio import history, training
from backlit.studio.commands import BusyError
from backlit.studio.desk import Desk
from backlit.studio.messages import Fork, Nothing, RunQuery, Train
from backlit.studio.server import hear_warnings
from backlit.studio.setup import shelf
from backlit.studio.shelf import Shelf
from backlit.studio.states import BEFORE, States, size_of

from .conftest import train, trained, wait_until


def assert_same(a, b):
    assert (a.step, a.epoch, a.used, a.total) == (b.step, b.epoch, b.used, b.total)
    assert np.asarray(a.theta).tobytes() == np.asarray(b.theta).tobytes()


def fork(commands, step, timeline=MANY, name=None, weights=None, **settings):
    """The name of the new timeline."""
    typed = {name: str(value) for name, value in settings.items()}
    query = Fork(run=commands.desk.key, timeline=timeline, step=step, name=name, settings=typed, weights=weights or {})
    return commands.fork(query).timelines[-1].name


def told(desk, name):
    """A timeline, as the page knows it."""
    return next(line for line in history.run(desk, RunQuery(run=desk.key)).timelines if line.name == name)


def test_trained_states_are_those_of_the_library(desk, commands, lesson):
    for steps in (1, 1, 200, 3):
        trained(commands, steps)
    assert commands.training.step == 205
    alone = open_run(desk.run.path)
    for step in (0, 1, 2, 108, 150, 205):
        assert_same(desk.at(step), alone.at(step))
    copy = desk.run.path.with_name("copy.backlit")
    copy.write_bytes(lesson.read_bytes())
    assert_same(desk.at(205), open_run(copy).train(205).at(205))


def test_single_steps_are_written_together(desk, commands, lesson, monkeypatch):
    monkeypatch.setattr(training, "HOLD_SECONDS", 30.0)
    for step in range(1, 6):
        train(commands, 1)
        wait_until(lambda: not commands.training.running)
        assert commands.training.step == step
    assert desk.line().steps() == 0
    assert desk.at(2).step == 2  # a look back writes nothing either
    train(commands, 2)
    wait_until(lambda: not commands.training.running)
    assert desk.line().steps() == 0
    fork(commands, 5)  # needs the file
    assert desk.line().steps() == 7
    copy = desk.run.path.with_name("copy.backlit")
    copy.write_bytes(lesson.read_bytes())
    alone = open_run(copy).train(7)
    for step in range(8):
        assert_same(desk.at(step), alone.at(step))
        assert_same(open_run(desk.run.path).at(step), alone.at(step))


def test_single_steps_are_written_when_nobody_asks_for_more(desk, commands):
    train(commands, 2)
    wait_until(lambda: desk.line().steps() == 2)


def test_steps_asked_for_twice_are_made_once(desk, commands):
    for _ in range(3):
        commands.train(Train(run="first", timeline=MANY, stop=4))
    wait_until(lambda: not commands.training.running)
    commands.stop()
    commands.train(Train(run="first", timeline=MANY, stop=3))
    commands.stop()
    assert desk.line().steps() == 4


def test_a_step_is_told_before_it_is_written(desk, commands, news, monkeypatch):
    written, looked = threading.Event(), threading.Event()
    real = Recorder._flush

    def slow(self, snapshot):
        assert looked.wait(30)
        real(self, snapshot)
        written.set()

    monkeypatch.setattr(Recorder, "_flush", slow)
    train(commands, 1)
    wait_until(lambda: any(item.training and item.training.step == 1 for item in news))
    assert not written.is_set()
    assert commands.training.E > 0
    assert desk.at(1).step == 1  # it can be looked at already
    looked.set()
    commands.stop()
    assert written.is_set()


def test_two_moments_are_looked_at_by_turns(desk, commands):
    trained(commands, 300)
    fork(commands, 100, name="other", learning_rate=0.1)
    trained(commands, 60, "other")
    alone = open_run(desk.run.path)
    for step in range(150, 100, -1):
        assert_same(desk.at(step), alone.at(step))
        assert_same(desk.at(step, "other"), alone.at(step, "other"))


@pytest.mark.parametrize("by", [1, -1])
def test_steps_beside_a_moment_are_made_from_what_is_at_hand(desk, commands, monkeypatch, by):
    trained(commands, 300)
    desk.states = States()
    first = desk.at(150)
    asked = []
    real = type(desk.run.timeline()).nearest
    monkeypatch.setattr(type(desk.run.timeline()), "nearest", lambda *how: asked.append(how) or real(*how))
    near = [desk.at(150 + by * n) for n in range(1, BEFORE)]
    assert not asked  # nothing was restored from the file
    monkeypatch.undo()
    alone = open_run(desk.run.path)
    for state in (first, *near):
        assert_same(state, alone.at(state.step))


@pytest.mark.filterwarnings("always::backlit.errors.RunWarning")
def test_states_around_a_schedule_that_begins_again(desk, commands):
    fork(commands, 0, name="short", epochs=1)
    trained(commands, timeline="short")
    trained(commands, 5, "short")
    desk.states = States()
    alone = open_run(desk.run.path)
    for step in (107, 108, 109, 113, 106, 108):
        assert_same(desk.at(step, "short"), alone.at(step, "short"))
        assert desk.at(step, "short").planned == alone.at(step, "short").planned


def test_the_news_rise_to_the_end(desk, commands, news):
    trained(commands, 24, speed=100)
    assert desk.run.timeline().steps() == 24
    steps = [item.training.step for item in news if item.training]
    assert steps == sorted(steps)
    assert len(set(steps)) > 2
    assert steps[-1] == 24


def test_pace(desk, commands):
    began = time.perf_counter()
    trained(commands, 30, speed=100)
    assert time.perf_counter() - began > 0.2


def test_stop_loses_nothing(desk, commands):
    train(commands)
    wait_until(lambda: commands.training.step > 500)
    commands.stop()
    last = commands.training
    assert not last.running
    assert not last.ended
    assert open_run(desk.run.path).timeline().steps() == last.step
    assert_same(desk.at(last.step), open_run(desk.run.path).at(last.step))
    assert not list(desk.run.path.parent.glob("*-lock"))


def test_what_needs_the_file_is_refused_while_another_training_runs(desk, commands):
    trained(commands, 10)
    train(commands, speed=200)
    sentence = "128 houses of houses-3-3-1.backlit is being trained, and is at step [0-9,]+; stop it first"
    with pytest.raises(BusyError, match=sentence):
        commands.fork(Fork(run="first", timeline=MANY, step=5))
    for query in (Train(run="first", timeline=MANY, stop=40), Train(run="real", timeline=MANY)):
        with pytest.raises(BusyError, match=sentence):
            commands.train(query)
    assert commands.training.running
    assert [line.name for line in desk.run.timelines()] == [MANY, ONE, ANOTHER]
    commands.stop()
    assert fork(commands, 5) == "fork 1"


def test_epochs_are_told_in_dollars(desk, commands, news):
    trained(commands, 216)
    epochs = [item.epoch for item in news if item.epoch is not None]
    assert [epoch.epoch for epoch in epochs] == [1, 2]
    assert 100_000 < epochs[0].train < 1_000_000
    assert 100_000 < epochs[0].validation < 1_000_000


@pytest.mark.filterwarnings("always::backlit.errors.RunWarning")
def test_what_the_library_warns_of_is_told(desk, news, monkeypatch):
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    hear_warnings(desk)
    warnings.warn("recomputed, not recorded", RunWarning, stacklevel=1)
    assert [item.notice for item in news] == ["recomputed, not recorded"]


@pytest.mark.filterwarnings("ignore::backlit.errors.RunWarning")
def test_beyond_the_end(desk, commands):
    fork(commands, 0, name="short", epochs=1)
    assert trained(commands, timeline="short").ended
    assert (commands.training.step, desk.run.timeline("short").reason()) == (108, "epochs")
    assert not trained(commands, 5, "short").ended
    assert commands.training.step == 113
    trained(commands, timeline="short")
    assert commands.training.step == 113 + 108


def test_a_training_that_has_ended_names_the_weights_that_predict(desk, commands, news):
    fork(commands, 0, name="short", learning_rate=0.4, epochs=6)
    assert trained(commands, timeline="short").ended
    line = desk.run.timeline("short")
    best = line.at().best
    assert line.reason() == "epochs"
    assert best.step < line.steps() == 648
    assert np.array_equal(desk.at(best.step, "short").theta, line.best().theta)
    last = next(item for item in reversed(news) if item.run)
    assert last.training == commands.training
    message = last.run.timelines[-1]
    assert (message.best, message.steps, message.reason) == (best.step, 648, "epochs")


def test_steps_that_were_asked_for_do_not_end_a_timeline(desk, commands):
    fork(commands, 0, name="short", learning_rate=0.4, epochs=6)
    assert not trained(commands, 640, "short").ended
    assert desk.run.timeline("short").reason() == "max_steps"
    assert told(desk, "short").reason is None
    assert trained(commands, 8, "short").step == 648
    assert told(desk, "short").reason == "epochs"


def test_fork_with_a_weight(desk, commands, news):
    trained(commands, 10)
    assert fork(commands, 5, name="mine", weights={"w1[lat, 1]": 0.25}) == "mine"
    state = desk.at(5, "mine")
    assert state.theta[desk.run.net.positions("w1[lat, 1]")[0]] == 0.25
    assert [line.name for line in next(item.run for item in reversed(news) if item.run).timelines] == [
        MANY,
        ONE,
        ANOTHER,
        "mine",
    ]
    trained(commands, 3, "mine")
    assert_same(desk.at(8, "mine"), open_run(desk.run.path).at(8, "mine"))
    assert_same(desk.at(4, "mine"), open_run(desk.run.path).at(4))


def test_a_fork_may_change_every_setting_of_the_steps(desk, commands):
    changes = {"optimizer": "adam", "weight_decay": "0.25", "clip_norm": "2", "schedule": "cosine", "batch_size": "",
               "epochs": "7", "max_steps": "900", "max_seconds": "60", "dropout": "0", "patience": "3",
               "target_error": "0.125", "learning_rate": "0.3", "engine": "reference"}  # fmt: skip
    offered = {setting.name for setting in shelf(desk, Nothing()).settings if setting.part == "training"}
    assert offered == set(changes) == set(told(desk, MANY).settings)
    fork(commands, 0, name="other", **changes)
    made, settings = desk.line("other"), desk.line("other").settings()
    assert (settings.optimizer.name, settings.optimizer.weight_decay, settings.optimizer.clip_norm) == ("adam", 0.25, 2)
    assert (settings.schedule.name, settings.batch_size, settings.epochs) == ("cosine", None, 7)
    assert (settings.max_steps, settings.max_seconds, settings.patience) == (900, 60, 3)
    assert (settings.target_error, settings.learning_rate, made.engine) == (0.125, 0.3, "reference")
    typed = {name: TYPED[name].read(text) for name, text in told(desk, "other").settings.items()}
    assert typed == {name: TYPED[name].read(text) for name, text in changes.items()}
    with pytest.raises(UnknownNameError, match="did you mean 'epochs'"):
        fork(commands, 0, epoch=7)
    with pytest.raises(ArgumentError, match="learning_rate is 'fast'"):
        fork(commands, 0, learning_rate="fast")


def test_a_run_that_diverges_is_told_and_the_studio_goes_on(desk, commands):
    fork(commands, 0, name="fast", learning_rate=1000.0)
    assert "diverged" in trained(commands, 500, "fast").trouble
    assert desk.run.timeline("fast").reason() == "diverged"
    assert trained(commands, 2).step == 2


@pytest.mark.parametrize("step", [-1, 1, 10**9])
def test_there_is_no_such_step(desk, step):
    with pytest.raises(ArgumentError, match=str(step)):
        desk.at(step)


def test_there_is_no_such_timeline_or_run(desk):
    with pytest.raises(UnknownNameError, match="'128 houses'"):
        desk.at(0, "mai")
    for key in ("../first", "/etc/passwd", "houses-3-3-1", ""):
        with pytest.raises(UnknownNameError):
            desk.opened(key)


def test_two_runs_at_once(desk, commands):
    trained(commands, 7)
    desk.key = "real"
    assert desk.run.path.name == "houses.backlit"
    trained(commands, 2)
    assert_same(desk.at(2), open_run(desk.run.path).at(2))
    assert desk.state("first", MANY, 7).theta.size == 16


def test_a_file_that_takes_the_place_of_a_run_is_another_run(desk, commands, lesson):
    trained(commands, 9)
    assert desk.at(9).step == 9
    desk.run.path.with_name("new").write_bytes(lesson.read_bytes())
    desk.run.path.with_name("new").replace(desk.run.path)
    with pytest.raises(ArgumentError, match="step is 9; it must be a step from 0 to 0"):
        desk.at(9)


def test_a_file_that_has_gone_is_named(desk):
    desk.run.path.rename(desk.run.path.with_name("elsewhere"))
    with pytest.raises(DataError, match=r"houses-3-3-1\.backlit"):
        desk.at(0)


def test_a_file_that_is_not_ours_is_left_alone(tmp_path):
    taken = tmp_path / "houses-3-3-1.backlit"
    taken.write_text("my poem")
    for _ in range(2):
        assert Desk(Shelf(tmp_path)).opened("first").path.name == "houses-3-3-1-2.backlit"
    assert taken.read_text() == "my poem"


def test_the_states_at_hand_are_bounded(desk):
    state, run = desk.at(0), desk.run
    states = States(10 * size_of(state))
    for number in range(50):
        states.put(run, number, state)
        states.get(run, 0, 0)
    assert states.get(run, 49, 0) is state
    assert states.get(run, 0, 0) is state
    assert states.get(run, 30, 0) is None
    assert len(states._states) == 10
