"""The states of moments that were looked at, and of those before them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator

import numpy as np

from backlit.core.state import State
from backlit.runs.archive import Archive
from backlit.runs.timeline import Timeline

MOST = 256_000_000  #: bytes of states in memory
BEFORE = 40  #: steps before a state that are kept with it, and from which one on it is made


class States:
    """States by run, owning timeline and step; the least recently used ones go."""

    def __init__(self, most: int = MOST) -> None:
        self.most, self._bytes = most, 0
        self._states: OrderedDict[tuple[Archive, int, int], State] = OrderedDict()
        self._lock = threading.Lock()

    def at(self, timeline: Timeline, step: int) -> State:
        """The state before a step, to the bit; those before it are kept, too, so that a step back is quick.

        Raises
        ------
        ArgumentError
            There is no such step.
        """
        first = timeline.lineage[0].start
        owner = timeline.owner(step) if step >= first else timeline
        state = self.get(timeline.run, owner.number, step)
        if state is not None:
            return state
        if not first <= step <= timeline.steps():
            return timeline.at(step)  # which says what is wrong
        anchors = {snapshot.step for snapshot in owner.snapshots() if snapshot.anchor}
        for near in range(step - 1, max(owner.start, step - BEFORE) - 1, -1):
            if near + 1 in anchors:  # what follows does not come of what is before
                break
            if (before := self.get(timeline.run, owner.number, near)) is not None:
                return self._last(timeline, owner.walk(before, step, stretch=1))
        return self._last(timeline, timeline.replay(max(first, step - BEFORE), step))

    def _last(self, timeline: Timeline, states: Iterator[State]) -> State:
        """The last of some states of a timeline; all are kept."""
        state = None
        for state in states:
            self.put(timeline.run, timeline.owner(state.step).number, state)
        assert state is not None
        return state

    def get(self, run: Archive, timeline: int, step: int) -> State | None:
        """A state, if it is at hand."""
        with self._lock:
            state = self._states.get((run, timeline, step))
            if state is not None:
                self._states.move_to_end((run, timeline, step))
            return state

    def put(self, run: Archive, timeline: int, state: State) -> None:
        """Keep a state at hand."""
        with self._lock:
            self._forget((run, timeline, state.step))
            self._states[run, timeline, state.step] = state
            self._bytes += size_of(state)
            while self._bytes > self.most and len(self._states) > 1:
                self._forget(next(iter(self._states)))

    def forget(self, run: Archive, timeline: int, step: int) -> None:
        """Do not keep one any more."""
        with self._lock:
            self._forget((run, timeline, step))

    def forget_all(self, run: Archive) -> None:
        """Do not keep any of a run."""
        with self._lock:
            for key in [key for key in self._states if key[0] is run]:
                self._forget(key)

    def _forget(self, key: tuple[Archive, int, int]) -> None:
        state = self._states.pop(key, None)
        if state is not None:
            self._bytes -= size_of(state)


def size_of(state: State) -> int:
    """Bytes of a state's own arrays."""
    return sum(np.asarray(vector).nbytes for vector in (state.theta, *state.memory.values()))
