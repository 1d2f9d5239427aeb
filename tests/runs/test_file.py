"""The run file: what is written is read, and anything else is refused or noticed."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import warnings
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
import pytest
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import cross_val_score
from stranger import FRAME, PRICE, TABLE, changed, draw, going_on, listed, outcomes, planned, record, stored, verify

import backlit as bl
from backlit.engines.protocol import Rows
from backlit.errors import BacklitError, DataError
from backlit.fitting import Recipe, prepare
from backlit.problem import Problem
from backlit.progress import fit
from backlit.runs import export
from backlit.runs.file import reading, require_new
from backlit.runs.run import open_run, recording
from backlit.runs.schema import (
    APPLICATION_ID,
    FORMAT,
    SCHEMA,
    TABLES,
    Blob,
    EpochRow,
    Snapshot,
    Stretch,
)
from backlit.words import to_json

# --- written and read --------------------------------------------------------------------------------------------


def test_what_is_written_is_read(fitted, written):
    run = open_run(written)
    assert run.table == fitted.start.table
    assert run.net.to_dict() == fitted.start.plan.net.to_dict()
    assert run.timeline().epochs() == fitted.epochs
    np.testing.assert_array_equal(run.timeline().best().theta, fitted.theta)
    np.testing.assert_array_equal(run.at().theta, fitted.state.theta)
    np.testing.assert_array_equal(run.model().predict(FRAME), fitted.model.predict(FRAME))
    assert run.about()["source"] == "houses.csv"
    assert run.timeline().row().seed == "0"
    assert run.timeline().reason() == fitted.reason == "epochs"
    assert run.about()["rows"] == {"train": len(fitted.start.plan.learn), "validation": len(fitted.start.plan.watch)}
    assert run.about()["versions"].keys() == {"backlit", "numpy"}
    assert run.frame().equals(TABLE)
    assert bl.open_run(str(written)).path == written
    assert verify(written, deep=True).sound


def test_every_look_at_a_sound_file_succeeds(written):
    """What other tests count as an answer is one."""
    for name, found in outcomes(written, *going_on(written)).items():
        assert not isinstance(found, Exception), (name, found)


def test_rows_come_back_as_they_were_encoded(fitted, written):
    run = open_run(written)
    plan, line = fitted.start.plan, run.timeline()
    for found, part in ((line.learn(), plan.learn), (line.watch(), plan.watch)):
        assert isinstance(found, Rows)
        assert found.X.tobytes() == part.X.tobytes()
        assert found.Y.tobytes() == part.Y.tobytes()
        np.testing.assert_array_equal(found.rows, part.rows)


def test_it_is_a_sqlite_file_that_says_whose_it_is(written):
    with closing(sqlite3.connect(written)) as file:
        assert file.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        assert file.execute("PRAGMA user_version").fetchone() == (FORMAT,)
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert {name for (name,) in file.execute("SELECT name FROM sqlite_schema WHERE sql NOT NULL")} == set(SCHEMA)
        assert file.execute("SELECT count(*) FROM epochs WHERE timeline = 1").fetchone() == (6,)


def test_json_that_every_reader_takes():
    assert to_json({1: (np.int64(2), float("inf"), "é")}) == '{"1": [2, null, "é"]}'


def test_without_rows_to_watch_the_last_weights_predict(tmp_path):
    start = prepare(Problem(FRAME, PRICE), Recipe(hidden=(4,), epochs=1), 0)
    record(tmp_path / "a.backlit", start)
    run = open_run(tmp_path / "a.backlit")
    np.testing.assert_array_equal(run.timeline().best().theta, run.at().theta)
    assert run.timeline().watch() is None


def test_after_recording_it_is_one_file(tmp_path):
    path = tmp_path / "a.backlit"
    record(path, planned(), frame=TABLE)
    assert listed(tmp_path) == ["a.backlit"]
    run = open_run(path)
    run.fork(3).train(2)
    run.keep("main")
    run.note(more=1)
    run.gc()
    verify(path, deep=True)
    assert listed(tmp_path) == ["a.backlit"]


def test_with_a_reader_in_it_all_is_in_the_file_that_it_is_copied_as(tmp_path):
    """A reader may keep SQLite's notes beside the file; but what was recorded must not be in them alone."""
    path, start = tmp_path / "a.backlit", planned()
    with recording(path, *start) as recorded:
        with reading(path) as file:
            file.execute("BEGIN")
            file.execute("SELECT count(*) FROM epochs").fetchone()
        done = fit(start, show=False, recorder=recorded)
        reader = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
        reader.execute("SELECT count(*) FROM epochs").fetchone()
    copied = Path(shutil.copy(path, tmp_path / "b.backlit"))
    reader.close()
    assert open_run(copied).timeline().epochs() == done.epochs


