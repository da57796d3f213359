"""The nearest-statements reader: another encoder and another way, independent of the projection.

No direction is fitted: a sentence stands nearer to the pole whose nearest half of hidden
statements it resembles more, under this encoder's own polarity map.
"""

from itertools import chain

import numpy as np

from fitness.embedding import Caches
from fitness.respondents.polarity import centre, centred, mapped, polarity_map
from fitness.respondents.sentence_reader import Array, SentenceReader, nearest, pole_contents
from fitness.vector_store import Vectors
from generators.context import Context
from generators.errors import GamutError

STEEPNESS = 1.5  # of the squashing of a contrast into [-1, 1]
MOST_ALIKE = 5  # statements of either pole that decide which axis a sentence speaks of


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
        self._centre = centre(caches.second)
        encoder = caches.second.embedder.fingerprint
        self._statements: list[Array] = []
        self._maps: list[Array] = []
        self._poles: list[tuple[Array, Array]] = []
        for axis in context.axes:
            if axis.hidden is None:
                raise GamutError(f"axis {axis.id} has no hidden statements: it cannot be read")
            contents = pole_contents(axis.hidden)
            low, high = (self._placed(caches.second.vectors(told)) for told in contents)
            matrix = polarity_map(self.name, encoder, chain(*contents))
            self._statements.append(np.concatenate([low, high]))
            self._maps.append(matrix)
            self._poles.append((mapped(low, matrix), mapped(high, matrix)))
        self._scales = [_middle_and_scale(low, high) for low, high in self._poles]

    def _placed(self, vectors: Vectors) -> Array:
        return centred(vectors, self._centre)

    def _likeness(self, vector: Array) -> Array:
        return np.concatenate([nearest(vector, both, MOST_ALIKE) for both in self._statements])

    def _polarity(self, vector: Array, text: str) -> Array:
        contrasts = [
            (_contrast(mapped(vector, matrix), low, high) - middle) / scale
            for matrix, (low, high), (middle, scale) in zip(
                self._maps, self._poles, self._scales, strict=True
            )
        ]
        squashed: Array = np.tanh(STEEPNESS * np.concatenate(contrasts))
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
