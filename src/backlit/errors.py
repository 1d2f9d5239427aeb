"""What can go wrong, as exceptions that name the thing, the value and the remedy.

BacklitError
├── ArgumentError (ValueError)      a setting out of its range, or of the wrong kind
│   ├── UnknownNameError            a name that nothing carries; the nearest ones are suggested
│   └── KeywordError (TypeError)    a setting that an estimator does not have; its own name for it is suggested
├── ShapeError (ValueError)         arrays or layers that do not fit together
├── DataError (ValueError)          rows that cannot be learnt from: NaN, empty, outside the loss's domain
├── ChainError (ArithmeticError)    a layer's answers contradict its own backward: nothing of it is shown
└── DivergedError (ArithmeticError) E or a weight is no longer finite; carries the last good state

SlowEngineWarning (UserWarning)     the fast engine cannot run what the slow one now runs
RunWarning (UserWarning)            something to know about a run file: steps recomputed, a schedule that begins again
"""

from __future__ import annotations

import difflib
import numbers
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from backlit.words import say


class BacklitError(Exception):
    """Every error that backlit raises on purpose: a kind and its facts, said by the catalogue.

    Attributes
    ----------
    kind : as of `backlit.words.say`
    facts : plain values; what is none is kept as it is written
    """

    def __init__(self, kind: str, /, **facts: Any) -> None:
        super().__init__(kind)
        self.kind = kind
        self.facts = {name: _fact(value) for name, value in facts.items()}

    def __str__(self) -> str:
        return self.kind if " " in self.kind else say(self.kind, **self.facts)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (type(self), self.args, self.__dict__)  # a worker process hands it back whole


class ArgumentError(BacklitError, ValueError):
    """A setting is out of its range, or of the wrong kind."""


class UnknownNameError(ArgumentError):
    """A name that nothing carries; or nothing of what is called `of`."""

    def __init__(self, kind: str, name: object, known: Iterable[str], of: str | None = None) -> None:
        super().__init__("unknown_name", what=kind, name=name, of=of, **nearest(name, known))


class KeywordError(ArgumentError, TypeError):
    """A keyword that is not taken; the message names the one that is."""


class ShapeError(BacklitError, ValueError):
    """Arrays or layers that do not fit together."""


class DataError(BacklitError, ValueError):
    """Rows that cannot be learnt from."""


class ChainError(BacklitError, ArithmeticError):
    """The paths of a weight do not add up to its derivative: a layer answers wrongly."""


class DivergedError(BacklitError, ArithmeticError):
    """E or a weight is no longer finite.

    Attributes
    ----------
    state : State
        The last good state, before the step that went wrong.
    step : int
        The step (from 0) that went wrong.
    """

    def __init__(self, kind: str, /, *, state: Any, step: int, **facts: Any) -> None:
        super().__init__(kind, step=step, **facts)
        self.state = state
        self.step = step


class SlowEngineWarning(UserWarning):
    """The fast engine cannot run what it was made for; the slow one does. Said once a process for each reason."""


class RunWarning(UserWarning):
    """Something to know about a run file: steps that are recomputed, a schedule that begins again, a file moved."""


@contextmanager
def needing(extra: str, what: str) -> Iterator[None]:
    """Where libraries of an extra are imported: raises `ArgumentError`, with the line that installs them.

    Parameters
    ----------
    what : that needs them, with its verb: "figures need"
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise ArgumentError(
            "extra_missing", what=what, module=(error.name or "").partition(".")[0], extra=extra
        ) from None


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
    except (TypeError, OverflowError):
        fine = False
    if not fine:
        raise ArgumentError("not_allowed", setting=name, value=value, allowed=allowed)
    return value


def nearest(name: object, known: Iterable[str]) -> dict[str, list[str]]:
    """What may have been meant by an unknown name: the nearest known ones, or those that there are; as facts."""
    known = list(known)
    near = difflib.get_close_matches(str(name), known, n=3, cutoff=0.5)
    return {"near": near} if near else {"known": known[:20]}


class _Shown(str):
    """Something that is no plain value, as text and as Python writes it."""

    def __new__(cls, value: object) -> _Shown:
        shown = super().__new__(cls, value)
        shown.written = repr(value)  # type: ignore[attr-defined]
        return shown

    def __repr__(self) -> str:
        return self.written  # type: ignore[attr-defined]


def _fact(value: Any) -> Any:
    if hasattr(value, "tolist") and not getattr(value, "shape", ()):  # a scalar of another library
        value = value.tolist()
    if type(value) in (list, tuple):
        return type(value)(map(_fact, value))
    return value if isinstance(value, str | int | float | None) else _Shown(value)


def _rebuilt(kind: type[BacklitError], args: tuple[Any, ...], facts: dict[str, Any]) -> BacklitError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(facts)
    return error
