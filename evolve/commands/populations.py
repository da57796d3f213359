"""Commands about populations: score, map, compare."""

import json
from pathlib import Path
from typing import Annotated

import typer

PERSONAS = Annotated[
    Path, typer.Argument(help="Personas: .jsonl, .json, .csv or .parquet.", show_default=False)
]
CONTEXT = Annotated[
    Path, typer.Option("--context", help="Context file, hidden part included.", show_default=False)
]
JSON = Annotated[bool, typer.Option("--json", help="Print JSON for a script to read.")]
RESPONDENT = Annotated[str, typer.Option(help="Who reads the personas.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("score")(score)
    app.command("map")(draw)
    app.command("compare")(compare)


def score(
    personas: PERSONAS,
    context: CONTEXT,
    respondent: RESPONDENT = "projection",
    as_json: JSON = False,
) -> None:
    """Score anyone's personas: how much do they cover?

    Example: gamut score personas.csv --context my.yaml
    """
    import fitness
    from evolve.words import scorecard_words
    from generators.persona import read_personas

    card = fitness.score(read_personas(personas), context, respondent=respondent)
    print(json.dumps(card.as_json(), indent=1) if as_json else scorecard_words(card))


def draw(
    personas: PERSONAS,
    context: CONTEXT,
    out: Annotated[Path, typer.Option(help="Folder for the maps.", show_default=False)],
    respondent: RESPONDENT = "projection",
) -> None:
    """Draw coverage maps and list what nobody covers.

    Example: gamut map personas.jsonl --context my.yaml --out maps
    """
    from evolve.words import uncovered_words
    from fitness.maps import draw_maps
    from fitness.service import open_scorer
    from generators.context import load_context
    from generators.persona import read_personas

    people, opened = read_personas(personas), load_context(context)
    scorer = open_scorer(opened, respondent)
    card = scorer.scorecard(people)
    weights = {scorer.t: scorer.weights}
    files = draw_maps(card.as_points(), opened, out, card.metrics, reference_weights=weights)
    print(uncovered_words(card, opened, weights))
    print(f"\n{len(files)} files in {out}")


def compare(
    a: Annotated[str, typer.Argument(help="Bundle, baseline:NAME, or file of personas.")],
    b: Annotated[str, typer.Argument(help="The other one.")],
    context: CONTEXT,
    n: Annotated[int, typer.Option("-n", help="Personas a generator makes.")] = 25,
    seeds: Annotated[int, typer.Option(help="Populations a generator makes, paired.")] = 10,
    seed: Annotated[int, typer.Option(help="Where the seeds begin.")] = 0,
    respondent: RESPONDENT = "projection",
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

    found = compared(a, b, context, n=n, seeds=seeds, seed=seed, respondent=respondent, trust=trust)
    print(json.dumps(found.as_json(), indent=1) if as_json else found.words())
