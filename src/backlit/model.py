"""What predicts: a table's description, a network and its weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from backlit.core.network import Network
from backlit.core.optimizers import SGD
from backlit.engines.choice import choose
from backlit.tables.table import Table

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, eq=False)
class Model:
    """Predicts without the training rows."""

    table: Table
    net: Network
    theta: np.ndarray

    def scores(self, frame: pl.DataFrame, engine: str = "auto") -> np.ndarray:
        """The network's raw scores, (n, k).

        A row's scores never depend on the other rows: the native engine's sums have one order, and where the
        reference runs, it computes in float64.
        """
        chosen = choose(engine, self.net, SGD(), np.float32)
        dtype = np.float32 if chosen.name == "native" else np.float64
        return chosen.predict(self.net, self.theta.astype(dtype), self.table.encode(frame, dtype))

    def predict(self, frame: pl.DataFrame) -> np.ndarray:
        """Numbers in the target's unit, (n, k) or (n,) for one; or class labels, (n,)."""
        prediction = self.decode(frame)
        if self.table.target.classes:
            return np.array(self.table.target.classes)[prediction.argmax(axis=1)]
        return prediction[:, 0] if prediction.shape[1] == 1 else prediction

    def predict_proba(self, frame: pl.DataFrame) -> np.ndarray:
        """The probability of each class, (n, classes)."""
        return self.decode(frame)

    def decode(self, frame: pl.DataFrame) -> np.ndarray:
        """Predictions in the target's unit, or probabilities, (n, k) always."""
        return self.table.target.decode(self.net.loss, self.scores(frame))
