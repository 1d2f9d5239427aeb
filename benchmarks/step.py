"""What a training step costs: backlit beside PyTorch, JAX, scikit-learn and a bare NumPy loop, in one run.

    pip install -e . -r benchmarks/requirements.txt
    python benchmarks/step.py [--threads 2] [--isa v3] [--rounds 5] [--only 8-64] [--engine reference] [--json FILE]
    python benchmarks/step.py --products --predict

Each step gathers a shuffled batch, feeds forward through ReLU, backpropagates the squared error and makes an Adam
update, in float32, from data in memory. Every timing is of whole epochs and lasts 0.3 seconds or more; compiling and
warming up come before. Rounds are interleaved; ratios are medians of the rounds' own, theirs over ours. The program
confines itself to as many cores as --threads says.

backlit goes through `bl.train`, everything included but drawing the first weights, as for all. PyTorch is eager, with
its fused Adam. JAX runs an epoch as one compiled scan. On "California" backlit gets the raw columns and spreads them
over their bins itself; the others get the spread-out float32 matrix, ready made.

--products times the three matrix products of a step alone, and says how near whole steps come to them. --predict
times the default network's prediction.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import statistics
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from common import DATA, confine, installed, machine, ratio
from peers import PEERS, Case, by_backlit, torch_net

import backlit as bl
from backlit.engines.choice import ENGINES
from backlit.fitting import Plan, Recipe, prepare
from backlit.problem import Problem

LEAST = 0.3  #: seconds of a timing
ROWS = 20_000


class Network(NamedTuple):
    sizes: tuple[int, ...]  #: none: the default network of the California table, without dropout
    batch: int
    torch: float  #: how many times faster than PyTorch, at least
    jax: float


NETWORKS = {
    "8-16-1, batch 1": Network((8, 16, 1), 1, 400, 4),
    "8-64-64-1, batch 32": Network((8, 64, 64, 1), 32, 40, 3.5),
    "8-100-1, batch 200": Network((8, 100, 1), 200, 22, 7),
    "8-128-128-1, batch 256": Network((8, 128, 128, 1), 256, 3.8, 1.8),
    "8-256-256-256-1, batch 256": Network((8, 256, 256, 256, 1), 256, 1.5, 1.1),
    "8-512-512-512-1, batch 512": Network((8, 512, 512, 512, 1), 512, 1.2, 1.05),
    "California, batch 256": Network((), 256, 7, 3.4),
}
WIDTHS = (64, 128, 256, 512)
PRODUCTS = ("Z", "dA", "dW")


def california(folder: Path, recipe: Recipe) -> tuple[Plan, np.ndarray]:
    """The plan of a fit to the table's training rows, and these rows spread over their bins."""
    from tables import TABLES, Task

    task = Task(TABLES["California"], folder)
    start = prepare(Problem(task.frames[0], pl.DataFrame({TABLES["California"].target: task.y[0]})), recipe, 0)
    return start, start.plan.net.layers[0].forward((), start.plan.learn.X)[0]


def make(network: Network, folder: Path) -> Case:
    if not network.sizes:
        start, X = california(folder, Recipe(dropout=0.0))
        return Case(start.plan.net, start.plan.learn, X, network.batch)
    d, *hidden, k = network.sizes
    rng = np.random.default_rng(1)
    X = rng.normal(size=(ROWS, d)).astype(np.float32)
    Y = rng.normal(size=(ROWS, k)).astype(np.float32)
    return Case(bl.Network.dense(d, hidden, k), bl.Data(X, Y), X, network.batch)


def interleaved(runs: dict[str, Callable[[int], float]], rounds: int) -> dict[str, list[float]]:
    """Seconds of one repeat, round by round. Each run takes a number of repeats and returns their seconds."""
    repeats = {name: enough(run) for name, run in runs.items()}
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            times[name].append(run(repeats[name]) / repeats[name])
    return times


def enough(run: Callable[[int], float]) -> int:
    """How many repeats last long enough; warms up before."""
    run(1)
    repeats = 1
    while (seconds := run(repeats)) < LEAST:
        repeats = math.ceil(repeats * 1.2 * LEAST / seconds)
    return repeats


