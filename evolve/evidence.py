"""Evidence: what values over contexts and seeds say, and how surely.

A table holds the values of one metric of one program: a list a context, one value a seed. All
programs of a run get the same seeds, so two tables are compared pair by pair.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Table = Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class Interval:
    """An estimate with its 95 % interval."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"

    def as_json(self) -> dict[str, float | None]:
        """Plain JSON; null where one seed alone leaves the bounds open."""
        parts = {"mean": self.mean, "low": self.low, "high": self.high}
        return {name: round(x, 6) if np.isfinite(x) else None for name, x in parts.items()}


def mean(table: Table) -> float:
    """Mean over contexts of the mean over seeds; 0 where nothing was measured."""
    return float(np.mean([np.mean(values) for values in table.values()])) if table else 0.0


def objective(verdict: Mapping[str, Any]) -> float:
    """What the search maximises, on the seeds of the first look, which every scored program has."""
    return mean(verdict["values"])


def lead(new: Table, old: Table) -> float:
    """Mean paired difference over the seeds that both have."""
    return float(_differences(new, old).mean())


def better(new: Table, old: Table) -> bool:
    """Whether values beat others by more than the standard error of their paired differences."""
    differences = _differences(new, old)
    error = differences.std(ddof=1) / np.sqrt(len(differences)) if len(differences) > 1 else 0.0
    return bool(differences.mean() > error)


def interval(values: Table) -> Interval:
    """Mean over contexts of means over seeds, with a t interval from the spread between seeds.

    The contexts are taken as given: the interval says what other seeds would have shown, not what
    other contexts would.
    """
    table = np.array([values[context] for context in sorted(values)])
    contexts, seeds = table.shape
    average = float(table.mean())
    if seeds < 2:
        return Interval(average, float("nan"), float("nan"))
    from scipy import stats  # takes long to import, and a worker does without

    error = float(np.sqrt((table.var(axis=1, ddof=1) / seeds).sum()) / contexts)
    reach = float(stats.t.ppf(0.975, contexts * (seeds - 1))) * error
    return Interval(average, average - reach, average + reach)


def _differences(new: Table, old: Table) -> NDArray[np.float64]:
    """New − old, context by context, over the seeds that both have, [contexts × seeds]."""
    pairs = [zip(new[context], old[context], strict=False) for context in sorted(new)]
    return np.array([one - other for pair in pairs for one, other in pair])
