"""One moment taken apart: every Z, A, error, derivative and update of a network on some rows, in float64.

t = trace(net, state, X, Y, settings)
t["w1[sqft_living, 3]"].gradient     t.layer(2).dZ     t.unit(2, 5).z     t.blame("matrix")     t.table()
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from backlit.core import rng
from backlit.core.activations import ACTIVATIONS
from backlit.core.backprop import backward, forward
from backlit.core.layers import Dense
from backlit.core.network import Network
from backlit.core.optimizers import Optimizer
from backlit.core.state import State
from backlit.engines.protocol import Data, Rows
from backlit.errors import ArgumentError, UnknownNameError
from backlit.explain.blame import blame
from backlit.explain.check import engine_difference
from backlit.explain.update import Update, update_of
from backlit.tables.table import Table
from backlit.training import Plan, Settings, epoch_order, rate_at, rows_a_step
from backlit.words import count, number

if TYPE_CHECKING:
    import polars as pl

    from backlit.explain.chain import Chain


class LayerTrace(NamedTuple):
    """A dense layer's numbers: X (n, d_in) in, Z = X @ W + b, A = f(Z); ∂E/∂ each under its letter with a d."""

    X: np.ndarray
    W: np.ndarray
    b: np.ndarray
    Z: np.ndarray
    A: np.ndarray
    dA: np.ndarray
    slope: np.ndarray
    dZ: np.ndarray
    dW: np.ndarray
    db: np.ndarray


class UnitTrace(NamedTuple):
    """One unit's numbers: inputs (n, d_in) times weights (d_in,), plus bias, is z (n,); a = f(z)."""

    sources: tuple[str, ...]
    inputs: np.ndarray
    weights: np.ndarray
    bias: float
    z: np.ndarray
    a: np.ndarray
    da: np.ndarray
    slope: np.ndarray
    dz: np.ndarray


