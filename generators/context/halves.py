"""Parts a user's context in two: one half of the hidden texts guides a search, one reports."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from generators.context.model import Axis, Context, Hidden
from generators.context.view import seeded
from generators.errors import InputError

FEWEST_STATEMENTS = 4  # a pole, two in each half
FEWEST_KEYED = 2  # items of each key, one in each half

T = TypeVar("T")


def guide_and_report(context: Context, seed: int) -> tuple[Context, Context]:
    """Two contexts with the same signs and each one half of the hidden texts, by seed.

    Gains that a search makes on the first half are reported on texts that it never saw. Each half
    has statements of both poles and items of both keys on every axis.
    """
    rng = seeded(seed)
    halves = [_halves(axis, f"axes[{index}]", rng) for index, axis in enumerate(context.axes)]
    guide, report = (
        context.model_copy(
            update={
                "axes": tuple(
                    axis.model_copy(update={"hidden": pair[half]})
                    for axis, pair in zip(context.axes, halves, strict=True)
                )
            }
        )
        for half in (0, 1)
    )
    return guide, report


def _halves(axis: Axis, where: str, rng: np.random.Generator) -> tuple[Hidden, Hidden]:
    hidden = axis.hidden
    if hidden is None:
        raise InputError(
            f"{where}.hidden: missing; a search needs statements and items on every axis "
            "(`gamut context split` makes them)"
        )
    _enough(hidden, where)
    # Where a number is odd the two halves take turns, so that neither is the poorer one.
    low = _halved(hidden.low, rng, first_larger=True)
    high = _halved(hidden.high, rng, first_larger=False)
    plus = _halved([n for n, i in enumerate(hidden.items) if i.key == 1], rng, first_larger=True)
    minus = _halved([n for n, i in enumerate(hidden.items) if i.key == -1], rng, first_larger=False)
    first, second = (
        Hidden(
            low=low[half],
            high=high[half],
            items=tuple(hidden.items[n] for n in sorted(plus[half] + minus[half])),
        )
        for half in (0, 1)
    )
    return first, second


def _enough(hidden: Hidden, where: str) -> None:
    for pole in ("low", "high"):
        count = len(getattr(hidden, pole))
        if count < FEWEST_STATEMENTS:
            raise InputError(
                f"{where}.hidden.{pole}: has {count}; {FEWEST_STATEMENTS} statements are needed to "
                "guide a search with one half and report with the other"
            )
    for key in (1, -1):
        count = sum(item.key == key for item in hidden.items)
        if count < FEWEST_KEYED:
            raise InputError(
                f"{where}.hidden.items: has {count} keyed {key}; {FEWEST_KEYED} of each key are "
                "needed to guide a search with one half and report with the other"
            )


def _halved(
    values: Sequence[T], rng: np.random.Generator, *, first_larger: bool
) -> tuple[tuple[T, ...], tuple[T, ...]]:
    """Two random halves, each in the order of `values`."""
    size = (len(values) + first_larger) // 2
    chosen = {int(index) for index in rng.permutation(len(values))[:size]}
    return (
        tuple(value for index, value in enumerate(values) if index in chosen),
        tuple(value for index, value in enumerate(values) if index not in chosen),
    )
