"""Replies read strictly: an answer, or the reason why there is none. Nothing is filled in."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from generators.llm.errors import Reason
from generators.llm.messages import Answer, Request, TokenLogprobs, Usage
from generators.llm.retry import Failure
from generators.llm.tokens import usage_of

FIRST_TOKENS = 8  # tokens whose log-probabilities are kept
_SHOWN = 200  # characters of what a server said
_TOO_LONG = (
    "context_length", "context length", "context size", "context window", "exceed_context",
    "maximum context", "too many tokens", "prompt is too long",
)  # fmt: skip
_FILTERED = (
    "content_filter", "content_policy", "content management policy", "moderation", "flagged",
)  # fmt: skip
_NO_MONEY = ("insufficient_quota", "billing", "insufficient credit", "insufficient balance")


@dataclass(frozen=True)
class Read:
    """A reply that was read: what it is, and what it cost; None: nobody knows."""

    outcome: Answer | Failure
    usage: Usage | None


def excerpt(text: str) -> str:
    """The beginning of what a server said, on one line."""
    words = " ".join(text.split())
    return words if len(words) <= _SHOWN else f"{words[: _SHOWN - 3]}..."


def by_status(status: int, said: str, wait: float | None) -> Failure:
    """The failure that an HTTP status and an error's text stand for."""
    lower, detail = said.lower(), f"status {status}: {excerpt(said) or 'without a word'}"
    if status in (400, 403, 422) and any(word in lower for word in _FILTERED):
        return Failure(Reason.REFUSAL, detail)
    if status == 429 and not any(word in lower for word in _NO_MONEY):
        return Failure(Reason.RATE_LIMIT, detail, wait, again=True)
    if status in (408, 409, 425) or status >= 500:
        uncertain = status in (408, 502, 504)
        return Failure(Reason.SERVER_ERROR, detail, wait, uncertain, again=True)
    if status == 413 or (status in (400, 422) and any(word in lower for word in _TOO_LONG)):
        return Failure(Reason.TOO_LONG, detail)
    return Failure(Reason.REJECTED, detail, refused=status not in (400, 422))


def read_reply(text: str, request: Request, redact: Any) -> Read:
    """The reply to a request. `redact`: takes keys out of plain JSON, which servers may echo."""
    try:
        body = redact(json.loads(text))
    except (ValueError, RecursionError):
        return Read(_malformed(f"no JSON: {excerpt(text)}"), None)
    if not isinstance(body, dict):
        return Read(_malformed(f"JSON that is no object: {excerpt(text)}"), None)
    failure = _error_inside(body) or _shape(body)
    if failure is not None:
        return Read(failure, None)
    choice = body["choices"][0]
    content = _clean(_text(choice["message"].get("content")))
    usage = usage_of(body.get("usage"), request, content)
    outcome = _refused(choice, content) or _answer(body, choice, content, usage, request)
    return Read(outcome, usage)


def _malformed(detail: str) -> Failure:
    return Failure(Reason.MALFORMED, detail, uncertain=True, again=True)


def _error_inside(body: Mapping[str, Any]) -> Failure | None:
    """The error that a reply with status 200 holds, in itself or in its first choice."""
    choices = body.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    error = body.get("error") or (first.get("error") if isinstance(first, dict) else None)
    if not error:
        return None
    code = error.get("code") if isinstance(error, dict) else None
    said = excerpt(json.dumps(error))
    if isinstance(code, int) and 400 <= code < 600:
        return by_status(code, said, None)
    if any(word in said.lower() for word in _FILTERED):
        return Failure(Reason.REFUSAL, said, uncertain=True)
    return Failure(Reason.SERVER_ERROR, f"status 200, but {said}", uncertain=True, again=True)


def _shape(body: Mapping[str, Any]) -> Failure | None:
    choices = body.get("choices")
    if not isinstance(choices, list):
        return _malformed(f"no list of choices: {excerpt(json.dumps(body))}")
    if not choices:
        return Failure(Reason.NO_CHOICE, "an empty list of choices", uncertain=True, again=True)
    if not isinstance(choices[0], dict) or not isinstance(choices[0].get("message"), dict):
        return _malformed(f"a choice without a message: {excerpt(json.dumps(body))}")
    content = choices[0]["message"].get("content")
    if content is not None and not isinstance(content, str | list):
        return _malformed(f"a message that is no text: {excerpt(json.dumps(body))}")
    return None


def _text(content: Any) -> str:
    """The text of a message: of itself, or of its parts."""
    if isinstance(content, list):
        texts = [part.get("text") for part in content if isinstance(part, dict)]
        return "".join(text for text in texts if isinstance(text, str))
    return content or ""


def _clean(text: str) -> str:
    """Text that can be written as UTF-8: a lone surrogate becomes a replacement character."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _refused(choice: Mapping[str, Any], content: str) -> Failure | None:
    refusal = choice["message"].get("refusal")
    if refusal and isinstance(refusal, str):
        return Failure(Reason.REFUSAL, excerpt(_clean(refusal)))
    if choice.get("finish_reason") == "content_filter":
        return Failure(Reason.REFUSAL, "the server's content filter stopped the answer")
    if not content.strip():
        why = "max_tokens were spent before the first word of it"
        ran_out = choice.get("finish_reason") == "length"
        return Failure(Reason.EMPTY, f"no text{f': {why}' if ran_out else ''}")
    return None


def _answer(
    body: Mapping[str, Any],
    choice: Mapping[str, Any],
    content: str,
    usage: Usage,
    request: Request,
) -> Answer | Failure:
    if request.json_schema is not None:
        content = _without_fence(content)
        try:
            json.loads(content)
        except (ValueError, RecursionError):
            return Failure(Reason.NOT_JSON, f"not the JSON that was asked for: {excerpt(content)}")
    finish, model = choice.get("finish_reason"), body.get("model")
    return Answer(
        content,
        finish if isinstance(finish, str) else "unknown",
        usage,
        _clean(model) if isinstance(model, str) else "",
        _logprobs(choice.get("logprobs")) if request.top_logprobs else None,
    )


def _without_fence(text: str) -> str:
    """The text without the Markdown fence that some models put around JSON."""
    lines = text.strip().splitlines()
    fenced = len(lines) > 2 and lines[0].startswith("```") and lines[-1] == "```"
    return "\n".join(lines[1:-1]) if fenced else text.strip()


def _logprobs(found: Any) -> tuple[TokenLogprobs, ...] | None:
    """Those of the first tokens; None where there are none."""
    content = found.get("content") if isinstance(found, dict) else None
    if not isinstance(content, list) or not content:
        return None
    tokens = []
    for entry in content[:FIRST_TOKENS]:
        if not isinstance(entry, dict) or not isinstance(entry.get("token"), str):
            return None
        top = entry.get("top_logprobs")
        pairs = [
            (_clean(other["token"]), float(other["logprob"]))
            for other in (top if isinstance(top, list) else ())
            if isinstance(other, dict)
            and isinstance(other.get("token"), str)
            and _finite(other.get("logprob"))
        ]
        pairs.sort(key=lambda pair: -pair[1])
        own: Any = entry.get("logprob")
        logprob = float(own) if _finite(own) else None
        tokens.append(TokenLogprobs(_clean(entry["token"]), logprob, tuple(pairs)))
    return tuple(tokens)


def _finite(value: Any) -> bool:
    """Whether it is the logarithm of a probability."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return -1e300 < value <= 1e-6
