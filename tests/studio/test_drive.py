import threading
import time
import warnings

import numpy as np
import pytest

from backlit.errors import ArgumentError, UnknownNameError
from backlit.runs.recorder import Recorder
from backlit.runs.run import open_run
from backlit.studio.desk import Desk, Window, size_of
from backlit.studio.drive import hear_warnings
from backlit.studio.history import run_message
from backlit.studio.messages import Fork, Go, Open, Train
from backlit.studio.shelf import Shelf

from .conftest import trained, wait_until


def assert_same(a, b):
    assert (a.step, a.epoch, a.used, a.total) == (b.step, b.epoch, b.used, b.total)
    assert np.asarray(a.theta).tobytes() == np.asarray(b.theta).tobytes()


def presents(news):
    return [item.present for item in news if item.present is not None]


def test_the_first_lesson_is_open_at_step_0(desk):
    assert (desk.key, desk.present.timeline, desk.present.step) == ("first", "main", 0)
    assert desk.run.net.size == 16
    assert desk.state("main", 0).theta.dtype == np.float32


def test_trained_states_are_those_of_the_library(desk, drive, lesson):
    for steps in (1, 1, 200, 3):
        trained(drive, steps=steps)
    assert desk.present.step == 205
    alone = open_run(desk.run.path)
    for step in (0, 1, 2, 108, 150, 205):
        assert_same(desk.state("main", step), alone.at(step))
    copy = desk.run.path.with_name("copy.backlit")
    copy.write_bytes(lesson.read_bytes())
    assert_same(desk.state("main", 205), open_run(copy).train(205).at(205))


def test_single_steps_are_written_together(desk, drive, lesson):
    for step in range(1, 6):
        drive.train(Train(steps=1))
        wait_until(lambda: not desk.present.training)
        assert desk.present.step == step
    assert desk.timeline("main").steps() == 0
    drive.go(Go(timeline="main", step=2))  # a look back writes nothing either
    drive.go(Go(timeline="main", step=5))
    drive.train(Train(steps=2))
    wait_until(lambda: not desk.present.training)
    wait_until(lambda: desk.timeline("main").steps() == 7)  # nobody asks for more
    copy = desk.run.path.with_name("copy.backlit")
    copy.write_bytes(lesson.read_bytes())
    alone = open_run(copy).train(7)
    for step in range(8):
        assert_same(desk.state("main", step), alone.at(step))
        assert_same(open_run(desk.run.path).at(step), alone.at(step))


def test_steps_after_a_look_back_follow_what_was_made(desk, drive):
    trained(drive, steps=3)
    drive.train(Train(steps=2))
    wait_until(lambda: not desk.present.training)
    drive.go(Go(timeline="main", step=1))
    drive.train(Train(steps=6))
    wait_until(lambda: not desk.present.training)
    assert desk.present.step == 7
    assert drive.stop().present.step == 7
    assert desk.timeline("main").steps() == 7


def test_a_step_is_told_before_it_is_written(desk, drive, monkeypatch):
    written, looked = threading.Event(), threading.Event()
    real = Recorder._flush

    def slow(self, snapshot):
        assert looked.wait(30)
        real(self, snapshot)
        written.set()

    monkeypatch.setattr(Recorder, "_flush", slow)
    drive.train(Train(steps=1))
    wait_until(lambda: desk.present.step == 1)
    assert not written.is_set()
    assert desk.present.E > 0
    assert desk.state("main", 1).step == 1  # it can be looked at already
    looked.set()
    drive.stop()
    assert written.is_set()


def test_forward_and_back_is_the_same_moment(desk, drive):
    trained(drive, steps=30)
    before = {step: desk.state("main", step) for step in (9, 10, 11)}
    for step in (9, 10, 11, 10, 9):
        assert drive.go(Go(timeline="main", step=step)).present.step == step
        assert_same(desk.state("main", step), before[step])


def test_states_around_the_present_moment_are_at_hand(desk, drive):
    trained(drive, steps=300)
    drive.go(Go(timeline="main", step=150))
    wait_until(lambda: not desk.window.missing(desk.timeline("main"), range(110, 191)))
    alone = open_run(desk.run.path)
    for step in (110, 150, 190):
        assert_same(desk.window.get(1, step), alone.at(step))


