"""Who contributed most to the gradient: single weights, or units, layers and columns together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from backlit.core.network import Slot
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
        if by == "matrix":
            frame = frame[[slot.start + int(np.argmax(t.shares[slot.start : slot.stop])) for slot in t.net.layout()]]
    else:
        totals: dict[str, float] = defaultdict(float)
        for slot in t.net.layout():
            for name, share in _grouped(t, slot, by):
                totals[name] += share
        frame = pl.DataFrame({by: list(totals), "blame": list(totals.values())})
    return frame.sort("blame", descending=True, maintain_order=True).head(most or frame.height)


def _grouped(t: Trace, slot: Slot, by: str) -> Iterator[tuple[str, float]]:
    part = t.shares[slot.start : slot.stop].reshape(slot.shape)
    if by == "layer":
        yield str(slot.layer), float(part.sum())
    elif by == "unit":
        totals = part.reshape(-1, slot.shape[-1]).sum(axis=0)
        yield from ((f"{slot.layer}, {unit}", float(total)) for unit, total in zip(slot.axes[-1], totals))
    elif slot.name == "w1":
        columns = {} if t.target is None else {given.name: given.column for given in t.target.inputs}
        for source, total in zip(slot.axes[0], part.sum(axis=1)):
            name = source.rpartition("#")[0] or source
            yield columns.get(name, name), float(total)
