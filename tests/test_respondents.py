"""The respondents: what they read, what they leave missing, what they call firm, and that nothing
but a persona's own text decides its reading. A model of one's own has its tests in test_nli.py."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from conftest import People
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from evolve.config import packaged_contexts
from fitness.embedding import Caches
from fitness.respondents import (
    RESPONDENTS,
    Agreement,
    Reading,
    Respondent,
    open_respondent,
    sentence_reader,
)
from generators.blocks.clauses import clause, first_person
from generators.context import Axis, Context
from generators.errors import GamutError, InputError
from generators.persona import Persona

NAMES = ("agreement", "projection", "nearest")
AXES = [("companion", number) for number in range(3)] + [("elders", number) for number in range(2)]
OFF_TOPIC = [
    "The kettle is blue. Water boils at the top of the hill. Trains leave from the left platform.",
    "Hello.",
    "🙂",
    "",
]
OFF_TOPIC_OF_ME = "I am 40 years old. My shoes are a size too large. I paint the fence green."
DENIALS = (
    "I never trust a caller.",
    "I never trust strangers online.",
    "I never trust a message with a link.",
    "I never trust the voice on the line.",
)

Readers = dict[str, Respondent]
Opened = Callable[[str], Respondent]


@pytest.fixture(scope="module")
def contexts(companion: Context, elders: Context) -> dict[str, Context]:
    return {"companion": companion, "elders": elders}


@pytest.fixture(scope="module", params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    """Each respondent in turn."""
    chosen: str = request.param
    return chosen


@pytest.fixture(scope="module")
def readers(name: str, contexts: dict[str, Context], caches: Caches) -> Readers:
    """One respondent in each context."""
    return {key: open_respondent(name, context, caches) for key, context in contexts.items()}


def hidden(axis: Axis, pole: str) -> tuple[str, ...]:
    assert axis.hidden is not None
    statements: tuple[str, ...] = getattr(axis.hidden, pole)
    return statements


def acts(axis: Axis, pole: str, count: int) -> list[str]:
    """What people at a pole do, as it follows "I"; from the public signs."""
    return [first_person(clause(sign)) for sign in getattr(axis.signs, pole)[:count]]


def levels(reader: Respondent, number: int, personas: list[Persona]) -> list[float]:
    """Where personas are read on one axis; all of them must be."""
    read = [row[number] for row in reader.read(personas).levels]
    known = [level for level in read if level is not None]
    assert len(known) == len(read), read
    return known


def test_every_respondent_is_tested_here() -> None:
    assert {name for name in RESPONDENTS if not name.startswith("nli")} == set(NAMES)


# What is read


def test_a_reading_has_a_row_a_persona_and_a_level_an_axis(
    readers: Readers, contexts: dict[str, Context], people: People
) -> None:
    for key, reader in readers.items():
        axes = contexts[key].axes
        told = people([OFF_TOPIC[0], *(" ".join(hidden(axis, "low")) for axis in axes)])
        reading = reader.read(told)
        for rows in (reading.levels, reading.firm):
            assert [len(row) for row in rows] == [len(axes)] * len(told)
        empty = reader.read([])
        assert (empty.levels, empty.firm) == ([], [])


@pytest.mark.parametrize(("key", "number"), AXES)
def test_statements_of_a_pole_are_read_on_their_pole(
    key: str, number: int, contexts: dict[str, Context], readers: Readers, people: People
) -> None:
    axis = contexts[key].axes[number]
    for pole, low, high in (("low", 0.0, 1 / 3), ("high", 2 / 3, 1.0)):
        statements = hidden(axis, pole)
        whole, *single = readers[key].read(people([" ".join(statements), *statements])).levels
        read = whole[number]
        assert read is not None
        assert low <= read <= high
        alone = [level for row in single if (level := row[number]) is not None]
        assert len(alone) >= len(statements) / 2  # what reads as denied is not read
        right = [(one > 0.5) == (pole == "high") for one in alone]
        assert sum(right) >= 0.75 * len(right), alone


@pytest.mark.parametrize(("key", "number"), AXES)
def test_signs_of_the_poles_are_told_apart(
    key: str, number: int, contexts: dict[str, Context], readers: Readers, people: People
) -> None:
    """Signs are public and never a statement that the respondent was given."""
    axis = contexts[key].axes[number]
    poles = ([f"I {act}." for act in acts(axis, pole, 10)] for pole in ("low", "high"))
    low, high = levels(readers[key], number, people(" ".join(told) for told in poles))
    assert low < 1 / 3
    assert high > low + 0.25


@pytest.mark.slow
def test_the_poles_of_the_training_contexts_are_told_apart(
    name: str, caches: Caches, people: People
) -> None:
    apart = []
    for context in packaged_contexts("train"):
        reader = open_respondent(name, context, caches)
        for number, axis in enumerate(context.axes):
            poles = ([f"I {act}." for act in acts(axis, pole, 10)] for pole in ("low", "high"))
            read = reader.read(people(" ".join(told) for told in poles)).levels
            low, high = (row[number] for row in read)
            apart.append(low is not None and high is not None and low < high)
    assert sum(apart) >= 0.95 * len(apart)


@pytest.mark.parametrize(("key", "number"), AXES)
def test_mixed_statements_land_nearer_the_middle(
    key: str, number: int, contexts: dict[str, Context], readers: Readers, people: People
) -> None:
    low, high = (hidden(contexts[key].axes[number], pole) for pole in ("low", "high"))
    texts = [" ".join(part) for part in (low[:6], low[:4] + high[:2], low[:3] + high[:3], high[:6])]
    pure_low, some_high, even, pure_high = levels(readers[key], number, people(texts))
    assert pure_low <= some_high <= even <= pure_high
    assert even > pure_low + 0.2 or even < pure_high - 0.2


def test_a_denied_statement_is_read_on_the_other_side(readers: Readers, people: People) -> None:
    texts = [f"I {word}feel cut off from other people." for word in ("", "rarely ", "never ")]
    meant, rarely, denied = levels(readers["companion"], 0, people(texts))
    assert meant > 2 / 3
    assert denied <= rarely < 1 / 3


def test_a_pole_of_nothing_but_denials_can_be_read(
    name: str, elders: Context, caches: Caches, people: People
) -> None:
    axis = elders.axes[0]
    assert axis.hidden is not None
    items = tuple(item for item in axis.hidden.items if item.key > 0)
    denied = axis.hidden.model_copy(update={"low": DENIALS, "items": items})
    axes = (axis.model_copy(update={"hidden": denied}), elders.axes[1])
    reader = open_respondent(name, elders.model_copy(update={"axes": axes}), caches)
    (high,) = levels(reader, 0, people([" ".join(hidden(axis, "high"))]))
    assert high > 2 / 3


# What is missing


def test_what_a_reader_forgets_reads_the_same_again(
    name: str,
    companion: Context,
    caches: Caches,
    people: People,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    poles = [hidden(axis, pole) for axis in companion.axes for pole in ("low", "high")]
    personas = people(map(" ".join, poles))
    remembers = open_respondent(name, companion, caches)
    monkeypatch.setattr(sentence_reader, "_MOST_READ", 2)
    forgets = open_respondent(name, companion, caches)
    for _ in range(3):
        assert [forgets.read([p]).levels[0] for p in personas] == remembers.read(personas).levels
    pairs = zip(
        getattr(forgets, "readers", [forgets]),
        getattr(remembers, "readers", [remembers]),
        strict=True,
    )
    kept = [(len(one._read), len(other._read)) for one, other in pairs]
    assert all(few < all_of_them for few, all_of_them in kept), kept


@pytest.mark.parametrize("text", OFF_TOPIC)
def test_what_speaks_of_no_axis_is_missing_and_not_middling(
    text: str, readers: Readers, people: People
) -> None:
    for reader in readers.values():
        persona = people(["x"])[0].model_copy(update={"description": text})
        reading = reader.read([persona])
        axes = len(reading.levels[0])
        assert reading.levels == [[None] * axes]
        assert reading.firm == [[False] * axes]


def test_what_somebody_says_of_other_things_is_never_firm_and_by_default_missing(
    name: str, readers: Readers, people: People
) -> None:
    """The nearest reader takes some of it for something; the two together do not."""
    for reader in readers.values():
        reading = reader.read(people([OFF_TOPIC_OF_ME]))
        assert not any(reading.firm[0])
        assert name == "nearest" or set(reading.levels[0]) == {None}


def test_one_axis_spoken_of_leaves_the_others_missing(
    companion: Context, readers: Readers, people: People
) -> None:
    (row,) = readers["companion"].read(people([" ".join(hidden(companion.axes[2], "high"))])).levels
    assert row[:2] == [None, None]
    assert row[2] is not None


@examples(max_examples=20, deadline=None)
@given(data=st.data())
def test_any_text_gives_levels_between_nought_and_one(
    data: st.DataObject, readers: Readers, companion: Context, people: People
) -> None:
    own = [s for axis in companion.axes for pole in ("low", "high") for s in hidden(axis, pole)]
    odd = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
    texts = st.lists(st.one_of(st.sampled_from(own), odd), min_size=1, max_size=8).map(" ".join)
    reading = readers["companion"].read(people([data.draw(texts.filter(str.strip))]))
    for level, firm in zip(reading.levels[0], reading.firm[0], strict=True):
        assert level is None or 0 <= level <= 1
        assert level is not None or not firm


# What is firm


@pytest.mark.parametrize(("key", "number"), AXES)
def test_many_distinct_sentences_are_firm_and_one_in_many_frames_is_not(
    key: str, number: int, contexts: dict[str, Context], readers: Readers, people: People
) -> None:
    axis = contexts[key].axes[number]
    for pole in ("low", "high"):
        own = hidden(axis, pole)
        act = acts(axis, pole, 1)[0]
        framed = [
            f"I {act}.",
            f"When a day goes badly, I {act}.",
            f"I {act}, because it feels right to me.",
            f"Ever since leaving school I {act}.",
            f"Without fail I {act}.",
        ]
        one = next(statement for statement in own if ";" not in statement)
        texts = [" ".join(own), one, " ".join([one] * 6), " ".join(framed)]
        firm = [row[number] for row in readers[key].read(people(texts)).firm]
        assert firm == [True, False, False, False]


@pytest.mark.parametrize(("key", "number"), AXES)
def test_one_sentence_alone_is_never_firm(
    key: str, number: int, contexts: dict[str, Context], readers: Readers, people: People
) -> None:
    axis = contexts[key].axes[number]
    assert axis.hidden is not None
    told = [
        *(s for pole in ("low", "high") for s in hidden(axis, pole) if ";" not in s),
        *(item.text for item in axis.hidden.items),
        *(f"I {act}." for pole in ("low", "high") for act in acts(axis, pole, 10)),
    ]
    assert not any(any(row) for row in readers[key].read(people(told)).firm)


def test_no_sentence_may_decide_the_third_alone(
    elders: Context, readers: Readers, people: People
) -> None:
    low, high = (hidden(elders.axes[0], pole) for pole in ("low", "high"))
    balanced, tipped = people([" ".join(low + high), " ".join(low[:2] + high[:1])])
    assert readers["elders"].read([balanced]).firm[0][0]
    assert not readers["elders"].read([tipped]).firm[0][0]


# What changes nothing


def test_nothing_around_a_persona_changes_its_reading(
    name: str, companion: Context, caches: Caches, people: People
) -> None:
    def anew(personas: list[Persona]) -> Reading:
        return open_respondent(name, companion, caches).read(personas)

    rng = random.Random(5)
    every = [a for axis in companion.axes for pole in ("low", "high") for a in acts(axis, pole, 4)]
    personas = people(" ".join(f"I {act}." for act in rng.sample(every, 6)) for _ in range(8))
    together, turned = anew(personas), anew(personas[::-1])
    assert turned == Reading(together.levels[::-1], together.firm[::-1])
    for number, persona in enumerate(personas):
        alone = anew([persona])
        assert alone.levels == [together.levels[number]]  # to the last bit
        assert alone.firm == [together.firm[number]]


def test_saying_a_thing_again_makes_it_no_truer(
    companion: Context, readers: Readers, people: People
) -> None:
    low, high = (hidden(companion.axes[1], pole) for pole in ("low", "high"))
    once = f"{low[0]} {low[1]} {high[0]}"
    again = f"{once} {low[0]}  {low[0].upper()}\n- {low[0]} {once}"
    one, other = (readers["companion"].read(people([text])) for text in (once, again))
    assert one == other


@pytest.mark.parametrize("teller", ["Maria", "Maria Lopez", "She", "He", "They"])
def test_it_makes_hardly_a_difference_who_tells(
    teller: str, companion: Context, readers: Readers, people: People
) -> None:
    signs = [sign for axis in companion.axes for sign in axis.signs.high[:3] + axis.signs.low[:1]]
    own = " ".join(f"I {first_person(clause(sign))}." for sign in signs)
    if teller == "They":
        told = " ".join(f"They {clause(sign)}." for sign in signs)
    else:
        told = " ".join(f"{teller} {sign[0].lower()}{sign[1:]}" for sign in signs)
    one, other = readers["companion"].read(people([own, told], name="Maria Lopez")).levels
    for here, there in zip(one, other, strict=True):
        assert here is not None
        assert here == pytest.approx(there, abs=0.1)


def test_a_name_changes_no_reading(companion: Context, readers: Readers, people: People) -> None:
    text = " ".join(f"I {act}." for act in acts(companion.axes[0], "high", 3))
    names = ("Nobody Special", "Ana Lee", "Never", "I", "friends Host")
    readings = [readers["companion"].read(people([text], name=name)) for name in names]
    assert readings == [readings[0]] * len(names)


# Opening one


def test_a_context_without_hidden_part_is_refused(
    name: str, companion: Context, caches: Caches
) -> None:
    with pytest.raises(GamutError, match="isolation"):
        open_respondent(name, companion.public(), caches)


def test_an_unknown_respondent_is_refused(companion: Context, caches: Caches) -> None:
    with pytest.raises(InputError, match="'tarot' is not known; known: agreement, nearest"):
        open_respondent("tarot", companion, caches)


def test_the_fingerprint_names_the_way_of_reading_and_the_weights(
    companion: Context, elders: Context, caches: Caches
) -> None:
    prints = {}
    for name in NAMES:
        one, other = (open_respondent(name, context, caches) for context in (companion, elders))
        assert one.fingerprint == other.fingerprint
        assert one.name == name
        prints[name] = one.fingerprint
    assert len(set(prints.values())) == len(NAMES)
    assert caches.first.embedder.fingerprint in prints["projection"]
    assert caches.second.embedder.fingerprint in prints["nearest"]
    assert all(prints[reader] in prints["agreement"] for reader in ("projection", "nearest"))


# The agreement of two readers


class Told:
    """A reader that says what it is told to."""

    def __init__(self, name: str, said: list[tuple[float | None, bool]]) -> None:
        self.name = self.fingerprint = name
        self._said = said

    def read(self, personas: list[Persona]) -> Reading:
        """One persona, an axis for each that was said."""
        return Reading([[level for level, _ in self._said]], [[firm for _, firm in self._said]])


def agreed(
    monkeypatch: pytest.MonkeyPatch,
    agreement: Agreement,
    one: list[tuple[float | None, bool]],
    other: list[tuple[float | None, bool]],
) -> tuple[list[Any], list[bool]]:
    with monkeypatch.context() as patch:
        patch.setattr(agreement, "readers", (Told("one", one), Told("other", other)))
        reading = agreement.read([Persona(id="p", name="p", description="p")])
    return reading.levels[0], reading.firm[0]


@pytest.fixture(scope="module")
def agreement(elders: Context, caches: Caches) -> Agreement:
    return Agreement(elders, caches)


said = st.one_of(
    st.just((None, False)), st.tuples(st.integers(0, 100).map(lambda n: n / 100), st.booleans())
)


@examples(max_examples=300, deadline=None)
@given(pairs=st.lists(st.tuples(said, said), min_size=1, max_size=6))
def test_agreement_is_the_mean_and_firm_where_both_say_so(
    pairs: list[tuple[tuple[float | None, bool], tuple[float | None, bool]]], agreement: Agreement
) -> None:
    one, other = [a for a, _ in pairs], [b for _, b in pairs]
    found, firm = agreed(pytest.MonkeyPatch(), agreement, one, other)
    for level, credited, (a, firm_a), (b, firm_b) in zip(found, firm, one, other, strict=True):
        if a is None or b is None:
            assert level is None
            assert not credited
            continue
        assert level == pytest.approx((a + b) / 2)
        third_a, third_b = (min(int(z * 3), 2) for z in (a, b))  # no hundredth lies on a cut
        near = abs(round(100 * a) - round(100 * b)) <= 20
        if abs(round(100 * a) - round(100 * b)) != 20:  # floats may fall on either side of it
            assert credited == (firm_a and firm_b and near and third_a == third_b)
        assert not credited or (firm_a and firm_b and near and third_a == third_b)


@pytest.mark.parametrize(
    ("one", "other", "firm"),
    [
        ((0.1, True), (0.25, True), True),
        ((0.1, True), (0.31, True), False),  # farther apart than .2
        ((0.3, True), (0.36, True), False),  # another third
        ((0.4, True), (0.55, True), True),
        ((0.6, True), (0.7, True), False),
        ((0.1, False), (0.1, True), False),
        ((0.1, True), (0.1, False), False),
        ((None, False), (0.1, True), False),
    ],
)
def test_examples_of_agreement(
    one: tuple[float | None, bool],
    other: tuple[float | None, bool],
    firm: bool,
    agreement: Agreement,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert agreed(monkeypatch, agreement, [one], [other])[1] == [firm]


def test_agreement_is_of_the_two_offline_readers(
    companion: Context, caches: Caches, people: People
) -> None:
    rng = random.Random(6)
    every = [a for axis in companion.axes for pole in ("low", "high") for a in acts(axis, pole, 6)]
    personas = people(" ".join(f"I {act}." for act in rng.sample(every, 5)) for _ in range(12))
    both = Agreement(companion, caches)
    whole = both.read(personas)
    one, other = (
        open_respondent(n, companion, caches).read(personas) for n in ("projection", "nearest")
    )
    assert [reader.name for reader in both.readers] == ["projection", "nearest"]
    told = zip(
        one.levels, other.levels, whole.levels, one.firm, other.firm, whole.firm, strict=True
    )
    for a, b, levels_of_both, firm_a, firm_b, firm in told:
        for y, z, level in zip(a, b, levels_of_both, strict=True):
            assert (level is None) == (y is None or z is None)
            assert level is None or level == pytest.approx(((y or 0) + (z or 0)) / 2)
        assert all(f <= (g and h) for f, g, h in zip(firm, firm_a, firm_b, strict=True))
