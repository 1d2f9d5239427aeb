"""A table is looked at, and a run begun on it."""

import shlex

import numpy as np
import polars as pl
import pytest
from commands import backlit

import backlit as bl
from backlit.errors import ArgumentError, BacklitError, DataError, UnknownNameError
from backlit.fitting import Recipe, prepare
from backlit.lesson import SMALL
from backlit.problem import Problem, split_rows
from backlit.recipe import TYPED as SETTINGS
from backlit.studio import setup
from backlit.studio.messages import Begin, Nothing, RunQuery, TableQuery
from backlit.studio.questions import QUESTIONS
from backlit.studio.shelf import Shelf

from .conftest import OneRun

N = 60
draw = np.random.default_rng(2)
HTML = "<img src=x onerror=alert(1)>"
FRAME = pl.DataFrame(
    {
        "id": [f"row {i} of a list of many" for i in range(N)],
        "size": [None if i % 10 == 3 else float(x) for i, x in enumerate(draw.gamma(2, 500, N))],
        "town": draw.choice(["Kent", "Auburn", HTML], N),
        "SalePrice": [None if i == 5 else float(i * 10 + 1000) for i in range(N)],
        "rooms": draw.integers(1, 6, N),
        "same": ["x"] * N,
    }
)


@pytest.fixture
def desk(tmp_path):
    shelf = Shelf(tmp_path)
    (tmp_path / "tables").mkdir()
    FRAME.write_csv(tmp_path / "tables" / f"homes {HTML.replace('/', '')}.csv")
    desk = OneRun(shelf)
    yield desk
    desk.shelf.close()


@pytest.fixture
def key(desk, tmp_path):
    [path] = (tmp_path / "tables").iterdir()
    return desk.shelf.add_table(path)


def added(desk, tmp_path, frame, name="own.csv"):
    frame.write_csv(tmp_path / "tables" / name)
    return desk.shelf.add_table(tmp_path / "tables" / name)


def begin(desk, query):
    """Begin a run, and open it."""
    begun = setup.begin(desk, query)
    desk.key = begun.run
    return begun


def looked(desk, key, **more):
    return QUESTIONS["table"](desk, TableQuery(key=key, **more))


def test_what_is_on_the_shelf(desk, key):
    shelf = QUESTIONS["shelf"](desk, Nothing())
    assert key in shelf.tables
    sent = {one.name: one for one in shelf.settings}
    assert set(sent) == set(SETTINGS)
    for name, setting in SETTINGS.items():
        field = sent[name]
        assert (field.help, field.none) == (setting.help, setting.none)
        assert (setting.read(field.value) if field.value else None) == setting.default
        assert {"names": bool(field.names), "number": bool(field.allowed), "units": True}[field.kind]
    assert {name: SETTINGS[name].read(text) for name, text in shelf.small.items()} == SMALL
    assert (sent["dropout"].least, sent["dropout"].below, sent["learning_rate"].above) == (0, 1, 0)
    assert "adamw" in sent["optimizer"].names


def test_a_table_is_looked_at(desk, key):
    found = looked(desk, key)
    columns = {column.name: column for column in found.columns}
    assert {name: column.kind for name, column in columns.items()} == {
        "id": "drop", "size": "number", "town": "category", "SalePrice": "number", "rooms": "number", "same": "drop",
    }  # fmt: skip
    assert (columns["size"].missing, columns["town"].distinct) == (6, 3)
    assert "free text" in columns["id"].why
    assert set(columns["town"].examples) == {"Kent", "Auburn", HTML}
    assert (found.rows, len(found.head), len(found.head[0])) == (N, 8, 6)
    assert found.head[3][1] == ""
    assert (found.target, found.task, found.trouble) == ("SalePrice", "regression", "")
    assert HTML.replace("/", "") in found.name


def test_the_target_is_asked_for(desk, key):
    assert looked(desk, key, target="town").task == "classification"
    with pytest.raises(UnknownNameError, match="column 'twn'"):
        looked(desk, key, target="twn")
    assert "too many for classes" in looked(desk, key, target="id").trouble
    assert "one class only" in looked(desk, key, target="same").trouble


