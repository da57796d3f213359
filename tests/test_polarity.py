"""The trained parts of the readers: intact, used as trained, and never shown what they are tested
on."""

import json
from pathlib import Path

import numpy as np
import pytest

from evolve.config import packaged_contexts
from fitness.encoders import heads
from fitness.encoders.heads import text_digest
from fitness.respondents import polarity
from fitness.respondents.sentence_reader import pole_contents
from generators.errors import GamutError

BANK = Path(__file__).resolve().parent.parent / "benchmarks" / "axis_bank"


def hidden_texts(split: str) -> set[str]:
    return {
        text_digest(text)
        for context in packaged_contexts(split)
        for axis in context.axes
        if axis.hidden
        for text in (*axis.hidden.low, *axis.hidden.high, *(i.text for i in axis.hidden.items))
    }


@pytest.mark.parametrize("card", [polarity.CARD, heads.CARD])
@pytest.mark.parametrize("split", ["validation", "test"])
def test_no_hidden_text_of_a_held_out_context_entered_training(card: Path, split: str) -> None:
    learnt = set(json.loads(card.read_text("utf-8"))["texts"])
    assert len(learnt) > 1_000
    assert not learnt & hidden_texts(split)


@pytest.mark.parametrize("card", [polarity.CARD, heads.CARD])
def test_the_hashes_would_show_a_text_that_did(card: Path) -> None:
    learnt = set(json.loads(card.read_text("utf-8"))["texts"])
    assert len(learnt & hidden_texts("train")) > 1_000


def test_a_map_is_used_with_the_encoder_that_it_was_trained_on() -> None:
    encoders = json.loads(polarity.CARD.read_text("utf-8"))["encoders"]
    for reader, encoder in encoders.items():
        trained = polarity.polarity_map(reader, f"{encoder}/heads-x", ["I keep bees."])
        assert trained.shape == (384, 384)
        assert not np.allclose(trained, np.eye(384))
        untrained = polarity.polarity_map(reader, "another", ["I keep bees."])
        assert np.array_equal(untrained, np.eye(384))


def test_no_axis_is_read_with_a_map_that_learnt_from_it() -> None:
    card = json.loads(polarity.CARD.read_text("utf-8"))
    folds: dict[int, list[str]] = {}
    for context in packaged_contexts("train"):
        found = set()
        for axis in context.axes:
            assert axis.hidden is not None
            contents = [text for pole in pole_contents(axis.hidden) for text in pole]
            found |= {card["texts"][text_digest(text)] for text in contents}
        (fold,) = found - {None}  # a context is held out as a whole
        folds.setdefault(fold, []).append(context.id)
        for reader, encoder in card["encoders"].items():
            shipped = polarity._shipped().maps
            used = polarity.polarity_map(reader, encoder, contents)
            assert used is shipped[f"{reader}-{fold}"]
            assert polarity.polarity_map(reader, encoder, contents[:1]) is used
    assert sorted(folds) == [0, 1, 2, 3]


def test_an_axis_put_together_from_two_folds_is_read_without_a_map() -> None:
    card = json.loads(polarity.CARD.read_text("utf-8"))
    hidden = [c.axes[0].hidden for c in packaged_contexts("train")]
    told = [pole_contents(h)[0][0] for h in hidden if h is not None]
    assert {card["texts"][text_digest(text)] for text in told} >= {0, 1, 2, 3}
    for reader, encoder in card["encoders"].items():
        assert np.array_equal(polarity.polarity_map(reader, encoder, told), np.eye(384))


@pytest.mark.parametrize("damage", ["weights", "card", "gone"])
def test_damaged_maps_are_refused(
    damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights, card = tmp_path / "polarity.npz", tmp_path / "polarity.json"
    weights.write_bytes(polarity.WEIGHTS.read_bytes() + (b"x" if damage == "weights" else b""))
    card.write_text("{" if damage == "card" else polarity.CARD.read_text("utf-8"), "utf-8")
    if damage == "gone":
        weights.unlink()
    monkeypatch.setattr(polarity, "WEIGHTS", weights)
    monkeypatch.setattr(polarity, "CARD", card)
    polarity._shipped.cache_clear()
    try:
        with pytest.raises(GamutError, match="reinstall Gamut"):
            polarity.polarity_map("projection", "x", [])
    finally:
        polarity._shipped.cache_clear()


def test_the_bank_holds_whole_axes() -> None:
    files = sorted(BANK.glob("*.txt"))
    assert len(files) == 6
    for file in files:
        lines = file.read_text("utf-8").splitlines()
        marks = [line[:1] for line in lines if line]
        assert marks.count("@") == 45
        assert marks.count("-") == marks.count("+") == 45 * 12
        assert len(set(lines)) == len([line for line in lines if line]) + ("" in lines)
