"""A worker that dies costs its own candidate at most, and only if it dies again; each computes on
one thread."""

import gc
import os
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future
from pathlib import Path
from typing import Any

import onnxruntime
import pytest
import threadpoolctl
import yaml

import conf
import evolve.run
from evolve.config import as_workers, from_plain
from evolve.evaluate import FAILED, evaluate_in_worker
from evolve.progress import Progress
from evolve.run import Run, create
from evolve.workers import InProcess, Loky, collect, open_pool
from generators.baselines import baseline
from generators.errors import InputError

CONF = Path(str(conf.__file__)).parent
KILLER = baseline("corners").source


def small_run(folder: Path) -> Run:
    plain = yaml.safe_load((CONF / "config.yaml").read_text())
    groups = {g: yaml.safe_load((CONF / g / f"{n}.yaml").read_text()) for g, n in
              (("respondent", "projection"), ("embedder", "minilm"), ("search", "gp"))}  # fmt: skip
    own = {"file": str(CONF / "contexts" / "train" / "elders_devices.yaml")}
    budget = {"evaluations": 16, "minutes": None}
    settings = {**plain, **groups, "contexts": own, "budget": budget, "population": 5, "workers": 1}
    return create(from_plain(settings), folder, Progress(total=16, quiet=True))


class Deadly(InProcess):
    """One program kills its worker, and with it whatever else is in flight at the time."""

    def __init__(self, setup: str) -> None:
        super().__init__(setup)
        self.falling = 0
        self.alone: list[str] = []

    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        source = args[1]
        if source == KILLER:
            self.falling = 4 if not self.alone else 1
        if self.falling:
            self.falling -= 1
            self.alone.append(source)
            broken: Future[Any] = Future()
            broken.set_exception(BrokenExecutor("a worker was killed"))
            return broken
        return super().submit(function, *args)


def test_only_the_program_that_kills_is_recorded_as_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evolve.run, "open_pool", lambda workers, store: Deadly(str(store)))
    run = small_run(tmp_path / "run")
    evolve.run.evolve(run, Progress(total=16, quiet=True), workers=2)
    stored = list(run.store.candidates())
    assert [candidate.ticket for candidate, _ in stored] == list(range(16))
    died = [c.operator for c, v in stored if v["status"] == FAILED and "worker died" in v["reason"]]
    assert died == ["baseline:corners"]


def test_tasks_of_this_process_run_one_by_one_as_they_are_collected() -> None:
    """So that what came of one is kept before a Ctrl-C in the next."""
    pool, ran = InProcess(), list[int]()
    pending = {pool.submit(ran.append, number): number for number in range(3)}
    for number in range(3):
        (done,) = collect(pending, timeout=0.1)
        assert pending.pop(done) == number
        assert ran == list(range(number + 1))


def test_dead_workers_are_replaced() -> None:
    pool = Loky(2)
    try:
        broken = pool.submit(os._exit, 1)
        with pytest.raises(BrokenExecutor):
            broken.result(timeout=60)
        assert pool.submit(os.getpid).result(timeout=60) != os.getpid()
    finally:
        pool.close()


def threads_after_an_evaluation(setup: str, source: str) -> dict[str, list[int]]:
    """How many threads each library and each model of a worker computes on."""
    evaluate_in_worker(setup, source, -1.0, [])
    sessions = [o for o in gc.get_objects() if isinstance(o, onnxruntime.InferenceSession)]
    return {
        "libraries": [pool["num_threads"] for pool in threadpoolctl.threadpool_info()],
        "models": [s.get_session_options().intra_op_num_threads for s in sessions],
    }


@pytest.mark.parametrize("workers", [1, 2])
def test_a_worker_computes_on_one_thread(workers: int, tmp_path: Path) -> None:
    run = small_run(tmp_path / "run")
    pool = open_pool(workers, run.store.file)
    try:
        future = pool.submit(threads_after_an_evaluation, pool.setup, baseline("corners").source)
        found = future.result(timeout=120)
    finally:
        pool.close()
    assert set(found["libraries"]) == {1}
    assert set(found["models"]) == {1}


@pytest.mark.parametrize("workers", ["10.0.0.5:8786", "tcp://host", "many", True, 0])
def test_workers_are_a_number_or_an_address(workers: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"workers=.*whole number"):
        as_workers(workers)
    assert as_workers("tls://[::1]:8786") == "tls://[::1]:8786"
