"""The sandbox when processes die: workers, the driver, the host; and where it can be started."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import joblib
import pytest
from hostile.processes import below, ended, soon, state

from generators.sandbox import Limits, Outcome, Sandbox, Verdict
from generators.sandbox.wire import Wire, WireError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

BLOCKS = "hostile.blocks:host_blocks"
TESTS = Path(__file__).parent
BENIGN = "def generate(context, n, rng):\n    return [n]\n"
SQUARE = "def generate(context, n, rng):\n    x = 3\n    while True:\n        x *= x\n"


def body(*lines: str) -> str:
    return "def generate(context, n, rng):\n" + "".join(f"    {line}\n" for line in lines)


def run(sandbox: Sandbox, source: str) -> Verdict:
    return sandbox.run(source, {}, 2, 1)


def timed(sandbox: Sandbox, source: str) -> tuple[Verdict, float]:
    started = time.monotonic()
    return run(sandbox, source), time.monotonic() - started


@pytest.fixture(scope="module", params=["auto", "off"])
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    with Sandbox(BLOCKS, Limits(wall_seconds=0.5, turn_seconds=0.2), request.param) as sandbox:
        yield sandbox


@pytest.mark.parametrize(
    ("line", "outcome", "seconds"),
    [
        ("worker('KILL')", Outcome.CRASH, 0.5),
        ("worker('STOP')", Outcome.TIMEOUT, 1.2),
        ("die()", Outcome.CRASH, 0.5),
        # Both are ended by the driver's own watchdog, which waits half a second more…
        ("slow(60)", Outcome.TIMEOUT, 1.3),
        ("gil_hog()", Outcome.TIMEOUT, 1.3),
        # …and this one by the host's deadline, since a stopped driver has no watchdog.
        ("freeze()", Outcome.TIMEOUT, 1.9),
    ],
)
def test_death_on_the_way_is_a_verdict(
    sandbox: Sandbox, line: str, outcome: Outcome, seconds: float
) -> None:
    verdict, took = timed(sandbox, body(line))
    assert verdict.outcome is outcome, verdict
    assert took < seconds
    assert run(sandbox, BENIGN).value == [2]
    assert min(timed(sandbox, BENIGN)[1] for _ in range(3)) < 0.1


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_death_of_an_idle_driver_goes_unnoticed(sandbox: Sandbox, number: int) -> None:
    before = sandbox.driver_pid
    os.kill(before, number)
    if number == signal.SIGKILL:
        assert soon(lambda: state(before) == "Z", 2)
        assert run(sandbox, BENIGN).value == [2]
    else:
        assert run(sandbox, BENIGN).outcome is Outcome.TIMEOUT
        assert run(sandbox, BENIGN).value == [2]
    assert sandbox.driver_pid != before


def test_death_of_an_idle_worker_goes_unnoticed(sandbox: Sandbox) -> None:
    assert run(sandbox, BENIGN).value == [2]
    workers = below(sandbox.driver_pid)
    assert workers
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    assert soon(lambda: ended(workers), 2)
    assert run(sandbox, BENIGN).value == [2]


def test_killed_workers_are_buried(sandbox: Sandbox) -> None:
    for _ in range(3):
        assert run(sandbox, SQUARE).outcome is Outcome.TIMEOUT
    assert run(sandbox, BENIGN).value == [2]
    zombies = [pid for pid in below(sandbox.driver_pid) if state(pid) == "Z"]
    assert len(zombies) <= 1  # the last one may be dying still


def test_close_ends_everything() -> None:
    sandbox = Sandbox(BLOCKS)
    family = [sandbox.driver_pid, *below(sandbox.driver_pid)]
    sandbox.close()
    assert soon(lambda: ended(family), 2)
    assert state(family[0]) == "X"


HOST = """
import sys
from generators.sandbox import Limits, Sandbox
sandbox = Sandbox("hostile.blocks:host_blocks", Limits(wall_seconds=1), sys.argv[1])
program = "def generate(context, n, rng):\\n" + "".join("    " + x + "\\n" for x in sys.argv[2:])
"""
RUN_ON = HOST + "print(sandbox.driver_pid, flush=True)\nsandbox.run(program, {}, 1, 1)\ninput()\n"


def host(script: str, *words: str, **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *words],
        cwd=TESTS,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **options,
    )


@pytest.mark.parametrize("jail", ["auto", "off"])
@pytest.mark.parametrize(
    "lines",
    [("return []",), ("x = 3", "while True: x *= x"), ("slow(60)",), ("gil_hog()",)],
    ids=["idle", "worker busy", "driver asleep", "driver holds the GIL"],
)
def test_nothing_survives_a_killed_host(jail: str, lines: tuple[str, ...]) -> None:
    process = host(RUN_ON, jail, *lines)
    assert process.stdout is not None
    driver = int(process.stdout.readline())
    time.sleep(0.3)
    family = [driver, *below(driver)]
    assert len(family) > 1
    process.kill()
    process.communicate()
    assert soon(lambda: ended(family), 4)


def test_nothing_is_written_on_the_users_terminal() -> None:
    process = host(RUN_ON, "auto", "babble()", "gil_hog()")
    out, err = process.communicate("\n", timeout=20)
    assert process.returncode == 0
    assert out.strip().isdigit()
    assert err == ""


INTERRUPTED = (
    HOST
    + """
