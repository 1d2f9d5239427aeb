"""Tables and commands that once went wrong on real files, each with its kind: the right value of every case."""

import datetime
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from commands import about, backlit, refused

import backlit as bl
from backlit.errors import BacklitError, DataError
from backlit.fitting import Recipe, prepare
from backlit.problem import Problem
from backlit.progress import fit
from backlit.tables.frames import read_table

N = 240
SHORT = ("--epochs", "2", "--hidden", "6", "--seed", "1", "--json", "--force")
LONG = ("--epochs", "150", "--hidden", "16", "--learning-rate", "0.01", "--dropout", "0", *SHORT[4:])
draw = np.random.default_rng(13)
SIZE = draw.gamma(4, 30, N).round(2)
COLOUR = draw.choice(["red", "green", "blue"], N)
DAYS = [datetime.date(1994, 1, 1) + datetime.timedelta(int(days)) for days in draw.integers(0, 9000, N)]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def write(columns, name="t.csv", separator=",", encoding="utf-8"):
    """A file as its author sees it: every column a list of what its fields say."""

    def field(text):
        text = str(text)
        return f'"{text}"' if separator in text else text

    lines = [columns, *zip(*columns.values())]
    text = "".join(separator.join(map(field, line)) + "\n" for line in lines)
    with open(name, "w", encoding=encoding, newline="") as file:  # noqa: PTH123
        file.write(text)
    return name


def run_of(table):
    return bl.open_run(table.rpartition(".")[0] + ".backlit")


def trained(table, target, *arguments, how=SHORT):
    """The answer of `train`, and its run."""
    answer = backlit("train", table, "--target", target, *arguments, *how).json
    return answer, run_of(table)


def require_same_fit(*pairs):
    """Each run has the weights of the other, to the bit: they saw the same numbers."""
    for one, other in pairs:
        assert one.net.inputs == other.net.inputs
        np.testing.assert_array_equal(one.timeline().best().theta, other.timeline().best().theta)


def shows(notices, name, texts, values):
    """Whether a notice on this column shows one of its entries beside what that is read as."""
    forms = [{repr(value), f"{value:g}", f"{value:,}", f"{value:,.6g}"} for value in np.asarray(values).tolist()]
    forms = [some | {form.replace("-", "\u2212") for form in some} for some in forms]
    return any(
        name in notice and text in notice and any(form in notice for form in some)
        for notice in notices
        for text, some in zip(texts, forms)
    )


# --- S2: years of two digits -------------------------------------------------------------------------------------

SHORT_YEARS = {
    "mdy": ("{m}/{d}/{y:02}", "{m}/{d}/{Y}"),
    "mdy, zeros": ("{m:02}/{d:02}/{y:02}", "{m:02}/{d:02}/{Y}"),
    "dmy": ("{d}/{m}/{y:02}", "{d}/{m}/{Y}"),
    "dots": ("{d:02}.{m:02}.{y:02}", "{d:02}.{m:02}.{Y}"),
    "name": ("{d:02}-{b}-{y:02}", "{d:02}-{b}-{Y}"),
    "time": ("{m}/{d}/{y:02} 0:05", "{m}/{d}/{Y} 0:05"),
    "half day": ("{m}/{d}/{y:02} 12:05 AM", "{m}/{d}/{Y} 12:05 AM"),
}


def dated(pattern, days=DAYS):
    return [pattern.format(d=d.day, m=d.month, y=d.year % 100, Y=d.year, b=f"{d:%b}") for d in days]


def price_by_day(days=DAYS):
    return [f"{100 + (day - datetime.date(1994, 1, 1)).days / 100:.2f}" for day in days]


@pytest.mark.parametrize("form", SHORT_YEARS)
@pytest.mark.parametrize("split", [(), ("--time", "sold")], ids=["random", "time"])
def test_two_digit_years_are_the_years_that_people_mean(form, split):
    runs = []
    for name, pattern in zip(("yy", "yyyy"), SHORT_YEARS[form]):
        write({"sold": dated(pattern), "noise": draw.normal(size=N).round(3), "price": price_by_day()}, f"{name}.csv")
        answer, run = trained(f"{name}.csv", "price", "--drop", "noise", *split)
        runs.append(run)
        assert next(c.kind for c in run.table.columns if c.name == "sold") == "date"
        if name == "yy":
            assert any("sold" in notice and re.search(r"\b(19|20)\d\d\b", notice) for notice in answer["notices"])
        if not split:
            assert answer["scores"]["linear model"]["r2"] > 0.99
    require_same_fit(runs)
    new = [f"{2000 + i}-03-06" for i in range(12)]
    later = [
        pl.DataFrame({"sold": dated(pattern, [datetime.date.fromisoformat(day) for day in [*new, "2015-12-31"]])})
        for pattern in SHORT_YEARS[form]
    ]
    np.testing.assert_array_equal(runs[0].model().predict(later[1]), runs[1].model().predict(later[1]))
    np.testing.assert_array_equal(runs[0].model().predict(later[0]), runs[0].model().predict(later[1]))


