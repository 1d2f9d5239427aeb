"""What is at hand: runs, their states, what was made of them; and who hears the news."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar

from backlit.core.state import State
from backlit.runs.run import Run, open_run
from backlit.runs.timeline import Timeline
from backlit.studio.messages import News
from backlit.studio.shelf import Shelf
from backlit.studio.states import States

KEPT = 64  #: runs, traces and layouts

T = TypeVar("T")


class Desk:
    """The runs that are looked at. Where anybody stands in them, their questions say.

    Attributes
    ----------
    lock : held while runs, states or the cache are asked; never while a question only computes
    """

    def __init__(self, shelf: Shelf) -> None:
        self.shelf, self.states = shelf, States()
        self.lock = threading.RLock()
        self._cache: OrderedDict[tuple, Any] = OrderedDict()
        self._listeners: tuple[Callable[[News], None], ...] = ()

    def opened(self, key: str) -> Run:
        """A run of the shelf, open; a file that takes another's place is another run."""
        with self.lock:
            path = self.shelf.run(key)
            number = path.stat().st_ino if path.exists() else None
            return self.cached((key, number), lambda: open_run(path))

    def timeline(self, key: str, name: str) -> Timeline:
        """The timeline of that name, of a run."""
        run = self.opened(key)
        return self.cached((run, "timeline", name), lambda: run.timeline(name))

    def state(self, key: str, timeline: str, step: int) -> State:
        """The state before a step, to the bit."""
        with self.lock:
            return self.states.at(self.timeline(key, timeline), step)

    def cached(self, key: tuple, make: Callable[[], T]) -> T:
        """What was made before under a key, or what is made now; the least recently used go."""
        with self.lock:
            if key not in self._cache:
                self._cache[key] = make()
                while len(self._cache) > KEPT:
                    self._cache.popitem(last=False)
            self._cache.move_to_end(key)
            return self._cache[key]

    def forget(self, run: Run, *kinds: str) -> None:
        """Empty the cache of what was made of a run under these kinds."""
        with self.lock:
            for key in [key for key in self._cache if key[0] is run and key[1] in kinds]:
                del self._cache[key]

    def forget_states(self, run: Run) -> None:
        """Forget what belongs to a run's timelines by their numbers."""
        with self.lock:
            self.states.forget_all(run)
            self.forget(run, "settings", "timeline", "traces", "twin")

    # --- the news ------------------------------------------------------------------------------------------------

    def subscribe(self, hear: Callable[[News], None]) -> Callable[[], None]:
        """Hear all news, from any thread; what is returned ends it."""
        self._listeners = (*self._listeners, hear)

        def end() -> None:
            self._listeners = tuple(listener for listener in self._listeners if listener is not hear)

        return end

    def publish(self, news: News) -> None:
        """Tell everybody who listens."""
        for hear in self._listeners:
            hear(news)
