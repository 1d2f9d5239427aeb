"""The words: sentences from kinds and facts, and numbers as people read them."""

import ast
import json
import math
import pickle
import re
from pathlib import Path

import pytest

import backlit
from backlit.tables.metrics import score
from backlit.words import WORDS, Remark, chance, count, fixed, listed, number, percent, say

DOCS = Path(__file__).parents[1] / "docs"
PAGE = Path(__file__).parents[1] / "web" / "src"
EXAMPLES = json.loads((PAGE / "lib" / "numbers.json").read_text(encoding="utf-8"))
SAID = json.loads((PAGE / "lib" / "said.json").read_text(encoding="utf-8"))


# --- numbers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("written", [number, fixed, percent, chance, count])
def test_numbers_are_written_as_the_page_writes_them(written):
    for *arguments, text in EXAMPLES[written.__name__]:
        assert written(*arguments) == text


def test_what_is_no_number_is_told_as_such():
    for none in (math.nan, math.inf, -math.inf):
        assert [written(none) for written in (number, fixed, percent, chance)] == ["not finite"] * 4
    assert fixed(-0.0) == "0.0000"


def test_no_digit_before_the_point_is_lost():
    for value in (1000, 1234, 123456, 87654321, 999999999999, 123456789012345):
        for unit in ("", "$", "sqft"):
            assert "".join(filter(str.isdigit, number(value, unit))) == str(value)


def test_lists():
    assert (listed(["a"]), listed(["a", "b"], "or"), listed([1, 2, 3])) == ("'a'", "'a' or 'b'", "1, 2 and 3")


def test_scores():
    assert score("rmse", 3.684261, "kn") == "3.684 kn"
    assert score("log_loss", 10.33, "$") == "10.330"
    assert score("log_loss", 2e-5) == "2e−5"
    assert score("r2", -0.0016) == "−0.002"


# --- sentences ---------------------------------------------------------------------------------------------------


def test_a_sentence_has_its_facts_in_their_formats(monkeypatch):
    template = (
        "{name:quoted} of {n:count row} is {b:number unit} {c:number 2} {d:fixed 1} {e:percent 0} {f:chance} "
        "{names:or}[[; {why}]]"
    )
    monkeypatch.setitem(WORDS, "x", template)
    facts = {
        "name": "lat",
        "n": 1,
        "b": 1180,
        "unit": "sqft",
        "c": 0.123,
        "d": 2,
        "e": 0.5,
        "f": 1.0,
        "names": ["u", "v"],
    }
    assert say("x", **facts) == "'lat' of 1 row is 1,180 sqft 0.12 2.0 50% >99.9% 'u' or 'v'"
    assert say("x", **facts, why=Remark("baseline.mean")).endswith("'v'; always the mean")
    assert say("x", **facts | {"c": None}, why="").endswith(" not finite 2.0 50% >99.9% 'u' or 'v'")
    with pytest.raises(KeyError, match="names"):
        say("x", **{name: value for name, value in facts.items() if name != "names"})


@pytest.mark.parametrize(("kind", "facts", "text"), SAID["kinds"])
def test_sentences_are_those_of_the_page(kind, facts, text):
    assert say(kind, **facts) == text


@pytest.mark.parametrize(("template", "facts", "text"), SAID["templates"])
def test_templates_are_read_as_the_page_reads_them(monkeypatch, template, facts, text):
    monkeypatch.setitem(WORDS, "x", template)
    assert say("x", **facts) == text


def test_all_that_the_page_says_has_an_example():
    sent = json.loads((PAGE / "words.json").read_text(encoding="utf-8"))
    assert sent.items() <= WORDS.items()
    assert set(sent) <= {kind for kind, *_ in SAID["kinds"]}


def test_what_the_catalogue_does_not_have_is_said_by_its_own_name():
    assert say("link.look_up") == "look up"
    assert say("momentum_of_a_matrix", rank=3, share=0.123456, name="w1") == (
        "momentum of a matrix: rank 3, share 0.1235, name w1"
    )


