"""Clauses: every shipped sign becomes good English about "they" and about "I"."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import conf
from generators.blocks.clauses import clause, first_person
from generators.context import load_context

FILES = sorted((Path(conf.__file__).parent / "contexts").glob("*/*.yaml"))
CONTEXTS = [load_context(file) for file in FILES]
AXES = [axis for context in CONTEXTS for axis in context.axes]
SIGNS = [sign for axis in AXES for sign in (*axis.signs.low, *axis.signs.high)]
STATEMENTS = [
    text
    for axis in AXES
    if axis.hidden
    for text in (*axis.hidden.low, *axis.hidden.high, *(item.text for item in axis.hidden.items))
]
THEY = re.compile(r"\b(?:they|their|theirs|them|themselves)\b", re.I)
SELF = re.compile(r"\b(?:I|me|my|mine|myself)\b")
ADVERBS = {"never", "still", "only", "hardly", "rarely", "often", "always", "seldom"}


def about_they(sign: str) -> str:
    return f"They {clause(sign)}."


def about_me(sign: str) -> str:
    return first_person(about_they(sign))


def unquoted(text: str) -> str:
    return re.sub("“[^”]*”", "", text)


def singular(verb: str) -> str:
    """The third-person form, by the rules of a school book."""
    irregular = {"have": "has", "are": "is", "were": "was", "aren't": "isn't", "don't": "doesn't"}
    if verb in irregular:
        return irregular[verb]
    if re.search(r"[^aeiou]y$", verb):
        return verb[:-1] + "ies"
    return verb + ("es" if re.search(r"(?:s|sh|ch|x|z|[^aeiou]o)$", verb) else "s")


def disagreements(text: str) -> list[str]:
    """What a teacher would underline in a text about "they" or "I"."""
    wrong = re.findall(
        r"\bI (?:are|is|has|does|goes|were|aren't|weren't)\b|\b(?:are|were|is) I\b"
        r"|\b(?<!I )(?<!I, )am\b(?! I\b)|\bthey (?:is|has|does|goes|was|am|isn't|wasn't)\b",
        re.sub(r"\bI (?:\w+ly|still|never|always|often|no longer) am\b", "I am", unquoted(text)),
    )
    return [str(match) for match in wrong]


def test_there_are_signs_to_test() -> None:
    assert len(CONTEXTS) == 40
    assert len(SIGNS) > 500


def test_shipped_signs_get_a_plural_verb_and_keep_the_rest() -> None:
    for sign in SIGNS:
        given, made = sign.rstrip(".").split(" "), clause(sign).split(" ")
        at = 1 if given[0].lower() in ADVERBS else 0
        assert [singular(made[at])] == [given[at].lower()], sign
        assert made[:at] + made[at + 1 :] == [g.lower() for g in given[:at]] + given[at + 1 :]


def test_shipped_signs_told_by_the_person() -> None:
    for sign in SIGNS:
        told = about_me(sign)
        assert told.startswith("I ")
        assert not THEY.search(told), told
        assert not disagreements(told) + disagreements(about_they(sign)), told
        assert len(told.split()) == len(about_they(sign).split())


def test_labels_told_by_the_person() -> None:
    for axis in AXES:
        told = first_person(f"They are somewhere between {axis.low_label} and {axis.high_label}.")
        assert told.startswith("I am somewhere")
        assert not THEY.search(told)


def test_first_person_sentences_come_back_word_for_word() -> None:
    """A user's own signs speak as "I"; hidden statements are such sentences, and there are many."""
    short = {"I'm": "I am", "I've": "I have", "I'll": "I will", "I'd": "I would"}
    retold = 0
    for text in STATEMENTS:
        plain = re.sub("[‘’]", "'", text).rstrip(".!?")
        if not SELF.search(plain) or "“" in plain or '"' in plain:
            continue
        told = about_me(text).rstrip(".")
        if told.startswith("I say: “"):
            assert plain in told
            continue
        retold += 1
        start = plain.split(" ")[0]
        assert told in (plain, plain.replace(start, short.get(start, start), 1))
        assert not SELF.search(about_they(text))
        assert not disagreements(about_they(text))
    assert retold > 300


