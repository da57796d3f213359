"""What known point sets would score if they were read perfectly: the lines beside a coverage."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from fitness.metrics.combinations import combination_bound, combination_coverage
from fitness.metrics.distances import ball_coverage, coverage_radius
from fitness.metrics.measurement import BALL_AXES
from fitness.metrics.points import Array, Points
from fitness.metrics.samples import sobol
from generators.designs import LEVELS, covering_design

_DESIGN_ROWS = 256  # cover all 3-way cells of 12 axes; more rows only cost time
_REPEATS = {"uniform": 32, "sobol": 32, "covering_design": 8}
_FEW = 2  # designs of many axes, which take long and hardly differ
_FEW_FROM_AXES = 7
_LARGE = 1000  # personas, from which point sets hardly differ and 4 of them are enough


def reference_lines(asked: int, axes: int) -> dict[str, dict[str, float]]:
    """Coverage of N uniform, Sobol and covering-design points read perfectly, and the bound.

    {"uniform" | "sobol" | "covering_design" | "bound": {metric: value}}, means over fixed seeds;
    metrics are `ball_coverage` (2 to 4 axes; it has no bound below 1), `combination_coverage_2`
    and `_3`. The covering design is the one made for that t, its points at random in their cells;
    ball coverage takes the one for t = min(3, K).
    """
    return {line: dict(values) for line, values in _lines(asked, axes).items()}


@lru_cache(maxsize=64)
def _lines(asked: int, axes: int) -> dict[str, dict[str, float]]:
    sizes = range(2, min(3, axes) + 1)
    return {
        "uniform": _means(asked, axes, lambda seed, t: _uniform(asked, axes, seed), "uniform"),
        "sobol": _means(asked, axes, lambda seed, t: sobol(asked, axes, seed), "sobol"),
        "covering_design": _means(
            asked, axes, lambda seed, t: _design(asked, axes, t, seed), "covering_design"
        ),
        "bound": {f"combination_coverage_{t}": combination_bound(asked, axes, t) for t in sizes},
    }


def _means(asked: int, axes: int, draw: Callable[[int, int], Array], line: str) -> dict[str, float]:
    """Mean of each metric over the point sets `draw(seed, t)`."""
    repeats = min(_REPEATS[line], 4) if asked > _LARGE else _REPEATS[line]
    if line == "covering_design" and axes >= _FEW_FROM_AXES:
        repeats = _FEW
    most = min(3, axes)
    scores: dict[str, list[float]] = {}
    for seed in range(repeats):
        for t in range(2, most + 1):
            drawn = draw(seed, t)
            points = Points(drawn, np.ones(drawn.shape, dtype=np.bool_), asked)
            scores.setdefault(f"combination_coverage_{t}", []).append(
                combination_coverage(points, t)
            )
            if t == most and axes in BALL_AXES:
                covered = ball_coverage(points, coverage_radius(asked, axes))
                scores.setdefault("ball_coverage", []).append(covered)
    return {name: float(np.mean(values)) for name, values in scores.items()}


def _uniform(asked: int, axes: int, seed: int) -> Array:
    return np.random.default_rng(seed).random((asked, axes))


def _design(asked: int, axes: int, t: int, seed: int) -> Array:
    rng = np.random.default_rng(seed)
    rows = covering_design(min(asked, _DESIGN_ROWS), axes, t, seed)
    rest = rng.integers(0, LEVELS, (asked - len(rows), axes))
    levels = np.vstack([rows, rest])
    return (levels + rng.random(levels.shape)) / LEVELS
