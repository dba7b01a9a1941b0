"""The `.sightline` database itself: its tables, its versions, opening it without trusting it.

``docs/trace-format.md`` documents the format for readers of the file; ``core/store.py`` is what the rest of
Sightline calls.

A rollback journal rather than a write-ahead log: between transactions, which last milliseconds, the file is
whole by itself and can be copied, mailed, and read from a read-only medium or a network drive, even while a
run goes on or after its process was killed. If the kill falls into a transaction, a `-journal` stays beside
the file; reading then works on a private copy of the two, so that a reader never writes.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote

from core.errors import InputError

APPLICATION_ID: Final = 0x5347544C
"""What marks a SQLite database as a trace: "SGTL"."""

FORMAT_VERSION: Final = 3

TABLES: Final = {
    "meta": "key TEXT PRIMARY KEY, value TEXT NOT NULL",
    "identity": "role TEXT PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, details TEXT NOT NULL",
    "screenshot": "id INTEGER PRIMARY KEY, name TEXT NOT NULL, width INTEGER NOT NULL,"
    " height INTEGER NOT NULL, sha256 TEXT NOT NULL, png BLOB NOT NULL",
    "region_map": "id INTEGER PRIMARY KEY, png BLOB NOT NULL",
    "region": "id INTEGER PRIMARY KEY, name TEXT NOT NULL, x INTEGER NOT NULL, y INTEGER NOT NULL,"
    " width INTEGER NOT NULL, height INTEGER NOT NULL, area INTEGER NOT NULL, parent INTEGER,"
    " source TEXT NOT NULL",
    "token": '"index" INTEGER PRIMARY KEY, id INTEGER NOT NULL, text TEXT NOT NULL, log_prob REAL NOT NULL,'
    " phase TEXT NOT NULL, step INTEGER NOT NULL",
    "effect": "token INTEGER PRIMARY KEY, effects BLOB NOT NULL, reliance REAL NOT NULL",
    "earlier": "token INTEGER PRIMARY KEY, steps BLOB NOT NULL, shares BLOB NOT NULL",
    "earlier_token": "token INTEGER PRIMARY KEY, tokens BLOB NOT NULL, shares BLOB NOT NULL,"
    " rest REAL NOT NULL",
    "measurement": 'id INTEGER PRIMARY KEY, "start" INTEGER NOT NULL, "end" INTEGER NOT NULL,'
    " operator TEXT NOT NULL, effects BLOB NOT NULL, reliance REAL NOT NULL, base_log_prob REAL NOT NULL,"
    " mask_count INTEGER NOT NULL, masks BLOB NOT NULL, mask_log_probs BLOB NOT NULL",
}
"""The tables of this version and their columns."""

OPTIONAL_TABLES: Final = {
    "bound": "token INTEGER PRIMARY KEY, lower BLOB NOT NULL, upper BLOB NOT NULL",
}
"""Tables of this version that files written before them lack, and that older readers pass over."""

MIGRATIONS: Final[dict[int, str]] = {
    1: "CREATE TABLE earlier (token INTEGER PRIMARY KEY, steps BLOB NOT NULL, shares BLOB NOT NULL)",
    2: "CREATE TABLE earlier_token (token INTEGER PRIMARY KEY, tokens BLOB NOT NULL, shares BLOB NOT NULL,"
    " rest REAL NOT NULL)",
}
"""For each older version, the SQL that turns it into the next one."""

_JOURNAL_MAGIC: Final = bytes.fromhex("d9d505f920a163d7")
BUSY_SECONDS: Final = 5.0
LONGEST_VALUE: Final = 1 << 30
STEPS_PER_CHECK: Final = 100_000
MOST_CHECKS: Final = 5_000
"""Reading ends after 500 million steps of SQLite's virtual machine: a malicious file could loop for ever."""


def create(connection: sqlite3.Connection) -> None:
    """Make the tables of this version in an empty database."""
    for name, columns in (TABLES | OPTIONAL_TABLES).items():
        connection.execute(f"CREATE TABLE {name} ({columns})")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {FORMAT_VERSION}")


