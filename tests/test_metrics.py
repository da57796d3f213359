"""Metrics: independent gold values, properties of any population, and standard errors."""

import json
from collections.abc import Callable, Sequence
from math import inf, isfinite, log, nan, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fitness import metrics
from fitness.metrics import Measure, Points, as_points
from fitness.metrics.neighbours import nearest
from generators.errors import GamutError

GOLD = json.loads((Path(__file__).parent / "gold" / "metric_gold.json").read_text())
SETS: dict[str, dict[str, Any]] = GOLD["sets"]
Rows = list[list[float | None]]


def population(rows: Sequence[Sequence[float | None]], asked: int | None = None) -> Points:
    return as_points(rows, len(rows[0]), asked)


def gold(name: str) -> Points:
    return population(SETS[name]["points"])


def uniform(count: int, axes: int, seed: int = 0) -> Points:
    return population(np.random.default_rng(seed).random((count, axes)).tolist())


def with_figure(key: str) -> list[str]:
    return [name for name, values in SETS.items() if key in values]


levels = st.floats(0, 1) | st.sampled_from([0.0, 1 / 3, 0.5, 2 / 3, 1.0])


@st.composite
def populations(draw: st.DrawFn, fewest: int = 0, missing: bool = True) -> tuple[Rows, int, int]:
    """Rows, axes and number asked for."""
    axes = draw(st.integers(1, 4))
    level = levels | st.none() if missing else levels
    rows = draw(
        st.lists(st.lists(level, min_size=axes, max_size=axes), min_size=fewest, max_size=9)
    )
    absent = draw(st.integers(0, 2)) if missing else 0
    return rows, axes, len(rows) + absent


def ball(points: Points) -> float:
    return metrics.ball_coverage(points, 0.3)


SINGLE: dict[str, Callable[[Points], float]] = {
    "ball_coverage": ball,
    "hull_volume": metrics.hull_volume,
    "mean_pairwise": metrics.mean_pairwise,
    "min_pairwise": metrics.min_pairwise,
    "dispersion": metrics.dispersion,
    "kl": metrics.kl,
    "missing": metrics.missing,
    "combination_coverage_1": lambda points: metrics.combination_coverage(points, 1),
}


# Gold values


@pytest.mark.parametrize("name", SETS)
def test_gold_combinations(name: str) -> None:
    for t, expected in SETS[name]["combinations"].items():
        share = metrics.combination_coverage(gold(name), int(t))
        assert share == pytest.approx(expected["covered"] / expected["possible"], abs=1e-12)


@pytest.mark.parametrize("figure", ["mean_pairwise", "min_pairwise", "hull_volume"])
def test_gold_distances(figure: str) -> None:
    for name in with_figure(figure):
        assert SINGLE[figure](gold(name)) == pytest.approx(SETS[name][figure], abs=1e-6)


@pytest.mark.parametrize("name", with_figure("coverage"))
def test_gold_ball_coverage(name: str) -> None:
    values = SETS[name]
    found = metrics.ball_coverage(gold(name), values["coverage_radius"])
    assert found == pytest.approx(values["coverage"], abs=0.003)


@pytest.mark.parametrize("size", GOLD["radius"])
def test_gold_radius(size: str) -> None:
    asked, axes = map(int, size.split("x"))
    expected = GOLD["radius"][size]
    found = metrics.coverage_radius(asked, axes)
    assert found == pytest.approx(expected["mean"], abs=4 * expected["se"])


def test_gold_dispersion() -> None:
    for name in with_figure("dispersion_at_least"):
        found = metrics.dispersion(gold(name))
        assert SETS[name]["dispersion_at_least"] - 0.01 <= found
        assert found <= SETS[name]["dispersion_at_least"] + 0.05
    exact = SETS["corners_8x3"]["dispersion_exact"]
    assert metrics.dispersion(gold("corners_8x3")) == pytest.approx(exact, abs=1e-6)


# Any population


@settings(max_examples=60, deadline=None)
@given(populations(), st.randoms(use_true_random=False))
def test_order_of_personas_changes_nothing(drawn: tuple[Rows, int, int], shuffler: Any) -> None:
    rows, axes, asked = drawn
    other = list(rows)
    shuffler.shuffle(other)
    assert metrics.measure(as_points(rows, axes, asked)) == metrics.measure(
        as_points(other, axes, asked)
    )


@settings(max_examples=60, deadline=None)
@given(populations(fewest=1))
def test_every_population_gets_finite_figures(drawn: tuple[Rows, int, int]) -> None:
    rows, axes, asked = drawn
    points = as_points(rows, axes, asked)
    weights = {t: metrics.rare_weights(points, t) for t in range(1, min(3, axes) + 1)}
    for name, found in metrics.measure(points, weights).items():
        assert isfinite(found.value), name
        assert isfinite(found.se), name
        assert found.se >= 0, name


