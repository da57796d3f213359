"""The client against a server that misbehaves: a missing answer has a reason and never a value."""

import time
from email.utils import formatdate
from typing import Any

import pytest
from model_server import (
    ABLE,
    QUICK,
    Behaviour,
    Handler,
    answer,
    endless,
    fine,
    half_closes,
    hangs_up,
    says,
    serving,
    settings,
    slow,
    stalls,
)  # fmt: skip

from generators.llm import (
    Answer,
    LanguageModel,
    LLMError,
    Reason,
    Request,
    ServerDown,
    ServerRefuses,
    chat,
)  # fmt: skip

HTML = "<html><body>502 Bad Gateway</body></html>"
OBJECT = {"type": "object", "properties": {"a": {"type": "integer"}}}


def ask(text: str = "How are you?", **fields: Any) -> Request:
    return Request(**{"role": "respond", "messages": chat(text), "max_tokens": 16, **fields})


def choice(**fields: Any) -> dict[str, Any]:
    """A reply whose one choice has these fields."""
    whole = answer()
    return {**whole, "choices": [{**whole["choices"][0], **fields}]}


def failing(*behaviours: Behaviour, request: Request | None = None, **changes: Any) -> Any:
    """What the client makes of a server that always behaves so: the error, requests, account."""
    with serving(*behaviours) as server:
        with LanguageModel(settings(server, **changes), capabilities=ABLE) as model:
            (outcome,) = model.ask_all([request or ask()])
        assert isinstance(outcome, LLMError)
        assert model.spent()["respond"]["missing"] == {outcome.reason.value: 1}
        return outcome, len(server.bodies), model.spent()["respond"]


PASSING = {
    "stalled": (stalls, Reason.TIMEOUT, "no whole answer within"),
    "half-closed": (half_closes, Reason.CONNECTION, "RemoteProtocolError"),
    "hung up": (hangs_up, Reason.CONNECTION, "Error"),
    "HTML with 200": (says(HTML, kind="text/html"), Reason.MALFORMED, "502 Bad Gateway"),
    "truncated": (says('{"choices": [{"mess'), Reason.MALFORMED, '{"choices"'),
    "endless": (endless, Reason.MALFORMED, "more than 8,000,000 bytes"),
    "deep": (says("[" * 100_000), Reason.MALFORMED, "no JSON"),
    "a list": (says([1]), Reason.MALFORMED, "no object"),
    "no choices": (says(answer(choices=[])), Reason.NO_CHOICE, "empty list"),
    "choices: 3": (says(answer(choices=3)), Reason.MALFORMED, "no list of choices"),
    "no message": (says(answer(choices=[{"text": "a"}])), Reason.MALFORMED, "without a message"),
    "content: 5": (says(choice(message={"content": 5})), Reason.MALFORMED, "no text"),
    "error in 200": (says({"error": {"message": "oops"}}), Reason.SERVER_ERROR, "oops"),
    "429 in 200": (says({"error": {"code": 429, "message": "wait"}}), Reason.RATE_LIMIT, "wait"),
    "error in choice": (says(choice(error={"message": "half"})), Reason.SERVER_ERROR, "half"),
    "500": (says("ill", 500, "text/plain"), Reason.SERVER_ERROR, "status 500: ill"),
    "503": (says({"error": {"message": "Loading model"}}, 503), Reason.SERVER_ERROR, "Loading"),
    "429": (says({}, 429), Reason.RATE_LIMIT, "429"),
}  # fmt: skip


@pytest.mark.parametrize("name", PASSING)
def test_what_may_pass_is_tried_again_and_then_missing(name: str) -> None:
    behaviour, reason, said = PASSING[name]
    changes = {"timeout": 0.2, "retries": {**QUICK, "attempts": 2}} if name == "stalled" else {}
    error, requests, account = failing(behaviour, **changes)
    assert error.reason is reason
    assert said in str(error)
    assert error.role == "respond"
    tries = 2 if name == "stalled" else 3
    assert (requests, account["calls"], account["retries"]) == (tries, tries, tries - 1)


