"""The nearest-statements reader: another encoder and another way, independent of the projection.

No direction is fitted: a sentence stands nearer to the pole whose nearest half of hidden
statements it resembles more. Vectors of multilingual-e5-small all lie in one narrow cone (Ethayarajh
2019, EMNLP), so the mean of ordinary sentences is taken off them first; those sentences ship with
Gamut and speak of nothing in particular.
"""

from functools import lru_cache
from pathlib import Path

import numpy as np

from fitness.embedding import Caches, SentenceCache
from fitness.respondents.sentence_reader import Array, SentenceReader, nearest, pole_contents
from fitness.vector_store import Vectors
from generators.context import Context
from generators.errors import GamutError

ORDINARY = Path(__file__).with_name("ordinary.txt")
STEEPNESS = 1.5  # of the squashing of a contrast into [-1, 1]
MOST_ALIKE = 5  # statements of either pole that decide which axis a sentence speaks of


class Nearest(SentenceReader):
    """Reads personas in one context by their nearest statements; see the module's description."""

    name = "nearest"
    edition = 1
    gain = 2.0
    same = 0.58  # 99 % of framings of one sign reach it, one pair in a thousand of different signs
    # of one pole reaches .49
    temperature = 0.04
    none = 0.23

    def __init__(self, context: Context, caches: Caches) -> None:
        super().__init__(context, caches.second)
        self._centre = _centre(caches.second)
        self._poles: list[tuple[Array, Array]] = []
        for axis in context.axes:
            if axis.hidden is None:
                raise GamutError(f"axis {axis.id} has no hidden statements: it cannot be read")
            low, high = (
                self._placed(caches.second.vectors(c)) for c in pole_contents(axis.hidden)
            )
            self._poles.append((low, high))
        self._scales = [_middle_and_scale(low, high) for low, high in self._poles]

    def _placed(self, vectors: Vectors) -> Array:
        shifted = vectors.astype(np.float64) - self._centre
        placed: Array = shifted / np.linalg.norm(shifted, axis=1, keepdims=True)
        return placed

    def _likeness(self, vectors: Array) -> Array:
        poles = [np.concatenate(both) for both in self._poles]
        return np.stack([nearest(vectors, both, MOST_ALIKE) for both in poles], axis=1)

    def _polarity(self, vectors: Array) -> Array:
        contrasts = [
            np.tanh(STEEPNESS * (_contrast(vectors, low, high) - middle) / scale)
            for (low, high), (middle, scale) in zip(self._poles, self._scales, strict=True)
        ]
        return np.stack(contrasts, axis=1)


def _contrast(vectors: Array, low: Array, high: Array) -> Array:
    """Likeness to the nearest half of the high statements less that of the low ones, [M]."""
    most_low, most_high = ((len(pole) + 1) // 2 for pole in (low, high))
    return nearest(vectors, high, most_high) - nearest(vectors, low, most_low)


def _middle_and_scale(low: Array, high: Array) -> tuple[float, float]:
    """Midway between the poles' own contrasts, and how far statements stand from it that are read
    with the others alone (never their sign: a left-out statement may be nearest to its antonym)."""
    own = _contrast(low, low, high).mean(), _contrast(high, low, high).mean()
    middle = float(sum(own)) / 2
    left_out = [
        *(_contrast(low[i : i + 1], np.delete(low, i, 0), high)[0] for i in range(len(low))),
        *(_contrast(high[i : i + 1], low, np.delete(high, i, 0))[0] for i in range(len(high))),
    ]
    return middle, float(np.std(left_out))


def _centre(cache: SentenceCache) -> Array:
    """The mean vector of the ordinary sentences, [d]."""
    mean: Array = cache.vectors(_ordinary()).astype(np.float64).mean(axis=0)
    return mean


@lru_cache(maxsize=1)
def _ordinary() -> tuple[str, ...]:
    return tuple(ORDINARY.read_text("utf-8").splitlines())
