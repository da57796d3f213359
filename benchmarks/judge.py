"""The last word on the fitness: what a language model that no search has used makes of the winner.

    gamut models serve q15.gguf --name qwen1.5
    python benchmarks/judge.py BUNDLE --llm local --model qwen1.5 --answers answers.sqlite
    python benchmarks/judge.py BUNDLE --model qwen1.5 --answers answers.sqlite --replay

On validation contexts the winner of a search (BUNDLE), the baselines covering_mix and
sobol_graded, and a one-shot list that the same model writes are judged by the model: it answers
the hidden items as each persona, levels are calibrated on anchor personas, and a combination is
credited where no single item decides a level and the persona passes the gates. Printed: credited
rare combination coverage, that of pairs, as read, and fidelity, the rank correlation of the levels
that a program declares with those that the model reads (lists declare none); and the winner's lead
over each of the others, paired by context, with a 95 % t interval over contexts.

Answers are kept in --answers; interrupted, the same command goes on; --replay asks nobody. A list
that falls short in a context is left out there, which is said.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from recordings import PACKED, unpacked

from evolve.commands.asking import named_settings
from evolve.config import packaged_contexts
from evolve.statistics import interval
from fitness.embedding import Caches
from fitness.reference import reference_rows
from fitness.respondents import DEFAULT, open_respondent
from fitness.respondents.llm import LlmRespondent, Scale, measure_anchors
from fitness.scoring import Scorer
from generators.baselines import baseline
from generators.bundle import read_bundle
from generators.context import Context
from generators.errors import GamutError, InputError
from generators.generator import GenerationError, generate
from generators.llm import LanguageModel
from generators.llm_baselines import Shortfall, llm_baseline
from generators.persona import Persona
from generators.program import Program
from generators.sandbox import Sandbox

RIVALS = ("covering_mix", "sobol_graded")
LIST = "one_shot_list"
SEED, NONE = 0, float("nan")
MEASURES = ("credited", "pairs", "as_read", "fidelity")
Values = dict[str, dict[str, float]]


def main() -> int:
    text = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=text)
    parser.add_argument("bundle", help="the winner: a bundle, e.g. runs/demo/archive/best")
    model_options(parser)
    parser.add_argument("--contexts", type=int, default=5,
                        help="of the validation split, those of the fewest axes")  # fmt: skip
    parser.add_argument("-n", type=int, default=25, help="personas a population")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    programs = {"winner": read_bundle(given.bundle).program}
    programs |= {name: baseline(name) for name in RIVALS}
    contexts = cheapest(given.contexts)
    with answering(given) as model:
        anchors = measure_anchors(model)
        say(f"{given.model} {anchors.words()}")
        if not anchors.reliable:
            raise SystemExit("judge.py: such a model cannot judge")
        found: dict[str, Values] = {}
        for context in contexts:
            for name, values in judged(context, programs, given.n, model, anchors.scale):
                found.setdefault(name, {})[context.id] = values
    shown = {name: {c: plain(v) for c, v in values.items()} for name, values in found.items()}
    result = {"n": given.n, "anchors": anchors.as_json(), "values": shown}
    print(json.dumps(result, indent=1) if given.json else table(found))
    return 0


def cheapest(count: int) -> list[Context]:
    """Validation contexts of the fewest axes: every axis has items that each persona is asked."""
    return sorted(packaged_contexts("validation"), key=lambda c: len(c.axes))[:count]


def model_options(parser: argparse.ArgumentParser) -> None:
    """Add what says which model, and where its answers are."""
    add = parser.add_argument
    add("--llm", default="local", help="address of the server, or local")
    add("--model", required=True, help="what the server calls the model")
    add("--set", action="append", default=[], metavar="llm.KEY=VALUE",
        help="more settings of the model: key_env, prices, budget.money, …; repeat")  # fmt: skip
    add("--answers", type=Path, required=True, help="SQLite file of its answers, or a packed one")
    add("--replay", action="store_true", help="ask nobody")


@contextmanager
def answering(given: argparse.Namespace) -> Iterator[LanguageModel]:
    """The model of these options."""
    if given.answers.suffix == PACKED and not given.replay:
        raise InputError(f"{given.answers}: a packed file is for --replay")
    mode = "replay" if given.replay else "readwrite"
    with unpacked(given.answers) as file:
        said = [*given.set, f"llm.cache.mode={mode}", f"llm.cache.file={file}"]
        with LanguageModel(named_settings(given.llm, given.model, None, said)) as model:
            yield model


def judged(
    context: Context,
    programs: Mapping[str, Program],
    n: int,
    model: LanguageModel,
    scale: Scale,
    lists: Sequence[str] = (LIST,),
) -> Iterator[tuple[str, dict[str, float]]]:
    """What the model credits each program and each of its own lists with, by name."""
    with Sandbox() as sandbox:
        offline = open_respondent(DEFAULT, context, Caches())
        rows = reference_rows(context, offline, sandbox)
        scorer = Scorer(context, LlmRespondent(context, model, scale), rows)
        for name, program in programs.items():
            say(f"{context.id}: {name}")
            try:
                people = generate(sandbox, program, context, n, SEED)
            except GenerationError as error:  # counts as zero, as it does in a search
                say(f"{context.id}: {name}: {error}")
                yield name, dict.fromkeys(MEASURES, 0.0)
                continue
            yield name, credits(scorer, people, n)
        for name in lists:
            say(f"{context.id}: {name}")
            try:
                yield name, credits(scorer, llm_baseline(name, context, n, SEED, model), n)
            except Shortfall as short:
                say(f"{context.id}: {short}")


def credits(scorer: Scorer, people: list[Persona], n: int) -> dict[str, float]:
    """What the model credits a population with."""
    card = scorer.scorecard(people, n)
    t = scorer.t
    return {
        "credited": card.metrics[f"credited_rare_combination_coverage_{t}"].value,
        "pairs": card.metrics["credited_combination_coverage_2"].value,
        "as_read": card.metrics[f"rare_combination_coverage_{t}"].value,
        "fidelity": card.metrics["fidelity"].value if "fidelity" in card.metrics else NONE,
    }


def table(found: Mapping[str, Values]) -> str:
    """A line a population: means over contexts, and the winner's leads."""
    heading = "".join(f"{measure:>10}" for measure in MEASURES)
    lines = [f"{'':16}{heading}  winner's lead: " + ", ".join(MEASURES)]
    for name, by_context in found.items():
        means = [np.mean([v[m] for v in by_context.values()]) for m in MEASURES]
        leads = "" if name == "winner" else "  ".join(lead(found, name, m) for m in MEASURES)
        lines.append(f"{name:16}" + "".join(f"{mean:10.3f}" for mean in means) + f"  {leads}")
    return "\n".join(lines)


def lead(found: Mapping[str, Values], name: str, measure: str) -> str:
    """Of the winner, over the contexts that both have."""
    gaps = [found["winner"][c][measure] - v[measure] for c, v in found[name].items()]
    if np.isnan(gaps).any():
        return ""
    told = interval({"": gaps})
    return f"{told.mean:+.3f} [{told.low:+.3f}, {told.high:+.3f}]"


def plain(values: Mapping[str, float]) -> dict[str, float | None]:
    """For JSON, which has no NaN."""
    return {measure: None if np.isnan(value) else value for measure, value in values.items()}


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except GamutError as error:
        sys.exit(f"judge.py: {error}")
