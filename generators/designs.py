"""Covering designs: n rows of low / middle / high that hold as many t-way combinations as they can.

Rows are built greedily, one at a time, as in AETG (Cohen, Dalal, Fredman & Patton 1997), but each
candidate row is improved by coordinate ascent instead of being filled axis by axis.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from generators.errors import GamutError

LEVELS = 3
CANDIDATES = 32
SWEEPS = 3
NEW_CELL = 1e6  # one new t-way cell outweighs every gain of the second order
FAMILIAR_CELL = 1e-3


@dataclass(frozen=True, eq=False)
class Cells:
    """The t-way cells of K axes cut in three, numbered from 0 subset by subset.

    Attributes:
        subsets: the axes of each t-subset, int [S, t], in the order of `itertools.combinations`.
        steps: int [K, S]; a row of levels lies in cell `levels @ steps[:, s] + starts[s]` of
            subset s (the first axis of a subset counts slowest).
        starts: the number of the first cell of each subset, int [S].
        per_subset: 3^t.
    """

    subsets: NDArray[np.intp]
    steps: NDArray[np.intp]
    starts: NDArray[np.intp]
    per_subset: int

    @property
    def total(self) -> int:
        """Number of cells over all subsets."""
        return len(self.subsets) * self.per_subset

    def of(self, levels: NDArray[np.intp]) -> NDArray[np.intp]:
        """The cells that rows of levels [n, K] fall into, int [n, S]."""
        found: NDArray[np.intp] = levels @ self.steps + self.starts
        return found


@lru_cache(maxsize=256)
def cells(axes: int, t: int) -> Cells:
    """The t-way cells of `axes` axes; 1 <= t <= axes."""
    if not 1 <= t <= axes:
        raise GamutError(f"t is {t}, but must lie between 1 and the number of axes, {axes}")
    subsets = np.array(list(combinations(range(axes), t)), dtype=np.intp)
    steps = np.zeros((axes, len(subsets)), dtype=np.intp)
    for place in range(t):
        steps[subsets[:, place], np.arange(len(subsets))] = LEVELS ** (t - 1 - place)
    starts = np.arange(len(subsets), dtype=np.intp) * LEVELS**t
    for array in (subsets, steps, starts):
        array.setflags(write=False)
    return Cells(subsets, steps, starts, LEVELS**t)


def covering_design(n: int, axes: int, t: int, seed: int) -> NDArray[np.intp]:
    """Levels 0, 1, 2 of n rows, int [n, axes], that cover many t-way combinations.

    Each row takes, of a fixed number of candidates, the one with the most t-way cells that no
    earlier row holds; ties go to new (t+1)-way cells (for t < 3), then to cells that few rows
    hold. The same arguments always give the same rows, and fewer rows are a prefix of more.
    """
    if n < 0:
        raise GamutError(f"a design cannot have {n} rows; ask for 0 or more")
    order = [t] if t >= min(3, axes) else [t, t + 1]
    tables = [cells(axes, size) for size in order]
    ends = np.cumsum([table.total for table in tables])
    steps = np.hstack([table.steps for table in tables])
    starts = np.hstack(
        [table.starts + end - table.total for table, end in zip(tables, ends, strict=True)]
    )
    worth = np.ones(ends[-1])
    worth[: ends[0]] = NEW_CELL
    counts = np.zeros(ends[-1], dtype=np.intp)
    rng = np.random.default_rng(seed)
    design = np.zeros((n, axes), dtype=np.intp)
    for row in range(n):
        design[row] = _best_row(worth, steps, starts, rng)
        held = design[row] @ steps + starts
        counts[held] += 1
        first = held[held < ends[0]]
        worth[held] = 0.0
        worth[first] = FAMILIAR_CELL / (1 + counts[first])
    return design


def _best_row(
    worth: NDArray[np.float64],
    steps: NDArray[np.intp],
    starts: NDArray[np.intp],
    rng: np.random.Generator,
) -> NDArray[np.intp]:
    """The best of random rows, each improved one axis at a time until nothing gains."""
    axes = len(steps)
    rows = rng.integers(0, LEVELS, (CANDIDATES, axes))
    held = rows @ steps + starts
    for _ in range(SWEEPS):
        changed = False
        for axis in rng.permutation(axes):
            touched = np.flatnonzero(steps[axis])
            step = steps[axis, touched]
            base = held[:, touched] - rows[:, axis, None] * step
            choices = base[:, None, :] + np.arange(LEVELS)[:, None] * step
            gains = worth[choices].sum(axis=2)
            gains += rng.random(gains.shape) * 1e-9  # breaks ties at random
            gains[np.arange(CANDIDATES), rows[:, axis]] += 1e-8  # but never leaves an equal
            best = gains.argmax(axis=1)
            changed = changed or bool((best != rows[:, axis]).any())
            rows[:, axis] = best
            held[:, touched] = base + best[:, None] * step
        if not changed:
            break
    found: NDArray[np.intp] = rows[worth[held].sum(axis=1).argmax()]
    return found
