"""The client as its users hold it: probe, wire, processes, interruption, closing, imports."""

import json
import pickle
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from model_server import (
    ABLE,
    Behaviour,
    Handler,
    ModelServer,
    answer,
    fine,
    says,
    serving,
    settings,
    slow,
    stalls,
)

from generators.errors import GamutError, InputError
from generators.llm import (
    Capabilities,
    LanguageModel,
    LLMError,
    Reason,
    Request,
    ServerDown,
    chat,
)

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}


def ask(text: str = "How are you?", **fields: Any) -> Request:
    return Request(**{"role": "respond", "messages": chat(text), "max_tokens": 16, **fields})


# ---- the probe


def capable(**without: Any) -> Behaviour:
    """A server with all features but those named: refused with a 400, or left out."""

    def behave(handler: Handler, body: dict[str, Any]) -> None:
        refused = [name for name in without.get("refuses", ()) if name in body]
        if refused:
            handler.send({"error": {"message": f"unknown field {refused[0]}"}}, 400)
            return
        if body.get("top_logprobs", 0) > without.get("most", 100):
            handler.send({"error": {"message": "top_logprobs is too high"}}, 400)
            return
        text = "4" if body["messages"][0]["role"] == "user" else f"and so {body.get('seed')}"
        if "response_format" in body:
            text = '{"colour": "red"}'
        usage = {"prompt_tokens": 80, "completion_tokens": 4}
        usage["prompt_tokens_details"] = {"cached_tokens": 64}  # type: ignore[assignment]
        top = [{"token": "4", "logprob": -0.1}, {"token": "5", "logprob": -3.0}]
        logprobs = {"content": [{"token": "4", "logprob": -0.1, "top_logprobs": top}]}
        whole = answer(text, usage=None if "usage" in without.get("lacks", ()) else usage)
        if "logprobs" in body and "logprobs" not in without.get("lacks", ()):
            whole["choices"][0]["logprobs"] = logprobs
        handler.send(whole)

    return behave


def listed(server: ModelServer, **fields: Any) -> None:
    server.pages["/v1/models"] = {"data": [{"id": "tiny", **fields}, {"id": "other"}]}


def probed(behaviour: Behaviour, **fields: Any) -> Capabilities:
    with serving(behaviour) as server:
        listed(server, **fields)
        with LanguageModel(settings(server)) as model:
            found = model.capabilities()
            assert model.capabilities() is found  # looked at once
            assert set(model.spent()) == {"probe", "total"}
    assert Capabilities.from_plain(json.loads(json.dumps(found.plain()))) == found
    return found


def test_a_server_that_can_do_everything() -> None:
    found = probed(capable(), max_model_len=4096)
    assert found.plain()["fallbacks"] == {}
    assert (found.json_schema, found.top_logprobs, found.seed, found.usage) == (
        True,
        20,
        True,
        True,
    )
    assert (found.context_length, found.prompt_caching, found.listed) == (4096, True, True)
    assert found.seed_repeats
    assert found.latency > 0


def test_what_is_missing_is_said_with_what_is_done_instead() -> None:
    refuses = ("logprobs", "seed", "response_format", "temperature")
    found = probed(capable(refuses=refuses, lacks=("usage",)))
    assert set(found.plain()["fallbacks"]) == {
        "json_schema", "top_logprobs", "seed", "temperature", "usage", "context_length",
        "prompt_caching",
    }  # fmt: skip
    assert not found.seed_repeats


def test_logprobs_that_are_taken_but_not_given_are_missing_and_fewer_are_fewer() -> None:
    assert probed(capable(lacks=("logprobs",))).top_logprobs == 0
    assert probed(capable(most=5)).top_logprobs == 5


def test_a_model_that_thinks_first_gets_room_for_it() -> None:
    def thinks(handler: Handler, body: dict[str, Any]) -> None:
        if body["max_tokens"] < 1000:
            whole = answer("")
            whole["choices"][0]["finish_reason"] = "length"
            handler.send(whole)
        else:
            capable()(handler, body)

    assert probed(thinks).top_logprobs == 20


