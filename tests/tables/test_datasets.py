import hashlib
from importlib.resources import files

import polars as pl

from backlit.tables.datasets import HOUSE_UNITS, load_houses


def test_the_file_is_the_one_we_made():
    content = (files("backlit") / "data" / "houses.parquet").read_bytes()
    assert hashlib.sha256(content).hexdigest() == CHECKSUM


def test_houses():
    houses = load_houses()
    assert houses.shape == (21_613, 21)
    assert houses["id"].n_unique() == 21_436
    assert houses.null_count().row(0) == (0,) * 21
    assert houses.row(0, named=True)["price"] == 221_900
    assert set(HOUSE_UNITS) <= set(houses.columns)
    assert {dtype for dtype in houses.schema.values() if dtype.is_integer()} == {pl.Int64}


CHECKSUM = "f9d4631946082e1dd6cb49328e4a1617c12c9afadb1bcefd63bca56e429f32a9"
