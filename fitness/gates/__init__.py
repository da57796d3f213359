"""Gates: which personas of a population count, and in plain words why the others do not.

A search exploits whatever is cheap to write and read. The gates refuse what a respondent would
read as a level though no person is described: copies, stated levels, word salad, all signs at
once, debris. They judge text alone, know nothing of meaning and never null a trait point.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from fitness.fluency import fluency, is_fluent, sentences
from fitness.gates.near_duplicate import near_duplicates, runs_of
from fitness.gates.plain_text import (
    FEWEST_ENGLISH,
    FEWEST_WORDS,
    FOREIGN_LETTERS,
    LANGUAGE_WORDS,
    MOST_CHARACTERS,
    MOST_WORDS,
    bad_length,
    foreign_letters,
    has_control_characters,
)
from fitness.gates.reading import Reading, SentenceReader, reader_of
from generators.context import Context

MOST_SIGNS = 0.5  # share of a pole's signs; more of both poles at once is everything and nothing

_PLAIN = {
    "near_duplicate": "nearly the same text as an earlier persona, names aside",
    "states_score": "states a level as a number, a percentage or a label with a degree word "
    "instead of showing it",
    "not_fluent": "not fluent English: words shuffled, listed, repeated or cut off",
    "both_poles": "says most signs of both poles of one axis at once",
    "length": f"shorter than {FEWEST_WORDS} words, or longer than {MOST_WORDS:,} words or "
    f"{MOST_CHARACTERS:,} characters (what comes after those is not read)",
    "debris": "has debris of a language model or a template: refusals, prompt marks, empty "
    "fields, invisible characters",
    "language": "not in English, the readers' language",
}
_POOR = 0.5  # fluency below which a sentence is quoted as an example
_QUOTED = 80  # characters of a text in a reason


@dataclass(frozen=True)
class Gated:
    """Which personas of a population failed which gates.

    Attributes:
        failed: gate → per persona, whether it failed.
        reasons: gate → why, in words with the first such persona, for each gate that failed any.
    """

    failed: dict[str, tuple[bool, ...]]
    reasons: dict[str, str]

    @property
    def passed(self) -> tuple[bool, ...]:
        """Per persona, whether it passed every gate."""
        return tuple(not any(column) for column in zip(*self.failed.values(), strict=True))

    def shares(self) -> dict[str, float]:
        """The share of personas that failed each gate."""
        return {gate: sum(f) / len(f) if f else 0.0 for gate, f in self.failed.items()}


def apply_gates(descriptions: Sequence[str], context: Context) -> Gated:
    """Judges each description of a population; the public part of the context is enough."""
    reader = reader_of(context.public())
    read = [text[:MOST_CHARACTERS] for text in descriptions]
    readings = [[reader.read(sentence) for sentence in sentences(text)] for text in read]
    earlier = near_duplicates([runs_of([r.content for r in text]) for text in readings])
    failed = {
        "near_duplicate": tuple(other is not None for other in earlier),
        "states_score": tuple(any(r.states_level for r in text) for text in readings),
        "not_fluent": tuple(not is_fluent(text) for text in read),
        "both_poles": tuple(_both_poles(text, reader) for text in readings),
        "length": tuple(map(bad_length, descriptions)),
        "debris": tuple(
            has_control_characters(text) or any(r.debris for r in said)
            for text, said in zip(read, readings, strict=True)
        ),
        "language": tuple(
            _not_english(text, said) for text, said in zip(read, readings, strict=True)
        ),
    }
    return Gated(failed, _reasons(failed, earlier, read, readings))


def _both_poles(readings: Sequence[Reading], reader: SentenceReader) -> bool:
    said = [0] * len(reader.pole_sizes)
    for reading in readings:
        for pole, bits in enumerate(reading.signs):
            said[pole] |= bits
    most = [
        bits.bit_count() > MOST_SIGNS * size
        for bits, size in zip(said, reader.pole_sizes, strict=True)
    ]
    return any(low and high for low, high in zip(most[::2], most[1::2], strict=True))


def _not_english(text: str, readings: Sequence[Reading]) -> bool:
    if foreign_letters(text) > FOREIGN_LETTERS:
        return True
    words = sum(reading.words for reading in readings)
    english = sum(reading.english for reading in readings)
    return words >= LANGUAGE_WORDS and english < FEWEST_ENGLISH * words


def _reasons(
    failed: dict[str, tuple[bool, ...]],
    earlier: Sequence[int | None],
    texts: Sequence[str],
    readings: Sequence[Sequence[Reading]],
) -> dict[str, str]:
    """Per gate that failed anybody: what is wrong, and the first persona with it."""
    reasons = {}
    for gate, verdicts in failed.items():
        if not any(verdicts):
            continue
        first = verdicts.index(True)
        example = f"persona {first + 1}"
        if gate == "near_duplicate":
            example += f" repeats persona {(earlier[first] or 0) + 1}"
        else:
            example += _quoted(gate, texts[first], readings[first])
        reasons[gate] = f"{_PLAIN[gate]} (first: {example})"
    return reasons


def _quoted(gate: str, text: str, readings: Sequence[Reading]) -> str:
    """The first sentence that is to blame, where one is."""
    for sentence, reading in zip(sentences(text), readings, strict=True):
        blamed = {
            "states_score": reading.states_level,
            "not_fluent": fluency(sentence) < _POOR,
            "debris": reading.debris,
        }
        if blamed.get(gate):
            quote = "".join(c if c.isprintable() else " " for c in sentence)
            return f": “{quote[:_QUOTED]}{'…' if len(quote) > _QUOTED else ''}”"
    return ""
