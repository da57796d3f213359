"""The search as a fold: replayable whoever finishes first; islands fill, elites stay."""

import hashlib
import random
from typing import Any

import pytest

from evolve.evaluate import DROPPED, DUPLICATE, FAILED, SCORED
from evolve.evidence import objective
from evolve.niches import Standing, confirmed
from evolve.operators import CROSSOVERS, OPERATORS
from evolve.search import Search, Settings
from evolve.store import Candidate
from evolve.tally import SCORES
from generators.baselines import BASELINES, baseline
from generators.program import parse

CONTEXTS = ("a", "b", "c")
TICKETS = 120
SETTINGS = Settings(
    seed=7,
    in_flight=6,
    islands=3,
    island_size=8,
    random_programs=12,
    restart=0.1,
    migration_every=20,
    second_change=0.3,
    bandit=True,
)
CLIMB = {"method": "hillclimb", "islands": 1, "island_size": 1, "random_programs": 0,
         "restart": 0.0, "migration_every": 0, "second_change": 0.0}  # fmt: skip


def a_search(**changes: Any) -> Search:
    settings = Settings(**{**SETTINGS.__dict__, **changes})
    start = [(f"baseline:{name}", baseline(name)) for name in BASELINES]
    return Search(settings, start, CONTEXTS, first_rung=1)


def verdict(
    candidate: Candidate,
    bar: float = -1.0,
    known: tuple[str, ...] = (),
    standing: Standing | None = None,
) -> dict[str, Any]:
    """A made-up evaluation that depends on the source alone: what a program's blocks are worth,
    differently a context. Some fail, some end early, some make the personas of another."""
    draw = drawn(candidate.source)
    digest = candidate.hash if draw.random() > 0.2 else f"same {draw.randrange(5)}"
    read = {"personas": 50, "characters": draw.randrange(1_000, 9_000)}
    empty = {"values": {}, "pairs": {}, "measures": {}, "digest": digest, "cost": {}}
    if draw.random() < 0.1:
        return {**empty, "status": FAILED, "digest": ""}
    if digest in known:
        return {**empty, "status": DUPLICATE}
    blocks = sorted(set(parse(candidate.source).blocks))
    worth = {c: sum(drawn(c + block).random() for block in blocks) / 9 for c in CONTEXTS}
    seeds = {c: [worth[c], *(worth[c] + 0.05 * draw.random() for _ in range(3))] for c in CONTEXTS}
    values, fresh = ({c: v[part] for c, v in seeds.items()} for part in (slice(2), slice(2, 4)))
    if values["a"][0] < bar:
        return {**empty, "status": DROPPED, "values": {"a": values["a"][:1]}, "cost": read}
    measures = {"density": draw.random(), "words": 20 + 600 * draw.random()}
    fresh = {c: [worth[c] + 0.05 * draw.random() for _ in range(2)] for c in CONTEXTS}
    judged = {**dict.fromkeys(SCORES, values), "measures": measures, "cost": read}

    def look(k: int) -> dict[str, Any]:
        return {key: {c: some[: k + 1] for c, some in fresh.items()} for key in SCORES}

    return confirmed({**empty, **judged, "status": SCORED}, standing or {}, 2, look)


def drawn(text: str) -> random.Random:
    return random.Random(hashlib.sha256(text.encode()).digest())


def run(
    search: Search,
    tickets: int,
    shuffle: random.Random | None = None,
    stored: dict[int, tuple[Candidate, dict[str, Any]]] | None = None,
) -> list[Candidate]:
    """Drive a search; with `shuffle`, evaluations finish in any order; what is `stored` is looked
    up, as when a killed run is resumed, and what is evaluated is added to it."""
    bred: list[Candidate] = []
    stored = {} if stored is None else stored
    flying: dict[int, tuple[Candidate, float, tuple[str, ...], Standing]] = {}
    while search.state.folded < tickets:
        while len(bred) < tickets and search.may_breed(len(bred)):
            if len(bred) in stored:
                candidate = stored[len(bred)][0]
                search.recall(candidate)
            else:
                candidate, bar = search.breed(len(bred))
                standing = search.state.archive.standing()
                flying[candidate.ticket] = candidate, bar, search.known(), standing
            bred.append(candidate)
        if search.state.folded in stored:
            search.fold(*stored[search.state.folded])
            continue
        ticket = shuffle.choice(sorted(flying)) if shuffle else min(flying)
        candidate, *task = flying.pop(ticket)
        stored[ticket] = candidate, verdict(candidate, *task)
    return bred


