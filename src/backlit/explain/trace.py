"""One moment taken apart: every Z, A, error, derivative and update of a network on some rows, in float64.

t = trace(net, state, X, Y, settings)
t["w1[sqft_living, 3]"].gradient     t.layer(2).dZ     t.unit(2, 5).z     t.blame("matrix")     t.table()
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from backlit.core import rng
from backlit.core.backprop import backward, outputs
from backlit.core.layer import Stage
from backlit.core.network import Network
from backlit.core.optimizers import Optimizer
from backlit.core.state import State
from backlit.engines.protocol import Data, Rows
from backlit.errors import ArgumentError, ChainError, UnknownNameError
from backlit.explain.blame import blame
from backlit.explain.check import engine_difference
from backlit.explain.ledger import Account, Question, account
from backlit.explain.unit_wishes import UnitWishes, unit_wishes
from backlit.explain.update import Update, update_of
from backlit.explain.wishes import Wishes, wishes
from backlit.tables.table import Table
from backlit.training import Plan, Settings, epoch_order, rate_at, rows_a_step
from backlit.words import count, number

if TYPE_CHECKING:
    import polars as pl

    from backlit.explain.paths import Chain
    from backlit.explain.wrong_way import WrongWay


ROUNDING = 1e-9  #: how far a sum of parts may be off, as a share of their absolute values
TINY = 1e-300  #: what rounding does to numbers near the least there are


class LayerTrace(NamedTuple):
    """A layer's numbers: X (n, d_in) in, A = f(Z) (n, d_out) out; ∂E/∂ each under its letter with a d.

    Attributes
    ----------
    Z : what the layer's function is applied to, in a dense layer X @ W + b; A itself where it has no function
    slope : f'(Z)
    weights, gradients : the weights and their ∂E/∂w by kind, "w", "b", ...
    """

    X: np.ndarray
    Z: np.ndarray
    A: np.ndarray
    dX: np.ndarray
    dA: np.ndarray
    slope: np.ndarray
    dZ: np.ndarray
    weights: dict[str, np.ndarray]
    gradients: dict[str, np.ndarray]

    @property
    def W(self) -> np.ndarray:
        return self.weights["w"]

    @property
    def b(self) -> np.ndarray:
        return self.weights["b"]

    @property
    def dW(self) -> np.ndarray:
        return self.gradients["w"]

    @property
    def db(self) -> np.ndarray:
        return self.gradients["b"]


class UnitTrace(NamedTuple):
    """One unit's numbers: inputs (n, m) times weights (m,), plus bias and rest, is z (n,); a = f(z).

    Attributes
    ----------
    sources, names : what each term's input and weight are called
    inputs : ∂z/∂w, in a dense layer what comes in
    rest : (n,) what of z is no weight times its input; 0 in a dense layer
    """

    sources: tuple[str, ...]
    names: tuple[str, ...]
    inputs: np.ndarray
    weights: np.ndarray
    bias: float
    rest: np.ndarray
    z: np.ndarray
    a: np.ndarray
    da: np.ndarray
    slope: np.ndarray
    dz: np.ndarray

    @property
    def wishes(self) -> UnitWishes:
        """What the error wants of it."""
        return unit_wishes(self)


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

    astray: ClassVar[bool] = False  #: whether its gradient is none of E; see `wrong_way`

    net: Network
    theta: np.ndarray
    data: Rows
    key: rng.Key | None
    optimizer: Optimizer | None
    memory: dict
    rate: float
    described: Table | None
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
    def _forward(self) -> tuple[list[np.ndarray], list]:
        return outputs(self.net, self.p, self.data.X, self.key)

    @property
    def S(self) -> np.ndarray:
        return self.outputs[-1]

    @property
    def outputs(self) -> list[np.ndarray]:
        """Each layer's outputs, (n, d_out)."""
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
        if self.described is None:
            return np.broadcast_to(Y, self.prediction.shape)
        target = self.described.target
        if target.classes:
            return np.eye(len(target.classes))[Y[:, 0].astype(int)]
        return np.broadcast_to(target.decode_targets(Y), self.prediction.shape)

    @cached_property
    def difference(self) -> np.ndarray:
        """(n, k) prediction − truth, in the target's unit."""
        return self.prediction - self.truth

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """What each output stands for: a column, a class, a quantile; its number where no table is known."""
        net, target = self.net, self.described.target if self.described else None
        return net.loss.outputs(target.names, target.labels) if target else net.stages[-1].units

    @cached_property
    def goals(self) -> tuple[str, ...]:
        """What the weights of the last layer lead to, each by its output: "price", "output for spam", "output 2"."""
        if self.described is None:
            return tuple(f"output {label}" for label in self.labels) if self.net.outputs > 1 else ("output",)
        names = self.described.target.names
        return tuple(label if label in names else f"output for {label}" for label in self.labels)

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

    @cached_property
    def uphill(self) -> Trace:
        """The same rows under the update with a plus in place of its minus: each weight goes as far the other way."""
        return self.at(self.theta - self.update.step)

    # --- by name -----------------------------------------------------------------------------------------------------

    def __getitem__(self, name: str) -> WeightTrace:
        return WeightTrace(self, name, self.net.positions(name))

    def stage(self, number: int, unit: int = 1) -> Stage:
        """The layer of that number, as in the names of its weights (from 1), and what everything there is called.

        Parameters
        ----------
        unit : from 1, which it must have
        """
        if not 1 <= number <= len(self.net.numbered):
            raise UnknownNameError("layer", number, [str(stage.number) for stage in self.net.numbered])
        stage = self.net.numbered[number - 1]
        if not 1 <= unit <= len(stage.units):
            raise UnknownNameError("unit", unit, [str(n) for n in range(1, len(stage.units) + 1)][:20])
        return stage

    def layer(self, number: int) -> LayerTrace:
        """The numbers of a layer, by its number."""
        stage = self.stage(number)
        i, A = stage.position, self.outputs[stage.position]
        slope, dA = self._slope(stage), self.back.dY[i]
        named = lambda theta: {slot.weight: theta[slot.start : slot.stop].reshape(slot.shape) for slot in stage.slots}
        X, dX = (self.outputs[i - 1], self.back.dY[i - 1]) if i else (self.data.X, self.dX)
        Z = stage.layer.before(self.caches[i], A)
        return LayerTrace(X, Z, A, dX, dA, slope, dA * slope, named(self.theta), named(self.gradient))

    def unit(self, layer: int, unit: int) -> UnitTrace:
        """A unit (from 1) of a layer."""
        stage, t = self.stage(layer, unit), self.layer(layer)
        j, sources, positions, columns = unit - 1, [], [], [np.empty((len(self.data), 0))]
        for slot in stage.slots:
            inputs, units = stage.ends[slot.weight]
            for index in np.argwhere(units == j).tolist():
                position = slot.start + int(np.ravel_multi_index(index, slot.shape))
                if position != stage.biases[j]:
                    positions.append(position)
                    sources.append(stage.sources[inputs[*index]] if inputs[*index] >= 0 else "")
                    columns.append(self._effect(stage, position)[1])
        bias = float(self.theta[stage.biases[j]]) if stage.biases[j] >= 0 else 0.0
        X, w, z = np.hstack(columns), self.theta[np.array(positions, int)], t.Z[:, j]
        rest = z - (X @ w + bias)
        rest[np.abs(rest) <= ROUNDING * (np.abs(X) @ np.abs(w) + abs(bias))] = 0.0
        return UnitTrace(
            tuple(sources), tuple(map(self.net.weight_name, positions)), X, w, bias, rest, z, t.A[:, j], t.dA[:, j],
            t.slope[:, j], t.dZ[:, j],
        )  # fmt: skip

    def _slope(self, stage: Stage) -> np.ndarray:
        """(n, d_out) the slope of a layer's function; 1 where it has none."""
        slope, A = stage.layer.slope(self.caches[stage.position]), self.outputs[stage.position]
        return np.ones_like(A) if slope is None else np.broadcast_to(slope, A.shape)

    def _effect(self, stage: Stage, position: int) -> tuple[np.ndarray, np.ndarray]:
        """The outputs, (m,), that the weight at a position of theta acts on, and its ∂Z/∂w there, (n, m)."""
        slot = stage.slot_at(position)
        i, index = stage.position, slot.index(position)
        units, values = stage.layer.effect(self.p[i], self.caches[i], slot.weight, index)
        if len(units) > 1:
            acted = values.any(axis=0) | (units == stage.ends[slot.weight][1][index])
            units, values = units[acted], values[:, acted]
        return units, values

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
        """(p,) each weight's blame: its |∂E/∂w| as a share of all together; of all the pull, never of the error."""
        size = np.abs(self.gradient)
        return size / (size.sum() or 1.0)

    @cached_property
    def ranking(self) -> np.ndarray:
        """(p,) the places of all weights in theta, the one that E pulls at the hardest first; equal ones in order."""
        return np.argsort(-np.abs(self.gradient), kind="stable")

    def blame(self, by: str = "weight", most: int | None = None) -> pl.DataFrame:
        """Who is to blame, the most first; see `backlit.explain.blame.blame`."""
        return blame(self, by, most)

    def account(self, of: Question | None = None) -> Account:
        """How much each weight changed the prediction, or E, by the update; see `backlit.explain.ledger.account`."""
        return account(self, of)

    def wrong_way(self) -> WrongWay:
        """The same with later layers updated first, so that the pull goes back through new weights; it teaches."""
        from backlit.explain.wrong_way import wrong_way

        return wrong_way(self)

    def strongest(self) -> list[str]:
        """The weight that E pulls at the hardest, be it a bias; then the hardest pulled of each other matrix."""
        ends = [inputs for stage in self.net.stages for inputs, _ in stage.ends.values()]
        of_input = np.concatenate([inputs.ravel() >= 0 for inputs in ends])
        slots = self.net.layout()
        of_slot = np.repeat(np.arange(len(slots)), [slot.stop - slot.start for slot in slots])
        _, peaks = np.unique(of_slot[self.ranking], return_index=True)
        first, *rest = self.ranking[np.sort(peaks)].tolist()
        return [self.net.weight_name(peak) for peak in (first, *(peak for peak in rest if of_input[peak]))]

    def _in_unit(self, S: np.ndarray) -> np.ndarray:
        if self.described is None:
            return np.asarray(self.net.loss.predict(S))
        return self.described.target.decode(self.net.loss, S)


