"""The benchmark of the search: its plan, its processes, its summary; and one tiny real arm."""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from command_line import ELDERS

from evolve.stored import stored_results
from evolve.table import strongest_baseline

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"


@pytest.fixture(scope="module")
def search() -> Iterator[Any]:
    """The module benchmarks/search.py."""
    sys.path.insert(0, str(BENCHMARKS))
    import search  # type: ignore[import-not-found]

    yield search
    sys.path.remove(str(BENCHMARKS))


def outcome(arm: str, seed: int, credited: float) -> Any:
    from search_report import Outcome  # type: ignore[import-not-found]

    return Outcome(
        arm=arm, seed=seed, credited=credited, over_mix=credited - 0.1, over_strongest=0.0,
        training=0.5, words=80.0, strongest="corners", curve=((2, 0.4),), evaluations=4,
    )  # fmt: skip


def test_arms_are_contrasted_on_the_seeds_that_both_have(search: Any) -> None:
    from search_report import summary, tables

    values = {"gp": [0.4, 0.5, 0.6, 0.7, 0.8, 0.9], "random": [0.1, 0.2, 0.1, 0.2, 0.1]}
    outcomes = [outcome(arm, s, v) for arm, some in values.items() for s, v in enumerate(some)]
    found = summary(outcomes)
    assert found["arms"]["gp"]["medians"]["credited"]["mean"] == pytest.approx(0.65)
    assert found["arms"]["gp"]["p"] == {"over_mix": pytest.approx(2 / 2**6), "over_strongest": 1}
    assert found["arms"]["random"]["ahead"] == {"over_mix": 2, "over_strongest": 0}
    (contrast,) = found["contrasts"]
    assert (contrast["a"], contrast["b"], contrast["seeds"]) == ("gp", "random", [0, 1, 2, 3, 4])
    assert contrast["a12"]["credited"]["mean"] == 1
    assert contrast["a12"]["over_strongest"]["mean"] == 0.5
    assert contrast["difference"]["mean"] == pytest.approx(0.5)
    assert contrast["p"] == pytest.approx(2 / 2**5)
    text = tables(json.loads(json.dumps(found)), "contexts", 4)
    assert "gp over random" in text
    assert "0.650" in text


def plan(search: Any, folder: Path, seeds: int = 2) -> Any:
    keys = tuple((arm, seed) for seed in range(seeds) for arm in ("gp", "random"))
    return search.Plan(folder, keys, ("budget.evaluations=7",), 2)


def test_a_run_is_begun_or_gone_on_with(search: Any, tmp_path: Path) -> None:
    made = plan(search, tmp_path)
    words = search.command(made, ("random", 1))
    assert {"search=random", "seed=1", f"run_dir={tmp_path / 'random-01'}"} <= set(words)
    assert words[-1] == "budget.evaluations=7"
    (tmp_path / "random-01").mkdir()
    (tmp_path / "random-01" / "config.yaml").touch()
    assert search.command(made, ("random", 1))[-2:] == ["resume", str(tmp_path / "random-01")]


FINISH = "from pathlib import Path; p = Path({!r}) / 'archive'; p.mkdir(parents=True);"
FINISH += "(p / 'index.json').touch()"


def test_finished_runs_are_left_alone_and_failed_ones_are_told(
    search: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, begun = plan(search, tmp_path), []

    def command(_: object, key: tuple[str, int]) -> list[str]:
        begun.append(key)
        code = "raise SystemExit(3)" if key == ("gp", 1) else FINISH.format(str(made.run(key)))
        return [sys.executable, "-c", code]

    monkeypatch.setattr(search, "command", command)
    assert search.run_all(made) == [("gp", 1)]
    assert begun == list(made.keys)
    assert search.run_all(made) == [("gp", 1)]
    assert begun[4:] == [("gp", 1)]
    assert list(made.finished()) == [("gp", 0), ("random", 0), ("random", 1)]


SLEEPER = """
import signal, sys, time
def end(*_):
    print("kept", flush=True)
    sys.exit(130)
signal.signal(signal.SIGINT, end)
print("begun", flush=True)
time.sleep(60)
"""


def test_an_interrupt_reaches_the_runs_once(
    search: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = plan(search, tmp_path)
    logs = [search.log_of(made, key) for key in made.keys[:2]]
    monkeypatch.setattr(search, "command", lambda *_: [sys.executable, "-c", SLEEPER])

    def interrupted(seconds: float) -> None:
        time.sleep(seconds / 10)
        if all(log.exists() and log.read_text() for log in logs):
            raise KeyboardInterrupt

    monkeypatch.setattr(
        search, "time", SimpleNamespace(sleep=interrupted, monotonic=time.monotonic)
    )
    with pytest.raises(KeyboardInterrupt):
        search.run_all(made)
    assert [log.read_text() for log in logs] == ["begun\nkept\n"] * 2


def test_runs_of_other_settings_are_not_mixed(
    search: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    search.keep_settings(plan(search, tmp_path))
    assert search.main(["--runs", str(tmp_path), "--evaluations", "8"]) == 2
    assert "budget.evaluations=7" in capsys.readouterr().err
    assert search.main(["--runs", str(tmp_path), "--only-report"]) == 2
    assert "no run is finished yet" in capsys.readouterr().err
    assert search.main(["--runs", str(tmp_path / "no"), "--only-report"]) == 2
    assert "no runs of this benchmark here" in capsys.readouterr().err


@pytest.mark.slow
def test_a_real_arm_and_its_elite_measured_anew(
    search: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from search_report import measured

    small = ["population=6", "search.replicates=1", "search.report_replicates=2"]
    words = ["--runs", str(tmp_path), "--seeds", "1", "--evaluations", "12", "--arms", "gp"]
    words += ["--contexts", str(ELDERS), "--curves", str(tmp_path / "arms.svg"), "--json"]
    assert search.main(words + [word for s in small for word in ("--set", s)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["arms"]["gp"]["seeds"] == [0]
    assert found["runs"][0]["evaluations"] == 12
    assert "candidates" in (tmp_path / "arms.svg").read_text()
    run, entries = stored_results(tmp_path / "gp-00")
    (outcome,) = measured({("gp", 0): tmp_path / "gp-00"}, run.setup.report, 1)
    assert outcome.credited == entries[0].credited.mean  # as the run reports it
    assert outcome.over_strongest == entries[0].lead(strongest_baseline(entries)).mean
