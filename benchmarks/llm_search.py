"""What a language model's mutations are worth: typed GP, the model, and both, at equal wall time.

    gamut models serve q15.gguf --name qwen1.5
    python benchmarks/llm_search.py --runs runs/llm --model qwen1.5 --answers answers.sqlite

Each arm is `gamut evolve` with the default contexts and readers: `gp`, `model` (search=llm) and
`both` (gp with search.mutation=llm; the bandit shares out the tickets). All have the same minutes
on the same machine, whose cores the model's server shares. (`model` breeds four tickets ahead, the
others sixteen: what is asked is waited for, and a small model takes a minute each.) Finished runs
in the folder are read, others are run or resumed. The best elite of each arm is then credited on
validation contexts by the offline readers and by the model itself as a respondent; corners_long and
covering_mix beside them.

Answers are kept in --answers; interrupted, the same command goes on; --replay asks nobody and
reports on what is finished.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from joblib import cpu_count
from judge import answering, cheapest, judged, model_options, say

from evolve.account import account
from evolve.bench import Suite, bench
from evolve.config import packaged_contexts
from evolve.store import Store
from evolve.stored import stored_results
from evolve.table import plain_text
from fitness.respondents.llm import measure_anchors
from generators.baselines import baseline
from generators.errors import GamutError
from generators.program import Program

ARMS = {
    "gp": (),
    "model": ("search=llm", "search.in_flight=4"),
    "both": ("search.mutation=llm",),
}
RIVALS = ("corners_long", "covering_mix")
SITTING = 10**6  # candidates, so that time is what ends a run


def main() -> int:
    text = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=text)
    parser.add_argument("--runs", type=Path, required=True, help="folder of the runs")
    model_options(parser)
    parser.add_argument("--minutes", type=float, default=10.0, help="wall time of each search")
    parser.add_argument("--seeds", type=int, default=1, help="searches an arm: seeds 0, 1, …")
    parser.add_argument("--contexts", type=int, default=2, help="validation contexts of the model")
    parser.add_argument("-n", type=int, default=15, help="personas a population of the model's")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    given.runs.mkdir(parents=True, exist_ok=True)
    folders = {
        (arm, seed): given.runs / f"{arm}-{seed:02d}" for seed in range(given.seeds) for arm in ARMS
    }
    if not given.replay:
        for (arm, seed), folder in folders.items():
            search(arm, seed, folder, given)
    lines: dict[str, dict[str, Any]] = {}
    programs: dict[str, Program] = {}
    for folder in folders.values():
        if (folder / "archive" / "index.json").is_file():
            run, entries = stored_results(folder)
            lines[folder.name] = spent(run, entries[0].name)
            programs[folder.name] = entries[0].program
            run.close()
    programs |= {name: baseline(name) for name in RIVALS}
    for name, values in credited(programs, given).items():
        lines.setdefault(name, {}).update(values)
    print(json.dumps(lines, indent=1) if given.json else table(lines))
    return 0


def search(arm: str, seed: int, folder: Path, given: argparse.Namespace) -> None:
    """Run an arm, or go on with it. SystemExit where it fails."""
    if (folder / "archive" / "index.json").is_file():
        return
    say(f"{folder.name}: {given.minutes:g} minutes")
    if (folder / "run.sqlite").is_file():
        with closing(Store(folder / "run.sqlite", read_only=True)) as store:
            left = max(0.01, given.minutes - account(store).seconds / 60)
        words = ["resume", str(folder), f"--minutes={left:.2f}"]
    else:
        words = ["evolve", *ARMS[arm], f"seed={seed}", f"run_dir={folder}"]
        words += [f"budget.minutes={given.minutes}", f"budget.evaluations={SITTING}"]
        if arm != "gp":
            group = "local" if given.llm == "local" else "server"
            words += [f"llm={group}", f"llm.model={given.model}", *given.set]
            words += [f"llm.cache.file={given.answers}"]
            words += [] if given.llm == "local" else [f"llm.base_url={given.llm}"]
    with (given.runs / f"{folder.name}.log").open("ab") as log:
        command = [sys.executable, "-m", "evolve.cli", *words]
        done = subprocess.run(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise SystemExit(f"llm_search.py: {folder.name} failed, see {log.name}")


def spent(run: Any, best: str) -> dict[str, Any]:
    """What a run did in its time."""
    took = account(run.store)
    by_model = [v for c, v in run.store.candidates() if c.by_model]
    return {
        "best": best,
        "minutes in all": took.seconds / 60,  # with validation
        "candidates": run.store.count(),
        "asked of the model": len(by_model),
        "of them scored": sum(v["status"] == "scored" for v in by_model),
    }


def credited(
    programs: Mapping[str, Program], given: argparse.Namespace
) -> dict[str, dict[str, Any]]:
    """What the offline readers and the model credit each program with, by name."""
    suite = Suite(packaged_contexts("validation"))
    lines = bench(list(programs.items()), suite, cpu_count(), say)
    found: dict[str, dict[str, Any]] = {
        line.name: {"offline": line.estimate("credited").as_json(), "words": line.words}
        for line in lines
    }
    with answering(given) as model:
        anchors = measure_anchors(model)
        say(f"{given.model} {anchors.words()}")
        if not anchors.reliable:
            return found
        values: dict[str, dict[str, list[float]]] = {}
        for context in cheapest(given.contexts):
            for name, figures in judged(context, programs, given.n, model, anchors.scale, ()):
                values.setdefault(name, {})[context.id] = [figures["credited"]]
    for name, by_context in values.items():
        found[name]["by the model"] = float(np.mean(list(by_context.values())))
    return found


def table(lines: Mapping[str, Mapping[str, Any]]) -> str:
    """A line a run or baseline."""
    columns = ["minutes in all", "candidates", "asked of the model", "of them scored", "words"]
    head = ["", *columns, "credited offline", "by the model", "best"]
    rows = [head]
    for name, line in lines.items():
        cells = [f"{line[c]:.0f}" if c in line else "" for c in columns]
        offline = line["offline"]
        cells.append(f"{offline['mean']:.3f} [{offline['low']:.3f}, {offline['high']:.3f}]")
        cells.append(f"{line['by the model']:.3f}" if "by the model" in line else "")
        rows.append([name, *cells, line.get("best", "")])
    return plain_text("Credited rare combination coverage on validation contexts", rows)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except GamutError as error:
        sys.exit(f"llm_search.py: {error}")
