"""Blocks: placements, what placements, wordings and tellings promise."""

import math
import re
from collections import Counter
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import conf
from generators.blocks import ASKING, BLOCKS, host_blocks, summary
from generators.blocks.clauses import clause
from generators.context import load_context, public_view

HOST = host_blocks()
COMPANION = Path(conf.__file__).parent / "contexts/train/companion_daily.yaml"
AXES = public_view(load_context(COMPANION), seed=0).payload["axes"]
PLACEMENTS: dict[str, tuple[Any, ...]] = {
    "uniform": (),
    "sobol": (),
    "halton": (),
    "latin_hypercube": (),
    "corners": (),
    "lattice": (3,),
    "maximin": (),
    "covering_design": (2,),
}
WORDINGS: dict[str, tuple[Any, ...]] = {
    "sign_mix": (3,),
    "graded_phrase": (),
    "behaviour": (2,),
    "if_then": (2,),
    "backstory": (2,),
    "motivation": (2,),
}
TELLINGS = {"in_order", "voice", "join", "people"}
OPERATIONS = {"stretch", "antithetic", "thin", "mixture", "both", "sharpest"}

levels = st.floats(0, 1).map(lambda x: round(x, 6))
points = st.tuples(st.integers(1, 30), st.integers(1, 12)).flatmap(
    lambda size: st.lists(
        st.lists(levels, min_size=size[1], max_size=size[1]), min_size=size[0], max_size=size[0]
    )
)
seeds = st.integers(0, 2**63 - 1)


def place(name: str, n: int, k: int, seed: int) -> list[list[float]]:
    made: list[list[float]] = HOST[name](n, k, *PLACEMENTS[name], seed)
    return made


def word(name: str, rows: list[list[float]], axes: Any = AXES, seed: int = 0, **more: Any) -> Any:
    settings_ = more.values() or WORDINGS[name]
    return HOST[name](rows, axes, *settings_, seed)


def poles(axis: dict[str, Any], lines: list[str]) -> list[str]:
    """Which pole each line takes its sign from."""
    found = []
    for line in lines:
        (pole,) = {
            pole for pole in ("low", "high") for sign in axis["signs"][pole] if clause(sign) in line
        }
        found.append(pole)
    return found


def test_every_block_is_listed_and_says_what_it_does() -> None:
    assert (
        set(BLOCKS) == {*PLACEMENTS, *WORDINGS, *TELLINGS, *OPERATIONS} == set(HOST) - set(ASKING)
    )
    for name in HOST:
        assert re.fullmatch(r"[A-Z][^.]*\.", summary(name)), name


@pytest.mark.parametrize("name", PLACEMENTS)
@settings(max_examples=15, deadline=None)
@given(n=st.integers(1, 256), k=st.integers(1, 12), seed=seeds)
def test_placements_are_n_times_k_levels_by_seed(name: str, n: int, k: int, seed: int) -> None:
    n = min(n, 40) if name == "covering_design" else n
    made = place(name, n, k, seed)
    assert np.shape(made) == (n, k)
    assert np.min(made) >= 0
    assert np.max(made) <= 1
    assert made == place(name, n, k, seed)


@pytest.mark.parametrize("name", PLACEMENTS)
def test_another_seed_places_others(name: str) -> None:
    assert place(name, 25, 3, 0) != place(name, 25, 3, 1)


def test_sobol_and_latin_hypercube_are_balanced() -> None:
    for name, n in product(("sobol", "latin_hypercube"), (16, 64)):
        cells = np.floor(np.array(place(name, n, 4, 5)) * n).astype(int).clip(0, n - 1)
        for axis in range(4):
            assert len(set(cells[:, axis])) == n, name


@pytest.mark.parametrize(("levels_", "k"), [(2, 3), (3, 2), (5, 2)])
def test_lattice_visits_every_node_before_one_comes_twice(levels_: int, k: int) -> None:
    nodes = levels_**k
    rows = [tuple(row) for row in HOST["lattice"](2 * nodes + 1, k, levels_, 3)]
    assert len(set(rows[:nodes])) == len(set(rows[nodes : 2 * nodes])) == nodes
    assert set(rows[0]) <= {i / (levels_ - 1) for i in range(levels_)}


def test_a_lattice_of_too_many_nodes_is_drawn_at_random() -> None:
    assert set(np.ravel(HOST["lattice"](256, 12, 5, 0))) == {0, 0.25, 0.5, 0.75, 1}


def test_covering_design_covers() -> None:
    for n, k, strength in ((9, 2, 2), (27, 3, 3), (25, 2, 3), (60, 10, 2)):
        rows = np.array(HOST["covering_design"](n, k, strength, 1))
        thirds = np.floor(rows * 3).astype(int)
        pairs = {
            (a, b, x, y)
            for a in range(k)
            for b in range(a + 1, k)
            for x, y in zip(thirds[:, a], thirds[:, b], strict=True)
        }
        assert len(pairs) == math.comb(k, 2) * 9
        if (n, k) == (27, 3):
            assert len({tuple(row) for row in thirds}) == 27