def test_a_remark_is_its_kind_and_its_facts():
    remark = Remark("finding.timid", limit=0.031, rate=1e-5)
    assert str(remark) == f"{remark}" == "the error falls with rates up to 0.031, and yours is 1e−5"
    assert remark.to_dict() == {"kind": "finding.timid", "limit": 0.031, "rate": 1e-5}
    for same in (Remark.from_dict(json.loads(json.dumps(remark.to_dict()))), pickle.loads(pickle.dumps(remark))):
        assert same == remark
        assert hash(same) == hash(remark)
    assert remark != Remark("finding.timid", limit=0.03, rate=1e-5)


def test_words_of_a_newcomer_are_one_thing_each():
    """Each is short, is said of a house and of a row, and stands in the documentation as it is said."""
    listed = (DOCS / "words.md").read_text(encoding="utf-8")
    kinds = [kind for kind in WORDS if kind.startswith("word.")]
    asked = {"error", "derivative", "gradient", "rate", "epoch", "batch", "bias", "activation"}
    assert {f"word.{name}" for name in asked} <= set(kinds)
    for kind in kinds:
        assert say(kind, row="house") in listed, kind
        assert "house" not in say(kind, row="row"), kind
        assert len(say(kind, row="house")) < 150, kind
    for line in listed.splitlines():
        if line.startswith("- **"):
            assert line.split("** ", 1)[1] in {say(kind, row="house") for kind in kinds}


def test_one_word_for_one_thing():
    """What the network says is its output, s, never a score; blame is a share of the pull, never of the error."""
    texts = dict(WORDS)
    files = [DOCS.parent / "README.md", *DOCS.glob("*.md"), *DOCS.glob("tutorials/*.md"), *DOCS.glob("how-to/*.md")]
    texts |= {path.name: path.read_text(encoding="utf-8") for path in files}
    texts |= {path.name: path.read_text(encoding="utf-8") for path in PAGE.rglob("*.svelte")}
    for name, text in texts.items():
        if name != "run-file.md":  # there scores are figures on test rows
            assert not re.search(r"\b(?<![.`])[Ss]cores?\b(?!\()", text), name
        for share in re.finditer(r"(\S+\s+\S+\s+)?share\s+of\s+the\s+error", text):
            assert re.match(r"(never|not)\s+a", share[0]), (name, share[0])
        assert "unit 1 of layer 2" not in text, name


def test_each_template_can_be_read():
    """What stands in brackets is closed, and each fact has a known format: so any language can follow."""
    known = {"", "number", "fixed", "percent", "chance", "count", "quoted", "and", "or", "list"}
    for kind, template in WORDS.items():
        assert template.count("[[") == template.count("]]"), kind
        for name in re.findall(r"\{\w+(?::(\w+)[^}]*)?\}", template):
            assert name in known, kind


def test_what_the_code_says_is_in_the_catalogue_with_its_facts():
    """Kinds that stand in the source are known, and what their templates need is given."""
    seen = 0
    for path in sorted(Path(backlit.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args):
                continue
            kind = node.args[0].value if isinstance(node.args[0], ast.Constant) else None
            if not isinstance(kind, str) or not re.match(r"(say|Remark|\w+Error)$", node.func.id) or " " in kind:
                continue
            if node.func.id in ("UnknownNameError", "QuestionError", "KeyError", "ValueError", "TypeError"):
                continue
            where = f"{path.name}:{node.lineno} {kind}"
            assert kind in WORDS, where
            given = {keyword.arg for keyword in node.keywords}
            template = re.sub(r"\[\[.*?\]\]", "", WORDS[kind])
            assert None in given or set(re.findall(r"\{(\w+)(?::[^}]*)?\}", template)) <= given, where
            seen += 1
    assert seen > 50
