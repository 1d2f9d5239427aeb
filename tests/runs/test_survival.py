"""What a run file must survive: kills, Ctrl-C, a full disk, a file that is taken away, damage, company, odd clocks."""

import importlib.util
import itertools
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import warnings
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
import pytest

import backlit as bl
from backlit.errors import BacklitError, DataError, RunWarning
from backlit.runs import recorder
from backlit.runs.file import reading, writing
from backlit.runs.run import recording
from backlit.runs.schema import Blob, EpochRow, Fact, Snapshot, Stretch, TimelineRow
from backlit.runs.sense import rows_of
from backlit.runs.verify import verify
from backlit.training import Stopped, loop, train

HERE = Path(__file__)
SPEC = importlib.util.spec_from_file_location("kill_often", HERE.parents[2] / "tools" / "kill_often.py")
kills = importlib.util.module_from_spec(SPEC)
sys.modules["kill_often"] = kills
SPEC.loader.exec_module(kills)

posix = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that can be forked and killed")
PATIENCE = (None, 4)
FACTS = (Fact, TimelineRow, EpochRow, Snapshot, Stretch, Blob)


@pytest.fixture(scope="module")
def server():
    with kills.Server() as server:
        yield server


@pytest.fixture(scope="module")
def start():
    return kills.start_of(None)


@pytest.fixture(scope="module")
def expected():
    """The bits of the runs that nobody disturbs, with and without patience."""
    return {patience: kills.undisturbed(kills.start_of(patience)) for patience in PATIENCE}


@pytest.fixture
def hurried(monkeypatch):
    """Write and keep states as often as can be."""
    monkeypatch.setattr(recorder, "FLUSH_SECONDS", 0.0002)
    monkeypatch.setattr(recorder, "RESTORE_SECONDS", 0.0002)
    monkeypatch.setattr(recorder, "COST", 0)
    monkeypatch.setattr(loop, "STRETCH_SECONDS", 0.00002)


@pytest.fixture(scope="module")
def small(tmp_path_factory, start):
    """A closed run file with some snapshots and a fork, small enough to be damaged everywhere."""
    path = tmp_path_factory.mktemp("small") / "a.backlit"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recorder, "RESTORE_SECONDS", 0.001)
        patch.setattr(recorder, "COST", 0)
        patch.setattr(loop, "STRETCH_SECONDS", 0.0005)
        with recording(path, *start, frame=kills.table()) as recorded:
            for event in recorded.record(train(start.plan, start.state)):
                if event.state.step > 300:
                    break
        bl.open_run(path).fork(100, learning_rate=1e-4)
    return path


def record(path, start, each=lambda event: None, **more):
    with recording(path, *start, frame=kills.table(), **more) as recorded:
        for event in recorded.record(train(start.plan, start.state)):
            each(event)


def found(path):
    """Everything that a file says, straight from its rows."""
    with reading(path) as file:
        return {kind: rows_of(file, kind) for kind in FACTS}


def answers(path):
    """All that people ask a run: facts, timelines, epochs, states at snapshots and elsewhere, rows and the table."""
    run = bl.open_run(path)
    told = [run.about(), run.table.to_dict(), run.net.to_dict(), run.max_size]
    for timeline in run.timelines():
        told += [timeline.row(), timeline.epochs(), timeline.steps()]
        states = [timeline.at(step) for step in {0, 5, timeline.steps(), *(s.step for s in timeline.snapshots())}]
        told += [kills.bits(state, ()) for state in states]
    for data in (run.timeline().learn(), run.timeline().watch()):
        told += [data.X.tobytes(), data.Y.tobytes(), data.rows.tobytes()]
    return [*told, run.frame().to_dicts(), run.storage()["snapshots"]]


