"""Turns a public sign into a clause about "they", and a text about "they" into one about "I".

A sign leaves its subject out ("Has dinner with friends.") or, in a user's own context, speaks in
the first person ("I have dinner with friends."). Inside a program every sentence is about "they",
since that needs one verb form for "they" and "I" alike.
"""

import re
from functools import lru_cache

_VERBS = {
    "is": "are", "isn't": "aren't", "was": "were", "wasn't": "weren't", "has": "have",
    "hasn't": "haven't", "does": "do", "doesn't": "don't", "goes": "go", "aches": "ache",
}  # fmt: skip
_ADVERBS = {
    "never", "still", "often", "always", "seldom", "only", "sometimes", "almost", "even", "just",
    "now", "once", "mostly", "also", "soon", "first", "either",
}  # fmt: skip
_MODALS = {"can", "can't", "cannot", "could", "couldn't", "will", "won't", "would", "wouldn't",
           "must", "may", "might", "should", "shouldn't", "had", "did", "didn't"}  # fmt: skip
_FIRST_TO_THEY = {
    "i": "they", "i'm": "they're", "i've": "they've", "i'd": "they'd", "i'll": "they'll",
    "me": "them", "my": "their", "mine": "theirs", "myself": "themselves", "am": "are",
}  # fmt: skip
_THEY_TO_FIRST = {
    "they": "I", "they're": "I'm", "they've": "I've", "they'd": "I'd", "they'll": "I'll",
    "them": "me", "their": "my", "theirs": "mine", "themselves": "myself", "themself": "myself",
}  # fmt: skip
_WORD = re.compile(r"[A-Za-z]+(?:['’][A-Za-z]+)*")
_BETWEEN = r"(?:\w+ly|never|still|often|always|also|only|just|even|now|seldom|sometimes)"


@lru_cache(maxsize=20_000)
def clause(sign: str) -> str:
    """The sign as a clause that follows "they": no subject, no full stop, lower case."""
    text = sign.strip().rstrip(".").strip()
    if re.match(r"(?:I\b|My\b|They\b)", text):
        about_they = _swap(text, _FIRST_TO_THEY)
        about_they = re.sub(r"\b(they(?: \w+ly)?) was\b", r"\1 were", about_they, flags=re.I)
        stripped = re.sub(r"^they (?=\w)", "", about_they, flags=re.I)
        return stripped if stripped != about_they else f"say: {about_they}"
    words = text.split(" ")
    at = 0
    while at < len(words) - 1 and (words[at].lower() in _ADVERBS or words[at].endswith("ly")):
        at += 1
    words[at] = _plural(words[at].lower())
    words[0] = words[0].lower()
    return " ".join(words)


@lru_cache(maxsize=50_000)
def first_person(text: str) -> str:
    """A text about "they" retold as one about "I"."""
    told = _swap(text, _THEY_TO_FIRST)
    told = re.sub(rf"\bI((?: {_BETWEEN})?) aren't\b", r"I\1 am not", told)
    told = re.sub(rf"\bI((?: {_BETWEEN})?) are\b", r"I\1 am", told)
    return re.sub(rf"\bI((?: {_BETWEEN})?) were(n't)?\b", r"I\1 was\2", told)


def _plural(verb: str) -> str:
    """The plural of a third-person singular verb: has → have, tries → try, watches → watch."""
    if verb in _VERBS:
        return _VERBS[verb]
    if verb in _MODALS or not verb.endswith("s") or verb.endswith("ss"):
        return verb
    if verb.endswith("ies") and len(verb) > 4:
        return verb[:-3] + "y"
    if re.search(r"(?:ss|sh|ch|x|zz|o)es$", verb):
        return verb[:-2]
    return verb[:-1]


def _swap(text: str, table: dict[str, str]) -> str:
    def one(match: re.Match[str]) -> str:
        word = match[0]
        new = table.get(word.lower().replace("’", "'"))
        if new is None:
            return word
        starts = match.start() == 0 or bool(re.search(r"[.!?:]\s+$", text[: match.start()]))
        return new[0].upper() + new[1:] if starts else new

    return _WORD.sub(one, text)
