"""A run whose programs a model writes: killed and resumed, replayed without a connection, told."""

import json
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from model_server import FREE, ModelServer, serving
from model_writers import writes
from small_run import OWN, ROOT, SMALL, archive_bytes
from small_run import run as gamut

import conf
import evolve.evaluate
import evolve.run
from evolve.account import account
from evolve.config import from_plain
from evolve.directory import able_in
from evolve.foreseen import foreseen, in_short
from evolve.progress import Progress
from evolve.report import write_report
from evolve.run import Run, create, open_run
from fitness.embedding import Caches
from fitness.respondents.llm import items_of
from generators.baselines import BASELINES
from generators.errors import InputError
from generators.llm import Capabilities, NotRecorded

CONF = Path(str(conf.__file__)).parent
TOTAL = 24


@pytest.fixture(scope="module", autouse=True)
def _opened_once(caches: Caches) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for module in (evolve.run, evolve.evaluate):  # models are opened once a test session
            patch.setattr(module, "Caches", lambda *_: caches)
        yield


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with serving(writes) as server:
        yield server


def plain(server: str, cache: Path, mode: str = "readwrite", **search: Any) -> dict[str, Any]:
    """A small search by a model alone, as Hydra would resolve it."""
    whole = yaml.safe_load((CONF / "config.yaml").read_text())
    names = {"respondent": "projection", "embedder": "minilm", "search": "llm"}
    groups = {
        group: yaml.safe_load((CONF / group / f"{name}.yaml").read_text())
        for group, name in names.items()
    }
    groups["search"].update(in_flight=4, islands=1, confirm=1, **search)
    groups["llm"] = {
        "name": "server", "base_url": server, "model": "tiny", "prices": [FREE],
        "cache": {"mode": mode, "file": str(cache)},
    }  # fmt: skip
    changed = {"contexts": {"file": str(OWN)}, "population": 5, "workers": 1}
    budget = {"evaluations": TOTAL, "minutes": None}
    return {**whole, **groups, **changed, "budget": budget}


def searched(folder: Path, config: dict[str, Any]) -> Run:
    run = create(from_plain(config), folder, Progress(total=TOTAL, quiet=True))
    evolve.run.evolve(run, Progress(total=TOTAL, quiet=True), workers=1)
    return run


def rows(run: Run) -> list[Any]:
    return list(run.store._rows("SELECT * FROM candidates ORDER BY ticket"))


def contents(run: Run) -> list[tuple[Any, ...]]:
    """All that is stored of each candidate but when it was evaluated."""
    return [row[:7] for row in rows(run)]


@pytest.fixture(scope="module")
def recorded(
    server: ModelServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Run, Path, str]]:
    folder = tmp_path_factory.mktemp("models")
    cache = folder / "answers.sqlite"
    run = searched(folder / "run", plain(server.url, cache))
    yield run, cache, server.url
    run.close()


def test_a_model_writes_and_its_children_are_scored(recorded: tuple[Run, Path, str]) -> None:
    run = recorded[0]
    stored = list(run.store.candidates())
    by_model = [(c, v) for c, v in stored if c.by_model]
    assert len(stored) == TOTAL
    assert len(by_model) == TOTAL - len(BASELINES)
    assert sum(v["status"] == "scored" for _, v in by_model) > 2
    assert any(v["model"]["refused"] for _, v in by_model)
    shown = [v["shown"] for _, v in stored if v["status"] == "scored"]
    assert all(look["people"] for one in shown for look in one.values())


def test_a_replay_makes_no_connection_and_is_the_same_byte_for_byte(
    recorded: tuple[Run, Path, str], server: ModelServer, tmp_path: Path
) -> None:
    run, cache, _ = recorded
    asked = len(server.bodies)
    again = searched(tmp_path / "again", plain("http://127.0.0.1:1/v1", cache, "replay"))
    assert contents(again) == contents(run)
    assert len(server.bodies) == asked
    again.close()


def test_killed_while_models_were_asked_it_ends_the_same(
    recorded: tuple[Run, Path, str], server: ModelServer, tmp_path: Path
) -> None:
    """What was in flight has no verdict, but its answers may be in the cache; some were not."""
    run, cache, _ = recorded
    folder = tmp_path / "killed"
    run.store._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copytree(run.folder, folder)
    with closing(sqlite3.connect(folder / "run.sqlite")) as db, db:
        db.execute("DELETE FROM candidates WHERE ticket > 13 AND ticket != 15")
    with closing(sqlite3.connect(cache)) as db, db:
        gone = db.execute("SELECT count(*) FROM answers").fetchone()[0]
        db.execute("DELETE FROM answers WHERE key < '5'")
    asked = len(server.bodies)
    with closing(open_run(folder, Progress(total=TOTAL, quiet=True))) as other:
        evolve.run.evolve(other, Progress(total=TOTAL, quiet=True), workers=1)
        assert contents(other) == contents(run)
    assert 0 < len(server.bodies) - asked < gone


def test_a_replay_that_lacks_an_answer_says_so_and_ends(
    recorded: tuple[Run, Path, str], tmp_path: Path
) -> None:
    _, cache, url = recorded
    other = plain(url, cache, "replay", tournament_size=3, selection="tournament")
    with pytest.raises(NotRecorded, match="no recorded answer for mutate from tiny"):
        searched(tmp_path / "other", other)


