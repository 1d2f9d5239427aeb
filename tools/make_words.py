"""Write web/src/words.json: the part of the catalogue that the page says.

A kind belongs to it if a string of the page's source is its name, as "update.still", or begins it: `ended.${reason}`
has all that begin so. With --check nothing is written; it fails if the file is not what it would become.
"""

from __future__ import annotations

import json
import re
import sys

from backend import backlit_page

from backlit.words import WORDS

SOURCE = backlit_page.WEB / "src"
TO = SOURCE / "words.json"


def said() -> dict[str, str]:
    """The kinds that the page says, with their templates."""
    files = [file for file in SOURCE.rglob("*") if file.suffix in (".svelte", ".ts") and ".test." not in file.name]
    named = {name for file in files for name in re.findall(r"""["'`](\w+\.[\w.]*)""", file.read_text(encoding="utf-8"))}
    begun = tuple(name for name in named if name.endswith("."))
    return {kind: template for kind, template in WORDS.items() if kind in named or kind.startswith(begun)}


def main() -> int:
    made = json.dumps(said(), indent=2, ensure_ascii=False) + "\n"
    if sys.argv[1:] == ["--check"]:
        if TO.is_file() and TO.read_text(encoding="utf-8") == made:
            return 0
        print("web/src/words.json is not what the page says of WORDS: run  .venv/bin/python tools/make_words.py")
        return 1
    TO.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
