"""The sandbox under attack: each hostile program is contained, and the next one runs as ever."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hostile import border, resources
from hostile.case import Hostile
from hypothesis import given, settings
from hypothesis import strategies as st

from generators.errors import GamutError, InputError
from generators.sandbox import Limits, Outcome, Sandbox, Verdict, probe

BLOCKS = "hostile.blocks:host_blocks"
PAYLOAD: dict[str, Any] = {"description": "People.", "axes": []}
BENIGN = "def generate(context, n, rng):\n    return [rng.random() for _ in range(n)]\n"
CONTAINED_SECONDS = 2.0
QUICK_SECONDS = 0.1
ATTACKS = [*resources.CASES, *border.CASES]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(BLOCKS) as sandbox:
        yield sandbox


def run(sandbox: Sandbox, source: str, n: int = 2, seed: int = 1) -> Verdict:
    return sandbox.run(source, PAYLOAD, n, seed)


def body(*lines: str) -> str:
    return "def generate(context, n, rng):\n" + "".join(f"    {line}\n" for line in lines)


def assert_well(sandbox: Sandbox) -> None:
    """A benign program gets its due, at once."""
    expected = random.Random(1)
    fastest = float("inf")
    for _ in range(3):  # the machine may be busy with others' jobs: the fastest counts
        started = time.monotonic()
        verdict = run(sandbox, BENIGN)
        fastest = min(fastest, time.monotonic() - started)
    assert verdict.value == [expected.random(), expected.random()]
    assert fastest < QUICK_SECONDS


def test_there_are_enough_attacks() -> None:
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS) >= 40


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_attack_is_contained(sandbox: Sandbox, attack: Hostile) -> None:
    started = time.monotonic()
    verdict = run(sandbox, attack.source)
    seconds = time.monotonic() - started
    assert verdict.outcome is attack.outcome, verdict
    assert re.search(attack.says, verdict.reason), verdict.reason
    assert verdict.value == attack.gives
    assert len(verdict.reason) <= sandbox.limits.error_text
    assert len(verdict.printed) <= sandbox.limits.printed
    assert seconds < CONTAINED_SECONDS
    assert_well(sandbox)


def test_all_attacks_leave_no_trace_in_the_host(sandbox: Sandbox) -> None:
    assert not [name for name in sys.modules if "monty" in name]
    assert_well(sandbox)


def test_program_gets_context_n_and_rng(sandbox: Sandbox) -> None:
    verdict = run(sandbox, body("return [context, n, rng.random()]"), n=256, seed=7)
    assert verdict == Verdict(Outcome.OK, [PAYLOAD, 256, random.Random(7).random()])
    assert verdict.ok


@settings(max_examples=50, deadline=None)
@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**60), 2**60)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    )
)
def test_values_cross_unchanged(sandbox: Sandbox, value: Any) -> None:
    payload = {"value": value}
    verdict = sandbox.run(body("return [context['value'], echo(context['value'])]"), payload, 1, 0)
    assert verdict.value == [value, value]


@pytest.mark.parametrize("seed", [0, 1, -5, 2**31, 2**63, 10**30])
def test_seed_decides_every_draw(sandbox: Sandbox, seed: int) -> None:
    source = body(
        "import random", "return [rng.random(), random.random(), random.Random().random()]"
    )
    first = run(sandbox, source, seed=seed)
    assert first.ok
    assert first.value is not None
    assert first.value[0] == random.Random(seed).random()
    assert run(sandbox, source, seed=seed) == first


# What a program could tell one run from another by.
FINGERPRINT = body(
    "import time, datetime, sys, random",
    "def f(): pass",
    "print(datetime.datetime.now(), time.time(), time.perf_counter(), time.process_time())",
    "return [id(f), id(object), hash('a'), hash((1, 'b')), list({'x', 'y', 'z', 'abc'}),",
    "        repr(f), random.random(), numbers(3, 5), locals().keys() and sys.version]",
)


def test_verdict_is_the_same_in_every_process_and_worker(sandbox: Sandbox) -> None:
    programs = [attack for attack in ATTACKS if attack.outcome is not Outcome.TIMEOUT]
    sources = [FINGERPRINT, *(attack.source for attack in programs)]
    assert run(sandbox, FINGERPRINT).ok
    with Sandbox(BLOCKS, Limits(programs_a_worker=1)) as fresh:
        for source in sources:
            one, other = run(sandbox, source), run(fresh, source)
            # On a busy machine even these may run into the time limit.
            assert one == other or Outcome.TIMEOUT in (one.outcome, other.outcome)


def test_nothing_leaks_from_one_program_to_the_next(sandbox: Sandbox) -> None:
    leave = (
        "secret = 'left behind'\nimport random, json, sys\nrandom.seed(99)\n"
        "sys.setrecursionlimit(150) if hasattr(sys, 'setrecursionlimit') else None\n"
        "echo = print\n"
        "def generate(context, n, rng):\n    global other\n    other = [secret]\n    return other\n"
    )
    look = (
        "before = sorted(locals())\n"
        "def generate(context, n, rng):\n"
        "    import random\n"
        "    found = []\n"
        "    for name in ('secret', 'other', 'random_', 'json', 'sys'):\n"
        "        try:\n"
        "            eval(name)\n"
        "            found.append(name)\n"
        "        except NameError:\n"
        "            pass\n"
        "    return [before, [f for f in found if f != 'json'], random.random(), echo(1)]\n"
    )
    with Sandbox(BLOCKS) as fresh:
        clean = run(fresh, look)
    assert clean.ok
    assert run(sandbox, leave).ok
    assert run(sandbox, look) == clean
    assert clean.value is not None
    assert clean.value[1] == []
    assert "secret" not in clean.value[0]


def test_printed_text_is_collected(sandbox: Sandbox) -> None:
    verdict = run(sandbox, body("print('one\\ttwo', n)", "print('\\x1b[2Jthree')", "return []"))
    assert verdict.printed == "one\ttwo 2\n[2Jthree\n"


def test_printed_text_survives_an_error(sandbox: Sandbox) -> None:
    verdict = run(sandbox, body("print('got here')", "numbers(1, 2)", "1 / 0"))
    assert verdict.printed == "got here\n"
    assert verdict.host_calls == 1
    assert verdict.reason == "line 4: ZeroDivisionError: division by zero"


def test_line_of_the_program_is_named_not_of_the_prelude(sandbox: Sandbox) -> None:
    source = "def inner():\n    return numbers(0, 0)\n\n" + body("return inner()")
    assert run(sandbox, source).reason.startswith("line 2: ValueError: numbers: n must be")


@pytest.mark.parametrize(
    ("limits", "source", "outcome"),
    [
        (Limits(seconds=0.1), body("for _ in range(10 ** 8):", "    pass"), Outcome.TIMEOUT),
        (Limits(turn_seconds=0.1), body("for _ in range(10 ** 8):", "    pass"), Outcome.TIMEOUT),
        (Limits(memory_bytes=4 << 20), body("return ['a' * 5_000_000]"), Outcome.MEMORY),
        (
            Limits(recursion=50),
            "def f(k):\n    return k and f(k - 1)\n" + body("f(60)"),
            Outcome.ERROR,
        ),
        (Limits(host_calls=3), body("for _ in range(4):", "    echo(1)"), Outcome.ERROR),
        (Limits(call_payload=100), body("echo('a' * 200)"), Outcome.ERROR),
        (Limits(call_payload=100), body("repeat('a', 200)"), Outcome.ERROR),
        (Limits(call_traffic=100), body("for _ in range(9):", "    echo('abcde')"), Outcome.ERROR),
        (Limits(printed=10), body("print('a' * 11)"), Outcome.MEMORY),
        (Limits(source=40), body("return ['a' * 50]"), Outcome.REFUSED),
        (Limits(result=100), body("return ['a' * 200]"), Outcome.INVALID),
        (Limits(wall_seconds=0.2), body("for _ in range(9):", "    slow(0.1)"), Outcome.TIMEOUT),
    ],
    ids=lambda value: value.value if isinstance(value, Outcome) else "",
)
def test_each_limit_does_something(limits: Limits, source: str, outcome: Outcome) -> None:
    with Sandbox(BLOCKS, limits) as limited:
        assert run(limited, source).outcome is outcome


def test_error_text_limit() -> None:
    with Sandbox(BLOCKS, Limits(error_text=30)) as limited:
        assert run(limited, body("raise ValueError('a' * 99)")).reason.endswith("aaa…")


@pytest.mark.parametrize("name", ["seconds", "memory_bytes", "host_calls"])
@pytest.mark.parametrize("value", [0, -1, float("inf"), float("nan")])
def test_limits_must_limit(name: str, value: float) -> None:
    with pytest.raises(InputError, match=name):
        Limits(**{name: value})


@pytest.mark.parametrize("n", [0, -1, 257])
def test_n_out_of_bounds_is_the_callers_fault(sandbox: Sandbox, n: int) -> None:
    with pytest.raises(InputError, match="1 to 256"):
        run(sandbox, BENIGN, n=n)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("a" * 1_000_001, "the limit is"),
        (float("nan"), "JSON"),
        ({1, 2}, "JSON"),
        ("\ud800", "JSON"),
    ],
)
def test_bad_context_is_the_callers_fault(sandbox: Sandbox, value: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        sandbox.run(BENIGN, {"description": value}, 1, 0)


def test_integers_of_numpy_are_integers(sandbox: Sandbox) -> None:
    verdict = run(sandbox, body("return [n]"), n=np.int64(3), seed=np.uint32(4))
    assert verdict.value == [3]


@pytest.mark.parametrize("blocks", ["no.such.module:f", "hostile.blocks:nothing", "hostile.blocks"])
def test_blocks_that_cannot_be_loaded_are_named(blocks: str) -> None:
    with pytest.raises(GamutError, match="the sandbox does not start"):
        Sandbox(blocks)


def test_closed_sandbox_says_so() -> None:
    closed = Sandbox(BLOCKS)
    closed.close()
    closed.close()
    with pytest.raises(GamutError, match="closed"):
        run(closed, BENIGN)


def test_without_a_jail_it_still_runs() -> None:
    with Sandbox(BLOCKS, jail="off") as open_air:
        assert open_air.level == "monty"
        assert open_air.facts["why"] == "the jail is switched off"
        assert run(open_air, body("return open('/etc/passwd')")).outcome is Outcome.ERROR
        assert_well(open_air)


def test_jail_that_does_not_work_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    facts = probe()
    assert facts["level"] == "monty"
    assert "does not work here" in facts["why"]


def test_probe() -> None:
    facts = probe()
    assert facts["monty"] == "1.4.0"
    assert facts["level"] in ("monty", "monty+bwrap")
    assert (facts["level"] == "monty") == bool(facts["why"])


def test_driver_learns_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    leaked = os.open(os.devnull, os.O_RDONLY)
    os.set_inheritable(leaked, True)
    with Sandbox(BLOCKS) as sandbox:
        verdict = run(sandbox, body("return [environment(), descriptors()]"))
    os.close(leaked)
    assert verdict.value is not None
    environment, inheritable = verdict.value
    assert "sk-secret" not in environment.values()
    assert "HOME" not in environment
    assert environment["OMP_NUM_THREADS"] == "1"
    assert inheritable == 3  # standard input, output and error, all on /dev/null


def test_import_is_cheap() -> None:
    code = (
        "import sys; before = set(sys.modules); import generators.sandbox; "
        "print(*(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert not loaded & {"pydantic_monty", "numpy", "scipy", "pydantic", "opentelemetry"}


def test_trivial_program_is_quick(sandbox: Sandbox) -> None:
    times = []
    for _ in range(100):
        started = time.monotonic()
        assert run(sandbox, BENIGN).ok
        times.append(time.monotonic() - started)
    assert sorted(times)[50] < 0.02