def test_opening_leaves_the_file_and_its_folder_alone(copy):
    copy.chmod(0o400)
    before = (copy.read_bytes(), copy.stat().st_mtime_ns)
    for found in outcomes(copy).values():
        assert not isinstance(found, Exception)
    assert (copy.read_bytes(), copy.stat().st_mtime_ns) == before
    assert listed(copy.parent) == ["copy.backlit"]


READ = """
import sys
from backlit.runs.run import open_run
run = open_run(sys.argv[1])
print(len(run.timeline().epochs()), run.verify().sound, len(run.at(5).theta))
try:
    run.keep("main")
except Exception as error:
    print(type(error).__name__, error)
"""


def test_in_a_folder_that_cannot_be_written_to(written, tmp_path):
    """Root can write anywhere, so another user looks."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(shutil.copy(written, Path(folder) / "a.backlit"))
        path.chmod(0o444)
        Path(folder).chmod(0o555)
        other = {"user": 65534, "group": 65534, "extra_groups": []} if os.getuid() == 0 else {}
        try:
            done = subprocess.run(
                [sys.executable, "-c", READ, path], capture_output=True, text=True, cwd=folder,
                env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "HOME": folder}, **other,
            )  # fmt: skip
        except PermissionError as error:
            pytest.skip(f"another user cannot run this Python: {error}")
        finally:
            Path(folder).chmod(0o755)
        if "Permission" in done.stderr or "No module" in done.stderr:
            pytest.skip("another user cannot read this Python's libraries")
        first, second = done.stdout.splitlines() or (done.stderr, "")
        assert first.split()[:2] == ["6", "True"]
        assert second.startswith(f"DataError {path} cannot be written: it is read-only; make a copy")
        assert listed(Path(folder)) == ["a.backlit"]


@pytest.mark.parametrize("name", ["a b?c#d%20.backlit", "ü\n[x].backlit", "'\";--.backlit", "-", b"\xff.backlit"])
def test_any_name(fitted, tmp_path, name):
    path = tmp_path / (name if isinstance(name, str) else name.decode("utf-8", "surrogateescape"))
    with recording(path, *fitted.start) as recorded:
        fit(fitted.start, show=False, recorder=recorded)
    assert open_run(path).timeline().epochs() == fitted.epochs
    open_run(path).keep("main")
    assert verify(path, deep=True).sound
    assert listed(tmp_path) == [path.name]


# --- what is no run file -----------------------------------------------------------------------------------------


def test_files_that_are_not_ours(tmp_path):
    other = tmp_path / "other.backlit"
    changed(other, "CREATE TABLE t (a)")
    for content, message in (
        (b"", "is no run file of backlit: it is empty; give one that train wrote"),
        (b"price\n1\n", "is no run file of backlit; give one that train wrote"),
        (draw.bytes(10_000), "is no run file of backlit"),
        (b"SQLite format 3\0", "is damaged|is no run file|is a SQLite file"),
        (b"SQLite format 3\0" + draw.bytes(10_000), "is damaged|is no run file"),
        (other.read_bytes(), "is a SQLite file, but no run file of backlit"),
    ):
        path = tmp_path / "a.backlit"
        path.write_bytes(content)
        for look in (open_run, verify, lambda path: bl.Run(path).keep("main")):
            with pytest.raises(DataError, match=message):
                look(path)
        assert path.read_bytes() == content
        assert listed(tmp_path) == ["a.backlit", "other.backlit"]
    with pytest.raises(DataError, match=r"nowhere.backlit does not exist; give the path of a run file"):
        open_run(tmp_path / "nowhere.backlit")
    with pytest.raises(DataError, match="is a folder; give the path of a run file"):
        open_run(tmp_path)


@pytest.mark.parametrize("name", ["a" * 300, "nul\0.backlit"])
def test_names_that_no_file_can_have(name, tmp_path):
    for look in (open_run, require_new, lambda path: record(path, planned())):
        with pytest.raises(DataError):
            look(tmp_path / name)


def test_another_programs_file_with_our_tables(copy):
    changed(copy, "PRAGMA application_id = 1")
    with pytest.raises(DataError, match="is a SQLite file, but no run file of backlit; give one that train wrote"):
        open_run(copy)


@pytest.mark.parametrize("format_", [FORMAT + 1, FORMAT - 1, 1, 0, -1, 2**31 - 1])
def test_a_file_of_another_format_is_refused_with_both_versions(copy, format_):
    changed(copy, f"PRAGMA user_version = {format_}")
    before = copy.read_bytes()
    remedy = "upgrade backlit" if format_ > FORMAT else "train again, or open it with the backlit that wrote it"
    message = rf"copy.backlit has format {format_}, and backlit [\d.]+ reads format {FORMAT}; {remedy}$"
    for look in (open_run, verify, lambda path: bl.Run(path).keep("main"), lambda path: bl.Run(path).train(3)):
        with pytest.raises(DataError, match=message):
            look(copy)
    assert copy.read_bytes() == before
    assert listed(copy.parent) == ["copy.backlit"]


MODULES = {"fts5": "fts5(a)", "rtree": "rtree(id, a, b)", "dbstat": "dbstat"}


@pytest.mark.parametrize(
    "statements",
    [
        ["CREATE TRIGGER t AFTER INSERT ON about BEGIN DELETE FROM about; END"],
        ["CREATE TRIGGER t AFTER UPDATE ON timelines BEGIN DELETE FROM epochs; END"],
        ["CREATE TRIGGER t BEFORE DELETE ON stretches BEGIN SELECT load_extension('x'); END"],
        ["CREATE VIEW v AS SELECT load_extension('x')"],
        ["DROP TABLE about", "CREATE VIEW about AS SELECT 'x' AS key, load_extension('x') AS value, x'00' AS seal"],
        ["DROP TABLE epochs"],
        ["ALTER TABLE epochs ADD COLUMN more TEXT"],
        ["ALTER TABLE epochs RENAME COLUMN error TO mistake"],
        ["CREATE INDEX i ON epochs (error)"],
        ["CREATE INDEX i ON epochs (load_extension(error))"],
        ["CREATE INDEX i ON epochs (abs(error)) WHERE error > 0"],
        ["CREATE TABLE more (a)"],
        ["DROP TABLE epochs", "CREATE TABLE epochs (timeline INTEGER)"],
        ["DROP TABLE epochs", SCHEMA["epochs"].replace(" STRICT", "")],
        ["DROP TABLE epochs", SCHEMA["epochs"].replace(", PRIMARY", ", CHECK (load_extension('x')), PRIMARY")],
        ["DROP TABLE epochs", SCHEMA["epochs"].replace("error REAL", "error REAL DEFAULT (load_extension('x'))")],
        ["DROP TABLE epochs", SCHEMA["epochs"].replace("error REAL", "error REAL AS (abs(step))")],
        *([f"CREATE VIRTUAL TABLE more USING {module}"] for module in MODULES.values()),
    ],
    ids=lambda statements: statements[-1][:40],
)
def test_other_tables_are_refused_and_nothing_is_executed(copy, statements):
    try:
        changed(copy, *statements)
    except sqlite3.OperationalError as error:
        pytest.skip(f"this SQLite cannot make it: {error}")
    before = copy.read_bytes()
    looks_that_write = [lambda: bl.Run(copy).keep("main"), lambda: bl.Run(copy).train(2), lambda: bl.Run(copy).gc()]
    for look in (lambda: open_run(copy), lambda: verify(copy), *looks_that_write):
        with pytest.raises(DataError, match=r"copy.backlit is damaged \(its tables are not those of a run file\)"):
            look()
    assert copy.read_bytes() == before
    assert listed(copy.parent) == ["copy.backlit"]


def hidden(path, statements):
    """Put something into the schema behind SQLite's back."""
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("PRAGMA writable_schema = ON")
        for statement in statements:
            file.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE sqlite_schema SET sql = NULL WHERE name = 'epochs'",
        "UPDATE sqlite_schema SET rootpage = 1 WHERE name = 'epochs'",
        "UPDATE sqlite_schema SET rootpage = 99999 WHERE name = 'epochs'",
        "UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'about') "
        "WHERE name = 'blobs'",
        "UPDATE sqlite_schema SET name = 'about', tbl_name = 'about' WHERE name = 'epochs'",
        "INSERT INTO sqlite_schema VALUES ('trigger', 't', 'about', 0, "
        "'CREATE TRIGGER t AFTER INSERT ON about BEGIN DELETE FROM about; END')",
        "INSERT INTO sqlite_schema SELECT type, name, tbl_name, rootpage, sql FROM sqlite_schema WHERE name = 'epochs'",
        "DELETE FROM sqlite_schema",
    ],
)
def test_a_schema_that_contradicts_itself(copy, statement):
    hidden(copy, [statement])
    outcomes(copy)
    with suppress(DataError):
        assert not verify(copy).sound


