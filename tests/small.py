"""A small table of every kind of column, numbers and classes to learn from it, and settings that learn them quickly."""

from datetime import date, timedelta

import numpy as np
import polars as pl

draw = np.random.default_rng(0)
N = 240
X = pl.DataFrame(
    {
        "size": draw.gamma(2, 500, N),
        "rooms": draw.integers(1, 6, N),
        "town": draw.choice(["north", "south", "east"], N),
        "sold": pl.Series([date(2020, 1, 1) + timedelta(days=int(d)) for d in draw.integers(0, 900, N)]),
    }
).with_columns(size=pl.when(pl.col("rooms") == 2).then(None).otherwise(pl.col("size")))
y = (
    100 * X["size"].fill_null(1000).to_numpy()
    + 20_000 * X["rooms"].to_numpy()
    + 50_000 * (X["town"] == "east").to_numpy()
)
kinds = np.where(y > np.median(y), "dear", "cheap")
QUICK = {"hidden": (16,), "epochs": 40, "learning_rate": 0.01, "random_state": 0}
