"""How well the reader recovers known positions: sign mixes on training and validation contexts.

    python benchmarks/respondents.py [--split validation] [--gain 1 2 3]

Personas are made in this process from public signs of known pole: on each axis a level of low,
middle or high, told by 4, 6 or 10 signs. Printed per context: share of signs read on their own side
of the middle, and for each number of signs the rank correlation of meant and read levels, the share
of levels read in their own third, the error, and what is missing. A level said at random is in its
own third in .33 of all cases. With --gain, the means over all contexts for each gain instead, which
is how the reader's own gain was chosen (on the training contexts).
"""

import argparse
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from evolve.config import packaged_contexts
from fitness.embedding import SentenceCache, open_cache
from fitness.metrics import levels_of
from fitness.respondents import Projection, projection
from generators.blocks import BLOCKS
from generators.blocks.clauses import clause, first_person
from generators.context import Context, public_view
from generators.persona import Persona

PERSONAS = 200
SIGNS = (4, 6, 10)


def sign_accuracy(context: Context, reader: Projection) -> float:
    """Share of signs read on their own side of the middle of their own axis."""
    right = []
    for k, axis in enumerate(context.axes):
        for pole, high in ((axis.signs.low, False), (axis.signs.high, True)):
            told = [first_person(f"They {clause(sign)}.") for sign in pole]
            _, level = reader.sentence_levels(told)
            right += [(z > 0.5) == high for z in level[:, k]]
    return float(np.mean(right))


def recovery(
    context: Context, reader: Projection, signs: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Levels meant and read, [N, K] each; NaN where a level is missing."""
    rng = np.random.default_rng(signs)
    meant = rng.integers(3, size=(PERSONAS, len(context.axes))) / 2
    axes = public_view(context, seed=0)
    turned = np.where(axes.flips, 1 - meant[:, axes.order], meant[:, axes.order])
    halves = (signs + 1) // 2
    sentences = BLOCKS["sign_mix"](turned.tolist(), axes.payload["axes"], halves, 1)
    if signs > halves:  # the block tells at most six at once
        rest = BLOCKS["sign_mix"](turned.tolist(), axes.payload["axes"], signs - halves, 2)
        sentences = BLOCKS["both"](sentences, rest)
    lines = BLOCKS["voice"](BLOCKS["in_order"](sentences, "mixed", 3), "first")
    people = [
        Persona(id=f"p{i}", name=f"Person {i}", description=text)
        for i, text in enumerate(BLOCKS["join"](lines, "plain", 4))
    ]
    levels = reader.read(people).levels
    return meant, np.array([[np.nan if z is None else z for z in row] for row in levels])


def compare_gains(gains: Sequence[float], splits: Sequence[str], cache: SentenceCache) -> None:
    """Share of levels read in their own third, and the error, for each gain."""
    contexts = [c for split in splits for c in packaged_contexts(split)]
    for gain in gains:
        projection.GAIN = gain
        thirds, errors = [], []
        for context in contexts:
            for signs in SIGNS:
                meant, read = recovery(context, Projection(context, cache), signs)
                known = ~np.isnan(read)
                thirds.append(np.mean(levels_of(read[known]) == levels_of(meant[known])))
                errors.append(np.abs(read[known] - meant[known]).mean())
        print(f"gain {gain:.1f}: own third {np.mean(thirds):.3f}, error {np.mean(errors):.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--split", choices=("train", "validation"), nargs="*")
    parser.add_argument("--gain", type=float, nargs="*")
    arguments = parser.parse_args()
    splits = arguments.split or ("train", "validation")
    cache = open_cache()
    if arguments.gain:
        compare_gains(arguments.gain, splits, cache)
        return
    print(
        f"{'context':28} signs right"
        + "".join(f"   {s:2} signs: rho third error miss" for s in SIGNS)
    )
    for split in splits:
        for context in packaged_contexts(split):
            reader = Projection(context, cache)
            line = f"{split + '/' + context.id:28} {sign_accuracy(context, reader):11.2f}"
            for signs in SIGNS:
                meant, read = recovery(context, reader, signs)
                known = ~np.isnan(read)
                rho = np.mean(
                    [
                        stats.spearmanr(meant[known[:, k], k], read[known[:, k], k]).statistic
                        for k in range(len(context.axes))
                    ]
                )
                third = np.mean(levels_of(read[known]) == levels_of(meant[known]))
                error = np.abs(read[known] - meant[known]).mean()
                line += f"            {rho:5.2f} {third:5.2f} {error:5.2f} {1 - known.mean():4.2f}"
            print(line)


if __name__ == "__main__":
    main()