def steps(names: list[str], peers: list[str], engine: str, rounds: int, folder: Path) -> dict[str, Any]:
    """Print what a step costs with backlit and its peers."""
    print(f"\nµs a step, medians of {rounds} rounds; then how many times faster backlit is, (the goal)")
    print(f"{'network':28}{'backlit':>11}" + "".join(f"{name:>12}" for name in peers), end="")
    print("".join(f"{f'× {name}':>{19 if name in ('PyTorch', 'JAX') else 13}}" for name in peers))
    found = {}
    for name in names:
        network, case = NETWORKS[name], make(NETWORKS[name], folder)
        runs = {"backlit": partial(by_backlit, case, engine=engine)}
        runs |= {peer: partial(PEERS[peer][0], case) for peer in peers}
        times = interleaved(runs, rounds)
        micro = {who: statistics.median(column) / case.steps * 1e6 for who, column in times.items()}
        faster = {peer: ratio(times["backlit"], times[peer]) for peer in peers}
        goals = {"PyTorch": network.torch, "JAX": network.jax}  # no goal was set beside JAX on one flat vector
        line = f"{name:28}{micro['backlit']:>11,.2f}" + "".join(f"{micro[peer]:>12,.2f}" for peer in peers)
        for peer in peers:
            line += f"{faster[peer]:>{10 if peer in goals else 13}.2f}"
            line += f"{f'(≥ {goals[peer]:g})':>9}" if peer in goals else ""
        print(line, flush=True)
        found[name] = {"microseconds": micro, "times faster than": faster, "goals": goals}
    return found


def products(names: list[str], engine: str, rounds: int, folder: Path) -> dict[str, Any]:
    """Print the speed of a step's three products alone, and of whole steps beside them."""
    from backlit.engines import _native
    from backlit.engines.native import instruction_set

    isa, C = instruction_set(), {n: np.empty((n, n), np.float32) for n in WIDTHS}

    def native(which: str, A: np.ndarray, B: np.ndarray, repeats: int) -> float:
        return _native.product(isa, "dW" if which == "dW" else "Z", A, B, C[len(A)], repeats)

    libraries = {"backlit": native, "torch.mm": torch_product, "NumPy": numpy_product}
    peak = max(_native.peak(isa) for _ in range(rounds)) / 1e9
    print(f"\nGFLOP/s of a step's products, all n×n, medians of {rounds} rounds; fused multiply-adds: {peak:.1f}")
    heads = ("of peak", "torch.mm", "NumPy", "× torch.mm", "× NumPy")
    print(f"{'n':>5}  {'':4}{'backlit':>10}" + "".join(f"{head:>12}" for head in heads))
    found: dict[str, Any] = {"peak": peak, "products": [], "steps": []}
    rng = np.random.default_rng(2)
    for n, which in itertools.product(WIDTHS, PRODUCTS):
        A, B = rng.normal(size=(2, n, n)).astype(np.float32)
        native(which, A, B, 1)
        exact = (A.T if which == "dW" else A).astype(np.float64) @ B
        assert np.abs(C[n] - exact).max() < 1e-3, f"{which} of {n} is wrong"
        times = interleaved({name: partial(run, which, A, B) for name, run in libraries.items()}, rounds)
        speed = {name: 2 * n**3 / statistics.median(column) / 1e9 for name, column in times.items()}
        faster = {name: ratio(times["backlit"], times[name]) for name in ("torch.mm", "NumPy")}
        print(
            f"{n:5}  {which:4}{speed['backlit']:10.1f}{speed['backlit'] / peak:12.0%}{speed['torch.mm']:12.1f}"
            f"{speed['NumPy']:12.1f}{faster['torch.mm']:12.2f}{faster['NumPy']:12.2f}",
            flush=True,
        )
        found["products"].append({"n": n, "product": which, "GFLOP/s": speed, "times faster than": faster})

    print("\nGFLOP/s of whole steps, everything included, as if all products were dense; beside torch.mm's three")
    print(f"{'network':28}{'backlit':>10}{'torch.mm':>10}{'share':>9}")
    for name in names:
        case = make(NETWORKS[name], folder)
        n = case.sizes[1]
        if n not in WIDTHS:
            continue
        A, B = rng.normal(size=(2, n, n)).astype(np.float32)
        runs = {"backlit": partial(by_backlit, case, engine=engine), "torch.mm": partial(three_products, A, B)}
        times = interleaved(runs, rounds)
        work = {"backlit": case.operations, "torch.mm": 3 * 2 * n**3}
        speed = {who: work[who] / statistics.median(column) / 1e9 for who, column in times.items()}
        share = ratio(times["backlit"], times["torch.mm"]) * work["backlit"] / work["torch.mm"]
        print(f"{name:28}{speed['backlit']:10.1f}{speed['torch.mm']:10.1f}{share:9.0%}", flush=True)
        found["steps"].append({"network": name, "GFLOP/s": speed, "share": share})
    return found


