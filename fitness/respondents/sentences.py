"""Takes a text apart into what a reader needs: sentences about "I", and how much they are meant.

A reader compares content. Who the sentence is about is made the same everywhere ("Maria keeps…",
"They keep…" and "I keep…" must not differ), and a degree word or a negation is taken off the
content and handed over as a number, since sentence embeddings hardly see it.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from fitness.fluency import load_model
from generators.blocks.clauses import clause, first_person

LONGEST_TEXT = 20_000  # characters of a description that are read
MOST_SENTENCES = 300  # of them

_BREAK = re.compile(r"[\r\n]+|(?<=[.!?;])[\"'”’)*_]*\s+")
_ABBREVIATIONS = ("Dr.", "Mr.", "Ms.", "Mrs.", "Prof.", "St.", "e.g.", "i.e.")
_TITLES = {"dr", "mr", "ms", "mrs", "prof"}
_NUMBER = re.compile(r"^\d{1,3}[.)]\s+")
_BULLETS = " \t-–—•*"
_SAYS_SOMETHING = re.compile(r"[^\W\d_]{2}")
_WORD = re.compile(r"[^\W_]+")
_LINK = re.compile(
    r"^(?:and|but|so|also|besides|then again|at the same time|what is more|still|"
    r"however|in addition|on top of that),? ",
    re.I,
)
_SELF = re.compile(r"\bI\b|\b(?i:me|my|mine|myself)\b")
_JOINT = re.compile(
    r"[;:]\s+|,\s+(?=(?:(?:and|but|yet|so|or|whereas|while|though|although)\s+)?I\b)", re.I
)
_OWN_CLAUSE = re.compile(r"\bI\b|^(?i:(?:and |but |so |yet )?my)\b")
_SHORTEST_CLAUSE = 3  # words
# "It is false that I …", "Nobody could say that I …": whether it is affirmed or denied hangs on the
# frame, which the readers hardly see, so such a sentence says nothing.
_CLAIM = re.compile(r"^(?:it|this|there|nobody|no ?one|nothing)\b[^.;:?!]{0,80}?\bthat\b", re.I)
_SHE_HE = {
    "she": "they", "he": "they", "her": "their", "his": "their", "him": "them", "hers": "theirs",
    "herself": "themselves", "himself": "themselves", "she's": "they're", "he's": "they're",
}  # fmt: skip

# How far a statement is meant, from "not at all" (0) to "fully" (1). Everyday degree and frequency
# words; the middle of the range is deliberately coarse.
_DEGREES: dict[str, float] = {
    "never": 0.0, "not at all": 0.0, "in no way": 0.0, "by no means": 0.05,
    "almost never": 0.08, "hardly ever": 0.1, "hardly": 0.15, "barely": 0.15, "scarcely": 0.15,
    "very rarely": 0.1, "rarely": 0.15, "seldom": 0.15, "only slightly": 0.2, "slightly": 0.25,
    "a little": 0.3, "a bit": 0.3, "now and then": 0.35, "once in a while": 0.3,
    "occasionally": 0.35, "sometimes": 0.45, "somewhat": 0.5, "moderately": 0.5,
    "fairly": 0.65, "rather": 0.7, "quite": 0.7, "often": 0.75, "usually": 0.8, "mostly": 0.8,
    "more often than not": 0.7, "most weeks": 0.8, "on an ordinary day": 0.8,
    "very often": 0.9, "very": 0.95, "almost always": 0.95, "almost every day": 1.0,
    "extremely": 1.0, "always": 1.0, "completely": 1.0, "without fail": 1.0,
}  # fmt: skip
_DEGREE = re.compile(
    r"\b(?:"
    + "|".join(sorted(map(re.escape, _DEGREES), key=len, reverse=True))
    + r")\b(?! of\b),?",
    re.I,
)


# A situation in front of the main clause: "When a day goes badly, I …", "Since leaving school I …".
_SITUATION = re.compile(
    r"^(?:when|whenever|now that|if|after|since|ever since|before|while|as|on|in|at|for|although|"
    r"even if|much as|whatever|without)\b[^.,;:?!]{0,60}?,? (?=I\b)",
    re.I,
)


@dataclass(frozen=True)
class Sentence:
    """One sentence as a reader sees it.

    Attributes:
        text: content about "I", degree word taken off; what is embedded.
        degree: how far the content is meant, in [0, 1]; None where no degree word says.
    """

    text: str
    degree: float | None


def split(text: str, name: str = "") -> list[str]:
    """The distinct sentences of a description, told by "I" where they told of the persona.

    Saying a thing twice makes it no truer: a repeated sentence counts once.
    """
    text = _without_name(text[:LONGEST_TEXT], name)
    parts: list[str] = []
    for part in _BREAK.split(text):
        if parts and parts[-1].endswith(_ABBREVIATIONS):
            part = f"{parts.pop()} {part}"
        parts.append(part)
    told: dict[str, str] = {}
    for words, sentence in map(_told, parts):
        if words:
            told.setdefault(words, sentence)
    return list(told.values())[:MOST_SENTENCES]


@lru_cache(maxsize=100_000)
def _told(part: str) -> tuple[str, str]:
    """The bare words of a part of a text and its sentence, both empty where it says nothing."""
    bare = _NUMBER.sub("", part.strip(_BULLETS), count=1)
    if not _SAYS_SOMETHING.search(bare):
        return "", ""
    sentence = _own_clauses(about_i(bare))
    if _CLAIM.match(sentence):
        return "", ""
    return " ".join(_WORD.findall(sentence.lower())), sentence


def _own_clauses(sentence: str) -> str:
    """A sentence without its clauses about others, where some are about the speaker.

    What others do, which a sentence may set the speaker off from, is not the speaker's; a clause
    with "I", or one that begins with "my", is.
    """
    parts = [part.strip() for part in _JOINT.split(sentence)]
    if len(parts) == 1 or min(len(part.split()) for part in parts) < _SHORTEST_CLAUSE:
        return sentence
    own = [part for part in parts if _OWN_CLAUSE.search(part)]
    if len(own) in (0, len(parts)):
        return sentence
    kept = ", ".join(own)
    return kept[:1].upper() + kept[1:]


def _without_name(text: str, name: str) -> str:
    """The text with "She" for the persona's full or given name; who it is makes no difference."""
    words = [word for word in name.split() if word.rstrip(".").lower() not in _TITLES]
    if not words or words[0] not in text or not _is_a_name(words[0]):
        return text
    names = "|".join(map(re.escape, (name.strip(), " ".join(words), words[0])))
    return re.sub(rf"\b(?:{names})\b(?!['’]s)", "She", text)


