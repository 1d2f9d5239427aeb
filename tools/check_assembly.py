"""Check that the fast engine's hot loops became vector code: a compiler may make them scalar and say nothing.

Reads step.cpp's object files, since the module itself is stripped: those named, or the newest under build/.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent
MANY = 16
PACKED = {
    "v3": re.compile(r"\bvfn?m(add|sub)\d+ps\b.*%ymm"),
    "v4": re.compile(r"\bvfn?m(add|sub)\d+ps\b.*%zmm"),
    "arm64": re.compile(r"\bfml[as](\.4s|\s+v\d+\.4s)"),
}
SCALAR = re.compile(r"\bvfn?m(add|sub)\d+ss\b|\bfn?m(add|sub)\s+s\d|\bfmaf\b")


def isa_of(path: Path) -> str:
    return next((isa for isa in PACKED if f"step_{isa}" in str(path)), "")


def newest_objects() -> list[Path]:
    found = [p for p in ROOT.glob("build/*/CMakeFiles/step_*.dir/**/*.o*") if "sanitize" not in str(p) and isa_of(p)]
    if not found:
        return []
    build = max(found, key=lambda p: p.stat().st_mtime).relative_to(ROOT).parts[1]
    return sorted(p for p in found if p.relative_to(ROOT).parts[1] == build)


def functions(path: Path) -> dict[str, list[str]]:
    """Each function's demangled name, and its instructions with the names that they call."""
    text = subprocess.run(
        ["objdump", "-d", "-r", "-C", "--no-show-raw-insn", str(path)], check=True, capture_output=True, text=True
    ).stdout
    found: dict[str, list[str]] = {}
    name = ""
    for line in text.splitlines():
        if header := re.fullmatch(r"[0-9a-f]+ <(.+)>:", line):
            name = header[1]
        elif name and line:
            found.setdefault(name, []).append(line)
    return found


def shared_with_others(path: Path, namespace: str) -> list[str]:
    """Weak functions outside the namespace: the linker may take this copy of them also for an older processor."""
    text = subprocess.run(["nm", "-C", "--defined-only", str(path)], check=True, capture_output=True, text=True).stdout
    lines = [line.split(maxsplit=2) for line in text.splitlines()]
    return [parts[2] for parts in lines if len(parts) == 3 and parts[1] == "W" and namespace not in parts[2]]


def faults(path: Path) -> list[str]:
    isa = isa_of(path)
    namespace = f"backlit::{isa}::"
    ours = {name: lines for name, lines in functions(path).items() if namespace in name}
    packed = sum(bool(PACKED[isa].search(line)) for lines in ours.values() for line in lines)
    tiles = {name: lines for name, lines in ours.items() if "tile" in name}
    print(f"{isa}: {packed} packed fused multiply-adds in {len(ours)} functions, {len(tiles)} of them tiles")
    found = []
    if packed < MANY:
        found.append(f"{packed} fused multiply-adds of whole {isa} vectors; at least {MANY} are expected")
    if not tiles:
        found.append("no function's name contains `tile`: mark the innermost loops' functions noinline, or rename them")
    for name, lines in tiles.items():
        if scalar := [line.strip() for line in lines if SCALAR.search(line)]:
            found.append(f"{name}: {len(scalar)} scalar ones, such as {scalar[0]}")
    if isa != "arm64":
        found += [f"{name}: would also run on processors without {isa}" for name in shared_with_others(path, namespace)]
    return [f"{isa}: {fault}" for fault in found]


def main(arguments: Sequence[str] = ()) -> int:
    if not (shutil.which("objdump") and shutil.which("nm")):
        print("skipped: objdump and nm are not installed (Debian: binutils)")
        return 0
    objects = [Path(name) for name in arguments] or newest_objects()
    if not objects:
        print("skipped: no object files under build/; `make check` builds them")
        return 0
    found = [fault for path in objects for fault in faults(path)]
    for fault in found:
        print(fault)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
