"""The documentation is true: its code runs, and its output, its numbers and its links are right."""

from __future__ import annotations

import doctest
import math
import os
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import backlit as bl

ROOT = Path(__file__).parent.parent
README, CONTRIBUTING, CHANGELOG = (ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "CHANGELOG"))
PAGES = [*sorted((ROOT / "docs").rglob("*.md")), CONTRIBUTING]
LESSONS = [page for page in PAGES if page.parent.name in ("tutorials", "how-to")]
ABOUT = doctest.register_optionflag("ABOUT")  #: of an example whose numbers depend a little on the machine

PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
ENVIRONMENT = {key: value for key, value in os.environ.items() if key != "FORCE_COLOR"}
ENVIRONMENT |= {"PYTHONUTF8": "1", "PATH": PATH, "OPENBLAS_NUM_THREADS": "1"}  # several threads crawl on a busy machine

text = partial(Path.read_text, encoding="utf-8")
name = lambda page: page.relative_to(ROOT).as_posix()


def run(line: str, **keywords) -> subprocess.CompletedProcess:
    return subprocess.run(line, shell=True, env=ENVIRONMENT, capture_output=True, encoding="utf-8", **keywords)


def shell(line: str) -> None:
    """Run what stands behind the $ of a console block, and print what it prints."""
    done = run(line)
    print((done.stdout + done.stderr).rstrip())


def examples(page: Path) -> doctest.DocTest:
    """The page's pycon and console blocks as one session; all else is blanked, so that line numbers stay the page's."""
    lines, block = [], ""
    for line in text(page).splitlines():
        if line.startswith("```"):
            block, line = "" if block else line[3:], ""
        elif block == "console":
            line = f">>> shell({line[2:]!r})  # doctest: +ABOUT" if line.startswith("$ ") else line or "<BLANKLINE>"
        lines.append(line if block in ("pycon", "console") else "")
    return doctest.DocTestParser().get_doctest("\n".join(lines), {"shell": shell}, name(page), str(page), 0)


def alike(shown: str, printed: str) -> bool:
    """Whether outputs differ only as machines do: spaces, times and the best epoch freely, other numbers by a tenth.

    Whole numbers below 10,000 count something and must be the same.
    """
    free, number = (
        r"\d+\.\d+ s\b|\d+\.\d MB|\d+ (?:of )?(?:snapshots|stretches|blobs)|epoch \d+|[▁-█]+|written .* by .* engine",
        r"\d[\d,]*(?:\.\d+)?",
    )
    shown, printed = (re.sub(free, "…", " ".join(some.split())) for some in (shown, printed))
    if re.sub(number, "#", shown) != re.sub(number, "#", printed):
        return False
    pairs = zip(*([found.replace(",", "") for found in re.findall(number, some)] for some in (shown, printed)))
    exact = lambda some: "." not in some and float(some) < 1e4
    return all(a == b if exact(a) else math.isclose(float(a), float(b), rel_tol=0.1) for a, b in pairs)


class Checker(doctest.OutputChecker):
    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        about = bool(optionflags & ABOUT) and alike(want.replace("<BLANKLINE>", ""), got)
        return about or super().check_output(want, got, optionflags)


def prose(page: Path) -> str:
    """The page without its code blocks and the targets of its links."""
    return re.sub(r"\]\(.*?\)", "]", re.sub(r"^```.*?^```$", "", text(page), flags=re.DOTALL | re.MULTILINE))


def numbers(some: str) -> set[str]:
    """The numbers with three or more significant digits, as plain text: −1,234.50 is "-1234.50"."""
    found = re.findall(r"(?<![\w.])[−-]?\d[\d,]*(?:\.\d+)?", some)
    plain = {number.replace("−", "-").replace(",", "") for number in found}
    return {number for number in plain if len(number.lstrip("-").replace(".", "").lstrip("0")) >= 3}


@pytest.mark.parametrize("page", [page for page in PAGES if "```pycon" in text(page)], ids=name)
def test_code_prints_what_the_page_says(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    report: list[str] = []
    with np.printoptions(), threadpool_limits(1):  # a page may set its own printing
        failed, attempted = doctest.DocTestRunner(Checker(), verbose=False).run(examples(page), out=report.append)
    assert attempted > 0
    assert not failed, "".join(report)


@pytest.mark.parametrize("page", LESSONS, ids=name)
def test_numbers_in_the_text_are_printed_by_the_code(page):
    printed = numbers("".join(example.want for example in examples(page).examples))
    missing = sorted(numbers(prose(page)) - printed)
    assert not missing


def test_numbers_are_found_and_compared_as_they_are_written():
    assert numbers("$1,234.50, −0.0123; 12 of `w1[a, 2]`, 0.05 (100%).") == {"1234.50", "-0.0123", "100"}
    assert alike("off by $94,060  in 0.7 s", "off by $93,010 in 12.1 s")
    assert not alike("1,923 rows", "1,924 rows")


README_CODE = re.findall(r"```python\n(.*?)```\n(?:\n```\n(.*?)```\n)?", text(README), flags=re.DOTALL)


@pytest.mark.parametrize(("code", "output"), README_CODE)
def test_readme_code_prints_what_the_readme_says(code, output, tmp_path):
    done = run('python -W error -W "ignore:the native engine" -', input=code, cwd=tmp_path)
    assert alike(output, done.stdout), done.stdout + done.stderr


def test_readme_commands_run(tmp_path):
    houses = bl.datasets.load_houses().head(600)
    houses.write_csv(tmp_path / "sales.csv")
    houses.drop("price").head(5).write_csv(tmp_path / "new.csv")
    for line in "".join(
        re.findall(r"^```sh\n(.*?)^```", text(README), flags=re.DOTALL | re.MULTILINE)[:2]
    ).splitlines():
        done = run(line, cwd=tmp_path)
        assert done.returncode == 0, done.stderr


def test_readme_shows_the_demo_as_it_is():
    done = run("backlit demo --act 1")
    assert done.returncode == 0, done.stderr
    block = re.search(r"<!-- demo:.*?-->\n```\n(.*?)```\n<!-- /demo -->", text(README), flags=re.DOTALL)
    assert block, "README.md has lost its demo; run tools/refresh_readme.py"
    shown, printed = (re.sub(r"\d+\.\d s\b", "… s", some.rstrip()) for some in (block[1], done.stdout))
    assert shown == printed, "README.md shows an older demo; run tools/refresh_readme.py"


def test_every_public_name_loads_in_a_fresh_process():
    done = run("python -W error -", input="import backlit\nfor name in backlit.__all__: print(getattr(backlit, name))")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == len(bl.__all__) > 0


@pytest.mark.parametrize("page", [README, CHANGELOG, *PAGES], ids=name)
def test_links_lead_somewhere(page):
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text(page))
    lost = [target for target in targets if "://" not in target and not (page.parent / target).exists()]
    assert not lost