def test_the_probe_is_made_before_the_first_call_and_its_end_is_the_call_s() -> None:
    with serving(capable()) as server, LanguageModel(settings(server)) as model:
        model.ask_all([ask(str(i)) for i in range(3)])
        assert len(server.bodies) == 5 + 3
    ill = says("ill", 500)
    with (
        serving(ill) as server,
        LanguageModel(settings(server)) as model,
        pytest.raises(ServerDown, match=r"the probe of tiny failed.*ill"),
    ):
        model.ask_all([ask(str(i)) for i in range(3)])


def test_a_server_that_takes_any_name_must_have_the_model_that_is_named() -> None:
    with serving(capable()) as server, LanguageModel(settings(server, model="big")) as model:
        listed(server)
        server.pages["/props"] = {"default_generation_settings": {"n_ctx": 2048}}
        with pytest.raises(InputError, match="another one: other, tiny"):
            model.ask(ask())
        assert server.bodies == []


# ---- what is sent


def sent(able: Capabilities, request: Request, **changes: Any) -> dict[str, Any]:
    with (
        serving(says(answer('{"a": 1}'))) as server,
        LanguageModel(settings(server, **changes), capabilities=able) as model,
    ):
        model.ask(request)
    (body,) = server.bodies
    return body


def test_a_request_on_the_wire() -> None:
    request = ask(temperature=0.7, top_logprobs=50, json_schema=SCHEMA)
    body = sent(ABLE, request, extra={"reasoning_effort": "low"})
    assert body.pop("seed") >= 0
    assert body == {
        "model": "tiny",
        "messages": [{"role": "user", "content": "How are you?"}],
        "max_tokens": 16,
        "temperature": 0.7,
        "logprobs": True,
        "top_logprobs": 20,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True},
        },
        "reasoning_effort": "low",
    }
    assert "max_tokens" not in sent(ABLE, request, limit_field="max_completion_tokens")


def test_a_request_on_the_wire_to_a_server_that_can_do_little() -> None:
    little = replace(ABLE, json_schema=False, top_logprobs=0, seed=False, temperature=False)
    request = ask(temperature=0.7, top_logprobs=50, json_schema=SCHEMA)
    body = sent(little, request)
    assert set(body) == {"model", "messages", "max_tokens"}
    assert json.dumps(SCHEMA) in body["messages"][0]["content"]


def test_samples_have_seeds_of_their_own_and_logprobs_stay_away_where_not_asked_for() -> None:
    bodies = [sent(ABLE, ask(sample=i)) for i in range(3)]
    assert len({body["seed"] for body in bodies}) == 3
    assert all("logprobs" not in body for body in bodies)


def test_a_prompt_that_cannot_fit_is_not_sent() -> None:
    small = replace(ABLE, context_length=100)
    with serving(fine) as server, LanguageModel(settings(server), capabilities=small) as model:
        (outcome,) = model.ask_all([ask("word " * 1000)])
        assert isinstance(outcome, LLMError)
        assert outcome.reason is Reason.TOO_LONG
        assert server.bodies == []


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"messages": ()}, "no messages"),
        ({"messages": [("judge", "a")]}, "a message from 'judge'"),
        ({"messages": chat("\ud800")}, "not Unicode"),
        ({"max_tokens": 0}, "max_tokens=0"),
        ({"max_tokens": 2.0}, "max_tokens=2.0"),
        ({"temperature": float("nan")}, "temperature=nan"),
        ({"sample": -1}, "sample=-1"),
        ({"top_logprobs": 0}, "top_logprobs=0"),
        ({"json_schema": {"a": {1}}}, "json_schema is not plain JSON"),
    ],
)
def test_a_request_that_no_server_could_take_is_refused(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match="a request of the role 'respond'") as caught:
        ask(**fields)
    assert said in str(caught.value)


