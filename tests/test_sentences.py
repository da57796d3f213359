"""Taking a text apart: sentences about "I", how far they are meant, and what is left out."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitness.respondents.sentences import LONGEST_TEXT, about_i, graded, split


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("I live alone. I sing! Do I mind? No.", ["I live alone.", "I sing!", "Do I mind?", "No."]),
        ("I live alone; I eat out.", ["I live alone;", "I eat out."]),
        ("Dr. Smith treats me, e.g. on Mondays.", ["Dr. Smith treats me, e.g. on Mondays."]),
        ("I go to St. Mary with Ms. Hall. I sing.", ["I go to St. Mary with Ms. Hall.", "I sing."]),
        ("I live alone\nI eat out\r\nI sing\rI cook",
         ["I live alone", "I eat out", "I sing", "I cook"]),
        ("- I live alone.\n• I eat out.\n* I sing\n– I cook",
         ["I live alone.", "I eat out.", "I sing", "I cook"]),
        ("1. I live alone.\n2) I eat out.\n12. I sing", ["I live alone.", "I eat out.", "I sing"]),
        ("**I live alone.** I eat out.", ["I live alone.", "I eat out."]),
        ('"I live alone." “I eat out.” I sing.', ['"I live alone.', "“I eat out.", "I sing."]),
        ("I live alone 🙂. 🙂🙂 I eat out!! Really?! Yes…",
         ["I live alone 🙂.", "🙂🙂 I eat out!!", "Really?!", "Yes…"]),
        ("I   live\talone.  I eat\u00a0out.", ["I live alone.", "I eat out."]),
        ("我独自吃饭。", ["我独自吃饭。"]),
    ],
)  # fmt: skip
def test_texts_are_split_into_sentences(text: str, sentences: list[str]) -> None:
    assert split(text) == sentences


@pytest.mark.parametrize("text", ["", "  \n\t ", "...", "🙂 🙂", "1. 2. 3.", "- \n- ", "!?", "A."])
def test_what_says_nothing_yields_nothing(text: str) -> None:
    assert split(text) == []


@pytest.mark.parametrize(
    "told",
    [
        "Maria Lopez keeps a diary, but never shows it. Maria is shy.",
        "Maria keeps a diary, but never shows it. She is shy.",
        "She keeps a diary, but never shows it. She is shy.",
        "He keeps a diary, but never shows it. He's shy.",
        "They keep a diary, but never show it. They're shy.",
        "They keep a diary, but never show it. They are shy.",
        "I keep a diary, but never show it. I'm shy.",
    ],
)
def test_it_makes_no_difference_who_tells(told: str) -> None:
    diary, shy = split(told, "Maria Lopez")
    assert diary in ("I keep a diary, but never show it.", "I keep a diary, but never shows it.")
    assert shy in ("I am shy.", "I'm shy.")


@pytest.mark.parametrize(
    ("sentence", "about"),
    [
        ("She has a son, and her friends ask him in.", "I have a son, and my friends ask me in."),
        ("He was tired and hasn't slept.", "I was tired and haven't slept."),
        ("He doesn't care for himself.", "I don't care for myself."),
        ("They trust themselves; the choice is theirs.", "I trust myself; the choice is mine."),
        ("Besides, they eat alone.", "I eat alone."),
        ("At the same time, I eat alone.", "I eat alone."),
        ("And  she eats alone.", "I eat alone."),
        ("When a day goes badly, they eat alone.", "I eat alone."),
        ("When my day goes badly, I eat alone.", "When my day goes badly, I eat alone."),
        ("Without fail I eat alone.", "Without fail I eat alone."),
        ("If it rains, the cat stays in.", "If it rains, the cat stays in."),
        ("The sister I love says she is fine.", "The sister I love says she is fine."),
        ("He is not code to me.", "He is not code to me."),
        ("My sister says they ask for me.", "My sister says they ask for me."),
        ("eats alone", "Eats alone"),
        ("", ""),
    ],
)
def test_sentences_are_told_by_i(sentence: str, about: str) -> None:
    assert about_i(sentence) == about


def test_a_name_is_only_the_personas_own() -> None:
    assert split("Anna eats alone. Annabel sings.", "Anna Hill") == [
        "I eat alone.",
        "Annabel sings.",
    ]
    assert split("Bob eats alone.", "Anna Hill") == ["Bob eats alone."]
    assert split("O'Neill eats alone.", "O'Neill") == ["I eat alone."]
    assert split("Anna eats alone.", "Dr. Anna Hill") == ["I eat alone."]
    for odd in ("", " ", "C++ (dev)", "*", "[a", "🙂", "Dr."):
        assert split("I eat alone.", odd) == ["I eat alone."]


@pytest.mark.parametrize(
    ("sentence", "content", "degree"),
    [
        ("I never eat with friends.", "I eat with friends.", 0.0),
        ("I hardly ever eat with friends.", "I eat with friends.", 0.1),
        ("Sometimes, I eat with friends.", "I eat with friends.", 0.45),
        ("I am rather isolated.", "I am isolated.", 0.7),
        ("I am extremely isolated.", "I am isolated.", 1.0),
        ("Without fail I eat alone.", "I eat alone.", 1.0),
        ("I am not at all isolated.", "I am isolated.", 0.0),
        ("I eat with friends.", "I eat with friends.", None),
        ("I eat with friends whom I see on Sundays and never else.",
         "I eat with friends whom I see on Sundays and never else.", None),
        ("A bit of fun is all I want.", "A bit of fun is all I want.", None),
        ("I never.", "I never.", None),
        ("", "", None),
    ],
)  # fmt: skip
def test_degree_words_are_taken_off(sentence: str, content: str, degree: float | None) -> None:
    found = graded(sentence)
    assert (found.text, found.degree) == (content, degree)


def test_a_repeated_sentence_counts_once() -> None:
    text = "I eat alone. She eats alone! i eat  alone\n- I eat alone. Anna eats alone. I sing."
    assert split(text, "Anna") == ["I eat alone.", "I sing."]


def test_very_long_texts_are_read_up_to_a_bound() -> None:
    told = [f"I know {number} songs." for number in range(3_000)]
    read = split(" ".join(told))
    assert read[:100] == told[:100]
    assert sum(map(len, read)) <= LONGEST_TEXT


@pytest.mark.parametrize(
    "piece", ["word ", "a. ", "\n", "Dr. ", "she, ", "they are ", "...", "“", "' ", "- ", "12) "]
)
def test_no_text_takes_long(piece: str) -> None:
    began = time.perf_counter()
    split(piece * (100_000 // len(piece)), "Dr. ab")
    assert time.perf_counter() - began < 2


PIECES = st.sampled_from(
    ["I eat alone", "She never sings", "Anna's", "Anna", ".", "!", "\n", " ", "•", "7) ", "“", "🙂"]
)


@given(st.lists(PIECES, max_size=30).map("".join) | st.text(max_size=200))
def test_sentences_are_distinct_tidy_and_say_something(text: str) -> None:
    sentences = split(text, "Anna Hill")
    assert len(set(sentences)) == len(sentences)
    for sentence in sentences:
        assert sentence == " ".join(sentence.split())
        assert any(character.isalpha() for character in sentence)
        degree = graded(sentence).degree
        assert degree is None or 0 <= degree <= 1
        assert graded(sentence).text
