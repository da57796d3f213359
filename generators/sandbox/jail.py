"""The outer wall: starts Monty workers inside bubblewrap, with nothing in view but the binary."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

# Backstops for a worker whose own limits fail, or that outlives everybody (no jail, driver gone).
_WORKER_CPU_SECONDS = 300
_WORKER_ADDRESS_KIB = 4 << 20
_PR_SET_CHILD_SUBREAPER = 36

_BWRAP_OPTIONS = (
    "--unshare-all --die-with-parent --new-session --cap-drop ALL --clearenv "
    "--ro-bind-try /lib /lib --ro-bind-try /lib64 /lib64 "
    "--ro-bind-try /usr/lib /usr/lib --ro-bind-try /usr/lib64 /usr/lib64"
)


@dataclass(frozen=True)
class Launcher:
    """A way to start a worker: `path` is what the pool executes."""

    level: str
    path: str
    bwrap: str | None = None


def find_bwrap() -> str | None:
    """Where bubblewrap is, if it is installed here."""
    return shutil.which("bwrap") if sys.platform == "linux" else None


def jailed(binary: str, bwrap: str) -> Launcher:
    """A launcher that puts each worker in a jail of its own."""
    command = (
        f"{shlex.quote(bwrap)} {_BWRAP_OPTIONS} --ro-bind {shlex.quote(binary)} /monty "
        '--chdir / /monty "$@"'
    )
    return Launcher("monty+bwrap", _script(command), bwrap)


def unjailed(binary: str) -> Launcher:
    """A launcher for machines without a jail."""
    if not hasattr(os, "memfd_create"):
        return Launcher("monty", binary)
    return Launcher("monty", _script(f'{shlex.quote(binary)} "$@"'))


def _script(command: str) -> str:
    """An executable script in memory: no file is left behind, whatever kills this process."""
    text = (
        "#!/bin/sh\n"
        f"ulimit -c 0; ulimit -t {_WORKER_CPU_SECONDS}; ulimit -v {_WORKER_ADDRESS_KIB}\n"
        f"exec {command}\n"
    )
    writable = os.memfd_create("gamut-worker")
    try:
        os.write(writable, text.encode())
        os.fchmod(writable, 0o500)
        # The kernel refuses to execute what is open for writing, hence a second descriptor.
        readable = os.open(f"/proc/self/fd/{writable}", os.O_RDONLY)
    finally:
        os.close(writable)
    return f"/proc/{os.getpid()}/fd/{readable}"


def adopt_orphans() -> None:
    """Makes this process inherit what its killed workers leave; see `reap_orphans`."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap_orphans(*, wait: bool = False) -> None:
    """Buries the jails of ended workers, which the first process of a container may not do.

    When the pool ends the outer bwrap, the inner one dies with it and becomes our child. It leads
    a session of its own (--new-session), which tells it from the pool's own children.
    """
    for listing in Path("/proc/self/task").glob("*/children"):
        # The pool's threads and children come and go meanwhile.
        with contextlib.suppress(ProcessLookupError, FileNotFoundError, ChildProcessError):
            for child in map(int, listing.read_text().split()):
                if os.getsid(child) == child:
                    os.waitpid(child, 0 if wait else os.WNOHANG)
