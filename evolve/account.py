"""What a run has spent, in all its sittings, added up from its store."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evolve.budget import in_words
from evolve.store import Store

_NAMED = {
    "personas": "personas made",
    "characters": "characters read",
    "model_calls": "answers of models",
    "money": "in money for them",
    "ask_calls": "answers to programs",
    "ask_prompt_tokens": "tokens of their prompts",
    "ask_completion_tokens": "tokens of these answers",
    "ask_money": "in money for these",
}


@dataclass(frozen=True)
class Account:
    """What a run has spent.

    Attributes:
        evaluations: candidates with a verdict.
        sittings: processes that worked on it; more than one where it was stopped or killed.
        seconds: wall time of all sittings, validation and writing with it.
        worker_seconds: how long workers evaluated candidates.
        costs: what the candidates cost, by the names that verdicts use; validation comes on top.
    """

    evaluations: int
    sittings: int
    seconds: float
    worker_seconds: float
    costs: Mapping[str, float]

    def as_json(self) -> dict[str, Any]:
        """For the manifest."""
        return {
            "evaluations": self.evaluations,
            "sittings": self.sittings,
            "minutes": round(self.seconds / 60, 2),
            "worker_minutes": round(self.worker_seconds / 60, 2),
            **self.costs,
        }

    def __str__(self) -> str:
        often = f" in {self.sittings} sittings" if self.sittings > 1 else ""
        costs = [
            f"{_amount(n)} {_NAMED.get(c, c.replace('_', ' '))}" for c, n in self.costs.items()
        ]
        return (
            f"{self.evaluations:,} evaluations, {in_words(self.seconds)}{often}"
            f" ({in_words(self.worker_seconds)} of workers' time); by the search:"
            f" {', '.join(costs) or 'nothing read'}"
        )


def account(store: Store) -> Account:
    """Add up what a run has spent so far."""
    sittings = store.sittings()
    return Account(
        evaluations=store.count(),
        sittings=len(sittings),
        seconds=sum(sitting.seconds for sitting in sittings),
        worker_seconds=store.worker_seconds(),
        costs=store.costs(),
    )


def _amount(number: float) -> str:
    return f"{number:,.0f}" if float(number).is_integer() else f"{number:,.4f}"
