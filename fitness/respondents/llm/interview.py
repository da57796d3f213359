"""Interviews: every persona answers every item, alone; answers, levels and their errors."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fitness.respondents.llm.questions import SAMPLES, Question
from generators.llm import Answer, LanguageModel, LLMError, Request

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Interview:
    """What a population answered.

    Attributes:
        answers: agreement in [0, 1], [N, items, repeats]; NaN where missing. One repeat where the
            answers are probability-weighted.
        keys: +1 or −1 of each item, [items].
        axes: which axis each item belongs to, [items].
    """

    answers: Array
    keys: NDArray[np.int_]
    axes: NDArray[np.int_]

    def raw(self) -> Array:
        """Keyed means a persona and axis, [N, K]: the mean of items keyed high and that of items
        keyed low count alike, so that a liking to agree cancels. NaN where fewer than half of the
        items of either key are answered."""
        return _keyed_means(self._items(), self.keys, self.axes)

    def middles(self) -> Array:
        """Mean agreement with each item, [items]; NaN where nobody answered."""
        return _nanmean(self._items().T)

    def around(self, middles: Array) -> "Interview":
        """The same answers, each less its item's middle [items], around .5."""
        return Interview(self.answers - middles[:, None] + 0.5, self.keys, self.axes)

    def without_each(self) -> Array:
        """As `raw` with one item left out in turn, [items, N, K]."""
        items, left = self._items(), []
        for at in range(items.shape[1]):
            fewer = items.copy()
            fewer[:, at] = np.nan
            left.append(_keyed_means(fewer, self.keys, self.axes))
        return np.array(left)

    def variances(self) -> dict[str, float]:
        """Variance of keyed answers: between personas, persona × item (with the residual), and
        between repeats of one answer; means over axes. Henderson's ANOVA estimates on complete
        rows; NaN where there are too few."""
        found: dict[str, list[float]] = {"persona": [], "persona_item": [], "run": []}
        keyed = np.where(self.keys[None, :, None] > 0, self.answers, 1 - self.answers)
        for axis in np.unique(self.axes):
            own = keyed[:, self.axes == axis]
            run = np.nanvar(own, axis=2, ddof=1).mean() if own.shape[2] > 1 else 0.0
            cells = np.nanmean(own, axis=2)
            cells = cells[~np.isnan(cells).any(axis=1)]
            n, items = cells.shape
            if n < 2 or items < 2:
                continue
            rows, columns = cells.mean(axis=1, keepdims=True), cells.mean(axis=0, keepdims=True)
            residual = cells - rows - columns + cells.mean()
            rest = float((residual**2).sum() / (n - 1) / (items - 1))
            between = float(rows.var(ddof=1)) - rest / items
            found["persona"].append(max(between, 0.0))
            found["persona_item"].append(max(rest - run / own.shape[2], 0.0))
            found["run"].append(float(run))
        return {name: float(np.mean(v)) if v else float("nan") for name, v in found.items()}

    def errors(self) -> Array:
        """Standard error of `raw`, [N, K], from the spread of items within a key: what a failed
        answer leaves uncertain is in it, since fewer items are left."""
        items = self._items()
        error = np.full((len(items), self.axes.max() + 1), np.nan)
        for axis in range(error.shape[1]):
            parts = [items[:, (self.axes == axis) & (self.keys == key)] for key in (1, -1)]
            counts = [(~np.isnan(part)).sum(axis=1) for part in parts]
            squares = [np.nansum((part - _nanmean(part)[:, None]) ** 2, axis=1) for part in parts]
            freedom = np.maximum(sum(counts) - 2, 1)
            pooled = sum(squares) / freedom
            with np.errstate(divide="ignore"):
                error[:, axis] = np.sqrt(pooled * sum(1 / count for count in counts)) / 2
        error[np.isnan(self.raw())] = np.nan
        return error

    def agreement(self) -> float:
        """Mean agreement with items of both keys alike, less the middle: acquiescence."""
        parts = [np.nanmean(self.answers[:, self.keys == key]) for key in (1, -1)]
        return float(np.mean(parts)) - 0.5

    def _items(self) -> Array:
        return _nanmean(self.answers)


def ask_items(
    model: LanguageModel,
    personas: Sequence[str],
    items: Sequence[tuple[str, int, int]],
    *,
    reversed_too: bool = False,
    reasoning: str = "none",
) -> Interview:
    """Ask every persona's text every item (text, key, axis).

    The items of a persona come in an order of its own, on one lane. With `reversed_too` every
    second one of them is asked on the reversed scale, for a model that understands it. Raises what
    `LanguageModel.ask_all` raises.
    """
    questions = []
    for number, persona in enumerate(personas):
        for place, at in enumerate(order_of(persona, len(items))):
            turned = reversed_too and place % 2 == 1
            questions.append((number, at, Question(persona, items[at][0], turned, str(number))))
    able = model.capabilities().top_logprobs
    repeats = 1 if able else SAMPLES
    asked = [(i, at, q, r) for i, at, q in questions for r in range(repeats)]
    thoughts: list[str | None] = [None] * len(asked)
    lost: set[int] = set()
    if reasoning != "none":
        replies = model.ask_all([q.reasons(r) for _, _, q, r in asked])
        thoughts = [reply.text if isinstance(reply, Answer) else None for reply in replies]
        lost = {place for place, reply in enumerate(replies) if isinstance(reply, LLMError)}
    kept = [place for place in range(len(asked)) if place not in lost]
    outcomes = model.ask_all([asked[p][2].request(able, asked[p][3], thoughts[p]) for p in kept])
    answers = np.full((len(personas), len(items), repeats), np.nan)
    for place, outcome in zip(kept, outcomes, strict=True):
        number, at, question, repeat = asked[place]
        answers[number, at, repeat] = question.value(outcome)
    keys = np.array([key for _, key, _ in items])
    return Interview(answers, keys, np.array([axis for _, _, axis in items]))


def requests_of(persona: str, item: str, able: int, reasoning: str) -> list[Request]:
    """What one answer takes, as far as it is known before; `able`: alternatives that the server
    gives."""
    question = Question(persona, item, False, "")
    asked = []
    for sample in range(1 if able else SAMPLES):
        thinks = reasoning != "none"
        asked += [question.reasons(sample)] if thinks else []
        asked.append(question.request(able, sample, "" if thinks else None))
    return asked


def order_of(persona: str, items: int) -> NDArray[np.int_]:
    """In which order a persona is asked: by its text alone, whoever stands beside it."""
    return np.random.default_rng(zlib.crc32(persona.encode())).permutation(items)


def _keyed_means(items: Array, keys: NDArray[np.int_], axes: NDArray[np.int_]) -> Array:
    means = np.full((len(items), axes.max() + 1), np.nan)
    for axis in range(means.shape[1]):
        parts = []
        for key in (1, -1):
            part = items[:, (axes == axis) & (keys == key)]
            answered = (~np.isnan(part)).sum(axis=1)
            mean = _nanmean(part)
            enough = 2 * answered >= part.shape[1]
            parts.append(np.where(enough, mean if key > 0 else 1 - mean, np.nan))
        means[:, axis] = (parts[0] + parts[1]) / 2
    return means


def _nanmean(values: Array) -> Array:
    """Mean over the last axis of what is there; NaN where nothing is."""
    there = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        mean: Array = np.where(there, values, 0.0).sum(axis=-1) / there.sum(axis=-1)
    return mean
