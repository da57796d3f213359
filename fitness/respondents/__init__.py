"""Respondents: read the levels of a population in a context, missing where the text is silent."""

from fitness.respondents.interface import Reading, Respondent, Row
from fitness.respondents.projection import Projection

RESPONDENTS: dict[str, type[Projection]] = {"projection": Projection}
"""Respondents by the name that the config group `respondent` and `--respondent` use; each is
made from a context and a sentence cache."""

__all__ = ["RESPONDENTS", "Projection", "Reading", "Respondent", "Row"]