def require_noticed(path, whole):
    """Damage is told by opening, by reading or by `verify`; what is not told has changed nothing that is read."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            sound = verify(path).sound
        except DataError:
            sound = False
        try:
            same = answers(path) == whole
        except BacklitError:
            same = False
    assert same or not sound
    return not sound


# --- kills -------------------------------------------------------------------------------------------------------


@posix
@pytest.mark.parametrize("number", range(20))
def test_a_kill_at_a_random_moment_costs_nothing(server, expected, tmp_path, number):
    draw, patience, path = random.Random(number), PATIENCE[number % 2], tmp_path / "a.backlit"
    end = server.stop(path, draw, expected[patience]["numbers"][3], patience=patience)
    assert end.code == -signal.SIGKILL or (end.code == 0 and end.phase == kills.CLOSING), end.told
    if path.exists():
        kills.finished(path, expected[patience])
    else:
        assert end.phase in ("", kills.BETWEEN, kills.MAKING)
        assert end.step == -1


@posix
@pytest.mark.parametrize("patience", PATIENCE)
def test_a_run_that_is_killed_again_and_again(server, expected, tmp_path, patience):
    draw, path, most = random.Random(3), tmp_path / "a.backlit", expected[patience]["numbers"][3]
    for share in (0.1, 0.3, 0.5, 0.6, 0.8):
        pid = server.start(path, patience=patience, resume=path.exists(), hold=share * most + 60)
        while server.seen()[1] < share * most and not server.failed():
            time.sleep(0.0003)
        time.sleep(draw.uniform(0, 0.002))
        os.kill(pid, signal.SIGKILL)
        end = server.end()
        assert not end.told
        assert bl.open_run(path).verify().sound
    kills.finished(path, expected[patience])


@posix
@pytest.mark.parametrize("number", range(6))
def test_ctrl_c_at_a_random_moment_costs_nothing(server, expected, tmp_path, number):
    draw, patience, path = random.Random(number), PATIENCE[number % 2], tmp_path / "a.backlit"
    end = server.stop(path, draw, expected[patience]["numbers"][3], sent=signal.SIGINT, patience=patience)
    assert end.code in (0, 130), end.told
    if path.exists():
        kills.finished(path, expected[patience])
        assert [left.name for left in tmp_path.glob("*a.backlit*")] == ["a.backlit"]
    else:
        assert end.step == -1


@pytest.mark.parametrize("number", [40, 41, 42])
@pytest.mark.parametrize("after", ["finite", "_sum", "StepsDone", "_next_epoch", "EpochDone", "_batches"])
def test_ctrl_c_between_two_events_costs_nothing(start, expected, tmp_path, monkeypatch, hurried, after, number):
    """Just after a function of the loop has returned; after the next epoch's end, say, and before that is told."""
    path, function, calls = tmp_path / "a.backlit", getattr(loop, after), itertools.count()

    def interrupted(*arguments):
        done = function(*arguments)
        if next(calls) == (number - 30 if "poch" in after else number):
            raise KeyboardInterrupt
        return done

    monkeypatch.setattr(loop, after, interrupted)
    record(path, start)
    monkeypatch.undo()
    assert bl.open_run(path).timeline().reason() == "interrupted"
    kills.finished(path, expected[None])


class Interrupted(sqlite3.Connection):
    """A connection on which Ctrl-C is pressed just after a statement was executed."""

    after = ""

    def execute(self, statement, *values):
        done = super().execute(statement, *values)
        if self.after and statement.startswith(self.after):
            self.after = ""
            raise KeyboardInterrupt
        return done


@pytest.mark.parametrize("after", ["BEGIN", "INSERT", "COMMIT"])
def test_ctrl_c_within_a_transaction_leaves_none_open(tmp_path, after):
    with closing(sqlite3.connect(tmp_path / "a", factory=Interrupted, isolation_level=None)) as file:
        file.execute("CREATE TABLE t (a)")
        file.after = after
        with pytest.raises(KeyboardInterrupt), recorder.transaction(file):
            file.execute("INSERT INTO t VALUES (1)")
        assert not file.in_transaction
        with recorder.transaction(file):
            file.execute("INSERT INTO t VALUES (2)")


