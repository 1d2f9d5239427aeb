"""The figures of every step: what they are called, and how they are read back."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from backlit.core.network import Network
from backlit.core.state import State
from backlit.runs.arrays import unpack
from backlit.runs.file import reading
from backlit.runs.schema import DamageError, Snapshot, Stretch
from backlit.runs.sense import rows_of
from backlit.training import rate_at

if TYPE_CHECKING:
    import polars as pl

    from backlit.runs.timeline import Timeline


def figure_names(net: Network) -> list[str]:
    """What is kept of each step, one number each; layers are called by their weights."""
    layers = [slots[0].name for slots in net.slots if slots]
    of_layers = [f"{figure}_{layer}" for figure in ("gradient_norm", "stuck") for layer in layers]
    return ["E", "gradient_norm", "update_norm", *of_layers]


def figures_of(stretch: Stretch, columns: int) -> np.ndarray:
    """A stretch's figures, (steps kept, columns), float32."""
    kept = math.ceil((stretch.stop - stretch.start) / stretch.every) if stretch.every > 0 else -1
    return unpack(stretch.figures, "float32", (kept, columns))


def figures(timeline: Timeline, start: int, stop: int) -> pl.DataFrame:
    """The recorded figures of some steps; see `Timeline.figures`."""
    import polars as pl

    names = figure_names(timeline.run.net)
    parts = [pl.DataFrame(schema={"step": pl.Int64, "rate": pl.Float64, **dict.fromkeys(names, pl.Float32)})]
    lineage = timeline.lineage
    with reading(timeline.run.path) as file:
        for (own, begins), ends in zip(lineage, [*(begins for _, begins in lineage[1:]), stop]):
            begins, ends = max(begins, start), min(ends, stop)
            settings = own.settings
            anchors = rows_of(file, Snapshot, "timeline = ? AND anchor", own.number)
            asked = ("timeline = ? AND stop > ? AND start < ?", own.number, begins, ends)
            for stretch in rows_of(file, Stretch, *asked):
                steps = np.arange(stretch.start, stretch.stop, stretch.every)
                anchor = max((a for a in anchors if a.step <= stretch.start), key=lambda a: a.step, default=None)
                if anchor is None:
                    raise DamageError(f"timeline {own.number} has no snapshot before step {stretch.start}")
                laid_out = State(np.empty(0), {}, 0, anchor.planned, anchor.begun)
                table = pl.DataFrame(figures_of(stretch, len(names)), schema=names)
                rates = pl.Series("rate", rate_at(settings, laid_out, steps))
                table = table.select(pl.Series("step", steps), rates, *names)
                parts.append(table.filter(pl.col("step").is_between(begins, ends, closed="left")))
    return pl.concat(parts)
