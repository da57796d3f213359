"""The run store: every candidate with its verdict, cost and times, in one SQLite file.

What is stored is a verdict a ticket; everything else (islands, archive, operator statistics) is
folded from the verdicts in ticket order and never stored, so a killed run loses at most what was
in flight. One process writes; workers only read the inputs.

SQLite notices a damaged page only where its own structure breaks. So each row carries a digest of
what it holds, and a run is opened by `open_checked`, which reads it all before anything is written.
"""

import json
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from shlex import quote
from typing import Any

from generators.errors import GamutError, InputError

SCHEMA_VERSION = 2
BY_MODEL = "llm:"  # begins the operator of what a language model wrote; the idea follows

_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL, digest BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE candidates (
    ticket INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    hash TEXT NOT NULL,
    operator TEXT NOT NULL,
    parents TEXT NOT NULL,
    verdict TEXT NOT NULL,
    digest BLOB NOT NULL,
    started TEXT NOT NULL,
    seconds REAL NOT NULL,
    finished TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);
CREATE TABLE sittings (
    number INTEGER PRIMARY KEY,
    began TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    workers TEXT NOT NULL,
    seconds REAL NOT NULL DEFAULT 0,
    evaluations INTEGER NOT NULL DEFAULT 0,
    ended TEXT
);
"""
_ADVICE = {
    sqlite3.SQLITE_FULL: "make room on the disk",
    sqlite3.SQLITE_READONLY: "make the file and its folder writable",
    sqlite3.SQLITE_CANTOPEN: "make the file and its folder writable",
    sqlite3.SQLITE_BUSY: "end the other process that holds it",
}


@dataclass(frozen=True)
class Candidate:
    """A program on its way through the search.

    Attributes:
        ticket: its number; all its randomness derives from the run's seed and this.
        source: the program, normalised; empty while a language model has yet to write it, and for
            ever where it did not.
        hash: of the source; as empty.
        operator: what made it ("baseline:NAME", "start:FILE", "random", a variation, "llm:IDEA").
        parents: tickets.
    """

    ticket: int
    source: str
    hash: str
    operator: str
    parents: tuple[int, ...]

    @property
    def by_model(self) -> bool:
        """Whether a language model writes it."""
        return self.operator.startswith(BY_MODEL)


@dataclass(frozen=True)
class Times:
    """When an evaluation began (UTC, ISO 8601) and how many seconds it took in its worker."""

    started: str
    seconds: float


@dataclass(frozen=True)
class Sitting:
    """One process's work on a run, from `gamut evolve` or `resume` until it ended.

    Attributes:
        workers: processes that evaluated, or where they were.
        seconds: wall time; of a killed one, until the last verdict that it stored.
        evaluations: verdicts that it stored.
        ended: why it ended; None of one that was killed, or that is going on.
    """

    workers: str
    seconds: float
    evaluations: int
    ended: str | None


class Store:
    """The SQLite file of a run, in WAL mode. Not to be shared between threads.

    Raises InputError where the file is not a run store of this version, and GamutError, with the
    run left at its last good state, where the disk is full, read-only or damaged.
    """

    def __init__(self, file: Path, *, create: bool = False, read_only: bool = False) -> None:
        self.file = file
        self._sitting: tuple[int, float] | None = None
        if not create and not file.is_file():
            raise InputError(f"{file}: no run here (run.sqlite is missing)")
        try:
            if create and not file.exists():
                _make(file)
            self._db = _open_to_read(file) if read_only else _open_to_write(file)
            self._check_version()
        except sqlite3.Error as error:
            raise self._failed("cannot be used as a run store", error) from error

    def put_meta(self, key: str, value: Any) -> None:
        """Keep a JSON value under a key."""
        text = json.dumps(value)
        row = key, text, _digest(key, text)
        with self._writing() as db:
            db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?, ?)", row)

    def meta(self, key: str) -> Any:
        """The JSON value under a key, None where there is none."""
        for value, digest in self._rows("SELECT value, digest FROM meta WHERE key = ?", (key,)):
            self._compare(digest, key, value)
            return json.loads(value)
        return None

    def put(self, candidate: Candidate, verdict: Mapping[str, Any], times: Times) -> None:
        """Keep a candidate's verdict. A ticket is written once."""
        row = (
            candidate.ticket,
            candidate.source,
            candidate.hash,
            candidate.operator,
            json.dumps(candidate.parents),
            json.dumps(verdict, allow_nan=False),
        )
        columns = f"{_COLUMNS}, started, seconds"
        query = f"INSERT INTO candidates ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        with self._writing() as db:
            db.execute(query, (*row, _digest(*row), times.started, times.seconds))
            if self._sitting:
                count = "UPDATE sittings SET evaluations = evaluations + 1 WHERE number = ?"
                db.execute(count, self._sitting[:1])

    def get(self, ticket: int) -> tuple[Candidate, dict[str, Any]] | None:
        """A candidate and its verdict, None while it has none."""
        query = f"SELECT {_COLUMNS} FROM candidates WHERE ticket = ?"
        return next((self._candidate(row) for row in self._rows(query, (ticket,))), None)

    def candidates(self) -> Iterator[tuple[Candidate, dict[str, Any]]]:
        """All candidates with their verdicts, in ticket order."""
        for row in self._rows(f"SELECT {_COLUMNS} FROM candidates ORDER BY ticket"):
            yield self._candidate(row)

    def count(self) -> int:
        """Number of candidates that have a verdict."""
        return self._number("SELECT COUNT(*) FROM candidates")

    def tickets(self) -> int:
        """One more than the highest ticket that has a verdict: the least budget that keeps all."""
        return self._number("SELECT COALESCE(MAX(ticket), -1) + 1 FROM candidates")

    def costs(self) -> dict[str, float]:
        """What all candidates cost together, by the names that their verdicts use."""
        query = (
            "SELECT each.key, SUM(each.value)"
            " FROM candidates, json_each(candidates.verdict, '$.cost') AS each GROUP BY each.key"
        )
        return dict(self._rows(query))

    def worker_seconds(self) -> float:
        """How long workers evaluated, in all."""
        rows = self._rows("SELECT COALESCE(SUM(seconds), 0) FROM candidates")
        return next(float(seconds) for (seconds,) in rows)

    def begin_sitting(self, workers: int | str) -> None:
        """This process's work begins; each write updates its row, so a kill loses no account."""
        with self._writing() as db:
            row = db.execute("INSERT INTO sittings (workers) VALUES (?)", (str(workers),))
            self._sitting = int(row.lastrowid or 0), time.monotonic()

    def end_sitting(self, why: str) -> None:
        """This process's work ends."""
        if self._sitting is None:
            return
        with self._writing() as db:
            db.execute("UPDATE sittings SET ended = ? WHERE number = ?", (why, self._sitting[0]))
        self._sitting = None

    def sittings(self) -> list[Sitting]:
        """Every process's work so far, in order."""
        columns = "workers, seconds, evaluations, ended"
        query = f"SELECT {columns} FROM sittings ORDER BY number"
        return [Sitting(*row) for row in self._rows(query)]

    def check(self) -> None:
        """Read everything once. Raises GamutError where the file is damaged."""
        for (found,) in self._rows("PRAGMA quick_check(1)"):
            if found != "ok":
                raise self._damaged(found.splitlines()[-1])  # above it only says where it looked
        for _ in self.candidates():
            pass
        for key, value, digest in self._rows("SELECT key, value, digest FROM meta"):
            self._compare(digest, key, value)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _check_version(self) -> None:
        version = int(self._db.execute("PRAGMA user_version").fetchone()[0])
        if version > SCHEMA_VERSION:
            raise InputError(
                f"{self.file}: written by a newer Gamut (store version {version}, this one knows"
                f" {SCHEMA_VERSION}); upgrade to open it"
            )
        if 0 < version < SCHEMA_VERSION:
            raise InputError(
                f"{self.file}: written by an older Gamut (store version {version}, this one needs"
                f" {SCHEMA_VERSION}); begin again by `gamut evolve`: the same seed searches anew"
            )
        if version < 1:
            raise InputError(f"{self.file}: not a run store")

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, which also brings the account of this sitting up to date."""
        try:
            with self._db:
                yield self._db
                if self._sitting:
                    number, began = self._sitting
                    spent = "UPDATE sittings SET seconds = ? WHERE number = ?"
                    self._db.execute(spent, (time.monotonic() - began, number))
        except sqlite3.Error as error:
            raise self._failed("cannot be written", error) from error

    def _rows(self, query: str, values: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
        try:
            yield from self._db.execute(query, values)
        except sqlite3.Error as error:
            raise self._failed("cannot be read", error) from error

    def _number(self, query: str) -> int:
        return next(int(number) for (number,) in self._rows(query))

    def _candidate(self, row: tuple[Any, ...]) -> tuple[Candidate, dict[str, Any]]:
        *content, digest = row
        self._compare(digest, *content)
        ticket, source, name, operator, parents, verdict = content
        candidate = Candidate(ticket, source, name, operator, tuple(json.loads(parents)))
        return candidate, json.loads(verdict)

    def _compare(self, digest: bytes, *content: Any) -> None:
        if digest != _digest(*content):
            raise self._damaged(f"what is stored of {content[0]!r} is not what was written")

    def _failed(self, what: str, error: sqlite3.Error) -> GamutError:
        """The error of a failed access, with what to do about it."""
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest tells kinds of one error
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or "decode" in str(error):
            return self._damaged(str(error))
        advice = _ADVICE.get(code, "see that the disk can be read and written")
        return GamutError(
            f"{self.file}: {what}: {error}. What was stored before is kept: {advice}, then"
            f" `gamut resume {quote(str(self.file.parent))}` goes on from there"
        )

    def _damaged(self, how: str) -> GamutError:
        return GamutError(
            f"{self.file}: damaged: {how}. Nothing was changed. Put a copy of this file back, or"
            f" begin again in another folder: {self.file.parent / 'config.yaml'} says with what,"
            " and the same seed finds the same"
        )


def open_checked(file: Path) -> Store:
    """A store to write to, made where there is none, and read as a whole before that.

    Opened to write, SQLite would at once begin to tidy up what a killed run left.
    """
    if file.exists():
        with closing(Store(file, read_only=True)) as store:
            store.check()
    return Store(file, create=True)


_COLUMNS = "ticket, source, hash, operator, parents, verdict, digest"


def _digest(*content: Any) -> bytes:
    """Tells whether a row still is what was written."""
    return blake2b(json.dumps(content).encode(), digest_size=16).digest()


def _make(file: Path) -> None:
    """An empty store, complete or not at all: made beside, then put in its place."""
    part = file.with_suffix(".part")
    for left in (part, part.with_suffix(".part-wal"), part.with_suffix(".part-shm")):
        left.unlink(missing_ok=True)
    with closing(_open_to_write(part)) as db:
        db.executescript(f"BEGIN; {_TABLES} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")
    part.replace(file)


def _open_to_write(file: Path) -> sqlite3.Connection:
    db = sqlite3.connect(file, timeout=30)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=NORMAL")  # a loss of power may cost the last verdicts, no more
    return db


def _open_to_read(file: Path) -> sqlite3.Connection:
    """Even from a medium that cannot be written, where SQLite cannot make its files beside."""
    address = file.absolute().as_uri()
    db = sqlite3.connect(f"{address}?mode=ro", uri=True, timeout=30)
    try:
        db.execute("PRAGMA user_version").fetchone()
    except sqlite3.OperationalError:
        db.close()
        log = file.with_name(f"{file.name}-wal")
        if log.is_file() and log.stat().st_size:
            raise
        db = sqlite3.connect(f"{address}?immutable=1", uri=True)  # no log: the file is complete
    return db