def test_a_run_that_was_killed_at_its_very_end_only_ends(start, expected, tmp_path):
    """Its last state was written, but not yet why it stopped."""
    path = tmp_path / "a.backlit"
    record(path, start)
    with writing(path) as file:
        (row,) = rows_of(file, TimelineRow)
        recorder.put(file, row._replace(reason=None))
    main = bl.open_run(path).timeline()
    main.train()
    assert main.reason() == "epochs"
    kills.finished(path, expected[None])


@posix
@pytest.mark.parametrize("number", range(2))
def test_a_log_that_is_cut_off_or_damaged_loses_the_last_moments_only(server, expected, tmp_path, number):
    """What a killed process leaves beside the file, after the system has gone down, too."""
    draw, path = random.Random(number), tmp_path / "a.backlit"
    pid = server.start(path, hold=1000 + 100 * number)
    while server.seen()[1] < 900 + 100 * number and not server.failed():
        time.sleep(0.0003)
    os.kill(pid, signal.SIGKILL)
    server.end()
    log = path.with_name("a.backlit-wal")
    assert log.stat().st_size > 0
    content = log.read_bytes()
    places = [0, 1, 31, 32, 33, *(draw.randrange(len(content)) for _ in range(8))]
    for where, place in enumerate(places):
        other = tmp_path / f"{where}.backlit"
        shutil.copy(path, other)
        cut = content[:place] if where % 2 else content[:place] + bytes([content[place] ^ 0x20]) + content[place + 1 :]
        other.with_name(other.name + "-wal").write_bytes(cut)
        assert verify(other).sound
        if where < 3:
            kills.finished(other, expected[None])


# --- a full disk -------------------------------------------------------------------------------------------------


@posix
@pytest.mark.parametrize("kilobytes", [50, 150, 400, 1000, 1700])
def test_a_full_disk(server, expected, tmp_path, kilobytes):
    """A limit on the size of files fails a write as a full disk does."""
    path = tmp_path / "a.backlit"
    server.start(path, limit=1000 * kilobytes)
    end = server.end()
    assert end.code == 2, end
    assert end.told.startswith(f"DataError: {path} could not be written")
    assert "Make room" in end.told or "nothing there has changed" in end.told
    assert not path.exists() or "what was written before is there" in end.told
    if path.exists():
        kills.finished(path, expected[None])


def test_a_full_disk_while_it_goes_on(start, hurried, expected, tmp_path):
    """SQLite's own bound on the pages of a file stands for the disk's."""
    path, full = tmp_path / "a.backlit", []

    def record_on_a_small_disk():
        with recording(path, *start, frame=kills.table()) as recorded:
            for event in recorded.record(train(start.plan, start.state)):
                if event.state.step > 500 and not full:
                    full.append(recorded.file.execute("PRAGMA page_count").fetchone()[0] + 3)
                    recorded.file.execute(f"PRAGMA max_page_count = {full[0]}")

    with pytest.raises(
        DataError, match=r"a.backlit could not be written or read \(database or disk is full\); what was"
    ):
        record_on_a_small_disk()
    assert full
    assert [left.name for left in tmp_path.iterdir()] == ["a.backlit"]
    kills.finished(path, expected[None])


@posix
def test_a_full_disk_when_it_is_resumed(server, expected, tmp_path):
    path = tmp_path / "a.backlit"
    pid = server.start(path)
    while server.seen()[1] < 700 and not server.failed():
        time.sleep(0.0003)
    os.kill(pid, signal.SIGKILL)
    server.end()
    for more in (1, 30, 200):
        server.start(path, resume=True, limit=path.stat().st_size + 1000 * more)
        end = server.end()
        assert end.code in (0, 2), end
        assert bl.open_run(path).verify().sound
    kills.finished(path, expected[None])


