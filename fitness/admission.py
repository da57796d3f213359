"""Admission: can the readers tell the poles of a context's axes apart?

The hidden statements and items of an axis are their own examination: a quarter is left out at a
time and read with the others. A level of an axis whose own statements land on the wrong side means
nothing, so a search on such a context is refused unless the user insists.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import floor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitness.embedding import Caches
from fitness.respondents import Agreement
from fitness.respondents.sentences import about_i
from generators.context import Axis, Context, Hidden

ADMITTED = 0.85  # share of an axis' own texts on their own side, a mean over both readers
CONFUSED = 0.25  # share of an axis' own texts that are taken for another one
FOLDS = 4

Levels = NDArray[np.float64]


@dataclass(frozen=True)
class AxisAdmission:
    """How an axis does.

    Attributes:
        axis: its id.
        accuracy: by reader, share of its statements and items read on their own side.
        confused_with: ids of axes that many of its statements are attributed to by a reader.
        rewrite: texts that a reader puts on the wrong side, those that both do first.
    """

    axis: str
    accuracy: dict[str, float]
    confused_with: tuple[str, ...]
    rewrite: tuple[str, ...]

    @property
    def mean(self) -> float:
        """Accuracy over both readers."""
        return float(np.mean(list(self.accuracy.values())))

    @property
    def admitted(self) -> bool:
        """Whether the readers tell its poles apart."""
        return self.mean >= ADMITTED

    def as_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "axis": self.axis,
            "accuracy": {reader: round(share, 4) for reader, share in self.accuracy.items()},
            "admitted": self.admitted,
            "confused_with": list(self.confused_with),
            "rewrite": list(self.rewrite),
        }


@dataclass
class _Tally:
    """What was found of one axis: text → by reader whether it is on its own side, and axes read."""

    right: dict[str, dict[str, bool]] = field(default_factory=dict)
    taken_for: dict[str, list[int]] = field(default_factory=dict)


def examine(context: Context, caches: Caches) -> list[AxisAdmission]:
    """How well both offline readers tell the poles of each axis apart.

    Raises GamutError where an axis has no hidden part.
    """
    tallies = [_Tally() for _ in context.axes]
    for fold in range(FOLDS):
        parts = [_without(axis, fold) for axis in context.axes]
        rest = context.model_copy(update={"axes": tuple(axis for axis, _ in parts)})
        for reader in Agreement(rest, caches).readers:
            for number, (_, left_out) in enumerate(parts):
                texts = [about_i(text) for text, _ in left_out]
                shares, levels = reader.sentence_levels(texts)
                tally = tallies[number]
                for (text, high), level in zip(left_out, levels[:, number], strict=True):
                    tally.right.setdefault(text, {})[reader.name] = (level > 0.5) == high
                spoken = shares[shares.any(axis=1)]
                tally.taken_for.setdefault(reader.name, []).extend(spoken.argmax(axis=1).tolist())
    return [_verdict(context, number, tally) for number, tally in enumerate(tallies)]


def not_admitted_words(found: Sequence[AxisAdmission]) -> str:
    """The axes that are not admitted, each with its accuracy; empty where all are."""
    return ", ".join(f"{axis.axis} {percent(axis.mean)}" for axis in found if not axis.admitted)


def percent(share: float) -> str:
    """A share in whole percent, rounded down, so that what falls short never reads as enough."""
    return f"{floor(100 * share + 1e-9)} %"


def _without(axis: Axis, fold: int) -> tuple[Axis, list[tuple[str, bool]]]:
    """An axis without a quarter of its texts, and those texts with their side."""
    hidden = axis.hidden
    if hidden is None:
        return axis, []
    low, high = (_parted(pole, fold) for pole in (hidden.low, hidden.high))
    plus, minus = (
        _parted([item for item in hidden.items if item.key == key], fold) for key in (1, -1)
    )
    kept = Hidden.model_construct(low=low[0], high=high[0], items=(*plus[0], *minus[0]))
    left_out = [
        *((text, False) for text in low[1]),
        *((text, True) for text in high[1]),
        *((item.text, item.key == 1) for item in (*plus[1], *minus[1])),
    ]
    return axis.model_copy(update={"hidden": kept}), left_out


def _parted(values: Sequence[Any], fold: int) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    kept = tuple(v for i, v in enumerate(values) if i % FOLDS != fold)
    return kept, tuple(v for i, v in enumerate(values) if i % FOLDS == fold)


def _verdict(context: Context, number: int, tally: _Tally) -> AxisAdmission:
    readers = list(tally.taken_for)
    accuracy = {
        reader: float(np.mean([said[reader] for said in tally.right.values()]))
        for reader in readers
    }
    wrong = {text: sum(not right for right in said.values()) for text, said in tally.right.items()}
    rewrite = sorted((text for text, count in wrong.items() if count), key=lambda t: -wrong[t])
    confused = {
        other for reader in readers for other in _often(tally.taken_for[reader]) if other != number
    }
    return AxisAdmission(
        axis=context.axes[number].id,
        accuracy=accuracy,
        confused_with=tuple(context.axes[other].id for other in sorted(confused)),
        rewrite=tuple(rewrite),
    )


def _often(taken_for: Sequence[int]) -> Iterator[int]:
    """Axes that a good share of texts are taken for."""
    for other in set(taken_for):
        if taken_for.count(other) >= CONFUSED * len(taken_for):
            yield other
