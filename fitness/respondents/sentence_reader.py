"""What the offline readers have in common: a level is the mean of what single sentences say.

A sentence is attributed to an axis, or to none, and placed between its poles; how, is a reader's
own. A degree word says how far it is meant; where there is none, a trained head says whether it is
denied, and another one whether it speaks of the persona at all: if not, it says nothing. A
persona's level is the attributed mean over its sentences, so a middle is read where signs of both
poles are mixed. Every constant is fixed beforehand; nothing is fitted on the population read.
"""

import zlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fitness.embedding import SentenceCache, forget
from fitness.metrics import levels_of
from fitness.respondents.interface import Reading, Row
from fitness.respondents.polarity import centre
from fitness.respondents.sentences import Sentence, about_i, graded, split
from fitness.vector_store import Vectors
from generators.context import Context, Hidden
from generators.context.fold import content_words, fold
from generators.errors import GamutError
from generators.persona import Persona

Array = NDArray[np.float64]

LEAST_SHARE = 0.15  # attribution below which a sentence is about something else: a hundred of them
# would otherwise add up to a level (an exploit test holds this)
SHARED = 0.4  # share of the content words of the shorter one from which two sentences say the same:
# a tail about something else moves their vectors, but not this
LEAST_MASS = 0.5  # sentences that must speak of an axis, else it is missing
LEAST_OWN = 0.3  # likelihood that a sentence speaks of the persona, below which it says nothing; at
# .5 as much of what diaries and biographies say is lost (.52 and .51 against .53 and .59)
LEAST_MEANT = 0.5  # degree by the head, below which a sentence is denied and says nothing. To turn
# its level round would read degree words better (.46 against .40 on validation contexts) but
# natural text worse (hand-written paragraphs .33 against .43), where the head errs on plain words.
_MOST_READ = 6_000  # sentences that a reader remembers, about 35 MB; a population may have more
_PRIOR = 0.1  # sentences' worth of middle that every axis is read with
_BUCKETS = 512
_FEWEST = 2  # contents that a pole needs, one of which is left out in turn


@dataclass(frozen=True)
class _Spoken:
    """What one sentence says: attribution [K], level [K], vector [d], hashed content words [B]."""

    attribution: Array
    level: Array
    vector: Array
    words: Vectors


@dataclass(frozen=True)
class _Judged:
    """What the trained heads say of a sentence, in [0, 1] each: see `fitness.encoders.heads`."""

    degree: float
    well_formed: float
    own: float


