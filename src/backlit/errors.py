"""What can go wrong, as exceptions that name the thing, the value and the remedy.

BacklitError
├── ArgumentError (ValueError)      a setting out of its range, or of the wrong kind
│   ├── UnknownNameError            a name that nothing carries; the nearest ones are suggested
│   └── KeywordError (TypeError)    a setting that an estimator does not have; its own name for it is suggested
├── ShapeError (ValueError)         arrays or layers that do not fit together
├── DataError (ValueError)          rows that cannot be learnt from: NaN, empty, outside the loss's domain
└── DivergedError (ArithmeticError) E or a weight is no longer finite; carries the last good state

SlowEngineWarning (UserWarning)     the fast engine cannot run what the slow one now runs
RunWarning (UserWarning)            something to know about a run file: steps recomputed, a schedule that begins again
"""

from __future__ import annotations

import difflib
import numbers
from collections.abc import Callable, Iterable
from typing import Any


class BacklitError(Exception):
    """Every error that backlit raises on purpose."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (type(self), self.args, self.__dict__)  # a worker process hands it back whole


class ArgumentError(BacklitError, ValueError):
    """A setting is out of its range, or of the wrong kind."""


class UnknownNameError(ArgumentError):
    """A name that nothing carries."""

    def __init__(self, kind: str, name: object, known: Iterable[str]) -> None:
        super().__init__(f"unknown {kind} {name!r}; {suggestion(name, known)}")


class KeywordError(ArgumentError, TypeError):
    """A keyword that is not taken; the message names the one that is."""


class ShapeError(BacklitError, ValueError):
    """Arrays or layers that do not fit together."""


class DataError(BacklitError, ValueError):
    """Rows that cannot be learnt from."""


class DivergedError(BacklitError, ArithmeticError):
    """E or a weight is no longer finite.

    Attributes
    ----------
    state : State
        The last good state, before the step that went wrong.
    step : int
        The step (from 0) that went wrong.
    what, remedy : str
        The two parts of the message.
    """

    def __init__(self, what: str, remedy: str = "", *, state: Any, step: int) -> None:
        super().__init__(f"{what}. {remedy}" if remedy else what)
        self.what = what
        self.remedy = remedy
        self.state = state
        self.step = step


class SlowEngineWarning(UserWarning):
    """The fast engine cannot run what it was made for; the slow one does. Said once a process for each reason."""


class RunWarning(UserWarning):
    """Something to know about a run file: steps that are recomputed, a schedule that begins again, a file moved."""


def as_python(value: Any) -> Any:
    """A setting as plain Python: the scalars and arrays of other libraries as numbers, texts and tuples."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple) and not hasattr(value, "_fields"):
        return tuple(map(as_python, value))
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    return float(value) if isinstance(value, numbers.Real) else value


def require(name: str, value: Any, good: Callable[[Any], bool], allowed: str) -> Any:
    """A setting's value as plain Python; raises `ArgumentError` unless it is good. A value of another type is not."""
    value = as_python(value)
    try:
        fine = good(value)
    except TypeError:
        fine = False
    if not fine:
        raise ArgumentError(f"{name} is {value!r}; it must be {allowed}")
    return value


def suggestion(name: object, known: Iterable[str]) -> str:
    """What may have been meant by an unknown name: the nearest known ones, or those that there are."""
    known = list(known)
    near = difflib.get_close_matches(str(name), known, n=3, cutoff=0.5)
    return f"did you mean {_listed(near, 'or')}?" if near else f"known: {_listed(known[:20], 'and')}"


def _rebuilt(kind: type[BacklitError], args: tuple[Any, ...], facts: dict[str, Any]) -> BacklitError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(facts)
    return error


def _listed(names: list[str], last: str) -> str:
    quoted = [repr(name) for name in names]
    return quoted[0] if len(quoted) == 1 else ", ".join(quoted[:-1]) + f" {last} {quoted[-1]}"
