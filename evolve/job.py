"""`gamut evolve`: hands its words to Hydra and runs the job, or a sweep of them."""

import os
import re
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from generators.errors import GamutError, InputError

if TYPE_CHECKING:
    from evolve.progress import Progress
    from evolve.run import Run

PROGRAM = "gamut evolve"


def launch(words: list[str]) -> int:
    """Run the search that the words configure; the exit status.

    Raises InputError for words that Hydra or the run refuses.
    """
    os.environ["HYDRA_FULL_ERROR"] = "1"  # so that errors reach us, who word them for users
    import hydra
    from hydra.core.hydra_config import HydraConfig
    from hydra.errors import HydraException
    from hydra.types import RunMode
    from omegaconf import DictConfig, OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    from evolve import sweep

    outcomes: list[int] = []
    errors: list[Exception] = []

    def resolved(config: DictConfig) -> Any:
        return OmegaConf.to_container(config, resolve=True, throw_on_missing=True)

    def job(config: DictConfig) -> None:
        if HydraConfig.get().mode is RunMode.MULTIRUN:  # in any process, and not the only one
            sweep.run_in_sweep(HydraConfig.get(), _folder(config), lambda: resolved(config))
            return
        try:
            outcomes.append(run_job(resolved(config), _folder(config)))
        except Exception as error:  # raised below: Hydra would word it for its own developers
            errors.append(error)

    sys.argv = [PROGRAM, *(new for word in words for new in _for_hydra(word))]
    try:
        with sweep.guarding():
            hydra.main(version_base="1.3", config_path="pkg://conf", config_name="config")(job)()
    except (HydraException, OmegaConfBaseException) as error:
        raise InputError(_reworded(error)) from None
    if errors:
        raise errors[0]
    return sweep.ended(sweep.Claim.folder) if sweep.Claim.folder else max(outcomes, default=0)


def run_job(plain: Any, folder: Path, *, quiet: bool = False) -> int:
    """One search in a fresh run directory, to its table on standard output."""
    from evolve.config import from_plain
    from evolve.progress import Progress
    from evolve.run import create

    config = from_plain(plain)
    with closing(Progress(config.evaluations, quiet)) as progress:
        return carry_on(lambda: create(config, folder, progress), folder, progress)


def resume_job(
    folder: Path,
    *,
    workers: int | str | None = None,
    evaluations: int | None = None,
    minutes: float | None = None,
    quiet: bool = False,
) -> int:
    """Go on with a run, by other workers or on another budget where they are given."""
    from evolve.progress import Progress
    from evolve.run import open_run

    def opened() -> "Run":
        run = open_run(folder, progress, evaluations=evaluations, minutes=minutes)
        run.config = replace(run.config, workers=workers or run.config.workers)
        return run

    with closing(Progress(total=0, quiet=quiet)) as progress:
        return carry_on(opened, folder, progress)


def carry_on(open_it: Callable[[], "Run"], folder: Path, progress: "Progress") -> int:
    """Open a run, search until its budget is spent, write archive and report, print the table."""
    try:
        with closing(open_it()) as run:
            run.store.begin_sitting(run.config.workers)
            _search_and_finish(run, progress)
    except KeyboardInterrupt:
        progress.close()
        if (folder / "config.yaml").exists():
            print(
                f"\nInterrupted; nothing stored is lost. Go on with:\ngamut resume {folder}",
                file=sys.stderr,
            )
        raise
    except BrokenPipeError:  # whoever read our output went away
        raise
    except GamutError as error:
        from evolve.asked import advice_on

        if advised := advice_on(error, folder):
            raise advised from error
        raise
    except OSError as error:  # a full disk, too many open files
        raise GamutError(
            f"{error.filename or folder}: {error.strerror or error}. What was stored before is"
            f" kept: when that is mended, `gamut resume {quote(str(folder))}` goes on from there"
        ) from error
    return 0


def _search_and_finish(run: "Run", progress: "Progress") -> None:
    """From an opened run to its table on standard output."""
    from evolve.account import account
    from evolve.budget import LEFT_BY_MODELS
    from evolve.directory import SPENT, add_to_manifest
    from evolve.finish import finish
    from evolve.report import write_report
    from evolve.run import evolve
    from evolve.table import conclusion, results_table

    report, workers = run.folder / "report.html", run.config.workers
    progress.total = run.config.evaluations
    try:
        why = evolve(run, progress, workers, lambda: _refresh(run, report, progress))
        entries = finish(run, progress, workers)
    except KeyboardInterrupt:
        run.store.end_sitting("interrupted")
        raise
    run.store.end_sitting(why)
    spent = account(run.store)
    add_to_manifest(run.folder, "spent", spent.as_json())
    if run.config.llm is not None:
        from generators.llm import Ledger

        with closing(Ledger(run.config.llm.budget, run.folder / SPENT)) as ledger:
            add_to_manifest(run.folder, "llm_spent", ledger.spent())
    progress.close()
    print(f"Spent: {spent}", file=sys.stderr)
    if why == LEFT_BY_MODELS:
        from evolve.asked import to_go_on

        print(f"{why.capitalize()} is spent: {to_go_on(run.folder)}", file=sys.stderr)
        print(f"(A replay needs budget.evaluations={run.store.count()}.)", file=sys.stderr)
    print(results_table(entries))
    print(f"\n{conclusion(entries)}\nArchive: {run.folder / 'archive'}")
    write_report(run, entries, report)
    print(f"Report:  {report}")


def _refresh(run: "Run", report: Path, progress: "Progress") -> None:
    """Write the report of a search that is going on; where that fails, the search matters more."""
    from evolve.report import write_report

    try:
        write_report(run, [], report)
    except GamutError as error:
        progress.tell(f"The report is not refreshed: {error}")


def _folder(config: Any) -> Path:
    """The run directory; in a sweep, where every job needs its own, Hydra's unless one is named."""
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    hydra = HydraConfig.get()
    named = any(word.startswith("run_dir=") for word in hydra.overrides.task)
    if hydra.mode is RunMode.MULTIRUN and not named:
        return Path(hydra.runtime.output_dir)
    return Path(config.run_dir)


def _for_hydra(word: str) -> list[str]:
    """`--force` is a key, and `contexts=my.yaml` the group of one's own contexts with that file.
    Files are named in full, so that the run can be resumed from anywhere."""
    if word == "--force":
        return ["force=true"]
    key, _, value = word.partition("=")
    plain = value not in ("", "null") and not value.startswith(("'", '"'))
    if plain and (key == "llm.cache.file" or (key == "respondent.model" and Path(value).exists())):
        return [f"{key}='{_in_full(value)}'"]
    if key != "contexts" or not value.endswith((".yaml", ".yml")):
        return [word]
    return ["contexts=own", f"contexts.file='{_in_full(value)}'"]


def _in_full(file: str) -> str:
    """A path from the root, as Hydra reads it between quotes."""
    return str(Path(file).expanduser().resolve()).replace("\\", "\\\\").replace("'", "\\'")


def _reworded(error: Exception) -> str:
    """Hydra's message without its advice for developers, and with ours on what is not installed."""
    message = str(error).partition("Config search path")[0]
    lines = [line for line in message.splitlines() if line.strip() and "HYDRA_FULL" not in line]
    if re.search("hydra/launcher/(joblib|submitit)", message):
        lines.append("The launchers joblib and submitit: pip install 'persona-gamut[sweep]'")
    return "\n".join(lines)
