"""Niches: what a program is kept for, and what a newcomer must show to take a place.

Three kinds:
- a cell of the grid, by how like the reference density its populations are and by words a persona;
- a step of the front of credited rare combination coverage × words: the best of what is no longer;
- the best of a metric.

A vacant place is taken as it comes. One that is held changes hands on evidence alone. On the seeds
of the first look, the newcomer must lead all that its holder has shown by more than 1.5 standard
errors; that is a claim. Since the luckiest of many newcomers makes such a claim without being
better, it is evaluated again on fresh seeds, and these alone decide, by one standard error; what
leads by two is not looked at longer. Workers apply the rule, to know when to go on, and so does the
archive: hence this module, which needs nothing but numbers.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from math import ceil, floor, log2
from typing import Any, NamedTuple

from evolve.evidence import Table, better, mean

DENSITY = (0.4, 0.8)  # likeness to the reference density; what is beyond counts into the end cells
FEWEST_WORDS = 20.0
CELLS = (8, 6)  # of density .05 each; of words a doubling each
STEPS = 4  # steps of the front in a doubling of words
CLAIM, DECISION, SURE = 1.5, 1.0, 2.0  # standard errors of a lead
OBJECTIVE = "credited_rare"
METRICS = {
    OBJECTIVE: "values",
    "credited_pairs": "pairs",
    "as_read": "as_read",
    "fidelity": "fidelity",
}
"""Metrics with an elite of their own, and their keys in a verdict."""


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
            end = FEWEST_WORDS * 2 ** ((int(self.where[0]) + 1) / STEPS)
            return f"front_below_{ceil(end)}_words"
        return f"best_{self.where[0]}"


Standing = Mapping[Niche, Table]
"""What the holder of each niche has shown in its metric, on all its seeds."""


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


def record(verdict: Mapping[str, Any], niche: Niche) -> Table:
    """What a verdict shows in the metric of a niche, on all seeds, fresh ones included."""
    first, fresh = verdict[_key(niche)], verdict["fresh"].get(_key(niche), {})
    return {context: [*values, *fresh.get(context, ())] for context, values in first.items()}


def claims(verdict: Mapping[str, Any], standing: Standing) -> list[Niche]:
    """Niches that a program should take from others, by the first look.

    Of those that nobody holds it claims the front, where it makes others superfluous, and, while
    nothing is held anywhere, its cell: the programs that are then in flight will meet each other.
    One that scores nothing claims nothing.
    """
    found = []
    for niche in niches(verdict):
        vacant = niche.kind is Kind.FRONT or (niche.kind is Kind.CELL and not standing)
        wanted = mean(verdict[_key(niche)]) > 0 and (vacant or niche in standing)
        found += [niche] if wanted and _leads(verdict, niche, standing, CLAIM) else []
    return found


def confirmed(
    verdict: Mapping[str, Any],
    standing: Standing,
    seeds: int,
    look: Callable[[int], Mapping[str, Table]],
) -> dict[str, Any]:
    """A verdict on the first look, with what fresh seeds say while a claim of it stands.

    `look(k)` evaluates fresh seed k, of at most `seeds`, and gives the tables of all so far. A
    claim that trails is given up. The program is confirmed if a claim is left when all seeds are
    used, or as soon as it leads surely in all that are left, as it does where it challenges nobody.
    """
    fresh: Mapping[str, Table] = {}
    claimed = claims(verdict, standing)
    for k in range(seeds if claimed else 0):
        fresh = look(k)
        claimed = [niche for niche in claimed if _leads(fresh, niche, standing, 0.0)]
        if all(_leads(fresh, niche, standing, SURE) for niche in claimed):
            break
    return {**verdict, "fresh": fresh, "confirmed": bool(claimed)}


def earned(verdict: Mapping[str, Any], standing: Standing) -> list[Niche]:
    """The niches that a program takes: vacant ones as it is, others by a confirmed lead.

    A place on the front is earned by a confirmed lead always; a metric, only by scoring in it.
    """
    found = []
    for niche in niches(verdict):
        if niche in standing or niche.kind is Kind.FRONT:
            taken = _decided(verdict, niche, standing)
        else:
            taken = niche.kind is Kind.CELL or mean(verdict[_key(niche)]) > 0
        found += [niche] if taken else []
    return found


def _decided(verdict: Mapping[str, Any], niche: Niche, standing: Standing) -> bool:
    """Whether a confirmed program takes a niche from all rivals, by fresh seeds alone.

    It must not trail on the first look, or its mean over all seeds might be lower.
    """
    if not verdict["confirmed"] or mean(verdict[_key(niche)]) <= 0:
        return False
    fresh = verdict["fresh"] or verdict  # the settings may ask for no fresh seeds
    return _leads(verdict, niche, standing, 0.0) and _leads(fresh, niche, standing, DECISION)


def _leads(scores: Mapping[str, Any], niche: Niche, standing: Standing, errors: float) -> bool:
    """Whether scores lead all rivals in a niche by more than so many standard errors."""
    table = scores[_key(niche)]
    return all(better(table, rival, errors) for rival in _rivals(niche, standing))


def _key(niche: Niche) -> str:
    """Key of a verdict that holds the metric of a niche."""
    return METRICS[str(niche.where[0])] if niche.kind is Kind.BEST else METRICS[OBJECTIVE]


def _rivals(niche: Niche, standing: Standing) -> list[Table]:
    """Whom a newcomer must beat: the holder, and on the front all whose texts are no longer."""
    return [
        table
        for other, table in standing.items()
        if other == niche or (niche.kind is other.kind is Kind.FRONT and other.where < niche.where)
    ]


def _doublings(measures: Mapping[str, float]) -> float:
    """Words a persona, as doublings of the fewest."""
    return log2(max(measures["words"], FEWEST_WORDS) / FEWEST_WORDS)
