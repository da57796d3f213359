"""Contexts: files that load, and fields that are refused and why."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from context_files import A0, Change, Write, axis, content, refused, removed, replaced, saved, words

from generators.context import (
    Item,
    check_context,
    dump_context,
    load_context,
)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Saves data to a file of the test and gives its path."""
    return partial(saved, tmp_path)


# A file that is right


def test_a_valid_file_loads_with_all_its_parts(write: Write) -> None:
    data = content()
    context = load_context(str(write(data)))
    assert context.schema_tag == "gamut/context/1"
    assert [a.id for a in context.axes] == ["zest", "calm", "trust"]
    hidden = context.axes[1].hidden
    assert hidden is not None
    assert list(hidden.low) == data["axes"][1]["hidden"]["low"]
    assert hidden.items[1] == Item(text=data["axes"][1]["hidden"]["items"][1]["text"], key=1)


def test_what_is_dumped_loads_as_the_same_context(write: Write) -> None:
    data = content()
    data["description"] = 'Ünïcode "quotes": colons — and ☕ # hashes'
    data["axes"][0]["signs"]["low"][0] = "Says “no”: always."
    context = load_context(write(data))
    again = load_context(write(dump_context(context)))
    assert again == context
    assert again.hash == context.hash


def test_words_that_yaml_takes_for_other_things_stay_text(write: Write) -> None:
    data = content()
    data["axes"][0]["signs"]["low"][:3] = ["Yes", "2024-01-01", "null and void"]
    text = yaml.safe_dump(data).replace("'Yes'", "Yes").replace("'2024-01-01'", "2024-01-01")
    assert load_context(write(text)).axes[0].signs.low[:2] == ("Yes", "2024-01-01")


def test_a_byte_order_mark_is_no_part_of_the_file(write: Write) -> None:
    plain = yaml.safe_dump(content()).encode()
    assert load_context(write(b"\xef\xbb\xbf" + plain)) == load_context(write(plain))


def test_the_hash_is_of_the_content_and_of_all_of_it(write: Write) -> None:
    context = load_context(write(content()))
    assert len(context.hash) == 64
    reordered = dict(reversed(content().items()))
    assert load_context(write(reordered)).hash == context.hash
    changed = content()
    changed["axes"][2]["hidden"]["items"][0]["key"] = 1
    assert load_context(write(changed)).hash != context.hash
    assert context.public().hash != context.hash


def test_the_public_part_has_nothing_hidden_and_is_a_context(write: Write) -> None:
    context = load_context(write(content()))
    public = context.public()
    assert all(a.hidden is None for a in public.axes)
    assert load_context(write(dump_context(public))) == public
    assert context.axes[0].hidden is not None


def test_a_context_does_not_change(write: Write) -> None:
    context = load_context(write(content()))
    with pytest.raises(ValueError, match="frozen"):
        context.title = "other"


def test_a_file_needs_no_hidden_part(write: Write) -> None:
    data = content()
    del data["axes"][0]["hidden"]
    assert load_context(write(data)).axes[0].hidden is None


def test_first_person_signs_are_welcome(write: Write) -> None:
    data = content()
    data["axes"][0]["signs"]["low"] = [f"I {words(5, f'fp{n}')}." for n in range(6)]
    context = load_context(write(data))
    assert not [f for f in check_context(context) if "signs" in f.where]


# Fields that are wrong


def test_a_misspelt_key_is_told_once_with_the_right_one(write: Write) -> None:
    data = content()
    data["axes"][1]["hidden"]["items"][3] = {"text": "I like rain.", "kye": 1}
    message = refused(write(data), "axes[1].hidden.items[3].kye: unknown key", "`key`?")
    assert "\n" not in message


@pytest.mark.parametrize(
    ("where", "wrong", "meant"),
    [
        ((), "axis", "axes"),
        ((), "titel", "title"),
        (("axes", 0), "low_lable", "low_label"),
        (("axes", 0, "signs"), "hihg", "high"),
        (("axes", 0, "hidden"), "item", "items"),
    ],
)
def test_did_you_mean(write: Write, where: tuple[Any, ...], wrong: str, meant: str) -> None:
    data = content()
    place: Any = data
    for part in where:
        place = place[part]
    place[wrong] = place.pop(meant)
    refused(write(data), f"{wrong}: unknown key; did you mean `{meant}`?")


def test_an_unknown_key_that_is_near_nothing_lists_the_known(write: Write) -> None:
    refused(write(content() | {"colour": "red"}), "colour: unknown key; known here: schema, id,")