def torch_product(which: str, A: np.ndarray, B: np.ndarray, repeats: int) -> float:
    """Z = A W; dA = dZ Wᵀ, for which everybody gets W stored transposed; dW = Aᵀ dZ."""
    import torch

    a, b = torch.from_numpy(A.T if which == "dW" else A), torch.from_numpy(B)
    c = torch.empty(a.shape[0], b.shape[1])
    began = time.perf_counter()
    for _ in range(repeats):
        torch.mm(a, b, out=c)
    return time.perf_counter() - began


def numpy_product(which: str, A: np.ndarray, B: np.ndarray, repeats: int) -> float:
    a = A.T if which == "dW" else A
    c = np.empty((a.shape[0], B.shape[1]), np.float32)
    began = time.perf_counter()
    for _ in range(repeats):
        np.matmul(a, B, out=c)
    return time.perf_counter() - began


def three_products(A: np.ndarray, B: np.ndarray, repeats: int) -> float:
    return sum(torch_product(which, A, B, repeats) for which in PRODUCTS)


def predict(engine: str, rounds: int, folder: Path) -> dict[str, Any]:
    """Print how many rows a second the default network predicts, of the California table."""
    import torch

    start, spread = california(folder, Recipe())
    chosen = ENGINES[engine](1)
    theta, encoded = start.plan.net.start(0), start.plan.learn.X
    net = torch_net((spread.shape[1], *Recipe().hidden, 1)).eval()
    parts = torch.from_numpy(spread).split(1024)  # faster than all at once

    def ours(repeats: int) -> float:
        began = time.perf_counter()
        for _ in range(repeats):
            chosen.predict(start.plan.net, theta, encoded)
        return time.perf_counter() - began

    def theirs(repeats: int) -> float:
        began = time.perf_counter()
        with torch.inference_mode():
            for _ in range(repeats):
                torch.cat([net(part) for part in parts])
        return time.perf_counter() - began

    times = interleaved({"backlit": ours, "PyTorch": theirs}, rounds)
    rows = {name: len(encoded) / statistics.median(column) for name, column in times.items()}
    faster = ratio(times["backlit"], times["PyTorch"])
    print(f"\nMillion rows predicted a second, of {len(encoded):,}: {encoded.shape[1]} encoded columns for backlit,")
    print(f"the {spread.shape[1]} that they spread out to for PyTorch")
    million = ", ".join(f"{name} {n / 1e6:.2f}" for name, n in rows.items())
    print(f"{million}, × PyTorch {faster:.2f}", flush=True)
    return {"rows a second": rows, "times faster than PyTorch": faster}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1, help="and cores, for everybody")
    parser.add_argument("--isa", choices=("v3", "v4"), help="instruction set of the native engine")
    parser.add_argument("--engine", choices=("native", "reference"), default="native")
    parser.add_argument("--only", default="", metavar="TEXT", help="networks whose name contains this")
    parser.add_argument("--products", action="store_true", help="instead: the products of a step")
    parser.add_argument("--predict", action="store_true", help="instead: prediction")
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the tables; default: %(default)s")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all numbers there")
    given = parser.parse_args()
    names = [name for name in NETWORKS if given.only in name]
    if not names:
        parser.error(f"--only is {given.only!r}; there are {'; '.join(NETWORKS)}")
    needs_table = given.predict or any(not NETWORKS[name].sizes for name in names)
    if needs_table and not (given.data / "california_housing.csv").is_file():
        parser.error(f"{given.data} lacks california_housing.csv; say with --data DIR where it is, or --only 8-")
    if (given.products or given.predict) and given.threads > 1:
        parser.error(f"--threads is {given.threads}; products and prediction are timed on one")
    confine(given.threads, given.isa)

    warnings.filterwarnings("ignore", module="sklearn")
    peers = installed({name: package for name, (_, package) in PEERS.items()})
    head = machine(dict.fromkeys(["backlit", *(PEERS[name][1] for name in peers)]))
    asked = f"threads: {given.threads} · engine: {given.engine} · instruction set: {given.isa or 'the best'}"
    print(f"{head}\n{asked}")
    results: dict[str, Any] = {"machine": head, "asked": asked, "rounds": given.rounds}
    if given.products:
        results["products"] = products(names, given.engine, given.rounds, given.data)
    if given.predict:
        results["predict"] = predict(given.engine, given.rounds, given.data)
    if not given.products and not given.predict:
        results["steps"] = steps(names, peers, given.engine, given.rounds, given.data)
    if given.json:
        given.json.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
