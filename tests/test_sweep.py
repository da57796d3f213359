"""Sweeps: real ones by each launcher, their folders, and what is said of them."""

import json
import shutil
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import joblib
import pytest
import yaml
from command_line import gamut as here
from hydra.errors import HydraException
from omegaconf import OmegaConf
from small_run import archive_bytes, gamut, run

from evolve.config import from_plain, write_config
from evolve.job import _reworded
from evolve.sweep import (
    Claim,
    Job,
    SweepRefusedError,
    guarding,
    jobs_of,
    run_in_sweep,
    share_of_cores,
)
from evolve.sweep_report import Configuration, Finished, Found, read_sweep, sweep_words
from generators.errors import GamutError, InputError

Swept = tuple[Path, subprocess.CompletedProcess[str]]
TINY = [
    "contexts.training=[train/elders_devices]",  # its reference population ships with it
    "contexts.report=[train/elders_devices]",
    "budget.evaluations=4",
    "search.in_flight=2",
    "search.replicates=1",
    "search.report_replicates=1",
    "workers=1",
]


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Swept:
    """A run that cannot begin and one that finishes, by Hydra's basic launcher."""
    folder = tmp_path_factory.mktemp("sweeps") / "basic"
    words = ["population=0,12", f"hydra.sweep.dir={folder}"]
    return folder, run("evolve", "-m", *TINY, *words, status=2)


def test_a_job_that_fails_costs_the_others_nothing_and_is_named(swept: Swept) -> None:
    folder, done = swept
    assert [bool(job.error) for job in jobs_of(folder)] == [True, False]
    last = done.stderr.splitlines()[-1]
    assert "gamut: job 0 (population=0) failed: population=0: should be" in last
    assert "Traceback" not in done.stderr
    assert "Warning" not in done.stderr
    assert done.stdout.count("Rare combination coverage") == 1
    assert f"gamut sweep-report {folder}" in done.stdout


def test_the_report_says_what_finished_any_number_of_times(swept: Swept, tmp_path: Path) -> None:
    folder = shutil.copytree(swept[0], tmp_path / "moved")
    first = read_sweep(folder).as_json()
    (configuration,) = first["configurations"]
    assert configuration["overrides"] == {"population": "12"}
    assert configuration["seeds"] == [0]
    assert configuration["evaluations"] == 4
    best = json.loads(here("archive", folder / "1", "--json").out)[0]["metrics"]["elders_devices"]
    value = best["credited_rare_combination_coverage_2"]["value"]
    assert value > 0
    assert configuration["credited"]["mean"] == pytest.approx(value, abs=1e-6)
    assert [other["state"] for other in first["others"]] == ["failed"]
    printed = here("sweep-report", folder, "--json").out
    assert json.loads(printed) == {**first, "sweep": str(folder)}
    assert "1 of 2 runs finished" in here("sweep-report", folder).out


def test_intervals_are_over_seeds() -> None:
    runs = [
        Finished(Job(n, {}, str(n)), n, 0.1 * (n + 1), 0.05, "corners", 100, 10.0 * (n + 1))
        for n in range(3)
    ]
    found = Configuration({"search": "gp"}, runs)
    half = 4.302653 * 0.1 / 3**0.5  # Student's t with two degrees of freedom
    assert found.credited.mean == pytest.approx(0.2)
    assert found.credited.high - 0.2 == pytest.approx(half, abs=1e-6)
    assert found.lead.low == pytest.approx(0.05)
    assert (found.evaluations, found.seconds) == (300, 20.0)
    one = Configuration({}, runs[:1])
    assert one.as_json()["credited"] == {"mean": 0.1, "low": None, "high": None}
    words = sweep_words(Found(Path("runs/sizes"), 4, [found, one], []))
    assert "search=gp          3      0.200 [-0.048, 0.448]" in words
    assert "(only seeds vary)  1      0.100 " in words


