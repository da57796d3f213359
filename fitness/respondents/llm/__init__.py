"""The respondent `llm`: a language model answers items as each persona would.

    with LanguageModel(settings) as model:
        scale = calibrate(model)             # from anchor personas; InputError if it cannot do it
        interview = LlmRespondent(context, model, scale).interview(personas)

Levels are calibrated on anchor personas of known position that ship with Gamut, never on the
population that is read: stretched noise covers .93 of a space.
"""

from fitness.respondents.llm.calibration import Calibration, Scale, calibrate, measure_anchors
from fitness.respondents.llm.interview import Interview, ask_items
from fitness.respondents.llm.reader import LlmRespondent

__all__ = [
    "Calibration",
    "Interview",
    "LlmRespondent",
    "Scale",
    "ask_items",
    "calibrate",
    "measure_anchors",
]
