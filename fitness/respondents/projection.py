"""The projection reader: levels from sentence embeddings, no language model.

Semantic projection (Grand, Blank, Pereira & Fedorenko 2022, Nature Human Behaviour 6) on single
sentences: a sentence is attributed to an axis, or to none, by its likeness to the axis' hidden
statements, and placed between the poles by a ridge direction and by which pole's statements it
resembles most. A persona's level is the attributed mean over its sentences, so a middle is read
where signs of both poles are mixed. Every constant is fixed beforehand; nothing is fitted on the
population that is read.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fitness.embedding import SentenceCache, Vectors
from fitness.metrics import levels_of
from fitness.respondents.interface import Reading, Row
from fitness.respondents.sentences import Sentence, about_i, graded, split
from generators.context import Axis, Context, Hidden
from generators.context.fold import content_words, fold
from generators.errors import GamutError
from generators.persona import Persona

Array = NDArray[np.float64]

EDITION = 2  # raise it with whatever changes a reading: references of before are made anew
RIDGE = 0.5  # penalty of the direction
STEEPNESS = 1.5  # of the squashing of a position into [-1, 1]
GAIN = 2.0  # makes up for sentences read on the wrong side, which draw every mean to the middle.
# One figure for all axes, chosen on training contexts: error .26 at gain 1, .23 at 2, .23 at 3
# (benchmarks/respondents.py --split train --gain 1 2 3).
NEAREST = 3  # statements of a pole that decide which pole a sentence resembles
MOST_ALIKE = 5  # statements of either pole that decide which axis a sentence speaks of
TEMPERATURE = 0.04  # of the attribution to axes
LEAST_SHARE = 0.15  # attribution below which a sentence is about something else: a hundred of them
# would otherwise add up to a level (an exploit test holds this)
NONE = 0.3  # likeness that a sentence about nothing in particular has
SAME = 0.7  # cosine from which two sentences say the same: 99 % of framings of one sign reach it,
# one pair in a thousand of different signs of one pole reaches .64
SHARED = 0.4  # share of the content words of the shorter one from which they say the same: a tail
# about something else moves the cosine, but not this
LEAST_MASS = 0.5  # sentences that must speak of an axis, else it is missing
_PRIOR = 0.1  # sentences' worth of middle that every axis is read with
_BUCKETS = 512
_FEWEST = 2  # contents that a pole needs, one of which is left out in turn


@dataclass(frozen=True)
class _AxisModel:
    """What one axis is read with; unit vectors of its statements and the fitted direction."""

    low: Array  # [L, d]
    high: Array  # [H, d]
    direction: Array  # [d]
    middle: float
    scale: float

    @classmethod
    def of(cls, axis: Axis, cache: SentenceCache) -> "_AxisModel":
        if axis.hidden is None:
            raise GamutError(f"axis {axis.id} has no hidden statements: it cannot be read")
        low, high = (
            cache.vectors(contents).astype(np.float64) for contents in _pole_contents(axis.hidden)
        )
        direction = _ridge(low, high)
        own = _position(low, low, high, direction, 0.0), _position(high, low, high, direction, 0.0)
        middle = float((own[0].mean() + own[1].mean()) / 2)
        left_out = _left_out_positions(low, high)
        return cls(low, high, direction, middle, float(np.sqrt(np.mean(left_out**2))))

    def likeness(self, vectors: Array) -> Array:
        """How much sentences [M, d] resemble the axis' statements of either pole, [M]."""
        return _nearest(vectors, np.concatenate([self.low, self.high]), MOST_ALIKE)

    def polarity(self, vectors: Array) -> Array:
        """Where sentences [M, d] stand between the poles, [M] in (-1, 1)."""
        raw = _position(vectors, self.low, self.high, self.direction, self.middle)
        squashed: Array = np.tanh(STEEPNESS * raw / self.scale)
        return squashed