# --- a file that is taken away -----------------------------------------------------------------------------------


def at_step(step, act):
    """Do something once when training has come to a step."""
    done = []

    def each(event):
        if event.state.step >= step and not done:
            done.append(act())

    return each


@posix
@pytest.mark.usefixtures("hurried")
def test_a_file_removed_while_training_is_written_again(start, expected, tmp_path):
    path = tmp_path / "a.backlit"
    with pytest.warns(RunWarning, match="a.backlit was removed while it was being written; all of it is now in"):
        record(path, start, at_step(400, path.unlink))
    assert [left.name for left in tmp_path.iterdir()] == ["a.backlit"]
    kills.finished(path, expected[None])


@posix
@pytest.mark.usefixtures("hurried")
def test_a_file_moved_while_training_is_written_again(start, expected, tmp_path):
    path = tmp_path / "a.backlit"
    with pytest.warns(RunWarning, match="a.backlit was removed"):
        record(path, start, at_step(400, lambda: path.rename(tmp_path / "b.backlit")))
    kills.finished(path, expected[None])
    assert bl.open_run(tmp_path / "b.backlit").verify().sound


@posix
@pytest.mark.usefixtures("hurried")
def test_a_file_replaced_while_training_is_written_under_another_name(start, small, expected, tmp_path):
    path, other = tmp_path / "a.backlit", tmp_path / "other.backlit"
    shutil.copy(small, other)
    content = small.read_bytes()
    with pytest.warns(RunWarning, match=r"all of it is now in .*a \(2\).backlit"):
        record(path, start, at_step(400, lambda: other.replace(path)))
    assert path.read_bytes() == content
    assert sorted(left.name for left in tmp_path.iterdir()) == ["a (2).backlit", "a.backlit"]
    kills.finished(tmp_path / "a (2).backlit", expected[None])
    assert answers(path) == answers(small)


@posix
@pytest.mark.usefixtures("hurried")
def test_a_replaced_file_is_read_as_what_it_is(start, small, tmp_path):
    """The log of the file that was there must not be taken for the new one's."""
    path, other = tmp_path / "a.backlit", tmp_path / "other.backlit"
    shutil.copy(small, other)
    with pytest.warns(RunWarning, match="all of it is now in"):
        record(path, start, at_step(400, lambda: other.replace(path)))
    assert answers(path) == answers(small)
    assert bl.open_run(path).verify().damaged == []


# --- damage ------------------------------------------------------------------------------------------------------


def test_truncated_anywhere(small, tmp_path):
    content, whole, path = small.read_bytes(), answers(small), tmp_path / "a.backlit"
    lengths = {*range(0, len(content), 4096), *range(1, 200, 17), len(content) - 1, len(content) - 4097}
    for length in sorted(lengths):
        path.write_bytes(content[:length])
        assert require_noticed(path, whole), length
    assert len(content) > 20 * 4096


def test_made_longer(small, tmp_path):
    content, whole, path = small.read_bytes(), answers(small), tmp_path / "a.backlit"
    for more in (b"\0", bytes(4096), content):
        path.write_bytes(content + more)
        require_noticed(path, whole)


@pytest.mark.parametrize("part", range(4))
def test_a_changed_byte_is_noticed_or_was_nothing(small, tmp_path, part):
    """300 and more, anywhere."""
    content, whole, path = small.read_bytes(), answers(small), tmp_path / "a.backlit"
    draw, noticed = random.Random(part), 0
    places = draw.sample(range(len(content)), 70) + draw.sample(range(8192), 10)
    for place in places:
        path.write_bytes(content[:place] + bytes([content[place] ^ 1 << draw.randrange(8)]) + content[place + 1 :])
        noticed += require_noticed(path, whole)
    assert noticed > 8


