"""Tells English sentences from word salad by how word classes follow one another.

Words become classes: a frequent function word is a class of its own, other words share one with
their like (nouns, verbs, "-ing", numbers, names …). At each junction of two neighbours a logistic
regression over n-grams of the classes around it says how natural the junction is, and a second
one turns the junctions of a sentence into the probability that it is fluent. It knows nothing of
meaning: fluent nonsense passes. `benchmarks/train_fluency.py` makes the weights.
"""

import base64
import hashlib
import json
import math
import re
import zlib
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from generators.errors import GamutError

WEIGHTS = Path(__file__).with_suffix(".json")
SCHEMA = "gamut/fluency/1"
LONGEST = (
    60  # words a sentence; a longer run is read in pieces, so that cost and cache stay bounded
)
SHORTEST = 3  # words; shorter sentences are read together with the next one

BITS = 17  # 131,072 weights of one byte; some features share one

# The mean fluency that a text of n sentences of twelve words must have is FLUENT - SHORT / sqrt(n):
# .20 for one sentence, .45 for four, .53 for nine. Of honest texts that the weights have not seen,
# 99 in 100 have .1, .5 and .6 or more; nine shuffled sentences have at most .15, nine with one swap
# each .4 to .7, so no threshold parts these cleanly. Chosen on the held-out prose and the
# validation contexts; benchmarks/fluency_report.py prints the shares kept.
FLUENT = 0.7
SHORT = 0.5
SENTENCE_WORDS = 12
DOUBTFUL = 0.1  # a sentence below is doubtful
MOST_DOUBTFUL = 0.35  # share of the words in doubtful sentences

Floats = NDArray[np.float64]
WordClass = tuple[str, str]  # fine, coarse
Token = tuple[str, str, str]  # fine class, coarse class, the word itself

# A junction is seen through a window of four tokens, a b | c d. A small letter stands for the fine
# class of a token, a capital for its coarse class, r for "the word was just used".
FEATURES = (
    "bc", "BC", "bC", "Bc", "ABC", "BCD", "Abc", "bcD", "ABCD", "abC", "Bcd", "ac", "bd", "ABc",
    "bCD", "r", "rBC",
)  # fmt: skip
_SLOTS = "abcdABCDr"
_REPEAT_SPAN = 6  # tokens back in which a content word counts as just used

_TOKEN = re.compile(
    r"[^\W\d_]+(?:['-][^\W\d_]+)*|\d+(?:[.,:/]\d+)*(?:-?[^\W\d_]+)*|[.,;:!?()\"…—–%/&*#<>{}\[\]|=+$-]"
)
_MARKS = {
    ",": ",", ";": ";", ":": ":", "—": "-", "–": "-", "-": "-", "(": "(", ")": ")", '"': '"',
    ".": ".", "?": ".", "!": ".", "…": ".",
}  # fmt: skip
_QUOTES = str.maketrans("’‘“”‑", "''\"\"-")
_CLOSING = frozenset(".,;:-")
_SUFFIXES = {
    "ing": "ing", "ings": "nns", "ed": "ed", "ly": "ly", "tion": "N", "sion": "N", "ment": "N",
    "ness": "N", "ity": "N", "ship": "N", "ance": "N", "ence": "N", "ism": "N", "ist": "N",
    "hood": "N", "ful": "J", "less": "J", "ous": "J", "able": "J", "ible": "J", "ive": "J",
    "ical": "J", "al": "J", "ic": "J", "ish": "J", "est": "est", "er": "er", "or": "er", "y": "y",
}  # fmt: skip
_INFLECTED = {"nn": "nns", "vb": "vbz", "nt": "nns", "lv": "vbz"}
_OPEN = frozenset({"x", "xs", "N", "J", "y", "er", "Name", "hy", "ing", "ed", "ly"})

_ABBREVIATION = re.compile(r"\b(Mr|Mrs|Ms|Dr|St|Prof|etc|e\.g|i\.e|vs)\.(?=\s)")
_END = re.compile(r"(?<=[.!?…])[\"”’')\]]*\s+|\n")
_BULLET = re.compile(r"(?:[-*•–·]|\d{1,2}[.)])\s+")


class Lexicon:
    """Gives each word its fine and its coarse class: the listed words theirs, others by shape."""

    def __init__(self, lines: Iterable[str]) -> None:
        """Takes lines as `benchmarks/fluency_words.txt` has them."""
        self._words, self._aliases = _parse(lines)
        self.of = lru_cache(maxsize=65_536)(self._of)

    def knows(self, word: str) -> bool:
        """Whether a word, a plural or a third person of it is listed."""
        return word in self._words or self._inflected(word) is not None

    def _of(self, word: str) -> WordClass:
        word = self._aliases.get(word, word)
        known = self._words.get(word)
        if known:
            return known
        if "-" in word:
            return f"hy-{self._of(word.rsplit('-', 1)[1])[1]}", "hy"
        if "'" in word:
            if word.endswith("n't"):
                return "n't", "modal"
            return ("'s", "'s") if word.endswith("'s") else self._of(word.split("'")[0])
        return self._inflected(word) or _by_shape(word)

    def _inflected(self, word: str) -> WordClass | None:
        if len(word) < 4 or not word.endswith("s") or word.endswith("ss"):
            return None
        for stem in (word[:-1], word[:-2], f"{word[:-3]}y"):
            kinds = self._words.get(stem, ("", ""))[1].split("+")
            found = "+".join(sorted({_INFLECTED[kind] for kind in kinds if kind in _INFLECTED}))
            if found:
                return found, found
        return None