class SentenceReader(ABC):
    """Reads personas in one context sentence by sentence.

    Attributes:
        name, edition: of the way of reading; the edition is raised with whatever changes a
            reading, so that references of before are made anew.
        gain: makes up for sentences read on the wrong side, which draw every mean to the middle.
            Chosen on training contexts (benchmarks/respondents.py --split train --gain 1 1.5 2
            2.5): at 2 the most firm levels are right (.83, against .74, .80 and .81), though the
            error is least at 1.5 (.164, against .166, .175 and .186).
        same: cosine of two sentences from which they say the same.
        temperature, none: of the attribution to axes, and the likeness that a sentence about
            nothing in particular has.
        reads_degree: whether `_polarity` sees itself how far a sentence is meant; it then gets
            the sentence whole, and no degree is applied to what it says.
    """

    name: str
    edition: int
    gain: float
    same: float
    temperature: float
    none: float
    reads_degree = False

    def __init__(self, context: Context, cache: SentenceCache, judge: SentenceCache) -> None:
        """`cache` holds the vectors to read by; `judge` those of the encoder whose trained heads
        judge a sentence's form. Raises GamutError where the context has no hidden part."""
        fingerprints = dict.fromkeys((cache.embedder.fingerprint, judge.embedder.fingerprint))
        self.fingerprint = f"{self.name}-{self.edition}/{'/'.join(fingerprints)}"
        for axis in context.axes:
            if axis.hidden is None:
                raise GamutError(f"axis {axis.id} has no hidden statements: it cannot be read")
        self._context = context
        self._cache = cache
        self._judge = judge
        self._read: dict[str, _Spoken] = {}

    def read(self, personas: Sequence[Persona]) -> Reading:
        """Levels in [0, 1] an axis; None where fewer than half a sentence speaks of it."""
        forget(self._read, _MOST_READ)
        told = [split(persona.description, persona.name) for persona in personas]
        self._learn({sentence for sentences in told for sentence in sentences})
        read = [self._row(sentences) for sentences in told]
        return Reading([row for row, _ in read], [firm for _, firm in read])

    def sentence_levels(self, sentences: Sequence[str]) -> tuple[Array, Array]:
        """Attribution [M, K] and level [M, K] of single sentences about "I"."""
        self._learn(set(sentences))
        spoken = [self._read[s] for s in sentences]
        shape = (len(spoken), len(self._context.axes))
        attribution = np.array([s.attribution for s in spoken]).reshape(shape)
        return attribution, np.array([s.level for s in spoken]).reshape(shape)

    @abstractmethod
    def _likeness(self, vector: Array) -> Array:
        """How much a sentence [1, d] resembles the statements of each axis, [K]."""

    @abstractmethod
    def _polarity(self, vector: Array, text: str) -> Array:
        """Where a sentence [1, d] stands between the poles of each axis, [K] in (-1, 1)."""

    @cached_property
    def _centre(self) -> Array:
        return centre(self._cache)

    def _pole_contents(self) -> list[tuple[list[str], list[str]]]:
        """`pole_contents` of each axis, embedded at one go: so workers that open the same context
        at the same moment share the work."""
        contents = [pole_contents(axis.hidden) for axis in self._context.axes if axis.hidden]
        self._cache.rows([text for poles in contents for pole in poles for text in pole])
        return contents

    def _placed(self, vectors: Vectors) -> Array:
        """Unit vectors [M, d] as this reader compares them."""
        return vectors.astype(np.float64)

    def _row(self, sentences: list[str]) -> tuple[Row, list[bool]]:
        if not sentences:
            axes = len(self._context.axes)
            return [None] * axes, [False] * axes
        attribution, level = self.sentence_levels(sentences)
        weighted = attribution * level
        mass, meant = attribution.sum(axis=0), weighted.sum(axis=0)
        mean = self._mean(mass, meant)
        row = [float(z) if m >= LEAST_MASS else None for z, m in zip(mean, mass, strict=True)]
        alike = self._alike(sentences)
        left_mass = mass - alike @ attribution  # [sentences, K]: without one and its paraphrases
        left = self._mean(left_mass, meant - alike @ weighted)
        same = (left_mass >= LEAST_MASS) & (levels_of(left) == levels_of(mean))
        return row, [bool(all_same) for all_same in same.all(axis=0)]

    def _mean(self, mass: Array, meant: Array) -> Array:
        """Attributed mean level times the gain, drawn to the middle where few sentences speak."""
        mean = (meant + _PRIOR / 2) / (mass + _PRIOR)
        level: Array = np.clip(0.5 + self.gain * (mean - 0.5), 0.0, 1.0)
        return level

    def _alike(self, sentences: list[str]) -> Array:
        """Which sentences say nearly the same as which, 0 or 1, [M, M]."""
        spoken = [self._read[s] for s in sentences]
        vectors, words = np.array([s.vector for s in spoken]), np.array([s.words for s in spoken])
        shared, counts = words @ words.T, words.sum(axis=1)
        most = shared >= SHARED * np.maximum(np.minimum.outer(counts, counts), 2.0)
        alike: Array = ((vectors @ vectors.T >= self.same) | most).astype(np.float64)
        return alike

    def _learn(self, sentences: set[str]) -> None:
        """Read sentences not met before; what a sentence says depends on nothing around it."""
        new = sorted(sentences - self._read.keys())
        if not new:
            return
        parts = [graded(sentence) for sentence in new]
        contents = self._cache.rows([part.text for part in parts])
        judged = self._judged(new)
        for sentence, part, content, said in zip(new, parts, contents, judged, strict=True):
            self._read[sentence] = self._said(sentence, part, content, said)

    def _judged(self, sentences: Sequence[str]) -> list[_Judged]:
        """What the trained heads say of whole sentences; all for them where there are none."""
        embedder = self._judge.embedder
        if embedder.dimension == embedder.width:
            return [_Judged(1.0, 1.0, 1.0)] * len(sentences)
        rows = self._judge.rows(sentences)[:, embedder.width :]
        return [_Judged(*row) for row in rows.astype(np.float64).tolist()]

    def _said(self, sentence: str, part: Sentence, content: Vectors, judged: _Judged) -> _Spoken:
        """What one sentence says. Alone, since the last bits of a matrix product depend on how
        many rows it has, and a sentence must not read otherwise in another population."""
        vector = self._placed(content[None, : self._cache.embedder.width])
        attribution = self._attribution(self._likeness(vector))
        text, meant = part.text, 1.0 if part.degree is None else part.degree
        denied = part.degree is None and judged.degree < LEAST_MEANT
        if self.reads_degree:
            text, meant, denied = sentence, 1.0, False
        if denied or judged.own < LEAST_OWN:
            attribution = np.zeros_like(attribution)
        level = 0.5 + 0.5 * self._polarity(vector, text) * (2 * meant - 1)
        return _Spoken(attribution, level, vector[0], _hashed_words(part.text))

    def _attribution(self, likeness: Array) -> Array:
        """Shares of a sentence among axes [K]; what is missing from 1 belongs to none."""
        logits = np.append(likeness, self.none) / self.temperature
        shares = np.exp(logits - logits.max())
        shares = (shares / shares.sum())[:-1]
        attributed: Array = np.where(shares < LEAST_SHARE, 0.0, shares)
        return attributed


def pole_contents(hidden: Hidden) -> tuple[list[str], list[str]]:
    """Contents that stand for the low and for the high pole: of statements, and of items keyed
    there. A reader takes the degree off what it reads, so it is taken off here too: "I am never
    short of company" is the content of the other pole, denied."""
    low = [*hidden.low, *(item.text for item in hidden.items if item.key < 0)]
    high = [*hidden.high, *(item.text for item in hidden.items if item.key > 0)]
    told = [[about_i(text) for text in pole] for pole in (low, high)]
    parts = [[graded(text) for text in pole] for pole in told]
    meant, denied = (
        [
            [part.text for part in pole if (part.degree is None or part.degree >= 0.5) is kept]
            for pole in parts
        ]
        for kept in (True, False)
    )
    contents = [*meant[0], *denied[1]], [*meant[1], *denied[0]]
    if min(len(pole) for pole in contents) < _FEWEST:
        return told[0], told[1]
    return contents


def nearest(vectors: Array, statements: Array, most: int) -> Array:
    """Mean cosine of each vector [M, d] with its nearest statements [S, d], [M]."""
    cosines = vectors @ statements.T
    count = min(most, len(statements))
    top = np.partition(cosines, cosines.shape[1] - count, axis=1)[:, -count:]
    mean: Array = top.mean(axis=1)
    return mean


def _hashed_words(sentence: str) -> Vectors:
    """Which of `_BUCKETS` buckets the content words of a sentence fall into, 0 or 1."""
    found = np.zeros(_BUCKETS, dtype=np.float32)
    found[[zlib.crc32(w.encode()) % _BUCKETS for w in content_words(fold(sentence))]] = 1.0
    return found
