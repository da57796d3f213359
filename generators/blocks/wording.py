"""Wordings: how the levels of a persona become sentences, drawn from the public axes alone.

A wording takes levels [n][K] and the axes, and gives sentences about "they" [n][K][…]. The middle
of an axis is written as a mix of signs of both poles, which readers place better than a degree
word (RESPONDENTS study). Signs are dealt like cards, so a population uses all of them before one
comes twice.
"""

import math
import re
from collections import Counter
from collections.abc import Callable
from typing import Literal

import numpy as np

from generators.blocks.clauses import clause
from generators.blocks.kinds import Axes, Count, Points, PublicAxis, Seed, Sentences, Share, Signs

_Pole = Literal["low", "high"]
_POLES: tuple[_Pole, _Pole] = ("low", "high")
_OFTEN = ("Almost every day they", "Whatever happens, they", "Without fail they")
_COMMON = ("Most weeks they", "On an ordinary day they", "More often than not they")
_TRIGGERS = (
    "When a day goes badly", "When nobody is around", "If somebody asks about it",
    "When there is a choice", "If the phone rings late", "When plans fall through",
    "On a quiet Sunday", "When others give advice", "If it gets complicated", "After bad news",
)  # fmt: skip
_PASTS = (
    "After a hard year some time ago, they", "Now that school lies far behind, they",
    "As was the custom at home, they", "In this town as in the last one, they",
    "After all that changed lately, they",
)  # fmt: skip
_MOTIVES = (
    "That feels right to them.", "Anything else would feel false to them.",
    "They want to keep it that way.", "They would rather live like this than otherwise.",
    "It gives them peace of mind.",
)  # fmt: skip


def sign_mix(points: Points, axes: Axes, count: Count, seed: Seed) -> Sentences:
    """Writes signs an axis, mixed from both poles in proportion to the level."""

    def write(level: float, deal: "_Dealer", rng: np.random.Generator) -> list[str]:
        high = math.floor(level * count + 0.5)
        chosen = [f"They {deal.high()}." for _ in range(high)]
        chosen += [f"They {deal.low()}." for _ in range(count - high)]
        return [chosen[i] for i in rng.permutation(count)]

    return _write(points, axes, seed, write)


def graded_phrase(points: Points, axes: Axes, seed: Seed) -> Sentences:
    """States the label of the nearer pole with a degree word."""

    def write(level: float, deal: "_Dealer", rng: np.random.Generator) -> list[str]:
        low, high = deal.axis["low_label"], deal.axis["high_label"]
        if 0.4 <= level <= 0.6:
            return [f"They are somewhere between {low} and {high}."]
        degree = "extremely" if abs(level - 0.5) > 0.3 else "rather"
        return [f"They are {degree} {high if level > 0.5 else low}."]

    return _write(points, axes, seed, write)


def behaviour(points: Points, axes: Axes, count: Count, seed: Seed) -> Sentences:
    """Tells how often they do what the nearer pole does."""

    def frequency(level: float, rng: np.random.Generator) -> str:
        return _choice(rng, _OFTEN if abs(level - 0.5) > 1 / 3 else _COMMON)

    return _write(points, axes, seed, _framed(count, lambda c, z, r: f"{frequency(z, r)} {c}."))


def if_then(points: Points, axes: Axes, count: Count, seed: Seed) -> Sentences:
    """Writes rules: in such a situation they do this."""
    frame = _framed(count, lambda c, z, r: f"{_choice(r, _TRIGGERS)}, they {c}.")
    return _write(points, axes, seed, frame)


def backstory(points: Points, axes: Axes, count: Count, seed: Seed) -> Sentences:
    """Gives what they do a past."""
    return _write(points, axes, seed, _framed(count, lambda c, z, r: f"{_choice(r, _PASTS)} {c}."))


def motivation(points: Points, axes: Axes, count: Count, seed: Seed) -> Sentences:
    """Gives what they do a reason."""
    frame = _framed(count, lambda c, z, r: f"They {c}. {_choice(r, _MOTIVES)}")
    return _write(points, axes, seed, frame)


