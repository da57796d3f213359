"""The bandit: more of what gains more for its cost, nothing given up, the same again by seed."""

import random

import pytest

from evolve.bandit import FLOOR, Bandit

NAMES = ("cheap", "dear", "useless", "late")


def played(rounds: int, late_from: int = 10**9, seed: int = 0) -> Bandit:
    """Operators that gain in a tenth of the tries; "dear" costs four times as much for the same."""
    random.seed(seed)
    bandit, draw = Bandit(NAMES), random.Random(f"gains {seed}")
    for number in range(rounds):
        name = bandit.draw()
        works = {"cheap": 0.1, "dear": 0.1, "late": 0.5 if number > late_from else 0.0}
        gain = 0.02 if draw.random() < works.get(name, 0.0) else 0.0
        bandit.credit(name, gain, 4.0 if name == "dear" else 1.0, scored=True)
    return bandit


def test_shares_are_even_until_something_is_gained() -> None:
    bandit = Bandit(NAMES)
    assert set(bandit.shares().values()) == {0.25}
    bandit.credit("useless", 0.0, 1.0, scored=False)
    assert set(bandit.shares().values()) == {0.25}


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_shares_do_not_depend_on_the_scale_of_gains_or_costs(scale: float) -> None:
    one, other = Bandit(NAMES), Bandit(NAMES)
    for name, gain, cost in (("cheap", 0.3, 1.0), ("dear", 0.4, 3.0), ("late", 0.0, 1.0)):
        one.credit(name, gain, cost, scored=True)
        other.credit(name, gain * scale, cost * scale, scored=True)
    assert list(one.shares().values()) == pytest.approx(list(other.shares().values()))


def test_one_lucky_try_moves_little_and_many_move_much() -> None:
    bandit = Bandit(NAMES)
    for name in NAMES:
        bandit.credit(name, 0.0, 1.0, scored=True)
    bandit.credit("late", 0.1, 1.0, scored=True)
    once = bandit.shares()["late"]
    for name in NAMES * 40:
        bandit.credit(name, 0.1 if name == "late" else 0.0, 1.0, scored=True)
    assert 0.25 < once < 0.4
    assert bandit.shares()["late"] > 0.55


def test_the_operator_that_gains_most_for_its_cost_is_drawn_most() -> None:
    for seed in range(5):
        bandit = played(2_000, seed=seed)
        tried = {name: arm.tried for name, arm in bandit.arms.items()}
        assert tried["cheap"] > tried["dear"] > tried["useless"] > 0.9 * 2_000 * FLOOR / 4
        assert tried["cheap"] > 1.5 * tried["dear"]


def test_an_operator_that_comes_to_be_useful_late_is_found() -> None:
    bandit = played(2_000, late_from=1_000)
    assert max(bandit.shares(), key=lambda name: bandit.shares()[name]) == "late"


def test_the_same_seed_draws_the_same() -> None:
    assert played(200).arms == played(200).arms
    assert played(200).arms != played(200, seed=1).arms


def test_what_was_tried_is_counted() -> None:
    bandit = Bandit(NAMES)
    bandit.credit("cheap", 0.5, 2.0, scored=True)
    bandit.credit("cheap", 0.0, 1.0, scored=True)
    bandit.credit("cheap", 0.0, 1.0, scored=False)
    arm = bandit.arms["cheap"]
    assert (arm.tried, arm.scored, arm.better, arm.gain, arm.cost) == (3, 2, 1, 0.5, 4.0)
