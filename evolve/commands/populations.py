"""Commands about populations: score, map, compare."""

import json
import sys
from contextlib import ExitStack
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from evolve.commands.asking import KEY_ENV, LLM, MODEL, SET

if TYPE_CHECKING:
    from generators.context import Context

PERSONAS = Annotated[
    Path, typer.Argument(help="Personas: .jsonl, .json, .csv or .parquet.", show_default=False)
]
CONTEXT = Annotated[
    Path, typer.Option("--context", help="Context file, hidden part included.", show_default=False)
]
JSON = Annotated[bool, typer.Option("--json", help="Print JSON for a script to read.")]
RESPONDENT = Annotated[
    str | None, typer.Option(help="Who reads the personas; by default two readers that must agree.")
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("score")(score)
    app.command("map")(draw)
    app.command("compare")(compare)


def score(
    personas: PERSONAS,
    context: CONTEXT,
    respondent: RESPONDENT = None,
    llm: LLM = None,
    model: MODEL = None,
    key_env: KEY_ENV = None,
    given: SET = None,
    as_json: JSON = False,
) -> None:
    """Score anyone's personas: how much do they cover?

    With --respondent llm (or llm:brief, which reasons first) the language model of --llm and
    --model answers the context's items as each persona would; some minutes a population.

    Axes that the offline readers hardly tell apart are named on standard error: levels on them
    mean little, and `gamut context check` says what to rewrite.

    Example: gamut score personas.csv --context my.yaml
    """
    from evolve.commands.asking import asked_model
    from evolve.words import scorecard_words
    from fitness.service import open_scorer
    from generators.persona import read_personas

    people = read_personas(personas)
    with ExitStack() as held:
        asked = None
        if llm or model or key_env or given:
            asked = held.enter_context(asked_model(llm, model, key_env, given))
        scorer = open_scorer(context, respondent, say=_say, model=asked)
        card = scorer.scorecard(people)
    print(json.dumps(card.as_json(), indent=1) if as_json else scorecard_words(card), flush=True)
    _tell_weak_axes(context, scorer.context, respondent)


def draw(
    personas: PERSONAS,
    context: CONTEXT,
    out: Annotated[Path, typer.Option(help="Folder for the maps.", show_default=False)],
    respondent: RESPONDENT = None,
) -> None:
    """Draw coverage maps and list what nobody covers.

    Example: gamut map personas.jsonl --context my.yaml --out maps
    """
    from evolve.commands.output import check_folder, writing
    from evolve.words import uncovered_words
    from fitness.maps import draw_maps
    from fitness.service import open_scorer
    from generators.persona import read_personas

    check_folder(out)
    people = read_personas(personas)
    scorer = open_scorer(context, respondent, say=_say)
    card = scorer.scorecard(people)
    points, weights = card.as_points(), {scorer.t: scorer.weights}
    with writing(out):
        files = draw_maps(points, scorer.context, out, card.metrics, reference_weights=weights)
    print(uncovered_words(card, scorer.context, weights))
    print(f"\n{len(files)} files in {out}")


def compare(
    a: Annotated[str, typer.Argument(help="Bundle, baseline:NAME, or file of personas.")],
    b: Annotated[str, typer.Argument(help="The other one.")],
    context: CONTEXT,
    n: Annotated[
        int | None,
        typer.Option(
            "-n", min=1, help="Personas a generator makes; default: as many as a file has, or 25."
        ),
    ] = None,
    seeds: Annotated[
        int, typer.Option(min=1, help="Populations a generator makes, paired; 1 beside a file.")
    ] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Where the seeds begin.")] = 0,
    respondent: RESPONDENT = None,
    trust: Annotated[
        bool, typer.Option("--trust", help="Run strangers' programs unjailed.")
    ] = False,
    as_json: JSON = False,
) -> None:
    """Compare two generators or files of personas.

    The difference comes with an interval, in words.

    Example: gamut compare runs/demo/archive/best baseline:covering_mix --context my.yaml
    """
    from evolve.compare import compare as compared

    found = compared(
        a, b, context, n=n, seeds=seeds, seed=seed, respondent=respondent, trust=trust, say=_say
    )
    print(json.dumps(found.as_json(), indent=1) if as_json else found.words())


def _tell_weak_axes(file: Path, context: "Context", respondent: str | None) -> None:
    """Name the axes that the offline readers hardly tell apart, where it is they who read."""
    from fitness.admission import ADMITTED, examine, not_admitted_words, percent
    from fitness.embedding import Caches
    from fitness.respondents import DEFAULT, RESPONDENTS

    if (respondent or DEFAULT) not in RESPONDENTS:
        return
    weak = not_admitted_words(examine(context, Caches()))
    if weak:
        _say(
            f"{file}: the readers hardly tell these axes' poles apart, so levels on them mean"
            f" little: {weak} ({percent(ADMITTED)} is needed);"
            f" `gamut context check {quote(str(file))}` says what to rewrite"
        )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
