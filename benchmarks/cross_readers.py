"""Does a gain hold where the other reader looks? Two searches, each judged by both readers.

    python benchmarks/cross_readers.py --runs runs/cross [--tickets 2000] [--seed 0] [--json]

One search is selected by the projection reader alone, one by the nearest-statements reader alone.
The best elite of each, chosen on training contexts, is then measured on all validation contexts by
either reader alone and by what both agree on, with the same seeds as the baselines. Printed: its
gain in credited rare combination coverage over covering design × sign mix, with three and with ten
signs an axis, mean over contexts with a 95 % t interval over contexts. A gain that only its own
reader sees is no gain.

Evaluations are counted as the share of a full evaluation that a candidate got: one that the
cascade drops after its first contexts counts as those. A run that is there is read, or resumed.
"""

import argparse
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evolve.config import packaged_contexts
from evolve.evaluate import Evaluator
from evolve.setup import Setup
from evolve.statistics import interval
from evolve.store import Store
from fitness.embedding import Caches
from fitness.reference import reference_rows
from fitness.respondents import open_respondent
from generators.baselines import baseline
from generators.bundle import read_bundle
from generators.sandbox import Sandbox

READERS = ("projection", "nearest")
JUDGES = (*READERS, "agreement")
RIVALS = ("covering_mix", "covering_long")
SEEDS = 4


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--runs", type=Path, required=True, help="folder for the two runs")
    parser.add_argument("--tickets", type=int, default=2000, help="candidates a search breeds")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    runs = {reader: options.runs / reader for reader in READERS}
    for reader, folder in runs.items():
        search(reader, folder, options)
    sources = {reader: read_bundle(folder / "archive" / "best") for reader, folder in runs.items()}
    programs = {reader: bundle.program.source for reader, bundle in sources.items()}
    programs |= {rival: baseline(rival).source for rival in RIVALS}
    setup = Store(runs[READERS[0]] / "run.sqlite", read_only=True).meta("setup")
    values = {judge: judged(judge, Setup.from_json(setup), programs) for judge in JUDGES}
    result = {
        "evaluations": {reader: evaluations(folder) for reader, folder in runs.items()},
        "values": {j: {p: v.tolist() for p, v in of.items()} for j, of in values.items()},
    }
    print(json.dumps(result, indent=1) if options.json else table(result["evaluations"], values))


def search(reader: str, folder: Path, options: argparse.Namespace) -> None:
    """Run, or finish, the search that is selected by one reader."""
    if (folder / "archive" / "best").exists():
        return
    words = ["resume", str(folder)]
    if not (folder / "config.yaml").exists():
        words = ["evolve", f"respondent={reader}", f"run_dir={folder}", f"seed={options.seed}"]
        words.append(f"budget.evaluations={options.tickets}")
    subprocess.run([sys.executable, "-m", "evolve.cli", *words], check=True, stdout=sys.stderr)


def evaluations(folder: Path) -> float:
    """Evaluations that a run has used, those that the cascade cut short counted in part."""
    store = Store(folder / "run.sqlite", read_only=True)
    setup = store.meta("setup")
    whole = setup["population"] * setup["replicates"] * len(setup["training"])
    made = (v["cost"].get("personas", 0) / whole for _, v in store.candidates())
    return float(sum(made))


def judged(judge: str, setup: Setup, programs: dict[str, str]) -> dict[str, NDArray[np.float64]]:
    """Credited rare combination coverage by one reader, by program, [contexts, seeds]."""
    contexts = packaged_contexts("validation")
    caches = Caches(setup.embedder)
    with Sandbox() as sandbox:
        references = {
            c.hash: reference_rows(c, open_respondent(judge, c, caches), sandbox) for c in contexts
        }
    setup = replace(
        setup, report=contexts, references=references, respondent=judge, report_replicates=SEEDS
    )
    evaluator = Evaluator(setup, caches)
    found = {}
    for name, source in programs.items():
        print(f"{name}, read by {judge}", file=sys.stderr, flush=True)
        report = evaluator.report(source)["values"]
        found[name] = np.array([report[c.id] for c in contexts])
    evaluator.close()
    return found


def table(used: dict[str, float], values: dict[str, dict[str, NDArray[np.float64]]]) -> str:
    """A line a program and judge: its value, and the gain over each rival."""
    lines = [f"{reader}: {count:.0f} evaluations" for reader, count in used.items()]
    heading = "".join(f"{'over ' + rival:>26}" for rival in RIVALS)
    lines.append(f"{'selected by':14}{'judged by':14}{'value':>8}{heading}")
    for name in (*READERS, *RIVALS):
        for judge, of in values.items():
            gains = [gain(of[name] - of[rival]) for rival in RIVALS if name in READERS]
            told = "".join(f"{found:>26}" for found in gains)
            lines.append(f"{name:14}{judge:14}{of[name].mean():8.3f}{told}")
    return "\n".join(lines)


def gain(differences: NDArray[np.float64]) -> str:
    """Mean and 95 % t interval over contexts of the means over seeds, [contexts, seeds]."""
    found = interval({"": differences.mean(axis=1).tolist()})
    return f"{found.mean:+.3f} [{found.low:+.3f}, {found.high:+.3f}]"


if __name__ == "__main__":
    main()
