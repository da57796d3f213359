"""Models in the search: bred by ticket and folded as all else, whoever answers first."""

import random
from collections.abc import Iterator
from typing import Any

import pytest
from model_writers import FakeModel
from test_search import CONTEXTS, SETTINGS, verdict

from evolve.mutation.ideas import IDEAS
from evolve.mutation.mutation import Mutation, Question, Writes
from evolve.mutation.report import failures, ideas_table, in_short, models_table
from evolve.mutation.writer import Writer
from evolve.search import Search, Settings
from evolve.store import Candidate
from generators.baselines import BASELINES, baseline
from generators.context import Context
from generators.llm import BudgetSpent
from generators.llm.settings import Price
from generators.program import Program

TICKETS = 75
Stored = dict[int, tuple[Candidate, dict[str, Any]]]
MODELS = (Writes("small", 20_000), Writes("large+1", 20_000, weight=10.0))


@pytest.fixture(scope="module")
def contexts(companion: Context) -> list[Context]:
    return [companion.model_copy(update={"id": name}) for name in CONTEXTS]


def a_search(
    contexts: list[Context],
    models: tuple[Writes, ...] = MODELS,
    limits: dict[str, float] | None = None,
    **other: Any,
) -> Search:
    settings = Settings(**{**SETTINGS.__dict__, "mutation": "llm", **other})
    start = [(f"baseline:{name}", baseline(name)) for name in BASELINES]
    return Search(settings, start, CONTEXTS, 1, Mutation(models, contexts, limits))


def no_run(_: Program) -> None:
    """Every program runs."""


def a_writer(**models: FakeModel) -> Writer:
    named = {"small": FakeModel(), "large+1": FakeModel(), **models}
    price = Price(model="small", input=1, output=2, as_of="2026-11-01")  # type: ignore[arg-type]
    return Writer(named, {"small": price}, no_run, 1, lambda: None)


@pytest.fixture
def writer() -> Iterator[Writer]:
    made = a_writer()
    yield made
    made.close()


def run(
    search: Search,
    writer: Writer,
    shuffle: random.Random | None = None,
    stored: Stored | None = None,
    tickets: int = TICKETS,
) -> Stored:
    """Drive a search; with `shuffle`, answers and evaluations come in any order."""
    stored = {} if stored is None else stored
    flying: dict[int, tuple[Candidate, Question | None, Any]] = {}
    bred = 0
    while search.state.folded < tickets:
        while bred < tickets and search.may_breed(bred) and not search.at_its_end:
            if bred in stored:
                search.recall(stored[bred][0])
            else:
                candidate, bar = search.breed(bred)
                task = bar, search.known(), search.state.archive.standing()
                flying[bred] = candidate, search.question(candidate), task
            bred += 1
        if search.state.folded in stored:
            search.fold(*stored[search.state.folded])
            continue
        if not flying:
            break
        ticket = shuffle.choice(sorted(flying)) if shuffle else min(flying)
        stored[ticket] = judged(writer, *flying.pop(ticket))
    return stored


def judged(
    writer: Writer, candidate: Candidate, question: Question | None, task: Any
) -> tuple[Candidate, dict[str, Any]]:
    """What the loop of a run would store."""
    if question is None:
        return candidate, {**verdict(candidate, *task), "shown": {}, "reason": ""}
    written = writer.write(question)
    if written.program is None:
        return candidate, written.verdict(question)
    candidate = written.candidate(candidate)
    found = {**verdict(candidate, *task), "shown": {}, "reason": ""}
    return candidate, written.told(found, question)


@pytest.fixture(scope="module")
def finished(contexts: list[Context]) -> tuple[Search, Stored]:
    search, writer = a_search(contexts), a_writer()
    stored = run(search, writer)
    writer.close()
    return search, stored


