"""Placements: where in [0, 1]^K the personas of a population are meant to stand.

All return [n][k] levels and draw from their own `seed`, so that a program is a pure function.
"""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from generators.blocks.kinds import Dimension, Factor, Levels, Points, Seed, Share, Size, Strength
from generators.designs import covering_design as covering_rows

Array = NDArray[np.float64]


def uniform(n: Size, k: Dimension, seed: Seed) -> Points:
    """Places personas uniformly at random."""
    return _points(np.random.default_rng(seed).random((n, k)))


def sobol(n: Size, k: Dimension, seed: Seed) -> Points:
    """Places personas along a scrambled Sobol sequence."""
    # Drawn as a full power of two: the balance that Sobol's sequence promises holds only there.
    drawn = (
        _qmc().Sobol(k, rng=np.random.default_rng(seed)).random_base2(max(n - 1, 1).bit_length())
    )
    return _points(drawn[:n])


def halton(n: Size, k: Dimension, seed: Seed) -> Points:
    """Places personas along a scrambled Halton sequence."""
    return _points(_qmc().Halton(k, rng=np.random.default_rng(seed)).random(n))


def latin_hypercube(n: Size, k: Dimension, seed: Seed) -> Points:
    """Places personas by a Latin hypercube: every slice of every axis holds one."""
    return _points(_qmc().LatinHypercube(k, rng=np.random.default_rng(seed)).random(n))


def corners(n: Size, k: Dimension, seed: Seed) -> Points:
    """Places personas in the corners of the trait space only."""
    return lattice(n, k, 2, seed)


def lattice(n: Size, k: Dimension, levels: Levels, seed: Seed) -> Points:
    """Places personas on a regular grid, each node at most once while there are enough."""
    rng = np.random.default_rng(seed)
    nodes = levels**k
    if nodes <= 100_000:
        rounds = -(-n // nodes)
        order = np.concatenate([rng.permutation(nodes) for _ in range(rounds)])[:n]
        digits = (order[:, None] // levels ** np.arange(k)) % levels
    else:  # so many nodes that a repeat is rarer than one in a thousand
        digits = rng.integers(levels, size=(n, k))
    return _points(digits / (levels - 1))


def maximin(n: Size, k: Dimension, seed: Seed) -> Points:
    """Places personas as far from one another as a greedy choice gets."""
    rng = np.random.default_rng(seed)
    return _points(_farthest(rng.random((n * 12, k)), n))


def covering_design(n: Size, k: Dimension, strength: Strength, seed: Seed) -> Points:
    """Places personas so that as many low-middle-high combinations as possible occur."""
    return _points((_design(n, k, min(strength, k), seed) + 0.5) / 3)


def stretch(points: Points, factor: Factor) -> Points:
    """Moves levels away from the middle (or towards it, below 1)."""
    return _points(np.clip(0.5 + (np.asarray(points) - 0.5) * factor, 0.0, 1.0))


def antithetic(points: Points) -> Points:
    """Makes every second persona the mirror image of the one before."""
    array = np.array(points)
    array[1::2] = 1.0 - array[: len(array) - len(array) % 2 : 2]
    return _points(array)


def thin(points: Points, others: Points) -> Points:
    """Keeps, of two placements, the personas farthest from one another."""
    _same_size(points, others)
    return _points(_farthest(np.array(points + others), len(points)))


def mixture(points: Points, others: Points, share: Share, seed: Seed) -> Points:
    """Takes each persona from one of two placements."""
    _same_size(points, others)
    taken = np.random.default_rng(seed).random(len(points)) < share
    return _points(np.where(taken[:, None], np.array(others), np.array(points)))


def _qmc() -> Any:
    """SciPy's quasi-Monte-Carlo sequences; they take a second to import, most programs use none."""
    from scipy.stats import qmc

    return qmc


@lru_cache(maxsize=1_000)
def _design(n: int, k: int, strength: int, seed: int) -> NDArray[np.intp]:
    """A design takes longer than all else in a program, and a search asks for the same ones again:
    every candidate is evaluated with the same seeds."""
    return np.asarray(covering_rows(n, k, strength, seed))


def _farthest(candidates: Array, n: int) -> Array:
    """n of the candidates [M, K], each the one farthest from those chosen before it."""
    chosen = [int(np.argmin(np.linalg.norm(candidates - 0.5, axis=1)))]
    nearest = np.linalg.norm(candidates - candidates[chosen[0]], axis=1)
    while len(chosen) < n:
        chosen.append(int(np.argmax(nearest)))
        nearest = np.minimum(nearest, np.linalg.norm(candidates - candidates[chosen[-1]], axis=1))
    return candidates[chosen]


def _same_size(points: Points, others: Points) -> None:
    if np.shape(points) != np.shape(others):
        raise ValueError(f"points are {_shape(points)}, but others {_shape(others)}")


def _shape(points: Points) -> str:
    return f"{len(points)} personas on {len(points[0])} axes"


def _points(array: Array) -> Points:
    rounded: Points = np.round(array, 6).tolist()
    return rounded
