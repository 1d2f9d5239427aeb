"""What is other in a fork: settings, weights, dropout; and the state with which it begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from backlit.core.network import Network
from backlit.core.optimizers import OPTIMIZERS
from backlit.core.registry import resolve, to_dict
from backlit.core.state import State
from backlit.engines.choice import choose
from backlit.engines.protocol import Engine, Rows
from backlit.errors import ArgumentError, UnknownNameError, require
from backlit.recipe import SETTINGS
from backlit.training import Plan, Settings, plan_again, rows_a_step

CHANGES = tuple(name for name, setting in SETTINGS.items() if setting.part == "training")


class Altered(NamedTuple):
    """How a fork begins; changes: the old and the new value of whatever is other."""

    state: State
    net: Network
    settings: Settings
    engine: Engine
    changes: dict[str, Any]


def altered(
    state: State, net: Network, before: Settings, engine: str, learn: Rows, changes: Mapping[str, Any]
) -> Altered:
    """A state of a timeline, its network, settings and engine, with something changed; see `Timeline.fork`.

    Parameters
    ----------
    learn : the rows that it learns from
    """
    for name in changes:
        if name not in (*CHANGES, "weights"):
            raise UnknownNameError("setting", name, [*CHANGES, "weights", "name"])
    weights = changes.get("weights")
    new = {name: SETTINGS[name].require(value) for name, value in changes.items() if name != "weights"}
    dropout, engine_name = new.pop("dropout", None), new.pop("engine", None)
    own = {name: new.pop(name) for name in ("weight_decay", "clip_norm") if name in new}
    own = {name: value for name, value in own.items() if (name, value) != ("weight_decay", None)}  # it has its own
    if isinstance(new.get("optimizer"), str):
        optimizer = resolve("optimizer", OPTIMIZERS, new["optimizer"])
        new["optimizer"] = replace(optimizer, clip_norm=before.optimizer.clip_norm)
    settings = replace(before, **new)
    values: dict[str, Any] = {name: [as_json(getattr(before, name)), as_json(getattr(settings, name))] for name in new}
    values |= {name: [getattr(before.optimizer, name), value] for name, value in own.items()}
    values = {name: pair for name, pair in values.items() if pair[0] != pair[1]}
    settings = replace(settings, optimizer=replace(settings.optimizer, **own))
    if dropout is not None:
        values["dropout"] = [net.dropout, dropout]
        net = net.with_dropout(dropout)
    if weights:
        state, values["weights"] = edited(state, net, weights)
    if type(settings.optimizer) is not type(before.optimizer):
        state = replace(state, memory=settings.optimizer.init(state.theta, net.layout()))
    chosen: Engine = choose(engine_name or engine, net, settings.optimizer, state.theta.dtype)
    if chosen.name != engine:
        values["engine"] = [engine, chosen.name]
    plan = Plan(net, learn, settings, engine=chosen)
    rows_a_step(plan)
    return Altered(plan_again(plan, state, before), net, settings, chosen, values)


def as_json(value: Any) -> Any:
    """A setting as JSON has it."""
    return to_dict(value) if hasattr(value, "name") else value


def edited(state: State, net: Network, weights: Mapping[str, float]) -> tuple[State, dict[str, list[float]]]:
    """The state with other weights, and each one's old and new value."""
    theta, values = np.array(state.theta), {}
    most = float(np.finfo(theta.dtype).max)
    for name, value in weights.items():
        require(f"weights[{name!r}]", value, lambda v: abs(v) <= most, f"a finite {theta.dtype} number")
        places = net.positions(name)
        if len(places) != 1:
            some = [net.weight_name(int(place)) for place in places[:3]]
            raise ArgumentError("weights.several", name=name, weights=len(places), some=some)
        place = int(places[0])
        values[net.weight_name(place)] = [float(theta[place]), float(value)]
        theta[place] = value
    return replace(state, theta=theta), values
