"""Training: settings, and the loop that yields events."""

from backlit.training.loop import (
    EpochDone,
    Event,
    Events,
    Metric,
    StepsDone,
    Stopped,
    epoch_order,
    evaluate,
    replay,
    train,
)
from backlit.training.settings import (
    Reason,
    Settings,
    begin,
    go_on,
    plan_again,
    rate_at,
    rows_a_step,
    why_stop,
)

__all__ = [
    "EpochDone",
    "Event",
    "Events",
    "Metric",
    "Reason",
    "Settings",
    "StepsDone",
    "Stopped",
    "begin",
    "epoch_order",
    "evaluate",
    "go_on",
    "plan_again",
    "rate_at",
    "replay",
    "rows_a_step",
    "train",
    "why_stop",
]
