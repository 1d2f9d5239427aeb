"""How a run file is opened: for reading by many, for writing by one."""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from backlit.errors import DataError, RunWarning
from backlit.runs.schema import APPLICATION_ID, FORMAT, LARGEST, SCHEMA, DamageError
from backlit.tables.frames import whole
from backlit.words import say

_PAGE = 8192
_WAIT = 10.0  # seconds for another's lock
_PATIENCE = 3.0  # seconds for readers to come to an end, when the file is closed


Asker = Literal["function", "fit", "command"]

#: what SQLite may come upon in a file or on a disk; any other code tells of a mistake in a statement, which is ours
_KINDS = {
    sqlite3.SQLITE_NOTADB: "run.no_run",
    sqlite3.SQLITE_CORRUPT: "run.damaged",
    **dict.fromkeys((sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED), "run.busy"),
    **dict.fromkeys(
        (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH), "run.closed"
    ),
    **dict.fromkeys(
        (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_PROTOCOL), "run.disk"
    ),
}


def _code(error: Exception) -> int:
    """What SQLite calls the error; 0 where it is Python's own, such as of a connection that is closed."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


@contextmanager
def named(path: Path) -> Iterator[None]:
    """What goes wrong in a run file, with its name and what can be done; a mistake of the program's is left as it is.

    What is damaged is found where a file's bytes become records: by SQLite, and by what raises `DamageError`.
    """
    try:
        yield
    except DamageError as error:
        raise DataError("run.damaged", path=path, why=str(error)) from None
    except sqlite3.DatabaseError as error:
        kind = _KINDS.get(_code(error))
        if kind is None:
            raise
        raise DataError(kind, path=path, why=str(error)) from None


def require_new(
    path: str | Path, replace: bool = False, asker: Asker = "function", read: Iterable[str | Path] = ()
) -> Path:
    """The path, if a file may and can be written there; said before the work is done.

    Parameters
    ----------
    replace : whether a file that is there may be replaced
    asker : who asks; the remedy stands in its words
    read : files that it is made of, which it never replaces
    """
    path = Path(path)
    _require_name(path)
    if path.is_dir():
        raise DataError("path.is_folder", path=path)
    if any(Path(source).exists() and path.exists() and path.samefile(source) for source in read):
        raise DataError("path.is_read", path=path)
    if path.exists() and not replace:
        raise DataError(f"path.exists.{asker}", path=path)
    if not path.parent.is_dir():
        raise DataError("path.no_folder", folder=path.parent)
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            return path
    except OSError as error:
        raise DataError("path.unwritable", path=path, why=error.strerror) from None


def create(path: Path, fill: Callable[[sqlite3.Connection], None], replace: bool = False) -> None:
    """Make a run file, which is there whole or not at all; its writer must hold the lock."""
    require_new(path, replace)
    with whole(path) as beside:
        try:
            with closing(sqlite3.connect(beside)) as file:
                file.execute(f"PRAGMA page_size = {_PAGE}")
                file.execute("PRAGMA journal_mode = OFF")  # it is no one's file yet
                with file:
                    file.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                    file.execute(f"PRAGMA user_version = {FORMAT}")
                    for statement in SCHEMA.values():
                        file.execute(statement)
                    fill(file)
        except sqlite3.DatabaseError as error:
            if _KINDS.get(_code(error)) not in ("run.disk", "run.closed"):
                raise
            raise OSError(str(error)) from error
        _remove_logs(path)


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """Hold a run file as its only writer; the lock is the system's, and gone with the process that held it."""
    place = path.resolve()
    place = place.with_name(place.name + "-lock")
    held = None
    try:
        held = sqlite3.connect(place, timeout=0, isolation_level=None, check_same_thread=False)
        held.execute("PRAGMA journal_mode = MEMORY")
        held.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        if held is not None:
            held.close()
        raise DataError("run.locked" if "locked" in str(error) else "run.closed", path=path, why=str(error)) from None
    try:
        yield
    finally:
        with suppress(PermissionError):  # Windows keeps what is open, and the next one takes it over
            place.unlink(missing_ok=True)
        held.close()


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A run file to read, while others may read or write it.

    Raises
    ------
    DataError
        Not there, not a run file of backlit, damaged, or of another format.
    """
    _require_file(path)
    with named(path), closing(_connect(path, "ro")) as file:
        _require_format(path, file)
        yield file


@contextmanager
def writing(path: Path) -> Iterator[sqlite3.Connection]:
    """A run file to write, as the only one who does.

    Where somebody removed or replaced the file meanwhile, all of it is written again, and a `RunWarning` says where.

    Raises
    ------
    DataError
        As `reading`; or another process writes it; or it cannot be written.
    """
    _require_file(path)
    if not os.access(path, os.W_OK):
        raise DataError("run.read_only", path=path)
    with lock(path), named(path):
        rescued = None
        try:
            with closing(_connect(path, "rw")) as file:
                _require_format(path, file)
                file.execute("PRAGMA journal_mode = WAL")
                file.execute("PRAGMA synchronous = NORMAL")  # safe with WAL: a power cut costs the last moments only
                file.execute("PRAGMA wal_autocheckpoint = 2000")
                before = path.stat()
                try:
                    yield file
                finally:
                    if file.in_transaction:
                        file.rollback()
                    if path.exists() and os.path.samestat(path.stat(), before):
                        _into_one_file(file)
                    else:
                        rescued = path.with_name(f".{path.name}.{os.getpid()}.part")
                        file.execute("VACUUM INTO ?", (str(rescued),))  # SQLite still has what was in it
        finally:
            if rescued is not None and rescued.exists():
                _put_back(path, rescued)


def _into_one_file(file: sqlite3.Connection) -> None:
    """Move all that was logged into the file itself, as soon as no one is in the middle of reading it."""
    file.execute("PRAGMA busy_timeout = 50")
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        try:
            if file.execute("PRAGMA journal_mode = DELETE").fetchone() == ("delete",):
                return
        except sqlite3.OperationalError as error:
            if _KINDS.get(_code(error)) != "run.busy":
                return  # a full disk: the log stays, and is read with the file
        time.sleep(0.01)
    with suppress(sqlite3.OperationalError):
        file.execute("PRAGMA wal_checkpoint(PASSIVE)")


def _put_back(path: Path, rescued: Path) -> None:
    """Give a file that was removed its name again, or another where that one is taken."""
    _remove_logs(path)
    place, number = path, 1
    while place.exists():
        number += 1
        place = path.with_name(f"{path.stem} ({number}){path.suffix}")
    rescued.replace(place)
    warnings.warn(say("run.removed", path=path, place=place), RunWarning, stacklevel=2)


def _remove_logs(path: Path) -> None:
    """Those of a file that is gone: they must not be taken for the logs of another of its name."""
    for log in ("-wal", "-shm"):
        path.with_name(path.name + log).unlink(missing_ok=True)


def _require_name(path: Path) -> None:
    """It is a name that a file can have."""
    try:
        os.lstat(path.with_name(f".{path.name}.{os.getpid()}.part"))  # the longest name that is used beside it
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return
    except (OSError, ValueError) as error:
        raise DataError("path.no_name", path=str(path), why=str(error)) from None


def _require_file(path: Path) -> None:
    """A file is there. It is not opened here: closing it again would give up SQLite's locks in this process."""
    _require_name(path)
    if not path.is_file():
        raise DataError("run.is_folder" if path.exists() else "run.none", path=path)
    if not os.access(path, os.R_OK):
        raise DataError("run.unreadable", path=path)
    if path.stat().st_size == 0:
        raise DataError("run.empty", path=path)


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    """A connection that runs nothing a stranger may have put into the file."""
    place = path.resolve().as_uri()
    try:
        file = _opened(f"{place}?mode={mode}")
    except sqlite3.OperationalError:
        if mode != "ro" or path.with_name(path.name + "-wal").exists():
            raise
        file = _opened(f"{place}?mode=ro&immutable=1")  # in a folder where SQLite cannot put its notes
    return file


