"""Learning curves."""

import numpy as np

from evolve.curve import best_so_far, draw_curves


def test_a_curve_steps_at_each_change_and_is_unknown_before_the_first() -> None:
    curve = best_so_far([(1, 0.25), (3, 0.5)], 5)
    assert np.array_equal(curve, [np.nan, 0.25, 0.25, 0.5, 0.5], equal_nan=True)
    assert np.isnan(best_so_far([], 3)).all()


def test_pictures_of_one_run_and_of_arms() -> None:
    one = {"": np.array([best_so_far([(1, 0.25)], 4)])}
    first, again = (draw_curves(one).decode() for _ in range(2))
    assert first == again
    assert "candidates" in first
    assert "legend" not in first
    arms = {"gp": np.array([[np.nan, 0.1], [0.0, 0.3]]), "random": np.full((2, 2), np.nan)}
    assert "legend" in draw_curves(arms).decode()
    assert draw_curves(arms, "png").startswith(b"\x89PNG")
