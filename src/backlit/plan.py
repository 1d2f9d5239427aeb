"""All that training on a table needs, in one record: what `prepare` makes, and a run file keeps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from backlit.core.network import Network
from backlit.core.state import State
from backlit.engines.protocol import Data, Engine
from backlit.model import Model
from backlit.tables.metrics import Metric
from backlit.tables.table import Table
from backlit.training import EpochDone, Events, Settings, begin, train
from backlit.words import Remark


class Epoch(NamedTuple):
    """One epoch's figures. step: updates made by its end; error: E while training; metric: on the watched rows."""

    epoch: int
    step: int
    error: float | None
    metric: float | None
    improved: bool

    @classmethod
    def of(cls, event: EpochDone) -> Epoch:
        """The figures of an epoch that is done; an error that is not finite is None."""
        error = float(event.error) if math.isfinite(event.error) else None
        return cls(event.state.epoch, event.state.step, error, event.metric, event.improved)


class EpochInUnit(NamedTuple):
    """One epoch's figures, and what they are in the target's unit, as people read them.

    Attributes
    ----------
    epoch, step, error, metric, improved : as in `Epoch`
    error_in_unit, metric_in_unit : of the squared error its root, the RMSE; None for a figure that has no unit
    """

    epoch: int
    step: int
    error: float | None
    metric: float | None
    improved: bool
    error_in_unit: float | None
    metric_in_unit: float | None


@dataclass(frozen=True)
class Plan:
    """The fitted table, the network, the rows and the settings.

    Attributes
    ----------
    data, validation : encoded rows, float32
    metric : what is watched; None: E
    """

    table: Table
    net: Network
    settings: Settings
    data: Data
    validation: Data | None
    seed: int
    engine: Engine
    metric: Metric | None = None

    def __repr__(self) -> str:
        watched = 0 if self.validation is None else len(self.validation)
        rows = f"{len(self.data):,} rows to learn from, {watched:,} to watch"
        return f"<plan: {rows}; seed {self.seed}, {self.engine.name} engine\n  {self.net.summary}\n  {self.table!r}>"

    @property
    def notices(self) -> tuple[Remark, ...]:
        """What the user should know, such as columns left out."""
        return self.table.notices

    @property
    def watching(self) -> bool:
        """Whether a metric is taken after each epoch."""
        settings = self.settings
        return any(x is not None for x in (self.validation, self.metric, settings.patience, settings.target_error))

    def begin(self, theta: np.ndarray | None = None) -> State:
        """The state before the first step."""
        return begin(self.net, self.data, self.settings, theta=theta, seed=self.seed)

    def train(self, state: State | None = None, stretch: int | None = None) -> Events:
        """The events of training, the last of which is `Stopped`; see `backlit.training.train`."""
        return train(
            self.net,
            self.data,
            self.settings,
            validation=self.validation,
            metric=self._score,
            state=self.begin() if state is None else state,
            engine=self.engine,
            stretch=stretch,
        )

    def model(self, theta: np.ndarray) -> Model:
        """What predicts."""
        return Model(self.table, self.net, theta)

    def in_unit(self, E: float) -> tuple[float, str]:
        """An error as people read it."""
        return self.table.target.error_in_unit(self.net.loss, E)

    def in_units(self, epoch: Epoch) -> EpochInUnit:
        """An epoch's figures with what they are in the target's unit."""
        rooted = self.table.target.has_unit(self.net.loss)
        in_unit = lambda E: self.in_unit(E)[0] if rooted and E is not None else None
        metric = in_unit(epoch.metric) if self.metric is None else epoch.metric if self.metric.in_unit else None
        return EpochInUnit(*epoch, in_unit(epoch.error), metric)

    @property
    def _score(self) -> Any:
        metric = self.metric
        if metric is None:
            return None
        target, loss = self.table.target, self.net.loss

        def score(S: np.ndarray, Y: np.ndarray, weights: np.ndarray | None) -> float:
            truth = Y[:, 0] if target.classes else target.decode_targets(Y)
            return metric.value(target.decode(loss, S), truth, weights)

        return score