def _opened(uri: str) -> sqlite3.Connection:
    file = sqlite3.connect(uri, uri=True, timeout=_WAIT, isolation_level=None, check_same_thread=False)
    try:
        file.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST)
        file.text_factory = lambda raw: raw.decode(
            "utf-8", "surrogateescape"
        )  # what is damaged differs, and is noticed
        for setting in ("trusted_schema = OFF", "cell_size_check = ON", "mmap_size = 0"):
            file.execute(f"PRAGMA {setting}")
        file.execute("PRAGMA schema_version").fetchone()  # the first look at the file
    except BaseException:
        file.close()
        raise
    return file


def _require_format(path: Path, file: sqlite3.Connection) -> None:
    """It is a run file of this backlit's format, with exactly that format's tables."""
    (application,) = file.execute("PRAGMA application_id").fetchone()
    (format_,) = file.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        raise DataError("run.foreign", path=path)
    if format_ != FORMAT:
        kind = "run.newer" if format_ > FORMAT else "run.older"
        raise DataError(kind, path=path, format=format_, own=FORMAT, version=version("backlit"))
    try:  # the first statement for which SQLite reads what a file declares
        declared = file.execute("SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL").fetchall()
    except (UnicodeDecodeError, sqlite3.OperationalError) as error:
        if _code(error) not in (0, sqlite3.SQLITE_ERROR):
            raise
        raise DamageError("damage.schema", why=str(error)) from None
    tables = {("table", *table) for table in SCHEMA.items()}
    if len(declared) != len(tables) or {*declared} != tables:
        raise DamageError("damage.schema")  # a view or a trigger could run what it likes
