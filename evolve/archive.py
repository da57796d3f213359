"""The archive: a grid of elites by measures that a user chooses by, on pyribs.

Measures: how like the reference density a population is, and how many words a persona has. An
elite gives way only on evidence: candidates are evaluated on the same contexts and seeds, and the
newcomer must be better by more than the standard error of the paired differences.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np

from evolve.store import Candidate

CELLS = (4, 5)
DENSITY = (0.0, 1.0)
WORDS = (20.0, 640.0)  # words a persona; the axis is logarithmic, a doubling a cell


class Offer(IntEnum):
    """What became of a candidate that was offered to the archive."""

    NEW_CELL = 2
    REPLACED = 1
    KEPT_OUT = 0


@dataclass(frozen=True)
class Elite:
    """A kept program.

    Attributes:
        candidate: the program and where it came from.
        verdict: its evaluation.
        niche: cell of the grid, (density, words).
    """

    candidate: Candidate
    verdict: Mapping[str, Any]
    niche: tuple[int, int]

    @property
    def objective(self) -> float:
        """Mean value over training contexts and seeds."""
        return objective(self.verdict)


class Archive:
    """At most one elite a cell; the same offers in the same order give the same elites."""

    def __init__(self) -> None:
        from ribs.archives import GridArchive  # seconds to import, and only a search needs it

        low, high = np.log2(WORDS)
        self._grid: Any = GridArchive(
            solution_dim=(),
            dims=CELLS,
            ranges=[DENSITY, (low, high)],
            solution_dtype=object,
        )

    def offer(self, candidate: Candidate, verdict: Mapping[str, Any]) -> Offer:
        """Add a scored candidate where its cell is empty or its elite is worse on evidence."""
        measures = self._measures(verdict)
        occupied, held = self._grid.retrieve_single(measures)
        if occupied and not better(verdict, held["solution"].verdict):
            return Offer.KEPT_OUT
        index = self._grid.int_to_grid_index(self._grid.index_of(measures[None]))[0]
        elite = Elite(candidate, verdict, (int(index[0]), int(index[1])))
        status = self._grid.add_single(elite, elite.objective, measures)["status"]
        return Offer(int(status))

    @property
    def elites(self) -> list[Elite]:
        """All elites, best first."""
        found = list(self._grid.data("solution"))
        return sorted(found, key=lambda e: (-e.objective, e.candidate.ticket))

    @staticmethod
    def _measures(verdict: Mapping[str, Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
        words = np.clip(verdict["measures"]["words"], *WORDS)
        return np.array([verdict["measures"]["density"], np.log2(words)])


def objective(verdict: Mapping[str, Any]) -> float:
    """Mean over contexts of the mean over seeds."""
    values = verdict["values"].values()
    return float(np.mean([np.mean(v) for v in values])) if values else 0.0


def better(new: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
    """Whether a verdict beats another by more than the standard error of paired differences."""
    differences = _flat(new["values"]) - _flat(old["values"])
    error = differences.std(ddof=1) / np.sqrt(len(differences)) if len(differences) > 1 else 0.0
    return bool(differences.mean() > error)


def _flat(values: Mapping[str, Sequence[float]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.concatenate([np.asarray(values[context]) for context in sorted(values)])
