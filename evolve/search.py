"""The search: select → vary → evaluate → tell, as a fold over tickets.

Candidate k draws all its randomness from SeedSequence((seed, k)). It is bred from the state that
the verdicts of tickets 0 … k − F − 1 fold to, F being the number in flight. So the result depends
on the seed and the settings alone: not on the number of workers, on who finishes first, or on how
often the run was killed.
"""

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from deap import base, tools

from evolve.archive import Archive, Offer
from evolve.bandit import Bandit
from evolve.evaluate import DUPLICATE, SCORED
from evolve.grammar import asking
from evolve.islands import Islands, Member
from evolve.operators import CROSSOVERS, OPERATORS, random_program
from evolve.store import BY_MODEL, Candidate
from evolve.tally import tokens_counted
from generators.errors import GamutError
from generators.program import Program

if TYPE_CHECKING:
    from evolve.mutation.mutation import Mutation, Question

METHODS = ("gp", "random", "hillclimb", "llm")
MUTATIONS = ("none", "llm")
SELECTIONS = ("lexicase", "tournament")
KNOWN = 2_000  # digests of populations that an evaluation is told of, the latest seen
TRIES = 10  # at a child that is new


@dataclass(frozen=True)
class Settings:
    """How the search goes.

    Attributes:
        seed: of everything.
        in_flight: candidates bred before the first of them is judged; not the number of workers.
        method: "gp", typed genetic programming; or a control: "random", every program grown from
            nothing, or "hillclimb", each varied from the one that has been best so far; or "llm",
            as "gp", but varied by language models alone.
        islands: populations that mix only by migration.
        island_size: members an island keeps.
        random_programs: grown from nothing after the baselines, before variation starts.
        restart: share of later candidates that are grown from nothing.
        migration_every: tickets between migrations of an island's best to the next one; 0: never.
        second_change: chance that a child is varied twice.
        selection: of parents: "lexicase" (automatic epsilon-lexicase over contexts), "tournament".
        tournament_size: members that a tournament is held among.
        bandit: whether operators are drawn by what they have gained; else evenly.
        mutation: "llm": language models vary programs, too, each being one operator; or "none".
        models: their names.
        ask: whether programs may ask a language model.
    """

    seed: int
    in_flight: int
    method: str = "gp"
    islands: int = 1
    island_size: int = 1
    random_programs: int = 0
    restart: float = 0.0
    migration_every: int = 0
    second_change: float = 0.0
    selection: str = "lexicase"
    tournament_size: int = 2
    bandit: bool = False
    mutation: str = "none"
    models: tuple[str, ...] = ()
    ask: bool = False

    @property
    def operators(self) -> dict[str, Callable[[Program, Program], Program | None]]:
        """What may vary a program beside models; a hill climber has nobody to cross with."""
        if self.method == "llm":
            return {}
        alone = self.method == "hillclimb"
        return {name: o for name, o in OPERATORS.items() if not (alone and name in CROSSOVERS)}


@dataclass
class State:
    """What the verdicts fold to; never stored, always folded again.

    Attributes:
        islands: their members.
        operators: what each operator has gained and cost.
        archive: the elites.
        folded: number of verdicts.
        statuses, offers: how often each has come.
        values: objective of every scored candidate, by ticket.
        digests: of all populations seen on the first rung, the one seen last at the end.
        characters: read so far.
        trail: of each candidate in turn, what made it and how many syntax nodes it has (0: it is
            not Python).
        best: where the best objective so far changed: ticket and objective.
        mutation: what models have gained and cost; None where they vary nothing.
    """

    islands: Islands
    operators: Bandit
    archive: Archive = field(default_factory=Archive)
    folded: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    offers: Counter[Offer] = field(default_factory=Counter)
    values: dict[int, float] = field(default_factory=dict)
    digests: dict[str, None] = field(default_factory=dict)
    characters: int = 0
    trail: list[tuple[str, int]] = field(default_factory=list)
    best: list[tuple[int, float]] = field(default_factory=list)
    mutation: "Mutation | None" = None


