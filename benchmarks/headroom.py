"""How much a search could gain by choosing which signs to tell, and whether such a gain is real.

    python benchmarks/headroom.py [--split validation] [--seeds 2]

A sign is scored by how far the less convinced of the two readers leans to its pole, and the best
few a pole are kept: what no program can do, since it needs the hidden texts. The program corners ×
behaviour then tells these alone. Its credited rare combination coverage is measured by readers with
the hidden texts that chose the signs, and by readers with the other half of them. Where the first
grows and the second does not, signs are read right by chance, and there is nothing to find.
"""

import argparse
from collections import defaultdict

import numpy as np

from evolve.config import packaged_contexts
from fitness.embedding import Caches
from fitness.reference import reference_rows
from fitness.respondents import Agreement
from fitness.scoring import Scorer
from generators.blocks.clauses import clause, first_person
from generators.context import Context
from generators.context.halves import guide_and_report
from generators.generator import generate
from generators.program import Program, parse
from generators.sandbox import Sandbox

KEPT = (10, 8, 7, 6, 5)  # signs a pole; all are ten
PROGRAM = """
def generate(context, n, rng):
    axes = context["axes"]
    points = corners(n, len(axes), rng.getrandbits(31))
    sentences = behaviour(points, axes, {count}, rng.getrandbits(31))
    lines = in_order(sentences, "axis", rng.getrandbits(31))
    return people(join(lines, "plain", rng.getrandbits(31)), points, rng.getrandbits(31))
"""
N = 25


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--split", choices=("train", "validation"), default="validation")
    parser.add_argument("--seeds", type=int, default=2, help="populations a context")
    given = parser.parse_args()
    caches = Caches()
    found = defaultdict(list)
    with Sandbox() as sandbox:
        for context in packaged_contexts(given.split):
            print(context.id, flush=True)
            guide, other = guide_and_report(context, 0)
            readers = {"chose": Agreement(guide, caches), "other": Agreement(other, caches)}
            scorers = {
                half: Scorer(part, readers[half], reference_rows(part, readers[half], sandbox))
                for half, part in (("chose", guide), ("other", other))
            }
            margins = leaning(guide, readers["chose"])
            for kept in KEPT:
                told, program = best(context, margins, kept), written(min(10, kept + 1))
                for seed in range(given.seeds):
                    people = generate(sandbox, program, told, N, seed)
                    for half, scorer in scorers.items():
                        found[half, kept].append(scorer.objective(people, N).value)
    print(f"{'signs a pole':>14}{'by the half that chose':>26}{'by the other half':>22}")
    for kept in KEPT:
        means = [np.mean(found[half, kept]) for half in ("chose", "other")]
        print(f"{kept:>14}{means[0]:>26.4f}{means[1]:>22.4f}")


def written(count: int) -> Program:
    return parse(PROGRAM.format(count=count), "corners × behaviour")


def leaning(context: Context, reader: Agreement) -> list[tuple[list[float], list[float]]]:
    """How far both readers lean to the pole of each sign, low and high, by axis."""
    found = []
    for number, axis in enumerate(context.axes):
        poles = []
        for side, signs in ((-1, axis.signs.low), (1, axis.signs.high)):
            told = [first_person(f"They {clause(sign)}.") for sign in signs]
            both = []
            for one in reader.readers:
                attribution, level = one.sentence_levels(told)
                both.append(side * attribution[:, number] * (level[:, number] - 0.5))
            poles.append(np.minimum(*both).tolist())
        found.append((poles[0], poles[1]))
    return found


def best(context: Context, margins: list[tuple[list[float], list[float]]], kept: int) -> Context:
    """The context with the best signs of each pole alone."""
    plain = context.model_dump(mode="json", by_alias=True)
    for axis, poles in zip(plain["axes"], margins, strict=True):
        for pole, margin in zip(("low", "high"), poles, strict=True):
            chosen = sorted(np.argsort(-np.array(margin))[:kept])
            axis["signs"][pole] = [axis["signs"][pole][i] for i in chosen]
    return Context.model_validate(plain)


if __name__ == "__main__":
    main()
