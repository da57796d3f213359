"""Candidates a second with one worker and with two: real search loops, the same seed and result.

    python benchmarks/scaling.py [--evaluations 200] [--repeats 3] [--workers 2]

Each search is a process of its own, as `gamut evolve` is, and is timed from the opening of its
workers to the fold of the last verdict. "cold" starts with an empty sentence cache, "warm" with
the one that the cold search left. Prints medians of the repeats, and the ratio that the goal of
1.7 is about; run it on a machine that does nothing else.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import yaml

CONF = Path(__file__).resolve().parent.parent / "conf"
GROUPS = {"contexts": "default", "respondent": "agreement", "embedder": "minilm", "search": "gp"}


def one_search(folder: Path, workers: int, evaluations: int, seed: int) -> dict[str, Any]:
    """Run a search in this process; how long its loop took, and what it found."""
    from evolve.config import from_plain
    from evolve.progress import Progress
    from evolve.run import create, evolve

    plain = yaml.safe_load((CONF / "config.yaml").read_text("utf-8"))
    plain |= {
        group: yaml.safe_load((CONF / group / f"{name}.yaml").read_text("utf-8"))
        for group, name in GROUPS.items()
    }
    plain |= {"seed": seed, "budget": {"evaluations": evaluations, "minutes": None}}
    progress = Progress(total=evaluations, quiet=True)
    run = create(from_plain(plain), folder, progress)
    began, used = time.perf_counter(), _own_seconds()
    evolve(run, progress, workers)
    taken = time.perf_counter() - began
    return {
        "seconds": taken,
        "main": (_own_seconds() - used) / taken,
        "best": run.search.state.best[-1][1],
    }


def _own_seconds() -> float:
    """Processor time of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def measured(cache: Path, workers: int, evaluations: int, seed: int) -> dict[str, Any]:
    """One search in a fresh process and run directory, on a cache folder."""
    with tempfile.TemporaryDirectory() as folder:
        words = [folder + "/run", str(workers), str(evaluations), str(seed)]
        done = subprocess.run(
            [sys.executable, __file__, "--one", *words],
            env={**os.environ, "GAMUT_CACHE": str(cache)},
            stdout=subprocess.PIPE, text=True, check=True,
        )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def compare(most: int, evaluations: int, repeats: int) -> None:
    """Time searches with one worker and with `most`, in turn, and print medians and ratios."""
    found: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for seed in range(repeats):
        for workers in (1, most) if seed % 2 else (most, 1):
            with tempfile.TemporaryDirectory() as cache:
                for state in ("cold", "warm"):
                    one = measured(Path(cache), workers, evaluations, seed)
                    found.setdefault((state, workers), []).append(one)
                    print(f"seed {seed}, {state}, {workers} workers: {one['seconds']:.1f} s",
                          file=sys.stderr, flush=True)  # fmt: skip
    print(f"{evaluations} candidates a search, medians of {repeats} seeds, {os.cpu_count()} cores")
    for state in ("cold", "warm"):
        rates = {}
        for workers in (1, most):
            runs = found[state, workers]
            rates[workers] = statistics.median(evaluations / run["seconds"] for run in runs)
            share = statistics.median(run["main"] for run in runs)
            print(f"  {state} cache, {workers} workers: {rates[workers]:6.2f} candidates/s"
                  f"   (main process busy {share:.0%} of the time)")  # fmt: skip
        ratios = [
            one["seconds"] / two["seconds"]
            for one, two in zip(found[state, 1], found[state, most], strict=True)
        ]
        print(f"  {state} cache: {most} workers are {statistics.median(ratios):.2f} times as fast"
              f" (from {min(ratios):.2f} to {max(ratios):.2f})")  # fmt: skip
    for seed, runs in enumerate(zip(*found.values(), strict=True)):
        assert len({run["best"] for run in runs}) == 1, f"seed {seed}: results differ"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--evaluations", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--one", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        folder, *numbers = given.one
        with redirect_stdout(sys.stderr):
            found = one_search(Path(folder), *map(int, numbers))
        print(json.dumps(found))
    else:
        compare(given.workers, given.evaluations, given.repeats)


if __name__ == "__main__":
    main()
