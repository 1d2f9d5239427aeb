"""The run file: what is written is read, anything else is refused, and a kill leaves the old file or the new one."""

import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import backlit as bl
from backlit.errors import DataError
from backlit.fitting import Recipe, prepare, split_rows
from backlit.progress import fit
from backlit.runs.file import APPLICATION_ID, FORMAT, Epoch, open_run, require_new, to_json, write_run

draw = np.random.default_rng(0)
FRAME = pl.DataFrame(
    {"size": draw.gamma(2, 500, 60), "town": draw.choice(["Kent", "[bold]x[/]", "\x1b[31m\u202e"], 60)}
)
PRICE = pl.DataFrame({"price": 100 * FRAME["size"]})


@pytest.fixture(scope="module")
def fitted():
    recipe = Recipe(hidden=(8,), epochs=3, units={"price": "$"})
    return fit(prepare(FRAME, PRICE, recipe, split=split_rows(np.arange(60)), seed=0), show=False)


@pytest.fixture(scope="module")
def written(fitted, tmp_path_factory):
    return fitted.record(tmp_path_factory.mktemp("runs") / "houses.backlit", {"source": "houses.csv"})


@pytest.fixture
def copy(written, tmp_path):
    return shutil.copy(written, tmp_path / "copy.backlit")


def changed(path, *statements):
    with closing(sqlite3.connect(path)) as file, file:
        for statement in statements:
            file.execute(statement)


# --- written and read --------------------------------------------------------------------------------------------


def test_what_is_written_is_read(fitted, written):
    run = open_run(written)
    assert run.table == fitted.plan.table
    assert run.net.to_dict() == fitted.plan.net.to_dict()
    assert run.epochs == fitted.epochs
    np.testing.assert_array_equal(run.theta, fitted.theta)
    np.testing.assert_array_equal(run.last, fitted.state.theta)
    np.testing.assert_array_equal(run.model.predict(FRAME), fitted.plan.model(fitted.theta).predict(FRAME))
    assert run.about["source"] == "houses.csv"
    assert run.about["seed"] == 0
    assert run.about["rows"] == {"train": len(fitted.plan.data), "validation": len(fitted.plan.validation)}
    assert run.about["versions"].keys() == {"backlit", "numpy"}
    assert bl.open_run(str(written)).path == written


def test_it_is_a_sqlite_file_that_says_whose_it_is(written, fitted):
    with closing(sqlite3.connect(written)) as file:
        assert file.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        assert file.execute("PRAGMA user_version").fetchone() == (FORMAT,)
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        names = {name for (name,) in file.execute("SELECT name FROM arrays")}
        assert names == {"best/theta", "last/theta", *(f"last/memory/{name}" for name in ("m", "v"))}
        assert file.execute("SELECT count(*) FROM epochs").fetchone() == (3,)


def test_figures_that_are_not_finite(fitted, tmp_path):
    epochs = [Epoch(1, 5, float("nan"), np.float64(-0.0), True), Epoch(2, 10, None, 3, False)]
    plan = fitted.plan
    about = {"scores": {"mean": {"r2": float("nan"), "rmse": np.float32(2)}}}
    path = write_run(tmp_path / "a.backlit", plan.table, plan.net, plan.settings, fitted.state, epochs, about)
    run = open_run(path)
    assert run.epochs == (Epoch(1, 5, None, 0.0, True), Epoch(2, 10, None, 3.0, False))
    assert run.about["scores"] == {"mean": {"r2": None, "rmse": 2.0}}


def test_json_that_every_reader_takes():
    assert to_json({1: (np.int64(2), float("inf"), "é")}) == '{"1": [2, null, "é"]}'


def test_without_rows_to_watch_the_last_weights_predict(tmp_path):
    fitted = fit(prepare(FRAME, PRICE, Recipe(hidden=(4,), epochs=1), seed=0), show=False)
    run = open_run(fitted.record(tmp_path / "a.backlit", {}))
    np.testing.assert_array_equal(run.theta, run.last)


def test_opening_leaves_the_file_and_its_folder_alone(copy):
    before = (copy.read_bytes(), copy.stat().st_mtime_ns)
    copy.chmod(0o400)
    open_run(copy)
    assert (copy.read_bytes(), copy.stat().st_mtime_ns) == before
    assert list(copy.parent.iterdir()) == [copy]


