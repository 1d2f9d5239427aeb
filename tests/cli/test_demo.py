"""`backlit demo`: every printed number recomputed from the printed weights, and how the command behaves."""

import json
import math
import os
import re
import subprocess
import sys
import tempfile

import numpy as np
import pytest

from backlit.problem import split_rows
from backlit.tables.datasets import load_houses


def backlit(*arguments, **environment):
    """Run `backlit` by itself, in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        return subprocess.run(
            [sys.executable, "-m", "backlit", *arguments],
            capture_output=True,
            text=True,
            encoding="utf-8",
            env=os.environ | {"PYTHONIOENCODING": "utf-8"} | environment,
            stdin=subprocess.DEVNULL,
            cwd=folder,
        )


def numbers(text):
    return [float(n.replace(",", "").replace("−", "-")) for n in re.findall(r"−?\d[\d,]*(?:\.\d+)?", text)]


def line(text, start):
    return next(part for part in text.splitlines() if part.strip().startswith(start))


@pytest.fixture(scope="module")
def printed():
    done = backlit("demo", "--act", "1")
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def as_json():
    done = backlit("demo", "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def by_hand(printed):
    """The whole step in plain Python, from the printed weights and the table alone."""
    houses = load_houses()
    train = houses[split_rows(houses["id"].to_numpy()).train]
    columns = ("sqft_living", "grade", "lat")
    means = {name: train[name].mean() for name in (*columns, "price")}
    deviations = {name: train[name].std(ddof=0) for name in (*columns, "price")}
    x = [(houses[name][0] - means[name]) / deviations[name] for name in columns]
    y = (houses["price"][0] - means["price"]) / deviations["price"]
    rows = [numbers(line(printed, f"unit {j} "))[1:] for j in (1, 2, 3)]
    w = [row[:3] for row in rows]
    b = [row[3] for row in rows]
    v = [row[6] for row in rows]
    rate, c = 0.05, 0.0

    def predict(w, b, v, c):
        z = [sum(xi * wi for xi, wi in zip(x, w[j])) + b[j] for j in range(3)]
        a = [math.tanh(zj) for zj in z]
        s = sum(aj * vj for aj, vj in zip(a, v)) + c
        return z, a, s

    z, a, s = predict(w, b, v, c)
    d = 2 * (s - y)
    hidden = [d * v[j] * (1 - a[j] ** 2) for j in range(3)]
    gradient = {f"w1[{columns[i]}, {j + 1}]": hidden[j] * x[i] for i in range(3) for j in range(3)}
    gradient |= {f"b1[{j + 1}]": hidden[j] for j in range(3)}
    gradient |= {f"w2[{j + 1}, 1]": d * a[j] for j in range(3)} | {"b2[1]": d}
    weight = {f"w1[{columns[i]}, {j + 1}]": w[j][i] for i in range(3) for j in range(3)}
    weight |= {f"b1[{j + 1}]": b[j] for j in range(3)} | {f"w2[{j + 1}, 1]": v[j] for j in range(3)} | {"b2[1]": c}
    after = {name: weight[name] - rate * gradient[name] for name in weight}
    _, _, s_after = predict(
        [[after[f"w1[{name}, {j + 1}]"] for name in columns] for j in range(3)],
        [after[f"b1[{j + 1}]"] for j in range(3)],
        [after[f"w2[{j + 1}, 1]"] for j in range(3)],
        after["b2[1]"],
    )
    scale, mean = deviations["price"], means["price"]
    return {
        "x": x, "z": z, "a": a, "s": s, "mean": mean, "scale": scale, "truth": houses["price"][0],
        "prediction": mean + scale * s, "E": (s - y) ** 2, "gradient": gradient, "weight": weight, "after": after,
        "prediction_after": mean + scale * s_after, "E_after": (s_after - y) ** 2,
    }  # fmt: skip


def digits(value, places=4):
    return f"{round(value, places) + 0.0:,.{places}f}".replace("-", "−")


def dollars(value):
    return f"${value:,.0f}"


def test_feed_forward(printed, by_hand):
    assert line(printed, "input ").split()[1:4] == [digits(x) for x in by_hand["x"]]
    for j in range(3):
        fields = line(printed, f"unit {j + 1} ").split()
        assert fields[6:8] == [digits(by_hand["z"][j]), digits(by_hand["a"][j])]
    assert line(printed, "prediction  $").endswith(f"= {dollars(by_hand['prediction'])}")
    assert f"· ({digits(by_hand['s'])}) = " in line(printed, "prediction  $")
    assert line(printed, "prediction  $").split()[1:4] == [dollars(by_hand["mean"]), "+", dollars(by_hand["scale"])]


def test_error(printed, by_hand):
    miss = by_hand["prediction"] - by_hand["truth"]
    assert f"2 Error   {dollars(miss)} too high" in printed
    assert f"E = ({miss:,.0f} / {by_hand['scale']:,.0f})² = {digits(by_hand['E'])}" in printed


def test_backpropagation_and_update(printed, by_hand):
    total = sum(map(abs, by_hand["gradient"].values()))
    update = printed[printed.index("4 Update") : printed.index("5 Again")]
    for name, gradient in by_hand["gradient"].items():
        weight, printed_gradient, blame, after = line(update, f"{name}  ")[len(name) + 3 :].split()
        assert weight == digits(by_hand["weight"][name])
        assert printed_gradient == digits(gradient)
        assert blame == f"{abs(gradient) / total:.1%}"
        assert after == digits(by_hand["after"][name])


def test_chain_rule_lines(printed):
    """The printed factors multiply to the printed derivative, as far as four digits can tell."""
    part = printed[printed.index("3 Backpropagate") : printed.index("4 Update")]
    check = r"check by finite differences: (−?[\d.]+), agrees to 9"
    chains = re.findall(rf"(w\d\[.*?\]) +∂E/∂w = (−?[\d.]+).*?\n(.*?)\n +{check}", part, re.S)
    assert [name[:2] for name, *_ in chains] == ["w2", "w1"]
    for _, gradient, factors, check in chains:
        assert check == gradient
        product = math.prod(numbers(" ".join(re.findall(r"(−?\d\.\d+) \(", factors))))
        assert product == pytest.approx(numbers(gradient)[0], abs=3e-4)


def test_again(printed, by_hand):
    again = printed[printed.index("5 Again") :].splitlines()[1]
    lower = 1 - by_hand["E_after"] / by_hand["E"]
    expected = f"prediction {dollars(by_hand['prediction_after'])} E = {digits(by_hand['E_after'])} {lower:.0%} lower"
    assert again.split() == expected.split()


def test_training_on_all_houses_lowers_the_error(as_json):
    errors = as_json["act1"]["errors"]
    assert errors[-1] < 0.6 * errors[0]
    assert as_json["act1"]["reason"] == "target_error"
    assert as_json["act1"]["seconds"] < 3


def test_json_holds_every_number(as_json, by_hand):
    taught = as_json["act1"]["lesson"]
    assert len(taught["chains"]) == 16
    for d in taught["chains"]:
        assert d["gradient"] == pytest.approx(by_hand["gradient"][d["weight"]], rel=1e-9)
    assert set(as_json["act1"]["weights"]) == set(by_hand["gradient"])
    scores = as_json["act2"]["scores"]
    assert set(scores) == {"backlit", "mean", "linear model"}
    assert scores["backlit"]["rmse"] < 0.75 * scores["linear model"]["rmse"] < scores["mean"]["rmse"]
    assert scores["backlit"]["r2"] > 0.8


def test_in_a_pipe_it_is_plain_and_80_columns_wide(printed):
    assert "\x1b" not in printed
    assert max(map(len, printed.splitlines())) <= 80
    assert not [part for part in printed.splitlines() if part != part.rstrip()]


def test_colour_changes_nothing_but_colour(printed):
    coloured = backlit("demo", "--act", "1", FORCE_COLOR="1", COLUMNS="80").stdout
    assert "\x1b[" in coloured
    seconds = re.compile(r"[\d.]+ s$", re.M)
    assert seconds.sub("", re.sub(r"\x1b\[[\d;]*m", "", coloured)) == seconds.sub("", printed)


@pytest.mark.parametrize("rate", ["5", "1"])
def test_too_high_a_rate_diverges_and_says_why(rate):
    done = backlit("demo", "--rate", rate)
    text = " ".join(done.stdout.split())
    assert done.returncode == 0
    assert re.search(r"Training diverged at step \d+: E grew beyond all numbers", text)
    assert "each step lands farther up the other side than it came from" in text
    assert re.search(r"Try backlit demo --rate 0\.\d", text)
    assert "Act 2" not in text
    assert json.loads(backlit("demo", "--rate", rate, "--json", "--act", "1").stdout)["act1"]["runaway"]["step"] > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--rate", "0"), "--rate is 0.0; it must be a finite number greater than 0"),
        (("--rate", "nan"), "--rate is nan"),
        (("--hidden", "0"), "--hidden is 0; it must be a whole number from 1 to 1,000,000"),
        (("--house", "21613"), "--house is 21613; it must be a row of the table, from 0 to 21612"),
        (("--house", "-1"), "--house is -1"),
        (("--seed", "-1"), "--seed is -1"),
        (("--step-through",), "--step-through waits for keys, but this is not a terminal"),
    ],
)
def test_bad_arguments_get_one_line_and_exit_code_2(arguments, message):
    done = backlit("demo", *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(f"backlit: {message}")
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [("--hidden", "8"), ("--hidden", "40"), ("--hidden", "1"), ("--house", "17")])
def test_other_ways(arguments):
    done = backlit("demo", "--act", "1", *arguments)
    assert done.returncode == 0
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_step_through_goes_on_and_back():
    pexpect = pytest.importorskip("pexpect")
    command = ["-m", "backlit", "demo", "--act", "1", "--step-through"]
    child = pexpect.spawn(sys.executable, command, dimensions=(60, 80), encoding="utf-8", timeout=30)
    child.expect("b or ←: back")
    assert "1 Feed forward" not in child.before
    child.send(" ")
    child.expect("b or ←: back")
    assert "1 Feed forward" in child.before
    child.send("\x1b[D")
    child.expect("b or ←: back")
    assert "1 Feed forward" not in child.before
    child.send("q")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_help_and_version():
    help_text = backlit("--help").stdout
    assert "demo" in help_text
    assert backlit("--version").stdout.startswith("backlit 0.")
    assert "--step-through" in backlit("demo", "--help").stdout


def test_import_is_light():
    """`import backlit` loads neither NumPy nor anything else heavy; --help neither."""
    code = "import sys, backlit, backlit.cli.main; print({'numpy', 'polars', 'sklearn', 'scipy'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "set()"


def test_house_17_is_row_17(as_json):
    seen = json.loads(backlit("demo", "--act", "1", "--house", "17", "--json").stdout)["act1"]["house"]
    assert seen == {"row": 17} | load_houses().select("sqft_living", "grade", "lat", "price").row(17, named=True)
    assert np.isfinite(as_json["act2"]["scores"]["backlit"]["rmse"])
