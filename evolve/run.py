"""A run: its directory, and the loop that breeds, evaluates, stores and folds.

Order of a run directory's birth: config.yaml, then run.sqlite with the inputs. Whatever moment a
run is killed at, `resume` goes on from what is there.
"""

import fcntl
import json
import os
import platform
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import BrokenExecutor, Future
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from shlex import quote
from typing import IO, Any

from evolve.config import Config, read_config, resolve_contexts, start_programs, write_config
from evolve.evaluate import FAILED, Setup, evaluate_in_worker
from evolve.niches import Standing
from evolve.progress import Progress
from evolve.search import Search
from evolve.store import Candidate, Store
from evolve.workers import Pool, collect, open_pool
from fitness.admission import ADMITTED, examine, not_admitted_words, percent
from fitness.embedding import Caches
from fitness.reference import reference_rows
from fitness.respondents import RESPONDENTS, open_respondent
from generators.context import load_context
from generators.errors import InputError
from generators.program import parse
from generators.sandbox import Sandbox, probe

REFRESH = 20.0  # seconds between refreshes of a report


@dataclass
class Run:
    """An opened run: its folder, configuration, store, inputs, and the search folded so far."""

    folder: Path
    config: Config
    store: Store
    setup: Setup
    search: Search
    lock: IO[bytes] | None


def create(config: Config, folder: Path, progress: Progress) -> Run:
    """Make a run directory. Raises InputError where it holds a run, or cannot be written."""
    if (folder / "run.sqlite").exists() or (folder / "config.yaml").exists():
        raise InputError(
            f"{folder}: holds another run; go on with it by `gamut resume {folder}`, or choose"
            " another run_dir"
        )
    resolve_contexts(config)  # what the user gave wrong is said before anything is written
    start_programs(config)
    _admit(config, progress)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise InputError(f"{folder}: not empty; choose another run_dir")
        write_config(config, folder / "config.yaml")
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be written ({error.strerror}); choose another run_dir"
        ) from None
    return open_run(folder, progress)


def _admit(config: Config, progress: Progress) -> None:
    """Refuse a context of the user's own whose poles the offline readers hardly tell apart.

    Contexts that ship are measured when they are written; another respondent is the user's choice.
    """
    file = config.contexts.get("file")
    if not file or config.respondent not in RESPONDENTS:
        return
    progress.say(f"{file}: checking whether the readers tell its poles apart")
    weak = not_admitted_words(examine(load_context(file), Caches(config.embedder)))
    if not weak:
        return
    found = f"{file}: the readers hardly tell the poles of some axes apart (told apart"
    found += f" by their signs: {weak}; {percent(ADMITTED)} is needed)"
    if config.force:
        progress.say(f"{found}; searching all the same (force=true)")
        return
    raise InputError(
        f"{found}. `gamut context check {quote(str(file))}` says what to rewrite; --force searches"
        " all the same"
    )


def open_run(folder: Path, progress: Progress, *, to_write: bool = True) -> Run:
    """Open a run directory, completing it where the run was killed while it was being made.

    One process at a time may open it to write. Raises InputError where another one has it open.
    """
    if not (folder / "config.yaml").is_file():
        raise InputError(f"{folder}: no run here (config.yaml is missing)")
    lock = _locked(folder / "config.yaml") if to_write else None
    config = read_config(folder / "config.yaml")
    store = Store(folder / "run.sqlite", create=to_write, read_only=not to_write)
    plain = store.meta("setup")
    if plain is None and not to_write:
        raise InputError(f"{folder}: only just begun; go on by `gamut resume {folder}`")
    if plain is None:
        store.put_meta("start", [(origin, p.source) for origin, p in start_programs(config)])
        plain = _setup(config, progress).as_json()
        _write_json(folder / "manifest.json", manifest(config))
        store.put_meta("setup", plain)  # last: its presence says that the directory is complete
    setup = Setup.from_json(plain)
    start = [(origin, parse(source, origin)) for origin, source in store.meta("start")]
    names = [context.id for context in setup.training]
    search = Search(config.settings, start, names, setup.first_rung)
    return Run(folder, config, store, setup, search, lock)


def _locked(file: Path) -> IO[bytes]:
    """The file, open and locked until it is closed or the process ends, however it ends."""
    opened = file.open("rb")
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        opened.close()
        raise InputError(f"{file.parent}: another process is working on this run") from None
    return opened


def evolve(
    run: Run,
    progress: Progress,
    workers: int,
    minutes: float | None = None,
    refresh: Callable[[], None] | None = None,
) -> None:
    """Search until the budget of evaluations or minutes is spent.

    Stored verdicts are folded instead of evaluated again. Ctrl-C once: what is in flight is
    finished and kept, then KeyboardInterrupt; twice: at once. `refresh` is called now and then.
    """
    pool = open_pool(workers)
    deadline = time.monotonic() + minutes * 60 if minutes else None
    try:
        with _stopping() as stop:
            _Loop(run, pool, progress, stop, deadline).go(refresh)
    finally:
        pool.close()
    if stop.asked:
        raise KeyboardInterrupt


class _Stop:
    """Whether the user asked to stop."""

    asked = False


