"""Fidelity: the rank correlation of declared and read levels, and where scorecards have it."""

from math import isnan, nan

import numpy as np
import pytest
from conftest import People
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from fitness.embedding import Caches
from fitness.metrics import Points, as_points, fidelity, fidelity_error
from fitness.respondents import Projection
from fitness.scoring import Scorer
from generators.context import Context
from generators.persona import Persona

levels = st.floats(0, 1)
distinct = st.lists(st.integers(0, 1_000), min_size=3, max_size=12, unique=True)


def one_axis(declared: list[float], read: list[float | None]) -> tuple[np.ndarray, Points]:
    return np.array(declared, dtype=float)[:, None], as_points([[z] for z in read], 1)


@st.composite
def populations(draw: st.DrawFn) -> tuple[np.ndarray, Points]:
    """Levels declared and read of some personas on some axes; either may be missing."""
    people, axes = draw(st.integers(3, 9)), draw(st.integers(1, 3))
    some = st.one_of(st.sampled_from([0.0, 0.5, 1.0]), levels)
    rows = st.lists(st.one_of(st.none(), some), min_size=axes, max_size=axes)
    declared, read = (draw(st.lists(rows, min_size=people, max_size=people)) for _ in range(2))
    return np.array(declared, dtype=float), as_points(read, axes)


@given(declared=distinct)
def test_a_reading_that_keeps_the_order_has_fidelity_one(declared: list[int]) -> None:
    read = [(level / 1_000) ** 2 for level in declared]
    assert fidelity(*one_axis(declared, read))[0] == pytest.approx(1)
    assert fidelity_error(*one_axis(declared, read)) == pytest.approx(0, abs=1e-9)


@given(declared=distinct)
def test_a_reading_that_turns_the_order_round_has_minus_one(declared: list[int]) -> None:
    read = [1 - (level / 1_000) ** 2 for level in declared]
    assert fidelity(*one_axis(declared, read))[0] == pytest.approx(-1)


@given(population=populations())
def test_it_is_spearmans_rank_correlation_of_what_is_known(
    population: tuple[np.ndarray, Points],
) -> None:
    declared, points = population
    for k, rho in enumerate(fidelity(declared, points)):
        known = points.read[:, k] & ~np.isnan(declared[:, k])
        meant, read = declared[known, k], points.values[known, k]
        if len(meant) < 3 or len(set(meant)) == 1:
            assert isnan(rho)
        elif len(set(read)) == 1:
            assert rho == 0
        else:
            assert rho == pytest.approx(spearmanr(meant, read).statistic)
            assert abs(rho) <= 1 + 1e-9


@pytest.mark.parametrize(
    ("declared", "read"),
    [
        ([], []),
        ([0.1, 0.9], [0.1, 0.9]),  # too few
        ([0.1, 0.9, nan], [0.1, 0.9, 0.5]),  # too few declared
        ([0.1, 0.9, 0.5], [0.1, 0.9, None]),  # too few read
        ([0.1, nan, 0.5, 0.7], [None, 0.2, 0.5, 0.6]),  # too few that have both
        ([0.5, 0.5, 0.5], [0.1, 0.9, 0.5]),  # one level declared
    ],
)
def test_too_little_says_nothing(declared: list[float], read: list[float | None]) -> None:
    assert isnan(fidelity(*one_axis(declared, read))[0])


def test_a_reading_alike_of_all_has_none() -> None:
    assert fidelity(*one_axis([0.1, 0.5, 0.9], [0.4, 0.4, 0.4]))[0] == 0


@given(population=populations(), seed=st.integers(0, 9))
def test_the_order_of_personas_makes_no_difference(
    population: tuple[np.ndarray, Points], seed: int
) -> None:
    declared, points = population
    order = np.random.default_rng(seed).permutation(len(declared))
    turned = declared[order], Points(points.values[order], points.read[order], points.asked)
    assert np.array_equal(fidelity(*turned), fidelity(declared, points), equal_nan=True)
    if not np.isnan(fidelity(declared, points)).all():
        assert fidelity_error(*turned) == pytest.approx(fidelity_error(declared, points), abs=1e-12)