@lru_cache(maxsize=10_000)
def _is_a_name(word: str) -> bool:
    """Whether it is no word of the language: a persona called "Never" must not lose its nevers."""
    return word[0].isupper() and not load_model().lexicon.knows(word.lower())


@lru_cache(maxsize=100_000)
def about_i(sentence: str) -> str:
    """The main clause of a sentence, about "I", without a linking word or doubled spaces."""
    bare = _LINK.sub("", " ".join(sentence.split()))
    if not _SELF.search(bare):
        if re.search(r"\b(?:she|he)\b", bare, re.I):
            bare = _about_they(bare)
        bare = first_person(bare)
    bare = _main_clause(bare)
    return bare[:1].upper() + bare[1:]


def _main_clause(sentence: str) -> str:
    """The sentence without a situation in front, unless that speaks of "me" or grades the rest."""
    found = _SITUATION.match(sentence)
    if found is None or _SELF.search(found[0]) or _DEGREE.search(found[0]):
        return sentence
    return sentence[found.end() :]


def _about_they(sentence: str) -> str:
    """A sentence about "she" or "he" as one about "they"; the verb agrees where it comes first."""
    subject = re.match(r"(?:she|he) ", sentence, re.I)
    if subject:
        told = clause(sentence[subject.end() :])
        if "“" not in told:  # else it could not be retold
            sentence = f"They {told}{'.' if sentence.endswith('.') else ''}"
    return re.sub(
        r"[A-Za-z]+(?:['’]s)?",
        lambda m: _SHE_HE.get(m[0].lower().replace("’", "'"), m[0]),
        sentence,
    )


@lru_cache(maxsize=100_000)
def graded(sentence: str) -> Sentence:
    """Takes the first degree word of the main clause off and says how far the rest is meant.

    A degree word counts only where it stands early, before or right after the subject: further on
    it mostly grades something else ("I keep very old letters").
    """
    head = " ".join(sentence.split()[:6])
    found = _DEGREE.search(head)
    if not found:
        return Sentence(sentence, None)
    degree = _DEGREES[found[0].rstrip(",").lower()]
    rest = (sentence[: found.start()] + sentence[found.end() :]).replace("  ", " ").strip()
    if len(rest.split()) < 3:
        return Sentence(sentence, None)
    return Sentence(rest[:1].upper() + rest[1:], degree)
