"""Bad personas: `gamut score` says what is wrong with them, and neither fails nor hangs."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from command_line import ELDERS, gamut, refused

PLAIN = (
    "I never touch a computer. My son reads the screen to me and writes my letters. "
    "I pay every bill with cash at the counter of the bank."
)
OTHER = (
    "Each morning she talks with her grandson by video and moves money on the tablet. "
    "A stranger who rang about a prize was put off with a laugh."
)
GERMAN = (
    "Ich lebe allein, und mein Sohn hilft mir jede Woche mit der Post. Ich habe keinen Computer, "
    "und die Rechnungen zahle ich bar am Schalter der Bank."
)
FRENCH = (
    "Je vis seule depuis la mort de mon mari, et ma fille passe chaque semaine pour le courrier. "
    "Je paie toutes mes factures en liquide au guichet de la banque."
)
JAPANESE = "私は毎日タブレットで孫と話し、電話で請求書を払います。息子が手紙を書いてくれます。"
ARABIC = "لا ألمس الحاسوب أبدا. ابني يقرأ الشاشة لي ويكتب رسائلي كل أسبوع."
LONGEST = 100_000
SECONDS = 300  # each takes a few; a pattern that goes through a text again and again, hours

Card = dict[str, Any]


def written(folder: Path, *texts: object) -> Path:
    """A file of personas with those descriptions."""
    path = folder / "mine.jsonl"
    path.write_text("".join(json.dumps({"description": t}) + "\n" for t in texts), "utf-8")
    return path


def scored(path: Path) -> Card:
    """The scorecard of a file."""
    card = json.loads(gamut("score", path, "--context", ELDERS, "--json").out)
    assert isinstance(card, dict)
    return card


def told(path: Path) -> str:
    """The scorecard of a file in words, all of which a terminal can print."""
    words = gamut("score", path, "--context", ELDERS).out
    assert words.replace("\n", "").isprintable()
    return words


def credited(card: Card) -> float:
    value = card["metrics"]["credited_combination_coverage_2"]["value"]
    assert isinstance(value, float)
    return value


@pytest.mark.parametrize(
    ("text", "gate"),
    [
        (GERMAN, "language"),
        (FRENCH, "language"),
        (JAPANESE, "language"),
        (ARABIC, "language"),
        (f"{PLAIN}\x1b[31m", "debris"),
        (f"\x1b]0;mine\x07 {PLAIN}", "debris"),
        (f"{PLAIN} \x00", "debris"),
        (f"{PLAIN} \x9b2J", "debris"),
        (f"{PLAIN} \u202egnirts\u202c", "debris"),
        (f"\u2066{PLAIN}\u2069", "debris"),
        (PLAIN.replace(" ", " \u200b", 3), "debris"),
        (f"{PLAIN} \U000e0041\U000e0042", "debris"),
        ("\x00" * 50, "debris"),
        ("\u200b\u200b", "debris"),
        ("... !!! ???", "length"),
        ("Kind.", "length"),
    ],
)
def test_what_is_wrong_is_told_in_words(text: str, gate: str, tmp_path: Path) -> None:
    *_, gates, _, verdict = told(written(tmp_path, text)).splitlines()
    assert gates.startswith("gates failed: ")
    assert f"{gate} 100%" in gates
    assert "; 0% on evidence that readers agree on" in verdict
    assert "100% of the personas fail a gate: " in verdict


def test_another_language_is_not_read_as_a_level(tmp_path: Path) -> None:
    card = scored(written(tmp_path, GERMAN, FRENCH, JAPANESE, ARABIC))
    assert card["points"] == [[None, None]] * 4
    assert "100% of the levels cannot be read from the text" in card["verdict"]


def test_one_bad_text_does_not_touch_the_others(tmp_path: Path) -> None:
    alone = scored(written(tmp_path, PLAIN, OTHER))["points"]
    bad = (GERMAN, f"{OTHER} \u202e", "x" * LONGEST)
    among = scored(written(tmp_path, PLAIN, *bad, OTHER))["points"]
    assert [among[0], among[-1]] == alone
    assert len(among) == 5


UNITS = (
    f"{PLAIN} ", "x", "a ", "a. ", ".", "x\n", '"', "“", "(", "{", "<a", "a-", "a'", "1,", "9",
    "as an ", "sure here ", "here are ", "私は", "👩\u200d👧 ", "a\u0301", "\u0301", "\x00",
    "\u202e", "_", "I am not not ", "very ", "I'm 7 out of 10 ",
)  # fmt: skip


def test_the_longest_descriptions_are_told_to_be_too_long(tmp_path: Path) -> None:
    texts = [(unit * LONGEST)[: LONGEST - 1].strip().ljust(LONGEST, ".") for unit in UNITS]
    path, began = written(tmp_path, *texts), time.monotonic()
    card, words = scored(path), told(path)
    assert time.monotonic() - began < SECONDS
    assert card["gates"]["length"] == 1
    assert credited(card) == 0
    assert "length 100%" in words
    assert len(words) < 4_000


def test_a_hundred_of_the_longest_are_scored_in_time(tmp_path: Path) -> None:
    texts = [f"{n} {f'{PLAIN} ' * 1_000}"[:LONGEST].rstrip() for n in range(100)]
    path, began = written(tmp_path, *texts), time.monotonic()
    assert scored(path)["gates"]["length"] == 1
    assert time.monotonic() - began < SECONDS


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        (" \n\t ", "is empty"),
        ("\u00a0\u2003", "is empty"),
        (None, "missing"),
        (12, "should be text, but is 12"),
        (["I am kind."], "should be text"),
        ("x" * (LONGEST + 1), "is 100,001 characters long"),
        ("I am \ud800 kind.", "half a character"),
    ],
)
def test_what_is_no_description_is_refused_with_its_line(
    text: object, said: str, tmp_path: Path
) -> None:
    path = written(tmp_path, PLAIN, text, OTHER)
    place = f"gamut: {path}: line 2: description: "
    refused("score", path, "--context", ELDERS, said=(place, said))
