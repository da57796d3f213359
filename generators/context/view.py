"""The public view of a context: what a program sees, in an order that tells it nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from generators.context.model import Axis, Context
from generators.errors import GamutError, InputError


@dataclass(frozen=True)
class View:
    """A program's input and the way back from its axes to the context's.

    Attributes:
        order: order[j] is the context's index of the program's axis j.
        flips: flips[j] is whether the poles of the program's axis j are exchanged.
        payload: what the program sees, plain JSON.
    """

    order: tuple[int, ...]
    flips: tuple[bool, ...]
    payload: dict[str, Any]

    def restore(self, levels: Sequence[float]) -> list[float]:
        """Levels in [0, 1] of the program's axes [K] as levels of the context's axes [K]."""
        if len(levels) != len(self.order):
            raise GamutError(f"{len(levels)} levels for {len(self.order)} axes")
        restored = [0.0] * len(self.order)
        for index, flipped, level in zip(self.order, self.flips, levels, strict=True):
            restored[index] = 1.0 - level if flipped else float(level)
        return restored


def public_view(context: Context, seed: int) -> View:
    """What a program sees: axes shuffled, poles exchanged at random, signs shuffled, by seed.

    There is no id or title, and order and poles change, so that a program cannot learn by heart
    which axis or side is which. What it must see to write (description, labels, signs) could still
    tell a context from others.
    """
    rng = seeded(seed)
    order = tuple(int(index) for index in rng.permutation(len(context.axes)))
    flips = tuple(bool(flip) for flip in rng.integers(0, 2, len(order)))
    axes = [
        _axis_payload(context.axes[index], flipped, rng)
        for index, flipped in zip(order, flips, strict=True)
    ]
    return View(order, flips, {"description": context.description, "axes": axes})


def seeded(seed: int) -> np.random.Generator:
    """A generator for a user's seed; a negative one is refused in plain words."""
    if seed < 0:
        raise InputError(f"seed: should be 0 or more, but is {seed}")
    return np.random.default_rng(seed)


def _axis_payload(axis: Axis, flipped: bool, rng: np.random.Generator) -> dict[str, Any]:
    low, high = (axis.low_label, axis.signs.low), (axis.high_label, axis.signs.high)
    if flipped:
        low, high = high, low
    return {
        "name": axis.name,
        "low_label": low[0],
        "high_label": high[0],
        "signs": {"low": _shuffled(low[1], rng), "high": _shuffled(high[1], rng)},
    }


def _shuffled(signs: tuple[str, ...], rng: np.random.Generator) -> list[str]:
    return [signs[index] for index in rng.permutation(len(signs))]
