"""What can be opened: run files and tables, by keys. No path ever comes from a request."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Container, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from backlit.errors import BacklitError, UnknownNameError
from backlit.lesson import FIRST_FILE, REAL_FILE, first_run, real_run
from backlit.runs.run import open_run
from backlit.tables.datasets import load_houses
from backlit.tables.frames import Source, open_table, table_kind
from backlit.tables.reading import Hints, Sheet

SOURCE = "backlit studio"
FIRST, REAL = "first", "real"
LESSONS = {FIRST: (FIRST_FILE, first_run), REAL: (REAL_FILE, real_run)}  #: runs that are begun once they are asked for
UPLOAD_LIMIT = 64_000_000  #: bytes
MOST_SHEETS = 2  #: readings of tables that are kept: as the columns show, and with the target that is chosen
LABEL = 80  #: letters of a name that a request brings


class Listed(NamedTuple):
    """A table to begin on.

    Attributes
    ----------
    file : as a command names it: its path, of one that was sent only its name; "" for the houses
    source : None for the houses
    """

    name: str
    file: str
    source: Source | None


class Shelf:
    """Runs in one folder, and tables: the houses, one named when the studio began, and what was uploaded.

    Attributes
    ----------
    opens : key of the run that a page opens which asks for none
    begins : key of the table to set up; "" for none
    """

    def __init__(self, folder: str | Path = ".") -> None:
        self.folder = Path(folder)
        self.opens, self.begins = FIRST, ""
        self._runs: dict[str, Path] = {}
        self._tables = {"houses": Listed("houses", "", None)}
        self._read: list[tuple[Source | None, Hints, Sheet]] = []  # the one asked for last comes last
        self._uploads: tempfile.TemporaryDirectory[str] | None = None
        self._numbers = itertools.count(1)

    # --- runs ----------------------------------------------------------------------------------------------------

    def runs(self) -> dict[str, str]:
        """Their keys and names."""
        runs = {key: Path(file).stem for key, (file, _) in LESSONS.items()}
        for path in sorted(self.folder.glob("*.backlit")):
            if path not in self._runs.values() and path.stem not in runs.values():
                self.add_run(path)
        return runs | {key: path.stem for key, path in self._runs.items() if key not in runs and path.exists()}

    def add_run(self, path: str | Path) -> str:
        """Its key."""
        path = Path(path)
        known = {place.resolve(): key for key, place in self._runs.items()}
        if path.resolve() in known:
            return known[path.resolve()]
        key = _free(path.name, self._runs)
        self._runs[key] = path
        return key

    def run(self, key: str) -> Path:
        """A run file; the first network and the real one are begun where they are not there yet."""
        if key not in self._runs and key in LESSONS:
            self._runs[key] = self._lesson(key)
        elif key not in self._runs and key not in self.runs():
            raise UnknownNameError("run", key, self.runs())
        return self._runs[key]

    def new_run(self, name: str) -> Path:
        """A path in the folder for a new run file of about that name, where no file is."""
        letters = "".join(letter if letter.isalnum() or letter in "-_ " else "-" for letter in name[:LABEL])
        stem = letters.strip("- ") or "table"
        return next(path for path in self._names(stem) if not path.exists())

    def _names(self, stem: str) -> Iterator[Path]:
        """NAME.backlit, NAME-2.backlit, ..."""
        return (self.folder / f"{stem}{'' if n == 1 else f'-{n}'}.backlit" for n in itertools.count(1))

    def _lesson(self, key: str) -> Path:
        """Its file, if that is what it should be; else one that is begun."""
        file, begin = LESSONS[key]
        path = next(path for path in self._names(Path(file).stem) if not path.exists() or _fits(path, key))
        if not path.exists():
            begin(path, SOURCE)
        return path

    # --- tables --------------------------------------------------------------------------------------------------

    def tables(self) -> dict[str, str]:
        """Their keys and names."""
        return {key: table.name for key, table in self._tables.items()}

    def add_table(self, path: str | Path) -> str:
        """The key of a table that was named when the studio began; it is read now, so that an error is told."""
        return self._add(Path(path).stem, str(path), open_table(path))

    def add_upload(self, name: str, content: Path) -> str:
        """The key of a table that was sent; what is wrong with it is told by its `name`, not by where it lies."""
        label = _label(name)
        source = replace(open_table(content), called=label)
        return self._add(Path(label).stem[:LABEL] or "table", label, source)

    def upload(self, name: str) -> Path:
        """Where to write what is sent: a new file, as long as the studio lives."""
        label = _label(name)
        table_kind(label)
        if self._uploads is None:
            self._uploads = tempfile.TemporaryDirectory(prefix="backlit-studio-")
        return Path(self._uploads.name) / f"upload-{next(self._numbers)}{Path(label).suffix.lower()}"

    def table(self, key: str, hints: Hints = Hints()) -> Sheet:
        """A table, read with these hints."""
        return self._sheet(self.listed(key).source, hints)

    def listed(self, key: str) -> Listed:
        """What a table is called, and where it comes from."""
        if key not in self._tables:
            raise UnknownNameError("table", key, self._tables)
        return self._tables[key]

    def _add(self, name: str, file: str, source: Source) -> str:
        self._sheet(source, Hints())
        key = _free(name, self._tables)
        self._tables[key] = Listed(name, file, source)
        return key

    def _sheet(self, source: Source | None, hints: Hints) -> Sheet:
        """A table that is read, or was read not long ago."""
        sheet = next((sheet for *read, sheet in self._read if read == [source, hints]), None)
        if sheet is None:
            sheet = Sheet(load_houses()) if source is None else source.sheet(hints)
        others = [read for read in self._read if read[2] is not sheet]
        self._read = [*others, (source, hints, sheet)][-MOST_SHEETS:]
        return sheet

    def close(self) -> None:
        """Forget what was uploaded."""
        if self._uploads is not None:
            self._uploads.cleanup()


def _label(name: str) -> str:
    """A file's name, as a request brings it, without folders."""
    return Path(name.replace("\\", "/")).name


def _free(name: str, taken: Container[str]) -> str:
    names = (name if n == 1 else f"{name} ({n})" for n in itertools.count(1))
    return next(name for name in names if name not in taken and name not in LESSONS)


def _fits(path: Path, key: str) -> bool:
    """Whether a file is the run that its name says; the real one may also come from `backlit demo` or `train`."""
    try:
        run = open_run(path)
        return key == REAL or run.about().get("source") == SOURCE
    except BacklitError:
        return False
