"""What changes something: training and forking, of which one at a time is done, and beginning a run."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Any

from backlit.errors import BacklitError, require
from backlit.recipe import values_typed
from backlit.runs.race import start
from backlit.runs.run import Run
from backlit.runs.timeline import LAST
from backlit.studio import messages
from backlit.studio.desk import Desk
from backlit.studio.history import changed
from backlit.studio.messages import Begin, Begun, Drop, Fork, News, Nothing, Race, Standings, Train, Training
from backlit.studio.setup import begin
from backlit.studio.training import Job, Racing, Work

MOST_STEPS = 100_000  #: of a race, with each learning rate


class BusyError(BacklitError):
    """Another training has to be stopped first."""


class Commands:
    """The commands, and the training that runs; there is one at most."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._lock = threading.Lock()  # a command at a time
        self._work: Job | None = None

    @property
    def training(self) -> Training | None:
        """The one that runs or ran last, as far as it has come."""
        return None if self._work is None else self._work.training

    @property
    def standings(self) -> Standings | None:
        """Those of the race that runs or ran last, if that was one."""
        return None if self._work is None else self._work.standings

    def train(self, query: Train) -> Nothing:
        """Go on from the end of a timeline. It is in the file once the news say that it has ended."""
        require("stop", query.stop, lambda v: v is None or 1 <= v < LAST, "1 or more, or None")
        _require_speed(query.speed)
        with self._lock:
            if self._work is None or not self._work.go_on(query):
                self._require_none()
                run = self.desk.opened(query.run)
                self._work = Work(self.desk, run, self._twin(run), query)
                self._work.start()
            return Nothing()

    def race(self, query: Race) -> messages.Run:
        """Train on from a moment with several learning rates, by turns: the last timelines of the reply."""
        require("steps", query.steps, lambda v: 1 <= v <= MOST_STEPS, f"from 1 to {MOST_STEPS:,}")
        _require_speed(query.speed)
        with self._lock:
            self._require_none()
            run = self.desk.opened(query.run)
            with self.desk.lock:
                twin = self._twin(run)
                names = [one.name for one in twin.timelines()]
                lanes = start(twin.timeline(query.timeline), query.rates, query.step, names)
                reply = changed(self.desk, run, query.run)
            self.desk.publish(News(run=reply))
            self._work = Racing(self.desk, run, query, lanes)
            self._work.start()
        return reply

    def drop(self, query: Drop) -> messages.Run:
        """Forget some timelines."""
        with self._lock:
            self._require_none()
            run = self.desk.opened(query.run)
            with self.desk.lock:
                try:
                    for name in reversed(query.timelines):
                        run.drop(name)
                finally:
                    self.desk.forget_states(run)  # another timeline may get the number of one that is gone
                    reply = changed(self.desk, run, query.run)
        self.desk.publish(News(run=reply))
        return reply

    def stop(self, query: Nothing = Nothing()) -> Nothing:
        """End training; what was trained is in the file when this returns."""
        work = self._work  # not one at a time: whatever waits for a training waits no longer
        if work is not None:
            work.finish(at_once=True)
        return Nothing()

    def fork(self, query: Fork) -> messages.Run:
        """Begin another timeline, the last one of the reply."""
        changes = values_typed(query.settings) | ({"weights": query.weights} if query.weights else {})
        with self._lock:
            self._require_none()
            run = self.desk.opened(query.run)
            with self.desk.lock:
                run.fork(query.step, query.timeline, name=query.name, **changes)
                reply = changed(self.desk, run, query.run)
        self.desk.publish(News(run=reply))
        return reply

    def begin(self, query: Begin) -> Begun:
        """Begin a run on a table."""
        return begin(self.desk, query)

    def _twin(self, run: Run) -> Run:
        """The same file, for the thread that trains."""
        return self.desk.cached((run, "twin"), run.again)

    def _require_none(self) -> None:
        """Nothing trains when this returns: single steps are made and written; longer training is not broken off."""
        work = self._work
        if work is not None and work.busy:
            now = work.training
            name = self.desk.opened(now.run).path.name
            raise BusyError("studio.busy", timeline=now.timeline, run=name, step=now.step)
        if work is not None:
            work.finish()


def _require_speed(speed: float | None) -> None:
    require("speed", speed, lambda v: v is None or 0.1 <= v < math.inf, "0.1 or more, or None")


COMMANDS: dict[str, Callable[..., Any]] = {
    command.__name__: command
    for command in (Commands.train, Commands.race, Commands.stop, Commands.fork, Commands.drop, Commands.begin)
}