# --- S3: triples that are no dates -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "pattern", ["{}-{}-{}", "{}/{}/{}", "{}.{}.{}", "{}-{}", "{}:{}", "{}-{}-{} ({})", "{} - {} - {}"]
)
@pytest.mark.parametrize("most", [4, 11])
def test_records_are_no_dates(pattern, most):
    """Wins, losses and draws; versions; scores: few of them are levels, many are left out, none is a day."""
    triples = draw.integers(0, most, (N, 4))
    triples[0] = 10, 9, 2, 1
    write({"record": [pattern.format(*t) for t in triples.tolist()], "gd": SIZE, "points": 3 * triples[:, 0] + 1})
    answer, run = trained("t.csv", "points")
    kinds = {column.name: column.kind for column in run.table.columns}
    assert kinds.get("record", "left out") in ("category", "left out")
    assert "record" in kinds or about(answer["notices"], "record", "left out")
    assert read_table("t.csv")["record"].dtype == pl.String


# --- S4: commas ---------------------------------------------------------------------------------------------------


def comma(values, places):
    return [f"{value:.{places}f}".replace(".", ",") for value in values]


@pytest.mark.parametrize("places", [1, 2, 3, 6])
def test_commas_beside_semicolons_are_decimal(places):
    weight = draw.uniform(20, 99, N).round(places)
    price = (2 * weight).round(places)
    write({"gewicht": comma(weight, places), "farbe": COLOUR, "preis": comma(price, places)}, "c.csv", ";")
    write({"gewicht": weight, "farbe": COLOUR, "preis": price}, "p.csv")
    answer, run = trained("c.csv", "preis")
    require_same_fit((run, trained("p.csv", "preis")[1]))
    assert shows(answer["notices"], "preis", comma(price, places), price)
    assert shows(answer["notices"], "gewicht", comma(weight, places), weight)
    np.testing.assert_allclose(read_table("c.csv")["preis"].to_numpy(), price, rtol=0)


@pytest.mark.parametrize("separator", [";", ",", "\t"])
def test_a_zero_before_the_comma_makes_it_decimal(separator):
    density = draw.uniform(0.1, 0.999, N).round(3)
    columns = {"x": draw.normal(size=N).round(2), "preis": (10 * density).round(2)}
    write({"dichte": comma(density, 3), **columns}, "c.csv", separator)
    write({"dichte": density, **columns}, "p.csv")
    answer, run = trained("c.csv", "preis")
    require_same_fit((run, trained("p.csv", "preis")[1]))
    assert shows(answer["notices"], "dichte", comma(density, 3), density)


@pytest.mark.parametrize("target", [True, False], ids=["target", "column"])
@pytest.mark.parametrize("before", ["", "€"])
def test_two_readings_are_refused_until_one_is_named(target, before):
    price = draw.uniform(20, 99, N).round(3)
    texts = [before + text for text in comma(price, 3)]
    columns = {"preis": texts, "size": (2 * price).round(2)}
    write(columns)
    name, options = ("preis", ()) if target else ("size", ("--number", "preis"))
    message = refused("train", "t.csv", "--target", name, *options, *SHORT)
    assert "preis" in message
    assert "--decimal" in message
    assert any(text in message and f"{value:g}" in message for text, value in zip(texts, price))
    assert not os.path.exists("t.backlit")  # noqa: PTH110
    for decimal, factor in ((",", 1), (".", 1000)):
        write({**columns, "preis": [f"{round(factor * value, 3):.3f}" for value in price]}, f"plain{factor}.csv")
        answer, run = trained("t.csv", name, "--decimal", decimal)
        require_same_fit((run, trained(f"plain{factor}.csv", name)[1]))
        if decimal == ",":
            assert shows(answer["notices"], "preis", texts, price)


def test_predict_reads_numbers_as_training_did_or_refuses():
    price = draw.uniform(20, 99, N).round(3)
    write({"gewicht": comma(price, 3), "preis": comma(2 * price, 2)}, "t.csv")
    _, run = trained("t.csv", "preis", "--decimal", ",")
    expected = run.model().predict(pl.DataFrame({"gewicht": price}))
    write({"gewicht": comma(price, 3)}, "new.csv")
    for options in ((), ("--decimal", ",")):
        done = backlit("predict", "t.backlit", "new.csv", "--out", "out.csv", "--force", *options)
        if done.code:
            assert not options
            assert "--decimal" in done.err
        else:
            written = pl.read_csv("out.csv")["predicted preis"].to_numpy()
            np.testing.assert_allclose(written, expected, rtol=1e-6)


