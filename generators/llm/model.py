"""The one way to a language model: synchronous outside, an event loop in a thread of its own."""

import asyncio
import os
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Sequence
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any, Self, TypeVar

from generators.errors import GamutError, InputError
from generators.llm.asker import Asker
from generators.llm.cache import AnswerCache, answers_file
from generators.llm.caller import Caller
from generators.llm.capabilities import Capabilities
from generators.llm.errors import BudgetSpent, LLMError
from generators.llm.estimate import estimate
from generators.llm.keys import Key
from generators.llm.ledger import Ledger
from generators.llm.messages import Answer, Request
from generators.llm.settings import Settings
from generators.llm.transport import Transport

_T = TypeVar("_T")


class LanguageModel:
    """A language model on an OpenAI-compatible server, with cache, budget and patience.

    Any thread may use it. Close it, or use it as a context manager. Nothing is read or connected
    before it is used; the first call that is not in the cache probes what the server can do.

    Sent to another process (pickled), it opens connections of its own there, on the same cache and
    under the same budget: that needs a ledger in a file.

    Attributes:
        settings: as given.
        session: names the run: a failure that may pass is final within it, so that what the run
            saw once is what it sees again. Give a resumed run its old session.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        ledger: Ledger | Path | None = None,
        session: str | None = None,
        capabilities: Capabilities | None = None,
    ) -> None:
        """`ledger`: several models may share one; None keeps spending in memory.

        Raises InputError where no call could be made: no key, or a price that is not known.
        """
        self.settings, self.session = settings, session or uuid.uuid4().hex
        self._replay = settings.cache.mode == "replay"
        self._key = check_usable(settings)
        self._own_ledger = not isinstance(ledger, Ledger)
        self._ledger = ledger if isinstance(ledger, Ledger) else Ledger(settings.budget, ledger)
        self._given = capabilities
        self._lock = threading.Lock()
        self._asker: Asker | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._closed = False
        self._spent_at_close: dict[str, dict[str, Any]] | None = None
        self._process = os.getpid()

    def ask(self, request: Request) -> Answer:
        """The answer. Raises LLMError where it is missing, BudgetSpent, NotRecorded, ServerDown,
        ServerRefuses.
        """
        outcome = self._run(lambda asker: asker.ask(request))
        if isinstance(outcome, LLMError):
            raise outcome
        return outcome

    def ask_all(self, requests: Iterable[Request]) -> list[Answer | LLMError]:
        """What `ask` would give or raise for each, in order; missing answers are values.

        Other errors are raised, and stop what is not yet asked; BudgetSpent only when all calls in
        flight have ended, with the answers that there are.
        """
        listed = list(requests)
        return self._run(lambda asker: _ask_all(asker, listed, self.settings.concurrency))

    def capabilities(self, *, fresh: bool = False) -> Capabilities:
        """What the model can do; probed once, or again if `fresh`; in a replay as recorded."""
        return self._run(lambda asker: asker.capabilities(fresh=fresh))

    def estimate(self, plan: Iterable[tuple[Request, int]]) -> dict[str, dict[str, Any]]:
        """What a plan costs at most, by role and in `total`, if nothing is tried twice.

        `plan`: requests, each with how many like it there will be. One that is planned once and is
        in the cache costs nothing. Calls nobody. Per role: calls, prompt and completion tokens,
        money (None: price not known), minutes (None: nothing was measured yet).
        """
        listed = list(plan)
        return self._run(lambda asker: _estimate(asker, self.settings, listed))

    def spent(self) -> dict[str, dict[str, Any]]:
        """What was spent, by role and in `total`, as plain JSON; also after `close`.

        From the ledger: calls, prompt_tokens, completion_tokens, money (None where the price is not
        known), minutes; what is in flight counts as what it may cost. Of this object alone:
        from_cache, retries, counted_here (answers whose tokens the server did not count truly), and
        missing, by reason.
        """
        return self._spent_at_close or self._spent()

    def close(self) -> None:
        """Give up what is on its way, and close connections, cache and ledger."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            if self._loop is not None and self._thread is not None:
                if self._asker is not None:
                    asyncio.run_coroutine_threadsafe(self._asker.close(), self._loop).result()
                self._loop.call_soon_threadsafe(self._loop.stop)
                self._thread.join()
                self._loop.close()
            self._spent_at_close = self._spent()
            if self._own_ledger:
                self._ledger.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        if self._ledger.file is None:
            raise GamutError("a model that other processes are to use needs a ledger in a file")
        able = self._asker.known_capabilities if self._asker else self._given
        return _reopened, (self.settings, self._ledger.file, self.session, able)

    def _spent(self) -> dict[str, dict[str, Any]]:
        lines = self._ledger.spent()
        total = lines.pop("total")
        asker = self._asker
        hits, lost = (
            (Counter(asker.hits), Counter(asker.missing)) if asker else (Counter(), Counter())
        )
        calls = Counter(asker.opened.counts) if asker and asker.opened else Counter()
        for role in sorted({*lines, *hits, *(role for role, _ in (*lost, *calls))}):
            line = lines.setdefault(role, dict.fromkeys(total, 0))
            line["from_cache"] = hits[role]
            line["retries"], line["counted_here"] = (
                calls[role, "retries"],
                calls[role, "counted_here"],
            )
            line["missing"] = {why: n for (of, why), n in sorted(lost.items()) if of == role}
        for name in ("from_cache", "retries", "counted_here"):
            total[name] = sum(line[name] for line in lines.values())
        reasons: Counter[str] = Counter()
        for line in lines.values():
            reasons.update(line["missing"])
        total["missing"] = dict(reasons)
        if self.settings.price() is None:
            for line in (*lines.values(), total):
                line["money"] = None
        return {**lines, "total": total}

    def _opened(self) -> Asker:
        """The asker, made in the thread of its loop when first needed."""
        if self._closed:
            raise GamutError("this language model is closed; open another one")
        if os.getpid() != self._process:
            raise GamutError("a language model does not survive a fork; open one in each process")
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(
                target=self._loop.run_forever, name="language model", daemon=True
            )
            self._thread.start()
        if self._asker is None:
            made = asyncio.run_coroutine_threadsafe(self._make_asker(), self._loop)
            self._asker = made.result()
        return self._asker

    async def _make_asker(self) -> Asker:
        caching = self.settings.cache
        cache = None
        if caching.mode != "off":
            file, owner = caching.file or answers_file(), uuid.uuid4().hex
            cache = AnswerCache(file, self.session, owner, replay=self._replay)
        return Asker(self.settings, cache, self._caller, self._given)

    def _caller(self) -> Caller:
        return Caller(self.settings, self._ledger, Transport(self.settings, self._key))

    def _run(self, work: Callable[[Asker], Coroutine[Any, Any, _T]]) -> _T:
        """Run in the loop's thread; interrupted here, it is cancelled there."""
        with self._lock:  # so that it is begun before `close`, which then ends it, or refused
            asker = self._opened()
            assert self._loop is not None
            future = asyncio.run_coroutine_threadsafe(work(asker), self._loop)
        try:
            return future.result()
        except CancelledError:
            raise GamutError("the language model was closed while it was asked") from None
        except BaseException:  # Ctrl-C too
            future.cancel()
            raise


