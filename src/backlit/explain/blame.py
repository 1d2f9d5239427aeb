"""On which weights E pulls the hardest: single ones, or units, layers and columns together.

∂E/∂w is the pull on a weight. Its blame is its share of all the pull, never a share of the error.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from backlit.core.layer import Slot, Stage
from backlit.errors import UnknownNameError

if TYPE_CHECKING:
    import polars as pl

    from backlit.explain.trace import Trace

GROUPINGS = ("weight", "matrix", "unit", "layer", "column")


def blame(t: Trace, by: str = "weight", most: int | None = None) -> pl.DataFrame:
    """The blame of a trace's weights, the most first.

    Parameters
    ----------
    by : "weight"; "matrix": the strongest weight of each matrix and of each layer's biases; or the sum over each
        "unit" ("2, 5"), "layer" or, of the first layer's weights, "column" of the table
    most : so many rows at the most
    """
    import polars as pl

    if by not in GROUPINGS:
        raise UnknownNameError("grouping", by, GROUPINGS)
    if by in ("weight", "matrix"):
        frame = t.table().select("weight", "value", "gradient", "blame")
        if by == "weight":
            frame = frame[t.ranking]
        else:
            frame = frame[[slot.start + int(np.argmax(t.shares[slot.start : slot.stop])) for slot in t.net.layout()]]
    else:
        totals: dict[str, float] = defaultdict(float)
        for stage in t.net.stages:
            for slot in stage.slots:
                for name, share in _grouped(t, stage, slot, by):
                    totals[name] += share
        frame = pl.DataFrame({by: list(totals), "blame": list(totals.values())})
    return frame.sort("blame", descending=True, maintain_order=True).head(most or frame.height)


def _grouped(t: Trace, stage: Stage, slot: Slot, by: str) -> Iterator[tuple[str, float]]:
    part = t.shares[slot.start : slot.stop].reshape(slot.shape)
    inputs, units = stage.ends[slot.weight] if by != "layer" else (part, part)
    if by == "layer":
        yield str(slot.layer), float(part.sum())
    elif by == "unit":
        of_unit = np.bincount(units[units >= 0], part[units >= 0], len(stage.units))
        yield from ((f"{slot.layer}, {unit}", float(share)) for unit, share in zip(stage.units, of_unit))
        if (units < 0).any():
            yield f"{slot.layer}, several", float(part[units < 0].sum())
    elif stage.below == 0:
        names = dict(zip(stage.parents, stage.parents))
        if t.described is not None:
            names |= {unit.name: unit.column for unit in t.described.inputs if unit.column is not None}
        inputs = np.where(inputs < 0, -1, stage.origins[inputs])
        of_input = np.bincount(inputs[inputs >= 0], part[inputs >= 0], len(stage.parents))
        for i in np.unique(inputs[inputs >= 0]).tolist():
            yield names[stage.parents[i]], float(of_input[i])