def test_text_that_cannot_be_written_is_mended() -> None:
    with (
        serving(says('{"choices": [{"message": {"content": "a\\ud800b"}}]}')) as server,
        LanguageModel(settings(server), capabilities=ABLE) as model,
    ):
        found = model.ask(ask())
    assert found.text == "a\ufffdb"
    assert (found.finish, found.model, found.usage.counted_here) == ("unknown", "", True)


# ---- threads, processes, the end


def test_many_threads_may_ask() -> None:
    with serving(fine) as server, LanguageModel(settings(server), capabilities=ABLE) as model:
        with ThreadPoolExecutor(8) as threads:
            found = list(threads.map(lambda i: model.ask(ask(str(i))).text, range(40)))
        assert len(found) == len(server.bodies) == 40


def test_a_model_is_sent_to_another_process(tmp_path: Path) -> None:
    with serving(fine) as server:
        chosen = settings(server, budget={"calls": 2})
        ledger = tmp_path / "ledger.sqlite"
        with LanguageModel(chosen, capabilities=ABLE, ledger=ledger, session="run") as model:
            model.ask(ask("a"))
            with pickle.loads(pickle.dumps(model)) as other:
                assert other.session == "run"
                other.ask(ask("b"))
                assert other.spent()["total"]["calls"] == 2
            assert model.spent()["total"]["calls"] == 2
        with (
            LanguageModel(chosen, capabilities=ABLE) as model,
            pytest.raises(GamutError, match="ledger in a file"),
        ):
            pickle.dumps(model)


def test_closing_ends_what_is_on_its_way_and_says_so() -> None:
    with serving(stalls) as server:
        model = LanguageModel(settings(server), capabilities=ABLE)
        with ThreadPoolExecutor(1) as threads:
            waiting = threads.submit(model.ask_all, [ask("a"), ask("b")])
            while len(server.bodies) < 2:
                time.sleep(0.01)
            model.close()
            with pytest.raises(GamutError, match="closed while it was asked"):
                waiting.result(timeout=5)
    spent = model.spent()["respond"]
    assert (spent["calls"], spent["completion_tokens"]) == (2, 32)  # they may have been answered
    with pytest.raises(GamutError, match="is closed"):
        model.ask(ask())
    model.close()


def test_an_interrupted_question_is_given_up() -> None:
    script = f"""
import os, signal, sys, threading, time
sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "tests")!r}]
from model_server import ABLE, serving, settings, stalls
from generators.llm import LanguageModel, Request, chat
with serving(stalls) as server:
    model = LanguageModel(settings(server), capabilities=ABLE)

    def interrupt():
        while not server.bodies:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    try:
        with model:
            model.ask(Request("respond", chat("How?"), 16))
    except KeyboardInterrupt:
        print(model.spent()["total"]["calls"])
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=30
    )
    assert (done.stdout, done.stderr) == ("1\n", "")


def test_no_http_client_is_imported_before_a_call() -> None:
    script = """
import sys
import evolve.cli, generators.llm
from generators.llm import LanguageModel, Request, Settings, chat
heavy = {"openai", "httpx2", "httpx", "xllamacpp"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
price = {"model": "*", "input": 0, "output": 0, "as_of": "2026-11-01"}
given = {"base_url": "http://127.0.0.1:9/v1", "model": "m", "prices": [price]}
with LanguageModel(Settings.model_validate({**given, "cache": {"mode": "off"}})) as model:
    model.estimate([(Request("r", chat("a"), 5), 3)])
assert not heavy & set(sys.modules), heavy & set(sys.modules)
from evolve.commands import machine, models
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_slow_is_not_failing() -> None:
    with serving(slow(0.05)) as server, LanguageModel(settings(server), capabilities=ABLE) as model:
        done = threading.Event()
        threading.Thread(target=lambda: (model.ask(ask()), done.set())).start()
        assert done.wait(5)
        assert model.spent()["respond"]["retries"] == 0
