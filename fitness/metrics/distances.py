"""The paper's geometric metrics of a population: ball coverage, hull, distances, dispersion.

As defined by "Persona Generators" (arXiv 2602.03545), with fixed evaluation points instead of
fresh random ones. They use the personas read on all axes. Each metric has a `deleted_…` partner:
its value without each group of personas in turn, for the jackknife of `measure`.
"""

from functools import lru_cache
from math import comb, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError, cKDTree
from scipy.spatial.distance import cdist

from fitness.metrics.neighbours import Nearest, nearest
from fitness.metrics.points import Array, Points
from fitness.metrics.samples import evaluation_points, landmarks, sobol
from generators.errors import GamutError

Groups = NDArray[np.intp]

HULL_AXES = 6
COVERED_SHARE = 0.99
_ROWS = 500  # of the distance matrix held at a time


def ball_coverage(points: Points, radius: float) -> float:
    """Share of the cube within `radius` of a persona; 0 for an empty population.

    Estimated on the fixed 2^13 scrambled Sobol points. Beyond 4 axes balls say little.
    """
    people = points.complete
    if not len(people):
        return 0.0
    distance, _ = cKDTree(people).query(evaluation_points(points.axes))
    return float(np.mean(distance <= radius))


@lru_cache(maxsize=256)
def coverage_radius(asked: int, axes: int) -> float:
    """κ: the smallest radius at which a Sobol population of size N covers 99 % of the cube.

    The mean over scrambled Sobol populations (first N points) of the .99 quantile of the distance
    of the evaluation points to the nearest persona; fixed seeds, fewer repeats for larger N,
    whose populations differ less. For nobody asked for it is √K, the whole cube.
    """
    if asked < 1:
        return sqrt(axes)
    repeats = int(np.clip(20_000 // asked, 4, 256))
    cube = evaluation_points(axes)
    radii = []
    for seed in range(repeats):
        distance, _ = cKDTree(sobol(asked, axes, seed)).query(cube)
        radii.append(np.quantile(distance, COVERED_SHARE))
    return float(np.mean(radii))


def dispersion(points: Points) -> float:
    """Largest distance of a point of the cube to its nearest persona: the deepest hole.

    Over the evaluation points, the centre of the cube and (up to 10 axes) its corners; never
    above the exact value. √K for an empty population.
    """
    people = points.complete
    if not len(people):
        return sqrt(points.axes)
    queries = np.vstack([landmarks(points.axes), evaluation_points(points.axes)])
    distance, _ = cKDTree(people).query(queries)
    return float(distance.max())


def to_nearest(people: Array, groups: Groups) -> Nearest:
    """The nearest persona of the landmarks and the evaluation points, in this order; n >= 1."""
    axes = people.shape[1]
    return nearest(np.vstack([landmarks(axes), evaluation_points(axes)]), people, groups)


def ball_coverage_of(found: Nearest, axes: int, radius: float) -> float:
    """`ball_coverage` from what `to_nearest` found."""
    return float(np.mean(found.distance[len(landmarks(axes)) :] <= radius))


def deleted_ball_coverage(found: Nearest, axes: int, radius: float, groups: int) -> Array:
    """Ball coverage without each group, [groups]; `found` comes from `to_nearest`."""
    skip = len(landmarks(axes))
    near, near_otherwise = found.distance[skip:] <= radius, found.otherwise[skip:] <= radius
    only = near & ~near_otherwise
    lost = np.bincount(found.group[skip:][only], minlength=groups)
    kept: Array = (near.sum() - lost) / len(near)
    return kept


def deleted_dispersion(found: Nearest, axes: int, groups: int) -> Array:
    """Dispersion without each group, [groups]; √K where nobody would be left."""
    deepest = np.array([found.without(group).max() for group in range(groups)])
    return np.where(np.isfinite(deepest), deepest, sqrt(axes))


def hull_volume(points: Points) -> float:
    """Volume of the convex hull; 0 where it is flat, with K personas or fewer in any case.

    Defined up to 6 axes, since its cost explodes with K.
    """
    if points.axes > HULL_AXES:
        raise GamutError(f"hull_volume is defined up to {HULL_AXES} axes, not {points.axes}")
    return _volume(points.complete)


def deleted_hull_volume(people: Array, groups: Groups, count: int) -> Array:
    """Hull volume without each group, [count]; only groups that hold a vertex are recomputed."""
    whole = _volume(people)
    volumes = np.full(count, whole)
    if whole > 0:
        for group in np.unique(groups[_vertices(people)]):
            volumes[group] = _volume(people[groups != group])
    return volumes


def _vertices(people: Array) -> NDArray[np.intp]:
    if people.shape[1] == 1:
        return np.array([people.argmin(), people.argmax()])
    found: NDArray[np.intp] = ConvexHull(people).vertices
    return found


def _volume(people: Array) -> float:
    count, axes = people.shape
    if count <= axes:
        return 0.0
    if axes == 1:
        return float(np.ptp(people))
    spread = np.linalg.svd(people - people.mean(axis=0), compute_uv=False)
    if spread[-1] < 1e-9:  # flat: Qhull would call rounding errors a volume or raise
        return 0.0
    try:
        return float(ConvexHull(people).volume)
    except QhullError:  # its own, stricter test of flatness
        return 0.0


def mean_pairwise(points: Points) -> float:
    """Sum of the distances of all pairs of personas over the number of pairs asked for.

    Pairs with a persona that is missing or partly read count 0; 0 if fewer than two are asked for.
    """
    return mean_of_pairs(distance_sums(points.complete), points.asked)


def distance_sums(people: Array) -> Array:
    """Sum of the distances of each persona to all others, [n]."""
    sums = np.zeros(len(people))
    for start in range(0, len(people), _ROWS):
        block = cdist(people[start : start + _ROWS], people[start:])
        height = len(block)
        sums[start : start + height] += block.sum(axis=1)
        sums[start + height :] += block[:, height:].sum(axis=0)
    return sums


def mean_of_pairs(sums: Array, asked: int) -> float:
    """`mean_pairwise` from `distance_sums`."""
    return float(sums.sum() / 2 / comb(asked, 2)) if asked > 1 else 0.0


def deleted_mean_pairwise(
    people: Array, sums: Array, groups: Groups, sizes: Groups, asked: int
) -> Array:
    """Mean pairwise distance without each group; `sizes` [G] counts their personas, read or not."""
    count = len(sizes)
    within = np.zeros(count)
    for group in np.flatnonzero(np.bincount(groups, minlength=count) > 1):
        members = people[groups == group]
        within[group] = cdist(members, members).sum() / 2
    left = sums.sum() / 2 - np.bincount(groups, sums, minlength=count) + within
    pairs = (asked - sizes) * (asked - sizes - 1) / 2
    means: Array = np.divide(left, pairs, out=np.zeros(count), where=pairs > 0)
    return means


def min_pairwise(points: Points) -> float:
    """Distance of the closest pair; 0 if a persona is missing or partly read, or fewer than two."""
    people = points.complete
    if len(people) < max(points.asked, 2):
        return 0.0
    distance, _ = cKDTree(people).query(people, k=2)
    return float(distance[:, 1].min())


def deleted_min_pairwise(people: Array, groups: Groups, count: int) -> Array:
    """Closest distance without each group [count], for a population without missing personas."""
    if len(people) < 3:
        return np.zeros(count)
    closest = np.empty(count)
    distance, partner = cKDTree(people).query(people, k=2)
    # Only a group of the closest pair changes the minimum; the others keep it.
    first = distance[:, 1].argmin()
    closest[:] = distance[first, 1]
    pair = partner[first]
    for group in np.unique(groups[np.append(pair, first)]):
        rest = people[groups != group]
        closest[group] = 0.0 if len(rest) < 2 else cKDTree(rest).query(rest, k=2)[0][:, 1].min()
    return closest


def missing(points: Points) -> float:
    """Share of persona × axis entries that are unread or whose persona is absent.

    1 where nobody was asked for: nothing can be read of nobody.
    """
    if not points.asked:
        return 1.0
    return float(1 - points.read.sum() / (points.asked * points.axes))


def deleted_missing(points: Points, groups: Groups, sizes: Groups) -> Array:
    """`missing` without each group of rows; `groups` [N] numbers all rows, read or not."""
    read = np.bincount(groups, points.read.sum(axis=1), minlength=len(sizes))
    left = (points.asked - sizes) * points.axes
    share = np.divide(points.read.sum() - read, left, out=np.zeros(len(sizes)), where=left > 0)
    unread: Array = 1 - share
    return unread