def test_play_from_the_past_follows_what_is_recorded_and_goes_on(desk, drive, news):
    trained(drive, steps=20)
    drive.go(Go(timeline="main", step=12))
    news.clear()
    trained(drive, steps=12, speed=30)
    assert desk.present.step == desk.run.timeline().steps() == 24
    steps = [present.step for present in presents(news) if present.training]
    assert steps == sorted(steps)
    numbers = [present.number for present in presents(news)]
    assert numbers == sorted(numbers)
    assert set(range(13, 21)) <= set(steps)


def test_pace(desk, drive):
    began = time.perf_counter()
    trained(drive, steps=30, speed=100)
    assert time.perf_counter() - began > 0.2


def test_stop_loses_nothing(desk, drive):
    assert drive.train(Train()).present.playing
    wait_until(lambda: desk.present.step > 500)
    present = drive.stop().present
    assert not present.training
    assert not present.playing
    assert open_run(desk.run.path).timeline().steps() == present.step
    assert_same(desk.state("main", present.step), open_run(desk.run.path).at(present.step))
    assert not list(desk.run.path.parent.glob("*-lock"))


def test_epochs_are_told_in_dollars(desk, drive, news):
    trained(drive, steps=216)
    epochs = [item.epoch for item in news if item.epoch is not None]
    assert [epoch.epoch for epoch in epochs] == [1, 2]
    assert 100_000 < epochs[0].train < 1_000_000
    assert 100_000 < epochs[0].validation < 1_000_000


@pytest.mark.filterwarnings("always::backlit.errors.RunWarning")
def test_beyond_the_end(desk, drive, news, monkeypatch):
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    hear_warnings(desk)
    drive.fork(Fork(timeline="main", step=0, name="short", epochs=1))
    trained(drive)
    assert desk.present.step == 108
    assert desk.run.timeline("short").reason() == "epochs"
    trained(drive, steps=5)
    assert desk.present.step == 113
    trained(drive)
    assert desk.present.step == 113 + 108
    drive.go(Go(timeline="short", step=200))
    trained(drive)  # follows to the end, and does not go beyond it unasked
    assert desk.present.step == 113 + 108


def test_training_ends_at_the_weights_that_predict(desk, drive, news):
    drive.fork(Fork(timeline="main", step=0, name="short", learning_rate=0.4, epochs=6))
    trained(drive)
    line = desk.run.timeline("short")
    best = line.at().best
    assert line.reason() == "epochs"
    assert best.step < line.steps() == 648
    assert desk.present.step == best.step
    assert np.array_equal(desk.state("short", best.step).theta, line.best().theta)
    [told] = [item.told for item in news if item.told]
    assert "ended at step 648" in told
    assert f"This is step {best.step}, the best on the watched rows: these weights predict." in told
    message = next(item.run for item in reversed(news) if item.run).timelines[-1]
    assert (message.best, message.steps, message.reason) == (best.step, 648, "epochs")
    assert trained(drive).step == 648  # what is recorded is followed to its end


def test_steps_that_were_asked_for_are_not_left(desk, drive):
    drive.fork(Fork(timeline="main", step=0, name="short", learning_rate=0.4, epochs=6))
    trained(drive, steps=640)
    assert desk.run.timeline("short").reason() == "max_steps"
    assert run_message(desk).timelines[-1].reason is None
    assert trained(drive, steps=8).step == 648
    assert desk.run.timeline("short").at().best.step < 648


def test_a_finished_run_is_opened_at_the_weights_that_predict(desk, drive):
    drive.fork(Fork(timeline="main", step=0, name="short", learning_rate=0.4, epochs=6))
    path = desk.run.path

    def opened():
        other = Desk(Shelf(path.parent))
        present = other.present
        other.close()
        return present.timeline, present.step

    trained(drive, steps=640)
    assert opened() == ("main", 0)  # the lesson, until it is finished
    trained(drive, steps=8)
    line = desk.run.timeline("short")
    assert opened() == ("short", line.at().best.step)
    drive.fork(Fork(timeline="short", step=640, name="fast", learning_rate=1e6))
    trained(drive)
    assert desk.run.timeline("fast").reason() == "diverged"
    assert desk.present.step == desk.run.timeline("fast").steps()  # where it broke off


