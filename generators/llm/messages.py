"""What is asked of a language model and what it answers; the key that an answer is kept under."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from generators.errors import InputError
from generators.llm.errors import LLMError, Reason

ROLES = ("system", "user", "assistant")


def canonical(value: Any) -> str:
    """JSON text that is equal for equal values: sorted keys, no spaces, ASCII, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


@dataclass(frozen=True)
class Request:
    """One question to a model.

    Attributes:
        role: whose question it is (mutate, respond, ask, …): for the account, not for the model.
        messages: (system | user | assistant, text) pairs; see `chat`.
        max_tokens: most tokens of the answer.
        temperature: 0 to 2.
        sample: which of several answers to the same question; each is kept by itself.
        top_logprobs: how many alternatives of each first token to give log-probabilities of.
        json_schema: a JSON schema that the answer should follow.
        lane: requests of one lane in one `ask_all` are asked one after the other, so that a
            server's prompt cache serves them from one slot. None: at any moment.
    """

    role: str
    messages: Sequence[tuple[str, str]]
    max_tokens: int
    temperature: float = 0.0
    sample: int = 0
    top_logprobs: int | None = None
    json_schema: Mapping[str, Any] | None = None
    lane: str | None = None

    def __post_init__(self) -> None:
        """Raises InputError for what no server could take."""
        object.__setattr__(self, "messages", tuple((who, text) for who, text in self.messages))
        problem = _problem(self)
        if problem:
            raise InputError(f"a request of the role {self.role!r}: {problem}")

    def wire(self) -> dict[str, Any]:
        """The request as plain JSON, without what is not the model's business."""
        plain: dict[str, Any] = {
            "messages": [{"role": who, "content": text} for who, text in self.messages],
            "max_tokens": self.max_tokens,
            "temperature": float(self.temperature),
        }
        if self.top_logprobs:
            plain["top_logprobs"] = self.top_logprobs
        if self.json_schema is not None:
            plain["json_schema"] = dict(self.json_schema)
        return plain

    def beginning(self) -> str:
        """The first characters of the last message, to recognise a request by."""
        text = " ".join(self.messages[-1][1].split())
        return text if len(text) <= 80 else f"{text[:77]}..."


def _problem(request: Request) -> str | None:
    """What is wrong with a request, None if nothing."""
    if not request.messages:
        return "no messages"
    for who, text in request.messages:
        if who not in ROLES:
            return f"a message from {who!r}; known: {', '.join(ROLES)}"
        try:
            text.encode("utf-8")
        except (UnicodeEncodeError, AttributeError):
            return "a message that is not Unicode text"
    for name, least in (("max_tokens", 1), ("sample", 0), ("top_logprobs", 1)):
        value = getattr(request, name)
        if value is None and name == "top_logprobs":
            continue
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            return f"{name}={value!r}; should be a whole number from {least}"
    if not (math.isfinite(request.temperature) and 0 <= request.temperature <= 2):
        return f"temperature={request.temperature}; should be from 0 to 2"
    try:
        canonical(request.json_schema)
    except (TypeError, ValueError) as error:
        return f"json_schema is not plain JSON: {error}"
    return None


def chat(user: str, system: str | None = None) -> tuple[tuple[str, str], ...]:
    """The messages of a question, with a system message before it where there is one."""
    return (*((("system", system),) if system is not None else ()), ("user", user))


def key_of(model: str, request: Request, extra: Mapping[str, Any]) -> str:
    """The sha256, in hex, of the model, the full request with `extra` fields, and the sample."""
    full = {"model": model, "request": request.wire(), "sample": request.sample}
    if extra:
        full["extra"] = dict(extra)
    return hashlib.sha256(canonical(full).encode("ascii")).hexdigest()


@dataclass(frozen=True)
class Usage:
    """Tokens of one answer.

    Attributes:
        prompt, completion: tokens.
        cached: those of the prompt that the server had in its own cache; None: it does not say.
        counted_here: the server said nothing, or nothing that can be true, and these are our count.
    """

    prompt: int
    completion: int
    cached: int | None = None
    counted_here: bool = False


@dataclass(frozen=True)
class TokenLogprobs:
    """A token of the answer with the alternatives in its place, most probable first."""

    token: str
    logprob: float | None
    top: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Answer:
    """What a model answered.

    Attributes:
        text: the answer; of a request with a schema, JSON text.
        finish: why it ended: stop, length, …
        usage: what it cost.
        model: as the server names it.
        logprobs: of its first tokens; None where none were asked for, or the server has none.
        cached: whether it came from the cache; no part of what an answer is compared by.
    """

    text: str
    finish: str
    usage: Usage
    model: str
    logprobs: tuple[TokenLogprobs, ...] | None = None
    cached: bool = field(default=False, compare=False)

    @property
    def json(self) -> Any:
        """The answer to a request with a schema, parsed."""
        return json.loads(self.text)

    def plain(self) -> dict[str, Any]:
        """As plain JSON; `outcome_of` reads it."""
        tops = None
        if self.logprobs is not None:
            tops = [[at.token, at.logprob, [list(pair) for pair in at.top]] for at in self.logprobs]
        usage = self.usage
        return {
            "text": self.text,
            "finish": self.finish,
            "model": self.model,
            "logprobs": tops,
            "usage": [usage.prompt, usage.completion, usage.cached, usage.counted_here],
        }


def plain_error(error: LLMError) -> dict[str, Any]:
    """A missing answer as plain JSON; `outcome_of` reads it."""
    return {"missing": error.reason.value, "detail": error.detail}


def outcome_of(plain: Mapping[str, Any], role: str) -> Answer | LLMError:
    """What `Answer.plain` or `plain_error` wrote. Raises KeyError, TypeError or ValueError."""
    if "missing" in plain:
        return LLMError(Reason(plain["missing"]), role, str(plain["detail"]))
    logprobs = plain["logprobs"]
    if logprobs is not None:
        logprobs = tuple(
            TokenLogprobs(token, logprob, tuple((text, number) for text, number in top))
            for token, logprob, top in logprobs
        )
    return Answer(
        plain["text"], plain["finish"], Usage(*plain["usage"]), plain["model"], logprobs, True
    )
