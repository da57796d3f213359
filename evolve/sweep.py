"""A sweep: several runs of one command, each a job of a Hydra launcher, in a folder of their own.

The folder is claimed by creating sweep.json, which can only succeed once. A job writes job_N.json
when it begins and again when it ends, from whatever process its launcher runs it in. A job that
fails costs the others nothing.
"""

import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import asdict, dataclass, replace
from io import StringIO
from pathlib import Path
from shlex import quote
from typing import Any, ClassVar

from hydra.experimental.callback import Callback

from generators.errors import GamutError, InputError

CLAIM = "sweep.json"


class SweepRefusedError(BaseException):
    """The sweep may not begin. No Exception, because Hydra makes warnings of those in callbacks."""


class Claim(Callback):
    """Hydra's callback that takes the folder of a sweep before anything is written to it."""

    folder: ClassVar[Path | None] = None  # of the sweep that this process has begun

    def on_multirun_start(self, config: Any, **_: Any) -> None:
        """Raises SweepRefusedError where the folder holds another sweep or cannot be written."""
        folder = Path(config.hydra.sweep.dir)
        params = config.hydra.sweeper.get("params") or {}
        words = [*(f"{k}={v}" for k, v in params.items()), *config.hydra.overrides.task]
        created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        content = {"schema": "gamut/sweep/1", "created": created, **_swept(words)}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with (folder / CLAIM).open("x", encoding="utf-8") as opened:
                opened.write(json.dumps(content, indent=1) + "\n")
        except FileExistsError:
            why = "holds another sweep" if folder.is_dir() else "is a file"
        except OSError as error:
            why = f"cannot be written ({error.strerror})"
        else:
            Claim.folder = folder
            return
        raise SweepRefusedError(f"hydra.sweep.dir={folder}: {why}; choose another folder")


@dataclass(frozen=True)
class Job:
    """What a job of a sweep says of itself.

    Attributes:
        number: its place in the sweep.
        overrides: what it has for the keys that the sweep varies.
        run_dir: its run, relative to the sweep's folder where it lies in there.
        error: why it failed.
        wrong: whether that was for what the user gave.
    """

    number: int
    overrides: Mapping[str, str]
    run_dir: str
    error: str | None = None
    wrong: bool = False

    def __str__(self) -> str:
        words = " ".join(f"{key}={value}" for key, value in self.overrides.items())
        return f"job {self.number} ({words})" if words else f"job {self.number}"

    def write(self, sweep: Path) -> None:
        """Replace what the sweep's folder says of this job."""
        part = sweep / f"job_{self.number}.part"
        part.write_text(json.dumps(asdict(self), indent=1) + "\n", "utf-8")
        part.replace(sweep / f"job_{self.number}.json")


def claim_of(sweep: Path) -> dict[str, Any]:
    """What sweep.json says: keys that vary, and how many jobs there are to be (None: unknown)."""
    try:
        plain = json.loads((sweep / CLAIM).read_text("utf-8"))
        return {"keys": list(plain["keys"]), "jobs": plain["jobs"]}
    except FileNotFoundError:
        raise InputError(f"{sweep}: no sweep here ({CLAIM} is missing)") from None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(f"{sweep / CLAIM}: cannot be read ({error})") from None


def jobs_of(sweep: Path) -> list[Job]:
    """The jobs that have begun, by number. Raises InputError for a record that is none."""
    found = []
    for file in sweep.glob("job_*.json"):
        try:
            found.append(Job(**json.loads(file.read_text("utf-8"))))
        except (ValueError, TypeError):
            raise InputError(f"{file}: not the record of a job of a sweep") from None
    return sorted(found, key=lambda job: job.number)


