"""Which operator next: probability matching by what each has gained for what it has cost.

The rule is that of Goldberg (Machine Learning 5, 1990) as Thierens states it (GECCO 2005, "An
adaptive pursuit strategy for allocating operator probabilities"): an operator is drawn with
probability FLOOR + (1 − K · FLOOR) · q / Σq, K being the number of operators and q the quality of
each. Here q is gain over cost, both summed with more weight on recent tries, and shrunk towards
what all operators together have earned, since most tries gain nothing and a lucky one proves
little. It is driven by verdicts in ticket order alone, so it is replayed with them.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

FLOOR = 0.4  # of the choices, shared evenly, so that no operator is ever given up
MEMORY = 0.98  # weight of an operator's last try but one beside its last: some fifty tries count
PRIOR = 10.0  # tries of average success that each operator is taken to have had


@dataclass
class Arm:
    """What an operator has done.

    Attributes:
        tried, scored, better: children judged; those that went through the whole cascade; those
            that were better than their parent.
        gain, cost: totals.
        recent_gain, recent_cost, recent_tries: totals that fade.
    """

    tried: int = 0
    scored: int = 0
    better: int = 0
    gain: float = 0.0
    cost: float = 0.0
    recent_gain: float = 0.0
    recent_cost: float = 0.0
    recent_tries: float = 0.0


class Bandit:
    """Draws operators, and learns from what becomes of their children."""

    def __init__(self, names: Sequence[str]) -> None:
        self.arms = {name: Arm() for name in names}
        self.retired: set[str] = set()

    def retire(self, name: str) -> None:
        """Draw an operator no more."""
        self.retired.add(name)

    @property
    def active(self) -> dict[str, Arm]:
        """The operators that may be drawn."""
        return {name: arm for name, arm in self.arms.items() if name not in self.retired}

    def draw(self) -> str:
        """An operator, by the shares; draws from `random`."""
        shares = self.shares()
        return random.choices(list(shares), list(shares.values()))[0]

    def credit(self, name: str, gain: float, cost: float, scored: bool) -> None:
        """Note what an operator's child gained over its parent (0 or more), and what it cost."""
        arm = self.arms[name]
        arm.tried += 1
        arm.scored += scored
        arm.better += gain > 0
        arm.gain += gain
        arm.cost += cost
        arm.recent_gain = MEMORY * arm.recent_gain + gain
        arm.recent_cost = MEMORY * arm.recent_cost + cost
        arm.recent_tries = MEMORY * arm.recent_tries + 1

    def shares(self) -> dict[str, float]:
        """How likely each operator is drawn; even until something has been gained."""
        active = self.active
        arms = active.values()
        tries = sum(arm.recent_tries for arm in arms)
        gain = sum(arm.recent_gain for arm in arms)
        cost = sum(arm.recent_cost for arm in arms)
        even = 1.0 / len(active)
        if gain <= 0:
            return dict.fromkeys(active, even)
        quality = [
            (arm.recent_gain + PRIOR * gain / tries) / (arm.recent_cost + PRIOR * cost / tries)
            for arm in arms
        ]
        total = sum(quality)
        return {
            name: FLOOR * even + (1 - FLOOR) * q / total
            for name, q in zip(active, quality, strict=True)
        }