print(sandbox.driver_pid, flush=True)
try:
    sandbox.run(program, {}, 1, 1)
except KeyboardInterrupt:
    print(sandbox.run("def generate(c, n, r):\\n    return [n]\\n", {}, 5, 1).value)
print(sandbox.driver_pid)
"""
)


def test_interrupt_reaches_the_host_alone() -> None:
    process = host(INTERRUPTED, "auto", "slow(0.9)", "return [1]", start_new_session=True)
    assert process.stdout is not None
    first = int(process.stdout.readline())
    time.sleep(0.3)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (0, "")
    answer, second = out.split("\n")[:2]
    # What was running has been dropped, and its late answer is not taken for the next one's.
    assert answer == "[5]"
    assert int(second) != first
    assert ended([first])


def test_interrupt_that_the_host_ignores_is_ignored() -> None:
    script = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n" + HOST
    script += "print(sandbox.driver_pid, flush=True)\n"
    script += "print(sandbox.run(program, {}, 1, 1).value, sandbox.driver_pid)\n"
    process = host(script, "auto", "slow(0.9)", "return [1]", start_new_session=True)
    assert process.stdout is not None
    first = process.stdout.readline().strip()
    time.sleep(0.3)
    os.killpg(process.pid, signal.SIGINT)
    os.kill(int(first), signal.SIGINT)
    out, _ = process.communicate(timeout=20)
    assert out.split() == ["[1]", first]


def test_script_without_a_main_guard(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "print('once')\n"
        "from generators.sandbox import Sandbox\n"
        "sandbox = Sandbox('my_blocks:blocks')\n"
        "print(sandbox.run('def generate(c, n, r):\\n    return [double(n)]\\n', {}, 4, 1).value)\n"
    )
    (tmp_path / "my_blocks.py").write_text(
        "def double(n):\n    return 2 * n\n\ndef blocks():\n    return {'double': double}\n"
    )
    # Left in the current directory by somebody else: nobody may import it.
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "json.py").write_text("raise SystemExit('imported from the current directory')\n")
    done = subprocess.run(
        [sys.executable, str(script)], cwd=elsewhere, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("once\n[8]\n", "")


def test_inside_loky_workers() -> None:
    tests = str(TESTS)

    def work(n: int) -> Any:
        if tests not in sys.path:
            sys.path.insert(0, tests)
        with Sandbox(BLOCKS) as sandbox:
            return sandbox.run("def generate(c, n, r):\n    return numbers(n, 3)\n", {}, n, 1).value

    parallel = joblib.Parallel(n_jobs=2, backend="loky")
    results = parallel(joblib.delayed(work)(n) for n in (1, 2, 3, 4))
    assert [len(result) for result in results] == [1, 2, 3, 4]


def test_outlives_the_thread_that_made_it() -> None:
    made: list[Sandbox] = []
    thread = threading.Thread(target=lambda: made.append(Sandbox(BLOCKS)))
    thread.start()
    thread.join()
    time.sleep(0.2)
    driver = made[0].driver_pid
    with made[0] as sandbox:
        assert run(sandbox, BENIGN).value == [2]
        assert sandbox.driver_pid == driver


def test_threads_take_turns() -> None:
    with Sandbox(BLOCKS) as sandbox:

        def ask(n: int) -> Any:
            return sandbox.run(BENIGN, {}, n, 1).value

        parallel = joblib.Parallel(n_jobs=8, backend="threading")
        assert parallel(joblib.delayed(ask)(n) for n in range(1, 101)) == [
            [n] for n in range(1, 101)
        ]


def test_fork_gets_a_driver_of_its_own() -> None:
    with Sandbox(BLOCKS) as sandbox:
        driver = sandbox.driver_pid
        child = os.fork()
        if child == 0:
            good = run(sandbox, BENIGN).value == [2] and sandbox.driver_pid != driver
            sandbox.close()
            os._exit(0 if good else 1)
        _, status = os.waitpid(child, 0)
        assert status == 0
        assert run(sandbox, BENIGN).value == [2]
        assert sandbox.driver_pid == driver


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\x00\x00\x00\x05ab", "closed"),
        (b"\x00\x00", "closed"),
        (b"", "closed"),
        (b"\x00\x00\x00\x02\xff\xff", "UTF-8"),
        (b"\xff\xff\xff\xff", "at most 100"),
    ],
)
def test_wire_takes_only_whole_frames_of_text(data: bytes, says: str) -> None:
    here, there = socket.socketpair()
    wire = Wire(here)
    there.sendall(data)
    there.close()
    with pytest.raises(WireError, match=says):
        wire.receive(100)
    wire.close()


def test_wire_does_not_wait_for_ever() -> None:
    here, there = socket.socketpair()
    wire = Wire(here)
    with pytest.raises(TimeoutError):
        wire.receive(100, time.monotonic() + 0.05)
    with pytest.raises(TimeoutError):
        wire.send("a" * 10_000_000, time.monotonic() + 0.05)
    there.close()
    wire.close()
