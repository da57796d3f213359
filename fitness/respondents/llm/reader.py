"""The respondent: reads a population in a context by interviewing it."""

import json
from collections.abc import Sequence

import numpy as np

from fitness.encoders.heads import text_digest
from fitness.metrics import levels_of
from fitness.respondents.interface import Reading
from fitness.respondents.llm.calibration import Scale, neutral_answers
from fitness.respondents.llm.interview import Interview, ask_items
from generators.context import Context
from generators.errors import InputError
from generators.llm import LanguageModel
from generators.persona import Persona

EDITION = 2
FEWEST_ITEMS = 2  # of each key an axis: where one is left out, one must be left
MOST_ITEMS = 3  # of each key an axis; an answer takes a small model .2 s on two cores


def items_of(context: Context) -> list[tuple[str, int, int]]:
    """The items that are asked: text, key, axis. InputError where an axis has too few."""
    found: list[tuple[str, int, int]] = []
    for number, axis in enumerate(context.axes):
        items = axis.hidden.items if axis.hidden else ()
        for key in (1, -1):
            of_key = [item.text for item in items if item.key == key][:MOST_ITEMS]
            if len(of_key) < FEWEST_ITEMS:
                raise InputError(
                    f"axis {axis.id}: {len(of_key)} items keyed {key:+}; the respondent llm needs"
                    f" {FEWEST_ITEMS} of each key, in each half of a context that is searched on"
                )
            found += [(text, key, number) for text in of_key]
    return found


class LlmRespondent:
    """Answers a context's items as each persona; see the package's description.

    A level is firm where it stays in its third whichever one item is left out. Answers count from
    each item's middle (see `neutral_answers`), which the model is asked for once.
    """

    name = "llm"

    def __init__(
        self,
        context: Context,
        model: LanguageModel,
        scale: Scale,
        reasoning: str = "none",
        middles: Sequence[float | None] | None = None,
    ) -> None:
        """`middles`: of the items, where they are known; None: missing. Raises what `items_of`
        raises."""
        self._model, self._scale, self._reasoning = model, scale, reasoning
        self.items = items_of(context)
        self._middles = None if middles is None else np.array(middles, dtype=np.float64)
        way = json.dumps([EDITION, model.settings.model, scale.as_json(), reasoning])
        self.fingerprint = f"llm-{EDITION}/{model.settings.model}/{text_digest(way)}"

    def interview(self, personas: Sequence[Persona]) -> Interview:
        """Every persona's answers. Raises what `LanguageModel.ask_all` raises."""
        texts = [persona.description for persona in personas]
        reverse, reasoning = self._scale.reversed_understood, self._reasoning
        return ask_items(self._model, texts, self.items, reversed_too=reverse, reasoning=reasoning)

    def read(self, personas: Sequence[Persona]) -> Reading:
        """Calibrated levels in [0, 1] an axis; None where too few items were answered."""
        return self.reading(self.interview(personas))

    def reading(self, interview: Interview) -> Reading:
        """Levels of an interview, and which of them no single item decides."""
        if self._middles is None:
            self._middles = neutral_answers(self._model, self.items, self._scale, self._reasoning)
        interview = interview.around(self._middles)
        levels = self._scale.level(interview.raw())
        left = self._scale.level(interview.without_each())
        same = (levels_of(left) == levels_of(levels)) & ~np.isnan(left)
        other = interview.axes[:, None, None] != np.arange(levels.shape[1])
        firm = (same | other).all(axis=0) & ~np.isnan(levels)
        rows = [[None if np.isnan(z) else float(z) for z in row] for row in levels]
        return Reading(rows, [[bool(f) for f in row] for row in firm])
