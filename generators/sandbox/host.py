"""The host's end of one driver process: start it, ask it, end it whatever it does."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from generators.errors import GamutError
from generators.sandbox.limits import Limits, Outcome, Reply
from generators.sandbox.wire import Wire, WireError

# The driver ends itself at its own watchdog; the host's deadline is for a driver that cannot.
HOST_GRACE = 1.0
_START_SECONDS = 60.0
_GOODBYE_SECONDS = 1.0
_LARGEST_META = 1 << 22

# All that a driver learns of this process's environment.
_KEPT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PYTHONHOME", "MONTY_BIN", "TMPDIR")
_SET = {
    "PYTHONHASHSEED": "0",  # blocks that walk over sets give the same answer every time
    "PYTHONDONTWRITEBYTECODE": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}


class DriverGoneError(Exception):
    """The driver has died, or the line to it is broken."""


class DriverLateError(Exception):
    """The driver has not answered in time."""


class DriverProcess:
    """One driver, from its start to its end. It is started at once and awaited by `hello`."""

    def __init__(self, blocks: str, limits: Limits, jail: str) -> None:
        self._limits = limits
        self._hello: dict[str, Any] | None = None
        here, there = socket.socketpair()
        self._wire = Wire(here)
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115, closed by `_end`
        with there:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "generators.sandbox.driver"],
                stdin=there.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=self._complaints,
                env=_environment(),
                # Ctrl-C in the terminal is for the host alone, which then decides.
                start_new_session=True,
            )
        self._end = weakref.finalize(
            self, _end, self._process, self._wire, self._complaints, os.getpid()
        )
        settings = {
            "blocks": blocks,
            "limits": asdict(limits),
            "jail": jail,
            "host": os.getpid(),
        }
        self._settings = json.dumps(settings)

    @property
    def pid(self) -> int:
        """The driver's process, which leads a process group of its own."""
        return self._process.pid

    def alive(self) -> bool:
        """Whether it is still there. Asked between two runs, when a driver has nothing to say."""
        return self._end.alive and not self._wire.ended()

    def hello(self) -> dict[str, Any]:
        """What the driver says of itself, once it is ready; GamutError if it cannot start."""
        if self._hello is None:
            deadline = time.monotonic() + _START_SECONDS
            try:
                self._wire.send(self._settings, deadline)
                hello: dict[str, Any] = json.loads(self._wire.receive(_LARGEST_META, deadline))
            except (WireError, TimeoutError, ValueError) as error:
                self.end()
                raise GamutError(f"the sandbox does not start: {error} {self._said()}") from error
            if "error" in hello:
                self.end()
                raise GamutError(f"the sandbox does not start: {hello['error']}")
            self._hello = hello
        return self._hello

    def ask(
        self, source: str, context: str, n: int, seed: int, answers: Mapping[str, str]
    ) -> Reply:
        """One run, as the driver tells it."""
        what = {"source": source, "context": context, "n": n, "seed": seed}
        request = json.dumps({**what, "answers": dict(answers)})
        deadline = time.monotonic() + self._limits.wall_seconds + HOST_GRACE
        try:
            self._wire.send(request, deadline)
            meta: dict[str, Any] = json.loads(self._wire.receive(_LARGEST_META, deadline))
            result = self._wire.receive(4 * self._limits.result, deadline)
            return Reply(
                Outcome(meta["outcome"]),
                str(meta["reason"]),
                int(meta["host_calls"]),
                str(meta["printed"]),
                result,
                tuple(str(prompt) for prompt in meta["asks"]),
            )
        except TimeoutError as error:
            raise DriverLateError from error
        except (WireError, ValueError, KeyError, TypeError) as error:
            raise DriverGoneError from error

    def end(self, *, now: bool = False) -> None:
        """Ends the driver and its workers: with a goodbye, or `now`."""
        if now and self._end.alive:
            _kill_group(self._process)
        self._end()

    def _said(self) -> str:
        """The end of what the driver wrote before it was ready."""
        if self._complaints.closed:
            return ""
        self._complaints.seek(0)
        return self._complaints.read()[-500:].decode(errors="replace").strip()


def _end(process: subprocess.Popen[bytes], wire: Wire, complaints: Any, owner: int) -> None:
    ours = os.getpid() == owner  # in a fork of the host it is not
    if ours:
        wire.hang_up(time.monotonic() + _GOODBYE_SECONDS)
    wire.close()
    complaints.close()
    if not ours:
        return
    # Killed even after a good end (a worker without a jail may be left in the group), and before
    # the leader is waited for: until then its number cannot belong to anybody else.
    _kill_group(process)
    process.wait()


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    # Nobody may be left (macOS says it the second way).
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    path = os.pathsep.join(
        os.path.abspath(entry) for entry in sys.path if os.path.exists(entry or ".")
    )
    return {**kept, **_SET, "PYTHONPATH": path}