def test_maximin_is_farther_apart_than_chance() -> None:
    def nearest(rows: list[list[float]]) -> float:
        array = np.array(rows)
        apart = np.linalg.norm(array[:, None] - array[None], axis=-1)
        return float(apart[~np.eye(len(rows), dtype=bool)].min())

    for seed in range(5):
        assert nearest(place("maximin", 25, 3, seed)) > 1.5 * nearest(place("uniform", 25, 3, seed))
        pair = (place("uniform", 20, 3, seed), place("uniform", 20, 3, seed + 99))
        thinned = HOST["thin"](*pair)
        assert nearest(thinned) >= max(nearest(rows) for rows in pair)
        assert all(row in pair[0] + pair[1] for row in thinned)


@settings(max_examples=40, deadline=None)
@given(rows=points, factor=st.floats(0.25, 3))
def test_stretch_keeps_the_middle_the_order_and_the_side(
    rows: list[list[float]], factor: float
) -> None:
    before, after = np.array(rows), np.array(HOST["stretch"](rows, factor))
    assert after.shape == before.shape
    assert np.allclose(after, np.clip(0.5 + (before - 0.5) * factor, 0, 1), atol=1e-6)
    assert HOST["stretch"](rows, 1.0) == rows


@settings(max_examples=40, deadline=None)
@given(rows=points)
def test_antithetic_mirrors_every_second_persona(rows: list[list[float]]) -> None:
    made = HOST["antithetic"](rows)
    assert len(made) == len(rows)
    assert made[::2] == rows[::2]
    for one, other in zip(made[::2], made[1::2], strict=False):
        assert np.allclose(np.add(one, other), 1)


@settings(max_examples=40, deadline=None)
@given(rows=points, share=levels, seed=seeds)
def test_a_mixture_takes_each_persona_from_one_of_both(
    rows: list[list[float]], share: float, seed: int
) -> None:
    others = [[1 - level for level in row] for row in rows]
    made = HOST["mixture"](rows, others, share, seed)
    for row, one, other in zip(made, rows, others, strict=True):
        assert row == one or np.allclose(row, other, atol=1e-6)
    assert HOST["mixture"](rows, others, 0.0, seed) == rows
    assert np.allclose(HOST["mixture"](rows, others, 1.0, seed), others, atol=1e-6)


@pytest.mark.parametrize("name", WORDINGS)
def test_wordings_are_deterministic_and_use_public_text_only(name: str) -> None:
    rows = place("uniform", 20, len(AXES), 1)
    told = word(name, rows)
    assert np.shape(told)[:2] == (20, len(AXES)) or [len(p) for p in told] == [len(AXES)] * 20
    assert told == word(name, rows)
    assert told != word(name, rows, seed=1) or name == "graded_phrase"
    for persona in told:
        for axis, lines in zip(AXES, persona, strict=True):
            assert lines
            for line in lines:
                assert re.fullmatch(r"[A-Z].*\.", line)
                if name == "graded_phrase":
                    assert axis["low_label"] in line or axis["high_label"] in line
                else:
                    assert len(poles(axis, [line])) == 1


@settings(max_examples=30, deadline=None)
@given(level=levels, count=st.integers(1, 10), seed=seeds)
def test_sign_mix_has_the_share_of_high_signs_that_the_level_says(
    level: float, count: int, seed: int
) -> None:
    ((lines,),) = word("sign_mix", [[level]], AXES[:1], seed, count=count)
    assert len(lines) == count
    share = poles(AXES[0], lines).count("high") / count
    assert abs(share - level) <= 0.5 / count + 1e-9


