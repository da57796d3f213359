"""The respondent `llm`: a language model answers items as each persona would.

    with LanguageModel(settings) as model:
        scale = calibrate(model)             # from anchor personas; InputError if it cannot do it
        interview = LlmRespondent(context, model, scale).interview(personas)

Levels are calibrated on anchor personas of known position that ship with Gamut, never on the
population that is read: stretched noise covers .93 of a space.
"""

from fitness.respondents.llm.calibration import (
    NEUTRAL,
    Calibration,
    Scale,
    anchor_answers,
    calibrate,
    measure_anchors,
    neutral_answers,
)
from fitness.respondents.llm.interview import Interview, ask_items, requests_of
from fitness.respondents.llm.reader import LlmRespondent, items_of

__all__ = [
    "NEUTRAL",
    "Calibration",
    "Interview",
    "LlmRespondent",
    "Scale",
    "anchor_answers",
    "ask_items",
    "calibrate",
    "items_of",
    "measure_anchors",
    "neutral_answers",
    "requests_of",
]
