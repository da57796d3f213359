"""Evaluation: what a program is worth on the training contexts. Runs inside a worker.

A cascade: a few contexts and one seed first; only a candidate that is not behind what its island
already has goes on to all contexts and seeds; only one that by these should have a place in the
archive goes on to fresh seeds, which confirm it or not. One that makes the same personas on the
first rung as an earlier program is not scored at all. Every candidate of a run is evaluated with
the same seeds.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits

from evolve.evidence import Table
from evolve.mutation.looks import look
from evolve.niches import Standing, confirmed
from evolve.setup import CHOICE_SEEDS, Setup, evaluation_seed
from evolve.store import Store
from evolve.tally import Tally, as_verdict, words_each
from fitness.embedding import Caches
from fitness.metrics import Points, cell_counts, fidelity, rare_combination_coverage
from fitness.respondents import Respondent, open_respondent
from fitness.scoring import MOST_T, Scorecard, Scorer
from generators.asking import Answers
from generators.context import Context
from generators.generator import GenerationError, generate
from generators.persona import Persona
from generators.program import Program, ProgramError, parse
from generators.sandbox import Sandbox, Verdict

if TYPE_CHECKING:
    from generators.llm import LanguageModel

SCORED, DROPPED, FAILED, DUPLICATE = "scored", "dropped", "failed", "duplicate"


class Evaluator:
    """Evaluates programs for one setup; holds one sandbox, one embedder and a reader a context.

    Attributes:
        model: that programs may ask, or that answers as personas; None: nobody does.
    """

    def __init__(self, setup: Setup, caches: Caches | None = None) -> None:
        self.setup = setup
        self.sandbox = _Metered()
        self.model: LanguageModel | None = None
        self.caches = caches or Caches(setup.embedder)
        self._scorers: dict[str, Scorer] = {}

    def evaluate(
        self,
        source: str,
        bar: float,
        known: Sequence[str] = (),
        standing: Standing | None = None,
    ) -> dict[str, Any]:
        """The verdict on a program, plain JSON: status, values by context, measures, cost, reason,
        and a digest of the personas of the first rung.

        `bar` is the mean coverage of pairs on the first rung below which the cascade ends early. A
        context on which the program fails counts as zero. A program whose digest is `known` is not
        scored. `standing` is who holds the places of the archive: a program that should have one is
        evaluated on fresh seeds as well. Without it no program is.
        """
        try:
            program = parse(source)
        except ProgramError as error:
            return as_verdict(FAILED, Tally(), str(error))
        setup, done = self.setup, self._tally()
        rung = setup.training[: setup.first_rung]
        made = [self._made(program, context, 0, done) for context in rung]
        done.digest = _digest(made)
        if done.digest and done.digest in known:
            return as_verdict(DUPLICATE, done, "makes the personas that an earlier program made")
        for context, personas in zip(rung, made, strict=True):
            self._judge(context, personas, done)
        if not done.judged:
            return as_verdict(FAILED, done, done.reason)
        if np.mean([done.scores["pairs"][c.id][0] for c in rung]) < bar:
            return as_verdict(DROPPED, done, done.reason)
        for context in setup.training:
            for replicate in range(
                len(done.scores["values"].get(context.id, ())), setup.replicates
            ):
                self._judge(context, self._made(program, context, replicate, done), done)
        verdict = as_verdict(SCORED, done, done.reason)
        if setup.show:
            verdict["shown"] = done.shown
        return verdict if standing is None else self._confirmed(program, verdict, standing)

    def choice(self, source: str) -> dict[str, list[float]]:
        """Values of a program on the training contexts, on seeds new to the search."""
        program, done = parse(source), Tally()
        for context in self.setup.training:
            for replicate in range(CHOICE_SEEDS):
                self._judge(context, self._made(program, context, replicate, done, "choice"), done)
        return done.tables()["values"]

    def report(self, source: str) -> dict[str, Any]:
        """Values, scorecards and personas of a program on the report contexts, plain JSON."""
        program = parse(source)
        report: dict[str, Any] = {"values": {}, "bare": {}, "failed": {}}
        report.update(scorecards=[], personas=[], answers=[])
        words: list[float] = []
        for context in self.setup.report:
            values, bare = [], []
            for replicate in range(self.setup.report_replicates):
                try:
                    card, personas, answers = self._scorecard(program, context, replicate)
                except GenerationError as error:  # counts as zero, and is told
                    card, personas, answers = None, [], {}
                    report["failed"].setdefault(context.id, str(error))
                values.append(card.objective if card else 0.0)
                bare.append(card.metrics[_rare(context)].value if card else 0.0)
                words += [words_each(personas)] if card else []
                if card and replicate == 0:
                    report["scorecards"].append(card.as_json())
                    report["personas"].append([p.model_dump(mode="json") for p in personas])
                    report["answers"].append(answers)
            report["values"][context.id] = values
            report["bare"][context.id] = bare
        return {**report, "words": float(np.mean(words)) if words else 0.0}

    def scorer(self, context: Context) -> Scorer:
        """The scorer of a context of this setup; the two halves of a user's own share their id."""
        key = context.hash
        if key not in self._scorers:
            respondent = self._respondent(context)
            self._scorers[key] = Scorer(context, respondent, self.setup.references[key])
        return self._scorers[key]

    def _respondent(self, context: Context) -> Respondent:
        found = self.setup.interview
        if found is None:
            return open_respondent(self.setup.respondent, context, self.caches)
        from fitness.respondents.llm import LlmRespondent, Scale

        assert self.model is not None, "opened with the evaluator"
        scale, reasoning = Scale(**found["scale"]), found["reasoning"]
        middles = found["middles"][context.hash]
        return LlmRespondent(context, self.model, scale, reasoning, middles)

    def close(self) -> None:
        """End the sandbox."""
        self.sandbox.close()

    def _confirmed(
        self, program: Program, verdict: Mapping[str, Any], standing: Standing
    ) -> dict[str, Any]:
        """The verdict with what fresh seeds say, if it has a claim to a place in the archive."""
        done = self._tally()

        def look(k: int) -> Mapping[str, Table]:
            for context in self.setup.training:
                made = self._made(program, context, self.setup.replicates + k, done)
                self._judge(context, made, done)
            return done.tables()

        judged = confirmed(verdict, standing, self.setup.confirm, look)
        cost = {kind: amount + done.cost[kind] for kind, amount in verdict["cost"].items()}
        return {**judged, "cost": cost}

    def _made(
        self,
        program: Program,
        context: Context,
        replicate: int,
        done: Tally,
        domain: str = "training",
    ) -> list[Persona]:
        """Personas of a program for a context; none where it fails, which is noted."""
        n = self.setup.population
        seed = evaluation_seed(self.setup.seed, domain, context, replicate)
        self.sandbox.host_calls = 0
        answers = Answers(self.model if self.setup.ask else None)
        try:
            return generate(self.sandbox, program, context, n, seed, answers=answers)
        except GenerationError as error:
            done.failed(context, f"{context.id}: {error}")
            return []
        finally:
            done.ran(self.sandbox.host_calls, answers.cost())

    def _judge(self, context: Context, personas: Sequence[Persona], done: Tally) -> None:
        if not personas:
            return
        scorer = self.scorer(context)
        judged = scorer.objective(personas, self.setup.population)
        scores = {
            "values": judged.value,
            "pairs": judged.pairs,
            "as_read": rare_combination_coverage(judged.points, scorer.t, scorer.weights),
            "fidelity": credited_fidelity(personas, context, judged.credited),
        }
        density = density_match(judged.points, scorer.reference)
        done.add(context, scores, density, judged, personas)
        if self.setup.show and context.id not in done.shown:
            done.shown[context.id] = look(context, personas, judged, scorer.weights)

    def _scorecard(
        self, program: Program, context: Context, replicate: int
    ) -> tuple[Scorecard, list[Persona], dict[str, str]]:
        """Of a population: its card, its personas, and the answers that it was made with."""
        n = self.setup.population
        seed = evaluation_seed(self.setup.seed, "report", context, replicate)
        answers = Answers(self.model if self.setup.ask else None)
        personas = generate(self.sandbox, program, context, n, seed, answers=answers)
        return self.scorer(context).scorecard(personas, n), personas, answers.table

    def _tally(self) -> Tally:
        return Tally(ask=self.setup.ask is not None)


