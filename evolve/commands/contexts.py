"""Commands about context files: context check, context split."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from generators.context import Finding


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("check")(check)
    app.command("split")(split)


def check(
    files: Annotated[list[Path], typer.Argument(help="Context files.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Check context files, their signs, statements and items.

    Errors go to standard error and must be mended (exit status 2), hidden texts that repeat a sign
    among them; warnings are worth a look.

    Example: gamut context check my.yaml
    """
    from generators.context import check_context, read_context
    from generators.errors import InputError

    results: list[dict[str, object]] = []
    wrong = False
    for file in files:
        try:
            context = read_context(file)
            found = check_context(context)
        except InputError as error:
            results.append({"file": str(file), "id": None, "error": str(error), "findings": []})
            print(f"gamut: {error}", file=sys.stderr)
            wrong = True
            continue
        wrong = _tell(file, found, as_json) or wrong
        findings = [f.__dict__ for f in found]
        results.append({"file": str(file), "id": context.id, "error": None, "findings": findings})
    if as_json:
        print(json.dumps(results, indent=1))
    return 2 if wrong else 0


def split(
    file: Annotated[Path, typer.Argument(help="Context file with `statements` a pole.")],
    out: Annotated[
        Path | None, typer.Option(help="File to write; default: standard output.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Decides which statement goes where.")] = 0,
) -> None:
    """Part one list of statements into signs and hidden ones.

    Write each axis with `statements: {low: [...], high: [...]}`, eight or more a pole, instead of
    `signs` and `hidden`.

    Example: gamut context split draft.yaml --out my.yaml
    """
    from evolve.commands.output import check_file, writing
    from generators.context import split_context

    check_file(out)
    text = split_context(file, seed=seed)
    if out is None:
        sys.stdout.write(text)
    else:
        with writing(out):
            out.write_text(text, "utf-8")
        print(out)


def _tell(file: Path, found: "Sequence[Finding]", as_json: bool) -> bool:
    """Print the findings in a file, errors to standard error; whether there are errors."""
    errors = [f for f in found if f.level == "error"]
    warnings = [f for f in found if f.level == "warning"]
    for finding in errors:
        print(f"gamut: {file}: {finding.where}: {finding.message}", file=sys.stderr)
    if not as_json:
        for finding in warnings:
            print(f"{file}: warning: {finding.where}: {finding.message}")
        if not errors:
            print(f"{file}: ok" + (f", {len(warnings)} to look at" if warnings else ""))
    return bool(errors)
