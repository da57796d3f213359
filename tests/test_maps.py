"""Coverage maps: the files written, what the JSON says, and that the same input gives the same."""

import json
from pathlib import Path

import numpy as np
import pytest

from fitness.maps import draw_maps
from fitness.metrics import Points, as_points, measure, rare_weights
from generators.context import Axis, Context, Signs
from generators.errors import GamutError

WORDS = ["apple", "bridge", "candle", "dragon", "engine", "forest"]
PNG = b"\x89PNG\r\n\x1a\n"


def context(axes: int) -> Context:
    def signs(pole: str, number: int) -> tuple[str, ...]:
        return tuple(f"Paints the {pole} {word} number {number}." for word in WORDS)

    return Context(
        schema="gamut/context/1",
        id="painters",
        title="People who paint for $5 & more",
        description="People who paint every day.",
        axes=tuple(
            Axis(
                id=f"axis_{number}",
                name=f"axis {number}",
                low_label=f"low on {number}",
                high_label=f"high on {number}, with a label that is longer than one line",
                signs=Signs(low=signs("low", number), high=signs("high", number)),
                hidden=None,
            )
            for number in range(axes)
        ),
    )


def points(count: int, axes: int) -> Points:
    rng = np.random.default_rng(count)
    rows = [
        [None if rng.random() < 0.1 else level for level in row]
        for row in rng.random((count, axes)).tolist()
    ]
    return as_points(rows, axes, count + 1)


def test_two_axes_make_one_map(tmp_path: Path) -> None:
    people = points(12, 2)
    written = draw_maps(people, context(2), tmp_path / "maps", measure(people))
    assert [path.name for path in written] == [
        "coverage.json",
        "map_axis_0_axis_1.png",
        "map_axis_0_axis_1.svg",
    ]
    assert written[1].read_bytes().startswith(PNG)
    assert "<svg" in written[2].read_text(encoding="utf-8")


@pytest.mark.parametrize(("axes", "files"), [(3, 5), (4, 8), (5, 2)])
def test_single_maps_up_to_four_axes(axes: int, files: int, tmp_path: Path) -> None:
    people = points(12, axes)
    written = draw_maps(people, context(axes), tmp_path, measure(people), formats=["png"])
    assert len(written) == files
    assert tmp_path / "pairs.png" in written
    assert all(path.is_file() for path in written)


def test_json_holds_cells_and_words(tmp_path: Path) -> None:
    people = as_points([[0.1, 0.5, 0.9], [0.1, 0.5, 0.8], [0.9, None, 0.1]], 3, 4)
    draw_maps(people, context(3), tmp_path, measure(people), formats=[])
    content = json.loads((tmp_path / "coverage.json").read_text(encoding="utf-8"))
    assert content["personas"] == {"asked": 4, "given": 3}
    assert [axis["id"] for axis in content["axes"]] == ["axis_0", "axis_1", "axis_2"]
    first = content["combinations"]["2"][0]
    assert first["axes"] == ["axis_0", "axis_1"]
    assert (first["read"], first["covered"], first["possible"]) == (2, 1, 9)
    assert first["counts"] == [[0, 2, 0], [0, 0, 0], [0, 0, 0]]
    triple = content["combinations"]["3"][0]
    assert triple["counts"][0][1][2] == 2
    assert content["uncovered"]["3"]["total"] == 26
    assert content["uncovered"]["3"]["first"] == "fewest middles"
    assert content["uncovered"]["2"]["combinations"][0] == "low on 0; low on 1: nobody"
    assert content["metrics"]["missing"]["value"] == pytest.approx(1 - 8 / 12)
    assert set(content["reference"]) == {"uniform", "sobol", "covering_design", "bound"}


def test_rarest_first_where_there_is_a_reference(tmp_path: Path) -> None:
    people = points(12, 3)
    weights = {3: rare_weights(people, 3)}
    draw_maps(people, context(3), tmp_path, measure(people), [], weights)
    content = json.loads((tmp_path / "coverage.json").read_text(encoding="utf-8"))
    assert content["uncovered"]["3"]["first"] == "rarest"
    assert content["uncovered"]["2"]["first"] == "fewest middles"


def test_same_population_same_bytes(tmp_path: Path) -> None:
    people = points(12, 3)
    first = draw_maps(people, context(3), tmp_path / "first", measure(people))
    second = draw_maps(people, context(3), tmp_path / "second", measure(people))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


@pytest.mark.parametrize("rows", [[], [[0.5, 0.5, 0.5]], [[0.5, 0.5, 0.5]] * 30, [[None] * 3]])
def test_any_population_can_be_drawn(rows: list[list[float | None]], tmp_path: Path) -> None:
    people = as_points(rows, 3, 30)
    assert len(draw_maps(people, context(3), tmp_path, measure(people), ["svg"])) == 5


def test_wrong_axes_or_format_are_refused(tmp_path: Path) -> None:
    people = points(5, 3)
    with pytest.raises(GamutError, match="axes"):
        draw_maps(people, context(2), tmp_path, measure(people))
    with pytest.raises(GamutError, match="png and svg"):
        draw_maps(people, context(3), tmp_path, measure(people), formats=["gif"])