LASTING = {
    "refusal": (choice(message={"content": None, "refusal": "I won't."}), 200, Reason.REFUSAL),
    "filtered": (choice(finish_reason="content_filter"), 200, Reason.REFUSAL),
    "filter's 400": ({"error": {"code": "content_filter", "message": "no"}}, 400, Reason.REFUSAL),
    "empty": (choice(message={"content": ""}), 200, Reason.EMPTY),
    "null": (choice(message={"content": None}), 200, Reason.EMPTY),
    "spaces": (choice(message={"content": " \n "}), 200, Reason.EMPTY),
    "too long": ({"error": {"type": "exceed_context_size_error"}}, 400, Reason.TOO_LONG),
    "too large": ("Payload Too Large", 413, Reason.TOO_LONG),
    "bad field": ({"error": {"message": "unknown field"}}, 400, Reason.REJECTED),
}


@pytest.mark.parametrize("name", LASTING)
def test_what_will_not_pass_is_asked_once(name: str) -> None:
    body, status, reason = LASTING[name]
    error, requests, account = failing(says(body, status))
    assert error.reason is reason
    assert (requests, account["retries"]) == (1, 0)


def test_an_answer_to_a_schema_must_be_json() -> None:
    request = ask(json_schema=OBJECT)
    error, requests, _ = failing(says(answer('{"a": 1')), request=request)
    assert error.reason is Reason.NOT_JSON
    assert requests == 1
    with (
        serving(says(answer('```json\n{"a": 7}\n```'))) as server,
        LanguageModel(settings(server), capabilities=ABLE) as model,
    ):
        assert model.ask(request).json == {"a": 7}


def test_ask_raises_what_ask_all_gives() -> None:
    with (
        serving(says(answer(""))) as server,
        LanguageModel(settings(server), capabilities=ABLE) as model,
        pytest.raises(LLMError, match=r"no answer for respond \(empty\)"),
    ):
        model.ask(ask())


def test_one_missing_answer_leaves_the_others() -> None:
    def behave(handler: Handler, body: dict[str, Any]) -> None:
        text = body["messages"][0]["content"]
        handler.send(answer("" if text == "2" else text))

    with serving(behave) as server, LanguageModel(settings(server), capabilities=ABLE) as model:
        outcomes = model.ask_all([ask(str(i)) for i in range(5)])
    assert [o.text if isinstance(o, Answer) else o.reason for o in outcomes] == [
        "0", "1", Reason.EMPTY, "3", "4",
    ]  # fmt: skip


def test_500s_then_fine() -> None:
    ill = says("ill", 500, "text/plain")
    with (
        serving(ill, hangs_up, fine) as server,
        LanguageModel(settings(server), capabilities=ABLE) as model,
    ):
        assert model.ask(ask()).text == "Good morning."
        assert model.spent()["respond"]["retries"] == 2
        assert len(server.bodies) == 3


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_honoured(form: str) -> None:
    moment = time.time() + (0.3 if form == "seconds" else 1.0)
    given = "0.3" if form == "seconds" else formatdate(moment, usegmt=True)  # its whole seconds
    with (
        serving(says({}, 429, retry_after=given), fine) as server,
        LanguageModel(settings(server), capabilities=ABLE) as model,
    ):
        model.ask(ask())
    late = time.time() - (moment if form == "seconds" else int(moment))
    assert 0 <= late < 1.0


def test_all_calls_wait_while_the_server_asks_for_rest() -> None:
    arrived: list[float] = []

    def behave(handler: Handler, body: dict[str, Any]) -> None:
        arrived.append(time.monotonic())
        (says({}, 429, retry_after="0.4") if len(arrived) == 1 else fine)(handler, body)

    with (
        serving(behave) as server,
        LanguageModel(settings(server, concurrency=1), capabilities=ABLE) as model,
    ):
        model.ask_all([ask("a"), ask("b")])
    assert len(arrived) == 3
    assert arrived[1] - arrived[0] >= 0.39  # of whichever request


def test_a_server_that_wants_too_long_a_rest_is_left() -> None:
    with (
        serving(says({}, 429, retry_after="3600")) as server,
        LanguageModel(settings(server, concurrency=1), capabilities=ABLE) as model,
    ):
        for number in range(2):  # the second is no more held up than the first
            with pytest.raises(ServerDown, match="wants 3600 s of rest, more than"):
                model.ask_all([ask(f"{number} {i}") for i in range(20)])
    assert len(server.bodies) <= 4


