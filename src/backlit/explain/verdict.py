"""How a training went, by its own figures: whether it beats what a reader would try first, and what held it back.

Figures are handed to it, and it answers with a kind and numbers; words are made at the edge. Every threshold is stated
here, with its reason.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from backlit.explain.curvature import Bend
from backlit.tables.metrics import log_losses

KINDS = (
    "diverged", "overshot", "never_moved", "too_slow", "still_falling", "no_signal", "underfitted", "overfitted",
    "beaten", "healthy",
)  # fmt: skip

SURE = 1.0
"""By how many standard errors one model's mean error on the test rows must be below another's to be the better one.
Both are tested on the same rows, so the error is that of the mean difference, row by row. One, and not two: a network
that is worse with odds of five to one is to be mended before it is used; nearer, it is level."""
MOVED = 0.01
"""Least share of the error before training that learning must take away to have moved at all."""
TIMID = 0.01
"""Of the greatest rate that lowers E, a smaller share is too slow: along E's parabola a step of the share q wins
4 q (1 − q) of what the best step would, at a hundredth 4%. Default runs on eight real tables had 3% to 90%."""
FALLING = 0.05
"""Share of E, or of all that training took away from it, that the second half must still take away, with the last epoch
the best, to be called falling still. (A log-loss has a floor that no training reaches; its share of E stays
small.) Default runs on eight real tables came to their best before the last epoch."""
WORSE_SINCE = 0.10
"""Share by which E must have risen since its best epoch to be spoken of: smaller rises come and go with the order of
the rows. The best epoch's weights are used in any case."""
UNFREE = 0.05
"""A network whose E on the rows it learns from is not lower by this share than on the watched ones uses none of its
freedom: default runs had 8% to 73%, runs with a dropout of 0.9 at most 2%."""
HEAVY_DROPOUT = 0.3
"""Where dropout silences at least this share of the units of such a network, that is the first thing to lessen."""
SAFE = 5
"""A rate proposed is the greatest that lowers E divided by this, as in `backlit demo`: batches bend more sharply than
all rows together, and other places more sharply than those looked at."""


@dataclass(frozen=True, kw_only=True)
class Course:
    """The figures of a training.

    Attributes
    ----------
    start : E of the watched rows before the first step; NaN where nothing was watched
    errors : E of each epoch while learning
    watched : E of the watched rows after each epoch; empty where nothing was watched
    learnt : E of the weights that predict on the rows learnt from, without dropout
    bends : how E bends along some of the steps, the first step among them
    learning_rate : before its schedule
    dropout : greatest share of units silenced
    binned : whether numbers enter in bins
    diverged : the step at which E was no longer finite
    """

    start: float = math.nan
    errors: Sequence[float] = ()
    watched: Sequence[float] = ()
    learnt: float = math.nan
    bends: Sequence[Bend] = ()
    learning_rate: float = 1e-3
    dropout: float = 0.0
    weight_decay: float = 0.0
    binned: bool = False
    diverged: int | None = None

    @property
    def curve(self) -> Sequence[float]:
        """E of each epoch on the rows that show how well it does: the watched ones, else those learnt from."""
        return self.watched or self.errors

    @property
    def best(self) -> int:
        """The position of the epoch that did best."""
        return min(range(len(self.curve)), key=lambda i: self.curve[i]) if self.curve else 0

    @property
    def best_is_last(self) -> bool:
        """Whether the last epoch did best, or there is none."""
        return self.best >= len(self.curve) - 1

    @property
    def overshooting(self) -> Bend | None:
        """Where the rate was above what lowers E: at the start for the rate to come, else the first such step."""
        first = [Bend(bend.step, self.learning_rate, bend.curvature) for bend in self.bends[:1]]
        return next((bend for bend in (*first, *self.bends) if bend.rate > bend.limit), None)

    @property
    def limit(self) -> float:
        """The least of the greatest rates that lower E; infinite where none is known."""
        return min((bend.limit for bend in self.bends), default=math.inf)


@dataclass(frozen=True)
class Verdict:
    """What came of a training.

    Attributes
    ----------
    kind : one of KINDS; "beaten" is worse than a baseline for no reason seen here
    beaten_by : the baseline that does better; or the simplest, where the network does no better
    numbers : what shows it; which ones depends on the kind
    remedy : settings to try next, by their names in a recipe; empty where there is none
    """

    kind: str
    beaten_by: str | None = None
    numbers: Mapping[str, Any] = field(default_factory=dict)
    remedy: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Match:
    """The network beside its baselines on the test rows.

    Attributes
    ----------
    figure : the name of the metric that is shown
    scores : that metric of "backlit", of the simplest baseline and of the linear model, in this order
    behind : for each baseline, how many standard errors the network's error is above its
    rows : how many there are
    """

    figure: str
    scores: Mapping[str, float]
    behind: Mapping[str, float]
    rows: int


