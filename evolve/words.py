"""Scorecards and gaps as text for a terminal."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from fitness.metrics import reference_lines, uncovered
from fitness.scoring import Scorecard
from generators.context import Context

LISTED = 20  # combinations
CREDITED = "credited_"


def printable(text: str) -> str:
    """A stranger's text with what a terminal would act on, but line breaks, spelled out."""
    return "".join(
        c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text
    )


def scorecard_words(card: Scorecard) -> str:
    """Metrics with standard errors beside their reference lines, gates, and the verdict."""
    lines = reference_lines(card.asked, len(card.axes))
    names = ("uniform", "sobol", "covering_design", "bound")
    rows = [
        f"{'':30}{'as read':>8}{'se':>8}{'credited':>10}{'se':>8}  read perfectly:"
        f" {'  '.join(names)}"
    ]
    for name, measure in sorted(card.metrics.items()):
        if name.startswith(CREDITED):
            continue
        beside = "  ".join(
            f"{lines[line][name]:.3f}".rjust(len(line)) for line in names if name in lines[line]
        )
        credit = card.metrics.get(f"{CREDITED}{name}")
        earned = f"{credit.value:10.3f}{credit.se:8.3f}" if credit else " " * 18
        rows.append(
            f"{name:30}{measure.value:8.3f}{measure.se:8.3f}{earned}  {'':16}{beside}".rstrip()
        )
    if card.fidelity:
        rhos = ", ".join(
            f"{axis} {'not told' if rho is None else f'{rho:.2f}'}"
            for axis, rho in card.fidelity.items()
        )
        rows.append(f"fidelity (declared against read levels): {rhos}")
    failed = {gate: share for gate, share in card.gates.items() if share > 0}
    rows.append("gates failed: " + (", ".join(f"{g} {s:.0%}" for g, s in failed.items()) or "none"))
    return "\n".join([*rows, "", card.verdict])


def uncovered_words(
    card: Scorecard, context: Context, weights: Mapping[int, NDArray[np.float64]]
) -> str:
    """The combinations that nobody covers, rarest first where weights say what is rare."""
    labels = [(axis.name, axis.low_label, axis.high_label) for axis in context.axes]
    t = min(3, len(context.axes))
    found = uncovered(card.as_points(), labels, t, weights.get(t), LISTED)
    head = f"{found.total} of {found.possible} {t}-way combinations are covered by nobody"
    shown = len(found.combinations)
    more = [f"… and {found.total - shown} more (coverage.json)"] if found.total > shown else []
    return "\n".join(
        [head + (":" if shown else "."), *(f"- {c}" for c in found.combinations), *more]
    )
