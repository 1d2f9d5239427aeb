"""A fit from its start to its end, with a live bar on a terminal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from backlit.core.state import State
from backlit.fitting import Start
from backlit.model import Model
from backlit.runs.recorder import Recorder
from backlit.tables.target import Target
from backlit.training import Epoch, EpochDone, Events, Plan, StepsDone, Stopped, train
from backlit.words import number


def watched(events: Events, plan: Plan, target: Target, state: State, stop: int | None = None) -> Events:
    """The events of training, drawn as they pass; nothing is drawn where standard error is no terminal.

    Parameters
    ----------
    state : where they begin
    stop : the step at which they end; None: where the schedule does
    """
    console = Console(stderr=True)
    columns = (
        TextColumn("epoch {task.fields[epoch]:>3}", markup=False),
        BarColumn(24),
        TextColumn("{task.fields[errors]}", markup=False),
        TimeRemainingColumn(),
    )
    total = state.begun + state.planned if stop is None else stop
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=total, completed=state.step, epoch=state.epoch, errors="")
        for event in events:
            if isinstance(event, StepsDone):
                bar.update(task, completed=event.state.step)
            if isinstance(event, EpochDone):
                bar.update(task, epoch=event.state.epoch, errors=_errors(plan, target, event))
            yield event


def _errors(plan: Plan, target: Target, event: EpochDone) -> str:
    measure, parts = target.measure(plan.net.loss), [("train", event.error)]
    if event.metric is not None and plan.metric is None:
        parts.append(("validation", event.metric))
    return f"{measure.name}  {'  '.join(f'{which} {number(measure(E), measure.unit)}' for which, E in parts)}"


@dataclass(frozen=True)
class Fitted:
    """A finished fit: the weights that predict, the last state, each epoch's figures, and why it stopped."""

    start: Start
    theta: np.ndarray
    state: State
    epochs: tuple[Epoch, ...]
    reason: str

    @property
    def model(self) -> Model:
        """What predicts."""
        return self.start.model(self.theta)

    @property
    def best_epoch(self) -> int:
        """The epoch whose weights are used."""
        return next((epoch.epoch for epoch in reversed(self.epochs) if epoch.improved), self.state.epoch)


def fit(start: Start, show: bool = True, recorder: Recorder | None = None) -> Fitted:
    """Train to the end. Ctrl-C ends it earlier and keeps what was learnt."""
    table, plan, state = start
    epochs: list[Epoch] = []
    theta, reason = state.theta, "interrupted"
    events = train(plan, state) if recorder is None else recorder.record(train(plan, state))
    try:
        for event in watched(events, plan, table.target, state) if show else events:
            state = event.state
            if isinstance(event, EpochDone):
                epochs.append(Epoch.of(event))
            if isinstance(event, Stopped):
                reason, theta = event.reason, event.theta
    except KeyboardInterrupt:  # while the bar was drawn; during the steps themselves, training ends with Stopped
        theta = state.theta if state.best is None else state.best.theta
    finally:
        events.close()  # so that the recorder writes what it has
    return Fitted(start, theta, state, tuple(epochs), reason)
