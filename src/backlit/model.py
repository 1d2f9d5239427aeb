"""What predicts: one network, or several."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from backlit.core.network import Network
from backlit.engines.choice import choose
from backlit.errors import ArgumentError
from backlit.tables.frames import to_frame
from backlit.tables.table import Table
from backlit.words import plain


class Predictor(Protocol):
    """Predicts without the training rows.

    Rows are a frame of any library, a mapping of columns, a list of mappings; or an array, whose columns are taken by
    position: they are those that were learnt from, in the order of `table.columns`. A model that learnt from an array
    calls its columns x1, x2, ..., those left out included.

    Whoever predicts says how encoded rows become predictions, and what its networks are; all else follows. A `Model`
    is one network; several give the mean of their decoded predictions.

    Attributes
    ----------
    table : the fitted table
    """

    table: Table

    def decode_encoded(self, X: np.ndarray) -> np.ndarray:
        """Predictions for encoded rows X (n, d): in the target's unit, or probabilities, (n, k) always."""
        ...

    @property
    def networks(self) -> str:
        """Its network or networks, in a line."""
        ...

    @property
    def summary(self) -> str:
        """What it predicts, from what, and by which network, in two lines."""
        target, columns = self.table.target, self.table.columns
        what = " and ".join(map(plain, target.names))
        return f"{what} from {len(columns)} column{'s' * (len(columns) != 1)}\n  {self.networks}"

    def encode(self, frame: Any) -> np.ndarray:
        """Rows as X (n, d), float64."""
        return self.table.encode(to_frame(frame, self._names), np.float64)

    @property
    def _names(self) -> list[str] | None:
        """What the columns of an array are called; None: x1, x2, ..."""
        names = [column.name for column in self.table.columns]
        return None if all(re.fullmatch(r"x[1-9]\d*", name) for name in names) else names

    def predict(self, frame: Any) -> np.ndarray:
        """Numbers in the target's unit, (n, k) or (n,) for one; or class labels, (n,)."""
        prediction = self.decode(frame)
        if self.table.target.classes:
            return np.array(self.table.target.classes)[prediction.argmax(axis=1)]
        return prediction[:, 0] if prediction.shape[1] == 1 else prediction

    def predict_proba(self, frame: Any) -> np.ndarray:
        """The probability of each class, (n, classes)."""
        if not self.table.target.classes:
            raise ArgumentError("predict_proba")
        return self.decode(frame)

    def decode(self, frame: Any) -> np.ndarray:
        """Predictions in the target's unit, or probabilities, (n, k) always."""
        return self.decode_encoded(self.encode(frame))


@dataclass(frozen=True, eq=False)
class Model(Predictor):
    """One network and its weights.

    Attributes
    ----------
    theta : (p,)
    """

    table: Table
    net: Network
    theta: np.ndarray

    def __repr__(self) -> str:
        return f"<model: {self.summary}>"

    @property
    def networks(self) -> str:
        return self.net.summary

    def decode_encoded(self, X: np.ndarray) -> np.ndarray:
        """Predictions for encoded rows X (n, d): in the target's unit, or probabilities, (n, k) always.

        A row's prediction never depends on the other rows: the native engine's sums have one order, and where the
        reference runs, it computes in float64.
        """
        engine = choose("auto", self.net)
        S = engine.predict(self.net, self.theta.astype(engine.dtype), X.astype(engine.dtype, copy=False))
        return self.table.target.decode(self.net.loss, S)