@pytest.mark.parametrize(
    ("status", "said"),
    [(401, "bad key"), (403, "forbidden"), (404, "no model"), (402, "pay"), (307, "elsewhere")],
)
def test_a_server_that_takes_nothing_ends_the_batch(status: int, said: str) -> None:
    with (
        serving(says({"error": {"message": said}}, status, location="/v1/x")) as server,
        LanguageModel(settings(server, concurrency=2), capabilities=ABLE) as model,
    ):
        with pytest.raises(ServerRefuses, match=said):
            model.ask_all([ask(str(i)) for i in range(20)])
        server.ended.wait(0.1)  # nothing goes on behind our back
        assert len(server.bodies) <= 4


def test_a_spent_quota_is_no_rate_limit() -> None:
    body = {"error": {"code": "insufficient_quota", "message": "You exceeded your quota"}}
    with (
        serving(says(body, 429)) as server,
        LanguageModel(settings(server), capabilities=ABLE) as model,
        pytest.raises(ServerRefuses, match="quota"),
    ):
        model.ask(ask())


def test_slow_answers_stay_within_the_limits_on_concurrency() -> None:
    requests = [ask(str(i), role="mutate" if i % 2 else "respond") for i in range(12)]
    with serving(slow(0.05)) as server:
        for changes, most in (({}, 3), ({"role_concurrency": {"respond": 1, "mutate": 1}}, 2)):
            server.most_at_once = 0
            with LanguageModel(
                settings(server, concurrency=3, **changes), capabilities=ABLE
            ) as model:
                assert all(isinstance(o, Answer) for o in model.ask_all(requests))
            assert server.most_at_once == most


def test_requests_of_one_lane_are_asked_in_order_and_never_together() -> None:
    seen: list[str] = []

    def behave(handler: Handler, body: dict[str, Any]) -> None:
        seen.append(body["messages"][0]["content"])
        slow(0.02)(handler, body)

    requests = [ask(f"{lane}{i}", lane=lane) for i in range(4) for lane in "ab"]
    with serving(behave) as server, LanguageModel(settings(server), capabilities=ABLE) as model:
        model.ask_all(requests)
    assert server.most_at_once == 2
    for lane in "ab":
        assert [text for text in seen if text[0] == lane] == [f"{lane}{i}" for i in range(4)]


def test_a_lane_is_finished_before_another_one_takes_its_place() -> None:
    """Lanes in turns would push each other's beginnings out of a server's prompt cache."""
    requests = [ask(f"{lane}{i}", lane=lane) for i in range(3) for lane in "abc"]
    one = {"concurrency": 1}
    with (
        serving(fine) as server,
        LanguageModel(settings(server, **one), capabilities=ABLE) as model,
    ):
        model.ask_all(requests)
    seen = [body["messages"][0]["content"][0] for body in server.bodies]
    assert seen == sorted(seen)


def test_the_circuit_breaker_leaves_a_failing_server_in_peace() -> None:
    breaker = {"failures": 4, "pause": 0.15, "trials": 2}
    with (
        serving(says("ill", 500)) as server,
        LanguageModel(settings(server, breaker=breaker, concurrency=2), capabilities=ABLE) as model,
        pytest.raises(ServerDown, match=r"in a row .*ill"),
    ):
        model.ask_all([ask(str(i)) for i in range(40)])
    assert len(server.bodies) <= 4 + 1 + 2  # until it closes, one in flight, the tries


def test_a_server_that_recovers_is_used_again() -> None:
    ill = says("ill", 500)
    breaker = {"failures": 2, "pause": 0.1, "trials": 5}
    with (
        serving(ill, ill, ill, fine) as server,
        LanguageModel(
            settings(server, breaker=breaker, retries={**QUICK, "attempts": 5}), capabilities=ABLE
        ) as model,
    ):
        outcomes = model.ask_all([ask(str(i)) for i in range(8)])
    assert all(isinstance(outcome, Answer) for outcome in outcomes)


def test_no_server_at_all() -> None:
    with serving(fine) as server:
        url = server.url
    with LanguageModel(settings(url), capabilities=ABLE) as model:
        with pytest.raises(LLMError, match="ConnectError") as caught:
            model.ask(ask())
        assert caught.value.reason is Reason.CONNECTION
        spent = model.spent()["respond"]
    assert (spent["calls"], spent["prompt_tokens"]) == (3, 0)
