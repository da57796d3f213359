"""Nearest personas with and without one group of them, for distance metrics and jackknives."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from fitness.metrics.points import Array

_TREE_FROM = 400  # personas; below, or above 6 axes, all distances are cheaper than a tree
_TREE_AXES = 6
_TREE_NEIGHBOURS = 8
_CHUNK = 1 << 21  # distances held at a time


@dataclass(frozen=True, eq=False)
class Nearest:
    """For each query [Q]: distance to the nearest persona, its group, and the distance to the
    nearest persona of any other group (infinite where there is none)."""

    distance: Array
    group: NDArray[np.intp]
    otherwise: Array

    def without(self, group: int) -> Array:
        """Distance of each query to the nearest persona outside `group`."""
        return np.where(self.group == group, self.otherwise, self.distance)


def nearest(queries: Array, people: Array, groups: NDArray[np.intp]) -> Nearest:
    """The nearest of `people` [n, K], n >= 1, whose groups are numbered by `groups` [n]."""
    if len(people) < _TREE_FROM or people.shape[1] > _TREE_AXES:
        return _by_all_distances(queries, people, groups)
    return _by_tree(queries, people, groups)


def _by_all_distances(queries: Array, people: Array, groups: NDArray[np.intp]) -> Nearest:
    order = np.argsort(groups, kind="stable")
    names, firsts = np.unique(groups[order], return_index=True)
    ordered = people[order]
    one_each = len(names) == len(people)
    step = max(1, _CHUNK // len(people))
    parts = []
    for start in range(0, len(queries), step):
        distances = cdist(queries[start : start + step], ordered)
        if not one_each:
            distances = np.minimum.reduceat(distances, firsts, axis=1)
        parts.append(_two_smallest(distances))
    distance, column, otherwise = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Nearest(distance, names[column], otherwise)


def _two_smallest(distances: Array) -> tuple[Array, NDArray[np.intp], Array]:
    """Smallest of each row, its column, and the smallest of the other columns. Overwrites."""
    rows = np.arange(len(distances))
    column = distances.argmin(axis=1)
    smallest = distances[rows, column]
    distances[rows, column] = np.inf
    return smallest, column, distances.min(axis=1)


def _by_tree(queries: Array, people: Array, groups: NDArray[np.intp]) -> Nearest:
    distances, found = cKDTree(people).query(queries, k=_TREE_NEIGHBOURS)
    group = groups[found[:, 0]]
    other = groups[found] != group[:, None]
    decided = other.any(axis=1)
    otherwise = distances[np.arange(len(queries)), other.argmax(axis=1)]
    if not decided.all():
        # All eight nearest are of one group (duplicates): look at everybody.
        rest = _by_all_distances(queries[~decided], people, groups)
        otherwise[~decided] = rest.otherwise
    return Nearest(distances[:, 0], group, otherwise)
