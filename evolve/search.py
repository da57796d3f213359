"""The search: select → vary → evaluate → tell, as a fold over tickets.

Candidate k draws all its randomness from SeedSequence((seed, k)). It is bred from the state that
the verdicts of tickets 0 … k − F − 1 fold to, F being the number in flight. So the result depends
on the seed and the settings alone: not on the number of workers, on who finishes first, or on how
often the run was killed.
"""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from deap import base, tools

from evolve.archive import Archive, Offer, objective
from evolve.evaluate import SCORED
from evolve.operators import OPERATORS, random_program
from evolve.store import Candidate
from generators.program import Program, parse


@dataclass(frozen=True)
class Settings:
    """How the search goes.

    Attributes:
        seed: of everything.
        in_flight: candidates bred before the first of them is judged; not the number of workers.
        islands: populations that mix only by migration.
        island_size: members an island keeps.
        random_programs: grown from nothing after the baselines, before variation starts.
        restart: share of later candidates that are grown from nothing.
        migration_every: tickets between migrations of an island's best to the next island.
        second_change: chance that a child is varied twice.
    """

    seed: int
    in_flight: int
    islands: int
    island_size: int
    random_programs: int
    restart: float
    migration_every: int
    second_change: float


class _Fitness(base.Fitness):  # type: ignore[misc]
    """Two values a training context, all to be maximised: credited rare combination coverage, and
    that of pairs, which is sooner above zero; DEAP reads `weights` from the class."""

    weights: tuple[float, ...] = ()


@dataclass
class Member:
    """A scored program on an island, as DEAP's selection wants it."""

    ticket: int
    program: Program
    fitness: _Fitness
    value: float
    first_rung: tuple[float, ...]


@dataclass
class State:
    """What the verdicts fold to; never stored, always folded again."""

    islands: list[list[Member]]
    archive: Archive = field(default_factory=Archive)
    seen: set[str] = field(default_factory=set)
    folded: int = 0
    offers: Counter[Offer] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    best: list[tuple[int, float]] = field(default_factory=list)  # (ticket, best objective so far)


