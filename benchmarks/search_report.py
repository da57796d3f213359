"""What the arms of `search.py` were worth: tables, JSON and learning curves of finished runs."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from evolve.bench import Suite, bench, rival, suite_programs
from evolve.curve import Curve, best_so_far, draw_curves
from evolve.finish import Entry
from evolve.run import Run
from evolve.statistics import a12, median_interval, signed_rank
from evolve.stored import stored_results
from evolve.table import plain_text
from generators.context import Context

MEASURES = ("credited", "over_mix", "over_strongest", "training")
LEADS = ("over_mix", "over_strongest")


@dataclass(frozen=True)
class Outcome:
    """What a finished run came to; all but `training` on contexts that did not guide it.

    Attributes:
        arm, seed: which run.
        credited: credited rare combination coverage of the best elite, chosen in training.
        over_mix, over_strongest: its lead over covering_mix, and over whichever baseline earned the
            most in the same contexts with the same seeds.
        training: its objective in training.
        words: words a persona.
        strongest: name of that baseline.
        curve: (ticket, best objective so far).
        evaluations: candidates.
    """

    arm: str
    seed: int
    credited: float
    over_mix: float
    over_strongest: float
    training: float
    words: float
    strongest: str
    curve: tuple[tuple[int, float], ...]
    evaluations: int


def measured(
    runs: Mapping[tuple[str, int], Path], contexts: tuple[Context, ...], workers: int
) -> list[Outcome]:
    """Outcomes by (arm, seed): best elites and baselines, measured now in contexts of a split."""
    outcomes = []
    for seed in sorted({seed for _, seed in runs}):
        stored = {arm: stored_results(f) for (arm, s), f in runs.items() if s == seed}
        setup = next(iter(stored.values()))[0].setup
        suite = Suite(contexts, setup.population, seed=setup.seed, respondent=setup.respondent)
        elites = [(arm, entries[0].program) for arm, (_, entries) in stored.items()]
        lines = bench([*elites, *suite_programs([])], suite, workers)
        mix, named = rival(lines), {line.name: line for line in lines}
        strongest = next(line for line in lines if line.name not in stored)  # best first
        for arm, (run, entries) in stored.items():
            outcomes.append(
                Outcome(
                    arm=arm,
                    seed=seed,
                    credited=named[arm].estimate("credited").mean,
                    over_mix=named[arm].lead(mix).mean,
                    over_strongest=named[arm].lead(strongest).mean,
                    words=named[arm].words,
                    strongest=strongest.name.removeprefix("baseline:"),
                    **_search(run, entries[0]),
                )
            )
            run.store.close()
    return outcomes


def _search(run: Run, best: Entry) -> dict[str, Any]:
    assert best.elite, "the first entry of a run is an elite"
    state = run.search.state
    curve = tuple(state.best)
    return {"training": best.elite.objective, "curve": curve, "evaluations": state.folded}


def summary(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Medians an arm and contrasts of arms, plain JSON, from whatever runs there are.

    Arms are contrasted on the seeds that both have finished. A seed gives both the same contexts,
    populations' seeds and baselines, so differences are paired, and are the same whether of what
    is credited or of a lead over a baseline.
    """
    by_arm: dict[str, dict[int, Outcome]] = {}
    for outcome in outcomes:
        by_arm.setdefault(outcome.arm, {})[outcome.seed] = outcome
    return {
        "arms": {arm: _arm(list(found.values())) for arm, found in by_arm.items()},
        "contrasts": [
            _contrast(a, b, by_arm[a], by_arm[b])
            for a, b in combinations(by_arm, 2)
            if by_arm[a].keys() & by_arm[b].keys()
        ],
        "runs": [asdict(outcome) for outcome in outcomes],
    }


def _arm(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    values = {m: [getattr(o, m) for o in outcomes] for m in (*MEASURES, "words")}
    return {
        "seeds": sorted(o.seed for o in outcomes),
        "medians": {m: median_interval(v, rng).as_json() for m, v in values.items()},
        "p": {lead: signed_rank(values[lead]) for lead in LEADS},
        "ahead": {lead: sum(v > 0 for v in values[lead]) for lead in LEADS},
    }


def _contrast(
    a: str, b: str, first: Mapping[int, Outcome], second: Mapping[int, Outcome]
) -> dict[str, Any]:
    seeds = sorted(first.keys() & second.keys())
    values = {m: [[getattr(arm[s], m) for s in seeds] for arm in (first, second)] for m in MEASURES}
    gaps = np.subtract(*values["credited"])
    return {
        "a": a,
        "b": b,
        "seeds": seeds,
        "a12": {measure: a12(*pair).as_json() for measure, pair in values.items()},
        "difference": median_interval(gaps, np.random.default_rng(0)).as_json(),
        "p": signed_rank(gaps),
    }


def tables(found: Mapping[str, Any], where: str, evaluations: int) -> str:
    """The summary for reading."""
    arms = [
        [arm, str(len(one["seeds"])), *(_cell(one["medians"][m]) for m in MEASURES),
         f"{one['p']['over_mix']:.4f}", f"{one['p']['over_strongest']:.4f}",
         f"{one['medians']['words']['mean']:.0f}"]
        for arm, one in found["arms"].items()
    ]  # fmt: skip
    contrasts = [
        [f"{one['a']} over {one['b']}", str(len(one["seeds"])), _cell(one["a12"]["credited"]),
         _cell(one["difference"]), f"{one['p']:.4f}", _cell(one["a12"]["training"])]
        for one in found["contrasts"]
    ]  # fmt: skip
    title = f"Best elite of each run on {where}, {evaluations} evaluations: median over seeds"
    head = ["", "runs", "credited", "lead, covering_mix", "lead, strongest", "training",
            "p mix", "p strongest", "words"]  # fmt: skip
    versus = ["", "seeds", "A12 credited", "difference", "p", "A12 training"]
    return "\n".join(
        [
            plain_text(title, [head, *arms]),
            "",
            plain_text("Arms against each other", [versus, *contrasts]),
            "",
            "Intervals are 95 %: of medians by bootstrap, of A12 by Newcombe's method. p: by",
            "Wilcoxon's signed-rank test over seeds, of a lead against zero, and of the paired",
            "differences of two arms.",
        ]
    )


def _cell(interval: Mapping[str, float | None]) -> str:
    parts = ["-" if interval[k] is None else f"{interval[k]:.3f}" for k in ("mean", "low", "high")]
    return f"{parts[0]} [{parts[1]}, {parts[2]}]"


def write_curves(outcomes: Sequence[Outcome], file: Path) -> None:
    """Median learning curve of each arm with quartiles, as an SVG or PNG file."""
    arms = dict.fromkeys(outcome.arm for outcome in outcomes)
    longest = max(outcome.evaluations for outcome in outcomes)
    curves: dict[str, Curve] = {
        arm: np.array([best_so_far(o.curve, longest) for o in outcomes if o.arm == arm])
        for arm in arms
    }
    file.write_bytes(draw_curves(curves, "png" if file.suffix == ".png" else "svg"))
