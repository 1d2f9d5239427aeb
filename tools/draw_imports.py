"""Draw which rooms of backlit import which, from the imports themselves: docs/figures/rooms.svg.

Type-only imports count. Rooms stand on the levels that pyproject.toml gives them; a line goes down from a room to one
that it uses. A line that can be walked over other rooms is left out. With --check nothing is written; it fails if the
picture is not what it would become.
"""

import ast
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
SOURCE, TO = ROOT / "src" / "backlit", ROOT / "docs" / "figures" / "rooms.svg"
WIDTH, HEIGHT, LEVEL, MARGIN = 112, 26, 62, 20  # of a room; from level to level; around all


def levels() -> list[list[str]]:
    """The rooms from the lowest level up, as the import linter has them."""
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    rows = [[name.strip(" ()") for name in row.split("|")] for row in linter["contracts"][0]["layers"]]
    there = lambda name: (SOURCE / name).is_dir() or (SOURCE / f"{name}.py").is_file()
    return [[name for name in row if there(name)] for row in rows][::-1]


def uses(room: str) -> set[str]:
    """The other rooms that one imports."""
    folder = SOURCE / room
    found = set()
    for path in folder.rglob("*.py") if folder.is_dir() else [folder.with_suffix(".py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "backlit":
                inner = (node.module or "").split(".")[1:]
                found |= {inner[0]} if inner else {alias.name for alias in node.names}
    return found - {room}


def shortest(graph: dict[str, set[str]]) -> dict[str, list[str]]:
    """The imports that no other way leads along."""

    def reached(room: str) -> set[str]:
        return graph[room].union(*(reached(other) for other in graph[room]))

    return {
        room: sorted(other for other in used if not any(other in reached(way) for way in used - {other}))
        for room, used in graph.items()
    }


def drawing() -> str:
    rows = levels()
    width = 2 * MARGIN + max(map(len, rows)) * (WIDTH + 30)
    height = 2 * MARGIN + (len(rows) - 1) * LEVEL + HEIGHT
    place = {
        name: (round((i + 0.5) * width / len(row)), height - MARGIN - HEIGHT - level * LEVEL)
        for level, row in enumerate(rows)
        for i, name in enumerate(row)
    }
    graph = {room: uses(room) & set(place) for room in place}
    for room, used in graph.items():
        for other in used:
            if place[other][1] <= place[room][1]:
                raise SystemExit(f"{room} imports {other}, which does not stand below it")
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        'font-size="13">',
        "<title>Which rooms of backlit import which</title>",
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for room, used in shortest(graph).items():
        for other in used:
            (x, y), (u, v) = place[room], place[other]
            middle = (y + HEIGHT + v) // 2
            lines.append(
                f'<path d="M{x} {y + HEIGHT} C{x} {middle} {u} {middle} {u} {v}" fill="none" stroke="#4f7fa8"/>'
            )
    for room, (x, y) in place.items():
        lines.append(
            f'<rect x="{x - WIDTH // 2}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="5" fill="#eef3f8" '
            'stroke="#4f7fa8"/>'
            f'<text x="{x}" y="{y + 18}" text-anchor="middle">{room}</text>'
        )
    return "\n".join([*lines, "</svg>", ""])


def main() -> int:
    drawn = drawing()
    if sys.argv[1:] != ["--check"]:
        TO.write_text(drawn, encoding="utf-8")
    elif not TO.is_file() or TO.read_text(encoding="utf-8") != drawn:
        print("docs/figures/rooms.svg is not what src/backlit imports: run  .venv/bin/python tools/draw_imports.py")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
