"""Answers of a model small enough for the repository, from which a benchmark is replayed.

    python benchmarks/recordings.py answers.sqlite benchmarks/judge.sqlite.xz

Packs a file of answers: what was asked is left out (answers are found by its hash), and of
log-probabilities only those of digits are kept, to five decimals, which is all that the respondent
reads. `--replay` of the benchmarks takes the packed file, too.
"""

import argparse
import json
import lzma
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

PACKED = ".xz"
DECIMALS = 5


def pack(answers: Path, target: Path) -> int:
    """Write the packed file of a file of answers, and how many there are."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "answers.sqlite"
        with closing(sqlite3.connect(file, isolation_level=None)) as db:
            with closing(sqlite3.connect(answers)) as source:
                source.backup(db)  # with what a killed process has left beside the file
            rows = db.execute("SELECT key, outcome FROM answers ORDER BY key").fetchall()
            db.execute("BEGIN")
            for key, outcome in rows:
                less = json.dumps(_less(json.loads(outcome)), separators=(",", ":"))
                db.execute("UPDATE answers SET request='{}', outcome=? WHERE key=?", (less, key))
            db.execute("DELETE FROM claims")
            db.execute("COMMIT")
            db.execute("PRAGMA journal_mode=DELETE")
            db.execute("VACUUM")
        target.write_bytes(lzma.compress(file.read_bytes(), preset=9))
    return len(rows)


@contextmanager
def unpacked(answers: Path) -> Iterator[Path]:
    """A file of answers; a packed one is unpacked for as long as it is used."""
    if answers.suffix != PACKED:
        yield answers
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / answers.stem
        file.write_bytes(lzma.decompress(answers.read_bytes()))
        yield file


def _less(outcome: dict[str, Any]) -> dict[str, Any]:
    """An outcome with the log-probabilities of digits alone."""
    if outcome.get("logprobs"):
        outcome["logprobs"] = [
            [token, _rounded(own), [[t, _rounded(p)] for t, p in top if t.strip().isdigit()]]
            for token, own, top in outcome["logprobs"]
        ]
    return outcome


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, DECIMALS)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("answers", type=Path, help="SQLite file of answers")
    parser.add_argument("packed", type=Path, help=f"file to write, ending in {PACKED}")
    given = parser.parse_args()
    print(f"{pack(given.answers, given.packed)} answers, {given.packed.stat().st_size:,} bytes")
