"""The run store: every candidate, its verdict and cost, in one SQLite file.

What is stored is a verdict a ticket; everything else (islands, archive, operator statistics) is
folded from the verdicts in ticket order and never stored, so a killed run loses at most what was
in flight. One process writes; workers only read the inputs.
"""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generators.errors import GamutError, InputError

SCHEMA_VERSION = 1

_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE candidates (
    ticket INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    hash TEXT NOT NULL,
    operator TEXT NOT NULL,
    parents TEXT NOT NULL,
    verdict TEXT NOT NULL,
    seconds REAL NOT NULL,
    finished TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);
CREATE INDEX by_hash ON candidates (hash);
"""


@dataclass(frozen=True)
class Candidate:
    """A program on its way through the search.

    Attributes:
        ticket: its number; all its randomness derives from the run's seed and this.
        source: the program, normalised.
        hash: of the source.
        operator: what made it ("baseline:NAME", "start:FILE", "random", or a variation).
        parents: tickets.
    """

    ticket: int
    source: str
    hash: str
    operator: str
    parents: tuple[int, ...]


class Store:
    """The SQLite file of a run, in WAL mode. Not to be shared between threads.

    Raises InputError where the file is not a run store of this version, and GamutError, with the
    run left at its last good state, where the disk is full, read-only or damaged.
    """

    def __init__(self, file: Path, *, create: bool = False, read_only: bool = False) -> None:
        self.file = file
        if not create and not file.is_file():
            raise InputError(f"{file}: no run here (run.sqlite is missing)")
        try:
            if read_only:
                self._db = sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=30)
            else:
                self._db = sqlite3.connect(file, timeout=30)
                self._db.execute("PRAGMA journal_mode=WAL")
                self._db.execute("PRAGMA synchronous=NORMAL")
            self._check_version(create)
        except sqlite3.Error as error:
            raise GamutError(f"{file}: cannot be used as a run store: {error}") from error

    def put_meta(self, key: str, value: Any) -> None:
        """Keep a JSON value under a key."""
        self._write("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, json.dumps(value)))

    def meta(self, key: str) -> Any:
        """The JSON value under a key, None where there is none."""
        row = self._read("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else json.loads(row[0])

    def put(self, candidate: Candidate, verdict: dict[str, Any], seconds: float) -> None:
        """Keep a candidate's verdict. A ticket is written once."""
        self._write(
            "INSERT INTO candidates (ticket, source, hash, operator, parents, verdict, seconds)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                candidate.ticket,
                candidate.source,
                candidate.hash,
                candidate.operator,
                json.dumps(candidate.parents),
                json.dumps(verdict, allow_nan=False),
                seconds,
            ),
        )

    def get(self, ticket: int) -> tuple[Candidate, dict[str, Any]] | None:
        """A candidate and its verdict, None while it has none."""
        query = f"SELECT {_COLUMNS} FROM candidates WHERE ticket = ?"
        row = self._read(query, (ticket,)).fetchone()
        return None if row is None else _candidate(row)

    def candidates(self) -> Iterator[tuple[Candidate, dict[str, Any]]]:
        """All candidates with their verdicts, in ticket order."""
        for row in self._read(f"SELECT {_COLUMNS} FROM candidates ORDER BY ticket"):
            yield _candidate(row)

    def count(self) -> int:
        """Number of candidates that have a verdict."""
        return int(self._read("SELECT COUNT(*) FROM candidates").fetchone()[0])

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _check_version(self, create: bool) -> None:
        version = int(self._db.execute("PRAGMA user_version").fetchone()[0])
        if version == 0 and create:
            self._db.executescript(
                f"BEGIN; {_TABLES} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
            )
        elif version > SCHEMA_VERSION:
            raise InputError(
                f"{self.file}: written by a newer Gamut (store version {version}, this one knows"
                f" {SCHEMA_VERSION}); upgrade to open it"
            )
        elif version != SCHEMA_VERSION:
            raise InputError(f"{self.file}: not a run store")

    def _write(self, query: str, values: tuple[Any, ...]) -> None:
        try:
            with self._db:
                self._db.execute(query, values)
        except sqlite3.Error as error:
            raise GamutError(
                f"{self.file}: cannot be written: {error}. What was stored before is kept;"
                " `gamut resume` goes on from there"
            ) from error

    def _read(self, query: str, values: tuple[Any, ...] = ()) -> sqlite3.Cursor:
        try:
            return self._db.execute(query, values)
        except sqlite3.Error as error:
            raise GamutError(f"{self.file}: cannot be read: {error}") from error


_COLUMNS = "ticket, source, hash, operator, parents, verdict"


def _candidate(row: tuple[Any, ...]) -> tuple[Candidate, dict[str, Any]]:
    ticket, source, digest, operator, parents, verdict = row
    candidate = Candidate(ticket, source, digest, operator, tuple(json.loads(parents)))
    return candidate, json.loads(verdict)
