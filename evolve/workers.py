"""Workers: processes that evaluate candidates, and how a search is driven over them.

With one worker everything runs in this process (programs still run in the sandbox's). With more,
joblib's loky starts them; they ignore Ctrl-C, so that what is in flight can be finished and kept.
With the address of a Dask scheduler, its workers do it, on as many machines as there are.

However many there are, each computes on one thread: the last bits of the models depend on the
number of threads, and a search on its workers must not.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from evolve.evaluate import setup_text
from generators.errors import InputError

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class Pool(Protocol):
    """Where tasks run. A task is a module-level function and its plain arguments.

    A worker that dies breaks the tasks that it had (BrokenExecutor), is replaced, and the pool
    stays usable. Whether a task is tried again is for the caller to decide.

    Attributes:
        setup: what tasks name the run's setup by (see `evolve.evaluate`).
    """

    setup: str

    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        """Start a task."""
        ...

    def close(self) -> None:
        """End the workers."""
        ...


class _Waiting(Future[Any]):
    """A task of this process, which runs when somebody collects it: so what comes of each can be
    kept before the next begins."""

    def __init__(self, task: Callable[[], Any]) -> None:
        super().__init__()
        self._task = task

    def run(self) -> None:
        """Run it; then it is done."""
        try:
            self.set_result(self._task())
        except Exception as error:  # handed on by the future, as an executor does
            self.set_exception(error)

    def result(self, timeout: float | None = None) -> Any:
        """What came of it; it is run if nobody has collected it."""
        if not self.done():
            self.run()
        return super().result(timeout)


class InProcess:
    """Runs tasks here, one each time that `collect` is called."""

    def __init__(self, setup: str = "") -> None:
        self.setup = setup

    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        """A task that waits to be run."""
        return _Waiting(partial(function, *args))

    def close(self) -> None:
        """Nothing to end."""


class Loky:
    """Worker processes by joblib's loky, replaced when one of them dies."""

    def __init__(self, workers: int, setup: str = "") -> None:
        self.setup = setup
        self._workers = workers
        self._executor = self._start()

    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        """Queue a task; starts new workers where the old ones have died."""
        with _interrupts_held():
            try:
                future: Future[Any] = self._executor.submit(function, *args)
            except BrokenExecutor:
                self._executor = self._start()
                future = self._executor.submit(function, *args)
            return future

    def close(self) -> None:
        """End the workers, without waiting for what they do."""
        # Loky's own thread may trip over the tasks of workers that it has just ended, and say so.
        before, threading.excepthook = threading.excepthook, lambda _: None
        try:
            self._executor.shutdown(wait=True, kill_workers=True)
        finally:
            threading.excepthook = before

    def _start(self) -> Any:
        from multiprocessing import resource_tracker

        from joblib.externals.loky import ProcessPoolExecutor

        resource_tracker.ensure_running()  # when it starts, it lets interrupts through again
        return ProcessPoolExecutor(
            max_workers=self._workers,
            timeout=None,
            initializer=_begin_worker,
            initargs=(os.getpid(),),
            env=ONE_THREAD,
        )


def open_pool(workers: int | str, store: Path) -> Pool:
    """The workers of a run with that store. One: this process. More: loky. An address: Dask.

    Raises InputError where no Dask scheduler with workers answers at the address.
    """
    if isinstance(workers, int):
        return InProcess(str(store)) if workers == 1 else Loky(workers, str(store))
    try:
        from evolve.cluster import Dask
    except ImportError:
        raise InputError(
            f"workers={workers}: needs Dask: pip install 'persona-gamut[dask]'"
        ) from None
    return Dask(workers, setup_text(str(store)))


def collect(pending: dict[Future[Any], Any], timeout: float) -> list[Future[Any]]:
    """The futures that are done, waiting at most `timeout` seconds for the first; a task of this
    process is run instead of waiting."""
    waiting = (future for future in pending if isinstance(future, _Waiting) and not future.done())
    if (task := next(waiting, None)) is not None:
        task.run()
        timeout = 0.0
    done, _ = wait(pending, timeout=timeout, return_when=FIRST_COMPLETED)
    return sorted(done, key=lambda f: list(pending).index(f))


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Keep Ctrl-C from processes that are started meanwhile: they would die of it before they come
    to ignore it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin_worker(parent: int) -> None:
    """Ignore Ctrl-C, which the parent acts on, and end when the parent is gone."""
    from joblib.externals.loky import process_executor

    # Where psutil is installed, loky takes caches that fill for a leak, and starts a worker anew.
    process_executor._MAX_MEMORY_LEAK_SIZE = float("inf")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    """A killed parent closes nothing: its workers would wait for tasks for ever."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)
