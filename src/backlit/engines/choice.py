"""Which engine runs a network."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from backlit.core.network import Network
from backlit.core.optimizers import Optimizer
from backlit.engines import native
from backlit.engines.protocol import Engine, threads_or_all
from backlit.engines.reference import ReferenceEngine
from backlit.errors import ArgumentError, SlowEngineWarning, UnknownNameError
from backlit.words import Remark, say

ENGINES: dict[str, Callable[[int | None], Engine]] = {"native": native.NativeEngine, "reference": ReferenceEngine}
CHOICES = ("auto", *ENGINES)


def choose(
    engine: str | Engine,
    net: Network,
    optimizer: Optimizer | None = None,
    dtype: Any = np.float32,
    threads: int | None = None,
) -> Engine:
    """The engine that runs a network.

    Parameters
    ----------
    engine : "native", "reference", or "auto": the native one for NumPy's float32 where it can, with a
        `SlowEngineWarning` where it cannot; the reference for all else. An engine itself is taken as it is
    optimizer : what it is trained by; None: it only predicts
    dtype : of the rows and weights
    threads : for an engine that uses several; None: as many as there are usable cores, 1 in a worker process

    Raises
    ------
    ArgumentError
        "native" where it cannot run, and why.
    """
    threads = threads_or_all(threads)
    if not isinstance(engine, str):
        return engine
    if engine not in CHOICES:
        raise UnknownNameError("engine", engine, CHOICES)
    floats = isinstance(dtype, np.dtype | type) and dtype == np.float32  # dtypes of other libraries refuse to compare
    if engine == "reference" or (engine == "auto" and not floats):
        return ENGINES["reference"](threads)
    fast = native.NativeEngine(threads)
    reason = fast.lacks(net, optimizer, dtype)
    if reason is None:
        return fast
    reinstall = Remark("engine.reinstall") if reason.kind == "lacks.compiled" else None
    if engine == "native":
        raise ArgumentError("engine.cannot_run", reason=reason, reinstall=reinstall)
    _warn(say("engine.slow", reason=reason, reinstall=reinstall))
    return ENGINES["reference"](threads)


def fast(net: Network) -> Engine | None:
    """The engine that is faster than the reference, on one thread, to check a network's float32; None if none can."""
    engine = native.NativeEngine(threads=1)
    return engine if engine.lacks(net, None, np.dtype(np.float32)) is None else None


@cache  # once a process for each text
def _warn(text: str) -> None:
    warnings.warn(text, SlowEngineWarning, stacklevel=4)
