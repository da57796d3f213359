"""Vectors kept in one SQLite file that processes and runs share; losing it only costs time.

Several processes may use it at once: each has its own connection, and SQLite's WAL mode takes
turns. A file that is found damaged is marked so (`….damaged` beside it) and passed over for the
next free name; moving or deleting it could hurt a process that still has it open.
"""

import logging
import sqlite3
import time
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]

_WAIT = 60.0  # seconds for another process to let go of the file
_AT_ONCE = 500  # keys in a query
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_UNIT = 1e-3  # how far from 1 the length of a vector may be

_log = logging.getLogger(__name__)


class VectorStore:
    """Rows that begin with a unit vector, by key.

    Where the file fails, it finds and keeps nothing, and logs why once.
    """

    def __init__(self, file: Path, dimension: int, width: int | None = None) -> None:
        """`width`: how many numbers of a row make the unit vector (default: all)."""
        self._file = file
        self._dimension = dimension
        self._width = dimension if width is None else width
        self._connection = self._opened()

    def find(self, keys: Sequence[bytes]) -> dict[bytes, Vectors]:
        """The vectors of those keys that are kept here; what is no unit vector is passed over."""
        found: dict[bytes, Vectors] = {}
        for start in range(0, len(keys), _AT_ONCE):
            if self._connection is None:
                break
            part = keys[start : start + _AT_ONCE]
            marks = ",".join("?" * len(part))
            query = f"SELECT key, vector FROM vectors WHERE key IN ({marks})"
            try:
                rows = self._connection.execute(query, part).fetchall()
            except sqlite3.Error as error:
                self._connection = self._after(error)
                continue
            for key, blob in rows:
                vector = self._vector(blob)
                if vector is not None:
                    found[key] = vector
        return found

    def keep(self, vectors: Mapping[bytes, Vectors]) -> None:
        """Keep vectors for all processes."""
        if self._connection is None:
            return
        rows = [(key, vector.tobytes()) for key, vector in vectors.items()]
        try:
            with self._connection:
                self._connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)
        except sqlite3.Error as error:
            self._connection = self._after(error)

    def _vector(self, blob: object) -> Vectors | None:
        if not isinstance(blob, bytes) or len(blob) != 4 * self._dimension:
            return None
        vector: Vectors = np.frombuffer(blob, dtype=np.float32)
        unit = vector[: self._width]
        return vector if abs(float(unit @ unit) - 1.0) < _UNIT else None

    def _opened(self) -> sqlite3.Connection | None:
        """A connection to the first file that is not damaged; None where there can be none."""
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file = _undamaged(self._file)
            return _connected(self._file)
        except (OSError, sqlite3.Error) as error:
            return self._after(error)

    def _after(self, error: OSError | sqlite3.Error) -> sqlite3.Connection | None:
        """What to go on with after an error: another file if this one is damaged, else none."""
        if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _DAMAGED:
            _log.warning("%s: vectors are kept in memory only: %s", self._file, error)
            return None
        _log.warning("%s: damaged, a new one takes its place: %s", self._file, error)
        try:
            _mark(self._file).touch()
        except OSError:
            return None  # it would be met again without end
        return self._opened()


def _connected(file: Path) -> sqlite3.Connection:
    """A connection to a store's file, made if need be.

    The switch to WAL mode needs the file alone and does not wait for it by itself.
    """
    deadline = time.monotonic() + _WAIT
    while True:
        connection = sqlite3.connect(file, timeout=_WAIT)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute(
                "CREATE TABLE IF NOT EXISTS vectors"
                " (key BLOB PRIMARY KEY, vector BLOB) WITHOUT ROWID"
            )
            connection.commit()
            return connection
        except sqlite3.OperationalError as error:
            connection.close()
            busy = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
            if not busy or time.monotonic() > deadline:
                raise
        time.sleep(0.05)


def _undamaged(file: Path) -> Path:
    """The file itself, or the first of its numbered successors that is not marked as damaged."""
    successors = (file.with_stem(f"{file.stem}-{number}") for number in count(1))
    while _mark(file).exists():
        file = next(successors)
    return file


def _mark(file: Path) -> Path:
    return file.with_suffix(file.suffix + ".damaged")
