"""The evaluation functions of `peer_openevolve.py`: one for both sides, cheap or whole.

OpenEvolve loads this file as its evaluator and calls `evaluate`; Gamut's search sends `in_worker`
to its workers in place of its own function. Both come to the function that the environment names.
"""

import hashlib
import json
import os
import time
from functools import lru_cache
from pathlib import Path
from typing import Any

from evolve.evaluate import FAILED, Evaluator
from evolve.evidence import objective
from evolve.setup import Setup, evaluation_seed
from evolve.store import Times
from evolve.tally import SCORES
from evolve.timed import utc
from generators.generator import GenerationError, generate
from generators.program import ProgramError, parse
from generators.sandbox import Sandbox

KIND, INPUTS = "PEER_EVALUATION", "PEER_INPUTS"  # environment variables: a name, a file
Verdict = dict[str, Any]


def evaluate(program_path: str) -> dict[str, float]:
    """What OpenEvolve calls with the file of a program."""
    return {"combined_score": objective(_judged(Path(program_path).read_text("utf-8")))}


def in_worker(setup: str, source: str, *_: Any) -> tuple[Verdict, Times]:
    """What Gamut's search calls; it judges without a bar, as OpenEvolve's has none."""
    started, began = utc(), time.monotonic()
    verdict = _judged(source)
    return verdict, Times(started, time.monotonic() - began)


def nothing(source: str) -> Verdict:
    """Worth a hash of the source, and the program never runs: what is left is the loop."""
    share = int(hashlib.sha256(source.encode()).hexdigest()[:8], 16) / 2**32
    return _verdict(share, 20 + 600 * share)


def sandbox(source: str) -> Verdict:
    """The program runs in the sandbox for the first training context; worth the share of different
    words in its texts."""
    setup = _setup()
    context = setup.training[0]
    seed = evaluation_seed(setup.seed, "training", context, 0)
    try:
        program = parse(source)
        personas = generate(_sandbox(os.getpid()), program, context, setup.population, seed)
    except (ProgramError, GenerationError) as error:
        return {**_verdict(0.0, 0.0), "status": FAILED, "reason": str(error)}
    words = [word for persona in personas for word in persona.description.split()]
    return _verdict(len(set(words)) / len(words), len(words) / len(personas))


def full(source: str) -> Verdict:
    """Gamut's own evaluation: sandbox, both readers, gates, credited coverage."""
    return _evaluator(os.getpid()).evaluate(source, -1.0)


EVALUATIONS = {"nothing": nothing, "sandbox": sandbox, "full": full}


def write_inputs(setup: Setup, template: Verdict, file: Path) -> None:
    """What the functions need: contexts and references, and the form of a verdict."""
    file.write_text(json.dumps({"setup": setup.as_json(), "template": template}), "utf-8")


def _judged(source: str) -> Verdict:
    return EVALUATIONS[os.environ[KIND]](source)


def _verdict(share: float, words: float) -> Verdict:
    """A verdict that is worth the same share in each training context."""
    template = _inputs()["template"]
    values = {context.id: [share] for context in _setup().training}
    measures = {**template["measures"], "density": share, "words": words}
    scores = dict.fromkeys(SCORES, values)
    return {**template, **scores, "measures": measures}


@lru_cache
def _inputs() -> dict[str, Any]:
    return json.loads(Path(os.environ[INPUTS]).read_text("utf-8"))


@lru_cache
def _setup() -> Setup:
    return Setup.from_json(_inputs()["setup"])


# OpenEvolve evaluates its first program before it forks its workers: nothing open is to be shared.
@lru_cache
def _sandbox(process: int) -> Sandbox:
    return Sandbox()


@lru_cache
def _evaluator(process: int) -> Evaluator:
    return Evaluator(_setup())
