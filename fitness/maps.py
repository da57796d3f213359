"""Coverage maps: pictures of a population in trait space, and what nobody covers, in words."""

import json
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fitness.metrics import Measure, Points, cell_counts, reference_lines, uncovered
from fitness.metrics.points import Array
from generators.context import Context
from generators.designs import LEVELS, cells
from generators.errors import GamutError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SCHEMA = "gamut/map/1"
FORMATS = ("png", "svg")
SINGLE_AXES = 4  # up to this many axes each pair has a file of its own
MOST_WORDS = 200  # uncovered combinations listed for each t


def draw_maps(
    points: Points,
    context: Context,
    folder: str | Path,
    metrics: Mapping[str, Measure],
    formats: Sequence[str] = FORMATS,
    reference_weights: Mapping[int, Array] | None = None,
    singles: bool = True,
) -> list[Path]:
    """Write the maps of a population and `coverage.json`; the paths written.

    `pairs.*` shows all pairs of axes; up to 4 axes each pair has a `map_AXIS_AXIS.*` too, unless
    `singles` is off (with 2 axes there is only that). `coverage.json` holds the axes, the personas
    in each cell of each pair and triple, the metrics, the reference lines and the uncovered
    combinations in words: the rarest first if `reference_weights` (by t, from `rare_weights`) are
    given. The same input writes the same bytes.
    """
    if points.axes != len(context.axes):
        raise GamutError(
            f"points have {points.axes} axes, but context {context.id} has {len(context.axes)}"
        )
    unknown = sorted(set(formats) - set(FORMATS))
    if unknown:
        raise GamutError(f"maps cannot be drawn as {', '.join(unknown)}; choose from png and svg")
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    record = target / "coverage.json"
    content = coverage(points, context, metrics, reference_weights)
    text = json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False)
    record.write_text(text + "\n", encoding="utf-8")
    return [record, *_draw(points, context, target, formats, singles)]


def coverage(
    points: Points,
    context: Context,
    metrics: Mapping[str, Measure],
    reference_weights: Mapping[int, Array] | None = None,
) -> dict[str, Any]:
    """What `coverage.json` holds.

    `counts` of a pair or triple nests by its axes: counts[low|middle|high of the first]
    [… of the second] … = personas read on those axes that lie there.
    """
    weights = reference_weights or {}
    sizes = range(2, min(3, points.axes) + 1)
    labels = [(axis.name, axis.low_label, axis.high_label) for axis in context.axes]
    missing_words = {t: uncovered(points, labels, t, weights.get(t), MOST_WORDS) for t in sizes}
    return {
        "schema": SCHEMA,
        "context": context.id,
        "title": context.title,
        "personas": {"asked": points.asked, "given": len(points.values)},
        "axes": [
            {
                "id": axis.id,
                "name": axis.name,
                "low_label": axis.low_label,
                "high_label": axis.high_label,
            }
            for axis in context.axes
        ],
        "levels": ["low", "middle", "high"],
        "cuts": [1 / 3, 2 / 3],
        "metrics": {name: {"value": m.value, "se": m.se} for name, m in metrics.items()},
        "reference": reference_lines(points.asked, points.axes),
        "combinations": {str(t): _cells(points, context, t) for t in sizes},
        "uncovered": {
            str(t): {
                "total": found.total,
                "possible": found.possible,
                "first": "rarest" if t in weights else "fewest middles",
                "combinations": list(found.combinations),
            }
            for t, found in missing_words.items()
        },
    }


def _cells(points: Points, context: Context, t: int) -> list[dict[str, Any]]:
    """One record for each t-subset of axes."""
    ids = [axis.id for axis in context.axes]
    subsets = cells(points.axes, t).subsets
    return [
        {
            "axes": [ids[axis] for axis in subset],
            "read": int(counts.sum()),
            "covered": int((counts > 0).sum()),
            "possible": counts.size,
            "counts": counts.reshape((LEVELS,) * t).tolist(),
        }
        for subset, counts in zip(subsets, cell_counts(points, t), strict=True)
    ]


def _draw(
    points: Points, context: Context, target: Path, formats: Sequence[str], singles: bool
) -> list[Path]:
    # Here, since matplotlib takes longer to import than all of Gamut's own modules.
    from fitness.map_figures import all_pairs, one_pair, plain_settings

    written = []
    with plain_settings():
        if len(context.axes) > 2:
            written += _save(all_pairs(points, context), target / "pairs", formats)
        if len(context.axes) == 2 or (singles and len(context.axes) <= SINGLE_AXES):
            for pair in combinations(range(len(context.axes)), 2):
                first, second = (context.axes[axis].id for axis in pair)
                figure = one_pair(points, context, pair)
                written += _save(figure, target / f"map_{first}_{second}", formats)
    return written


def _save(figure: "Figure", stem: Path, formats: Sequence[str]) -> list[Path]:
    """Save without a date or a version, so that the same map is the same file."""
    metadata: dict[str, dict[str, Any]] = {
        "png": {"Software": None},
        "svg": {"Date": None, "Creator": None},
    }
    paths = []
    for kind in dict.fromkeys(formats):
        path = stem.with_name(f"{stem.name}.{kind}")
        figure.savefig(path, format=kind, metadata=metadata[kind])
        paths.append(path)
    return paths
