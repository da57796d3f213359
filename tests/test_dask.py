"""A search on a real Dask cluster: a scheduler and worker processes by Dask's own command line."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from distributed import Client
from small_run import archive_bytes, gamut, run

from evolve.cluster import Dask
from evolve.store import Store
from generators.errors import GamutError, InputError

pytestmark = pytest.mark.slow  # starting a cluster alone takes five seconds
HERE = Path(__file__).resolve().parent
SHORT = [
    "contexts.training=[train/elders_devices]",  # its reference population ships with it
    "contexts.report=[train/elders_devices]",
    "budget.evaluations=24",
    "population=9",
    "search.random_programs=6",
    "search.in_flight=6",
    "search.report_replicates=1",
]


@dataclass
class Cluster:
    """A scheduler and what was started for it; what they print is kept, to learn addresses of."""

    processes: list[subprocess.Popen[str]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    address: str = ""

    def begin(self, workers: int) -> None:
        self.start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--no-show")
        self.address = self.hear(r"Scheduler at:\s+(tcp://\S+)")
        words = f"--nworkers {workers} --nthreads 1 --no-dashboard --host 127.0.0.1"
        self.start("worker", self.address, *words.split())

    def start(self, *words: str) -> None:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(HERE), *sys.path))}
        process = subprocess.Popen(
            [sys.executable, "-m", "dask", *words],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment,
            start_new_session=True,
        )  # fmt: skip
        self.processes.append(process)
        threading.Thread(target=self._listen, args=(process,), daemon=True).start()

    def hear(self, pattern: str) -> str:
        """What a process has said or will soon say that matches a pattern."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            found = re.search(pattern, "".join(self.said))
            if found:
                return found[1]
            time.sleep(0.05)
        raise AssertionError("".join(self.said))

    def end(self) -> None:
        for process in self.processes:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.processes.clear()

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout
        self.said.extend(process.stdout)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    made = Cluster()
    try:
        made.begin(workers=2)
        yield made
    finally:
        made.end()


def first_then_die(folder: str) -> int:
    """Ends its worker on the first try, and tells the second one which try it is."""
    tries = len(list(Path(folder).iterdir()))
    (Path(folder) / str(os.getpid())).touch()
    if tries == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return tries + 1


def test_a_dead_worker_gives_its_task_back_at_once_and_is_replaced(
    cluster: Cluster, tmp_path: Path
) -> None:
    pool = Dask(cluster.address, "{}")
    try:
        with pytest.raises(BrokenExecutor, match="worker ended"):
            pool.submit(first_then_die, str(tmp_path)).result(timeout=60)
        assert len(list(tmp_path.iterdir())) == 1  # Dask itself did not try it again
        assert pool.submit(first_then_die, str(tmp_path)).result(timeout=60) == 2
    finally:
        pool.close()
    with Client(cluster.address) as client:
        client.wait_for_workers(2, timeout=30)


def test_a_search_on_a_cluster_that_loses_a_worker_gives_the_archive_of_one_process(
    cluster: Cluster, tmp_path: Path
) -> None:
    run("evolve", *SHORT, f"run_dir={tmp_path / 'one'}", "workers=1")
    folder = tmp_path / "dask"
    words = gamut("evolve", *SHORT, f"run_dir={folder}", f"workers={cluster.address}")
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while not verdicts(folder):
        assert process.poll() is None
        time.sleep(0.02)
    with Client(cluster.address) as client:
        os.kill(next(iter(client.run(os.getpid).values())), signal.SIGKILL)
    assert process.wait(timeout=120) == 0, process.stderr and process.stderr.read()
    assert archive_bytes(folder) == archive_bytes(tmp_path / "one")


def verdicts(folder: Path) -> int:
    """How many candidates a run has stored."""
    try:
        return Store(folder / "run.sqlite", read_only=True).count()
    except GamutError:  # not there yet
        return 0


def test_a_worker_with_several_threads_is_refused(cluster: Cluster) -> None:
    with Client(cluster.address) as client:
        before = set(client.scheduler_info()["workers"])
        words = "--nworkers 1 --nthreads 2 --no-dashboard --host 127.0.0.1 --name wide"
        cluster.start("worker", cluster.address, *words.split())
        client.wait_for_workers(len(before) + 1, timeout=30)
    pool = Dask(cluster.address, "{}")
    try:
        futures = [pool.submit(time.sleep, 1.0) for _ in range(6)]
        said = [str(error) for future in futures if (error := future.exception(timeout=60))]
        assert said
        assert "has 2 threads" in said[0]
        assert "--nthreads 1" in said[0]
    finally:
        pool.close()
        end = cluster.processes.pop()
        end.terminate()
        end.wait()


def test_a_scheduler_that_goes_is_named(tmp_path: Path) -> None:
    own = Cluster()
    try:
        own.begin(workers=1)
        pool = Dask(own.address, "{}")
        waiting = pool.submit(time.sleep, 600)
        own.end()
        with pytest.raises(GamutError, match=r"is gone.*gamut resume"):
            waiting.result(timeout=90)
        pool.close()
    finally:
        own.end()
    with pytest.raises(InputError, match="no Dask scheduler answers there"):
        Dask(own.address, "{}")
