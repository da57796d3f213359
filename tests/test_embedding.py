"""Embedders and their cache: the same bits everywhere, one model call a sentence, no wrong file
that goes unnoticed, and no damaged cache that stops a run."""

import hashlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from fitness import embedding
from fitness.embedding import Caches, SentenceCache
from fitness.vector_store import Vectors
from generators.errors import GamutError, InputError


class Hashing:
    """An embedder for tests: unit vectors made of a hash; counts what it is asked for."""

    width = dimension = 4

    def __init__(self, fingerprint: str = "hashing") -> None:
        self.fingerprint = fingerprint
        self.asked: list[str] = []

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.asked += texts
        drawn = [hashlib.sha256(f"{self.fingerprint}{t}".encode()).digest()[:4] for t in texts]
        raw = np.array([list(four) for four in drawn], dtype=np.float32) + 1
        unit: Vectors = raw / np.linalg.norm(raw, axis=1, keepdims=True)
        return unit


def bits(vectors: Vectors) -> list[str]:
    return [hashlib.sha256(vector.tobytes()).hexdigest() for vector in vectors]


def test_an_unknown_embedder_is_refused() -> None:
    for settings in ({"name": "word2vec"}, {"model": "x.onnx"}):
        with pytest.raises(InputError, match="known: minilm"):
            Caches(settings)


def test_the_shared_cache_lies_in_the_cache_folder(embedder_cache: SentenceCache) -> None:
    one = embedder_cache.vectors(["I keep the cache folder warm."])
    assert (Path(os.environ["GAMUT_CACHE"]) / "sentences.sqlite").is_file()
    again = Caches({"name": "minilm", "model": None, "tokenizer": None}).first
    assert bits(again.vectors(["I keep the cache folder warm."])) == bits(one)
    assert again.computed == 0


def test_a_long_run_keeps_a_bounded_number_of_rows_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding, "MOST_KNOWN", 10)
    words = [f"word {number}" for number in range(100)]
    cache = SentenceCache(Hashing(), tmp_path / "v.sqlite")
    first = bits(np.concatenate([cache.vectors([word]) for word in words]))
    assert len(cache._known) <= 11
    assert bits(cache.vectors(words)) == first  # what was forgotten comes from the store
    assert cache.computed == 100


def test_each_distinct_sentence_is_embedded_once(tmp_path: Path) -> None:
    for file in (None, tmp_path / "kept" / "v.sqlite"):
        embedder = Hashing()
        cache = SentenceCache(embedder, file)
        first = cache.vectors(["a", "b", "a"])
        assert np.array_equal(first[0], first[2])
        assert np.array_equal(cache.vectors(["b", "c"])[0], first[1])
        assert embedder.asked == ["a", "b", "c"]
        assert cache.computed == 3
        assert cache.vectors([]).shape == (0, 4)


def test_what_a_caller_does_to_vectors_changes_nothing_kept() -> None:
    cache = SentenceCache(Hashing(), None)
    before = cache.vectors(["a"]).copy()
    cache.vectors(["a"])[:] = 7
    assert np.array_equal(cache.vectors(["a"]), before)


def test_vectors_outlive_the_process_that_made_them(tmp_path: Path) -> None:
    many = [f"sentence {i}" for i in range(1_100)]
    made = SentenceCache(Hashing(), tmp_path / "v.sqlite").vectors(many)
    later = SentenceCache(Hashing(), tmp_path / "v.sqlite")
    assert np.array_equal(later.vectors(many[::-1]), made[::-1])
    assert later.computed == 0


class Beaten(Hashing):
    """While it embeds its first sentences, another process embeds and keeps all of them."""

    def __init__(self, other: SentenceCache, sentences: Sequence[str]) -> None:
        super().__init__()
        self._other, self._sentences = other, sentences

    def embed(self, texts: Sequence[str]) -> Vectors:
        self._other.vectors(self._sentences)
        return super().embed(texts)


def test_what_another_process_has_embedded_meanwhile_is_not_embedded_again(tmp_path: Path) -> None:
    sentences = [f"sentence {i}" for i in range(100)]
    other = SentenceCache(Hashing(), tmp_path / "v.sqlite")
    cache = SentenceCache(Beaten(other, sentences), tmp_path / "v.sqlite")
    assert np.array_equal(cache.vectors(sentences), Hashing().embed(sentences))
    assert 0 < cache.computed < 20


