"""Answers in JSON, read strictly: a schema, a check of our own, and one repair round."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from generators.llm.errors import LLMError, Reason
from generators.llm.messages import Answer, Request

_T = TypeVar("_T")
_MENDED = (Reason.NOT_JSON, Reason.MALFORMED)


class Asks(Protocol):
    """What is needed of a `LanguageModel`."""

    def ask_all(self, requests: Iterable[Request]) -> list[Answer | LLMError]:
        """The answers, or why they are missing."""
        ...


def ask_strictly(
    model: Asks, requests: Sequence[Request], read: Callable[[Any], _T]
) -> list[_T | LLMError]:
    """What `read` makes of each answer's JSON, in order; missing answers are values.

    An answer that is no JSON, or that `read` refuses by a ValueError with words for the model, is
    asked for once more with the reason. Raises what `ask_all` raises.
    """
    outcomes = _asked(model, requests, read)
    amiss = [
        place
        for place, outcome in enumerate(outcomes)
        if isinstance(outcome, LLMError) and outcome.reason in _MENDED
    ]
    if amiss:
        repairs = [_repair(requests[place], outcomes[place]) for place in amiss]
        for place, outcome in zip(amiss, _asked(model, repairs, read), strict=True):
            outcomes[place] = outcome
    return outcomes


def _asked(
    model: Asks, requests: Sequence[Request], read: Callable[[Any], _T]
) -> list[_T | LLMError]:
    outcomes: list[_T | LLMError] = []
    for request, answer in zip(requests, model.ask_all(requests), strict=True):
        if isinstance(answer, LLMError):
            outcomes.append(answer)
            continue
        try:
            outcomes.append(read(answer.json))
        except ValueError as error:
            outcomes.append(LLMError(Reason.MALFORMED, request.role, str(error)))
    return outcomes


def _repair(request: Request, error: Any) -> Request:
    """The question again, with what was wrong with its answer."""
    *before, (who, text) = request.messages
    told = (
        f"{text}\n\nAn earlier answer to this could not be used: {error.detail}\n"
        "Answer again: the whole JSON and nothing else."
    )
    return replace(request, messages=(*before, (who, told)))


def list_schema(name: str, most: int, fields: Iterable[str] = ()) -> dict[str, Any]:
    """The JSON schema of an object with one list: of texts, or of objects whose `fields` are.

    `most`: entries. Without it small models go on until their answer is cut off.
    """
    text: dict[str, Any] = {"type": "string"}
    entry = _object(dict.fromkeys(fields, text))
    items = entry if entry["required"] else text
    return _object({name: {"type": "array", "items": items, "maxItems": most}})


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }
