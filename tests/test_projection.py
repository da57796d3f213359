"""The projection reader: what it reads, what it leaves missing, what it calls steady, and that
nothing but a persona's own text decides its reading."""

import random

import pytest
from conftest import People

from fitness.embedding import SentenceCache
from fitness.respondents import Projection
from generators.blocks.clauses import clause, first_person
from generators.context import Axis, Context

AXES = [("companion", number) for number in range(3)] + [("elders", number) for number in range(2)]
OFF_TOPIC = [
    "The kettle is blue. Water boils at the top of the hill. Trains leave from the left platform.",
    "Hello.",
    "🙂",
    "I am 40 years old. My shoes are a size too large. I paint the fence green.",
]


@pytest.fixture(scope="module")
def contexts(companion: Context, elders: Context) -> dict[str, Context]:
    return {"companion": companion, "elders": elders}


@pytest.fixture(scope="module")
def readers(contexts: dict[str, Context], embedder_cache: SentenceCache) -> dict[str, Projection]:
    return {name: Projection(context, embedder_cache) for name, context in contexts.items()}


def hidden(axis: Axis, pole: str) -> tuple[str, ...]:
    assert axis.hidden is not None
    statements: tuple[str, ...] = getattr(axis.hidden, pole)
    return statements


def acts(axis: Axis, pole: str, count: int) -> list[str]:
    """What people at a pole do, as it follows "I"; from the public signs."""
    return [first_person(clause(sign)) for sign in getattr(axis.signs, pole)[:count]]


@pytest.mark.parametrize(("name", "number"), AXES)
def test_statements_of_a_pole_are_read_on_their_pole(
    name: str,
    number: int,
    contexts: dict[str, Context],
    readers: dict[str, Projection],
    people: People,
) -> None:
    axis = contexts[name].axes[number]
    for pole, low, high in (("low", 0.0, 1 / 3), ("high", 2 / 3, 1.0)):
        statements = hidden(axis, pole)
        whole, *single = readers[name].read(people([" ".join(statements), *statements])).levels
        read = whole[number]
        assert read is not None
        assert low <= read <= high
        levels = [level for row in single if (level := row[number]) is not None]
        assert len(levels) >= len(statements) - 1
        assert all((one > 0.5) == (pole == "high") for one in levels), levels


@pytest.mark.parametrize("text", OFF_TOPIC)
def test_what_speaks_of_no_axis_is_missing_and_not_middling(
    text: str, readers: dict[str, Projection], people: People
) -> None:
    for reader in readers.values():
        reading = reader.read(people([text]))
        axes = len(reading.levels[0])
        assert reading.levels == [[None] * axes]
        assert reading.steady == [[False] * axes]


def test_nobody_is_read_as_nothing(readers: dict[str, Projection]) -> None:
    reading = readers["companion"].read([])
    assert (reading.levels, reading.steady) == ([], [])


def test_one_axis_spoken_of_leaves_the_others_missing(
    companion: Context, readers: dict[str, Projection], people: People
) -> None:
    (row,) = readers["companion"].read(people([" ".join(hidden(companion.axes[2], "high"))])).levels
    assert row[:2] == [None, None]
    assert row[2] is not None


@pytest.mark.parametrize(("name", "number"), AXES)
def test_mixed_statements_land_nearer_the_middle(
    name: str,
    number: int,
    contexts: dict[str, Context],
    readers: dict[str, Projection],
    people: People,
) -> None:
    low, high = (hidden(contexts[name].axes[number], pole) for pole in ("low", "high"))
    texts = [" ".join(part) for part in (low[:6], low[:4] + high[:2], low[:3] + high[:3], high[:6])]
    rows = readers[name].read(people(texts)).levels
    pure_low, some_high, even, pure_high = (
        level for row in rows if (level := row[number]) is not None
    )
    assert pure_low < some_high < even < pure_high
    assert abs(even - 0.5) < min(0.5 - pure_low, pure_high - 0.5) / 2


@pytest.mark.parametrize(("name", "number"), AXES)
def test_many_distinct_sentences_are_steady_and_one_in_many_frames_is_not(
    name: str,
    number: int,
    contexts: dict[str, Context],
    readers: dict[str, Projection],
    people: People,
) -> None:
    axis = contexts[name].axes[number]
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
        steady = [row[number] for row in readers[name].read(people(texts)).steady]
        assert steady == [True, False, False, False]


def test_no_sentence_may_decide_the_third_alone(
    companion: Context, readers: dict[str, Projection], people: People
) -> None:
    low, high = (hidden(companion.axes[2], pole) for pole in ("low", "high"))
    balanced, tipped = people([" ".join(low + high), " ".join(low[:2] + high[:1])])
    assert readers["companion"].read([balanced]).steady[0][2]
    assert not readers["companion"].read([tipped]).steady[0][2]


def test_nothing_around_a_persona_changes_its_reading(
    companion: Context, embedder_cache: SentenceCache, people: People
) -> None:
    rng = random.Random(5)
    every = [a for axis in companion.axes for pole in ("low", "high") for a in acts(axis, pole, 4)]
    personas = people(" ".join(f"I {act}." for act in rng.sample(every, 6)) for _ in range(12))
    together = Projection(companion, embedder_cache).read(personas)
    turned = Projection(companion, embedder_cache).read(personas[::-1])
    assert turned.levels == together.levels[::-1]
    assert turned.steady == together.steady[::-1]
    for number, persona in enumerate(personas):
        alone = Projection(companion, embedder_cache).read([persona])
        assert alone.levels == [together.levels[number]]  # to the last bit
        assert alone.steady == [together.steady[number]]


@pytest.mark.parametrize("teller", ["Maria", "Maria Lopez", "She", "He", "They"])
def test_it_makes_hardly_a_difference_who_tells(
    teller: str, companion: Context, readers: dict[str, Projection], people: People
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


def test_a_denied_statement_is_read_on_the_other_side(
    companion: Context, readers: dict[str, Projection], people: People
) -> None:
    texts = [f"I {word}feel cut off from other people." for word in ("", "rarely ", "never ")]
    rows = readers["companion"].read(people(texts)).levels
    meant, rarely, denied = (level for row in rows if (level := row[0]) is not None)
    assert meant > 2 / 3
    assert denied <= rarely < 1 / 3


def test_a_pole_of_nothing_but_denials_can_be_read(
    elders: Context, embedder_cache: SentenceCache, people: People
) -> None:
    axis = elders.axes[0]
    assert axis.hidden is not None
    denials = tuple(
        f"I never trust {whom}."
        for whom in (
            "a caller",
            "strangers online",
            "a message with a link",
            "the voice on the line",
        )
    )
    changed = axis.model_copy(
        update={
            "hidden": axis.hidden.model_copy(
                update={"low": denials, "items": tuple(i for i in axis.hidden.items if i.key > 0)}
            )
        }
    )
    reader = Projection(
        elders.model_copy(update={"axes": (changed, elders.axes[1])}), embedder_cache
    )
    (row,) = reader.read(people([" ".join(hidden(axis, "high"))])).levels
    assert row[0] is not None
    assert row[0] > 2 / 3


def test_the_fingerprint_names_reader_and_weights(
    elders: Context, readers: dict[str, Projection], embedder_cache: SentenceCache
) -> None:
    for reader in readers.values():
        assert reader.fingerprint == readers["elders"].fingerprint
        assert reader.fingerprint.startswith("projection")
        assert embedder_cache.embedder.fingerprint in reader.fingerprint
