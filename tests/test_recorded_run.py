"""A search whose programs a real model wrote is replayed from its answers, without a server."""

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from small_run import ROOT, run


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    yield importlib.import_module("recorded_run")
    for name in ("recorded_run", "recordings"):
        sys.modules.pop(name)


def test_the_recorded_run_is_replayed_to_the_same_archive(recorded: Any, tmp_path: Path) -> None:
    expected = json.loads(recorded.EXPECTED.read_text("utf-8"))
    if recorded.vectors() != expected["vectors"]:
        pytest.skip("recorded on a processor whose vectors differ in their last bits")
    with importlib.import_module("recordings").unpacked(recorded.ANSWERS) as answers:
        words = recorded.words(tmp_path / "run", answers, expected["model"])
        run(*words, "llm.base_url=http://127.0.0.1:1/v1", "llm.cache.mode=replay")
    assert recorded.checksums(tmp_path / "run") == expected["archive"]
    spent = json.loads((tmp_path / "run" / "manifest.json").read_text())["llm_spent"]["total"]
    assert spent["calls"] == 0
    index = json.loads((tmp_path / "run" / "archive" / "index.json").read_text())
    assert any(elite["operator"].startswith("llm:") for elite in index)
