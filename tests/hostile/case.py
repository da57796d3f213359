"""One hostile program and what must come of it."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent
from typing import Any

from generators.sandbox import Outcome


@dataclass(frozen=True)
class Hostile:
    """A hostile program and the verdict it must get.

    Attributes:
        name: what it tries.
        outcome: how it must end.
        says: a regular expression that the reason must match.
        source: the program.
        gives: what it returns, if it is let through.
    """

    name: str
    outcome: Outcome
    says: str
    source: str
    gives: list[Any] | None


def generate(
    name: str, outcome: Outcome, says: str, body: str, gives: list[Any] | None = None
) -> Hostile:
    """A case from the body of its `generate` alone."""
    lines = "".join(f"    {line}\n" for line in dedent(body).strip().splitlines())
    source = "def generate(context, n, rng):\n" + lines
    return Hostile(name, outcome, says, source, gives)


def module(
    name: str, outcome: Outcome, says: str, source: str, gives: list[Any] | None = None
) -> Hostile:
    """A case from the text of a whole program."""
    return Hostile(name, outcome, says, dedent(source).lstrip("\n"), gives)