@pytest.mark.parametrize("name", ["behaviour", "if_then", "backstory", "motivation"])
@pytest.mark.parametrize("count", range(1, 7))
def test_framed_signs_are_of_the_nearer_pole_and_mixed_in_the_middle(name: str, count: int) -> None:
    for level, pole in ((0.0, "low"), (0.3, "low"), (0.7, "high"), (1.0, "high")):
        ((lines,),) = word(name, [[level]], AXES[:1], 3, count=count)
        assert poles(AXES[0], lines) == [pole] * count
    ((lines,),) = word(name, [[0.5]], AXES[:1], 3, count=count)
    assert Counter(poles(AXES[0], lines)) == dict.fromkeys(("low", "high"), (count + 1) // 2)


def test_graded_phrases_name_the_nearer_label_with_a_degree() -> None:
    low, high = AXES[0]["low_label"], AXES[0]["high_label"]
    for level, text in (
        (0.0, f"They are extremely {low}."),
        (0.3, f"They are rather {low}."),
        (0.5, f"They are somewhere between {low} and {high}."),
        (0.7, f"They are rather {high}."),
        (1.0, f"They are extremely {high}."),
    ):
        assert word("graded_phrase", [[level]], AXES[:1]) == [[[text]]]


def test_often_is_said_at_the_ends_only() -> None:
    ((end,), (less,)) = word("behaviour", [[1.0], [0.8]], AXES[:1], count=1)
    assert re.match("Almost every day|Whatever happens|Without fail", end[0])
    assert re.match("Most weeks|On an ordinary day|More often", less[0])


@pytest.mark.parametrize("name", ["sign_mix", "behaviour", "motivation"])
def test_every_sign_is_dealt_before_one_comes_twice(name: str) -> None:
    signs = [clause(sign) for sign in AXES[0]["signs"]["high"]]
    lines = [p[0][0] for p in word(name, [[1.0]] * 2 * len(signs), AXES[:1], count=1)]
    used = [next(sign for sign in signs if sign in line) for line in lines]
    assert sorted(used[: len(signs)]) == sorted(used[len(signs) :]) == sorted(signs)
    assert used[: len(signs)] != used[len(signs) :]


def test_both_tells_two_wordings_one_after_the_other() -> None:
    one, other = [[["a."], ["b."]]], [[["c.", "d."], []]]
    assert HOST["both"](one, other) == [[["a.", "c.", "d."], ["b."]]]
    with pytest.raises(ValueError, match="both: sentences and others are of different pop"):
        HOST["both"](one, [[["c."]]])


def test_sharpest_keeps_the_typical_signs_and_at_least_three() -> None:
    filler = ["Walks along the river.", "Reads about the harbour.", "Sits under some trees."]
    cats = ["Feeds seven cats daily.", "Combs cats with care.", "Photographs cats asleep."]
    axis = {"name": "pets", "low_label": "a", "high_label": "b"}
    other = {"name": "walks", "low_label": "c", "high_label": "d"}
    given_ = [
        {**axis, "signs": {"low": ["Owns nothing furry."] * 4, "high": [*filler, *cats]}},
        {**other, "signs": {"low": [*filler, *filler], "high": [*filler, "Reads about trees."]}},
    ]
    kept = HOST["sharpest"](given_, 0.5)
    assert kept[0]["signs"]["high"] == cats
    assert {key: kept[0][key] for key in axis} == axis
    assert [len(a["signs"][p]) for a in HOST["sharpest"](AXES, 0.0) for p in ("low", "high")] == [
        3
    ] * (2 * len(AXES))
    assert HOST["sharpest"](AXES, 1.0) == AXES
    assert public_view(load_context(COMPANION), seed=0).payload["axes"] == AXES  # unchanged


def test_order_keeps_every_sentence() -> None:
    told = [[["a1.", "a2."], ["b1."], []], [["c1."], ["d1.", "d2."], ["e1."]]]
    assert HOST["in_order"](told, "turns", 0) == [
        ["a1.", "b1.", "a2."],
        ["c1.", "d1.", "e1.", "d2."],
    ]
    for order in ("axis", "mixed"):
        made = HOST["in_order"](told, order, 4)
        assert made == HOST["in_order"](told, order, 4)
        assert [sorted(lines) for lines in made] == [
            ["a1.", "a2.", "b1."],
            ["c1.", "d1.", "d2.", "e1."],
        ]
    for lines in HOST["in_order"](told, "axis", 4):
        groups = [line[0] for line in lines]
        assert len(set(groups)) == 1 + sum(a != b for a, b in pairwise(groups))


def test_voice_and_join() -> None:
    lines = [["They are ill.", "When they sleep, they snore.", "They know their mind.", "Or not."]]
    assert HOST["voice"](lines, "third") == lines
    me = HOST["voice"](lines, "first")
    assert me == [["I am ill.", "When I sleep, I snore.", "I know my mind.", "Or not."]]
    assert HOST["join"](me, "plain", 0) == [" ".join(me[0])]
    assert HOST["join"](me, "listed", 0) == ["\n".join(me[0])]
    assert HOST["join"]([[]], "plain", 0) == [""]
    link = r"(?:Besides,|At the same time,|What is more,|Also,|Then again,|And)"
    (told,) = HOST["join"](me, "linked", 0)
    assert re.fullmatch(
        rf"I am ill\. When I sleep, I snore\. {link} I know my mind\. Or not\.", told
    )
    (told,) = HOST["join"](lines, "linked", 0)
    assert re.search(rf"{link} they know", told)


def test_people_have_names_texts_and_levels() -> None:
    rows = place("uniform", 256, 2, 0)
    records = HOST["people"]([f"text {i}" for i in range(256)], rows, 7)
    assert [r["levels"] for r in records] == rows
    assert [r["description"] for r in records] == [f"text {i}" for i in range(256)]
    assert all(re.fullmatch(r"\S+ \S+", r["name"]) for r in records)
    assert len({r["name"] for r in records}) > 250
    assert len({r["name"].split()[0] for r in records[:100]}) == 100