def _key_all(key: int) -> Change:
    def change(data: Any) -> None:
        for item in data["axes"][0]["hidden"]["items"]:
            item["key"] = key

    return change


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (replaced("axes", to=[axis("zest")]), ["axes: has 1; at least 2 axes are needed"]),
        (
            replaced("axes", to=[axis(f"a{n}") for n in range(13)]),
            ["axes: has 13; at most 12 axes"],
        ),
        (replaced("axes", 2, "id", to="zest"), ["axes[2].id", "`zest`", "axes[0]"]),
        (replaced("axes", 2, "name", to="Sense  of zest!"), ["axes[2].name", "axes[0]"]),
        (replaced(*A0, "id", to="Zest-1"), ["axes[0].id", "snake_case"]),
        (replaced("id", to="../up"), ["id: '../up'", "snake_case"]),
        (replaced(*A0, "high_label", to="Hardly zest minded"), ["axes[0]", "are the same"]),
        (
            replaced(*A0, "signs", "low", to=["Eats.", "Runs.", "Naps."]),
            ["axes[0].signs.low: has 3"],
        ),
        (
            replaced(*A0, "hidden", "high", to=["I."] * 3),
            ["axes[0].hidden.high: has 3; at least 4"],
        ),
        (removed(*A0, "hidden", "items"), ["axes[0].hidden.items: missing"]),
        (
            replaced(*A0, "hidden", "items", to=[]),
            ["axes[0].hidden.items: has 0; at least 6 items"],
        ),
        (_key_all(1), ["axes[0].hidden.items", "keyed 1 and items keyed -1", "keyed 1"]),
        (_key_all(-1), ["axes[0].hidden.items", "all 10 are keyed -1"]),
        (
            replaced(*A0, "hidden", "items", 3, "key", to=0),
            ["axes[0].hidden.items[3].key", "or -1, but"],
        ),
        (replaced(*A0, "hidden", "items", 3, "key", to=True), ["items[3].key", "'true'"]),
        (replaced(*A0, "hidden", "items", 3, "key", to="1"), ["items[3].key", "'1'"]),
        (replaced(*A0, "signs", "high", 2, to="  "), ["axes[0].signs.high[2]: is empty"]),
        (replaced(*A0, "signs", "high", 2, to="..."), ["axes[0].signs.high[2]: is empty"]),
        (replaced(*A0, "signs", "high", 2, to=None), ["axes[0].signs.high[2]: should be text"]),
        (
            replaced(*A0, "signs", "high", 2, to={"Has": "a"}),
            ["signs.high[2]", "a mapping", "quotes"],
        ),
        (replaced(*A0, "signs", "high", 2, to=12), ["signs.high[2]: should be text, but is 12"]),
        (replaced(*A0, "signs", "high", 2, to="Has a " + "x" * 300), ["is 306 characters long"]),
        (replaced(*A0, "signs", "high", 2, to="Has a\x1b[31m bell."), ["U+001B at position 6"]),
        (replaced(*A0, "signs", "high", 2, to="Has a\nbreak."), ["U+000A"]),
        (replaced(*A0, "signs", "high", 2, to="Has a \u202eflip."), ["U+202E"]),
        (replaced(*A0, "signs", to=["Has a dog."]), ["axes[0].signs: should be a mapping"]),
        (replaced(*A0, "signs", "low", to="Has a dog."), ["axes[0].signs.low: should be a list"]),
        (replaced("axes", to={"zest": 1}), ["axes: should be a list"]),
        (replaced("axes", to=["zest", "calm"]), ["axes[0]: should be a mapping"]),
        (removed("description"), ["description: missing"]),
        (replaced("description", to="x" * 2001), ["description: is 2,001 characters"]),
    ],
)
def test_what_is_wrong_is_named(write: Write, change: Change, parts: list[str]) -> None:
    data = content()
    change(data)
    refused(write(data), *parts)


def test_all_problems_come_in_one_message_that_stays_short(write: Write) -> None:
    data = content()
    del data["title"]
    data["axes"][1]["colour"] = "red"
    for number in range(6):
        data["axes"][0]["signs"]["low"][number] = number
        data["axes"][0]["signs"]["high"][number] = number
    message = refused(write(data), "title: missing", "axes[0].signs.low[0]", "and 4 more")
    assert len(message.splitlines()) == 12


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("signs", "low", 0), ("signs", "high", 1)),
        (("hidden", "low", 0), ("hidden", "high", 1)),
        (("hidden", "low", 0), ("hidden", "items", 1, "text")),
    ],
)
def test_no_sentence_twice(write: Write, first: Any, second: Any) -> None:
    data = content()
    replaced("axes", 0, *first, to="Has a quiet lamp.")(data)
    replaced("axes", 1, *second, to="has a QUIET  lamp")(data)
    refused(write(data), "written twice", "axes[0]", "axes[1]")


# The schema tag


@pytest.mark.parametrize(
    ("tag", "part"),
    [
        ("gamut/context/2", "newer than this Gamut"),
        ("gamut/persona/1", "should be gamut/context/1, but is 'gamut/persona/1'"),
        (1, "should be gamut/context/1, but is '1'"),
        (None, "should be gamut/context/1"),
    ],
)
def test_another_schema_is_refused(write: Write, tag: Any, part: str) -> None:
    refused(write(content() | {"schema": tag}), "schema:", part)


def test_a_missing_schema_is_named(write: Write) -> None:
    data = content()
    data["shema"] = data.pop("schema")
    refused(write(data), "schema: missing", "`shema`", "write `schema: gamut/context/1`")
