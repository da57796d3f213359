"""Respondents: read the levels of a population in a context, missing where the text is silent."""

from collections.abc import Callable

from fitness.embedding import Caches
from fitness.respondents.agreement import Agreement
from fitness.respondents.interface import Reading, Respondent, Row
from fitness.respondents.nearest import Nearest
from fitness.respondents.projection import Projection
from generators.context import Context

RESPONDENTS: dict[str, Callable[[Context, Caches], Respondent]] = {
    "agreement": Agreement,
    "projection": Projection,
    "nearest": Nearest,
}
"""Respondents by the name that the config group `respondent` and `--respondent` use."""

DEFAULT = "agreement"

__all__ = ["DEFAULT", "RESPONDENTS", "Agreement", "Nearest", "Projection", "Reading", "Respondent", "Row"]
