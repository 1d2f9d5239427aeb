"""A table is looked at, and a run begun on it."""

import numpy as np
import polars as pl
import pytest

from backlit.errors import ArgumentError, BacklitError, DataError, UnknownNameError
from backlit.fitting import Recipe, prepare, split_rows
from backlit.studio import setup
from backlit.studio.desk import Desk
from backlit.studio.messages import Begin, Nothing, TableQuery
from backlit.studio.questions import QUESTIONS
from backlit.studio.shelf import Shelf

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
    desk = Desk(shelf, "first")
    yield desk
    desk.close()


@pytest.fixture
def key(desk, tmp_path):
    [path] = (tmp_path / "tables").iterdir()
    return desk.shelf.add_table(path)


def added(desk, tmp_path, frame, name="own.csv"):
    frame.write_csv(tmp_path / "tables" / name)
    return desk.shelf.add_table(tmp_path / "tables" / name)


def looked(desk, key, **more):
    return QUESTIONS["table"](desk, TableQuery(key=key, **more))


def test_what_is_on_the_shelf(desk, key):
    assert key in QUESTIONS["shelf"](desk, Nothing()).tables


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
        setup.begin(desk, Begin(table=few, target="SalePrice"))


def test_a_run_is_begun(desk, key):
    told = []
    desk.subscribe(told.append)
    query = Begin(table=key, target="SalePrice", columns=["size", "town"], hidden=[4], epochs=3, seed=7, batch_size=10)
    done = setup.begin(desk, query)
    assert done.present.run == desk.key
    assert desk.key in desk.shelf.message().runs
    assert (done.present.timeline, done.present.step) == ("main", 0)
    run = desk.run
    assert [column.name for column in run.table.columns] == ["size", "town"]
    assert run.timeline().steps == 0
    assert run.timeline().settings.epochs == 3
    assert any(news.told == "1 row without SalePrice: left out" for news in told)
    rows = np.delete(np.arange(N), 5)
    split = split_rows(np.arange(N - 1), 7)
    assert run.data("train").rows.tolist() == rows[split.train].tolist()
    kept = FRAME[rows]
    recipe = Recipe(hidden=(4,), epochs=3, batch_size=10, columns=["size", "town"])
    plan = prepare(kept.drop("SalePrice"), kept.select("SalePrice"), recipe, split=split, numbers=rows, seed=7)
    assert run.net == plan.net
    np.testing.assert_array_equal(run.at(0).theta, plan.begin().theta)
    run.timeline().train()
    assert run.timeline().reason == "epochs"


def test_classes_and_kinds(desk, key):
    setup.begin(desk, Begin(table=key, target="town", kinds={"rooms": "category"}, hidden=[3]))
    target = desk.run.table.target
    assert target.labels == (HTML, "Auburn", "Kent")
    assert {column.name: column.kind for column in desk.run.table.columns} == {
        "size": "number", "SalePrice": "number", "rooms": "category",
    }  # fmt: skip
    setup.begin(desk, Begin(table=key, target="rooms", task="classification", hidden=[3]))
    assert desk.run.table.target.classes == (1, 2, 3, 4, 5)


def test_a_schedule_is_chosen(desk, key):
    setup.begin(desk, Begin(table=key, target="SalePrice", hidden=[2], schedule="constant"))
    assert desk.run.timeline().settings.schedule.name == "constant"
    with pytest.raises(ArgumentError, match="did you mean 'constant'"):
        setup.begin(desk, Begin(table=key, target="SalePrice", schedule="constnt"))


def test_what_is_wrong_with_an_upload_is_told_by_its_name(desk):
    place = desk.shelf.upload("C:\\of mine\\ragged.csv")
    place.write_text("a,b\n1,2\n3,4,5\n")
    with pytest.raises(DataError, match=r"^ragged\.csv") as caught:
        desk.shelf.add_upload("C:\\of mine\\ragged.csv", place)
    assert str(place.parent) not in str(caught.value)


def test_houses_have_units(desk):
    setup.begin(desk, Begin(table="houses", target="price", columns=["sqft_living"], hidden=[2]))
    assert desk.run.table.target.unit == "$"
    assert QUESTIONS["run"](desk, Nothing()).columns[0].unit == "sqft"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"target": "cost"}, "unknown column 'cost'"), ({"columns": ["sise"]}, "did you mean 'size'"),
        ({"kinds": {"size": "figure"}}, "it must be one of number"), ({"kinds": {"sise": "number"}}, "did you mean"),
        ({"columns": []}, "no column is left"), ({"hidden": [0]}, "hidden"), ({"activation": "rellu"}, "relu"),
        ({"hidden": [100_000, 100_000]}, "take fewer units"), ({"optimizer": "adom"}, "adam"),
        ({"table": "?"}, "table"),
        ({"learning_rate": -1.0}, "learning_rate"), ({"dropout": 1.0}, "dropout"), ({"seed": -1}, "seed"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_and_nothing_is_begun(desk, key, wrong, told):
    before = desk.key, set(desk.shelf.folder.iterdir())
    with pytest.raises(BacklitError, match=told) as caught:
        setup.begin(desk, Begin(**{"table": key, "target": "SalePrice"} | wrong))
    assert isinstance(caught.value, ArgumentError | DataError)
    assert (desk.key, set(desk.shelf.folder.iterdir())) == before
