"""The run store: a verdict a ticket, versions, and clear errors where the file is no good."""

import sqlite3
from pathlib import Path

import pytest

from evolve.store import Candidate, Store
from generators.errors import GamutError, InputError

CANDIDATE = Candidate(0, "source", "hash", "random", (1, 2))


def test_what_is_put_comes_back(tmp_path: Path) -> None:
    store = Store(tmp_path / "run.sqlite", create=True)
    store.put(CANDIDATE, {"status": "scored", "values": {"a": [0.5]}}, 0.1)
    store.put_meta("setup", {"a": [1, None]})
    store.close()
    again = Store(tmp_path / "run.sqlite", read_only=True)
    assert again.get(0) == (CANDIDATE, {"status": "scored", "values": {"a": [0.5]}})
    assert again.get(1) is None
    assert again.meta("setup") == {"a": [1, None]}
    assert again.meta("nothing") is None
    assert again.count() == 1
    assert [c for c, _ in again.candidates()] == [CANDIDATE]


def test_a_ticket_is_written_once(tmp_path: Path) -> None:
    store = Store(tmp_path / "run.sqlite", create=True)
    store.put(CANDIDATE, {}, 0.1)
    with pytest.raises(GamutError, match="cannot be written"):
        store.put(CANDIDATE, {}, 0.1)
    assert store.count() == 1


def test_a_nan_is_never_stored(tmp_path: Path) -> None:
    store = Store(tmp_path / "run.sqlite", create=True)
    with pytest.raises(ValueError, match="JSON"):
        store.put(CANDIDATE, {"value": float("nan")}, 0.1)
    assert store.count() == 0


def test_a_newer_store_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "run.sqlite"
    Store(file, create=True).close()
    with sqlite3.connect(file) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(InputError, match="newer Gamut"):
        Store(file)


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no run here"):
        Store(tmp_path / "run.sqlite")
    (tmp_path / "run.sqlite").write_bytes(b"not a database at all, but long enough to look" * 50)
    with pytest.raises(GamutError, match="run store"):
        Store(tmp_path / "run.sqlite")
    empty = tmp_path / "empty.sqlite"
    sqlite3.connect(empty).execute("CREATE TABLE t (x)").connection.close()
    with pytest.raises(InputError, match="not a run store"):
        Store(empty)


def test_a_store_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    store = Store(tmp_path / "run.sqlite", create=True)
    store.put(CANDIDATE, {}, 0.1)
    store.close()
    readable = Store(tmp_path / "run.sqlite", read_only=True)
    with pytest.raises(GamutError, match="cannot be written"):
        readable.put_meta("a", 1)
    assert readable.count() == 1