@pytest.mark.parametrize(
    ("names", "goal"),
    [
        (["x", "y", "z"], "y"), (["price", "x", "z"], "price"), (["x", "median_price", "z"], "median_price"),
        (["a", "b", "city"], "city"), (["yearly", "Class"], "Class"), (["outcomes", "a"], "outcomes"),
        (["age", "workclass", "income"], "income"), (["LifeClass", "income"], "LifeClass"),
    ],
)  # fmt: skip
def test_the_target_is_guessed(desk, tmp_path, names, goal):
    frame = pl.DataFrame({name: draw.normal(size=20) for name in names})
    assert looked(desk, added(desk, tmp_path, frame)).target == goal


def test_what_cannot_be_begun_on_is_told(desk, tmp_path):
    few = added(desk, tmp_path, FRAME.head(5), "few.csv")
    assert "give ten or more" in looked(desk, few).trouble
    alone = added(desk, tmp_path, FRAME.select("rooms"), "alone.csv")
    assert "no column is left" in looked(desk, alone).trouble
    with pytest.raises(DataError, match="give ten or more"):
        begin(desk, Begin(table=few, target="SalePrice"))


def test_a_run_is_begun(desk, key):
    news = []
    desk.subscribe(news.append)
    typed = {"hidden": "4", "epochs": "3", "batch_size": "10"}
    query = Begin(table=key, target="SalePrice", columns=["size", "town"], seed=7, settings=typed)
    begun = begin(desk, query)
    assert [item.shelf for item in news] == [QUESTIONS["shelf"](desk, Nothing())]
    assert desk.key in desk.shelf.runs()
    run = desk.run
    assert [column.name for column in run.table.columns] == ["size", "town"]
    assert run.timeline().steps() == 0
    assert run.timeline().settings().epochs == 3
    assert "1 row without SalePrice: left out" in begun.notices
    rows = np.delete(np.arange(N), 5)
    split = split_rows(np.arange(N - 1))
    assert run.timeline().learn().rows.tolist() == rows[split.train].tolist()
    kept = FRAME[rows]
    recipe = Recipe(hidden=(4,), epochs=3, batch_size=10, columns=["size", "town"])
    start = prepare(Problem(kept.drop("SalePrice"), kept.select("SalePrice"), split=split, rows=rows), recipe, 7)
    assert run.net == start.plan.net
    np.testing.assert_array_equal(run.at(0).theta, start.state.theta)
    run.timeline().train()
    assert run.timeline().reason() == "epochs"


TYPED = pl.DataFrame(
    {
        "id": range(1000, 1000 + N),
        "preis": [f"{i % 60 + 3},{i * 37 % 900 + 100}" for i in range(N)],
        "sold": [f"{i % 12 + 1}/{i % 11 + 1}/2019" for i in range(N)],
        "zip": [f"{i % 4:05}" for i in range(N)],
        "fee": [f"${i % 3}.50" for i in range(N)],
        "open": [i % 2 for i in range(N)],
        "it's $size": draw.gamma(2, 500, N).round(2),
        "goal": [None if i == 5 else str(i % 7 + 2) for i in range(N)],
    }
)