def connect(path: Path, mode: str) -> sqlite3.Connection:
    """Open a database in a mode of SQLite's ("ro", "rw", "rwc"), in autocommit, and on its guard.

    Nothing that the schema defines (triggers, views, functions) is trusted, no value that is read may be
    longer than the file, and no query may run for ever.

    Raises:
        InputError: opening it for writing would finish a transaction over several databases.
    """
    if mode == "rw":
        _refuse_super_journal(path)
    name = quote(os.fsencode(path.absolute().as_posix()))
    uri = f"file://{'' if name.startswith('/') else '/'}{name}?mode={mode}"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=BUSY_SECONDS)
    try:
        if mode != "rwc":
            _guard(connection, path if mode == "ro" else None)
    except BaseException:
        connection.close()
        raise
    return connection


def _guard(connection: sqlite3.Connection, path: Path | None) -> None:
    """Trust no schema, let no query run for ever and, where ``path`` is given, no value be longer than that
    file."""
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    if path is not None:
        longest = min(LONGEST_VALUE, max(path.stat().st_size, 1 << 16))
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, longest)
    checks = iter(range(MOST_CHECKS))
    connection.set_progress_handler(lambda: next(checks, None) is None, STEPS_PER_CHECK)


def _refuse_super_journal(path: Path) -> None:
    """SQLite deletes the file that the end of a journal names, wherever it lies, when it rolls back.

    A journal names one when its transaction changed several databases; a trace's never does
    (https://www.sqlite.org/fileformat2.html#the_rollback_journal and the source of SQLite's pager).
    """
    journal = Path(f"{path}-journal")
    if journal.is_file():
        with journal.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - len(_JOURNAL_MAGIC)))
            if file.read() == _JOURNAL_MAGIC:
                raise damaged(path, "its journal names another file, which Sightline's never does")


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A checked, migrated connection that sees one moment of the file and cannot change it.

    Raises:
        InputError: the file is missing, unreadable, foreign, damaged or from a newer version.
    """
    with explained(path, "read"), ExitStack() as stack:
        _check_header(path)
        connection = stack.enter_context(closing(connect(path, "ro")))
        try:
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        except sqlite3.OperationalError as error:
            if not _needs_recovery(error):
                raise
            _refuse_super_journal(path)
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="sightline-"))
            copy = _copy_with_journal(path, Path(folder))
            connection = stack.enter_context(closing(connect(copy, "rw")))
        yield stack.enter_context(_checked(connection, path))


@contextmanager
def changing(path: Path) -> Iterator[sqlite3.Connection]:
    """A checked, migrated connection in a transaction, committed when the block ends well.

    Raises:
        InputError: as ``reading``; also when the file cannot be written.
    """
    with explained(path, "write to"):
        _check_header(path)
        with closing(connect(path, "rw")) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                _check_version(connection, path)
                migrate(connection)
                _check_tables(connection, path)
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise


def migrate(connection: sqlite3.Connection) -> None:
    """Bring an older database up to this version, step by step."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    while version < FORMAT_VERSION:
        for statement in MIGRATIONS[version].split(";"):
            connection.execute(statement)
        version += 1
        connection.execute(f"PRAGMA user_version = {version}")


def damaged(path: Path, what: str) -> InputError:
    """The error for a file whose content makes no sense."""
    return InputError(f"The trace {path.name} is damaged ({what}). Open an earlier copy, or run again.")


@contextmanager
def explained(path: Path, action: str) -> Iterator[None]:
    """Turn what SQLite and the file system raise about ``path`` into an InputError that says what to do."""
    try:
        yield
    except sqlite3.ProgrammingError:
        raise  # ours, not the user's
    except UnicodeError as error:  # Python fails on SQLite's messages that quote damaged text
        raise damaged(path, "its text is not UTF-8") from error
    except sqlite3.DatabaseError as error:
        raise InputError(_explain(path, action, error)) from error
    except FileNotFoundError as error:
        raise InputError(f"There is no file {path}. Check the name.") from error
    except IsADirectoryError as error:
        raise InputError(f"{path} is a folder. Choose a .sightline file.") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"Cannot {action} {path}: {reason}. Choose another place or free space.") from error
    except (MemoryError, OverflowError) as error:
        raise damaged(path, "it holds values of impossible size") from error


