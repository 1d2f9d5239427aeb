# What `import backlit` offers; each name is loaded when it is first used.
from . import errors
from .core.backprop import backward, forward, value_and_grad
from .core.layers import Dense, Dropout, LayerNorm, PiecewiseLinear
from .core.losses import (
    AbsoluteError,
    BinaryCrossEntropy,
    CrossEntropy,
    Huber,
    Poisson,
    Quantile,
    SquaredError,
)
from .core.network import Network
from .core.optimizers import SGD, Adam, Momentum, Nesterov, RMSprop
from .core.schedules import Constant, Cosine, Exponential, StepDecay
from .core.state import State
from .engines.protocol import Data, Rows
from .errors import (
    ArgumentError,
    BacklitError,
    DataError,
    DivergedError,
    KeywordError,
    RunWarning,
    ShapeError,
    SlowEngineWarning,
    UnknownNameError,
)
from .estimators import NetClassifier, NetRegressor
from .explain.trace import Trace, trace
from .model import Model
from .recipe import Recipe
from .runs.run import Run, open_run
from .runs.timeline import Timeline
from .tables import datasets
from .tables.metrics import METRICS, Metric
from .tables.table import Table
from .training import EpochDone, Plan, Settings, StepsDone, Stopped, train
from .version import __version__

__all__ = [
    "METRICS",
    "SGD",
    "AbsoluteError",
    "Adam",
    "ArgumentError",
    "BacklitError",
    "BinaryCrossEntropy",
    "Constant",
    "Cosine",
    "CrossEntropy",
    "Data",
    "DataError",
    "Dense",
    "DivergedError",
    "Dropout",
    "EpochDone",
    "Exponential",
    "Huber",
    "KeywordError",
    "LayerNorm",
    "Metric",
    "Model",
    "Momentum",
    "Nesterov",
    "NetClassifier",
    "NetRegressor",
    "Network",
    "PiecewiseLinear",
    "Plan",
    "Poisson",
    "Quantile",
    "RMSprop",
    "Recipe",
    "Rows",
    "Run",
    "RunWarning",
    "Settings",
    "ShapeError",
    "SlowEngineWarning",
    "SquaredError",
    "State",
    "StepDecay",
    "StepsDone",
    "Stopped",
    "Table",
    "Timeline",
    "Trace",
    "UnknownNameError",
    "__version__",
    "backward",
    "datasets",
    "errors",
    "forward",
    "open_run",
    "trace",
    "train",
    "value_and_grad",
]
