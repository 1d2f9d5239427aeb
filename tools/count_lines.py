"""Print the lines of code by room: no blanks, comments or docstrings; imports apart. C++ and the page beside."""

import ast
import io
import re
import sys
import tokenize
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "backlit"
SILENT = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


def python_lines(text: str) -> tuple[int, int]:
    """Lines of code, and of imports."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    code = {line for token in tokens if token.type not in SILENT for line in range(token.start[0], token.end[0] + 1)}
    imports: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        lines = set(range(node.lineno, (node.end_lineno or 0) + 1)) if isinstance(node, ast.stmt) else set()
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            code -= lines  # a docstring
        if isinstance(node, ast.Import | ast.ImportFrom):
            imports |= lines
    return len(code - imports), len(imports)


def other_lines(text: str) -> int:
    """Lines of C++, TypeScript, Svelte or CSS that are neither blank nor comment."""
    text = re.sub(r"/\*.*?\*/|<!--.*?-->", "", text, flags=re.DOTALL)
    return sum(not re.match(r"\s*(//.*)?$", line) for line in text.splitlines())


def main() -> int:
    rooms, imports = Counter(), 0
    for path in SOURCE.rglob("*.py"):
        code, importing = python_lines(path.read_text(encoding="utf-8"))
        rooms[path.relative_to(SOURCE).parts[0].removesuffix(".py")] += code
        imports += importing
    beside = {
        "C++": list((ROOT / "native").glob("*.?pp")),
        "page": [
            path for path in (ROOT / "web" / "src").rglob("*")
            if path.suffix in (".ts", ".svelte", ".css") and ".test." not in path.name and path.name != "messages.ts"
        ],
    }  # fmt: skip
    print("lines of code in src/, without imports:", sum(rooms.values()), "and", imports, "lines of imports")
    print("  " + ", ".join(f"{room} {lines}" for room, lines in rooms.most_common()))
    for what, paths in beside.items():
        print(f"  beside: {what}", sum(other_lines(path.read_text(encoding="utf-8")) for path in paths))
    return 0


if __name__ == "__main__":
    sys.exit(main())
