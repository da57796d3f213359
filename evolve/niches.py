"""Niches: what a program is kept for, and what a newcomer must show to take a place.

Three kinds:
- a cell of the grid, by how like the reference density its populations are and by words a persona;
- a step of the front of credited rare combination coverage × words: the best of what is no longer;
- the best of a metric.

A place that is held changes hands on evidence alone. On the seeds of the first look the newcomer
must lead its holder by more than the standard error of the paired differences; that is a claim.
Since the luckiest of many newcomers makes such a claim without being better, it is evaluated again
on fresh seeds, and these alone decide, by the same rule. Workers apply it, to know when to go on,
and so does the archive: hence this module, which needs nothing but numbers.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from math import ceil, floor, log2
from typing import Any, NamedTuple

from evolve.evidence import Table, better, lead, mean

DENSITY = (0.4, 0.8)  # likeness to the reference density; what is beyond counts into the end cells
FEWEST_WORDS = 20.0
CELLS = (8, 6)  # of density .05 each; of words a doubling each
STEPS = 4  # steps of the front in a doubling of words
OBJECTIVE = "values"  # key of a verdict: credited rare combination coverage
METRICS = {"credited_pairs": "pairs", "as_read": "as_read", "fidelity": "fidelity"}
"""Metrics with an elite of their own, and their keys in a verdict. The best in credited rare
combination coverage is the best of the grid."""


class Kind(StrEnum):
    """What kind of place a niche is."""

    CELL = "cell"
    FRONT = "front"
    BEST = "best"


class Niche(NamedTuple):
    """A place for one program.

    Attributes:
        kind: what kind of place.
        where: (density, words) of a cell; (step,) of the front; (metric,) of a best.
    """

    kind: Kind
    where: tuple[int | str, ...]

    @property
    def name(self) -> str:
        """A name fit for a folder."""
        if self.kind is Kind.CELL:
            return "density{}_words{}".format(*self.where)
        if self.kind is Kind.FRONT:
            return (
                f"front_below_{ceil(FEWEST_WORDS * 2 ** ((int(self.where[0]) + 1) / STEPS))}_words"
            )
        return f"best_{self.where[0]}"


class Held(NamedTuple):
    """What the holder of a niche has to its credit, in the niche's metric.

    Attributes:
        first: on the seeds of the first look.
        fresh: on those of the confirmation; empty where there was nothing to confirm.
    """

    first: Table
    fresh: Table


Standing = Mapping[Niche, Held]


def cell(measures: Mapping[str, float]) -> Niche:
    """The cell of the grid that a program belongs to."""
    low, high = DENSITY
    density = (measures["density"] - low) / (high - low) * CELLS[0]
    places = density, _doublings(measures)
    where = (min(max(floor(p), 0), size - 1) for p, size in zip(places, CELLS, strict=True))
    return Niche(Kind.CELL, tuple(where))


def niches(verdict: Mapping[str, Any]) -> list[Niche]:
    """The places that a scored program may take, its cell first."""
    step = max(floor(STEPS * _doublings(verdict["measures"])), 0)
    bests = [Niche(Kind.BEST, (metric,)) for metric in METRICS]
    return [cell(verdict["measures"]), Niche(Kind.FRONT, (step,)), *bests]


def held(verdict: Mapping[str, Any], niche: Niche) -> Held:
    """What a verdict has to show in the metric of a niche."""
    key = METRICS[str(niche.where[0])] if niche.kind is Kind.BEST else OBJECTIVE
    return Held(verdict[key], verdict["fresh"].get(key, {}))


def claims(verdict: Mapping[str, Any], standing: Standing) -> list[Niche]:
    """Niches that a program should have by the first look: vacant, or held by something worse.

    One that scores nothing has no claim that more seeds could confirm.
    """
    return [
        niche
        for niche in niches(verdict)
        if mean(held(verdict, niche).first) > 0
        and all(better(held(verdict, niche).first, r.first) for r in _rivals(niche, standing))
    ]


def upheld(verdict: Mapping[str, Any], niche: Niche, standing: Standing) -> bool:
    """Whether a claim still stands after some fresh seeds; one that trails is given up early."""
    fresh = held(verdict, niche).fresh
    return all(not r.fresh or lead(fresh, r.fresh) > 0 for r in _rivals(niche, standing))


def earned(verdict: Mapping[str, Any], standing: Standing) -> list[Niche]:
    """The niches that a program takes: a vacant cell as it is, the others by a confirmed lead."""
    proven = set(claims(verdict, standing)) if verdict["confirmed"] else set()
    return [
        niche
        for niche in niches(verdict)
        if (niche in proven and _decided(verdict, niche, standing))
        or (niche.kind is Kind.CELL and niche not in standing)
    ]


def _decided(verdict: Mapping[str, Any], niche: Niche, standing: Standing) -> bool:
    fresh = held(verdict, niche).fresh
    return all(not r.fresh or better(fresh, r.fresh) for r in _rivals(niche, standing))


def _rivals(niche: Niche, standing: Standing) -> Iterator[Held]:
    """Whom a newcomer must beat: the holder, and on the front all whose texts are no longer."""
    for other, holder in standing.items():
        if other == niche or (niche.kind is other.kind is Kind.FRONT and other.where < niche.where):
            yield holder


def _doublings(measures: Mapping[str, float]) -> float:
    """Words a persona, as doublings of the fewest."""
    return log2(max(measures["words"], FEWEST_WORDS) / FEWEST_WORDS)
