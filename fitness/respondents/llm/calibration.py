"""Calibration on anchors: what a model's answers are worth as levels, and whether they are any.

Anchor personas are put together from texts at known levels on four axes by the orthogonal array
L9(3⁴) (Taguchi 1987): nine rows in which every two axes are crossed, each told in two wordings. So
reliability, scale, acquiescence and what the axes wrongly share are all seen on the same answers.

How far answers move is the anchors' too, but not from where: models agree with some items whoever
they are. What the anchors, whose texts say nothing about it, answer to an item of a context is
therefore that item's middle (`neutral_answers`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from importlib.resources import files
from itertools import combinations
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray
from scipy.stats import spearmanr

from fitness.respondents.llm.interview import Interview, ask_items, order_of
from generators.errors import InputError
from generators.llm import LanguageModel

LEAST_RELIABILITY = 0.6  # mean rank correlation with the anchors' levels. LLM_LOCAL study: a 1.5B
# model recovers traits at .75 to .88, a .5B one at .18 to .51 and is of no use as a fitness
LEAST_REVERSED = 0.5  # correlation of answers on the reversed scale with those on the normal one
KNOWN = np.array([1 / 6, 1 / 2, 5 / 6])  # positions of low, middle and high
_POLES = ("low", "middle", "high")
_L9 = np.array(
    [[0, 0, 0, 0], [0, 1, 1, 1], [0, 2, 2, 2], [1, 0, 1, 2], [1, 1, 2, 0], [1, 2, 0, 1],
     [2, 0, 2, 1], [2, 1, 0, 2], [2, 2, 1, 0]]
)  # fmt: skip
NEUTRAL = len(_L9)  # anchor personas that tell an item's middle: all of one wording, so balanced

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Scale:
    """From keyed means of answers, each less its item's middle, to levels.

    Attributes:
        width: difference of keyed means that a whole axis takes.
        reversed_understood: whether items may also be asked on the reversed scale.
    """

    width: float
    reversed_understood: bool

    def level(self, raw: Array) -> Array:
        """Levels in [0, 1] of keyed means around .5, of any shape; NaN stays."""
        level: Array = np.clip(0.5 + (raw - 0.5) / self.width, 0.0, 1.0)
        return level

    def as_json(self) -> dict[str, Any]:
        """Plain JSON; `Scale(**plain)` reads it."""
        return asdict(self)


@dataclass(frozen=True)
class Calibration:
    """What the anchors show of a model.

    Attributes:
        scale: from its answers to levels.
        reliability: rank correlation of answered and known levels, by axis; NaN where all answers
            are alike or missing.
        own_third: share of levels in their own third, with items' middles from the personas at
            other levels, on a width from other axes.
        acquiescence: mean agreement with items of both keys alike, less the middle, in [−.5, .5].
        shared: mean absolute rank correlation between axes, which are crossed, so that it should be
            what chance gives: .19 for eighteen personas.
        reversed: correlation of answers on the reversed scale with those on the normal one.
        missing: share of answers that are none.
    """

    scale: Scale
    reliability: Mapping[str, float]
    own_third: float
    acquiescence: float
    shared: float
    reversed: float
    missing: float

    @property
    def mean_reliability(self) -> float:
        """Mean over axes; an axis without any order counts as 0."""
        return float(np.mean(np.nan_to_num(list(self.reliability.values()))))

    @property
    def reliable(self) -> bool:
        """Whether the model may read levels at all."""
        return self.mean_reliability >= LEAST_RELIABILITY and self.scale.width > 0

    def words(self) -> str:
        """For reading."""
        by_axis = ", ".join(f"{name} {rho:.2f}" for name, rho in self.reliability.items())
        verdict = "may read levels" if self.reliable else "is too unreliable to read levels"
        turned = "understood" if self.scale.reversed_understood else "not understood, so not used"
        return (
            f"{verdict}: rank correlation {self.mean_reliability:.2f} with the anchors' levels"
            f" ({by_axis}; {LEAST_RELIABILITY} is needed), {self.own_third:.0%} of them in their"
            f" own third; acquiescence {self.acquiescence:+.3f}; crossed axes share"
            f" {self.shared:.2f} (.19 by chance); reversed scale {turned} (r ="
            f" {self.reversed:.2f}); {self.missing:.0%} of the answers missing"
        )

    def as_json(self) -> dict[str, Any]:
        """Plain JSON; None where there is no number."""
        plain = {**asdict(self), "reliable": self.reliable}
        by_axis = {name: _number(rho) for name, rho in self.reliability.items()}
        return {**plain, "reliability": by_axis, "shared": _number(self.shared)}


def calibrate(model: LanguageModel, reasoning: str = "none") -> Scale:
    """The scale of a model. Raises InputError where its answers on the anchors are unreliable."""
    found = measure_anchors(model, reasoning)
    if not found.reliable:
        raise InputError(f"{model.settings.model}: {found.words()}; use a larger model")
    return found.scale


def measure_anchors(model: LanguageModel, reasoning: str = "none") -> Calibration:
    """Interview the anchor personas. Raises what `LanguageModel.ask_all` raises."""
    axes, texts, levels = _anchors()
    items = [(i["text"], i["key"], n) for n, axis in enumerate(axes) for i in axis["items"]]
    normal = ask_items(model, texts, items, reasoning=reasoning)
    raw = normal.raw()
    reliability = {axis["id"]: _rho(raw[:, n], levels[:, n]) for n, axis in enumerate(axes)}
    pairs = combinations(range(len(axes)), 2)
    turned = _turned(model, texts, items, reasoning)
    both = ~np.isnan(turned) & ~np.isnan(normal.answers.mean(axis=2)[: len(turned)])
    agreement = _correlation(turned[both], normal.answers.mean(axis=2)[: len(turned)][both])
    scale = replace(_scale(raw, levels), reversed_understood=agreement >= LEAST_REVERSED)
    return Calibration(
        scale=scale,
        reliability=reliability,
        own_third=_own_third(normal, levels),
        acquiescence=normal.agreement(),
        shared=float(np.mean([abs(_rho(raw[:, a], raw[:, b])) for a, b in pairs])),
        reversed=agreement,
        missing=float(np.isnan(normal.answers).mean()),
    )


def anchor_answers() -> int:
    """How many answers `measure_anchors` takes."""
    axes, texts, _ = _anchors()
    return sum(len(axis["items"]) for axis in axes) * (len(texts) + len(_L9))


def neutral_answers(
    model: LanguageModel,
    items: Sequence[tuple[str, int, int]],
    scale: Scale,
    reasoning: str = "none",
) -> Array:
    """Agreement with each item of people who say nothing about it, [items]: the anchors' mean, of
    one wording. NaN where all of it is missing."""
    _, texts, _ = _anchors()
    turned = scale.reversed_understood
    few = texts[:NEUTRAL]
    return ask_items(model, few, items, reversed_too=turned, reasoning=reasoning).middles()


def _turned(
    model: LanguageModel, texts: list[str], items: list[tuple[str, int, int]], reasoning: str
) -> Array:
    """Agreement of the first nine personas with every second of their items, asked on the reversed
    scale, [9, items]; NaN elsewhere."""
    few = texts[: len(_L9)]
    once = ask_items(model, few, items, reversed_too=True, reasoning=reasoning).answers
    turned = np.full(once.shape[:2], np.nan)
    for number, text in enumerate(few):
        order = order_of(text, len(items))
        turned[number, order[1::2]] = once[number, order[1::2]].mean(axis=-1)
    return turned


@cache
def _anchors() -> tuple[list[dict[str, Any]], list[str], NDArray[np.float64]]:
    """Axes, texts of the personas, and their levels [personas, axes]."""
    axes = yaml.safe_load((files(__package__) / "anchors.yaml").read_text("utf-8"))["axes"]
    texts, levels = [], []
    for wording in (0, 1):
        for row in _L9:
            told = [axis[_POLES[at]][wording] for axis, at in zip(axes, row, strict=True)]
            texts.append(" ".join(told))
            levels.append(KNOWN[row])
    return axes, texts, np.array(levels)


def _scale(raw: Array, levels: Array) -> Scale:
    """Means of what is known to be low and high, as far apart as these stand."""
    low, high = (float(np.nanmean(raw[levels == KNOWN[pole]])) for pole in (0, 2))
    width = (high - low) / (KNOWN[2] - KNOWN[0])
    return Scale(float(width), False)


def _own_third(interview: Interview, levels: Array) -> float:
    raw = np.empty_like(levels)
    for number, row in enumerate(levels):
        others = (levels != row).any(axis=1)  # not its other wording
        middles = Interview(interview.answers[others], interview.keys, interview.axes).middles()
        raw[number] = interview.around(middles).raw()[number]
    right = []
    for axis in range(raw.shape[1]):
        others = np.delete(np.arange(raw.shape[1]), axis)
        scale = _scale(raw[:, others], levels[:, others])
        if scale.width <= 0:
            return 0.0
        found = np.floor(scale.level(raw[:, axis]) * 3).clip(0, 2)
        right.append(np.mean(found == np.floor(levels[:, axis] * 3)))
    return float(np.mean(right))


def _rho(one: Array, other: Array) -> float:
    there = ~np.isnan(one) & ~np.isnan(other)
    if there.sum() < 3 or np.ptp(one[there]) == 0 or np.ptp(other[there]) == 0:
        return float("nan")
    return float(spearmanr(one[there], other[there]).statistic)


def _number(value: float) -> float | None:
    return None if np.isnan(value) else value


def _correlation(one: Array, other: Array) -> float:
    if len(one) < 3 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])
