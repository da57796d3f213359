"""The language model that a run's programs may ask, or that answers as their personas.

Each worker opens it on its own.
"""

import atexit
import uuid
from collections.abc import Collection, Mapping
from contextlib import closing
from math import isnan
from pathlib import Path
from typing import Any

from evolve.config import Config, read_config
from evolve.directory import SPENT, able_in
from evolve.progress import Progress
from generators.context import Context
from generators.errors import GamutError
from generators.llm import BudgetSpent, Capabilities, LanguageModel, Settings


def found_to_ask(probed: Mapping[str, Any]) -> dict[str, Any]:
    """What evaluations keep of the model, plain JSON; `probed` is what the manifest says of it."""
    return {"session": uuid.uuid4().hex, "able": able_in(probed)}


def found_to_interview(
    config: Config,
    folder: Path,
    found: Mapping[str, Any],
    contexts: Collection[Context],
    progress: Progress,
) -> dict[str, Any]:
    """What evaluations keep of a model that answers as personas: `found`, its scale, and the items'
    middles by context hash.

    Raises InputError, with the figures, where its answers on the anchors are unreliable.
    """
    from fitness.respondents.llm import calibrate, items_of, neutral_answers

    reasoning = config.respondent.partition(":")[2]
    stage, parts = "calibrating the model", len(contexts) + 1
    middles: dict[str, list[float | None]] = {}
    with closing(open_model(folder, found)) as model:
        progress.stage(stage, 0, parts)
        scale = calibrate(model, reasoning)
        for number, context in enumerate(contexts, start=1):
            progress.stage(stage, number, parts)
            agreed = neutral_answers(model, items_of(context), scale, reasoning)
            middles[context.hash] = [None if isnan(a) else float(a) for a in agreed]
    return {**found, "scale": scale.as_json(), "reasoning": reasoning, "middles": middles}


def open_model(folder: Path, found: Mapping[str, Any]) -> LanguageModel:
    """The model of the run in a folder, on its ledger and in its session."""
    config = read_config(folder / "config.yaml")
    if config.llm is None:
        raise GamutError(f"{folder}: a model takes part, but config.yaml names none")
    settings = _share(config.llm, config.workers)
    able = Capabilities.from_plain(found["able"])
    model = LanguageModel(
        settings, ledger=folder / SPENT, session=found["session"], capabilities=able
    )
    atexit.register(model.close)  # it lives with the process, as evaluators do
    return model


def _share(settings: Settings, workers: int | str) -> Settings:
    """Settings for one of several workers: together they make no more calls at a time than said,
    or one each."""
    several = workers if isinstance(workers, int) else 1
    roles = {role: max(1, most // several) for role, most in settings.role_concurrency.items()}
    each = {"concurrency": max(1, settings.concurrency // several), "role_concurrency": roles}
    return settings.model_copy(update=each)


def advice_on(error: GamutError, folder: Path) -> GamutError | None:
    """A spent budget with what to do about it; None for any other error."""
    if not isinstance(error, BudgetSpent):
        return None
    return GamutError(f"{error}. What is stored is kept: {to_go_on(folder)}")


def to_go_on(folder: Path) -> str:
    """What to do where a model's budget has ended a run."""
    return (
        f"raise the limit under llm: budget: in {folder / 'config.yaml'}, and"
        f" `gamut resume {folder}` goes on"
    )
