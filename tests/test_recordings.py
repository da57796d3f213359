"""Packed answers: small, and read as the file that they were packed from."""

import importlib
import math
import sys
from pathlib import Path
from typing import Any

import pytest
from model_server import answer, says, serving, settings
from small_run import ROOT

from fitness.respondents.llm.questions import Question
from generators.llm import LanguageModel, NotRecorded, Request, chat

WORDS = ["4", "5", " 3", "I", "2 or 3"]
TOP = [{"token": word, "logprob": -0.123456789 - place} for place, word in enumerate(WORDS)]
LOGPROBS = {"content": [{"token": "4", "logprob": -0.123456789, "top_logprobs": TOP}]}


@pytest.fixture
def recordings(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    yield importlib.import_module("recordings")
    sys.modules.pop("recordings")


def test_a_packed_file_is_replayed(recordings: Any, tmp_path: Path) -> None:
    file, packed = tmp_path / "answers.sqlite", tmp_path / "answers.sqlite.xz"
    reply = answer("4")
    reply["choices"][0]["logprobs"] = LOGPROBS
    item = Question("I keep bees.", "I like honey.", False, "0").request(20, 0)
    other = Request("mutate", chat("Change it."), 50)
    with serving(says(reply)) as server, LanguageModel(_cached(server, file)) as model:
        first, second = model.ask(item), model.ask(other)
    assert recordings.pack(file, packed) == 2
    assert packed.stat().st_size < file.stat().st_size / 3
    with (
        recordings.unpacked(packed) as there,
        LanguageModel(_cached("http://127.0.0.1:1/v1", there, "replay")) as model,
    ):
        again = model.ask(item)
        assert model.ask(other).text == second.text
        assert again.usage == first.usage
        with pytest.raises(NotRecorded):
            model.ask(Request("mutate", chat("Change it again."), 50))
    question = Question("", "", False, "0")
    assert math.isclose(question.value(again), question.value(first), abs_tol=1e-4)
    assert [token for token, _ in again.logprobs[0].top] == ["4", "5", " 3"]
    assert not there.exists()


def _cached(server: Any, file: Path, mode: str = "readwrite") -> Any:
    return settings(server, cache={"mode": mode, "file": str(file)})
