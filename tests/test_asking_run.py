"""Searches whose programs may ask a language model: the same archive however they are run."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from model_server import FREE, Handler, ModelServer, answer, serving, words
from small_run import OWN, archive_bytes
from small_run import run as gamut

import conf
import evolve.evaluate
import evolve.run
from evolve.account import account
from evolve.budget import LEFT_BY_MODELS
from evolve.config import from_plain
from evolve.directory import SPENT
from evolve.finish import finish
from evolve.progress import Progress
from evolve.run import Run, create, open_run
from evolve.table import elite_rows
from fitness.embedding import Caches
from generators.errors import InputError
from generators.llm import Ledger
from generators.llm.settings import Limits
from generators.program import parse

CONF = Path(str(conf.__file__)).parent
TOTAL = 20
CALLS = 250  # the search would take more
ASKS = """
def generate(context, n, rng):
    axes = context["axes"]
    points = covering_design(n, len(axes), 2, rng.getrandbits(31))
    lines = in_order(sign_mix(points, axes, 3, rng.getrandbits(31)), "turns", rng.getrandbits(31))
    texts = retell(join(lines, "plain", rng.getrandbits(31)), "plain prose")
    return people(texts, points, rng.getrandbits(31))
"""


@pytest.fixture(scope="module", autouse=True)
def _opened_once(caches: Caches) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for module in (evolve.run, evolve.evaluate):  # models are opened once a test session
            patch.setattr(module, "Caches", lambda *_: caches)
        yield


def retells(handler: Handler, body: dict[str, Any]) -> None:
    """Tells what it was given to tell, and a sentence more; refuses some."""
    text = body["messages"][-1]["content"].rpartition("\n\n")[2]
    said = "" if len(text) % 7 == 0 else f"Here is somebody. {text}"
    usage = {"prompt_tokens": words(body), "completion_tokens": len(said.split())}
    handler.send(answer(said, usage=usage))


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with serving(retells) as server:
        yield server


@pytest.fixture(scope="module")
def asks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program file that asks."""
    file = tmp_path_factory.mktemp("programs") / "asks.py"
    file.write_text(ASKS)
    return file


def plain(url: str, cache: Path, asks: Path, calls: int | None = None) -> dict[str, Any]:
    """A small search whose programs may ask, as Hydra would resolve it."""
    whole = yaml.safe_load((CONF / "config.yaml").read_text())
    names = {"respondent": "projection", "embedder": "minilm", "search": "gp"}
    groups = {
        group: yaml.safe_load((CONF / group / f"{name}.yaml").read_text())
        for group, name in names.items()
    }
    groups["search"].update(in_flight=4, random_programs=6, confirm=1, report_replicates=1)
    groups["search"]["ask"] = True
    groups["llm"] = {
        "name": "server", "base_url": url, "model": "tiny", "prices": [FREE],
        "budget": {"calls": calls}, "cache": {"mode": "readwrite", "file": str(cache)},
    }  # fmt: skip
    changed = {"contexts": {"file": str(OWN)}, "population": 5, "workers": 1, "start": [str(asks)]}
    budget = {"evaluations": TOTAL, "minutes": None}
    return {**whole, **groups, **changed, "budget": budget}


def quiet() -> Progress:
    return Progress(total=TOTAL, quiet=True)


def contents(run: Run) -> list[Any]:
    """All that is stored of each candidate but when it was evaluated."""
    return [row[:7] for row in run.store._rows("SELECT * FROM candidates ORDER BY ticket")]


@pytest.fixture(scope="module")
def searched(
    server: ModelServer, asks: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Run, Path]]:
    folder = tmp_path_factory.mktemp("asked")
    cache = folder / "answers.sqlite"
    run = create(from_plain(plain(server.url, cache, asks)), folder / "run", quiet())
    evolve.run.evolve(run, quiet(), workers=1)
    finish(run, quiet(), workers=1)
    yield run, cache
    run.close()


def test_what_programs_ask_is_their_cost_and_a_measure(searched: tuple[Run, Path]) -> None:
    run, _ = searched
    stored = list(run.store.candidates())
    asked = [(c, v) for c, v in stored if "retell" in parse(c.source).blocks]
    assert len(asked) > 2
    for candidate, verdict in stored:
        asks_ = "retell" in parse(candidate.source).blocks
        assert bool(verdict["cost"].get("ask_calls")) == asks_, verdict["cost"]
        assert bool(verdict["measures"]["tokens"]) == asks_
    costs = account(run.store).costs
    assert costs["ask_calls"] == sum(v["cost"].get("ask_calls", 0) for _, v in stored) > 20
    assert costs["ask_prompt_tokens"] > 40 * costs["ask_calls"]
    assert "answers to programs" in str(account(run.store))
    head, *rows = elite_rows([(e, None) for e in run.search.state.archive.elites])
    assert head[-1] == "tokens"
    assert any(row[-1] != "0" for row in rows)


def test_operators_are_charged_for_what_their_children_ask(searched: tuple[Run, Path]) -> None:
    run, _ = searched
    expected: Counter[str] = Counter()
    characters, asked = 0, 0.0
    for folded, (candidate, verdict) in enumerate(run.store.candidates(), start=1):
        cost = verdict["cost"]
        read = cost.get("characters", 0)
        characters += read
        if candidate.parents:
            prompt, completion = (cost.get(f"ask_{k}_tokens", 0) for k in ("prompt", "completion"))
            tokens = (prompt / 4 + completion) / 1000
            asked += tokens
            for name in candidate.operator.split("+"):
                expected[name] += 0.5 + 0.5 * read * folded / characters + tokens
    assert asked > 0
    arms = run.search.state.operators.arms
    assert {name: arm.cost for name, arm in arms.items() if arm.tried} == pytest.approx(expected)


