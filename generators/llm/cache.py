"""Answers kept in one SQLite file: JSON text, never a pickle; processes and runs may share it.

The first answer that is kept under a key stays. So what a search has seen is what a replay sees.
A failure that is not the model's own (a timeout) is kept too, or a replay would not know of it; but
only the session that met it sees it again, any other asks anew, and what it gets takes the place of
the failure: a run that is to be replayed has a file of its own. A process that is about to ask
claims the key for a while, so that two processes do not pay for one answer. The file also holds
what a model was found able to do.
"""

import json
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from generators.cache import cache_folder
from generators.errors import GamutError, InputError
from generators.llm.database import open_shared, open_to_replay, version_of
from generators.llm.errors import OF_MODEL, LLMError
from generators.llm.messages import Answer, canonical, outcome_of, plain_error

SCHEMA_VERSION = 1
_LONGEST_CLAIM = 3_600.0  # seconds; one beyond that is of a clock that was wrong
_LASTING = frozenset({None, *(reason.value for reason in OF_MODEL)})  # an answer misses nothing

_TABLES = (
    "answers (key TEXT PRIMARY KEY, model TEXT NOT NULL, request TEXT NOT NULL,"
    " outcome TEXT NOT NULL, session TEXT) WITHOUT ROWID",
    "capabilities (model TEXT PRIMARY KEY, found TEXT NOT NULL) WITHOUT ROWID",
    "claims (key TEXT PRIMARY KEY, owner TEXT NOT NULL, until REAL NOT NULL) WITHOUT ROWID",
)


def answers_file() -> Path:
    """Where answers are kept by default."""
    return cache_folder() / "answers.sqlite"


class AnswerCache:
    """The file of answers. Not to be used by two threads at once.

    A file that cannot be used is an error: to go on without would pay twice for one answer.
    """

    def __init__(self, file: Path, session: str, owner: str, *, replay: bool = False) -> None:
        """`session`: whose failures these are; `owner`: names this object in claims.

        Raises InputError for a file that is no cache, GamutError for one that cannot be used.
        """
        self.file, self.session, self.owner, self.replay = file, session, owner, replay
        if replay and not file.is_file():
            raise InputError(f"{file}: no recorded answers here; llm.cache.mode=replay needs them")
        with self._explained("cannot be used as a cache of answers"):
            self._db = (
                open_to_replay(file) if replay else open_shared(file, _TABLES, SCHEMA_VERSION)
            )
            found = version_of(self._db)
        if found != SCHEMA_VERSION:
            self._db.close()
            raise InputError(
                f"{file}: no cache of answers, or one of another version of Gamut ({found}; this"
                f" one keeps {SCHEMA_VERSION}); use another llm.cache.file"
            )

    def find(self, key: str, role: str) -> Answer | LLMError | None:
        """What is kept under a key, None where nothing is, or only what should be asked anew."""
        row = self._row("SELECT outcome, session FROM answers WHERE key = ?", key)
        if row is None:
            return None
        try:
            plain = json.loads(row[0])
            anew = plain.get("missing") not in _LASTING and row[1] != self.session
            return None if anew and not self.replay else outcome_of(plain, role)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise GamutError(
                f"{self.file}: the answer {key} is damaged ({error}); use another llm.cache.file"
            ) from error

    def claim(self, key: str, seconds: float) -> bool:
        """Whether nobody else is asking this; if so, nobody else should for so many seconds."""
        if self._claimed_by_another(key):
            return False  # seen without waiting for the right to write
        with self._writing("cannot note what is being asked"):
            if self._claimed_by_another(key):
                return False
            self._db.execute(
                "INSERT OR REPLACE INTO claims VALUES (?, ?, ?)",
                (key, self.owner, time.time() + seconds),
            )
        return True

    def release(self, key: str) -> None:
        """Let others ask this."""
        with self._writing("cannot note what is no longer asked"):
            self._db.execute("DELETE FROM claims WHERE key = ? AND owner = ?", (key, self.owner))

    def keep(
        self,
        key: str,
        model: str,
        request: Mapping[str, Any],
        outcome: Answer | LLMError,
        role: str,
    ) -> Answer | LLMError:
        """Keep an outcome, give up the claim, and give the outcome that stays: what another process
        kept first, if it did.

        `request`: in full, so that a reader of the file sees what was asked.
        """
        plain = plain_error(outcome) if isinstance(outcome, LLMError) else outcome.plain()
        session = None if plain.get("missing") in _LASTING else self.session
        with self._writing("cannot keep an answer"):
            self._db.execute("DELETE FROM claims WHERE key = ? AND owner = ?", (key, self.owner))
            stays = self.find(key, role)
            if stays is None:
                self._db.execute(
                    "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?)",
                    (key, model, canonical(request), canonical(plain), session),
                )
        return outcome if stays is None else stays

    def capabilities(self, model: str) -> dict[str, Any] | None:
        """What a model was last found able to do, None where nobody looked."""
        row = self._row("SELECT found FROM capabilities WHERE model = ?", model)
        return None if row is None else dict(json.loads(row[0]))

    def keep_capabilities(self, model: str, found: Mapping[str, Any]) -> None:
        """Keep what a model was found able to do, in place of what was found before."""
        with self._writing("cannot keep what a model is able to do"):
            self._db.execute(
                "INSERT OR REPLACE INTO capabilities VALUES (?, ?)", (model, canonical(found))
            )

    def close(self) -> None:
        """Close the file; the last process to do so leaves one file, without -wal and -shm."""
        self._db.close()

    def _claimed_by_another(self, key: str) -> bool:
        row = self._row("SELECT owner, until FROM claims WHERE key = ?", key)
        now = time.time()
        return row is not None and row[0] != self.owner and now < row[1] < now + _LONGEST_CLAIM

    def _row(self, query: str, key: str) -> Any:
        with self._explained("cannot be read"):
            return self._db.execute(query, (key,)).fetchone()

    @contextmanager
    def _writing(self, what: str) -> Iterator[None]:
        """One transaction."""
        with self._explained(what):
            self._db.execute("BEGIN IMMEDIATE")
            with self._db:
                yield

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            raise GamutError(
                f"{self.file}: {what} ({error}); make the file and its folder writable, use another"
                " llm.cache.file, or set llm.cache.mode=off"
            ) from error