# --- sealed rows -------------------------------------------------------------------------------------------------


def other(value):
    if isinstance(value, bytes):
        return (value[:-1] or b"") + bytes([value[-1] ^ 1]) if value else b"\0"
    return "x" if value is None else value + 1 if isinstance(value, int | float) else value + " "


ODD_VALUES = {"reason": "x", "network": "x", "best_metric": 0.5}
FIELDS = [(kind, field) for kind in TABLES for field in kind._fields]


@pytest.mark.parametrize(("kind", "field"), FIELDS, ids=[f"{TABLES[kind][0]}.{field}" for kind, field in FIELDS])
def test_any_field_changed_by_sql_is_noticed(copy, kind, field):
    table, key = TABLES[kind]
    row = stored(copy, kind)[0]
    value = getattr(row, field)
    odd = ODD_VALUES.get(field, 9) if value is None else other(value)
    odd = odd + 1000 if field in key and isinstance(odd, int) else odd
    where = " AND ".join(f"{name} = ?" for name in key.split(", "))
    with closing(sqlite3.connect(copy)) as file, file:
        done = file.execute(
            f"UPDATE {table} SET {field} = ? WHERE {where}", (odd, *(getattr(row, name) for name in key.split(", ")))
        )
        assert done.rowcount == 1
    report = verify(copy)
    assert not report.sound
    assert any(table in text and "not as it was written" in text for text in map(str, report.damaged)), report.damaged
    noticed = [found for found in outcomes(copy).values() if isinstance(found, DataError | BacklitError)]
    told_by_verify_alone = kind is Blob or field == "timeline" or (kind is Stretch and field in ("figures", "every"))
    if not told_by_verify_alone and (kind, field) != (Stretch, "seconds"):
        assert any(f"{table} " in str(error) for error in noticed), noticed


