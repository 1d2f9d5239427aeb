"""What is open and where it stands: the run, the present moment, who drives, and who is told."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar

import numpy as np

from backlit.core.state import Best, State
from backlit.errors import ArgumentError, BacklitError
from backlit.runs.run import Run, open_run
from backlit.runs.schema import Snapshot
from backlit.runs.timeline import Timeline
from backlit.studio.messages import News, Present
from backlit.studio.shelf import FIRST, Shelf
from backlit.training import Reason, why_stop

WINDOW = 256_000_000  #: bytes of states in memory
AROUND = 40  #: steps before and after the present moment that are kept ready
KEPT = 64  #: traces and layouts
AWAY = 4.0  #: seconds until a driver who has gone has left

NO_TAB = "the request names no tab; send it in the header X-Backlit-Tab"

T = TypeVar("T")


class NotDrivingError(BacklitError):
    """A command from a tab that does not drive."""


class Window:
    """The states of moments near those looked at, by owning timeline and step; the least recently used ones go."""

    def __init__(self, most: int = WINDOW) -> None:
        self.most, self._bytes = most, 0
        self._states: OrderedDict[tuple[int, int], State] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, timeline: int, step: int) -> State | None:
        with self._lock:
            state = self._states.get((timeline, step))
            if state is not None:
                self._states.move_to_end((timeline, step))
            return state

    def put(self, timeline: int, state: State) -> None:
        with self._lock:
            self._forget((timeline, state.step))
            self._states[timeline, state.step] = state
            self._bytes += size_of(state)
            while self._bytes > self.most and len(self._states) > 1:
                self._forget(next(iter(self._states)))

    def forget(self, timeline: int | None = None, step: int = 0) -> None:
        """One, or all."""
        with self._lock:
            for key in list(self._states) if timeline is None else [(timeline, step)]:
                self._forget(key)

    def missing(self, timeline: Timeline, steps: range) -> list[int]:
        """Those of some steps that are not there."""
        keys = [(timeline.owner(step).number, step) for step in steps]
        with self._lock:
            return [key[1] for key in keys if key not in self._states]

    def _forget(self, key: tuple[int, int]) -> None:
        state = self._states.pop(key, None)
        if state is not None:
            self._bytes -= size_of(state)


class End(NamedTuple):
    """Where a timeline ends.

    Attributes
    ----------
    last : its last snapshot
    best : the step whose weights predict, the best on the watched rows; None where no rows are watched, or where that
        state cannot be made again
    reason : by which of its settings it is finished; None where it was stopped or broke off, and where it goes on
    """

    last: Snapshot
    best: int | None
    reason: Reason | None

    @property
    def rest(self) -> int | None:
        """Once it is finished, the step of the best weights, where it is looked at first; None: at its last step."""
        return None if self.reason is None else self.best


def end_of(timeline: Timeline) -> End:
    """Where a timeline ends, by its last snapshot."""
    last, nothing = timeline.snapshots()[-1], np.empty(0)
    best = None if last.best_step is None else Best(last.best_metric or 0.0, last.best_step, nothing)
    state = State(
        nothing, {}, 0, last.planned, step=last.step, epoch=last.epoch, patience_left=last.patience_left, best=best
    )
    known = best is not None and best.step >= timeline.lineage[0].start
    return End(last, last.best_step if known else None, why_stop(state, timeline.settings()))


def size_of(state: State) -> int:
    """Bytes of a state's own arrays."""
    return sum(np.asarray(vector).nbytes for vector in (state.theta, *state.memory.values()))


