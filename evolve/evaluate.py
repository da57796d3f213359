"""Evaluation: what a program is worth on the training contexts. Runs inside a worker.

A cascade: a few contexts and one seed first; only a candidate that is not behind what its island
already has goes on to all contexts and seeds. One that makes the same personas there as an earlier
program is not scored at all. Every candidate of a run is evaluated with the same seeds, so
differences between candidates are paired.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from evolve.store import Store
from fitness.embedding import Caches
from fitness.metrics import Points, as_points, cell_counts, rare_weights
from fitness.respondents import Row, open_respondent
from fitness.scoring import MOST_T, Judged, Scorecard, Scorer
from generators.context import Context
from generators.generator import GenerationError, generate
from generators.persona import Persona
from generators.program import Program, ProgramError, parse
from generators.sandbox import Sandbox

SCORED, DROPPED, FAILED, DUPLICATE = "scored", "dropped", "failed", "duplicate"
_SEED_DOMAIN = {"training": 1, "report": 2}


@dataclass(frozen=True)
class Setup:
    """Everything that an evaluation depends on besides the program; kept in the run store.

    Attributes:
        training, report: contexts that guide the search, and those that only report.
        references: read points of the naive reference population, by context hash.
        population: personas a context.
        seed: of the run.
        replicates: seeds a training context; the first rung uses one.
        report_replicates: seeds a report context.
        first_rung: training contexts that the first rung uses.
        respondent, embedder: names and settings of the parts.
    """

    training: tuple[Context, ...]
    report: tuple[Context, ...]
    references: Mapping[str, Sequence[Row]]
    population: int
    seed: int
    replicates: int
    report_replicates: int
    first_rung: int
    respondent: str
    embedder: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """Plain JSON, read back by `from_json`."""
        plain = {**self.__dict__, "references": {k: list(v) for k, v in self.references.items()}}
        for part in ("training", "report"):
            plain[part] = [c.model_dump(mode="json", by_alias=True) for c in plain[part]]
        return {**plain, "embedder": dict(self.embedder)}

    def rare_weights(self, context: Context) -> NDArray[np.float64]:
        """How much each combination of a context weighs, by its reference population."""
        axes = len(context.axes)
        return rare_weights(as_points(self.references[context.hash], axes), min(MOST_T, axes))

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> "Setup":
        """The setup that `as_json` wrote."""
        contexts = {
            part: tuple(Context.model_validate(c) for c in plain[part])
            for part in ("training", "report")
        }
        return cls(**{**plain, **contexts})


class Evaluator:
    """Evaluates programs for one setup; holds one sandbox, one embedder and a reader a context."""

    def __init__(self, setup: Setup, caches: Caches | None = None) -> None:
        self.setup = setup
        self.sandbox = Sandbox()
        self.caches = caches or Caches(setup.embedder)
        self._scorers: dict[str, Scorer] = {}

    def evaluate(self, source: str, bar: float, known: Sequence[str] = ()) -> dict[str, Any]:
        """The verdict on a program, plain JSON: status, values by context, measures, cost, reason,
        and a digest of the personas of the first rung.

        `bar` is the mean coverage of pairs on the first rung below which the cascade ends early. A
        context on which the program fails counts as zero. A program whose digest is `known` is not
        scored.
        """
        try:
            program = parse(source)
        except ProgramError as error:
            return _verdict(FAILED, _Tally(), str(error))
        setup, done = self.setup, _Tally()
        rung = setup.training[: setup.first_rung]
        made = [self._made(program, context, 0, done) for context in rung]
        done.digest = _digest(made)
        if done.digest and done.digest in known:
            return _verdict(DUPLICATE, done, "makes the personas that an earlier program made")
        for context, personas in zip(rung, made, strict=True):
            self._judge(context, personas, done)
        if not done.judged:
            return _verdict(FAILED, done, done.reason)
        if np.mean([done.pairs[c.id][0] for c in rung]) < bar:
            return _verdict(DROPPED, done, done.reason)
        for context in setup.training:
            for replicate in range(len(done.values.get(context.id, ())), setup.replicates):
                self._judge(context, self._made(program, context, replicate, done), done)
        return _verdict(SCORED, done, done.reason)

    def report(self, source: str) -> dict[str, Any]:
        """Values, scorecards and personas of a program on the report contexts, plain JSON."""
        program = parse(source)
        report: dict[str, Any] = {"values": {}, "bare": {}, "failed": {}}
        report.update(scorecards=[], personas=[])
        words: list[float] = []
        for context in self.setup.report:
            values, bare = [], []
            for replicate in range(self.setup.report_replicates):
                try:
                    card, personas = self._scorecard(program, context, replicate)
                except GenerationError as error:  # counts as zero, and is told
                    card, personas = None, []
                    report["failed"].setdefault(context.id, str(error))
                values.append(card.objective if card else 0.0)
                bare.append(card.metrics[_rare(context)].value if card else 0.0)
                words += [_words(personas)] if card else []
                if card and replicate == 0:
                    report["scorecards"].append(card.as_json())
                    report["personas"].append([p.model_dump(mode="json") for p in personas])
            report["values"][context.id] = values
            report["bare"][context.id] = bare
        return {**report, "words": float(np.mean(words)) if words else 0.0}

    def scorer(self, context: Context) -> Scorer:
        """The scorer of a context of this setup; the two halves of a user's own share their id."""
        key = context.hash
        if key not in self._scorers:
            respondent = open_respondent(self.setup.respondent, context, self.caches)
            self._scorers[key] = Scorer(context, respondent, self.setup.references[key])
        return self._scorers[key]

    def close(self) -> None:
        """End the sandbox."""
        self.sandbox.close()

    def _made(
        self, program: Program, context: Context, replicate: int, done: "_Tally"
    ) -> list[Persona]:
        """Personas of a program for a training context; none where it fails, which is noted."""
        n = self.setup.population
        seed = evaluation_seed(self.setup.seed, "training", context, replicate)
        try:
            return generate(self.sandbox, program, context, n, seed)
        except GenerationError as error:
            done.failed(context, f"{context.id}: {error}")
            return []

    def _judge(self, context: Context, personas: Sequence[Persona], done: "_Tally") -> None:
        if not personas:
            return
        judged = self.scorer(context).objective(personas, self.setup.population)
        density = density_match(judged.points, self.scorer(context).reference)
        done.add(context, judged, density, personas)

    def _scorecard(
        self, program: Program, context: Context, replicate: int
    ) -> tuple[Scorecard, list[Persona]]:
        n = self.setup.population
        seed = evaluation_seed(self.setup.seed, "report", context, replicate)
        personas = generate(self.sandbox, program, context, n, seed)
        return self.scorer(context).scorecard(personas, n), personas