@settings(max_examples=40, deadline=None)
@given(populations(fewest=1))
def test_one_persona_more_never_covers_less(drawn: tuple[Rows, int, int]) -> None:
    rows, axes, _ = drawn
    fewer, more = as_points(rows[:-1], axes), as_points(rows, axes)
    assert ball(more) >= ball(fewer)
    assert metrics.dispersion(more) <= metrics.dispersion(fewer)
    for t in range(1, min(3, axes) + 1):
        assert metrics.combination_coverage(more, t) >= metrics.combination_coverage(fewer, t)


@settings(max_examples=40, deadline=None)
@given(populations(missing=False))
def test_coverage_keeps_its_bound(drawn: tuple[Rows, int, int]) -> None:
    rows, axes, asked = drawn
    for t in range(1, axes + 1):
        bound = metrics.combination_bound(asked, axes, t)
        assert metrics.combination_coverage(as_points(rows, axes), t) <= bound + 1e-12


@settings(max_examples=40, deadline=None)
@given(populations())
def test_turning_an_axis_round_keeps_combinations(drawn: tuple[Rows, int, int]) -> None:
    rows, axes, _ = drawn
    turned: Rows = [[None if row[0] is None else 1 - row[0], *row[1:]] for row in rows]
    for t in range(1, axes + 1):
        assert metrics.combination_coverage(
            as_points(rows, axes), t
        ) == metrics.combination_coverage(as_points(turned, axes), t)


@pytest.mark.parametrize("name", ["uniform_25x3", "clump_25x3", "uniform_25x4"])
def test_order_of_axes_changes_monte_carlo_figures_within_their_error(name: str) -> None:
    rows = np.array(SETS[name]["points"])
    before = metrics.measure(gold(name))
    after = metrics.measure(population(rows[:, ::-1].tolist()))
    for figure in ("ball_coverage", "kl", "dispersion"):
        allowed = {"ball_coverage": 0.005, "kl": 0.15, "dispersion": 0.03}[figure]
        assert after[figure].value == pytest.approx(before[figure].value, abs=allowed)
    for figure in set(before) - {"ball_coverage", "kl", "dispersion"}:
        assert after[figure].value == pytest.approx(before[figure].value, abs=1e-9)


# Populations at the edge


def test_nobody() -> None:
    empty = as_points([], 3, 25)
    found = {name: figure.value for name, figure in metrics.measure(empty).items()}
    assert found == {
        "ball_coverage": 0,
        "combination_coverage_2": 0,
        "combination_coverage_3": 0,
        "hull_volume": 0,
        "mean_pairwise": 0,
        "min_pairwise": 0,
        "dispersion": pytest.approx(sqrt(3)),
        "kl": pytest.approx(log(4096)),
        "missing": 1,
    }
    assert metrics.missing(as_points([], 3)) == 1


def test_all_alike_is_no_better_than_one_persona() -> None:
    one, alike = population([[0.2, 0.4, 0.9]], 25), population([[0.2, 0.4, 0.9]] * 25)
    for name in ("ball_coverage", "hull_volume", "min_pairwise", "dispersion"):
        assert SINGLE[name](one) == SINGLE[name](alike)
    assert metrics.combination_coverage(alike, 3) == 1 / 27
    assert metrics.mean_pairwise(alike) == 0
    assert metrics.kl(alike) > metrics.kl(gold("clump_25x3")) + 3


def test_fewer_personas_than_asked_for_gain_nothing() -> None:
    few = population([[0.1, 0.1, 0.1], [0.9, 0.9, 0.9]], 25)
    found = metrics.measure(few)
    assert found["ball_coverage"].value < 0.3
    assert found["min_pairwise"].value == 0
    assert found["mean_pairwise"].value == pytest.approx(sqrt(3 * 0.64) / 300)
    assert found["missing"].value == pytest.approx(23 / 25)


def test_partly_read_personas_count_where_they_are_read() -> None:
    points = population([[0.1, 0.1, None], [0.9, None, None]])
    assert metrics.combination_coverage(points, 1) == 3 / 9
    assert metrics.combination_coverage(points, 2) == 1 / 27
    assert metrics.combination_coverage(points, 3) == 0
    assert metrics.missing(points) == pytest.approx(3 / 6)
    assert metrics.dispersion(points) == sqrt(3)


