"""What recording a run costs, how large its file is, and how quickly a step is back: the default run on the houses.

    python benchmarks/record.py [--threads 2] [--rounds 9]

Each round fits the King County houses with the defaults twice, with a run file and without, in turns; both begin with a
frame in memory and end with a model, the file closed. The cost is the median of the rounds' ratios. Restoring is timed
from outside: open the file, ask for a state, at steps drawn at random; "at hand" asks a run that is open already.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
from common import confine, machine

import backlit as bl
from backlit.fitting import Recipe, prepare
from backlit.problem import Problem, Split, split_rows
from backlit.progress import fit
from backlit.runs.run import recording


def seconds(houses: pl.DataFrame, split: Split, seed: int, path: Path | None) -> float:
    """One fit, recorded where a path is given."""
    recipe = Recipe()
    began = time.perf_counter()
    start = prepare(Problem(houses.drop("price"), houses.select("price"), split=split), recipe, seed)
    if path is None:
        fit(start, show=False)
    else:
        with recording(path, *start, frame=houses) as recorder:
            fit(start, show=False, recorder=recorder)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=9)
    given = parser.parse_args()
    confine(given.threads)
    print(machine(("NumPy", "polars")))
    houses = bl.datasets.load_houses()
    split = split_rows(houses["id"].to_numpy())
    seconds(houses, split, 0, None)  # warm
    with tempfile.TemporaryDirectory() as folder:
        pairs, sizes, snapshots = [], [], []
        for seed in range(given.rounds):
            path = Path(folder) / f"{seed}.backlit"
            ways = (None, path) if seed % 2 else (path, None)
            took = {way is not None: seconds(houses, split, seed, way) for way in ways}
            pairs.append((took[False], took[True]))
            storage = bl.open_run(path).storage()
            sizes.append(storage["bytes"]), snapshots.append(storage["snapshots"])
        plain, recorded = (statistics.median(times) for times in zip(*pairs))
        cost = statistics.median(b / a for a, b in pairs) - 1
        print(f"fit, {given.threads} thread(s): {plain:.3f} s; recorded {recorded:.3f} s; cost {cost:+.1%} (≤ 5 %)")
        print(f"file: {statistics.median(sizes) / 1e6:.1f} MB (≤ 15), {statistics.median(snapshots):.0f} snapshots")

        path, draw = Path(folder) / "0.backlit", np.random.default_rng(0)
        steps = draw.integers(0, bl.open_run(path).timeline().steps(), 100).tolist()
        opened, times = bl.open_run(path), {"from a closed file": [], "at hand": []}
        opened.at(1)
        for step in steps:
            for name, run in (("from a closed file", None), ("at hand", opened)):
                began = time.perf_counter()
                (run or bl.open_run(path)).at(step)
                times[name].append(time.perf_counter() - began)
        for name, found in times.items():
            print(
                f"any step, {name}: median {statistics.median(found):.3f} s, slowest of 100 {max(found):.3f} s (< 0.2)"
            )


if __name__ == "__main__":
    main()
