"""A verdict in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backlit.explain.verdict import FALLING, SURE
from backlit.tables.metrics import METRICS, score
from backlit.tables.units import percent

SIMPLEST = {"mean": "always the mean", "class shares": "always the shares of the classes"}


def sentence(verdict: Mapping[str, Any], unit: str, target: str) -> str:
    """The verdict on one line.

    Parameters
    ----------
    verdict : as JSON, so that a figure that was not finite is None
    unit, target : of what is predicted
    """
    against, course = _against(verdict["beaten_by"], verdict["numbers"], unit), _course(verdict, target)
    line = (": " if verdict["beaten_by"] else "; ").join(filter(None, (against, course)))
    return f"{line[:1].upper()}{line[1:]}." if line else ""


def _against(beaten_by: str | None, numbers: Mapping[str, Any], unit: str) -> str:
    """The network beside the baseline that matters."""
    scores = numbers.get("scores")
    if not scores:
        return ""
    figure, own, *others = numbers["figure"], *scores
    other = beaten_by or others[-1]
    shown = f"{METRICS[figure].title} {score(figure, scores[own], unit)} against {score(figure, scores[other], unit)}"
    if beaten_by in SIMPLEST:
        return f"No better than {SIMPLEST[beaten_by]}, {shown}"
    if beaten_by is not None:
        return f"Worse than the {beaten_by}, {shown}"
    if numbers["behind"][other] is not None and abs(numbers["behind"][other]) < SURE:
        return f"About as good as the {other}, {shown}: too close to tell on {numbers['rows']:,} rows"
    return f"Better than the {other}, {shown}"


def _course(verdict: Mapping[str, Any], target: str) -> str:
    """What training did, with the number that shows it."""
    numbers = verdict["numbers"]
    kind = verdict["kind"]
    if kind == "diverged":
        return f"training diverged at step {numbers['step']:,}{_overshooting(numbers, ', for ')}"
    if kind == "overshot":
        return f"the error rose instead of falling{_overshooting(numbers, ', for ')}"
    if kind == "never_moved":
        return f"the error hardly fell, from E {numbers['start']:.3g} to {numbers['best']:.3g}{_timid(numbers)}"
    if kind == "too_slow":
        return f"learning is too slow{_timid(numbers)}"
    if kind == "still_falling":
        fall, share = numbers["fall"], numbers["share"]
        half = f"by {percent(fall, 0)} over" if fall >= FALLING else f"{percent(share, 0)} of its whole fall was in"
        return f"the error was still falling at the last epoch: {half} the second half of training"
    if kind == "no_signal":
        return f"neither is the linear model, so the columns may not tell {target}"
    if kind == "underfitted":
        dropout = numbers["dropout"]
        return f"with a dropout of {dropout:g} it does hardly better on the rows it learns from than on others"
    if kind == "overfitted":
        rise, best, epochs = numbers["rise"], numbers["best_epoch"], numbers["epochs"]
        return f"epoch {best} of {epochs} was the best, and its weights are used; E rose by {percent(rise, 0)} after it"
    return ""


def overshooting(verdict: Mapping[str, Any]) -> str:
    """Why steps overshot, as a sentence and a blank; "" where it is not known."""
    why = _overshooting(verdict["numbers"], "")
    return f"{why[:1].upper()}{why[1:]}. " if why else ""


def _overshooting(numbers: Mapping[str, Any], joint: str) -> str:
    if not numbers.get("curvature"):
        return ""
    where = f"from step {numbers['at']:,} on, " if numbers["at"] else ""
    limit = f"2 / {numbers['curvature']:.3g} = {numbers['limit']:.2g}"
    return (
        f"{joint}{where}above a rate of {limit} each step lands farther up the other side than it came from, and "
        f"yours is {numbers['rate']:.2g}"
    )


def _timid(numbers: Mapping[str, Any]) -> str:
    if "limit" not in numbers:
        return ""
    return f": rates up to {numbers['limit']:.2g} lower it, and yours is {numbers['rate']:g}"
