"""The archive: elites by what a user chooses by. A grid on pyribs, and what is kept beside it.

Beside the grid: the elite of each metric, of which the one in what is maximised is the best of all,
and the front of credited rare combination coverage against words a persona. `niches.py` says what
each place is and who may take it. A program that holds several is one elite.

What a program costs is no third axis. Without a language model it is calls of blocks: 5 to 10 a
population for 97 of 100 programs of a default job, under 2 ms. Cells would differ in nothing that a
user could choose by. The calls are counted, and told with each elite; so are the tokens of a
population where programs may ask a language model.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np

from evolve.evidence import mean
from evolve.niches import CELLS, OBJECTIVE, Kind, Niche, Standing, earned, record
from evolve.statistics import Interval, interval
from evolve.store import Candidate

BEST = Niche(Kind.BEST, (OBJECTIVE,))


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
        objective: mean value over training contexts and all seeds, those of the confirmation
            included.
    """

    candidate: Candidate
    verdict: Mapping[str, Any]
    niches: tuple[Niche, ...]
    objective: float

    @property
    def name(self) -> str:
        """The name of its first niche, which no other elite has."""
        return self.niches[0].name

    @property
    def interval(self) -> Interval:
        """The objective with its 95 % interval over seeds."""
        return interval(record(self.verdict, BEST))


@dataclass(frozen=True)
class _Kept:
    candidate: Candidate
    verdict: Mapping[str, Any]
    value: float


class Archive:
    """One program a niche; the same offers in the same order give the same elites.

    Never lost: what a cell or a metric holds gives way only to what is better on confirmed
    evidence. On the front a program gives way only to one whose texts are no longer and whose mean
    is no lower, neither over all seeds nor over the fresh ones, so the best of what is no longer
    than a given length never falls.
    """

    def __init__(self) -> None:
        from ribs.archives import GridArchive  # seconds to import, and only a search needs it

        self._grid: Any = GridArchive(
            solution_dim=(), dims=CELLS, ranges=[(0, size) for size in CELLS], solution_dtype=object
        )
        self._beside: dict[Niche, _Kept] = {}
        self._elites: list[Elite] = []
        self._standing: Standing = {}

    @property
    def elites(self) -> list[Elite]:
        """All elites, the best first and the others by their objective."""
        return list(self._elites)

    def standing(self) -> Standing:
        """Who must be beaten for each niche that is held; plain data for workers."""
        return self._standing

    def offer(self, candidate: Candidate, verdict: Mapping[str, Any]) -> Offer:
        """Give a scored candidate every niche that it has earned."""
        taken = earned(verdict, self._standing)
        if not taken:
            return Offer.KEPT_OUT
        kept, offer = _Kept(candidate, verdict, mean(record(verdict, BEST))), Offer.BESIDE
        for niche in taken:
            if niche.kind is Kind.CELL:
                middle = np.array(niche.where) + 0.5
                offer = Offer(int(self._grid.add_single(kept, kept.value, middle)["status"]))
                continue
            if niche.kind is Kind.FRONT:
                self._leave_front(niche, kept)
            self._beside[niche] = kept
        self._count()
        return offer

    def _count(self) -> None:
        """List elites and standing anew."""
        data = self._grid.data(["solution", "measures"])
        cells = {
            Niche(Kind.CELL, tuple(int(place) for place in middle)): kept
            for kept, middle in zip(data["solution"], data["measures"], strict=True)
        }
        holders: dict[Niche, _Kept] = {**cells, **self._beside}
        self._standing = {niche: record(kept.verdict, niche) for niche, kept in holders.items()}
        by_ticket: dict[int, tuple[_Kept, list[Niche]]] = {}
        for niche, kept in holders.items():
            by_ticket.setdefault(kept.candidate.ticket, (kept, []))[1].append(niche)
        elites = [
            Elite(kept.candidate, kept.verdict, tuple(niches), kept.value)
            for kept, niches in by_ticket.values()
        ]
        self._elites = sorted(
            elites, key=lambda e: (BEST not in e.niches, -e.objective, e.candidate.ticket)
        )

    def _leave_front(self, place: Niche, newcomer: _Kept) -> None:
        """Take away those that a newcomer to the front makes superfluous."""
        fresh = newcomer.verdict["fresh"]
        reached = min(newcomer.value, mean(fresh["values"])) if fresh else newcomer.value
        for niche, kept in list(self._beside.items()):
            longer = niche.kind is Kind.FRONT and niche.where >= place.where
            if longer and kept.value <= reached:
                del self._beside[niche]
