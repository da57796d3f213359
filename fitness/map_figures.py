"""The figures of coverage maps: one pair of axes, or all pairs in a triangle with a key."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import combinations
from math import ceil
from textwrap import shorten, wrap
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from fitness.metrics import Points, cell_counts
from generators.context import Axis, Context
from generators.designs import LEVELS

# Blue and orange of the Okabe–Ito palette, told apart by every kind of colour vision; empty cells
# are hatched as well, so that a map in grey says the same.
COVERED = "#d6e8f5"
EMPTY = "#fbe3c0"
HATCH = "#c77c00"
PERSONA = "#00436b"
INK = "#222222"
QUIET = "#555555"

_MANY = 2000  # personas, from which an SVG holds them as one picture
_LINE = 0.165  # inches a line of small print takes
_LONGEST_LABEL = 150
# Print size of the key and the longest label it shows, tried from the first on.
_KEY_PRINT = ((9.0, 200), (8.0, 200), (7.0, 150), (6.5, 100), (6.0, 60), (5.5, 40))


@contextmanager
def plain_settings() -> Iterator[None]:
    """Matplotlib's own defaults, whatever the user's settings say, so that maps are the same."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(
            {
                "svg.hashsalt": "gamut",
                "hatch.linewidth": 0.6,
                "font.size": 9,
                "text.parse_math": False,  # a "$" in a label is a dollar
                "path.simplify": False,
            }
        )
        yield


def one_pair(points: Points, context: Context, pair: tuple[int, int]) -> Figure:
    """One map: the first axis of the pair runs to the right, the second up."""
    across, up = (context.axes[axis] for axis in pair)
    side, left, right = 4.6, 1.75, 0.3
    title = wrap(f"{across.name} × {up.name}", 40)
    below = [_end(across.low_label), wrap(across.name, 18), _end(across.high_label)]
    bottom = 0.7 + _LINE * max(map(len, below))
    top = 0.25 + 0.24 * len(title) + 0.3
    width, height = left + side + right, bottom + side + top
    figure = Figure(figsize=(width, height), dpi=150)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((left / width, bottom / height, side / width, side / height))
    counts = _panel(axes, points, pair, marker=34.0)
    _write_counts(axes, counts)
    figure.text(
        left / width,
        1 - 0.2 / height,
        "\n".join(title),
        va="top",
        size=13,
        weight="bold",
        color=INK,
    )
    covered = f"{(counts > 0).sum()} of {counts.size} combinations covered"
    figure.text(
        left / width, (bottom + side + 0.1) / height, covered, va="bottom", size=10, color=QUIET
    )
    caption = "\n".join(wrap(_caption(points, context, pair), 84))
    figure.text(left / width, 0.15 / height, caption, size=8, color=QUIET)
    _label_across(axes, below)
    _label_up(axes, up)
    return figure


def all_pairs(points: Points, context: Context) -> Figure:
    """All pairs of axes in a triangle; the free corner names the axes and their ends."""
    rows = len(context.axes) - 1
    side, gap = max(1.05, 2.9 - 0.35 * rows), 0.14
    left, bottom, top, right = 1.25, 0.8, 0.75, 0.3
    extent = rows * side + (rows - 1) * gap
    width, height = left + extent + right, bottom + extent + top
    figure = Figure(figsize=(width, height), dpi=130)
    FigureCanvasAgg(figure)
    covered = possible = 0
    for across, up in combinations(range(rows + 1), 2):
        x = left + across * (side + gap)
        y = bottom + (rows - up) * (side + gap)
        axes = figure.add_axes((x / width, y / height, side / width, side / height))
        counts = _panel(axes, points, (across, up), marker=7.0 * side)
        covered += int((counts > 0).sum())
        possible += counts.size
        if up == rows:
            _name(axes, context.axes[across], across, side, "across")
        if across == 0:
            _name(axes, context.axes[up], up, side, "up")
    title = shorten(context.title, int((width - 0.4) / 0.125), placeholder=" …")
    figure.text(0.2 / width, 1 - 0.15 / height, title, va="top", size=13, weight="bold", color=INK)
    line = f"{covered} of {possible} pairwise combinations covered by {len(points.values)} personas"
    line += "; hatched: nobody"
    figure.text(0.2 / width, 1 - 0.44 / height, line, va="top", size=9, color=QUIET)
    # The largest rectangle beside the staircase of panels.
    down = ceil(rows / 2)
    box = (
        left + down * (side + gap) + 0.15,
        height - top,
        (rows - down) * (side + gap) - 0.1,
        down * (side + gap) - 0.1,
    )
    _key(figure, context.axes, box)
    return figure