def match(predictions: Mapping[str, np.ndarray], truth: np.ndarray, scores: Mapping[str, Mapping[str, float]]) -> Match:
    """The network beside its baselines.

    Parameters
    ----------
    predictions : (n, k) of "backlit", then of the baselines; probabilities for classes
    truth : (n, k) numbers, or (n,) positions of the true classes
    scores : every metric of each; the first is shown
    """

    def errors(prediction: np.ndarray) -> np.ndarray:
        if truth.ndim == 1:
            return log_losses(prediction, truth)
        return ((prediction - truth) ** 2).mean(axis=1)

    own, *others = predictions
    behind = {}
    for name in others:
        with np.errstate(over="ignore", invalid="ignore"):
            gap = errors(predictions[own]) - errors(predictions[name])
            error = float(gap.std() / math.sqrt(len(gap)))
            mean = float(gap.mean())
        behind[name] = mean / error if error > 0 else math.copysign(math.inf, mean) if mean else 0.0
    figure = next(iter(scores[own]))
    return Match(figure, {name: scores[name][figure] for name in predictions}, behind, len(truth))


def judge(course: Course, against: Match | None = None) -> Verdict:
    """The verdict on a training.

    against : its baselines; None where no rows were left to test on
    """
    beaten_by, hopeless, figures = _against_baselines(against)
    kind, numbers, remedy = _course(course, beaten_by is not None, hopeless)
    if kind == "healthy" and beaten_by is not None:
        kind, remedy = "beaten", _tamer(course)
    return Verdict(kind, beaten_by, {**figures, **numbers}, remedy)


def _against_baselines(against: Match | None) -> tuple[str | None, bool, dict[str, Any]]:
    """Which baseline is not beaten, whether the linear model does not beat the simplest either, and the figures."""
    if against is None:
        return None, False, {}
    simplest, *better = against.behind
    if not against.behind[simplest] <= -SURE:
        alike = [abs(against.behind[name]) < SURE for name in better]
        return simplest, bool(alike) and all(alike), asdict(against)
    return next((name for name in better if not against.behind[name] < SURE), None), False, asdict(against)


def _course(course: Course, beaten: bool, hopeless: bool) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """What the course of training was, the numbers that show it, and what to try."""
    curve = course.curve
    steep = course.overshooting
    rate, limit = course.learning_rate, course.limit
    slower = {} if steep is None else {"rate": steep.rate, "at": steep.step, "curvature": steep.curvature,
                                       "limit": steep.limit}  # fmt: skip
    if course.diverged is not None:
        known = min(rate, limit if steep is None else steep.limit)
        return "diverged", {"step": course.diverged, "rate": rate, **slower}, {"learning_rate": rounded(known / SAFE)}
    if not curve:
        return "healthy", {}, {}
    best, last, half = curve[course.best], curve[-1], curve[(len(curve) - 1) // 2]
    start = course.start if math.isfinite(course.start) else curve[0]
    epochs = {"best_epoch": course.best + 1, "epochs": len(curve)}
    went_up = not math.isfinite(sum(course.errors)) or max(course.errors, default=0.0) > 2 * abs(start)
    if beaten and steep is not None and went_up:
        numbers = {"start": start, "highest": max(course.errors), **slower}
        return "overshot", numbers, {"learning_rate": rounded(steep.limit / SAFE)}
    # below 0, as a Poisson's, E has no size of its own
    size = abs(best) if min(*curve, start) > 0 else abs(start - best)
    timid = rate < TIMID * limit < math.inf
    faster = {"learning_rate": rounded(limit / SAFE)} if timid else {}
    slow = {"rate": rate, "limit": limit} if timid else {}
    if not best < start - MOVED * abs(start) and not hopeless:
        return "never_moved", {"start": start, "best": best, **slow}, faster
    fall = (half - last) / max(size, abs(half)) if len(curve) > 1 and size else 0.0
    if timid and (beaten or course.best_is_last):
        return "too_slow", {"start": start, "best": best, **slow}, faster
    share = (half - last) / (start - last) if len(curve) > 1 and start > last else 0.0
    if course.best_is_last and max(fall, share) >= FALLING:
        return "still_falling", {"fall": fall, "share": share, **epochs}, {"epochs": _more_epochs(course)}
    if hopeless:
        return "no_signal", epochs, {}
    unfree = bool(course.watched) and course.learnt > best - UNFREE * size
    if beaten and unfree and course.dropout >= HEAVY_DROPOUT:
        numbers = {"learnt": course.learnt, "watched": best, "dropout": course.dropout}
        return "underfitted", numbers, {"dropout": rounded(course.dropout / SAFE)}
    rise = (last - best) / size if size else 0.0
    learning = bool(course.errors) and course.errors[-1] < course.errors[min(course.best, len(course.errors) - 1)]
    if course.watched and rise >= WORSE_SINCE and learning:
        return "overfitted", {"best": best, "last": last, "rise": rise, **epochs}, _tamer(course) if beaten else {}
    return "healthy", epochs, {}


def _more_epochs(course: Course) -> int:
    """Twice as many; ten times as many where there were few."""
    done = len(course.curve)
    return done * (10 if done < 10 else 2)


def _tamer(course: Course) -> dict[str, Any]:
    """What keeps a network from learning its rows by heart: inputs without bins, then more dropout, then more decay."""
    if course.binned:
        return {"encoding": "plain"}
    if course.dropout < HEAVY_DROPOUT:
        return {"dropout": HEAVY_DROPOUT}
    return {"weight_decay": rounded(10 * course.weight_decay) or 0.1}


def rounded(value: float) -> float:
    """One significant digit."""
    return float(f"{value:.1g}")
