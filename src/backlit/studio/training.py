"""Training in a thread of its own, which tells of each stretch of steps before it is written to the file."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace

from backlit.core.state import State
from backlit.errors import BacklitError
from backlit.runs.run import Run
from backlit.studio.desk import Desk
from backlit.studio.history import changed, epoch_point
from backlit.studio.messages import News, Train, Training
from backlit.training import Epoch, EpochDone, StepsDone, rows_a_step, why_stop
from backlit.words import say

HOLD_SECONDS = 1.0  #: that training by single steps waits for the next one before it is written
SINGLE = 64  #: steps that are made one by one
NEWS_SECONDS = 0.04  #: from one piece of news to the next, at least
UPDATES = 25  #: a second, of a paced training
log = logging.getLogger(__name__)


class Work:
    """One training: what the thread does.

    Attributes
    ----------
    training : as far as it has come
    """

    def __init__(self, desk: Desk, run: Run, twin: Run, query: Train) -> None:
        self.desk, self.run, self.twin, self.query = desk, run, twin, query
        self.timeline = twin.timeline(query.timeline)
        last = self.timeline.steps()
        self.state = desk.states.get(run, self.timeline.number, last) or self.timeline.at(last)
        self.stop, step = query.stop, self.state.step
        self.training = Training(query.run, query.timeline, step, query.stop)
        self.beyond = why_stop(self.state, self.timeline.settings()) is not None
        self.single = query.stop is not None and query.stop - step <= SINGLE and query.speed is None
        self._paced, self._published, self._new = time.perf_counter(), 0.0, False
        self._changed = threading.Condition()  # around what follows, and `stop`
        self._over = self._ended = self._closing = False
        self._thread = threading.Thread(target=self._work, name="backlit-training", daemon=True)
        self._thread.start()

    # --- from other threads --------------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether it goes on until somebody stops it, or for long."""
        return not (self.single or self._over)

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

    def finish(self, at_once: bool = False) -> None:
        """Wait until all is written; `at_once`: make no more steps."""
        with self._changed:
            self._closing, self._ended = True, self._ended or at_once
            self._changed.notify()
        self._thread.join()

    # --- the thread ----------------------------------------------------------------------------------------------

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

    def _train(self) -> bool:
        """Make steps, beyond the end for an epoch or what is asked; whether the settings have ended it."""
        timeline, plan, begun = self.timeline, self.timeline.plan(), self.state.step
        rows, beyond = len(plan.learn), self.beyond
        steps = None if self.stop is None else self.stop - begun
        if steps is not None and steps <= 0:
            return False
        if beyond and steps is None:
            steps = -(-rows // rows_a_step(plan))
        single = self.single and not beyond
        stretch = None if self.query.speed is None else max(1, round(self.query.speed / UPDATES))
        events = timeline.events(None, 1) if single else timeline.events(steps, stretch)
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
                    if whole:
                        self._keep(event.state, float(event.figures.E[-1]))
                    self._pace(len(event.figures.E))
                elif isinstance(event, EpochDone):
                    self._keep(event.state, self.training.E)
                    self._tell(epoch=Epoch.of(event))
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

    def _keep(self, state: State, E: float | None) -> None:
        """A state that was made: it can be looked at, and is told of unless another one was just now."""
        self.desk.states.put(self.run, self.timeline.owner(state.step).number, state)
        with self._changed:
            self.training, self._new = replace(self.training, step=state.step, E=E), True
        if time.perf_counter() - self._published >= NEWS_SECONDS:
            self._tell()

    def _tell(self, epoch: Epoch | None = None) -> None:
        self._published, self._new = time.perf_counter(), False
        point = None if epoch is None else epoch_point(self.twin, epoch)
        self.desk.publish(News(training=self.training, epoch=point))

    def _tell_run(self) -> None:
        """The run is another now."""
        try:
            self.desk.publish(News(training=self.training, run=changed(self.desk, self.run, self.query.run)))
        except BacklitError as error:
            self.training = replace(self.training, trouble=self.training.trouble or str(error))
            self._tell()

    def _pace(self, made: int) -> None:
        """Wait until so many more steps may have been made."""
        if self.query.speed is None:
            return
        self._paced = max(self._paced + made / self.query.speed, time.perf_counter() - 1 / UPDATES)
        wait = self._paced - time.perf_counter()
        if self._new and wait > NEWS_SECONDS:
            self._tell()
        with self._changed:
            self._changed.wait_for(lambda: self._ended, max(0.0, wait))
