"""The loop of a run: breeds each ticket as soon as it may be, has it evaluated, keeps, folds."""

import math
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import BrokenExecutor, Future
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from evolve.budget import OF_MODELS, Limit, Spent, budget_of
from evolve.evaluate import FAILED
from evolve.niches import Standing
from evolve.progress import REFRESH, Progress
from evolve.setup import CHOICE_SEEDS, FOREMOST
from evolve.store import Candidate, Times
from evolve.tally import Tally, as_verdict
from evolve.timed import timed_evaluation, utc
from evolve.workers import Pool, collect
from generators.baselines import BASELINES

if TYPE_CHECKING:
    from evolve.mutation.mutation import Question
    from evolve.mutation.writer import Writer, Written
    from evolve.reserve import Reserve
    from evolve.run import Run


class Stop:
    """Whether the user asked to stop."""

    asked = False


class Loop:
    """One pass over the tickets; see `evolve.run.evolve`.

    Models are asked in threads of the writer, and what they write is evaluated when it comes.

    When a worker dies, all candidates in flight are lost with it, and any of them may be why. They
    are tried once more one at a time, while nothing else goes on; one whose worker dies again is
    recorded as failed.
    """

    def __init__(
        self,
        run: "Run",
        pool: Pool,
        writer: "Writer | None",
        progress: Progress,
        stop: Stop,
        workers: int | str,
        reserve: "Reserve | None" = None,
    ) -> None:
        self.run, self.pool, self.writer, self.progress = run, pool, writer, progress
        self.stop, self.workers, self.reserve = stop, workers, reserve
        self.budget = budget_of(run.config.evaluations, run.config.minutes, reserve is not None)
        self.began = time.monotonic()
        self.next = 0
        self.ended: Limit | None = None
        self.pending: dict[Future[Any], _Flight] = {}
        self.suspects: deque[_Flight] = deque()
        self.results: dict[int, tuple[Candidate, Mapping[str, Any]]] = {}

    def go(self, refresh: Callable[[], None] | None) -> str:
        """Until nothing is in flight; which part of the budget is spent."""
        done = self.run.store.count()
        if done:
            self.progress.say(f"going on after {done:,} evaluations that are stored")
        self.progress.begin(self.budget, done)
        self._advance()
        refreshed = -math.inf
        while self.pending or self.suspects:
            if not self.pending:
                self._submit(replace(self.suspects.popleft(), alone=True))
            for future in collect(self.pending, timeout=0.5):
                self._take(future)
            if not self.suspects and not any(f.alone for f in self.pending.values()):
                self._advance()
            self._show()
            if refresh and time.monotonic() - refreshed > REFRESH:
                refresh()
                refreshed = time.monotonic()
        if self.run.search.at_its_end:
            return OF_MODELS
        return str(self.ended or "")

    def _show(self) -> None:
        afterwards, models = _validation(self.run), self._of_models()
        self.progress.update(self.run.search.state, len(self.pending), afterwards, models)
        self.progress.estimate(self.workers, afterwards)

    def _spent(self, ticket: int) -> Spent:
        return Spent(ticket, time.monotonic() - self.began, self._of_models())

    def _of_models(self) -> float:
        if self.reserve is None:
            return 0.0
        return self.reserve.share(flight.candidate.source for flight in self.pending.values())

    def _advance(self) -> None:
        """Fold what can be folded in ticket order, and breed each ticket as soon as it may be."""
        search = self.run.search
        while True:
            while search.may_breed(self.next):
                if not self._begin(self.next):
                    break
                self.next += 1
            ready = self.results.pop(search.state.folded, None)
            if ready is None:
                return
            search.fold(*ready)
            if search.mutation and search.mutation.ended:
                self.progress.once(f"{search.mutation.ended} is used up: no more asking of models")

    def _begin(self, ticket: int) -> bool:
        """Look a ticket's verdict up, or breed and submit it; False where the run is stopping."""
        stored = self.run.store.get(ticket)
        if stored is not None:
            self.run.search.recall(stored[0])
            self.results[ticket] = stored
            return True
        search = self.run.search
        self.ended = self.ended or self.budget.first_reached(self._spent(ticket))
        if self.stop.asked or search.at_its_end or self.ended:
            return False  # for good, since a ticket is only bred from the state before it
        candidate, bar = search.breed(ticket)
        standing = search.state.archive.standing()
        flight = _Flight(candidate, bar, search.known(), standing, search.question(candidate))
        if flight.question is None:
            self._submit(flight)
        else:
            assert self.writer is not None
            self.pending[self.writer.submit(flight.question)] = flight
        return True

    def _submit(self, flight: "_Flight") -> None:
        flight = replace(flight, submitted=utc())
        task = flight.candidate.source, flight.bar, flight.known, flight.standing
        self.pending[self.pool.submit(timed_evaluation, self.pool.setup, *task)] = flight

    def _take(self, future: Future[Any]) -> None:
        flight = self.pending.pop(future)
        if flight.question and not flight.written:
            self._receive(flight, flight.question, future.result())
            return
        try:
            verdict, times = future.result()
        except BrokenExecutor as error:
            if not flight.alone:
                self.suspects.append(flight)
                return
            verdict = as_verdict(FAILED, Tally(), f"the worker died twice: {error}")
            times = Times(flight.submitted, 0.0)
        if flight.question and flight.written:
            verdict = flight.written.told(verdict, flight.question)
        self._keep(flight, verdict, times)

    def _receive(self, flight: "_Flight", question: "Question", written: "Written") -> None:
        """Evaluate what a model wrote, or keep that there is nothing."""
        if written.spent:
            self.progress.once(f"No more mutation by {question.model}: {written.said}")
        if written.program is None:
            self._keep(flight, written.verdict(question), Times(utc(), 0.0))
            return
        candidate = written.candidate(flight.candidate)
        self._submit(replace(flight, candidate=candidate, written=written))

    def _keep(self, flight: "_Flight", verdict: Mapping[str, Any], times: Times) -> None:
        self.run.store.put(flight.candidate, verdict, times)
        self.progress.done()
        self.results[flight.candidate.ticket] = flight.candidate, verdict


@dataclass(frozen=True)
class _Flight:
    """A candidate that a model is asked to write, by its `question`, until it is `written`; or one
    being evaluated, `alone` once its worker has died."""

    candidate: Candidate
    bar: float
    known: tuple[str, ...]
    standing: Standing
    question: "Question | None" = None
    written: "Written | None" = None
    alone: bool = False
    submitted: str = ""


def _validation(run: "Run") -> float:
    """How much work waits after the search, counted in evaluations: elites and baselines."""
    setup = run.setup
    elites = run.search.state.archive.elites
    evolved = sum(not e.candidate.operator.startswith("baseline:") for e in elites)
    populations = len(setup.training) * setup.replicates
    choice = min(FOREMOST, len(elites)) * len(setup.training) * CHOICE_SEEDS
    report = (len(BASELINES) + evolved) * len(setup.report) * setup.report_replicates
    return float(choice + report) / populations


@contextmanager
def stopping(progress: Progress) -> Iterator[Stop]:
    """Turns the first Ctrl-C into a flag; the second one is an ordinary interrupt."""
    stop = Stop()

    def ask(signum: int, frame: object) -> None:
        stop.asked = True
        signal.signal(signal.SIGINT, before)
        progress.stopping()

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