@dataclass(frozen=True)
class Model:
    """The weights, and the words that have a class.

    Attributes:
        lexicon: gives words their classes.
        weights: float array [2**bits], a weight a hashed feature.
        intercept: of the junctions' regression.
        sentence, sentence_intercept: of the sentences' regression, [S].
    """

    lexicon: Lexicon
    weights: Floats
    intercept: float
    sentence: tuple[float, ...]
    sentence_intercept: float


@lru_cache(maxsize=65_536)
def fluency(sentence: str) -> float:
    """The probability that a sentence (or a piece of one) is fluent, in (0, 1)."""
    model = load_model()
    tokens = classify(sentence, model.lexicon)
    if not tokens:
        return 0.0
    levels = (model.intercept + model.weights[junctions(tokens)].sum(axis=1)).tolist()
    logit = model.sentence_intercept + sum(
        weight * value for weight, value in zip(model.sentence, summary(levels), strict=True)
    )
    return 1.0 / (1.0 + math.exp(-min(30.0, max(-30.0, logit))))


def is_fluent(text: str) -> bool:
    """Whether a text as a whole is fluent; the shorter it is, the more is forgiven."""
    read = text_fluency(text)
    needed = FLUENT - SHORT * max(1.0, read.words / SENTENCE_WORDS) ** -0.5
    return read.mean >= needed and read.doubtful <= MOST_DOUBTFUL


@dataclass(frozen=True)
class TextFluency:
    """How fluent a text is.

    Attributes:
        mean: of its sentences' fluency, weighted by words.
        doubtful: share of its words in doubtful sentences; one said again counts as doubtful.
        words: how many it has.
    """

    mean: float
    doubtful: float
    words: int


def text_fluency(text: str) -> TextFluency:
    """Reads a text sentence by sentence."""
    words = 0
    fluent = doubtful = 0.0
    seen: set[str] = set()
    for sentence in sentences(text):
        weight = sentence.count(" ") + 1
        score = 0.0 if sentence in seen else fluency(sentence)
        seen.add(sentence)
        words += weight
        fluent += weight * score
        doubtful += weight * (score < DOUBTFUL)
    return TextFluency(fluent / words, doubtful / words, words) if words else TextFluency(0, 1, 0)


@lru_cache(maxsize=1_024)
def sentences(text: str) -> tuple[str, ...]:
    """The sentences of a text; very short ones are joined to the next, very long ones cut."""
    text = _ABBREVIATION.sub(r"\1", text)
    parts = [_BULLET.sub("", part.strip(), count=1) for part in _END.split(text)]
    found: list[str] = []
    waiting = ""
    for part in filter(None, parts):
        waiting = f"{waiting} {part}" if waiting else part
        words = waiting.split()
        if len(words) < SHORTEST:
            continue
        found.extend(" ".join(words[at : at + LONGEST]) for at in range(0, len(words), LONGEST))
        waiting = ""
    if waiting:
        found.append(" ".join(waiting.split()))
    return tuple(found)


def classify(sentence: str, lexicon: Lexicon) -> list[Token]:
    """The tokens of a sentence with their classes, without the mark that ends it."""
    tokens: list[Token] = []
    for token in _TOKEN.findall(sentence.translate(_QUOTES)):
        if token in _MARKS:
            tokens.append((_MARKS[token], _MARKS[token], ""))
        elif token[0].isdigit():
            tokens.append(("0", "num", token))
        elif token[0].isalpha():
            word = token.lower()
            fine, coarse = lexicon.of(word)
            if fine in _OPEN and token[0].isupper() and tokens:
                fine = coarse = "Name"
            tokens.append((fine, coarse, word))
        else:
            tokens.append(("*", "*", token))
    while tokens and tokens[-1][0] in _CLOSING:
        tokens.pop()
    return tokens


def _by_shape(word: str) -> WordClass:
    for length in (4, 3, 2, 1):
        suffix = _SUFFIXES.get(word[-length:]) if len(word) > length + 2 else None
        if suffix:
            return suffix, suffix
    plural = len(word) > 3 and word.endswith("s") and not word.endswith("ss")
    return ("xs", "xs") if plural else ("x", "x")