def test_a_changed_byte_in_a_row_is_always_noticed(small, tmp_path):
    """Flips within what rows hold: the bytes of their blobs and texts, found in the file."""
    content, path, draw = small.read_bytes(), tmp_path / "a.backlit", random.Random(5)
    fields = [f for rows in found(small).values() for row in rows for f in row if isinstance(f, bytes | str)]
    texts = [f if isinstance(f, bytes) else f.encode() for f in fields]
    places = [(content.find(text), len(text)) for text in texts if 16 <= len(text) < 4000]
    places = [(start, size) for start, size in places if start > 0]
    assert len(places) > 40
    for start, size in draw.choices(places, k=150):
        place = start + draw.randrange(size)
        path.write_bytes(content[:place] + bytes([content[place] ^ 1 << draw.randrange(8)]) + content[place + 1 :])
        with suppress(DataError):
            assert not verify(path).sound, place


# --- in company --------------------------------------------------------------------------------------------------


def test_a_second_writer_in_the_same_process_is_told_so(start, expected, tmp_path):
    path, told = tmp_path / "a.backlit", []

    def second():
        for write in (
            lambda run: run.keep("main"),
            lambda run: run.train(1),
            lambda run: run.fork(0),
            lambda run: run.gc(),
        ):
            with pytest.raises(
                DataError, match=r"a.backlit is being written by another process; wait until it is done"
            ):
                write(bl.open_run(path))
        with pytest.raises(DataError, match=r"a.backlit is being written by another process"):
            record(path, start, force=True)
        told.append(True)

    record(path, start, at_step(500, second))
    assert told
    kills.finished(path, expected[None])


@posix
def test_a_second_writer_in_another_process_is_told_so(server, start, expected, tmp_path):
    path, ends = tmp_path / "a.backlit", []

    def second():
        server.start(path, resume=True)
        ends.append(server.end())

    record(path, start, at_step(500, second))
    assert [end.code for end in ends] == [2]
    assert ends[0].told.startswith(f"DataError: {path} is being written by another process; wait until it is done")
    (tmp_path / "mark").unlink(), (tmp_path / "mark.told").unlink()
    assert [left.name for left in tmp_path.iterdir()] == ["a.backlit"]
    kills.finished(path, expected[None])


@posix
def test_a_second_writer_by_another_name_is_told_so(start, expected, tmp_path):
    path, link, told = tmp_path / "a.backlit", tmp_path / "link.backlit", []
    link.symlink_to(path)

    def second():
        with pytest.raises(DataError, match="is being written by another process"):
            bl.open_run(link).keep("main")
        told.append(True)

    record(path, start, at_step(500, second))
    assert told
    kills.finished(path, expected[None])


@posix
def test_a_lock_that_was_opened_before_it_was_given_back_is_no_second_lock(small, tmp_path, monkeypatch):
    """One waits with the lock's file open while its holder removes it; whoever comes then must not get another."""
    from backlit.runs.file import lock

    path, waiting = Path(shutil.copy(small, tmp_path / "a.backlit")), []
    connect = sqlite3.connect
    first = lock(path)
    first.__enter__()

    def slow(*arguments, **more):
        made = connect(*arguments, **more)
        if not waiting:
            waiting.append(made)
            made.execute("PRAGMA schema_version").fetchall()  # the file is open now
            first.__exit__(None, None, None)
        return made

    monkeypatch.setattr("backlit.runs.file.sqlite3.connect", slow)
    try:
        second = lock(path)
        second.__enter__()
    except DataError:
        return
    with pytest.raises(DataError, match="is being written by another process"), lock(path):
        pass
    second.__exit__(None, None, None)


OTHER_TOOL = """
import sqlite3, sys
file = sqlite3.connect(sys.argv[1])
print(file.execute("SELECT count(*) FROM epochs").fetchone()[0])
file.close()
"""


