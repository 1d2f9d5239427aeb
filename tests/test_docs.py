"""The documentation is true: its code runs, and its output, its numbers and its links are right."""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
README, CONTRIBUTING, CHANGELOG = (ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "CHANGELOG"))
PAGES = [*sorted((ROOT / "docs").rglob("*.md")), CONTRIBUTING]
TUTORIALS = sorted((ROOT / "docs/tutorials").glob("*.md"))


def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def examples(page: Path) -> doctest.DocTest:
    """The page's pycon blocks as one session; all else is blanked, so that line numbers stay those of the page."""
    lines, inside = [], False
    for line in text(page).splitlines():
        if line.startswith("```"):
            inside = line == "```pycon"
            line = ""
        lines.append(line if inside else "")
    return doctest.DocTestParser().get_doctest("\n".join(lines), {}, name(page), str(page), 0)


def prose(page: Path) -> str:
    """The page without its code blocks and the targets of its links."""
    return re.sub(r"\]\(.*?\)", "]", re.sub(r"^```.*?^```$", "", text(page), flags=re.DOTALL | re.MULTILINE))


def numbers(some: str) -> set[str]:
    """The numbers with three or more significant digits, as plain text: −1,234.50 is "-1234.50"."""
    found = re.findall(r"(?<![\w.])[−-]?\d[\d,]*(?:\.\d+)?", some)
    plain = {number.replace("−", "-").replace(",", "") for number in found}
    return {number for number in plain if len(number.lstrip("-").replace(".", "").lstrip("0")) >= 3}


@pytest.mark.parametrize("page", [page for page in PAGES if "```pycon" in text(page)], ids=name)
def test_code_prints_what_the_page_says(page):
    report: list[str] = []
    with np.printoptions():  # a page may set its own
        failed, attempted = doctest.DocTestRunner(verbose=False).run(examples(page), out=report.append)
    assert attempted > 0
    assert not failed, "".join(report)


@pytest.mark.parametrize("page", TUTORIALS, ids=name)
def test_numbers_in_the_text_are_printed_by_the_code(page):
    printed = numbers("".join(example.want for example in examples(page).examples))
    told = numbers(prose(page))
    missing = sorted(told - printed)
    assert told
    assert not missing


def test_numbers_are_found_as_they_are_written():
    assert numbers("$1,234.50, −0.0123; 12 of `w1[a, 2]`, 0.05, 1,180 sqft (100%).") == {
        "1234.50", "-0.0123", "1180", "100",
    }  # fmt: skip


README_CODE = re.findall(r"```python\n(.*?)```\n(?:\n```\n(.*?)```\n)?", text(README), flags=re.DOTALL)


@pytest.mark.parametrize(("code", "output"), README_CODE)
def test_readme_code_prints_what_the_readme_says(code, output, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(code, "README.md", "exec"), {"__name__": "readme"})
    assert printed.getvalue() == output


def test_readme_shows_the_demo_as_it_is():
    command = [sys.executable, "-m", "backlit", "demo", "--act", "1"]
    environment = {key: value for key, value in os.environ.items() if key != "FORCE_COLOR"} | {"PYTHONUTF8": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    block = re.search(r"<!-- demo:.*?-->\n```\n(.*?)```\n<!-- /demo -->", text(README), flags=re.DOTALL)
    assert block, "README.md has lost its demo; run tools/refresh_readme.py"
    shown, printed = (re.sub(r"\d+\.\d s\b", "… s", some.rstrip()) for some in (block[1], done.stdout))
    assert shown == printed, "README.md shows an older demo; run tools/refresh_readme.py"


@pytest.mark.parametrize("page", [README, CHANGELOG, *PAGES], ids=name)
def test_links_lead_somewhere(page):
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text(page))
    lost = [target for target in targets if "://" not in target and not (page.parent / target).exists()]
    assert not lost
