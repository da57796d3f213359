"""A worker that dies costs its own candidate at most, and only if it dies again."""

import os
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future
from pathlib import Path
from typing import Any

import pytest
import yaml

import conf
import evolve.run
from evolve.config import from_plain
from evolve.evaluate import FAILED
from evolve.progress import Progress
from evolve.run import Run, create
from evolve.workers import InProcess, Loky
from generators.baselines import baseline

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

    def __init__(self) -> None:
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
    monkeypatch.setattr(evolve.run, "open_pool", lambda workers: Deadly())
    run = small_run(tmp_path / "run")
    evolve.run.evolve(run, Progress(total=16, quiet=True), workers=2)
    stored = list(run.store.candidates())
    assert [candidate.ticket for candidate, _ in stored] == list(range(16))
    died = [c.operator for c, v in stored if v["status"] == FAILED and "worker died" in v["reason"]]
    assert died == ["baseline:corners"]


def test_dead_workers_are_replaced() -> None:
    pool = Loky(2)
    try:
        broken = pool.submit(os._exit, 1)
        with pytest.raises(BrokenExecutor):
            broken.result(timeout=60)
        assert pool.submit(os.getpid).result(timeout=60) != os.getpid()
    finally:
        pool.close()