def test_models_vary_some_and_are_credited(finished: tuple[Search, Stored]) -> None:
    search, stored = finished
    written = [c for c, _ in stored.values() if c.by_model]
    assert 5 < len(written) < TICKETS / 2
    assert all(c.operator.removeprefix("llm:") in IDEAS for c in written)
    assert all(c.parents for c in written)
    mutation = search.state.mutation
    assert mutation is not None
    arms = search.state.operators.arms
    assert sum(arms[name].tried for name in mutation.models) == len(written)
    assert sum(arm.tried for arm in mutation.ideas.arms.values()) == len(written)
    assert sum(arm.tried for arm in mutation.forms.arms.values()) == len(written)
    assert any(c.source and v["status"] == "scored" for c, v in stored.values() if c.by_model)


def test_whoever_answers_first_changes_nothing(
    finished: tuple[Search, Stored], contexts: list[Context], writer: Writer
) -> None:
    for order in range(2):
        other = a_search(contexts)
        assert run(other, writer, random.Random(order)) == finished[1]
        assert [e.candidate for e in other.state.archive.elites] == [
            e.candidate for e in finished[0].state.archive.elites
        ]


def test_a_killed_search_asks_again_and_ends_the_same(
    finished: tuple[Search, Stored], contexts: list[Context], writer: Writer
) -> None:
    """Later tickets may be stored while a model was still asked for earlier ones."""
    for kill in (20, 50):
        left = {t: v for t, v in finished[1].items() if t < kill or (t < kill + 5 and t % 2)}
        other = a_search(contexts)
        assert run(other, writer, random.Random(kill), left) == finished[1]
        assert other.state.operators.shares() == finished[0].state.operators.shares()
        for mine, theirs in ((other.state.mutation, finished[0].state.mutation),):
            assert mine is not None
            assert theirs is not None
            assert mine.ideas.shares() == theirs.ideas.shares()
            assert mine.spending == theirs.spending


def test_what_a_model_wrote_is_known_when_it_is_folded_not_before(
    contexts: list[Context], writer: Writer
) -> None:
    search = a_search(contexts)
    stored: Stored = {}
    run(search, writer, stored=stored, tickets=60)
    again = a_search(contexts)
    for ticket in range(60):
        candidate, found = stored[ticket]
        again.recall(candidate)
        known = candidate.hash in again._taken
        again.fold(candidate, found)
        if candidate.by_model and candidate.source:
            assert not known
            assert candidate.hash in again._taken


def test_dear_tokens_count_more(finished: tuple[Search, Stored]) -> None:
    mutation = finished[0].mutation
    assert mutation is not None
    cost = {"prompt_tokens": 4_000, "completion_tokens": 1_000}
    counted = [mutation.counted({"model": {"name": model.name}, "cost": cost}) for model in MODELS]
    assert counted == [2.0, 20.0]


@pytest.mark.parametrize(
    ("name", "limit", "fewer"),
    [("calls", 6, True), ("tokens", 20_000, True), ("money", 0.024, True), ("calls", 10**6, False)],
)
def test_a_limit_ends_mutation_by_models_wherever_it_is_replayed(
    contexts: list[Context], writer: Writer, name: str, limit: float, fewer: bool
) -> None:
    """What is in flight is thought of, so that no call is refused and none is a matter of time."""
    search = a_search(contexts, MODELS[:1], {name: limit})
    stored = run(search, writer)
    again = a_search(contexts, MODELS[:1], {name: limit})
    assert run(again, writer, random.Random(1)) == stored
    costs = [v["cost"] for c, v in stored.values() if c.by_model]
    mutation = search.mutation
    assert mutation is not None
    taken = {
        "calls": sum(c["model_calls"] for c in costs),
        "tokens": sum(c["prompt_tokens"] + c["completion_tokens"] for c in costs),
        "money": sum(c["money"] for c in costs),
    }
    assert 0 < taken[name] <= limit
    assert mutation.ended == (f"llm.budget.{name}={limit:g}" if fewer else "")
    assert (len(search.state.operators.active) == len(search.settings.operators)) == fewer
    assert search.state.folded == TICKETS


