"""Islands: populations of scored programs that parents are selected from; they mix by migration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from typing import Any

import numpy as np
from deap import base

from evolve.evidence import objective
from generators.program import Program

NEAR = 0.8  # how much of what the lower half of an island has a candidate must have at first


class _Fitness(base.Fitness):  # type: ignore[misc]
    """Two values a training context, all to be maximised: credited rare combination coverage, and
    that of pairs, which is sooner above zero; DEAP reads `weights` from the class."""

    weights: tuple[float, ...] = ()


@cache
def _fitness(cases: int) -> type[_Fitness]:
    return type("Fitness", (_Fitness,), {"weights": (1.0,) * cases})


@dataclass
class Member:
    """A scored program on an island, as DEAP's selection wants it."""

    ticket: int
    program: Program
    fitness: _Fitness
    value: float
    first_rung: tuple[float, ...]

    @classmethod
    def judged(
        cls,
        ticket: int,
        program: Program,
        verdict: Mapping[str, Any],
        contexts: Sequence[str],
        rung: Sequence[str],
    ) -> "Member":
        """The member that a verdict makes of a program."""
        values, pairs = verdict["values"], verdict["pairs"]
        cases = tuple(float(np.mean(v[c])) for v in (values, pairs) for c in contexts)
        first = tuple(pairs[c][0] for c in rung)
        return cls(ticket, program, _fitness(len(cases))(cases), objective(verdict), first)

    @property
    def rank(self) -> tuple[float, float, int]:
        """By what is maximised, where that is equal by all cases, then the elder first."""
        return self.value, sum(self.fitness.values), -self.ticket


class Islands:
    """A number of islands with so many places each; a candidate's ticket says where it lives."""

    def __init__(self, number: int, size: int) -> None:
        self.all: list[list[Member]] = [[] for _ in range(number)]
        self._size = size

    def of(self, ticket: int) -> list[Member]:
        """The members of the island of a ticket."""
        return self.all[ticket % len(self.all)]

    def settle(self, member: Member, everywhere: bool = False) -> None:
        """Place a member on its island, or on all of them."""
        for island in self.all if everywhere else [self.of(member.ticket)]:
            self._join(island, member)

    def climb(self, member: Member) -> None:
        """How a hill climber settles: on its island is the last that was not worse than the one
        before."""
        island = self.of(member.ticket)
        if not island or member.value >= island[0].value:
            island[:] = [member]

    def migrate(self) -> None:
        """The best of each island joins the next one."""
        travellers = [max(i, key=attrgetter("rank")) if i else None for i in self.all]
        for i, traveller in enumerate(travellers):
            if traveller:
                self._join(self.all[(i + 1) % len(self.all)], traveller)

    def bar(self, ticket: int) -> float:
        """First-rung mean near that of the lower half of an island: below it the cascade ends."""
        island = self.of(ticket)
        if len(island) < self._size:
            return 0.0
        return float(np.median([np.mean(m.first_rung) for m in island])) * NEAR

    def _join(self, island: list[Member], member: Member) -> None:
        """Add a member, unless one that behaves exactly alike is there; the worst one goes."""
        if any(m.fitness.values == member.fitness.values for m in island):
            return
        island.append(member)
        if len(island) > self._size:
            island.remove(min(island, key=attrgetter("rank")))
