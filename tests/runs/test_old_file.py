"""Files of format 1 are read, and brought to the present format where they are written."""

import json
import sqlite3
from contextlib import closing

import numpy as np
import polars as pl
import pytest
from stranger import changed, going_on, in_time, listed, outcomes, verify

import backlit as bl
from backlit.errors import ArgumentError, BacklitError, DataError
from backlit.plan import Epoch
from backlit.runs.run import open_run
from backlit.runs.schema import (
    FORMAT,
)

# --- files of format 1 -------------------------------------------------------------------------------------------


NEW_ROWS = pl.DataFrame({"size": [215.0, 229.0, 314.0], "town": ["Kent", "Auburn", "Kent"]})
PREDICTED = [21380.00508419, 22453.10431294, 22038.86373529]
LAST_EPOCH = Epoch(5, 20, 0.9039177227020264, 2.5563714504241943, True)


def require_content(path):
    run = open_run(path)
    np.testing.assert_allclose(np.ravel(run.model.predict(NEW_ROWS)), PREDICTED, rtol=1e-5)
    assert len(run.epochs) == 5
    assert run.epochs[-1] == LAST_EPOCH
    state = run.at()
    assert (state.step, state.best.step, state.epoch) == (20, 20, 5)
    assert verify(path).sound
    return state


def test_an_old_file_is_read_and_stays_as_it_is(old):
    before = (old.read_bytes(), old.stat().st_mtime_ns)
    require_content(old)
    assert (old.read_bytes(), old.stat().st_mtime_ns) == before
    assert listed(old.parent) == ["old.backlit"]


def test_an_old_file_becomes_a_new_one_where_it_is_written(old):
    before = require_content(old)
    open_run(old).keep("main")
    with closing(sqlite3.connect(old)) as file:
        assert file.execute("PRAGMA user_version").fetchone() == (FORMAT,)
    assert open_run(old).timeline().row.kept == 1
    after = require_content(old)
    assert after.theta.tobytes() == before.theta.tobytes()
    assert after.best.theta.tobytes() == before.best.theta.tobytes()
    for name, value in before.memory.items():
        assert np.asarray(after.memory[name]).tobytes() == np.asarray(value).tobytes()
    assert listed(old.parent) == ["old.backlit"]


def test_what_an_old_file_does_not_hold(old, command):
    """Its steps were not kept, nor its rows; all that needs them says so."""
    for code, _, err in (command(show, old) for show in ("show", "history", "verify")):
        assert (code, err) == (0, "")
    run = open_run(old)
    for look in (lambda: run.at(0), lambda: run.at(19), lambda: run.frame, lambda: run.timeline().plan, run.train,
                 lambda: run.train(5), lambda: list(run.replay(0, 20))):  # fmt: skip
        with pytest.raises(BacklitError), in_time():
            look()
    outcomes(old, *going_on(old))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE about SET value = '1' WHERE key = 'seed'",
        "UPDATE about SET value = '\"x\"' WHERE key = 'checksum'",
        "UPDATE about SET value = '[[[' WHERE key = 'checksum'",
        "DELETE FROM about WHERE key = 'network'",
        "DELETE FROM about WHERE key = 'checksum'",
        "UPDATE epochs SET error = 0",
        "DELETE FROM epochs WHERE epoch = 3",
        "UPDATE arrays SET data = x'00'",
        "UPDATE arrays SET shape = '[1]'",
        "DROP TABLE arrays",
        "CREATE TRIGGER t AFTER INSERT ON about BEGIN DELETE FROM about; END",
        "CREATE VIEW v AS SELECT load_extension('x')",
    ],
)
def test_a_damaged_old_file_is_refused(old, statement):
    changed(old, statement)
    before = old.read_bytes()
    for look in (open_run, verify, lambda path: bl.Run(path).keep("main")):
        with pytest.raises(DataError, match=r"old.backlit is damaged \(.*\)"):
            look(old)
    assert old.read_bytes() == before
    assert listed(old.parent) == ["old.backlit"]


def paths(content, at=()):
    """The place of every value in JSON."""
    yield at
    if isinstance(content, dict | list):
        for key, value in content.items() if isinstance(content, dict) else enumerate(content[:2]):
            yield from paths(value, (*at, key))


def replaced(content, at, value):
    if not at:
        return value
    changed = dict(content) if isinstance(content, dict) else list(content)
    changed[at[0]] = replaced(content[at[0]], at[1:], value)
    return changed


@pytest.mark.parametrize("key", ["state", "settings", "seed", "table", "network", "created", "reason", "engine"])
@pytest.mark.parametrize("value", [None, [3]], ids=repr)
def test_an_old_file_sound_but_senseless(old, key, value):
    from backlit.runs.migrate import _checksum

    content = json.loads(dict(sqlite_rows(old, "SELECT key, value FROM about"))[key])
    places = [at for at in paths(content) if len(at) <= 1]
    before = old.read_bytes()
    for at in places:
        old.write_bytes(before)
        with closing(sqlite3.connect(old)) as file, file:
            text = json.dumps(replaced(content, at, value))
            file.execute("UPDATE about SET value = ? WHERE key = ?", (text, key))
            tables = (
                file.execute(f"SELECT {columns} FROM {table}").fetchall()
                for table, columns in (("about WHERE key <> 'checksum'", "key, value"),
                                       ("epochs", "epoch, step, error, metric, improved"),
                                       ("arrays", "name, dtype, shape, data"))
            )  # fmt: skip
            file.execute("UPDATE about SET value = ? WHERE key = 'checksum'", (json.dumps(_checksum(*tables)),))
        outcomes(old, *going_on(old))


def sqlite_rows(path, query):
    with closing(sqlite3.connect(path)) as file:
        return file.execute(query).fetchall()


def test_a_failure_while_it_is_upgraded_leaves_the_old_file(old, monkeypatch):
    before = old.read_bytes()

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(DataError, match="could not be written"):
        open_run(old).keep("main")
    assert old.read_bytes() == before
    assert listed(old.parent) == ["old.backlit"]


def test_going_on_beyond_the_end_says_how(copy):
    with pytest.raises(ArgumentError, match=r"has come to its end, step .* say how many steps it is to go on"):
        open_run(copy).train()
