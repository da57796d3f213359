"""The run store: a verdict a ticket, versions, and clear errors where the file is no good."""

import random
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from evolve.store import Candidate, Sitting, Store, Times, open_checked
from generators.errors import GamutError, InputError

CANDIDATE = Candidate(0, "source", "hash", "random", (1, 2))
TIMES = Times("2026-01-02T03:04:05.678Z", 1.5)


def filled(file: Path, tickets: int = 60) -> Store:
    """A store as a search leaves it: rows that take pages of their own, and inputs."""
    store = Store(file, create=True)
    store.put_meta("setup", {"contexts": ["a context " * 700, "ä"]})
    draw = random.Random(tickets)
    for ticket in range(tickets):
        source = "".join(draw.choices("abcdefgh \n", k=draw.randrange(200, 6000)))
        verdict = {"status": "scored", "values": {"a": [draw.random()]}, "cost": {"personas": 2}}
        store.put(Candidate(ticket, source, f"hash{ticket}", "random", ()), verdict, TIMES)
    return store


def test_what_is_put_comes_back(tmp_path: Path) -> None:
    store = Store(tmp_path / "run.sqlite", create=True)
    store.put(CANDIDATE, {"status": "scored", "values": {"a": [0.5]}}, TIMES)
    store.put_meta("setup", {"a": [1, None]})
    store.close()
    again = Store(tmp_path / "run.sqlite", read_only=True)
    assert again.get(0) == (CANDIDATE, {"status": "scored", "values": {"a": [0.5]}})
    assert again.get(1) is None
    assert again.meta("setup") == {"a": [1, None]}
    assert again.meta("nothing") is None
    assert again.count() == 1
    assert [c for c, _ in again.candidates()] == [CANDIDATE]


def test_a_row_tells_all_there_is_to_know_of_a_candidate(tmp_path: Path) -> None:
    store = Store(tmp_path / "run.sqlite", create=True)
    verdict = {"status": "failed", "values": {"a": [0.0]}, "reason": "a: too few personas"}
    store.put(CANDIDATE, {**verdict, "cost": {"personas": 18, "characters": 900}}, TIMES)
    store.close()
    with sqlite3.connect(tmp_path / "run.sqlite") as db:
        db.row_factory = sqlite3.Row
        row = dict(db.execute("SELECT * FROM candidates").fetchone())
        score = db.execute("SELECT json_extract(verdict, '$.values.a[0]') FROM candidates")
        assert score.fetchone()[0] == 0.0
    assert (row["source"], row["operator"], row["parents"]) == ("source", "random", "[1, 2]")
    assert (row["started"], row["seconds"]) == (TIMES.started, TIMES.seconds)
    assert row["finished"] > TIMES.started
    assert "too few personas" in row["verdict"]
    assert '"characters": 900' in row["verdict"]


def test_costs_and_times_add_up(tmp_path: Path) -> None:
    store = Store(tmp_path / "run.sqlite", create=True)
    for ticket, cost in enumerate(({"personas": 18, "characters": 900}, {}, {"personas": 7})):
        candidate = Candidate(ticket, "source", "hash", "random", ())
        store.put(candidate, {"cost": cost}, TIMES)
    assert store.costs() == {"personas": 25, "characters": 900}
    assert store.worker_seconds() == 4.5
    assert (store.count(), store.tickets()) == (3, 3)
    store.put(Candidate(7, "source", "hash", "random", ()), {}, TIMES)
    assert (store.count(), store.tickets()) == (4, 8)


def test_a_sitting_that_was_killed_has_its_account(tmp_path: Path) -> None:
    """A process that is killed leaves what it had spent until its last verdict."""
    code = (
        "import os, signal, time; from pathlib import Path; from evolve.store import *\n"
        f"store = Store(Path({str(tmp_path / 'run.sqlite')!r}), create=True)\n"
        "store.begin_sitting(2)\n"
        "time.sleep(0.2)\n"
        "store.put(Candidate(0, 's', 'h', 'random', ()), {}, Times('', 0.1))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", code], timeout=60)
    store = open_checked(tmp_path / "run.sqlite")
    store.begin_sitting(1)
    store.put(Candidate(1, "s", "h", "random", ()), {}, TIMES)
    store.put(Candidate(2, "s", "h", "random", ()), {}, TIMES)
    store.end_sitting("3 evaluations")
    store.put_meta("later", 1)
    killed, ended = store.sittings()
    assert 0.2 <= killed.seconds < 5
    assert killed == Sitting("2", killed.seconds, 1, None)
    assert ended == Sitting("1", ended.seconds, 2, "3 evaluations")


def test_a_ticket_is_written_once(tmp_path: Path) -> None:
    store = Store(tmp_path / "run.sqlite", create=True)
    store.put(CANDIDATE, {}, TIMES)
    with pytest.raises(GamutError, match="cannot be written"):
        store.put(CANDIDATE, {}, TIMES)
    assert store.count() == 1


