"""One request until it is answered or given up: budget, concurrency, retries, circuit breaker."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from generators.llm.errors import BudgetSpent, LLMError, ServerDown, ServerRefuses
from generators.llm.ledger import Amount, Ledger, priced
from generators.llm.messages import Answer, Request, Usage
from generators.llm.replies import read_reply
from generators.llm.retry import Failure, Gate, wait_before
from generators.llm.settings import Settings
from generators.llm.tokens import upper_bound
from generators.llm.transport import Transport

_LOOK = 0.2  # seconds until a look at what calls of other threads have settled


@dataclass
class Pace:
    """What answered calls took: how many there were, their seconds, their completion tokens."""

    calls: int = 0
    seconds: float = 0.0
    completion: int = 0


class Caller:
    """Makes calls to one server. Belongs to one event loop.

    Attributes:
        transport: the connections.
        counts: by (role, "retries" | "counted_here"); the second of answers whose tokens the server
            did not count truly.
        paces: by role.
    """

    def __init__(self, settings: Settings, ledger: Ledger, transport: Transport) -> None:
        self.settings, self.ledger, self.transport = settings, ledger, transport
        self.counts: Counter[tuple[str, str]] = Counter()
        self.paces: defaultdict[str, Pace] = defaultdict(Pace)
        self._price = settings.price()
        self._gate = Gate(settings.breaker, settings.retries.longest_wait)
        self._all = asyncio.Semaphore(settings.concurrency)
        self._roles = {
            role: asyncio.Semaphore(most) for role, most in settings.role_concurrency.items()
        }
        self._settled = asyncio.Event()

    async def call(self, request: Request, body: dict[str, Any]) -> Answer | LLMError:
        """The answer, or why there is none after all tries.

        Raises BudgetSpent; ServerDown, ServerRefuses.
        """
        attempt = 1
        while True:
            outcome = await self.attempt(request, body)
            if isinstance(outcome, Answer):
                return outcome
            wait = self._patience(request, attempt, outcome)
            if wait is None:
                tries = f" ({attempt} tries)" if attempt > 1 else ""
                return LLMError(outcome.reason, request.role, outcome.detail + tries)
            self.counts[request.role, "retries"] += 1
            await asyncio.sleep(wait)
            attempt += 1

    async def attempt(self, request: Request, body: dict[str, Any]) -> Answer | Failure:
        """One call. Raises BudgetSpent, ServerDown."""
        async with self._turn(request.role), self._gate_passed() as result:
            async with self._paid(request) as bill:
                began = time.monotonic()
                outcome, bill.usage = await self._post(request, body)
                failure = outcome if isinstance(outcome, Failure) else None
                bill.nothing = failure is not None and not failure.uncertain
            result.append(failure)
        if bill.usage is not None:
            self._note(request.role, bill.usage, time.monotonic() - began)
        return outcome

    @asynccontextmanager
    async def _gate_passed(self) -> AsyncIterator[list[Failure | None]]:
        """Waits for the circuit breaker, and tells it what came of the call: the list's item."""
        trial = await self._gate.enter()
        result: list[Failure | None] = []
        try:
            yield result
        finally:
            if not result:
                self._gate.abandon(trial)
        self._gate.leave(trial, result[0])

    async def _post(
        self, request: Request, body: dict[str, Any]
    ) -> tuple[Answer | Failure, Usage | None]:
        said = await self.transport.post(body)
        if isinstance(said, Failure):
            return said, None
        read = read_reply(said, request, self.transport.out_of)
        return read.outcome, read.usage

    def _patience(self, request: Request, attempt: int, failure: Failure) -> float | None:
        """Seconds to wait before another try, None where there should be none.

        Raises ServerRefuses or ServerDown where no request has a chance.
        """
        retries = self.settings.retries
        if failure.refused:
            raise ServerRefuses(
                f"{self.settings.base_url} refuses the model {self.settings.model}:"
                f" {failure.detail}; check llm.base_url, llm.model, and the key in"
                f" {self.settings.key_env or 'llm.key_env'}"
            )
        if failure.retry_after is not None and failure.retry_after > retries.longest_wait:
            raise ServerDown(
                f"{self.settings.base_url} wants {failure.retry_after:.0f} s of rest, more than"
                f" llm.retries.longest_wait={retries.longest_wait:g} ({failure.detail})"
            )
        if not failure.again or attempt >= retries.attempts:
            return None
        return wait_before(attempt, failure, retries)

    @asynccontextmanager
    async def _turn(self, role: str) -> AsyncIterator[None]:
        """A place among the calls of a role, and among all."""
        own = self._roles.get(role)
        if own is None:
            async with self._all:
                yield
            return
        async with own, self._all:
            yield

    @asynccontextmanager
    async def _paid(self, request: Request) -> AsyncIterator["_Bill"]:
        """Reserves what a call may cost, and settles what it did cost, however it ends."""
        prompt, completion = upper_bound(request), request.max_tokens
        number = await self._reserve(request.role, priced(prompt, completion, self._price))
        bill = _Bill()
        try:
            yield bill
        finally:
            self.ledger.settle(number, self._cost(bill))
            self._settled.set()
            self._settled = asyncio.Event()

    async def _reserve(self, role: str, most: Amount) -> int:
        """Reserve, as soon as it fits: calls in flight mostly cost less than they might."""
        while True:
            settled, waiting = self._settled, self.ledger.in_flight
            try:
                return self.ledger.reserve(role, most)
            except BudgetSpent:
                if not waiting:
                    raise
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK):
                    await settled.wait()

    def _cost(self, bill: "_Bill") -> Amount | None:
        if bill.usage is not None:
            usage = bill.usage
            return priced(usage.prompt, usage.completion, self._price, usage.cached or 0)
        return Amount(0, 0) if bill.nothing else None

    def _note(self, role: str, usage: Usage, seconds: float) -> None:
        self.counts[role, "counted_here"] += usage.counted_here
        pace = self.paces[role]
        pace.calls += 1
        pace.seconds += seconds
        pace.completion += usage.completion


@dataclass
class _Bill:
    """What is known of a call's cost: the usage, that it cost nothing, or neither."""

    usage: Usage | None = None
    nothing: bool = False
