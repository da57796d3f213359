"""The points of a population: checked levels, what was read, how many personas were asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from generators.errors import GamutError

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Points:
    """A population in trait space. Build it with `as_points`, which checks what it is given.

    Attributes:
        values: levels [N, K] in [0, 1], 0 where nothing could be read; N may be 0.
        read: bool [N, K], whether the persona has a level on the axis.
        asked: how many personas were asked for, at least N.
    """

    values: Array
    read: NDArray[np.bool_]
    asked: int

    @property
    def axes(self) -> int:
        """K, the number of axes."""
        return int(self.values.shape[1])

    @cached_property
    def complete(self) -> Array:
        """Levels of the personas read on all axes, [n, K], in an order that does not depend on
        the order of the personas, so that every figure is the same to the last bit."""
        rows = self.values[self.read.all(axis=1)]
        return rows[np.lexsort(rows.T[::-1])]


def as_points(
    rows: Sequence[Sequence[float | None]], axes: int, asked: int | None = None
) -> Points:
    """Points from rows of levels, one row a persona, None where a level is missing.

    NaN, infinities, levels outside [0, 1], rows of another length than `axes`, or more rows than
    were asked for raise GamutError. `asked` defaults to the number of rows.
    """
    if axes < 1:
        raise GamutError(f"points need at least one axis, not {axes}")
    count = len(rows)
    asked = count if asked is None else asked
    if asked < count:
        raise GamutError(f"{count} rows of points, but only {asked} personas were asked for")
    values = np.zeros((count, axes))
    read = np.zeros((count, axes), dtype=np.bool_)
    for number, row in enumerate(rows):
        if len(row) != axes:
            raise GamutError(f"row {number} of the points has {len(row)} levels, expected {axes}")
        for axis, level in enumerate(row):
            if level is None:
                continue
            values[number, axis] = _checked(level, number, axis)
            read[number, axis] = True
    values.setflags(write=False)
    read.setflags(write=False)
    return Points(values, read, asked)


def _checked(level: float, row: int, axis: int) -> float:
    try:
        number = float(level)
    except (TypeError, ValueError) as error:
        raise GamutError(f"row {row}, axis {axis}: {level!r} is not a number") from error
    if not (isfinite(number) and 0.0 <= number <= 1.0):
        raise GamutError(f"row {row}, axis {axis}: {number} is not a level between 0 and 1")
    return number
