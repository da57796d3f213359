"""Opens what scoring needs (embedder, reader, reference population) for one context."""

from collections.abc import Callable
from pathlib import Path

from fitness.embedding import Caches
from fitness.reference import kept_rows, reference_rows
from fitness.respondents import DEFAULT, open_respondent
from fitness.scoring import Scorer
from generators.context import Context, load_context
from generators.errors import InputError
from generators.sandbox import Sandbox


def open_scorer(
    context: Context | str | Path,
    respondent: str | None = None,
    say: Callable[[str], None] | None = None,
) -> Scorer:
    """A scorer for a context, or for a context file.

    Raises InputError for an unknown respondent or a context without its hidden part. The first
    call for a context of one's own makes its reference population, which takes some seconds;
    `say` is told so.
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
    reader = open_respondent(respondent, context, Caches())
    rows = kept_rows(context, reader)
    if rows is None:
        if say:
            say(f"{name}: making its reference population, once")
        with Sandbox() as sandbox:
            rows = reference_rows(context, reader, sandbox)
    return Scorer(context, reader, rows)
