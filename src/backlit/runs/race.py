"""A race: timelines that begin at the same moment, trained by turns, so that they advance together."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from backlit.core.state import State
from backlit.errors import DivergedError, require
from backlit.explain.curvature import bend_along_step, trial_rates
from backlit.explain.trace import trace_of_step
from backlit.recipe import SETTINGS
from backlit.runs.course import MOST_ROWS
from backlit.runs.file import writing
from backlit.runs.timeline import Timeline
from backlit.training import Event, StepsDone, Stopped, evaluate
from backlit.words import say

TURNS = 60  #: of each timeline, at the most, unless a stretch is given
CRAWL = 0.25  #: E that fell by a smaller share hardly moved
MOST_LANES = 8

Turns: TypeAlias = "Generator[tuple[Timeline, Event | DivergedError], None, None]"
Ending = Literal["fell", "crawled", "rose", "diverged"]


@dataclass(frozen=True)
class Lane:
    """A timeline of a race, and what came of it; as text, a sentence.

    Attributes
    ----------
    timeline : its name
    rate : the learning rate α
    step : the last state there is; where it diverged, the step that went wrong
    before, after : E of all rows that it learns from, when the race began and now; where it diverged, the last E of a
        step that was a number
    rows : in words, which those are
    """

    timeline: str
    rate: float
    step: int
    before: float
    after: float
    rows: str
    diverged: bool

    @property
    def ending(self) -> Ending:
        """What became of E."""
        if self.diverged:
            return "diverged"
        if not self.after <= self.before:
            return "rose"
        return "crawled" if self.share < CRAWL else "fell"

    @property
    def share(self) -> float:
        """Of E before, how much is gone."""
        return 1 - self.after / self.before if self.before else 0.0

    def __str__(self) -> str:
        risen = self.after if self.after > self.before else None
        return say(f"race.{self.ending}", **vars(self), share=self.share, risen=risen)


def proposed(timeline: Timeline, state: State) -> tuple[float, float, float]:
    """Three learning rates that are worth a race from a timeline's state; see `trial_rates`."""
    plan = timeline.owner(state.step).plan()
    t = trace_of_step(plan, state, timeline.run.table, MOST_ROWS)
    return trial_rates(bend_along_step(t), plan.settings.learning_rate)


def start(timeline: Timeline, rates: Sequence[float], step: int | None, names: Iterable[str]) -> list[Timeline]:
    """A fork for each learning rate, called by it; nothing is trained yet. names: of the run's timelines."""
    few = lambda v: isinstance(v, tuple) and 1 <= len(v) <= MOST_LANES
    rates = require("rates", rates, few, f"from 1 to {MOST_LANES} learning rates")
    for rate in rates:
        SETTINGS["learning_rate"].require(rate)
    at = timeline.at(step).step
    taken = set(names)
    lanes = []
    for rate in rates:
        plain = f"rate {rate:.6g}"
        name = next(name for n in range(1, 10_000) if (name := plain + f" ({n})" * (n > 1)) not in taken)
        taken.add(name)
        lanes.append(timeline.fork(at, name=name, learning_rate=float(rate)))
    return lanes


def race(timelines: Sequence[Timeline], steps: int, stretch: int | None = None) -> Turns:
    """Train timelines of one run by turns, so many steps each, and record them; whoever is the farthest behind goes on.

    The steps are those that each makes alone, to the bit. One that diverges is told as the error that it ended with,
    and the others go on. What is left when the iterator is closed, or Ctrl-C ends it, each timeline's `train` resumes.

    Parameters
    ----------
    stretch : steps from one event to the next; None: so that each has at most 60 turns
    """
    stretch = stretch or math.ceil(steps / TURNS)
    with writing(timelines[0].run.path) as file:
        going = {timeline: timeline.record(file, steps, stretch) for timeline in timelines}
        made = dict.fromkeys(timelines, 0)
        try:
            while going:
                timeline = min(going, key=lambda one: made[one])
                try:
                    event = next(going[timeline])
                except StopIteration:
                    del going[timeline]
                    continue
                except DivergedError as error:
                    del going[timeline]
                    yield timeline, error
                    continue
                if isinstance(event, StepsDone):
                    made[timeline] += len(event.figures.E)
                yield timeline, event
                if isinstance(event, Stopped) and event.reason == "interrupted":
                    break
        finally:
            for events in going.values():
                events.close()  # so that all of it is written


def standing(timeline: Timeline, begun: float, last: float, error: DivergedError | None) -> Lane:
    """How a timeline of a race stands, as of the file.

    Parameters
    ----------
    begun : E of all rows that it learns from, when the race began
    last : the last E of a step
    error : with which it ended
    """
    plan, step = timeline.plan(), timeline.steps()
    after = last if error else evaluate(plan, timeline.at(step).theta, plan.learn)
    rate, rows = plan.settings.learning_rate, timeline.rows_in_words()
    return Lane(timeline.name, rate, step, begun, after, rows, error is not None)


def run_race(timelines: Sequence[Timeline], steps: int) -> tuple[Lane, ...]:
    """A whole race, and what came of each timeline."""
    begun = {timeline: error_of(timeline) for timeline in timelines}
    last, errors = dict(begun), dict[Timeline, DivergedError]()
    for timeline, event in race(timelines, steps):
        if isinstance(event, DivergedError):
            errors[timeline] = event
        elif isinstance(event, StepsDone):
            last[timeline] = float(event.figures.E[-1])
    return tuple(standing(one, begun[one], last[one], errors.get(one)) for one in timelines)


def error_of(timeline: Timeline) -> float:
    """E of all rows that a timeline learns from, at its last state."""
    plan = timeline.plan()
    return evaluate(plan, timeline.at().theta, plan.learn)
