"""Candidates a second of OpenEvolve 0.4.0 and of Gamut, in one run: medians of repeats.

    pip install -e '.[peer]'
    python benchmarks/peer_openevolve.py [--repeats 5] [--candidates 300] [--contexts 2]
                                         [--evaluations nothing sandbox full]

First Gamut searches once, untimed. The programs of that search, in their order, are what both
sides evaluate: Gamut's search, which depends on its seed alone, breeds them again each time, and
OpenEvolve gets them from a model server on loopback that answers at once. Then the sides take
turns; ratios are of runs of the same turn.

The same for both: the programs; the evaluation function, its contexts, population and seeds, with
no early end for poor candidates; two worker processes of one thread each; a sentence cache that
has seen every text. Three evaluation functions: `nothing` (a hash of the source: the loops alone),
`sandbox` (the program runs, sandboxed, for one context) and `full` (Gamut's own: sandbox, readers,
gates and coverage).

Not the same. OpenEvolve's programs cost nothing to make, where Gamut selects and breeds each; it
keeps no more than its best program (as it comes: and checkpoints), where Gamut writes every
candidate with its verdict to its store; it has no sandbox of its own, so in `sandbox` and `full`
it borrows Gamut's. On the other hand it has a client of a language model, which Gamut's breeding
does without, and whose server shares the cores. OpenEvolve runs twice: as it comes (but for whole
programs instead of diffs), and set for speed: no artifacts, no examples in prompts, no checkpoints,
no logs, no retries, one feature dimension, two islands, and a population of 60 (it sends the whole
of it to a worker with each candidate).

Times are taken at the storing of each candidate, in the process of the loop. A program that comes
twice counts once; one that Gamut does not judge, because its personas are those of an earlier
program, is not given to OpenEvolve and counts for neither; and each must get the same score on all
sides. "running": from the tenth part of the candidates on, when all workers have begun. "with
start-up": from the start of the process, imports and all. What comes after a search (Gamut's
reports and bundles) is in neither.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_module
from omegaconf import OmegaConf
from peer_evaluation import EVALUATIONS, INPUTS, KIND, write_inputs
from peer_server import ProgramServer

from evolve.config import from_plain
from evolve.evaluate import Evaluator
from evolve.progress import Progress
from evolve.run import create
from evolve.store import Store
from evolve.table import plain_text
from generators.baselines import baseline

SIDE = Path(__file__).with_name("peer_sides.py")
ONE_THREAD = {f"{part}_NUM_THREADS": "1" for part in ("OMP", "OPENBLAS", "MKL")}
WORKERS = 2
GAMUT, FAST, AS_IT_COMES = "Gamut", "OpenEvolve, set for speed", "OpenEvolve, as it comes"
SIDES = (AS_IT_COMES, FAST, GAMUT)


@dataclass(frozen=True)
class Speed:
    """Candidates a second of one run of one side, once it runs and from the start of its process;
    `counted`: different programs that it stored."""

    running: float
    whole: float
    counted: int


@dataclass(frozen=True)
class Task:
    """What both sides do: an evaluation by name, its inputs in a file, Gamut's configuration."""

    evaluation: str
    inputs: Path
    config: dict[str, Any]


def configuration(candidates: int, contexts: int) -> dict[str, Any]:
    """The default job, where every candidate is evaluated on all contexts with one seed each."""
    with initialize_config_module("conf", version_base="1.3"):
        default = compose("config", ["run_dir=unused"])
    plain: Any = OmegaConf.to_container(default, resolve=True)
    plain["contexts"]["training"] = plain["contexts"]["training"][:contexts]
    plain["search"].update(first_rung=len(plain["contexts"]["training"]), replicates=1)
    plain["budget"]["evaluations"] = candidates
    plain["workers"] = WORKERS
    return dict(plain)


def inputs(config: dict[str, Any], folder: Path) -> Path:
    """The file of what the evaluation functions need, made as a run makes it."""
    run = create(from_plain(config), folder / "inputs", Progress(0, quiet=True))
    evaluator = Evaluator(run.setup)
    template = evaluator.evaluate(baseline("name_only").source, -1.0)
    evaluator.close()
    file = folder / "inputs.json"
    write_inputs(run.setup, template, file)
    return file