def test_days_and_months_are_refused_until_one_order_is_named():
    days = [datetime.date(2000 + i % 20, i % 12 + 1, i % 11 + 1) for i in range(N)]
    columns = {"price": price_by_day(days)}
    write({"sold": [f"{day:%d/%m/%Y}" for day in days], **columns})
    message = refused("train", "t.csv", "--target", "price", *SHORT)
    assert "sold" in message
    assert "--date-order" in message
    swapped = [datetime.date(day.year, day.day, day.month) for day in days]
    for order, meant in (("dmy", days), ("mdy", swapped)):
        write({"sold": meant, **columns}, "iso.csv")
        require_same_fit((trained("t.csv", "price", "--date-order", order)[1], trained("iso.csv", "price")[1]))
    assert "--date-order" in refused("train", "t.csv", "--target", "price", "--date-order", "dym", *SHORT)
    assert "--decimal" in refused("train", "t.csv", "--target", "price", "--decimal", "x", *SHORT)


# --- S5: weights --------------------------------------------------------------------------------------------------

SMALL = {"hidden": (8,), "epochs": 5, "dropout": 0.2, "batch_size": 32, "learning_rate": 0.01}
X = pl.DataFrame({"size": SIZE, "colour": COLOUR, "sold": DAYS})
Y = 3 * SIZE + 50 * (COLOUR == "red") + draw.normal(size=N)
OUT = draw.random(N) < 0.3
OUT[:2] = True


@pytest.mark.parametrize("nonsense", [1e6, -1e300, np.nan, np.inf])
@pytest.mark.parametrize("last", [True, False], ids=["last", "between"])
def test_rows_without_weight_are_not_there(nonsense, last):
    """Equal to the bit to the same fit without them, where the others keep their numbers."""
    out = np.sort(OUT) if last else OUT
    y = np.where(out, nonsense, Y)
    kept = np.flatnonzero(~out)
    frame = X.with_columns(
        size=pl.Series(np.where(out, nonsense, SIZE)),
        colour=pl.Series(np.where(out, "nonsense", COLOUR)),
        sold=pl.Series([datetime.date(1, 1, 1) if gone else day for gone, day in zip(out, DAYS)]),
    )
    net = bl.NetRegressor(**SMALL, validation_fraction=0, random_state=7)
    net.fit(frame, y, sample_weight=np.where(out, 0.0, 1.0))
    problem = Problem(X[kept], pl.DataFrame({"y": Y[kept]}), weights=np.ones(len(kept)), rows=kept)
    start = prepare(problem, Recipe(**SMALL), 7)
    without = fit(start, show=False)
    assert net.model_.table.columns == start.table.columns
    np.testing.assert_array_equal(net.model_.theta, without.theta)
    if last:
        alone = bl.NetRegressor(**SMALL, validation_fraction=0, random_state=7)
        alone.fit(X[kept], Y[kept], sample_weight=np.ones(len(kept)))
        np.testing.assert_array_equal(net.model_.theta, alone.model_.theta)


@pytest.mark.parametrize("nonsense", [1e6, np.nan])
def test_rows_without_weight_do_not_spoil_what_is_learnt(nonsense):
    y = np.where(OUT, nonsense, Y)
    net = bl.NetRegressor(hidden=(32,), epochs=200, learning_rate=0.01, dropout=0, random_state=0)
    net.fit(X, y, sample_weight=(~OUT).astype(float))
    assert net.score(X[np.flatnonzero(~OUT)], Y[~OUT]) > 0.9


@pytest.mark.parametrize("nonsense", [1e6, np.nan])
def test_watched_rows_without_weight_are_not_there(nonsense):
    odd = np.flatnonzero(OUT)
    watched, truth = X.head(80), np.where(OUT, nonsense, Y)[:80]
    weights = (~OUT).astype(float)[:80]
    kept = np.setdiff1d(np.arange(80), odd)
    one, other = (bl.NetRegressor(**SMALL, patience=2, random_state=3) for _ in range(2))
    one.fit(X.tail(160), Y[-160:], X_val=watched, y_val=truth, sample_weight_val=weights)
    other.fit(X.tail(160), Y[-160:], X_val=watched[kept], y_val=Y[kept], sample_weight_val=np.ones(len(kept)))
    assert one.best_epoch_ == other.best_epoch_
    np.testing.assert_array_equal(one.model_.theta, other.model_.theta)
    errors = [[epoch.error for epoch in net.history_] for net in (one, other)]
    np.testing.assert_allclose(*errors, rtol=1e-6)


def test_classes_without_weight():
    labels = np.where(OUT, "nonsense", COLOUR)
    net = bl.NetClassifier(hidden=(16,), epochs=100, learning_rate=0.01, dropout=0, random_state=0)
    frame = X.with_columns(shade=pl.Series(COLOUR))
    try:
        net.fit(frame, labels, sample_weight=(~OUT).astype(float))
    except BacklitError as error:
        assert "nonsense" in str(error)  # noqa: PT017
        return
    assert "nonsense" not in net.classes_ or about(net.notices_, "nonsense")
    assert (net.predict(frame)[~OUT] == COLOUR[~OUT]).mean() > 0.9


