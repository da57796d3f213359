"""Opens what scoring needs (embedder, reader, reference population) for one context."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from fitness.embedding import Caches
from fitness.reference import kept_rows, reference_rows
from fitness.respondents import DEFAULT, LLM, REASONING, Respondent, open_respondent
from fitness.scoring import Scorer
from generators.context import Context, load_context
from generators.errors import InputError
from generators.sandbox import Sandbox

if TYPE_CHECKING:
    from generators.llm import LanguageModel


def open_scorer(
    context: Context | str | Path,
    respondent: str | None = None,
    say: Callable[[str], None] | None = None,
    model: "LanguageModel | None" = None,
) -> Scorer:
    """A scorer for a context, or for a context file.

    Raises InputError for an unknown respondent or a context without its hidden part. The first
    call for a context of one's own makes its reference population, which takes some seconds;
    `say` is told so. `model` answers as the personas where the respondent is llm or llm:REASONING;
    one whose answers on the anchors are unreliable is refused by an InputError. What is rare is
    then what the default readers find rare: a model would take hours for the reference population.
    """
    if isinstance(context, Context):
        name = f"context {context.id}"
    else:
        name, context = str(context), load_context(context)
    respondent = respondent or DEFAULT
    silent = [axis.id for axis in context.axes if axis.hidden is None]
    if silent:
        raise InputError(
            f"{name}: {', '.join(silent)}: no hidden statements, so personas cannot be scored;"
            " `gamut context split` makes them from one list of statements a pole"
        )
    kind, _, reasoning = respondent.partition(":")
    reader = open_respondent(DEFAULT if kind == LLM else respondent, context, Caches())
    rows = kept_rows(context, reader)
    if rows is None:
        if say:
            say(f"{name}: making its reference population, once")
        with Sandbox() as sandbox:
            rows = reference_rows(context, reader, sandbox)
    if kind == LLM:
        reader = _interviewer(context, model, reasoning or "none", say)
    return Scorer(context, reader, rows)


def _interviewer(
    context: Context,
    model: "LanguageModel | None",
    reasoning: str,
    say: Callable[[str], None] | None,
) -> Respondent:
    if model is None:
        raise InputError(
            "respondent llm: no language model is given; `gamut score` takes one by --llm and"
            " --model"
        )
    if reasoning not in REASONING:
        raise InputError(
            f"respondent llm:{reasoning}: should be one of llm:{', llm:'.join(REASONING)}"
        )
    from fitness.respondents.llm import LlmRespondent, calibrate

    if say:
        say(f"calibrating {model.settings.model} on anchor personas")
    return LlmRespondent(context, model, calibrate(model, reasoning), reasoning)
