"""What a sweep has found so far: its finished runs by configuration, over seeds."""

import math
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from shlex import quote
from typing import Any

from evolve.account import Account, account
from evolve.budget import in_words
from evolve.finish import Entry
from evolve.statistics import Interval, interval
from evolve.store import Store
from evolve.stored import stored_results
from evolve.sweep import Job, claim_of, is_begun, jobs_of
from evolve.table import strongest_baseline
from generators.errors import GamutError

WIDTH = 150
_REPLICATE = ("seed", "run_dir")  # keys that make no other configuration


@dataclass(frozen=True)
class Finished:
    """A finished run of a sweep.

    Attributes:
        job: of the sweep.
        seed: of the run.
        credited: credited rare combination coverage of its best elite, a mean over contexts.
        lead: how much that is above its strongest baseline.
        rival: that baseline.
        evaluations: candidates that it judged.
        seconds: wall time that it took.
    """

    job: Job
    seed: int
    credited: float
    lead: float
    rival: str
    evaluations: int
    seconds: float


@dataclass(frozen=True)
class Unfinished:
    """A job without results: "failed", "unfinished" or "not begun", and what is known of it."""

    name: str
    state: str
    why: str


@dataclass(frozen=True)
class Configuration:
    """The finished runs that differ by their seeds alone."""

    overrides: Mapping[str, str]
    runs: Sequence[Finished]

    @property
    def name(self) -> str:
        """Its overrides as they are typed."""
        return " ".join(f"{k}={v}" for k, v in self.overrides.items()) or "(only seeds vary)"

    @property
    def credited(self) -> Interval:
        """Mean over seeds of what the best elites are worth."""
        return interval({"": [run.credited for run in self.runs]})

    @property
    def lead(self) -> Interval:
        """Mean over seeds of the best elites' lead over the strongest baseline."""
        return interval({"": [run.lead for run in self.runs]})

    @property
    def seconds(self) -> float:
        """Mean wall time of a run, all its sittings together."""
        return math.fsum(run.seconds for run in self.runs) / len(self.runs)

    @property
    def evaluations(self) -> int:
        """Of all its runs."""
        return sum(run.evaluations for run in self.runs)

    def as_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "overrides": dict(self.overrides),
            "seeds": [run.seed for run in self.runs],
            "runs": [run.job.run_dir for run in self.runs],
            "credited": self.credited.as_json(),
            "lead": self.lead.as_json(),
            "rivals": [run.rival for run in self.runs],
            "evaluations": self.evaluations,
            "seconds_a_run": self.seconds,
        }


@dataclass(frozen=True)
class Found:
    """A sweep: configurations by what their best elites are worth, and jobs without results."""

    folder: Path
    jobs: int | None
    configurations: Sequence[Configuration]
    others: Sequence[Unfinished]

    def as_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "sweep": str(self.folder),
            "jobs": self.jobs,
            "finished": sum(len(c.runs) for c in self.configurations),
            "configurations": [c.as_json() for c in self.configurations],
            "others": [dict(other.__dict__) for other in self.others],
        }


def read_sweep(folder: Path) -> Found:
    """What is in the folder of a sweep now. Raises InputError where that is none."""
    claim, jobs = claim_of(folder), jobs_of(folder)
    read = [_read(folder, job) for job in jobs]
    groups: dict[tuple[tuple[str, str], ...], list[Finished]] = {}
    for run in read:
        if isinstance(run, Finished):
            words = tuple((k, v) for k, v in run.job.overrides.items() if k not in _REPLICATE)
            groups.setdefault(words, []).append(run)
    found = [Configuration(dict(words), runs) for words, runs in groups.items()]
    others = [run for run in read if isinstance(run, Unfinished)]
    missing = {*range(claim["jobs"] or 0)} - {job.number for job in jobs}
    others += [Unfinished(f"job {number}", "not begun", "") for number in sorted(missing)]
    found.sort(key=lambda c: -c.credited.mean)
    return Found(folder, claim["jobs"], found, others)


def sweep_words(found: Found) -> str:
    """The comparison as a table, and the jobs without results."""
    from rich.console import Console
    from rich.table import Table

    finished = sum(len(c.runs) for c in found.configurations)
    title = f"{finished} of {found.jobs or '?'} runs finished: credited rare combination coverage"
    table = Table(title=f"{title} (mean over seeds, 95 % interval)", title_justify="left")
    table.box, table.pad_edge = None, False
    for name in ("", "seeds", "best elite", "lead over best baseline", "evaluations", "time a run"):
        table.add_column(name, no_wrap=True)
    for c in found.configurations:
        counts = str(len(c.runs)), f"{c.evaluations:,}"
        values = _words(c.credited), _words(c.lead)
        name = c.name.replace("[", "\\[")
        table.add_row(name, counts[0], *values, counts[1], in_words(c.seconds))
    out = StringIO()
    if found.configurations:
        Console(file=out, width=WIDTH, color_system=None).print(table)
    lines = [line.rstrip() for line in out.getvalue().splitlines()] or [f"{title}: none yet"]
    for other in found.others:
        lines.append(f"{other.name}: {other.state}{': ' if other.why else ''}{other.why}")
    return "\n".join(lines)


def _read(folder: Path, job: Job) -> Finished | Unfinished:
    """The results of a job, or why there are none."""
    run_dir = folder / job.run_dir
    if (run_dir / "archive" / "index.json").exists():
        try:
            run, entries = stored_results(run_dir)
        except GamutError as error:
            return Unfinished(str(job), "failed", str(error))
        with closing(run.store) as store:
            return _finished(job, run.config.seed, entries, account(store))
    going_on = f"go on by: gamut resume {quote(str(run_dir))}" if is_begun(run_dir) else ""
    if job.error:
        return Unfinished(str(job), "failed", f"{job.error}{'; ' if going_on else ''}{going_on}")
    return Unfinished(str(job), "unfinished", f"{_progress(run_dir)}{going_on}")


def _finished(job: Job, seed: int, entries: Sequence[Entry], spent: Account) -> Finished:
    best, rival = entries[0], strongest_baseline(entries)
    return Finished(
        job=job,
        seed=seed,
        credited=best.credited.mean,
        lead=best.lead(rival).mean,
        rival=rival.baseline,
        evaluations=spent.evaluations,
        seconds=spent.seconds,
    )


def _progress(run_dir: Path) -> str:
    try:
        with closing(Store(run_dir / "run.sqlite", read_only=True)) as store:
            return f"{store.count():,} evaluated; "
    except GamutError:  # the run has only just begun
        return ""


def _words(estimate: Interval) -> str:
    """An interval takes two seeds."""
    return f"{estimate.mean:.3f}" if math.isnan(estimate.low) else str(estimate)
