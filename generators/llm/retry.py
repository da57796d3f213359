"""How failed calls are tried again: by class of failure, with jitter, and not for ever."""

import asyncio
import email.utils
import math
import random
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from generators.llm.errors import Reason, ServerDown
from generators.llm.settings import Breaker, Retries


@dataclass(frozen=True)
class Failure:
    """What went wrong with one call.

    Attributes:
        reason: its class.
        detail: what happened, without keys.
        retry_after: seconds that the server asks us to wait.
        uncertain: whether the server may have done the work, and charge for it.
        again: whether the same request may fare better.
        refused: the server takes nothing from us, whatever we ask.
    """

    reason: Reason
    detail: str
    retry_after: float | None = None
    uncertain: bool = False
    again: bool = False
    refused: bool = False

    @property
    def of_server(self) -> bool:
        """Whether the server is in trouble, rather than the request or our pace."""
        return self.again and self.reason not in (Reason.RATE_LIMIT, Reason.NO_CHOICE)


def retry_after(headers: Mapping[str, str], now: Callable[[], float] = time.time) -> float | None:
    """Seconds that a server asks to wait, from Retry-After in seconds or as an HTTP date."""
    given = headers.get("retry-after", "").strip()
    try:
        seconds = float(given)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(given).timestamp() - now()
        except (ValueError, OverflowError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


_JITTER = random.Random()  # not the global one: the search breeds from that, seeded by the ticket


def wait_before(attempt: int, failure: Failure, retries: Retries) -> float:
    """Seconds to wait after an attempt, the first being 1. The jitter decides no result."""
    longest = min(retries.first_wait * 2.0 ** min(attempt - 1, 60), retries.longest_wait)
    if failure.retry_after is not None:
        return failure.retry_after + _JITTER.uniform(0, min(0.1, longest))
    return _JITTER.uniform(longest / 2, longest)


class Gate:
    """Lets calls through while the server is well: the circuit breaker. Belongs to one event loop.

    After so many failures in a row it closes. When the pause is over, one call tries, and the
    others wait for what comes of it. A pause that the server asked for holds all calls as well.
    """

    def __init__(
        self,
        settings: Breaker,
        longest_rest: float = math.inf,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`longest_rest`: most seconds of rest that the server is given when it asks for some."""
        self._settings, self._longest_rest, self._clock = settings, longest_rest, clock
        self._changed = asyncio.Event()
        self._failed = 0  # calls in a row
        self._trials = 0  # failed tries since it closed
        self._given_up = 0  # times
        self._trying = False
        self._until = 0.0
        self._why = ""

    async def enter(self) -> bool:
        """Wait until a call may be made; whether it is the one that tries.

        Raises ServerDown where meanwhile the last try failed.
        """
        given_up = self._given_up
        while True:
            if self._given_up != given_up:
                raise ServerDown(self._why)
            pause = self._until - self._clock()
            if pause > 0:
                await self._change(pause)
            elif self._failed < self._settings.failures:
                return False
            elif not self._trying:
                self._trying = True
                return True
            else:
                await self._change(None)

    def leave(self, trial: bool, failure: Failure | None) -> None:
        """Say what came of a call. Raises ServerDown where it was the last try."""
        if trial:
            self._trying = False
        if failure is None or not failure.of_server:
            self._failed = self._trials = 0
        else:
            self._count(trial, failure)
        rest = failure.retry_after if failure is not None else None
        if rest is not None and rest <= self._longest_rest:
            self._until = max(self._until, self._clock() + rest)
        self._tell()
        if trial and failure is not None and failure.of_server and self._trials == 0:
            raise ServerDown(self._why)

    def abandon(self, trial: bool) -> None:
        """Say that a call was not made, or ended without telling us anything."""
        if trial:
            self._trying = False
            self._tell()

    def _count(self, trial: bool, failure: Failure) -> None:
        self._failed += 1
        if trial:
            self._trials += 1
        elif self._failed != self._settings.failures:
            return  # still open, or an earlier call that ends after it closed
        self._until = self._clock() + self._settings.pause * 2.0**self._trials
        if self._trials >= self._settings.trials:
            self._why = (
                f"the server failed {self._failed} calls in a row (the last: {failure.detail});"
                " see whether it runs and is reachable, then go on"
            )
            self._given_up += 1
            self._trials = 0

    async def _change(self, seconds: float | None) -> None:
        """Wait for news, at most so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
