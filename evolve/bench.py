"""The fixed suite: baselines and given programs in the same contexts with the same seeds.

With a run's seed and population this gives, for its programs, the figures of that run's report.
"""

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Future
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evolve.evaluate import Evaluator
from evolve.setup import Setup, evaluation_seed
from evolve.statistics import Interval, interval, paired_interval
from evolve.workers import collect, open_pool
from fitness.embedding import Caches
from fitness.metrics import missing, rare_combination_coverage
from fitness.reference import reference_rows
from fitness.respondents import DEFAULT, open_respondent
from generators.baselines import BASELINES, baseline
from generators.bundle import check_trust, read_bundle
from generators.context import Context, load_context
from generators.errors import GamutError, InputError
from generators.generator import GenerationError, generate
from generators.input_file import decode_utf8, read_bounded
from generators.program import MAX_SOURCE, Program, ProgramError, parse
from generators.sandbox import Sandbox

RIVAL = "covering_mix"  # the baseline that leads are over
MEASURES = ("credited", "as_read", "pairs", "missing")
_NOTHING = {"credited": 0.0, "as_read": 0.0, "pairs": 0.0, "missing": 1.0}
_BASELINE = "baseline:"
_EMBEDDER = {"name": "minilm"}

Values = dict[str, list[float]]


@dataclass(frozen=True)
class Suite:
    """What every program of the suite is measured with.

    Attributes:
        contexts: where they are measured.
        size: personas a population.
        seeds: populations a context.
        seed: of all of them, as the `seed` of a run.
        respondent: who reads.
    """

    contexts: tuple[Context, ...]
    size: int = 25
    seeds: int = 4
    seed: int = 0
    respondent: str = DEFAULT


@dataclass(frozen=True)
class Line:
    """What one program was worth.

    Attributes:
        name: as it was given: a bundle, a program file, or baseline:NAME.
        program: what it is.
        values: of each measure, by context, a value a seed.
        words: mean words a persona; 0 where it made nobody.
        failed: by context, why the program failed; such a population counts as nothing.
    """

    name: str
    program: Program
    values: Mapping[str, Values]
    words: float
    failed: Mapping[str, str]

    def estimate(self, measure: str) -> Interval:
        """A measure: mean over contexts, 95 % interval over seeds."""
        return interval(self.values[measure])

    def lead(self, other: "Line") -> Interval:
        """Lead in credited rare combination coverage, paired over contexts and seeds."""
        return paired_interval(self.values["credited"], other.values["credited"])


def suite_programs(given: Sequence[str], trust: bool = False) -> list[tuple[str, Program]]:
    """The programs of the suite: those given, and all baselines or, where any is given, those.

    The rival of all is always among them. Raises InputError for what is no program, and for a
    stranger's bundle that would run without a jail.
    """
    others = [name for name in dict.fromkeys(given) if not name.startswith(_BASELINE)]
    chosen = {name.removeprefix(_BASELINE) for name in given if name.startswith(_BASELINE)}
    for name in chosen:
        baseline(name)
    wanted = [name for name in BASELINES if not chosen or name in chosen or name == RIVAL]
    programs = [(name, _opened(name, trust)) for name in others]
    return programs + [(f"{_BASELINE}{name}", baseline(name)) for name in wanted]


def _opened(name: str, trust: bool) -> Program:
    path = Path(name)
    if name in BASELINES and not path.exists():
        raise InputError(f"{name}: there is no such bundle; the baseline is {_BASELINE}{name}")
    if path.suffix == ".py" and not path.is_dir():
        content = read_bounded(path, 4 * MAX_SOURCE, "Is this a program?")
        try:
            return parse(decode_utf8(content, path), name)
        except ProgramError as error:
            raise InputError(str(error)) from None
    bundle = read_bundle(name)
    check_trust(bundle, trust)
    return bundle.program


def own_contexts(files: Sequence[Path]) -> tuple[Context, ...]:
    """Contexts of the user's own. Raises InputError where two share an id, or one hides nothing."""
    contexts: dict[str, Context] = {}
    for file in files:
        context = load_context(file)
        if context.id in contexts:
            raise InputError(f"{file}: another file has the id {context.id!r} too; change one")
        silent = [axis.id for axis in context.axes if axis.hidden is None]
        if silent:
            raise InputError(
                f"{file}: {', '.join(silent)}: no hidden statements, so personas cannot be scored"
            )
        contexts[context.id] = context
    return tuple(contexts.values())


