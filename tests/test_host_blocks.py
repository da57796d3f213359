"""Blocks as the sandbox serves them: whatever a program passes, a result or one short line."""

import math
import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from generators.blocks import host_blocks

HOST = host_blocks()
ONE_AXIS = [{"name": "a", "low_label": "l", "high_label": "h", "signs": {"low": ["Eats."]}}]
ONE_AXIS[0]["signs"]["high"] = ["Goes."]  # type: ignore[index]
MANY = 10**6


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("uniform", (math.nan, 2, 1), "n: "),
        ("sobol", (math.inf, 2, 1), "n: "),
        ("halton", (True, 2, 1), "n: "),
        ("corners", ("3", 2, 1), "n: "),
        ("maximin", (10**30, 2, 1), "n: "),
        ("uniform", (0, 2, 1), "n: "),
        ("uniform", (3, 13, 1), "k: "),
        ("uniform", (3, 2, -1), "seed: "),
        ("uniform", (3, 2, 2**80), "seed: "),
        ("uniform", (3, 2, None), "seed: "),
        ("uniform", (3, 2), "seed: "),
        ("uniform", (3, 2, 1, 4), "3: "),
        ("lattice", (3, 2, 6, 1), "levels: "),
        ("covering_design", (3, 2, 4, 1), "strength: "),
        ("stretch", ([[0.5]], math.nan), "factor: "),
        ("stretch", ([[0.5]], 10**400), "factor: "),
        ("stretch", ([[0.5], [0.5, 0.5]], 1.0), "points: some personas have more axes"),
        ("stretch", ([[math.inf]], 1.0), "points.0.0: "),
        ("stretch", ([[True]], 1.0), "points.0.0: "),
        ("stretch", ([["0.5"]], 1.0), "points.0.0: "),
        ("stretch", ([[1.5]], 1.0), "points.0.0: "),
        ("stretch", ([0.5], 1.0), "points.0: "),
        ("stretch", ([[]], 1.0), "points.0: "),
        ("stretch", ([], 1.0), "points: "),
        ("stretch", ([[0.5]] * MANY, 1.0), "points: "),
        ("stretch", ([[0.5] * MANY], 1.0), "points.0: "),
        ("antithetic", ({"points": 1},), "points: "),
        ("thin", ([[0.5]], [[0.5], [0.6]]), "points are 1 personas on 1 axes, but others 2"),
        ("mixture", ([[0.5]], [[0.5, 0.5]], 0.5, 1), "points are 1 personas on 1 axes, but"),
        ("mixture", ([[0.5]], [[0.5]], 1.5, 1), "share: "),
        ("sign_mix", ([[0.5, 0.5]], ONE_AXIS, 2, 1), "points are on 2 axes, but axes has 1"),
        ("sign_mix", ([[0.5]], ONE_AXIS * MANY, 2, 1), "axes: "),
        ("sign_mix", ([[0.5]], [{"name": "a"}], 2, 1), "axes.0.low_label: "),
        ("sign_mix", ([[0.5]], [3], 2, 1), "axes.0: "),
        ("sign_mix", ([[0.5]], "axes", 2, 1), "axes: "),
        ("sign_mix", ([[0.5]], [{**ONE_AXIS[0], "signs": {"low": []}}], 2, 1), "axes.0.signs"),
        ("sign_mix", ([[0.5]], [{**ONE_AXIS[0], "name": 7}], 2, 1), "axes.0.name: "),
        ("sign_mix", ([[0.5]], [{**ONE_AXIS[0], "name": "x" * MANY}], 2, 1), "axes.0.name: "),
        ("behaviour", ([[0.5]], ONE_AXIS, 99, 1), "count: "),
        ("both", ([[["a"]]], [[["a"], ["b"]]]), "sentences and others"),
        ("in_order", ([[["a"]], [["a"], ["b"]]], "turns", 1), "sentences: some personas"),
        ("in_order", ([[["a"]]], "sideways", 1), "order: "),
        ("voice", ([["a"]], 1), "person: "),
        ("voice", ([[""]], "first"), "lines.0.0: "),
        ("voice", ([["a" * MANY]], "first"), "lines.0.0: "),
        ("join", ([["a"] * 289], "plain", 1), "lines.0: "),
        ("people", (["a"] * MANY, [[0.5]], 1), "texts: "),
        ("people", (["a"], [[0.5], [0.5]], 1), "texts has 1 personas, but points has 2"),
        ("people", ([None], [[0.5]], 1), "texts.0: "),
    ],
)
def test_wrong_arguments_are_told_in_a_line(
    name: str, arguments: tuple[Any, ...], says: str
) -> None:
    refused(lambda: HOST[name](*arguments), f"{name}: {says}")


@pytest.mark.parametrize("extra", ["colour", "name", "block", "x" * MANY])
def test_unknown_keywords_are_refused(extra: str) -> None:
    refused(lambda: HOST["uniform"](3, 2, 1, **{extra: 1}), f"uniform: {extra[:80]}: ")


def refused(call: Callable[[], Any], says: str) -> None:
    before = time.process_time()
    with pytest.raises(ValueError, match="^" + re.escape(says)) as caught:
        call()
    assert time.process_time() - before < 2
    assert len(str(caught.value)) < 300
    assert type(caught.value) is ValueError