class Effects(NamedTuple):
    """What weights of one layer act on, pair by pair.

    stage : the layer
    which, units : (m,) of each pair the weight, counted among those at hand, and the output
    values : (n, m) ∂Y/∂w of that output, for each row
    """

    stage: Stage
    which: np.ndarray
    units: np.ndarray
    values: np.ndarray


def agree(total: float, gradient: float, size: float) -> bool:
    """Whether a sum of parts, whose absolute values add up to `size`, is the gradient; what is not finite passes."""
    return not math.isfinite(size + gradient) or abs(total - gradient) <= ROUNDING * size + TINY


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
        """Its share of all the pull, 0 to 1: |∂E/∂w| over the sum of all; never a share of the error."""
        return float(self.trace.shares[self.positions].sum())

    @cached_property
    def effects(self) -> Effects:
        """What the weight acts on, and how much; of a group each of its weights."""
        t, (stage, _) = self.trace, self.trace.net.stage_of(int(self.positions[0]))
        acted = [t._effect(stage, int(position)) for position in self.positions]
        units = np.concatenate([units for units, _ in acted])
        which = np.repeat(np.arange(len(acted)), [len(units) for units, _ in acted])
        return Effects(stage, which, units, np.hstack([values for _, values in acted]) * t._slope(stage)[:, units])

    @cached_property
    def by_row(self) -> np.ndarray:
        """(n,) each row's part of ∂E/∂w; their sum is the gradient.

        Raises
        ------
        ChainError
            The layer's answers do not fit its own backward.
        """
        _, _, units, values = self.effects
        parts = self.trace.back.dY[self.effects.stage.position][:, units] * values
        if not agree(float(parts.sum()), self.gradient, float(np.abs(parts).sum())):
            raise ChainError(
                "chain.rows", weight=self.name, total=float(parts.sum()), gradient=self.gradient,
                answers="effect() or tangent()", layer=self.effects.stage.layer,
            )  # fmt: skip
        return parts.sum(axis=1)

    @cached_property
    def wishes(self) -> Wishes:
        """What each row wants of the weight, and what the step makes of it all."""
        return wishes(self)

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
    if not isinstance(state, State):
        state = State(np.asarray(state), {}, 0, 1)
    numbers = None if rows is None else np.asarray(rows)
    data = Rows(Data(np.asarray(X, np.float64), np.asarray(Y, np.float64), numbers), None, weights, scaled=masks)
    theta = np.asarray(state.theta, dtype=np.float64)
    key = rng.step_keys(state.seed, state.step, data.rows, len(data))[0] if masks else None
    memory = {name: _in_float64(value) for name, value in state.memory.items()}
    optimizer, rate, last_rate = None, 0.0, 0.0
    if settings is not None:
        optimizer = settings.optimizer
        memory = memory or optimizer.init(theta, net.layout())
        rate = rate_at(settings, state, state.step)
        last_rate = rate or _last_rate(settings, state)
    return Trace(net, theta, data, key, optimizer, memory, rate, table, state.step, last_rate)


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


def _in_float64(value: Any) -> Any:
    """An array of an optimizer's memory whose numbers are not whole in float64; anything else as it is."""
    floats = hasattr(value, "shape") and np.asarray(value).dtype.kind == "f"
    return np.asarray(value, np.float64) if floats else value


def _last_rate(settings: Settings, state: State) -> float:
    """The rate of the last step before a state's that had one; the chosen rate where none had."""
    rates = rate_at(settings, state, np.arange(state.begun, state.step))
    made = rates[np.flatnonzero(rates)]
    return float(made[-1]) if len(made) else settings.learning_rate
