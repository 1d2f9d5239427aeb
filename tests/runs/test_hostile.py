"""A file from a stranger: validly sealed, and senseless, huge, or full of orders. Nothing of it is executed."""

import json
import subprocess
import sys
import unicodedata
import zlib
from contextlib import suppress

import numpy as np
import polars as pl
import pytest
from stranger import (
    FRAME,
    PRICE,
    TABLE,
    changed,
    fact,
    forge,
    forge_array,
    forge_fact,
    going_on,
    in_time,
    outcomes,
    record,
    stored,
    verify,
)

import backlit as bl
from backlit.errors import BacklitError, DataError
from backlit.fitting import Recipe, prepare
from backlit.problem import Problem, split_rows
from backlit.runs.arrays import pack
from backlit.runs.run import open_run
from backlit.runs.schema import (
    LARGEST_JSON,
    Fact,
    Snapshot,
    Stretch,
    TimelineRow,
)
from backlit.words import plain

# --- validly sealed, but senseless -------------------------------------------------------------------------------


def deep(levels):
    return "[" * levels + "]" * levels


NO_FACTS = ["null", "[]", "nul", deep(10_000), '{"layers": null}']


def net_of(path, change):
    saved = fact(path, "network")
    change(saved)
    return saved


@pytest.mark.parametrize("text", NO_FACTS, ids=lambda text: text[:20])
@pytest.mark.parametrize("key", ["table", "network", "data", "rows", "versions", "scores", "metric", "max_size"])
def test_facts_that_are_no_such_thing(copy, command, key, text):
    forge(copy, Fact(key, text))
    if key in ("table", "network"):
        with pytest.raises(BacklitError):
            open_run(copy)
    outcomes(copy)
    code, _, err = command("show", copy)
    assert code in (0, 2)
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("key", "content"),
    [
        ("verdict", {"kind": "diverged", "beaten_by": None, "numbers": {}}),
        ("verdict", {"kind": "", "beaten_by": "mean", "numbers": {"scores": {"backlit": "x"}, "figure": "rmse"}}),
        ("verdict", {"kind": [], "beaten_by": 7, "numbers": {"scores": [1]}}),
        ("verdict", ["diverged"]),
        ("judged_at", "soon"),
        ("split", {"by": 7}),
        ("split", ["group"]),
        ("commands", {"main": "backlit train"}),
        ("commands", [["backlit"]]),
    ],
)
def test_what_came_of_training_that_makes_no_sense(copy, command, key, content):
    forge_fact(copy, key, content)
    code, _, err = command("show", str(copy))
    assert code == 2
    assert f"{copy}" in err
    assert "is damaged" in err


@pytest.mark.parametrize("name", ["d_in", "d_out"])
@pytest.mark.parametrize(
    "size", [10**12, 2**20 + 1, 0, -1, 1.5, "8", None, [8], {}, True, 1e400, float("nan")], ids=str
)
def test_absurd_layers(copy, name, size):
    forge_fact(copy, "network", net_of(copy, lambda saved: saved["layers"][1].update({name: size})))
    with pytest.raises(DataError), in_time():
        open_run(copy)