@dataclass(frozen=True, eq=False)
class Trace:
    """All numbers of a network on some rows; made by `trace`.

    Attributes
    ----------
    X, Y, weights, rows : the rows; their numbers in the table, (n,)
    S : (n, k) scores
    E : the error, with its derivative
    gradient : (p,) ∂E/∂theta
    dX : (n, d) ∂E/∂X
    step : the number of the step that is, or would be, made
    rate : its learning rate; 0 where the schedule has come to its end
    last_rate : that rate, or where it is 0 the rate of the last step before that had one
    happened : whether this is the step's own batch under its own masks; otherwise the update is what would be
    """

    net: Network
    theta: np.ndarray
    data: Rows
    key: rng.Key | None
    optimizer: Optimizer | None
    memory: dict
    rate: float
    target: Table | None
    step: int = 0
    last_rate: float = 0.0

    def __repr__(self) -> str:
        n = len(self.rows)
        some = ", ".join(map(str, self.rows[:8].tolist())) + ", ..." * (n > 8)
        which = "its own batch, as it was made" if self.happened else "chosen rows"
        return (
            f"<trace of step {self.step}, {which}: {count(n, 'row')} ({some}), E = {number(self.E, digits=6)}\n"
            f"  {self.net.summary}\n  one weight: trace[{self.net.weight_name(0)!r}]; all: trace.table()>"
        )

    @property
    def happened(self) -> bool:
        return self.key is not None

    @property
    def rows(self) -> np.ndarray:
        return self.data.rows

    @cached_property
    def p(self) -> list[tuple[np.ndarray, ...]]:
        """Each layer's weights."""
        return self.net.split(self.theta)

    @cached_property
    def _forward(self) -> tuple[np.ndarray, list]:
        return forward(self.net, self.p, self.data.X, self.key)

    @property
    def S(self) -> np.ndarray:
        return self._forward[0]

    @property
    def caches(self) -> list:
        """Each layer's cache from the feed forward."""
        return self._forward[1]

    @cached_property
    def _loss(self) -> tuple[float, np.ndarray]:
        E, dS = self.net.loss.value_and_grad(self.S, self.data.Y, self.data.weights)
        return float(E), dS

    @property
    def E(self) -> float:
        return self._loss[0]

    @property
    def dS(self) -> np.ndarray:
        """(n, k) ∂E/∂S."""
        return self._loss[1]

    @cached_property
    def back(self):
        """What backpropagation yields, down to the inputs."""
        return backward(self.net, self.p, self.caches, self.dS, to_input=True)

    @property
    def gradient(self) -> np.ndarray:
        return self.back.gradient

    @property
    def dX(self) -> np.ndarray:
        dX = self.back.dX
        assert dX is not None
        return dX

    @cached_property
    def engine_difference(self) -> float | None:
        """How far the native engine's gradient is from this one, relative to its length; None where it cannot run."""
        return engine_difference(self)

    @cached_property
    def prediction(self) -> np.ndarray:
        """(n, k) predictions in the target's unit, or as the loss understands the scores where no table is known."""
        return self._in_unit(self.S)

    @cached_property
    def truth(self) -> np.ndarray:
        """(n, k) what the table says, in the target's unit; of classes 1 for the true one and 0 for the others."""
        Y = self.data.Y
        if self.target is None:
            return np.broadcast_to(Y, self.prediction.shape)
        target = self.target.target
        if target.classes:
            return np.eye(len(target.classes))[Y[:, 0].astype(int)]
        return np.broadcast_to(target.decode_targets(Y), self.prediction.shape)

    @cached_property
    def difference(self) -> np.ndarray:
        """(n, k) prediction − truth, in the target's unit."""
        return self.prediction - self.truth

    @cached_property
    def update(self) -> Update:
        """The update of this step, or the one that these rows alone would cause."""
        if self.optimizer is None:
            raise ArgumentError("trace.no_settings")
        return update_of(self.optimizer, self.net, self.theta, self.gradient, self.memory, self.rate)

    def at(self, theta: np.ndarray) -> Trace:
        """The same rows under other weights."""
        return replace(self, theta=theta)

    def on(self, data: Data | Rows) -> Trace:
        """Other rows under the same weights."""
        return replace(self, data=Rows.of(data))

    @cached_property
    def after(self) -> Trace:
        """The same rows once the update is made."""
        return self.at(self.update.after)

    # --- by name -----------------------------------------------------------------------------------------------------

    def __getitem__(self, name: str) -> WeightTrace:
        return WeightTrace(self, name, self.net.positions(name))

    def layer(self, number: int) -> LayerTrace:
        """The dense layer of that number, as in the names of its weights (from 1)."""
        dense = [i for i, layer in enumerate(self.net.layers) if isinstance(layer, Dense)]
        if not 1 <= number <= len(dense):
            raise UnknownNameError("layer", number, [str(n) for n in range(1, len(dense) + 1)])
        i = dense[number - 1]
        X, Z, A = self.caches[i]
        f = ACTIVATIONS[self.net.layers[i].activation]  # type: ignore[attr-defined]
        slope = np.broadcast_to(f.slope(np, Z, A), Z.shape)
        dA = self.back.dY[i]
        dZ = dA * slope
        W, b = self.p[i]
        return LayerTrace(X, W, b, Z, A, dA, slope, dZ, X.T @ dZ, dZ.sum(axis=0))

    def unit(self, layer: int, unit: int) -> UnitTrace:
        """A unit (from 1) of a dense layer."""
        t = self.layer(layer)
        if not 1 <= unit <= len(t.b):
            raise UnknownNameError("unit", unit, [str(n) for n in range(1, len(t.b) + 1)][:20])
        j = unit - 1
        sources = next(slot.axes[0] for slot in self.net.layout() if slot.name == f"w{layer}")
        return UnitTrace(
            sources, t.X, t.W[:, j], float(t.b[j]), t.Z[:, j], t.A[:, j], t.dA[:, j], t.slope[:, j], t.dZ[:, j]
        )

    # --- as tables ---------------------------------------------------------------------------------------------------

    def table(self) -> pl.DataFrame:
        """A row for each weight: its name, value, derivative, blame, and the terms of its update if there is one."""
        import polars as pl

        columns = {
            "weight": self.net.weight_names(),
            "value": self.theta,
            "gradient": self.gradient,
            "blame": self.shares,
        }
        if self.optimizer is not None:
            columns = columns | self.update.columns() | columns  # those above stay as they are
        return pl.DataFrame(columns)

    @cached_property
    def shares(self) -> np.ndarray:
        """(p,) each weight's blame: its |∂E/∂w| as a share of all together."""
        size = np.abs(self.gradient)
        return size / (size.sum() or 1.0)

    def blame(self, by: str = "weight", most: int | None = None) -> pl.DataFrame:
        """Who is to blame, the most first; see `backlit.explain.blame.blame`."""
        return blame(self, by, most)

    def _in_unit(self, S: np.ndarray) -> np.ndarray:
        if self.target is None:
            return np.asarray(self.net.loss.predict(S))
        return self.target.target.decode(self.net.loss, S)


