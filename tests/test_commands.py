"""A command as it is typed: quoted for a shell, and understood as it was meant."""

import re
import shlex
import subprocess

from hypothesis import example, given
from hypothesis import strategies as st

from backlit.commands import command, shown


def test_options_are_flags_lists_and_values():
    line = command("train", "t.csv", target="the price", drop=["a", "b c"], classes=True, rows=False, seed=0, log=None)
    assert line == "backlit train t.csv --target 'the price' --drop a --drop 'b c' --classes --no-rows --seed 0"
    assert command("predict", "-odd.backlit", "-", out="a.csv") == "backlit predict --out a.csv -- -odd.backlit -"
    assert command("resume", "a.backlit", weight=[]) == "backlit resume a.backlit"


@given(st.text(min_size=1).filter(lambda text: "\0" not in text))
def test_any_text_comes_through_a_shell(text):
    assert shlex.split(command("train", "t.csv", target=text)) == ["backlit", "train", "t.csv", "--target", text]


@given(st.text(min_size=1).filter(lambda text: "\0" not in text and not re.search("[\ud800-\udfff]", text)))
@example("price\n(USD)")
@example("a\u00a0b' \\n")
def test_what_a_terminal_shows_of_a_line_is_typed_again(text):
    """No control character is shown, and bash reads the line as it was."""
    line = shown(command("train", "t.csv", target=text))
    assert line.isprintable()
    script = f"printf '%s\\0' {line.partition(' ')[2]}"
    read = subprocess.run(["bash", "-c", script], capture_output=True, env={"LC_ALL": "C.UTF-8"}, check=True).stdout
    assert read.decode().split("\0")[:-1] == ["train", "t.csv", "--target", text]


def test_a_plain_line_is_shown_as_it_is():
    line = command("train", "the table.csv", target="l'\u00e9t\u00e9")
    assert shown(line) == line
