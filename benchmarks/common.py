"""What every benchmark shares: its head, where the tables lie, which peers are there, and on how many cores it runs."""

from __future__ import annotations

import importlib
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path

#: where the tables lie; says it too: the environment variable BACKLIT_DATA
DATA = Path(os.environ.get("BACKLIT_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")


def machine(packages: Iterable[str] = ("NumPy",)) -> str:
    """Machine, versions and commit, for the head of every table; "dirty" after the commit: with changes since."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())
    git = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--exclude", "*"]
    commit = subprocess.run(git, capture_output=True, text=True).stdout.strip()
    versions = [f"{name} {version(name.lower())}" for name in packages]
    return " · ".join(
        [
            f"{model}, {os.cpu_count()} cores",
            f"Python {platform.python_version()}",
            *versions,
            f"commit {commit or 'none'}",
        ]
    )


def confine(threads: int, isa: str | None = None) -> None:
    """Start this program over on that many cores, its libraries told so before they load; then it does nothing.

    Parameters
    ----------
    isa : the instruction set that backlit's engine is to use, "v3" or "v4"
    """
    wanted = {f"{library}_NUM_THREADS": str(threads) for library in ("OMP", "OPENBLAS", "MKL")}
    wanted["JAX_PLATFORMS"] = "cpu"
    if threads == 1:
        wanted["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    if isa:
        wanted["BACKLIT_ISA"] = isa
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < threads:
        sys.exit(f"--threads is {threads}, but only {len(cores)} cores are usable")
    if len(cores) > threads or not wanted.items() <= os.environ.items():
        os.sched_setaffinity(0, cores[:threads])
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], os.environ | wanted)


def installed(packages: Mapping[str, str]) -> list[str]:
    """Those peers whose package can be imported; says which cannot."""
    found = []
    for name, package in packages.items():
        try:
            importlib.import_module(package.replace("scikit-learn", "sklearn"))
            found.append(name)
        except (ImportError, OSError) as error:
            print(f"{name} is left out: {str(error).splitlines()[0]} (pip install {package})")
    return found


def ratio(ours: list[float], theirs: list[float]) -> float:
    """How many times as long the peer took: the median of the rounds' own ratios."""
    return statistics.median(b / a for a, b in zip(ours, theirs))