def test_fork_with_a_weight(desk, drive, news):
    trained(drive, steps=10)
    present = drive.fork(Fork(timeline="main", step=5, name="mine", weights={"w1[lat, 1]": 0.25})).present
    assert (present.timeline, present.step) == ("mine", 5)
    state = desk.state("mine", 5)
    assert state.theta[desk.run.net.positions("w1[lat, 1]")[0]] == 0.25
    assert [line.name for line in next(item.run for item in reversed(news) if item.run).timelines] == ["main", "mine"]
    trained(drive, steps=3)
    assert_same(desk.state("mine", 8), open_run(desk.run.path).at(8, "mine"))
    assert_same(desk.state("mine", 4), open_run(desk.run.path).at(4))


def test_a_run_that_diverges_is_told_and_the_studio_goes_on(desk, drive, news):
    drive.fork(Fork(timeline="main", step=0, name="fast", learning_rate=1000.0))
    trained(drive, steps=500)
    assert "diverged" in next(item.trouble for item in news if item.trouble)
    assert desk.run.timeline("fast").reason() == "diverged"
    drive.go(Go(timeline="main", step=0))
    assert trained(drive, steps=2).step == 2


@pytest.mark.parametrize("step", [-1, 1, 10**9])
def test_there_is_no_such_step(desk, drive, step):
    with pytest.raises(ArgumentError, match=str(step)):
        drive.go(Go(timeline="main", step=step))
    assert desk.present.step == 0


def test_there_is_no_such_timeline_or_run(desk, drive):
    with pytest.raises(UnknownNameError, match="'main'"):
        drive.go(Go(timeline="mai", step=0))
    for key in ("../first", "/etc/passwd", "houses-3-3-1", ""):
        with pytest.raises(UnknownNameError):
            desk.open(key)


def test_another_run_and_back(desk, drive, news):
    trained(drive, steps=7)
    drive.open(Open(key="real"))
    assert (desk.key, desk.present.step, desk.run.path.name) == ("real", 0, "houses.backlit")
    trained(drive, steps=2)
    assert_same(desk.state("main", 2), open_run(desk.run.path).at(2))
    drive.open(Open(key="first"))
    assert (desk.present.step, desk.state("main", 7).theta.size) == (7, 16)
    assert next(item.run for item in reversed(news) if item.run).key == "first"


def test_a_file_that_is_not_ours_is_left_alone(tmp_path):
    taken = tmp_path / "houses-3-3-1.backlit"
    taken.write_text("my poem")
    desk = Desk(Shelf(tmp_path))
    assert desk.run.path.name == "houses-3-3-1-2.backlit"
    desk.close()
    assert taken.read_text() == "my poem"
    desk = Desk(Shelf(tmp_path))
    assert desk.run.path.name == "houses-3-3-1-2.backlit"
    desk.close()


def test_the_window_is_bounded(desk):
    state = desk.state("main", 0)
    window = Window(10 * size_of(state))
    for number in range(50):
        window.put(number, state)
        window.get(0, 0)
    assert window.get(49, 0) is state
    assert window.get(0, 0) is state
    assert window.get(30, 0) is None
    assert len(window._states) == 10


def test_tabs(desk, monkeypatch):
    clocks, timer = [], threading.Timer
    monkeypatch.setattr("threading.Timer", lambda *how: clocks.append(timer(0, *how[1:])) or timer(3600, *how[1:]))
    desk.come("a")
    desk.come("b")
    assert desk.present.driver == "a"
    desk.leave("a")
    desk.come("a")  # loaded again, before its time was over
    for clock in clocks:
        clock.run()
    assert desk.present.driver == "a"
    monkeypatch.setattr("threading.Timer", timer)
    monkeypatch.setattr("backlit.studio.desk.AWAY", 0.05)
    desk.leave("a")
    wait_until(lambda: desk.present.driver == "")
    desk.require_driver("b")
    assert desk.present.driver == "b"