class Search:
    """Breeds candidates by ticket and folds their verdicts.

    `start` are the programs of the first tickets: (origin, program), baselines first.
    `training` names the contexts in order; `first_rung` is how many the cascade begins with.
    """

    def __init__(
        self,
        settings: Settings,
        start: Sequence[tuple[str, Program]],
        training: Sequence[str],
        first_rung: int,
    ) -> None:
        self.settings = settings
        self.start = list(start)
        self.state = State([[] for _ in range(settings.islands)])
        self._training = list(training)
        self._rung = self._training[:first_rung]
        self._fitness = type("Fitness", (_Fitness,), {"weights": (1.0,) * 2 * len(training)})
        self.toolbox = base.Toolbox()
        self.toolbox.register("select", tools.selAutomaticEpsilonLexicase, k=1)
        for name, operator in OPERATORS.items():
            self.toolbox.register(name, operator)

    def may_breed(self, ticket: int) -> bool:
        """Whether the state that this ticket is bred from has been folded."""
        return self.state.folded >= self._bred_from(ticket)

    def _bred_from(self, ticket: int) -> int:
        return max(0, ticket - self.settings.in_flight + 1)

    def breed(self, ticket: int) -> tuple[Candidate, float]:
        """The candidate of a ticket, and the bar that it must pass on the first rung.

        To be called as soon as `may_breed`, before another verdict is folded: that is what makes
        a run replayable.
        """
        assert self.state.folded == self._bred_from(ticket), "bred from a later state"
        seeds = np.random.SeedSequence((self.settings.seed, ticket)).generate_state(2)
        random.seed(int(seeds[0]) << 32 | int(seeds[1]))  # DEAP draws from `random`
        if ticket < len(self.start):
            origin, program = self.start[ticket]
            return Candidate(ticket, program.source, program.hash, origin, ()), -1.0
        island = self.state.islands[ticket % len(self.state.islands)]
        early = ticket < len(self.start) + self.settings.random_programs
        if early or not island or random.random() < self.settings.restart:
            program, operator, parents = _from_nothing()
        else:
            program, operator, parents = self._child(island)
        return Candidate(ticket, program.source, program.hash, operator, parents), self._bar(island)

    def fold(self, candidate: Candidate, verdict: Mapping[str, Any]) -> Offer:
        """Take the verdict of the next ticket into the state."""
        assert candidate.ticket == self.state.folded, "tickets are folded in order"
        state = self.state
        state.folded += 1
        state.statuses[verdict["status"]] += 1
        offer = Offer.KEPT_OUT
        if verdict["status"] == SCORED and candidate.hash not in state.seen:
            offer = state.archive.offer(candidate, verdict)
            self._settle(self._member(candidate, verdict))
        state.seen.add(candidate.hash)
        state.offers[offer] += 1
        if state.folded % self.settings.migration_every == 0:
            self._migrate()
        elites = state.archive.elites
        if elites and (not state.best or elites[0].objective != state.best[-1][1]):
            state.best.append((candidate.ticket, elites[0].objective))
        return offer

    def _child(self, island: list[Member]) -> tuple[Program, str, tuple[int, ...]]:
        """A program not seen before, bred on an island; grown from nothing if that fails."""
        for _ in range(10):
            parent = self.toolbox.select(island)[0]
            donor = self.toolbox.select(random.choice([i for i in self.state.islands if i]))[0]
            name = random.choice(list(OPERATORS))
            child: Program | None = getattr(self.toolbox, name)(parent.program, donor.program)
            if child is not None and random.random() < self.settings.second_change:
                second = random.choice(list(OPERATORS))
                child = getattr(self.toolbox, second)(child, donor.program) or child
            if child is not None and child.hash not in self.state.seen:
                parents = (parent.ticket, donor.ticket) if name == "crossover" else (parent.ticket,)
                return child, name, parents
        return _from_nothing()

    def _bar(self, island: list[Member]) -> float:
        """First-rung mean that the lower half of the island has: below it the cascade ends."""
        if len(island) < self.settings.island_size:
            return 0.0
        return float(np.median([np.mean(m.first_rung) for m in island])) * 0.8

    def _member(self, candidate: Candidate, verdict: Mapping[str, Any]) -> Member:
        values, pairs = verdict["values"], verdict["pairs"]
        cases = [float(np.mean(v[c])) for v in (values, pairs) for c in self._training]
        fitness = self._fitness(tuple(cases))
        first = tuple(pairs[c][0] for c in self._rung)
        program = parse(candidate.source)
        return Member(candidate.ticket, program, fitness, objective(verdict), first)

    def _settle(self, member: Member) -> None:
        """Place a member on the island of its ticket; a baseline lives on all of them."""
        islands = self.state.islands
        everywhere = member.ticket < len(self.start)
        for island in islands if everywhere else [islands[member.ticket % len(islands)]]:
            _join(island, member, self.settings.island_size)

    def _migrate(self) -> None:
        """The best of each island joins the next one."""
        islands = self.state.islands
        travellers = [max(island, key=_rank) if island else None for island in islands]
        for i, traveller in enumerate(travellers):
            target = islands[(i + 1) % len(islands)]
            if traveller:
                _join(target, traveller, self.settings.island_size)


def _from_nothing() -> tuple[Program, str, tuple[int, ...]]:
    return random_program(), "random", ()


def _join(island: list[Member], member: Member, size: int) -> None:
    """Add a member, unless one that behaves exactly alike is there; the worst one goes."""
    if any(m.fitness.values == member.fitness.values for m in island):
        return
    island.append(member)
    if len(island) > size:
        island.remove(min(island, key=_rank))


def _rank(member: Member) -> tuple[float, float, int]:
    """By what is maximised, where that is equal by all cases, then the elder first."""
    return member.value, sum(member.fitness.values), -member.ticket
