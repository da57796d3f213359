"""Replies read strictly: whatever a server says gives an answer or a reason, never an exception."""

import json
from typing import Any

from model_server import answer

from generators.llm.messages import Answer, LLMError, Request, chat, outcome_of
from generators.llm.replies import Read, read_reply
from generators.llm.retry import Failure
from generators.llm.tokens import upper_bound

REQUEST = Request("respond", chat("How are you?"), 16, top_logprobs=5)
ODD: list[Any] = [
    None, True, False, 0, -1, 5, 0.5, 10**400, -(10**400), float("nan"), float("inf"), "", " ", "x",
    "\ud800", [], {}, [None], [[]], ["x"], [{}], {"x": 1}, {"code": 10**400}, {"code": True},
    {"message": "\ud800"}, [{"text": "a"}, {"text": 5}, 5], [{"message": {}}],
]  # fmt: skip


def paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """All places in plain JSON."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    inner = [
        path
        for key, item in items
        for path in (paths(item, (*at, key)) if isinstance(item, dict | list) else [(*at, key)])
    ]
    return [at, *inner] if at else inner


def whole() -> dict[str, Any]:
    """A reply with everything in it."""
    top = [{"token": "4", "logprob": -0.1}, {"token": "5", "logprob": -3.0}]
    reply = answer("4")
    reply["choices"][0]["logprobs"] = {
        "content": [{"token": "4", "logprob": -0.1, "top_logprobs": top}]
    }
    reply["choices"][0]["message"]["refusal"] = None
    reply["usage"]["prompt_tokens_details"] = {"cached_tokens": 3}
    return reply


def checked(text: str, request: Request = REQUEST) -> Read:
    """What is read, with what always holds of it."""
    read = read_reply(text, request, lambda value: value)
    assert isinstance(read.outcome, Answer | Failure)
    if read.usage is not None:
        assert 0 <= read.usage.prompt <= upper_bound(request)
        assert read.usage.completion >= 0
        assert read.usage.cached is None or read.usage.cached <= read.usage.prompt
    if isinstance(read.outcome, Answer):
        assert read.outcome.text.strip()
        plain = json.loads(json.dumps(read.outcome.plain(), allow_nan=False))
        again = outcome_of(plain, "respond")
        assert not isinstance(again, LLMError)
        assert again == read.outcome
        read.outcome.text.encode()
    return read


def test_a_reply_with_anything_in_any_place() -> None:
    places = paths(whole())
    assert len(places) > 25
    for place in places:
        for odd in ODD:
            reply = whole()
            inner: Any = reply
            for key in place[:-1]:
                inner = inner[key]
            inner[place[-1]] = odd
            checked(json.dumps(reply))


def test_a_reply_with_an_error_of_any_kind_in_it_is_no_answer() -> None:
    for odd in ODD:
        read = checked(json.dumps({**whole(), "error": odd}))
        assert isinstance(read.outcome, Failure) == bool(odd)


def test_any_json_is_no_answer() -> None:
    for odd in ODD:
        assert isinstance(checked(json.dumps(odd)).outcome, Failure)


def test_a_reply_that_is_cut_off_is_no_answer() -> None:
    text = json.dumps(whole())
    for length in range(len(text)):
        assert isinstance(checked(text[:length]).outcome, Failure)


def test_the_whole_reply_is_an_answer() -> None:
    read = checked(json.dumps(whole())).outcome
    assert isinstance(read, Answer)
    assert read.logprobs is not None
    assert read.logprobs[0].top == (("4", -0.1), ("5", -3.0))
    assert (read.usage.cached, read.finish) == (3, "stop")
