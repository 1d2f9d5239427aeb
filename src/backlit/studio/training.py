"""Training in a thread of its own, which tells of each stretch of steps before it is written to the file."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

from backlit.core.state import State
from backlit.errors import BacklitError, DivergedError
from backlit.runs.race import error_of, race, standing
from backlit.runs.run import Run
from backlit.runs.timeline import Timeline
from backlit.studio.desk import Desk
from backlit.studio.history import changed, epoch_point
from backlit.studio.messages import EpochPoint, Lane, News, Race, Standings, Train, Training
from backlit.training import Epoch, EpochDone, StepsDone, Stopped, rows_a_step, why_stop
from backlit.words import say

HOLD_SECONDS = 1.0  #: that training by single steps waits for the next one before it is written
SINGLE = 64  #: steps that are made one by one
NEWS_SECONDS = 0.04  #: from one piece of news to the next, at least
UPDATES = 25  #: a second, of a paced training
log = logging.getLogger(__name__)


class Job:
    """What the thread does, until it has come to its end or is ended.

    Attributes
    ----------
    training : as far as it has come
    standings : of the learning rates, where it is a race
    single : whether it makes single steps, for which nobody has to wait for long
    """

    standings: Standings | None = None
    single = False

    def __init__(self, desk: Desk, run: Run, key: str, speed: float | None, training: Training) -> None:
        self.desk, self.run, self.key, self.speed, self.training = desk, run, key, speed, training
        self._paced, self._published, self._new = time.perf_counter(), 0.0, False
        self._changed = threading.Condition()  # around what follows
        self._over = self._ended = self._closing = False
        self._thread = threading.Thread(target=self._work, name="backlit-training", daemon=True)

    # --- from other threads --------------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether it goes on until somebody stops it, or for long."""
        return not (self.single or self._over)

    def start(self) -> None:
        """From now on, the thread works."""
        self._thread.start()

    def go_on(self, query: Train) -> bool:
        """Go on to a later step, if it can; here it cannot."""
        return False

    def finish(self, at_once: bool = False) -> None:
        """Wait until all is written; `at_once`: make no more steps."""
        with self._changed:
            self._closing, self._ended = True, self._ended or at_once
            self._changed.notify()
        self._thread.join()

    # --- the thread ----------------------------------------------------------------------------------------------

    def _train(self) -> bool:
        """Make steps; whether the settings have ended it."""
        raise NotImplementedError

    def _work(self) -> None:
        """Train to the end, or until it is ended; whatever goes wrong is told."""
        ended, trouble = False, ""
        try:
            ended = self._train()
        except BacklitError as error:
            trouble = str(error)
        except Exception:
            log.exception("training")
            trouble = say("studio.mistake_in_training")
        with self._changed:
            self._over = True
        self.training = replace(self.training, running=False, ended=ended, trouble=trouble)
        self._tell_run()

    def _stretch(self) -> int | None:
        """Steps from one event to the next; None: as it suits."""
        return None if self.speed is None else max(1, round(self.speed / UPDATES))

    def _keep(self, timeline: Timeline, state: State, E: float | None) -> None:
        """A state that was made: it can be looked at, and is told of unless another one was just now."""
        self.desk.states.put(self.run, timeline.owner(state.step).number, state)
        with self._changed:
            self.training, self._new = replace(self.training, timeline=timeline.name, step=state.step, E=E), True
        if time.perf_counter() - self._published >= NEWS_SECONDS:
            self._tell()

    def _tell(self, epoch: EpochPoint | None = None) -> None:
        self._published, self._new = time.perf_counter(), False
        self.desk.publish(News(training=self.training, standings=self.standings, epoch=epoch))

    def _tell_run(self) -> None:
        """The run is another now."""
        try:
            run = changed(self.desk, self.run, self.key)
            self.desk.publish(News(training=self.training, standings=self.standings, run=run))
        except BacklitError as error:
            self.training = replace(self.training, trouble=self.training.trouble or str(error))
            self._tell()

    def _pace(self, made: float) -> None:
        """Wait until so many more steps may have been made."""
        if self.speed is None:
            return
        self._paced = max(self._paced + made / self.speed, time.perf_counter() - 1 / UPDATES)
        wait = self._paced - time.perf_counter()
        if self._new and wait > NEWS_SECONDS:
            self._tell()
        with self._changed:
            self._changed.wait_for(lambda: self._ended, max(0.0, wait))