@pytest.mark.parametrize(
    ("sign", "they", "me"),
    [
        ("Is never at home.", "They are never at home.", "I am never at home."),
        ("Isn't sure.", "They aren't sure.", "I am not sure."),
        ("Was adopted.", "They were adopted.", "I was adopted."),
        ("Wasn't told.", "They weren't told.", "I wasn't told."),
        ("Does not sleep.", "They do not sleep.", "I do not sleep."),
        ("Doesn't care.", "They don't care.", "I don't care."),
        ("Undergoes tests.", "They undergo tests.", "I undergo tests."),
        ("Lies, if asked.", "They lie, if asked.", "I lie, if asked."),
        ("Unties knots.", "They untie knots.", "I untie knots."),
        ("Aches all over.", "They ache all over.", "I ache all over."),
        ("Teaches chess.", "They teach chess.", "I teach chess."),
        ("Buzzes about.", "They buzz about.", "I buzz about."),
        ("Focuses on work.", "They focus on work.", "I focus on work."),
        ("Double-checks it.", "They double-check it.", "I double-check it."),
        ("Can't sleep.", "They can't sleep.", "I can't sleep."),
        ("Used to run.", "They used to run.", "I used to run."),
        ("Hardly ever goes out.", "They hardly ever go out.", "I hardly ever go out."),
        ("No longer trusts us.", "They no longer trust us.", "I no longer trust us."),
        ("Relies on luck.", "They rely on luck.", "I rely on luck."),
        ("Says they are ready.", "They say they are ready.", "I say I am ready."),
        ("Says they still aren't.", "They say they still aren't.", "I say I still am not."),
        ("Asks if they're odd.", "They ask if they're odd.", "I ask if I'm odd."),
        ("Asks: are they odd?", "They ask: are they odd.", "I ask: am I odd."),
        ("Fears they'd fall.", "They fear they'd fall.", "I fear I'd fall."),
        ("Fears they, too, are.", "They fear they, too, are.", "I fear I, too, am."),
        ("Knows it is theirs.", "They know it is theirs.", "I know it is mine."),
        ("Likes themselves.", "They like themselves.", "I like myself."),
        ("Wakes and walks the dog.", "They wake and walk the dog.", "I wake and walk the dog."),
        ("Cries but never asks.", "They cry but never ask.", "I cry but never ask."),
        ("Was ill and is glad.", "They were ill and they are glad.", "I was ill and I am glad."),
        ("Eats cakes and pies.", "They eat cakes and pies.", "I eat cakes and pies."),
        ("Sees who cooks and is.", "They see who cooks and is.", "I see who cooks and is."),
        ("They are tired.", "They are tired.", "I am tired."),
        ("They're tired.", "They are tired.", "I am tired."),
    ],
)  # fmt: skip
def test_signs_without_a_subject(sign: str, they: str, me: str) -> None:
    assert about_they(sign) == they
    assert about_me(sign) == me


@pytest.mark.parametrize(
    ("sign", "they", "me"),
    [
        ("I don’t trust anyone.", "They don't trust anyone.", "I don't trust anyone."),
        ("I was bullied.", "They were bullied.", "I was bullied."),
        ("I never was well.", "They never were well.", "I never was well."),
        ("I'm not well.", "They are not well.", "I am not well."),
        ("I've lost touch.", "They have lost touch.", "I have lost touch."),
        ("I'll wait.", "They will wait.", "I will wait."),
        ("I'd rather stay in.", "They would rather stay in.", "I would rather stay in."),
        ("Sometimes I cry.", "They sometimes cry.", "I sometimes cry."),
        ("i am sad.", "They are sad.", "I am sad."),
        ("I ask who I am.", "They ask who they are.", "I ask who I am."),
        ("I ask why I was odd.", "They ask why they were odd.", "I ask why I was odd."),
        ("I wonder: am I odd?", "They wonder: are they odd.", "I wonder: am I odd."),
        ("I cut myself off.", "They cut themselves off.", "I cut myself off."),
        ("I eat nuts, i.e. pips.", "They eat nuts, i.e. pips.", "I eat nuts, i.e. pips."),
    ],
)  # fmt: skip
def test_signs_in_the_first_person(sign: str, they: str, me: str) -> None:
    assert about_they(sign) == they
    assert about_me(sign) == me


@pytest.mark.parametrize(
    "sentence",
    [
        "My mates call me cold",  # another subject
        "Nobody calls",
        "There's no one left",
        "When I drink, I forget",
        "Help me get through the night",
        "Is a higher count better?",
        "My wife and I are happy",
        "We argue every day",  # more people than one
        "I live with my wife and we argue",
        "I call my sons; they never answer",  # somebody else's "they"
        "They treat me like dirt",
        "I'd rather tell you that",  # to somebody
        "I'd stopped by then",  # had or would
        "I was born here and was sent away",  # whose "was"
        "I am tired and am never at home",
    ],
)
def test_what_cannot_be_retold_for_certain_is_quoted(sentence: str) -> None:
    assert about_they(f"{sentence}.") == f"They say: “{sentence}”."
    assert about_me(f"{sentence}.") == f"I say: “{sentence}”."


def test_quotations_are_not_changed() -> None:
    sign = 'Says "I am fine, they know it" to everyone they meet.'
    assert about_they(sign) == 'They say "I am fine, they know it" to everyone they meet.'
    assert about_me(sign) == 'I say "I am fine, they know it" to everyone I meet.'


@given(
    st.lists(
        st.sampled_from(
            """They their them themselves they're they've are were aren't weren't I am was my “they
            are” Never still really no longer , . : ? walks has and but who the friend's i.e. née
            """.split()
        ),
        max_size=14,
    ).map(" ".join)
)
def test_any_mixture_of_words_is_told_by_the_person(text: str) -> None:
    told = unquoted(first_person(text))
    assert not THEY.search(told)
    assert not re.search(r"\bI (?:are|were)\b", told)
    clause(text)


@given(st.text(max_size=80))
def test_any_text_is_taken(text: str) -> None:
    clause(text)
    first_person(text)
