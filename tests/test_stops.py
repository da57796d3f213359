"""Ctrl-C and the live view, on a real terminal and in a log; every stop can be resumed."""

import contextlib
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable
from pathlib import Path

from small_run import SMALL, archive_bytes, gamut, run

from evolve.store import Store

WIDTH = 110


class Terminal:
    """A process whose standard error and input are a terminal that it controls, like a user's."""

    def __init__(self, words: list[str]) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, WIDTH, 0, 0))
        self.process = subprocess.Popen(
            words,
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=theirs,
            text=True,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
            env={**os.environ, "TERM": "xterm"},
        )
        os.close(theirs)
        self._raw = b""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def screen(self) -> str:
        """All that was shown so far, without colours and movements."""
        return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", self._raw.decode(errors="replace"))

    def raw(self) -> str:
        return self._raw.decode(errors="replace")

    def wait(self) -> int:
        self.process.communicate(timeout=120)
        self._reader.join(timeout=10)
        return self.process.returncode

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # how a terminal says that nobody holds its other side
            while more := os.read(self._ours, 65536):
                self._raw += more


def until(passed: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while not passed():
        assert process.poll() is None, "it ended too early"
        assert time.monotonic() < deadline
        time.sleep(0.05)


def count(folder: Path) -> int:
    store = Store(folder / "run.sqlite", read_only=True)
    found = store.count()
    store.close()
    return found


def test_ctrl_c_once_on_a_terminal_then_twice_in_a_log_then_resumed(
    finished: tuple[Path, str], tmp_path: Path
) -> None:
    folder = tmp_path / "interrupted"
    once_on_a_terminal(folder)
    stored = count(folder)
    twice_in_a_log(folder)
    assert count(folder) >= stored
    run("resume", folder)
    assert archive_bytes(folder) == archive_bytes(finished[0])
    ended = [s.ended for s in Store(folder / "run.sqlite", read_only=True).sittings()]
    assert ended == ["interrupted", "interrupted", "45 evaluations"]


def once_on_a_terminal(folder: Path) -> None:
    terminal = Terminal(gamut("evolve", *SMALL, f"run_dir={folder}", "workers=2"))
    until(lambda: (folder / "report.html").exists(), terminal.process)
    page = (folder / "report.html").read_text()
    assert page.endswith("</html>\n")
    assert "still going on" in page
    assert '<meta http-equiv="refresh"' in page
    until(lambda: "a second, about" in terminal.screen(), terminal.process)
    terminal.type("\x03")
    assert terminal.wait() == 130, terminal.screen()
    seen = terminal.screen()
    assert re.search(r"evolving +━+.* \d+/45 ", seen)
    assert re.search(r"(best \d\.\d{3} \[.*\], )\d+ elites, .*\d+ scored", seen)
    assert "Stopping: finishing what is in flight" in seen
    assert seen.rstrip().splitlines()[-1] == f"gamut resume {folder}"
    assert "Traceback" not in seen
    assert terminal.raw().count("\x1b[?25l") == terminal.raw().count("\x1b[?25h")  # cursor is back
    store = Store(folder / "run.sqlite", read_only=True)
    assert 0 < store.count() == store.tickets() < 45  # what was in flight is there: no gap
    store.close()


def twice_in_a_log(folder: Path) -> None:
    process = subprocess.Popen(
        gamut("resume", folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    sittings = 1
    while sittings < 2:
        store = Store(folder / "run.sqlite", read_only=True)
        sittings = len(store.sittings())
        store.close()
        time.sleep(0.05)
    time.sleep(1.0)  # workers take longer to load what they need
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the whole process group
    time.sleep(0.2)
    os.killpg(process.pid, signal.SIGINT)
    began = time.monotonic()
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert time.monotonic() - began < 20
    assert "Ctrl-C again stops at once" in errors
    said = [line for line in errors.splitlines() if "resource_tracker" not in line]  # Python's own
    assert said[-1] == f"gamut resume {folder}"
    assert "Traceback" not in errors
