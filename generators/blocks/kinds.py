"""The types of the block vocabulary: what typed GP may put where, and what a block accepts.

Each is a plain JSON shape with a `Kind` in its annotation. pydantic checks values against it at
the sandbox's border, `evolve.grammar` reads the kind (which expressions fit) and the range (which
constants fit) from the same annotation, so the two cannot disagree.
"""

from dataclasses import dataclass
from typing import Annotated, Any

from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import AfterValidator
from typing_extensions import TypedDict

MAX_PERSONAS = 256  # a call; larger populations are made in chunks
MAX_AXES = 12
LONGEST_PROMPT = 4_000  # characters


@dataclass(frozen=True)
class Kind:
    """The name of a type of the typed vocabulary."""

    name: str


_Unit = Annotated[float, Ge(0.0), Le(1.0)]
_Sentence = Annotated[str, MinLen(1), MaxLen(600)]
_Told = Annotated[str, MinLen(1), MaxLen(2_000)]  # a sign or two labels in a frame


def _rectangular(rows: list[Any]) -> list[Any]:
    if len({len(row) for row in rows}) > 1:
        raise ValueError("some personas have more axes than others")
    return rows


Size = Annotated[int, Ge(1), Le(MAX_PERSONAS), Kind("Size")]
Dimension = Annotated[int, Ge(1), Le(MAX_AXES), Kind("Dimension")]
Seed = Annotated[int, Ge(0), Le(2**63 - 1), Kind("Seed")]
Count = Annotated[int, Ge(1), Le(10), Kind("Count")]
Levels = Annotated[int, Ge(2), Le(5), Kind("Levels")]
Strength = Annotated[int, Ge(2), Le(3), Kind("Strength")]
Factor = Annotated[float, Ge(0.25), Le(3.0), Kind("Factor")]
Share = Annotated[float, Ge(0.0), Le(1.0), Kind("Share")]

Points = Annotated[
    list[Annotated[list[_Unit], MinLen(1), MaxLen(MAX_AXES)]],
    MinLen(1),
    MaxLen(MAX_PERSONAS),
    AfterValidator(_rectangular),
    Kind("Points"),
]
"""Level a persona and axis, [n][K] in [0, 1]."""


class Signs(TypedDict):
    """The signs of both poles."""

    low: Annotated[list[_Sentence], MinLen(1), MaxLen(500)]
    high: Annotated[list[_Sentence], MinLen(1), MaxLen(500)]


class PublicAxis(TypedDict):
    """An axis as a program sees it: nothing hidden, no id."""

    name: _Sentence
    low_label: _Sentence
    high_label: _Sentence
    signs: Signs


Axes = Annotated[list[PublicAxis], MinLen(1), MaxLen(MAX_AXES), Kind("Axes")]

Sentences = Annotated[
    list[Annotated[list[Annotated[list[_Told], MaxLen(24)]], MinLen(1), MaxLen(MAX_AXES)]],
    MinLen(1),
    MaxLen(MAX_PERSONAS),
    AfterValidator(_rectangular),
    Kind("Sentences"),
]
"""Sentences about "they" a persona and axis, [n][K][any number]."""

Lines = Annotated[
    list[Annotated[list[_Told], MaxLen(MAX_AXES * 24)]],
    MinLen(1),
    MaxLen(MAX_PERSONAS),
    Kind("Lines"),
]
"""The sentences of a persona in the order of telling, [n][any number]."""

Texts = Annotated[
    list[Annotated[str, MaxLen(100_000)]], MinLen(1), MaxLen(MAX_PERSONAS), Kind("Texts")
]
"""One description a persona, [n]."""

People = Annotated[list[dict[str, Any]], Kind("People")]
"""What a program returns: records with name, description and the levels meant, [n]."""

Prompt = Annotated[str, MinLen(1), MaxLen(LONGEST_PROMPT), Kind("Prompt")]
"""A question to a language model."""

Prompts = Annotated[
    list[Annotated[str, MinLen(1), MaxLen(LONGEST_PROMPT)]], MaxLen(MAX_PERSONAS), Kind("Prompts")
]
"""Questions, [any number]."""

Reply = Annotated[str, Kind("Reply")]
"""What a language model answered; empty where it did not."""

Replies = Annotated[list[str], Kind("Replies")]
"""An answer a prompt."""
