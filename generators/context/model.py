"""The model of a context: axes with public signs and a hidden part that no program sees."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from generators.context.fold import Words, plain_words

SCHEMA = "gamut/context/1"
LONGEST_SENTENCE = 300
LONGEST_DESCRIPTION = 2000
FEWEST_SIGNS = 4
FEWEST_STATEMENTS = 4
FEWEST_ITEMS = 6
MOST_SENTENCES = 100  # a pole; keeps the comparison of every sign with every hidden text quick
MOST_ITEMS = 200
WHOLE = {"whole": True}  # validation context of a file: the least numbers of hidden texts hold

# Joiners of emoji and of Persian and Indic script; every other format character is refused.
_JOINERS = {"\u200c", "\u200d"}


def _clean(text: str, longest: int) -> str:
    text = text.strip()
    if not plain_words(text):
        raise ValueError("is empty or has no word in it; write a sentence or take the line out")
    if len(text) > longest:
        raise ValueError(f"is {len(text):,} characters long; at most {longest:,} are allowed")
    for position, character in enumerate(text):
        if unicodedata.category(character) in _INVISIBLE and character not in _JOINERS:
            raise ValueError(
                f"has the control character U+{ord(character):04X} at position {position + 1}; "
                "take it out"
            )
    return text


_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


def _sentence(text: str) -> str:
    return _clean(text, LONGEST_SENTENCE)


def _long_text(text: str) -> str:
    return _clean(text, LONGEST_DESCRIPTION)


def _identifier(text: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", text):
        raise ValueError(
            f"{text[:80]!r} should be snake_case: a small letter, then at most 63 small letters, "
            "digits and _"
        )
    return text


def _key(value: Any) -> Any:
    # True equals 1 in Python, and 1.0 too; a key is written 1 or -1.
    if type(value) is not int or value not in (1, -1):
        raise ValueError(f"should be 1 (agreeing means the high pole) or -1, but is {value!r}")
    return value


Sentence = Annotated[str, AfterValidator(_sentence)]
LongText = Annotated[str, AfterValidator(_long_text)]
Identifier = Annotated[str, AfterValidator(_identifier)]
Key = Annotated[Literal[1, -1], BeforeValidator(_key)]


class Frozen(BaseModel):
    """What all parts of a context share: they do not change and have no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


def between(values: tuple[Any, ...], fewest: int, most: int, what: str) -> None:
    """Raise where a list is too short or too long."""
    if len(values) < fewest:
        raise ValueError(f"has {len(values)}; at least {fewest} {what} are needed")
    if len(values) > most:
        raise ValueError(f"has {len(values)}; at most {most} {what} are allowed")


class Signs(Frozen):
    """Public, concrete behaviours of the two poles, to write personas with."""

    low: tuple[Sentence, ...]
    high: tuple[Sentence, ...]

    @field_validator("low", "high")
    @classmethod
    def _enough(cls, signs: tuple[str, ...]) -> tuple[str, ...]:
        between(signs, FEWEST_SIGNS, MOST_SENTENCES, "signs")
        return signs


class Item(Frozen):
    """A questionnaire statement; key 1: agreeing means the high pole."""

    text: Sentence
    key: Key


def both_keys(items: tuple[Item, ...]) -> None:
    """Raise where all items are keyed one way: agreeing with everything would be a level."""
    keys = {item.key for item in items}
    if len(keys) < 2:
        only = f"all {len(items)} are keyed {keys.pop()}" if keys else "there are none"
        raise ValueError(f"needs items keyed 1 and items keyed -1; {only}")


