"""The combinations of traits that nobody in a population covers, in words."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fitness.metrics.combinations import HIGH, LOW, MIDDLE, cell_counts
from fitness.metrics.points import Array, Points
from generators.designs import LEVELS, cells
from generators.errors import GamutError

AxisLabels = tuple[str, str, str]  # name, low_label, high_label


@dataclass(frozen=True)
class Uncovered:
    """Combinations that hold nobody.

    Attributes:
        total: how many there are.
        possible: how many combinations there are in all.
        combinations: the first of them in words, the most telling ones first.
    """

    total: int
    possible: int
    combinations: tuple[str, ...]


def uncovered(
    points: Points,
    axis_labels: Sequence[AxisLabels],
    t: int,
    weights: Array | None = None,
    limit: int = 20,
) -> Uncovered:
    """The t-way combinations that no persona covers, as "low label; high label; …: nobody".

    With `weights` from `rare_weights` the heaviest (rarest) come first; without, and among equals,
    those with the fewest middles, then in the order of the axes.
    """
    if len(axis_labels) != points.axes:
        raise GamutError(f"labels for {len(axis_labels)} axes, but points have {points.axes}")
    table = cells(points.axes, t)
    counts = cell_counts(points, t)
    empty = np.flatnonzero(counts.ravel() == 0)
    levels = np.stack(np.unravel_index(empty % table.per_subset, (LEVELS,) * t), axis=1)
    middles = (levels == MIDDLE).sum(axis=1)
    weight = np.zeros(len(empty)) if weights is None else weights.ravel()[empty]
    order = np.lexsort((empty, middles, -weight))[:limit]
    subsets = table.subsets[empty // table.per_subset]
    named = tuple(_words(subsets[place], levels[place], axis_labels) for place in order)
    return Uncovered(len(empty), counts.size, named)


def _words(axes: Sequence[int], levels: Sequence[int], labels: Sequence[AxisLabels]) -> str:
    parts = []
    for axis, level in zip(axes, levels, strict=True):
        name, low, high = labels[axis]
        parts.append({LOW: low, MIDDLE: f"in the middle on {name}", HIGH: high}[int(level)])
    return "; ".join(parts) + ": nobody"
