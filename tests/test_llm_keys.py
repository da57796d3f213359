"""A key shows up nowhere: no log, cache, error, repr, traceback, pickle or configuration."""

import logging
import pickle
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from model_server import ABLE, FREE, QUICK, Handler, answer, hangs_up, says, serving, settings

from generators.errors import GamutError, InputError
from generators.llm import (
    Answer,
    LanguageModel,
    LLMError,
    Request,
    ServerRefuses,
    chat,
    settings_from,
)
from generators.llm.keys import Key

KEY = "sk-very/secret\\0123"
ESCAPED = [KEY, KEY.replace("\\", "\\\\"), "sk-very\\/secret\\u005c0123"]


def ask(text: str = "How are you?") -> Request:
    return Request("respond", chat(text), max_tokens=16)


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_TEST_KEY", KEY)


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.DEBUG):
        for name in ("openai", "httpx2", "httpcore2", "asyncio"):
            logging.getLogger(name).setLevel(logging.DEBUG)
        yield caplog
        for name in ("openai", "httpx2", "httpcore2", "asyncio"):
            logging.getLogger(name).setLevel(logging.NOTSET)


def hides(text: str | bytes) -> bool:
    """Whether no form of the key is in a text."""
    if isinstance(text, bytes):
        return all(form.encode() not in text for form in ESCAPED)
    return all(form not in text for form in ESCAPED)


def echo(status: int, body: Any) -> Any:
    """A server that sends the key back wherever it can."""

    def behave(handler: Handler, _: dict[str, Any]) -> None:
        assert handler.headers["authorization"] == f"Bearer {KEY}"
        handler.send(body, status, x_echo=KEY, www_authenticate=KEY)

    return behave


ESCAPES = '{"error": {"message": "Incorrect API key: sk-very\\/secret\\u005c0123"}}'
SERVERS = {
    "refuses": (401, {"error": {"message": f"Incorrect API key: {KEY}", "code": KEY}}),
    "refuses with escapes": (401, ESCAPES),
    "is ill": (500, f"<html>{KEY}</html>"),
    "rejects": (400, {"error": {"message": KEY}}),
    "errs inside 200": (200, {"error": {"message": KEY, KEY: KEY}}),
    "errs inside 200 with escapes": (200, ESCAPES),
    "answers": (200, answer(f"Your key is {KEY}.", model=KEY)),
    "answers in HTML": (200, f"<html>{KEY}</html>"),
    "refuses in words": (200, answer(None, choices=[{"message": {"refusal": KEY}}])),
}


@pytest.mark.parametrize("name", SERVERS)
def test_a_key_shows_up_nowhere_even_if_the_server_echoes_it(
    name: str, tmp_path: Path, everything_logged: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "answers.sqlite"
    shown: list[str] = []
    with serving(echo(*SERVERS[name])) as server:
        chosen = settings(server, key_env="LLM_TEST_KEY", cache={"file": str(file)})
        ledger = tmp_path / "ledger.sqlite"
        with LanguageModel(chosen, capabilities=ABLE, ledger=ledger) as model:
            try:
                outcome: Any = model.ask(ask())
            except GamutError as error:
                outcome = error
                shown += traced(error)
            shown += [str(outcome), repr(outcome), repr(model), repr(vars(model)), repr(chosen)]
            assert hides(pickle.dumps(model))
            assert hides(pickle.dumps(outcome))
            for path in tmp_path.iterdir():
                assert hides(path.read_bytes()), path
        for path in tmp_path.iterdir():
            assert hides(path.read_bytes()), path
    assert isinstance(outcome, Answer | LLMError | ServerRefuses)
    assert all(hides(text) for text in shown)
    assert hides(everything_logged.text)


def traced(error: BaseException) -> list[str]:
    """Its traceback with all local variables, those of what it came from too; and its context."""
    found = traceback.TracebackException.from_exception(error, capture_locals=True)
    assert error.__context__ is None
    assert error.__cause__ is None
    return ["".join(found.format()), repr(error.args)]


def test_a_key_is_in_no_error_of_a_broken_connection(
    everything_logged: pytest.LogCaptureFixture,
) -> None:
    with (
        serving(hangs_up) as server,
        LanguageModel(
            settings(server, key_env="LLM_TEST_KEY", retries=QUICK), capabilities=ABLE
        ) as model,
        pytest.raises(LLMError) as caught,
    ):
        model.ask(ask())
    assert all(hides(text) for text in traced(caught.value))
    assert hides(everything_logged.text)


def test_a_key_that_is_not_there_is_told_by_the_name_of_its_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for value in ("", " \n"):
        monkeypatch.setenv("LLM_TEST_KEY", value)
        with pytest.raises(InputError, match="LLM_TEST_KEY: this environment variable is not set"):
            LanguageModel(settings("http://127.0.0.1:9/v1", key_env="LLM_TEST_KEY"))
    monkeypatch.setenv("LLM_TEST_KEY", "sk-1\nX-Evil: 1")
    with pytest.raises(InputError, match="cannot be a key") as caught:
        LanguageModel(settings("http://127.0.0.1:9/v1", key_env="LLM_TEST_KEY"))
    assert "sk-1" not in str(caught.value)


@pytest.mark.parametrize(
    "given",
    [
        {"key_env": KEY},
        {"api_key": KEY},
        {"base_url": f"http://me:{KEY}@127.0.0.1/v1"},
        {"base_url": f"http://me:{KEY}"},
        {"base_url": f"http://127.0.0.1/v1?key={KEY}"},
    ],
)
def test_a_key_in_the_configuration_is_refused_and_not_repeated(given: dict[str, str]) -> None:
    plain = {"name": "server", "base_url": "http://127.0.0.1/v1", "model": "m", "prices": [FREE]}
    with pytest.raises(InputError, match=r"llm\.(key_env|base_url|api_key)") as caught:
        settings_from({**plain, **given})
    assert hides("".join(traceback.format_exception(caught.value)))


def test_a_server_without_a_key_gets_none_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_ADMIN_KEY"):
        monkeypatch.setenv(name, KEY)
    with serving(says(answer())) as server:
        with LanguageModel(settings(server), capabilities=ABLE) as model:
            model.ask(ask())
        assert all(KEY not in value for value in server.headers[0].values())


def test_a_key_hides_itself() -> None:
    held = Key(KEY)
    assert hides(f"{held} {held!r} {vars(held)}")
    with pytest.raises((AttributeError, TypeError, pickle.PicklingError)):
        pickle.dumps(held)
    assert held.out_of({"a": [KEY, {KEY: 1}], "b": 2}) == {"a": ["[key]", {"[key]": 1}], "b": 2}
