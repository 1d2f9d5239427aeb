"""What a run holds, for other programs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from backlit.runs.arrays import load_blob
from backlit.runs.file import create, lock, require_new
from backlit.runs.recorder import referred
from backlit.runs.run import Run
from backlit.runs.schema import TABLES, Blob, Fact, parsed, put
from backlit.runs.sense import rows_of
from backlit.runs.timeline import Timeline
from backlit.tables.frames import whole, write_table
from backlit.words import to_json


def safetensors(timeline: Timeline, path: str | Path, step: int | None = None, force: bool = False) -> Path:
    """Write a state's weights, each slot of theta by its name ("w1", "b1", ...) and in its shape.

    Parameters
    ----------
    step : None: the weights that predict
    """
    from safetensors.numpy import save

    path = require_new(path, force)
    net, theta = timeline.net, timeline.model(step).theta
    slots = {
        slot.name: np.ascontiguousarray(theta[slot.start : slot.stop].reshape(slot.shape)) for slot in net.layout()
    }
    facts = {"network": to_json(net.to_dict()), "table": to_json(timeline.run.table.to_dict())}
    with whole(path) as beside:
        beside.write_bytes(save(slots, facts))
    return path


def csv(timeline: Timeline, path: str | Path, force: bool = False) -> Path:
    """Write the figures of every recorded step as a table: CSV, Parquet or Arrow by the file's name."""
    path = require_new(path, force)
    write_table([timeline.curves()], path)
    return path


def description(run: Run) -> Mapping[str, Any]:
    """Everything but arrays and rows, as JSON: the table, the network, each timeline and its epochs."""
    return {
        **run.about(),
        "table": {**run.table.to_dict(), "notices": run.table.notices},
        "network": run.net.to_dict(),
        "timelines": [described(timeline) for timeline in run.timelines()],
    }


def described(timeline: Timeline) -> dict[str, Any]:
    """A timeline as JSON."""
    with timeline.run.reading():
        row, parent, steps, epochs = timeline.row(), timeline.parent, timeline.steps(), timeline.epochs()
        texts = {name: parsed(getattr(row, name)) for name in ("changes", "settings", "arithmetic", "machine")}
    facts = {"name": row.name, "parent": parent and parent.name, "step": row.step, "steps": steps, **texts}
    facts |= {"seed": int(row.seed), "engine": row.engine, "created": row.created, "kept": bool(row.kept)}
    facts["rows"] = {part: len(timeline.numbers(part)) for part in ("learn", "watch")}
    return {**facts, "reason": row.reason, "epochs": [epoch._asdict() for epoch in epochs]}


def without_rows(run: Run, path: str | Path, force: bool = False) -> Path:
    """Write a copy of a run file that holds none of its rows: neither the table nor what was encoded of it.

    Which rows of the table they were, their weights, and a hash of them stay: with the table at hand, the copy can do
    all that the original can.
    """
    path = require_new(path, force)
    with run.reading() as old:

        def fill(new: Any) -> None:
            for kind in TABLES:
                if kind is not Blob:
                    put(new, *rows_of(old, kind))
            data = {**run.about()["data"], "inside": False, "table": None}
            for encoded in data["encoded"]:
                for name in ("X", "Y"):
                    encoded.pop(name, None)
            put(new, Fact("data", to_json(data)))
            for key in referred(new):  # the others are never written: what is deleted could still be read in a file
                put(new, load_blob(old, key))

        with lock(path):
            create(path, fill, force)
    return path
