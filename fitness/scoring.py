"""Scorecards: what a population is worth in a context, and the search's objective."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fitness.gates import apply_gates
from fitness.metrics import (
    Measure,
    Points,
    as_points,
    combination_bound,
    coverage_measures,
    fidelity,
    fidelity_error,
    measure,
    rare_combination_coverage,
    rare_weights,
    reference_lines,
)
from fitness.respondents.interface import Respondent, Row
from generators.context import Context
from generators.persona import Persona

MOST_T = 3
POOR_FIDELITY = 0.4  # mean rank correlation below which the verdict says so


@dataclass(frozen=True)
class Scorecard:
    """What a population is worth in a context.

    Attributes:
        context: id of the context.
        asked: personas asked for.
        axes: ids of the axes, in the order of the points.
        points: a row a persona: a level in [0, 1] an axis, None where it cannot be read.
        metrics: value and standard error by the contract's names.
        gates: share of the personas failing each gate.
        fidelity: of each axis by id, where the personas declare levels: the rank correlation of
            declared and read levels; None where too few do.
        objective: what the search maximises: credited rare combination coverage.
        verdict: one plain sentence.
    """

    context: str
    asked: int
    axes: tuple[str, ...]
    points: tuple[tuple[float | None, ...], ...]
    metrics: Mapping[str, Measure]
    gates: Mapping[str, float]
    fidelity: Mapping[str, float | None]
    objective: float
    verdict: str

    def as_points(self) -> Points:
        """The points as the metrics take them."""
        return as_points(self.points, len(self.axes), self.asked)

    def as_json(self) -> dict[str, Any]:
        """The JSON of `gamut score`, as the contract states it."""
        return {
            "context": self.context,
            "n": self.asked,
            "axes": list(self.axes),
            "points": [[None if z is None else round(z, 6) for z in row] for row in self.points],
            "metrics": {
                name: {"value": m.value, "se": m.se} for name, m in sorted(self.metrics.items())
            },
            "gates": dict(self.gates),
            "verdict": self.verdict,
        }


class Scorer:
    """Scores populations in one context with one respondent and one reference population.

    The reference is what "rare" means: read points of naive personas, a row a persona.
    """

    def __init__(self, context: Context, respondent: Respondent, reference: Sequence[Row]) -> None:
        self.context = context
        self.t = min(MOST_T, len(context.axes))
        self._respondent = respondent
        self.reference = as_points(reference, len(context.axes))
        self.weights = rare_weights(self.reference, self.t)
        self._pair_weights = rare_weights(self.reference, 2)

    def objective(self, personas: Sequence[Persona], asked: int) -> "Judged":
        """The search's fast path: read, gate, and weigh the rare combinations that are covered."""
        reading = self._respondent.read(personas)
        points = as_points(reading.levels, len(self.context.axes), asked)
        gated = apply_gates([p.description for p in personas], self.context)
        passed = np.array(gated.passed, dtype=bool)[:, None]
        firm = np.array(reading.firm, dtype=bool).reshape(points.read.shape)
        credited = Points(points.values, points.read & firm & passed, asked)
        value = rare_combination_coverage(credited, self.t, self.weights)
        pairs = rare_combination_coverage(credited, 2, self._pair_weights)
        return Judged(value, pairs, points, credited, gated.shares(), gated.reasons)

    def scorecard(self, personas: Sequence[Persona], asked: int | None = None) -> Scorecard:
        """Every metric of a population; `asked` defaults to its size."""
        judged = self.objective(personas, len(personas) if asked is None else asked)
        weights = {self.t: self.weights}
        metrics = measure(judged.points, weights)
        for name, measured in coverage_measures(judged.credited, weights).items():
            metrics[f"credited_{name}"] = measured
        axes = tuple(axis.id for axis in self.context.axes)
        faithful, mean = _fidelity(personas, axes, judged.points)
        if mean is not None:
            metrics["fidelity"] = mean
        return Scorecard(
            context=self.context.id,
            asked=judged.points.asked,
            axes=axes,
            points=_rows(judged.points),
            metrics=metrics,
            gates=judged.gates,
            fidelity=faithful,
            objective=judged.value,
            verdict=_verdict(judged, metrics, self.t),
        )


@dataclass(frozen=True)
class Judged:
    """A population read and gated.

    Attributes:
        value: credited rare combination coverage.
        pairs: the same of combinations of two axes: sooner above zero, so a search climbs by it.
        points: where each persona was read, gates or not.
        credited: the same, read only where a level counts: it is firm, and its persona passes every
            gate.
        gates: share of the personas failing each gate.
        reasons: why, in words, for each gate that failed anybody.
    """

    value: float
    pairs: float
    points: Points
    credited: Points
    gates: Mapping[str, float]
    reasons: Mapping[str, str]


def _rows(points: Points) -> tuple[tuple[float | None, ...], ...]:
    return tuple(
        tuple(float(z) if read else None for z, read in zip(row, known, strict=True))
        for row, known in zip(points.values, points.read, strict=True)
    )


def _fidelity(
    personas: Sequence[Persona], axes: Sequence[str], points: Points
) -> tuple[dict[str, float | None], Measure | None]:
    """Fidelity by axis and its mean, where personas declare levels."""
    if not any(persona.traits for persona in personas):
        return {}, None
    missing = float("nan")
    declared = np.array([[(p.traits or {}).get(axis, missing) for axis in axes] for p in personas])
    rhos = fidelity(declared, points)
    by_axis = {
        axis: None if np.isnan(rho) else round(float(rho), 6)
        for axis, rho in zip(axes, rhos, strict=True)
    }
    if np.isnan(rhos).all():
        return by_axis, None
    return by_axis, Measure(float(np.nanmean(rhos)), fidelity_error(declared, points))


def _verdict(judged: Judged, metrics: Mapping[str, Measure], t: int) -> str:
    """What a tester should take from the scorecard, in one sentence."""
    points, name = judged.points, f"combination_coverage_{t}"
    covered, bound = metrics[name].value, combination_bound(points.asked, points.axes, t)
    uniform = reference_lines(points.asked, points.axes)["uniform"][name]
    said = f"Covers {covered:.0%} of all {t}-way combinations (at most {bound:.0%} can be reached"
    people = "1 persona" if points.asked == 1 else f"{points.asked} personas"
    said += f" with {people}, perfectly read uniform points reach {uniform:.0%})"
    credited = metrics[f"credited_{name}"].value
    said += f"; {credited:.0%} on evidence that readers agree on and no single sentence decides"
    faithful = metrics.get("fidelity")
    if faithful and faithful.value < POOR_FIDELITY:
        said += f"; declared and read levels agree little (rank correlation {faithful.value:.2f})"
    missing = metrics["missing"].value
    if missing >= 0.05:
        said += f"; {missing:.0%} of the levels cannot be read from the text"
    worst = max(judged.gates.items(), key=lambda gate: gate[1], default=("", 0.0))
    if worst[1] > 0:
        reason = judged.reasons.get(worst[0], worst[0])
        said += f"; {worst[1]:.0%} of the personas fail a gate: {reason}"
    return said + "."