@pytest.mark.parametrize("name", ["a b?c#d%20.backlit", "ü\n[x].backlit"])
def test_any_name(written, tmp_path, name):
    open_run(shutil.copy(written, tmp_path / name))


# --- what is no run file -----------------------------------------------------------------------------------------


def test_files_that_are_not_ours(tmp_path):
    other = tmp_path / "other.backlit"
    changed(other, "CREATE TABLE t (a)")
    for content, message in (
        (b"", "is no run file of backlit: it is empty; give one that train wrote"),
        (b"price\n1\n", "is no run file of backlit; give one that train wrote"),
        (draw.bytes(10_000), "is no run file of backlit"),
        (b"SQLite format 3\0" + draw.bytes(10_000), "is damaged|is no run file"),
        (other.read_bytes(), "is a SQLite file, but no run file of backlit"),
    ):
        path = tmp_path / "a.backlit"
        path.write_bytes(content)
        with pytest.raises(DataError, match=message):
            open_run(path)
    with pytest.raises(DataError, match=r"nowhere.backlit does not exist; give the path of a run file"):
        open_run(tmp_path / "nowhere.backlit")
    with pytest.raises(DataError, match="is a folder; give the path of a run file"):
        open_run(tmp_path)


def test_a_newer_version(copy):
    changed(copy, f"PRAGMA user_version = {FORMAT + 1}")
    with pytest.raises(
        DataError, match=f"has format {FORMAT + 1}, written by a newer backlit; this one reads up to {FORMAT}"
    ):
        open_run(copy)


def test_truncated_anywhere(written, tmp_path):
    content = written.read_bytes()
    lengths = {*range(0, 200, 7), *range(0, len(content), len(content) // 150), *range(4096, len(content), 4096)}
    path = tmp_path / "a.backlit"
    for length in sorted({*lengths, len(content) - 1}):
        path.write_bytes(content[:length])
        with pytest.raises(DataError, match=r"is damaged|no run file of backlit"):
            open_run(path)


def test_a_changed_byte_is_noticed(written, tmp_path):
    """Anywhere but in what SQLite leaves free; what opens holds what was written."""
    content, whole = written.read_bytes(), open_run(written)
    path = tmp_path / "a.backlit"
    noticed = 0
    for place in random.Random(0).sample(range(len(content)), 300):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0x55]) + content[place + 1 :])
        try:
            run = open_run(path)
        except DataError:
            noticed += 1
            continue
        assert (run.about, run.table, run.epochs) == (whole.about, whole.table, whole.epochs)
        np.testing.assert_array_equal(run.theta, whole.theta)
    assert noticed > 50


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("UPDATE about SET value = '1' WHERE key = 'seed'", "its checksum is another"),
        ("DELETE FROM about WHERE key = 'network'", "its checksum is another"),
        ("DELETE FROM about WHERE key = 'checksum'", "TypeError"),
        ("UPDATE epochs SET error = 0", "its checksum is another"),
        ("UPDATE arrays SET data = x'00'", "its checksum is another"),
        ("DROP TABLE arrays", "its tables are not those of a run file"),
        ("CREATE TRIGGER t AFTER INSERT ON about BEGIN DELETE FROM about; END", "its tables are not those"),
        ("CREATE VIEW v AS SELECT load_extension('x')", "its tables are not those of a run file"),
    ],
)
def test_damaged(copy, statement, message):
    changed(copy, statement)
    with pytest.raises(
        DataError, match=rf"copy.backlit is damaged \(.*{message}.*\); restore it from a copy, or train again"
    ):
        open_run(copy)


@pytest.mark.parametrize(
    ("part", "content", "message"),
    [
        ("network", {"layers": []}, "is damaged"),
        ("network", None, "is damaged"),
        ("table", [], "is damaged"),
        ("table", {"columns": [{"kind": "os.system"}]}, "unknown kind of column 'os.system'"),
    ],
)
def test_sound_but_senseless(fitted, tmp_path, part, content, message):
    """A file whose checksum is right, but which no backlit writes."""

    class Odd:
        def to_dict(self):
            return content

    parts = {"table": fitted.plan.table, "network": fitted.plan.net} | {part: Odd()}
    path = write_run(tmp_path / "a.backlit", *parts.values(), fitted.plan.settings, fitted.state, [], {})
    with pytest.raises(DataError, match=message):
        open_run(path)


