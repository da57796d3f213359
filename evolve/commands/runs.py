"""Commands about runs: evolve, resume, report, archive."""

import json
from pathlib import Path
from typing import Annotated

import typer

RUN = Annotated[Path, typer.Argument(help="Run directory.", show_default=False)]
JSON = Annotated[bool, typer.Option("--json", help="Print JSON for a script to read.")]

EVOLVE_HELP = """Search for generators; words are Hydra overrides.

\b
  gamut evolve                               the default job: no key, no network, three minutes
  gamut evolve run_dir=runs/demo seed=1      another seed, a named directory
  gamut evolve contexts=my.yaml              a context of your own: half of its hidden statements
                                             guide the search, the other half report
  gamut evolve budget.evaluations=5000       a longer search
  gamut evolve start=[runs/demo/archive/best]   begin from a bundle or a program file as well
  gamut evolve -m seed=0,1,2                 a sweep, one run directory a job; sweep-report
                                             compares them; hydra/launcher=joblib runs several at
                                             once, submitit_slurm on a cluster
  gamut evolve workers=tcp://10.0.0.5:8786   on several machines: the workers of a Dask scheduler

Keys: seed, run_dir, population (personas a context), workers (default: one a core; or tcp://HOST:PORT),
budget.evaluations, budget.minutes, start; groups: contexts, respondent, embedder, search
(search.islands=5 and so on). `gamut evolve --cfg job` prints all of them with their values.

Ctrl-C once finishes what is in flight; `gamut resume RUN` goes on at any time.

Example: gamut evolve contexts=my.yaml run_dir=runs/demo"""


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("evolve", help=EVOLVE_HELP, rich_help_panel=None)(evolve)
    app.command("resume")(resume)
    app.command("report")(report)
    app.command("archive")(archive)


def evolve(
    words: Annotated[
        list[str] | None, typer.Argument(help="Hydra overrides.", metavar="KEY=VALUE")
    ] = None,
) -> int:
    """Search for generators."""
    from evolve.job import launch

    return launch(words or [])


def resume(
    run: RUN,
    evaluations: Annotated[
        int | None,
        typer.Option(min=1, help="Candidates in all from now on.", show_default=False),
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(help="Wall time of a sitting from now on.", show_default=False),
    ] = None,
    workers: Annotated[
        str | None,
        typer.Option(
            help="Processes, or the address of a Dask scheduler, instead of those it had.",
            metavar="N|ADDRESS",
            show_default=False,
        ),
    ] = None,
) -> int:
    """Go on where a run was killed, stopped, or out of budget.

    The finished archive is the one that the run would have made without the stop. A run that the
    clock ended gets as many minutes again; one that has made all its evaluations needs more of
    them, and then ends as if it had had them from the start.

    Example: gamut resume runs/demo --evaluations 1000
    """
    from evolve.config import as_workers
    from evolve.job import resume_job
    from generators.errors import InputError

    if minutes is not None and not minutes > 0:
        raise InputError(f"--minutes {minutes:g}: should be above 0")
    given = workers and as_workers(int(workers) if workers.isdecimal() else workers)
    return resume_job(run, workers=given or None, evaluations=evaluations, minutes=minutes)


def report(
    run: RUN,
    out: Annotated[
        Path | None, typer.Option(help="File to write; default: RUN/report.html.")
    ] = None,
) -> None:
    """Write a run's report: one self-contained HTML file.

    Example: gamut report runs/demo --out demo.html
    """
    from contextlib import closing

    from evolve.commands.output import check_file, writing
    from evolve.progress import Progress
    from evolve.report import write_report
    from evolve.stored import stored_results

    check_file(out)
    target = out or run / "report.html"
    with closing(Progress(total=0)):
        opened, entries = stored_results(run)
        with writing(target):
            write_report(opened, entries, target)
    print(target)


def archive(run: RUN, as_json: JSON = False) -> None:
    """List the elites of a run, best first, with scores.

    Example: gamut archive runs/demo --json
    """
    from evolve.stored import archive_listing, stored_results
    from evolve.table import elites_table, results_table

    if as_json:
        print(json.dumps(archive_listing(run), indent=1))
        return
    _, entries = stored_results(run)
    print(results_table(entries, shown=len(entries)))
    print(f"\n{elites_table(entries)}")
