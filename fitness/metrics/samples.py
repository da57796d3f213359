"""Fixed point sets that the metrics compare a population with."""

from functools import lru_cache

import numpy as np

from fitness.metrics.points import Array

EVALUATION_POWER = 13
EVALUATION_SEED = 20260203
CORNER_AXES = 10


def sobol(count: int, axes: int, seed: int) -> Array:
    """The first `count` points of a scrambled Sobol sequence, [count, axes]."""
    # Here, since scipy.stats takes as long to import as all the rest of this package.
    from scipy.stats import qmc

    power = max(count - 1, 0).bit_length()
    drawn: Array = qmc.Sobol(axes, rng=seed).random_base2(power)
    return drawn[:count]


@lru_cache(maxsize=16)
def evaluation_points(axes: int) -> Array:
    """The 2^13 scrambled Sobol points of the cube that coverage is measured on."""
    return _frozen(sobol(2**EVALUATION_POWER, axes, EVALUATION_SEED))


@lru_cache(maxsize=16)
def landmarks(axes: int) -> Array:
    """The centre of the cube and, up to 10 axes, its corners: where holes are deepest."""
    centre = np.full((1, axes), 0.5)
    if axes > CORNER_AXES:
        return _frozen(centre)
    corners = np.indices((2,) * axes).reshape(axes, -1).T.astype(np.float64)
    return _frozen(np.vstack([centre, corners]))


def _frozen(array: Array) -> Array:
    array.setflags(write=False)
    return array
