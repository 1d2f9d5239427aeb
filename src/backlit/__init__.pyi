# What `import backlit` offers; each name is loaded when it is first used.
from . import errors
from .core.backprop import backward, forward, tangent, value_and_grad
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
from .engines.choice import choose
from .engines.protocol import Data
from .errors import RunWarning, SlowEngineWarning
from .estimators import NetClassifier, NetRegressor
from .explain.trace import Trace, trace
from .fitting import Recipe, prepare
from .model import Model
from .runs.run import Run, open_run
from .runs.timeline import Timeline
from .tables import datasets
from .tables.table import Table
from .training import EpochDone, Settings, StepsDone, Stopped, begin, train

__all__ = [
    "SGD",
    "AbsoluteError",
    "Adam",
    "BinaryCrossEntropy",
    "Constant",
    "Cosine",
    "CrossEntropy",
    "Data",
    "Dense",
    "Dropout",
    "EpochDone",
    "Exponential",
    "Huber",
    "LayerNorm",
    "Model",
    "Momentum",
    "Nesterov",
    "NetClassifier",
    "NetRegressor",
    "Network",
    "PiecewiseLinear",
    "Poisson",
    "Quantile",
    "RMSprop",
    "Recipe",
    "Run",
    "RunWarning",
    "Settings",
    "SlowEngineWarning",
    "SquaredError",
    "State",
    "StepDecay",
    "StepsDone",
    "Stopped",
    "Table",
    "Timeline",
    "Trace",
    "backward",
    "begin",
    "choose",
    "datasets",
    "errors",
    "forward",
    "open_run",
    "prepare",
    "tangent",
    "trace",
    "train",
    "value_and_grad",
]
