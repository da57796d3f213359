"""Which elite is the best: the shortest of those that chance does not tell from the first."""

from types import SimpleNamespace
from typing import Any

import pytest

from evolve.finish import _best


def entry(words: float, *values: float) -> Any:
    elite = SimpleNamespace(verdict={"measures": {"words": words}})
    tables = {"a": list(values[:2]), "b": list(values[2:])} if values else {}
    return SimpleNamespace(elite=elite, choice=tables)


LONG = entry(400, 0.20, 0.10, 0.20, 0.10)


@pytest.mark.parametrize(
    ("other", "best"),
    [
        (entry(100, 0.10, 0.19, 0.10, 0.19), True),  # seed by seed now one leads, now the other
        (entry(100, 0.15, 0.05, 0.15, 0.05), False),  # each time .05 less
        (entry(500, 0.10, 0.19, 0.10, 0.19), False),  # longer
        (entry(100), False),  # not among the foremost
    ],
)
def test_the_shortest_of_the_best_is_chosen(other: Any, best: bool) -> None:
    assert (_best([LONG, other]) is other) == best