def test_unfinished_runs_are_listed_with_what_to_do(swept: Swept, tmp_path: Path) -> None:
    folder = shutil.copytree(swept[0], tmp_path / "stopped")
    shutil.rmtree(folder / "1" / "archive")
    (folder / "job_0.json").unlink()
    words = sweep_words(read_sweep(folder))
    assert "0 of 2 runs finished" in words
    assert "job 1 (population=12): unfinished: 4 evaluated; go on by: gamut resume" in words
    assert "job 0: not begun" in words
    here("resume", folder / "1", "--workers", "1")
    assert "1 of 2 runs finished" in sweep_words(read_sweep(folder))


def test_a_sweep_of_which_nothing_finished_has_a_report(swept: Swept, tmp_path: Path) -> None:
    (tmp_path / "sweep.json").write_text((swept[0] / "sweep.json").read_text())
    assert "0 of 2 runs finished" in here("sweep-report", tmp_path).out
    assert "no sweep here" in here("sweep-report", tmp_path / "nothing", status=2).err


def job_config(folder: Path, number: int, launcher: str = "basic") -> Any:
    """What `run_in_sweep` reads of Hydra's configuration of a job."""
    return SimpleNamespace(
        sweep=SimpleNamespace(dir=str(folder)),
        job=SimpleNamespace(num=number),
        overrides=SimpleNamespace(task=["population=12"]),
        runtime=SimpleNamespace(choices={"hydra/launcher": launcher}),
        launcher=SimpleNamespace(n_jobs=-1),
    )


def test_a_job_that_a_cluster_starts_again_goes_on(swept: Swept, tmp_path: Path) -> None:
    folder = shutil.copytree(swept[0], tmp_path / "requeued")
    shutil.rmtree(folder / "1" / "archive")
    plain = yaml.safe_load((folder / "1" / "config.yaml").read_text())
    run_in_sweep(job_config(folder, 1), folder / "1", lambda: dict(plain))
    assert archive_bytes(folder / "1") == archive_bytes(swept[0] / "1")
    assert jobs_of(folder)[1].error is None


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["joblib", "submitit_local"])
def test_launchers_that_run_jobs_in_processes_of_their_own(
    launcher: str, swept: Swept, tmp_path: Path
) -> None:
    words = ["population=0,12", "seed=0,1", f"hydra.sweep.dir={tmp_path / 'sweep'}"]
    done = run(
        "evolve", "-m", *TINY, *words, "workers=null", f"hydra/launcher={launcher}", status=2
    )
    assert "job 1 (population=0 seed=1) failed" in done.stderr.splitlines()[-1]
    assert archive_bytes(tmp_path / "sweep" / "2") == archive_bytes(swept[0] / "1")
    (shown,) = read_sweep(tmp_path / "sweep").configurations
    assert [run.seed for run in shown.runs] == [0, 1]
    assert shown.credited.low <= shown.credited.mean


def test_two_sweeps_begun_at_once_never_share_a_folder(tmp_path: Path) -> None:
    def begin(*words: str) -> subprocess.Popen[str]:
        command = gamut("evolve", "-m", *TINY, "population=0", *words)
        return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=tmp_path)

    named = [begin("hydra.sweep.dir=same") for _ in range(2)]
    unnamed = [begin() for _ in range(2)]
    said = sorted(str(process.communicate(timeout=120)[1].splitlines()[-1]) for process in named)
    assert "hydra.sweep.dir=same: holds another sweep" in said[0] + said[1]
    assert "job 0 failed: population=0" in said[0] + said[1]
    assert all("job 0 failed" in str(p.communicate(timeout=120)[1]) for p in unnamed)
    assert len(list((tmp_path / "runs").glob("sweep_*/sweep.json"))) == 2


def at_once(task: Callable[[], object], times: int = 8) -> list[object]:
    """What a task gives or raises in several threads that begin at the same moment."""
    ready = threading.Barrier(times)

    def begin(_: int) -> object:
        ready.wait()
        try:
            return task()
        except (SweepRefusedError, FileExistsError) as error:
            return error

    with ThreadPoolExecutor(times) as threads:
        return list(threads.map(begin, range(times)))


