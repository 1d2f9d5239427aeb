"""The kind of a column is checked on all rows before training, and what is missing is missing however it is stored."""

import numpy as np
import pandas as pd
import pytest

import backlit as bl
from backlit.errors import DataError

N = 120
RNG = np.random.default_rng(0)
X = pd.DataFrame({"a": RNG.normal(size=N)})
y = X["a"] * 100 + 1000
QUICK = {"hidden": 8, "epochs": 3, "random_state": 0}


def test_a_number_that_means_missing_is_learnt_and_predicted_as_missing():
    columns = {"a": {"missing": ["-1"]}}
    marked, empty = X.copy(), X.copy()
    marked.loc[::4, "a"], empty.loc[::4, "a"] = -1.0, np.nan
    said = bl.NetRegressor(columns=columns, **QUICK).fit(marked, y)
    np.testing.assert_array_equal(said.predict(marked), bl.NetRegressor(**QUICK).fit(empty, y).predict(empty))
    assert "a: '-1' is taken as missing (30 rows)" in said.notices_


@pytest.mark.parametrize("kind", ["number", "date", "boolean"])
@pytest.mark.parametrize("row", [0, 7, N - 1])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_field_unlike_the_kind_that_is_said_is_named_with_its_row_whatever_the_seed(kind, row, seed):
    good = {"number": "1.5", "date": "2020-01-01", "boolean": "yes"}[kind]
    fields = [good] * N
    fields[row] = "odd"
    model = bl.NetRegressor(columns={"b": kind}, **QUICK | {"random_state": seed})
    with pytest.raises(DataError, match=f"column 'b' is 'odd' in row {row}, "):
        model.fit(X.assign(b=fields), y)


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("row", [0, 7, N - 1])
def test_an_infinite_number_is_named_with_its_row_whatever_the_seed(row, seed):
    odd = X.assign(b=X["a"].where(np.arange(N) != row, np.inf))
    with pytest.raises(DataError, match=f"column 'b' is inf in row {row};"):
        bl.NetRegressor(**QUICK | {"random_state": seed}).fit(odd, y)
