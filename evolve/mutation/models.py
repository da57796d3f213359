"""The models of a run: what they can do, which is kept with the run, and a writer over them."""

import uuid
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from evolve.config import Config
from evolve.directory import SPENT, able_in
from evolve.mutation.mutation import Mutation, Writes
from evolve.mutation.prompts import ROLE
from evolve.mutation.writer import Writer
from evolve.setup import Setup, evaluation_seed
from evolve.tally import PROMPT
from generators.context import Context
from generators.generator import generate
from generators.llm import Capabilities, LanguageModel, Ledger, Settings
from generators.persona import Persona
from generators.program import Program
from generators.sandbox import Sandbox


def settings_of(config: Config) -> list[Settings]:
    """The settings of each model that varies programs; they differ in its name alone."""
    assert config.llm is not None
    return [config.llm.model_copy(update={"model": name}) for name in config.settings.models]


def found_able(config: Config, folder: Path, probed: Mapping[str, Any]) -> dict[str, Any]:
    """What a run keeps of its models, plain JSON: what each can do, and the name of the run for the
    client. `probed` is what the manifest says of the model `llm.model`, which was asked already.
    """
    able = {}
    for settings in settings_of(config):
        if settings.model == probed["model"]:
            able[settings.model] = able_in(probed)
            continue
        with LanguageModel(settings, ledger=folder / SPENT) as model:
            able[settings.model] = model.capabilities().plain()
    return {"session": uuid.uuid4().hex, "able": able}


def mutation_of(config: Config, found: Mapping[str, Any], training: Sequence[Context]) -> Mutation:
    """The mutation of a run's search, from what `found_able` kept."""
    prices = [settings.price() for settings in settings_of(config)]
    each = [PROMPT * p.input + p.output if p else 0.0 for p in prices]
    cheapest = min(each)  # 0 where one is free, or not known: then all count alike
    models = [
        Writes(
            name,
            Capabilities.from_plain(found["able"][name]).context_length,
            price / cheapest if cheapest else 1.0,
        )
        for name, price in zip(config.settings.models, each, strict=True)
    ]
    budget = config.llm.budget if config.llm else None
    limits = {name: getattr(budget, name) for name in ("calls", "tokens", "money")}
    given = {name: limit for name, limit in limits.items() if limit is not None}
    return Mutation(models, training, given, config.settings.ask)


def open_writer(config: Config, folder: Path, setup: Setup, found: Mapping[str, Any]) -> Writer:
    """A writer over the models of a run, which share its ledger and session."""
    settings = settings_of(config)
    with ExitStack() as held:
        ledger = Ledger(settings[0].budget, folder / SPENT)
        held.callback(ledger.close)
        sandbox = held.enter_context(Sandbox())
        models = {
            one.model: held.enter_context(
                LanguageModel(
                    one,
                    ledger=ledger,
                    session=found["session"],
                    capabilities=Capabilities.from_plain(found["able"][one.model]),
                )
            )
            for one in settings
        }
        prices = {one.model: price for one in settings if (price := one.price())}

        def run(program: Program) -> list[Persona]:
            context = setup.training[0]
            seed = evaluation_seed(setup.seed, "training", context, 0)
            return generate(sandbox, program, context, setup.population, seed)

        threads = settings[0].role_concurrency.get(ROLE, settings[0].concurrency)
        return Writer(models, prices, run, threads, held.pop_all().close)