class Projection:
    """Reads personas in one context by projection; see the module's description."""

    name = "projection"

    def __init__(self, context: Context, cache: SentenceCache) -> None:
        self.fingerprint = f"{self.name}-{EDITION}/{cache.embedder.fingerprint}"
        self._cache = cache
        self._axes = [_AxisModel.of(axis, cache) for axis in context.axes]
        self._read: dict[str, _Spoken] = {}

    def read(self, personas: Sequence[Persona]) -> Reading:
        """Levels in [0, 1] an axis; None where fewer than half a sentence speaks of it."""
        told = [split(persona.description, persona.name) for persona in personas]
        self._learn({sentence for sentences in told for sentence in sentences})
        read = [self._row(sentences) for sentences in told]
        return Reading([row for row, _ in read], [steady for _, steady in read])

    def sentence_levels(self, sentences: Sequence[str]) -> tuple[Array, Array]:
        """Attribution [M, K] and level [M, K] of single sentences about "I"."""
        self._learn(set(sentences))
        spoken = [self._read[s] for s in sentences]
        shape = (len(spoken), len(self._axes))
        attribution = np.array([s.attribution for s in spoken]).reshape(shape)
        return attribution, np.array([s.level for s in spoken]).reshape(shape)

    def _row(self, sentences: list[str]) -> tuple[Row, list[bool]]:
        if not sentences:
            return [None] * len(self._axes), [False] * len(self._axes)
        attribution, level = self.sentence_levels(sentences)
        weighted = attribution * level
        mass, meant = attribution.sum(axis=0), weighted.sum(axis=0)
        mean = _mean(mass, meant)
        row = [float(z) if m >= LEAST_MASS else None for z, m in zip(mean, mass, strict=True)]
        alike = self._alike(sentences)
        left_mass = mass - alike @ attribution  # [sentences, K]: without one and its paraphrases
        left = _mean(left_mass, meant - alike @ weighted)
        same = (left_mass >= LEAST_MASS) & (levels_of(left) == levels_of(mean))
        return row, [bool(all_same) for all_same in same.all(axis=0)]

    def _alike(self, sentences: list[str]) -> Array:
        """Which sentences say nearly the same as which, 0 or 1, [M, M]."""
        spoken = [self._read[s] for s in sentences]
        vectors, words = np.array([s.vector for s in spoken]), np.array([s.words for s in spoken])
        shared, counts = words @ words.T, words.sum(axis=1)
        most = shared >= SHARED * np.maximum(np.minimum.outer(counts, counts), 2.0)
        alike: Array = ((vectors @ vectors.T >= SAME) | most).astype(np.float64)
        return alike

    def _learn(self, sentences: set[str]) -> None:
        """Read sentences not met before; what a sentence says depends on nothing around it."""
        new = sorted(sentences - self._read.keys())
        if not new:
            return
        parts = [graded(sentence) for sentence in new]
        vectors = self._cache.vectors([part.text for part in parts])
        for sentence, part, vector in zip(new, parts, vectors, strict=True):
            self._read[sentence] = self._said(vector, part)

    def _said(self, vector: Vectors, part: Sentence) -> "_Spoken":
        """What one sentence says. Alone, since the last bits of a matrix product depend on how
        many rows it has, and a sentence must not read otherwise in another population."""
        exact = vector.astype(np.float64)[None, :]
        likeness = np.stack([axis.likeness(exact) for axis in self._axes], axis=1)
        polarity = np.stack([axis.polarity(exact) for axis in self._axes], axis=1)
        level = 0.5 + 0.5 * polarity * (2 * part.degree - 1)
        return _Spoken(_attribution(likeness)[0], level[0], vector, _hashed_words(part.text))


@dataclass(frozen=True)
class _Spoken:
    """What one sentence says: attribution [K], level [K], vector [d], hashed content words [B]."""

    attribution: Array
    level: Array
    vector: Vectors
    words: Vectors


def _hashed_words(sentence: str) -> Vectors:
    """Which of `_BUCKETS` buckets the content words of a sentence fall into, 0 or 1."""
    found = np.zeros(_BUCKETS, dtype=np.float32)
    found[[zlib.crc32(w.encode()) % _BUCKETS for w in content_words(fold(sentence))]] = 1.0
    return found


def _mean(mass: Array, meant: Array) -> Array:
    """Attributed mean level times the gain, drawn to the middle where few sentences speak."""
    mean = (meant + _PRIOR / 2) / (mass + _PRIOR)
    level: Array = np.clip(0.5 + GAIN * (mean - 0.5), 0.0, 1.0)
    return level


def _attribution(likeness: Array) -> Array:
    """Shares of sentences among axes [M, K]; what is missing from 1 belongs to none."""
    with_none = np.concatenate([likeness, np.full((len(likeness), 1), NONE)], axis=1)
    logits = (with_none - with_none.max(axis=1, keepdims=True)) / TEMPERATURE
    shares = np.exp(logits)
    shares /= shares.sum(axis=1, keepdims=True)
    attributed: Array = np.where(shares[:, :-1] < LEAST_SHARE, 0.0, shares[:, :-1])
    return attributed


def _pole_contents(hidden: Hidden) -> tuple[list[str], list[str]]:
    """Contents that stand for the low and for the high pole: of statements, and of items keyed
    there. A reader takes the degree off what it reads, so it is taken off here too: "I am never
    short of company" is the content of the other pole, denied."""
    low = [*hidden.low, *(item.text for item in hidden.items if item.key < 0)]
    high = [*hidden.high, *(item.text for item in hidden.items if item.key > 0)]
    told = [[about_i(text) for text in pole] for pole in (low, high)]
    parts = [[graded(text) for text in pole] for pole in told]
    meant, denied = (
        [[part.text for part in pole if (part.degree >= 0.5) is kept] for pole in parts]
        for kept in (True, False)
    )
    contents = [*meant[0], *denied[1]], [*meant[1], *denied[0]]
    if min(len(pole) for pole in contents) < _FEWEST:
        return told[0], told[1]
    return contents


def _nearest(vectors: Array, statements: Array, most: int = NEAREST) -> Array:
    """Mean cosine of each vector [M, d] with its nearest statements [S, d], [M]."""
    cosines = vectors @ statements.T
    count = min(most, len(statements))
    top = np.partition(cosines, cosines.shape[1] - count, axis=1)[:, -count:]
    nearest: Array = top.mean(axis=1)
    return nearest


def _position(vectors: Array, low: Array, high: Array, direction: Array, middle: float) -> Array:
    """Half a ridge reading, one and a half the difference of likeness to the poles, [M]."""
    nearer = _nearest(vectors, high) - _nearest(vectors, low)
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
