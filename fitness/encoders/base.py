"""What every encoder does: texts to unit vectors, and what its trained heads say of them."""

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from fitness.vector_store import Vectors

HEADS = 3  # numbers that follow the vector in a row where an encoder has trained heads


class Encoder(ABC):
    """Turns a text into a row: unit vector, then the values of its trained heads, if it has any.

    One text a call of the model: the last bits of a vector would otherwise depend on which other
    sentences happened to be in its batch, and a search must replay to the bit.

    Attributes:
        fingerprint: names the weights; rows of equal fingerprint and text are equal.
        width: length of a vector.
        headed: whether it has trained heads.
        seconds: time spent inside the model so far.
    """

    fingerprint: str
    width: int
    headed = False
    seconds = 0.0

    @property
    def dimension(self) -> int:
        """Length of a row."""
        return self.width + (HEADS if self.headed else 0)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Rows, float32 [len(texts), dimension]: the unit vector, mean-pooled over tokens, then
        degree, well-formedness and own where there are heads."""
        rows = np.empty((len(texts), self.dimension), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            began = time.perf_counter()
            states, judged = self.states(text)
            self.seconds += time.perf_counter() - began
            pooled = states.mean(axis=0)
            row[: self.width] = pooled / np.linalg.norm(pooled)
            row[self.width :] = judged
        return rows

    @abstractmethod
    def states(self, text: str) -> tuple[Vectors, tuple[float, ...]]:
        """The token states of a text, float32 [tokens, width], those of its ends included, and
        what the heads say of it."""
