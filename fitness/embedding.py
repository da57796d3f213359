"""Embedding: sentences to rows of numbers, each distinct sentence only once.

`SentenceCache` keeps what an encoder gives in memory and in a store on disk, so that workers and
later runs share it.
"""

import hashlib
import os
import random
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from fitness.encoders import E5, Encoder, MiniLM
from fitness.vector_store import Vectors, VectorStore
from generators.cache import cache_folder
from generators.errors import GamutError, InputError

EMBEDDERS: dict[str, type[MiniLM]] = {"minilm": MiniLM}
"""Encoders of the projection reader by the name that the config group `embedder` uses."""

MOST_KNOWN = 60_000  # rows that a cache has in memory, about 100 MB; all are in the store
_AT_ONCE, _LOOKS = 16, 20  # sentences between looks at what others have kept; most looks


class Embedder(Protocol):
    """Turns texts into rows.

    Attributes:
        fingerprint: names the weights; rows of equal fingerprint and text are equal.
        width: how many numbers of a row, from its beginning, make a unit vector.
        dimension: length of a row.
    """

    fingerprint: str
    width: int

    @property
    def dimension(self) -> int: ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Rows, float32 [len(texts), dimension]."""
        ...


def forget(known: dict[str, Any], most: int) -> None:
    """Drop the older half of what is remembered once there is more than `most` of it."""
    if len(known) > most:
        for old in list(islice(known, len(known) // 2)):
            del known[old]


class SentenceCache:
    """An embedder that runs its model once a distinct sentence.

    Safe to use from several processes at once on one file. `file=None` keeps rows in memory only,
    and so does a file that cannot be used.
    """

    def __init__(self, embedder: Embedder, file: Path | None) -> None:
        self.embedder = embedder
        self.computed = 0
        self._known: dict[str, Vectors] = {}
        self._store = VectorStore(file, embedder.dimension, embedder.width) if file else None

    def rows(self, sentences: Sequence[str]) -> Vectors:
        """Rows of sentences, float32 [len(sentences), dimension]."""
        forget(self._known, MOST_KNOWN)
        missing = [s for s in dict.fromkeys(sentences) if s not in self._known]
        if missing:
            self._recall(missing)
            new = [s for s in missing if s not in self._known]
            if new:
                self._compute(new)
        if not sentences:
            return np.empty((0, self.embedder.dimension), dtype=np.float32)
        return np.stack([self._known[s] for s in sentences])

    def vectors(self, sentences: Sequence[str]) -> Vectors:
        """The unit vectors alone, float32 [len(sentences), width]."""
        return self.rows(sentences)[:, : self.embedder.width]

    def _compute(self, sentences: list[str]) -> None:
        """Embed sentences a few at a time, but for those that others have kept meanwhile.

        Workers often miss the same sentences at the same moment. Each has an order of its own, so
        that they share the work instead of doing it twice; the rows do not depend on the order.
        """
        waiting, at_once = list(sentences), max(_AT_ONCE, len(sentences) // _LOOKS)
        if len(waiting) > at_once:
            random.Random(os.getpid()).shuffle(waiting)
        while waiting:
            some, waiting = waiting[:at_once], waiting[at_once:]
            self._embed(some)
            self._recall(waiting)
            waiting = [s for s in waiting if s not in self._known]

    def _embed(self, sentences: list[str]) -> None:
        rows = self.embedder.embed(sentences)
        if not np.isfinite(rows).all():
            raise GamutError(f"the embedder {self.embedder.fingerprint} gave a NaN or an infinity")
        self.computed += len(sentences)
        new = dict(zip(sentences, rows, strict=True))
        self._known.update(new)
        if self._store is not None:
            self._store.keep({self._key(s): row for s, row in new.items()})

    def _recall(self, sentences: list[str]) -> None:
        if self._store is None:
            return
        by_key = {self._key(s): s for s in sentences}
        found = self._store.find(list(by_key))
        self._known.update({by_key[key]: row for key, row in found.items()})

    def _key(self, sentence: str) -> bytes:
        return hashlib.sha256(f"{self.embedder.fingerprint}\n{sentence}".encode()).digest()


class Caches:
    """The sentence caches of the two offline readers, on one file that all processes share.

    Attributes:
        first: by the embedder of the configuration (default: minilm).
        second: by the second encoder, which is fixed.
    """

    def __init__(self, embedder: Mapping[str, Any] | None = None) -> None:
        """Raises InputError for an embedder that is not known."""
        settings = dict(embedder or {"name": "minilm"})
        name = settings.pop("name", None)
        if name not in EMBEDDERS:
            known = ", ".join(sorted(EMBEDDERS))
            raise InputError(f"embedder {name!r} is not known; known: {known}")
        self._encoder, self._settings = EMBEDDERS[name], settings

    @cached_property
    def first(self) -> SentenceCache:
        """The cache of the projection reader."""
        return _cache(self._encoder(**self._settings))

    @cached_property
    def second(self) -> SentenceCache:
        """The cache of the nearest-statements reader."""
        return _cache(E5())


def _cache(encoder: Encoder) -> SentenceCache:
    return SentenceCache(encoder, cache_folder() / "sentences.sqlite")
