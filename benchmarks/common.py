"""What every benchmark states at its head."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path


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
