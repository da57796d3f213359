"""Combination coverage: the share of all t-way cells of low / middle / high that hold a persona.

This is the t-way coverage of combinatorial testing (Kuhn, Kacker & Lei 2013, "Combinatorial
coverage measurement"). Each axis is cut at 1/3 and 2/3. The middle holds both cuts, so that
turning an axis round changes nothing; a level within 1e-9 of a cut counts as on it.

A persona counts in a cell only if it was read on all t axes of that cell. An empty population
covers 0; a single or constant one covers one cell of each subset.
"""

from math import comb

import numpy as np
from numpy.typing import NDArray

from fitness.metrics.points import Array, Points
from generators.designs import LEVELS, cells
from generators.errors import GamutError

LOW, MIDDLE, HIGH = 0, 1, 2
_ON_THE_CUT = 1e-9


def levels_of(values: Array) -> NDArray[np.intp]:
    """Low 0, middle 1, high 2 of each level; same shape as `values`."""
    above_low = values >= 1 / 3 - _ON_THE_CUT
    return above_low.astype(np.intp) + (values > 2 / 3 + _ON_THE_CUT)


def cell_numbers(points: Points, t: int) -> NDArray[np.intp]:
    """The cell of each persona in each t-subset of axes, int [N, S]; −1 where it is not read.

    Cells are numbered as in `generators.designs.cells`.
    """
    table = cells(points.axes, t)
    found = table.of(levels_of(points.values))
    if not points.read.all():
        unread = (~points.read).astype(np.intp) @ (table.steps > 0)
        found[unread > 0] = -1
    return found


def cell_counts(points: Points, t: int) -> NDArray[np.intp]:
    """Number of personas in each t-way cell, int [S, 3^t]."""
    table = cells(points.axes, t)
    found = cell_numbers(points, t).ravel()
    counts = np.bincount(found[found >= 0], minlength=table.total)
    return counts.reshape(-1, table.per_subset)


def combination_coverage(points: Points, t: int) -> float:
    """Share of all cells of all t-subsets of axes that hold a persona read on those t axes."""
    return float(np.mean(_covered(points, t)))


def rare_combination_coverage(points: Points, t: int, weights: Array) -> float:
    """Summed weight of the t-way cells that hold a persona; `weights` come from `rare_weights`."""
    return float(np.sum(_checked_weights(weights, points.axes, t)[_covered(points, t)]))


def rare_weights(reference: Points, t: int) -> Array:
    """Weight of each t-way cell by its rarity in a reference population, [S, 3^t], sum 1.

    A cell weighs −log2 of its smoothed share, (count + .5) / (M + .5·3^t), where M is the number
    of reference personas read on those t axes (Krichevsky–Trofimov smoothing). An empty reference
    makes all cells equal.
    """
    counts = cell_counts(reference, t)
    seen = counts.sum(axis=1, keepdims=True)
    surprise = -np.log2((counts + 0.5) / (seen + 0.5 * counts.shape[1]))
    weights: Array = surprise / surprise.sum()
    return weights


def combination_bound(asked: int, axes: int, t: int) -> float:
    """Upper bound of `combination_coverage` for N personas: min(1, N / 3^t).

    N personas fill at most N cells of one t-subset, so the bound is the same for all of them.
    """
    if not 1 <= t <= axes:
        raise GamutError(f"t is {t}, but must lie between 1 and the number of axes, {axes}")
    return min(1.0, asked / 3.0**t)


def deleted_coverage(
    points: Points, t: int, groups: NDArray[np.intp], weights: Array | None
) -> Array:
    """Coverage without each group of personas in turn, [G]; what a jackknife needs.

    `groups` numbers the group of each persona [N] from 0. With `weights` the coverage is the rare
    one. Closed form: a cell is lost with a group if and only if all its personas are in the group.
    """
    table = cells(points.axes, t)
    worth = (
        np.full(table.total, 1 / table.total)
        if weights is None
        else _checked_weights(weights, points.axes, t)
    )
    found = cell_numbers(points, t)
    group_of = np.broadcast_to(groups[:, None], found.shape)
    cell, group = found[found >= 0], group_of[found >= 0]
    lowest = np.full(table.total, len(groups))
    highest = np.full(table.total, -1)
    np.minimum.at(lowest, cell, group)
    np.maximum.at(highest, cell, group)
    only = lowest == highest
    lost = np.bincount(lowest[only], worth[only], minlength=int(groups.max(initial=-1)) + 1)
    remaining: Array = worth[highest >= 0].sum() - lost
    return remaining


def _covered(points: Points, t: int) -> NDArray[np.bool_]:
    """Whether each t-way cell holds a persona, bool [S·3^t]."""
    held = np.zeros(cells(points.axes, t).total + 1, dtype=np.bool_)
    held[cell_numbers(points, t)] = True  # −1, not read, marks the spare last entry
    return held[:-1]


def _checked_weights(weights: Array, axes: int, t: int) -> Array:
    expected = (comb(axes, t), LEVELS**t)
    if weights.shape != expected:
        raise GamutError(f"weights of shape {weights.shape} given for t = {t}, expected {expected}")
    return weights.ravel()
