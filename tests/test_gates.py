"""Tests of the gates: honest personas pass all of them, each exploit fails the one meant for it."""

import random
import time

import numpy as np
import pytest
from gate_texts import DEBRIS, FOREIGN, HONEST, NO_DEBRIS, SALAD
from hypothesis import given, settings
from hypothesis import strategies as st

from fitness.fluency import sentences
from fitness.gates import Gated, apply_gates
from fitness.gates.near_duplicate import EXACT, Runs, near_duplicates
from fitness.gates.plain_text import MOST_CHARACTERS
from generators.context import Axis, Context, Signs

GATES = (
    "near_duplicate", "states_score", "not_fluent", "both_poles", "length", "debris", "language",
)  # fmt: skip
LOW = (
    "Eats dinner around a crowded table of friends most evenings.",
    "Plays football with the same noisy team every Saturday morning.",
    "Trusts the neighbours across the landing with a spare house key.",
    "Plans summer trips with old schoolmates months ahead.",
    "Hosts game nights in a living room full of guests.",
    "Sings in a choir, going for drinks with the other altos afterwards.",
)
HIGH = (
    "Has nobody to name on the emergency contact form.",
    "Spends public holidays alone in the flat with the curtains drawn.",
    "Goes whole weekends without hearing another voice in the room.",
    "Sits apart from colleagues on breaks, facing the wall.",
    "Lets birthdays pass without a single card or visitor.",
    "Walks the park alone each Sunday, watching families picnic together.",
)
CAREFUL = (
    "Asks a doctor before trying a remedy that the app suggests.",
    "Reads the leaflet in the box before swallowing a new pill.",
    "Compares every answer of the app with a printed handbook.",
    "Rings the bank to confirm what the app says about fees.",
    "Laughs at the app when it guesses the wrong illness.",
)
TRUSTING = (
    "Stops taking tablets because the app finds them needless.",
    "Moves savings into shares that the app recommends.",
    "Signs contracts after letting the app skim the clauses.",
    "Tells relatives that the app knows better than any surgeon.",
    "Follows the app's diet plan against the nurse's warning.",
)
CONTEXT = Context(
    schema="gamut/context/1",
    id="evenings",
    title="Evenings",
    description="People who talk to an app every evening.",
    axes=(
        Axis(
            id="isolation",
            name="social isolation",
            low_label="embedded in a circle of friends",
            high_label="isolated, with hardly anyone to turn to",
            signs=Signs(low=LOW, high=HIGH),
        ),
        Axis(
            id="trust",
            name="trust in machine advice",
            low_label="guided by doctors and other trained people",
            high_label="ready to take the app's word over any expert's",
            signs=Signs(low=CAREFUL, high=TRUSTING),
        ),
    ),
)
ALL = LOW + HIGH + CAREFUL + TRUSTING
PADDING = "They keep a small allotment and talk about the weather."
GRADED = ("very", "quite", "extremely", "slightly", "rather", "somewhat", "not very", "more")
LABELS = [label for axis in CONTEXT.axes for label in (axis.low_label, axis.high_label)]


def shuffle_words(text: str, rng: np.random.Generator) -> str:
    """The text with the words of each sentence shuffled, to check that nobody is fooled by it."""
    shuffled = []
    for sentence in sentences(text):
        words = sentence.rstrip(".!?").split()
        mixed = [words[at] for at in rng.permutation(len(words))]
        shuffled.append(f"{' '.join(mixed)}.")
    return " ".join(shuffled)


def about(name: str, signs: tuple[str, ...] | list[str]) -> str:
    return " ".join(f"{name} {sign[0].lower()}{sign[1:]}" for sign in signs)


def drawn(rng: random.Random, count: int = 7) -> str:
    return about("She", rng.sample(ALL, count))


def failures(text: str) -> set[str]:
    gated = apply_gates([text], CONTEXT)
    return {gate for gate in GATES if gated.failed[gate][0]}


def test_honest_personas_pass_every_gate() -> None:
    gated = apply_gates(list(HONEST.values()), CONTEXT)
    assert len(HONEST) >= 12
    assert gated.reasons == {}
    assert all(gated.passed)
    assert tuple(gated.failed) == GATES
    assert gated.shares() == dict.fromkeys(GATES, 0.0)


def test_personas_made_of_signs_pass_every_gate() -> None:
    rng = random.Random(1)
    assert apply_gates([drawn(rng) for _ in range(25)], CONTEXT).reasons == {}


def test_shuffled_words_are_not_fluent() -> None:
    rng = np.random.default_rng(0)
    gated = apply_gates([shuffle_words(text, rng) for text in HONEST.values()], CONTEXT)
    assert all(gated.failed["not_fluent"])


