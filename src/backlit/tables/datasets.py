"""The tables that come with backlit."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

#: what the numbers of the houses table are measured in
HOUSE_UNITS = {
    "price": "$",
    "sqft_living": "sqft",
    "sqft_lot": "sqft",
    "sqft_above": "sqft",
    "sqft_basement": "sqft",
    "sqft_living15": "sqft",
    "sqft_lot15": "sqft",
    "lat": "°",
    "long": "°",
}


def load_houses() -> pl.DataFrame:
    """21,613 house sales in King County, May 2014 to May 2015, as a polars data frame.

    Columns: id, date, price ($), bedrooms, bathrooms, sqft_living and sqft_lot (square feet), floors, waterfront, view
    (0 to 4), condition (1 to 5), grade (1 to 13), sqft_above, sqft_basement, yr_built, yr_renovated (0: never),
    zipcode, lat, long, and sqft_living15, sqft_lot15 (the mean of the 15 nearest neighbours). Some houses were sold
    twice: the same id stands twice.

    Source: data/SOURCES.md in the package; CC0.
    """
    import polars as pl

    houses = pl.read_parquet(files("backlit") / "data" / "houses.parquet")  # type: ignore[arg-type]
    return houses.with_columns(pl.selectors.integer().cast(pl.Int64))
