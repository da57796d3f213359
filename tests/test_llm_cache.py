"""The cache of answers: nothing is paid twice, and a replay needs no server, key or network."""

import asyncio
import json
import multiprocessing
import socket
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from model_server import (
    ABLE,
    ModelServer,
    answer,
    fine,
    says,
    serving,
    settings,
    slow,
)

from generators.errors import GamutError, InputError
from generators.llm import (
    LanguageModel,
    LLMError,
    NotRecorded,
    Reason,
    Request,
    Settings,
    chat,
)
from generators.llm.asker import Asker
from generators.llm.cache import AnswerCache
from generators.llm.messages import key_of

TOPS = [{"token": "4", "logprob": -0.1, "top_logprobs": [{"token": "4", "logprob": -0.1}]}]


def ask(text: str = "How are you?", **fields: Any) -> Request:
    return Request(**{"role": "respond", "messages": chat(text), "max_tokens": 16, **fields})


def caching(
    server: ModelServer | str, file: Path, mode: str = "readwrite", **more: Any
) -> Settings:
    return settings(server, cache={"mode": mode, "file": str(file)}, **more)


def opened(server: ModelServer | str, file: Path, mode: str = "readwrite", **more: Any) -> Any:
    session = more.pop("session", None)
    return LanguageModel(caching(server, file, mode, **more), session=session, capabilities=ABLE)


def logprobs_answer() -> dict[str, Any]:
    whole = answer("4")
    return {**whole, "choices": [{**whole["choices"][0], "logprobs": {"content": TOPS}}]}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "answers.sqlite"


def test_an_answer_is_paid_for_once(file: Path) -> None:
    request = ask(top_logprobs=5, json_schema={"type": "integer"})
    with serving(says(logprobs_answer())) as server:
        with opened(server, file) as model:
            first, again = model.ask(request), model.ask(request)
            spent = model.spent()["respond"]
        with opened(server, file) as model:
            later = model.ask(request)
        assert len(server.bodies) == 1
    assert first == again == later
    assert (first.cached, again.cached, later.cached) == (False, True, True)
    assert (spent["calls"], spent["from_cache"]) == (1, 1)
    assert later.logprobs is not None
    assert later.logprobs[0].top == (("4", -0.1),)


@pytest.mark.parametrize(
    "change",
    [
        {"messages": chat("How are you?", "You are Ann.")},
        {"max_tokens": 17},
        {"temperature": 0.1},
        {"sample": 1},
        {"top_logprobs": 5},
        {"json_schema": {"type": "string"}},
    ],
)
def test_everything_a_model_is_told_and_the_sample_are_in_the_key(change: dict[str, Any]) -> None:
    assert key_of("m", ask(), {}) != key_of("m", ask(**change), {})


def test_what_a_model_is_not_told_is_not_in_the_key() -> None:
    key = key_of("m", ask(), {})
    assert key == key_of("m", ask(role="other", lane="b", temperature=0), {})
    assert key != key_of("n", ask(), {})
    assert key != key_of("m", ask(), {"reasoning_effort": "low"})
    assert key.startswith("f499cd3dd6256428")  # another one would make recordings worthless


def test_off_keeps_nothing(file: Path) -> None:
    with serving(fine) as server, opened(server, file, "off") as model:
        model.ask(ask())
        model.ask(ask())
        assert len(server.bodies) == 2
    assert not file.exists()


def test_equal_requests_at_the_same_time_are_one_call(file: Path) -> None:
    with serving(slow(0.1)) as server, opened(server, file) as model:
        with ThreadPoolExecutor(6) as threads:
            single = list(threads.map(model.ask, [ask()] * 6))
        batch = model.ask_all([ask("b")] * 6)
        assert len(server.bodies) == 2
    assert len({outcome.text for outcome in (*single, *batch)}) == 1


def test_one_of_several_who_wait_may_leave(file: Path) -> None:
    with serving(slow(0.15)) as server, opened(server, file, "off") as model:

        async def two(asker: Asker) -> str:
            first, second = (asyncio.create_task(asker.ask(ask())) for _ in range(2))
            await asyncio.sleep(0.05)
            first.cancel()
            return (await second).text

        assert model._run(two) == "Good morning."
        assert len(server.bodies) == 1


def _ask_in_process(plain: dict[str, Any], results: Any) -> None:
    with LanguageModel(Settings.model_validate(plain), capabilities=ABLE) as model:
        outcomes = model.ask_all([ask(str(i)) for i in range(10)])
    results.put([outcome.text for outcome in outcomes])


def test_processes_share_the_file_and_do_not_pay_for_the_same(file: Path) -> None:
    method = multiprocessing.get_context("fork")  # a fresh interpreter each would take seconds
    results = method.Queue()
    with serving(slow(0.1)) as server:
        plain = caching(server, file).model_dump(mode="json")
        processes = [method.Process(target=_ask_in_process, args=(plain, results)) for _ in "ab"]
        for process in processes:
            process.start()
        found = [results.get(timeout=20) for _ in processes]
        for process in processes:
            process.join()
        assert len(server.bodies) == 10
    assert found[0] == found[1]


def test_a_claim_of_a_process_that_died_runs_out(file: Path, monkeypatch: Any) -> None:
    dead = AnswerCache(file, "s", "dead")
    assert dead.claim("k", 0.05)
    alive = AnswerCache(file, "s", "alive")
    assert not alive.claim("k", 1)
    threading.Event().wait(0.06)
    assert alive.claim("k", 1)
    assert not dead.claim("k", 1)
    alive.release("k")
    assert dead.claim("k", 1)