@pytest.mark.parametrize(
    "more",
    [
        {}, {"seed": 7},
        {"columns": ["preis", "it's $size"], "settings": {"hidden": "3", "activation": "tanh", "encoding": "plain"}},
        {"kinds": {"fee": "category", "open": "boolean", "id": "number", "zip": "number"}},
        {"settings": {"dropout": "0"}},
        {"task": "classification", "settings": {"optimizer": "sgd", "learning_rate": "0.0123", "schedule": "constant"}},
        {"task": "regression", "settings": {"hidden": "", "batch_size": "7", "epochs": "4"}}, {"target": "preis"},
        {"settings": {"bins": "5", "patience": "1", "metric": "mae", "max_steps": "11", "loss": "huber"}},
    ],
)  # fmt: skip
def test_the_line_that_is_recorded_makes_the_same_run(desk, tmp_path, monkeypatch, more):
    monkeypatch.chdir(tmp_path / "tables")
    TYPED.write_csv("own.csv", separator="\t")
    key = desk.shelf.add_upload("own.csv", tmp_path / "tables" / "own.csv")
    more["settings"] = {"epochs": "2"} | more.get("settings", {})
    begin(desk, Begin(**{"table": key, "target": "goal", "decimal": ",", "date_order": "mdy"} | more))
    run = desk.run
    assert run.about()["split"] == {"by": "row", "column": None, "seed": 0}
    [line] = run.about()["commands"]["main"]
    words = shlex.split(line)
    assert words[:3] == ["backlit", "train", "own.csv"]
    assert backlit(*words[1:]).code == 0
    other = bl.open_run("own.backlit")
    run.timeline().train()
    for a, b in ((run.at(0).theta, other.at(0).theta), (run.timeline().best().theta, other.timeline().best().theta)):
        assert a.tobytes() == b.tobytes()
    for part in ("learn", "watch"):
        a, b = getattr(run.timeline(), part)(), getattr(other.timeline(), part)()
        for x, y in ((a.X, b.X), (a.Y, b.Y), (a.rows, b.rows)):
            assert x.tobytes() == y.tobytes()
    assert run.timeline().settings() == other.timeline().settings()
    assert run.frame().equals(other.frame())
    assert run.table == other.table
    assert [run.about()[name] for name in ("split", "rows")] == [other.about()[name] for name in ("split", "rows")]
    assert sorted(words) == sorted(shlex.split(other.about()["commands"]["main"][0]))


def test_the_weights_and_the_split_have_seeds_of_their_own(desk, key):
    parts, starts = [], []
    for seed in (1, 2):
        begin(desk, Begin(table=key, target="SalePrice", settings={"hidden": "2"}, seed=seed))
        parts.append(desk.run.timeline().learn().rows.tolist())
        starts.append(desk.run.at(0).theta)
    assert parts[0] == parts[1]
    assert not np.array_equal(*starts)


def test_no_line_makes_a_run_on_the_houses_again(desk):
    begin(desk, Begin(table="houses", target="price", columns=["sqft_living"], settings={"hidden": "2"}))
    assert "commands" not in desk.run.about()
    assert desk.run.about()["split"]["seed"] == 0


# --- columns with two readings -----------------------------------------------------------------------------------


@pytest.fixture
def doubtful(desk, tmp_path):
    (tmp_path / "tables" / "doubt.tsv").write_text(TYPED.write_csv(separator="\t"))
    return desk.shelf.add_table(tmp_path / "tables" / "doubt.tsv")


def test_a_column_with_two_readings_asks(desk, doubtful):
    found = looked(desk, doubtful, target="goal")
    columns = {column.name: column for column in found.columns}
    preis, sold = columns["preis"], columns["sold"]
    assert (preis.kind, sold.kind) == ("number", "date")
    assert preis.question.option == "decimal"
    assert preis.question.readings == {".": "3100", ",": "3.1"}
    assert preis.trouble == "preis is '3,100', which may be 3100 or 3.1; choose the decimal mark above"
    assert sold.question.option == "date_order"
    assert sorted(sold.question.readings) == ["dmy", "mdy"]
    assert sold.trouble.endswith("choose the order of dates above")
    assert "--" not in preis.trouble + sold.trouble
    assert [column.name for column in found.columns if column.trouble] == ["preis", "sold"]