def plans(frame, targets, recipe, weights):
    """The plan with weights, and the one of the rows repeated so many times."""
    times = np.repeat(np.arange(frame.height), weights)
    return (
        prepare(Problem(frame, targets, weights=weights.astype(float)), recipe, 0),
        prepare(Problem(frame[times], targets[times]), recipe, 0),
    )


def require_alike(one, other):
    """Two descriptions agree, numbers to nine digits."""
    assert type(one) is type(other)
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for name in one:
            require_alike(one[name], other[name])
    elif isinstance(one, list | tuple):
        assert len(one) == len(other)
        for a, b in zip(one, other):
            require_alike(a, b)
    elif isinstance(one, float):
        assert one == pytest.approx(other, rel=1e-9, abs=1e-9)
    else:
        assert one == other


@pytest.mark.parametrize("encoding", ["piecewise", "plain"])
@pytest.mark.parametrize("scaling", ["standard", "log"])
def test_a_weight_of_three_is_three_rows(encoding, scaling):
    weights = draw.integers(0, 4, N)
    weights[0] = 3
    frame = X.with_columns(gap=pl.when(pl.Series(weights) % 2 == 1).then(pl.col("size")))
    targets = pl.DataFrame({"price": Y + 500, "rent": Y**2 + 1})
    recipe = Recipe(hidden=(4,), encoding=encoding, bins=9, target=scaling)
    weighted, repeated = plans(frame, targets, recipe, weights)
    require_alike(weighted.table.to_dict(), repeated.table.to_dict())
    assert weighted.plan.net.size == repeated.plan.net.size


def test_levels_are_counted_by_weight():
    """Of 80 levels, 63 get an input: those that weigh most, and not those that stand in most rows."""
    levels = np.array([f"level {i:02}" for i in range(80)])
    frame = pl.DataFrame({"level": np.concatenate([levels, levels[:40], levels[:40]]), "x": draw.normal(size=160)})
    weights = np.where(frame["level"].to_numpy() < "level 40", 1, 9)
    weighted, repeated = plans(frame, frame.select(y="x"), Recipe(hidden=(4,)), weights)
    require_alike(weighted.table.to_dict(), repeated.table.to_dict())
    assert set(levels[40:]) <= set(weighted.table.columns[0].levels)


def test_fractions_of_weight_scale_alike():
    """Only ratios count: half of every weight leaves centre, scale and bins as they are."""
    weights = draw.integers(1, 5, N).astype(float)
    targets = pl.DataFrame({"price": Y})
    whole, half = (prepare(Problem(X, targets, weights=w), Recipe(), 0).table.to_dict() for w in (weights, weights / 8))
    require_alike(whole, half)


# --- S7: tiny and huge numbers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("power", [-198, -290, -310, -50, 150])
def test_tiny_and_huge_targets_are_learnt_or_refused_with_their_remedy(power):
    y = [f"{value:.4f}e{power}" for value in 5 + 3 * SIZE]
    write({"a": SIZE, "y": y})
    done = backlit("train", "t.csv", "--target", "y", *LONG)
    if done.code:
        assert done.code == 2
        assert "'y'" in done.err
        assert ("small" in done.err and "multiply" in done.err) or ("large" in done.err and "divide" in done.err)
        return
    predicted = bl.open_run("t.backlit").model().predict(read_table("t.csv"))
    truth = np.array([float(text) for text in y])
    assert np.median(np.abs(predicted / truth - 1)) < 0.1


@pytest.mark.parametrize("power", [-198, -310])
def test_tiny_columns_are_learnt_or_left_out_with_a_reason(power):
    write({"a": [f"{value}e{power}" for value in SIZE], "b": draw.normal(size=N), "y": 5 + 3 * SIZE})
    answer, run = trained("t.csv", "y", how=LONG)
    if "a" in [column.name for column in run.table.columns] and not about(answer["notices"], "a ", "small"):
        assert answer["scores"]["backlit"]["r2"] > 0.9


# --- M1: an odd entry ---------------------------------------------------------------------------------------------


def odd(values, at, entry):
    texts = [str(value) for value in values]
    texts[at] = entry
    return texts


REVIEWS = draw.integers(1, 127, N)
ODD = {
    "3.0M": lambda at: odd(REVIEWS, at, "3.0M"),
    "many": lambda at: odd(REVIEWS, at, "many"),
    "12,5,7": lambda at: odd(REVIEWS, at, "12;5;7"),
    "date": lambda at: odd(DAYS, at, "soon"),
    "truth": lambda at: odd(np.where(REVIEWS % 2, "yes", "no"), at, "perhaps"),
}