def test_the_first_outcome_that_is_kept_stays(file: Path) -> None:
    with (
        serving(says(answer("one")), says(answer("two"))) as server,
        opened(server, file, "off") as model,
    ):
        one, two = model.ask(ask()), model.ask(ask())
    cache = AnswerCache(file, "s", "o")
    assert cache.keep("k", "m", {}, one, "r") == one
    assert cache.keep("k", "m", {}, two, "r") == one
    assert cache.find("k", "r") == one
    cache.close()


# ---- missing answers


def test_a_refusal_is_kept_as_a_refusal(file: Path) -> None:
    with serving(says(answer(""))) as server:
        for _ in range(2):
            with opened(server, file) as model:
                (outcome,) = model.ask_all([ask()])
                assert isinstance(outcome, LLMError)
                assert outcome.reason is Reason.EMPTY
        assert len(server.bodies) == 1


def test_a_failure_that_may_pass_is_final_for_its_session_alone(file: Path) -> None:
    with serving(*[says("ill", 500)] * 3, fine) as server:
        for _ in range(2):
            with opened(server, file, session="a") as model:
                (outcome,) = model.ask_all([ask()])
                assert isinstance(outcome, LLMError)
        assert len(server.bodies) == 3
        with opened("http://127.0.0.1:9/v1", file, "replay") as model:
            (replayed,) = model.ask_all([ask()])
            assert model.spent()["respond"]["missing"] == {"server error": 1}
        assert isinstance(replayed, LLMError)
        assert str(replayed) == str(outcome)
        with opened(server, file, session="b") as model:
            assert model.ask(ask()).text == "Good morning."


# ---- replay


def test_replay_needs_no_key_no_price_and_no_network(file: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("SOME_KEY", "sk-1")
    with serving(fine) as server, opened(server, file, key_env="SOME_KEY") as model:
        recorded = model.ask(ask())
        model._run(_keep)
    monkeypatch.delenv("SOME_KEY")

    def forbidden(*_: Any, **__: Any) -> None:
        raise AssertionError("a socket was opened")

    file.chmod(0o444)
    with opened("https://model.example/v1", file, "replay", key_env="SOME_KEY", prices=[]) as model:
        model.estimate([])  # its event loop has a pair of sockets to wake it by
        monkeypatch.setattr(socket.socket, "connect", forbidden)
        monkeypatch.setattr(socket, "getaddrinfo", forbidden)
        assert model.ask(ask()) == recorded
        assert model.ask_all([ask(), ask()]) == [recorded, recorded]
    with LanguageModel(caching("https://model.example/v1", file, "replay")) as model:
        assert model.capabilities() == ABLE
    assert [path.name for path in file.parent.iterdir()] == [file.name]


async def _keep(asker: Asker) -> None:
    assert asker._cache is not None
    asker._cache.keep_capabilities("tiny", ABLE.plain())


def test_replay_names_what_is_not_recorded(file: Path) -> None:
    with serving(fine) as server, opened(server, file) as model:
        model.ask(ask())
    unknown = ask("Tell me of the sea. " * 20, sample=3)
    with opened("http://127.0.0.1:9/v1", file, "replay") as model:
        with pytest.raises(NotRecorded) as caught:
            model.ask_all([ask(), unknown])
        with pytest.raises(NotRecorded, match="what tiny is able to do"):
            LanguageModel(model.settings).capabilities()
    key = key_of("tiny", unknown, {})
    for part in (str(file), "respond", "tiny", key, "sample 3", "Tell me of the sea. Tell me"):
        assert part in str(caught.value)
    with pytest.raises(InputError, match="no recorded answers here"):
        opened("http://127.0.0.1:9/v1", file.with_name("other"), "replay").ask(ask())


def test_replay_sees_what_a_process_has_not_yet_folded_into_the_file(file: Path) -> None:
    with serving(fine) as server, opened(server, file) as writing:
        writing.ask(ask())
        assert file.with_name(file.name + "-wal").exists()
        with opened("http://127.0.0.1:9/v1", file, "replay") as model:
            assert model.ask(ask()).text == "Good morning."


# ---- the file


def test_the_file_is_json_text(file: Path) -> None:
    with serving(fine) as server, opened(server, file) as model:
        model.ask(ask())
    rows = sqlite3.connect(file).execute("SELECT * FROM answers").fetchall()
    ((key, name, request, outcome, session),) = rows
    assert (key, name, session) == (key_of("tiny", ask(), {}), "tiny", None)
    assert json.loads(request) == {**ask().wire(), "sample": 0}
    assert json.loads(outcome)["text"] == "Good morning."


def test_a_file_that_cannot_be_used_is_an_error(file: Path) -> None:
    file.write_text("no database at all, but long enough to look at")
    with pytest.raises(GamutError, match="cannot be used as a cache of answers"):
        opened("http://127.0.0.1:9/v1", file).ask(ask())
    other = file.with_name("other.sqlite")
    sqlite3.connect(other).execute("CREATE TABLE t (a)")
    with pytest.raises(InputError, match="no cache of answers, or one of another version"):
        opened("http://127.0.0.1:9/v1", other).ask(ask())


def test_a_damaged_answer_is_named(file: Path) -> None:
    with serving(fine) as server, opened(server, file) as model:
        model.ask(ask())
        with sqlite3.connect(file) as db:
            db.execute("UPDATE answers SET outcome = '{}'")
        with pytest.raises(GamutError, match="is damaged"):
            model.ask(ask())
