"""Tests of the fluency classifier: what it tells apart, and that no text breaks it."""

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from gate_texts import HONEST, SALAD
from hypothesis import given, settings
from hypothesis import strategies as st

from fitness import fluency
from generators.errors import GamutError

SENTENCES = [sentence for text in HONEST.values() for sentence in fluency.sentences(text)]


@pytest.mark.parametrize("kind", HONEST)
def test_honest_text_is_fluent(kind: str) -> None:
    assert fluency.is_fluent(HONEST[kind])


@pytest.mark.parametrize("kind", SALAD)
def test_salad_is_not_fluent(kind: str) -> None:
    assert not fluency.is_fluent(SALAD[kind])


def test_shuffled_sentences_score_below_honest_ones() -> None:
    rng = random.Random(3)
    honest, shuffled = [], []
    for sentence in SENTENCES:
        words = sentence.rstrip(".").lower().split()
        if len(words) > 5:
            honest.append(fluency.fluency(sentence))
            shuffled.append(fluency.fluency(" ".join(rng.sample(words, len(words))) + "."))
    assert sum(score < 0.3 for score in honest) < 0.1 * len(honest)
    assert sum(score > 0.3 for score in shuffled) < 0.1 * len(shuffled)


def test_swapped_neighbours_lower_the_score_of_a_text() -> None:
    rng = random.Random(3)
    for text in HONEST.values():
        swapped = []
        for sentence in fluency.sentences(text):
            words = sentence.split()
            for _ in range(3):
                at = rng.randrange(max(1, len(words) - 1))
                words[at : at + 2] = words[at : at + 2][::-1]
            swapped.append(" ".join(words))
        spoilt = " ".join(swapped)
        assert fluency.text_fluency(spoilt).mean < fluency.text_fluency(text).mean


def test_a_sentence_said_again_counts_as_doubtful() -> None:
    once = "They have dinner around a crowded table of friends."
    assert fluency.text_fluency(once).doubtful == 0
    assert fluency.text_fluency(f"{once} {once}").doubtful == 0.5


def test_capitals_and_apostrophes_hardly_matter() -> None:
    curly = fluency.fluency("I don’t know why I’m telling you this.")
    assert curly == fluency.fluency("I don't know why I'm telling you this.")
    assert fluency.fluency("i dont know why im telling you this") > 0.5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        (" \n ", ()),
        ("One two three. Four five six!", ("One two three.", "Four five six!")),
        ("No. Not at all.", ("No. Not at all.",)),
        ("Dr. Amari sits still. She waits and listens.", None),
        ("- has a dog at home\n- walks it at six", ("has a dog at home", "walks it at six")),
        ("He said “Stop right there.” Then he left us.", None),
    ],
)
def test_sentences(text: str, expected: tuple[str, ...] | None) -> None:
    found = fluency.sentences(text)
    assert len(found) == 2 if expected is None else found == expected


def test_a_run_without_stops_is_read_in_pieces() -> None:
    pieces = fluency.sentences("and on " * 500)
    assert max(len(piece.split()) for piece in pieces) <= fluency.LONGEST


@given(st.text(max_size=400))
@settings(max_examples=150, deadline=None)
def test_any_text_has_a_fluency(text: str) -> None:
    for sentence in fluency.sentences(text):
        assert 0 <= fluency.fluency(sentence) <= 1
    read = fluency.text_fluency(text)
    assert 0 <= read.mean <= 1
    assert 0 <= read.doubtful <= 1


@given(st.lists(st.sampled_from(SENTENCES), min_size=1, max_size=6))
@settings(max_examples=50, deadline=None)
def test_sentences_lose_no_word(chosen: list[str]) -> None:
    text = " ".join(chosen)
    assert " ".join(fluency.sentences(text)).split() == text.split()


def test_known_words_include_their_inflected_forms() -> None:
    lexicon = fluency.load_model().lexicon
    assert lexicon.knows("keeps")
    assert lexicon.knows("parties")
    assert not lexicon.knows("wanjiru")
    assert lexicon.of("the") == ("the", "det")
    assert lexicon.of("eighty-two") == ("hy-num", "hy")


@pytest.fixture
def fresh_model() -> Iterator[None]:
    fluency.load_model.cache_clear()
    yield
    fluency.load_model.cache_clear()


@pytest.mark.usefixtures("fresh_model")
def test_damaged_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = json.loads(fluency.WEIGHTS.read_text(encoding="utf-8"))
    content["intercept"] += 1
    damaged = tmp_path / "fluency.json"
    damaged.write_text(json.dumps(content), encoding="utf-8")
    monkeypatch.setattr(fluency, "WEIGHTS", damaged)
    with pytest.raises(GamutError, match="damaged"):
        fluency.load_model()


def test_the_weights_are_small_and_say_where_they_are_from() -> None:
    content = json.loads(fluency.WEIGHTS.read_text(encoding="utf-8"))
    assert fluency.WEIGHTS.stat().st_size < 300_000
    assert isinstance(content["seed"], int)
    assert "prose" in content["training"]
    assert len(content["training_sha256"]) == 64
