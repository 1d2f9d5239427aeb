"""How good predictions are: in the target's own unit, or for classes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from backlit.core.losses import Measure
from backlit.errors import ArgumentError
from backlit.words import fixed, number

Weights = np.ndarray | None


@dataclass(frozen=True)
class Metric:
    """A figure of merit.

    Attributes
    ----------
    value : (prediction, truth, weights) -> float. For numbers both are (n,) or (n, k), in the target's unit; for
        classes the prediction holds probabilities, (n, k), and the truth the position of each row's class, (n,)
    title : for people
    in_unit : whether it carries the target's unit
    of_classes : whether it is of classes, not of numbers
    """

    name: str
    value: Callable[[np.ndarray, np.ndarray, Weights], float]
    title: str
    greater_is_better: bool = False
    in_unit: bool = False
    of_classes: bool = False

    def measure(self, unit: str) -> Measure:
        """As people read it, of a target in a unit."""
        return Measure(self.title, unit if self.in_unit else "", self.in_unit)


def root_mean_squared_error(prediction: np.ndarray, truth: np.ndarray, weights: Weights = None) -> float:
    """√ of the average squared difference; the target's unit."""
    return float(np.sqrt(np.average((prediction - truth) ** 2, axis=0, weights=weights).mean()))


def mean_absolute_error(prediction: np.ndarray, truth: np.ndarray, weights: Weights = None) -> float:
    """The average difference without its sign; the target's unit."""
    return float(np.average(np.abs(prediction - truth), axis=0, weights=weights).mean())


def r2(prediction: np.ndarray, truth: np.ndarray, weights: Weights = None) -> float:
    """1 for perfect predictions, 0 for always the mean of `truth`, below 0 for worse than that."""
    residual = np.average((prediction - truth) ** 2, axis=0, weights=weights)
    total = np.average((truth - np.average(truth, axis=0, weights=weights)) ** 2, axis=0, weights=weights)
    return float(np.mean(1 - residual / np.where(total > 0, total, np.nan)))


def log_loss(prediction: np.ndarray, truth: np.ndarray, weights: Weights = None) -> float:
    """−ln of the probability given to the true class, on average."""
    return float(np.average(log_losses(prediction, truth), weights=weights))


def log_losses(prediction: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """(n,) −ln of the probability given to each row's true class; a probability of 0 counts as 1e-15."""
    return -np.log(np.maximum(prediction[np.arange(len(truth)), truth.astype(int)], 1e-15))


def accuracy(prediction: np.ndarray, truth: np.ndarray, weights: Weights = None) -> float:
    """The share of rows whose likeliest class is the true one."""
    return float(np.average(prediction.argmax(axis=1) == truth, weights=weights))


METRICS = {
    metric.name: metric
    for metric in (
        Metric("rmse", root_mean_squared_error, "RMSE", in_unit=True),
        Metric("mae", mean_absolute_error, "mean absolute error", in_unit=True),
        Metric("r2", r2, "R²", greater_is_better=True),
        Metric("log_loss", log_loss, "log-loss", of_classes=True),
        Metric("accuracy", accuracy, "accuracy", greater_is_better=True, of_classes=True),
    )
}


def require_fit(metric: Metric, classes: bool, predictions: int) -> None:
    """Raise `ArgumentError` where one of METRICS would make no sense.

    Parameters
    ----------
    classes : whether classes are learnt, not numbers
    predictions : of numbers, how many there are for each truth; a loss of quantiles makes one for each of them
    """
    if METRICS.get(metric.name) is not metric:
        return
    if metric.of_classes != classes:
        learnt = "classes" if classes else "numbers"
        known = [name for name, metric in METRICS.items() if metric.of_classes == classes]
        raise ArgumentError("metric.task", name=metric.name, learnt=learnt, known=known)
    if predictions > 1 and not classes:
        raise ArgumentError("metric.one_prediction", name=metric.name, predictions=predictions)


def scores(
    prediction: np.ndarray, truth: np.ndarray, classes: bool = False, weights: Weights = None
) -> dict[str, float]:
    """Every metric of some predictions."""
    fitting = (metric for metric in METRICS.values() if metric.of_classes == classes)
    return {metric.name: metric.value(prediction, truth, weights) for metric in fitting}


def score(name: str, value: float, unit: str = "") -> str:
    """A figure of merit by its metric's name, in the target's unit where it has one; of R² three digits count."""
    metric = METRICS[name]
    if metric.in_unit:
        return number(value, unit)
    return fixed(round(value, 3) if metric.greater_is_better else value, 3)
