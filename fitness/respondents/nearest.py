"""The nearest-statements reader: another encoder and another way, independent of the projection.

No direction is fitted: a sentence stands nearer to the pole whose nearest half of hidden
statements it resembles more, under this encoder's own polarity map.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import numpy as np

from fitness.embedding import Caches
from fitness.respondents.polarity import centred, mapped, polarity_map
from fitness.respondents.sentence_reader import Array, SentenceReader, nearest
from fitness.vector_store import Vectors
from generators.context import Context

STEEPNESS = 1.5  # of the squashing of a contrast into [-1, 1]
MOST_ALIKE = 5  # statements of either pole that decide which axis a sentence speaks of


@dataclass(frozen=True)
class _AxisModel:
    """What one axis is read with: its statements, its polarity map, and, under this, each pole's
    statements, and the middle and scale of their contrasts."""

    statements: Array  # [S, d]
    map: Array  # [d, d]
    low: Array  # [L, d]
    high: Array  # [H, d]
    middle: float
    scale: float

    @classmethod
    def of(cls, low: Array, high: Array, matrix: Array) -> "_AxisModel":
        """From the statements of each pole, [L, d] and [H, d]."""
        poles = mapped(low, matrix), mapped(high, matrix)
        return cls(np.concatenate([low, high]), matrix, *poles, *_middle_and_scale(*poles))

    def contrast(self, vectors: Array) -> Array:
        """How far vectors [M, d] stand from the middle, in scales, [M]."""
        raw = _contrast(mapped(vectors, self.map), self.low, self.high)
        contrast: Array = (raw - self.middle) / self.scale
        return contrast


class Nearest(SentenceReader):
    """Reads personas in one context by their nearest statements; see the module's description."""

    name = "nearest"
    edition = 4
    gain = 2.0
    same = 0.58  # 99 % of framings of one sign reach it, one pair in a thousand of different signs
    # of one pole reaches .49
    temperature = 0.04
    none = 0.23

    def __init__(self, context: Context, caches: Caches) -> None:
        super().__init__(context, caches.second, caches.first)

    @cached_property
    def _axes(self) -> list[_AxisModel]:
        return [self._model(contents) for contents in self._pole_contents()]

    def _model(self, contents: tuple[list[str], list[str]]) -> _AxisModel:
        low, high = (self._placed(self._cache.vectors(told)) for told in contents)
        matrix = polarity_map(Nearest.name, self._cache.embedder.fingerprint, chain(*contents))
        return _AxisModel.of(low, high, matrix)

    def _placed(self, vectors: Vectors) -> Array:
        return centred(vectors, self._centre)

    def _likeness(self, vector: Array) -> Array:
        alike = [nearest(vector, axis.statements, MOST_ALIKE) for axis in self._axes]
        return np.concatenate(alike)

    def _polarity(self, vector: Array, text: str) -> Array:
        squashed: Array = np.tanh(
            STEEPNESS * np.concatenate([a.contrast(vector) for a in self._axes])
        )
        return squashed


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
    return middle, float(np.sqrt(np.mean((np.array(left_out) - middle) ** 2)))
