"""Only what a file's bytes hold can be damage. A mistake of the program's passes as itself, wherever a file is open."""

import json
import sqlite3
from contextlib import closing

import pytest
from stranger import changed, going_on, looks, outcomes, planned, record, stored, verify

import backlit as bl
from backlit.errors import BacklitError, DataError
from backlit.runs import export
from backlit.runs.file import create, reading, writing
from backlit.runs.recorder import transaction
from backlit.runs.run import open_run, recording
from backlit.runs.schema import TABLES, DamageError, Fact, Snapshot, TimelineRow, digest
from backlit.training import train

# --- mistakes ----------------------------------------------------------------------------------------------------


class OddError(Exception):
    """One that nobody expects."""


MISTAKES = [
    AttributeError("'NoneType' object has no attribute 'nothing'"), KeyError("nothing"), TypeError("nothing"),
    ValueError("nothing"), IndexError(3), OverflowError("too much"), RecursionError("too deep"), AssertionError(),
    ZeroDivisionError(), NotImplementedError(), UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no text"), OSError(5, "no"),
    UnicodeEncodeError("utf-8", "\ud800", 0, 1, "no text"), OddError(), MemoryError(), KeyboardInterrupt(),
    SystemExit(3), json.JSONDecodeError("no JSON", "{", 1), sqlite3.Error(), sqlite3.DatabaseError("nothing"),
    sqlite3.ProgrammingError("Cannot operate on a closed database."), sqlite3.OperationalError("no such table: t"),
    BacklitError("what backlit says"), DataError("what backlit says"),
]  # fmt: skip


def raised(error):
    """Raise it, from somewhere deep."""
    raise error


@pytest.mark.parametrize("error", MISTAKES, ids=lambda error: type(error).__name__)
def test_a_mistake_passes_as_itself_where_a_file_is_open(copy, tmp_path, error):
    def inside(manager):
        with manager:
            raised(error)

    def in_a_transaction():
        with writing(copy) as file, transaction(file):
            raised(error)

    ways = {
        "reading": lambda: inside(reading(copy)),
        "writing": lambda: inside(writing(copy)),
        "a transaction": in_a_transaction,
        "recording": lambda: inside(recording(tmp_path / "new.backlit", *planned())),
    }
    before = str(error)
    for name, way in ways.items():
        with pytest.raises(type(error)) as caught:
            way()
        assert caught.value is error, name
        assert str(error) == before
        assert verify(copy).sound


def test_the_case_that_was_reported(copy):
    with pytest.raises(AttributeError, match="'NoneType' object has no attribute 'nothing'"), reading(copy):
        _ = None.nothing


DEEP = [  # a function that is called while a file is open, and who calls it
    ("backlit.runs.archive.rows_of", lambda run: run.about()),
    ("backlit.runs.run.rows_of", lambda run: run.timelines()),
    ("backlit.runs.archive.parsed", lambda run: run.about()),
    ("backlit.runs.archive.network_from", lambda run: run.again()),
    ("backlit.runs.run.Timeline", lambda run: run.timelines()),
    ("backlit.runs.archive.snapshot_places", lambda run: run.storage()),
    ("backlit.runs.archive.table_of", lambda run: run.frame()),
    ("backlit.runs.archive.load", lambda run: run.timeline().watch()),
    ("backlit.runs.columns.load", lambda run: run.frame()),
    ("backlit.runs.arrays.rows_of", lambda run: run.at(3)),
    ("backlit.runs.arrays.unpack", lambda run: run.at(3)),
    ("backlit.runs.records.load", lambda run: run.at(3)),
    ("backlit.runs.records.State", lambda run: run.at(3)),
    ("backlit.runs.sense.each_row", lambda run: run.at()),
    ("backlit.runs.sense.require_sound", lambda run: run.at()),
    ("backlit.runs.timeline.state_of", lambda run: run.timeline().best().theta),
    ("backlit.runs.timeline.Epoch", lambda run: run.timeline().epochs()),
    ("backlit.runs.timeline.replay", lambda run: run.at(run.timeline().steps() - 1)),
    ("backlit.training.loop.epoch_order", lambda run: list(run.replay(0, 9))),
    ("backlit.runs.timeline.figures_of", lambda run: run.timeline().curves()),
    ("backlit.runs.timeline.rate_at", lambda run: run.timeline().curves()),
    ("backlit.runs.verify.each_row", lambda run: run.verify()),
    ("backlit.runs.verify.unpack", lambda run: run.verify()),
    ("backlit.runs.verify._gaps", lambda run: run.verify()),
    ("backlit.runs.verify.arithmetic_difference", lambda run: run.verify(deep=True)),
    ("backlit.runs.verify._bits", lambda run: run.verify(deep=True)),
    ("backlit.runs.export.load_blob", lambda run: export.without_rows(run, run.path.with_name("bare.backlit"))),
    ("backlit.runs.export.parsed", lambda run: export.description(run)),
    ("backlit.runs.timeline.put_timeline", lambda run: run.fork(3, learning_rate=0.1)),
    ("backlit.runs.records.put", lambda run: run.fork(3, learning_rate=0.1)),
    ("backlit.runs.timeline.why_stop", lambda run: run.train(3)),
    ("backlit.runs.timeline.settings_from", lambda run: run.train(3)),
    ("backlit.runs.recorder.checksum_of", lambda run: run.train(3)),
    ("backlit.runs.recorder.put_snapshot", lambda run: run.train(3)),
    ("backlit.training.loop.evaluate", lambda run: run.train(30)),
    ("backlit.engines.protocol.Figures.first", lambda run: run.train(3)),
    ("backlit.runs.run.put", lambda run: run.note(more=1)),
    ("backlit.runs.run.collect", lambda run: run.gc()),
]


