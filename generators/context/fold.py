"""Folds sentences to bare words, so that two ways of writing one sentence look the same."""

import re
import unicodedata

Words = tuple[str, ...]

_WORD = re.compile(r"\w+(?:'\w+)*")

_SUBJECTS = {"i", "they"}
_SAME = {
    "my": "their",
    "me": "them",
    "mine": "theirs",
    "myself": "themselves",
    "themself": "themselves",
    "has": "have",
    "is": "be",
    "am": "be",
    "are": "be",
    "were": "was",
    "does": "do",
    "cannot": "can not",
    "can't": "can not",
    "won't": "will not",
    "shan't": "shall not",
}
_ENDINGS = {"n't": "not", "'ve": "have", "'m": "be", "'re": "be", "'ll": "will", "'d": "would"}

_FUNCTION_WORDS = (
    "a about after again all also always am an and any anybody anyone anything are as at away "
    "back be because been before being both but by can could did do does doing done down each "
    "even ever every everybody everyone everything few for from get gets getting go goes "
    "going got had hardly has have having he her here him his how i if in into is it its just "
    "like made make makes many may me might mine more most much must my myself never no "
    "nobody none nor not nothing now of off often on once one only or other others our out "
    "over own people rarely really same she should so some somebody someone something "
    "sometimes still such than that the their theirs them themselves then there these they "
    "thing things this those though through time times to too under until up us very was we "
    "well were what when where which while who why will with without would yet you your "
)

_NEGATION = re.compile(
    r"n't\b|"
    r"\b(?:not|never|no|nobody|nothing|none|nowhere|neither|nor|without|hardly|cannot)\b"
)
_FIRST_PERSON = {"i", "me", "my", "mine", "myself"}


def plain_words(text: str) -> Words:
    """The words of a text without case, accents, punctuation and spacing."""
    apart = unicodedata.normalize("NFKD", text).casefold().replace("’", "'").replace("‘", "'")
    return tuple(_WORD.findall("".join(c for c in apart if not unicodedata.combining(c))))


def fold(text: str) -> Words:
    """The words of a text with first and third person made (roughly) one.

    "Has dinner with their sister." and "I have dinner with my sister" fold to the same words.
    """
    folded: list[str] = []
    for word in plain_words(text):
        for part in _parts(word):
            if part not in _SUBJECTS:
                folded.append(_stem(_SAME.get(part, part)))
    return tuple(folded)


def content_words(folded: Words) -> frozenset[str]:
    """Those of the folded words that carry content."""
    return frozenset(folded) - _FUNCTION_STEMS


def has_negation(text: str) -> bool:
    """Whether a text says "not" in one of its ways."""
    return _NEGATION.search(" ".join(plain_words(text))) is not None


def is_first_person(text: str) -> bool:
    """Whether a text speaks of "I" or "me"."""
    return any(word.split("'")[0] in _FIRST_PERSON for word in plain_words(text))


def _parts(word: str) -> list[str]:
    if word in _SAME:
        return _SAME[word].split()
    for ending, meaning in _ENDINGS.items():
        if word.endswith(ending) and len(word) > len(ending):
            return [*_parts(word.removesuffix(ending)), meaning]
    return [word.removesuffix("'s")]


def _stem(word: str) -> str:
    """A verb's third person and its plain form, or a noun and its plural, as one stem."""
    if len(word) > 3 and word.endswith("s") and not word.endswith("ss"):
        word = word[:-1]
    stem = word.rstrip("e") or word
    return f"{stem[:-1]}i" if len(stem) > 1 and stem.endswith("y") else stem


_FUNCTION_STEMS = frozenset(fold(_FUNCTION_WORDS))