@pytest.fixture(scope="module")
def finished() -> tuple[Search, list[Candidate]]:
    search = a_search()
    return search, run(search, TICKETS)


def test_the_order_of_finishing_changes_nothing(
    finished: tuple[Search, list[Candidate]],
) -> None:
    search, bred = finished
    for order in range(2):
        other = a_search()
        assert run(other, TICKETS, random.Random(order)) == bred
        assert [e.candidate for e in other.state.archive.elites] == [
            e.candidate for e in search.state.archive.elites
        ]


def test_a_killed_search_is_resumed_whatever_was_stored(
    finished: tuple[Search, list[Candidate]],
) -> None:
    """Later tickets may be stored while earlier ones, in flight when it was killed, are not."""
    full: dict[int, tuple[Candidate, dict[str, Any]]] = {}
    run(a_search(), TICKETS, stored=full)
    for kill in (10, 80):
        left = {t: v for t, v in full.items() if t < kill or (t < kill + 5 and t % 2)}
        other = a_search()
        assert run(other, TICKETS, stored=left) == finished[1]
        assert left == full
        assert other.state.operators.shares() == finished[0].state.operators.shares()


def test_a_shorter_run_is_a_prefix(finished: tuple[Search, list[Candidate]]) -> None:
    assert run(a_search(), 90) == finished[1][:90]


def test_another_seed_or_number_in_flight_is_another_search(
    finished: tuple[Search, list[Candidate]],
) -> None:
    assert run(a_search(seed=8), 60) != finished[1][:60]
    assert run(a_search(in_flight=2), 60) != finished[1][:60]


def test_the_baselines_come_first_and_are_never_dropped(
    finished: tuple[Search, list[Candidate]],
) -> None:
    names = [c.operator for c in finished[1][: len(BASELINES)]]
    assert names == [f"baseline:{name}" for name in BASELINES]
    candidate, bar = a_search().breed(0)
    assert bar < 0
    assert candidate.hash == baseline(BASELINES[0]).hash


def test_every_operator_is_used_and_islands_and_cells_fill(
    finished: tuple[Search, list[Candidate]],
) -> None:
    search, bred = finished
    operators = {name for c in bred for name in c.operator.split("+")}
    assert {"random", *OPERATORS} <= operators
    assert [len(island) for island in search.state.islands.all] == [8, 8, 8]
    assert len(search.state.archive.elites) >= 8
    assert search.state.statuses[DROPPED] > 0
    assert search.state.statuses[FAILED] > 0


def test_parents_were_judged_before_their_children_were_bred(
    finished: tuple[Search, list[Candidate]],
) -> None:
    for candidate in finished[1]:
        assert all(p <= candidate.ticket - SETTINGS.in_flight for p in candidate.parents)


def test_migration_spreads_the_best(finished: tuple[Search, list[Candidate]]) -> None:
    homes: dict[str, set[int]] = {}
    for number, island in enumerate(finished[0].state.islands.all):
        for member in island:
            homes.setdefault(member.program.hash, set()).add(number)
    assert any(len(where) > 1 for where in homes.values())


