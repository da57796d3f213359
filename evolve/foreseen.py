"""What a run will ask of its language model, estimated before it begins.

As if every candidate were scored in full, every question answered as long as it may be, and every
program asked one thing of each persona; calls that fail are not counted. The samples that it counts
by are personas of a baseline, and a question about that baseline.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from evolve.budget import in_words
from evolve.config import Config
from evolve.mutation.looks import GAPS, LONGEST, PEOPLE
from evolve.mutation.models import settings_of
from evolve.mutation.mutation import SHOWN_CONTEXTS
from evolve.mutation.prompts import UNKNOWN_ROOM, Seen, Subject, question
from evolve.mutation.replies import REWRITE
from evolve.mutation.writer import CALLS
from evolve.operators import MAX_SIZE
from evolve.setup import CHOICE_SEEDS, FOREMOST, Setup, evaluation_seed
from generators.asking import MAX_TOKENS, ROLE, TEMPERATURE
from generators.baselines import BASELINES, baseline
from generators.context import Context
from generators.generator import generate
from generators.llm import Capabilities, Request, chat
from generators.llm.estimate import estimate
from generators.persona import Persona
from generators.sandbox import Sandbox

SAMPLE = "corners_long"  # its texts are about as long as those of the best programs
ELITES = 25  # that a run ends with, roughly
Plan = Iterator[tuple[Request, int]]
Estimate = dict[str, dict[str, Any]]


def foreseen(config: Config, setup: Setup, able: Capabilities) -> Estimate:
    """Calls, tokens, money and minutes, by role and in `total`: see `estimate`. Empty where no
    model takes part. Several models that vary programs share the questions evenly."""
    if config.llm is None:
        return {}
    with Sandbox() as sandbox:
        made = [
            generate(sandbox, baseline(SAMPLE), c, setup.population, _seed(setup, c))
            for c in setup.training
        ]
    found: dict[str, dict[str, Any]] = {}
    plan: list[tuple[Request, int]] = []
    if config.settings.models:
        questions = list(_mutations(config, setup, made, able))
        share = [(asked, round(n / len(config.settings.models))) for asked, n in questions]
        for settings in settings_of(config):
            found = _together(found, estimate(share, settings, {}, able))
    if config.settings.ask:
        texts = [persona.description for people in made for persona in people]
        longest = Request(ROLE, chat(max(texts, key=len)), MAX_TOKENS, TEMPERATURE)
        plan.append((longest, _populations(config, setup) * setup.population))
    if config.respondent.startswith("llm:"):
        plan += _interviews(config, setup, made, able)
    return _together(found, estimate(plan, config.llm, {}, able)) if plan else found


def in_short(found: Mapping[str, Mapping[str, Any]], currency: str) -> str:
    """The estimate as a line, role by role."""
    roles = [role for role in found if role != "total"]
    shown = [*roles, "total"] if len(roles) > 1 else roles
    return "; ".join(f"{role} {_line(found[role], currency)}" for role in shown)


def _together(one: Estimate, other: Estimate) -> Estimate:
    """The sums, role by role; None where either is not known."""
    found = {**one, **other}
    for role in one.keys() & other.keys():
        found[role] = {
            name: None if None in (value, other[role][name]) else value + other[role][name]
            for name, value in one[role].items()
        }
    return found


def _line(line: Mapping[str, Any], currency: str) -> str:
    said = f"{line['calls']:,} calls, {line['prompt_tokens'] + line['completion_tokens']:,} tokens"
    if line["money"]:
        said += f", {line['money']:.2f} {currency}"
    if line["minutes"] is not None:
        said += f", {in_words(line['minutes'] * 60)}"
    return said


def _populations(config: Config, setup: Setup) -> int:
    """How many the run makes, search and end together."""
    a_candidate = len(setup.training) * (setup.replicates + setup.confirm)
    chosen = FOREMOST * len(setup.training) * CHOICE_SEEDS
    reported = (len(BASELINES) + ELITES) * len(setup.report) * setup.report_replicates
    return config.evaluations * a_candidate + chosen + reported


def _mutations(
    config: Config, setup: Setup, made: Sequence[Sequence[Persona]], able: Capabilities
) -> Plan:
    """The question about the sample, for every candidate that is no baseline, and its repair."""
    gap = "; ".join(f"{a.name}: {max(a.low_label, a.high_label, key=len)}" for a in _axes(setup))
    shown = {
        context.id: {
            "gaps": [gap] * GAPS,
            "open": 0,
            "possible": 0,
            "gates": [],
            "people": [{"text": p.description[:LONGEST], "read": gap} for p in people[:PEOPLE]],
        }
        for context, people in zip(setup.training, made, strict=True)
    }
    values = {context.id: [0.0] * setup.replicates for context in setup.training}
    verdict = {"values": values, "fresh": {}, "shown": shown, "reason": ""}
    seen = Seen(baseline(SAMPLE).source, verdict)
    contexts = setup.training[:SHOWN_CONTEXTS]
    subject = Subject(seen, seen, contexts, "opposed_axes", REWRITE, MAX_SIZE, config.settings.ask)
    asked = question(subject, able.context_length or UNKNOWN_ROOM, 0)
    candidates = max(0, config.evaluations - len(BASELINES) - len(config.start))
    if asked is not None:
        yield asked, candidates * CALLS


def _axes(setup: Setup) -> Sequence[Any]:
    return max((context.axes for context in setup.training), key=len)


def _interviews(
    config: Config, setup: Setup, made: Sequence[Sequence[Persona]], able: Capabilities
) -> Plan:
    """Every item put to every persona, after those put to the anchors."""
    from fitness.respondents.llm import NEUTRAL, anchor_answers, items_of, requests_of

    reasoning = config.respondent.partition(":")[2]
    populations = _populations(config, setup) / len(made)
    contexts = {*setup.training, *setup.report}
    anchors = anchor_answers() + NEUTRAL * sum(len(items_of(context)) for context in contexts)
    for number, (context, people) in enumerate(zip(setup.training, made, strict=True)):
        items = items_of(context)
        answers = round(populations * setup.population * len(items))
        answers += 0 if number else anchors
        asked = requests_of(people[0].description, items[0][0], able.top_logprobs, reasoning)
        yield from ((request, answers) for request in asked)


def _seed(setup: Setup, context: Context) -> int:
    return evaluation_seed(setup.seed, "training", context, 0)