@posix
@pytest.mark.usefixtures("hurried")
def test_another_tool_that_looks_while_it_is_read_and_written_disturbs_nothing(start, expected, tmp_path):
    """Closing any handle of a file gives up a process's locks on it; a log that seems unlocked is taken away."""
    path, told = tmp_path / "a.backlit", []

    def look():
        bl.open_run(path).at(100)
        told.append(
            subprocess.run([sys.executable, "-c", OTHER_TOOL, path], capture_output=True, text=True, check=True)
        )
        told.append(path.with_name("a.backlit-wal").exists())

    record(path, start, at_step(600, look))
    assert told[1]
    kills.finished(path, expected[None])
    assert bl.open_run(path).timeline().reason() == "epochs"


def every_bit(start):
    """The state before every step, as `bits` without epochs, by its step."""
    states = {0: start.state}
    for event in train(start.plan, start.state, stretch=1):
        states[event.state.step] = event.state
    return states


def thetas(start):
    return {step: state.theta.tobytes() for step, state in every_bit(start).items()}


def test_many_readers_while_it_is_written(start, expected, tmp_path, monkeypatch):
    right, path, wrong, looked = thetas(start), tmp_path / "a.backlit", [], itertools.count()
    monkeypatch.setattr(recorder, "FLUSH_SECONDS", 0.002)
    monkeypatch.setattr(recorder, "RESTORE_SECONDS", 0.002)
    monkeypatch.setattr(loop, "STRETCH_SECONDS", 0.0005)
    begun, enough, over = threading.Event(), threading.Event(), threading.Event()

    def read(number):
        draw = random.Random(number)
        begun.wait()
        while not over.is_set():
            try:
                run = bl.open_run(path)
                step = draw.randint(0, run.timeline().steps())
                if run.at(step).theta.tobytes() != right[step]:
                    wrong.append(f"other weights at step {step}")
                epochs = run.timeline().epochs()
                if epochs != expected[None]["epochs"][: len(epochs)] or run.about()["rows"]["train"] != len(
                    start.plan.learn
                ):
                    wrong.append("other epochs or facts")
                if next(looked) > 5:
                    enough.set()
            except Exception as error:
                wrong.append(f"{type(error).__name__}: {error}")
                enough.set()

    def each(event):
        begun.set()
        time.sleep(0.002)
        assert event.state.step < 1500 or enough.wait(30)

    readers = [threading.Thread(target=read, args=(number,)) for number in range(3)]
    for reader in readers:
        reader.start()
    try:
        record(path, start, each)
    finally:
        begun.set()
        over.set()
        for reader in readers:
            reader.join()
    assert not wrong, set(wrong)
    kills.finished(path, expected[None])


@posix
def test_readers_in_another_process_while_it_is_written(server, start, tmp_path):
    right, path, draw, looked = thetas(start), tmp_path / "a.backlit", random.Random(0), 0
    server.start(path, slowly=0.0003, hold=1000)
    while server.seen()[1] < 50 and not server.failed():
        time.sleep(0.001)
    while server.seen()[0] != kills.CLOSING and not server.failed():
        if looked > 5:
            server.go()
        main = bl.open_run(path).timeline()
        step = draw.randint(0, main.steps())
        assert main.at(step).theta.tobytes() == right[step]
        looked += 1
    end = server.end()
    assert end.code == 0, end.told
    assert looked > 5
    assert bl.open_run(path).verify().sound
    assert not path.with_name("a.backlit-wal").exists()


# --- odd clocks --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("jump", ["back", "ahead", "both", "stands still"])
def test_a_clock_that_jumps_changes_no_bit(start, expected, tmp_path, monkeypatch, jump):
    draw, now = random.Random(1), [1e6]

    def clock():
        steps = {"back": (-3600, 1e-4), "ahead": (1e-4, 3600), "both": (-3600, 3600), "stands still": (0, 0)}[jump]
        now[0] += draw.choice([*steps, *[1e-4 * (jump != "stands still")] * 20])
        return now[0]

    for name in ("perf_counter", "time", "monotonic"):
        monkeypatch.setattr(time, name, clock)
    path = tmp_path / "a.backlit"
    record(path, start)
    assert bl.open_run(path).verify(deep=True).sound
    bl.open_run(path).storage()
    monkeypatch.undo()
    kills.finished(path, expected[None])


