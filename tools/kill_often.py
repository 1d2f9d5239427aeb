"""Kill training again and again, at random moments: each time the run file must open, be sound, and go on to the same
bits as a run that nobody touched.

    python tools/kill_often.py [times]

tests/runs/test_survival.py does the same a few times, with the functions below.
"""

from __future__ import annotations

import json
import math
import mmap
import os
import random
import signal
import struct
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from backlit.core.state import State
from backlit.errors import ArgumentError, BacklitError, RunWarning
from backlit.fitting import Recipe, Start, prepare
from backlit.problem import Problem, split_rows
from backlit.runs import file, recorder, run
from backlit.runs import timeline as timelines
from backlit.runs.run import open_run, recording
from backlit.runs.verify import verify as verified
from backlit.training import Epoch, loop, train

ROWS, SEED = 300, 7
MAKING, BETWEEN, WRITING, CLOSING = "making the file", "between two writes", "in a write", "closing the file"
MARK = struct.Struct("<20sq")  # the phase, and the step: what is seen of a process from outside


def table() -> pl.DataFrame:
    """A few houses."""
    draw = np.random.default_rng(SEED)
    size, town = draw.gamma(2, 500, ROWS), draw.choice(["Kent", "Auburn", "Renton"], ROWS)
    return pl.DataFrame({"size": size, "town": town, "price": 100 * size + draw.normal(0, 9000, ROWS)})


def start_of(patience: int | None) -> Start:
    """A tiny net, dropout, a cosine schedule, 48 steps an epoch; with patience it ends early."""
    frame = table()
    rate = 1e-3 if patience is None else 2e-2
    recipe = Recipe(hidden=(8,), bins=8, dropout=0.2, batch_size=4, epochs=40, patience=patience, learning_rate=rate)
    split = split_rows(np.arange(ROWS))
    return prepare(Problem(frame.drop("price"), frame.select("price"), split=split), recipe, SEED)


def bits(state: State, epochs: tuple[Epoch, ...]) -> dict[str, Any]:
    """Everything that a run ends with, to the bit."""
    vectors = {"theta": state.theta, **state.memory}
    if state.best is not None:
        vectors["best"] = state.best.theta
    numbers = (state.seed, state.planned, state.begun, state.step, state.epoch, state.used, state.patience_left)
    return {
        "vectors": {name: np.asarray(vector).tobytes() for name, vector in vectors.items()},
        "best": None if state.best is None else (state.best.step, state.best.metric),
        "numbers": numbers, "total": state.total, "epochs": tuple(epochs),
    }  # fmt: skip


def undisturbed(start: Start) -> dict[str, Any]:
    """The bits of a run that is not even recorded."""
    state, epochs = start.state, []
    for event in train(start.plan, state):
        state = event.state
        if isinstance(event, loop.EpochDone):
            epochs.append(Epoch.of(event))
    return bits(state, tuple(epochs))


def finished(path: Path, expected: dict[str, Any]) -> None:
    """Go on with whatever is left of a run; raises unless it is sound, and ends with the bits expected."""
    report = verified(path)
    if not report.sound:
        raise AssertionError(f"{path} is damaged before it goes on: {report.damaged}")
    with warnings.catch_warnings():
        warnings.simplefilter("error", RunWarning)
        main = open_run(path).timeline()
        try:
            main.train()
        except ArgumentError as error:
            if "has come to its end" not in str(error):
                raise
        found = bits(main.at(), main.epochs())
    other = [name for name in expected if found[name] != expected[name]]
    if other:
        raise AssertionError(f"{path} ends with other bits than the run that was not disturbed: {', '.join(other)}")
    report = verified(path)
    if not report.sound:
        raise AssertionError(f"{path} is damaged after it went on: {report.damaged}")


# --- the processes that are killed -------------------------------------------------------------------------------


def hurry() -> None:
    """Write and keep states as often as can be, so that a kill falls into the midst of it."""
    recorder.FLUSH_SECONDS = recorder.RESTORE_SECONDS = 0.0002
    recorder.COST = 5
    loop.STRETCH_SECONDS = 0.00002  # a few steps: so most states that are kept lie within an epoch


def work(job: dict[str, Any]) -> None:
    """Train and record, or go on; show where it is in the file job["mark"]."""
    with Path(job["mark"]).open("r+b") as opened:
        mark = mmap.mmap(opened.fileno(), MARK.size)
    phase, step, go = BETWEEN, -1, Path(job["mark"] + ".go")

    def show() -> None:
        mark[:] = MARK.pack(phase.encode(), step)

    def shown(name: str, inside: Any) -> Any:
        @contextmanager
        def wrapped(*arguments: Any) -> Iterator[Any]:
            nonlocal phase
            before, phase = phase, name
            show()
            with inside(*arguments) as value:
                yield value
            phase = before
            show()

        return wrapped

    def create(*arguments: Any) -> None:
        with shown(MAKING, _nothing)():
            file.create(*arguments)

    recorder.transaction = timelines.transaction = shown(WRITING, recorder.transaction)
    run.create = create
    hurry()
    if job.get("limit"):
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (job["limit"], resource.RLIM_INFINITY))

    def watched(events: Iterator[Any]) -> None:
        nonlocal phase, step
        for event in events:
            step = event.state.step
            show()
            time.sleep(job.get("slowly", 0))
            while step >= job.get("hold", math.inf) and not go.exists():
                time.sleep(0.001)
        phase = CLOSING
        show()

    path = Path(job["path"])
    if job.get("resume"):
        watched(open_run(path).timeline().events())
    else:
        start = start_of(job["patience"])
        with recording(path, *start, frame=table()) as recorded:
            watched(recorded.record(train(start.plan, start.state)))


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def serve() -> None:
    """Do the jobs that come in, a line of JSON each, every one in a process of its own that is ready to go."""
    os.environ["PYTHONWARNINGS"] = "ignore"
    while line := sys.stdin.readline():
        job = json.loads(line)
        pid = os.fork()
        if not pid:
            code = 0
            try:
                warnings.simplefilter("ignore")
                work(job)
            except KeyboardInterrupt:
                code = 130
            except BacklitError as error:
                Path(job["mark"] + ".told").write_text(f"{type(error).__name__}: {error}")
                code = 2
            except BaseException:
                Path(job["mark"] + ".told").write_text(traceback.format_exc())
                code = 1
            finally:
                os._exit(code)
        print(pid, flush=True)
        sys.stdin.readline()  # until then its number is its own, and a signal meets nobody else
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


