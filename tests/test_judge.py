"""The judge: a model that cannot order the anchors judges nobody, and leads are paired."""

import importlib
import math
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from model_server import answer, says, serving
from small_run import ROOT

from generators.baselines import baseline

FOUR = {
    "content": [{"token": "4", "logprob": -0.1, "top_logprobs": [{"token": "4", "logprob": -0.1}]}]
}


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    yield importlib.import_module("judge")
    sys.modules.pop("judge")


def test_a_model_that_always_agrees_cannot_judge(
    judge: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply = answer("4")
    reply["choices"][0]["logprobs"] = FOUR
    bundle = SimpleNamespace(program=baseline("corners"))
    monkeypatch.setattr(judge, "read_bundle", lambda _: bundle)
    with serving(says(reply)) as server:
        words = ["bundle", "--llm", server.url, "--model", "tiny"]
        words += ["--set", "llm.prices=[{model: '*', input: 0, output: 0, as_of: 2026-11-01}]"]
        words += ["--answers", str(tmp_path / "answers.sqlite")]
        monkeypatch.setattr(sys, "argv", ["judge.py", *words])
        with pytest.raises(SystemExit, match="cannot judge"):
            judge.main()


def test_leads_are_over_the_contexts_that_both_have(judge: Any) -> None:
    def credited(**values: float) -> dict[str, dict[str, float]]:
        return {
            context: {"credited": value, "pairs": 0.5, "as_read": 0.5, "fidelity": math.nan}
            for context, value in values.items()
        }

    found = {"winner": credited(a=0.4, b=0.3, c=0.9), "rival": credited(a=0.3, b=0.2)}
    assert judge.lead(found, "rival", "credited") == "+0.100 [+0.100, +0.100]"
    assert judge.lead(found, "rival", "fidelity") == ""
    assert "rival" in judge.table(found)
