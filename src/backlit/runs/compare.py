"""Two timelines side by side: where they part, how each does, and what they have come to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from backlit.runs.file import reading
from backlit.runs.going_on import LAST

if TYPE_CHECKING:
    import polars as pl

    from backlit.runs.timeline import Timeline


@dataclass(frozen=True, eq=False)
class Comparison:
    """What `run.compare(a, b)` finds. Differences are b − a.

    Attributes
    ----------
    parted : the step up to which they are the same
    at : the step of a's weights and of b's that are compared
    thetas : those weights, (p,) each
    best : whether these are the weights with which each did best on the watched rows; otherwise both are of one step
    changes : what b (or a, where b is its ancestor) does in another way
    epochs : a row for each epoch of either: epoch, step, error and metric of both
    """

    a: Timeline
    b: Timeline
    parted: int
    at: tuple[int, int]
    thetas: tuple[np.ndarray, np.ndarray]
    best: bool

    @property
    def changes(self) -> dict[str, dict[str, list]]:
        """By the name of each timeline on the way from where they part: what it changed, old and new."""
        shared = {timeline.number for timeline in _shared(self.a, self.b)}
        ways = (*self.a.lineage, *self.b.lineage)
        return {timeline.name: timeline.changes for timeline, _ in ways if timeline.number not in shared}

    @property
    def epochs(self) -> pl.DataFrame:
        """A row for each epoch: step, error and metric of a and of b; null where one has none."""
        import polars as pl

        columns = {"epoch": pl.Int64, "step": pl.Int64, "error": pl.Float64, "metric": pl.Float64}
        a, b = (
            pl.DataFrame([epoch[:4] for epoch in timeline.epochs], schema=columns, orient="row")
            for timeline in (self.a, self.b)
        )
        return a.join(b, on="epoch", how="full", coalesce=True, suffix="_b").sort("epoch").rename(
            {"step": "step_a", "error": "error_a", "metric": "metric_a"}
        )  # fmt: skip

    @property
    def weights(self) -> pl.DataFrame:
        """Each weight, in a and in b, the most different first."""
        import polars as pl

        a, b = (theta.astype(np.float64) for theta in self.thetas)
        found = pl.DataFrame({"weight": self.a.net.weight_names(), "a": a, "b": b, "difference": b - a})
        return found.sort(pl.col("difference").abs(), descending=True, maintain_order=True)

    @property
    def rows(self) -> pl.DataFrame:
        """Each watched row (or each learnt one, where none are watched): the truth, both predictions, and `gain`.

        gain : how much nearer b's prediction is to the truth than a's, in the target's unit (for classes, how much more
            probable it holds the true class); what is predicted worse is negative and comes last
        """
        import polars as pl

        run = self.a.run
        data = run.data("validation") or run.data("train")
        assert data is not None
        target = run.table.target
        a, b = (_decoded(*side, data.X) for side in zip((self.a, self.b), self.thetas))
        if target.classes:
            truth = data.Y[:, 0].astype(int)
            a, b = (p[np.arange(len(p)), truth] for p in (a, b))
            gain, shown = b - a, pl.Series("truth", np.array(target.labels, dtype=object)[truth], dtype=pl.String)
        else:
            Y = target.decode_targets(data.Y)
            gain = (np.abs(a - Y) - np.abs(b - Y)).mean(axis=1)
            a, b, shown = a[:, 0], b[:, 0], pl.Series("truth", Y[:, 0])
        found = pl.DataFrame({"row": data.rows, "truth": shown, "a": a, "b": b, "gain": gain})
        return found.sort("gain", descending=True, maintain_order=True)


def compare(a: Timeline, b: Timeline, step: int | None = None) -> Comparison:
    """Two timelines of a run, side by side.

    Parameters
    ----------
    step : both are taken there. None: each where it did best on the watched rows; where one watched none, both at the
        last step that both have
    """
    both = (a, b)
    known = [_best(timeline) for timeline in both] if step is None else []
    best = bool(known) and None not in known
    if best:
        (at_a, theta_a), (at_b, theta_b) = known  # type: ignore[misc]
    else:
        at_a = at_b = min(a.steps, b.steps) if step is None else step
        theta_a, theta_b = (timeline.at(at_a).theta for timeline in both)
    shared = {timeline.number for timeline in _shared(a, b)}
    own = [start for way in (a, b) for timeline, start in way.lineage if timeline.number not in shared]
    parted = min([*own, a.steps, b.steps])
    return Comparison(a, b, parted, (at_a, at_b), (np.asarray(theta_a), np.asarray(theta_b)), best)


def _best(timeline: Timeline) -> tuple[int, np.ndarray] | None:
    """The step whose weights predict, and those; None where nothing was watched."""
    with reading(timeline.run.path) as file:
        best = timeline.nearest(file, LAST).best
    return None if best is None else (best.step, best.theta)


def _shared(a: Timeline, b: Timeline) -> list[Timeline]:
    """The timelines that both come from."""
    theirs = {timeline.number for timeline, _ in b.lineage}
    return [timeline for timeline, _ in a.lineage if timeline.number in theirs]


def _decoded(timeline: Timeline, theta: np.ndarray, X: np.ndarray) -> np.ndarray:
    net = timeline.net
    S = timeline.plan.engine.predict(net, theta, X)
    return timeline.run.table.target.decode(net.loss, S)
