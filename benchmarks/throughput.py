"""Speed of Gamut's parts: medians of repeats, ratios in one run.

    python benchmarks/throughput.py [--repeats 5]

Prints the evaluation of a candidate by both readers (25 personas in six training contexts, and
in one of three axes) against the same evaluation written naively, where the time of a cold one
goes, what `gamut --help` costs, and time and memory of scoring 10,000 personas.
"""

import argparse
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np

from evolve.config import packaged_contexts
from evolve.evaluate import Evaluator
from evolve.operators import random_program
from evolve.setup import Setup, evaluation_seed
from fitness.embedding import Caches, SentenceCache
from fitness.metrics import as_points, measure
from fitness.reference import reference_rows
from fitness.respondents import Agreement
from fitness.scoring import Scorer
from fitness.vector_store import Vectors
from generators.context import Context
from generators.generator import generate
from generators.program import Program
from generators.sandbox import Sandbox

POPULATION = 25
CONTEXTS = 6  # training contexts, as many as the default search has
NAIVE = 1  # programs that are evaluated the naive way, which takes long


class NoCache(SentenceCache):
    """Embeds every sentence each time it comes, as a first draft would."""

    def rows(self, sentences: Sequence[str]) -> Vectors:
        return np.concatenate([self.embedder.embed([s]) for s in sentences])


class OwnCaches(Caches):
    """Both caches on a file of their own instead of the user's, or on none; models are shared."""

    def __init__(self, models: Caches, file: Path | None, kind: type[SentenceCache]) -> None:
        self.first, self.second = (kind(c.embedder, file) for c in (models.first, models.second))


def seconds(task: Callable[[], object]) -> float:
    began = time.perf_counter()
    task()
    return time.perf_counter() - began


def setup(models: Caches) -> Setup:
    training = packaged_contexts("train")[:CONTEXTS]
    caches = OwnCaches(models, None, SentenceCache)
    with Sandbox() as sandbox:
        references = {c.hash: reference_rows(c, Agreement(c, caches), sandbox) for c in training}
    return Setup(
        training=training, report=(), references=references, population=POPULATION, seed=0,
        replicates=1, report_replicates=1, first_rung=len(training), respondent="agreement",
        embedder={"name": "minilm"},
    )  # fmt: skip


def evaluator(made: Setup, models: Caches, cache_file: Path) -> Evaluator:
    """An evaluator with a cache of its own, everything loaded, no sentence of a persona seen."""
    found = Evaluator(made, OwnCaches(models, cache_file, SentenceCache))
    for context in made.training:
        found.scorer(context)
    found.sandbox.run("def generate(context, n, rng):\n    return []", {}, 1, 0)
    return found


def naive(made: Setup, models: Caches, program: Program) -> None:
    """The same evaluation: a fresh interpreter a program, no cache, one text a call."""
    for context in made.training:
        with Sandbox() as sandbox:
            seed = evaluation_seed(0, "training", context, 0)
            personas = generate(sandbox, program, context, POPULATION, seed)
        reader = Agreement(context, OwnCaches(models, None, NoCache))
        Scorer(context, reader, made.references[context.hash]).objective(personas, POPULATION)


def programs(count: int, seed: int) -> list[Program]:
    random.seed(seed)
    return [random_program() for _ in range(count)]


def evaluation(repeats: int) -> None:
    models = Caches()
    every = setup(models)
    three = next(c for c in every.training if len(c.axes) == 3)
    measured = programs(repeats, seed=2)
    for made in (replace(every, training=(three,), first_rung=1), every):
        axes = " of 3 axes" if len(made.training) == 1 else ""
        print(f"a candidate: {POPULATION} personas x {len(made.training)} contexts{axes}")
        with tempfile.TemporaryDirectory() as folder:
            one_setup(made, models, measured, Path(folder))


def one_setup(made: Setup, models: Caches, measured: list[Program], folder: Path) -> None:
    """Naive, cold and warm evaluations of the same programs, side by side."""
    slow = [seconds(lambda p=p: naive(made, models, p)) for p in measured[:NAIVE]]
    cold, inside = [], []
    encoders = [models.first.embedder, models.second.embedder]
    for number, program in enumerate(measured):
        fresh = evaluator(made, models, folder / f"{number}.sqlite")
        before = sum(e.seconds for e in encoders)
        cold.append(seconds(lambda p=program, e=fresh: e.evaluate(p.source, -1.0)))
        inside.append((sum(e.seconds for e in encoders) - before) / cold[-1])
        fresh.close()
    warm_one = evaluator(made, models, folder / "warm.sqlite")
    for program in (*programs(30, seed=1), *measured):  # as far into a search as it takes
        warm_one.evaluate(program.source, -1.0)
    warm = [seconds(lambda p=p: warm_one.evaluate(p.source, -1.0)) for p in measured]
    sandbox = [seconds(lambda p=p: runs(made, warm_one.sandbox, p)) for p in measured]
    warm_one.close()
    naive_median = statistics.median(slow)
    print(f"  naive          {naive_median * 1000:8.0f} ms")
    for name, times in (("cold cache", cold), ("warm search", warm)):
        median = statistics.median(times)
        print(f"  {name:14} {median * 1000:8.0f} ms   {naive_median / median:5.1f} times faster")
    print(f"  cold: {statistics.median(inside):.0%} of the time inside the models' own run calls")
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
