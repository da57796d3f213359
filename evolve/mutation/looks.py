"""What an evaluation keeps for a model to see: gaps, gates and a few people, all in words.

Made of training contexts alone, from what is public of them (labels) and from what the program
wrote itself. Hidden statements and items are in none of it.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitness.metrics import Points, uncovered
from fitness.scoring import MOST_T, Judged
from generators.context import Context
from generators.persona import Persona

GAPS = 8  # uncovered combinations a context
PEOPLE = 3  # personas a context
LONGEST = 500  # characters of a persona's text


def look(
    context: Context, personas: Sequence[Persona], judged: Judged, weights: NDArray[np.float64]
) -> dict[str, Any]:
    """A population in words, plain JSON.

    `weights` are those of the rare combinations. Keys: `gaps`, the rarest combinations that nobody
    is credited with, of `open` out of `possible`; `gates`, what failed, with its share; `people`,
    those credited least, in between and most, each with its `text` and where it was `read`.
    """
    labels = [(axis.name, axis.low_label, axis.high_label) for axis in context.axes]
    found = uncovered(judged.credited, labels, min(MOST_T, len(labels)), weights, GAPS)
    gates = [
        f"{judged.gates[gate]:.0%} of the people: {reason}"
        for gate, reason in sorted(judged.reasons.items())
        if judged.gates.get(gate, 0.0) > 0
    ]
    return {
        "gaps": [words.removesuffix(": nobody") for words in found.combinations],
        "open": found.total,
        "possible": found.possible,
        "gates": gates,
        "people": [_person(context, personas, judged, k) for k in _chosen(judged.credited)],
    }


def _chosen(credited: Points) -> list[int]:
    """The rows that are credited on the fewest axes, on a middling number, and on the most."""
    order = np.argsort(credited.read.sum(axis=1), kind="stable")
    places = np.linspace(0, len(order) - 1, min(PEOPLE, len(order)))
    return [int(order[int(place)]) for place in places]


def _person(
    context: Context, personas: Sequence[Persona], judged: Judged, k: int
) -> dict[str, str]:
    text = personas[k].description
    read = [
        _read(axis.name, axis.low_label, axis.high_label, judged, k, number)
        for number, axis in enumerate(context.axes)
    ]
    shown = text if len(text) <= LONGEST else f"{text[:LONGEST]} …"
    return {"text": shown, "read": "; ".join(read)}


def _read(name: str, low: str, high: str, judged: Judged, k: int, axis: int) -> str:
    """How one person was read on one axis, and whether it counts."""
    if not judged.points.read[k, axis]:
        return f"{name}: cannot be read"
    level = judged.points.values[k, axis]
    third = low if level < 1 / 3 else high if level > 2 / 3 else "in the middle"
    counts = "" if judged.credited.read[k, axis] else ", but it does not count"
    return f"{name}: {third}{counts}"