@pytest.mark.parametrize("kind", TABLES, ids=lambda kind: TABLES[kind][0])
def test_a_changed_seal_is_noticed(copy, kind):
    table, _ = TABLES[kind]
    changed(copy, f"UPDATE {table} SET seal = x'00'")
    report = verify(copy)
    told = [
        text for text in map(str, report.damaged) if text.startswith(f"{table} ") and "not as it was written" in text
    ]
    assert len(told) == report.rows[table] > 0


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("DELETE FROM about WHERE key = 'network'", "lacks the network"),
        ("DELETE FROM about WHERE key = 'data'", "lacks the data"),
        ("DELETE FROM timelines", "no timeline"),
        ("DELETE FROM epochs WHERE epoch = 3", "lacks an epoch"),
        ("DELETE FROM stretches WHERE timeline = 1 AND start = (SELECT start FROM stretches WHERE timeline = 1 "
         "ORDER BY start LIMIT 1 OFFSET 1)", "has no figures of steps"),
        ("DELETE FROM snapshots WHERE step = 0", "has no state to begin with"),
        ("DELETE FROM blobs WHERE dtype = 'uint8'", "column 'town' lacks its levels"),
        ("DELETE FROM blobs WHERE dtype = 'float32'", "lacks its theta"),
    ],
)  # fmt: skip
def test_what_is_missing_is_noticed(copy, statement, message):
    with closing(sqlite3.connect(copy)) as file, file:
        assert file.execute(statement).rowcount > 0
    report = verify(copy)
    assert not report.sound
    assert any(message in text for text in map(str, report.damaged)), report.damaged
    outcomes(copy, *going_on(copy))


@pytest.mark.parametrize("kind", [Snapshot, EpochRow, Stretch], ids=lambda kind: TABLES[kind][0])
def test_what_verify_says_can_be_had_can_be_had(written, copy, kind):
    """One damaged row that other rows make up for."""
    rows = [row for row in stored(copy, kind) if row.timeline == 1]
    place = dict(zip(TABLES[kind][1].split(", "), (rows[-1][0], rows[-1][1])))
    where = " AND ".join(f"{name} = {value}" for name, value in place.items())
    changed(copy, f"UPDATE {TABLES[kind][0]} SET seal = x'00' WHERE {where}")
    report = verify(copy)
    assert len(report.damaged) == 1
    had = next(text for text in map(str, report.recoverable) if "'main'" in text)
    whole, run = open_run(written), open_run(copy)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for step in range(whole.timeline().steps() + 1):
            if f"steps 0 to {step:,}," in had or step < 5:
                assert run.at(step).theta.tobytes() == whole.at(step).theta.tobytes()


