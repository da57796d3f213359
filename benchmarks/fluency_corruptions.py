"""Spoils English sentences in the ways that the fluency gate is to notice, for training and tests.

A corruption takes the words of a sentence and gives words with the place that each had, or -1 for
a word from elsewhere; so the trainer knows which junctions of neighbours are broken.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fitness.fluency import Lexicon

Placed = list[tuple[str, int]]

_MARKS = '.,;:!?"“”()—–…'
_FUNCTION = frozenset(
    "det poss prep pron obj be have do modal inf cc conj wh quant neg adv refl ipron num".split()
)
_NEEDED = frozenset("det poss prep pron be have modal inf".split())  # missed where they go missing
_DANGLING = frozenset("det poss cc inf conj modal pron".split())  # cannot end a sentence


@dataclass(frozen=True)
class Pool:
    """Where words from elsewhere come from: sentences, their words, and their content words."""

    sentences: Sequence[list[str]]
    words: Sequence[str]
    content: Sequence[str]
    lexicon: Lexicon


Corruption = Callable[[list[str], random.Random, Pool], Placed | None]


def pool_of(sentences: Sequence[str], lexicon: Lexicon) -> Pool:
    """The pool of some sentences."""
    split = [bare(sentence) for sentence in sentences]
    words = [word for sentence in split for word in sentence]
    content = [word for word in words if _kind(word, lexicon) not in _FUNCTION]
    return Pool(split, words, content, lexicon)


def bare(sentence: str) -> list[str]:
    """The words of a sentence without marks and without the capital that begins it."""
    words = [word for word in (raw.strip(_MARKS) for raw in sentence.split()) if word]
    return [_uncapitalised(word) for word in words[:1]] + words[1:]


def marked(sentence: str) -> list[str]:
    """The same with marks inside the sentence kept on their words."""
    words = sentence.rstrip(_MARKS).split()
    return [_uncapitalised(word) for word in words[:1]] + words[1:]


def written(placed: Placed) -> str:
    """Corrupted words as a sentence that looks well at a glance."""
    text = " ".join(word for word, _ in placed)
    return f"{text[:1].upper()}{text[1:]}."


def _uncapitalised(word: str) -> str:
    return word if word == "I" or word.startswith(("I'", "I’")) else word[:1].lower() + word[1:]


def _kind(word: str, lexicon: Lexicon) -> str:
    return lexicon.of(word.strip(_MARKS).lower().replace("’", "'"))[1]


def shuffled(words: list[str], rng: random.Random, pool: Pool) -> Placed | None:
    placed = list(zip(words, range(len(words)), strict=True))
    rng.shuffle(placed)
    return placed if len(words) > 2 else None


def _swapped(count: Callable[[int], int]) -> Corruption:
    def swap(words: list[str], rng: random.Random, pool: Pool) -> Placed | None:
        if len(words) < 4:
            return None
        placed = list(zip(words, range(len(words)), strict=True))
        for at in rng.sample(range(len(words) - 1), min(count(len(words)), len(words) - 1)):
            placed[at], placed[at + 1] = placed[at + 1], placed[at]
        return placed

    return swap


def moved(words: list[str], rng: random.Random, pool: Pool) -> Placed | None:
    placed = list(zip(words, range(len(words)), strict=True))
    if len(words) < 4:
        return None
    placed.insert(rng.randrange(len(words)), placed.pop(rng.randrange(len(words))))
    return placed


def missing(words: list[str], rng: random.Random, pool: Pool) -> Placed | None:
    """One small word left out."""
    small = [at for at, word in enumerate(words) if _kind(word, pool.lexicon) in _NEEDED]
    if not small or len(words) < 4:
        return None
    gone = rng.choice(small)
    return [(word, at) for at, word in enumerate(words) if at != gone]


def content_only(words: list[str], rng: random.Random, pool: Pool) -> Placed | None:
    """All small words left out."""
    kept = [
        (word, at) for at, word in enumerate(words) if _kind(word, pool.lexicon) not in _FUNCTION
    ]
    return kept if len(kept) > 2 and len(words) - len(kept) > 2 else None


def doubled(words: list[str], rng: random.Random, pool: Pool) -> Placed | None:
    """Words said twice or three times."""
    placed: Placed = []
    for at, word in enumerate(words):
        placed += [(word, at)] * (rng.randint(2, 3) if rng.random() < 0.3 else 1)
    return placed if len(placed) > len(words) else None


def mixed(words: list[str], rng: random.Random, pool: Pool) -> Placed | None:
    """Words of two sentences taking turns at random."""
    other = rng.choice(pool.sentences)
    placed: Placed = []
    for at in range(max(len(words), len(other))):
        if rng.random() < 0.5:
            placed += [(word, at) for word in words[at : at + 1]]
        else:
            placed += [(word, -1) for word in other[at : at + 1]]
    return placed if len(placed) > 3 else None


def cut_off(words: list[str], rng: random.Random, pool: Pool) -> Placed | None:
    """The beginning of a sentence, ending in a word that cannot end one."""
    ends = [at for at in range(2, len(words) - 1) if _kind(words[at], pool.lexicon) in _DANGLING]
    return list(zip(words, range(rng.choice(ends) + 1), strict=False)) if ends else None


def salad(words: list[str], rng: random.Random, pool: Pool) -> Placed | None:
    """Words drawn from everywhere."""
    return [(rng.choice(pool.words), -1) for _ in range(rng.randint(4, 16))]


def nouns(words: list[str], rng: random.Random, pool: Pool) -> Placed | None:
    """Content words in a row, bare or with commas, full stops or "and" between them."""
    between = rng.choice(["", "", ",", ".", " and"])
    drawn = [rng.choice(pool.content) for _ in range(rng.randint(4, 14))]
    return [(part, -1) for word in drawn for part in f"{word}{between}".split()]


def same_word(words: list[str], rng: random.Random, pool: Pool) -> Placed | None:
    """One to three content words over and over."""
    few = [rng.choice(pool.content) for _ in range(rng.randint(1, 3))]
    return [(word, -1) for word in few * rng.randint(3, 5)]


CORRUPTIONS: dict[str, Corruption] = {
    "shuffled": shuffled,
    "one swap": _swapped(lambda count: 1),
    "two swaps": _swapped(lambda count: 2),
    "half swapped": _swapped(lambda count: count // 2),
    "one word moved": moved,
    "small word missing": missing,
    "content words only": content_only,
    "doubled words": doubled,
    "two sentences mixed": mixed,
    "cut off": cut_off,
    "salad": salad,
    "noun list": nouns,
    "same words": same_word,
}
