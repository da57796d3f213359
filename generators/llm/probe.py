"""The capability probe: a handful of short calls that show what a server can do."""

import json
import time
from dataclasses import replace
from itertools import product
from typing import Any

from generators.errors import InputError
from generators.llm.caller import Caller
from generators.llm.capabilities import Capabilities
from generators.llm.errors import OF_MODEL, LLMError, Reason
from generators.llm.messages import Answer, Request, chat
from generators.llm.replies import FIRST_TOKENS
from generators.llm.retry import Failure
from generators.llm.wire import body_of

ROLE = "probe"
_TOPS = (20, 5, 0)  # alternatives to try for, first what most servers give at most

_DIGIT = chat("How warm is a summer's day, from 1 (cold) to 5 (hot)? Answer with one digit.")
_STORY = chat(
    "Continue the story in a few words.",
    "You are a patient storyteller. " + "The harbour was quiet, and the boats lay in a row. " * 12,
)
_SCHEMA = {
    "type": "object",
    "properties": {"colour": {"type": "string", "enum": ["red", "green"]}},
    "required": ["colour"],
    "additionalProperties": False,
}
_LITTLE = Capabilities(
    json_schema=False,
    top_logprobs=0,
    seed=False,
    seed_repeats=False,
    temperature=True,
    usage=False,
    context_length=None,
    prompt_caching=None,
    listed=None,
    latency=0.0,
    seconds_per_token=0.0,
)
_ROOM, _MORE_ROOM = (
    FIRST_TOKENS,
    2048,
)  # tokens of an answer; the second for models that think first


async def probe(caller: Caller) -> Capabilities:
    """Ask a server a few short questions and see what it takes and gives.

    Raises InputError where a server that takes any name has another model than ours; LLMError where
    it answers nothing; BudgetSpent, ServerDown, ServerRefuses.
    """
    able, room = await _listing(caller), _ROOM
    try:
        able = await _takes(caller, able, room)
    except LLMError as error:
        if error.reason is not Reason.EMPTY:
            raise
        room = _MORE_ROOM
        able = await _takes(caller, able, room)
    able = await _holds_schema(caller, able, max(room, 32))
    return await _repeats(caller, able, max(room, 16))


async def _listing(caller: Caller) -> Capabilities:
    """What a server says of its models: whether ours is one, and its context length."""
    settings = caller.settings
    entries = _parsed(await caller.transport.get("models")).get("data")
    entries = [e for e in entries if isinstance(e, dict)] if isinstance(entries, list) else []
    names = {e["id"]: e for e in entries if isinstance(e.get("id"), str)}
    loaded = _parsed(await caller.transport.get("/props")).get("default_generation_settings")
    if names and settings.model not in names and isinstance(loaded, dict):  # llama.cpp
        raise InputError(
            f"llm.model={settings.model}: {settings.base_url} has another one:"
            f" {', '.join(sorted(names)[:5])}; name it, or answers are kept under a wrong name"
        )
    entry = names.get(settings.model, {})
    lengths = [
        entry.get("max_model_len"),  # vLLM
        loaded.get("n_ctx") if isinstance(loaded, dict) else None,
        entry.get("context_length"),
        entry.get("context_window"),
    ]
    said = [n for n in lengths if isinstance(n, int) and not isinstance(n, bool) and n > 0]
    return replace(
        _LITTLE,
        listed=settings.model in names if names else None,
        context_length=said[0] if said else None,
    )


def _parsed(said: str | Failure) -> dict[str, Any]:
    """A JSON object, an empty one for anything else."""
    if isinstance(said, Failure):
        return {}
    try:
        found = json.loads(said)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


async def _takes(caller: Caller, able: Capabilities, room: int) -> Capabilities:
    """Which of logprobs, seed and temperature a server takes; whether it counts tokens truly."""
    request = Request(ROLE, _DIGIT, max_tokens=room, top_logprobs=max(_TOPS))
    last: LLMError | None = None
    for temperature, seed, top in product((True, False), (True, False), _TOPS):
        able = replace(able, top_logprobs=top, seed=seed, temperature=temperature)
        outcome = await caller.call(request, body_of(request, caller.settings, able, 1))
        if isinstance(outcome, Answer):
            given = outcome.logprobs is not None and any(at.top for at in outcome.logprobs)
            return replace(
                able, top_logprobs=top if given else 0, usage=not outcome.usage.counted_here
            )
        last = outcome
        if outcome.reason is not Reason.REJECTED:
            break
    assert last is not None
    raise last


async def _holds_schema(caller: Caller, able: Capabilities, room: int) -> Capabilities:
    """Whether a server holds an answer to a schema that nothing in the question speaks of."""
    question = chat("Describe the sea in one sentence.")
    request = Request(ROLE, question, max_tokens=room, json_schema=_SCHEMA)
    able = replace(able, json_schema=True)
    outcome = await caller.call(request, body_of(request, caller.settings, able, None))
    if isinstance(outcome, LLMError):
        if outcome.reason not in OF_MODEL | {Reason.REJECTED}:
            raise outcome
        return replace(able, json_schema=False)
    found = outcome.json
    held = isinstance(found, dict) and found.get("colour") in ("red", "green")
    return replace(able, json_schema=held)


async def _repeats(caller: Caller, able: Capabilities, room: int) -> Capabilities:
    """Three samples of one story, two by one seed: what repeats, what is cached, and how fast."""
    request = Request(ROLE, _STORY, max_tokens=room, temperature=1.0)
    answers, seconds = [], []
    for seed in (1, 1, 2):
        began = time.monotonic()
        outcome = await caller.call(request, body_of(request, caller.settings, able, seed))
        if isinstance(outcome, LLMError):
            raise outcome
        answers.append(outcome)
        seconds.append(time.monotonic() - began)
    texts = [answer.text for answer in answers]
    cached = [answer.usage.cached for answer in answers[1:]]
    tokens = sum(answer.usage.completion for answer in answers[1:])
    return replace(
        able,
        seed_repeats=able.seed and texts[0] == texts[1] != texts[2],
        prompt_caching=None if all(n is None for n in cached) else any(cached),
        latency=seconds[0],
        seconds_per_token=sum(seconds[1:]) / max(tokens, 1),
    )