def _panel(
    axes: Axes, points: Points, pair: tuple[int, int], marker: float
) -> "np.ndarray[Any, Any]":
    """Draw nine cells and the personas read on both axes; the personas in each cell [3, 3]."""
    two = Points(points.values[:, list(pair)], points.read[:, list(pair)], points.asked)
    counts = cell_counts(two, 2).reshape(LEVELS, LEVELS)
    third = 1 / LEVELS
    for (column, row), count in np.ndenumerate(counts):
        corner = (column * third, row * third)
        if count:
            axes.add_patch(Rectangle(corner, third, third, facecolor=COVERED, edgecolor="none"))
        else:
            axes.add_patch(
                Rectangle(
                    corner, third, third, facecolor=EMPTY, edgecolor=HATCH, hatch="////", lw=0
                )
            )
    for cut in (third, 2 * third):
        axes.axvline(cut, color="white", lw=1.5)
        axes.axhline(cut, color="white", lw=1.5)
    seen = two.values[two.read.all(axis=1)]
    many = len(seen) > 200
    axes.scatter(
        seen[:, 0],
        seen[:, 1],
        s=marker * (0.35 if many else 1.0),
        color=PERSONA,
        alpha=0.35 if many else 0.8,
        edgecolors="white",
        linewidths=0.0 if many else 0.6,
        clip_on=False,
        zorder=3,
        rasterized=len(seen) > _MANY,
    )
    axes.set(xlim=(0, 1), ylim=(0, 1), xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set_color("#999999")
    return counts


def _write_counts(axes: Axes, counts: "np.ndarray[Any, Any]") -> None:
    """The number of personas in the corner of each cell, above the points."""
    for (column, row), count in np.ndenumerate(counts):
        axes.text(
            (column + 0.04) / LEVELS,
            (row + 0.96) / LEVELS,
            str(count) if count else "nobody",
            ha="left",
            va="top",
            size=8,
            color=INK,
            zorder=4,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 1.2},
        )


def _end(label: str) -> list[str]:
    """Lines of the label of one end of an axis, narrow enough for a third of a map."""
    return wrap(shorten(label, _LONGEST_LABEL, placeholder=" …"), 20)


def _label_across(axes: Axes, below: list[list[str]]) -> None:
    """Low label, name and high label under the map, each in its third."""
    places = ((0.0, "left", "normal"), (0.5, "center", "bold"), (1.0, "right", "normal"))
    for lines, (x, align, weight) in zip(below, places, strict=True):
        axes.text(
            x,
            -0.03,
            "\n".join(lines),
            ha=align,
            va="top",
            size=8.5,
            weight=weight,
            color=INK,
            transform=axes.transAxes,
        )


def _label_up(axes: Axes, axis: Axis) -> None:
    """High label, name and low label left of the map, each in its third."""
    places = (
        (0.0, "bottom", "normal", _end(axis.low_label)),
        (0.5, "center", "bold", wrap(axis.name, 18)),
        (1.0, "top", "normal", _end(axis.high_label)),
    )
    for y, align, weight, lines in places:
        axes.text(
            -0.03,
            y,
            "\n".join(lines),
            ha="right",
            va=align,
            size=8.5,
            weight=weight,
            color=INK,
            transform=axes.transAxes,
        )


def _caption(points: Points, context: Context, pair: tuple[int, int]) -> str:
    read = int(points.read[:, list(pair)].all(axis=1).sum())
    title = shorten(context.title, 70, placeholder=" …")
    return f"{title}: {read} of {points.asked} personas read on both axes. Hatched: nobody."


def _name(axes: Axes, axis: Axis, number: int, side: float, along: str) -> None:
    """Number and name of an axis at the edge of the triangle."""
    text = f"{number + 1} {axis.name}"
    if along == "across":
        lines = _narrow(text, max(12, int(side / 0.075)))
        place: dict[str, Any] = {"x": 0.5, "y": -0.06, "ha": "center", "va": "top"}
    else:
        lines = _narrow(text, 15)
        place = {"x": -0.06, "y": 0.5, "ha": "right", "va": "center"}
    axes.text(s="\n".join(lines), size=8, color=INK, transform=axes.transAxes, **place)


def _narrow(text: str, characters: int) -> list[str]:
    """At most four lines; a word longer than a line is broken, since its neighbour begins there."""
    lines = wrap(text, characters)
    return lines if len(lines) <= 4 else [*lines[:3], lines[3][: characters - 2] + " …"]


def _key(figure: Figure, named: tuple[Axis, ...], box: tuple[float, float, float, float]) -> None:
    """The axes with their ends, in the largest print that fits the box (x, top, width, height)."""
    x, top, width, height = box
    page_width, page_height = figure.get_size_inches()
    for size, longest in _KEY_PRINT:
        entries = _key_entries(named, int(width / (size * 0.0078)), longest)
        line = size * 1.35 / 72
        between = line * 0.4
        if sum(map(len, entries)) * line + (len(entries) - 1) * between <= height:
            break
    y = top
    for entry in entries:
        figure.text(
            x / page_width,
            y / page_height,
            "\n".join(entry),
            va="top",
            size=size,
            linespacing=1.15,
            color=INK,
        )
        y -= len(entry) * line + between


def _key_entries(named: tuple[Axis, ...], characters: int, longest: int) -> list[list[str]]:
    """The lines of each axis: "1 name: low label → high label"."""
    entries = []
    for number, axis in enumerate(named, start=1):
        low, high = (
            shorten(label, longest, placeholder=" …") for label in (axis.low_label, axis.high_label)
        )
        name = shorten(axis.name, longest, placeholder=" …")
        text = f"{number} {name}: {low} → {high}"
        entries.append(wrap(text, characters, subsequent_indent="   "))
    return entries
