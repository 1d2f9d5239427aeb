"""A verdict in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backlit.explain.verdict import FALLING, SURE
from backlit.tables.metrics import METRICS, score
from backlit.words import say


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
    metric, own, *others = numbers["figure"], *scores
    other = beaten_by or others[-1]
    behind = numbers["behind"][other]
    kind = "worse" if beaten_by else "alike" if behind is not None and abs(behind) < SURE else "better"
    baseline = other
    shown = {"own": score(metric, scores[own], unit), "other": score(metric, scores[other], unit)}
    if beaten_by == others[0]:  # the simplest
        # better here, but by less than such rows can tell; what reads alike is no better
        near = behind is not None and behind < 0 and shown["own"] != shown["other"]
        kind, baseline = "not_surely_better" if near else "not_better", say(f"baseline.{other}")
    return say(f"finding.{kind}", baseline=baseline, metric=METRICS[metric].title, rows=numbers["rows"], **shown)


def _course(verdict: Mapping[str, Any], target: str) -> str:
    """What training did, with the number that shows it."""
    kind, numbers = verdict["kind"], verdict["numbers"]
    if kind in ("healthy", "beaten"):
        return ""
    if kind == "still_falling" and numbers["fall"] < FALLING:
        kind = "late_fall"
    why = (
        _overshooting(numbers)
        if numbers.get("curvature")
        else say("finding.timid", **numbers)
        if "limit" in numbers
        else ""
    )
    return say(f"finding.{kind}", target=target, why=why, **numbers)


def overshooting(verdict: Mapping[str, Any]) -> str:
    """Why steps overshot, as a sentence and a blank; "" where it is not known."""
    why = _overshooting(verdict["numbers"]) if verdict["numbers"].get("curvature") else ""
    return f"{why[:1].upper()}{why[1:]}. " if why else ""


def _overshooting(numbers: Mapping[str, Any]) -> str:
    return say("finding.overshooting", **{**numbers, "at": numbers["at"] or None})
