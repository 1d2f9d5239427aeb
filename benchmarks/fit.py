"""What a whole default fit costs, in seconds and in memory: backlit beside scikit-learn's MLP and the boosters.

    pip install -e . -r benchmarks/requirements.txt
    python benchmarks/fit.py [--threads 2] [--isa v3] [--rounds 5] [--tables California] [--models backlit]
                             [--engine reference] [--data DIR] [--json FILE]

A fit begins with a frame in memory and ends with a model: for backlit it describes and encodes the table, sets a fifth
of the rows aside to stop on, trains, and keeps the best weights. The tables, their test rows and the peers' settings
are those of tables.py; the boosters get the rows to stop on ready made. Each round has a seed of its own, models take
turns, and the figures are medians. The program confines itself to as many cores as --threads says.
"""

from __future__ import annotations

import argparse
import itertools
import json
import multiprocessing
import statistics
import sys
import warnings
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from common import DATA, confine, installed, machine, ratio
from tables import MODELS, TABLES, Ready, Task, fit, require_files

import backlit as bl
from backlit.engines.choice import ENGINES
from backlit.fitting import Recipe, prepare
from backlit.problem import Problem, split_rows

GOALS = {"California": 1.3, "King County": 2.5}  #: seconds on one thread, at most
#: what the boosters call it
THREADS = {"CatBoost": "thread_count", "LightGBM": "n_jobs", "XGBoost": "n_jobs"}


def ready(name: str, task: Task, seed: int, engine: str, threads: int) -> Ready:
    """As in tables.py, but backlit chooses the rows to stop on itself, and the boosters use that many threads."""
    if name == "backlit":
        model = bl.NetRegressor(random_state=seed, engine=engine)
        return model, (pl.concat(task.frames[:2]), np.concatenate(task.y[:2])), {}, task.frames[2]
    model, *rest = MODELS[name][0](task, seed)
    if name in THREADS:
        model.set_params(**{THREADS[name]: threads})
    return model, *rest


def seconds(title: str, task: Task, models: list[str], rounds: int, engine: str, threads: int) -> dict[str, Any]:
    """Print what the fits of one table take; each single one goes to standard error."""
    fits: dict[str, list[tuple[float, float]]] = {name: [] for name in models}
    for seed, name in itertools.product(range(rounds), models):
        error, took = fit(task, ready(name, task, seed, engine, threads))
        fits[name].append((error, took))
        print(f"  {title}: {name}, seed {seed}: ${error:,.0f} in {took:.2f} s", file=sys.stderr, flush=True)
    found = {}
    for name in models:
        errors, times = zip(*fits[name])
        found[name] = {"seconds": statistics.median(times), "test RMSE": statistics.median(errors), "fits": fits[name]}
        line = f"{title:14}{name:20}{found[name]['seconds']:>10.2f} s{found[name]['test RMSE']:>12,.0f} $"
        if name == "backlit":
            line += f"   (≤ {GOALS[title]} s on one thread, ≤ {TABLES[title].most:,} $)"
        elif "backlit" in fits:
            times_ours = found[name]["times backlit's"] = ratio([took for _, took in fits["backlit"]], times)
            line += f"{times_ours:>8.2f} × backlit's time"
        print(line, flush=True)
    return found


def memory(title: str, folder: Path, engine: str) -> dict[str, int]:
    """Bytes of a table and its fit; to be called in a process of its own."""
    task = Task(TABLES[title], folder)
    model, (frame, y), _, _ = ready("backlit", task, 0, engine, 1)
    before = peak()
    model.fit(frame, y)
    after = peak()
    recipe = replace(Recipe(), engine=engine)
    split = split_rows(np.arange(frame.height), 0, 0.2, 0.0)
    start = prepare(Problem(frame, pl.DataFrame({TABLES[title].target: y}), split=split), recipe, 0)
    plan = start.plan
    spread = plan.net.layers[1].width * plan.learn.X.itemsize * len(plan.learn)
    own = {}
    if engine == "native":
        own = ENGINES[engine](1).memory(plan.net, plan.settings.optimizer, plan.learn, plan.settings.batch_size)
    return {
        "frame": frame.estimated_size(),
        "encoded rows to learn from": plan.learn.X.nbytes,
        "the same, spread over their bins as float32": spread,
        **{f"the engine's {name}": size for name, size in own.items()},
        "peak of the process before the fit": before,
        "peak of the process after it": after,
    }


def peak() -> int:
    """The most that this process has had in memory, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def main() -> None:
    models = [name for name in MODELS if name != "RealMLP"]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1, help="and cores, for everybody")
    parser.add_argument("--isa", choices=("v3", "v4"), help="instruction set of the native engine")
    parser.add_argument("--engine", choices=("native", "reference"), default="native")
    parser.add_argument("--tables", nargs="+", choices=GOALS, default=[*GOALS])
    parser.add_argument("--models", nargs="+", choices=models, default=models)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the tables; default: %(default)s")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all numbers there")
    given = parser.parse_args()
    require_files(parser, given.tables, given.data)
    confine(given.threads, given.isa)

    warnings.filterwarnings("ignore", module="sklearn|lightgbm")
    models = installed({name: MODELS[name][1] for name in given.models})
    head = machine(dict.fromkeys(["NumPy", "polars", *(MODELS[name][1] for name in models)]))
    asked = f"threads: {given.threads} · engine: {given.engine} · instruction set: {given.isa or 'the best'}"
    print(f"{head}\n{asked}")
    results: dict[str, Any] = {"machine": head, "asked": asked, "rounds": given.rounds, "fits": {}, "memory": {}}
    print(f"\nSeconds of a fit and RMSE on the test rows, medians of {given.rounds} rounds")
    for title in given.tables:
        task = Task(TABLES[title], given.data)
        results["fits"][title] = seconds(title, task, models, given.rounds, given.engine, given.threads)
    print("\nMiB of backlit's fit, in a process that does nothing else")
    for title in given.tables:
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as alone:
            sizes = results["memory"][title] = alone.submit(memory, title, given.data, given.engine).result()
        for name, size in sizes.items():
            print(f"{title:14}{name:46}{size / 2**20:10.2f}", flush=True)
    if given.json:
        given.json.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
