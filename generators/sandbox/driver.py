"""The driver: a process of its own between the host and the workers. Started by `host.py`.

A program cannot reach the driver, but a block may hang in it, or hold the GIL. So it runs under a
watchdog that needs no GIL, and it ends with the host, however the host ends.
"""

from __future__ import annotations

import faulthandler
import importlib
import json
import os
import resource
import select
import signal
import socket
import threading
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from generators.errors import GamutError
from generators.sandbox import jail
from generators.sandbox.limits import Limits
from generators.sandbox.runner import Block, Runner
from generators.sandbox.wire import Wire, WireError

WATCHDOG_GRACE = 0.5
_MEMORY = 4 << 30


def no_blocks() -> dict[str, Block]:
    """Blocks for whoever only wants to see the sandbox start."""
    return {}


def main() -> int:
    """Serves one host until it hangs up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _bound_memory()
    wire, nowhere = _take_line()
    settings = json.loads(wire.receive())
    _end_with_host(settings["host"], wire)
    limits = Limits(**settings["limits"])
    try:
        runner, hello = _start(settings["blocks"], limits, settings["jail"])
    except Exception as error:  # whatever it is, the host says it to the user
        wire.send(json.dumps({"error": f"{type(error).__name__}: {error}"}))
        return 1
    wire.send(json.dumps(hello))
    # From here on nothing that a block or the watchdog writes reaches the user's terminal.
    os.dup2(nowhere, 2)
    try:
        _serve(wire, runner, limits, nowhere)
    except WireError:
        pass  # the host has closed the line: the normal end
    finally:
        runner.close()
    return 0


def _serve(wire: Wire, runner: Runner, limits: Limits, nowhere: int) -> None:
    while True:
        request = json.loads(wire.receive())
        faulthandler.dump_traceback_later(
            limits.wall_seconds + WATCHDOG_GRACE, exit=True, file=nowhere
        )
        names = ("source", "context", "n", "seed", "answers")
        reply = asdict(runner.run(*(request[name] for name in names)))
        faulthandler.cancel_dump_traceback_later()
        result = reply.pop("result")
        wire.send(json.dumps(reply))
        wire.send(result)


def _bound_memory() -> None:
    """A backstop for blocks: what would fill the machine is a MemoryError here instead."""
    for kind, bound in ((resource.RLIMIT_DATA, _MEMORY), (resource.RLIMIT_CORE, 0)):
        _, hard = resource.getrlimit(kind)
        ours = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
        resource.setrlimit(kind, (ours, hard))


def _take_line() -> tuple[Wire, int]:
    """Takes the line to the host off standard input, so that no block can write on it."""
    wire = Wire(socket.socket(fileno=os.dup(0)))
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    return wire, nowhere


def _end_with_host(host: int, wire: Wire) -> None:
    """Kills this process group once the host is gone, even in the middle of a run.

    A parent-death signal would fire at the end of the host's *thread* that started us.
    """
    watched = select.poll()
    watched.register(wire.fileno(), 0)  # a hang-up is reported without being asked for
    if hasattr(os, "pidfd_open"):
        try:
            watched.register(os.pidfd_open(host), select.POLLIN)
        except ProcessLookupError:
            os._exit(1)
        except OSError:
            pass  # an old kernel; the hang-up remains

    def watch() -> None:
        watched.poll()
        # The main thread sees the hang-up as well and may end in good order first.
        threading.Event().wait(WATCHDOG_GRACE)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


def _start(blocks: str, limits: Limits, wanted: str) -> tuple[Runner, dict[str, Any]]:
    import pydantic_monty
    from pydantic_monty._binary import find_monty_binary

    jail.adopt_orphans()
    table = _load(blocks)
    binary = os.path.realpath(find_monty_binary())
    bwrap = jail.find_bwrap()
    why = ""
    if wanted == "off":
        why = "the jail is switched off"
    elif bwrap is None:
        why = "bubblewrap (bwrap) is not installed"
    else:
        try:
            runner, level = _tried(table, limits, jail.jailed(binary, bwrap)), "monty+bwrap"
        except (pydantic_monty.MontyError, GamutError, OSError) as error:
            why = f"bubblewrap does not work here: {error}"
    if why:
        runner, level = _tried(table, limits, jail.unjailed(binary)), "monty"
    hello = {"level": level, "why": why, "bwrap": bwrap, "monty": pydantic_monty.__version__}
    return runner, hello


def _tried(table: Mapping[str, Block], limits: Limits, launcher: jail.Launcher) -> Runner:
    """A runner that has run a program: the only proof that a jail works on this machine."""
    runner = Runner(table, limits, launcher)
    reply = runner.run("def generate(context, n, rng):\n    return [n]", "{}", 1, 0)
    if reply.result != "[1]":
        runner.close()
        raise GamutError(f"the first program did not run: {reply.reason}")
    return runner


def _load(blocks: str) -> dict[str, Block]:
    module, _, name = blocks.partition(":")
    table: dict[str, Block] = getattr(importlib.import_module(module), name)()
    for key in table:
        if not key.isidentifier() or key.startswith("__"):
            raise GamutError(f"{blocks}: {key!r} is not a name that a program can call")
    return table


if __name__ == "__main__":
    raise SystemExit(main())
