"""Telling: from sentences an axis to a description, and from descriptions to persona records."""

import re
from typing import Literal

import numpy as np

from generators.blocks.clauses import first_person
from generators.blocks.kinds import Lines, People, Points, Seed, Sentences, Texts
from generators.blocks.names import FAMILY_NAMES, GIVEN_NAMES

_LINKS = ("Besides,", "At the same time,", "What is more,", "Also,", "Then again,", "And")


def in_order(sentences: Sentences, order: Literal["axis", "turns", "mixed"], seed: Seed) -> Lines:
    """Puts the sentences axis by axis, taking turns, or mixed."""
    rng = np.random.default_rng(seed)
    told = []
    for persona in sentences:
        if order == "turns":
            longest = max(len(axis) for axis in persona)
            lines = [axis[i] for i in range(longest) for axis in persona if i < len(axis)]
        else:
            lines = [line for i in rng.permutation(len(persona)) for line in persona[i]]
            if order == "mixed":
                lines = [lines[i] for i in rng.permutation(len(lines))]
        told.append(lines)
    return told


def voice(lines: Lines, person: Literal["first", "third"]) -> Lines:
    """Tells in the first or the third person."""
    if person == "third":
        return lines
    return [[first_person(line) for line in persona] for persona in lines]


def join(lines: Lines, style: Literal["plain", "linked", "listed"], seed: Seed) -> Texts:
    """Joins sentences one after the other, with linking words, or one a line."""
    if style == "listed":
        return ["\n".join(persona) for persona in lines]
    if style == "plain":
        return [" ".join(persona) for persona in lines]
    rng = np.random.default_rng(seed)
    return [" ".join(_linked(persona, rng)) for persona in lines]


def people(texts: Texts, points: Points, seed: Seed) -> People:
    """Gives each description a name and notes the levels it was meant to have."""
    if len(texts) != len(points):
        raise ValueError(f"texts has {len(texts)} personas, but points has {len(points)}")
    rng = np.random.default_rng(seed)
    given = rng.permutation(len(GIVEN_NAMES))
    family = rng.integers(len(FAMILY_NAMES), size=len(texts))
    return [
        {
            "name": f"{GIVEN_NAMES[given[i % len(given)]]} {FAMILY_NAMES[family[i]]}",
            "description": text,
            "levels": levels,
        }
        for i, (text, levels) in enumerate(zip(texts, points, strict=True))
    ]


def _linked(lines: list[str], rng: np.random.Generator) -> list[str]:
    """Every third sentence begins with a linking word."""
    linked = []
    for i, line in enumerate(lines):
        if i % 3 == 2:
            rest = line if re.match(r"I\b", line) else line[0].lower() + line[1:]
            line = f"{_LINKS[int(rng.integers(len(_LINKS)))]} {rest}"
        linked.append(line)
    return linked