def test_report_and_account_tell_what_models_did(
    recorded: tuple[Run, Path, str], tmp_path: Path
) -> None:
    run = recorded[0]
    spent = account(run.store)
    assert spent.costs["model_calls"] >= TOTAL - len(BASELINES)
    assert "answers of models" in str(spent)
    write_report(run, [], tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert "Language models" in page
    assert "Answers that could not be used: " in page
    assert f"models wrote {sum(bool(c.source) for c, _ in run.store.candidates() if c.by_model)} of"


@pytest.mark.parametrize(
    ("search", "llm", "said"),
    [
        ({}, None, "search.mutation='llm': no model is configured"),
        ({"mutation": "none"}, "tiny", "search.method='llm': needs search.mutation=llm"),
        ({"method": "gp", "mutation": "none", "models": ["tiny"]}, "tiny", "search.models="),
        ({"models": ["tiny", "tiny"]}, "tiny", "should be a list of different names"),
        ({"mutation": "some"}, "tiny", "should be one of none, llm"),
    ],
)
def test_what_does_not_fit_together_is_named(
    search: dict[str, Any], llm: str | None, said: str, tmp_path: Path
) -> None:
    whole = plain("http://127.0.0.1:1/v1", tmp_path / "answers.sqlite", **search)
    if llm is None:
        whole["llm"] = {"name": "none"}
    with pytest.raises(InputError, match=said.replace(".", r"\.")):
        from_plain(whole)


def test_several_models_of_a_server_share_the_run(server: ModelServer, tmp_path: Path) -> None:
    config = plain(server.url, tmp_path / "answers.sqlite", models=["tiny", "other"])
    config["budget"]["evaluations"] = 14
    run = searched(tmp_path / "run", config)
    assert {body["model"] for body in server.bodies[-14:]} == {"tiny", "other"}
    names = {v["model"]["name"] for c, v in run.store.candidates() if c.by_model}
    assert names == {"tiny", "other"}
    run.close()


@pytest.mark.slow
def test_kills_and_workers_and_a_replay_give_the_same_archive(
    server: ModelServer, tmp_path: Path
) -> None:
    """Real processes under the default search with a model in it, killed by SIGKILL."""
    words = [
        *SMALL, "search.mutation=llm", "llm=server", f"llm.base_url={server.url}", "llm.model=tiny",
        "llm.prices=[{model: '*', input: 0, output: 0, as_of: 2026-11-01}]",
        f"llm.cache.file={tmp_path / 'answers.sqlite'}",
    ]  # fmt: skip
    one, two, again = (tmp_path / name for name in ("one", "two", "again"))
    gamut("evolve", *words, f"run_dir={one}", "workers=1")
    index = json.loads((one / "archive" / "index.json").read_text())
    assert index
    gamut("evolve", *words, f"run_dir={two}", "workers=2")
    assert archive_bytes(two) == archive_bytes(one)
    asked = len(server.bodies)
    gamut("evolve", *words, "llm.cache.mode=replay", f"run_dir={again}", "workers=2")
    assert len(server.bodies) == asked
    assert archive_bytes(again) == archive_bytes(one)
    paid, free = (json.loads((f / "manifest.json").read_text())["llm_spent"] for f in (one, again))
    assert paid["mutate"]["calls"] > 0
    assert free["total"]["calls"] == 0
    script = [sys.executable, str(ROOT / "benchmarks" / "kill_resume.py")]
    how = ["--kills", "2", "--seed", "3", "--undisturbed", str(one)]
    fresh = f"llm.cache.file={tmp_path / 'fresh.sqlite'}"
    done = subprocess.run(
        [*script, *how, *words[:-1], fresh], capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "files the same, 0 different" in done.stdout


def test_what_it_takes_is_estimated_before_and_errs_high(recorded: tuple[Run, Path, str]) -> None:
    run = recorded[0]
    expected = json.loads((run.folder / "manifest.json").read_text())["estimate"]["mutate"]
    costs = [v["cost"] for c, v in run.store.candidates() if c.by_model]
    for kind, name in (("calls", "model_calls"), ("prompt_tokens", "prompt_tokens")):
        assert sum(cost.get(name, 0) for cost in costs) <= expected[kind]
    assert expected["calls"] == 2 * (TOTAL - len(BASELINES))
    assert expected["money"] == 0
    assert expected["minutes"] > 0


def test_interviews_and_programs_that_ask_are_estimated(recorded: tuple[Run, Path, str]) -> None:
    run = recorded[0]
    probed = json.loads((run.folder / "manifest.json").read_text())["llm"]
    able = Capabilities.from_plain(able_in(probed))
    settings = replace(run.config.settings, models=(), ask=True)
    config = replace(run.config, respondent="llm:none", settings=settings)
    found = foreseen(config, run.setup, replace(able, top_logprobs=20))
    populations = TOTAL * 3 + 5 * 2 + (len(BASELINES) + 25) * 4
    assert found["ask"]["calls"] == populations * 5
    items = len(items_of(run.setup.training[0]))
    anchors = 27 * 4 * 6 + 9 * items * 2  # and the middles of the items of two halves
    assert found["respond"]["calls"] == populations * 5 * items + anchors
    two = replace(config, settings=replace(settings, models=("tiny", "other")))
    both = foreseen(two, run.setup, replace(able, top_logprobs=20))
    assert both["mutate"]["calls"] == 2 * (TOTAL - len(BASELINES))
    assert both["total"]["calls"] == found["total"]["calls"] + both["mutate"]["calls"]
    without = foreseen(config, run.setup, replace(able, top_logprobs=0))  # five samples an answer
    assert without["respond"]["calls"] == 5 * found["respond"]["calls"]
    assert re.fullmatch(
        r"ask [\d,]+ calls, [\d,]+ tokens, .*; respond [\d,]+ calls, .*; total [\d,]+ calls, .*",
        in_short(found, "USD"),
    )
