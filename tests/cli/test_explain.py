"""`backlit explain`, and that its LaTeX compiles."""

import json
import shutil
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
from plugin_muon import Muon
from recorded import planned, recorded

import backlit as bl
from backlit.cli.main import main
from backlit.core.optimizers import OPTIMIZERS
from backlit.runs.export import without_rows
from backlit.words import percent


@pytest.fixture
def explain(backlit):
    return partial(backlit, "explain")


@pytest.fixture(scope="module")
def run_file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    houses = bl.datasets.load_houses().head(300)
    houses.write_csv(folder / "houses.csv")
    sys.argv = ["backlit", "train", str(folder / "houses.csv"), "--target", "price", "--epochs", "2", "--seed", "0"]
    sys.argv += ["--run", str(folder / "houses.backlit"), "--json"]
    with pytest.raises(SystemExit):
        main()
    return folder / "houses.backlit"


def test_demo_blames_the_strongest_of_each_matrix(explain):
    told = explain("--demo")
    assert "prediction $" in told
    assert "of all pull" in told
    assert "∂E/∂b2[1] = 1.42775     21.1% of all the pull" in told  # the hardest of all first, though it is a bias
    assert "∂E/∂w2[" in told
    assert "∂E/∂w1[" in told
    assert told.count("agrees to 9 digits") == 3
    assert max(map(len, told.splitlines())) <= 80


def test_json_is_the_trace(explain):
    content = json.loads(explain("--demo", "--weight", "w1[grade, 2]", "--json", "--what-if"))
    [chain] = content["chains"]
    assert chain["weight"] == "w1[grade, 2]"
    product = np.prod([factor["value"] for factor in chain["paths"][0]["factors"]])
    assert product == pytest.approx(chain["gradient"], rel=1e-12)
    [curve] = content["what_if"]
    assert curve["E"][50] == content["E"]
    assert content["along_step"]["chosen"] == 0.05


def test_html_and_latex(explain):
    assert explain("--demo", "--format", "html").startswith("<!doctype html>")
    assert explain("--demo", "--format", "latex").count(r"\begin{align*}") == 3


def test_a_row_of_a_run(explain, run_file):
    content = json.loads(explain(run_file, "--row", 17, "--json"))
    model = bl.open_run(run_file).model()
    houses = bl.datasets.load_houses().head(300)
    assert content["prediction"] == pytest.approx(model.predict(houses[17:18]).tolist())
    for chain in content["chains"]:
        total = sum(path["product"] for path in chain["paths"]) + chain["rest"]
        assert total == pytest.approx(chain["gradient"], rel=1e-12)
    assert "other" in explain(run_file, "--row", 17)
    assert "w1[sqft_living, 3]" in explain(run_file, "--weight", "w1[sqft_living, 3]")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give a run file, or --demo"),
        (("--demo", "--weight", "w1[sqft_livin, 2]"), "did you mean 'sqft_living'"),
        (("--demo", "--row", "21613"), "--row is 21613; it must be a house, from 0 to 21612"),
        (("--demo", "--format", "pdf"), "--format is 'pdf'; it must be one of text, latex, json, html"),
        (("nowhere.backlit",), "nowhere.backlit does not exist"),
    ],
)
def test_errors(explain, arguments, message):
    assert message in explain(*arguments, code=2)


def test_rows_that_are_not_there(explain, run_file, tmp_path):
    assert "--row is 300; it must be a row of" in explain(run_file, "--row", 300, code=2)
    alone = without_rows(bl.open_run(run_file), tmp_path / "alone.backlit")
    assert "keeps no rows, and its table 'houses.csv' is not beside it" in explain(alone, code=2)
    assert explain(alone, "--table", run_file.parent / "houses.csv") == explain(run_file)
    (tmp_path / "bare.csv").write_text("id\n1\n")
    told = explain(alone, "--table", tmp_path / "bare.csv", code=2)
    assert "the table has no column 'price'; a trace needs the truth" in told
    shutil.copy(run_file.parent / "houses.csv", tmp_path)
    assert explain(alone) == explain(run_file)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_latex_compiles(explain, tmp_path):
    hostile = bl.Network.dense(["50%_$x^2 & {y}\\#~", "ä ö ü"], [2], activation="tanh")
    t = bl.trace(hostile, hostile.start(0, dtype=np.float64), [[0.3, -1.2]], [[0.7]])
    bodies = [explain("--demo", "--format", "latex"), *(t[name].chain().latex() for name in hostile.weight_names())]
    source = "\n".join([r"\documentclass{article}\usepackage{amsmath}\begin{document}", *bodies, r"\end{document}"])
    (tmp_path / "chain.tex").write_text(source, encoding="utf-8")
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "chain.tex"],
        cwd=tmp_path, capture_output=True, text=True, errors="replace",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]