@dataclass(frozen=True, eq=False)
class WeightTrace:
    """One weight of a trace; or, for a binned input, all of its bins together."""

    trace: Trace
    name: str
    positions: np.ndarray

    @property
    def value(self) -> float:
        """The weight; the sum over a group's bins."""
        return float(self.trace.theta[self.positions].sum())

    @property
    def gradient(self) -> float:
        """∂E/∂w; the sum over a group's bins."""
        return float(self.trace.gradient[self.positions].sum())

    @property
    def blame(self) -> float:
        """Its share of the gradient, 0 to 1."""
        return float(self.trace.shares[self.positions].sum())

    @cached_property
    def by_row(self) -> np.ndarray:
        """(n,) each row's part of ∂E/∂w; their sum is the gradient."""
        from backlit.explain.chain import local

        parts = [local(self.trace, int(position)) for position in self.positions]
        return np.sum([dY * x for dY, x in ((part.dY, part.input) for part in parts)], axis=0)

    def chain(self, most: int = 8) -> Chain:
        """∂E/∂w as the chain rule has it: the paths from the output back to this weight, and the check."""
        from backlit.explain.chain import chain

        return chain(self, most)


def trace(
    net: Network,
    state: State | np.ndarray,
    X: np.ndarray,
    Y: np.ndarray,
    settings: Settings | None = None,
    *,
    weights: np.ndarray | None = None,
    rows: Sequence[int] | np.ndarray | None = None,
    masks: bool = False,
    table: Table | None = None,
) -> Trace:
    """Take a moment apart.

    Parameters
    ----------
    state : the moment; or (p,) weights alone, and then no update is known unless plain gradient descent is set
    X, Y, weights : encoded rows, (n, d), (n, k) and (n,); weights are scaled to mean 1, but a step's own batch
        has those that it had among all rows
    settings : how the run trains; needed for the update
    rows : (n,) the rows' numbers in their table
    masks : True for the step's own batch under its own dropout masks; False leaves dropout out
    table : for predictions in the target's unit and the names of columns
    """
    given = state if isinstance(state, State) else State(np.asarray(state), {}, 0, 1)
    numbers = None if rows is None else np.asarray(rows)
    data = Rows(Data(np.asarray(X, np.float64), np.asarray(Y, np.float64), numbers), None, weights, scaled=masks)
    theta = np.asarray(given.theta, dtype=np.float64)
    key = rng.step_keys(given.seed, given.step, data.rows, len(data))[0] if masks else None
    memory = {k: np.asarray(v, np.float64) if hasattr(v, "shape") else v for k, v in given.memory.items()}
    optimizer, rate, last_rate = None, 0.0, 0.0
    if settings is not None:
        optimizer = settings.optimizer
        memory = memory or optimizer.init(theta, net.layout())
        rate = rate_at(settings, given, given.step)
        last_rate = rate or _last_rate(settings, given)
    return Trace(net, theta, data, key, optimizer, memory, rate, table, given.step, last_rate)


def trace_of_step(plan: Plan, state: State, table: Table | None = None, most: int | None = None) -> Trace:
    """A step's own batch under its dropout masks, and the update that it made.

    Parameters
    ----------
    most : so many rows of the batch, and no more
    """
    batch = epoch_order(plan, state)[state.used : state.used + rows_a_step(plan)][:most]
    rows = plan.learn.at(batch)
    return trace(plan.net, state, rows.X, rows.Y, plan.settings,
                 weights=rows.weights, rows=rows.rows, masks=True, table=table)  # fmt: skip


def _last_rate(settings: Settings, state: State) -> float:
    """The rate of the last step before a state's that had one; the chosen rate where none had."""
    rates = rate_at(settings, state, np.arange(state.begun, state.step))
    made = rates[np.flatnonzero(rates)]
    return float(made[-1]) if len(made) else settings.learning_rate