def test_a_choice_answers_and_the_table_is_read_again(desk, doubtful):
    def of(name, **chosen):
        found = looked(desk, doubtful, target="goal", **chosen)
        assert (found.decimal, found.date_order) == (chosen.get("decimal"), chosen.get("date_order"))
        return next(column for column in found.columns if column.name == name)

    assert (of("preis", decimal=",").trouble, of("preis", decimal=",").examples[:2]) == ("", ("3.1", "4.137"))
    assert of("preis", decimal=",").question is None
    assert of("preis", decimal=".").examples[:2] == ("3100", "4137")
    assert "3,100 read as 3.1" in of("preis", decimal=",").why
    assert of("sold", decimal=",").trouble
    assert of("sold", date_order="dmy").examples[1] == "2019-02-02"
    assert (of("sold", date_order="mdy").kind, of("sold", date_order="mdy").trouble) == ("date", "")
    assert of("preis").trouble


def test_a_target_with_two_readings_asks(desk, doubtful):
    found = looked(desk, doubtful, target="preis")
    assert found.trouble == "preis is '3,100', which may be 3100 or 3.1; choose the decimal mark above"
    assert next(column for column in found.columns if column.name == "preis").question.option == "decimal"
    found = looked(desk, doubtful, target="preis", decimal=",")
    assert found.trouble == ""
    assert "preis: 3,100 read as 3.1" in [column.why for column in found.columns]
    assert [column.why for column in looked(desk, doubtful, target="id").columns if column.name == "id"] == [""]


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        ({}, "choose the decimal mark above"), ({"decimal": ","}, "choose the order of dates above"),
        ({"target": "preis", "date_order": "dmy"}, "choose the decimal mark above"),
    ],
)  # fmt: skip
def test_nothing_is_begun_where_nothing_was_chosen(desk, doubtful, chosen, told):
    before = set(desk.shelf.folder.iterdir())
    with pytest.raises(DataError, match=f"{told}$") as caught:
        begin(desk, Begin(**{"table": doubtful, "target": "goal"} | chosen))
    assert "--" not in str(caught.value)
    assert set(desk.shelf.folder.iterdir()) == before


def test_a_column_that_is_left_out_or_holds_names_asks_nothing(desk, doubtful):
    kinds = {"preis": "category"}
    begin(
        desk,
        Begin(table=doubtful, target="goal", columns=["preis", "it's $size"], kinds=kinds, settings={"hidden": "2"}),
    )
    assert [column.kind for column in desk.run.table.columns] == ["category", "number"]


def test_a_run_is_begun_as_it_was_chosen(desk, doubtful):
    begin(desk, Begin(table=doubtful, target="preis", decimal=",", date_order="dmy", settings={"hidden": "2"}))
    assert desk.run.frame()["preis"][:2].to_list() == [3.1, 4.137]
    assert desk.run.frame()["sold"][1].isoformat() == "2019-02-02"
    assert desk.run.table.target.reading.decimal == ","


def test_an_odd_entry_among_numbers_is_told_at_its_column(desk, tmp_path):
    frame = pl.DataFrame({"size": [*map(str, range(100, 159)), "many"], "y": draw.normal(size=60)})
    size, _ = looked(desk, added(desk, tmp_path, frame)).columns
    assert (size.kind, size.question) == ("number", None)
    assert "'many' in row 59" in size.trouble
    assert "--" not in size.trouble
    assert size.trouble.endswith("add it to the missing marks above, take the column as a category, or leave it out")


def test_a_mark_of_missing_fields_is_said_and_the_table_is_read_again(desk, tmp_path):
    frame = pl.DataFrame({"size": [*map(str, range(100, 157)), "many", "many", "n"], "y": draw.normal(size=60)})
    table = added(desk, tmp_path, frame)
    found = looked(desk, table, missing=" many,n , ")
    size, _ = found.columns
    assert (size.trouble, size.missing, found.missing) == ("", 3, " many,n , ")
    with pytest.raises(DataError, match="'many' in row 57, which is no number; add it to the missing marks above"):
        begin(desk, Begin(table=table, target="y", settings={"hidden": "2"}))
    begin(desk, Begin(table=table, target="y", settings={"hidden": "2"}, missing="many, n"))
    assert desk.run.frame()["size"].null_count() == 3
    assert "--missing many --missing n" in desk.run.about()["commands"]["main"][0]