@pytest.mark.parametrize("at", [7, 130, N - 1])
@pytest.mark.parametrize("kind", ODD)
def test_an_odd_entry_gives_the_same_answer_with_every_seed(kind, at):
    reviews = ODD[kind](at)
    write({"reviews": reviews, "b": SIZE, "y": 2 * REVIEWS})
    outcomes = set()
    for seed in (1, 2, 4, 8):
        done = backlit("train", "t.csv", "--target", "y", *SHORT, "--seed", seed)
        outcomes.add((done.code, done.err or tuple(n for n in done.notices if "reviews" in n)))
    assert len(outcomes) == 1, outcomes
    code, told = outcomes.pop()
    told = told if code else " ".join(told)
    assert code in (0, 2)
    if kind != "truth":  # of which "perhaps" may be a third level
        assert "reviews" in told
        assert reviews[at] in told
    if kind in ("3.0M", "many"):
        assert re.search(rf"\brow {at}\b", told)


def test_an_odd_entry_is_numbered_as_in_the_table():
    """Rows without a target are left out, and the others keep their numbers."""
    y = [str(2 * value) for value in REVIEWS]
    y[3] = y[9] = y[40] = ""
    write({"reviews": odd(REVIEWS, 100, "3.0M"), "b": SIZE, "y": y})
    done = backlit("train", "t.csv", "--target", "y", *SHORT)
    assert re.search(r"\brow 100\b", done.err or " ".join(done.notices))


@pytest.mark.parametrize("seed", [1, 2, 4])
@pytest.mark.parametrize("odd_entry", ["2020-01-05", "2020-01-05T10:15+02:00", "2020-01-05 10:15", "5 Jan 2020"])
def test_dates_in_two_forms_are_dates_or_refused(seed, odd_entry):
    """Never trained to the end and refused then; and never with another row's number."""
    days = [f"{day}T{i % 24:02}:{i % 60:02}" for i, day in enumerate(DAYS)]
    write({"d": odd(days, 57, odd_entry), "x": SIZE, "y": 2 * SIZE})
    done = backlit("train", "t.csv", "--target", "y", *SHORT, "--seed", seed)
    if done.code == 2:
        assert "'d'" in done.err
        assert odd_entry in done.err
        assert re.search(r"\brow 57\b", done.err)
        assert not os.path.exists("t.backlit")  # noqa: PTH110
        return
    kinds = {column.name: column.kind for column in bl.open_run("t.backlit").table.columns}
    assert kinds.get("d") == "date" or about(done.notices, "d ", odd_entry)


def test_an_odd_target_is_numbered_as_in_the_table():
    write({"x": SIZE, "y": odd(REVIEWS, 100, "3.0M")})
    message = refused("train", "t.csv", "--target", "y", "--numbers", *SHORT)
    assert "'3.0M'" in message
    assert re.search(r"\brow 100\b", message)


# --- M2: columns without use say why ------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [18446744073709551616, 10**24])
def test_whole_numbers_too_large_to_be_told_apart(first):
    write({"k": [first + i for i in range(N)], "a": SIZE, "y": 2 * SIZE})
    answer, run = trained("t.csv", "y")
    assert about(answer["notices"], "k ", "too large")
    assert not about(answer["notices"], "k ", "same in every row")
    assert [column.name for column in run.table.columns] == ["a"]


@pytest.mark.parametrize("values", [(5, 6), ("x", "z"), (2.5, 3.5)])
def test_a_column_that_varies_only_where_nothing_is_learnt(values):
    year = np.arange(N) // 10 + 1990
    column = [values[int(row >= N - 20)] for row in range(N)]
    write({"year": year, "a": SIZE, "flat": column, "y": 2 * SIZE})
    answer, _ = trained("t.csv", "y", "--time", "year")
    assert about(answer["notices"], "flat", "in every training row")


# --- M3: what numbers the rows -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["year", "Year", "time", "index", "n", "id", "x1", "jahr"])
def test_the_only_column_is_kept(name):
    write({name: range(1950, 1950 + N), "pop": [1000 + 25 * i for i in range(N)]})
    answer, run = trained("t.csv", "pop", how=LONG)
    assert [column.name for column in run.table.columns] == [name]
    assert answer["scores"]["linear model"]["r2"] > 0.99


@pytest.mark.parametrize("name", ["year", "Year", "time", "Time", "index", "date"])
def test_a_series_keeps_its_time(name):
    first = 2000 if name.lower() != "date" else 20000101
    write({name: range(first, first + N), "x": SIZE, "pop": [1000 + 25 * i for i in range(N)]})
    _, run = trained("t.csv", "pop")
    assert name in [column.name for column in run.table.columns]


@pytest.mark.parametrize("name", ["id", "no", "row", "customer_id", "Unnamed: 0", "number"])
def test_a_counter_beside_others_is_left_out_with_its_reason(name):
    write({name: range(N), "x": SIZE, "pop": 2 * SIZE})
    answer, run = trained("t.csv", "pop")
    assert [column.name for column in run.table.columns] == ["x"]
    assert about(answer["notices"], name, "left out", "numbers the rows")


