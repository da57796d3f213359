"""What a program may use, and what is said about it afterwards."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from generators.errors import InputError

LARGEST_N = 256
"""Personas a program may be asked for in one run; a larger population is made in chunks."""


@dataclass(frozen=True)
class Limits:
    """Bounds of one run.

    Attributes:
        seconds: time the program itself may compute, blocks not counted.
        turn_seconds: time it may compute between two calls of blocks.
        memory_bytes: heap of the program.
        recursion: depth of its call stack, and of the JSON it returns.
        host_calls: calls of blocks.
        call_payload: characters of the arguments of one call, as JSON, and of its result.
        call_traffic: characters of arguments and results of all calls together.
        printed: characters it may print.
        source: characters of the program.
        payload: characters of the context it is given, as JSON.
        result: characters of what it returns, as JSON.
        error_text: characters kept of an error message.
        wall_seconds: time of the whole run, blocks included.
        programs_a_worker: programs that one worker process serves before it is replaced. Use 1
            for programs of strangers.
    """

    seconds: float = 1.0
    turn_seconds: float = 0.5
    memory_bytes: int = 64 << 20
    recursion: int = 200
    host_calls: int = 200
    call_payload: int = 1_000_000
    call_traffic: int = 8_000_000
    printed: int = 16_384
    source: int = 64_000
    payload: int = 1_000_000
    result: int = 4_000_000
    error_text: int = 500
    wall_seconds: float = 6.0
    programs_a_worker: int = 50

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not value > 0 or value == float("inf"):
                raise InputError(f"sandbox limits, {field.name}: {value} is not a positive number")


class Outcome(StrEnum):
    """How a run ended."""

    OK = "ok"
    ERROR = "error"  # the program raised, or broke a rule
    TIMEOUT = "timeout"
    MEMORY = "memory"  # heap or printed output
    CRASH = "crash"  # the worker or the driver died
    ASKS = "asks"  # it needs answers of a language model that it was not given
    REFUSED = "refused"  # never run
    INVALID = "invalid"  # what it returned is not a JSON list within bounds


@dataclass(frozen=True)
class Verdict:
    """What came of one run.

    Attributes:
        outcome: how it ended.
        value: the list that the program returned, parsed; None unless the outcome is OK.
        reason: why it is not OK, in one line; empty if it is.
        host_calls: calls of blocks that it made.
        printed: what it printed.
        asks: the prompts whose answers it needs, where the outcome is ASKS.
    """

    outcome: Outcome
    value: list[Any] | None
    reason: str = ""
    host_calls: int = 0
    printed: str = ""
    asks: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether there is a value to use."""
        return self.outcome is Outcome.OK


@dataclass(frozen=True)
class Reply:
    """What the driver answers; `result` is JSON text, unread so far."""

    outcome: Outcome
    reason: str
    host_calls: int
    printed: str
    result: str = ""
    asks: tuple[str, ...] = ()


# A path of two parts or more: enough to betray where things lie on this machine.
_PATH = re.compile(r"(?<![\w/])(?:/[\w.@+~-]+){2,}/?")
# Whatever moves a terminal's cursor, hides text or changes its direction.
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


def tidy(text: str, bound: int, *, one_line: bool = True) -> str:
    """Text of a stranger, fit to be shown: bounded, no control characters, no paths."""
    # Cut first: the text may have millions of characters and only the start is kept.
    short = _UNSEEN.sub("", text[: 2 * bound])
    if one_line:
        short = " ".join(_PATH.sub("<path>", short).split())
    return short if len(short) <= bound else short[: max(bound - 1, 0)] + "…"
