"""Overlaps of hidden texts with signs, and the findings of check_context."""

import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from context_files import A0, Change, Write, content, refused, removed, replaced, saved, words

from generators.context import (
    Axis,
    Context,
    Hidden,
    Item,
    Signs,
    check_context,
    dump_context,
    overlaps,
    read_context,
)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Saves data to a file of the test and gives its path."""
    return partial(saved, tmp_path)


# Overlaps


def overlapping(hidden: str, sign: str) -> Context:
    """A context in which an axis has the sign and another one the hidden statement."""
    data = content()
    data["axes"][0]["signs"]["high"][0] = sign
    data["axes"][1]["hidden"]["low"][2] = hidden
    return Context.model_validate(data)


@pytest.mark.parametrize(
    ("sign", "hidden", "how"),
    [
        ("Has dinner with friends.", "has  DINNER, with friends!", "is the same as"),
        ("Has dinner with friends.", "I have dinner with friends.", "is the same as"),
        ("Keeps their phone off.", "I keep my phone off.", "is the same as"),
        ("Doesn't trust themselves.", "I do not trust myself.", "is the same as"),
        ("Is sure they're right.", "I'm sure I’m right.", "is the same as"),
        ("Tries, watches and goes.", "I try, watch and go.", "is the same as"),
        (
            "Has dinner with friends most evenings of the week.",
            "Every week my sister and I have dinner with friends most often.",
            "5 words or more in a row",
        ),
        (
            "Asks the neighbour for sugar, flour and eggs.",
            "Sugar, eggs and flour: I ask the neighbour for.",
            "nearly all words",
        ),
        (
            "Walks to work past the old harbour most mornings.",
            "Past the harbour most mornings I walk to work.",
            "nearly all words",
        ),
    ],
)
def test_a_hidden_text_that_repeats_a_sign_is_refused(
    write: Write, sign: str, hidden: str, how: str
) -> None:
    context = overlapping(hidden, sign)
    (problem,) = overlaps(context)
    assert problem.startswith("axes[1].hidden.low[2]: ")
    assert how in problem
    assert "axes[0].signs.high[0]" in problem
    path = write(dump_context(context))
    refused(path, "axes[1].hidden.low[2]")
    assert read_context(path) == context
    assert [f.where for f in check_context(context) if f.level == "error"] == [
        "axes[1].hidden.low[2]"
    ]


@pytest.mark.parametrize(
    ("sign", "hidden"),
    [
        ("Has dinner with friends most evenings.", "I never eat alone if I can help it."),
        ("Calls a friend.", "My friends would call me loud."),
        ("Tells the doctor everything.", "There is nothing that I hide when I'm ill."),
        ("Goes out.", "I do."),
    ],
)
def test_different_sentences_do_not_overlap(sign: str, hidden: str) -> None:
    assert overlaps(overlapping(hidden, sign)) == []


def test_an_item_overlaps_as_a_statement_does() -> None:
    data = content()
    data["axes"][0]["hidden"]["items"][4]["text"] = "I " + data["axes"][2]["signs"]["low"][1][6:]
    (problem,) = overlaps(Context.model_validate(data))
    assert problem.startswith("axes[0].hidden.items[4].text: ")


def test_the_largest_context_is_compared_quickly() -> None:
    def sentences(start: str, seed: str) -> tuple[str, ...]:
        return tuple(f"{start} {words(9, f'{seed}{n}')}." for n in range(100))

    axes = tuple(
        Axis(
            id=f"a{n}",
            name=f"axis {n}",
            low_label="one",
            high_label="two",
            signs=Signs(low=sentences("Has", f"{n}sl"), high=sentences("Has", f"{n}sh")),
            hidden=Hidden(
                low=sentences("I", f"{n}hl"),
                high=sentences("I", f"{n}hh"),
                items=(Item(text=f"I {n}.", key=1), Item(text=f"I do {n}.", key=-1)),
            ),
        )
        for n in range(12)
    )
    context = Context(id="large", title="Large", description="All of them.", axes=axes)
    started = time.perf_counter()
    assert overlaps(context) == []
    assert time.perf_counter() - started < 10


# check_context


def findings(change: Change | None = None) -> list[tuple[str, str]]:
    data = content()
    if change:
        change(data)
    return [(f.where, f.message) for f in check_context(Context.model_validate(data))]


def test_a_good_context_has_no_findings() -> None:
    assert findings() == []


@pytest.mark.parametrize(
    ("change", "where", "part"),
    [
        (
            replaced(*A0, "signs", "low", 1, to="Dinner is late."),
            "signs.low[1]",
            "third-person verb",
        ),
        (replaced(*A0, "signs", "low", 1, to="Always late."), "signs.low[1]", "third-person verb"),
        (replaced(*A0, "signs", "low", 1, to="Has a lamp"), "signs.low[1]", "full stop"),
        (
            replaced(*A0, "hidden", "low", 1, to="Sleeps till they wake."),
            "hidden.low[1]",
            "first-person",
        ),
        (replaced(*A0, "hidden", "low", to=["I no."] * 5), "hidden.low", "5 statements; 6"),
        (
            replaced(*A0, "hidden", "low", to=["I nap."] * 8),
            "hidden.low",
            "no statement with a neg",
        ),
        (
            replaced(*A0, "hidden", "high", 3, to="I'm driven by zest."),
            "hidden.high[3]",
            "uses the words of 'wholly zest driven'",
        ),
        (replaced(*A0, "hidden", "items", slice(7, 10), to=[]), "hidden.items", "7 items; 8"),
        (replaced(*A0, "low_label", to="A person."), "low_label", "full stop"),
        (removed(*A0, "hidden"), "hidden", "neither evolved on nor scored"),
    ],
)
def test_wording_that_is_hard_to_read_is_warned_of(change: Change, where: str, part: str) -> None:
    data = content()
    change(data)
    for pole in ("low", "high"):  # a list of one sentence is written out with numbers
        statements = data["axes"][0].get("hidden", {}).get(pole, [])
        if len(set(statements)) == 1:
            statements[:] = [f"{s[:-1]} {words(1, f'w{n}')}." for n, s in enumerate(statements)]
    found = [f for f in check_context(Context.model_validate(data)) if part in f.message]
    assert [(f.level, f.where) for f in found] == [("warning", f"axes[0].{where}")]


def test_keys_out_of_balance_are_warned_of() -> None:
    def change(data: dict[str, Any]) -> None:
        for item in data["axes"][0]["hidden"]["items"][1:]:
            item["key"] = 1

    assert ("axes[0].hidden.items", "only 1 of 10 are keyed -1; balance the keys") in (
        findings(change)
    )


@pytest.mark.parametrize(
    "sign",
    ["Never opens the door.", "Hardly ever calls.", "Can name nobody.", "Doesn't ask.", "Is here."],
)
def test_adverbs_and_modals_start_a_sign(sign: str) -> None:
    assert findings(replaced(*A0, "signs", "low", 1, to=sign)) == []
