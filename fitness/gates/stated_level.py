"""Finds sentences that state a level instead of showing it: "isolation 8/10", "very isolated".

A level is stated by a number or a degree word that stands next to an axis's name or label, by a
percentage or a ratio with a name, a label or a sign, or by a frame that can mean nothing else
("in 41% of cases", "on a scale of"). The bare label and ordinary numbers pass.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from generators.context import Axis, Context
from generators.context.fold import content_words, fold, plain_words

NAMED = 0.6  # share of the content words of a name, label or sign that makes a sentence speak of it
CLOSE = 2  # words between a degree word and the label that it grades
NEAR = 4  # words between a number, or what is said of the label after it, and the label

_NUMBER_WORDS = (
    "zero two three four five six seven eight nine ten eleven twelve fifteen twenty thirty forty "
    "fifty sixty seventy eighty ninety hundred"
)
# A number has at most nine digits and is not entered in its middle: a long run of digits in a text
# would otherwise take quadratic time.
_FIGURE = r"(?<!\d)\d{1,9}(?:[.,]\d{1,9})?"
_N = rf"(?:{_FIGURE}|{'|'.join(_NUMBER_WORDS.split())}|one)"
_PERCENT = rf"{_N}(?:[ -]?(?:to|or)[ -]?{_N})? ?(?:%|per ?cent\b|percentage points?\b)"
_RATIO = rf"\b{_N} (?:out of|in) (?:every )?{_N}\b|(?<![\d/]){_FIGURE} ?/ ?(?:5|7|10|100)\b(?!/)"
_WHOLES = r"(?:cases|situations|occasions|times|instances|the time|all cases)"
_FRAMES = re.compile(
    rf"(?:{_PERCENT}|\b{_N} (?:out of|in) (?:every )?{_N}) (?:of )?{_WHOLES}\b"
    rf"|\b{_N} times (?:out of|in) (?:every )?{_N}\b(?! (?:year|month|week|day|hour|minute))"
    rf"|\bon a scale (?:of|from)\b|\bon a {_N}[ -]point scale\b"
    rf"|\b(?:trait|axis|dimension|trait level|level) ?\w{{0,12}} ?[:=] ?-?\d"
    rf"|\b\w+ ?= ?-?\d*[.,]\d+|[\[(] ?[01]?\.\d+ ?[,;] ?[01]?\.\d+",
    re.IGNORECASE,
)
_SHARE = re.compile(rf"{_PERCENT}|{_RATIO}", re.IGNORECASE)

# Beside a name: "high social isolation", "isolation: low". A label has its level in itself.
_AMOUNTS = frozenset(
    "high higher highest low lower lowest medium moderate middling average elevated reduced "
    "minimal maximal maximum minimum intermediate strong stronger weak weaker much little zero no "
    "full total complete absolute considerable substantial score scores scored rating rated level"
    .split()
)  # fmt: skip
_DEGREES = frozenset(
    "very quite extremely slightly somewhat moderately highly fairly rather totally completely "
    "mildly strongly barely hardly partly partially deeply incredibly utterly entirely mostly "
    "fully exceptionally remarkably exceedingly immensely absolutely pretty almost nearly halfway "
    "half midway considerably substantially noticeably marginally minimally maximally intensely "
    "scarcely largely wholly thoroughly perfectly terribly awfully unusually especially "
    "particularly relatively reasonably enormously tremendously overwhelmingly profoundly "
    "semi bit little somewhere sort kind degree extent averagely".split()
)
_MIDWAY = frozenset("somewhere halfway midway middle".split())
_COMPARED = frozenset("more less most least so too".split())  # only directly before the label
_TRAILING = frozenset(
    "degree extent somewhat slightly moderately extremely completely totally partly partially "
    "entirely fully mostly largely bit so much".split()
)  # at the very end: "…, to a high degree"
_EQUALS = frozenset(": = is are was were remains seems as (".split())
_LEVEL_UNITS = frozenset(
    "point points part parts out of percent unit units star stars step steps notch notches degree "
    "degrees level levels to".split()
)
_ORDINARY_BEFORE = frozenset(
    "age aged at since in by from until till around after before number room flat floor chapter "
    "page line route bus platform apartment unit born on".split()
)
_DIGITS = re.compile(r"\d[\d.,/]*")
_TOKEN = re.compile(r"\d[\d.,/]*%?|[^\W\d_]+(?:'[^\W\d_]+)*|[:=()]")


@dataclass(frozen=True)
class _Phrase:
    """A name, label or sign: its folded content words, all of its words, its own shares."""

    content: frozenset[str]
    words: frozenset[str]
    shares: frozenset[str]
    needed: int

    @classmethod
    def of(cls, text: str) -> "_Phrase":
        folded = fold(text)
        content = content_words(folded)
        needed = max(1, -int(-NAMED * len(content) // 1))
        return cls(content, frozenset(plain_words(text)), _shares(text), needed)


class LevelFinder:
    """Says whether a sentence states a level on an axis of one context."""

    def __init__(self, context: Context) -> None:
        axes = context.axes
        self._names = _phrases(axis.name for axis in axes)
        self._labels = _phrases(label for axis in axes for label in _labels(axis))
        signs = _phrases(sign for axis in axes for sign in axis.signs.low + axis.signs.high)
        self._all = [*self._names, *self._labels, *signs]

    def states_level(self, sentence: str) -> bool:
        """Whether the sentence states a level."""
        text = unicodedata.normalize("NFKC", sentence).replace("’", "'")
        stems, words = _stems(text)
        present = frozenset(stems)
        shares: frozenset[str] = frozenset()
        if not _COUNTING.isdisjoint(words) or _DIGITS.search(text):
            if _FRAMES.search(text):
                return True
            shares = _shares(text)
        if shares and any(shares - p.shares for p in self._all if _spoken(p, present)):
            return True
        labels = [phrase for phrase in self._labels if _spoken(phrase, present)]
        if labels and "between" in words and not _MIDWAY.isdisjoint(words):
            return True
        names = [phrase for phrase in self._names if _spoken(phrase, present)]
        return any(_graded(phrase, stems, words, _AMOUNTS) for phrase in names) or any(
            _graded(phrase, stems, words, frozenset()) for phrase in labels
        )


def _labels(axis: Axis) -> tuple[str, str]:
    return axis.low_label, axis.high_label


def _phrases(texts: Iterator[str]) -> list[_Phrase]:
    return [phrase for phrase in map(_Phrase.of, texts) if phrase.content]


def _shares(text: str) -> frozenset[str]:
    return frozenset(found[0].lower() for found in _SHARE.finditer(text))


def _stems(text: str) -> tuple[list[str], list[str]]:
    """The tokens of a text folded one by one, and as they are in small letters."""
    words = [token.lower() for token in _TOKEN.findall(text)]
    return [_stem(word) for word in words], words


@lru_cache(maxsize=16_384)
def _stem(word: str) -> str:
    folded = fold(word)
    return folded[0] if folded else word


def _spoken(phrase: _Phrase, present: frozenset[str]) -> bool:
    return len(phrase.content & present) >= phrase.needed


def _graded(
    phrase: _Phrase, stems: Sequence[str], words: Sequence[str], amounts: frozenset[str]
) -> bool:
    """Whether a degree word or a level number stands next to the phrase."""
    places = [at for at, stem in enumerate(stems) if stem in phrase.content]
    end = places[-1] + 1
    while end < len(words) and words[end] in phrase.words:
        end += 1
    alone = len(phrase.content) == 1  # such a word may be meant otherwise, so only what is nearest
    for place in places:
        start = place
        while start and words[start - 1] in phrase.words:
            start -= 1
        before = words[max(0, start - CLOSE) : start]
        if not amounts.isdisjoint(before):
            return True
        if alone and amounts:
            continue
        if not _DEGREES.isdisjoint(before[-1:] if alone else before):
            return True
        if not alone and not _COMPARED.isdisjoint(before[-1:]):
            return True
    after = words[end : end + NEAR]
    if after[-1:] == words[-1:] and not _TRAILING.isdisjoint(after[-1:]):
        return True
    if after and after[0] in _EQUALS and not amounts.isdisjoint(after):
        return True
    near = range(max(0, places[0] - (1 if alone else NEAR)), min(len(words), end + NEAR))
    return any(_is_level(words, at) for at in near)


def _is_level(words: Sequence[str], at: int) -> bool:
    """Whether a token is a number that is not an age, a year, a time or a count of something."""
    word = words[at]
    digits = _DIGITS.fullmatch(word) is not None
    if not digits and word not in _NUMBERS and not word.endswith("%"):
        return False
    after = words[at + 1] if at + 1 < len(words) else ""
    if word.endswith("%") or after in _LEVEL_UNITS:
        return True
    before = words[at - 1] if at else ""
    year = digits and re.fullmatch(r"(?:1[89]|20)\d\d", word) is not None
    counted = after.isalpha() and after not in _CLOSERS
    return not (year or counted or before in _ORDINARY_BEFORE)


_NUMBERS = frozenset(_NUMBER_WORDS.split())
_COUNTING = _NUMBERS | {"scale", "percent", "cent"}  # no frame and no share without, or digits
_CLOSERS = frozenset("and or but on in for with social on as is while".split())