def test_no_program_is_bred_twice_and_no_personas_are_offered_twice(
    finished: tuple[Search, list[Candidate]],
) -> None:
    search, bred = finished
    assert len({c.hash for c in bred}) == len(bred)
    digests = {c.ticket: verdict(c)["digest"] for c in bred}
    first = {d: t for t, d in reversed(digests.items()) if d}
    repeats = {t for t, d in digests.items() if d and first[d] != t}
    assert len(repeats) > 5
    assert search.state.statuses[DUPLICATE] == len(repeats)
    assert not repeats & search.state.values.keys()
    assert not repeats & {e.candidate.ticket for e in search.state.archive.elites}


def test_a_start_program_that_is_a_baseline_takes_no_ticket() -> None:
    start = [("baseline:corners", baseline("corners")), ("start:mine", baseline("sobol_mix"))]
    search = Search(SETTINGS, [*start, ("start:again", baseline("corners"))], CONTEXTS, 1)
    assert search.start == start


def test_evaluations_are_told_of_what_was_folded_and_the_latest_first() -> None:
    search = a_search()
    assert search.known() == ()
    for ticket, digest in enumerate(("x", "y", "x")):
        candidate = Candidate(ticket, baseline(BASELINES[ticket]).source, str(ticket), "start", ())
        search.fold(candidate, {**verdict(candidate), "digest": digest})
    assert search.known() == ("x", "y")


def test_operators_are_credited_with_what_their_children_gained(
    finished: tuple[Search, list[Candidate]],
) -> None:
    search, bred = finished
    arms, values = search.state.operators.arms, search.state.values
    for name in OPERATORS:
        children = [c for c in bred if name in c.operator.split("+")]
        made = [n for c in children for n in c.operator.split("+") if n == name]
        assert arms[name].tried == len(made)
        gains = {c.ticket: values.get(c.ticket, 0) - values[c.parents[0]] for c in children}
        better = sum(
            gains[c.ticket] > 0 for c in children for n in c.operator.split("+") if n == name
        )
        assert arms[name].better == better
    assert sum(arm.gain for arm in arms.values()) > 0
    assert [made_by for made_by, _ in search.state.trail] == [c.operator for c in bred]
    assert all(nodes > 20 for _, nodes in search.state.trail)


def test_without_the_bandit_operators_are_drawn_evenly() -> None:
    search = a_search(bandit=False)
    bred = run(search, 60)
    assert bred != run(a_search(), 60)
    assert sum(arm.tried for arm in search.state.operators.arms.values()) > 20  # for the report


def test_random_search_breeds_from_nothing() -> None:
    bred = run(a_search(method="random"), 60)
    assert {c.operator for c in bred[len(BASELINES) :]} == {"random"}


def test_a_hill_climber_varies_the_last_that_was_not_worse() -> None:
    search = a_search(**CLIMB, in_flight=1)
    current, value, judged = -1, -1.0, 0
    for ticket in range(80):
        candidate, bar = search.breed(ticket)
        if ticket >= len(BASELINES) and candidate.operator != "random":
            assert candidate.parents == (current,)
            assert not set(candidate.operator.split("+")) & set(CROSSOVERS)
            judged += 1
        one = verdict(candidate, bar, search.known(), search.state.archive.standing())
        search.fold(candidate, one)
        if one["status"] == SCORED and objective(one) >= value:
            current, value = ticket, objective(one)
    assert judged > 60
    assert current > len(BASELINES)


def test_a_hill_climber_does_not_depend_on_who_finishes_first() -> None:
    expected = run(a_search(**CLIMB), 60)
    assert run(a_search(**CLIMB), 60, random.Random(3)) == expected


def test_tournaments_take_the_best_of_few() -> None:
    few, many = (
        a_search(selection="tournament", tournament_size=size, second_change=0.0)
        for size in (2, 200)
    )
    means = []
    for search in (few, many):
        bred = run(search, TICKETS)
        values = [search.state.values[c.parents[0]] for c in bred if c.parents]
        means.append(sum(values) / len(values))
    assert means[1] > means[0]
    best = max(many.state.islands.of(0), key=lambda m: m.rank)
    assert all(many.toolbox.select(many.state.islands.of(0)) == [best] for _ in range(5))
