"""Speed of Gamut's parts: medians of repeats, ratios in one run.

    python benchmarks/throughput.py [--repeats 5]

Prints the evaluation of a candidate (25 personas × all training contexts) against the same
evaluation written naively, where the time of a cold evaluation goes, what `gamut --help` costs,
and time and memory of scoring 10,000 personas.
"""

import argparse
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np

from evolve.config import packaged_contexts
from evolve.evaluate import Evaluator, Setup, evaluation_seed
from evolve.operators import random_program
from fitness.embedding import MiniLM, SentenceCache, Vectors
from fitness.metrics import as_points, measure
from fitness.reference import reference_rows
from fitness.respondents import Projection
from fitness.scoring import Scorer
from generators.context import Context
from generators.generator import generate
from generators.program import Program
from generators.sandbox import Sandbox

POPULATION = 25


class NoCache(SentenceCache):
    """Embeds every sentence each time it comes, as a first draft would."""

    def vectors(self, sentences: Sequence[str]) -> Vectors:
        return np.concatenate([self.embedder.embed([s]) for s in sentences])


def seconds(task: Callable[[], object]) -> float:
    began = time.perf_counter()
    task()
    return time.perf_counter() - began


def setup() -> Setup:
    training = packaged_contexts("train")
    cache = SentenceCache(MiniLM(), None)
    with Sandbox() as sandbox:
        references = {c.hash: reference_rows(c, Projection(c, cache), sandbox) for c in training}
    return Setup(
        training=training, report=(), references=references, population=POPULATION, seed=0,
        replicates=1, report_replicates=1, first_rung=len(training), respondent="projection",
        embedder={"name": "minilm"},
    )  # fmt: skip


def evaluator(made: Setup, cache_file: Path) -> Evaluator:
    """An evaluator with a cache of its own, everything loaded, no sentence of a persona seen."""
    found = Evaluator(made, SentenceCache(MiniLM(), cache_file))
    for context in made.training:
        found.scorer(context)
    found.sandbox.run("def generate(context, n, rng):\n    return []", {}, 1, 0)
    return found


def naive(made: Setup, program: Program) -> None:
    """The same evaluation: a fresh interpreter a program, no cache, one text a call."""
    embedder = MiniLM()
    for context in made.training:
        with Sandbox() as sandbox:
            seed = evaluation_seed(0, "training", context, 0)
            personas = generate(sandbox, program, context, POPULATION, seed)
        reader = Projection(context, NoCache(embedder, None))
        Scorer(context, reader, made.references[context.hash]).objective(personas, POPULATION)


def programs(count: int, seed: int) -> list[Program]:
    random.seed(seed)
    return [random_program() for _ in range(count)]


def evaluation(repeats: int) -> None:
    made, measured = setup(), programs(repeats, seed=2)
    slow = [seconds(lambda p=p: naive(made, p)) for p in measured]
    cold, inside = [], []
    for program in measured:
        with tempfile.TemporaryDirectory() as folder:
            fresh = evaluator(made, Path(folder) / "sentences.sqlite")
            embedder = fresh.cache.embedder
            before = embedder.seconds
            cold.append(seconds(lambda p=program, e=fresh: e.evaluate(p.source, -1.0)))
            inside.append((embedder.seconds - before) / cold[-1])
            fresh.close()
    with tempfile.TemporaryDirectory() as folder:
        warm_one = evaluator(made, Path(folder) / "sentences.sqlite")
        for program in (*programs(30, seed=1), *measured):  # as far into a search as it takes
            warm_one.evaluate(program.source, -1.0)
        warm = [seconds(lambda p=p: warm_one.evaluate(p.source, -1.0)) for p in measured]
        sandbox = [seconds(lambda p=p: runs(made, warm_one.sandbox, p)) for p in measured]
        warm_one.close()
    naive_median = statistics.median(slow)
    print(f"evaluation of a candidate ({POPULATION} personas x {len(made.training)} contexts)")
    print(f"  naive          {naive_median * 1000:8.0f} ms")
    for name, times in (("cold cache", cold), ("warm search", warm)):
        median = statistics.median(times)
        print(f"  {name:14} {median * 1000:8.0f} ms   {naive_median / median:5.1f} times faster")
    print(f"  cold: {statistics.median(inside):.0%} of the time inside the embedder's own run call")
    share = statistics.median(sandbox) / statistics.median(warm)
    print(f"  warm: {share:.0%} of the time in the sandbox")


def runs(made: Setup, sandbox: Sandbox, program: Program) -> None:
    for context in made.training:
        generate(sandbox, program, context, POPULATION, evaluation_seed(0, "training", context, 0))


def start_up(repeats: int) -> None:
    def whole(*words: str) -> float:
        command = [sys.executable, *words]
        return statistics.median(
            seconds(lambda: subprocess.run(command, capture_output=True, check=True))
            for _ in range(repeats)
        )

    extra = whole("-m", "evolve.cli", "--help") - whole("-c", "pass")
    print(f"gamut --help: {extra:.2f} s more than python -c pass")


def metrics(repeats: int) -> None:
    rows = np.random.default_rng(0).random((10_000, 3)).tolist()
    points = as_points(rows, 3)
    measure(points)
    taken = statistics.median(seconds(lambda: measure(points)) for _ in range(repeats))
    print(f"all metrics of 10,000 read personas in 3 axes: {taken:.2f} s")


SCORE = """
import resource, sys, fitness
from generators.baselines import baseline
from generators.generator import Generator
context = sys.argv[1]
people = Generator(baseline("covering_mix"))(context, n=10_000, seed=0)
fitness.score(people, context)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)
"""


def memory(context: Context) -> None:
    file = files("conf") / "contexts" / "train" / f"{context.id}.yaml"
    command = [sys.executable, "-c", SCORE, str(file)]
    began = time.perf_counter()
    peak = float(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    taken = time.perf_counter() - began
    print(f"making and scoring 10,000 personas: {taken:.1f} s, peak memory {peak:.2f} GiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    metrics(repeats)
    start_up(repeats)
    evaluation(repeats)
    memory(packaged_contexts("train")[0])


if __name__ == "__main__":
    main()
