"""Which training contexts should guide a short search: those that rank programs as the others do.

    python benchmarks/guides.py runs/a runs/b … [--size 6] [--check]

Takes the elites of finished runs and the baselines, measures all on every training context, and
looks at every set of so many contexts: how well the mean over the set agrees with the mean over the
contexts that are not in it (Pearson's r over programs). Programs that earn next to nothing anywhere
are left out, or they would decide it. Prints the best sets beside the set of conf/contexts/default.
yaml. `--check` also measures on the validation contexts, which have no part in the choice.
"""

import argparse
from collections.abc import Sequence
from itertools import chain, combinations
from pathlib import Path

import numpy as np
import yaml
from joblib import cpu_count
from numpy.typing import NDArray

import conf
from evolve.bench import Suite, bench, suite_programs
from evolve.config import packaged_contexts
from evolve.stored import archive_listing

LEAST = 0.02  # mean that a program must earn
SHOWN = 8
SEED = 1_000  # none that a run of the usual seeds was selected by


def measured(split: str, bundles: Sequence[str]) -> tuple[list[str], NDArray[np.float64]]:
    """Contexts of a split, and what each program is worth in each [programs, contexts]."""
    suite = Suite(packaged_contexts(split), seeds=2, seed=SEED)
    programs = suite_programs(bundles)
    lines = {line.name: line for line in bench(programs, suite, cpu_count(), print)}
    names = [context.id for context in suite.contexts]
    values = [[np.mean(lines[p].values["credited"][c]) for c in names] for p, _ in programs]
    return names, np.array(values)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("runs", type=Path, nargs="+", help="run directories")
    parser.add_argument("--size", type=int, default=6, help="contexts in a set")
    parser.add_argument("--check", action="store_true", help="compare with the validation contexts")
    given = parser.parse_args()
    listed = chain.from_iterable(archive_listing(run) for run in given.runs)
    bundles = {one["program_hash"]: one["bundle"] for one in listed if not one["baseline"]}
    names, values = measured("train", list(bundles.values()))
    good = values.mean(axis=1) >= LEAST
    values, total = values[good], values[good].sum(axis=1)
    print(f"{len(values)} programs, {len(names)} contexts")
    check = None
    if given.check:
        check = measured("validation", list(bundles.values()))[1][good].mean(axis=1)

    def agreement(members: Sequence[int]) -> float:
        own = values[:, list(members)].sum(axis=1)
        return float(np.corrcoef(own, total - own)[0, 1])

    def told(members: Sequence[int]) -> str:
        said = f"{agreement(members):.3f}  {', '.join(names[i] for i in members)}"
        if check is None:
            return said
        r = np.corrcoef(values[:, list(members)].mean(axis=1), check)[0, 1]
        return f"{said}  (validation {r:.2f})"

    sets = sorted(combinations(range(len(names)), given.size), key=agreement, reverse=True)
    print("\n".join(map(told, sets[:SHOWN])))
    middle = float(np.median([agreement(members) for members in sets]))
    print(f"the middle one of {len(sets):,} sets: {middle:.3f}")
    default = Path(str(conf.__file__)).parent / "contexts" / "default.yaml"
    guides = [name.partition("/")[2] for name in yaml.safe_load(default.read_text())["training"]]
    print(f"default.yaml: {told([names.index(name) for name in guides])}")
    if check is not None:
        r = np.corrcoef(total, check)[0, 1]
        print(f"all training contexts: validation {r:.2f}")


if __name__ == "__main__":
    main()