def test_a_nan_is_never_stored(tmp_path: Path) -> None:
    store = Store(tmp_path / "run.sqlite", create=True)
    with pytest.raises(ValueError, match="JSON"):
        store.put(CANDIDATE, {"value": float("nan")}, TIMES)
    assert store.count() == 0


@pytest.mark.parametrize(("version", "said"), [(99, "newer Gamut"), (1, "older Gamut")])
def test_a_store_of_another_version_is_refused(version: int, said: str, tmp_path: Path) -> None:
    file = tmp_path / "run.sqlite"
    Store(file, create=True).close()
    with sqlite3.connect(file) as db:
        db.execute(f"PRAGMA user_version = {version}")
    db.close()
    before = file.read_bytes()
    for opening in (Store, open_checked):
        with pytest.raises(InputError, match=said):
            opening(file)
    assert file.read_bytes() == before


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no run here"):
        Store(tmp_path / "run.sqlite")
    (tmp_path / "run.sqlite").write_bytes(b"not a database at all, but long enough to look" * 50)
    with pytest.raises(GamutError, match="damaged"):
        Store(tmp_path / "run.sqlite")
    empty = tmp_path / "empty.sqlite"
    sqlite3.connect(empty).execute("CREATE TABLE t (x)").connection.close()
    with pytest.raises(InputError, match="not a run store"):
        Store(empty)


def test_a_store_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    store = Store(tmp_path / "run.sqlite", create=True)
    store.put(CANDIDATE, {}, TIMES)
    store.close()
    readable = Store(tmp_path / "run.sqlite", read_only=True)
    with pytest.raises(GamutError, match=r"cannot be written.*folder writable"):
        readable.put_meta("a", 1)
    assert readable.count() == 1


def test_names_that_mean_something_in_an_address_are_only_names(tmp_path: Path) -> None:
    folder = tmp_path / "a run? 100% #1"
    folder.mkdir()
    filled(folder / "run.sqlite", tickets=2).close()
    assert Store(folder / "run.sqlite", read_only=True).count() == 2


def test_a_store_is_there_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "run.part").write_bytes(b"half of a store, left by a killed process")
    (tmp_path / "run.part-wal").write_bytes(b"its log")
    open_checked(tmp_path / "run.sqlite").close()
    assert [file.name for file in tmp_path.iterdir()] == ["run.sqlite"]
    assert open_checked(tmp_path / "run.sqlite").count() == 0


def test_bytes_overwritten_anywhere_are_found_before_anything_is_written(tmp_path: Path) -> None:
    file = tmp_path / "run.sqlite"
    store = filled(file)
    whole = [*store.candidates(), store.meta("setup")]
    store.close()
    good, draw, found = file.read_bytes(), random.Random(0), 0
    for _ in range(60):
        at = draw.randrange(4096, len(good) - 40)  # the first page holds the version
        bad = good[:at] + draw.randbytes(40) + good[at + 40 :]
        file.write_bytes(bad)
        refusal = refused(file)
        assert refusal is None or "damaged" in refusal
        if refusal:
            assert file.read_bytes() == bad
            found += 1
        else:  # where nothing is kept: the unused part of a page, or a moment
            checked = open_checked(file)
            assert [*checked.candidates(), checked.meta("setup")] == whole
            checked.close()
    assert found > 30


def refused(file: Path) -> str | None:
    """Why a store cannot be opened, None where it can."""
    try:
        open_checked(file).close()
    except GamutError as error:
        return str(error)
    return None


def test_one_wrong_digit_is_found(tmp_path: Path) -> None:
    file = tmp_path / "run.sqlite"
    Store(file, create=True).close()
    store = open_checked(file)
    store.put(CANDIDATE, {"values": {"a": [0.5123]}}, TIMES)
    store.close()
    file.write_bytes(file.read_bytes().replace(b"0.5123", b"0.7123"))
    with pytest.raises(GamutError, match="damaged: what is stored of 0 is not what was written"):
        open_checked(file)


def test_a_damaged_store_with_the_log_of_a_killed_process_is_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "run.sqlite"
    filled(file).close()
    code = (
        "import os, signal; from pathlib import Path; from evolve.store import *\n"
        f"store = Store(Path({str(file)!r}))\n"
        "store.put_meta('more', 'x' * 9000)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", code], timeout=60)
    log = tmp_path / "run.sqlite-wal"
    assert log.stat().st_size > 9000
    middle = file.stat().st_size // 2
    with file.open("rb+") as stream:
        stream.seek(middle)
        stream.write(b"\xff" * 4096)
    before = file.read_bytes(), log.read_bytes()
    with pytest.raises(GamutError, match="damaged"):
        open_checked(file)
    assert (file.read_bytes(), log.read_bytes()) == before
