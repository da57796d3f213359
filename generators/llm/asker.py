"""Requests to outcomes: from the cache where it has them, else by a call; equal ones together."""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from generators.errors import GamutError
from generators.llm.cache import AnswerCache
from generators.llm.caller import Caller
from generators.llm.capabilities import Capabilities
from generators.llm.errors import LLMError, NotRecorded, Reason, ServerDown
from generators.llm.messages import Answer, Request, key_of
from generators.llm.probe import probe
from generators.llm.settings import Settings
from generators.llm.tokens import least_tokens
from generators.llm.wire import body_of, seed_of

_CLAIM = 30.0  # seconds that a claim outlives the last word of its owner
_LOOK = 0.2  # seconds between looks at whether another process has its answer


@dataclass
class _Flight:
    """A request on its way, and how many wait for it."""

    task: asyncio.Task[Answer | LLMError]
    waiters: int = 0


class Asker:
    """Answers requests. Belongs to one event loop.

    Attributes:
        hits: outcomes that came from the cache, by role.
        missing: requests without an answer, by role and the reason's value; kept ones with them.
    """

    def __init__(
        self,
        settings: Settings,
        cache: AnswerCache | None,
        open_caller: Callable[[], Caller],
        able: Capabilities | None,
    ) -> None:
        """`open_caller`: called when the first call has to be made, never in a replay."""
        self._settings, self._cache, self._open_caller = settings, cache, open_caller
        self._able = able
        self._caller: Caller | None = None
        self._probing = asyncio.Lock()
        self._flights: dict[str, _Flight] = {}
        self.hits: Counter[str] = Counter()
        self.missing: Counter[tuple[str, str]] = Counter()

    @property
    def caller(self) -> Caller:
        """The connection to the server, opened when it is first needed."""
        if self._caller is None:
            self._caller = self._open_caller()
        return self._caller

    @property
    def opened(self) -> Caller | None:
        """The connection to the server where there is one already."""
        return self._caller

    async def ask(self, request: Request) -> Answer | LLMError:
        """The answer, or why there is none. Equal requests at the same time are one call.

        Raises BudgetSpent, NotRecorded, ServerDown, ServerRefuses; InputError for a model that is
        another than the server's; GamutError for a cache that cannot be used.
        """
        key = self.key(request)
        flight = self._flights.get(key)
        if flight is None:
            flight = _Flight(asyncio.create_task(self._outcome(key, request)))
            self._flights[key] = flight
        flight.waiters += 1
        try:
            outcome = await asyncio.shield(flight.task)
        finally:
            flight.waiters -= 1
            if flight.waiters == 0:
                if self._flights.get(key) is flight:
                    del self._flights[key]
                flight.task.cancel()  # nobody wants it; does nothing to one that is done
        if isinstance(outcome, LLMError):
            self.missing[request.role, outcome.reason.value] += 1
            return LLMError(outcome.reason, request.role, outcome.detail)
        return outcome

    async def ask_lane(self, requests: list[tuple[int, Request]], into: list[Any]) -> None:
        """Ask one after the other; outcomes go to their places."""
        for place, request in requests:
            into[place] = await self.ask(request)

    async def capabilities(self, *, fresh: bool = False) -> Capabilities:
        """What the model can do: as recorded in a replay, else as probed once, or `fresh`."""
        async with self._probing:
            if self._able is None or fresh:
                try:
                    self._able = await self._probed()
                except LLMError as error:
                    raise ServerDown(
                        f"the probe of {self._settings.model} failed: {error}"
                    ) from None
            return self._able

    @property
    def known_capabilities(self) -> Capabilities | None:
        """What the model can do, as far as anybody has looked."""
        return self._able

    def key(self, request: Request) -> str:
        """What the answer to a request is kept under."""
        return key_of(self._settings.model, request, self._settings.extra)

    def is_kept(self, request: Request) -> bool:
        """Whether the cache has it."""
        if self._cache is None:
            return False
        return self._cache.find(self.key(request), request.role) is not None

    async def close(self) -> None:
        """Cancel all else in this loop, close the connections and the cache."""
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._caller is not None:
            await self._caller.transport.close()
        if self._cache is not None:
            self._cache.close()

    async def _outcome(self, key: str, request: Request) -> Answer | LLMError:
        """From the cache, or by a call whose outcome is then kept."""
        cache = self._cache
        if cache is None:
            return await self._call(key, request)
        kept = await self._kept_or_claimed(cache, key, request)
        if kept is not None:
            self.hits[request.role] += 1
            return kept
        renewal = asyncio.create_task(self._renew(cache, key))
        try:
            outcome = await self._call(key, request)
            full = {**request.wire(), "sample": request.sample, **self._extra()}
            return cache.keep(key, self._settings.model, full, outcome, request.role)
        except BaseException:
            cache.release(key)
            raise
        finally:
            renewal.cancel()

    async def _kept_or_claimed(
        self, cache: AnswerCache, key: str, request: Request
    ) -> Answer | LLMError | None:
        """What is kept; None once nobody but us may ask. Waits for a process that is asking."""
        while True:
            kept = cache.find(key, request.role)
            if kept is not None:
                return kept
            if cache.replay:
                raise NotRecorded(
                    f"{cache.file}: no recorded answer for {request.role} from"
                    f" {self._settings.model} under the key {key}, sample {request.sample},"
                    f' beginning "{request.beginning()}"; record it with llm.cache.mode=readwrite'
                )
            if cache.claim(key, _CLAIM):
                kept = cache.find(key, request.role)  # it may have come just before
                if kept is not None:
                    cache.release(key)
                return kept
            await asyncio.sleep(_LOOK)

    async def _renew(self, cache: AnswerCache, key: str) -> None:
        """Keep a claim alive as long as this process is; a cache that fails says so at the end."""
        with suppress(GamutError):
            while True:
                await asyncio.sleep(_CLAIM / 3)
                cache.claim(key, _CLAIM)

    async def _call(self, key: str, request: Request) -> Answer | LLMError:
        able = await self.capabilities()
        room = able.context_length
        if room is not None and least_tokens(request) >= room:
            return LLMError(Reason.TOO_LONG, request.role, f"it does not fit {room:,} tokens")
        body = body_of(request, self._settings, able, seed_of(key))
        return await self.caller.call(request, body)

    async def _probed(self) -> Capabilities:
        model, cache = self._settings.model, self._cache
        if cache is not None and cache.replay:
            found = cache.capabilities(model)
            if found is None:
                raise NotRecorded(
                    f"{cache.file}: what {model} is able to do is not recorded; record it with"
                    " llm.cache.mode=readwrite"
                )
            return Capabilities.from_plain(found)
        able = await probe(self.caller)
        if cache is not None:
            cache.keep_capabilities(model, able.plain())
        return able

    def _extra(self) -> dict[str, Any]:
        return {"extra": self._settings.extra} if self._settings.extra else {}