def junctions(tokens: Sequence[Token]) -> NDArray[np.int64]:
    """The hashed features of each junction of a sentence, int array [len(tokens) + 1, F]."""
    fine = ["<<", "<s>", *(t[0] for t in tokens), "</s>", ">>"]
    coarse = ["<<", "<s>", *(t[1] for t in tokens), "</s>", ">>"]
    ids = np.array([[_identifier(name) for name in row] for row in (fine, coarse)], np.uint64)
    count = len(tokens) + 1
    window = np.empty((count, len(_SLOTS)), np.uint64)
    for at in range(4):
        window[:, at] = ids[0, at : at + count]
        window[:, at + 4] = ids[1, at : at + count]
    window[:, 8] = _repeats(tokens)
    mixed = window @ _multipliers() + _salts()
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)  # the finaliser of SplitMix64 (Steele et al. 2014)
    return (mixed >> np.uint64(64 - BITS)).astype(np.int64)


def summary(levels: Sequence[float]) -> list[float]:
    """What describes a sentence by its junctions' levels, the lowest and the last above all; [S].

    In plain Python: for the ten to twenty levels of a sentence that is faster than numpy.
    """
    ordered = sorted(levels)
    count = len(ordered)
    loss = sum(math.log1p(math.exp(-level)) if level > -30.0 else -level for level in ordered)
    quarter = max(1, count // 4)
    return [
        sum(ordered) / count,
        loss / count,
        loss / math.sqrt(count),
        ordered[0],
        sum(ordered[:2]) / len(ordered[:2]),
        sum(ordered[:3]) / len(ordered[:3]),
        sum(ordered[:quarter]) / quarter,
        bisect_left(ordered, 0.0) / count,
        bisect_left(ordered, -1.0) / count,
        min(levels[-1], 0.0),
        math.log(count),
    ]


def _repeats(tokens: Sequence[Token]) -> list[int]:
    """Per junction: 2 if the word after it repeats the one before, 1 if it was just used."""
    words = [token[2] for token in tokens]
    found = []
    for at, (fine, coarse, word) in enumerate(tokens):
        before = words[max(0, at - _REPEAT_SPAN) : at] if word else []
        if word not in before:
            found.append(0)
        elif word == before[-1]:
            found.append(2)
        else:
            found.append(int(fine == coarse or coarse == "hy"))
    return [*found, 0]


@lru_cache(maxsize=4_096)
def _identifier(name: str) -> int:
    return zlib.crc32(name.encode())


@lru_cache(maxsize=1)
def _multipliers() -> NDArray[np.uint64]:
    """[slots, F]: an odd number where a feature looks at a slot, else 0 (multiply-add hashing)."""
    table = np.zeros((len(_SLOTS), len(FEATURES)), np.uint64)
    for column, feature in enumerate(FEATURES):
        for letter in feature:
            table[_SLOTS.index(letter), column] = _number(f"{feature}:{letter}") | np.uint64(1)
    return table


@lru_cache(maxsize=1)
def _salts() -> NDArray[np.uint64]:
    return np.array([_number(feature) for feature in FEATURES], np.uint64)


def _number(text: str) -> np.uint64:
    return np.uint64(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big"))


def _parse(lines: Iterable[str]) -> tuple[dict[str, WordClass], dict[str, str]]:
    own: dict[str, WordClass] = {}
    shared: dict[str, set[str]] = {}
    aliases: dict[str, str] = {}
    for line in lines:
        kind, rest = line.split(" ", 1)
        if kind == "self":
            members, coarse = rest.split(" | ")
            own.update({word: (word, coarse) for word in members.split() if word not in own})
        elif kind == "alias":
            for pair in rest.split():
                spelling, word = pair.split("=")
                aliases[spelling] = word
        else:
            for word in rest.split():
                shared.setdefault(word, set()).update(kind.split("+"))
    words = {word: ("+".join(sorted(kinds)),) * 2 for word, kinds in shared.items()}
    return {**words, **own}, aliases


def checksum(content: dict[str, Any]) -> str:
    """The sha256 of the weights file without its own checksum."""
    rest = {key: value for key, value in content.items() if key != "checksum"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


@lru_cache(maxsize=1)
def load_model() -> Model:
    """The shipped model; a damaged file is refused."""
    content = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    if content.get("schema") != SCHEMA or content.get("checksum") != checksum(content):
        raise GamutError(
            f"{WEIGHTS}: the weights of the fluency gate are damaged (schema or checksum is "
            "wrong); reinstall Gamut or run benchmarks/train_fluency.py"
        )
    packed = np.frombuffer(zlib.decompress(base64.b64decode(content["weights"])), np.int8)
    return Model(
        lexicon=Lexicon(content["words"]),
        weights=packed.astype(np.float64) * content["step"],
        intercept=content["intercept"],
        sentence=tuple(content["sentence"]),
        sentence_intercept=content["sentence_intercept"],
    )
