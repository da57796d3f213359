"""Fidelity: whether personas are read where their program says that it put them."""

import numpy as np

from fitness.metrics.points import Array, Points

FEWEST = 3  # personas whose levels are both declared and read, else an axis says nothing


def fidelity(declared: Array, points: Points) -> Array:
    """Spearman's rank correlation of declared and read levels on each axis, [K].

    `declared`: float array [N, K], NaN where nothing is declared. NaN on an axis with fewer than
    three personas declared and read, or with only one level declared; 0 where all are read alike.
    """
    return np.array([_rho(*pair) for pair in _pairs(declared, points)])


def fidelity_error(declared: Array, points: Points) -> float:
    """Standard error of the mean fidelity over axes, where one axis at least has a fidelity: a
    delete-one jackknife over personas."""
    count = len(declared)
    whole = float(np.nanmean(fidelity(declared, points)))
    left: list[float] = []
    for out in range(count):
        kept = np.delete(np.arange(count), out)
        rest = Points(points.values[kept], points.read[kept], points.asked)
        rhos = fidelity(declared[kept], rest)
        left.append(whole if np.isnan(rhos).all() else float(np.nanmean(rhos)))
    return float(np.sqrt((count - 1) * np.var(left)))


def _pairs(declared: Array, points: Points) -> list[tuple[Array, Array]]:
    """Levels declared and read on each axis, of the personas that have both."""
    known = points.read & ~np.isnan(declared)
    return [
        (declared[known[:, k], k], points.values[known[:, k], k]) for k in range(declared.shape[1])
    ]


def _rho(declared: Array, read: Array) -> float:
    if len(declared) < FEWEST or np.ptp(declared) == 0:
        return float("nan")
    if np.ptp(read) == 0:
        return 0.0
    # Here, since scipy.stats takes as long to import as all the rest of this package.
    from scipy.stats import rankdata

    return float(np.corrcoef(rankdata(declared), rankdata(read))[0, 1])
