"""A race of learning rates: timelines trained by turns, each to the bits that it would have come to alone."""

import contextlib
import math

import numpy as np
import pytest
from recorded import planned, recorded, same

import backlit as bl
from backlit.errors import ArgumentError, DivergedError
from backlit.explain.curvature import Bend, trial_rates
from backlit.lesson import ANOTHER, MANY, ONE, first_run
from backlit.runs.race import Lane, proposed, race, start
from backlit.training import StepsDone, Stopped

RATES = (0.001, 0.05, 1e30)  # the last one diverges


@pytest.fixture
def run(tmp_path):
    """15 steps of 60, an epoch and a half."""
    return recorded(
        planned("auto", optimizer="sgd", schedule="constant", clip_norm=None), tmp_path / "a.backlit", steps=15
    )


@pytest.fixture
def lesson(tmp_path):
    path = tmp_path / "lesson.backlit"
    first_run(path, "houses.csv")
    return bl.open_run(path)


def alone(run, rate, steps, step, name):
    """The same timeline, trained by itself; where it diverges, up to there."""
    timeline = run.fork(step, name=name, learning_rate=rate)
    with contextlib.suppress(DivergedError):
        timeline.train(steps)
    return timeline


def test_steps_are_those_that_each_makes_alone(run):
    for step, steps in ((15, 25), (4, 60)):  # the second one goes beyond the planned end
        lanes = run.race(RATES[:2], steps, step)
        for rate, lane in zip(RATES, lanes, strict=False):
            single = alone(run, rate, steps, step, f"alone {rate} {step}")
            assert lane.step == single.steps() == step + steps
            own = run.timeline(lane.timeline)
            assert all(same(own.at(at), single.at(at)) for at in range(step, lane.step + 1))
            assert own.epochs() == single.epochs()
            assert own.curves().equals(single.curves())
            assert (own.parent.name, own.start, own.settings()) == ("main", step, single.settings())
    assert bl.open_run(run.path).verify(deep=True).sound


def test_they_advance_together(run):
    lanes = start(run.timeline(), (0.001, 0.002, 0.003), 15, ["main"])
    made = dict.fromkeys(lanes, 0)
    told = []
    for timeline, event in race(lanes, 20, stretch=1):
        if isinstance(event, StepsDone):
            made[timeline] += len(event.figures.E)
            assert max(made.values()) - min(made.values()) <= 1
        told.append((timeline.name, type(event)))
    assert set(made.values()) == {20}
    assert sum(kind is Stopped for _, kind in told) == 3
    assert run.timeline().steps() == 15


def test_one_that_diverges_does_not_end_the_others(run):
    *well, wrong = run.race(RATES, 12, step=0)
    assert [lane.ending for lane in (*well, wrong)] == ["crawled", "fell", "diverged"]
    single = alone(run, RATES[-1], 12, 0, "alone")
    assert single.reason() == run.timeline(wrong.timeline).reason() == "diverged"
    assert wrong.step == single.steps() < 12
    assert same(run.at(wrong.step, wrong.timeline), single.at())
    assert f"went wrong at step {wrong.step}" in str(wrong)
    for lane in well:
        assert lane.step == 12
        assert run.timeline(lane.timeline).reason() == "max_steps" or run.timeline(lane.timeline).finished() is None
        plan = run.timeline(lane.timeline).plan()
        for step, error in ((0, lane.before), (12, lane.after)):
            S = plan.engine.predict(plan.net, run.at(step, lane.timeline).theta, plan.learn.X)
            assert error == pytest.approx(float(((S - plan.learn.Y) ** 2).mean()), rel=1e-6)
    assert bl.open_run(run.path).verify(deep=True).sound


def test_it_can_be_stopped_and_each_resumed(run):
    lanes = start(run.timeline(), RATES[:2], 15, ["main"])
    events = race(lanes, 30, stretch=1)
    for _ in range(21):
        next(events)
    events.close()
    made = [lane.steps() - 15 for lane in lanes]
    assert sum(made) in (19, 20, 21)  # of epochs, too, is told
    assert all(lane.reason() == "interrupted" for lane in lanes)
    for rate, lane in zip(RATES, lanes, strict=False):
        again = bl.open_run(run.path).timeline(lane.name).train()  # to where it would have gone
        single = alone(run, rate, 30, 15, f"alone {rate}")
        assert again.steps() == 45
        assert same(again.at(), single.at())
    assert run.train(5).steps() == 20  # the file is free again


def test_an_interrupt_ends_all_of_it(run, monkeypatch):
    lanes = start(run.timeline(), (0.001, 0.002), 15, ["main"])
    engine = lanes[1].plan().engine
    real, calls = type(engine).run, []

    def interrupted(self, *arguments):
        calls.append(1)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return real(self, *arguments)

    monkeypatch.setattr(type(engine), "run", interrupted)
    *_, (timeline, last) = race(lanes, 30, stretch=1)
    assert isinstance(last, Stopped)
    assert last.reason == "interrupted"
    assert timeline is lanes[1]
    assert [lane.steps() - 15 for lane in lanes] == [3, 2]