def test_shuffling_keeps_the_words() -> None:
    text = "She keeps two diaries. Her husband reads one of them!"
    shuffled = shuffle_words(text, np.random.default_rng(0))
    assert sorted(shuffled.replace(".", "").split()) == sorted(
        text.replace(".", "").replace("!", "").split()
    )
    assert shuffled == shuffle_words(text, np.random.default_rng(0))


@pytest.mark.parametrize("kind", SALAD)
def test_salad_fails(kind: str) -> None:
    assert "not_fluent" in failures(SALAD[kind])


@pytest.mark.parametrize("language", FOREIGN)
def test_other_languages_fail(language: str) -> None:
    assert "language" in failures(FOREIGN[language])


@pytest.mark.parametrize("text", DEBRIS)
def test_debris_fails(text: str) -> None:
    assert "debris" in failures(text)


@pytest.mark.parametrize("text", NO_DEBRIS)
def test_what_only_looks_like_debris_passes(text: str) -> None:
    assert not failures(text)


@pytest.mark.parametrize("text", ["", "Ana.", "Ana, 34, nurse.", "She is kind. " * 900])
def test_length(text: str) -> None:
    assert "length" in failures(text)


@pytest.mark.parametrize("label", LABELS)
def test_a_label_fails_only_with_a_degree_or_a_number(label: str) -> None:
    said = f"Since leaving school they have been {label}."
    assert "states_score" not in failures(said)
    assert "states_score" not in failures(f"She is 34, has two children and is {label}.")
    for degree in GRADED:
        assert "states_score" in failures(f"These days they are {degree} {label}.")
    for text in (
        f"In 41% of cases they are {label}.",
        f"They are 8/10 {label}.",
        f"They are {label}, to a high degree.",
        f"They are {label}: 7.",
        f"They are eighty percent {label}.",
        f"They are seven out of ten {label}.",
    ):
        assert "states_score" in failures(text)
    assert "states_score" in failures(f"They are somewhere between {LABELS[0]} and {label}.")


@pytest.mark.parametrize(
    "text",
    [
        "Social isolation 8/10, and otherwise a pleasant man who likes his garden.",
        "He scores high on social isolation and low on most other things in life.",
        "Her social isolation is very high, as everybody in the house can see.",
        "Social isolation: 0.7, and trust in machine advice: low.",
        "Trust in machine advice – level: 0.3, as far as anyone can tell.",
        "In three out of ten cases she has dinner around a crowded table of friends.",
        "In 41% of cases she sits apart from colleagues on breaks, facing the wall.",
        "Eighty percent of the time he spends public holidays alone in the flat.",
        "On a scale from one to ten his loneliness would be about an eight.",
    ],
)
def test_stated_levels_fail(text: str) -> None:
    assert "states_score" in failures(text)


@pytest.mark.parametrize(
    "text",
    [
        "She is 34, has two children and three cats, and gets up at 6 o'clock.",
        "They moved to 12 Mill Lane on 3/10/2019 and pay 40% of what they earn in rent.",
        "He has moved eleven times in fifteen years and trusts very few people by now.",
        "They work 24/7, or so it feels, and have a very good friend in the next town.",
        "One in three houses in her street stands empty, and she has quite a large garden.",
        "He has taken the same bus for 20 years and is extremely proud of his 4 sons.",
    ],
)
def test_ordinary_numbers_and_degrees_pass(text: str) -> None:
    assert "states_score" not in failures(text)


def test_most_signs_of_both_poles_fail_in_any_person() -> None:
    soup = [*LOW[:4], *HIGH[:4]]
    assert failures(about("She", soup)) == {"both_poles"}
    assert "both_poles" in failures(" ".join(soup))
    first_person = about("She", soup).replace("She eats", "I eat").replace("She plays", "I play")
    assert "both_poles" in failures(first_person)


def test_a_middle_made_of_some_signs_of_both_poles_passes() -> None:
    assert not failures(about("She", [*LOW[:3], *HIGH[:3]]))
    assert not failures(about("She", [*LOW, *TRUSTING, *HIGH[:2]]))


def test_one_persona_under_many_names_is_caught() -> None:
    names = ("Maria", "Ahmed", "Ngozi Okafor", "Li", "She", "I", "oluwaseun")
    gated = apply_gates([about(name, LOW[:3] + TRUSTING[:3]) for name in names], CONTEXT)
    assert gated.failed["near_duplicate"] == (False, True, True, True, True, True, True)
    assert "persona 2 repeats persona 1" in gated.reasons["near_duplicate"]


