"""Every metric of a population at once, each with its standard error.

Standard errors are jackknifes over personas: delete-one up to 50 personas, beyond that
delete-a-group with 50 groups (Efron 1982; Shao & Tu 1995), so that cost does not grow with N².
Groups are drawn by a fixed seed from the personas in sorted order, so their order in the file
changes nothing. What was asked for shrinks with a deleted group where a metric divides by it; the
coverage radius stays that of the whole population. An error answers: how much would the figure
move with other personas of the same kind? It errs on the large side (Efron & Stein 1981): for 25
uniform personas about 1.5 times the true spread for coverages, 1.0 for `mean_pairwise`, 1.2 for
`hull_volume`, 1.8 for `min_pairwise` and `dispersion`, which hang on one pair or one hole. The
error of the fixed evaluation points (below .003 for ball coverage) is not part of it.
With fewer than two personas every error is 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fitness.metrics import distances
from fitness.metrics.combinations import (
    combination_coverage,
    deleted_coverage,
    rare_combination_coverage,
)
from fitness.metrics.distances import Groups, coverage_radius
from fitness.metrics.divergence import deleted_kl, kl
from fitness.metrics.points import Array, Points

MOST_GROUPS = 50
BALL_AXES = range(2, 5)
_GROUP_SEED = 1982
_HULL_PEOPLE = 200  # at 5 and 6 axes a larger hull takes seconds, and each group another one


@dataclass(frozen=True)
class Measure:
    """A metric's value and its standard error."""

    value: float
    se: float


def measure(
    points: Points, reference_weights: Mapping[int, Array] | None = None
) -> dict[str, Measure]:
    """All metrics under the names of the contract, with standard errors.

    `reference_weights` maps t to the `rare_weights` of a reference population; without a weight
    for t = min(3, K) the rare coverage is left out. `ball_coverage` is given for 2 to 4 axes,
    `combination_coverage_t` for t = 2 and 3 up to K, `hull_volume` up to 4 axes and, for up to
    200 personas, up to 6.
    """
    points, groups = _sorted(points), _groups(len(points.values))
    sizes = np.bincount(groups, minlength=0)
    whole = points.read.all(axis=1)
    people, people_groups = points.values[whole], groups[whole]
    return {
        **_ball_measures(points, people, people_groups, len(sizes)),
        **_combination_measures(points, groups, reference_weights),
        **_hull_measure(points, people, people_groups, len(sizes)),
        **_pair_measures(points, people, people_groups, sizes),
        "kl": _measure(kl(points), deleted_kl(people, people_groups, len(sizes))),
        "missing": _measure(
            distances.missing(points), distances.deleted_missing(points, groups, sizes)
        ),
    }


def coverage_measures(
    points: Points, reference_weights: Mapping[int, Array] | None = None
) -> dict[str, Measure]:
    """The coverages of `measure` alone."""
    points = _sorted(points)
    groups, whole = _groups(len(points.values)), points.read.all(axis=1)
    count = len(np.bincount(groups, minlength=0))
    found = _ball_measures(points, points.values[whole], groups[whole], count)
    found |= _combination_measures(points, groups, reference_weights)
    return {name: measured for name, measured in found.items() if "coverage" in name}


def _combination_measures(
    points: Points, groups: Groups, reference_weights: Mapping[int, Array] | None
) -> dict[str, Measure]:
    found = {}
    for t in range(2, min(3, points.axes) + 1):
        value = combination_coverage(points, t)
        found[f"combination_coverage_{t}"] = _measure(
            value, deleted_coverage(points, t, groups, None)
        )
    t = min(3, points.axes)
    if reference_weights is not None and t in reference_weights:
        weights = reference_weights[t]
        found[f"rare_combination_coverage_{t}"] = _measure(
            rare_combination_coverage(points, t, weights),
            deleted_coverage(points, t, groups, weights),
        )
    return found


def _ball_measures(points: Points, people: Array, groups: Groups, count: int) -> dict[str, Measure]:
    axes = points.axes
    with_ball = axes in BALL_AXES
    if not len(people):
        empty = {"dispersion": Measure(distances.dispersion(points), 0.0)}
        return {"ball_coverage": Measure(0.0, 0.0), **empty} if with_ball else empty
    found = distances.to_nearest(people, groups)
    measures = {
        "dispersion": _measure(
            float(found.distance.max()), distances.deleted_dispersion(found, axes, count)
        )
    }
    if with_ball:
        radius = coverage_radius(points.asked, axes)
        measures["ball_coverage"] = _measure(
            distances.ball_coverage_of(found, axes, radius),
            distances.deleted_ball_coverage(found, axes, radius, count),
        )
    return measures


def _hull_measure(points: Points, people: Array, groups: Groups, count: int) -> dict[str, Measure]:
    if points.axes > distances.HULL_AXES or (points.axes > 4 and len(people) > _HULL_PEOPLE):
        return {}
    value = distances.hull_volume(points)
    return {"hull_volume": _measure(value, distances.deleted_hull_volume(people, groups, count))}


def _pair_measures(
    points: Points, people: Array, groups: Groups, sizes: Groups
) -> dict[str, Measure]:
    sums = distances.distance_sums(people)
    mean = _measure(
        distances.mean_of_pairs(sums, points.asked),
        distances.deleted_mean_pairwise(people, sums, groups, sizes, points.asked),
    )
    if len(people) < points.asked:
        return {"mean_pairwise": mean, "min_pairwise": Measure(0.0, 0.0)}
    closest = distances.deleted_min_pairwise(people, groups, len(sizes))
    return {
        "mean_pairwise": mean,
        "min_pairwise": _measure(distances.min_pairwise(points), closest),
    }


def _measure(value: float, deleted: Array) -> Measure:
    """With the delete-a-group jackknife error of `deleted` [G]: √((G−1)/G · Σ(θ_g − θ̄)²)."""
    groups = len(deleted)
    if groups < 2:
        return Measure(value, 0.0)
    return Measure(value, float(np.sqrt((groups - 1) * deleted.var())))


def _sorted(points: Points) -> Points:
    """The same population with its personas in an order that their points alone decide."""
    order = np.lexsort(np.hstack([points.read, points.values]).T)
    return Points(points.values[order], points.read[order], points.asked)


def _groups(count: int) -> Groups:
    """The group of each of `count` sorted personas."""
    shuffled = np.random.default_rng(_GROUP_SEED).permutation(count)
    groups: Groups = shuffled % min(count, MOST_GROUPS) if count else shuffled
    return groups