class Hidden(Frozen):
    """What scores an axis and never reaches a program.

    A file needs the least numbers (validated with the context `WHOLE`); a half of a file's hidden
    part, made by `guide_and_report`, needs one statement a pole and one item a key.
    """

    low: tuple[Sentence, ...]
    high: tuple[Sentence, ...]
    items: tuple[Item, ...]

    @field_validator("low", "high")
    @classmethod
    def _enough(cls, statements: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        between(statements, FEWEST_STATEMENTS if info.context else 1, MOST_SENTENCES, "statements")
        return statements

    @field_validator("items")
    @classmethod
    def _keyed_both_ways(cls, items: tuple[Item, ...], info: ValidationInfo) -> tuple[Item, ...]:
        between(items, FEWEST_ITEMS if info.context else 2, MOST_ITEMS, "items")
        both_keys(items)
        return items


class Axis(Frozen):
    """A trait with two poles."""

    id: Identifier
    name: Sentence
    low_label: Sentence
    high_label: Sentence
    signs: Signs
    hidden: Hidden | None = None

    @model_validator(mode="after")
    def _two_poles(self) -> Self:
        two_poles(self.low_label, self.high_label)
        return self


def two_poles(low_label: str, high_label: str) -> None:
    """Raise where the two labels of an axis are one."""
    if plain_words(low_label) == plain_words(high_label):
        raise ValueError("low_label and high_label are the same; name two different poles")


class Context(Frozen):
    """People, and the 2 to 12 traits on which a population of them is to be spread.

    The tag is the key `schema` of a file and the attribute `schema_tag` here, as pydantic has a
    method `schema`. Dump with `by_alias=True` (`dump_context` does).
    """

    schema_tag: Literal["gamut/context/1"] = Field(default="gamut/context/1", alias="schema")
    id: Identifier
    title: Sentence
    description: LongText
    axes: tuple[Axis, ...]

    @field_validator("axes")
    @classmethod
    def _number_of_axes(cls, axes: tuple[Axis, ...]) -> tuple[Axis, ...]:
        between(axes, 2, 12, "axes")
        return axes

    @model_validator(mode="after")
    def _nothing_twice(self) -> Self:
        unique_axes([(axis.id, axis.name) for axis in self.axes])
        no_sentence_twice(public_sentences(self))
        no_sentence_twice(hidden_sentences(self))
        return self

    def public(self) -> "Context":
        """The same context without its hidden parts."""
        axes = tuple(axis.model_copy(update={"hidden": None}) for axis in self.axes)
        return self.model_copy(update={"axes": axes})

    @property
    def hash(self) -> str:
        """The sha256 of the context's canonical JSON, in hexadecimal."""
        content = self.model_dump(mode="json", by_alias=True)
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(canonical.encode("utf-8")).hexdigest()


def unique_axes(axes: list[tuple[str, str]]) -> None:
    """Raise where two axes share an id or a name; a program knows an axis by its name."""
    ids: dict[str, int] = {}
    names: dict[Words, int] = {}
    for index, (identifier, name) in enumerate(axes):
        first = ids.setdefault(identifier, index)
        if first != index:
            raise ValueError(f"axes[{index}].id: `{identifier}` is the id of axes[{first}] too")
        first = names.setdefault(plain_words(name), index)
        if first != index:
            raise ValueError(f"axes[{index}].name: {name!r} is the name of axes[{first}] too")


def no_sentence_twice(sentences: Iterator[tuple[str, str]]) -> None:
    """Raise where two of the (path, sentence) have the same words."""
    seen: dict[Words, str] = {}
    for path, sentence in sentences:
        first = seen.setdefault(plain_words(sentence), path)
        if first != path:
            raise ValueError(f"{path}: {sentence!r} is written twice, also in {first}")


def public_sentences(context: Context) -> Iterator[tuple[str, str]]:
    """Every sign with its path, e.g. axes[0].signs.low[2]."""
    for index, axis in enumerate(context.axes):
        for pole in ("low", "high"):
            for number, sign in enumerate(getattr(axis.signs, pole)):
                yield f"axes[{index}].signs.{pole}[{number}]", sign


def hidden_sentences(context: Context) -> Iterator[tuple[str, str]]:
    """Every hidden statement and item with its path, e.g. axes[0].hidden.items[3].text."""
    for index, axis in enumerate(context.axes):
        if axis.hidden is None:
            continue
        for pole in ("low", "high"):
            for number, statement in enumerate(getattr(axis.hidden, pole)):
                yield f"axes[{index}].hidden.{pole}[{number}]", statement
        for number, item in enumerate(axis.hidden.items):
            yield f"axes[{index}].hidden.items[{number}].text", item.text
