"""Reads a sentence once for all gates; a search sees the same sentences again and again."""

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

from fitness.fluency import load_model
from fitness.gates.near_duplicate import content_of
from fitness.gates.plain_text import english_words, has_debris
from fitness.gates.stated_level import LevelFinder
from generators.context import Context
from generators.context.fold import content_words, fold

# Share of a sign's content words that one sentence must have to say the sign. Two signs of one
# context share at most .5 (all 40 contexts), and a sign cut to 70 % of its words keeps about .65.
SAID = 0.55


@dataclass(frozen=True)
class Reading:
    """What the gates need to know of one sentence in one context.

    Attributes:
        words, english: its number of words, and of frequent English ones.
        debris, states_level: whether it is debris of a model or a template, or states a level.
        content: its content words without names, folded, in order.
        signs: for each pole, low then high, axis by axis, the bits of the signs that it says.
    """

    words: int
    english: int
    debris: bool
    states_level: bool
    content: tuple[str, ...]
    signs: tuple[int, ...]


class SentenceReader:
    """Reads sentences in one context and remembers the readings."""

    def __init__(self, context: Context) -> None:
        """`context`: its public part is enough."""
        poles = [pole for axis in context.axes for pole in (axis.signs.low, axis.signs.high)]
        self._needed: dict[tuple[int, int], float] = {}
        self._signs_with: dict[str, list[tuple[int, int]]] = {}
        for number, pole in enumerate(poles):
            for at, sign in enumerate(pole):
                words = content_words(fold(sign))
                self._needed[number, at] = SAID * len(words)
                for word in words:
                    self._signs_with.setdefault(word, []).append((number, at))
        self.pole_sizes = tuple(len(pole) for pole in poles)
        self._levels = LevelFinder(context)
        self._lexicon = load_model().lexicon
        self.read = lru_cache(maxsize=32_768)(self._read)

    def _read(self, sentence: str) -> Reading:
        words, english = english_words(sentence)
        return Reading(
            words=max(1, words),
            english=english,
            debris=has_debris(sentence),
            states_level=self._levels.states_level(sentence),
            content=content_of(sentence, self._lexicon),
            signs=self._said(content_words(fold(sentence))),
        )

    def _said(self, content: frozenset[str]) -> tuple[int, ...]:
        found = [0] * len(self.pole_sizes)
        counts = Counter(sign for word in content for sign in self._signs_with.get(word, ()))
        for sign, count in counts.items():
            if count >= self._needed[sign]:
                found[sign[0]] |= 1 << sign[1]
        return tuple(found)


@lru_cache(maxsize=32)
def reader_of(context: Context) -> SentenceReader:
    """The one reader of a context."""
    return SentenceReader(context)
