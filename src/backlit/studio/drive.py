"""Driving: training in a thread of its own, which shows each stretch of steps before it is written to the file."""

from __future__ import annotations

import logging
import math
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from backlit.core.state import State
from backlit.errors import BacklitError, RunWarning, SlowEngineWarning, require
from backlit.runs.run import Run
from backlit.runs.timeline import LAST
from backlit.studio.desk import Desk, end_of
from backlit.studio.history import epoch_point, run_message
from backlit.studio.messages import Begin, Done, Fork, Go, News, Nothing, Open, Present, Train
from backlit.studio.setup import begin
from backlit.training import Epoch, EpochDone, StepsDone, rows_a_step, why_stop

HOLD_SECONDS = 1.0  #: that training by single steps waits for the next one before it is written
SINGLE = 64  #: steps that are made one by one
NEWS_SECONDS = 0.02  #: from one present moment to the next, at least, while it trains
UPDATES = 25  #: a second, of a paced training
log = logging.getLogger(__name__)

#: what each command takes; the method of `Drive` of that name carries it out, but for "drive", which takes the wheel
COMMANDS: dict[str, type] = {
    "go": Go, "train": Train, "stop": Nothing, "fork": Fork, "open": Open, "begin": Begin, "drive": Nothing,
}  # fmt: skip