def density_match(points: Points, reference: Points) -> float:
    """How like the reference a population is spread: 1 − total variation of two-way cell shares.

    A mean over all pairs of axes, in [0, 1]; 0 where no persona is read on any pair.
    """
    shares = [cell_counts(p, 2).astype(float) for p in (points, reference)]
    shares = [s / np.maximum(s.sum(axis=1, keepdims=True), 1.0) for s in shares]
    if not shares[0].any():
        return 0.0
    return float(1.0 - 0.5 * np.abs(shares[0] - shares[1]).sum(axis=1).mean())


def credited_fidelity(personas: Sequence[Persona], context: Context, credited: Points) -> float:
    """How well levels that personas declare agree with those that they are credited with.

    On each axis Spearman's rank correlation, times the share of the personas that have both; a mean
    over axes, in [-1, 1]. The share is there because three people who are read agree easily.
    """
    missing = float("nan")
    levels = [[(p.traits or {}).get(a.id, missing) for a in context.axes] for p in personas]
    declared = np.array(levels)
    share = (credited.read & ~np.isnan(declared)).sum(axis=0) / credited.asked
    return float((np.nan_to_num(fidelity(declared, credited)) * share).mean())


def evaluate_in_worker(
    setup: str,
    source: str,
    bar: float,
    known: Sequence[str] = (),
    standing: Standing | None = None,
) -> dict[str, Any]:
    """`Evaluator.evaluate` for a setup; the evaluator lives with the process."""
    return _evaluator_of(setup).evaluate(source, bar, known, standing)