@pytest.mark.filterwarnings("ignore::backlit.errors.RunWarning")
@pytest.mark.parametrize(("place", "look"), DEEP, ids=[place.removeprefix("backlit.") for place, _ in DEEP])
def test_a_mistake_deep_in_the_program_passes_as_itself(copy, monkeypatch, place, look):
    for error in (AttributeError("nothing"), KeyError("nothing"), TypeError("nothing"), ValueError("nothing")):
        with monkeypatch.context() as patch:
            patch.setattr(place, lambda *_, error=error, **__: raised(error))
            with pytest.raises(type(error)) as caught:
                look(bl.Run(copy))
        assert caught.value is error
    for name, found in outcomes(copy).items():
        assert not isinstance(found, Exception), (name, found)


def test_a_mistake_of_whoever_records_or_listens_passes_as_itself(copy, tmp_path):
    start, error = planned(), KeyError("nothing")

    def events():
        for number, event in enumerate(train(start.plan, start.state)):
            if number == 5:
                raise error
            yield event

    path = tmp_path / "a.backlit"
    with pytest.raises(KeyError) as caught, recording(path, *start) as recorder:
        list(recorder.record(events()))
    assert caught.value is error
    assert verify(path).sound
    open_run(copy).fork(2, name="another")
    going = open_run(copy).timeline("another").events()
    next(going)
    with pytest.raises(KeyError) as caught:
        going.throw(error)
    assert caught.value is error
    assert verify(copy).sound


WRONG = ["SELECT nothing FROM nowhere", "SELECT", "SELECT nothing FROM about", "INSERT INTO about VALUES (1)",
         "INSERT INTO about VALUES (NULL, '', x'00')", "INSERT INTO about VALUES (x'00', '', x'00')",
         "DELETE FROM sqlite_schema", "CREATE TABLE about (a)"]  # fmt: skip


@pytest.mark.parametrize("statement", WRONG)
def test_a_wrong_statement_is_no_damage(copy, statement):
    def execute(file):
        file.execute(statement)

    with pytest.raises(sqlite3.DatabaseError), writing(copy) as file:
        execute(file)
    with pytest.raises(sqlite3.DatabaseError), recording(copy.with_name("new.backlit"), *planned()) as recorder:
        execute(recorder.file)
    with pytest.raises(sqlite3.DatabaseError):
        create(copy.with_name("newer.backlit"), execute)
    if statement.startswith("SELECT"):
        with pytest.raises(sqlite3.OperationalError), reading(copy) as file:
            execute(file)
    with pytest.raises(sqlite3.ProgrammingError), reading(copy) as file:
        file.execute("SELECT ?")
    assert verify(copy).sound


# --- damage ------------------------------------------------------------------------------------------------------


def test_damage_that_is_found_inside_names_the_file(copy):
    told = r"copy.backlit is damaged \(it is no more\); `backlit verify` tells"
    with pytest.raises(DataError, match=told), reading(copy):
        raise DamageError("it is no more")


def test_whatever_is_damaged_names_the_file(copy):
    """Settings and networks are read in many places, each of which must say whose they are."""
    (row,) = stored(copy, TimelineRow, "number = 1")
    for field in ("settings", "network"):
        with closing(sqlite3.connect(copy)) as file, file:
            odd = row._replace(**{field: '{"layers": []}'})
            file.execute(f"UPDATE timelines SET {field} = ?, seal = ? WHERE number = 1",
                         (getattr(odd, field), digest("timelines", *odd)))  # fmt: skip
        for name, found in outcomes(copy, *going_on(copy)).items():
            assert not isinstance(found, DamageError), (name, found)
            if isinstance(found, DataError):
                assert ".backlit is damaged (" in str(found), (name, found)


