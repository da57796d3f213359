"""Commands about context files: context check, split, new."""

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evolve.commands.asking import KEY_ENV, LLM, MODEL, SET

if TYPE_CHECKING:
    from fitness.admission import AxisAdmission
    from generators.context import Context, Finding
    from generators.context.drafting import Drafted

SHOWN = 6  # statements of an axis to rewrite


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("check")(check)
    app.command("split")(split)
    app.command("new")(new)


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


def new(
    description: Annotated[
        str, typer.Argument(help="The people, in a sentence or two.", show_default=False)
    ],
    out: Annotated[Path, typer.Option(help="File to write.", show_default=False)],
    axes: Annotated[int, typer.Option(min=2, max=12, help="Traits.")] = 3,
    seed: Annotated[
        int, typer.Option(min=0, help="Takes other answers, and parts them otherwise.")
    ] = 0,
    llm: LLM = None,
    model: MODEL = None,
    key_env: KEY_ENV = None,
    given: SET = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Draft a context with a language model, and check it.

    Ends with what a person must still look at.

    The model is asked for the traits and for statements of both their poles; those that are nearly
    the same, or not in the first person, are dropped. They are split as `gamut context split` does
    and checked as `gamut context check` does. A model's statements need a person's eye: nothing but
    you can say whether they are true of these people.

    Where too little comes of it for a context, what there is goes to FILE.draft.yaml, with what is
    missing; mend it, and split it yourself. The exit status is then 1.

    Example: gamut context new "Nurses on night shift." --out my.yaml --llm local --model NAME
    """
    import yaml

    from evolve.commands.asking import asked_model
    from evolve.commands.output import check_file, writing
    from generators.context import dump_context
    from generators.context.drafting import draft_context
    from generators.context.split import split_draft
    from generators.errors import InputError

    check_file(out)
    with asked_model(llm, model, key_env, given) as asked:
        drafted = draft_context(description, axes, asked, seed, _to_stderr)
    draft = out.with_name(f"{out.stem}.draft.yaml")
    try:
        context = split_draft(drafted.content, draft, seed)
    except InputError as error:
        problems = str(error).splitlines()
        text = yaml.safe_dump(drafted.content, sort_keys=False, allow_unicode=True, width=2**20)
        with writing(draft):
            draft.write_text("".join(f"# {line}\n" for line in problems) + text, "utf-8")
        _tell_draft(draft, problems, drafted, as_json)
        return 1
    with writing(out):
        out.write_text(dump_context(context), "utf-8")
    _tell_new(out, context, drafted, as_json)
    return 0


def _tell_draft(draft: Path, problems: list[str], drafted: "Drafted", as_json: bool) -> None:
    """Say why a draft is no context yet."""
    look_at = _look_at(drafted, [])
    if as_json:
        record = {"file": str(draft), "context": False, "problems": problems, "look_at": look_at}
        print(json.dumps(record, indent=1))
        return
    print("\n".join(problems), file=sys.stderr)
    print(f"{draft}: a draft, and no context yet. Mend the above, then `gamut context split` it.")
    print("\n".join(f"- {line}" for line in look_at))


def _tell_new(file: Path, context: "Context", drafted: "Drafted", as_json: bool) -> None:
    """Check what was written, and say what a person must still look at."""
    from fitness.admission import examine
    from fitness.embedding import Caches
    from generators.context import check_context

    _to_stderr(f"checking {file}")
    found = check_context(context)
    admission = examine(context, Caches())
    look_at = _look_at(drafted, admission)
    if as_json:
        record = {"context": True, "problems": [], "look_at": look_at}
        print(json.dumps({**_record(file, context.id, found, admission), **record}, indent=1))
        return
    _tell(file, found, admission, "", as_json)
    print("Before you use it:")
    print("\n".join(f"- {line}" for line in look_at))


def _look_at(drafted: "Drafted", admission: "Sequence[AxisAdmission]") -> list[str]:
    """What a person must look at in a draft."""
    from fitness.admission import not_admitted_words

    lines = [
        "read every statement: a model wrote them; take out what is untrue of these people, what"
        " fits the other pole as well, and what is about another trait"
    ]
    weak = not_admitted_words(admission)
    if weak:
        lines.append(f"the readers hardly tell these axes' poles apart, so rewrite: {weak}")
    lines += [f"fewer than wished: {short}" for short in drafted.short]
    lines += [f"left out: {count} {reason}" for reason, count in drafted.dropped.items()]
    return lines


def _to_stderr(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


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
