"""Runs one program in a Monty worker. Lives in the driver process; here is the border itself.

The law of the border: a value made by a program is never converted to a Python object unless it
is known to be a string made by our own code. (A nested tuple that shares its parts takes the
worker a millisecond and hangs whoever converts it, holding the GIL.) So `output` is read of our
own last snippet only, and `args` of our own host function only, whose name is secret: any other
name may be called by the program itself.
"""

from __future__ import annotations

import datetime
import json
import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NoReturn

import pydantic_monty as monty

from generators.sandbox.answers import ANSWERS, UnansweredError
from generators.sandbox.jail import Launcher, reap_orphans
from generators.sandbox.limits import Limits, Outcome, Reply, tidy

Block = Callable[..., Any]

# `locals()` shows a program the names and values of all globals. So the host function comes in
# under a name that is not its own (its own is the secret), and is out of sight before it starts.
_PRELUDE = """\
def __gamut(host):
    import json
    dumps, loads = json.dumps, json.loads
    def make(name):
        def block(*args, **kwargs):
            return loads(host(name, dumps([args, kwargs])))
        return block
    return make
__gamut = __gamut(__gamut_host)
__gamut_host = None
{blocks}
__gamut = None
None
"""
_BLOCK = "{name} = __gamut({name!r})"
_CALL = """\
import json, random
__gamut = generate(json.loads(__gamut_context), __gamut_n, random.Random(__gamut_seed))
None
"""
# Nothing of the program runs any more, and modules cannot be altered: this is the real `dumps`.
_DUMP = """\
import json
json.dumps(__gamut, allow_nan=False)
"""
_PROGRAM_FILE = "<python-input-1>"  # the second snippet of a session; the prelude is the first

_GRACE = 0.25
_OTHER_SUSPENSIONS = 50  # undefined names and calls of the operating system, all refused
_LARGEST_INTEGER = 1 << 64
_LONG_NUMBER = re.compile(r"\d{19}")
_BLOCK_ERROR_TEXT = 200


class StoppedError(Exception):
    """The driver ends a run."""

    def __init__(self, outcome: Outcome, reason: str) -> None:
        super().__init__(reason)
        self.outcome = outcome
        self.reason = reason


@dataclass
class _Run:
    """The accounts of one run."""

    limits: Limits
    printed: str = ""
    printed_too_much: bool = False
    token: str = field(default_factory=lambda: "h_" + secrets.token_hex(16))
    started: float = field(default_factory=time.monotonic)
    in_blocks: float = 0.0
    calls: int = 0
    traffic: int = 0

    def print(self, _stream: str, text: str) -> None:
        """Keeps what is printed; Monty ends the run when this raises, whatever is caught in it."""
        room = self.limits.printed - len(self.printed)
        self.printed += text[:room]
        if len(text) > room:
            self.printed_too_much = True
            raise MemoryError

    def check(self) -> None:
        """Ends the run if it has used up its time, its calls or what they may carry."""
        limits, passed = self.limits, time.monotonic() - self.started
        if passed > limits.wall_seconds:
            raise StoppedError(Outcome.TIMEOUT, f"took over {limits.wall_seconds:g} s in all")
        if passed - self.in_blocks > limits.seconds:
            raise StoppedError(Outcome.TIMEOUT, f"computed for over {limits.seconds:g} s")
        if self.calls > limits.host_calls:
            raise StoppedError(Outcome.ERROR, f"called blocks over {limits.host_calls} times")
        if self.traffic > limits.call_traffic:
            reason = f"exchanged over {limits.call_traffic} characters with blocks"
            raise StoppedError(Outcome.ERROR, reason)


