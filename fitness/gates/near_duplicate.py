"""Finds texts that are nearly the same as an earlier one, by runs of four content words.

A run never crosses the end of a sentence, so the order of sentences does not matter, and texts
made from one pool of sentences are as alike as the share of words in sentences they have in common.
"""

import hashlib
import re
import zlib
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from fitness.fluency import Lexicon
from generators.context.fold import content_words, fold

RUN = 4
# Nine sentences of ten words, of which two texts share s/9: Jaccard s/(18 - s), so seven shared
# give .64 and pass, eight give .80 and fail. Of three sentences, two shared (.50) pass; of ten,
# eight shared (.67) pass. Two draws of nine from sixty signs share 1.35 on average (.08).
JACCARD = 0.7
# The other way to be the same: all but a tenth of the shorter text is in the longer one, which
# adds at most half as much again (a copy that was padded).
CONTAINED = 0.9
PADDING = 1.5
EXACT = 256  # texts up to which every pair is compared; above, min-hashing proposes the pairs

_BANDS, _ROWS = 24, 4  # finds a pair of Jaccard .7 with probability .9986, one of .5 with .79
_NEIGHBOURS = 16  # earlier texts of one band's bucket that a text is compared with
_LIKELY = 0.45  # share of agreeing min-hashes from which a pair is compared exactly

_NAME = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")

Runs = frozenset[int]


def content_of(sentence: str, lexicon: Lexicon) -> tuple[str, ...]:
    """The folded content words of a sentence in order, names left out.

    A name is a word with a capital inside the sentence, or at its start one that is not listed.
    """
    kept: list[str] = []
    names = 0
    for at, match in enumerate(_NAME.finditer(sentence)):
        word = match[0]
        if word[0].isupper() and word != "I" and (at or not lexicon.knows(word.lower())):
            names += 1
        else:
            kept.append(word)
    folded = fold(sentence if names > len(kept) else " ".join(kept))
    content = content_words(folded)
    return tuple(word for word in folded if word in content)


def runs_of(sentences: Sequence[tuple[str, ...]]) -> Runs:
    """The hashed runs of a text, given the content words of its sentences.

    A word in at least half of three or more sentences (a name, mostly) says nothing and goes.
    """
    counts: dict[str, int] = {}
    for sentence in sentences:
        for word in set(sentence):
            counts[word] = counts.get(word, 0) + 1
    least = max(3, len(sentences) / 2)
    common = {word for word, count in counts.items() if count >= least}
    if common:
        sentences = [tuple(w for w in s if w not in common) for s in sentences]
    return frozenset(chain.from_iterable(map(_runs, sentences)))


@lru_cache(maxsize=100_000)
def _runs(words: tuple[str, ...]) -> tuple[int, ...]:
    starts = range(max(1, len(words) - RUN + 1)) if words else ()
    return tuple(zlib.crc32(" ".join(words[at : at + RUN]).encode()) for at in starts)


def near_duplicates(texts: Sequence[Runs]) -> list[int | None]:
    """For each text the first earlier one that is nearly the same (above `EXACT`: one of them)."""
    if len(texts) <= EXACT:
        return [
            next((at for at in range(index) if alike(texts[at], text)), None)
            for index, text in enumerate(texts)
        ]
    found: list[int | None] = [None] * len(texts)
    first: dict[Runs, int] = {}
    for index, text in enumerate(texts):
        if text and first.setdefault(text, index) != index:
            found[index] = first[text]
    distinct = sorted(first.values())
    for later, earlier in _hashed([texts[index] for index in distinct]).items():
        found[distinct[later]] = distinct[earlier]
    return found


def alike(first: Runs, second: Runs) -> bool:
    """Whether two texts are nearly the same; a text without content words is like no other."""
    shared = len(first & second)
    if not shared:
        return False
    smaller, larger = sorted((len(first), len(second)))
    if shared >= JACCARD * (smaller + larger - shared):
        return True
    return shared >= CONTAINED * smaller and larger <= PADDING * smaller


def _hashed(texts: Sequence[Runs]) -> dict[int, int]:
    """Later text → an earlier one like it, among the pairs that min-hashing proposes (Broder 1997).

    In each band, a text is compared with the few before it that have the same hashes there.
    """
    signatures = _signatures(texts)
    found: dict[int, int] = {}
    settled = np.zeros(len(texts), bool)
    for band in range(_BANDS):
        rows = np.ascontiguousarray(signatures[:, band * _ROWS : (band + 1) * _ROWS])
        whole = rows.view(np.dtype((np.void, rows.dtype.itemsize * _ROWS))).ravel()
        _, keys = np.unique(whole, return_inverse=True)
        order = np.argsort(keys, kind="stable")
        for step in range(1, min(_NEIGHBOURS, len(texts) - 1) + 1):
            before, after = order[:-step], order[step:]
            open_pairs = (keys[before] == keys[after]) & ~settled[after]
            before, after = before[open_pairs], after[open_pairs]
            agreeing = (signatures[before] == signatures[after]).mean(axis=1) >= _LIKELY
            for one, other in zip(before[agreeing].tolist(), after[agreeing].tolist(), strict=True):
                if alike(texts[one], texts[other]):
                    found[other] = one
                    settled[other] = True
    return found


def _signatures(texts: Sequence[Runs]) -> NDArray[np.uint32]:
    """The min-hashes of each text, [N, bands * rows]; equal ones are as likely as Jaccard."""
    sizes = [max(1, len(text)) for text in texts]
    flat = np.array(
        [run for at, text in enumerate(texts) for run in (text or (2**32 + at,))], np.uint64
    )
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    columns = np.empty((len(texts), _BANDS * _ROWS), np.uint32)
    drawn = hashlib.shake_256(b"gamut min-hashes").digest(16 * _BANDS * _ROWS)
    for column, (factor, offset) in enumerate(np.frombuffer(drawn, "<u8").reshape(-1, 2)):
        hashed = (flat * (factor | np.uint64(1)) + offset) >> np.uint64(32)
        columns[:, column] = np.minimum.reduceat(hashed, starts)
    return columns
