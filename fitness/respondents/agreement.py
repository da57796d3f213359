"""The default respondent: two independent offline readers, and what they agree on."""

from collections.abc import Sequence

import numpy as np

from fitness.embedding import Caches
from fitness.metrics import levels_of
from fitness.respondents.interface import Reading
from fitness.respondents.nearest import Nearest
from fitness.respondents.projection import Projection
from generators.context import Context
from generators.persona import Persona

NEAR = 0.2  # how far apart two levels of one persona may be to agree


class Agreement:
    """Reads by projection and by nearest statements; a level is the mean of both.

    It is missing where either cannot read it, and firm where it is firm for both, they place it
    within .2 of each other, and in the same third of the axis.
    """

    name = "agreement"

    def __init__(self, context: Context, caches: Caches) -> None:
        self.readers = Projection(context, caches), Nearest(context, caches)
        self.fingerprint = "+".join(reader.fingerprint for reader in self.readers)

    def read(self, personas: Sequence[Persona]) -> Reading:
        """Levels in [0, 1] an axis; None where either reader cannot read it."""
        one, other = (reader.read(personas) for reader in self.readers)
        levels, firm = [], []
        for a, b, firm_a, firm_b in zip(
            one.levels, other.levels, one.firm, other.firm, strict=True
        ):
            levels.append([_middle(y, z) for y, z in zip(a, b, strict=True)])
            firm.append(
                [f and g and agree(y, z) for f, g, y, z in zip(firm_a, firm_b, a, b, strict=True)]
            )
        return Reading(levels, firm)


def agree(one: float | None, other: float | None) -> bool:
    """Whether two readers place a persona alike on an axis."""
    if one is None or other is None or abs(one - other) > NEAR:
        return False
    low, high = levels_of(np.array([one, other]))
    return bool(low == high)


def _middle(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else (one + other) / 2