def test_what_is_odd_of_the_whole_table_is_told(desk, tmp_path):
    (tmp_path / "tables" / "padded.csv").write_text("a, y\n" + "".join(f"{i * i % 17},{i}\n" for i in range(30)))
    [notice] = looked(desk, desk.shelf.add_table(tmp_path / "tables" / "padded.csv")).notices
    assert notice == "blanks around column names are ignored, as in ' y'"


def test_the_target_is_read_as_one(desk, tmp_path):
    """None may be the name of a class."""
    frame = pl.DataFrame({"x": draw.normal(size=40), "y": ["None", "some"] * 20})
    key = added(desk, tmp_path, frame)
    found = looked(desk, key)
    assert (found.target, found.task, found.trouble) == ("y", "classification", "")
    assert found.columns[1].distinct == 2
    begin(desk, Begin(table=key, target="y", settings={"hidden": "2"}))
    assert desk.run.table.target.labels == ("None", "some")


def test_classes_and_kinds(desk, key):
    begin(desk, Begin(table=key, target="town", kinds={"rooms": "category"}, settings={"hidden": "3"}))
    target = desk.run.table.target
    assert target.labels == (HTML, "Auburn", "Kent")
    assert {column.name: column.kind for column in desk.run.table.columns} == {
        "size": "number", "SalePrice": "number", "rooms": "category",
    }  # fmt: skip
    begin(desk, Begin(table=key, target="rooms", task="classification", settings={"hidden": "3"}))
    assert desk.run.table.target.classes == (1, 2, 3, 4, 5)


def test_a_schedule_is_chosen(desk, key):
    begin(desk, Begin(table=key, target="SalePrice", settings={"hidden": "2", "schedule": "constant"}))
    assert desk.run.timeline().settings().schedule.name == "constant"
    with pytest.raises(ArgumentError, match="did you mean 'constant'"):
        begin(desk, Begin(table=key, target="SalePrice", settings={"schedule": "constnt"}))


def test_what_is_wrong_with_an_upload_is_told_by_its_name(desk):
    place = desk.shelf.upload("C:\\of mine\\ragged.csv")
    place.write_text("a,b\n1,2\n3,4,5\n")
    with pytest.raises(DataError, match=r"^ragged\.csv") as caught:
        desk.shelf.add_upload("C:\\of mine\\ragged.csv", place)
    assert str(place.parent) not in str(caught.value)


def test_houses_have_units(desk):
    begin(desk, Begin(table="houses", target="price", columns=["sqft_living"], settings={"hidden": "2"}))
    assert desk.run.table.target.unit == "$"
    assert QUESTIONS["run"](desk, RunQuery(run=desk.key)).columns[0].unit == "sqft"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"target": "cost"}, "unknown column 'cost'"), ({"columns": ["sise"]}, "did you mean 'size'"),
        ({"kinds": {"size": "figure"}}, "it must be one of number"), ({"kinds": {"sise": "number"}}, "did you mean"),
        ({"columns": []}, "no column is left"), ({"table": "?"}, "table"), ({"seed": -1}, "seed"),
        *(({"settings": {name: value}}, told) for name, value, told in (
            ("hidden", "0", "hidden"), ("activation", "rellu", "relu"), ("hidden", "100000 100000", "take fewer"),
            ("optimizer", "adom", "adam"), ("learning_rate", "-1", "learning_rate"), ("dropout", "1", "dropout"),
            ("epochs", "1.5", "epochs is '1.5'; it must be a whole number"), ("epoch", "1", "did you mean 'epochs'"),
            ("columns", "size", "unknown setting 'columns'"),
        )),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_and_nothing_is_begun(desk, key, wrong, told):
    before = set(desk.shelf.folder.iterdir())
    with pytest.raises(BacklitError, match=told) as caught:
        begin(desk, Begin(**{"table": key, "target": "SalePrice"} | wrong))
    assert isinstance(caught.value, ArgumentError | DataError)
    assert set(desk.shelf.folder.iterdir()) == before
