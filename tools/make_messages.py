"""Write web/src/messages.ts: the studio's messages, questions and commands, as TypeScript has them.

With --check nothing is written; it fails if the file is not what it would become.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_type_hints

import msgspec
import numpy as np
from backend import backlit_page

from backlit.studio.commands import COMMANDS
from backlit.studio.messages import Cell, News, Refusal
from backlit.studio.questions import QUESTIONS
from backlit.words import Remark

TO = backlit_page.WEB / "src" / "messages.ts"
TOP = "/** Made by tools/make_messages.py from src/backlit/studio: what the page asks, and what it is told. */"
COMPILE = """
import { compile } from 'json-schema-to-typescript'
import { text } from 'node:stream/consumers'
const style = { printWidth: 120 }
const options = { additionalProperties: false, bannerComment: '', unreachableDefinitions: true, style }
process.stdout.write(await compile(JSON.parse(await text(process.stdin)), 'Messages', options))
"""


Exchange = tuple[Any, Any]  #: the types of a query and of its reply
PLAINER = {  # what the compiler tells about itself, and room between the messages
    r"( \*\n)? \* This interface was referenced by .*\n \* via .*\n": "",
    r"/\*\*\n \*/\n": "",
    r"/\*\*\n \* (.*)\n \*/": r"/** \1 */",
    r"\nexport interface Messages \{\}\n": "",
    r"([^\n])\n/\*\*": r"\1\n\n/**",
}


def schema(exchanged: Sequence[Exchange]) -> dict[str, Any]:
    queries = list(dict.fromkeys(query for query, _ in exchanged))
    replies = list(dict.fromkeys([*(reply for _, reply in exchanged if reply is not bytes), News, Refusal]))
    of_queries, of_replies = (components(kinds) for kinds in (queries, replies))
    for part in of_replies.values():  # what the server sends leaves nothing out
        part["required"] = list(part["properties"])
    cell = msgspec.json.schema(Cell)
    parts = {name: tidied(part, cell) for name, part in (of_replies | of_queries).items()}
    return {"type": "object", "definitions": parts | {"Cell": cell}}


def components(kinds: Sequence[Any]) -> dict[str, Any]:
    """Each record that these hold, by its name."""
    _, parts = msgspec.json.schema_components(kinds, schema_hook=written_so, ref_template="#/definitions/{name}")
    for part in parts.values():
        part["description"] = part["description"].partition("\n")[0]
    return parts


def written_so(kind: Any) -> dict[str, Any]:
    """What JSON has for the types that are the library's own; see `backlit.words.to_json`."""
    return {np.ndarray: {"type": "array", "items": {"type": "number"}}, Remark: {"type": "string"}}[kind]


def tidied(part: Any, cell: dict[str, Any]) -> Any:
    """The same schema without defaults, which TypeScript has not, and with cells called so."""
    if part == cell:
        return {"$ref": "#/definitions/Cell"}
    if isinstance(part, list):
        return [tidied(each, cell) for each in part]
    if not isinstance(part, dict):
        return part
    part = {key: tidied(value, cell) for key, value in part.items() if key != "default"}
    if "prefixItems" in part:
        part |= {"items": part.pop("prefixItems"), "additionalItems": False}
    return part


def exchanges(functions: Mapping[str, Callable[..., Any]]) -> dict[str, Exchange]:
    """What each question or command takes and answers, as its function says."""
    hints = {name: get_type_hints(function) for name, function in functions.items()}
    return {name: (own["query"], own["return"]) for name, own in hints.items()}


def interface(name: str, entries: dict[str, Exchange]) -> str:
    lines = [
        f"  {called}: {{ query: {query.__name__}; reply: {'ArrayBuffer' if reply is bytes else reply.__name__} }};\n"
        for called, (query, reply) in entries.items()
    ]
    return f"\nexport interface {name} {{\n{''.join(lines)}}}\n"


def main() -> int:
    backlit_page.install()
    questions = exchanges(QUESTIONS)
    commands = exchanges(COMMANDS)
    command = ["node", "--input-type=module", "--eval", COMPILE]
    made = subprocess.run(
        command,
        input=json.dumps(schema([*questions.values(), *commands.values()])),
        cwd=backlit_page.WEB,
        env=backlit_page.node()[1],
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        check=True,
    ).stdout
    for told, plain in PLAINER.items():
        made = re.sub(told, plain, made)
    made = f"{TOP}\n\n{made}{interface('Questions', questions)}{interface('Commands', commands)}"
    if sys.argv[1:] == ["--check"]:
        if TO.is_file() and TO.read_text(encoding="utf-8") == made:
            return 0
        print("web/src/messages.ts is not what src/backlit/studio says: run  .venv/bin/python tools/make_messages.py")
        return 1
    TO.parent.mkdir(exist_ok=True)
    TO.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