def test_a_network_of_other_inputs(fitted, tmp_path):
    plan = fitted.plan
    odd = replace(plan.table, columns=plan.table.columns[:1])
    path = write_run(tmp_path / "a.backlit", odd, plan.net, plan.settings, fitted.state, [], {})
    with pytest.raises(DataError, match="its network and its table name different inputs"):
        open_run(path)
    state = replace(fitted.state, theta=fitted.state.theta[:-1], best=None)
    path = write_run(tmp_path / "b.backlit", plan.table, plan.net, plan.settings, state, [], {})
    with pytest.raises(DataError, match=f"it holds {plan.net.size - 1} weights, but its network has {plan.net.size}"):
        open_run(path)


# --- where it cannot be written ----------------------------------------------------------------------------------


def test_an_existing_file_stays(fitted, copy):
    before = copy.read_bytes()
    with pytest.raises(DataError, match=r"copy.backlit exists; name another file, or replace it \(--force\)"):
        fitted.record(copy, {})
    assert copy.read_bytes() == before
    fitted.record(copy, {"source": "new"}, replace=True)
    assert open_run(copy).about["source"] == "new"
    assert list(copy.parent.iterdir()) == [copy]


def test_where_nothing_can_be_written(tmp_path):
    assert require_new(tmp_path / "new.backlit") == tmp_path / "new.backlit"
    with pytest.raises(DataError, match="is a folder; name a file"):
        require_new(tmp_path, replace=True)
    with pytest.raises(DataError, match="nowhere is no folder; make it first, or name another file"):
        require_new(tmp_path / "nowhere" / "a.backlit")
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="file is no folder"):
        require_new(tmp_path / "file" / "a.backlit")


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is a folder that no one can write to, on Linux")
def test_a_folder_that_cannot_be_written_to(fitted):
    with pytest.raises(DataError, match=r"/proc/a.backlit cannot be written \(.*\); name another file"):
        fitted.record("/proc/a.backlit", {})


def test_a_full_disk_leaves_the_old_file(fitted, copy):
    """A limit on the size of files fails a write as a full disk does."""
    resource = pytest.importorskip("resource")
    before = copy.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    for limit in (1, 5000, 20_000):
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
            with pytest.raises(DataError, match=r"copy.backlit could not be written \(.*\); nothing there has changed"):
                fitted.record(copy, {}, replace=True)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert copy.read_bytes() == before
        assert list(copy.parent.iterdir()) == [copy]


def test_a_failure_in_between_leaves_the_old_file(fitted, copy, monkeypatch):
    before = copy.read_bytes()
    for error, expected in (
        (OSError(28, "No space left on device"), DataError),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ):

        def fail(*_, error=error):
            raise error

        monkeypatch.setattr("os.fsync", fail)
        with pytest.raises(expected):
            fitted.record(copy, {}, replace=True)
        assert copy.read_bytes() == before
        assert list(copy.parent.iterdir()) == [copy]


WRITER = """
import itertools, sys
from dataclasses import replace
from backlit.runs.file import open_run, write_run
from backlit.core.state import State
from backlit.training import Settings

run = open_run(sys.argv[1])
print("ready", flush=True)
for i in itertools.count(1):
    state = State(run.theta * 0 + i, {}, 0, 1, best=None)
    write_run(sys.argv[2], run.table, run.net, Settings(epochs=1), state, [], {"number": i}, replace=True)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_kill_leaves_the_old_file_or_the_new_one(tmp_path):
    recipe = Recipe(hidden=(400, 400), epochs=1)
    large = fit(prepare(FRAME, PRICE, recipe, seed=0), show=False).record(tmp_path / "large.backlit", {})
    path, waits, numbers = shutil.copy(large, tmp_path / "a.backlit"), random.Random(0), []
    for _ in range(6):
        with subprocess.Popen([sys.executable, "-c", WRITER, large, path], stdout=subprocess.PIPE) as writer:
            assert writer.stdout.readline() == b"ready\n"
            time.sleep(waits.uniform(0.0, 0.08))
            writer.kill()
        run = open_run(path)
        numbers.append(run.about.get("number", 0))
        if numbers[-1]:
            np.testing.assert_array_equal(run.theta, np.float32(numbers[-1]))
    assert max(numbers) > 0
    left = [file.name for file in tmp_path.iterdir() if file not in (large, path)]
    assert all(re.fullmatch(r"\.a\.backlit\.\d+\.part", name) for name in left)
