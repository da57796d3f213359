"""The projection reader: levels from sentence embeddings, no language model.

Semantic projection (Grand, Blank, Pereira & Fedorenko 2022, Nature Human Behaviour 6) on single
sentences: a sentence is placed between the poles of an axis by a ridge direction fitted on the
axis' hidden statements, and by which pole's statements it resembles most.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import numpy as np

from fitness.embedding import Caches
from fitness.respondents.polarity import centred, mapped, polarity_map
from fitness.respondents.sentence_reader import Array, SentenceReader, nearest
from generators.context import Context

RIDGE = 0.5  # penalty of the direction
STEEPNESS = 1.5  # of the squashing of a position into [-1, 1]
NEAREST = 3  # statements of a pole that decide which pole a sentence resembles
MOST_ALIKE = 5  # statements of either pole that decide which axis a sentence speaks of


@dataclass(frozen=True)
class _AxisModel:
    """What one axis is read with: its statements as they are, its polarity map, and, under this,
    each pole's statements and the fitted direction."""

    statements: Array  # [S, d]
    map: Array  # [d, d]
    low: Array  # [L, d]
    high: Array  # [H, d]
    direction: Array  # [d]
    middle: float
    scale: float

    @classmethod
    def of(cls, statements: Array, matrix: Array, low: Array, high: Array) -> "_AxisModel":
        """From statements as they are [S, d], and the centred ones of each pole, [L, d], [H, d]."""
        low, high = mapped(low, matrix), mapped(high, matrix)
        direction = _ridge(low, high)
        own = _position(low, low, high, direction, 0.0), _position(high, low, high, direction, 0.0)
        middle = float((own[0].mean() + own[1].mean()) / 2)
        left_out = _left_out_positions(low, high)
        scale = float(np.sqrt(np.mean(left_out**2)))
        return cls(statements, matrix, low, high, direction, middle, scale)

    def likeness(self, vectors: Array) -> Array:
        """How much sentences [M, d] resemble the axis' statements of either pole, [M]."""
        return nearest(vectors, self.statements, MOST_ALIKE)

    def polarity(self, vectors: Array) -> Array:
        """Where centred sentences [M, d] stand between the poles, [M] in (-1, 1)."""
        moved = mapped(vectors, self.map)
        raw = _position(moved, self.low, self.high, self.direction, self.middle)
        squashed: Array = np.tanh(STEEPNESS * raw / self.scale)
        return squashed


class Projection(SentenceReader):
    """Reads personas in one context by projection; see the module's description."""

    name = "projection"
    edition = 7
    gain = 2.0
    same = 0.7  # 99 % of framings of one sign reach it, one pair in a thousand of different signs
    # of one pole reaches .64
    temperature = 0.04
    none = 0.3

    def __init__(self, context: Context, caches: Caches) -> None:
        super().__init__(context, caches.first, caches.first)

    @cached_property
    def _axes(self) -> list[_AxisModel]:
        return [self._model(contents) for contents in self._pole_contents()]

    def _model(self, contents: tuple[list[str], list[str]]) -> _AxisModel:
        low, high = (self._cache.vectors(told) for told in contents)
        statements = np.concatenate([low, high]).astype(np.float64)
        matrix = polarity_map(Projection.name, self._cache.embedder.fingerprint, chain(*contents))
        return _AxisModel.of(
            statements, matrix, centred(low, self._centre), centred(high, self._centre)
        )

    def _likeness(self, vector: Array) -> Array:
        return np.concatenate([axis.likeness(vector) for axis in self._axes])

    def _polarity(self, vector: Array, text: str) -> Array:
        seen = centred(vector, self._centre)
        return np.concatenate([axis.polarity(seen) for axis in self._axes])


def _position(vectors: Array, low: Array, high: Array, direction: Array, middle: float) -> Array:
    """Half a ridge reading, one and a half the difference of likeness to the poles, [M]."""
    nearer = nearest(vectors, high, NEAREST) - nearest(vectors, low, NEAREST)
    return 0.5 * (vectors @ direction) + 1.5 * nearer - middle


def _ridge(low: Array, high: Array) -> Array:
    """Ridge regression of +1 / −1 on the statements of both poles, [d] (dual form)."""
    x = np.concatenate([low, high])
    x = x - x.mean(axis=0)
    y = np.concatenate([-np.ones(len(low)), np.ones(len(high))])
    direction: Array = x.T @ np.linalg.solve(x @ x.T + RIDGE * np.eye(len(x)), y - y.mean())
    return direction


def _left_out_positions(low: Array, high: Array) -> Array:
    """Position of each statement read with the others alone: the scale, never sign or offset,
    since with antonym-paired poles a left-out statement may be nearest to the other pole."""
    positions = []
    for pole, other, flip in ((low, high, False), (high, low, True)):
        for i in range(len(pole)):
            rest = np.delete(pole, i, axis=0)
            one_low, one_high = (other, rest) if flip else (rest, other)
            direction = _ridge(one_low, one_high)
            positions.append(_position(pole[i : i + 1], one_low, one_high, direction, 0.0)[0])
    centred: Array = np.array(positions) - np.mean(positions)
    return centred
