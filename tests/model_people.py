"""What a language model of the tests answers to those who ask for people or for sentences."""

import json
import threading
from collections.abc import Callable
from typing import Any

from model_server import Behaviour, Handler, answer, words

NAMES = ("Ada", "Bo", "Cy", "Dee", "Eli", "Flo", "Gus", "Hal", "Ina", "Jo")


def user(number: int, **fields: str) -> dict[str, str]:
    """One person, different from those of other numbers in every field."""
    name = f"{NAMES[number % len(NAMES)]} No{number}"
    told = f"{name} mends clocks in street {number} and asks the assistant about gears."
    return {"name": name, "description": told, "sketch": told, **fields}


def users(*numbers: int) -> str:
    """A list of people as a model answers it."""
    return json.dumps({"users": [user(number) for number in numbers]})


def replies(*texts: str | dict[str, Any] | None) -> Behaviour:
    """Answers with each text in turn, with the last from then on; a mapping is a whole reply."""
    left, lock = list(texts), threading.Lock()

    def behave(handler: Handler, body: dict[str, Any]) -> None:
        with lock:
            now = left.pop(0) if len(left) > 1 else left[0]
        send(handler, body, now)

    return behave


def by_prompt(reply: Callable[[str], Any]) -> Behaviour:
    """Answers by what is asked alone."""
    return lambda handler, body: send(handler, body, reply(body["messages"][-1]["content"]))


def send(handler: Handler, body: dict[str, Any], now: Any) -> None:
    """One answer, with a true count of tokens."""
    usage = {"prompt_tokens": words(body), "completion_tokens": len(str(now).split())}
    handler.send(now if isinstance(now, dict) else answer(now, usage=usage))


REFUSAL = answer(
    choices=[{"index": 0, "finish_reason": "stop", "message": {"refusal": "I will not."}}]
)
