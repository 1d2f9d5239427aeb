"""A race in the studio: three learning rates train by turns, tell how they stand, and can be forgotten."""

import json
from itertools import pairwise

import numpy as np
import pytest

from backlit.errors import ArgumentError
from backlit.lesson import MANY, ONE
from backlit.runs.race import proposed
from backlit.runs.run import open_run
from backlit.studio import history, training
from backlit.studio.commands import BusyError
from backlit.studio.messages import Drop, Fork, MomentQuery, Nothing, Race, Train

from .conftest import trained, wait_until

RATES = [0.0005, 0.05, 1.5]
NAMES = ["rate 0.0005", "rate 0.05", "rate 1.5"]


def race(commands, timeline=ONE, step=0, rates=RATES, **more):
    return commands.race(Race(run=commands.desk.key, timeline=timeline, step=step, rates=rates, **more))


def over(commands):
    wait_until(lambda: not commands.training.running)
    return commands.standings


def test_the_rates_that_are_proposed_are_the_librarys(desk):
    query = MomentQuery(run=desk.key, timeline=ONE, step=0)
    assert history.rates(desk, query).rates == tuple(RATES)


def test_rates_are_proposed_at_a_step_that_is_not_written_yet(desk, commands, monkeypatch):
    monkeypatch.setattr(training, "HOLD_SECONDS", 30.0)
    commands.train(Train(run=desk.key, timeline=ONE, stop=2))
    wait_until(lambda: not commands.training.running)
    assert desk.line(ONE).steps() == 0
    rates = history.rates(desk, MomentQuery(run=desk.key, timeline=ONE, step=2)).rates
    commands.stop()
    assert rates == proposed(desk.line(ONE), desk.at(2, ONE))


def test_a_race_makes_the_librarys_timelines(desk, commands, news, lesson):
    assert [line.name for line in race(commands).timelines[-3:]] == NAMES
    standings = over(commands)
    assert not standings.running
    copy = desk.run.path.with_name("copy.backlit")
    copy.write_bytes(lesson.read_bytes())
    alone = open_run(copy)
    lanes = alone.race(RATES, 30, 0, ONE)
    for lane, own in zip(standings.lanes, lanes, strict=True):
        assert (lane.timeline, lane.rate, lane.step, lane.ending) == (own.timeline, own.rate, own.step, own.ending)
        assert (lane.before, lane.after, lane.share) == (own.before, own.after, own.share)
        for step in (0, 7, lane.step):
            assert np.array_equal(desk.at(step, lane.timeline).theta, alone.at(step, own.timeline).theta)
    told = [item.standings for item in news if item.standings]
    assert told[-1] == standings
    assert sum(item.run is not None for item in news) == 2  # as it begins, and as it is over
    for before, after in pairwise(told):
        assert all(a.step <= b.step for a, b in zip(before.lanes, after.lanes))


def test_e_is_told_with_the_step_that_it_belongs_to(desk, commands, news):
    """Also where each step is an epoch."""
    race(commands, rates=RATES[:2], steps=6, speed=10)
    over(commands)
    for name in NAMES[:2]:
        E = desk.line(name).curves()["E"].to_list()
        told = [lane for item in news if item.standings for lane in item.standings.lanes if lane.timeline == name]
        assert len({lane.step for lane in told}) >= 3
        assert told[-1].step == 6
        assert all(lane.E == pytest.approx(E[lane.step - 1]) for lane in told if lane.step)


def test_one_training_at_a_time_and_stop_stops_all(desk, commands):
    race(commands, MANY, steps=50_000, speed=20)
    with pytest.raises(BusyError, match="is being trained"):
        commands.train(Train(run=desk.key, timeline=MANY, stop=3))
    with pytest.raises(BusyError, match="is being trained"):
        race(commands)
    with pytest.raises(BusyError, match="is being trained"):
        commands.drop(Drop(run=desk.key, timelines=NAMES[:1]))
    wait_until(lambda: min(lane.step for lane in commands.standings.lanes) >= 2)
    commands.stop()
    lanes = commands.standings.lanes
    assert not commands.standings.running
    assert all(lane.ending for lane in lanes)
    made = [desk.line(lane.timeline).steps() for lane in lanes]
    assert max(made) - min(made) <= 1
    assert [lane.step for lane in lanes] == made
    assert all(desk.line(lane.timeline).reason() in ("interrupted", "diverged") for lane in lanes)
    trained(commands, 2)  # and others can be trained again
    assert commands.standings is None


def test_the_timelines_can_be_forgotten_and_their_numbers_used_again(desk, commands):
    race(commands, steps=5)
    over(commands)
    stale = desk.at(5, NAMES[2]).theta
    reply = commands.drop(Drop(run=desk.key, timelines=NAMES))
    assert [line.name for line in reply.timelines] == [MANY, ONE, "another house"]
    race(commands, rates=[0.1, 0.2, 0.3], steps=5)
    over(commands)
    assert [line.name for line in desk.run.timelines()][3:] == ["rate 0.1", "rate 0.2", "rate 0.3"]
    state = desk.at(5, "rate 0.3").theta
    assert np.array_equal(state, open_run(desk.run.path).at(5, "rate 0.3").theta)
    assert not np.array_equal(state, stale)


def test_what_others_come_from_stays(desk, commands):
    race(commands, steps=2)
    over(commands)
    commands.fork(Fork(run=desk.key, timeline=NAMES[1], step=1))
    with pytest.raises(ArgumentError, match="fork"):
        commands.drop(Drop(run=desk.key, timelines=NAMES))
    assert NAMES[1] in [line.name for line in desk.run.timelines()]
    with pytest.raises(ArgumentError):
        commands.drop(Drop(run=desk.key, timelines=[MANY]))


@pytest.mark.parametrize("wrong", [{"rates": []}, {"rates": [0.1, -1.0]}, {"steps": 0}, {"speed": 0.0}, {"step": 5}])
def test_mistakes_begin_nothing(desk, commands, wrong):
    with pytest.raises(ArgumentError):
        race(commands, **wrong)
    assert len(desk.run.timelines()) == 3
    commands.stop(Nothing())


def test_over_the_network(client):
    with client.news() as socket:
        socket.recv()
        answer = client.ask("race", {"run": "first", "timeline": ONE, "step": 0, "rates": RATES})
        assert [line["name"] for line in answer.json["timelines"]][-3:] == NAMES
        while (told := json.loads(socket.recv(30)))["training"] is None or told["training"]["running"]:
            pass
    assert [lane["ending"] for lane in told["standings"]["lanes"]] == ["crawled", "fell", "diverged"]
    with client.news() as socket:  # a tab that comes later hears of it
        assert json.loads(socket.recv())["standings"] == told["standings"]