class Work(Job):
    """The training of one timeline."""

    def __init__(self, desk: Desk, run: Run, twin: Run, query: Train) -> None:
        self.twin, self.query = twin, query
        self.timeline = twin.timeline(query.timeline)
        last = self.timeline.steps()
        self.state = desk.states.get(run, self.timeline.number, last) or self.timeline.at(last)
        self.stop, step = query.stop, self.state.step
        super().__init__(desk, run, query.run, query.speed, Training(query.run, query.timeline, step, query.stop))
        self.beyond = why_stop(self.state, self.timeline.settings()) is not None
        self.single = query.stop is not None and query.stop - step <= SINGLE and query.speed is None

    def go_on(self, query: Train) -> bool:
        """Go on to a later step, if it makes single steps of that timeline and has not come to its end."""
        with self._changed:
            same = (query.run, query.timeline, query.speed) == (self.query.run, self.query.timeline, None)
            if not (same and self.single and query.stop and self.stop) or query.stop - self.stop > SINGLE:
                return False
            if self._over or self._closing or self.beyond:
                return False
            self.stop = max(self.stop, query.stop)
            self.training = replace(self.training, running=self.training.running or not self._last(), stop=self.stop)
            self._changed.notify()
            return True

    def _train(self) -> bool:
        """Make steps, beyond the end for an epoch or what is asked; whether the settings have ended it."""
        timeline, plan, begun = self.timeline, self.timeline.plan(), self.state.step
        rows, beyond, E = len(plan.learn), self.beyond, self.training.E
        steps = None if self.stop is None else self.stop - begun
        if steps is not None and steps <= 0:
            return False
        if beyond and steps is None:
            steps = -(-rows // rows_a_step(plan))
        single = self.single and not beyond
        events = timeline.events(None, 1) if single else timeline.events(steps, self._stretch())
        try:
            for event in events:
                if event.state.step <= begun:
                    continue  # made again, since they had not been written
                if beyond:
                    self.desk.states.forget(self.run, timeline.number, begun)  # it begins another schedule now
                    self._tell_run()
                    beyond = False
                whole = event.state.used < rows  # otherwise the state before the next step is that of `EpochDone`
                if isinstance(event, StepsDone):
                    E = float(event.figures.E[-1])
                    if whole:
                        self._keep(timeline, event.state, E)
                    self._pace(len(event.figures.E))
                elif isinstance(event, EpochDone):
                    self._keep(timeline, event.state, E)
                    self._tell(epoch_point(self.twin, Epoch.of(event)))
                if self._ended and whole:  # an epoch's last steps are kept once it has ended
                    return False
                if single and whole and not self._goes_on():
                    return False
        finally:
            events.close()  # so that all of it is written
        return not (self.beyond or self._ended) and self.stop is None

    def _goes_on(self) -> bool:
        """Whether there is another single step to make; one is waited for, unless somebody else needs the file."""
        with self._changed:
            if self._last():
                self.training = replace(self.training, running=False)
                self._tell()
                self._changed.wait_for(lambda: self._closing or not self._last(), HOLD_SECONDS)
            self._over = self._ended or self._last()
            return not self._over

    def _last(self) -> bool:
        return self.training.step == self.stop


class Racing(Job):
    """The training of several timelines by turns."""

    def __init__(self, desk: Desk, run: Run, query: Race, timelines: Sequence[Timeline]) -> None:
        self.timelines, self.steps = tuple(timelines), query.steps
        self._E: dict[Timeline, float] = {}  # of the last step that each has made
        first = self.timelines[0]
        training = Training(query.run, first.name, first.start, first.start + query.steps)
        super().__init__(desk, run, query.run, query.speed, training)
        lanes = tuple(Lane(one.name, rate, one.start) for one, rate in zip(self.timelines, query.rates))
        self.standings: Standings = Standings(query.run, query.timeline, query.step, query.steps, True, lanes)

    def _train(self) -> bool:
        begun = error_of(self.timelines[0])  # all have the same weights, and the same rows
        try:
            with closing(race(self.timelines, self.steps, self._stretch())) as events:
                for timeline, event in events:
                    if isinstance(event, DivergedError):
                        self._end(timeline, begun, event)
                    elif isinstance(event, Stopped):
                        self._end(timeline, begun)
                    else:
                        self._take(timeline, event)
                    if self._ended:
                        break
            for timeline in self.timelines:
                self._end(timeline, begun)
        finally:
            self.standings = replace(self.standings, running=False)
        return False

    def _take(self, timeline: Timeline, event: StepsDone | EpochDone) -> None:
        if isinstance(event, StepsDone):
            self._E[timeline] = float(event.figures.E[-1])
        if event.state.used < len(timeline.plan().learn):  # otherwise `EpochDone` has the state before the next step
            self._put(timeline, step=event.state.step, E=self._E.get(timeline))
            self._keep(timeline, event.state, self._E.get(timeline))
        if isinstance(event, StepsDone):
            self._pace(len(event.figures.E) / len(self.timelines))

    def _end(self, timeline: Timeline, begun: float, error: DivergedError | None = None) -> None:
        if self._lane(timeline).ending is None:
            E = self._E.get(timeline, begun)
            own = standing(timeline, begun, E, error)
            self._put(timeline, step=own.step, E=E, before=begun, after=own.after, share=own.share, ending=own.ending)

    def _lane(self, timeline: Timeline) -> Lane:
        return next(lane for lane in self.standings.lanes if lane.timeline == timeline.name)

    def _put(self, timeline: Timeline, **facts: Any) -> None:
        new = replace(self._lane(timeline), **facts)
        lanes = tuple(new if lane.timeline == new.timeline else lane for lane in self.standings.lanes)
        self.standings = replace(self.standings, lanes=lanes)
