"""Commands about bundles: show, verify, generate."""

import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evolve.commands.asking import KEY_ENV, LLM, MODEL, SET

if TYPE_CHECKING:
    from generators.context import Context
    from generators.generator import Generator
    from generators.llm import LanguageModel
    from generators.persona import Persona

BUNDLE = Annotated[
    str, typer.Argument(help="Bundle: a folder, a .zip, or gallery:NAME.", show_default=False)
]
CONTEXT = Annotated[Path, typer.Option("--context", help="Context file.", show_default=False)]
JSON = Annotated[bool, typer.Option("--json", help="Print JSON for a script to read.")]
TRUST = Annotated[
    bool, typer.Option("--trust", help="Run a stranger's program on a machine without a jail.")
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("show")(show)
    app.command("verify")(verify)
    app.command("generate")(generate)


def show(bundle: BUNDLE, as_json: JSON = False) -> None:
    """Show an elite: program, card and scorecards; runs nothing.

    Example: gamut show runs/demo/archive/best
    """
    import yaml

    from evolve.words import printable
    from generators.bundle import read_bundle

    opened = read_bundle(bundle)
    if as_json:
        parts = {
            "card": opened.card,
            "scorecards": opened.scorecards,
            "program": opened.program.source,
        }
        print(json.dumps({**parts, "provenance": opened.provenance}, indent=1))
        return
    card = yaml.safe_dump(dict(opened.card), sort_keys=False, allow_unicode=True, width=96)
    verdicts = [f"{c['context']}: {c['verdict']}" for c in opened.scorecards]
    print(printable("\n".join([f"{opened.program.source}\n\n{card}", *verdicts])))


def verify(bundle: BUNDLE, trust: TRUST = False, as_json: JSON = False) -> int:
    """Check a bundle: hashes, schema, and its personas anew.

    The recorded seeds must give the recorded personas again.

    Example: gamut verify runs/demo/archive/best
    """
    from generators.bundle import check_trust, read_bundle, verify_bundle
    from generators.sandbox import Sandbox

    check_trust(read_bundle(bundle), trust)
    with Sandbox() as sandbox:
        found = verify_bundle(bundle, sandbox)
    if as_json:
        print(
            json.dumps({"ok": found.ok, "checked": found.checked, "mismatches": found.mismatches})
        )
    else:
        for line in (*found.checked, *found.mismatches):
            print(line)
        print("verified" if found.ok else "NOT as recorded")
    return 0 if found.ok else 1


def generate(
    bundle: Annotated[
        str,
        typer.Argument(
            help="Bundle: a folder, a .zip, or gallery:NAME; or llm:NAME, a baseline that a"
            " language model writes.",
            show_default=False,
        ),
    ],
    context: CONTEXT,
    n: Annotated[int, typer.Option("-n", min=1, help="Personas.")] = 25,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same personas.")] = 0,
    out: Annotated[Path | None, typer.Option(help="JSONL file; default: standard output.")] = None,
    trust: TRUST = False,
    llm: LLM = None,
    model: MODEL = None,
    key_env: KEY_ENV = None,
    given: SET = None,
) -> None:
    """Make personas from a bundle, as JSON Lines.

    Only the public part of the context is used. --llm and --model are for a program that asks a
    language model, and for what one writes: llm:one_shot_list (a list of diverse users),
    llm:name_only (their names alone), llm:formative_memories (sketches that vary on the traits,
    then memories of each). Answers are kept, so that the same seed gives the same personas.
    `gamut score`, `compare` and `map` take the file.

    Example: gamut generate runs/demo/archive/best --context my.yaml -n 1000 --out personas.jsonl
    """
    from evolve.commands.asking import asked_model
    from evolve.commands.output import check_file
    from generators.context import load_context
    from generators.llm_baselines import llm_baseline
    from generators.persona import write_personas

    check_file(out)
    opened = load_context(context)
    kind, _, name = bundle.partition(":")
    with ExitStack() as held:
        asked = None
        if kind == "llm" or llm or model or key_env or given:
            asked = held.enter_context(asked_model(llm, model, key_env, given))
        if kind == "llm" and asked:
            personas = llm_baseline(name, opened, n, seed, asked, _say)
            write_personas(personas, sys.stdout if out is None else out)
        else:
            _generate(bundle, opened, n, seed, out, trust, asked)
    if out is not None:
        print(f"{n} personas: {out}", file=sys.stderr)


def _generate(
    bundle: str,
    context: "Context",
    n: int,
    seed: int,
    out: Path | None,
    trust: bool,
    asked: "LanguageModel | None",
) -> None:
    """Write the personas of a bundle, through the sandbox."""
    import generators
    from generators.errors import GamutError
    from generators.generator import GenerationError
    from generators.persona import write_personas

    with closing(generators.load(bundle, trust=trust, model=asked)) as generator:
        try:
            made = _made(generator, context, n, seed)
            write_personas(made, sys.stdout if out is None else out)
        except GenerationError as error:
            raise GamutError(f"{bundle}: its program does not make them: {error}") from error


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _made(generator: "Generator", context: "Context", n: int, seed: int) -> "Iterator[Persona]":
    """The personas, made when the first is asked for: by then the file is open to be written."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("generating", total=n)
        personas = generator(
            context, n=n, seed=seed, progress=lambda done: bar.update(task, completed=done)
        )
    yield from personas
