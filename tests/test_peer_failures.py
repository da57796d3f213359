"""What is known to break other searches is a stored verdict here, and the search goes on.

A real run over two contexts, in this very process but for the sandbox: a program that ended or
blocked its process would end or block the tests.
"""

import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import yaml
from hostile import peers

import conf
import evolve.evaluate
import evolve.run
from evolve.config import from_plain
from evolve.evaluate import FAILED, SCORED, Evaluator
from evolve.evidence import objective
from evolve.progress import Progress
from evolve.run import Run, create
from evolve.search import Search
from evolve.store import Candidate
from fitness.embedding import Caches
from generators.baselines import baseline

CONF = Path(str(conf.__file__)).parent
THREE_AXES, TWO_AXES = "companion_daily", "elders_devices"
FAILING = {
    "is not Python": (peers.NOT_PYTHON, "not Python"),
    "exits": (peers.EXITS, "import of os is not allowed"),
    "exits politely": (peers.EXITS_POLITELY, "SystemExit"),
    "hangs": (peers.HANGS, "computed for over"),
    "returns NaN": (peers.NOT_A_NUMBER, "JSON"),
    "patches the scorer": (peers.FORGES, "import of sys is not allowed|setattr is not allowed"),
    "states its score": (peers.STATES_ITS_SCORE, "record 0: not an object with fields of"),
    "returns too few": (peers.TOO_FEW, "returned 1 personas; 8 were asked for"),
}
PROGRAMS = {
    "honest": peers.HONEST,
    **{name: source for name, (source, _) in FAILING.items()},
    "fails on two axes": peers.NOT_EVERYWHERE,
}
TICKETS = 1 + len(PROGRAMS) + 1  # a baseline before them, a program of the search's own after
PEOPLE = 8
Stored = dict[str, tuple[Candidate, dict[str, Any]]]


class Proposed(Search):
    """A search to which somebody, after the baseline, proposes the programs as a model would."""

    def breed(self, ticket: int) -> tuple[Candidate, float]:
        candidate, bar = super().breed(ticket)
        if not 1 <= ticket <= len(PROGRAMS):
            return candidate, bar
        name, source = list(PROGRAMS.items())[ticket - 1]
        return Candidate(ticket, source, sha256(source.encode()).hexdigest(), name, ()), -1.0


def a_run(folder: Path, patch: pytest.MonkeyPatch, caches: Caches) -> Run:
    for module in (evolve.run, evolve.evaluate):  # models are opened once a test session
        patch.setattr(module, "Caches", lambda *_: caches)
    patch.setattr(evolve.run, "start_programs", lambda _: [("start:one", baseline("name_only"))])
    patch.setattr(evolve.run, "Search", Proposed)
    plain = yaml.safe_load((CONF / "config.yaml").read_text())
    groups = {group: yaml.safe_load((CONF / group / f"{name}.yaml").read_text())
              for group, name in (("respondent", "agreement"), ("embedder", "minilm"))}  # fmt: skip
    search = yaml.safe_load((CONF / "search" / "gp.yaml").read_text())
    three, two = f"train/{THREE_AXES}", f"train/{TWO_AXES}"
    settings = {
        **plain, **groups, "contexts": {"training": [three, two], "report": [two]},
        "search": {**search, "replicates": 1}, "population": PEOPLE, "workers": 1,
        "budget": {**plain["budget"], "evaluations": TICKETS},
    }  # fmt: skip
    return create(from_plain(settings), folder, Progress(total=TICKETS, quiet=True))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, caches: Caches) -> Iterator[Run]:
    with pytest.MonkeyPatch.context() as patch:
        made = a_run(tmp_path_factory.mktemp("runs") / "run", patch, caches)
        evolve.run.evolve(made, Progress(total=TICKETS, quiet=True), workers=1)
        yield made


@pytest.fixture(scope="module")
def evaluator(run: Run, caches: Caches) -> Iterator[Evaluator]:
    """One more, in the process in which the run was."""
    opened = Evaluator(run.setup, caches)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def stored(run: Run) -> Stored:
    return {
        candidate.operator: (candidate, verdict) for candidate, verdict in run.store.candidates()
    }


def test_the_search_goes_on_as_if_nothing_had_been(
    run: Run, stored: Stored, evaluator: Evaluator
) -> None:
    assert [candidate.ticket for candidate, _ in run.store.candidates()] == list(range(TICKETS))
    assert run.search.state.folded == TICKETS
    assert stored["random"][1]["status"] != FAILED
    again = evaluator.evaluate(peers.HONEST, -1.0)
    assert objective(again) > 0.0
    assert again["values"] == stored["honest"][1]["values"]


@pytest.mark.parametrize("name", FAILING)
def test_it_is_stored_as_failed_with_the_reason(name: str, stored: Stored) -> None:
    _, verdict = stored[name]
    assert verdict["status"] == FAILED
    assert re.search(FAILING[name][1], verdict["reason"]), verdict["reason"]
    assert objective(verdict) == 0.0


def test_none_that_failed_has_a_place_in_the_search(run: Run, stored: Stored) -> None:
    failed = {stored[name][0].ticket for name in FAILING}
    state = run.search.state
    kept = {m.ticket for island in state.islands.all for m in island}
    kept |= {elite.candidate.ticket for elite in state.archive.elites}
    assert stored["honest"][0].ticket in kept
    assert not kept & failed


def test_levels_that_the_text_does_not_show_earn_nothing(
    stored: Stored, evaluator: Evaluator
) -> None:
    sources = peers.ONE_TEXT, peers.ONE_TEXT_CLAIMED
    plain, claimed = (evaluator.evaluate(source, -1.0) for source in sources)
    assert plain["status"] == claimed["status"] == SCORED
    assert claimed["values"] == plain["values"]
    assert objective(claimed) < objective(stored["honest"][1])


def test_a_context_on_which_it_fails_counts_as_zero(stored: Stored) -> None:
    honest, partial = (stored[name][1] for name in ("honest", "fails on two axes"))
    assert partial["status"] == SCORED
    assert partial["values"] == {THREE_AXES: honest["values"][THREE_AXES], TWO_AXES: [0.0]}
    assert objective(partial) == pytest.approx(honest["values"][THREE_AXES][0] / 2)
    assert TWO_AXES in partial["reason"]
    assert "two axes are too few" in partial["reason"]
