"""The course of a timeline's training: the figures that a verdict rests on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from backlit.explain.curvature import Bend, bend_along_step
from backlit.explain.trace import trace_of_step
from backlit.explain.verdict import Course, Match, Verdict, judge
from backlit.runs.timeline import Timeline
from backlit.training import evaluate

PLACES = (0.0, 0.1, 0.25, 0.5)  #: shares of the steps at which E's bend is looked at
MOST_ROWS = 1024  #: of a step's batch that are looked at


def judged(timeline: Timeline, against: Match | None = None) -> Verdict:
    """The verdict on a timeline; see `backlit.explain.verdict.judge`.

    How E bends takes the longest to compute, and is left out where nothing went wrong.
    """
    course = course_of(timeline)
    verdict = judge(course, against)
    settled = verdict.kind in ("healthy", "overfitted") and verdict.beaten_by is None
    if settled and not course.best_is_last:
        return verdict
    places = PLACES if course.diverged is None else (*PLACES, 0.75, 0.9, 1.0)
    return judge(replace(course, bends=tuple(bends(timeline, places))), against)


def course_of(timeline: Timeline) -> Course:
    """The figures of a timeline, E before training and on the rows learnt from computed now; but for the bends."""
    plan, epochs, steps = timeline.plan(), timeline.epochs(), timeline.steps()
    settings, net = plan.settings, plan.net
    diverged = timeline.reason() == "diverged"
    with np.errstate(all="ignore"):
        return Course(
            start=evaluate(plan, timeline.at(timeline.lineage[0].start).theta, plan.watched),
            errors=tuple(math.inf if epoch.error is None else epoch.error for epoch in epochs),
            watched=() if timeline.run.watched else tuple(e.metric for e in epochs if e.metric is not None),
            learnt=evaluate(plan, timeline.best().theta, plan.learn),
            learning_rate=settings.learning_rate,
            dropout=net.dropout,
            weight_decay=settings.optimizer.weight_decay,
            binned=net.binned,
            diverged=steps if diverged else None,
        )


def bends(timeline: Timeline, places: tuple[float, ...] = PLACES) -> Iterator[Bend]:
    """How E bends along some of a timeline's steps, at these shares of all."""
    first, last = timeline.lineage[0].start, timeline.steps()
    for step in sorted({first + int(place * (last - first)) for place in places}):
        owner = timeline.owner(step)
        plan, state = owner.plan(), timeline.at(step)
        if state.used < len(plan.learn):
            yield bend_along_step(trace_of_step(plan, state, timeline.run.table, MOST_ROWS))