def choice_in_worker(setup: str, source: str) -> dict[str, list[float]]:
    """`Evaluator.choice` for a setup."""
    return _evaluator_of(setup).choice(source)


def report_in_worker(setup: str, source: str) -> dict[str, Any]:
    """`Evaluator.report` for a setup."""
    return _evaluator_of(setup).report(source)


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


def _evaluator_of(setup: str) -> Evaluator:
    evaluator = _evaluator(setup_text(setup))
    found = evaluator.setup.ask or evaluator.setup.interview
    if found and evaluator.model is None:
        from evolve.asked import open_model

        evaluator.model = open_model(Path(setup).parent, found)
    return evaluator


@lru_cache(maxsize=4)  # the runs that share the workers of a Dask cluster
def _evaluator(setup: str) -> Evaluator:
    threadpool_limits(1)  # see `evolve.workers`
    return Evaluator(Setup.from_json(json.loads(setup)))


class _Metered(Sandbox):
    """A sandbox that counts calls of blocks."""

    host_calls = 0

    def run(
        self,
        source: str,
        payload: dict[str, Any],
        n: int,
        seed: int,
        answers: Mapping[str, str] = MappingProxyType({}),
    ) -> Verdict:
        """As `Sandbox.run`."""
        verdict = super().run(source, payload, n, seed, answers)
        self.host_calls += verdict.host_calls
        return verdict


def _digest(made: Sequence[Sequence[Persona]]) -> str:
    """Short hash of the texts of some populations; empty where one of them is missing."""
    if not all(made):
        return ""
    texts = json.dumps([[p.description for p in personas] for personas in made])
    return hashlib.sha256(texts.encode()).hexdigest()[:16]


def _rare(context: Context) -> str:
    return f"rare_combination_coverage_{min(MOST_T, len(context.axes))}"