def evaluation_seed(seed: int, domain: str, context: Context, replicate: int) -> int:
    """The seed that a program gets in an evaluation; the same for every program of a run."""
    parts = (seed, _SEED_DOMAIN[domain], int(context.hash[:8], 16), replicate)
    return int(np.random.SeedSequence(parts).generate_state(1)[0])


def density_match(points: Points, reference: Points) -> float:
    """How like the reference a population is spread: 1 − total variation of two-way cell shares.

    A mean over all pairs of axes, in [0, 1]; 0 where no persona is read on any pair.
    """
    shares = [cell_counts(p, 2).astype(float) for p in (points, reference)]
    shares = [s / np.maximum(s.sum(axis=1, keepdims=True), 1.0) for s in shares]
    if not shares[0].any():
        return 0.0
    return float(1.0 - 0.5 * np.abs(shares[0] - shares[1]).sum(axis=1).mean())


def evaluate_in_worker(setup: str, source: str, bar: float, known: Sequence[str]) -> dict[str, Any]:
    """`Evaluator.evaluate` for a setup; the evaluator lives with the process."""
    return _evaluator(setup_text(setup)).evaluate(source, bar, known)


def report_in_worker(setup: str, source: str) -> dict[str, Any]:
    """`Evaluator.report` for a setup."""
    return _evaluator(setup_text(setup)).report(source)


