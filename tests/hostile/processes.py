"""What the tests of the sandbox need to know of processes, read from /proc."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path


def below(pid: int) -> list[int]:
    """All processes that descend from `pid`."""
    found = []
    for listing in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, listing.read_text().split()):
            found += [child, *below(child)]
    return found


def state(pid: int) -> str:
    """One letter: R, S, T, Z…; X for a process that is gone."""
    try:
        if len(list(Path(f"/proc/{pid}/task").iterdir())) > 1:
            return "R"  # its first thread may have ended before the others
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return "X"
    return text.rpartition(")")[2].split()[0]


def ended(pids: list[int]) -> bool:
    """Whether none of them runs any more (their parent may still have to bury them)."""
    return all(state(pid) in "XZ" for pid in pids)


def soon(condition: Callable[[], bool], seconds: float) -> bool:
    """Waits until the condition holds, for so many seconds at most."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
