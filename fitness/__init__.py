"""What a population of personas is worth: `fitness.score(personas, context)`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fitness.scoring import Scorecard
    from generators.context import Context
    from generators.persona import Persona


def score(
    personas: Sequence[Persona], context: Context | str | Path, respondent: str | None = None
) -> Scorecard:
    """The scorecard of a population in a context (or context file), hidden part included.

    Raises InputError for no personas, an unknown respondent, or a context that cannot be read.
    """
    from fitness.service import open_scorer
    from generators.errors import InputError

    if not personas:
        raise InputError("no personas to score")
    return open_scorer(context, respondent).scorecard(personas)