def test_names_are_plain_and_never_taken(run):
    names = [lane.timeline for lane in run.race((0.05, 0.05, 1e-5), 1) + run.race((0.05,), 1)]
    assert names == ["rate 0.05", "rate 0.05 (2)", "rate 1e-05", "rate 0.05 (3)"]
    one, two = (run.timeline(name) for name in names[:2])
    assert same(one.at(), two.at())
    assert run.compare("rate 0.05", "rate 1e-05").parted == 15
    for name in names:
        run.drop(name)
    assert [timeline.name for timeline in run.timelines()] == ["main"]
    # another one that gets the number of one that was forgotten is not taken for it
    other = run.fork(0, name="other", dropout=0.0)
    assert other.train(3).plan().net.dropout == 0


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"rates": ()}, "from 1 to 8 learning rates"),
        ({"rates": 0.1}, "rates is 0.1; it must be from 1 to 8 learning rates"),
        ({"rates": (0.1 for _ in range(2))}, "from 1 to 8 learning rates"),
        ({"rates": (0.1, 10**400)}, "learning_rate is 10"),
        ({"rates": (0.1, -1.0)}, "learning_rate is -1.0"),
        ({"rates": (0.1, math.nan)}, "learning_rate is nan"),
        ({"steps": 0}, "steps is 0"),
        ({"step": 99}, "99"),
    ],
)
def test_mistakes_begin_nothing(run, asked, said):
    with pytest.raises(ArgumentError, match=said):
        run.race(**{"rates": (0.1, 0.2), "steps": 2} | asked)
    assert len(run.timelines()) == 1


@pytest.mark.parametrize("name", [ONE, ANOTHER, MANY])
def test_of_the_proposed_rates_one_crawls_one_is_the_present_one_and_one_diverges(lesson, name):
    slow, own, fast = proposed(lesson.timeline(name), lesson.at(0, name))
    assert own == lesson.timeline(name).settings().learning_rate == 0.05
    # λ along the gradient, by differences of E itself; above 2 / λ a step leads to a higher E
    t = lesson.timeline(name).trace(0)
    E = lambda rate: t.at(t.theta - rate * t.gradient).E
    h = 1e-3
    limit = 2 * float(t.gradient @ t.gradient) / ((E(h) - 2 * E(0) + E(-h)) / h**2)
    assert fast == pytest.approx(4 * limit, rel=0.05)
    lanes = lesson.race(step=0, timeline=name)
    assert [lane.rate for lane in lanes] == [slow, own, fast]
    assert [lane.ending for lane in lanes] == ["crawled", "fell", "diverged"]
    assert lanes[0].rows == {ONE: "row 0", ANOTHER: "row 17"}.get(name, "13,765 rows")


def test_the_lessons_race_in_words(lesson):
    assert [str(lane) for lane in lesson.race(step=0, timeline=ONE)] == [
        "rate 0.0005 crawls: E of row 0 fell by only 15%, from 0.5096 to 0.4318",
        "rate 0.05: E of row 0 fell by >99%, from 0.5096 to 1.195e−9",
        "rate 1.5 went wrong at step 21: E had risen from 0.5096 to 2.1e+36, and the next step went beyond all numbers",
    ]


def test_rates_where_the_curvature_says_nothing_or_the_present_one_is_beyond_it():
    assert trial_rates(Bend(0, 0.1, 20.0), 0.05) == (0.0005, 0.05, 0.4)
    assert trial_rates(Bend(0, 0.1, 20.0), 3.0) == (0.001, 3.0, 12.0)
    assert trial_rates(Bend(0, 0.1, -1.0), 0.05) == (0.0005, 0.05, 0.2)


def test_steps_may_be_numbers_of_other_libraries(run):
    assert run.race(np.array([0.1]), np.int64(2))[0].step == 17


def test_a_lane_that_went_wrong_before_E_could_rise(lesson):
    lane = lesson.race((1e300,), 2, 0, ONE)[0]
    assert str(lane) == "rate 1e+300 went wrong at step 0: the next step went beyond all numbers"


def test_a_lane_that_rose_and_one_that_did_not_move():
    lane = Lane("rate 2", 2.0, 9, 0.5, 0.75, "row 0", False)
    assert str(lane) == "rate 2 overshoots: E of row 0 rose from 0.5 to 0.75"
    assert Lane("rate 2", 2.0, 9, 0.5, math.nan, "row 0", False).ending == "rose"
    assert Lane("rate 2", 2.0, 9, 0.0, 0.0, "row 0", False).ending == "crawled"