@pytest.mark.parametrize(
    ("rows", "asked"),
    [
        ([[nan, 0.5]], None),
        ([[inf, 0.5]], None),
        ([[-inf, 0.5]], None),
        ([[-0.01, 0.5]], None),
        ([[1.01, 0.5]], None),
        ([[0.5]], None),
        ([[0.5, 0.5], [0.5, 0.5, 0.5]], None),
        ([["high", 0.5]], None),
        ([[0.5, 0.5]] * 3, 2),
    ],
)
def test_what_is_no_point_is_refused(rows: Any, asked: int | None) -> None:
    with pytest.raises(GamutError):
        as_points(rows, 2, asked)


def test_flat_populations_have_no_volume() -> None:
    rng = np.random.default_rng(0)
    two = rng.random((40, 2))
    slanted = np.column_stack([two, two.mean(axis=1)])
    assert metrics.hull_volume(population(slanted.tolist())) == 0
    with pytest.raises(GamutError, match="6 axes"):
        metrics.hull_volume(uniform(9, 7))


def test_middle_holds_both_cuts() -> None:
    cuts = np.array([0.3333, 1 / 3, 0.5, 2 / 3, 1 - 1 / 3, 0.6667])
    assert metrics.levels_of(cuts).tolist() == [0, 1, 1, 1, 1, 2]


def test_kl_sees_joint_structure() -> None:
    line = np.linspace(0.02, 0.98, 25)
    diagonal = population(np.column_stack([line, line, line]).tolist())
    assert metrics.kl(diagonal) > 1
    assert abs(np.mean([metrics.kl(uniform(25, 3, seed)) for seed in range(40)])) < 0.1


# Rare combinations


def test_rare_weights_as_defined() -> None:
    reference = population([[0.1, 0.1], [0.1, 0.2], [0.9, 0.5], [0.9, None]])
    weights = metrics.rare_weights(reference, 2)
    assert weights.shape == (1, 9)
    assert weights.sum() == pytest.approx(1)
    surprise = [-np.log2((count + 0.5) / (3 + 4.5)) for count in (2, 1, 0)]
    total = surprise[0] + surprise[1] + 7 * surprise[2]
    assert weights[0, 0] == pytest.approx(surprise[0] / total)
    assert weights[0, 7] == pytest.approx(surprise[1] / total)
    assert weights[0, 8] == pytest.approx(surprise[2] / total)


def test_rare_coverage_is_the_weight_of_what_is_covered() -> None:
    weights = metrics.rare_weights(gold("clump_25x3"), 3)
    everything = population(
        [[a, b, c] for a in (0.1, 0.5, 0.9) for b in (0.1, 0.5, 0.9) for c in (0.1, 0.5, 0.9)]
    )
    assert metrics.rare_combination_coverage(everything, 3, weights) == pytest.approx(1)
    plain = metrics.combination_coverage(gold("clump_25x3"), 3)
    assert metrics.rare_combination_coverage(gold("clump_25x3"), 3, weights) < plain
    with pytest.raises(GamutError, match="shape"):
        metrics.rare_combination_coverage(everything, 2, weights)


# All at once


@pytest.mark.parametrize(
    ("axes", "names"),
    [
        (2, {"ball_coverage", "hull_volume", "rare_combination_coverage_2"}),
        (
            4,
            {
                "ball_coverage",
                "hull_volume",
                "combination_coverage_3",
                "rare_combination_coverage_3",
            },
        ),
        (10, {"combination_coverage_3", "rare_combination_coverage_3"}),
    ],
)
def test_names_of_the_contract(axes: int, names: set[str]) -> None:
    points, t = uniform(25, axes), min(3, axes)
    always = {"mean_pairwise", "min_pairwise", "dispersion", "kl", "missing"}
    found = metrics.measure(points, {t: metrics.rare_weights(points, t)})
    assert set(found) == names | always | {"combination_coverage_2"}
    fast = metrics.coverage_measures(points, {t: metrics.rare_weights(points, t)})
    assert fast == {name: found[name] for name in fast}


def deleted(points: Points, figure: Callable[[Points], float]) -> Measure:
    """The delete-one jackknife done the long way."""
    count = len(points.values)
    values = []
    for gone in range(count):
        keep = np.arange(count) != gone
        values.append(figure(Points(points.values[keep], points.read[keep], points.asked - 1)))
    se = sqrt((count - 1) / count * np.sum((np.array(values) - np.mean(values)) ** 2))
    return Measure(figure(points), se)