BOUNDED = """
import resource, sys, time
from backlit.errors import BacklitError
from backlit.runs.run import open_run, Run
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
for look in (open_run, lambda path: Run(path).frame(), lambda path: Run(path).verify(),
             lambda path: Run(path).timeline().learn(), lambda path: Run(path).at(0)):
    try:
        look(__import__("pathlib").Path(sys.argv[1]))
        print("fine")
    except BacklitError as error:
        print(type(error).__name__, str(error)[:200].replace("\\n", " "))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def bounded(path):
    """What looks at a file answer, and how many MB more than before they took."""
    pytest.importorskip("resource")
    done = subprocess.run([sys.executable, "-c", BOUNDED, path], capture_output=True, text=True, timeout=120)
    *told, kilobytes = done.stdout.splitlines() or [done.stderr]
    assert done.returncode == 0, (done.returncode, done.stderr[-2000:], told)
    return told, int(kilobytes) / (1024 if sys.platform != "darwin" else 2**20)


def test_many_wide_layers_take_little_memory(copy):
    """Each within bounds, all together not: 20 layers, a million units in every second one."""
    wide = [{"name": "dense", "d_in": 1, "d_out": 2**20}, {"name": "dense", "d_in": 2**20, "d_out": 1}]
    saved = net_of(copy, lambda saved: None)
    width = len(saved["inputs"])
    saved["layers"] = [{"name": "dense", "d_in": width, "d_out": 1}, *wide * 10]
    forge_fact(copy, "network", saved)
    told, megabytes = bounded(copy)
    assert told[0].startswith("DataError")
    assert megabytes < 400


def test_a_network_of_other_inputs(copy):
    forge_fact(copy, "network", net_of(copy, lambda saved: saved["inputs"].__setitem__(0, "other")))
    with pytest.raises(DataError, match="its network and its table name different inputs"):
        open_run(copy)


def test_json_that_is_too_long(copy):
    forge(copy, Fact("network", " " * (LARGEST_JSON + 1)))
    with pytest.raises(DataError, match=f"characters of JSON where at most {LARGEST_JSON:,} are expected"):
        open_run(copy)
    assert not isinstance(outcomes(copy)["verify"], str)


def snapshot_of(path, **more):
    """The last snapshot of the first timeline, changed and sealed."""
    row = [row for row in stored(path, Snapshot) if row.timeline == 1][-1]
    row = row._replace(**{name: value(row) if callable(value) else value for name, value in more.items()})
    forge(path, row)
    return row


def with_array(name, array, dtype=None, shape=None):
    """A change of a snapshot: another array under a name."""

    def change(path):
        data = pack(np.asarray(array)) if not isinstance(array, bytes) else array
        key = forge_array(path, data, dtype or np.asarray(array).dtype.name, shape or json.dumps(np.shape(array)))
        snapshot_of(path, arrays=lambda row: json.dumps({**json.loads(row.arrays), name: key}))

    return change


def size_of(path):
    return open_run(path).net.size


ARRAYS = {
    "too short": with_array("theta", np.zeros(3, np.float32)),
    "too long": with_array("theta", np.zeros(10**5, np.float32)),
    "two dimensions": with_array("theta", np.zeros((3, 3), np.float32)),
    "empty": with_array("best", np.zeros(0, np.float32)),
    "memory too short": with_array("memory/m", np.zeros(3, np.float32)),
    "a huge shape": with_array("theta", b"", "float32", "[1000000000000]"),
    "a shape beyond numbers": with_array("theta", b"", "float32", "[0, " + "9" * 50 + "]"),
    "a hundred dimensions": with_array("theta", b"", "float32", json.dumps([0] * 100)),
    "a negative shape": with_array("theta", b"", "float32", "[-1]"),
    "a shape that is none": with_array("theta", b"", "float32", "null"),
    "a shape that is text": with_array("theta", b"", "float32", '"abc"'),
    "a shape that is deep": with_array("theta", b"", "float32", deep(10_000)),
    "a shape that is no JSON": with_array("theta", b"", "float32", "[[["),
    "an unknown type": with_array("theta", b"", "object", "[0]"),
    "no bytes": with_array("theta", b"", "float32", "[3]"),
    "a name of a memory that no optimizer has": lambda path: snapshot_of(
        path, arrays=lambda row: row.arrays.replace("memory/m", "memory/zzz")
    ),
    "a name that is nothing": lambda path: snapshot_of(path, arrays=lambda row: row.arrays.replace("theta", "other")),
    "arrays that are a list": lambda path: snapshot_of(path, arrays="[1, 2]"),
    "arrays that are a number": lambda path: snapshot_of(path, arrays="3"),
    "arrays that are no JSON": lambda path: snapshot_of(path, arrays="{"),
    "arrays that are numbers": lambda path: snapshot_of(path, arrays='{"theta": 3}'),
    "arrays that are lists": lambda path: snapshot_of(path, arrays='{"theta": [3]}'),
    "hashes that are none": lambda path: snapshot_of(path, arrays='{"theta": "xyz"}'),
    "hashes of nothing": lambda path: snapshot_of(path, arrays=json.dumps({"theta": "00" * 16})),
    "memory that is a list": lambda path: snapshot_of(path, memory="[1]"),
    "memory of text": lambda path: snapshot_of(path, memory='{"t": "x"}'),
    "memory of an unknown name": lambda path: snapshot_of(path, memory='{"zzz": 3}'),
    "memory beyond numbers": lambda path: snapshot_of(path, memory='{"t": 1' + "0" * 40 + "}"),
    "memory below 0": lambda path: snapshot_of(path, memory='{"t": -3}'),
    "memory without what the optimizer needs": lambda path: snapshot_of(path, memory="{}"),
}


@pytest.mark.parametrize("change", ARRAYS.values(), ids=ARRAYS)
def test_arrays_that_no_state_has(copy, change):
    change(copy)
    outcomes(copy, *going_on(copy))


def test_arrays_of_another_type_than_the_rows(copy):
    for dtype in (np.float64, np.int64):
        with_array("theta", np.zeros(size_of(copy), dtype))(copy)
        outcomes(copy, *going_on(copy))
        with_array("memory/m", np.zeros(size_of(copy), dtype))(copy)
        outcomes(copy, *going_on(copy))


STATES = {
    "before the first step": {"step": -3},
    "far away": {"step": 2**62},
    "in an epoch below 0": {"epoch": -1},
    "in an epoch that never ends": {"epoch": 2**62},
    "with rows used below 0": {"used": -5},
    "with all rows used": {"used": 10**6},
    "within a batch": {"used": 3},
    "without planned steps": {"planned": 0},
    "with planned steps below 0": {"planned": -7},
    "begun in the future": {"begun": 2**62},
    "patient beyond the end": {"patience_left": -5},
    "with a best step without a metric": {"best_metric": None, "best_step": 3},
    "with a best step in the future": {"best_step": 10**9},
    "with a best step below 0": {"best_step": -1},
    "of infinite error": {"total": float("inf")},
}


@pytest.mark.parametrize("fields", STATES.values(), ids=STATES)
def test_states_that_cannot_be(copy, fields):
    before = [row for row in stored(copy, Snapshot) if row.timeline == 1][-1]
    if "step" in fields:
        changed(copy, f"DELETE FROM snapshots WHERE timeline = 1 AND step = {before.step}")
        forge(copy, before._replace(**fields))
    else:
        snapshot_of(copy, **fields)
    outcomes(copy, *going_on(copy))


def timeline_of(path, number=2, **more):
    (row,) = stored(path, TimelineRow, f"number = {number}")
    forge(path, row._replace(**more))


SETTINGS = {
    "unknown keys": {"zzz": 1},
    "no optimizer": {"optimizer": None},
    "an unknown optimizer": {"optimizer": {"name": "zzz"}},
    "an optimizer that is a list": {"optimizer": [1]},
    "an optimizer with an unknown key": {"optimizer": {"name": "adam", "zzz": 3}},
    "an optimizer of text": {"optimizer": {"name": "adam", "beta1": "x"}},
    "an unknown schedule": {"schedule": {"name": "zzz"}},
    "a schedule of text": {"schedule": {"name": "cosine", "warmup": "x"}},
    "a name that is a list": {"schedule": {"name": []}},
    "a rate of text": {"learning_rate": "x"},
    "an endless rate": {"learning_rate": 1e400},
    "a batch of text": {"batch_size": "x"},
    "a batch larger than the rows": {"batch_size": 10**9},
    "epochs of text": {"epochs": "x"},
    "epochs below 0": {"epochs": -1},
    "no limits": {"epochs": None, "max_steps": None},
    "seconds of text": {"max_seconds": "x"},
    "a target of text": {"target_error": "x"},
    "patience of text": {"patience": "x"},
}


@pytest.mark.parametrize("more", SETTINGS.values(), ids=SETTINGS)
def test_settings_that_nobody_has(copy, command, more):
    (row,) = stored(copy, TimelineRow, "number = 1")
    timeline_of(copy, 1, settings=json.dumps(json.loads(row.settings) | more))
    outcomes(copy, *going_on(copy))
    code, _, err = command("history", copy)
    assert code in (0, 2)
    assert "Traceback" not in err


TEXTS = ["null", "[]", "{", deep(10_000), '{"a": [1, 2, 3]}', '{"weights": 3}']


@pytest.mark.parametrize("field", ["settings", "rows", "network", "changes", "arithmetic", "machine"])
@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text[:10])
def test_texts_of_a_timeline_that_are_no_such_thing(copy, command, field, text):
    timeline_of(copy, 1 + len(text) % 2, **{field: text})
    outcomes(copy, *going_on(copy))
    code, _, err = command("history", copy)
    assert code in (0, 2)
    assert "Traceback" not in err


@pytest.mark.parametrize("seed", ["x", "-1", str(2**64), "9" * 5000, "١٢", " 1 "])
def test_seeds_that_are_no_numbers(copy, command, seed):
    timeline_of(copy, 1, seed=seed)
    outcomes(copy, *going_on(copy))
    assert command("show", copy)[0] in (0, 2)


@pytest.mark.parametrize("engine", ["", "os.system", "__class__", "auto"])
def test_engines_that_are_not_ours(copy, engine):
    timeline_of(copy, 1, engine=engine)
    found = outcomes(copy, *going_on(copy))
    assert "unknown engine" in str(found["1: plan"])


FAMILIES = {
    "its own parent": [{"number": 2, "parent": 2}],
    "the first its own parent": [{"number": 1, "parent": 1}],
    "a cycle": [{"number": 1, "parent": 2}],
    "no parent, but a step": [{"number": 2, "parent": None}],
    "a parent that is not there": [{"number": 2, "parent": 99}],
    "a parent below 0": [{"number": 2, "parent": -1}],
    "a step below 0": [{"number": 2, "step": -5}],
    "a step far away": [{"number": 2, "step": 2**62}],
    "the name of another": [{"number": 2, "name": "main"}],
    "the first from the future": [{"number": 1, "step": 2**62}],
}


@pytest.mark.parametrize("rows", FAMILIES.values(), ids=FAMILIES)
def test_families_that_cannot_be(copy, command, rows):
    for more in rows:
        timeline_of(copy, **more)
    outcomes(copy, *going_on(copy))
    for show in ("show", "history"):
        with in_time():
            code, _, err = command(show, copy)
        assert code in (0, 2)
        assert "Traceback" not in err


def test_a_long_line_of_forks(copy, command):
    """Each the child of the one before."""
    (row,) = stored(copy, TimelineRow, "number = 2")
    forge(copy, *(row._replace(number=n, parent=n - 1, name=f"fork {n}") for n in range(3, 50)))
    run = open_run(copy)
    with in_time():
        with suppress(BacklitError):
            assert len(run.timeline("fork 49").lineage) == 49
        code, _, err = command("history", copy)
    assert code in (0, 2)
    assert "Traceback" not in err


def test_steps_that_nobody_made(copy):
    """A stretch that claims more steps than could be made again in a lifetime."""
    last = [row for row in stored(copy, Stretch) if row.timeline == 1][-1]
    forge(copy, last._replace(stop=10**15, every=10**15))
    outcomes(copy)
    forge(copy, last._replace(start=-(2**60), stop=2**62, every=0))
    outcomes(copy)


DATA = {
    "rows below 0": ("rows", lambda a: a - 1000),
    "rows twice": ("rows", np.zeros_like),
    "rows far away": ("rows", lambda a: a + 2**60),
    "rows that are not whole": ("rows", lambda a: a.astype(np.float64)),
    "too few rows": ("rows", lambda a: a[:3]),
    "no rows": ("rows", lambda a: a[:0]),
    "X of other width": ("X", lambda a: a[:3]),
    "X of other length": ("X", lambda a: a[:, :3]),
    "X without dimensions": ("X", lambda a: a.ravel()),
    "X in float64": ("X", lambda a: a.astype(np.float64)),
    "X in whole numbers": ("X", lambda a: a.astype(np.int64)),
    "X that is not finite": ("X", lambda a: np.full_like(a, np.inf)),
    "Y of other width": ("Y", lambda a: np.tile(a, (1, 3))),
    "Y in float64": ("Y", lambda a: a.astype(np.float64)),
    "Y that is empty": ("Y", lambda a: a[:, :0]),
}


@pytest.mark.parametrize(("name", "change"), DATA.values(), ids=DATA)
def test_rows_that_cannot_be(copy, fitted, name, change):
    data = fitted.start.plan.learn.data
    array = change({"rows": data.rows.astype(np.int64), "X": np.ascontiguousarray(data.X.T), "Y": data.Y}[name])
    facts = fact(copy, "data")
    facts["encoded"][0][name] = forge_array(copy, pack(array), array.dtype.name, json.dumps(array.shape))
    forge_fact(copy, "data", facts)
    outcomes(copy, *going_on(copy))


WHICH = {
    "positions below 0": {"positions": [-1, 2, 3]},
    "positions twice": {"positions": [1, 2, 2]},
    "positions beyond the rows": {"positions": [1, 2, 60]},
    "positions far away": {"positions": [2**62]},
    "no positions": {"positions": []},
    "positions that are not whole": {"positions": [1.0, 2.0]},
    "positions of two dimensions": {"positions": [[1, 2], [3, 4]]},
    "too few weights": {"positions": [1, 2, 3], "weights": [1.0, 1.0]},
    "weights below 0": {"positions": [1, 2], "weights": [-1.0, 3.0]},
    "weights that are no numbers": {"positions": [1, 2], "weights": [np.nan, 1.0]},
    "weights of two dimensions": {"positions": [1, 2], "weights": [[1.0, 1.0]]},
    "rows of data that are not there": {"data": 1},
    "rows of no data": {"data": None},
    "rows of data below 0": {"data": -1},
    "no hash": {"positions": "x"},
    "nothing": None,
    "a list": [],
}


@pytest.mark.parametrize("change", WHICH.values(), ids=WHICH)
@pytest.mark.parametrize("part", ["learn", "watch"])
def test_rows_of_a_timeline_that_cannot_be(copy, part, change):
    (row,) = stored(copy, TimelineRow, "number = 1")
    saved = json.loads(row.rows)
    if isinstance(change, dict):
        change = {
            name: forge_array(copy, pack(np.array(value)), np.array(value).dtype.name, json.dumps(np.shape(value)))
            if isinstance(value, list) else value for name, value in change.items()
        }  # fmt: skip
        change = saved[part] | change
    timeline_of(copy, 1, rows=json.dumps(saved | {part: change}))
    found = outcomes(copy, *going_on(copy))
    if (part, change) != ("watch", None):
        assert isinstance(found["1: plan"], DataError)


def test_classes_that_are_not_there(tmp_path):
    """An index beyond the scores must not be followed."""
    path = tmp_path / "a.backlit"
    targets = pl.DataFrame({"town": FRAME["town"]})
    from backlit.tables.target import Target

    target = Target.fit_classes(targets["town"])
    recipe = Recipe(hidden=(4,), epochs=2, batch_size=10, bins=4)
    start = prepare(Problem(FRAME.select("size"), targets, target, split_rows(np.arange(60))), recipe, 0)
    record(path, start)
    before = path.read_bytes()
    for value in (3.0, -1.0, 1e9, 1.5, -1e30):
        path.write_bytes(before)
        facts = fact(path, "data")
        Y = np.full((len(open_run(path).data()), 1), value, np.float32)
        facts["encoded"][0]["Y"] = forge_array(path, pack(Y), "float32", json.dumps(Y.shape))
        forge_fact(path, "data", facts)
        outcomes(path, *going_on(path))


# --- bombs -------------------------------------------------------------------------------------------------------


def zeros(count):
    """`count` zeros, deflated as far as can be."""
    deflate = zlib.compressobj(9)
    return b"".join(deflate.compress(bytes(2**20)) for _ in range(count // 2**20)) + deflate.flush()


def test_a_decompression_bomb_in_an_array(copy):
    part = zeros(2**29)
    data = b"".join(len(part).to_bytes(8, "little") + part for _ in range(4))
    with_array("theta", data, "float32", json.dumps([size_of(copy)]))(copy)
    assert copy.stat().st_size < 4e6
    told, megabytes = bounded(copy)
    assert megabytes < 150
    assert not verify(copy).sound


def test_a_decompression_bomb_in_the_table(copy):
    part = zeros(2**29)
    data = b"".join(len(part).to_bytes(8, "little") + part for _ in range(8))
    for rows in (2**29, 2**40):
        column = {"name": "a", "type": ["Int64"], "arrays": {"values": forge_array(copy, data, "int64", f"[{rows}]")}}
        forge_fact(copy, "data", fact(copy, "data") | {"table": {"rows": rows, "columns": [column]}})
        told, megabytes = bounded(copy)
        assert "its table would take" in told[1]
        assert megabytes < 150


def table_facts(path):
    """Facts about the rows with a table that is none."""
    facts = fact(path, "data")
    (town,) = [column for column in facts["table"]["columns"] if column["name"] == "town"]
    number, short = (forge_array(path, pack(np.zeros(n)), "float64", f"[{n}]") for n in (60, 59))
    for table in (number, [], {}, {"rows": 60}, {"rows": -1, "columns": []}, {"rows": 60, "columns": {}},
                  {"rows": 60, "columns": [town, town]}, {"rows": 59, "columns": [town]}):  # fmt: skip
        yield facts | {"table": table}
    for change in ({"name": 3}, {"type": "String"}, {"type": []}, {"type": [3]}, {"type": ["Int64"]}, {"type": ["os"]},
                   {"arrays": {}}, {"arrays": {"values": "x"}}, {"arrays": {"values": number}},
                   {"arrays": town["arrays"] | {"values": number}}, {"arrays": town["arrays"] | {"levels": "0" * 32}},
                   {"arrays": town["arrays"] | {"missing": short}}):  # fmt: skip
        yield facts | {"table": {"rows": 60, "columns": [town | change]}}


def test_a_table_that_is_none(copy):
    for number, facts in enumerate(table_facts(copy)):
        forge_fact(copy, "data", facts)
        with pytest.raises(DataError):
            _ = bl.Run(copy).frame()
        outcomes(copy, few=bool(number))


# --- where its table is said to lie ------------------------------------------------------------------------------


SOURCES = ["../../etc/passwd", "/etc/passwd", "{folder}/secret.csv", "../secret/secret.csv", "..", ".", "", "/", "~/a",
           "file:///etc/passwd", "http://127.0.0.1:1/a.csv", "s3://a/b.csv", "-", "*", "**/secret.csv", "a/secret.csv",
           "a\0b", "\n", 3, ["/etc/passwd"], {"a": 1}, True]  # fmt: skip


@pytest.mark.parametrize("source", SOURCES, ids=repr)
def test_tables_outside_the_runs_folder_are_never_read(copy, monkeypatch, source):
    secret = copy.parent / "secret"
    secret.mkdir()
    TABLE.write_csv(secret / "secret.csv")
    home = copy.parent / "home"
    home.mkdir()
    moved = copy.rename(home / "copy.backlit")
    source = source.format(folder=secret) if isinstance(source, str) else source
    forge_fact(moved, "data", fact(moved, "data") | {"table": None, "inside": False})
    forge_fact(moved, "source", source)
    monkeypatch.chdir(secret)

    def refuse(*arguments, **_):
        raise AssertionError(f"it read {arguments}")

    monkeypatch.setattr("backlit.runs.archive.open_table", refuse)
    for look in (lambda: bl.Run(moved).frame(), lambda: bl.Run(moved).timeline().learn()):
        with pytest.raises(DataError, match=r"give the table that it learnt from|makes no sense"):
            look()


def test_a_table_beside_the_run_is_read(copy):
    forge_fact(copy, "data", fact(copy, "data") | {"table": None, "inside": False})
    forge_fact(copy, "source", "/somewhere/else/houses.csv")
    TABLE.write_csv(copy.with_name("houses.csv"))
    assert open_run(copy).frame().height == 60
    assert open_run(copy).timeline().learn() is not None
    TABLE.with_columns(price=-pl.col("price")).write_csv(copy.with_name("houses.csv"))
    with pytest.raises(DataError, match=r"the rows of .* have changed"):
        open_run(copy).timeline().learn()


# --- what a terminal or a page would take for orders -------------------------------------------------------------


ODD_NAMES = ["\x1b[31mred\x1b]0;title\x07", "[bold]bold[/bold]", "[link=file:///etc/passwd]x[/link]", "[/]", "\0",
             "<img src=x onerror=alert(1)>", "a\nb\r\tc\x08", "\u202eright to left", "\x9b31m\u2028\ufeff"]  # fmt: skip


def harmless(text):
    return all(c.isprintable() or c == "\n" for c in text)


@pytest.mark.parametrize("name", ODD_NAMES, ids=repr)
def test_odd_names_are_shown_escaped(copy, command, name):
    timeline_of(copy, 2, name=name, reason=name, engine=name, created=name, changes=json.dumps({name: [name, name]}))
    timeline_of(copy, 1, reason=name, created=name)
    forge_fact(copy, "rows", {name: 3})
    forge_fact(copy, "versions", {"backlit": name})
    table = fact(copy, "table")
    forge_fact(
        copy,
        "table",
        table
        | {"notices": [{"kind": name, "column": name}], "target": table["target"] | {"unit": name, "names": [name]}},
    )
    for show in ("show", "history", "verify"):
        code, out, err = command(show, copy, "--json")
        assert (code, err) == (0, ""), show
        assert json.loads(out)
        assert not any(unicodedata.category(c) == "Cc" for c in out if c != "\n"), out
    for show in ("show", "history", "verify"):
        code, out, err = command(show, copy)
        assert (code, err) == (0, ""), show
        assert harmless(out), (show, out)
    code, out, err = command("history", copy)
    assert name.startswith("[/") or plain(name)[:12] in " ".join(out.split())


def test_odd_names_of_what_computed_it_are_shown_escaped(copy, command):
    """The note that steps are recomputed by other arithmetic tells what the file says of it."""
    odd = "\x1b[31mred\x1b]0;title\x07"
    (row,) = stored(copy, TimelineRow, "number = 1")
    arithmetic = dict.fromkeys(json.loads(row.arithmetic), odd)
    timeline_of(copy, 1, arithmetic=json.dumps(arithmetic))
    changed(copy, "DELETE FROM snapshots WHERE timeline = 1 AND step > 0")
    code, out, err = command("show", copy)
    assert code == 0
    assert "note: " in err
    assert harmless(out)
    assert harmless(err)


def test_odd_names_of_columns_are_shown_escaped(tmp_path, command):
    for number, name in enumerate(ODD_NAMES):
        if "\0" in name:
            continue
        frame = pl.DataFrame({name: FRAME["size"], "town": FRAME["town"]})
        start = prepare(Problem(frame, PRICE.rename({"price": f"price {name}"})), Recipe(hidden=(2,), epochs=1), 0)
        path = tmp_path / f"{number}.backlit"
        record(path, start, frame=frame)
        for show in ("show", "history"):
            code, out, err = command(show, path)
            assert (code, err) == (0, "")
            assert harmless(out)
