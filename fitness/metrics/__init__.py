"""What a population is worth: pure functions of its points in trait space.

Every function is defined for empty, single, constant and partly missing populations, draws no
hidden randomness, and gives the same figure in whatever order the personas come.
"""

from fitness.metrics.combinations import (
    cell_counts,
    combination_bound,
    combination_coverage,
    levels_of,
    rare_combination_coverage,
    rare_weights,
)
from fitness.metrics.distances import (
    ball_coverage,
    coverage_radius,
    dispersion,
    hull_volume,
    mean_pairwise,
    min_pairwise,
    missing,
)
from fitness.metrics.divergence import kl
from fitness.metrics.fidelity import fidelity, fidelity_error
from fitness.metrics.measurement import Measure, coverage_measures, measure
from fitness.metrics.points import Points, as_points
from fitness.metrics.reference import reference_lines
from fitness.metrics.words import AxisLabels, Uncovered, uncovered

__all__ = [
    "AxisLabels",
    "Measure",
    "Points",
    "Uncovered",
    "as_points",
    "ball_coverage",
    "cell_counts",
    "combination_bound",
    "combination_coverage",
    "coverage_measures",
    "coverage_radius",
    "dispersion",
    "fidelity",
    "fidelity_error",
    "hull_volume",
    "kl",
    "levels_of",
    "mean_pairwise",
    "measure",
    "min_pairwise",
    "missing",
    "rare_combination_coverage",
    "rare_weights",
    "reference_lines",
    "uncovered",
]
