"""Respondents: read the levels of a population in a context, missing where the text is silent."""

from collections.abc import Callable

from fitness.embedding import Caches
from fitness.respondents.agreement import Agreement
from fitness.respondents.interface import Reading, Respondent, Row
from fitness.respondents.nearest import Nearest
from fitness.respondents.nli import NAME as NLI
from fitness.respondents.nli import Nli
from fitness.respondents.projection import Projection
from generators.context import Context
from generators.errors import InputError

RESPONDENTS: dict[str, Callable[[Context, Caches], Respondent]] = {
    "agreement": Agreement,
    "projection": Projection,
    "nearest": Nearest,
}
"""Respondents by the name that the config group `respondent` and `--respondent` use; beside them
there is nli:MODEL."""

DEFAULT = "agreement"
LLM = "llm"  # llm:REASONING; needs a language model, so it is opened by `fitness.respondents.llm`
REASONING = ("none", "brief")


def open_respondent(name: str, context: Context, caches: Caches) -> Respondent:
    """The respondent of a name for a context; nli:MODEL names its model, too.

    Raises InputError for a name that is not known, or a model that cannot be used.
    """
    kind, _, model = name.partition(":")
    if kind == NLI:
        return Nli(context, caches, model)
    if kind == LLM:
        raise InputError("respondent llm: needs a language model: gamut score --llm, or llm=…")
    if name not in RESPONDENTS:
        known = ", ".join([*sorted(RESPONDENTS), f"{NLI}:MODEL"])
        raise InputError(f"respondent {name!r} is not known; known: {known}")
    return RESPONDENTS[name](context, caches)


__all__ = [
    "DEFAULT",
    "LLM",
    "NLI",
    "REASONING",
    "RESPONDENTS",
    "Agreement",
    "Nearest",
    "Nli",
    "Projection",
    "Reading",
    "Respondent",
    "Row",
    "open_respondent",
]