def bench(
    programs: Sequence[tuple[str, Program]],
    suite: Suite,
    workers: int,
    say: Callable[[str], None] = lambda _: None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Line]:
    """Measure named programs; the most credited first. A program given twice is measured once.

    `progress` is told how many of all measurements, one a program and context, are done.
    """
    sources = list({program.hash: program.source for _, program in programs}.values())
    with tempfile.TemporaryDirectory(prefix="gamut-bench-") as folder:
        file = Path(folder) / "setup.json"
        caches = Caches(_EMBEDDER)
        setup = _setup(suite, caches, say)
        file.write_text(json.dumps(setup.as_json()), "utf-8")
        if workers == 1:  # this process is the worker, and has the encoders loaded
            _opened_evaluators[str(file)] = Evaluator(setup, caches)
        tasks = [(source, at) for at in range(len(suite.contexts)) for source in sources]
        try:
            found = _measured(str(file), tasks, workers, progress)
        finally:
            _close(str(file))
    lines = [
        _line(name, program, {c.id: found[program.source, i] for i, c in enumerate(suite.contexts)})
        for name, program in programs
    ]
    return sorted(lines, key=lambda line: -line.estimate("credited").mean)


def rival(lines: Sequence[Line]) -> Line:
    """The line that leads are over."""
    return next(line for line in lines if line.name == f"{_BASELINE}{RIVAL}")


def _setup(suite: Suite, caches: Caches, say: Callable[[str], None]) -> Setup:
    references = {}
    with Sandbox() as sandbox:
        for context in suite.contexts:
            say(f"reading context {context.id}")
            reader = open_respondent(suite.respondent, context, caches)
            references[context.hash] = reference_rows(context, reader, sandbox)
    return Setup(
        training=(),
        report=suite.contexts,
        references=references,
        population=suite.size,
        seed=suite.seed,
        replicates=1,
        report_replicates=suite.seeds,
        first_rung=0,
        respondent=suite.respondent,
        embedder=_EMBEDDER,
    )


def _measured(
    file: str,
    tasks: Sequence[tuple[str, int]],
    workers: int,
    progress: Callable[[int, int], None],
) -> dict[tuple[str, int], Any]:
    """What each task, (source, number of the context), gave."""
    found: dict[tuple[str, int], Any] = {}
    with closing(open_pool(min(workers, len(tasks)), Path(file))) as pool:
        waiting = list(reversed(tasks))
        pending: dict[Future[Any], tuple[str, int]] = {}
        while waiting or pending:
            while waiting and len(pending) < 2 * workers:
                task = waiting.pop()
                pending[pool.submit(measure_in_worker, file, *task)] = task
            for future in collect(pending, timeout=10.0):
                try:
                    found[pending.pop(future)] = future.result()
                except BrokenExecutor as error:
                    raise GamutError(
                        f"a worker died ({error}); texts that were read are kept, so the same"
                        " command is quicker now, and --workers 1 needs less memory"
                    ) from error
            progress(len(found), len(tasks))
    return found


def measure_in_worker(file: str, source: str, context: int) -> dict[str, Any]:
    """Measures of a program in one context of a setup file, plain JSON: lists, one entry a seed."""
    evaluator = _evaluator(file)
    return _measure(evaluator, parse(source), evaluator.setup.report[context])


def _measure(evaluator: Evaluator, program: Program, context: Context) -> dict[str, Any]:
    setup, scorer = evaluator.setup, evaluator.scorer(context)
    found: dict[str, Any] = {name: [] for name in MEASURES}
    found.update(words=[], failed="")
    for replicate in range(setup.report_replicates):
        seed = evaluation_seed(setup.seed, "report", context, replicate)
        measured = dict(_NOTHING)
        try:
            personas = generate(evaluator.sandbox, program, context, setup.population, seed)
        except GenerationError as error:  # counts as nothing, and is told
            found["failed"] = found["failed"] or str(error)
        else:
            judged = scorer.objective(personas, setup.population)
            measured["credited"], measured["pairs"] = judged.value, judged.pairs
            measured["missing"] = missing(judged.points)
            measured["as_read"] = rare_combination_coverage(judged.points, scorer.t, scorer.weights)
            found["words"].append(float(np.mean([len(p.description.split()) for p in personas])))
        for name, value in measured.items():
            found[name].append(float(value))
    return found


def _line(name: str, program: Program, found: Mapping[str, Mapping[str, Any]]) -> Line:
    """A line from what was measured, by context id."""
    words = [count for one in found.values() for count in one["words"]]
    return Line(
        name=name,
        program=program,
        values={m: {context: list(one[m]) for context, one in found.items()} for m in MEASURES},
        words=float(np.mean(words)) if words else 0.0,
        failed={context: one["failed"] for context, one in found.items() if one["failed"]},
    )


_opened_evaluators: dict[str, Evaluator] = {}  # of this process, by setup file: one at a time


def _evaluator(file: str) -> Evaluator:
    if file not in _opened_evaluators:
        for old in list(_opened_evaluators):
            _close(old)
        plain = json.loads(Path(file).read_text("utf-8"))
        _opened_evaluators[file] = Evaluator(Setup.from_json(plain))
    return _opened_evaluators[file]


def _close(file: str) -> None:
    evaluator = _opened_evaluators.pop(file, None)
    if evaluator:
        evaluator.close()