def test_fingerprints_do_not_mix(tmp_path: Path) -> None:
    one = SentenceCache(Hashing("one"), tmp_path / "v.sqlite")
    other = SentenceCache(Hashing("other"), tmp_path / "v.sqlite")
    assert not np.array_equal(one.vectors(["a"]), other.vectors(["a"]))
    assert np.array_equal(other.vectors(["a"]), Hashing("other").embed(["a"]))


class Broken(Hashing):
    def embed(self, texts: Sequence[str]) -> Vectors:
        vectors = super().embed(texts)
        vectors[-1, 0] = np.nan
        return vectors


def test_a_nan_is_refused_and_never_kept(tmp_path: Path) -> None:
    with pytest.raises(GamutError, match="hashing gave a NaN"):
        SentenceCache(Broken(), tmp_path / "v.sqlite").vectors(["a", "b"])
    good = SentenceCache(Hashing(), tmp_path / "v.sqlite")
    assert np.isfinite(good.vectors(["a", "b"])).all()
    assert good.computed == 2


WRITER = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from test_embedding import Hashing
from fitness.embedding import SentenceCache
cache = SentenceCache(Hashing(), Path(sys.argv[2]))
first = int(sys.argv[3])
print("ready", flush=True)
input()  # all writers start at once
for start in range(first, first + 120, 4):
    cache.vectors([f"sentence {i}" for i in range(start, start + 4)])
"""


@pytest.mark.parametrize("found", [None, b"no database, but longer than a header of one " * 200])
def test_processes_share_a_new_or_damaged_file_at_once(found: bytes | None, tmp_path: Path) -> None:
    file = tmp_path / "v.sqlite"
    if found:
        file.write_bytes(found)
    words = [sys.executable, "-c", WRITER, str(Path(__file__).parent), str(file)]
    pipe = subprocess.PIPE
    writers = [
        subprocess.Popen([*words, first], text=True, stdin=pipe, stdout=pipe, stderr=pipe)
        for first in ("0", "40", "80")
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("\n")
        writer.stdin.flush()
    for writer in writers:
        errors = writer.communicate(timeout=60)[1]
        assert writer.returncode == 0, errors
    reader = SentenceCache(Hashing(), file)
    sentences = [f"sentence {i}" for i in range(200)]
    assert np.array_equal(reader.vectors(sentences), Hashing().embed(sentences))
    assert reader.computed == 0


def damage(file: Path, start: int) -> None:
    """Overwrites a file from a byte on, as a bad disk would."""
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    content = file.read_bytes()
    file.write_bytes(content[:start] + b"\xff" * (len(content) - start))


@pytest.mark.parametrize("start", [0, 200, 5_000])
def test_a_damaged_file_costs_time_only(start: int, tmp_path: Path) -> None:
    file = tmp_path / "v.sqlite"
    sentences = [f"sentence {i}" for i in range(600)]
    SentenceCache(Hashing(), file).vectors(sentences)
    damage(file, start)
    for computed in (600, 0):  # a new file takes the place of the damaged one
        cache = SentenceCache(Hashing(), file)
        assert np.array_equal(cache.vectors(sentences), Hashing().embed(sentences))
        assert cache.computed == computed


def test_a_folder_that_cannot_be_written_costs_time_only(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder.sqlite").mkdir()
    for file in (tmp_path / "file" / "v.sqlite", tmp_path / "folder.sqlite"):
        cache = SentenceCache(Hashing(), file)
        assert np.array_equal(cache.vectors(["a"]), Hashing().embed(["a"]))


def test_a_full_disk_costs_time_only(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    program = f"""
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, resource.RLIM_INFINITY))
{WRITER.replace("input()", "None")}
assert cache.computed == 120
"""
    words = [sys.executable, "-c", program, str(Path(__file__).parent), str(tmp_path / "v.sqlite")]
    assert resource
    done = subprocess.run([*words, "0"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("vectors are kept in memory only") == 1


@pytest.mark.parametrize("blob", [b"abc", b"", bytes(16), b"\xff" * 16, b"\1" * 20, None, "text"])
def test_a_kept_value_that_is_no_unit_vector_is_made_anew(
    blob: bytes | str | None, tmp_path: Path
) -> None:
    file = tmp_path / "v.sqlite"
    SentenceCache(Hashing(), file).vectors(["a", "b"])
    connection = sqlite3.connect(file)
    with connection:
        connection.execute("UPDATE vectors SET vector = ?", [blob])
    connection.close()
    for computed in (2, 0):
        cache = SentenceCache(Hashing(), file)
        assert np.array_equal(cache.vectors(["a", "b"]), Hashing().embed(["a", "b"]))
        assert cache.computed == computed