def both(sentences: Sentences, others: Sentences) -> Sentences:
    """Tells each axis in two wordings, one after the other."""
    if [len(p) for p in sentences] != [len(p) for p in others]:
        raise ValueError("sentences and others are of different populations")
    return [
        [a + b for a, b in zip(one, other, strict=True)]
        for one, other in zip(sentences, others, strict=True)
    ]


def sharpest(axes: Axes, share: Share) -> Axes:
    """Keeps the signs whose words are the most typical of their axis and pole.

    Typical: the mean over a sign's words of log(occurrences at its own pole + 1) − log(occurrences
    anywhere else in these axes + 1). At least three signs a pole stay.
    """
    words = {
        (i, pole): [_words(sign) for sign in axis["signs"][pole]]
        for i, axis in enumerate(axes)
        for pole in _POLES
    }
    totals = {key: Counter(w for sign in signs for w in sign) for key, signs in words.items()}
    everything: Counter[str] = sum(totals.values(), Counter())
    sharpened: list[PublicAxis] = []
    for i, axis in enumerate(axes):
        signs: Signs = {"low": [], "high": []}
        for pole in _POLES:
            typical = [_typical(w, totals[i, pole], everything) for w in words[i, pole]]
            given = axis["signs"][pole]
            keep = max(3, round(share * len(given)))
            best = np.argsort(-np.array(typical), kind="stable")[:keep]
            signs[pole] = [given[at] for at in sorted(best)]
        sharpened.append(
            PublicAxis(
                name=axis["name"],
                low_label=axis["low_label"],
                high_label=axis["high_label"],
                signs=signs,
            )
        )
    return sharpened


def _typical(sign: set[str], own: Counter[str], everything: Counter[str]) -> float:
    """How typical the words of a sign are of its own pole among all axes and poles."""
    scores = [math.log1p(own[w]) - math.log1p(everything[w] - own[w]) for w in sign]
    return sum(scores) / len(scores) if scores else -math.inf


class _Dealer:
    """Deals the clauses of one axis, each pole from its own shuffled deck."""

    def __init__(self, axis: PublicAxis, rng: np.random.Generator) -> None:
        self.axis = axis
        self._rng = rng
        self._decks: dict[str, list[str]] = {"low": [], "high": []}

    def low(self) -> str:
        return self._deal("low")

    def high(self) -> str:
        return self._deal("high")

    def _deal(self, pole: _Pole) -> str:
        deck = self._decks[pole]
        if not deck:
            signs = self.axis["signs"][pole]
            deck.extend(clause(signs[i]) for i in self._rng.permutation(len(signs)))
        return deck.pop()


_Write = Callable[[float, _Dealer, np.random.Generator], list[str]]


def _write(points: Points, axes: Axes, seed: Seed, write: _Write) -> Sentences:
    if len(points[0]) != len(axes):
        raise ValueError(f"points are on {len(points[0])} axes, but axes has {len(axes)}")
    rng = np.random.default_rng(seed)
    dealers = [_Dealer(axis, rng) for axis in axes]
    return [
        [write(level, deal, rng) for level, deal in zip(levels, dealers, strict=True)]
        for levels in points
    ]


def _framed(count: int, frame: Callable[[str, float, np.random.Generator], str]) -> _Write:
    """`count` framed signs of the nearer pole; in the middle, one of each pole side by side."""

    def write(level: float, deal: _Dealer, rng: np.random.Generator) -> list[str]:
        if 1 / 3 <= level <= 2 / 3:
            pairs = [(deal.low(), deal.high()) for _ in range((count + 1) // 2)]
            return [frame(c, level, rng) for pair in pairs for c in pair]
        nearer = deal.high if level > 0.5 else deal.low
        return [frame(nearer(), level, rng) for _ in range(count)]

    return write


def _choice(rng: np.random.Generator, options: tuple[str, ...]) -> str:
    return options[int(rng.integers(len(options)))]


def _words(sign: str) -> set[str]:
    return {w for w in re.findall(r"[a-z']+", sign.lower()) if len(w) > 3}
