"""The grammar: what it reads from the blocks' annotations, and the expressions it grows."""

import ast
import random

import pytest

from evolve.grammar import TERMINALS, grow, signatures
from generators.blocks import BLOCKS


def test_signatures_are_those_of_the_blocks() -> None:
    assert signatures().keys() == BLOCKS.keys() | {"retell"}
    lattice = signatures()["lattice"]
    assert [p.kind for p in lattice.parameters] == ["Size", "Dimension", "Levels", "Seed"]
    levels = lattice.parameter("levels")
    assert levels is not None
    assert levels.range == (2, 5)
    assert levels.integer
    assert levels.constant
    person = signatures()["voice"].parameter("person")
    assert person is not None
    assert person.options == ("first", "third")


@pytest.mark.parametrize("kind", ["Points", "Axes", "Sentences", "Lines", "Texts", "People"])
@pytest.mark.parametrize("depth", [0, 1, 3])
def test_expressions_of_every_kind_grow(kind: str, depth: int) -> None:
    random.seed(depth)
    for _ in range(20):
        expression = ast.parse(grow(kind, depth), mode="eval").body
        if isinstance(expression, ast.Call) and isinstance(expression.func, ast.Name):
            assert signatures()[expression.func.id].returns == kind
        else:
            assert ast.unparse(expression) == TERMINALS[kind]


def test_variables_in_reach_are_taken() -> None:
    random.seed(0)
    grown_ = [grow("Sentences", 1, {"Points": ["mine"], "Axes": ["ours"]}) for _ in range(40)]
    assert sum("mine" in expression for expression in grown_) > 20
    assert any("ours" in expression for expression in grown_)