def _explain(path: Path, action: str, error: sqlite3.DatabaseError) -> str:
    name = _name_of(error)
    if name == "SQLITE_FULL":
        return f"The disk is full: {path} cannot grow. Free some space; what was saved before is kept."
    if name == "SQLITE_READONLY_DBMOVED":
        return f"{path} was moved, deleted or replaced while it was written. Save the run under a new name."
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH")):
        return f"Cannot {action} {path}: no permission, or no such place. Choose a folder that you own."
    if is_busy(error):
        return f"Cannot {action} {path}: another program is using it. Close that program and try again."
    if name == "SQLITE_INTERRUPT":
        return str(damaged(path, "reading it would never end"))
    if name.startswith("SQLITE_IOERR"):
        return f"Cannot {action} {path}: the disk reports an error ({error}). Choose another place."
    return str(damaged(path, str(error)))


def _check_header(path: Path) -> None:
    if path.exists() and not path.is_dir() and not path.is_file():
        raise InputError(f"{path} is a device, not a file. Choose a .sightline file.")
    with path.open("rb") as file:
        header = file.read(18)
        size = file.seek(0, os.SEEK_END)
    if len(header) < 18 or not header.startswith(b"SQLite format 3\0"):
        raise InputError(f"{path.name} is not a Sightline trace. Choose a file that ends in .sightline.")
    page_size = int.from_bytes(header[16:18], "big")
    if size % (65536 if page_size == 1 else page_size or 1) and not Path(f"{path}-journal").exists():
        # SQLite would take the missing part of the last page for zeros
        raise damaged(path, "its end is missing")


def _needs_recovery(error: sqlite3.OperationalError) -> bool:
    """Whether SQLite only refuses to read because it would have to write: finish a killed transaction."""
    return _name_of(error).startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN"))


def is_busy(error: sqlite3.Error) -> bool:
    """Whether another connection holds the file."""
    return _name_of(error).startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


def _name_of(error: sqlite3.Error) -> str:
    """SQLite's name for an error; Python's own errors have none."""
    return getattr(error, "sqlite_errorname", None) or ""


def _copy_with_journal(path: Path, folder: Path) -> Path:
    copy = folder / "copy.sightline"
    shutil.copyfile(path, copy)
    for suffix in ("-journal", "-wal"):
        beside = Path(f"{path}{suffix}")
        if beside.exists():
            shutil.copyfile(beside, f"{copy}{suffix}")
    return copy


@contextmanager
def _checked(connection: sqlite3.Connection, path: Path) -> Iterator[sqlite3.Connection]:
    """This version's tables inside one read transaction; an older file is migrated in memory."""
    connection.execute("BEGIN")
    version = _check_version(connection, path)
    if version == FORMAT_VERSION:
        _check_tables(connection, path)
        yield connection
        return
    connection.execute("COMMIT")
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as memory:
        connection.backup(memory)
        _guard(memory, path)
        migrate(memory)
        _check_tables(memory, path)
        yield memory


def _check_version(connection: sqlite3.Connection, path: Path) -> int:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if application != APPLICATION_ID:
        raise InputError(f"{path.name} is a database of another program. Choose a .sightline file.")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > FORMAT_VERSION:
        raise InputError(
            f"{path.name} was saved by a newer Sightline (format {version}; this one reads up to "
            f"{FORMAT_VERSION}). Update Sightline to open it."
        )
    if version != FORMAT_VERSION and version not in MIGRATIONS:
        raise damaged(path, f"format {version} does not exist")
    return int(version)


def _check_tables(connection: sqlite3.Connection, path: Path) -> None:
    """Every table is a plain table with the expected columns, and nothing runs when rows are written."""
    if connection.execute("SELECT 1 FROM sqlite_schema WHERE type = 'trigger' LIMIT 1").fetchone():
        raise damaged(path, "it holds triggers, which Sightline never writes")
    kinds = dict(connection.execute("SELECT name, type FROM sqlite_schema WHERE type != 'index' LIMIT 1000"))
    present = {name: columns for name, columns in OPTIONAL_TABLES.items() if name in kinds}
    for name, definition in (TABLES | present).items():
        expected = [column.split()[0].strip('"') for column in definition.split(",")]
        columns = connection.execute(f"PRAGMA table_xinfo({name})").fetchall()
        plain = kinds.get(name) == "table" and all(hidden == 0 for *_, hidden in columns)
        if not plain or [column[1] for column in columns][: len(expected)] != expected:
            raise damaged(path, f"its table {name} is missing or has other columns")
