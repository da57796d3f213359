"""Evidence: what values over contexts and seeds say, and how surely.

A table holds the values of one metric of one program: a list a context, one value a seed. Programs
are compared context by context. They get the same seeds, but are not paired by them: a seed has no
effect that programs share (measured on 19 programs, 6 contexts, 8 seeds: its standard deviation is
.0063, where none at all would show as .0058), so values of any seeds may be compared.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np

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
    return fmean(fmean(values) for values in table.values()) if table else 0.0


def objective(verdict: Mapping[str, Any]) -> float:
    """What the search maximises, on the seeds of the first look, which every scored program has."""
    return mean(verdict["values"])


def better(new: Table, old: Table, errors: float = 1.0) -> bool:
    """Whether values beat others by more than so many standard errors of the difference.

    The error comes from the spread between seeds within each context, pooled over the two. Where
    both have one seed, none shows, and the higher mean wins.
    """
    variance = 0.0
    for context in new:
        one, other = np.array(new[context]), np.array(old[context])
        squares = ((one - one.mean()) ** 2).sum() + ((other - other.mean()) ** 2).sum()
        freedom = max(len(one) + len(other) - 2, 1)
        variance += squares / freedom * (1 / len(one) + 1 / len(other))
    return mean(new) - mean(old) > errors * float(np.sqrt(variance)) / len(new)


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
