"""What language models did for a search, in words and tables."""

from collections import Counter
from collections.abc import Iterator, Sequence

from evolve.bandit import Bandit
from evolve.mutation.ideas import IDEAS
from evolve.mutation.mutation import Mutation, Spending

Table = tuple[Sequence[str], list[list[str]]]


def in_short(mutation: Mutation) -> str:
    """One line on what the models did so far."""
    every = list(mutation.spending.values())
    costs = _sum(every)
    tokens = costs["prompt_tokens"] + costs["completion_tokens"]
    money = f", {costs['money']:.4f} in money" if costs["money"] else ""
    written, asked = sum(s.written for s in every), sum(s.asked for s in every)
    return (
        f"models wrote {written} of {asked}: {costs['model_calls']:,.0f} answers,"
        f" {tokens:,.0f} tokens{money}{', until ' if mutation.ended else ''}{mutation.ended}"
    )


def models_table(mutation: Mutation) -> Table:
    """A line a model: what it was asked, what came of it, what it took."""
    head = ["model", "asked", "programs", "of them mended", "answers", "prompt tokens"]
    lines = []
    for name, spending in mutation.spending.items():
        counts = (spending.asked, spending.written, spending.repaired)
        costs = spending.costs
        said = [f"{costs[k]:,.0f}" for k in ("model_calls", "prompt_tokens", "completion_tokens")]
        money = f"{costs['money']:.4f}" if "money" in costs else "not known"
        ended = " (its budget is spent)" if spending.spent else ""
        lines.append([name + ended, *map(str, counts), *said, money])
    return [*head, "answer tokens", "money"], lines


def failures(mutation: Mutation) -> str:
    """How many answers could not be used, by reason."""
    total: Counter[str] = Counter()
    for spending in mutation.spending.values():
        total.update(spending.failures)
    return ", ".join(f"{count} {reason}" for reason, count in total.most_common())


def ideas_table(mutation: Mutation) -> Table:
    """The ideas and forms that were tried, those that gained most for their cost first."""
    head = ["told to", "tried", "scored", "better than parent", "gain per cost", "in words"]
    return head, [*_arms(mutation.ideas, IDEAS), *_arms(mutation.forms, {})]


def _arms(bandit: Bandit, words: dict[str, str]) -> Iterator[list[str]]:
    tried = [(name, arm) for name, arm in bandit.arms.items() if arm.tried]
    for name, arm in sorted(tried, key=lambda one: -one[1].gain / one[1].cost):
        counts = [str(arm.tried), str(arm.scored), str(arm.better)]
        yield [name, *counts, f"{arm.gain / arm.cost:.4f}", words.get(name, "form of the answer")]


def _sum(spending: Sequence[Spending]) -> Counter[str]:
    total: Counter[str] = Counter()
    for one in spending:
        total.update(one.costs)
    return total
