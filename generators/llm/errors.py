"""What may go wrong with a language model, and which of it is a missing answer.

A missing answer is a fact about one request; a caller leaves it out and goes on. The other errors
are about the budget, the recording, or the server, and end what the caller was doing.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from generators.errors import GamutError, InputError


class Reason(StrEnum):
    """Why there is no answer."""

    REFUSAL = "refusal"  # the model, or a filter before it, would not answer
    EMPTY = "empty"  # an answer without text
    NO_CHOICE = "no choice"  # a reply without any answer in it
    MALFORMED = "malformed"  # a reply that cannot be read
    NOT_JSON = "not JSON"  # an answer that should have followed a schema and is not even JSON
    TOO_LONG = "too long"  # the prompt does not fit the model's context
    REJECTED = "rejected"  # the server will not take this request
    TIMEOUT = "timeout"
    CONNECTION = "connection"  # no connection, or one that broke
    SERVER_ERROR = "server error"
    RATE_LIMIT = "rate limit"


OF_MODEL = frozenset({Reason.REFUSAL, Reason.EMPTY, Reason.NOT_JSON})
"""What a model itself gave for an answer. Anything else may be otherwise on another day, or another
server: another run asks for it anew."""


class LLMError(GamutError):
    """One request has no answer. `ask` raises it; `ask_all` gives it in the answer's place.

    Attributes:
        reason: its class; what fails is counted by it.
        role: whose request it was.
        detail: what the server said or did, without keys.
    """

    def __init__(self, reason: Reason, role: str, detail: str) -> None:
        super().__init__(f"no answer for {role} ({reason.value}): {detail}")
        self.reason, self.role, self.detail = reason, role, detail

    def __reduce__(self) -> tuple[type["LLMError"], tuple[Any, ...]]:
        return type(self), (self.reason, self.role, self.detail)


class BudgetSpent(GamutError):  # noqa: N818
    """A call would go past what the user allowed.

    Attributes:
        answers: of `ask_all`: what there is of its list, None for requests that were not made.
    """

    answers: Sequence[Any] = ()


class NotRecorded(GamutError):  # noqa: N818
    """A replay was asked for an answer that its recording does not hold."""


class ServerDown(GamutError):  # noqa: N818
    """The server failed every call for so long that nothing more is tried for now."""


class ServerRefuses(InputError):  # noqa: N818
    """The server takes nothing from us: a wrong key, no such model, no money left there."""