class _Loop:
    """One pass over the tickets; see `evolve`.

    When a worker dies, all candidates in flight are lost with it, and any of them may be why. They
    are tried once more one at a time, while nothing else goes on; one whose worker dies again is
    recorded as failed.
    """

    def __init__(
        self, run: Run, pool: Pool, progress: Progress, stop: _Stop, deadline: float | None
    ) -> None:
        self.run, self.pool, self.progress = run, pool, progress
        self.stop, self.deadline = stop, deadline
        self.last = run.config.evaluations
        self.next = 0
        self.pending: dict[Future[Any], _Flight] = {}
        self.suspects: deque[_Flight] = deque()
        self.results: dict[int, tuple[Candidate, Mapping[str, Any]]] = {}

    def go(self, refresh: Callable[[], None] | None) -> None:
        """Until nothing is in flight."""
        self.progress.begin(self.run.store.count())
        self._advance()
        refreshed = time.monotonic()
        while self.pending or self.suspects:
            if not self.pending:
                self._submit(replace(self.suspects.popleft(), alone=True))
            for future in collect(self.pending, timeout=0.5):
                self._take(future)
            if not self.suspects and not any(f.alone for f in self.pending.values()):
                self._advance()
            self.progress.update(self.run.search.state, len(self.pending))
            if refresh and time.monotonic() - refreshed > REFRESH:
                refresh()
                refreshed = time.monotonic()

    def _advance(self) -> None:
        """Fold what can be folded in ticket order, and breed each ticket as soon as it may be."""
        search = self.run.search
        while True:
            while self.next < self.last and search.may_breed(self.next):
                if not self._begin(self.next):
                    break
                self.next += 1
            ready = self.results.pop(search.state.folded, None)
            if ready is None:
                return
            search.fold(*ready)

    def _begin(self, ticket: int) -> bool:
        """Look a ticket's verdict up, or breed and submit it; False where the run is stopping."""
        stored = self.run.store.get(ticket)
        if stored is not None:
            self.run.search.recall(stored[0])
            self.results[ticket] = stored
            return True
        if self.stop.asked or (self.deadline is not None and time.monotonic() > self.deadline):
            return False
        search = self.run.search
        candidate, bar = search.breed(ticket)
        standing = search.state.archive.standing()
        self._submit(_Flight(candidate, bar, search.known(), standing))
        return True

    def _submit(self, flight: "_Flight") -> None:
        flight = replace(flight, began=time.monotonic())
        task = flight.candidate.source, flight.bar, flight.known, flight.standing
        self.pending[self.pool.submit(evaluate_in_worker, str(self.run.store.file), *task)] = flight

    def _take(self, future: Future[Any]) -> None:
        flight = self.pending.pop(future)
        try:
            verdict = future.result()
        except BrokenExecutor as error:
            if not flight.alone:
                self.suspects.append(flight)
                return
            verdict = {
                "status": FAILED, "values": {}, "pairs": {}, "measures": {}, "gates": {},
                "cost": {}, "reason": f"the worker died twice: {error}",
            }  # fmt: skip
        self.run.store.put(flight.candidate, verdict, time.monotonic() - flight.began)
        self.results[flight.candidate.ticket] = flight.candidate, verdict


@dataclass(frozen=True)
class _Flight:
    """A candidate being evaluated; `alone` once its worker has died."""

    candidate: Candidate
    bar: float
    known: tuple[str, ...]
    standing: Standing
    alone: bool = False
    began: float = 0.0


@contextmanager
def _stopping() -> Iterator[_Stop]:
    """Turns the first Ctrl-C into a flag; the second one is an ordinary interrupt."""
    stop = _Stop()

    def ask(signum: int, frame: object) -> None:
        stop.asked = True
        signal.signal(signal.SIGINT, before)
        os.write(2, b"\nStopping: finishing what is in flight. Ctrl-C again stops at once.\n")

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


def _setup(config: Config, progress: Progress) -> Setup:
    """The inputs of a run: contexts and their reference populations."""
    training, report = resolve_contexts(config)
    caches = Caches(config.embedder)
    references = {}
    with Sandbox() as sandbox:
        for context in (*training, *report):
            progress.say(f"reading context {context.id}")
            respondent = open_respondent(config.respondent, context, caches)
            references[context.hash] = reference_rows(context, respondent, sandbox)
    return Setup(
        training=training,
        report=report,
        references=references,
        population=config.population,
        seed=config.seed,
        replicates=config.replicates,
        confirm=config.confirm,
        report_replicates=config.report_replicates,
        first_rung=min(config.first_rung, len(training)),
        respondent=config.respondent,
        embedder=config.embedder,
    )


def _write_json(file: Path, content: Any) -> None:
    part = file.with_suffix(".part")
    part.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    part.replace(file)


def manifest(config: Config) -> dict[str, Any]:
    """What a run was made with: versions, seed, sandbox level, checksums, cores."""
    parts = ("persona-gamut", "pydantic-monty", "deap", "ribs", "numpy", "scipy", "onnxruntime")
    return {
        "schema": "gamut/manifest/1",
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "versions": {"python": platform.python_version(), **{p: version(p) for p in parts}},
        "seed": config.seed,
        "sandbox": probe(),
        "embedder": Caches(config.embedder).first.embedder.fingerprint,
        "cores": os.cpu_count(),
    }