# --- figures -----------------------------------------------------------------------------------------------------


@pytest.fixture
def figure(backlit, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    return partial(backlit, "figure")


@pytest.mark.parametrize("kind", ["network", "weight", "step"])
def test_figures_of_the_demo(figure, tmp_path, kind):
    assert figure(kind, "--demo", "--out", "a.svg") == "wrote a.svg\n"
    assert (tmp_path / "a.svg").read_text(encoding="utf-8").startswith("<?xml")


def test_figures_of_the_demo_with_the_names_of_textbooks(figure, tmp_path):
    for kind, name in (("network", "w2_21 = −0.1647"), ("weight", "b2_1")):
        figure(kind, "--demo", "--names", "textbook", "--out", "names.svg", "--force")
        assert f">{name}<" in (tmp_path / "names.svg").read_text(encoding="utf-8")
    assert "--names is 'roman'; it must be one of own, textbook" in figure(
        "network", "--demo", "--names", "roman", code=2
    )


@pytest.mark.parametrize("kind", ["network", "weight", "errors", "predicted", "response"])
def test_figures_of_a_run(figure, run_file, tmp_path, kind):
    columns = ("--column", "sqft_living", "--column", "lat") if kind == "response" else ()
    figure(kind, run_file, "--out", "a.png", *columns)
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert "a.png exists" in figure(kind, run_file, "--out", "a.png", *columns, code=2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("networks", "--demo"), "KIND is 'networks'; it must be one of network"),
        (("errors", "--demo"), "--demo has no errors figure"),
        (("network",), "give a run file, or --demo"),
        (("network", "--demo", "--out", "a.doc"), "a.doc"),
    ],
)
def test_figure_errors(figure, arguments, message):
    assert message in figure(*arguments, code=2)


# --- the schedule's end ------------------------------------------------------------------------------------------


def test_a_rate_of_0_is_told(backlit, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "line.csv").write_text("x,y\n" + "".join(f"{x / 7},{2 * x + 1}\n" for x in range(100)))
    backlit("train", "line.csv", "--target", "y", "--seed", 0, "--hidden", "8", "--epochs", 40)
    run = bl.open_run("line.backlit")
    assert run.timeline().at().best.step == run.timeline().steps()  # the last epoch is the best
    last = run.trace(39, [5]).rate
    for step in (("--step", 40), ()):
        shown = " ".join(backlit("explain", "line.backlit", "--row", 5, *step, "--what-if").split())
        assert f"the rate is 0 at this step; up to {last:.3g}, the last before it:" in shown
        assert "The rate is 0 at this step, so the weights do not move." in shown
        content = json.loads(backlit("explain", "line.backlit", "--row", 5, *step, "--what-if", "--json"))
        assert (content["along_step"]["chosen"], content["along_step"]["last"]) == (0.0, last)
        backlit("figure", "step", "line.backlit", "--row", 5, *step, "--out", "step.svg", "--force")
        assert f"chosen: 0 at this step; the last was {last:.3g}" in (tmp_path / "step.svg").read_text("utf-8")


def test_classes_are_shown_with_their_truth(backlit, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"{x / 7},{'high' if x > 60 else 'low'}\n" for x in range(120))
    (tmp_path / "t.csv").write_text("x,kind\n" + rows.replace("1,low", "1,high"))
    backlit("train", "t.csv", "--target", "kind", "--seed", 0, "--learning-rate", 0.02)
    run = bl.open_run("t.backlit")
    P = run.model().predict_proba(run.frame())
    wrong = next(row for row in range(120) if run.frame()["kind"][row] == "high" and P[row].argmax() == 1)
    right = next(row for row in range(120) if run.frame()["kind"][row] == "high" and P[row].argmax() == 0)
    shown = " ".join(backlit("explain", "t.backlit", "--row", wrong).split())
    assert f"prediction {percent(P[wrong, 1])} for low; {percent(P[wrong, 0])} for high, the truth" in shown
    shown = " ".join(backlit("explain", "t.backlit", "--row", right).split())
    assert f"prediction {percent(P[right, 0])} for high, which is right" in shown


def test_an_optimizer_that_only_tests_know_prints_its_terms(backlit, tmp_path, monkeypatch):
    monkeypatch.setitem(OPTIMIZERS, "muon", Muon)
    run = recorded(planned(optimizer=Muon(weight_decay=0.1), engine="auto"), tmp_path / "ours.backlit", steps=25)
    told = backlit("explain", run.path, "--row", 17, "--weight", "w2[3, 1]", "--step", 9)
    assert "would be w − α · orthogonalised − decay" in " ".join(told.split())