@pytest.mark.parametrize("name", ["parcel", "order", "customer"])
def test_numbers_of_parcels_are_learnt_from_only_with_a_notice(name):
    write({name: draw.permutation(10**6)[:N] + 10**6, "x": SIZE, "pop": 2 * SIZE})
    answer, _ = trained("t.csv", "pop")
    assert about(answer["notices"], name)


def test_an_array_of_counts_is_learnt_from():
    X = np.arange(100).reshape(-1, 1)
    net = bl.NetRegressor(hidden=(8,), epochs=2, random_state=0).fit(X, np.sin(np.arange(100)))
    assert [column.name for column in net.model_.table.columns] == ["x1"]


# --- M5: money, percent, parentheses -------------------------------------------------------------------------------

MONEY = (3 * SIZE - 200).round(2)  # some below 0
FORMS = {
    "dollars": lambda v: f"{'-' * (v < 0)}${abs(v):,.2f} ",
    "accountant": lambda v: f"({abs(v):,.2f})" if v < 0 else f"{v:,.2f}",
    "dollars of an accountant": lambda v: f"(${abs(v):,.2f})" if v < 0 else f"${v:,.2f}",
    "percent": lambda v: f"{v:.2f}%",
    "percent apart": lambda v: f"{v:.2f} %",
    "pounds": lambda v: f"£{v:.2f}".replace("£-", "-£"),
    "rupees": lambda v: f"₹ {v:.2f}",
    "francs": lambda v: f"CHF {abs(v):.2f}{'-' * (v < 0)}",
    "kronor": lambda v: f"{v:.2f} kr".replace("-", "\u2212"),
    "code": lambda v: f"{v:.2f} USD",
    "length": lambda v: f"{v:.2f} km",
    "plus": lambda v: f"{v:+.2f}",
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("target", ["Cost", "Mileage"])
def test_money_percent_and_parentheses_are_numbers(form, target):
    """Target and column alike, with a notice that shows an entry and what it is read as."""
    columns = {"Car": COLOUR, "Mileage": SIZE}
    texts = [FORMS[form](value) for value in MONEY.tolist()]
    write({**columns, "Cost": texts}, "written.csv")
    write({**columns, "Cost": MONEY}, "plain.csv")
    answer, run = trained("written.csv", target)
    assert answer["task"] == "regression"
    require_same_fit((run, trained("plain.csv", target)[1]))
    if form != "plus":
        assert shows(answer["notices"], "Cost", [text.strip() for text in texts], MONEY), answer["notices"]


def test_two_different_prices_are_numbers_or_said_to_be_classes():
    write({"x": SIZE, "fee": np.where(SIZE > 100, "$12.50", "$2.39 ")})
    answer, _ = trained("t.csv", "fee")
    assert about(answer["notices"], "fee") or answer["task"] == "classification"


# --- M8: dates -----------------------------------------------------------------------------------------------------

MINUTES = [datetime.datetime.combine(day, datetime.time(i % 24, 7 * i % 60)) for i, day in enumerate(DAYS)]
DATES = {
    "us time": ("%m/%d/%y %H:%M", True),
    "half days": ("%m/%d/%Y %I:%M %p", True),
    "half days, seconds": ("%m/%d/%Y %I:%M:%S %p", True),
    "half days, tight": ("%m/%d/%Y %I:%M%p", True),
    "iso": ("%Y-%m-%d %H:%M:%S", True),
    "fractions": ("%Y-%m-%dT%H:%M:%S.%f", True),
    "compact": ("%Y%m%dT%H%M%S", True),
    "german time": ("%d.%m.%Y %H:%M", True),
    "dby": ("%d-%b-%Y", False),
    "dby blanks": ("%d %b %Y", False),
    "dBy": ("%d %B %Y", False),
    "bdY": ("%b %d, %Y", False),
    "BdY": ("%B %d, %Y", False),
    "weekday": ("%a, %d %b %Y", False),
    "year first": ("%Y/%m/%d", False),
}


@pytest.mark.parametrize("form", DATES)
def test_dates_in_the_usual_forms(form):
    pattern, timed = DATES[form]
    values = MINUTES if timed else DAYS
    write({"d": [value.strftime(pattern) for value in values], "size": SIZE, "price": price_by_day()}, "written.csv")
    write({"d": values, "size": SIZE, "price": price_by_day()}, "iso.csv")
    _, run = trained("written.csv", "price")
    require_same_fit((run, trained("iso.csv", "price")[1]))


@pytest.mark.parametrize("pattern", ["%Y-%m", "%Y/%m", "%b %Y", "%B %Y", "%m/%Y", "%b-%y"])
def test_a_month_is_its_first_day_or_the_remedy_is_named(pattern):
    first = [day.replace(day=1) for day in DAYS]
    write({"d": [day.strftime(pattern) for day in first], "size": SIZE, "price": price_by_day(first)}, "written.csv")
    write({"d": first, "size": SIZE, "price": price_by_day(first)}, "iso.csv")
    answer, run = trained("written.csv", "price")
    kinds = {column.name: column.kind for column in run.table.columns}
    if pattern == "%Y-%m" or kinds.get("d") == "date":
        require_same_fit((run, trained("iso.csv", "price")[1]))
    else:
        assert about(answer["notices"], "d ")


# --- M9: what is missing -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mark", [" ", "  ", "None", "-", ".", "n.a.", "\\N", "#DIV/0!", "NA", "?", "#N/A", "null"])
def test_marks_of_what_is_missing(mark):
    size, colour = odd(SIZE, 0, mark), odd(COLOUR, 5, mark)
    columns = {"price": 2 * SIZE}
    write({"size": size, "colour": colour, **columns}, "marked.csv")
    write({"size": odd(SIZE, 0, ""), "colour": odd(COLOUR, 5, ""), **columns}, "empty.csv")
    answer, run = trained("marked.csv", "price")
    require_same_fit((run, trained("empty.csv", "price")[1]))
    assert read_table("marked.csv").null_count().row(0) == (1, 1, 0)
    if mark in ("None", "-", ".", "n.a.", "\\N", "#DIV/0!"):
        assert about(answer["notices"], "size", mark, "missing")


@pytest.mark.parametrize("mark", ["-1", "unknown", "k. A."])
def test_a_mark_that_the_user_names(mark):
    gaps = {"size": odd(SIZE, 0, mark), "colour": odd(COLOUR, 5, mark), "price": odd((2 * SIZE).round(2), 9, mark)}
    write(gaps, "marked.csv")
    write({name: ["" if text == mark else text for text in texts] for name, texts in gaps.items()}, "empty.csv")
    answer, run = trained("marked.csv", "price", "--missing", mark)
    require_same_fit((run, trained("empty.csv", "price")[1]))
    assert about(answer["notices"], "1 row without price")
    done = backlit("predict", "marked.backlit", "marked.csv", "--missing", mark, "--out", "out.csv")
    assert done.code == 0, done.err
    expected = run.model().predict(read_table("empty.csv").drop("price"))
    np.testing.assert_allclose(pl.read_csv("out.csv")["predicted price"].to_numpy(), expected, rtol=1e-6)


def test_two_marks_may_be_named():
    write({"size": odd(odd(SIZE, 0, "-1"), 4, "unknown"), "price": 2 * SIZE}, "marked.csv")
    write({"size": odd(odd(SIZE, 0, ""), 4, ""), "price": 2 * SIZE}, "empty.csv")
    _, run = trained("marked.csv", "price", "--missing", "-1", "--missing", "unknown")
    require_same_fit((run, trained("empty.csv", "price")[1]))


# --- M10: columns without a name -----------------------------------------------------------------------------------


@pytest.mark.parametrize("empty", [1, 2, 3])
@pytest.mark.parametrize("separator", [",", ";"])
def test_nameless_empty_columns_are_left_out(empty, separator):
    tail = separator * empty
    lines = [separator.join(["size", "colour", "price"])]
    lines += [separator.join(map(str, row)) for row in zip(SIZE, COLOUR, (2 * SIZE).round(2))]
    with open("t.csv", "w") as file:  # noqa: PTH123
        file.write("".join(f"{line}{tail}\n" for line in lines))
    answer, run = trained("t.csv", "price")
    assert [column.name for column in run.table.columns] == ["size", "colour"]
    assert about(answer["notices"], "nameless", "4", "left out")
    assert not any(notice.startswith(" ") for notice in answer["notices"])
    done = backlit("predict", "t.backlit", "t.csv", "--out", "out.csv", "--json")
    assert done.json["rows"] == N


# --- M11: wide tables ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("max_size", [30])
def test_a_wide_table_keeps_within_memory_and_file_size(tmp_path, max_size):
    """300 rows of 5,000 columns: 12 MB of numbers, which once took 3.2 GB and a file of 853 MB."""
    values = np.random.default_rng(0).normal(size=(300, 5000)).astype(np.float32)
    frame = pl.DataFrame(values, schema=[f"g{i}" for i in range(5000)]).with_columns(y=pl.col("g0") * 2)
    frame.write_csv("wide.csv", float_precision=3)
    script = (
        "import resource\nfrom backlit.cli.main import main\n"
        "try: main()\n"
        "except SystemExit as e: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, e.code)"
    )
    arguments = ["train", "wide.csv", "--target", "y", "--epochs", "1", "--seed", "0", "--max-size", str(max_size)]
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True)
    peak, code = done.stdout.split()[-2:]
    assert code in ("0", "None"), done.stderr
    assert int(peak) < 1_500_000, peak
    assert os.path.getsize("wide.backlit") < 1.1e6 * max_size  # noqa: PTH202