def _reopened(
    settings: Settings, ledger: Path, session: str, able: Capabilities | None
) -> LanguageModel:
    return LanguageModel(settings, ledger=ledger, session=session, capabilities=able)


def check_usable(settings: Settings) -> Key | None:
    """The key, where one is needed; a replay needs neither key nor price.

    Raises InputError where no call could be made.
    """
    if settings.cache.mode == "replay":
        return None
    if settings.price() is None and not settings.allow_unknown_price:
        raise InputError(
            f"llm.prices: no price for {settings.model}, so what it costs cannot be limited; give"
            f" llm.prices=[{{model: {settings.model}, input: …, output: …, as_of: 2026-11-01}}] in"
            f" {settings.currency} a million tokens (0 for a server of your own), or set"
            " llm.allow_unknown_price=true and llm.budget.money=null"
        )
    try:
        settings.check_money()  # a copy for another model is not checked by itself
    except ValueError as error:
        raise InputError(f"llm.{error}") from None
    return Key.from_environment(settings.key_env)


async def _ask_all(
    asker: Asker, requests: Sequence[Request], at_once: int
) -> list[Answer | LLMError]:
    """All requests, a lane's one after the other, so many lanes at once: if they took turns, each
    would push the others' beginnings out of the server's prompt cache."""
    outcomes: list[Any] = [None] * len(requests)
    lanes: dict[object, list[tuple[int, Request]]] = {}
    for place, request in enumerate(requests):
        lane = place if request.lane is None else request.lane
        lanes.setdefault(lane, []).append((place, request))
    gate = asyncio.Semaphore(at_once)

    async def ask(lane: list[tuple[int, Request]]) -> None:
        async with gate:
            await asker.ask_lane(lane, outcomes)

    tasks = [asyncio.create_task(ask(lane)) for lane in lanes.values()]
    try:
        spent = await _all_ended(tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if spent is not None:
        error = BudgetSpent(str(spent))  # of our own: another caller may wait for the same answer
        error.answers = outcomes
        raise error
    return outcomes


async def _all_ended(tasks: Sequence["asyncio.Task[None]"]) -> BudgetSpent | None:
    """Wait for all; the first BudgetSpent, if there is one. Raises any other error at once."""
    spent = None
    for next_done in asyncio.as_completed(tasks):
        try:
            await next_done
        except BudgetSpent as error:
            spent = spent or error
    return spent


async def _estimate(
    asker: Asker, settings: Settings, plan: list[tuple[Request, int]]
) -> dict[str, dict[str, Any]]:
    asked = [(r, 0 if times == 1 and asker.is_kept(r) else times) for r, times in plan]
    if settings.cache.mode == "replay":
        asked = [(request, 0) for request, _ in asked]
    paces = asker.opened.paces if asker.opened else {}
    return estimate(asked, settings, paces, asker.known_capabilities)