def test_a_mistake_in_a_look_fails_the_tests_of_hostile_files(copy, monkeypatch):
    """Those tests take backlit's own errors for answers; a mistake must not hide among them."""
    monkeypatch.setattr("backlit.runs.timeline.state_of", lambda *_: raised(TypeError("nothing")))
    with pytest.raises(AssertionError, match="TypeError: nothing"):
        outcomes(copy)
    assert len(looks(copy)) > 20


LOOSE = {
    "about": ("key", "value"),
    "timelines": ("parent", "seed", "settings", "step", "name"),
    "snapshots": ("timeline", "step", "arrays", "total"),
    "epochs": ("epoch", "error"),
    "stretches": ("stop", "seconds", "figures"),
    "blobs": ("hash", "shape", "data"),
}


def loosened(path, table, column, value):
    """Put a value of any type into every row, sealed: what SQLite's STRICT does not let anyone do by statements."""
    kind = next(kind for kind, (name, _) in TABLES.items() if name == table)
    rows = stored(path, kind)
    schema = "UPDATE sqlite_schema SET sql = {} WHERE name = '" + table + "'"
    with closing(sqlite3.connect(path)) as file:
        (strict,) = file.execute(f"SELECT sql FROM sqlite_schema WHERE name = '{table}'").fetchone()
    loose = strict.replace(" STRICT", "").replace(" NOT NULL", "")
    changed(path, "PRAGMA writable_schema = ON", schema.format(f"'{loose}'"))
    with closing(sqlite3.connect(path)) as file, file:
        odd = rows[-1]._replace(**{column: value})
        key = TABLES[kind][1].split(", ")
        file.execute(
            f"UPDATE {table} SET {column} = ?, seal = ? WHERE {' AND '.join(f'{name} = ?' for name in key)}",
            (value, digest(table, *odd), *(getattr(rows[-1], name) for name in key)),
        )
    changed(path, "PRAGMA writable_schema = ON", schema.format(f"'{strict}'"))


@pytest.mark.parametrize(("table", "column"), [(table, column) for table in LOOSE for column in LOOSE[table]])
@pytest.mark.parametrize("value", ["x", None, b"\0", 1.5, 2**62, -1], ids=repr)
def test_a_field_of_another_type_is_damage(copy, table, column, value):
    loosened(copy, table, column, value)
    found = outcomes(copy, *going_on(copy))
    assert not isinstance(found["verify"], str)


def test_text_that_is_none_is_damage(copy):
    """Bytes that are no UTF-8, sealed as they are read."""
    (row,) = stored(copy, TimelineRow, "number = 2")
    odd = row._replace(name="\udcff")
    changed(copy, f"UPDATE timelines SET name = CAST(x'ff' AS TEXT), seal = x'{digest('timelines', *odd).hex()}' "
                  "WHERE number = 2")  # fmt: skip
    assert stored_name(copy) == b"\xff"
    outcomes(copy, *going_on(copy))
    for look in (lambda run: run.timelines(), lambda run: run.keep("main"), lambda run: run.fork(1)):
        with pytest.raises(DataError, match=r"copy.backlit is damaged \(timelines 2 is not as it was written\)"):
            look(bl.Run(copy))


def stored_name(path):
    with closing(sqlite3.connect(path)) as file:
        return file.execute("SELECT CAST(name AS BLOB) FROM timelines WHERE number = 2").fetchone()[0]


def test_facts_without_what_they_should_name(copy):
    """Each may be left out of the JSON that tells of the rows."""
    before = copy.read_bytes()
    facts = json.loads(stored(copy, Fact, "key = 'data'")[0].value)
    for at in [(), *((key,) for key in facts), *(("encoded", 0, key) for key in facts["encoded"][0])]:
        copy.write_bytes(before)
        less = json.loads(json.dumps(facts))
        place = less
        for key in at[:-1]:
            place = place[key]
        place.pop(at[-1]) if at else less.clear()
        row = Fact("data", json.dumps(less))
        changed(copy, f"UPDATE about SET value = '{row.value}', seal = x'{digest('about', *row).hex()}' "
                      "WHERE key = 'data'")  # fmt: skip
        outcomes(copy, *going_on(copy))
        verify(copy)


def test_a_state_without_what_it_should_name(copy):
    last = [row for row in stored(copy, Snapshot) if row.timeline == 1][-1]
    for name in json.loads(last.arrays):
        arrays = {key: value for key, value in json.loads(last.arrays).items() if key != name}
        odd = last._replace(arrays=json.dumps(arrays))
        changed(copy, f"UPDATE snapshots SET arrays = '{odd.arrays}', seal = x'{digest('snapshots', *odd).hex()}' "
                      f"WHERE timeline = 1 AND step = {odd.step}")  # fmt: skip
        outcomes(copy, *going_on(copy))
    record(copy, planned(), force=True)
    assert verify(copy).sound