def test_seconds_end_a_long_training():
    write({"x": SIZE, "y": 2 * SIZE})
    how = ("--hidden", "64", "--seed", "1", "--json", "--epochs", "1000000", "--max-seconds", "0.05")
    answer, _ = trained("t.csv", "y", how=how)
    assert answer["reason"] == "max_seconds"


# --- M14: what deserves a word -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spellings", [("Yes", "yes", "YES", "No"), ("red", "Red", "blue"), ("<=50K", "<=50K.", ">50K"), ("A", "A.", "B")]
)
def test_classes_that_differ_by_case_or_a_dot_are_a_notice(spellings):
    kind = [spellings[i % len(spellings)] for i in range(N)]
    write({"x": SIZE, "kind": kind})
    answer, _ = trained("t.csv", "kind")
    assert about(answer["notices"], "kind", spellings[0], spellings[1])


@pytest.mark.parametrize("spellings", [("Red", "Red ", "Blue"), ("Kent", "kent", "KENT"), (" x", "x", "z")])
def test_levels_that_differ_by_case_or_blanks_are_a_notice(spellings):
    write({"x": SIZE, "town": [spellings[i % len(spellings)] for i in range(N)], "y": 2 * SIZE})
    answer, _ = trained("t.csv", "y")
    assert about(answer["notices"], "town")


