"""Types `gamut …` for the tests, in this process or as one of its own."""

import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from bundle_files import made, parts, scorecard

from evolve.cli import main
from generators.baselines import baseline
from generators.context import load_context
from generators.generator import Generator

ELDERS = Path(__file__).resolve().parent.parent / "conf" / "contexts/train/elders_devices.yaml"


@dataclass(frozen=True)
class Said:
    """What a command printed: results, and everything else."""

    out: str
    err: str


def gamut(*words: str | Path, status: int = 0) -> Said:
    """Run a command in this process; its exit status must be that."""
    out, err = io.StringIO(), io.StringIO()
    typed = ["gamut", *map(str, words)]
    streams = redirect_stdout(out), redirect_stderr(err)
    with streams[0], streams[1], patch.object(sys, "argv", typed), pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == status, err.getvalue() + out.getvalue()
    return Said(out.getvalue(), err.getvalue())


def refused(*words: str | Path, said: tuple[str, ...]) -> str:
    """Run a command that finds fault with what it is given: one short message that names it."""
    printed = gamut(*words, status=2)
    assert printed.out == ""
    for part in said:
        assert part in printed.err
    assert "Traceback" not in printed.err
    assert len(printed.err.splitlines()) <= 4
    return printed.err


def process(*words: str | Path, stdout: Any = subprocess.PIPE, **environment: str) -> Any:
    """Run a command as a process of its own, with Python's usual buffering."""
    command = [sys.executable, "-m", "evolve.cli", *map(str, words)]
    usual = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
    return subprocess.run(
        command, stdout=stdout, stderr=subprocess.PIPE, timeout=120, env=usual | environment
    )


def made_bundle(folder: Path) -> Path:
    """A bundle of the baseline covering_mix that `verify` finds as recorded."""
    context, program = load_context(ELDERS).public(), baseline("covering_mix")
    generator = Generator(program)
    origin = {"context": context.id, "seed": 3, "program_hash": program.hash}
    personas = [p.model_copy(update={"provenance": origin}) for p in generator(context, 5, 3)]
    generator.close()
    population = {"context": context.model_dump(mode="json", by_alias=True), "n": 5, "seed": 3}
    recorded = {"program_hash": program.hash, "populations": [population]}
    return made(
        folder,
        program=program,
        personas=personas,
        scorecards=[scorecard(context)],
        provenance=parts()["provenance"] | recorded,
    )
