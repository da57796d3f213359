"""The way in: `Sandbox.run` runs a program of unknown origin and returns a verdict."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Mapping
from operator import index
from types import MappingProxyType, TracebackType
from typing import Any, Literal, Self

from generators.errors import GamutError, InputError
from generators.sandbox.host import DriverGoneError, DriverLateError, DriverProcess
from generators.sandbox.limits import LARGEST_N, Limits, Outcome, Reply, Verdict, tidy

Jail = Literal["auto", "off"]


class Sandbox:
    """Runs programs, one at a time, in a driver process that this object owns.

    A program is Python source text that defines `generate(context, n, rng)` and returns a list of
    JSON values. The blocks that it may call are named as "module:function"; the driver imports
    the module and calls the function, which returns a dict of names and callables.

    Safe to use from several threads (they take turns) and after a fork (the child gets a driver
    of its own). Have one sandbox a process and core; close it, or use it as a context manager.
    """

    def __init__(
        self,
        blocks: str = "generators.blocks:host_blocks",
        limits: Limits | None = None,
        jail: Jail = "auto",
    ) -> None:
        self.limits = limits or Limits()
        self._blocks = blocks
        self._jail = jail
        self._turn = threading.Lock()
        self._closed = False
        self._driver, self._owner = self._start(), os.getpid()
        self._hello = self._driver.hello()

    @property
    def level(self) -> str:
        """How strangers are kept apart here: "monty+bwrap" or "monty"."""
        return str(self._hello["level"])

    @property
    def facts(self) -> dict[str, Any]:
        """What the driver says of itself: level, why it is no better, bwrap, monty."""
        return dict(self._hello)

    @property
    def driver_pid(self) -> int:
        """The driver's process, for whoever watches processes."""
        return self._driver.pid

    def run(
        self,
        source: str,
        payload: dict[str, Any],
        n: int,
        seed: int,
        answers: Mapping[str, str] = MappingProxyType({}),
    ) -> Verdict:
        """Runs `generate(payload, n, Random(seed))`; whatever the program does, a verdict.

        `answers` are those of a language model, by prompt; a program that needs one that is not
        there ends with the outcome ASKS. The verdict depends on the arguments alone, timeouts
        apart. InputError if `n` or `payload` is out of bounds, since that is not the program's
        fault.
        """
        n, seed = index(n), index(seed)  # of numpy's integers, too
        context = self._checked(payload, n)
        refusal = _refusal(source, self.limits.source)
        if refusal:
            return Verdict(Outcome.REFUSED, None, refusal)
        with self._turn:
            started = time.monotonic()
            try:
                driver = self._ready()
                started = time.monotonic()
                reply = driver.ask(source, context, n, seed, answers)
            except (DriverGoneError, DriverLateError) as error:
                self._restart()
                return self._lost(error, time.monotonic() - started)
            except BaseException:
                # Ctrl-C: the answer would come later and be taken for the next program's.
                self._driver.end(now=True)
                raise
        return _verdict(reply)

    def close(self) -> None:
        """Ends the driver and its workers."""
        with self._turn:
            self._closed = True
            if self._owner == os.getpid():
                self._driver.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _start(self) -> DriverProcess:
        return DriverProcess(self._blocks, self.limits, self._jail)

    def _ready(self) -> DriverProcess:
        """A live driver: the one at hand, or a new one if that has died or belongs to a parent."""
        if self._closed:
            raise GamutError("this sandbox is closed")
        if self._owner != os.getpid() or not self._driver.alive():
            self._restart()
        self._hello = self._driver.hello()
        return self._driver

    def _restart(self) -> None:
        """Starts another driver without waiting for it: `_ready` does, when it is needed."""
        if self._owner == os.getpid():
            self._driver.end(now=True)
        self._driver, self._owner = self._start(), os.getpid()

    def _checked(self, payload: dict[str, Any], n: int) -> str:
        if not 1 <= n <= LARGEST_N:
            raise InputError(f"n is {n}; a program is asked for 1 to {LARGEST_N} personas a run")
        try:
            context = json.dumps(payload, allow_nan=False, ensure_ascii=False)
            context.encode()
        except (TypeError, ValueError, RecursionError) as error:
            raise InputError(f"the context cannot be written as JSON: {error}") from error
        if len(context) > self.limits.payload:
            raise InputError(
                f"the context has {len(context)} characters as JSON; "
                f"the limit is {self.limits.payload}"
            )
        return context

    def _lost(self, error: Exception, seconds: float) -> Verdict:
        if isinstance(error, DriverLateError) or seconds >= self.limits.wall_seconds:
            reason = f"no answer within {self.limits.wall_seconds:g} s; its process was killed"
            return Verdict(Outcome.TIMEOUT, None, reason)
        return Verdict(Outcome.CRASH, None, "the driver process died")


def _refusal(source: str, bound: int) -> str:
    if len(source) > bound:
        return f"the program has {len(source)} characters; the limit is {bound}"
    try:
        source.encode()
    except UnicodeEncodeError:
        return "the program is not valid Unicode text"
    return ""


def _verdict(reply: Reply) -> Verdict:
    outcome, reason, value = reply.outcome, reply.reason, None
    if outcome is Outcome.OK:
        try:
            value = json.loads(reply.result)
        except (ValueError, RecursionError) as error:
            outcome, reason = Outcome.INVALID, f"the result is not JSON: {error}"
        else:
            if not isinstance(value, list):
                outcome, reason = Outcome.INVALID, "the result is not a list"
                value = None
    return Verdict(outcome, value, reason, reply.host_calls, reply.printed, reply.asks)


def probe() -> dict[str, Any]:
    """What this machine offers, for `gamut doctor`: level, why it is no better, bwrap, monty."""
    try:
        with Sandbox("generators.sandbox.driver:no_blocks") as sandbox:
            return sandbox.facts
    except (GamutError, OSError) as error:
        return {"level": "none", "why": tidy(str(error), 300), "bwrap": None, "monty": None}
