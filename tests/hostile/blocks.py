"""Blocks for the tests of the sandbox: some careless, some slow, some that hang."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any


def echo(value: Any) -> Any:
    """Gives back what it gets."""
    return value


def numbers(n: int, seed: int) -> list[float]:
    """Numbers in [0, 1), with its arguments checked."""
    if not isinstance(n, int) or not 1 <= n <= 256:
        raise ValueError(f"n must be 1 to 256, not {n!r}")
    return [(seed * 7919 + i * 104729) % 1000 / 1000 for i in range(n)]


def repeat(text: str, times: int) -> str:
    """A careless block: nobody checks how long its result gets."""
    return text * times


def slow(seconds: float) -> float:
    """Sleeps, as a block that waits for something."""
    time.sleep(seconds)
    return seconds


def gil_hog() -> int:
    """Holds the GIL for minutes."""
    shared: Any = ()
    for _ in range(60):
        shared = (shared, shared)
    return hash(shared)


def blunder() -> None:
    """Fails with an error of its own that betrays a path and a key."""
    raise OSError(f"cannot open {os.path.abspath(__file__)} with key sk-123")


def complain() -> None:
    """Fails as blocks should, but with a path and a terminal's control characters in the text."""
    raise ValueError("no such file: /home/somebody/private/key.pem \x1b[2J" + "x" * 5000)


def infinite() -> float:
    """A careless block that returns what is not JSON."""
    return float("inf")


def babble() -> None:
    """Writes where the host could take it for a message or the user see it."""
    for stream in (sys.stdout, sys.stderr, sys.__stdout__):
        print("\x00\x00\x00\x05hello" * 100, file=stream, flush=True)
    os.write(1, b"loud")
    os.write(2, b"loud")


def die() -> None:
    """Kills the driver."""
    os.kill(os.getpid(), signal.SIGKILL)


def freeze() -> None:
    """Stops the driver, so that not even its watchdog runs."""
    os.kill(os.getpid(), signal.SIGSTOP)


def worker(what: str) -> int:
    """Sends a signal to all processes below the driver: "KILL" or "STOP"."""
    while not (found := _below(os.getpid())):  # the list is not always whole while others start
        time.sleep(0.001)
    for pid in found:
        os.kill(pid, getattr(signal, f"SIG{what}"))
    return len(found)


def environment() -> dict[str, str]:
    """The environment of the driver."""
    return dict(os.environ)


def descriptors() -> int:
    """How many files and pipes the driver holds open that it did not open itself."""
    return sum(os.get_inheritable(int(fd)) for fd in os.listdir("/proc/self/fd") if _open(int(fd)))


def _open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


def _below(pid: int) -> list[int]:
    found = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children") as listing:
            for child in map(int, listing.read().split()):
                found += [child, *_below(child)]
    return found


def host_blocks() -> dict[str, Callable[..., Any]]:
    """All of the above."""
    blocks = (
        echo, numbers, repeat, slow, gil_hog, blunder, complain, infinite,
        babble, die, freeze, worker, environment, descriptors,
    )  # fmt: skip
    return {block.__name__: block for block in blocks}