def recorded(task: Task) -> dict[str, float]:
    """The different programs of a search, in order, with their scores; fills the sentence cache."""
    with tempfile.TemporaryDirectory() as folder:
        _, stored = run_side(task, {"side": GAMUT}, Path(folder))
        store = Store(Path(folder) / "run" / "run.sqlite", read_only=True)
        programs = dict.fromkeys(candidate.source for candidate, _ in store.candidates())
        store.close()
    return {
        program: stored["scores"][program] for program in programs if program in stored["scores"]
    }


def measured(side: str, task: Task, scored: dict[str, float]) -> Speed:
    """One run of one side over the programs, each of which must get its score again."""
    programs = list(scored)
    job = {
        "side": side.partition(",")[0],
        "for speed": side == FAST,
        "first": programs[0],
        "iterations": len(programs) - 1,
        "workers": WORKERS,
    }
    with tempfile.TemporaryDirectory() as folder, ProgramServer(programs[1:]) as server:
        began, stored = run_side(task, {**job, "url": server.url}, Path(folder))
    wrong = [p for p, score in stored["scores"].items() if score != scored.get(p)]
    if wrong:
        sys.exit(f"{side}: another score than before for {len(wrong)} programs:\n{wrong[0]}")
    times = stored["times"]
    skipped = max(1, len(programs) // 10)
    running = (len(times) - skipped) / (times[-1] - times[skipped - 1])
    return Speed(running, len(times) / (times[-1] - began), len(times))


def run_side(task: Task, job: dict[str, Any], folder: Path) -> tuple[float, dict[str, Any]]:
    """Run a side in a process of its own: when it began, and what it then stored."""
    file = folder / "job.json"
    file.write_text(json.dumps({**job, "config": task.config, "folder": str(folder)}), "utf-8")
    named = {KIND: task.evaluation, INPUTS: str(task.inputs)}
    began = time.time()
    done = subprocess.run(
        [sys.executable, SIDE, file],
        env={**os.environ, **ONE_THREAD, **named},
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        sys.exit(f"{job['side']} ended with status {done.returncode}:\n{done.stderr}")
    return began, json.loads((folder / "stored.json").read_text("utf-8"))


def compared(task: Task, repeats: int) -> dict[str, list[Speed]]:
    """All sides in turn, so that what else the machine does falls on all alike."""
    scored = recorded(task)
    speeds: dict[str, list[Speed]] = {side: [] for side in SIDES}
    for turn in range(repeats):
        for side in SIDES if turn % 2 == 0 else reversed(SIDES):
            speed = measured(side, task, scored)
            speeds[side].append(speed)
            print(f"{task.evaluation} {turn + 1}/{repeats} {side}: {speed}", file=sys.stderr)
    return speeds


def lines(evaluation: str, speeds: dict[str, list[Speed]]) -> list[list[str]]:
    """A line of the table a side: medians, and Gamut's speed over this side's."""
    table = []
    for side in SIDES:
        cells = [evaluation, side, str(min(s.counted for s in speeds[side]))]
        for kind in ("running", "whole"):
            these, ours = ([getattr(s, kind) for s in speeds[name]] for name in (side, GAMUT))
            ratios = [our / this for this, our in zip(these, ours, strict=True)]
            spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
            cells += [f"{statistics.median(these):.1f}", "" if side == GAMUT else spread]
        table.append(cells)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--candidates", type=int, default=300)
    parser.add_argument("--contexts", type=int, default=2)
    parser.add_argument("--evaluations", nargs="+", choices=EVALUATIONS, default=list(EVALUATIONS))
    given = parser.parse_args()
    config = configuration(given.candidates, given.contexts)
    ratio = f"{GAMUT} over it"
    table = [["evaluation", "side", "programs", "running", ratio, "with start-up", ratio]]
    with tempfile.TemporaryDirectory() as folder:
        file = inputs(config, Path(folder))
        for evaluation in given.evaluations:
            speeds = compared(Task(evaluation, file, config), given.repeats)
            table += lines(evaluation, speeds)
    contexts = len(config["contexts"]["training"])
    title = f"Candidates a second, {WORKERS} workers, {contexts} contexts in `full`,"
    print(plain_text(f"{title} medians of {given.repeats}", table))


if __name__ == "__main__":
    main()
