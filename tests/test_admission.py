"""Admission: poles that readers tell apart pass, poles that are mixed up do not."""

import pytest

from evolve.config import packaged_contexts
from fitness.admission import AxisAdmission, examine, not_admitted_words
from fitness.embedding import Caches
from generators.context import Axis, Context
from generators.errors import GamutError


@pytest.fixture(scope="module")
def good(elders: Context, caches: Caches) -> list[AxisAdmission]:
    return examine(elders, caches)


def mixed_up(axis: Axis) -> Axis:
    """The same axis with every second hidden text on the other side."""
    hidden = axis.hidden
    assert hidden is not None
    low, high = (
        (*own[::2], *other[1::2])
        for own, other in ((hidden.low, hidden.high), (hidden.high, hidden.low))
    )
    items = tuple(
        item.model_copy(update={"key": item.key if number % 2 else -item.key})
        for number, item in enumerate(sorted(hidden.items, key=lambda item: item.key))
    )
    dealt = hidden.model_copy(update={"low": low, "high": high, "items": items})
    return axis.model_copy(update={"hidden": dealt})


def test_axes_whose_poles_lie_apart_are_admitted(good: list[AxisAdmission]) -> None:
    assert [axis.axis for axis in good] == ["paper_life", "lured_in"]
    for axis in good:
        assert axis.admitted
        assert set(axis.signs) == set(axis.left_out) == {"projection", "nearest"}
        assert all(0.5 < share <= 1 for share in (*axis.signs.values(), *axis.left_out.values()))


def test_axes_whose_poles_are_mixed_up_are_not(elders: Context, caches: Caches) -> None:
    mixed = elders.model_copy(update={"axes": tuple(mixed_up(axis) for axis in elders.axes)})
    for axis in examine(mixed, caches):
        assert not axis.admitted
        assert axis.rewrite


def test_what_both_readers_misplace_comes_first(companion: Context, caches: Caches) -> None:
    for axis in examine(companion, caches):
        own = next(a for a in companion.axes if a.id == axis.axis)
        assert own.hidden is not None
        known = {*own.signs.low, *own.signs.high, *own.hidden.low, *own.hidden.high}
        known |= {item.text for item in own.hidden.items}
        assert set(axis.rewrite) <= known
        plain = axis.as_json()
        assert plain["admitted"] is axis.admitted
        assert plain["rewrite"] == list(axis.rewrite)


def test_it_says_the_same_twice(good: list[AxisAdmission], elders: Context) -> None:
    assert examine(elders, Caches()) == good


def test_a_context_without_its_hidden_part_is_refused(elders: Context, caches: Caches) -> None:
    with pytest.raises(GamutError, match="no hidden statements"):
        examine(elders.public(), caches)


@pytest.mark.slow
@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_every_axis_of_the_shipped_contexts_is_admitted(split: str, caches: Caches) -> None:
    for context in packaged_contexts(split):
        assert not not_admitted_words(examine(context, caches)), context.id