def test_what_programs_ask_counts_towards_the_limits(
    contexts: list[Context], writer: Writer
) -> None:
    search = a_search(contexts, MODELS[:1], {"calls": 1_000.0})
    mutation = search.mutation
    assert mutation is not None
    mutation.asked_by_program({"ask_calls": 995})
    run(search, writer)
    assert mutation.ended == "llm.budget.calls=1000"  # far from it without
    assert mutation.spending[MODELS[0].name].costs["model_calls"] < 10


@pytest.mark.parametrize("asks", [False, True])
def test_models_are_told_of_asking_where_programs_may_ask(
    contexts: list[Context], asks: bool
) -> None:
    search = a_search(contexts)
    search.mutation = search.state.mutation = Mutation(MODELS, contexts, None, asks)
    models = {model.name: FakeModel() for model in MODELS}
    writer = a_writer(**models)
    run(search, writer)
    writer.close()
    told = [dict(r.messages[:1])["system"] for m in models.values() for r in m.asked]
    assert told
    assert all(("ask_all(prompts" in text) == ("retell(texts" in text) == asks for text in told)


def test_a_spent_budget_ends_that_model_and_typed_gp_goes_on(contexts: list[Context]) -> None:
    gone = [BudgetSpent("llm.budget.calls=3 is spent")] * 99
    search, writer = a_search(contexts, MODELS[:1]), a_writer(small=FakeModel(*gone))
    stored = run(search, writer)
    writer.close()
    by_model = [t for t, (c, _) in stored.items() if c.by_model]
    assert by_model
    assert max(by_model) < min(by_model) + SETTINGS.in_flight + 1
    assert search.state.folded == TICKETS
    assert search.state.operators.active.keys() == search.settings.operators.keys()
    mutation = search.state.mutation
    assert mutation is not None
    assert "(its budget is spent)" in models_table(mutation)[1][0][0]


def test_models_alone_end_with_their_budget(contexts: list[Context]) -> None:
    search = a_search(contexts, MODELS[:1], method="llm", random_programs=0, restart=0.0)
    model = FakeModel(mischief=0.0)
    writer = a_writer(small=model)
    stored = run(search, writer, tickets=40)
    operators = {c.operator.split(":")[0] for c, _ in stored.values()}
    assert operators == {"baseline", "llm"}
    assert not search.at_its_end
    model.left = [BudgetSpent("llm.budget.calls=30 is spent")] * 99
    more = run(search_again := a_search(contexts, MODELS[:1], method="llm", random_programs=0,
               restart=0.0), writer, stored=dict(stored), tickets=80)  # fmt: skip
    writer.close()
    assert search_again.at_its_end
    assert len(more) == 40 + SETTINGS.in_flight


def test_a_parent_that_fits_no_model_is_left_to_typed_gp(contexts: list[Context]) -> None:
    search, writer = a_search(contexts, (Writes("small", 500),)), a_writer()
    stored = run(search, writer)
    writer.close()
    assert not [c for c, _ in stored.values() if c.by_model]


def test_the_account_of_models_adds_up(finished: tuple[Search, Stored]) -> None:
    mutation = finished[0].state.mutation
    assert mutation is not None
    costs = [v["cost"] for c, v in finished[1].values() if c.by_model]
    calls = sum(c["model_calls"] for c in costs)
    tokens = sum(c["prompt_tokens"] + c["completion_tokens"] for c in costs)
    assert f"{calls} answers, {tokens:,} tokens, " in in_short(mutation)
    refused = [r for c, v in finished[1].values() if c.by_model for r in v["model"]["refused"]]
    assert refused
    for reason in set(refused):
        assert f"{refused.count(reason)} {reason}" in failures(mutation)
    small, large = models_table(mutation)[1]
    assert (small[0], large[0], large[-1]) == ("small", "large+1", "not known")
    gains = [float(line[4]) for line in ideas_table(mutation)[1] if line[0] in IDEAS]
    assert gains == sorted(gains, reverse=True)
