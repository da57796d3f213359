"""The command about sweeps: sweep-report."""

import json
from pathlib import Path
from typing import Annotated

import typer

from evolve.commands.runs import JSON


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("sweep-report")(sweep_report)


def sweep_report(
    sweep: Annotated[
        Path, typer.Argument(help="Folder of a sweep.", metavar="DIR", show_default=False)
    ],
    as_json: JSON = False,
) -> None:
    """Compare the runs of a sweep, as far as they are finished.

    One line a configuration, over its seeds: what the best elite of each run is worth on the
    report contexts, and its lead over the strongest baseline, with 95 % intervals. Runs that
    failed, are unfinished or were never begun are listed with what to do. It only reads, so run
    it at any time, as often as you like.

    \b
    gamut evolve -m seed=0,1,2 population=25,50 hydra.sweep.dir=runs/sizes
    gamut sweep-report runs/sizes

    Example: gamut sweep-report runs/sizes --json
    """
    from evolve.sweep_report import read_sweep, sweep_words

    found = read_sweep(sweep)
    print(json.dumps(found.as_json(), indent=1) if as_json else sweep_words(found))
