"""The archive: elites by what a user chooses by. A grid on pyribs, and what is kept beside it.

Beside the grid: the elite of each metric, and the front of credited rare combination coverage
against words a persona. `niches.py` says what each place is and who may take it. A program that
holds several is one elite.

What a program costs (host calls) is no third axis: without a language model it is 5 to 10 calls,
under 2 ms a population, for nearly all programs, so cells would differ in nothing that a user
could choose by. It is measured and told with each elite.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any

import numpy as np

from evolve.evidence import Interval, Table, better, interval, mean, objective
from evolve.niches import CELLS, Kind, Niche, Standing, earned, held
from evolve.store import Candidate

__all__ = ["BEST", "Archive", "Elite", "Offer", "better", "objective"]

BEST = Niche(Kind.BEST, ("credited_rare",))


class Offer(IntEnum):
    """What became of a candidate that was offered to the archive."""

    BESIDE = 3  # a place beside the grid, and no cell
    NEW_CELL = 2
    REPLACED = 1
    KEPT_OUT = 0


@dataclass(frozen=True)
class Elite:
    """A kept program.

    Attributes:
        candidate: the program and where it came from.
        verdict: its evaluation.
        niches: what it is kept for; its cell first if it holds one.
    """

    candidate: Candidate
    verdict: Mapping[str, Any]
    niches: tuple[Niche, ...]

    @property
    def name(self) -> str:
        """The name of its first niche, which no other elite has."""
        return self.niches[0].name

    @property
    def objective(self) -> float:
        """Mean value over training contexts and all seeds, those of the confirmation included."""
        return mean(_all_seeds(self.verdict))

    @property
    def interval(self) -> Interval:
        """The objective with its 95 % interval over seeds."""
        return interval(_all_seeds(self.verdict))


@dataclass(frozen=True)
class _Kept:
    candidate: Candidate
    verdict: Mapping[str, Any]


class Archive:
    """One program a niche; the same offers in the same order give the same elites.

    Never lost: what a cell or a metric holds gives way only to what is better on confirmed
    evidence. On the front a program gives way only to one whose texts are no longer and whose mean
    over all seeds is no lower, so the best of what is no longer than a given length never falls.
    """

    def __init__(self) -> None:
        from ribs.archives import GridArchive  # seconds to import, and only a search needs it

        self._grid: Any = GridArchive(
            solution_dim=(), dims=CELLS, ranges=[(0, size) for size in CELLS], solution_dtype=object
        )
        self._beside: dict[Niche, _Kept] = {}

    def standing(self) -> Standing:
        """Who must be beaten for each niche that is held; plain data for workers."""
        return {niche: held(kept.verdict, niche) for niche, kept in self._holders().items()}

    def offer(self, candidate: Candidate, verdict: Mapping[str, Any]) -> Offer:
        """Give a scored candidate every niche that it has earned."""
        kept, offer = _Kept(candidate, verdict), Offer.KEPT_OUT
        for niche in earned(verdict, self.standing()):
            if niche.kind is Kind.CELL:
                middle = np.array(niche.where) + 0.5
                value = mean(_all_seeds(verdict))
                offer = Offer(int(self._grid.add_single(kept, value, middle)["status"]))
                continue
            if niche.kind is Kind.FRONT:
                self._leave_front(niche, verdict)
            self._beside[niche] = kept
            offer = offer or Offer.BESIDE
        return offer

    @property
    def elites(self) -> list[Elite]:
        """All elites: those of the grid, best first, then those that are kept beside it alone."""
        found: dict[int, tuple[_Kept, list[Niche]]] = {}
        for niche, kept in self._holders().items():
            found.setdefault(kept.candidate.ticket, (kept, []))[1].append(niche)
        elites = [Elite(k.candidate, k.verdict, tuple(niches)) for k, niches in found.values()]
        elites.sort(key=_order)
        if elites:
            cell, *others = elites[0].niches
            elites[0] = replace(elites[0], niches=(cell, BEST, *others))
        return elites

    def _holders(self) -> dict[Niche, _Kept]:
        """Every niche that is held, cells first."""
        data = self._grid.data(["solution", "measures"])
        cells = {
            Niche(Kind.CELL, tuple(int(place) for place in middle)): kept
            for kept, middle in zip(data["solution"], data["measures"], strict=True)
        }
        return {**cells, **self._beside}

    def _leave_front(self, place: Niche, verdict: Mapping[str, Any]) -> None:
        """Take away those that a newcomer to the front makes superfluous."""
        value = mean(_all_seeds(verdict))
        for niche, kept in list(self._beside.items()):
            longer = niche.kind is Kind.FRONT and niche.where >= place.where
            if longer and mean(_all_seeds(kept.verdict)) <= value:
                del self._beside[niche]


def _order(elite: Elite) -> tuple[bool, float, int]:
    return elite.niches[0].kind is not Kind.CELL, -elite.objective, elite.candidate.ticket


def _all_seeds(verdict: Mapping[str, Any]) -> Table:
    """Values on the first look's seeds and, of a confirmed program, on the fresh ones."""
    first, fresh = held(verdict, Niche(Kind.CELL, ()))
    if not verdict["confirmed"]:
        return first
    return {context: [*first[context], *fresh.get(context, ())] for context in first}
