"""The command about the fixed suite: bench."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from evolve.bench import Suite

    Tell = Callable[[int, int], None]

EVERY = 10.0  # seconds between plain lines


class Split(StrEnum):
    """Which of the contexts that ship with Gamut."""

    train = "train"
    validation = "validation"
    test = "test"


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("bench")(bench)


def bench(
    given: Annotated[
        list[str] | None,
        typer.Argument(
            help="Bundles or program files, measured beside all baselines; baseline:NAME for those"
            " alone that are named.",
            metavar="BUNDLE|PROGRAM|baseline:NAME",
            show_default=False,
        ),
    ] = None,
    split: Annotated[
        Split | None,
        typer.Option(help="Contexts that ship with Gamut.", show_default="test"),
    ] = None,
    context: Annotated[
        list[Path] | None,
        typer.Option(
            "--context", help="A context of your own instead of a split; repeat for more."
        ),
    ] = None,
    n: Annotated[int, typer.Option("-n", min=1, help="Personas a population.")] = 25,
    seeds: Annotated[int, typer.Option(min=2, help="Populations a context, paired.")] = 4,
    seed: Annotated[
        int, typer.Option(min=0, help="Of the populations; a run with that seed reports on them.")
    ] = 0,
    respondent: Annotated[
        str | None, typer.Option(help="Who reads; by default two readers that must agree.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; default: one a core.")
    ] = None,
    trust: Annotated[
        bool, typer.Option("--trust", help="Run a stranger's program on a machine without a jail.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a script to read.")] = (
        False
    ),
) -> None:
    """Measure generators on the fixed suite, beside the baselines.

    The suite is the test contexts, which neither a search nor its report has seen. Whoever works on
    Gamut uses --split validation: every look at the test contexts is logged in docs/test_looks.md.

    Example: gamut bench runs/demo/archive/best --split validation
    """
    from joblib import cpu_count

    from evolve.bench import bench as measured
    from evolve.bench import suite_programs
    from evolve.bench_table import bench_json, bench_table
    from fitness.respondents import DEFAULT

    suite, name = _suite(split, context or [], n, seeds, seed, respondent or DEFAULT)
    programs = suite_programs(given or [], trust)
    if name == Split.test:
        _say("These are the test contexts; work on Gamut itself logs this in docs/test_looks.md.")
    with _time_left() as tell:
        lines = measured(programs, suite, workers or cpu_count(), _say, tell)
    if as_json:
        print(json.dumps(bench_json(lines, suite, name), indent=1))
        return
    where = f"the {name} contexts" if name else "contexts of your own"
    print(bench_table(lines, suite, where))


def _suite(
    split: Split | None, files: list[Path], n: int, seeds: int, seed: int, respondent: str
) -> tuple["Suite", str | None]:
    """The suite, and the name of its split; None for contexts of the user's own."""
    from evolve.bench import Suite, own_contexts
    from evolve.config import packaged_contexts
    from generators.errors import InputError

    if files and split:
        raise InputError("--split and --context: give one of them")
    name = None if files else (split or Split.test).value
    contexts = own_contexts(files) if name is None else packaged_contexts(name)
    return Suite(contexts, n, seeds, seed, respondent), name


@contextmanager
def _time_left() -> Iterator["Tell"]:
    """Tells on standard error how much is measured: a bar on a terminal, plain lines in a log."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = TextColumn("measuring"), MofNCompleteColumn(), TimeRemainingColumn()
    plain = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=plain) as bar:
        task = bar.add_task("measuring", total=None)
        first = said = None

        def tell(done: int, total: int) -> None:
            nonlocal first, said
            bar.update(task, completed=done, total=total)
            now = time.monotonic()
            if done and first is None:  # until then workers start, which says nothing of the rest
                first = said = (now, done)
            if plain and first and said and done > first[1] and now - said[0] >= EVERY:
                said = (now, done)
                left = (now - first[0]) / (done - first[1]) * (total - done)
                _say(f"{done} of {total} measured, about {left:.0f} s left")

        yield tell


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