class Drive:
    """The commands of whoever drives. At most one thread trains, with a run of its own."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._one = threading.RLock()  # a command at a time
        self._ended = threading.Event()
        self._worker: threading.Thread | None = None
        self._work: Work | None = None
        self._twin: tuple[Run, Run] | None = None  # the run that is open, and the same for the thread

    def go(self, query: Go) -> Done:
        """Make another moment the present one; training ends."""
        with self._one:
            if self._work is None or not self._work.waits:
                self._end()
            self.desk.go(query.timeline, query.step)
            return self._done()

    def train(self, query: Train) -> Done:
        """Go on: along what is recorded, then by training."""
        require("steps", query.steps, lambda v: v is None or 1 <= v < LAST, "1 or more, or None")
        require("speed", query.speed, lambda v: v is None or 0.1 <= v < math.inf, "0.1 or more, or None")
        with self._one:
            desk = self.desk
            if self._work is not None and self._work.go_on(query, desk.present):
                return self._done()
            self._end()
            present = desk.present
            desk.hold()
            if self._twin is None or self._twin[0] is not desk.run:
                self._twin = desk.run, desk.run.again()
            self._ended.clear()
            self._work = Work(desk, self._twin[1], present.timeline, query, self._ended)
            desk.move(present.timeline, present.step, training=True, playing=query.steps is None)
            self._worker = threading.Thread(target=self._work.run, name="backlit-training", daemon=True)
            self._worker.start()
            return self._done()

    def stop(self, query: Nothing = Nothing()) -> Done:
        """End training; what was trained is in the file when this returns."""
        with self._one:
            self._end()
            return self._done()

    def fork(self, query: Fork) -> Done:
        """Begin another timeline, and go there."""
        changes = {name: value for name, value in vars(query).items() if name not in ("timeline", "step")}
        changes = {name: value for name, value in changes.items() if value not in (None, {})}
        with self._one:
            self._end()
            with self.desk.lock:
                timeline = self.desk.timeline(query.timeline)
                name = self.desk.run.fork(query.step, timeline.name, **changes).name
            tell_run(self.desk)
            self.desk.go(name, query.step)
            return self._done()

    def open(self, query: Open) -> Done:
        """Open another run."""
        return self._another(lambda: self.desk.open(query.key))

    def begin(self, query: Begin) -> Done:
        """Begin a run on a table."""
        return self._another(lambda: begin(self.desk, query))

    def _another(self, opens: Callable[[], Any]) -> Done:
        with self._one:
            self._end()
            with self.desk.lock:
                opens()
            tell_run(self.desk)
            return self._done()

    def _end(self) -> None:
        self._ended.set()
        if self._work is not None and self._worker is not None:
            self._work.wake()
            self._worker.join()
        self._work = self._worker = None

    def _done(self) -> Done:
        return Done(self.desk.present)


class Work:
    """What the thread does: one command to train."""

    def __init__(self, desk: Desk, run: Run, name: str, query: Train, ended: threading.Event) -> None:
        self.desk, self.file, self.timeline, self.query, self.ended = desk, run, run.timeline(name), query, ended
        self.name, self.step = name, desk.present.step
        self.target = None if query.steps is None else self.step + query.steps
        self.stretch = None if query.speed is None else max(1, round(query.speed / UPDATES))
        self._paced, self._shown = time.perf_counter(), 0.0
        self._latest: tuple[int, float | None] | None = None  # a moment that is not told yet
        self.to_the_end = False  # nobody stopped it, and it did not begin beyond the end
        self.waits = False  # for more steps to make, with what was made not written yet
        self._more, self._small = threading.Event(), threading.Lock()

    def run(self) -> None:
        """To the end, or until it is ended; whatever goes wrong is told."""
        try:
            followed = self._follow()
            if not self.ended.is_set() and (self.target is None or self.step < self.target):
                self._train(followed)
        except BacklitError as error:
            self.desk.publish(News(trouble=str(error)))
        except Exception:
            log.exception("training")
            self.desk.publish(News(trouble="Training has ended, for the studio made a mistake. Its log says more."))
        self._tell()
        try:
            self._rest()
            tell_run(self.desk)
        except BacklitError as error:
            self.desk.publish(News(trouble=str(error)))
        self.desk.prepare()

    def _rest(self) -> None:
        """Train no more. What has come to its end goes to the weights that predict, unless a step was asked for."""
        desk, last, best = self.desk, self.step, None
        asked_for = self.target is not None and last >= self.target
        try:
            if self.to_the_end and not asked_for:
                best = end_of(self.timeline).rest
            if best is not None and best != last:
                desk.state(self.name, best)
                desk.move(self.name, best, E=None)
                desk.publish(News(told=(
                    f"Training has ended at step {last:,}. This is step {best:,}, the best on the watched rows: these "
                    "weights predict."
                )))  # fmt: skip
        finally:
            desk.tell(training=False, playing=False)  # it may be elsewhere by now

    # --- step by step --------------------------------------------------------------------------------------------

    def go_on(self, query: Train, present: Present) -> bool:
        """Make so many more steps, if that is what is waited for."""
        with self._small:
            here = (present.timeline, present.step) == (self.name, self.step)
            if not (self.waits and here and _single(query)) or self._more.is_set() or self.target is None:
                return False
            self.target += query.steps or 0
            self.desk.tell(training=True)
            self._more.set()
            return True

    def wake(self) -> None:
        """Wait no longer."""
        self._more.set()

    def _wait(self) -> bool:
        """Wait for more steps to make; whether there are any."""
        self._tell()
        with self._small:
            self.waits = True
            self.desk.tell(training=False)
        self._more.wait(HOLD_SECONDS)
        with self._small:
            self.waits = False
            more = self._more.is_set() and not self.ended.is_set()
            self._more.clear()
        return more

    # --- what is recorded ----------------------------------------------------------------------------------------

    def _follow(self) -> bool:
        """Along the steps that were made before; whether there were any."""
        begun, last = self.step, self.timeline.steps()
        for state in self._recorded(last if self.target is None else min(last, self.target)):
            if self.ended.is_set():
                break
            self._keep(state)
            self._show(state.step, None)
            self._pace(1)
        return self.step > begun

    def _recorded(self, stop: int) -> Iterator[State]:
        """The states after the present one: those at hand first, then such as are made again."""
        for step in range(self.step + 1, stop + 1):
            state = self.desk.window.get(self.timeline.owner(step).number, step)
            if state is None:
                yield from self.timeline.replay(step, stop)
                return
            yield state

    # --- training ------------------------------------------------------------------------------------------------

    def _train(self, followed: bool) -> None:
        """Make new steps. Beyond the end only where that is asked for: by a number of steps, or from the end itself."""
        timeline, desk = self.timeline, self.desk
        plan, state, begun = timeline.plan(), desk.state(self.name, self.step), self.step
        rows = len(plan.learn)
        beyond = why_stop(state, timeline.settings()) is not None
        steps = None if self.target is None else self.target - self.step
        if beyond and steps is None:
            if followed:
                return
            steps = -(-rows // rows_a_step(plan))
        from_before_the_end = not beyond
        single = _single(self.query) and not beyond
        events = timeline.events(None, 1) if single else timeline.events(steps, self.stretch)
        E = None
        try:
            for event in events:
                state = event.state
                if state.step <= begun:
                    continue  # made again, since they had not been written
                if beyond:
                    desk.window.forget(timeline.number, begun)  # the end has become a beginning, of another schedule
                    desk.forget("lineage")
                    tell_run(desk)
                    beyond = False
                if isinstance(event, StepsDone):
                    E, made = float(event.figures.E[-1]), len(event.figures.E)
                    if state.used < rows:  # otherwise the state before the next step is that of `EpochDone`
                        self._keep(state)
                        self._show(state.step, E)
                    self._pace(made)
                elif isinstance(event, EpochDone):
                    self._keep(state)
                    self._show(state.step, E)
                    point = epoch_point(self.file, Epoch.of(event))
                    desk.publish(News(timeline=self.name, epoch=point))
                if self.ended.is_set() and state.used < rows:  # an epoch's last steps are kept once it has ended
                    return
                if single and self.step == self.target and not self._wait():
                    return
        finally:
            events.close()  # so that all of it is written
        self.to_the_end = from_before_the_end and not self.ended.is_set()

    # --- telling -------------------------------------------------------------------------------------------------

    def _keep(self, state: State) -> None:
        self.desk.window.put(self.timeline.owner(state.step).number, state)
        self.step = state.step

    def _show(self, step: int, E: float | None) -> None:
        """Tell of a moment, at once unless another one was told just now."""
        self._latest = step, E
        now = time.perf_counter()
        if now - self._shown >= NEWS_SECONDS:
            self._shown = now
            self._tell()

    def _tell(self) -> None:
        if self._latest is not None:
            (step, E), self._latest = self._latest, None
            self.desk.move(self.name, step, E=E)

    def _pace(self, made: int) -> None:
        """Wait until so many more steps may have been made."""
        if self.query.speed is None:
            return
        self._paced = max(self._paced + made / self.query.speed, time.perf_counter() - 1 / UPDATES)
        wait = self._paced - time.perf_counter()
        if wait > NEWS_SECONDS:
            self._tell()
        self.ended.wait(max(0.0, wait))


def _single(query: Train) -> bool:
    """Whether the steps are made one by one, as somebody asks for them."""
    return query.steps is not None and query.steps <= SINGLE and query.speed is None


def tell_run(desk: Desk) -> None:
    """Tell everybody that the run, or one of its timelines, is another now."""
    with desk.lock:
        desk.publish(News(run=run_message(desk), present=desk.present))


def hear_warnings(desk: Desk) -> None:
    """Tell everybody what the library warns of."""
    before = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
        if issubclass(category, RunWarning | SlowEngineWarning):
            desk.publish(News(told=str(message)))
        else:
            before(message, category, *where, **more)

    warnings.showwarning = show
