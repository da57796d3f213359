"""Learning curves: the best training value so far, by candidate; of one run, or of arms of runs."""

import io
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Curve = NDArray[np.float64]
_COLOURS = ("#0b5394", "#b45f06", "#38761d", "#741b47", "#666666")


def best_so_far(best: Sequence[tuple[int, float]], candidates: int) -> Curve:
    """What the best elite was worth after each candidate, [candidates]; NaN before there is one.

    `best` is `State.best`: (ticket, value) at each change, tickets rising.
    """
    values = np.full(candidates, np.nan)
    for ticket, value in best:
        values[ticket:] = value
    return values


def draw_curves(curves: Mapping[str, Curve], kind: Literal["svg", "png"] = "svg") -> bytes:
    """A picture of curves by name, each [runs, candidates]: median of the runs, quartiles shaded.

    A name may be empty; there is a legend where any is not.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    from fitness.map_figures import plain_settings

    out = io.BytesIO()
    with plain_settings():
        figure = Figure(figsize=(7.5, 3), dpi=150)
        axes = figure.subplots()
        for number, (name, runs) in enumerate(curves.items()):
            colour = _COLOURS[number % len(_COLOURS)]
            begun = np.flatnonzero(np.isfinite(runs).all(axis=0))  # where every run has an elite
            low, middle, high = np.quantile(runs[:, begun], (0.25, 0.5, 0.75), axis=0)
            axes.step(begun + 1, middle, where="post", color=colour, label=name)
            if len(runs) > 1:
                axes.fill_between(begun + 1, low, high, step="post", color=colour, alpha=0.2, lw=0)
        axes.set_xlabel("candidates")
        axes.set_ylabel("best elite, training")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.spines[["top", "right"]].set_visible(False)
        if any(curves):
            axes.legend(frameon=False)
        figure.tight_layout()
        figure.savefig(out, format=kind, metadata={"Date": None} if kind == "svg" else None)
    return out.getvalue()