@given(population=populations())
def test_the_standard_error_is_a_jackknife_over_personas(
    population: tuple[np.ndarray, Points],
) -> None:
    declared, points = population
    if np.isnan(fidelity(declared, points)).all():
        return
    error = fidelity_error(declared, points)
    assert np.isfinite(error)
    assert error >= 0
    means = []
    for out in range(len(declared)):
        kept = [i for i in range(len(declared)) if i != out]
        rest = Points(points.values[kept], points.read[kept], points.asked)
        rhos = [rho for rho in fidelity(declared[kept], rest) if not isnan(rho)]
        means.append(np.mean(rhos or [r for r in fidelity(declared, points) if not isnan(r)]))
    count = len(means)
    spread = sum((mean - np.mean(means)) ** 2 for mean in means)
    assert error == pytest.approx(((count - 1) / count * spread) ** 0.5, abs=1e-9)


# In a scorecard


@pytest.fixture(scope="module")
def scorer(elders: Context, caches: Caches) -> Scorer:
    return Scorer(elders, Projection(elders, caches), [])


@pytest.fixture(scope="module")
def told(elders: Context, people: People) -> list[Persona]:
    """Four personas, at every corner of the two axes; none declares a level."""
    poles = []
    for axis in elders.axes:
        assert axis.hidden is not None
        poles.append((" ".join(axis.hidden.low[:3]), " ".join(axis.hidden.high[:3])))
    return people(f"{one} {other}" for one in poles[0] for other in poles[1])


def declaring(told: list[Persona], axes: dict[str, list[float]]) -> list[Persona]:
    """The personas with levels on axes that they are said to have."""
    return [
        p.model_copy(update={"traits": {axis: given[i] for axis, given in axes.items()}})
        for i, p in enumerate(told)
    ]


def test_a_population_that_declares_nothing_has_no_fidelity(
    scorer: Scorer, told: list[Persona]
) -> None:
    for personas in (told, [p.model_copy(update={"traits": {}}) for p in told], []):
        card = scorer.scorecard(personas)
        assert "fidelity" not in card.metrics
        assert card.fidelity == {}
        assert "declared" not in card.verdict


def test_declared_levels_are_compared_with_read_ones(
    scorer: Scorer, told: list[Persona], elders: Context
) -> None:
    one, other = (axis.id for axis in elders.axes)
    true = {one: [0.1, 0.1, 0.9, 0.9], other: [0.1, 0.9, 0.1, 0.9]}
    right = scorer.scorecard(declaring(told, true))
    assert right.metrics["fidelity"].value > 0.7
    assert set(right.fidelity) == {one, other}
    assert "declared" not in right.verdict
    wrong = scorer.scorecard(declaring(told, {axis: true[axis][::-1] for axis in true}))
    assert wrong.metrics["fidelity"].value < -0.7
    assert "declared and read levels agree little (rank correlation -" in wrong.verdict
    assert right.points == wrong.points
    assert right.objective == wrong.objective  # what a program says of itself earns nothing


def test_an_axis_on_which_nothing_is_declared_has_none(
    scorer: Scorer, told: list[Persona], elders: Context
) -> None:
    one, other = (axis.id for axis in elders.axes)
    card = scorer.scorecard(
        declaring(told, {one: [0.1, 0.1, 0.9, 0.9], "height": [0, 0.2, 0.4, 1]})
    )
    assert card.fidelity[other] is None
    assert card.fidelity[one] == pytest.approx(card.metrics["fidelity"].value, abs=1e-6)
    elsewhere = scorer.scorecard(declaring(told, {"height": [0.1, 0.2, 0.3, 0.4]}))
    assert elsewhere.fidelity == {one: None, other: None}
    assert "fidelity" not in elsewhere.metrics
