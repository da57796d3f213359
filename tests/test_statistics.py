"""Statistics against values worked out by hand, against scipy, and for what they claim."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm, ttest_1samp

from evolve.statistics import (
    Interval,
    a12,
    interval,
    median_interval,
    paired_interval,
    signed_rank,
)

SAMPLES = st.lists(st.integers(-5, 5), min_size=1, max_size=12)


def test_interval_of_one_context_is_students() -> None:
    values = [0.1, 0.4, 0.2, 0.25]
    found, expected = interval({"one": values}), ttest_1samp(values, 0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.mean == pytest.approx(np.mean(values))


def test_interval_ignores_how_contexts_differ() -> None:
    near, far = ({"a": [0.0, 0.2], "b": [shift, shift + 0.2]} for shift in (0.0, 5.0))
    reach = [found.high - found.mean for found in (interval(near), interval(far))]
    assert reach[0] == pytest.approx(reach[1])


def test_paired_interval_cancels_what_both_sides_share() -> None:
    noise = np.random.default_rng(0).normal(size=6)
    mine, theirs = {"a": (noise + 0.1).tolist()}, {"a": noise.tolist()}
    lead = paired_interval(mine, theirs)
    assert (lead.mean, lead.low, lead.high) == pytest.approx((0.1, 0.1, 0.1))


def test_one_seed_has_no_interval() -> None:
    found = interval({"a": [0.5]})
    assert found.as_json() == {"mean": 0.5, "low": None, "high": None}


def test_an_interval_never_reads_minus_nothing() -> None:
    assert str(Interval(-1e-9, -0.0001, 0.25)) == "0.000 [0.000, 0.250]"


@pytest.mark.parametrize(
    ("x", "y", "effect"),
    [
        ([3, 4, 5], [1, 2, 3], 17 / 18),  # of nine pairs eight are won and one is a draw
        ([1, 2], [1, 2], 0.5),
        ([1, 1, 1], [1], 0.5),
        ([2, 9], [5], 0.5),
        ([1], [2, 3], 0.0),
        ([4, 5], [1, 2, 3], 1.0),
    ],
)
def test_a12_by_hand(x: list[int], y: list[int], effect: float) -> None:
    assert a12(x, y).mean == pytest.approx(effect)


@given(SAMPLES, SAMPLES)
def test_a12_mirrors_and_lies_in_its_interval(x: list[int], y: list[int]) -> None:
    found, mirror = a12(x, y), a12(y, x)
    assert 0 <= found.low <= found.mean <= found.high <= 1
    mirrored = (1 - mirror.mean, 1 - mirror.high, 1 - mirror.low)
    assert (found.mean, found.low, found.high) == pytest.approx(mirrored)


def test_a12_without_overlap_is_still_unsure_and_surer_with_more() -> None:
    few, many = (a12(range(n, 2 * n), range(n)) for n in (5, 20))
    assert few.low < many.low < 1 == few.high == many.high


@pytest.mark.parametrize("gap", [0.0, 1.2, 3.0])
def test_a12_intervals_hold_the_true_effect(gap: float) -> None:
    rng, true = np.random.default_rng(7), norm.cdf(gap / np.sqrt(2))
    samples = (a12(rng.normal(size=10) + gap, rng.normal(size=10)) for _ in range(400))
    assert sum(s.low <= true <= s.high for s in samples) / 400 == pytest.approx(0.95, abs=0.035)


def test_bootstrap_intervals_hold_the_true_median() -> None:
    rng = np.random.default_rng(8)
    samples = (median_interval(rng.normal(size=10), rng, 500) for _ in range(400))
    assert sum(s.low <= 0 <= s.high for s in samples) / 400 == pytest.approx(0.94, abs=0.04)


def test_bootstrap_depends_on_its_rng_alone_and_needs_two_values() -> None:
    drawn = [median_interval([1, 2, 4, 8], np.random.default_rng(3), 50) for _ in range(2)]
    assert drawn[0] == drawn[1]
    assert drawn[0].mean == 3
    assert median_interval([2.0], np.random.default_rng(0)).as_json()["low"] is None


def test_signed_rank_by_hand() -> None:
    assert signed_rank(range(1, 11)) == pytest.approx(2 / 2**10)  # all ten signs alike
    assert signed_rank([1, -2, 3, -4]) > 0.5
    assert signed_rank([0.0, 0.0]) == 1


@pytest.mark.parametrize("sample", [[], [float("nan"), 1.0], [[1.0]]])
def test_what_is_no_sample_is_refused(sample: list[float]) -> None:
    for statistic in (signed_rank, lambda s: a12(s, [1.0])):
        with pytest.raises(ValueError, match="finite numbers"):
            statistic(sample)
