"""SQLite files that processes share: opened in WAL mode, or only read, without a trace."""

import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

_WAIT = 60.0  # seconds for another process to let go of the file


def open_shared(file: Path | None, tables: Sequence[str], version: int) -> sqlite3.Connection:
    """A connection to write by; the file is made if need be, None is one in memory.

    Transactions are begun by hand. Raises sqlite3.Error, OSError.
    """
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + _WAIT
    while True:  # the switch to WAL mode needs the file alone and does not wait for it by itself
        db = sqlite3.connect(
            file or ":memory:", timeout=_WAIT, isolation_level=None, check_same_thread=False
        )
        try:
            _prepare(db, tables, version)
            return db
        except sqlite3.OperationalError as error:
            db.close()
            busy = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
            if not busy or time.monotonic() > deadline:
                raise
        time.sleep(0.05)


def open_to_replay(file: Path) -> sqlite3.Connection:
    """A connection that writes nothing, no file beside it either: a checkout may be read-only."""
    address = f"{file.resolve().as_uri()}?mode=ro"
    if not file.with_name(file.name + "-wal").exists():
        address += "&immutable=1"
    return sqlite3.connect(
        address, uri=True, timeout=_WAIT, isolation_level=None, check_same_thread=False
    )


def version_of(db: sqlite3.Connection) -> int:
    """The version of the tables in a file."""
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _prepare(db: sqlite3.Connection, tables: Sequence[str], version: int) -> None:
    """Make the tables of a new file; an old one keeps its version."""
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=NORMAL")
    db.execute("BEGIN IMMEDIATE")
    with db:
        if db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
            for table in tables:
                db.execute(f"CREATE TABLE {table}")
            db.execute(f"PRAGMA user_version={version}")
