"""The body of a request as a server gets it, with what it cannot do left out or replaced."""

import json
from typing import Any

from generators.llm.capabilities import Capabilities
from generators.llm.messages import Request
from generators.llm.settings import Settings

_ASKED_FOR_JSON = (
    "\n\nReply with JSON alone, without any other text, that follows this JSON schema:\n"
)


def body_of(
    request: Request, settings: Settings, able: Capabilities, seed: int | None
) -> dict[str, Any]:
    """The JSON body. `seed`: None sends none."""
    body: dict[str, Any] = {
        "model": settings.model,
        "messages": [{"role": who, "content": text} for who, text in request.messages],
        settings.limit_field: request.max_tokens,
        **settings.extra,
    }
    if able.temperature:
        body["temperature"] = float(request.temperature)
    if able.seed and seed is not None:
        body["seed"] = seed
    if request.top_logprobs and able.top_logprobs:
        body |= {"logprobs": True, "top_logprobs": min(request.top_logprobs, able.top_logprobs)}
    if request.json_schema is not None:
        schema = dict(request.json_schema)
        if able.json_schema:
            named = {"name": "answer", "schema": schema, "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": named}
        else:
            body["messages"][-1]["content"] += _ASKED_FOR_JSON + json.dumps(schema)
    return body


def seed_of(key: str) -> int:
    """The seed of a request, from the key it is kept under.

    Different for every request: with one seed for all, their sampling errors would go together.
    """
    return int(key[:8], 16) & 0x7FFFFFFF
