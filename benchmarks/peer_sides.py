"""The two sides of `peer_openevolve.py`, each in a process of its own.

    python benchmarks/peer_sides.py JOB.json

The job says which side, its settings and folder; `stored.json` in the folder then says what score
each different program got, and when each had been stored, in seconds since the epoch.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import peer_evaluation
from peer_evaluation import KIND


class Stored:
    """When each different program had been stored, and its score. One that comes again is not
    counted, nor is one that Gamut does not judge since its personas are those of an earlier one."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.scores: dict[str, float] = {}

    def around(
        self, store: Callable[..., Any], judged: Callable[..., tuple[str, float | None]]
    ) -> Callable[..., Any]:
        """`store`, which then notes the time; `judged` finds program and score in its arguments."""

        def stored(*args: Any, **kwargs: Any) -> Any:
            done = store(*args, **kwargs)
            source, score = judged(*args)
            if score is not None and source.strip() not in self.scores:
                self.scores[source.strip()] = score
                self.times.append(time.time())
            return done

        return stored


def gamut(job: dict[str, Any], stored: Stored) -> None:
    """Gamut's own search: run directory, loop, workers and store as `gamut evolve` has them."""
    import evolve.loop
    import evolve.run
    from evolve.config import from_plain
    from evolve.evaluate import DUPLICATE
    from evolve.evidence import objective
    from evolve.progress import Progress
    from evolve.store import Candidate

    if os.environ[KIND] != "full":
        evolve.loop.timed_evaluation = peer_evaluation.in_worker
    config = from_plain(job["config"])
    progress = Progress(config.evaluations, quiet=True)
    run = evolve.run.create(config, Path(job["folder"]) / "run", progress)

    def judged(
        candidate: Candidate, verdict: Mapping[str, Any], *_: Any
    ) -> tuple[str, float | None]:
        repeated = verdict["status"] == DUPLICATE
        return candidate.source, None if repeated else objective(verdict)

    run.store.put = stored.around(run.store.put, judged)
    evolve.run.evolve(run, progress, config.workers)


def openevolve(job: dict[str, Any], stored: Stored) -> None:
    """OpenEvolve's controller with its pool of processes."""
    from openevolve.controller import OpenEvolve

    if job["for speed"]:
        os.environ["ENABLE_ARTIFACTS"] = "false"
    folder = Path(job["folder"])
    first = folder / "first.py"
    first.write_text(job["first"], "utf-8")
    controller = OpenEvolve(
        initial_program_path=str(first),
        evaluation_file=peer_evaluation.__file__,
        config=openevolve_config(job),
        output_dir=str(folder / "output"),
    )
    database = controller.database
    database.add = stored.around(
        database.add, lambda program, *_: (program.code, program.metrics["combined_score"])
    )
    asyncio.run(controller.run(iterations=job["iterations"]))


def openevolve_config(job: dict[str, Any]) -> Any:
    """As it comes, but for the server, workers and whole programs; or all off that costs time."""
    from openevolve.config import Config, LLMConfig, LLMModelConfig

    model = LLMConfig(api_base=job["url"], api_key="none", models=[LLMModelConfig(name="none")])
    config = Config(llm=model, diff_based_evolution=False, max_code_length=64_000)
    config.evaluator.parallel_evaluations = job["workers"]
    if job["for speed"]:
        config.checkpoint_interval, config.log_level = 10**9, "CRITICAL"
        config.prompt.num_top_programs = config.prompt.num_diverse_programs = 0
        config.prompt.use_template_stochasticity = config.prompt.include_artifacts = False
        database, evaluator = config.database, config.evaluator
        # As many as Gamut's islands hold; all of them go to a worker with each candidate.
        database.population_size, database.archive_size, database.num_islands = 60, 20, 2
        database.feature_dimensions = ["complexity"]
        database.log_prompts, database.max_snapshot_artifacts = False, 0
        evaluator.max_retries, evaluator.cascade_evaluation = 0, False
        evaluator.enable_artifacts = False
    return config


SIDES = {"Gamut": gamut, "OpenEvolve": openevolve}


def main() -> None:
    job = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    stored = Stored()
    SIDES[job["side"]](job, stored)
    result = {"times": stored.times, "scores": stored.scores}
    (Path(job["folder"]) / "stored.json").write_text(json.dumps(result), "utf-8")


if __name__ == "__main__":
    main()
