"""Several machines: candidates are evaluated by the workers of a Dask cluster.

A user starts the scheduler and the workers by Dask's own command line. Workers need Gamut, but
see no file of the run: its setup is sent to each of them once, and to those that come later.
"""

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import BrokenExecutor, CancelledError, Future
from contextlib import suppress
from functools import lru_cache
from importlib.metadata import version
from typing import Any
from uuid import uuid4

from distributed import Client, KilledWorker, SchedulerPlugin, WorkerPlugin, get_worker
from distributed.client import Future as Task
from distributed.comm import CommClosedError

from evolve.evaluate import SENT
from generators.errors import GamutError, InputError
from generators.sandbox import probe

_PATIENCE = 10.0  # seconds for the scheduler to answer, and for the first worker to come
_KEYS = "gamut-"
_LEVELS = ("none", "monty", "monty+bwrap")  # of the sandbox, the weakest first
_LOST = (CancelledError, CommClosedError, OSError, TimeoutError)
_START = "dask worker {} --nworkers 2 --nthreads 1"


class Dask:
    """The workers of a Dask cluster. Dead ones are replaced by their nannies.

    Raises InputError where no scheduler answers at the address or no worker is there.
    """

    def __init__(self, address: str, setup: str) -> None:
        """`setup`: a run's, as JSON text."""
        self.setup = f"{_KEYS}{uuid4().hex}"
        self._address = address
        self._wanted = _here()
        self._tasks: dict[Future[Any], Task] = {}
        logging.getLogger("distributed").setLevel(logging.CRITICAL)  # said in our own words
        try:
            self._client = Client(address, timeout=_PATIENCE, set_as_default=False)
        except _LOST as error:
            raise InputError(
                f"workers={address}: no Dask scheduler answers there ({error}); start one by"
                " `dask scheduler`, and give the address that it prints"
            ) from None
        try:
            self._client.wait_for_workers(1, timeout=_PATIENCE)
            self._client.register_plugin(_GivesBack(), name=f"{_KEYS}gives-back")
            self._client.register_plugin(_Carries({self.setup: setup}), name=self.setup)
        except _LOST as error:
            self._client.close()
            raise InputError(
                f"workers={address}: the Dask scheduler has no worker ({error}); start some, one a"
                f" core: {_START.format(address)}"
            ) from None

    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        """Queue a task."""
        key = f"{_KEYS}{uuid4().hex}"
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()
        try:
            task = self._client.submit(_checked, self._wanted, function, *args, key=key)
        except (*_LOST, RuntimeError) as error:  # RuntimeError: the client has closed itself
            raise self._gone() from error
        self._tasks[future] = task
        task.add_done_callback(lambda done: self._settle(done, future))
        return future

    def close(self) -> None:
        """Drop what is queued and leave the cluster as it was."""
        tasks = list(self._tasks.values())
        self._tasks.clear()
        with suppress(*_LOST, RuntimeError):
            if self._client.status == "running":  # a scheduler that is gone has nothing to forget
                self._client.cancel(tasks)
                self._client.unregister_worker_plugin(self.setup)
            self._client.close(timeout=5.0)

    def _settle(self, task: Task, future: Future[Any]) -> None:
        """Hand on how a task ended, in the terms of an executor."""
        if self._tasks.pop(future, None) is None:
            return  # closed: nobody waits for it
        try:
            future.set_result(task.result())
        except KilledWorker:  # its own message names keys and hosts, which no verdict may hold
            future.set_exception(BrokenExecutor("the process of its Dask worker ended"))
        except _LOST:
            future.set_exception(self._gone())
        except Exception as error:  # handed on by the future, as an executor does
            future.set_exception(error)

    def _gone(self) -> GamutError:
        return GamutError(
            f"the Dask scheduler at {self._address} is gone; what is stored is kept."
            " `gamut resume RUN` goes on, with --workers where others are"
        )


class _Carries(WorkerPlugin):  # type: ignore[misc]
    """Puts setups where the tasks of a worker find them, in each worker that is or will be."""

    def __init__(self, setups: Mapping[str, str]) -> None:
        self._setups = setups

    def setup(self, worker: object) -> None:
        SENT.update(self._setups)

    def teardown(self, worker: object) -> None:
        for key in self._setups:
            SENT.pop(key, None)


class _GivesBack(SchedulerPlugin):  # type: ignore[misc]
    """A task of ours whose worker dies is given back at once.

    Dask by itself tries it on several more workers, and by default kills four of them before it
    gives up; the search decides that better. Others' tasks are left alone.
    """

    def update_graph(self, scheduler: Any, *, tasks: list[Any], **_: Any) -> None:
        for key in tasks:
            if str(key).startswith(_KEYS):
                scheduler.tasks[key].suspicious = scheduler.allowed_failures


def _here() -> tuple[str, str]:
    """What a worker must have as well: Gamut's version, and the level of the sandbox."""
    return version("persona-gamut"), str(probe()["level"])


def _checked(wanted: tuple[str, str], function: Callable[..., Any], *args: Any) -> Any:
    """Run a task in a worker that may run it."""
    _fit(wanted)
    return function(*args)


@lru_cache(maxsize=4)
def _fit(wanted: tuple[str, str]) -> None:
    """Raises GamutError in a worker whose evaluations would differ from those at home."""
    worker, here = get_worker(), _here()
    if worker.state.nthreads != 1:
        raise GamutError(
            f"the Dask worker {worker.address} has {worker.state.nthreads} threads, and a candidate"
            f" needs a process of its own: {_START.format(worker.scheduler.address)}"
        )
    if here[0] != wanted[0]:
        raise GamutError(
            f"the Dask worker {worker.address} has Gamut {here[0]}, and this is Gamut {wanted[0]}:"
            " install the same version everywhere"
        )
    if _LEVELS.index(here[1]) < _LEVELS.index(wanted[1]):
        raise GamutError(
            f"the sandbox of the Dask worker {worker.address} has the level {here[1]}, and here it"
            f" is {wanted[1]}: `gamut doctor` on that machine says what is missing"
        )
