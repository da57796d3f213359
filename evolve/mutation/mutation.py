"""Mutation by language models as the search sees it: what to ask whom, learnt from the verdicts.

Everything here is folded from verdicts in ticket order, so it is replayed with them. Who answers,
and when, is the business of `writer.py`.
"""

import random
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from evolve.bandit import Bandit
from evolve.mutation.ideas import IDEAS, OF_TWO
from evolve.mutation.prompts import UNKNOWN_ROOM, Seen, Subject, question, shortest
from evolve.mutation.replies import FORMS
from evolve.operators import MAX_SIZE
from evolve.store import BY_MODEL, Candidate
from evolve.tally import tokens_counted
from generators.context import Context
from generators.llm import Request
from generators.program import Program

SHOWN_CONTEXTS = 2


@dataclass(frozen=True)
class Writes:
    """A model that varies programs.

    Attributes:
        name: what its server calls it.
        room: tokens of its context; None: not known.
        weight: what its tokens count beside those of the cheapest model of the run.
    """

    name: str
    room: int | None = None
    weight: float = 1.0

    @property
    def arm(self) -> str:
        """Its name among operators; a plus would join two."""
        return f"{BY_MODEL}{self.name.replace('+', '_')}"


@dataclass(frozen=True)
class Question:
    """What is asked for a ticket, complete: an answer to it depends on nothing else of the search.

    Attributes:
        ticket: of the candidate.
        model: name of the model.
        room: tokens of its context.
        idea, form: what it was told to do, and how to answer.
        request: the prompt.
        short: what a repair shows in its place where that is too long.
        parent: source of the parent.
        limit: most syntax nodes.
        taken: hashes of programs that are not new.
    """

    ticket: int
    model: str
    room: int
    idea: str
    form: str
    request: Request
    short: Request
    parent: str
    limit: int
    taken: frozenset[str]


@dataclass
class Spending:
    """What the candidates of one model took and came to.

    Attributes:
        asked, written: tickets; those that gave a program to evaluate.
        repaired: those of `written` whose first answer could not be used.
        costs: calls, tokens and money by name.
        failures: answers that could not be used, by reason; repaired ones with them.
        spent: its budget is; it is not asked any more.
    """

    asked: int = 0
    written: int = 0
    repaired: int = 0
    costs: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    spent: bool = False


class Mutation:
    """Models, ideas and forms, each drawn by what it has gained for its cost.

    `asks`: whether programs may ask a model.
    `limits`: what the models may take together, by name: calls, tokens, money. They are asked no
    more once what is in flight might use up the rest, as far as the verdicts tell. So that end is
    part of the search and is replayed with it; the client's own budget is the guard behind it.

    Attributes:
        models: by arm.
        ideas, forms: what each has gained and cost.
        spending: by name of the model.
        ended: which limit is reached, in words; empty while none is.
    """

    def __init__(
        self,
        models: Sequence[Writes],
        training: Sequence[Context],
        limits: Mapping[str, float] | None = None,
        asks: bool = False,
    ) -> None:
        self.ended, self._asks = "", asks
        self._limits, self._flying = dict(limits or {}), set[int]()
        self._used: Counter[str] = Counter()
        self._worst: Counter[str] = Counter()
        self.models = {model.arm: model for model in models}
        self.ideas, self.forms = Bandit(list(IDEAS)), Bandit(FORMS)
        self.spending = {model.name: Spending() for model in models}
        self._training = list(training)
        self._seen: dict[int, Seen] = {}

    def ask(
        self, arm: str, ticket: int, parents: tuple[int, int], taken: frozenset[str]
    ) -> Question | None:
        """What to ask the model of an arm about a parent and another program, by their tickets.

        None where the parent does not fit the model. Draws from `random`.
        """
        model, (parent, other) = self.models[arm], (self._seen[p] for p in parents)
        idea, form = self.ideas.draw(), self.forms.draw()
        while idea in OF_TWO and other.source == parent.source:
            idea = self.ideas.draw()
        several = min(SHOWN_CONTEXTS, len(self._training))
        subject = Subject(
            parent=parent,
            other=other if other.source != parent.source else None,
            contexts=random.sample(self._training, several),
            idea=idea,
            form=form,
            limit=max(MAX_SIZE, Program(parent.source).nodes),
            asks=self._asks,
        )
        room = model.room or UNKNOWN_ROOM
        request = question(subject, room, sample=ticket)
        if request is None:
            return None
        return Question(
            ticket=ticket,
            model=model.name,
            room=room,
            idea=idea,
            form=form,
            request=request,
            short=shortest(subject, sample=ticket),
            parent=parent.source,
            limit=subject.limit,
            taken=taken,
        )

    def begun(self, candidate: Candidate) -> None:
        """Note that a candidate of a model is in flight."""
        self._flying.add(candidate.ticket)

    def remember(self, candidate: Candidate, verdict: Mapping[str, Any]) -> None:
        """Keep what a model will be shown of a scored program."""
        self._seen[candidate.ticket] = Seen(candidate.source, verdict)

    def forget_but(self, tickets: Set[int]) -> None:
        """Keep no program that is no parent to be any more: what is shown of one takes 10 kB."""
        self._seen = {ticket: seen for ticket, seen in self._seen.items() if ticket in tickets}

    def arm_of(self, verdict: Mapping[str, Any]) -> str:
        """The arm of the model that was asked for a candidate."""
        return Writes(verdict["model"]["name"]).arm

    def counted(self, verdict: Mapping[str, Any]) -> float:
        """What a model's tokens count, in average candidates."""
        weight = self.models[self.arm_of(verdict)].weight
        cost = verdict["cost"]
        return weight * tokens_counted(cost["prompt_tokens"], cost["completion_tokens"])

    def credit(
        self, candidate: Candidate, verdict: Mapping[str, Any], gain: float, cost: float, ok: bool
    ) -> None:
        """Tell the ideas and forms what a candidate gained and cost, and account for it."""
        written = verdict["model"]
        self.ideas.credit(candidate.operator.removeprefix(BY_MODEL), gain, cost, ok)
        self.forms.credit(written["form"], gain, cost, ok)
        spending = self.spending[written["name"]]
        spending.asked += 1
        spending.written += not written["failed"]
        spending.repaired += bool(written["refused"]) and not written["failed"]
        spending.failures.update(written["refused"])
        spending.costs.update({k: v for k, v in verdict["cost"].items() if k in COSTS})
        spending.spent |= written["spent"]
        self._flying.discard(candidate.ticket)
        self._hold_to_limits(verdict["cost"], written["reserved"])

    def asked_by_program(self, cost: Mapping[str, float]) -> None:
        """Account for what a candidate's program asked: it is paid from the same budget."""
        tokens = cost.get("ask_prompt_tokens", 0) + cost.get("ask_completion_tokens", 0)
        taken = {"calls": cost.get("ask_calls", 0), "tokens": tokens}
        self._used.update({**taken, "money": cost.get("ask_money", 0.0)})

    def _hold_to_limits(self, cost: Mapping[str, float], reserved: Mapping[str, float]) -> None:
        tokens = cost["prompt_tokens"] + cost["completion_tokens"]
        taken = {"calls": cost["model_calls"], "tokens": tokens, "money": cost.get("money", 0.0)}
        self._used.update(taken)
        self._worst |= Counter(reserved)
        for name, limit in self._limits.items():
            if self._used[name] + (len(self._flying) + 1) * self._worst[name] > limit:
                self.ended = self.ended or f"llm.budget.{name}={limit:g}"


COSTS = ("model_calls", "prompt_tokens", "completion_tokens", "money")