class End(NamedTuple):
    """How a job ended: its exit code, what it was doing, its last step, and what it said."""

    code: int
    phase: str
    step: int
    told: str


class Server:
    """A process that does jobs, as `serve`."""

    def __enter__(self) -> Server:
        single = dict.fromkeys(("OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS", "OMP_NUM_THREADS"), "1")
        command = [sys.executable, __file__, "--serve"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **single}
        )
        return self

    def __exit__(self, *_: Any) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()

    def start(self, path: Path, **job: Any) -> int:
        """Begin a job; its process's number. hold: the step at which it waits for `go`."""
        self.mark = path.with_name("mark")
        self.mark.write_bytes(MARK.pack(b"", -1))
        for left in ("mark.told", "mark.go"):
            self.mark.with_name(left).unlink(missing_ok=True)
        job = {"patience": None, **job, "path": str(path), "mark": str(self.mark)}
        self._say(json.dumps(job))
        return self._read()

    def _say(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def _read(self) -> int:
        assert self.process.stdout is not None
        return int(self.process.stdout.readline())

    def seen(self) -> tuple[str, int]:
        """What the job does now: the phase and the step."""
        phase, step = MARK.unpack(self.mark.read_bytes())
        return phase.rstrip(b"\0").decode(), step

    def failed(self) -> bool:
        """Whether the job ended with an error."""
        return self.mark.with_name("mark.told").exists()

    def go(self) -> None:
        """Let a job that waits go on."""
        self.mark.with_name("mark.go").touch()

    def end(self) -> End:
        """Wait for the job's end."""
        self._say("")
        code = self._read()
        told = self.mark.with_name("mark.told").read_text() if self.failed() else ""
        return End(code, *self.seen(), told)

    def stop(
        self, path: Path, draw: random.Random, most: int, sent: signal.Signals = signal.SIGKILL, **job: Any
    ) -> End:
        """Do a job, and send it a signal at a random moment."""
        pid = self.start(path, **job)
        wanted = draw.choices([MAKING, CLOSING, None], [1, 1, 8])[0]
        step, begun = draw.randrange(most), time.monotonic()
        while True:
            if time.monotonic() - begun > 60:
                os.kill(pid, signal.SIGABRT)
                raise AssertionError(f"{path} hangs: {self.end()}")
            phase, at = self.seen()
            if self.failed() or phase in (CLOSING, wanted) or (wanted is None and at >= step):
                break
            time.sleep(0.0003)
        time.sleep(draw.uniform(0, 0.003))
        os.kill(pid, sent)
        return self.end()


def main(times: int) -> int:
    """Kill so many times; 1 if anything was lost."""
    begun, draw = time.monotonic(), random.Random(SEED)
    expected = {patience: undisturbed(start_of(patience)) for patience in (None, 4)}
    phases: Counter[str] = Counter()
    steps, failures, done = [], [], 0
    with Server() as server, tempfile.TemporaryDirectory() as folder:
        while sum(phases.values()) < times:
            patience = draw.choice(list(expected))
            path = Path(folder) / f"{done}.backlit"
            done += 1
            resume = False
            try:
                for _ in range(draw.choice([1, 1, 1, 4])):
                    most = expected[patience]["numbers"][3]
                    end = server.stop(path, draw, most, patience=patience, resume=resume)
                    if end.code != -signal.SIGKILL:
                        if end.code and "has come to its end" not in end.told:
                            raise AssertionError(end.told)
                        break
                    there = path.exists()
                    phases[(end.phase or "before anything") + ("" if there else ", no file yet")] += 1
                    steps.append(end.step)
                    if not there:
                        break
                    resume = True
                if path.exists():
                    finished(path, expected[patience])
            except Exception:
                failures.append(traceback.format_exc())
            for left in Path(folder).glob(f"*{path.name}*"):
                left.unlink()
    for failure in failures:
        print(failure)
    print(f"{sum(phases.values())} kills in {done} runs, at steps {min(steps)} to {max(steps)}")
    for phase, count in phases.most_common():
        print(f"  {count:4d} {phase}")
    good = done - len(failures)
    print(f"{good} of {done} runs were sound, went on, and ended with the bits of a run that was not disturbed")
    print(f"{time.monotonic() - begun:.0f} seconds")
    return 1 if failures else 0


if __name__ == "__main__":
    if sys.argv[1:] == ["--serve"]:
        serve()
    else:
        sys.exit(main(int(sys.argv[1]) if sys.argv[1:] else 200))