SENT: dict[str, str] = {}
"""Setups, as JSON text, that were sent to this process because it may not see the run's store."""


def setup_text(setup: str) -> str:
    """A run's setup as JSON text, by the key it was sent under, or else the path of its store."""
    return SENT.get(setup) or _stored_setup(setup)


@lru_cache(maxsize=1)
def _stored_setup(store: str) -> str:
    opened = Store(Path(store), read_only=True)
    try:
        return json.dumps(opened.meta("setup"))
    finally:
        opened.close()


@lru_cache(maxsize=4)  # the runs that share the workers of a Dask cluster
def _evaluator(setup: str) -> Evaluator:
    threadpool_limits(1)  # see `evolve.workers`
    return Evaluator(Setup.from_json(json.loads(setup)))


class _Tally:
    """Collects what the populations of one candidate were worth."""

    def __init__(self) -> None:
        self.values: dict[str, list[float]] = {}
        self.pairs: dict[str, list[float]] = {}
        self.judged: list[tuple[Judged, float, float]] = []
        self.costs = {"personas": 0, "characters": 0}
        self.reason = ""
        self.digest = ""

    def add(
        self, context: Context, judged: Judged, density: float, personas: Sequence[Persona]
    ) -> None:
        characters = sum(len(p.description) for p in personas)
        self.values.setdefault(context.id, []).append(judged.value)
        self.pairs.setdefault(context.id, []).append(judged.pairs)
        self.judged.append((judged, density, _words(personas)))
        self.costs["personas"] += len(personas)
        self.costs["characters"] += characters
        for gate, reason in judged.reasons.items():
            if not self.reason and judged.gates.get(gate, 0.0) > 0.2:
                self.reason = f"{context.id}: {reason}"

    def failed(self, context: Context, reason: str) -> None:
        self.values.setdefault(context.id, []).append(0.0)
        self.pairs.setdefault(context.id, []).append(0.0)
        self.reason = self.reason or reason


def _verdict(status: str, done: _Tally, reason: str) -> dict[str, Any]:
    gates: dict[str, float] = {}
    judged = done.judged
    for one, _, _ in judged:
        for gate, share in one.gates.items():
            gates[gate] = gates.get(gate, 0.0) + share / len(judged)
    return {
        "status": status,
        "values": _rounded(done.values),
        "pairs": _rounded(done.pairs),
        "measures": {
            "density": float(np.mean([d for _, d, _ in judged])) if judged else 0.0,
            "words": float(np.mean([w for _, _, w in judged])) if judged else 0.0,
        },
        "gates": {gate: round(share, 6) for gate, share in sorted(gates.items()) if share > 0},
        "reason": reason,
        "cost": dict(done.costs) if judged else {},
        "digest": done.digest,
    }


def _digest(made: Sequence[Sequence[Persona]]) -> str:
    """Short hash of the texts of some populations; empty where one of them is missing."""
    if not all(made):
        return ""
    texts = json.dumps([[p.description for p in personas] for personas in made])
    return hashlib.sha256(texts.encode()).hexdigest()[:16]


def _rounded(values: Mapping[str, Sequence[float]]) -> dict[str, list[float]]:
    return {context: [round(v, 9) for v in some] for context, some in values.items()}


def _words(personas: Sequence[Persona]) -> float:
    """Mean words of a description."""
    return sum(len(p.description.split()) for p in personas) / len(personas)


def _rare(context: Context) -> str:
    return f"rare_combination_coverage_{min(MOST_T, len(context.axes))}"
