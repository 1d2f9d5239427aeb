"""Arrays of any library that follows the Python Array API standard (NumPy, PyTorch, CuPy, ...)."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from backlit.errors import DataError

Array: TypeAlias = Any  #: an array of the standard; the standard has no static type yet
Weights: TypeAlias = tuple[Array, ...]  #: one layer's weights, in the order of its shapes()


def array_namespace(X: Array) -> Any:
    """The module whose functions work on X: ``xp = array_namespace(X)``."""
    if type(X) is np.ndarray:  # NumPy 2 follows the standard itself; asked for on every layer of every step
        return np
    import array_api_compat

    return array_api_compat.array_namespace(X)


def as_array(values: Any) -> Array:
    """`values` if they are an array of any library, else as a NumPy array."""
    if type(values) is np.ndarray:
        return values
    import array_api_compat

    return values if array_api_compat.is_array_api_obj(values) else np.asarray(values)


def like(values: Any, X: Array) -> Array:
    """`values` (NumPy or nested sequences) as an array of X's library, dtype and device."""
    xp = array_namespace(X)
    if xp is np:
        return np.asarray(values, dtype=X.dtype)
    return xp.asarray(values, dtype=X.dtype, device=_device(X))


def indices(rows: np.ndarray, X: Array) -> Array:
    """Row positions as an index array of X's library and device."""
    xp = array_namespace(X)
    return rows if xp is np else xp.asarray(rows, dtype=xp.int64, device=_device(X))


def reshape(X: Array, shape: tuple[int, ...]) -> Array:
    """X in another shape; a view where the library has views."""
    return X.reshape(shape) if type(X) is np.ndarray else array_namespace(X).reshape(X, shape)


def require_finite(name: str, X: Array) -> None:
    """Raise `DataError` that says where the first NaN or infinity of X stands."""
    xp = array_namespace(X)
    if bool(xp.all(xp.isfinite(X))):
        return
    where = tuple(int(axis[0]) for axis in xp.nonzero(~xp.isfinite(X)))
    place = ", ".join(map(str, where))
    raise DataError("not_finite", name=name, place=place, value=float(X[where]))


def _device(X: Array) -> Any:
    import array_api_compat

    return array_api_compat.device(X)
