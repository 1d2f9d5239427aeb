"""Which engine runs a network."""

from __future__ import annotations

from backlit.core.network import Network
from backlit.core.optimizers import Optimizer
from backlit.core.registry import lookup
from backlit.engines.protocol import Engine
from backlit.engines.reference import ReferenceEngine

ENGINES: dict[str, Engine] = {"reference": ReferenceEngine()}  #: the fastest first


def choose(engine: str | Engine, net: Network, optimizer: Optimizer) -> Engine:
    """The engine called `engine`, or for "auto" the fastest that has all the pieces."""
    if not isinstance(engine, str):
        return engine
    if engine == "auto":
        return next(candidate for candidate in ENGINES.values() if candidate.supports(net, optimizer))
    return lookup("engine", ENGINES, engine)
