"""Does the search earn its budget? Its arms over seeds, at equal evaluations.

    python benchmarks/search.py --runs runs/arms [--seeds 10] [--evaluations 300] [--jobs 2]
    python benchmarks/search.py --runs runs/arms --only-report [--curves arms.svg] [--json]

An arm is `gamut evolve search=ARM`: gp, and the controls random (the same grammar, no selection)
and hillclimb. Finished runs in the folder are read, others are begun or resumed, so it can be
stopped at any moment (Ctrl-C, a kill) and given again. It reports on whatever is finished. Runs
share the cache folder (GAMUT_CACHE), so a sentence is read once whoever wrote it.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joblib import cpu_count
from search_report import measured, summary, tables, write_curves

from evolve.config import packaged_contexts
from generators.errors import GamutError, InputError

ARMS = ("gp", "random", "hillclimb")
PATIENCE = 120.0  # seconds that an interrupted run has to keep what is in flight
Key = tuple[str, int]  # arm, seed


@dataclass(frozen=True)
class Plan:
    """What is run where.

    Attributes:
        folder: holds a run directory ARM-SEED and a log each, and plan.json.
        keys: runs in the order in which they are begun: a seed of all arms, then the next seed.
        settings: words that every run gets, besides its arm and seed.
        jobs: runs at once.
    """

    folder: Path
    keys: tuple[Key, ...]
    settings: tuple[str, ...]
    jobs: int

    def run(self, key: Key) -> Path:
        """The run directory of an arm and seed."""
        return self.folder / f"{key[0]}-{key[1]:02d}"

    def finished(self) -> dict[Key, Path]:
        """The runs that have an archive."""
        runs = {key: self.run(key) for key in self.keys}
        return {k: f for k, f in runs.items() if (f / "archive" / "index.json").is_file()}


def keep_settings(plan: Plan) -> None:
    """Note the settings with the runs. InputError where the runs there have other ones."""
    file = plan.folder / "plan.json"
    with suppress(FileNotFoundError):
        kept = json.loads(file.read_text("utf-8"))
        if kept != list(plan.settings):
            raise InputError(
                f"{plan.folder}: its runs have {' '.join(kept)}, not {' '.join(plan.settings)};"
                " give another --runs"
            )
        return
    plan.folder.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(plan.settings) + "\n", "utf-8")


def kept_settings(folder: Path) -> tuple[str, ...]:
    """The settings of the runs in a folder."""
    try:
        return tuple(json.loads((folder / "plan.json").read_text("utf-8")))
    except FileNotFoundError:
        raise InputError(f"{folder}: no runs of this benchmark here (no plan.json)") from None


def command(plan: Plan, key: Key) -> list[str]:
    """What begins a run, or goes on with it."""
    folder, gamut = plan.run(key), [sys.executable, "-m", "evolve.cli"]
    if (folder / "config.yaml").is_file():
        return [*gamut, "resume", str(folder)]
    arm, seed = key
    workers = max(1, cpu_count() // plan.jobs)
    words = [f"search={arm}", f"seed={seed}", f"run_dir={folder}", f"workers={workers}"]
    words += ["search.report_replicates=1"]  # the best are measured here, whatever a run reports
    return [*gamut, "evolve", *words, *plan.settings]


def run_all(plan: Plan) -> list[Key]:
    """Begin or resume every run that is not finished; those that failed.

    When this process is interrupted, so are the runs, and what they have in flight is kept.
    """
    done = plan.finished()
    waiting = deque(key for key in plan.keys if key not in done)
    total, began = len(waiting), time.monotonic()
    running: dict[Key, subprocess.Popen[bytes]] = {}
    failed: list[Key] = []
    try:
        while waiting or running:
            while waiting and len(running) < plan.jobs:
                key = waiting.popleft()
                running[key] = start(plan, key)
            time.sleep(0.5)
            for key in [key for key, process in running.items() if process.poll() is not None]:
                status = running.pop(key).returncode
                if status:
                    failed.append(key)
                ended = total - len(waiting) - len(running)
                left = (time.monotonic() - began) / ended * (total - ended)
                said = f"failed ({log_of(plan, key)})" if status else "finished"
                say(f"{plan.run(key).name} {said}; {ended} of {total}, {left / 60:.0f} min left")
    finally:
        stop(running)
    return failed


def start(plan: Plan, key: Key) -> subprocess.Popen[bytes]:
    """A run as a process in a session of its own: Ctrl-C comes from us, once."""
    threads = {f"{part}_NUM_THREADS": "1" for part in ("OMP", "OPENBLAS", "MKL")}
    with log_of(plan, key).open("ab") as log:
        return subprocess.Popen(
            command(plan, key),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, **threads},
            start_new_session=True,
        )


def stop(running: Mapping[Key, subprocess.Popen[bytes]]) -> None:
    """Let runs keep what is in flight, and end those that do not come to it."""
    for process in running.values():
        process.send_signal(signal.SIGINT)
    for process in running.values():
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def log_of(plan: Plan, key: Key) -> Path:
    """Where the output of a run goes."""
    return plan.folder / f"{plan.run(key).name}.log"


def report(plan: Plan, split: str, curves: Path | None) -> tuple[dict[str, Any], str]:
    """Summary of the finished runs as JSON and as text."""
    finished = plan.finished()
    if not finished:
        raise InputError(f"{plan.folder}: no run is finished yet")
    if split == "test":
        say("A look at the test contexts: log it in docs/test_looks.md.")
    outcomes = measured(finished, packaged_contexts(split), cpu_count())
    found = {"settings": list(plan.settings), "split": split, **summary(outcomes)}
    if curves:
        write_curves(outcomes, curves)
    evaluations = max(outcome.evaluations for outcome in outcomes)
    return found, tables(found, f"the {split} contexts", evaluations)


def planned(given: argparse.Namespace) -> Plan:
    """The plan that the words ask for."""
    settings = kept_settings(given.runs) if given.only_report else (
        f"budget.evaluations={given.evaluations}", f"contexts={given.contexts}", *given.set
    )  # fmt: skip
    keys = tuple((arm, seed) for seed in range(given.seeds) for arm in given.arms)
    return Plan(given.runs, keys, settings, given.jobs)


def arguments(words: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    text = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=text)
    add = parser.add_argument
    add("--runs", type=Path, required=True, help="folder of the runs")
    add("--seeds", type=_count, default=10, help="runs an arm: seeds 0, 1, …")
    add("--evaluations", type=_count, default=300, help="candidates a run")
    add("--jobs", type=_count, default=cpu_count(), help="runs at once; default: one a core")
    add("--arms", nargs="+", default=list(ARMS), metavar="ARM", help="search groups")
    add("--contexts", default="default", help="default, all, or a file of your own")
    add("--set", action="append", default=[], metavar="KEY=VALUE", help="more settings; repeat")
    add("--split", choices=("validation", "test"), default="validation",
        help="contexts that the best elites are measured in; test is a look to be logged in"
        " docs/test_looks.md")  # fmt: skip
    add("--only-report", action="store_true", help="run nothing, report what is finished")
    add("--curves", type=Path, help="SVG or PNG file for the learning curves of the arms")
    add("--json", action="store_true", help="print JSON with every run")
    return parser.parse_args(words)


def _count(word: str) -> int:
    if not word.isdecimal() or int(word) < 1:
        raise argparse.ArgumentTypeError(f"{word}: should be a whole number from 1")
    return int(word)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main(words: Sequence[str] | None = None) -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    given = arguments(words)
    failed: list[Key] = []
    try:
        plan = planned(given)
        if not given.only_report:
            keep_settings(plan)
            failed = run_all(plan)
        found, text = report(plan, given.split, given.curves)
    except KeyboardInterrupt:
        say("Interrupted; the same command goes on. --only-report shows what is finished.")
        return 130
    except GamutError as error:
        say(f"search.py: {error}")
        return 2 if isinstance(error, InputError) else 1
    print(json.dumps(found, indent=1) if given.json else text)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
