"""Write web/src/messages.ts: the studio's messages, questions and commands, as TypeScript has them.

With --check nothing is written; it fails if the file is not what it would become.
"""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import msgspec
from backend import backlit_page

from backlit.studio import messages
from backlit.studio.commands import COMMANDS, Commands
from backlit.studio.questions import QUESTIONS

TO = backlit_page.WEB / "src" / "messages.ts"
TOP = "/** Made by tools/make_messages.py from src/backlit/studio: what the page asks, and what it is told. */"
COMPILE = """
import { compile } from 'json-schema-to-typescript'
import { text } from 'node:stream/consumers'
const style = { printWidth: 120 }
const options = { additionalProperties: false, bannerComment: '', unreachableDefinitions: true, style }
process.stdout.write(await compile(JSON.parse(await text(process.stdin)), 'Messages', options))
"""


MESSAGES = [value for value in vars(messages).values() if inspect.isclass(value) and is_dataclass(value)]
PLAINER = {  # what the compiler tells about itself, and room between the messages
    r"( \*\n)? \* This interface was referenced by .*\n \* via .*\n": "",
    r"/\*\*\n \*/\n": "",
    r"/\*\*\n \* (.*)\n \*/": r"/** \1 */",
    r"\nexport interface Messages \{\}\n": "",
    r"([^\n])\n/\*\*": r"\1\n\n/**",
}


def schema() -> dict[str, Any]:
    _, parts = msgspec.json.schema_components(MESSAGES, ref_template="#/definitions/{name}")
    cell = msgspec.json.schema(messages.Cell)
    for kind in MESSAGES:
        part = parts[kind.__name__]
        part["description"] = part["description"].partition("\n")[0]
        if not any(field.kw_only for field in fields(kind)):  # what the server sends leaves nothing out
            part["required"] = list(part["properties"])
    parts = {name: tidied(part, cell) for name, part in parts.items()}
    return {"type": "object", "definitions": parts | {"Cell": cell}}


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


def exchanges(functions: Mapping[str, Callable[..., Any]]) -> dict[str, tuple[str, str]]:
    """What each question or command takes and answers, as its function says."""
    found = {}
    for name, function in functions.items():
        signature = inspect.signature(function)
        query = list(signature.parameters.values())[1].annotation
        found[name] = (written(query, name), written(signature.return_annotation, name))
    return found


def written(annotation: Any, function: str) -> str:
    """A message's name in TypeScript."""
    name = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
    name = name.rpartition(".")[2]
    if name != "bytes" and not is_dataclass(getattr(messages, name, None)):
        raise SystemExit(f"{function}() takes or answers {name}, not a message of messages.py or bytes")
    return "ArrayBuffer" if name == "bytes" else name


def interface(name: str, entries: dict[str, tuple[str, str]]) -> str:
    lines = [f"  {called}: {{ query: {query}; reply: {reply} }};\n" for called, (query, reply) in entries.items()]
    return f"\nexport interface {name} {{\n{''.join(lines)}}}\n"


def main() -> int:
    backlit_page.install()
    command = ["node", "--input-type=module", "--eval", COMPILE]
    made = subprocess.run(
        command,
        input=json.dumps(schema()),
        cwd=backlit_page.WEB,
        env=backlit_page.node()[1],
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        check=True,
    ).stdout
    for told, plain in PLAINER.items():
        made = re.sub(told, plain, made)
    made = f"{TOP}\n\n{made}{interface('Questions', exchanges(QUESTIONS))}"
    made += interface("Commands", exchanges({name: getattr(Commands, name) for name in COMMANDS}))
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
