"""Covering designs: how much n rows cover, and that they are the same for the same seed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generators.designs import cells, covering_design
from generators.errors import GamutError


def covered(design: np.ndarray, t: int) -> float:
    table = cells(design.shape[1], t)
    return len(np.unique(table.of(design))) / table.total


@pytest.mark.parametrize(
    ("n", "axes", "t", "at_least"),
    [
        (25, 2, 2, 1.0),
        (9, 2, 2, 1.0),
        (25, 3, 3, 25 / 27),
        (27, 3, 3, 1.0),
        (60, 10, 2, 1.0),
        (60, 10, 3, 0.995),
        (256, 12, 3, 1.0),
    ],
)
def test_rows_cover_what_they_can(n: int, axes: int, t: int, at_least: float) -> None:
    assert covered(covering_design(n, axes, t, seed=3), t) >= at_least


def test_pairs_first_then_triples() -> None:
    design = covering_design(60, 10, t=2, seed=0)
    assert covered(design, 2) == 1.0
    assert covered(design, 3) > 0.99


def test_rows_beyond_full_coverage_are_spread() -> None:
    design = covering_design(18, 2, t=2, seed=0)
    _, counts = np.unique(cells(2, 2).of(design), return_counts=True)
    assert counts.tolist() == [2] * 9


@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(0, 12), axes=st.integers(1, 6), t=st.integers(1, 3), seed=st.integers(0, 2**32)
)
def test_same_seed_same_rows_and_fewer_rows_are_a_prefix(
    n: int, axes: int, t: int, seed: int
) -> None:
    t = min(t, axes)
    design = covering_design(n, axes, t, seed)
    assert design.shape == (n, axes)
    assert set(np.unique(design)) <= {0, 1, 2}
    assert np.array_equal(design, covering_design(n + 1, axes, t, seed)[:n])


def test_other_seed_other_rows() -> None:
    assert not np.array_equal(covering_design(25, 3, 3, 0), covering_design(25, 3, 3, 1))


@pytest.mark.parametrize(("n", "axes", "t"), [(-1, 3, 2), (5, 3, 4), (5, 3, 0)])
def test_impossible_designs_are_refused(n: int, axes: int, t: int) -> None:
    with pytest.raises(GamutError):
        covering_design(n, axes, t, seed=0)
