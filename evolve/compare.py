"""Compares two generators, or files of personas, in one context."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from generators.bundle import load
from scipy import stats

from fitness.service import open_scorer
from generators.baselines import baseline
from generators.context import Context, load_context
from generators.errors import InputError
from generators.generator import Generator
from generators.persona import Persona, read_personas

_FILES = {".jsonl", ".json", ".csv", ".parquet"}


@dataclass(frozen=True)
class Comparison:
    """How two sides differ in one context.

    Attributes:
        metric: name of what is compared; both as read.
        a, b: means over seeds, or the one value of a file.
        difference: a − b.
        low, high: its 95 % interval.
        seeds: populations a side; 1 where a side is a file.
        names: of the sides.
    """

    metric: str
    a: float
    b: float
    difference: float
    low: float
    high: float
    seeds: int
    names: tuple[str, str]

    def as_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {**self.__dict__, "names": list(self.names), "words": self.words()}

    def words(self) -> str:
        """The comparison in a sentence."""
        first, second = self.names
        figures = (
            f"{self.metric}: {first} {self.a:.3f}, {second} {self.b:.3f}, difference"
            f" {self.difference:+.3f} (95 % interval {self.low:+.3f} to {self.high:+.3f},"
            + (
                f" paired over {self.seeds} seeds)."
                if self.seeds > 1
                else " one population a side)."
            )
        )
        if self.low > 0:
            return f"{first} covers more. {figures}"
        if self.high < 0:
            return f"{second} covers more. {figures}"
        return f"No difference is shown. {figures}"


def compare(
    a: str,
    b: str,
    context: Path,
    *,
    n: int,
    seeds: int,
    seed: int,
    respondent: str,
    trust: bool,
) -> Comparison:
    """Compare two sides: each a bundle, `baseline:NAME` or a file of personas.

    Two generators: differences paired over seeds, t interval. With a file on either side there is
    one population a side, and the interval comes from the jackknife errors of both.
    """
    opened = load_context(context)
    scorer = open_scorer(opened, respondent)
    metric = f"rare_combination_coverage_{scorer.t}"
    sides = [_open(name, trust) for name in (a, b)]
    if all(isinstance(side, Generator) for side in sides):
        if seeds < 2:
            raise InputError(f"--seeds {seeds}: a comparison of generators needs at least 2")
        values = np.array(
            [
                [
                    scorer.scorecard(p, n).metrics[metric].value
                    for p in _populations(s, opened, n, range(seed, seed + seeds))
                ]
                for s in sides
            ]
        )
        gaps = values[0] - values[1]
        reach = stats.t.ppf(0.975, seeds - 1) * gaps.std(ddof=1) / np.sqrt(seeds)
        means, difference = values.mean(axis=1), float(gaps.mean())
    else:
        seeds = 1
        measures = [
            scorer.scorecard(next(iter(_populations(s, opened, n, [seed])))).metrics[metric]
            for s in sides
        ]
        means = np.array([m.value for m in measures])
        difference = float(means[0] - means[1])
        reach = stats.norm.ppf(0.975) * np.hypot(measures[0].se, measures[1].se)
    low, high = difference - float(reach), difference + float(reach)
    return Comparison(
        metric, float(means[0]), float(means[1]), difference, low, high, seeds, (a, b)
    )


def _open(name: str, trust: bool) -> Generator | list[Persona]:
    if Path(name).suffix in _FILES:
        return read_personas(name)
    kind, _, rest = name.partition(":")
    return Generator(baseline(rest)) if kind == "baseline" else load(name, trust=trust)


def _populations(
    side: Generator | list[Persona], context: Context, n: int, seeds: Sequence[int]
) -> list[list[Persona]]:
    if not isinstance(side, Generator):
        return [side]
    made = [side(context, n=n, seed=s) for s in seeds]
    side.close()
    return made