def _swept(words: Sequence[str]) -> dict[str, Any]:
    """The keys that words sweep over, and how many jobs that makes; None if the sweeper decides."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.core.override_parser.types import ChoiceSweep, RangeSweep

    parsed = OverridesParser.create().parse_overrides(list(words))
    swept = {word.get_key_element(): word for word in parsed if word.is_sweep_override()}
    countable = all(isinstance(word.value(), ChoiceSweep | RangeSweep) for word in swept.values())
    counts = [len(list(word.sweep_string_iterator())) for word in swept.values() if countable]
    return {"keys": list(swept), "jobs": math.prod(counts) if countable else None}


def run_in_sweep(hydra: Any, folder: Path, resolve: Callable[[], dict[str, Any]]) -> None:
    """One job of a sweep, in whatever process the launcher runs it; never raises an Exception.

    `hydra`: Hydra's own configuration of the job; `resolve` gives the run's.
    """
    sweep = Path(hydra.sweep.dir)
    claim = claim_of(sweep)
    words = dict(word.split("=", 1) for word in hydra.overrides.task if "=" in word)
    overrides = {key: words[key] for key in claim["keys"] if key in words}
    job = Job(int(hydra.job.num), overrides, _within(sweep, folder))
    again = (sweep / f"job_{job.number}.json").exists()  # a cluster starts what it stopped anew
    job.write(sweep)
    print(job, file=sys.stderr, flush=True)
    said = StringIO()
    try:
        plain = resolve()
        if plain["workers"] is None:
            plain["workers"] = share_of_cores(hydra, claim["jobs"])
        quiet = hydra.runtime.choices["hydra/launcher"] != "basic"  # several at once on a terminal
        with redirect_stdout(said):
            _search(plain, folder, again=again, quiet=quiet)
    except Exception as error:  # kept and told at the end: the other jobs go on
        bug = "" if isinstance(error, GamutError | OSError) else f" ({type(error).__name__}: a bug)"
        job = replace(job, error=f"{error}{bug}", wrong=isinstance(error, InputError))
        print(f"gamut: {job} failed: {job.error}", file=sys.stderr, flush=True)
    job.write(sweep)
    if said.getvalue():  # in one piece, since other jobs print as well
        print(f"{job}\n{said.getvalue()}", flush=True)


def ended(sweep: Path) -> int:
    """Say where the runs of a sweep that is over are, and which failed; the exit status."""
    failed = [job for job in jobs_of(sweep) if job.error]
    print(f"Sweep:   {sweep}\nCompare: gamut sweep-report {quote(str(sweep))}")
    for job in failed:
        print(f"gamut: {job} failed: {job.error}", file=sys.stderr)
    if not failed:
        return 0
    return 2 if all(job.wrong for job in failed) else 1


@contextmanager
def guarding() -> Iterator[None]:
    """Words what stops a sweep, whichever launcher it has; errors of a single run go through."""
    Claim.folder = None
    try:
        yield
    except SweepRefusedError as error:
        raise InputError(str(error)) from None
    except KeyboardInterrupt:
        if Claim.folder:
            _tell_how_to_go_on(Claim.folder)
        raise
    except Exception as error:
        if Claim.folder is None:
            raise
        if not jobs_of(Claim.folder):
            _withdraw(Claim.folder)
            raise
        raise _given_up(Claim.folder, error) from error


def _given_up(sweep: Path, error: Exception) -> GamutError:
    """The error for a sweep whose launcher failed, as where the process of a job was killed."""
    reason = str(error).strip().partition("\n")[0] or type(error).__name__
    return GamutError(
        f"{sweep}: the launcher gave up: {reason}\n`gamut sweep-report {quote(str(sweep))}` says"
        " which runs finished, and how to go on with the others"
    )


def _tell_how_to_go_on(sweep: Path) -> None:
    """The last lines after a Ctrl-C: one for each run that it has stopped."""
    stopped = [sweep / job.run_dir for job in jobs_of(sweep)]
    lines = [f"gamut resume {quote(str(run))}" for run in stopped if is_begun(run)]
    print("\n".join(["\nInterrupted. The runs of this sweep that go on:", *lines]), file=sys.stderr)


def _withdraw(sweep: Path) -> None:
    """Give a folder back that no job has begun in, so that its name can be used once more."""
    for name in ("multirun.yaml", CLAIM):
        (sweep / name).unlink(missing_ok=True)
    if not any(sweep.iterdir()):
        sweep.rmdir()


def is_begun(run: Path) -> bool:
    """Whether a run directory holds a run that has no archive yet."""
    return (run / "config.yaml").exists() and not (run / "archive" / "index.json").exists()


def share_of_cores(hydra: Any, jobs: int | None) -> int:
    """Workers of a job whose launcher runs others beside it on this machine."""
    from joblib import cpu_count

    cores, most = int(cpu_count()), jobs or math.inf
    launcher = hydra.runtime.choices["hydra/launcher"]
    if launcher == "joblib":
        asked = hydra.launcher.n_jobs
        beside = min(most, asked if asked > 0 else max(1, cores + 1 + asked))
    elif launcher == "submitit_local":  # starts all of them at once
        beside = min(most, cores)
    else:
        beside = 1
    return max(1, cores // int(beside))


def _search(plain: Mapping[str, Any], folder: Path, *, again: bool, quiet: bool) -> None:
    from evolve.job import resume_job, run_job

    if again and is_begun(folder):
        resume_job(folder, quiet=quiet)
    else:
        run_job(plain, folder, quiet=quiet)


def _within(sweep: Path, run: Path) -> str:
    sweep, run = sweep.absolute(), run.absolute()
    return os.path.relpath(run, sweep) if run.is_relative_to(sweep) else str(run)
