"""Kullback–Leibler divergence of a population from the uniform cube, jointly over all axes."""

from dataclasses import dataclass
from functools import lru_cache
from math import log

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.special import digamma

from fitness.metrics.points import Array, Points
from fitness.metrics.samples import sobol

REFERENCE_POWER = 12
REFERENCE_SEED = 20090501
MOST_NEIGHBOURS = 10
LARGEST = REFERENCE_POWER * log(2)


def kl(points: Points) -> float:
    """D(population ‖ uniform), in nats, against 2^12 points of a scrambled Sobol reference.

    Gamut's own estimator, after Wang, Kulkarni & Verdú (2009, IEEE Trans. Inf. Theory 55(5)),
    with one ball for both samples: around each persona the ball reaches to the k-th nearest other
    persona or the k-th nearest reference point, whichever is farther, k = √n up to 10. With l
    personas and m of the M reference points inside, its term is log(M / (n − 1)) plus
    ψ(l) − ψ(m + 1) where a persona lies on the edge, else ψ(l + 1) − ψ(m). kl is the mean of the
    terms; for 25 uniform points .00 to .03 at 2 to 12 axes. Since both counts come from one ball,
    edges of the cube cancel, and duplicates make l large instead of a distance 0. A population
    more even than chance comes out below 0. Fewer than two personas have the largest value there
    is, log M.
    """
    people = points.complete
    if len(people) < 2:
        return LARGEST
    balls = _balls(people)
    return float(_terms(balls, balls.own, len(people)).mean())


def deleted_kl(people: Array, groups: NDArray[np.intp], count: int) -> Array:
    """`kl` without each group of people, [count], with the balls of the others held fixed."""
    if len(people) < 2:
        return np.full(count, LARGEST)
    balls = _balls(people)
    deleted = np.empty(count)
    for group in range(count):
        rest, gone = groups != group, people[groups == group]
        if rest.sum() < 2:
            deleted[group] = LARGEST
            continue
        fewer = _counts(cKDTree(gone), people, balls.reach) if len(gone) else 0
        inside = np.maximum(balls.own - fewer, 1)
        deleted[group] = _terms(balls, inside, int(rest.sum()))[rest].mean()
    return deleted


@dataclass(frozen=True, eq=False)
class _Balls:
    """Around each persona [n]: radius, other personas and reference points inside, and whether a
    persona (rather than a reference point) lies on the edge."""

    reach: Array
    own: NDArray[np.intp]
    reference: NDArray[np.intp]
    own_on_edge: NDArray[np.bool_]


def _balls(people: Array) -> _Balls:
    own, reference = cKDTree(people), _reference(people.shape[1])
    k = int(np.clip(round(len(people) ** 0.5), 1, min(MOST_NEIGHBOURS, len(people) - 1)))
    to_own = own.query(people, k=[k + 1])[0][:, 0]  # the first is the persona itself
    to_reference = reference.query(people, k=[k])[0][:, 0]
    # A hair wider, so that rounding never leaves the k-th neighbour outside.
    reach = np.maximum(to_own, to_reference) * (1 + 1e-12) + 1e-12
    return _Balls(
        reach,
        _counts(own, people, reach) - 1,
        _counts(reference, people, reach),
        to_own >= to_reference,
    )


def _terms(balls: _Balls, own: NDArray[np.intp], count: int) -> Array:
    """The term of each persona [n], where `own` of `count` − 1 others are in its ball."""
    terms: Array = (
        digamma(own + ~balls.own_on_edge)
        - digamma(balls.reference + balls.own_on_edge)
        + log(2**REFERENCE_POWER / (count - 1))
    )
    return terms


@lru_cache(maxsize=16)
def _reference(axes: int) -> cKDTree:
    return cKDTree(sobol(2**REFERENCE_POWER, axes, REFERENCE_SEED))


def _counts(tree: cKDTree, people: Array, reach: Array) -> NDArray[np.intp]:
    counts: NDArray[np.intp] = tree.query_ball_point(people, reach, return_length=True)
    return counts
