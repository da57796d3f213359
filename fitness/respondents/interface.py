"""What every respondent offers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from generators.persona import Persona

Row = list[float | None]
"""The level of one persona on each axis; None where it cannot be read."""


@dataclass(frozen=True)
class Reading:
    """A population as a respondent reads it.

    Attributes:
        levels: a row a persona: a level in [0, 1] an axis, None where it cannot be read.
        firm: a row a persona: whether a level can be credited. It must stay in its third (low,
            middle, high) of the axis whichever one sentence is left out, paraphrases of it
            included (so one sentence alone is never firm); and where several readers read, they
            must agree on it.
    """

    levels: list[Row]
    firm: list[list[bool]]


class Respondent(Protocol):
    """Reads personas in the one context that it was made for.

    A respondent sees the hidden part of a context; it never shares a process with a program.

    Attributes:
        name: what users call it.
        fingerprint: names the way of reading and the weights; equal ones read a text alike.
    """

    name: str
    fingerprint: str

    def read(self, personas: Sequence[Persona]) -> Reading:
        """Levels of personas, in their order."""
        ...