def test_a_header_that_looks_like_data_is_a_notice():
    with open("t.csv", "w") as file:  # noqa: PTH123
        file.writelines(f"{size},{colour},{2 * size:.2f}\n" for size, colour in zip(SIZE, COLOUR))
    name = f"{2 * SIZE[0]:.2f}"
    answer, _ = trained("t.csv", name)
    assert about(answer["notices"], "header") or about(answer["notices"], "line of column names")
    write({"size": SIZE, "colour": COLOUR, "2014": 2 * SIZE}, "fine.csv")
    assert not about(trained("fine.csv", "2014")[0]["notices"], "header")


@pytest.mark.parametrize("out", [None, "out.csv"])
def test_a_header_alone_gives_the_header_with_its_prediction(out):
    write({"size": SIZE, "colour": COLOUR, "price": 2 * SIZE})
    trained("t.csv", "price")
    with open("new.csv", "w") as file:  # noqa: PTH123
        file.write("size,colour\n")
    done = backlit("predict", "t.backlit", "new.csv", *(["--out", out] if out else []))
    assert done.code == 0, done.err
    text = Path(out).read_text() if out else done.out
    assert text.strip() == "size,colour,predicted price"


# --- M19: blanks after commas --------------------------------------------------------------------------------------


@pytest.mark.parametrize("blank", [" ", "  ", "\t"])
def test_blanks_around_names_and_levels_are_no_part_of_them(blank):
    work = draw.choice(["Private", "State-gov", "?"], N)
    income = np.where(SIZE > np.median(SIZE), ">50K", "<=50K")
    spread = {"hours": SIZE, "workclass": work, "income": income}
    with open("t.csv", "w") as file:  # noqa: PTH123
        lines = [spread, *zip(*spread.values())]
        file.writelines(f",{blank}".join(map(str, line)) + "\n" for line in lines)
    write(spread, "plain.csv")
    answer, run = trained("t.csv", "income")
    require_same_fit((run, trained("plain.csv", "income")[1]))
    assert run.table.target.classes == ("<=50K", ">50K")
    assert next(c.levels for c in run.table.columns if c.name == "workclass") == ("Private", "State-gov")
    assert about(answer["notices"], "blank")
    assert read_table("t.csv").columns == list(spread)


def test_labels_with_a_final_dot_in_a_test_file_do_not_stop_predictions():
    income = np.where(SIZE > np.median(SIZE), ">50K", "<=50K")
    for name, dot in (("t.csv", ""), ("test.csv", ".")):
        with open(name, "w") as file:  # noqa: PTH123
            file.write("hours, workclass, income\n")
            file.writelines(f"{size}, {colour}, {label}{dot}\n" for size, colour, label in zip(SIZE, COLOUR, income))
    _, run = trained("t.csv", "income", how=LONG)
    done = backlit("predict", "t.backlit", "test.csv", "--out", "out.csv", "--json")
    assert done.json["rows"] == N
    predicted = read_table("out.csv")["predicted income"].to_numpy()
    assert (predicted == income).mean() > 0.9
    np.testing.assert_array_equal(predicted, run.model().predict(read_table("test.csv")))


def test_refusals_name_their_options_in_python_too():
    write({"preis": comma(draw.uniform(20, 99, N).round(3), 3), "y": SIZE})
    with pytest.raises(DataError, match="decimal="):
        read_table("t.csv")
