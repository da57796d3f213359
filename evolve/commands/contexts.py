"""Commands about context files: context check, context split."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("check")(check)
    app.command("split")(split)


def check(
    files: Annotated[list[Path], typer.Argument(help="Context files.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Check context files: schema, signs, hidden statements and items, overlap between them.

    Errors must be mended (exit status 2); warnings are worth a look.

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
            results.append({"file": str(file), "error": str(error), "findings": []})
            wrong = True
            continue
        wrong = wrong or any(f.level == "error" for f in found)
        findings = [f.__dict__ for f in found]
        results.append({"file": str(file), "id": context.id, "error": None, "findings": findings})
    if as_json:
        print(json.dumps(results, indent=1))
    else:
        _print(results)
    return 2 if wrong else 0


def split(
    file: Annotated[Path, typer.Argument(help="Context file with `statements` a pole.")],
    out: Annotated[
        Path | None, typer.Option(help="File to write; default: standard output.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Decides which statement goes where.")] = 0,
) -> None:
    """Turn one list of statements a pole into public signs and hidden statements.

    Write each axis with `statements: {low: [...], high: [...]}`, eight or more a pole, instead of
    `signs` and `hidden`.

    Example: gamut context split draft.yaml --out my.yaml
    """
    from generators.context import split_context

    text = split_context(file, seed=seed)
    if out is None:
        sys.stdout.write(text)
    else:
        out.write_text(text, "utf-8")
        print(out)


def _print(results: list[dict[str, object]]) -> None:
    for result in results:
        if result["error"]:
            print(f"error: {result['error']}", file=sys.stderr)
            continue
        findings = result["findings"]
        assert isinstance(findings, list)
        for finding in findings:
            print(f"{result['file']}: {finding['level']}: {finding['where']}: {finding['message']}")
        if not findings:
            print(f"{result['file']}: ok")
