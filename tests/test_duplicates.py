"""A program that makes the personas of an earlier one is not scored, whatever its source says."""

from collections.abc import Iterator

import pytest

from evolve.evaluate import DUPLICATE, FAILED, SCORED, Evaluator
from evolve.setup import Setup
from fitness.embedding import Caches
from generators.baselines import baseline
from generators.context import Context

CORNERS = baseline("corners").source
CLIPPED = CORNERS.replace(
    "corners(n, len(axes), rng.getrandbits(31))",
    "stretch(corners(n, len(axes), rng.getrandbits(31)), 2.0)",
)


@pytest.fixture(scope="module")
def evaluator(elders: Context, caches: Caches) -> Iterator[Evaluator]:
    setup = Setup(
        training=(elders,),
        report=(elders,),
        references={elders.hash: [[0.2, 0.8], [0.5, None], [0.9, 0.1]]},
        population=5,
        seed=0,
        replicates=2,
        report_replicates=1,
        first_rung=1,
        respondent="projection",
        embedder={},
    )
    opened = Evaluator(setup, caches)
    yield opened
    opened.close()


def test_equal_personas_are_found_before_they_are_scored(evaluator: Evaluator) -> None:
    first = evaluator.evaluate(CORNERS, bar=-1.0)
    assert first["status"] == SCORED
    assert CLIPPED != CORNERS
    found = evaluator.evaluate(CLIPPED, -1.0, known=("another", first["digest"]))
    assert found["status"] == DUPLICATE
    assert found["digest"] == first["digest"]
    assert found["values"] == found["cost"] == {}
    assert "earlier program" in found["reason"]


def test_scoring_a_duplicate_would_have_found_the_same(evaluator: Evaluator) -> None:
    first, second = (evaluator.evaluate(source, bar=-1.0) for source in (CORNERS, CLIPPED))
    for verdict, calls in ((first, 6), (second, 7)):  # all that differs: clipping is a call
        assert verdict["measures"].pop("host_calls") == calls
        assert verdict["cost"].pop("host_calls") == 2 * calls
    assert first == second


def test_other_personas_have_another_digest(evaluator: Evaluator) -> None:
    programs = [baseline(name).source for name in ("corners", "sobol_mix", "uniform_graded")]
    digests = {evaluator.evaluate(source, bar=2.0)["digest"] for source in programs}
    assert len(digests - {""}) == 3


def test_a_program_that_fails_has_no_digest(evaluator: Evaluator) -> None:
    failing = "def generate(context, n, rng):\n    return []"
    verdict = evaluator.evaluate(failing, bar=-1.0, known=("",))
    assert verdict["status"] == FAILED
    assert verdict["digest"] == ""
