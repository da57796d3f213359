"""What hostile programs do to OpenEvolve 0.4.0 (to Gamut: tests/test_peer_failures.py).

    pip install -e '.[peer]'
    python benchmarks/peer_failures.py

Each case is a run of its own with two workers and a time limit of 2 s: a first program, then
others from a local server, one or four of them hostile, the rest honest and worth .8. The evaluator
is written as OpenEvolve's own examples are: it imports the program's file and calls it. Printed:
the exit status, how many of the 16 programs were stored, how many of the honest ones with the score
that they deserve, what the hostile one got, the best score at the end, and the seconds.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from peer_server import ProgramServer

from evolve.table import plain_text

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests"))
from hostile import peers

PROGRAMS = 16
WAIT = 120.0  # seconds for a run
HONEST_SCORE = 0.8

EVALUATOR = """
import importlib.util
import random

SIGNS = {"low": list("abcd"), "high": list("efgh")}
CONTEXTS = [{"description": "People.", "axes": [{"signs": SIGNS}] * axes} for axes in (2, 3)]


def score(personas):
    levels = [level for persona in personas for level in persona["levels"]]
    return sum(abs(2 * level - 1) for level in levels) / len(levels)


def evaluate(program_path):
    spec = importlib.util.spec_from_file_location("program", program_path)
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    scores = [score(program.generate(c, 8, random.Random(0))) for c in CONTEXTS]
    return {"combined_score": round(sum(scores) / len(scores), 6)}
"""

RUNNER = """
import asyncio, json, sys
from openevolve.config import Config, LLMConfig, LLMModelConfig
from openevolve.controller import OpenEvolve

url, folder, iterations = sys.argv[1], sys.argv[2], int(sys.argv[3])
model = LLMConfig(api_base=url, api_key="none", models=[LLMModelConfig(name="none")])
config = Config(llm=model, diff_based_evolution=False, log_level="ERROR")
config.evaluator.parallel_evaluations, config.evaluator.timeout = 2, 2
controller = OpenEvolve(f"{folder}/first.py", f"{folder}/evaluator.py", config, f"{folder}/output")
add = controller.database.add
with open(f"{folder}/stored.txt", "w") as stored:

    def noted(program, *args, **kwargs):
        print(json.dumps([program.code, program.metrics]), file=stored, flush=True)
        return add(program, *args, **kwargs)

    controller.database.add = noted
    best = asyncio.run(controller.run(iterations=iterations))
    print(json.dumps(best.metrics.get("combined_score")), file=open(f"{folder}/best.txt", "w"))
"""


@dataclass(frozen=True)
class Case:
    """A hostile program, and when it comes: as the first one, or so many of them after it."""

    name: str
    source: str
    first: bool = False
    times: int = 1

    def programs(self) -> list[str]:
        """All programs of the run in order; honest ones differ by a comment."""
        honest = [f"# {number}\n{peers.HONEST}" for number in range(PROGRAMS)]
        if self.first:
            return [self.source, *honest[1:]]
        hostile = [f"# {number}\n{self.source}" for number in range(self.times)]
        return [*honest[:2], *hostile, *honest[2 + self.times :]]


CASES = [
    Case("honest", peers.HONEST),
    Case("exits", peers.EXITS),
    Case("raises SystemExit", peers.EXITS_POLITELY),
    Case("hangs, once", peers.HANGS),
    Case("hangs, four times", peers.HANGS, times=4),
    Case("NaN, as the first program", peers.NOT_A_NUMBER, first=True),
    Case("patches the scorer", peers.FORGES),
    Case("returns 1 of 8 personas", peers.TOO_FEW),
    Case("fails on one of two contexts", peers.NOT_EVERYWHERE),
]


def line(case: Case) -> list[str]:
    """Runs a case in a process of its own; what is printed of it."""
    programs = case.programs()
    with tempfile.TemporaryDirectory() as named, ProgramServer(programs[1:]) as server:
        folder = Path(named)
        (folder / "first.py").write_text(programs[0], "utf-8")
        (folder / "evaluator.py").write_text(EVALUATOR, "utf-8")
        words = [sys.executable, "-c", RUNNER, server.url, named, str(PROGRAMS - 1)]
        began = time.monotonic()
        status = _status(words)
        taken = time.monotonic() - began
        stored = [json.loads(row) for row in (folder / "stored.txt").open()]
        best = folder / "best.txt"
        found = best.read_text().strip() if best.is_file() else "none"
    honest = [metrics for code, metrics in stored if code.strip().endswith(peers.HONEST.strip())]
    right = sum(metrics.get("combined_score") == HONEST_SCORE for metrics in honest)
    due = sum(program.endswith(peers.HONEST) for program in programs)
    got = [json.dumps(m) for code, m in stored if not code.strip().endswith(peers.HONEST.strip())]
    hostile = ", ".join(dict.fromkeys(got)) or "nothing stored"
    return [
        case.name,
        status,
        str(len(stored)),
        f"{right} of {due}",
        hostile,
        found,
        f"{taken:.0f}",
    ]


def _status(words: list[str]) -> str:
    """The exit status of a process, in a session of its own that ends with it."""
    process = subprocess.Popen(
        words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        return str(process.wait(timeout=WAIT))
    except subprocess.TimeoutExpired:
        return f"none in {WAIT:.0f} s"
    finally:
        if process.poll() is None:
            os.killpg(process.pid, 9)
            process.wait()


def main() -> None:
    table = [["program", "status", "stored", "honest, scored right", "it got", "best", "seconds"]]
    for case in CASES:
        table.append(line(case))
        print(" | ".join(table[-1]), file=sys.stderr)
    print(plain_text(f"OpenEvolve, {PROGRAMS} programs a run", table))


if __name__ == "__main__":
    main()
