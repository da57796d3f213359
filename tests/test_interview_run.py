"""A search whose personas a language model reads, as real processes: it keeps to its budget, and
keeps enough of it back for an archive."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from model_server import FREE, Handler, ModelServer, answer, serving
from small_run import OWN
from small_run import run as gamut
from test_llm_respondent import anchor_opinion, digits, logprobs, persona

from generators.context import load_context

CALLS = 3000
SEARCH = [
    f"contexts={OWN}", "budget.evaluations=30", "population=5", "search.random_programs=4",
    "search.in_flight=2", "search.report_replicates=1", "respondent=llm", "llm=server",
    "llm.model=tiny", f"llm.prices=[{json.dumps(FREE).replace(chr(34), '')}]",
]  # fmt: skip


def reader(text: str, item: str) -> float:
    """Agrees with the items of the pole whose signs the persona shows."""
    axes = load_context(OWN).axes
    keys = {i.text: (a, i.key) for a in axes for i in (a.hidden.items if a.hidden else ())}
    if item not in keys:
        return anchors(text, item) or 0.0
    axis, key = keys[item]
    high, low = (sum(told(sign) in text for sign in signs)
                 for signs in (axis.signs.high, axis.signs.low))  # fmt: skip
    return 0.5 + key * 0.5 * (high - low) / max(high + low, 1)


def told(sign: str) -> str:
    """What of a sign is in every text that shows it, whoever tells it."""
    return sign.partition(" ")[2].rstrip(".")


anchors, answers = anchor_opinion(1.0), persona(reader)


def behave(handler: Handler, body: dict[str, Any]) -> None:
    """As `persona`, and gives log-probabilities when it is probed, too."""
    if len(body["messages"]) > 1 or not body.get("logprobs"):
        answers(handler, body)
        return
    said = answer("4")
    said["choices"][0]["logprobs"] = logprobs(digits(0.75))
    handler.send(said)


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with serving(behave) as server:
        yield server


def budget(server: ModelServer, run: Path, calls: int) -> list[str]:
    """Where the run and its model are, and how often it may be called; no answers of other runs."""
    words = [f"run_dir={run}", f"llm.base_url={server.url}", f"llm.budget.calls={calls}"]
    return [*words, "llm.cache.mode=off"]


def test_a_search_read_by_a_model_ends_by_its_budget_with_an_archive(
    server: ModelServer, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    said = gamut("evolve", *SEARCH, *budget(server, run, CALLS))
    assert "leaves for a search is spent: raise the limit under llm: budget: in" in said.stderr
    manifest = json.loads((run / "manifest.json").read_text())
    assert CALLS / 2 < manifest["llm_spent"]["total"]["calls"] <= CALLS
    index = json.loads((run / "archive" / "index.json").read_text())
    assert 0 < max(entry["ticket"] for entry in index) < 30
    best = run / "archive" / next(entry["bundle"] for entry in index if entry["best"])
    card = yaml.safe_load((best / "card.yaml").read_text())
    assert card["read_by_the_model"] == "tiny"
    assert card["rare_combination_coverage"]["credited"]["mean"] > 0


def test_a_budget_that_does_not_pay_for_the_end_is_refused(
    server: ModelServer, tmp_path: Path
) -> None:
    said = gamut("evolve", *SEARCH, *budget(server, tmp_path / "run", 1000), status=2).stderr
    assert "llm.budget.calls=1000: 8" in said
    assert "one candidate and the end of the run take about" in said


def test_a_budget_that_runs_out_while_calibrating_says_how_to_go_on(
    server: ModelServer, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    said = gamut("evolve", *SEARCH, *budget(server, run, 600), status=1).stderr
    assert "llm.budget.calls=600 is spent" in said
    assert f"`gamut resume {run}` goes on" in said