def test_its_bundles_are_verified_without_the_server(searched: tuple[Run, Path]) -> None:
    run, _ = searched
    folders = [f.parent for f in (run.folder / "archive").glob("*/program.py")]
    asked = [f for f in folders if "retell(" in (f / "program.py").read_text()]
    assert asked
    said = gamut("verify", asked[0]).stdout
    assert "made again as recorded" in said
    first = json.loads((asked[0] / "personas.jsonl").read_text().splitlines()[0])
    assert len(first["provenance"]["answers"]) == 5
    assert yaml.safe_load((asked[0] / "card.yaml").read_text())["asks_the_model"] == "tiny"
    index = json.loads((run.folder / "archive" / "index.json").read_text())
    tokens = {entry["bundle"]: entry["measures"]["tokens"] for entry in index}
    assert tokens[asked[0].name] > 0


def test_a_budget_that_runs_out_leaves_an_archive_and_a_greater_one_goes_on(
    searched: tuple[Run, Path], server: ModelServer, asks: Path, tmp_path: Path
) -> None:
    config = plain(server.url, tmp_path / "answers.sqlite", asks, calls=CALLS)
    with closing(create(from_plain(config), tmp_path / "run", quiet())) as run:
        assert evolve.run.evolve(run, quiet(), workers=1) == LEFT_BY_MODELS
        assert 0 < run.store.count() < TOTAL
        assert contents(run) == contents(searched[0])[: run.store.count()]
        assert any(entry.elite and "retell(" in entry.program.source
                   for entry in finish(run, quiet(), workers=1))  # fmt: skip
    with closing(Ledger(Limits(), tmp_path / "run" / SPENT)) as ledger:
        spent = ledger.spent()["total"]["calls"]
    assert 20 < spent <= CALLS
    file = tmp_path / "run" / "config.yaml"
    file.write_text(file.read_text().replace(f"calls: {CALLS}", "calls: 5000"))
    evolve.evaluate._evaluator.cache_clear()  # as in a new process
    with closing(open_run(tmp_path / "run", quiet())) as run:
        assert evolve.run.evolve(run, quiet(), workers=1) != LEFT_BY_MODELS
        assert contents(run) == contents(searched[0])


def test_it_needs_a_model_and_workers_of_this_machine(
    searched: tuple[Run, Path], asks: Path, tmp_path: Path
) -> None:
    config = plain("http://127.0.0.1:1/v1", tmp_path / "a.sqlite", asks)
    with pytest.raises(InputError, match=r"search\.ask=true: no model is configured"):
        from_plain({**config, "llm": {"name": "none"}})
    with pytest.raises(InputError, match=r"respondent=llm need workers on this machine"):
        evolve.run.evolve(searched[0], quiet(), workers="tcp://127.0.0.1:1")


@pytest.mark.slow
def test_workers_and_a_replay_give_the_same_archive(
    server: ModelServer, asks: Path, tmp_path: Path
) -> None:
    """Real processes; the replay's server is not there. Then its words for who lacks a model."""
    cache = tmp_path / "answers.sqlite"
    words_ = [
        f"contexts={OWN}", f"budget.evaluations={TOTAL}", "population=5", f"start=[{asks}]",
        "respondent=projection", "search.random_programs=6", "search.in_flight=4",
        "search.report_replicates=1", "search.confirm=1", "search.ask=true", "llm=server",
        "llm.model=tiny", "llm.prices=[{model: '*', input: 0, output: 0, as_of: 2026-11-01}]",
        f"llm.cache.file={cache}",
    ]  # fmt: skip
    one, two, again = (tmp_path / name for name in ("one", "two", "again"))
    here = f"llm.base_url={server.url}"
    gamut("evolve", *words_, here, f"run_dir={one}", "workers=1")
    fresh = f"llm.cache.file={tmp_path / 'fresh.sqlite'}"
    gamut("evolve", *words_[:-1], fresh, here, f"run_dir={two}", "workers=2")
    assert archive_bytes(two) == archive_bytes(one)
    asked = len(server.bodies)
    gone = ["llm.base_url=http://127.0.0.1:1/v1", "llm.cache.mode=replay"]
    gamut("evolve", *words_, *gone, f"run_dir={again}", "workers=2")
    assert archive_bytes(again) == archive_bytes(one)
    assert len(server.bodies) == asked
    spent = tmp_path / "spent"
    third = f"llm.cache.file={tmp_path / 'third.sqlite'}"
    less = [*words_[:-1], third, here, f"llm.budget.calls={CALLS}", f"run_dir={spent}", "workers=2"]
    said = gamut("evolve", *less).stderr
    assert "leaves for a search is spent" in said
    assert f"`gamut resume {spent}` goes on" in said
    config = spent / "config.yaml"
    config.write_text(config.read_text().replace(f"calls: {CALLS}", "calls: null"))
    gamut("resume", spent)
    assert archive_bytes(spent) == archive_bytes(one)
    paid = json.loads((one / "manifest.json").read_text())["llm_spent"]["ask"]
    assert paid["calls"] > 20
    bundle = next(
        f.parent
        for f in sorted((one / "archive").glob("*/program.py"))
        if "retell(" in f.read_text()
    )
    made = ["generate", bundle, "--context", OWN, "-n", "3"]
    free = "llm.prices=[{model: '*', input: 0, output: 0, as_of: 2026-11-01}]"
    priced = ["--model", "tiny", "--set", free]
    assert "asks a language model; none is configured" in gamut(*made, status=1).stderr
    said = gamut(*made, "--llm", server.url, *priced).stdout
    assert len(said.splitlines()) == 3
    assert gamut(*made, "--llm", server.url, *priced).stdout == said