class Desk:
    """The run that is open, and the moment that everybody looks at.

    Attributes
    ----------
    lock : held while the run, its states or the cache are asked; never while a question only computes
    run, key : what is open
    """

    def __init__(self, shelf: Shelf, key: str = FIRST) -> None:
        self.shelf, self.window = shelf, Window()
        self.lock = threading.RLock()
        self.present = Present("", "", 0, False, "", number=int(1000 * time.time()))  # greater after a restart, too
        self._told: list[Callable[[News], None]] = []
        self._tabs: dict[str, int] = {}
        self._cache: OrderedDict[tuple, Any] = OrderedDict()
        self._timelines: dict[str, Timeline] = {}
        self._left: dict[str, tuple[str, int]] = {}  # by key, where a run was when another one was opened
        self._small = threading.RLock()  # around the present moment, tabs and subscribers; never held for long
        self._ahead = Ahead(self)
        self.open(key)

    # --- the run -------------------------------------------------------------------------------------------------

    def open(self, key: str) -> None:
        """Open another run, where it was left."""
        with self.lock:
            self._ahead.cancel()
            run = open_run(self.shelf.run(key))
            timelines = run.timelines()
            line, end = timelines[-1], end_of(timelines[-1])
            name, step = self._left.get(key) or (line.name, line.steps() if end.rest is None else end.rest)
            if key == FIRST and key not in self._left and end.reason is None:
                name, step = timelines[0].name, 0
            if self.present.run:
                self._left[self.present.run] = self.present.timeline, self.present.step
            self.run, self.key = run, key
            self._timelines = {}
            self.window.forget()
            self.forget()
            self._ahead.use(run)
            self.move(name, step, run=key, training=False, playing=False, E=None)
            self.prepare()

    def timeline(self, name: str) -> Timeline:
        """The one of that name."""
        with self.lock:
            if name not in self._timelines:
                self._timelines[name] = self.run.timeline(name)
            return self._timelines[name]

    def state(self, timeline: str, step: int) -> State:
        """The state before a step, to the bit."""
        with self.lock:
            line = self.timeline(timeline)
            owner = line.owner(step) if step >= line.lineage[0].start else line
            state = self.window.get(owner.number, step)
            if state is None:
                state = line.at(step)
                self.window.put(owner.number, state)
            return state

    def cached(self, key: tuple, make: Callable[[], T]) -> T:
        """What was made before under a key, or what is made now; the least recently used go."""
        with self.lock:
            if key not in self._cache:
                self._cache[key] = make()
                while len(self._cache) > KEPT:
                    self._cache.popitem(last=False)
            self._cache.move_to_end(key)
            return self._cache[key]

    def forget(self, kind: str | None = None) -> None:
        """Empty the cache, or only of what was made under keys whose second part is `kind`."""
        with self.lock:
            for key in [key for key in self._cache if kind in (None, key[1])]:
                del self._cache[key]

    # --- the present moment --------------------------------------------------------------------------------------

    def go(self, timeline: str, step: int) -> None:
        """Make another moment the present one.

        Raises
        ------
        UnknownNameError, ArgumentError
            There is no such timeline or step.
        """
        self._ahead.cancel()
        self.state(timeline, step)
        self.move(timeline, step, E=None)
        self.prepare()

    def move(self, timeline: str, step: int, **more: Any) -> None:
        """Tell everybody where the run is."""
        self.tell(timeline=timeline, step=step, **more)

    def tell(self, **more: Any) -> None:
        """Tell everybody what else is true of the present moment."""
        with self._small:
            self.present = replace(self.present, number=self.present.number + 1, **more)
            self.publish(News(present=self.present))

    def prepare(self) -> None:
        """Have the states around the present moment at hand soon."""
        self._ahead.prepare(self.present.timeline, self.present.step)

    def hold(self) -> None:
        """Prepare nothing until the next move: training needs the machine."""
        self._ahead.cancel()

    # --- who is told, and who drives -----------------------------------------------------------------------------

    def subscribe(self, hear: Callable[[News], None]) -> Callable[[], None]:
        """Be told all news, from any thread; what is returned ends it."""
        with self._small:
            self._told.append(hear)
        return lambda: self._told.remove(hear)

    def publish(self, news: News) -> None:
        """Tell everybody."""
        with self._small:
            for hear in tuple(self._told):
                hear(news)

    def come(self, tab: str) -> None:
        """A tab is connected; the first one drives."""
        with self._small:
            self._tabs[tab] = self._tabs.get(tab, 0) + 1
            if not self.present.driver:
                self.drive(tab)

    def leave(self, tab: str) -> None:
        """A tab's connection has ended; unless it comes back soon, it drives no longer."""
        with self._small:
            self._tabs[tab] = self._tabs.get(tab, 1) - 1
            if not self._tabs[tab]:
                del self._tabs[tab]
                if tab == self.present.driver:
                    clock = threading.Timer(AWAY, self._gone, [tab])
                    clock.daemon = True
                    clock.start()

    def _gone(self, tab: str) -> None:
        with self._small:
            if tab == self.present.driver and tab not in self._tabs:
                self.drive("")

    def drive(self, tab: str) -> None:
        """A tab has the wheel; "": nobody has it."""
        self.tell(driver=tab)

    def take(self, tab: str) -> None:
        """Take the wheel, from whoever has it."""
        if not tab:
            raise ArgumentError(NO_TAB)
        self.drive(tab)

    def require_driver(self, tab: str) -> None:
        """Refuse a command from a tab that does not drive; where nobody does, it does from now on."""
        with self._small:
            if not tab:
                raise ArgumentError(NO_TAB)
            if not self.present.driver:
                self.drive(tab)
            if self.present.driver != tab:
                raise NotDrivingError("Another tab drives this run. Take the wheel to change something here.")

    def close(self) -> None:
        """Prepare nothing more, and forget what was uploaded."""
        self._ahead.close()
        self.shelf.close()


