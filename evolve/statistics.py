"""Statistics of results: pure functions, with their sources. Nothing here draws by itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, stats

LEVEL = 0.95  # of every interval


@dataclass(frozen=True)
class Interval:
    """An estimate (`mean`, whatever kind of middle it is) with its 95 % interval."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        mean, low, high = (round(x, 3) + 0.0 for x in (self.mean, self.low, self.high))  # no -0.000
        return f"{mean:.3f} [{low:.3f}, {high:.3f}]"

    def as_json(self) -> dict[str, float | None]:
        """Plain JSON; None where there is no number."""
        parts = {"mean": self.mean, "low": self.low, "high": self.high}
        return {name: round(x, 6) if np.isfinite(x) else None for name, x in parts.items()}


def interval(values: Mapping[str, Sequence[float]]) -> Interval:
    """Mean over contexts of means over seeds, with a t interval from the spread between seeds.

    `values` has as many values, one a seed, for each context. The contexts are taken as given: the
    interval says what other seeds would have shown, not what other contexts would.
    """
    table = np.array([values[context] for context in sorted(values)])
    contexts, seeds = table.shape
    mean = float(table.mean())
    if seeds < 2:
        return Interval(mean, float("nan"), float("nan"))
    error = float(np.sqrt((table.var(axis=1, ddof=1) / seeds).sum()) / contexts)
    reach = float(stats.t.ppf((1 + LEVEL) / 2, contexts * (seeds - 1))) * error
    return Interval(mean, mean - reach, mean + reach)


def paired_interval(
    mine: Mapping[str, Sequence[float]], theirs: Mapping[str, Sequence[float]]
) -> Interval:
    """`interval` of the differences mine − theirs, paired by context and seed."""
    return interval({c: np.subtract(mine[c], theirs[c]).tolist() for c in mine})


def a12(x: ArrayLike, y: ArrayLike) -> Interval:
    """Vargha and Delaney's A12 with its interval: how often a value of x beats one of y.

    P(X > Y) + P(X = Y) / 2 for samples x [m] and y [n] (Vargha and Delaney 2000); .5 is no
    difference, 1 is that every x beats every y. The interval is Newcombe's method 5 (Statistics in
    Medicine 25, 2006, 559-573). A percentile bootstrap would be no good here: with ten values a
    side it holds an A12 of .92 in 84 of 100 samples and one of .98 in 49; Newcombe's does in 95
    and 96, and does not shrink to a point where the samples do not overlap.
    """
    first, second = _sample(x), _sample(y)
    gaps = np.sign(first[:, None] - second[None, :])
    effect = float((1 + gaps.mean()) / 2)
    m, n = gaps.shape
    upper = 1 - _a12_lower(1 - effect, m, n)
    return Interval(effect, _a12_lower(effect, m, n), upper)


def _a12_lower(effect: float, m: int, n: int) -> float:
    """The smallest A12 that the observed one is not significantly above."""
    z, size = float(stats.norm.ppf((1 + LEVEL) / 2)), (m + n) / 2 - 1

    def short_of(theta: float) -> float:
        shape = 1 + size * (1 - theta) / (2 - theta) + size * theta / (1 + theta)
        return effect - theta - z * float(np.sqrt(theta * (1 - theta) * shape / (m * n)))

    tiny = 1e-12  # at effect 1 the equation holds trivially at 1, which is not the root meant
    highest = min(effect, 1 - tiny)
    return float(optimize.brentq(short_of, 0.0, highest)) if effect > tiny else 0.0


def median_interval(
    values: ArrayLike, rng: np.random.Generator, resamples: int = 10_000
) -> Interval:
    """Median of values [n] with a percentile bootstrap interval (Efron 1979)."""
    sample = _sample(values)
    middle = float(np.median(sample))
    if len(sample) < 2:
        return Interval(middle, float("nan"), float("nan"))
    drawn = sample[rng.integers(len(sample), size=(resamples, len(sample)))]
    tails = (1 - LEVEL) / 2, (1 + LEVEL) / 2
    low, high = np.quantile(np.median(drawn, axis=1), tails)
    return Interval(middle, float(low), float(high))


def signed_rank(differences: ArrayLike) -> float:
    """Two-sided p of Wilcoxon's signed-rank test that paired differences [n] centre on zero.

    1 where all of them are zero: there is nothing to see then.
    """
    sample = _sample(differences)
    if not sample.any():
        return 1.0
    return float(stats.wilcoxon(sample).pvalue)


def _sample(values: ArrayLike) -> NDArray[np.float64]:
    """Values as a float array [n]. Raises ValueError for none, or for what is no number."""
    sample = np.asarray(values, dtype=float)
    if sample.ndim != 1 or not len(sample) or not np.isfinite(sample).all():
        raise ValueError(f"a sample should be one or more finite numbers, not {values!r}")
    return sample