def test_order_case_and_padding_do_not_hide_a_copy() -> None:
    signs = list(LOW[:4] + CAREFUL[:5])
    text = about("She", signs)
    copies = [
        text,
        about("She", signs[::-1]),
        text.upper(),
        f"{text} {PADDING}",
        about("He", signs),
    ]
    assert apply_gates(copies, CONTEXT).failed["near_duplicate"] == (False, True, True, True, True)


@pytest.mark.parametrize(("shared", "copy"), [(6, False), (7, False), (8, True), (9, True)])
def test_two_of_nine_sentences_make_another_persona(shared: int, copy: bool) -> None:
    first = about("She", ALL[:9])
    second = about("She", ALL[9 - shared : 18 - shared])
    assert apply_gates([first, second], CONTEXT).failed["near_duplicate"] == (False, copy)


def test_personas_from_one_pool_of_sentences_are_no_copies() -> None:
    rng = random.Random(5)
    gated = apply_gates([drawn(rng, 9) for _ in range(100)], CONTEXT)
    assert gated.shares()["near_duplicate"] < 0.05
    one_a_pole = [about("He", [a, b]) for a in LOW + HIGH for b in CAREFUL + TRUSTING]
    assert apply_gates(one_a_pole, CONTEXT).shares()["near_duplicate"] == 0


def test_hashing_finds_what_comparing_all_pairs_finds() -> None:
    rng = random.Random(6)
    texts: list[Runs] = []
    for _ in range(EXACT):
        if texts and rng.random() < 0.5:
            runs = sorted(rng.choice(texts))
            kept = rng.sample(runs, len(runs) - rng.randrange(12))
            texts.append(frozenset(kept) | {rng.getrandbits(32) for _ in range(rng.randrange(4))})
        else:
            texts.append(frozenset(rng.getrandbits(32) for _ in range(40)))
    others: list[Runs] = [frozenset(rng.getrandbits(32) for _ in range(40)) for _ in range(EXACT)]
    exact = [other is not None for other in near_duplicates(texts)]
    hashed = [other is not None for other in near_duplicates([*texts, *others])][:EXACT]
    assert sum(exact) > 50
    assert not any(h and not e for h, e in zip(hashed, exact, strict=True))
    assert sum(hashed) >= 0.97 * sum(exact)


def test_ten_thousand_personas_take_seconds() -> None:
    rng = random.Random(7)
    signs = [about(name, [sign]) for sign in ALL for name in ("She", "He", "Maria")]
    texts = [" ".join(rng.sample(signs, 9)) for _ in range(10_000)]
    start = time.perf_counter()
    gated = apply_gates(texts, CONTEXT)
    assert len(gated.passed) == 10_000
    assert time.perf_counter() - start < 30  # 3 s on an idle machine


@pytest.mark.parametrize(
    "text",
    ["a" * 100_000, " " * 100_000, "{" * 100_000, "a-" * 50_000, "1/" * 50_000, "word " * 20_000,
     "\n" * 100_000, "a=" * 50_000, "é\u0301" * 50_000, "[0.1, " * 20_000, ". " * 50_000],
)  # fmt: skip
def test_huge_texts_take_bounded_time(text: str) -> None:
    start = time.perf_counter()
    gated = apply_gates([text], CONTEXT)
    assert time.perf_counter() - start < 2
    assert gated.failed["length"] == (True,)
    assert f"{MOST_CHARACTERS:,}" in gated.reasons["length"]


def test_reasons_name_the_first_persona_and_quote_it() -> None:
    gated = apply_gates([HONEST["rules"], "In 41% of cases she keeps a spare key."], CONTEXT)
    assert gated.passed == (True, False)
    assert gated.shares()["states_score"] == 0.5
    assert "persona 2" in gated.reasons["states_score"]
    assert "41%" in gated.reasons["states_score"]
    assert set(gated.reasons) == {"states_score"}


def test_hidden_parts_play_no_role() -> None:
    texts = [*HONEST.values(), *SALAD.values(), *DEBRIS]
    assert apply_gates(texts, CONTEXT) == apply_gates(texts, CONTEXT.public())


def test_no_personas() -> None:
    gated = apply_gates([], CONTEXT)
    assert gated == Gated(dict.fromkeys(GATES, ()), {})
    assert gated.passed == ()
    assert gated.shares() == dict.fromkeys(GATES, 0.0)


@given(st.lists(st.text(max_size=300), max_size=4))
@settings(max_examples=100, deadline=None)
def test_any_text_is_judged_and_judged_alike_twice(texts: list[str]) -> None:
    gated = apply_gates(texts, CONTEXT)
    assert all(len(verdicts) == len(texts) for verdicts in gated.failed.values())
    assert gated == apply_gates(texts, CONTEXT)
    assert all(reason.isprintable() for reason in gated.reasons.values())
