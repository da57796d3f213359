"""Commands about context files: context check, context split."""

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from fitness.admission import AxisAdmission
    from generators.context import Context, Finding

SHOWN = 6  # statements of an axis to rewrite


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("check")(check)
    app.command("split")(split)


def check(
    files: Annotated[list[Path], typer.Argument(help="Context files.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Check context files: wording, and can readers tell the poles apart?

    Errors go to standard error and must be mended (exit status 2), hidden texts that repeat a sign
    among them; warnings are worth a look.

    Admission: the signs are read by both offline readers, which do not read with them. How well a
    reader tells two poles apart is the chance that it places a sign of the high pole above one of
    the low pole; 85 % is needed, a mean over both readers. Below that, levels on the axis mean
    little, and `gamut evolve` refuses the context unless told --force. A quarter of an axis' hidden
    statements and items is also left out at a time and read with the others.

    What to do then: rewrite the signs and statements that are listed, first those that both readers
    misplace. Say one thing a sentence, plainly, in words that the other pole does not use. Where
    other axes are named, leave out what the statements have in common with theirs. More statements
    help, too.

    Example: gamut context check my.yaml
    """
    from fitness.admission import examine
    from fitness.embedding import Caches
    from generators.context import check_context, read_context
    from generators.errors import InputError

    results: list[dict[str, object]] = []
    caches, progress, wrong = Caches(), _Progress(len(files)), False
    for file in files:
        progress.begin(file)
        try:
            context = read_context(file)
        except InputError as error:
            print(f"gamut: {error}", file=sys.stderr)
            results.append(_record(file, error=str(error)))
            wrong = True
            continue
        found = check_context(context)
        left_out = _why_left_out(context, found)
        admission = [] if left_out else examine(context, caches)
        _tell(file, found, admission, left_out, as_json)
        results.append(_record(file, context.id, found, admission))
        wrong = wrong or any(f.level == "error" for f in found)
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


class _Progress:
    """Says on standard error which of several files is read, and the time left."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._begun = 0
        self._since = time.monotonic()

    def begin(self, file: Path) -> None:
        """The next file's turn; nothing is said where there is only one."""
        each = (time.monotonic() - self._since) / self._begun if self._begun else None
        left = "" if each is None else f", about {each * (self._total - self._begun):.0f} s left"
        self._begun += 1
        if self._total > 1:
            said = f"checking {self._begun} of {self._total}{left}: {file}"
            print(said, file=sys.stderr, flush=True)


def _why_left_out(context: "Context", found: "Sequence[Finding]") -> str:
    """Why a context's axes are not read to see whether they are admitted; empty where they are."""
    if any(f.level == "error" for f in found):
        return "there are errors to mend first"
    silent = [axis.id for axis in context.axes if axis.hidden is None]
    return f"nothing hidden to read with on {', '.join(silent)}" if silent else ""


def _record(
    file: Path,
    identifier: str | None = None,
    found: "Sequence[Finding]" = (),
    admission: "Sequence[AxisAdmission]" = (),
    error: str | None = None,
) -> dict[str, object]:
    """What --json prints of a file; `admission` is null where it was left out."""
    return {
        "file": str(file),
        "id": identifier,
        "error": error,
        "findings": [f.__dict__ for f in found],
        "admission": [axis.as_json() for axis in admission] or None,
    }


def _tell(
    file: Path,
    found: "Sequence[Finding]",
    admission: "Sequence[AxisAdmission]",
    left_out: str,
    as_json: bool,
) -> None:
    """Print what is found in a file, errors to standard error; with --json nothing else."""
    errors = [f for f in found if f.level == "error"]
    warnings = [f for f in found if f.level == "warning"]
    for finding in errors:
        print(f"gamut: {file}: {finding.where}: {finding.message}", file=sys.stderr)
    if as_json:
        return
    for finding in warnings:
        print(f"{file}: warning: {finding.where}: {finding.message}")
    for number, axis in enumerate(admission):
        print("\n".join(_axis_lines(file, number, axis)))
    if left_out:
        stream = sys.stderr if errors else sys.stdout
        print(f"{file}: admission not checked: {left_out}", file=stream)
    if not errors:
        count = len(warnings) + sum(not axis.admitted for axis in admission)
        print(f"{file}: ok" + (f", {count} to look at" if count else ""))


def _axis_lines(file: Path, number: int, axis: "AxisAdmission") -> list[str]:
    """The verdict on an axis and, where it is not admitted, what to do about it."""
    from fitness.admission import ADMITTED, percent

    by_signs, left_out = (
        ", ".join(f"{reader} {percent(share)}" for reader, share in found.items())
        for found in (axis.signs, axis.left_out)
    )
    said = f"axes[{number}] {axis.axis}: poles told apart by signs: {by_signs}"
    said += f"; by statements left out: {left_out}"
    if axis.admitted:
        return [f"{file}: {said}: admitted"]
    lines = [
        f"{file}: warning: {said}: not admitted"
        f" (by signs {percent(axis.mean)}, {percent(ADMITTED)} is needed)"
    ]
    if axis.confused_with:
        lines.append(f"  often taken for: {', '.join(axis.confused_with)}")
    lines += [f"  rewrite: {text}" for text in axis.rewrite[:SHOWN]]
    if len(axis.rewrite) > SHOWN:
        lines.append(f"  and {len(axis.rewrite) - SHOWN} more (--json lists them)")
    return lines