# --- a bound on the size -----------------------------------------------------------------------------------------


SLACK = 60_000  #: bytes: epochs, stretches and their index, which no bound makes fewer


def test_a_small_bound_makes_snapshots_sparser_and_every_step_can_still_be_had(start, expected, tmp_path, monkeypatch):
    right, stored = thetas(start), {}
    monkeypatch.setattr(recorder, "RESTORE_SECONDS", 0.0)
    monkeypatch.setattr(recorder, "COST", 0)
    monkeypatch.setattr(loop, "STRETCH_SECONDS", 0.0001)
    for size in (10_000_000, 150_000):
        path = tmp_path / f"{size}.backlit"
        largest = 0

        def each(event, path=path):
            nonlocal largest
            largest = max(largest, path.stat().st_size)

        record(path, start, each, max_size=size)
        kept = [snapshot.step for snapshot in bl.open_run(path).timeline().snapshots()]
        stored[size] = len(kept), max(np.diff(kept))
        assert max(path.stat().st_size, largest) < size + SLACK
        kills.finished(path, expected[None])
        main = bl.open_run(path).timeline()
        for step in random.Random(size).sample(range(main.steps() + 1), 25):
            assert main.at(step).theta.tobytes() == right[step]
    (many, near), (few, far) = stored.values()
    assert many > few >= 2
    assert near < far


@pytest.mark.usefixtures("hurried")
def test_kept_timelines_keep_their_snapshots(start, tmp_path):
    path = tmp_path / "a.backlit"
    record(path, start, max_size=300_000)
    run = bl.open_run(path)
    run.keep("main")
    before = [s.step for s in run.timeline().snapshots()]
    run.fork(900, learning_rate=1e-4, name="b").train()
    assert [s.step for s in run.timeline().snapshots()] == before
    assert run.verify(deep=True).sound


@pytest.mark.usefixtures("hurried")
def test_a_small_bound_makes_figures_sparser(start, tmp_path, monkeypatch):
    """The figures of all steps would take more than their share."""
    path, columns = tmp_path / "a.backlit", len(recorder.figure_names(start.plan.net))
    monkeypatch.setattr(recorder, "FIGURES_SHARE", 0.05)
    record(path, start, max_size=250_000)
    stretches = found(path)[Stretch]
    assert max(stretch.every for stretch in stretches) > 1
    assert stretches[0].start == 0
    assert stretches[-1].stop == 1840
    for stretch in stretches:
        kept = len(range(stretch.start, stretch.stop, stretch.every))
        assert recorder.figures_of(stretch, columns).shape == (kept, columns)
    assert bl.open_run(path).verify(deep=True).sound


def test_rows_that_would_take_more_than_half_of_it_stay_outside(start, tmp_path):
    path = tmp_path / "a.backlit"
    with recording(path, *start, frame=kills.table(), about={"source": "homes.csv"}, max_size=1_000) as recorded:
        for event in recorded.record(train(start.plan, start.state)):
            if isinstance(event, Stopped) or event.state.step > 100:
                break
    run = bl.open_run(path)
    assert (run.storage()["rows"], run.storage()["table"]) == (False, False)
    with pytest.raises(DataError, match=r"keeps no rows, and its table 'homes.csv' is not beside it"):
        run.timeline().learn()
    kills.table().write_csv(tmp_path / "homes.csv", float_precision=17)
    assert bl.open_run(path).timeline().learn().X.tobytes() == start.plan.learn.X.tobytes()
    assert json.loads(found(path)[TimelineRow][0].settings)["batch_size"] == 4
    assert np.isfinite(bl.open_run(path).at(50).theta).all()