def sweep_config(folder: Path, words: list[str], params: dict[str, str] | None = None) -> Any:
    """What `Claim` reads of Hydra's configuration of a sweep."""
    hydra = {
        "sweep": {"dir": str(folder)},
        "sweeper": {"params": params},
        "overrides": {"task": words},
    }
    return OmegaConf.create({"hydra": hydra})


def test_a_folder_is_claimed_once(tmp_path: Path) -> None:
    config = sweep_config(tmp_path / "new" / "sweep", ["seed=0,1"])
    outcomes = at_once(lambda: Claim().on_multirun_start(config))
    assert outcomes.count(None) == 1
    (tmp_path / "file").touch()
    with pytest.raises(SweepRefusedError, match="is a file"):
        Claim().on_multirun_start(sweep_config(tmp_path / "file", []))


@pytest.mark.parametrize(
    ("words", "params", "keys", "jobs"),
    [
        (["seed=0,1,2", "population=5"], None, ["seed"], 3),
        (["seed=range(4)", "search=gp,random"], None, ["seed", "search"], 8),
        (["population=5"], {"seed": "1,2"}, ["seed"], 2),
        (["search=glob(*)"], None, ["search"], None),
        (["seed=interval(0,9)"], None, ["seed"], None),
    ],
)
def test_what_a_sweep_varies(
    words: list[str], params: dict[str, str], keys: list[str], jobs: int | None, tmp_path: Path
) -> None:
    Claim().on_multirun_start(sweep_config(tmp_path, words, params))
    said = json.loads((tmp_path / "sweep.json").read_text())
    assert (said["keys"], said["jobs"]) == (keys, jobs)


def test_a_run_directory_is_made_once(swept: Swept, tmp_path: Path) -> None:
    config = from_plain(yaml.safe_load((swept[0] / "1" / "config.yaml").read_text()))
    assert at_once(lambda: write_config(config, tmp_path / "config.yaml")).count(None) == 1


@pytest.mark.parametrize(
    ("launcher", "n_jobs", "jobs", "workers"),
    [
        ("basic", 1, 4, 8),
        ("joblib", -1, 4, 2),
        ("joblib", -1, 100, 1),
        ("joblib", 2, 100, 4),
        ("joblib", -5, None, 2),
        ("submitit_local", 1, 3, 2),
        ("submitit_slurm", 1, 100, 8),
    ],
)
def test_jobs_that_run_beside_each_other_share_the_cores(
    launcher: str, n_jobs: int, jobs: int, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joblib, "cpu_count", lambda: 8)
    hydra = job_config(Path(), 0, launcher)
    hydra.launcher.n_jobs = n_jobs
    assert share_of_cores(hydra, jobs) == workers


def test_words_that_hydra_refuses_leave_the_folder_free(tmp_path: Path) -> None:
    words = ["evolve", "-m", "popultion=0,1", f"hydra.sweep.dir={tmp_path / 'sweep'}"]
    said = run(*words, status=2).stderr
    assert "popultion" in said
    assert len(said.splitlines()) <= 3
    assert not (tmp_path / "sweep").exists()


def test_a_launcher_that_is_not_there_is_told_how_to_install() -> None:
    said = _reworded(HydraException("Could not find 'hydra/launcher/joblib'\nConfig search path:"))
    assert said.splitlines()[1:] == [
        "The launchers joblib and submitit: pip install 'persona-gamut[sweep]'"
    ]


def test_a_launcher_that_gives_up_leaves_what_finished(
    swept: Swept,
) -> None:
    with pytest.raises(GamutError, match="was killed\n`gamut sweep-report"):
        broken_sweep(swept[0])
    with pytest.raises(KeyError), guarding():  # no sweep: what a run raises is not touched
        raise KeyError
    with pytest.raises(InputError, match="taken"), guarding():
        raise SweepRefusedError("taken")


@guarding()
def broken_sweep(folder: Path) -> None:
    Claim.folder = folder
    raise RuntimeError("the process of a job was killed")
