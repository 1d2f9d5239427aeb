"""A command as it is typed: quoted for a shell, and understood as it was meant."""

import shlex

from hypothesis import given
from hypothesis import strategies as st

from backlit.commands import command


def test_options_are_flags_lists_and_values():
    line = command("train", "t.csv", target="the price", drop=["a", "b c"], classes=True, rows=False, seed=0, log=None)
    assert line == "backlit train t.csv --target 'the price' --drop a --drop 'b c' --classes --no-rows --seed 0"
    assert command("predict", "-odd.backlit", "-", out="a.csv") == "backlit predict --out a.csv -- -odd.backlit -"
    assert command("resume", "a.backlit", weight=[]) == "backlit resume a.backlit"


@given(st.text(min_size=1).filter(lambda text: "\0" not in text))
def test_any_text_comes_through_a_shell(text):
    assert shlex.split(command("train", "t.csv", target=text)) == ["backlit", "train", "t.csv", "--target", text]