class Search:
    """Breeds candidates by ticket and folds their verdicts.

    `start` are the programs of the first tickets: (origin, program), baselines first; one that is
    there already is left out. `training` names the contexts in order; `first_rung` is how many the
    cascade begins with. `mutation`: of models, where they vary programs.

    A candidate of a model is bred without a program: what to ask is its `question`. Who writes it,
    and when, must not matter to the tickets after it, so its program counts as known from the
    moment that it is folded, not from when it is bred as others do.
    """

    def __init__(
        self,
        settings: Settings,
        start: Sequence[tuple[str, Program]],
        training: Sequence[str],
        first_rung: int,
        mutation: "Mutation | None" = None,
    ) -> None:
        self.settings, self.mutation = settings, mutation
        unique = {program.hash: (origin, program) for origin, program in reversed(start)}
        self.start = [one for one in start if unique.pop(one[1].hash, None)]
        operators = settings.operators
        islands = Islands(settings.islands, settings.island_size)
        arms = list(mutation.models) if mutation else []
        self.state = State(islands, Bandit([*operators, *arms]), mutation=mutation)
        self._taken: set[str] = set()  # hashes of the programs of all tickets before the next
        self._questions: dict[int, Question] = {}
        self._training = list(training)
        self._rung = self._training[:first_rung]
        self.toolbox = base.Toolbox()
        self.toolbox.register("select", _selection(settings), k=1)
        for name, operator in operators.items():
            self.toolbox.register(name, operator)

    def may_breed(self, ticket: int) -> bool:
        """Whether the state that this ticket is bred from has been folded."""
        return self.state.folded >= self._bred_from(ticket)

    def _bred_from(self, ticket: int) -> int:
        return max(0, ticket - self.settings.in_flight + 1)

    @property
    def at_its_end(self) -> bool:
        """Whether nothing is left to vary programs by: the budgets of all models are spent, and
        there is nothing beside them."""
        operators = self.state.operators
        return bool(operators.arms) and not operators.active

    def breed(self, ticket: int) -> tuple[Candidate, float]:
        """The candidate of a ticket, and the bar that it must pass on the first rung.

        To be called as soon as `may_breed`, before another verdict is folded, and for tickets in
        turn, but for those that are `recall`ed: that is what makes a run replayable.
        """
        assert self.state.folded == self._bred_from(ticket), "bred from a later state"
        seeds = np.random.SeedSequence((self.settings.seed, ticket)).generate_state(2)
        random.seed(int(seeds[0]) << 32 | int(seeds[1]))  # DEAP draws from `random`
        bar = self.state.islands.bar(ticket)
        parents: tuple[int, ...] = ()
        program: Program | None
        with asking(self.settings.ask):
            if ticket < len(self.start):
                (operator, program), bar = self.start[ticket], -1.0
            elif self._anew(ticket):
                program, operator = self._from_nothing()
            else:
                program, operator, parents = self._child(ticket)
        source, name = (program.source, program.hash) if program else ("", "")
        candidate = Candidate(ticket, source, name, operator, parents)
        self.recall(candidate)
        return candidate, bar

    def recall(self, candidate: Candidate) -> None:
        """Take a candidate that an earlier process bred instead of breeding its ticket."""
        if not candidate.by_model:
            self._taken.add(candidate.hash)
        elif self.mutation:
            self.mutation.begun(candidate)

    def question(self, candidate: Candidate) -> "Question | None":
        """What to ask a model for a candidate that was just bred; None where it has its program."""
        return self._questions.pop(candidate.ticket, None)

    def known(self) -> tuple[str, ...]:
        """Digests of populations already judged; to be asked for when a candidate is bred."""
        return tuple(islice(reversed(self.state.digests), KNOWN))

    def fold(self, candidate: Candidate, verdict: Mapping[str, Any]) -> Offer:
        """Take the verdict of the next ticket into the state."""
        assert candidate.ticket == self.state.folded, "tickets are folded in order"
        state = self.state
        state.folded += 1
        state.trail.append(("+".join(self._made_by(candidate, verdict)), _nodes(candidate.source)))
        if candidate.by_model and candidate.hash:
            self._taken.add(candidate.hash)
        status = self._status(verdict)
        state.statuses[status] += 1
        offer = Offer.KEPT_OUT
        if status == SCORED:
            offer = state.archive.offer(candidate, verdict)
            self._settle(candidate.ticket, Program(candidate.source), verdict)
            if self.mutation:
                self.mutation.remember(candidate, verdict)
                self.mutation.forget_but({m.ticket for some in state.islands.all for m in some})
        state.offers[offer] += 1
        self._credit(candidate, verdict)
        if self.settings.migration_every and state.folded % self.settings.migration_every == 0:
            state.islands.migrate()
        elites = state.archive.elites
        if elites and (not state.best or elites[0].objective != state.best[-1][1]):
            state.best.append((candidate.ticket, elites[0].objective))
        return offer

    def _settle(self, ticket: int, program: Program, verdict: Mapping[str, Any]) -> None:
        """Make a scored program a parent to be; a start program is one on every island."""
        member = Member.judged(ticket, program, verdict, self._training, self._rung)
        self.state.values[ticket] = member.value
        if self.settings.method == "hillclimb":
            self.state.islands.climb(member)
        else:
            self.state.islands.settle(member, everywhere=ticket < len(self.start))

    def _anew(self, ticket: int) -> bool:
        """Whether the program of a ticket is grown from nothing."""
        settings = self.settings
        early = ticket < len(self.start) + settings.random_programs
        if settings.method == "random" or early or not self.state.islands.of(ticket):
            return True
        return random.random() < settings.restart

    def _from_nothing(self) -> tuple[Program, str]:
        for _ in range(1_000):
            program = random_program()
            if program.hash not in self._taken:
                return program, "random"
        raise GamutError("the grammar has no more programs; give the search a smaller budget")

    def _child(self, ticket: int) -> tuple[Program | None, str, tuple[int, ...]]:
        """A program not seen before, bred on a ticket's island; grown from nothing if that fails.

        None where a model is to write it.
        """
        island = self.state.islands.of(ticket)
        for _ in range(TRIES if self.state.operators.active else 0):
            parent = self.toolbox.select(island)[0]
            home = random.choice([others for others in self.state.islands.all if others])
            donor = self.toolbox.select(home)[0]
            names = [self._operator()]
            if self._by_model(names[0]):
                if asked := self._ask(names[0], ticket, (parent.ticket, donor.ticket)):
                    return None, f"{BY_MODEL}{asked.idea}", (parent.ticket, donor.ticket)
                continue
            if random.random() < self.settings.second_change:
                names += [name for name in [self._operator()] if not self._by_model(name)]
            child, made_by = parent.program, []
            for name in names:
                varied = getattr(self.toolbox, name)(child, donor.program)
                if varied is not None:
                    child = varied
                    made_by.append(name)
            if made_by and child.hash not in self._taken:
                crossed = any(name in CROSSOVERS for name in made_by)
                parents = (parent.ticket, donor.ticket) if crossed else (parent.ticket,)
                return child, "+".join(made_by), parents
        return *self._from_nothing(), ()

    def _operator(self) -> str:
        if self.settings.bandit:
            return self.state.operators.draw()
        return random.choice(list(self.state.operators.active))

    def _by_model(self, operator: str) -> bool:
        return self.mutation is not None and operator in self.mutation.models

    def _ask(self, arm: str, ticket: int, parents: tuple[int, int]) -> "Question | None":
        """Leave a question to a model for whoever bred the ticket; None where it has no room."""
        assert self.mutation is not None
        asked = self.mutation.ask(arm, ticket, parents, frozenset(self._taken))
        if asked:
            self._questions[ticket] = asked
        return asked

    def _made_by(self, candidate: Candidate, verdict: Mapping[str, Any]) -> list[str]:
        """The operators that a candidate is credited to."""
        if candidate.by_model and self.mutation:
            return [self.mutation.arm_of(verdict)]
        return candidate.operator.split("+")

    def _status(self, verdict: Mapping[str, Any]) -> str:
        """The status of a verdict; one on personas that another program made is a duplicate.

        Evaluation finds most of these before it scores them, but not those that were in flight
        together.
        """
        digests, digest = self.state.digests, verdict.get("digest")
        seen = digest in digests
        if digest:
            digests.pop(digest, None)  # the latest seen goes to the end
            digests[digest] = None
        return DUPLICATE if seen else str(verdict["status"])

    def _credit(self, candidate: Candidate, verdict: Mapping[str, Any]) -> None:
        """Tell the bandit what a candidate gained over its parent, and what it cost.

        Costs are counted, not timed: half of what an average candidate costs is its ticket, half
        are the characters that were read; on top come the tokens of models, whoever asked them.
        """
        state = self.state
        spent = verdict.get("cost", {})
        read = int(spent.get("characters", 0))
        state.characters += read
        if self.mutation:
            self.mutation.asked_by_program(spent)
        if not candidate.parents:
            return
        value = state.values.get(candidate.ticket)
        gain = 0.0 if value is None else max(0.0, value - state.values[candidate.parents[0]])
        cost = 0.5 + 0.5 * read * state.folded / max(1, state.characters)
        cost += tokens_counted(
            spent.get("ask_prompt_tokens", 0), spent.get("ask_completion_tokens", 0)
        )
        if candidate.by_model and self.mutation:
            cost += self.mutation.counted(verdict)
            self.mutation.credit(candidate, verdict, gain, cost, value is not None)
            if verdict["model"]["spent"]:
                state.operators.retire(self.mutation.arm_of(verdict))
            for arm in self.mutation.models if self.mutation.ended else ():
                state.operators.retire(arm)
        for name in self._made_by(candidate, verdict):
            state.operators.credit(name, gain, cost, value is not None)


def _selection(settings: Settings) -> Callable[..., list[Member]]:
    """DEAP's way to select parents."""
    if settings.selection == "lexicase":
        return tools.selAutomaticEpsilonLexicase  # type: ignore[no-any-return]
    return partial(tools.selTournament, tournsize=settings.tournament_size, fit_attr="rank")


def _nodes(source: str) -> int:
    """Syntax nodes of a candidate; it may be refused, since a model may write anything."""
    if not source:
        return 0
    try:
        return Program(source).nodes
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return 0
