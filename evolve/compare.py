"""Compares two generators, or files of personas, in one context."""

import os
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from evolve.statistics import Interval, interval
from fitness.metrics import Measure
from fitness.scoring import Scorecard, Scorer
from fitness.service import open_scorer
from generators.baselines import BASELINES, baseline
from generators.bundle import load
from generators.errors import GamutError, InputError
from generators.generator import GenerationError, Generator
from generators.persona import Persona, read_personas

DEFAULT_SIZE = 25
_FILES = (".jsonl", ".json", ".csv", ".parquet")
_SIDES = f"a bundle, baseline:NAME or a file of personas ({', '.join(_FILES)})"

Side = Generator | list[Persona]


@dataclass(frozen=True)
class Difference:
    """How two sides differ in one metric.

    Attributes:
        metric: its name.
        a, b: means over seeds, or the one value of a file.
        difference: a − b.
        low, high: its 95 % interval.
    """

    metric: str
    a: float
    b: float
    difference: float
    low: float
    high: float

    def __str__(self) -> str:
        return (
            f"{self.a:.3f} and {self.b:.3f}, difference {self.difference:+.3f}"
            f" (95 % interval {self.low:+.3f} to {self.high:+.3f})"
        )


@dataclass(frozen=True)
class Comparison:
    """How two sides differ in one context.

    Attributes:
        credited, bare: rare combination coverage, credited and as read.
        seeds: populations a side; 1 where a side is a file.
        sizes: personas in a population of each side.
        names: of the sides.
    """

    credited: Difference
    bare: Difference
    seeds: int
    sizes: tuple[int, int]
    names: tuple[str, str]

    def as_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "credited": dict(self.credited.__dict__),
            "bare": dict(self.bare.__dict__),
            "seeds": self.seeds,
            "sizes": list(self.sizes),
            "names": list(self.names),
            "words": self.words(),
        }

    def words(self) -> str:
        """The comparison in words; what is credited decides."""
        first, second = self.names
        figures = (
            f"Rare combination coverage of {first} and {second}, {self._populations()}: credited"
            f" {self.credited}; as read {self.bare}."
        )
        if self.credited.low > 0:
            return f"{first} covers more. {figures}"
        if self.credited.high < 0:
            return f"{second} covers more. {figures}"
        return f"No difference is shown. {figures}"

    def _populations(self) -> str:
        one, other = self.sizes
        if one != other:
            return f"populations of {one} and {other} personas, of which the larger covers more"
        if self.seeds > 1:
            return f"populations of {one}, paired over {self.seeds} seeds"
        return f"one population of {one} a side"


def compare(
    a: str,
    b: str,
    context: Path,
    *,
    n: int | None,
    seeds: int,
    seed: int,
    respondent: str | None,
    trust: bool,
    say: Callable[[str], None] | None = None,
) -> Comparison:
    """Compare two sides: each a bundle, `baseline:NAME` or a file of personas.

    Two generators: differences paired over seeds, t interval. With a file on either side there is
    one population a side, and the interval comes from the jackknife errors of both. A generator
    makes n personas; by default as many as the file beside it has.
    """
    sides = [_open(name, trust) for name in (a, b)]
    files = [side for side in sides if not isinstance(side, Generator)]
    if not files and seeds < 2:
        raise InputError(f"--seeds {seeds}: a comparison of generators needs at least 2")
    size = n or (len(files[0]) if files else DEFAULT_SIZE)
    sizes = [size if isinstance(side, Generator) else len(side) for side in sides]
    if files and min(sizes) < 2:
        raise InputError("one persona a side says nothing about a difference; give 2 or more")
    used = range(seed, seed + (1 if files else seeds))
    scorer = open_scorer(context, respondent, say)
    cards = [
        _scorecards(name, side, scorer, size, used)
        for name, side in zip((a, b), sides, strict=True)
    ]
    bare = f"rare_combination_coverage_{scorer.t}"
    return Comparison(
        credited=_difference(f"credited_{bare}", cards, paired=not files),
        bare=_difference(bare, cards, paired=not files),
        seeds=len(used),
        sizes=(sizes[0], sizes[1]),
        names=(a, b),
    )


def _difference(metric: str, cards: Sequence[Sequence[Scorecard]], *, paired: bool) -> Difference:
    """The difference of two sides in a metric, from a scorecard a seed."""
    measures = [[card.metrics[metric] for card in side] for side in cards]
    values = np.array([[m.value for m in side] for side in measures])  # [2, seeds]
    found = interval({metric: (values[0] - values[1]).tolist()})
    if not paired:
        reach = _reach_of_files(measures)
        found = Interval(found.mean, found.mean - reach, found.mean + reach)
    return Difference(
        metric=metric,
        a=float(values[0].mean()),
        b=float(values[1].mean()),
        difference=found.mean,
        low=found.low,
        high=found.high,
    )


def _reach_of_files(measures: Sequence[Sequence[Measure]]) -> float:
    """Half a 95 % interval of the difference of two single measures with their errors."""
    return float(stats.norm.ppf(0.975) * np.hypot(measures[0][0].se, measures[1][0].se))


def _open(name: str, trust: bool) -> Side:
    kind, _, rest = name.partition(":")
    path = Path(name)
    if kind == "baseline":
        return Generator(baseline(rest))
    if path.suffix.lower() in _FILES:
        return read_personas(path)
    if kind == "llm" and not os.path.lexists(path):
        raise InputError(
            f"{name}: a language model writes it: `gamut generate {name} --out people.jsonl …`,"
            " then give that file here"
        )
    if kind != "gallery" and not os.path.lexists(path):
        meant = f"; the baseline is baseline:{name}" if name in BASELINES else f"; give {_SIDES}"
        raise InputError(f"{name}: there is no such bundle{meant}")
    if path.is_file() and path.suffix.lower() not in ("", ".zip"):
        raise InputError(f"{name}: is neither a bundle nor personas; give {_SIDES}")
    return load(name, trust=trust)


def _scorecards(
    name: str, side: Side, scorer: Scorer, n: int, seeds: Sequence[int]
) -> list[Scorecard]:
    """A scorecard a seed; of a file, which has one population, the one."""
    if not isinstance(side, Generator):
        return [scorer.scorecard(side)]
    with closing(side) as generator:
        try:
            return [scorer.scorecard(generator(scorer.context, n=n, seed=s), n) for s in seeds]
        except GenerationError as error:
            raise GamutError(f"{name}: its program does not make them: {error}") from error