@settings(max_examples=30, deadline=None)
@given(populations(fewest=2))
def test_errors_are_the_delete_one_jackknife(drawn: tuple[Rows, int, int]) -> None:
    rows, axes, asked = drawn
    points = as_points(rows, axes, asked)
    found = metrics.measure(points)
    radius = metrics.coverage_radius(asked, axes)
    by_hand: dict[str, Callable[[Points], float]] = {
        name: SINGLE[name] for name in ("hull_volume", "mean_pairwise", "missing", "dispersion")
    }
    if axes in (2, 3, 4):
        by_hand["ball_coverage"] = lambda fewer: metrics.ball_coverage(fewer, radius)
        by_hand["combination_coverage_2"] = lambda fewer: metrics.combination_coverage(fewer, 2)
    if axes > 2:
        by_hand["combination_coverage_3"] = lambda fewer: metrics.combination_coverage(fewer, 3)
    if metrics.missing(points) == 0:
        by_hand["min_pairwise"] = metrics.min_pairwise
    for name, figure in by_hand.items():
        expected = deleted(points, figure)
        assert found[name].value == pytest.approx(expected.value, abs=1e-9), name
        assert found[name].se == pytest.approx(expected.se, abs=1e-6), name


def test_errors_match_the_spread_of_fresh_populations() -> None:
    found = [metrics.measure(uniform(25, 3, seed)) for seed in range(60)]
    for name in found[0]:
        if name != "missing":
            spread = np.std([each[name].value for each in found])
            typical = sqrt(np.mean([each[name].se ** 2 for each in found]))
            assert 0.75 * spread < typical < 2.5 * spread, name


def test_grouped_errors_agree_with_delete_one_in_size() -> None:
    large = metrics.measure(uniform(600, 3))
    assert 0.005 < large["mean_pairwise"].se < 0.02
    assert 0.003 < large["ball_coverage"].se < 0.03


@pytest.mark.parametrize("alike", [0, 480])
def test_nearest_of_many_is_nearest(alike: int) -> None:
    rng = np.random.default_rng(5)
    people, queries = rng.random((500, 3)), rng.random((50, 3))
    people[:alike] = 0.5
    groups = np.arange(500) // 100
    found = nearest(queries, people, groups)
    distances = np.linalg.norm(queries[:, None] - people, axis=2)
    assert found.distance == pytest.approx(distances.min(axis=1))
    for group in range(5):
        expected = distances[:, groups != group].min(axis=1)
        assert found.without(group) == pytest.approx(expected)


# Reference lines and words


def test_reference_lines_of_the_design_document() -> None:
    three = metrics.reference_lines(25, 3)
    assert three["uniform"]["combination_coverage_3"] == pytest.approx(0.61, abs=0.03)
    assert three["sobol"]["combination_coverage_3"] == pytest.approx(0.70, abs=0.03)
    assert three["covering_design"]["combination_coverage_3"] == pytest.approx(25 / 27)
    assert three["bound"]["combination_coverage_3"] == pytest.approx(25 / 27)
    assert three["uniform"]["ball_coverage"] == pytest.approx(0.95, abs=0.02)
    assert three["sobol"]["ball_coverage"] == pytest.approx(0.99, abs=0.005)
    ten = metrics.reference_lines(60, 10)
    assert ten["covering_design"]["combination_coverage_2"] == 1
    assert ten["covering_design"]["combination_coverage_3"] > 0.99
    assert "ball_coverage" not in ten["uniform"]


LABELS = [
    ("isolation", "among friends", "isolated"),
    ("trust", "wary of machines", "trusting machines"),
    ("money", "well off", "short of money"),
]


def test_uncovered_combinations_in_words() -> None:
    points = population([[0.9, 0.9, 0.1]])
    found = metrics.uncovered(points, LABELS, 3, limit=4)
    assert (found.total, found.possible) == (26, 27)
    assert len(found.combinations) == 4
    assert found.combinations[0] == "among friends; wary of machines; well off: nobody"
    assert "isolated; trusting machines; well off: nobody" not in found.combinations
    every = metrics.uncovered(points, LABELS, 3, limit=100).combinations
    middle = "in the middle on isolation; in the middle on trust; in the middle on money: nobody"
    assert every[-1] == middle


def test_rarest_uncovered_combination_comes_first() -> None:
    common = [[a, b, c] for a in (0.1, 0.5, 0.9) for b in (0.1, 0.5, 0.9) for c in (0.1, 0.5, 0.9)]
    common.remove([0.5, 0.9, 0.5])
    weights = metrics.rare_weights(population(common), 3)
    first = metrics.uncovered(as_points([], 3, 25), LABELS, 3, weights, limit=1).combinations
    assert first == (
        "in the middle on isolation; trusting machines; in the middle on money: nobody",
    )
    with pytest.raises(GamutError, match="labels"):
        metrics.uncovered(population([[0.5, 0.5]]), LABELS, 2)
