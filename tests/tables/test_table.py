import math

import numpy as np
import polars as pl
import pytest

from backlit.errors import DataError, UnknownNameError
from backlit.tables.metrics import mean_absolute_error, r2, root_mean_squared_error
from backlit.tables.table import Column, Table, numeric_columns

FRAME = pl.DataFrame(
    {"sqft": [1000, 2000, 3000], "view": [True, False, True], "street": ["a", "b", "c"], "price": [1.0, 2.0, 6.0]}
)


def test_encode_and_decode():
    table = Table.fit(FRAME, ["sqft", "view"], "price", {"sqft": "sqft", "price": "$"})
    X, Y = table.encode(FRAME), table.encode_target(FRAME)
    np.testing.assert_allclose(X.mean(axis=0), 0, atol=1e-15)
    np.testing.assert_allclose(X.std(axis=0), 1)
    np.testing.assert_allclose(table.target.decode(Y)[:, 0], [1, 2, 6])
    assert table.inputs == ("sqft", "view")
    assert table.columns[0].unit == "sqft"
    assert table.to_dict()["target"]["centre"] == 3


def test_constant_column_is_not_divided_by_zero():
    column = Column.fit("x", np.full(3, 7.0))
    np.testing.assert_array_equal(column.encode(np.array([7.0, 8.0])), [0, 1])


@pytest.mark.parametrize(
    ("frame", "columns", "error", "message"),
    [
        (FRAME, ["sqf"], UnknownNameError, "unknown column 'sqf'; did you mean 'sqft'"),
        (FRAME, ["street"], DataError, "column 'street' holds String, not numbers"),
        (FRAME.head(0), ["sqft"], DataError, "no rows"),
        (FRAME.with_columns(sqft=pl.Series([1, None, 3])), ["sqft"], DataError, "1 missing .* the first in row 1"),
        (FRAME.with_columns(sqft=pl.Series([1.0, 2.0, math.inf])), ["sqft"], DataError, "in row 2"),
    ],
)
def test_what_cannot_be_encoded(frame, columns, error, message):
    with pytest.raises(error, match=message):
        Table.fit(frame, columns, "price")


def test_numeric_columns():
    assert numeric_columns(FRAME) == ["sqft", "view", "price"]


def test_metrics():
    prediction, truth = np.array([1.0, 2.0, 4.0]), np.array([1.0, 4.0, 4.0])
    assert root_mean_squared_error(prediction, truth) == pytest.approx(math.sqrt(4 / 3))
    assert mean_absolute_error(prediction, truth) == pytest.approx(2 / 3)
    assert r2(prediction, truth) == pytest.approx(1 - 4 / 6)
    assert r2(np.full(3, 3.0), truth) == pytest.approx(0)
    weights = np.array([1.0, 0.0, 1.0])
    assert root_mean_squared_error(prediction, truth, weights) == 0
    assert r2(prediction, truth, weights) == 1
