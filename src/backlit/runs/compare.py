"""Two timelines side by side: where they part, how each does, and what they have come to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from backlit.engines.protocol import Rows
from backlit.model import Model
from backlit.runs.fork import as_json
from backlit.runs.timeline import Timeline
from backlit.words import say

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, eq=False)
class Comparison:
    """What `run.compare(a, b)` finds. Differences are b − a.

    Attributes
    ----------
    parted : the step up to which they are the same; None where they come from two first timelines
    at : the step of a's weights and of b's that are compared
    models : what predicts with them
    best : whether these are the weights with which each did best on the watched rows; otherwise both are of one step
    changes : by the name of each timeline on the way from where they part: what it changed, old and new; of b's first
        timeline, where a comes from another, what is other than there
    """

    a: Timeline
    b: Timeline
    parted: int | None
    at: tuple[int, int]
    models: tuple[Model, Model]
    best: bool
    changes: dict[str, dict[str, list]]

    def epochs(self) -> pl.DataFrame:
        """A row for each epoch: step, error and metric of a and of b; null where one has none."""
        import polars as pl

        columns = {"epoch": pl.Int64, "step": pl.Int64, "error": pl.Float64, "metric": pl.Float64}
        a, b = (
            pl.DataFrame([epoch[:4] for epoch in timeline.epochs()], schema=columns, orient="row")
            for timeline in (self.a, self.b)
        )
        return a.join(b, on="epoch", how="full", coalesce=True, suffix="_b").sort("epoch").rename(
            {"step": "step_a", "error": "error_a", "metric": "metric_a"}
        )  # fmt: skip

    @property
    def weights(self) -> pl.DataFrame:
        """Each weight, in a and in b, the most different first; none where their networks have other layers."""
        import polars as pl

        a, b = (model.theta.astype(np.float64) for model in self.models)
        names = pl.Series(self.a.net.weight_names(), dtype=pl.String)
        if self.a.net.layout() != self.b.net.layout():
            names, a, b = names[:0], a[:0], b[:0]
        weights = pl.DataFrame({"weight": names, "a": a, "b": b, "difference": b - a})
        return weights.sort(pl.col("difference").abs(), descending=True, maintain_order=True)

    def rows(self) -> pl.DataFrame:
        """Each row that either watches, or else learns from: the truth, both predictions, and `gain`.

        gain : how much nearer b's prediction is to the truth than a's, in the target's unit (for classes, how much more
            probable it holds the true class); what is predicted worse is negative and comes last
        """
        import polars as pl

        data, target = _measured(self.a, self.b), self.a.run.table.target
        a, b = (model.decode_encoded(data.X) for model in self.models)
        if target.classes:
            truth = data.Y[:, 0].astype(int)
            a, b = (p[np.arange(len(p)), truth] for p in (a, b))
            gain, shown = b - a, pl.Series("truth", np.array(target.labels, dtype=object)[truth], dtype=pl.String)
        else:
            Y = target.decode_targets(data.Y)
            gain = (np.abs(a - Y) - np.abs(b - Y)).mean(axis=1)
            a, b, shown = a[:, 0], b[:, 0], pl.Series("truth", Y[:, 0])
        rows = pl.DataFrame({"row": data.rows, "truth": shown, "a": a, "b": b, "gain": gain})
        return rows.sort("gain", descending=True, maintain_order=True)


def compare(a: Timeline, b: Timeline, step: int | None = None) -> Comparison:
    """Two timelines of a run, side by side.

    Parameters
    ----------
    step : both are taken there. None: each where it did best on the watched rows; where one watched none, both at the
        last step that both have
    """
    bests, last = (a.best(), b.best()), min(a.steps(), b.steps())
    best = step is None and all(weights.watched for weights in bests)
    at = (bests[0].step, bests[1].step) if best else (last, last) if step is None else (step, step)
    models = (a.model(None if best else at[0]), b.model(None if best else at[1]))
    ways = (a.lineage, b.lineage)
    numbers = [{timeline.number for timeline in way} for way in ways]
    own = [timeline for way in ways for timeline in way if timeline.number in numbers[0] ^ numbers[1]]
    firsts = (ways[0][0], ways[1][0])
    common = firsts[0].number == firsts[1].number
    parted = min([last, *(timeline.start for timeline in own)]) if common else None
    changes = {timeline.name: timeline.changes for timeline in own if timeline not in firsts}
    changes |= {} if common else {firsts[1].name: _differences(*firsts)}
    return Comparison(a, b, parted, at, models, best, changes)


def _differences(a: Timeline, b: Timeline) -> dict[str, list]:
    """What is other in b than in a, which has another beginning: rows, settings, seed, and so on."""

    def facts(timeline: Timeline) -> dict[str, Any]:
        watched = len(timeline.numbers("watch"))
        own = {"learns from": timeline.rows_in_words(), "watches": say("timeline.rows", rows=watched)}
        settings = vars(timeline.settings())
        own |= {name: as_json(value) for name, value in settings.items()}
        return own | {"dropout": timeline.net.dropout, "engine": timeline.engine, "seed": timeline.seed}

    before, after = facts(a), facts(b)
    return {name: [before[name], after[name]] for name in before if before[name] != after[name]}


def _measured(a: Timeline, b: Timeline) -> Rows:
    """The rows on which two timelines are compared."""
    if watched := a.watch() or b.watch():
        return watched
    ours, theirs = a.learn(), b.learn()
    if ours.data is not theirs.data:
        return ours
    return Rows(ours.data, np.union1d(ours.positions, theirs.positions))
