"""What an evaluation depends on besides the program: contexts, sizes, seeds, readers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitness.metrics import as_points, rare_weights
from fitness.respondents import Row
from fitness.scoring import MOST_T
from generators.context import Context

SPLIT = ("training", "report")
FOREMOST, CHOICE_SEEDS = 5, 2  # elites that the best is chosen from, and seeds a context of it
_SEED_DOMAIN = {"training": 1, "report": 2, "choice": 3}


@dataclass(frozen=True)
class Setup:
    """Everything that an evaluation depends on besides the program; kept in the run store.

    Attributes:
        training, report: contexts that guide the search, and those that only report.
        references: read points of the naive reference population, by context hash.
        population: personas a context.
        seed: of the run.
        replicates: seeds a training context; the first rung uses one.
        report_replicates: seeds a report context.
        first_rung: training contexts that the first rung uses.
        respondent, embedder: names and settings of the parts.
        confirm: fresh seeds a training context, before a program takes a place in the archive.
        show: whether verdicts on scored programs say what a model that is to vary them should see.
        ask: where programs may ask a language model: the `session` of the run for its client, and
            what the model is `able` to do. Which model it is, and its budget, are the run's.
        interview: where a model answers as personas: the same, its `scale`, `reasoning`, and the
            items' `middles` by context hash.
    """

    training: tuple[Context, ...]
    report: tuple[Context, ...]
    references: Mapping[str, Sequence[Row]]
    population: int
    seed: int
    replicates: int
    report_replicates: int
    first_rung: int
    respondent: str
    embedder: Mapping[str, Any]
    confirm: int = 0
    show: bool = False
    ask: Mapping[str, Any] | None = None
    interview: Mapping[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain JSON, read back by `from_json`."""
        plain = {**self.__dict__, "references": {k: list(v) for k, v in self.references.items()}}
        for part in SPLIT:
            plain[part] = [c.model_dump(mode="json", by_alias=True) for c in plain[part]]
        return {**plain, "embedder": dict(self.embedder)}

    def rare_weights(self, context: Context) -> NDArray[np.float64]:
        """How much each combination of a context weighs, by its reference population."""
        axes = len(context.axes)
        return rare_weights(as_points(self.references[context.hash], axes), min(MOST_T, axes))

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> "Setup":
        """The setup that `as_json` wrote."""
        contexts = {part: tuple(map(Context.model_validate, plain[part])) for part in SPLIT}
        known = {name: value for name, value in plain.items() if name != "choice"}  # of old runs
        return cls(**{**known, **contexts})


def evaluation_seed(seed: int, domain: str, context: Context, replicate: int) -> int:
    """The seed that a program gets in an evaluation; the same for every program of a run."""
    parts = (seed, _SEED_DOMAIN[domain], int(context.hash[:8], 16), replicate)
    return int(np.random.SeedSequence(parts).generate_state(1)[0])
