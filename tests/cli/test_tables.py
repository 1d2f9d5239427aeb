"""`backlit train`, `predict` and `show`: what they print and write, and what each kind of bad input is answered."""

import io
import json
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import backlit as bl
from backlit.cli.main import main
from backlit.engines import choice, native
from backlit.words import Remark

draw = np.random.default_rng(0)
N = 200
HOMES = pl.DataFrame(
    {
        "size": draw.gamma(2, 500, N).round(1),
        "rooms": draw.integers(1, 6, N),
        "town": draw.choice(["Kent", "Auburn", "Renton"], N),
        "sold": draw.choice(["2014-05-31", "2015-01-02", "2015-03-04", "2015-04-05"], N),
    }
).with_columns(price=(100 * pl.col("size") + 20_000 * pl.col("rooms")).round(0))
KINDS = HOMES.with_columns(
    kind=pl.when(pl.col("price") > 150_000).then(pl.lit("dear")).otherwise(pl.lit("cheap"))
).drop("price")
QUICK = ("--epochs", "2", "--hidden", "8", "--seed", "0")


class Done:
    """What a command left: its exit code and what it printed."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def text(self):
        """What was printed, on one line."""
        return " ".join(self.out.split())

    @property
    def json(self):
        def refuse(constant):
            raise AssertionError(f"{constant} is no JSON")

        return json.loads(self.out, parse_constant=refuse)


@pytest.fixture
def backlit(monkeypatch, capfdbinary, tmp_path):
    """Run a command in an empty folder, in this process."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments, stdin=b""):
        monkeypatch.setattr(sys, "argv", ["backlit", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        monkeypatch.setattr(sys, "stdout", open(1, "w", closefd=False, encoding="utf-8"))  # noqa: SIM115
        monkeypatch.setattr(sys, "stderr", open(2, "w", closefd=False, encoding="utf-8"))  # noqa: SIM115
        with pytest.raises(SystemExit) as caught:
            main()
        sys.stdout.flush()
        sys.stderr.flush()
        captured = capfdbinary.readouterr()
        return Done(caught.value.code, captured.out.decode(), captured.err.decode())

    return run


@pytest.fixture
def fails(backlit):
    """Run a command that must fail in one or two lines; returns the message."""

    def run(*arguments, **keywords):
        done = backlit(*arguments, **keywords)
        assert done.code == 2, (done.out, done.err)
        lines = done.err.splitlines()
        assert len(lines) <= 2
        assert lines[0].startswith("backlit: ")
        assert "Traceback" not in done.err
        assert all(c.isprintable() for line in lines for c in line)
        return done.err

    return run


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Run files that predict numbers and classes."""
    folder = tmp_path_factory.mktemp("runs")
    HOMES.write_csv(folder / "homes.csv")
    KINDS.write_csv(folder / "kinds.csv")
    for table, target in (("homes", "price"), ("kinds", "kind")):
        subprocess.run(
            [sys.executable, "-m", "backlit", "train", f"{table}.csv", "--target", target, *QUICK],
            cwd=folder, check=True, capture_output=True,
        )  # fmt: skip
    return folder


def write(frame, name="t.csv", **columns):
    frame.with_columns(**columns).write_csv(name)
    return name


# --- train -------------------------------------------------------------------------------------------------------


def test_train_tells_what_it_does(backlit, tmp_path):
    write(HOMES, number=pl.int_range(N))
    done = backlit("train", "t.csv", "--target", "price", "--unit", "$", *QUICK)
    assert done.code == 0, done.err
    assert "200 rows, 6 columns; the target price: numbers" in done.out
    assert "number is left out: it numbers the rows" in done.out
    assert re.search(r"learning from \d+, stopping on \d+, testing on \d+ rows", done.out)
    assert re.search(r"backlit +\$[\d,]+", done.out)
    assert "linear model" in done.out
    assert "kept in t.backlit" in done.out
    shown = backlit("show", "t.backlit").text
    for part in ("predicts price", "4 columns: size, rooms, town, sold", "note number is left out", "linear model"):
        assert part in shown
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t.backlit", "t.csv"]


def test_engines_and_threads(backlit, fails, monkeypatch):
    train = ("train", write(HOMES), "--target", "price", "--force", *QUICK)
    monkeypatch.setattr(native, "missing", lambda: Remark("lacks.compiled"))
    choice._warn.cache_clear()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        done = backlit(*train, "--threads", 2)
    assert done.code == 0
    assert done.err.startswith("note: the fast engine cannot be used: it was not compiled at install.")
    assert backlit(*train, "--engine", "reference").err == ""
    assert "it was not compiled at install; reinstall with a C++20" in fails(*train, "--engine", "native")
    assert "unknown engine 'gpu'; known: 'auto', 'native' and 'reference'" in fails(*train, "--engine", "gpu")
    assert backlit(*train, "--threads", 0).code == 2


@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet", "arrow", "feather"])
def test_train_reads_every_kind_of_file(backlit, suffix):
    if suffix in ("csv", "tsv"):
        HOMES.write_csv(f"homes.{suffix}", separator="\t" if suffix == "tsv" else ",")
    else:
        (HOMES.write_parquet if suffix == "parquet" else HOMES.write_ipc)(f"homes.{suffix}")
    done = backlit("train", f"homes.{suffix}", "--target", "price", *QUICK, "--json")
    assert done.code == 0, done.err
    assert done.json["run"] == "homes.backlit"


def test_train_from_standard_input_and_as_json(backlit, runs):
    done = backlit("train", "-", "--target", "price", *QUICK, "--json", stdin=(runs / "homes.csv").read_bytes())
    told = done.json
    assert (told["task"], told["target"], told["run"], told["reason"]) == (
        "regression",
        "price",
        "table.backlit",
        "epochs",
    )
    assert sum(told["rows"].values()) == N
    assert [epoch["epoch"] for epoch in told["epochs"]] == [1, 2]
    assert told["scores"].keys() == {"backlit", "mean", "linear model"}
    told = backlit("show", "table.backlit", "--json").json
    assert told["table"]["target"]["names"] == ["price"]
    assert told["timelines"][0]["seed"] == 0


def test_the_task_is_guessed_and_may_be_said(backlit):
    write(KINDS)
    assert backlit("train", "t.csv", "--target", "kind", *QUICK, "--json").json["task"] == "classification"
    done = backlit("train", "t.csv", "--target", "rooms", *QUICK, "--force")
    assert "the target rooms: numbers" in done.out
    assert "rooms has 5 different values and is taken as numbers; --classes takes them as classes" in done.text
    done = backlit("train", "t.csv", "--target", "rooms", "--classes", *QUICK, "--force")
    assert "the target rooms: 5 classes" in done.out
    write(HOMES, price=pl.format("${},000", pl.col("price").cast(pl.Int64) // 1000))
    done = backlit("train", "t.csv", "--target", "price", *QUICK, "--force")
    assert re.search(r"price: \$\d+,000 read as \d+000\n", done.out)


def test_kinds_may_be_said(backlit):
    write(HOMES)
    kinds = ("--category", "rooms", "--drop", "sold", "--number", "size")
    backlit("train", "t.csv", "--target", "price", *kinds, *QUICK)
    assert {c.name: c.kind for c in bl.open_run("t.backlit").table.columns} == {
        "size": "number",
        "rooms": "category",
        "town": "category",
    }


def test_rows_are_parted_by_group_or_time(backlit):
    write(HOMES, id=pl.int_range(N) // 4)
    told = backlit("train", "t.csv", "--target", "price", "--group", "id", *QUICK, "--json").json
    assert all(count % 4 == 0 for count in told["rows"].values())
    assert "id" not in [column.name for column in bl.open_run("t.backlit").table.columns]
    told = backlit("train", "t.csv", "--target", "price", "--time", "sold", *QUICK, "--json", "--force").json
    assert told["rows"] == {"train": 128, "validation": 32, "test": 40}


def test_the_same_seed_gives_the_same_run(backlit):
    write(HOMES)
    for name in ("one", "other"):
        backlit("train", "t.csv", "--target", "price", *QUICK, "--run", f"{name}.backlit")
    one, other = (bl.open_run(f"{name}.backlit") for name in ("one", "other"))
    np.testing.assert_array_equal(one.timeline().best().theta, other.timeline().best().theta)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--drop", "price"), "--drop names 'price', which is the target; leave that out, or name another target"),
        (("--category", "price"), "--category names 'price', which is the target; say --classes to take it as classes"),
        (("--number", "price"), "--number names 'price', which is the target; say --numbers to take it as numbers"),
        (("--date", "price"), "--date names 'price', which is the target; leave that out"),
        (("--group", "price"), "--group is 'price', which is the target; what is to be predicted cannot part the rows"),
        (("--time", "price"), "--time is 'price', which is the target"),
        (("--group", "town", "--time", "sold"), "--group and --time are both given"),
        (("--category", "rooms", "--drop", "rooms"), "--category and --drop both name the column 'rooms'; choose one"),
        (("--number", "rooms", "--date", "rooms"), "--number and --date both name the column 'rooms'"),
        (
            ("--drop", "size", "--drop", "rooms", "--drop", "town", "--drop", "sold"),
            "--drop leaves out every column but the target 'price'; keep one to learn from",
        ),
        (("--time", "town"), "neither a date nor a number; --time needs one of them in each row"),
        (("--log", "--classes"), "--log takes the logarithm of numbers"),
        (("--loss", "cross_entropy"), "loss is 'cross_entropy', which cannot learn the numbers of the target 'price'"),
        (("--loss", "binary_cross_entropy"), "'price'; take squared_error or absolute_error or huber or poisson or"),
        (("--schedule", "cosin"), "unknown schedule 'cosin'; did you mean 'cosine'"),
        (("--weight-decay", "-1"), "weight_decay is -1.0; it must be a finite number, 0 or greater"),
        (("--clip-norm", "0"), "clip_norm is 0.0; it must be a finite number greater than 0"),
        (("--time", "nowhere"), "unknown column 'nowhere'"),
    ],
)
def test_options_that_contradict_each_other_or_the_table(fails, options, message):
    write(HOMES)
    assert message in fails("train", "t.csv", "--target", "price", *QUICK, *options)
    assert not Path("t.backlit").exists()


def test_a_loss_of_the_other_task(fails):
    write(KINDS)
    told = fails("train", "t.csv", "--target", "kind", *QUICK, "--loss", "squared_error")
    assert "loss is 'squared_error', which cannot learn the 2 classes of the target 'kind'; take binary_cross" in told
    told = fails("train", "t.csv", "--target", "town", *QUICK, "--loss", "binary_cross_entropy")
    assert "which cannot learn the 3 classes of the target 'town'; take cross_entropy, or leave the loss out" in told
    assert "--log takes the logarithm of numbers, and the target 'town'" in fails(
        "train", "t.csv", "--target", "town", *QUICK, "--log"
    )


def test_time_names_the_value_and_the_row(fails):
    write(HOMES.with_columns(sold=pl.when(pl.int_range(N) == 7).then(pl.lit("soon")).otherwise(pl.col("sold"))))
    told = fails("train", "t.csv", "--target", "price", "--time", "sold", *QUICK)
    assert "column 'sold' is 'soon' in row 7, neither a date nor a number" in told


@pytest.mark.parametrize("name", ["größe", "size", "a b", "prix €"])
def test_a_file_that_begins_with_a_mark_of_its_encoding(backlit, fails, name):
    homes = HOMES.rename({"size": name}).with_columns(other=pl.col("rooms") * 2.5)
    Path("t.csv").write_bytes(b"\xef\xbb\xbf" + homes.write_csv().encode())
    for options in (("--target", name), ("--target", "price", "--drop", name), ("--target", "price", "--group", name),
                    ("--target", "price", "--time", name)):  # fmt: skip
        done = backlit("train", "t.csv", *options, *QUICK, "--force")
        assert done.code == 0, done.err
    assert f"--drop names '{name}', which is the target" in fails(
        "train", "t.csv", "--target", name, "--drop", name, *QUICK, "--force"
    )


def test_decay_clipping_and_schedule_are_used(backlit):
    write(HOMES)
    train = ("train", "t.csv", "--target", "price", *QUICK, "--force")
    backlit(*train, "--weight-decay", "0.25", "--clip-norm", "0.5", "--schedule", "constant")
    settings = bl.open_run("t.backlit").timeline().settings()
    assert (settings.optimizer.weight_decay, settings.optimizer.clip_norm) == (0.25, 0.5)
    assert settings.schedule.name == "constant"
    shown = backlit("show", "t.backlit").text
    assert "learns by adamw (weight decay 0.25, clip norm 0.5, beta2 0.95), learning rate 0.001, schedule" in shown
    backlit(*train)
    usual = bl.open_run("t.backlit").timeline().settings()
    assert (usual.optimizer.weight_decay, usual.optimizer.clip_norm) == (0.03, None)


def test_show_tells_what_was_used(backlit):
    write(HOMES)
    backlit("train", "t.csv", "--target", "price", *QUICK, "--split-seed", "4")
    shown = backlit("show", "t.backlit").text
    assert "adamw (weight decay 0.03, beta2 0.95), learning rate 0.001, schedule warmup_cosine, all rows in" in shown
    for part in ("dropout 0.15", "2 epochs, watching squared_error", "seed 0, 2 steps in 2 epochs, all epochs done",
                 "parted at random, split seed 4"):  # fmt: skip
        assert part in shown
    options = ("--optimizer", "momentum", "--schedule", "exponential", "--dropout", "0", "--batch-size", "32",
               "--patience", "5", "--time", "sold", "--max-seconds", "99")  # fmt: skip
    backlit("train", "t.csv", "--target", "price", *QUICK, *options, "--force")
    shown = backlit("show", "t.backlit").text
    assert (
        "learns by momentum, learning rate 0.001, schedule exponential, batches of 32, no dropout, 2 epochs or" in shown
    )
    assert "99 seconds, patience 5, watching squared_error" in shown
    assert "parted by sold, the latest to test on" in shown
    backlit("train", "t.csv", "--target", "price", *QUICK, "--group", "rooms", "--force")
    assert "parted by rooms, split seed 0" in backlit("show", "t.backlit").text


# --- predict -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("out", ["csv", "tsv", "parquet", "arrow"])
@pytest.mark.parametrize("given", ["csv", "parquet", "arrow"])
def test_predict_reads_and_writes_every_kind_of_file(backlit, runs, given, out):
    homes = HOMES.with_columns(note=pl.lit("NA"))
    {"csv": homes.write_csv, "parquet": homes.write_parquet, "arrow": homes.write_ipc}[given](f"new.{given}")
    done = backlit("predict", runs / "homes.backlit", f"new.{given}", "--out", f"out.{out}")
    assert (done.code, done.out) == (0, f"wrote 200 rows to out.{out}\n")
    written = bl.tables.frames.read_table(f"out.{out}")
    expected = bl.open_run(runs / "homes.backlit").model().predict(HOMES)
    np.testing.assert_allclose(written["predicted price"].to_numpy(), expected, rtol=1e-12)
    assert written.select(HOMES.columns).equals(HOMES)
    assert written.columns == [*homes.columns, "predicted price"]


def test_predict_gives_classes_and_their_probabilities(backlit, runs):
    done = backlit("predict", runs / "kinds.backlit", runs / "homes.csv")
    frame = pl.read_csv(done.out.encode())
    assert frame.columns == [*HOMES.columns, "predicted kind", "probability of cheap", "probability of dear"]
    model = bl.open_run(runs / "kinds.backlit").model()
    np.testing.assert_allclose(frame.select("^probability.*$").to_numpy(), model.predict_proba(HOMES), rtol=1e-12)
    assert frame["predicted kind"].to_list() == model.predict(HOMES).tolist()


def test_predict_in_a_pipe(backlit, runs):
    done = backlit("predict", runs / "homes.backlit", "-", "--json", stdin=(runs / "homes.csv").read_bytes())
    expected = bl.open_run(runs / "homes.backlit").model().predict(HOMES)
    np.testing.assert_allclose([row["predicted price"] for row in done.json], expected, rtol=1e-12)
    done = backlit("predict", runs / "homes.backlit", runs / "homes.csv", "--out", "out.csv", "--json")
    assert done.json == {"out": "out.csv", "rows": N, "notices": []}


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_a_reader_that_has_had_enough(runs, tmp_path, arguments):
    write(pl.concat([HOMES] * 30), tmp_path / "t.csv")
    command = [sys.executable, "-m", "backlit", "predict", runs / "homes.backlit", tmp_path / "t.csv", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as started:
        started.stdout.read(10)
        started.stdout.close()
        assert started.stderr.read() == b""
    assert started.returncode == 0
    if sys.platform == "linux":
        with Path("/dev/full").open("wb") as full:
            done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE)
        assert done.returncode == 2
        assert done.stderr == b"backlit: standard output could not be written (No space left on device)\n"


def test_what_passes_through_stays_as_it_stands(backlit, runs):
    (text := io.StringIO()).write("code,size,rooms,town,sold,note\n007,1e3,2,Kent,2014-05-31,NA\n")
    text.write('8,"1,000",2.0,Kent,2014-05-31,"a ""b"", c"\n')
    done = backlit("predict", runs / "homes.backlit", "-", stdin=text.getvalue().encode())
    lines = done.out.splitlines()
    assert [line.rpartition(",")[0] for line in lines] == text.getvalue().splitlines()
    assert lines[1].rpartition(",")[2] == lines[2].rpartition(",")[2]
    assert done.err == "note: columns that were not learnt from are passed on: code, note\n"


def test_new_categories_are_told(backlit, runs):
    new = HOMES.with_columns(town=pl.Series(["Oz", None, "Kent", "\x1b[31m"] * 50))
    write(new)
    done = backlit("predict", runs / "homes.backlit", "t.csv", "--out", "out.csv")
    assert done.code == 0
    assert done.err == (
        "note: entries that were not learnt from count as none of their column's levels: town (100, such as 'Oz')\n"
    )


def test_a_run_file_needs_nothing_else(backlit, runs, tmp_path):
    (tmp_path / "moved.backlit").write_bytes((runs / "homes.backlit").read_bytes())
    assert backlit("predict", "moved.backlit", "-", stdin=b"size,rooms,town,sold\n900,3,Kent,2014-05-31\n").code == 0


def test_a_table_larger_than_memory_is_predicted_in_parts(runs, tmp_path):
    """Six times the rows take no more memory to speak of: 120 MB of text, where 20 MB would do."""
    script = (
        "import resource, sys; from backlit.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    peak = {}
    for times in (50, 300):
        large = tmp_path / f"{times}.csv"
        block = HOMES.with_columns(note=pl.lit("x" * 2000)).write_csv()
        names, _, rows = block.partition("\n")
        with large.open("w") as file:
            file.writelines([names, "\n", *[rows] * times])
        arguments = ["predict", str(runs / "homes.backlit"), str(large), "--out", f"{large}.out.csv"]
        done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True)
        assert f"wrote {times * N:,} rows" in done.stdout
        peak[times] = int(done.stdout.split()[-1])
    assert peak[300] < 1.2 * peak[50], peak


# --- bad input: the table ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "t.csv is empty; give a table with a line of column names"),
        ("size,price\n1,2\n", "t.csv has 1 row with a 'price'; give ten or more, so that some can test"),
        ("size,price,size\n1,2,3\n", "t.csv has two columns called 'size'; give each its own name"),
        ("size,price\n1,2\n3\n", "t.csv, line 3, has 1 field, but the header has 2; mend it"),
        ("size,price\n1,2\n3,4,5\n", "t.csv, line 3, has 3 fields, but the header has 2"),
        ('size,price\n"1\n2",3\n4,5,6\n', "t.csv, line 4, has 3 fields"),
        (
            "größe,price\n1,2\n".encode("latin-1"),
            "t.csv is not UTF-8 text (line 1); name its encoding, such as --text-encoding cp1252",
        ),
    ],
)
def test_tables_that_cannot_be_read(fails, tmp_path, runs, content, message):
    (tmp_path / "t.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    assert message in fails("train", "t.csv", "--target", "price")
    assert not (tmp_path / "t.backlit").exists()
    if "price" not in message:
        (tmp_path / "out.csv").write_text("old")
        assert message in fails("predict", runs / "homes.backlit", "t.csv", "--out", "out.csv", "--force")
        assert (tmp_path / "out.csv").read_text() == "old"


@pytest.mark.parametrize(
    ("values", "arguments", "message"),
    [
        (7, (), "target 'price' is 7 in every row; there is nothing to learn"),
        (None, (), "t.csv has 0 rows with a 'price'; give ten or more"),
        ("a", (), "target 'price' has one class only, 'a'; give two or more"),
        (True, (), "target 'price' has one class only, True; give two or more"),
        (
            ["450 or so", "1200"] * 100,
            ("--numbers",),
            "target 'price' is '450 or so' in row 0, which is no number; write it as",
        ),
        (
            [f"{i} or so {i}" for i in range(N)],
            (),
            "target 'price' has 200 different entries in 200 rows, such as '0 or so 0': too many",
        ),
        ([*range(N - 1), np.inf], (), "target 'price' is inf in row 199; leave such rows out"),
        ([None, *range(N - 2), np.inf], (), "target 'price' is inf in row 199; leave such rows out"),
        ([*range(N)], ("--log",), "target 'price' is 0 in row 0; its log needs numbers above 0"),
    ],
)
def test_targets_that_cannot_be_learnt(fails, tmp_path, values, arguments, message):
    write(HOMES, price=pl.Series(values, strict=False) if isinstance(values, list) else pl.lit(values))
    assert message in fails("train", "t.csv", "--target", "price", *arguments, *QUICK)
    assert not (tmp_path / "t.backlit").exists()


def test_columns_that_are_not_there(fails):
    write(HOMES)
    assert "unknown column 'prise'; did you mean 'price'?" in fails("train", "t.csv", "--target", "prise")
    for option in ("--group", "--time", "--category", "--drop"):
        assert "unknown column 'twon'; did you mean 'town'?" in fails(
            "train", "t.csv", "--target", "price", option, "twon"
        )


def test_missing_targets_are_left_out_and_counted(backlit):
    for gap in ("", "NA"):
        frame = HOMES.with_columns(
            pl.when(pl.int_range(N) % 10 == 3).then(pl.lit(gap)).otherwise("price").alias("price")
        )
        write(frame)
        told = backlit("train", "t.csv", "--target", "price", *QUICK, "--json", "--force").json
        assert told["notices"][0] == "20 rows without price: left out"
        assert sum(told["rows"].values()) == 180
    HOMES.with_columns(price=pl.when(pl.int_range(N) > 0).then("price").otherwise(np.nan)).write_parquet("t.parquet")
    told = backlit("train", "t.parquet", "--target", "price", *QUICK, "--json", "--force").json
    assert told["notices"] == ["1 row without price: left out"]


def test_columns_without_use_are_left_out_and_told(backlit):
    money = pl.format("${}k", pl.int_range(N) // 40)
    write(HOMES, empty=pl.lit(None), same=pl.lit("x"), again=pl.col("size"), money=money)
    told = backlit("train", "t.csv", "--target", "price", *QUICK, "--json").json
    assert told["notices"] == [
        "empty is left out: all its fields are missing",
        "same is left out: it is the same in every row",
        "again is left out: it equals size",
        "money: $0k read as 0",
    ]


def test_numbers_written_as_text(backlit):
    write(HOMES, size=pl.format("1,{}", pl.col("size").cast(pl.Int64).cast(pl.String).str.zfill(3).str.slice(-3)))
    told = backlit("train", "t.csv", "--target", "price", *QUICK, "--json", "--decimal", ".").json
    assert re.match(r"size: 1,\d{3} read as 1\d{3}$", told["notices"][0])
    assert bl.open_run("t.backlit").table.columns[0].kind == "number"


def test_infinities(fails, runs):
    size = pl.when(pl.int_range(N) == 150).then(np.inf).otherwise("size")
    write(HOMES, size=size)
    message = fails("train", "t.csv", "--target", "price", *QUICK)
    assert re.search(r"column 'size' is inf in row 150; leave such rows out, or the field empty", message)
    assert "column 'size' is inf in row 150;" in fails("predict", runs / "homes.backlit", "t.csv", "--out", "out.csv")


def test_a_class_with_one_row(backlit):
    write(KINDS, kind=pl.when(pl.int_range(N) == 5).then(pl.lit("palace")).otherwise("kind"))
    done = backlit("train", "t.csv", "--target", "kind", *QUICK, "--json")
    assert done.json["notices"] == ["1 row alone in a class of kind, such as 'palace': too few to learn from"]
    frame = pl.read_csv(backlit("predict", "t.backlit", "t.csv").out.encode())
    assert "probability of palace" in frame.columns


def test_too_few_rows_to_test_on(backlit, fails):
    write(HOMES.head(12), id=pl.lit("a"))
    for arguments, parts in ((("--split-seed", "2"), [8, 4, 0]), (("--split-seed", "1", "--group", "id"), [12, 0, 0])):
        done = backlit("train", "t.csv", "--target", "price", *QUICK, "--json", "--force", *arguments)
        assert list(done.json["rows"].values()) == parts
        assert done.json["notices"][-1] == "no row is left to test on; give more rows"
        assert "linear model" not in backlit("show", "t.backlit").out
    message = fails("train", "t.csv", "--target", "price", "--group", "id", *QUICK, "--force")
    assert "12 rows in 1 group leave none to learn from; take another seed of the split (--split-seed), or" in message


def test_rows_without_their_time(fails):
    write(HOMES, sold=pl.when(pl.int_range(N) == 9).then(None).otherwise("sold"))
    assert "column 'sold' is missing in row 9; --time needs a date" in fails(
        "train", "t.csv", "--target", "price", "--time", "sold"
    )
    write(HOMES)
    assert "column 'town' is '" in fails("train", "t.csv", "--target", "price", "--time", "town")
    both = ("--time", "sold", "--group", "town")
    assert "--group and --time are both given; choose one" in fails("train", "t.csv", "--target", "price", *both)


# --- bad input: later tables -------------------------------------------------------------------------------------

FOUR = pl.when(pl.int_range(N) == 123).then(pl.lit("four")).otherwise("rooms")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": None}, "column 'size' is missing, but was learnt from; add it to the table"),
        ({"size": None, "Size": pl.lit(1)}, "did you mean 'Size'?"),
        ({"size": pl.lit("large")}, "column 'size' is 'large' in row 0, which is no number"),
        ({"rooms": FOUR}, "column 'rooms' is 'four' in row 123, which is no number"),
        ({"sold": pl.lit("soon")}, "column 'sold' is 'soon' in row 0, which is no date; write it as 2014-05-31"),
        ({"predicted price": pl.lit(1)}, "t.csv has a column 'predicted price' already, where predictions"),
    ],
)
def test_later_tables_that_do_not_fit(fails, tmp_path, runs, change, message, monkeypatch):
    monkeypatch.setattr("backlit.cli.tables.ROWS", 50)
    kept = HOMES.drop([name for name, value in change.items() if value is None])
    write(kept, **{name: value for name, value in change.items() if value is not None})
    assert message in fails("predict", runs / "homes.backlit", "t.csv", "--out", "out.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]


def test_a_later_table_of_another_type(fails, runs):
    HOMES.with_columns(town=pl.lit(3), sold=pl.lit("2014-05-31")).write_parquet("t.parquet")
    message = fails("predict", runs / "homes.backlit", "t.parquet", "--out", "out.csv")
    assert "column 'town' holds Int32, such as 3, but text such as 'Auburn' was learnt from" in message


def test_a_later_table_without_rows(backlit, runs):
    HOMES.head(0).drop("price").write_parquet("t.parquet")
    HOMES.head(0).drop("price").write_csv("t.csv")
    for table in ("t.parquet", "t.csv"):
        assert backlit("predict", runs / "homes.backlit", table).out == "size,rooms,town,sold,predicted price\n"


def test_two_readings_are_asked_on_a_terminal_only(fails):
    pexpect = pytest.importorskip("pexpect")
    write(HOMES, size=pl.format("{},125", pl.int_range(N) % 90 + 10), sold=pl.lit("03/04/15"))
    told = fails("train", "t.csv", "--target", "price", *QUICK)
    assert "column 'size' is '10,125', which may be 10125 (--decimal .) or 10.125 (--decimal ,)" in told
    arguments = ["-m", "backlit", "train", "t.csv", "--target", "price", "--drop", "sold", *QUICK]
    child = pexpect.spawn(sys.executable, arguments, dimensions=(60, 200), encoding="utf-8", timeout=60)
    child.expect(r"10,125 is 10\.125\s+size can be read in two ways. Which\? \(\. or ,\) ")
    child.sendline("both")
    child.expect("Which")
    child.sendline(",")
    child.expect("size: 10,125 read as 10.125")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    run = bl.open_run("t.backlit")
    assert run.table.columns[0].reading.decimal == ","
    assert "--decimal size=," in run.about()["commands"]["main"][0]
    assert "unknown column 'siez'" in fails(
        "train", "t.csv", "--target", "price", "--decimal", "siez=,", "--force", *QUICK
    )


# --- bad input: files --------------------------------------------------------------------------------------------


def test_what_exists_is_not_replaced_unless_forced(backlit, fails, runs, tmp_path):
    write(HOMES)
    (tmp_path / "t.backlit").write_text("old")
    (tmp_path / "out.csv").write_text("old")
    assert "t.backlit exists; name another file, or replace it (--force)" in fails(
        "train", "t.csv", "--target", "price"
    )
    assert "out.csv exists; name another" in fails("predict", runs / "homes.backlit", "t.csv", "--out", "out.csv")
    assert (tmp_path / "t.backlit").read_text() == (tmp_path / "out.csv").read_text() == "old"
    assert backlit("train", "t.csv", "--target", "price", *QUICK, "--force").code == 0
    assert backlit("predict", "t.backlit", "t.csv", "--out", "out.csv", "--force").code == 0
    assert len((tmp_path / "out.csv").read_text().splitlines()) == N + 1
    assert "t.csv is what is read here" in fails("predict", "t.backlit", "t.csv", "--out", "t.csv", "--force")


def test_what_cannot_be_written(fails, runs, tmp_path):
    write(HOMES)
    (tmp_path / "folder.backlit").mkdir()
    for arguments, message in (
        (("train", "t.csv", "--target", "price", "--run", "nowhere/t.backlit"), "nowhere is no folder; make it first"),
        (("train", "t.csv", "--target", "price", "--run", "folder.backlit", "--force"), "folder.backlit is a folder"),
        (("predict", runs / "homes.backlit", "t.csv", "--out", "nowhere/out.csv"), "nowhere is no folder"),
        (("predict", runs / "homes.backlit", "t.csv", "--out", "out.json"), "out.json ends in '.json'; give a .csv,"),
    ):
        assert message in fails(*arguments)
    if sys.platform == "linux":
        message = fails("train", "t.csv", "--target", "price", "--run", "/proc/t.backlit")
        assert re.search(r"/proc/t.backlit cannot be written \(.*\); name another file", message)


@pytest.mark.parametrize("command", ["train", "predict"])
def test_a_full_disk(runs, tmp_path, command):
    """A limit on the size of files fails a write as a full disk does; what was there stays."""
    resource = pytest.importorskip("resource")
    write(pl.concat([HOMES] * 5), tmp_path / "t.csv")
    old = tmp_path / ("t.backlit" if command == "train" else "out.csv")
    old.write_text("old")
    arguments = {
        "train": ["t.csv", "--target", "price", *QUICK],
        "predict": [runs / "homes.backlit", "t.csv", "--out", "out.csv"],
    }[command]
    done = subprocess.run(
        [sys.executable, "-m", "backlit", command, *arguments, "--force"],
        cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", env=os.environ | {"PYTHONIOENCODING": "utf-8"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (8192, resource.RLIM_INFINITY)),
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert re.fullmatch(rf"backlit: {old.name} could not be written \(.*\); nothing there has changed\n", done.stderr)
    assert old.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["t.csv", old.name])


def test_run_files_that_are_none(fails, runs, tmp_path):
    write(HOMES)
    content = (runs / "homes.backlit").read_bytes()
    for name, data, message in (
        ("cut.backlit", content[: len(content) // 2], "cut.backlit is damaged ("),
        ("random.backlit", draw.bytes(5000), "random.backlit is no run file of backlit; give one that train wrote"),
        ("table.backlit", (tmp_path / "t.csv").read_bytes(), "table.backlit is no run file of backlit"),
        ("empty.backlit", b"", "empty.backlit is no run file of backlit: it is empty"),
    ):
        (tmp_path / name).write_bytes(data)
        for command in (("show", name), ("predict", name, "t.csv")):
            assert message in fails(*command)
    assert "nowhere.backlit does not exist; give the path of a run file" in fails("show", "nowhere.backlit")


def test_a_run_file_of_a_newer_version(fails, runs, tmp_path):
    import sqlite3

    (tmp_path / "new.backlit").write_bytes((runs / "homes.backlit").read_bytes())
    with sqlite3.connect(tmp_path / "new.backlit") as file:
        file.execute("PRAGMA user_version = 99")
    file.close()
    error = fails("show", "new.backlit")
    assert error.startswith("backlit: new.backlit has format 99, and backlit ")
    assert error.endswith("; upgrade backlit\n")


# --- names that would write on the terminal ----------------------------------------------------------------------

ODD = [
    "[bold red]x[/]",
    "<img onerror=alert(1)>",
    "\x1b[31mred\x1b[0m",
    'say "x"',
    "two\nlines",
    "\u202egnirts",
    "a,b",
    "=1+1",
    "[/]",
]


def safe(text):
    assert "\x1b" not in text
    assert "\u202e" not in text
    return text


def test_odd_names_are_shown_as_they_are_and_can_be_used(backlit, fails):
    odd = HOMES.rename({"size": ODD[0], "rooms": ODD[2], "sold": ODD[5]})
    odd = odd.with_columns(pl.lit(i).alias(name) for i, name in enumerate(ODD) if name not in odd.columns)
    odd = odd.with_columns(town=pl.Series(np.array(ODD)[draw.integers(0, len(ODD), N)]))
    target = "pri[red]ce\x1b[2J"
    write(odd.rename({"price": target}))
    done = backlit("train", "t.csv", "--target", target, "--unit", "[blink]\x1b[5m", *QUICK)
    assert done.code == 0, done.err
    shown = backlit("show", "t.backlit").text
    for name in (*ODD[:2], "\\x1b[31mred\\x1b[0m", "two\\nlines", "pri[red]ce\\x1b[2J"):
        assert name in safe(done.out) + safe(shown)
    assert "[blink]\\x1b[5m" in done.out
    assert "\\u202egnirts" in shown
    done = backlit("predict", "t.backlit", "t.csv")
    frame = pl.read_csv(done.out.encode())
    assert frame.columns == [*pl.read_csv("t.csv").columns, f"predicted {target}"]
    assert frame["town"].to_list() == odd["town"].to_list()
    told = backlit("show", "t.backlit", "--json").json
    assert [column["name"] for column in told["table"]["columns"]][:3] == [ODD[0], ODD[2], "town"]
    safe(fails("train", "t.csv", "--target", "\x1b[31mprice"))
    safe(fails("train", "\x1b[31m.csv", "--target", "price"))
    write(odd.drop(ODD[2]), "less.csv")
    safe(fails("predict", "t.backlit", "less.csv"))
    write(odd.with_columns(pl.lit("\x1b[31m").alias(ODD[2])), "text.csv")
    safe(fails("predict", "t.backlit", "text.csv"))


def test_odd_classes(backlit):
    kinds = np.array(["[bold]a[/]", "\x1b[31mb", "two\nlines"])[draw.integers(0, 3, N)]
    write(KINDS, kind=pl.Series(kinds))
    safe(backlit("train", "t.csv", "--target", "kind", *QUICK).out)
    frame = pl.read_csv(backlit("predict", "t.backlit", "t.csv").out.encode())
    assert set(frame["predicted kind"]) <= set(kinds)
    assert "probability of [bold]a[/]" in frame.columns
    new = KINDS.with_columns(town=pl.lit("\x1b[31mOz\u202e\n"))
    write(new)
    safe(backlit("predict", "t.backlit", "t.csv", "--out", "out.csv").err)


def test_numbers_that_are_not_finite_are_null_in_json(backlit):
    """R² of test rows that are all alike is not defined."""
    write(HOMES, price=pl.when(pl.int_range(N) < 160).then("price").otherwise(5.0), when=pl.int_range(N))
    done = backlit("train", "t.csv", "--target", "price", "--time", "when", *QUICK, "--json")
    assert done.json["scores"]["backlit"]["r2"] is None
    assert backlit("show", "t.backlit", "--json").json["scores"]["mean"]["r2"] is None
    assert "not finite" in backlit("show", "t.backlit").out


def test_a_table_of_the_target_alone(fails, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    HOMES.select("price").write_csv("prices.csv")
    assert "no column is left to learn from" in fails("train", "prices.csv", "--target", "price")


def test_no_command_replaces_what_it_reads(fails, backlit, tmp_path, monkeypatch):
    """Not with --force either: the table, or the run, would be gone."""
    monkeypatch.chdir(tmp_path)
    HOMES.write_csv("homes.csv")
    backlit("train", "homes.csv", "--target", "price", "--run", "run.csv", *QUICK)
    Path("run.svg").symlink_to("run.csv")
    before = [Path(name).read_bytes() for name in ("homes.csv", "run.csv")]
    for command in (
        ("train", "homes.csv", "--target", "price", "--run", "./homes.csv", *QUICK),
        ("predict", "run.csv", "homes.csv", "--out", "homes.csv"),
        ("predict", "run.csv", "homes.csv", "--out", "run.csv"),
        ("export", "run.csv", "--csv", "run.csv"),
        ("export", "run.csv", "--safetensors", "run.csv"),
        ("export", "run.csv", "--without-rows", "run.csv"),
        ("figure", "network", "run.csv", "--out", "run.svg"),
    ):
        assert "is what is read here; name another file to write" in fails(*command, "--force")
    assert [Path(name).read_bytes() for name in ("homes.csv", "run.csv")] == before


def test_a_limit_beyond_every_count(backlit, fails, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    HOMES.write_csv("homes.csv")
    train = ("train", "homes.csv", "--target", "price", "--hidden", "4", "--run", "a.backlit", "--force")
    backlit(*train, "--epochs", 2**61, "--max-steps", 3)
    backlit(*train, "--epochs", 2**61, "--max-seconds", 0.01)
    assert bl.open_run("a.backlit").verify().sound
    for option in ("epochs", "patience", "max-steps"):
        assert f"{option.replace('-', '_')} is {10**20}; it must be" in fails(*train, f"--{option}", 10**20)
