"""Starting over from a step of a timeline, with something changed."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from backlit.core.layers import Dense, Dropout, Layer
from backlit.core.network import Network
from backlit.core.optimizers import OPTIMIZERS
from backlit.core.registry import resolve, to_dict
from backlit.core.state import State
from backlit.engines.choice import choose
from backlit.engines.protocol import Engine
from backlit.errors import ArgumentError, UnknownNameError, require
from backlit.recipe import SETTINGS
from backlit.runs.file import writing
from backlit.runs.recorder import transaction
from backlit.runs.records import put_snapshot, timeline_row
from backlit.runs.schema import TimelineRow, put
from backlit.runs.sense import rows_of
from backlit.training import Plan, plan_again, rows_a_step
from backlit.words import to_json

if TYPE_CHECKING:
    from backlit.runs.timeline import Timeline

CHANGES = tuple(name for name, setting in SETTINGS.items() if setting.part == "training")


def fork(
    timeline: Timeline,
    step: int | None = None,
    *,
    name: str | None = None,
    weights: Mapping[str, float] | None = None,
    **changes: Any,
) -> int:
    """Begin another timeline at a step; nothing is trained yet. Its number.

    Its place in the schedule is that of the parent; where a change of `batch_size`, `epochs` or `max_steps` allows
    another number of steps, the rest of the schedule is stretched over them. A changed batch size goes on with the
    epoch's unread rows; a changed optimizer with an empty memory.

    Parameters
    ----------
    step : None: the last
    name : what to call it; None: "fork 1", "fork 2", ...
    weights : new values of single weights, by their names: {"w2[3, 1]": 0.2}
    changes : settings of the steps, as `Recipe` has them: optimizer, learning_rate, dropout, engine, ...
    """
    for setting in changes:
        if setting not in CHANGES:
            raise UnknownNameError("setting", setting, [*CHANGES, "weights", "name"])
    run, changes = timeline.run, {key: SETTINGS[key].require(value) for key, value in changes.items()}
    step = int(timeline.steps if step is None else step)
    dropout, engine = changes.pop("dropout", None), changes.pop("engine", None)
    own = {key: changes.pop(key) for key in ("weight_decay", "clip_norm") if key in changes}
    own = {key: value for key, value in own.items() if (key, value) != ("weight_decay", None)}  # it has its own
    state = timeline.at(step)
    owner = timeline.owner(step)
    before, data = owner.settings, run.data("train")
    if isinstance(changes.get("optimizer"), str):
        optimizer = resolve("optimizer", OPTIMIZERS, changes["optimizer"])
        changes["optimizer"] = replace(optimizer, clip_norm=before.optimizer.clip_norm)
    settings = replace(before, **changes)
    told: dict[str, Any] = {key: [_plain(getattr(before, key)), _plain(getattr(settings, key))] for key in changes}
    told |= {key: [getattr(before.optimizer, key), value] for key, value in own.items()}
    settings = replace(settings, optimizer=replace(settings.optimizer, **own))
    told = {key: values for key, values in told.items() if values[0] != values[1]}
    net = owner.net
    if dropout is not None:
        told["dropout"] = [dropout_of(net), dropout]
        net = _with_dropout(net, dropout)
    if weights:
        state, told["weights"] = edited(state, net, weights)
    if type(settings.optimizer) is not type(before.optimizer):
        state = replace(state, memory=settings.optimizer.init(state.theta, net.layout()))
    row = owner.row
    chosen: Engine = choose(engine or row.engine, net, settings.optimizer, state.theta.dtype)
    if data is not None:
        plan = Plan(net, data, settings, engine=chosen)
        rows_a_step(plan)
        state = plan_again(plan, state, before)
    if chosen.name != row.engine:
        told["engine"] = [row.engine, chosen.name]
    with writing(run.path) as file, transaction(file):
        rows = rows_of(file, TimelineRow)
        taken = {other.name for other in rows}
        name = name or next(f"fork {n}" for n in range(1, len(rows) + 2) if f"fork {n}" not in taken)
        require("name", name, lambda v: v not in taken and v.isprintable(), "printable, and not that of a timeline")
        number = max(other.number for other in rows) + 1
        put(file, timeline_row(
            number, name, settings, state.seed, chosen, parent=owner.number, step=step, changes=to_json(told),
            network=row.network if dropout is None else json.dumps(net.to_dict()),
        ))  # fmt: skip
        put_snapshot(file, number, state, anchor=True)
    return number


def _plain(value: Any) -> Any:
    return to_dict(value) if hasattr(value, "name") else value


def edited(state: State, net: Network, weights: Mapping[str, float]) -> tuple[State, dict[str, list[float]]]:
    """The state with other weights, and each one's old and new value."""
    theta, told = np.array(state.theta), {}
    for name, value in weights.items():
        require(f"weights[{name!r}]", value, math.isfinite, "a finite number")
        places = net.positions(name)
        if len(places) != 1:
            some = ", ".join(net.weight_name(int(place)) for place in places[:3])
            raise ArgumentError(
                f"weights names {name!r}, which is {len(places):,} weights; name single ones: {some}, ..., and "
                "change them one by one"
            )
        place = int(places[0])
        told[net.weight_name(place)] = [float(theta[place]), float(value)]
        theta[place] = value
    return replace(state, theta=theta), told


def dropout_of(net: Network) -> float:
    """The greatest share of units that a layer silences; 0 without dropout."""
    return max((layer.rate for layer in net.layers if isinstance(layer, Dropout)), default=0.0)


def _with_dropout(net: Network, rate: float) -> Network:
    """The network with dropout behind each Dense but the last; theta's layout stays."""
    layers: list[Layer] = []
    bare = [layer for layer in net.layers if not isinstance(layer, Dropout)]
    for i, layer in enumerate(bare):
        layers.append(layer)
        if rate and isinstance(layer, Dense) and i < len(bare) - 1:
            layers.append(Dropout(rate))
    return Network(layers, net.loss, net.inputs)
