"""Admission: can the readers tell the poles of a context's axes apart?

They are asked with texts that they do not read with: the signs, which are what personas are written
with, and the hidden statements and items, a quarter of which is left out at a time and read with
the others. How well two poles are told apart is the chance that a text of the high pole is read
higher than one of the low pole (the area under the ROC curve; .5 is guessing). The signs decide: a
statement that is left out often leaves its own contrary behind on the other side, which draws it
there, so those figures are too low; they say which statements are the weak ones. A level on an
axis whose poles are not told apart means little, so a search on such a context is refused unless
the user insists.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import floor
from typing import Any

import numpy as np

from fitness.embedding import Caches
from fitness.respondents import Agreement
from fitness.respondents.sentence_reader import SentenceReader
from fitness.respondents.sentences import about_i
from generators.blocks.clauses import of_oneself
from generators.context import Axis, Context, Hidden

ADMITTED = 0.85  # how well the poles must be told apart by the signs, a mean over both readers
CONFUSED = 0.25  # share of an axis' own texts that are taken for another one
FOLDS = 4


@dataclass(frozen=True)
class AxisAdmission:
    """How an axis does.

    Attributes:
        axis: its id.
        signs: by reader, how well it tells the signs of the two poles apart, in [0, 1].
        left_out: by reader, how well it tells statements and items apart without reading with them.
        confused_with: ids of axes that many of its statements are attributed to by a reader.
        rewrite: signs and statements that a reader puts on the wrong side, those that both do
            first, signs before statements.
    """

    axis: str
    signs: dict[str, float]
    left_out: dict[str, float]
    confused_with: tuple[str, ...]
    rewrite: tuple[str, ...]

    @property
    def mean(self) -> float:
        """How well its poles are told apart by the signs, over both readers."""
        return float(np.mean(list(self.signs.values())))

    @property
    def admitted(self) -> bool:
        """Whether the readers tell its poles apart."""
        return self.mean >= ADMITTED

    def as_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "axis": self.axis,
            "signs": {reader: round(share, 4) for reader, share in self.signs.items()},
            "left_out": {reader: round(share, 4) for reader, share in self.left_out.items()},
            "admitted": self.admitted,
            "confused_with": list(self.confused_with),
            "rewrite": list(self.rewrite),
        }


@dataclass
class _Read:
    """Texts of one axis as one reader read them: (text, whether of the high pole, level), and for
    each text that was attributed at all the number of the axis that it was most attributed to."""

    placed: list[tuple[str, bool, float]] = field(default_factory=list)
    taken_for: list[int] = field(default_factory=list)

    def add(
        self,
        reader: SentenceReader,
        number: int,
        texts: Sequence[tuple[str, bool]],
        told: Callable[[str], str],
    ) -> None:
        """Read texts of axis `number`, given with whether they are of the high pole."""
        shares, levels = reader.sentence_levels([told(text) for text, _ in texts])
        self.placed += [
            (text, high, float(level))
            for (text, high), level in zip(texts, levels[:, number], strict=True)
        ]
        self.taken_for += shares[shares.any(axis=1)].argmax(axis=1).tolist()

    @property
    def apart(self) -> float:
        """The chance that a text of the high pole is read higher than one of the low pole."""
        high = np.array([level for _, is_high, level in self.placed if is_high])
        low = np.array([level for _, is_high, level in self.placed if not is_high])
        difference = np.subtract.outer(high, low)
        return float(((difference > 0) + 0.5 * (difference == 0)).mean())

    @property
    def wrong(self) -> set[str]:
        """Texts on the other side."""
        return {text for text, high, level in self.placed if (level > 0.5) != high}


def examine(context: Context, caches: Caches) -> list[AxisAdmission]:
    """How well both offline readers tell the poles of each axis apart.

    Raises GamutError where an axis has no hidden part.
    """
    axes = range(len(context.axes))
    by_signs: list[dict[str, _Read]] = [{} for _ in axes]
    left_out: list[dict[str, _Read]] = [{} for _ in axes]
    for reader in Agreement(context, caches).readers:
        for number, axis in enumerate(context.axes):
            signs = [(s, False) for s in axis.signs.low] + [(s, True) for s in axis.signs.high]
            read = by_signs[number].setdefault(reader.name, _Read())
            read.add(reader, number, signs, of_oneself)
    for quarter in range(FOLDS):
        parts = [_without(axis, quarter) for axis in context.axes]
        rest = context.model_copy(update={"axes": tuple(axis for axis, _ in parts)})
        for reader in Agreement(rest, caches).readers:
            for number, (_, texts) in enumerate(parts):
                read = left_out[number].setdefault(reader.name, _Read())
                read.add(reader, number, texts, about_i)
    return [_verdict(context, n, by_signs[n], left_out[n]) for n in axes]


def not_admitted_words(found: Sequence[AxisAdmission]) -> str:
    """The axes that are not admitted, each with its figure; empty where all are."""
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


def _verdict(
    context: Context, number: int, signs: Mapping[str, _Read], left_out: Mapping[str, _Read]
) -> AxisAdmission:
    wrong = [
        Counter(text for read in found.values() for text in read.wrong)
        for found in (signs, left_out)
    ]
    rewrite = [
        text
        for times in (2, 1)
        for count in wrong
        for text in sorted(count)
        if count[text] == times
    ]
    confused = {other for read in left_out.values() for other in _often(read.taken_for)} - {number}
    return AxisAdmission(
        axis=context.axes[number].id,
        signs={reader: read.apart for reader, read in signs.items()},
        left_out={reader: read.apart for reader, read in left_out.items()},
        confused_with=tuple(context.axes[other].id for other in sorted(confused)),
        rewrite=tuple(rewrite),
    )


def _often(taken_for: Sequence[int]) -> Iterator[int]:
    """Axes that a good share of texts are taken for."""
    for other in set(taken_for):
        if taken_for.count(other) >= CONFUSED * len(taken_for):
            yield other
