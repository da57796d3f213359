"""The search as a fold: replayable whoever finishes first; islands fill, elites stay."""

import hashlib
import random
from typing import Any

import pytest

from evolve.evaluate import DROPPED, FAILED, SCORED, SCORES
from evolve.niches import Standing, confirmed
from evolve.search import Search, Settings
from evolve.store import Candidate
from generators.baselines import BASELINES, baseline

CONTEXTS = ("a", "b", "c")
SETTINGS = Settings(
    seed=7,
    in_flight=6,
    islands=3,
    island_size=8,
    random_programs=12,
    restart=0.1,
    migration_every=20,
    second_change=0.3,
)


def a_search(**changes: Any) -> Search:
    settings = Settings(**{**SETTINGS.__dict__, **changes})
    start = [(f"baseline:{name}", baseline(name)) for name in BASELINES]
    return Search(settings, start, CONTEXTS, first_rung=1)


def verdict(candidate: Candidate, bar: float, standing: Standing) -> dict[str, Any]:
    """A made-up evaluation that depends on the source alone; some fail, some end early."""
    draw = random.Random(hashlib.sha256(candidate.source.encode()).digest())
    seeds = {c: [draw.random() for _ in range(4)] for c in CONTEXTS}
    values, fresh = ({c: v[part] for c, v in seeds.items()} for part in (slice(2), slice(2, 4)))
    status = FAILED if draw.random() < 0.1 else SCORED
    if status == SCORED and values["a"][0] < bar:
        return {"status": DROPPED, "values": {"a": values["a"][:1]}, "pairs": {}, "measures": {}}
    measures = {"density": draw.random(), "words": 20 + 600 * draw.random()}
    if status == FAILED:
        return {"status": FAILED, "values": {}, "pairs": values, "measures": measures}
    judged = {"status": SCORED, "measures": measures, **dict.fromkeys(SCORES, values)}
    return confirmed(judged, standing, 2, lambda k: dict.fromkeys(SCORES, _first(fresh, k + 1)))


def _first(table: dict[str, list[float]], seeds: int) -> dict[str, list[float]]:
    return {context: values[:seeds] for context, values in table.items()}


def run(search: Search, tickets: int, shuffle: random.Random | None = None) -> list[Candidate]:
    """Drive a search; with `shuffle`, evaluations finish in any order."""
    bred: list[Candidate] = []
    flying: dict[int, tuple[Candidate, float, Standing]] = {}
    done: dict[int, tuple[Candidate, dict[str, Any]]] = {}
    while search.state.folded < tickets:
        while len(bred) < tickets and search.may_breed(len(bred)):
            candidate, bar = search.breed(len(bred))
            flying[candidate.ticket] = candidate, bar, search.state.archive.standing()
            bred.append(candidate)
        ready = done.pop(search.state.folded, None)
        if ready:
            search.fold(*ready)
            continue
        ticket = shuffle.choice(sorted(flying)) if shuffle else min(flying)
        candidate, bar, standing = flying.pop(ticket)
        done[ticket] = candidate, verdict(candidate, bar, standing)
    return bred


@pytest.fixture(scope="module")
def finished() -> tuple[Search, list[Candidate]]:
    search = a_search()
    return search, run(search, 150)


def test_the_order_of_finishing_changes_nothing(
    finished: tuple[Search, list[Candidate]],
) -> None:
    search, bred = finished
    for order in range(3):
        other = a_search()
        assert run(other, 150, random.Random(order)) == bred
        assert [e.candidate for e in other.state.archive.elites] == [
            e.candidate for e in search.state.archive.elites
        ]


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
    operators = {c.operator for c in bred}
    assert {"random", "subtree", "point", "insert", "shrink", "constant", "crossover"} <= operators
    assert [len(island) for island in search.state.islands] == [8, 8, 8]
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
    for number, island in enumerate(finished[0].state.islands):
        for member in island:
            homes.setdefault(member.program.hash, set()).add(number)
    assert any(len(where) > 1 for where in homes.values())