class Ahead:
    """Fills the window around the present moment, in a thread of its own; a later move cancels it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._wanted: tuple[int, str, int] | None = None  # which wish, and the moment
        self._wish = 0
        self._run: Run | None = None
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def use(self, run: Run) -> None:
        """Another run is open."""
        with self._changed:
            self._run = run.again()

    def prepare(self, timeline: str, step: int) -> None:
        """Fill the window around a moment, soon."""
        with self._changed:
            self._wish += 1
            self._wanted = self._wish, timeline, step
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="backlit-ahead", daemon=True)
                self._thread.start()
            self._changed.notify()

    def cancel(self) -> None:
        """Not any more; nothing is put into the window from now on."""
        with self._changed:
            self._wish += 1
            self._wanted = None

    def close(self) -> None:
        """End the thread."""
        with self._changed:
            thread, self._thread = self._thread, None
            self._wish += 1
            self._changed.notify()
        if thread is not None:
            thread.join(timeout=5)

    def _work(self) -> None:
        while True:
            with self._changed:
                while self._wanted is None and self._thread is not None:
                    self._changed.wait()
                if self._thread is None or self._wanted is None or self._run is None:
                    return
                run, (wish, name, step), self._wanted = self._run, self._wanted, None
            try:
                self._fill(run, wish, name, step)
            except (BacklitError, OSError):
                continue  # whoever looks at that moment is told

    def _fill(self, run: Run, wish: int, name: str, step: int) -> None:
        timeline, window = run.timeline(name), self._desk.window
        here = window.get(timeline.owner(step).number, step)
        room = AROUND if here is None else min(AROUND, int(window.most / 4 / max(1, size_of(here))))
        first, last = timeline.lineage[0].start, timeline.steps()
        around = range(max(first, step - room), min(last, step + room) + 1)
        near = range(max(first, step - room // 2), min(last, step + room // 2) + 1)
        if not window.missing(timeline, near):
            return
        missing = window.missing(timeline, around)
        for state in timeline.replay(missing[0], missing[-1]):
            owner = timeline.owner(state.step).number
            with self._changed:
                if wish != self._wish:
                    return
                window.put(owner, state)