class Runner:
    """Runs programs, one after the other."""

    def __init__(self, blocks: Mapping[str, Block], limits: Limits, launcher: Launcher) -> None:
        self._blocks = blocks
        self._limits = limits
        self._prelude = _PRELUDE.format(
            blocks="\n".join(_BLOCK.format(name=name) for name in blocks)
        )
        self._pool = monty.Monty(
            binary_path=launcher.path,
            min_processes=1,
            max_processes=1,
            request_timeout=limits.wall_seconds,
            feed_duration_limit_grace=_GRACE,
            turn_duration_limit_grace=_GRACE,
            max_checkouts_per_worker=limits.programs_a_worker,
        )
        self._pool.__enter__()
        self._worker: int | None = None
        self._print_limit = f"printed over {limits.printed} characters"
        self._session_limits: monty.ResourceLimits = {
            "max_feed_duration_secs": limits.seconds,
            "max_turn_duration_secs": limits.turn_seconds,
            "max_memory": limits.memory_bytes,
            "max_recursion_depth": limits.recursion,
            "max_suspensions": limits.host_calls + _OTHER_SUSPENSIONS,
            "max_total_sleep_secs": 0.0,
        }

    def close(self) -> None:
        """Ends the workers."""
        self._pool.__exit__(None, None, None)
        reap_orphans(wait=True)

    def run(
        self,
        source: str,
        context: str,
        n: int,
        seed: int,
        answers: Mapping[str, str] = MappingProxyType({}),
    ) -> Reply:
        """Runs `generate(context, n, rng)` of a program; `context` is JSON text.

        `answers`: of a language model, by prompt.
        """
        run = _Run(self._limits)
        result = ""
        asks: tuple[str, ...] = ()
        ANSWERS.set(answers)
        try:
            result = self._result(run, source, context, n, seed)
            outcome, reason = Outcome.OK, ""
        except StoppedError as stopped:
            outcome, reason = stopped.outcome, stopped.reason
        except UnansweredError as error:
            outcome, reason, asks = Outcome.ASKS, "asks a language model", error.prompts
        except monty.MontyCrashedError as crash:
            outcome, reason = _crash(crash)
        except (monty.MontyRuntimeError, monty.MontySyntaxError) as error:
            outcome, reason = self._failure(error)
        if run.printed_too_much:
            outcome, reason, result, asks = Outcome.MEMORY, self._print_limit, "", ()
        return Reply(
            outcome,
            tidy(reason, self._limits.error_text),
            run.calls,
            tidy(run.printed, self._limits.printed, one_line=False),
            result,
            asks,
        )

    def _result(self, run: _Run, source: str, context: str, n: int, seed: int) -> str:
        policy: monty.OSPolicy = {
            "random_start": {"seed": seed},
            "sleep": "zero",
            "process_time": "zero",
            "datetime": datetime.datetime(2026, 1, 1),
        }
        inputs = {"__gamut_context": context, "__gamut_n": n, "__gamut_seed": seed}
        with self._pool.checkout(limits=self._session_limits, os_policy=policy) as session:
            self._note_worker(session.worker_pid)
            run.started = time.monotonic()  # a new worker may have had to be started
            self._feed(session, run, self._prelude, names={"__gamut_host": _host(run.token)})
            self._feed(session, run, source)
            self._feed(session, run, _CALL, inputs=inputs)
            try:
                text = self._feed(session, run, _DUMP).output
            except monty.MontyRuntimeError as error:
                outcome, reason = self._failure(error)
                if outcome is Outcome.ERROR:
                    outcome, reason = Outcome.INVALID, f"the result is not JSON: {reason}"
                raise StoppedError(outcome, reason) from error
        if type(text) is not str:
            raise StoppedError(Outcome.INVALID, "the result is not JSON")
        if len(text) > self._limits.result:
            raise StoppedError(
                Outcome.INVALID,
                f"the result has {len(text)} characters; the limit is {self._limits.result}",
            )
        return text

    def _note_worker(self, pid: int | None) -> None:
        if pid != self._worker:
            self._worker = pid
            reap_orphans()

    def _feed(
        self,
        session: monty.MontySession,
        run: _Run,
        code: str,
        *,
        names: Mapping[str, Any] = MappingProxyType({}),
        inputs: dict[str, Any] | None = None,
    ) -> monty.MontyComplete:
        step = session.feed_start(code, inputs=inputs, print_callback=run.print)
        while not isinstance(step, monty.MontyComplete):
            if isinstance(step, monty.NameLookupSnapshot):
                name = step.variable_name
                step = step.resume(value=names[name]) if name in names else step.resume()
            elif isinstance(step, monty.FutureSnapshot):
                raise StoppedError(Outcome.ERROR, "waits for something that never comes")
            elif step.is_os_function:
                step = step.resume_not_handled()
            elif step.function_name != run.token:
                name = tidy(step.function_name, 60)
                message = f"name {name!r} is not defined"
                step = step.resume({"exc_type": "NameError", "message": message})
            else:
                step = step.resume(self._call(run, *step.args))
        run.check()
        return step

    def _call(self, run: _Run, name: str, payload: str) -> monty.ExternalResult:
        """Serves one call of a block. Both arguments are strings made by the prelude."""
        run.calls += 1
        run.check()
        before = time.monotonic()
        answer: monty.ExternalResult
        try:
            text = self._serve(name, payload)
            answer = {"return_value": text}
        except (ValueError, TypeError) as error:
            text = tidy(f"{name}: {error}", _BLOCK_ERROR_TEXT)
            answer = {"exc_type": "ValueError", "message": text}
        run.in_blocks += time.monotonic() - before
        run.traffic += len(payload) + len(text)
        run.check()
        return answer

    def _serve(self, name: str, payload: str) -> str:
        bound = self._limits.call_payload
        if len(payload) > bound:
            raise ValueError(f"arguments of {len(payload)} characters; the limit is {bound}")
        try:
            # A look at every integer takes five times as long, and is hardly ever called for.
            parse_int = _small_integer if _LONG_NUMBER.search(payload) else None
            args, kwargs = json.loads(payload, parse_constant=_refuse_constant, parse_int=parse_int)
            text = json.dumps(self._blocks[name](*args, **kwargs), allow_nan=False)
        except (ValueError, TypeError, UnansweredError):
            raise
        except Exception as error:  # a block's fault, told to the program without its text
            raise ValueError(f"failed with {type(error).__name__}") from error
        if len(text) > bound:
            raise ValueError(f"a result of {len(text)} characters; the limit is {bound}")
        return text

    def _failure(
        self, error: monty.MontyRuntimeError | monty.MontySyntaxError
    ) -> tuple[Outcome, str]:
        kind = type(error.exception()).__name__
        text = tidy(str(error), self._limits.error_text)
        frames = error.traceback()
        lines = [frame.line for frame in frames if frame.filename == _PROGRAM_FILE]
        where = f"line {lines[-1]}: " if lines else ""
        if kind == "MemoryError":
            if "memory limit exceeded" in text:  # without its byte counts, which say nothing
                text = f"used over {self._limits.memory_bytes} bytes of memory"
            return Outcome.MEMORY, where + text
        # Monty's own time limits have no traceback; a TimeoutError with one was raised by hand.
        if kind == "TimeoutError" and not frames:
            turn = "turn" in text
            limit = self._limits.turn_seconds if turn else self._limits.seconds
            between = " between two calls of blocks" if turn else ""
            return Outcome.TIMEOUT, f"computed for over {limit:g} s{between}"
        if isinstance(error, monty.MontySyntaxError):
            return Outcome.ERROR, f"{where}SyntaxError: {text}"
        return Outcome.ERROR, where + text


def _crash(crash: monty.MontyCrashedError) -> tuple[Outcome, str]:
    if crash.timed_out:
        return Outcome.TIMEOUT, "did not stop at its time limit and was killed"
    return Outcome.CRASH, "its worker process died"


def _host(token: str) -> Block:
    def host(*_: Any) -> NoReturn:
        raise AssertionError("the driver answers this call itself")

    host.__name__ = token
    return host


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number that a block takes")


def _small_integer(digits: str) -> int:
    value = int(digits)
    if abs(value) > _LARGEST_INTEGER:
        raise ValueError("a whole number of more than 64 bits")
    return value