def test_a_damaged_snapshot_is_made_up_for_by_the_one_before(written, copy):
    last = [row for row in stored(copy, Snapshot) if row.timeline == 1][-1]
    key = json.loads(last.arrays)["memory/m"]
    changed(copy, f"UPDATE blobs SET data = x'00' WHERE hash = x'{key}'")
    assert open_run(copy).at().theta.tobytes() == open_run(written).at().theta.tobytes()


# --- where it cannot be written ----------------------------------------------------------------------------------


def test_an_existing_file_stays(fitted, copy):
    before = copy.read_bytes()
    with pytest.raises(DataError, match=r"copy.backlit exists; name another file, or replace it \(force=True\)"):
        record(copy, fitted.start)
    assert copy.read_bytes() == before
    record(copy, fitted.start, force=True, about={"source": "new"})
    assert open_run(copy).about()["source"] == "new"
    assert listed(copy.parent) == ["copy.backlit"]


def test_whoever_asks_for_a_file_that_is_there_is_told_what_they_can_do(copy, command):
    before, run = copy.read_bytes(), open_run(copy)
    estimator = bl.NetRegressor(run=copy, epochs=1)
    with pytest.raises(
        DataError, match=r"copy.backlit exists; name another file \(run=\), delete this one, or set run=N"
    ):
        estimator.fit(FRAME, PRICE["price"])
    with pytest.warns(FitFailedWarning, match=r"set run=None: in cross-validation each fit would write it"):
        cross_val_score(bl.NetRegressor(run=copy.with_name("each.backlit"), epochs=1), FRAME, PRICE["price"], cv=2)
    for ask in (
        lambda: export.safetensors(run.timeline(), copy),
        lambda: export.csv(run.timeline(), copy),
        lambda: export.without_rows(run, copy),
    ):
        with pytest.raises(DataError, match=r"copy.backlit exists; name another file, or replace it \(force=True\)"):
            ask()
    other = copy.with_name("other.csv")
    other.write_text("kept")
    for option in ("--safetensors", "--csv", "--without-rows"):
        code, _, err = command("export", copy, option, other)
        assert (code, err) == (2, f"backlit: {other} exists; name another file, or replace it (--force)\n")
        for force in ([], ["--force"]):  # which would not help
            code, _, err = command("export", copy, option, copy, *force)
            assert (code, err) == (2, f"backlit: {copy} is what is read here; name another file to write\n")
    assert (copy.read_bytes(), other.read_text()) == (before, "kept")


def test_where_nothing_can_be_written(fitted, tmp_path):
    assert require_new(tmp_path / "new.backlit") == tmp_path / "new.backlit"
    (tmp_path / "file").touch()
    for place, message in (
        (tmp_path, "is a folder; name a file"),
        (tmp_path / "nowhere" / "a.backlit", "nowhere is no folder; make it first, or name another file"),
        (tmp_path / "file" / "a.backlit", "file is no folder"),
    ):
        with pytest.raises(DataError, match=message):
            require_new(place, replace=True)
        with pytest.raises(DataError, match=message):
            record(place, fitted.start, force=True)
    assert listed(tmp_path) == ["file"]


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is a folder that no one can write to, on Linux")
def test_a_folder_that_cannot_be_written_to(fitted):
    with pytest.raises(DataError, match=r"/proc/a.backlit cannot be written \(.*\); name another file"):
        record("/proc/a.backlit", fitted.start)


def test_a_file_that_is_read_only(copy, monkeypatch):
    copy.chmod(0o444)
    before = copy.read_bytes()
    monkeypatch.setattr("os.access", lambda _, mode: mode != os.W_OK)  # root may write what is read-only
    for write in (lambda run: run.keep("main"), lambda run: run.train(2), lambda run: run.fork(2)):
        with pytest.raises(
            DataError, match="cannot be written: it is read-only; make a copy, or change its permissions"
        ):
            write(open_run(copy))
    assert copy.read_bytes() == before


def test_a_failure_in_between_leaves_the_old_file(fitted, copy, monkeypatch):
    before = copy.read_bytes()
    for error, expected in (
        (OSError(28, "No space left on device"), DataError),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ):

        def fail(*_, error=error):
            raise error

        with monkeypatch.context() as patch:
            patch.setattr("os.fsync", fail)
            with pytest.raises(expected):
                record(copy, fitted.start, force=True)
        assert copy.read_bytes() == before
        assert listed(copy.parent) == ["copy.backlit"]
