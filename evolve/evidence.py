"""Evidence: what values over contexts and seeds say, and how surely.

A table holds the values of one metric of one program: a list a context, one value a seed. Programs
are compared context by context. They get the same seeds, but are not paired by them: a seed has no
effect that programs share (measured on 19 programs, 6 contexts, 8 seeds: its standard deviation is
.0063, where none at all would show as .0058), so values of any seeds may be compared.
"""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

import numpy as np

Table = Mapping[str, Sequence[float]]


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
