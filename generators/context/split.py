"""Splits one list of statements a pole into signs and hidden texts (`gamut context split`)."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from pydantic import Field, ValidationError, field_validator, model_validator

from generators.context.load import dump_context, read_mapping
from generators.context.model import (
    FEWEST_ITEMS,
    FEWEST_SIGNS,
    FEWEST_STATEMENTS,
    MOST_ITEMS,
    MOST_SENTENCES,
    WHOLE,
    Axis,
    Context,
    Frozen,
    Hidden,
    Identifier,
    Item,
    LongText,
    Sentence,
    Signs,
    between,
    both_keys,
    no_sentence_twice,
    two_poles,
    unique_axes,
)
from generators.context.overlap import near_pairs, overlaps
from generators.context.view import seeded
from generators.errors import InputError
from generators.input_file import problems_in, refuse

FEWEST_TO_SPLIT = FEWEST_SIGNS + FEWEST_STATEMENTS
FEWEST_WITHOUT_ITEMS = FEWEST_TO_SPLIT + FEWEST_ITEMS // 2
TRIES = 50  # random ways of parting groups of near duplicates before giving up

Place = tuple[int, str]  # axis, pole
Side = Literal["sign", "hidden"]


class Statements(Frozen):
    """One list of sentences a pole, not yet parted into signs and hidden texts."""

    low: tuple[Sentence, ...]
    high: tuple[Sentence, ...]

    @field_validator("low", "high")
    @classmethod
    def _enough(cls, statements: tuple[str, ...]) -> tuple[str, ...]:
        between(statements, FEWEST_TO_SPLIT, 2 * MOST_SENTENCES, "statements to split")
        return statements


class DraftAxis(Frozen):
    """An axis with one list a pole (and maybe items), or a finished one."""

    id: Identifier
    name: Sentence
    low_label: Sentence
    high_label: Sentence
    statements: Statements | None = None
    items: tuple[Item, ...] | None = None
    signs: Signs | None = None
    hidden: Hidden | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        two_poles(self.low_label, self.high_label)
        if (self.statements is None) == (self.signs is None):
            raise ValueError("needs either `statements` to split, or `signs`")
        if self.statements is None and self.items is not None:
            raise ValueError("`items` stands beside `statements`; else it belongs under `hidden`")
        if self.statements is not None and self.hidden is not None:
            raise ValueError("`hidden` is made of `statements`; give one of them")
        if self.items is not None:
            between(self.items, FEWEST_ITEMS, MOST_ITEMS, "items")
            both_keys(self.items)
        elif self.statements is not None:
            for pole in (self.statements.low, self.statements.high):
                what = "statements a pole (without `items` a third become items)"
                between(pole, FEWEST_WITHOUT_ITEMS, 2 * MOST_SENTENCES, what)
        return self


class Draft(Frozen):
    """A context file that is still to be split."""

    schema_tag: Literal["gamut/context/1"] = Field(alias="schema")
    id: Identifier
    title: Sentence
    description: LongText
    axes: tuple[DraftAxis, ...]

    @field_validator("axes")
    @classmethod
    def _number_of_axes(cls, axes: tuple[DraftAxis, ...]) -> tuple[DraftAxis, ...]:
        between(axes, 2, 12, "axes")
        return axes

    @model_validator(mode="after")
    def _nothing_twice(self) -> Self:
        unique_axes([(axis.id, axis.name) for axis in self.axes])
        no_sentence_twice((text.path, text.sentence) for text in _texts(self))
        return self


@dataclass(frozen=True)
class _Text:
    """A sentence of a draft: in a list to split, or already on one side of the wall."""

    path: str
    sentence: str
    place: Place
    side: Side | None


def split_context(path: str | Path, seed: int = 0) -> str:
    """A context file (YAML text) made of one with `statements`: one list a pole.

    Half of each list becomes signs, the other half hidden statements, by seed; without `items` a
    third is kept to make items of, keyed by their pole. Sentences that are nearly the same stay on
    one side, so that no hidden text repeats a sign.
    """
    path = Path(path)
    return dump_context(split_draft(read_mapping(path), path, seed))


def split_draft(content: Mapping[str, Any], path: Path, seed: int = 0) -> Context:
    """As `split_context`, of what the file at `path` holds, or will; errors name it."""
    try:
        draft = Draft.model_validate(content, context=WHOLE)
    except ValidationError as error:
        raise refuse(path, problems_in(error, Draft), "not a context to split") from error
    if all(axis.statements is None for axis in draft.axes):
        raise InputError(f"{path}: no axis has `statements`, so there is nothing to split")
    rng = seeded(seed)
    texts = list(_texts(draft))
    public = _sides(path, draft, texts, rng)
    axes = tuple(_finished(axis, public, rng) for axis in draft.axes)
    context = Context(id=draft.id, title=draft.title, description=draft.description, axes=axes)
    found = overlaps(context)
    if found:
        raise refuse(path, found, "hidden texts repeat signs, which programs see")
    return context


def _texts(draft: Draft) -> Iterator[_Text]:
    for index, axis in enumerate(draft.axes):
        parts: list[tuple[str, Statements | Signs | Hidden | None, Side | None]] = [
            ("statements", axis.statements, None),
            ("signs", axis.signs, "sign"),
            ("hidden", axis.hidden, "hidden"),
        ]
        for part, lists, side in parts:
            for pole in ("low", "high") if lists is not None else ():
                for number, sentence in enumerate(getattr(lists, pole)):
                    place = f"axes[{index}].{part}.{pole}[{number}]"
                    yield _Text(place, sentence, (index, pole), side)
        stem, items = f"axes[{index}].items", axis.items or ()
        if axis.hidden is not None:
            stem, items = f"axes[{index}].hidden.items", axis.hidden.items
        for number, item in enumerate(items):
            yield _Text(f"{stem}[{number}].text", item.text, (index, "items"), "hidden")


def _sides(
    path: Path, draft: Draft, texts: Sequence[_Text], rng: np.random.Generator
) -> frozenset[str]:
    """The sentences that become signs: half of each list, near duplicates on one side."""
    room: Counter[tuple[Place, Side]] = Counter()
    for index, axis in enumerate(draft.axes):
        for pole in ("low", "high") if axis.statements is not None else ():
            count = len(getattr(axis.statements, pole))
            signs = (count - (count // 3 if axis.items is None else 0)) // 2
            room[(index, pole), "sign"] = signs
            room[(index, pole), "hidden"] = count - signs
    groups = _groups(texts)
    blocked: list[_Text] = []
    for _ in range(TRIES):
        public, blocked = _parted(groups, room, rng)
        if not blocked:
            return frozenset(public)
    sentences = "".join(f"\n  {text.path}: {text.sentence!r}" for text in blocked)
    raise InputError(
        f"{path}: these sentences are nearly the same, so they belong on one side, but that leaves "
        f"too few for signs or for hidden texts; reword some:{sentences}"
    )


def _parted(
    groups: Sequence[Sequence[_Text]],
    room: Counter[tuple[Place, Side]],
    rng: np.random.Generator,
) -> tuple[list[str], list[_Text]]:
    """One random way to give every group a side: (public sentences, the group that has none)."""
    left = room.copy()
    public: list[str] = []
    shuffled = [groups[index] for index in rng.permutation(len(groups))]
    # Groups with a given side have no choice and large ones little, so they come first.
    for group in sorted(shuffled, key=lambda g: (all(t.side is None for t in g), -len(g))):
        given = {text.side for text in group if text.side is not None}
        need = Counter(text.place for text in group if text.side is None)
        sides: tuple[Side, ...] = ("sign", "hidden")
        fitting = [
            side
            for side in sides
            if given <= {side} and all(left[place, side] >= n for place, n in need.items())
        ]
        if need and not fitting:
            return [], list(group)
        if need:
            side = fitting[int(rng.integers(len(fitting)))]
            left.subtract({(place, side): n for place, n in need.items()})
            public.extend(t.sentence for t in group if t.side is None and side == "sign")
    return public, []


def _groups(texts: Sequence[_Text]) -> list[list[_Text]]:
    """Texts that are nearly the same, directly or through others, as groups (most are of one)."""
    leader = list(range(len(texts)))

    def lead(index: int) -> int:
        while leader[index] != index:
            leader[index] = leader[leader[index]]
            index = leader[index]
        return index

    sentences = [text.sentence for text in texts]
    for first, second, _ in near_pairs(sentences, sentences):
        # Two texts whose sides are given are `overlaps`' to judge, not joined here.
        if texts[first].side is None or texts[second].side is None:
            leader[lead(first)] = lead(second)
    groups: dict[int, list[_Text]] = {}
    for index, text in enumerate(texts):
        groups.setdefault(lead(index), []).append(text)
    return list(groups.values())


def _finished(axis: DraftAxis, public: frozenset[str], rng: np.random.Generator) -> Axis:
    signs, hidden = axis.signs, axis.hidden
    if axis.statements is not None:
        low, low_items = _hidden_part(axis.statements.low, axis, public, rng)
        high, high_items = _hidden_part(axis.statements.high, axis, public, rng)
        made = [Item(text=text, key=-1) for text in low_items]
        made += [Item(text=text, key=1) for text in high_items]
        signs = Signs(
            low=tuple(text for text in axis.statements.low if text in public),
            high=tuple(text for text in axis.statements.high if text in public),
        )
        hidden = Hidden(low=low, high=high, items=axis.items or tuple(made))
    assert signs is not None  # DraftAxis has statements or signs
    return Axis(
        id=axis.id,
        name=axis.name,
        low_label=axis.low_label,
        high_label=axis.high_label,
        signs=signs,
        hidden=hidden,
    )


def _hidden_part(
    statements: tuple[str, ...],
    axis: DraftAxis,
    public: frozenset[str],
    rng: np.random.Generator,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The hidden ones of a pole's statements, as (statements, items to make)."""
    hidden = [text for text in statements if text not in public]
    count = 0 if axis.items is not None else len(statements) // 3
    chosen = {int(index) for index in rng.permutation(len(hidden))[:count]}
    return (
        tuple(text for index, text in enumerate(hidden) if index not in chosen),
        tuple(text for index, text in enumerate(hidden) if index in chosen),
    )
