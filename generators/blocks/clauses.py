"""Turns a public sign into a clause about "they", and a text about "they" into one about "I".

A sign leaves its subject out ("Has dinner with friends.") or, in a user's own context, speaks in
the first person ("I have dinner with friends."). Inside a program every sentence is about "they",
since that needs one verb form for "they" and "I" alike. A sentence that cannot be retold for
certain ("My mates would notice if I went missing.") is quoted instead; no quotation is changed.
"""

import re
from collections.abc import Callable
from functools import lru_cache

_VERBS = {
    "is": "are", "isn't": "aren't", "was": "were", "wasn't": "weren't", "has": "have",
    "hasn't": "haven't", "does": "do", "doesn't": "don't", "aches": "ache", "caches": "cache",
    "axes": "axe", "shoes": "shoe", "tiptoes": "tiptoe", "focuses": "focus", "refocuses": "refocus",
    "biases": "bias", "quizzes": "quiz", "waltzes": "waltz", "unties": "untie", "belies": "belie",
}  # fmt: skip
_FIRST_TO_THEY = {
    "i": "they", "i'm": "they're", "i've": "they've", "i'd": "they'd", "i'll": "they'll",
    "me": "them", "my": "their", "mine": "theirs", "myself": "themselves",
}  # fmt: skip
_THEY_TO_FIRST = {
    "they": "I", "they're": "I'm", "they've": "I've", "they'd": "I'd", "they'll": "I'll",
    "them": "me", "their": "my", "theirs": "mine", "themselves": "myself", "themself": "myself",
}  # fmt: skip
_SPELT_OUT = {"'re": "are", "'ve": "have", "'ll": "will", "'d": "would", None: ""}

_LY = r"(?!(?:fami|re|rep|app|comp|supp|f|multip|bul|ral|tal)ly\b)\w+ly"
_ADVERB = (
    rf"(?:no longer|{_LY}|never|still|often|always|seldom|only|sometimes|almost|even|just|now"
    r"|once|also|soon|first|either|ever|again|already|then|not|both|quite|perhaps|maybe|too)"
)
_SIGN = re.compile(rf"((?:{_ADVERB},? )*)([^\W\d_][\w'-]*)(.*)", re.I | re.S)
_THEY_FIRST = re.compile(rf"(?:({_LY}|sometimes|often),? )?they('\w+)?\b ?", re.I)
# What begins like this is a whole sentence, not a verb without its subject.
_SENTENCE = re.compile(
    r"(?:the|an?|this|that|these|those|there|it|he|she|we|you|his|her|its|our|your|one|two|three"
    r"|four|five|no|none|nobody|nothing|some|somebody|someone|something|any|anybody|anyone"
    r"|anything|every|everybody|everyone|everything|each|all|most|many|few|half|more|less|others?"
    r"|such|people|friends|family|parents|children|kids|when|whenever|while|where|wherever|what"
    r"|whatever|who|whoever|how|why|if|unless|since|because|though|although|as|after|before|until"
    r"|at|on|in|by|for|from|with|within|without|to|of|yes|oh|please|let)\b(?!-)"
    r"|(?:is|was|are|were|am|has|have|do|does|did|can|could|will|would|should)\b.*\?$",
    re.I,
)
_OTHER_SUBJECT = re.compile(
    r"\b(?:who|whom|whose|which|that|what|when|where|how|why|whether|because|while|since|if"
    r"|until|unless|before|after)\b"
)
_FURTHER_VERB = re.compile(
    r"(,|\b(?:and|but|or))( (?:then|never|still|always|seldom|rarely))? "
    r"([a-z-]+s|(?:is|was|has|does)n't)\b"
    r"((?= (?:the|an?|their|them|themselves|nobody|nothing|everybody|everything|it)\b))?"
)
_QUOTED = re.compile(r'(“[^”]*”|"[^"]*")')
_WORD = re.compile(r"[A-Za-z]+(?:['’][A-Za-z]+)?(?!\.\w)")
_SELF = re.compile(r"\b(?:I|me|my|mine|myself)\b(?!\.\w)", re.I)
# Somebody else's "they"; "we" and "you"; a verb too far from its "I" to be sure of it.
_UNSURE = re.compile(
    r"\b(?:they|them|their|theirs|themselves|we|us|our|ours|ourselves|let's|you|your|yours)\b"
    rf"|(?:\band|\bbut|\bor|\bnor|\byet|\bwho|,)(?: {_ADVERB})? (?:am|was|wasn't)\b"
    rf"|\bI(?: {_ADVERB})? (?:are|were)\b|\bI'd (?!rather|sooner|like|love|prefer|hate)",
    re.I,
)
_TO_VERB = rf"((?: {_ADVERB}){{0,2}}|, [^,.;:]+,)"  # what may stand between "I" and its verb


@lru_cache(maxsize=20_000)
def clause(sign: str) -> str:
    """The sign as a clause that follows "they": no subject, no full stop, lower case."""
    sentence = re.sub("[‘’]", "'", sign.strip()).rstrip(".")
    text = sentence.rstrip(".!? ")
    plain = _QUOTED.sub("", text)
    if _SELF.search(plain):
        told = _outside_quotations(text, _about_they)
        sure = _THEY_FIRST.match(told) and not _UNSURE.search(plain)
        return _without_they(told) if sure else _quotation(sentence)
    if _THEY_FIRST.match(text):
        return _without_they(text)
    found = _SIGN.fullmatch(text)
    if found is None or _SENTENCE.match(sentence[found.start(2) :]):
        return _quotation(sentence)
    adverbs, verb, rest = found.groups()
    return adverbs.lower() + _plural(verb.lower()) + _with_further_verbs(rest)


@lru_cache(maxsize=50_000)
def first_person(text: str) -> str:
    """A text about "they" retold as one about "I"."""
    return _outside_quotations(text, _about_me)


@lru_cache(maxsize=20_000)
def of_oneself(sign: str) -> str:
    """The sign as a sentence in which somebody tells it of themselves."""
    return first_person(f"They {clause(sign)}.")


def _about_me(text: str) -> str:
    told = _swapped(text, _THEY_TO_FIRST)
    told = re.sub(rf"\bI{_TO_VERB} aren['’]t\b", r"I\1 am not", told)
    told = re.sub(rf"\bI{_TO_VERB} are\b", r"I\1 am", told)
    told = re.sub(rf"\bI{_TO_VERB} were(n['’]t)?\b", r"I\1 was\2", told)
    told = re.sub(r"\b([Aa])re I\b", r"\1m I", told)
    return re.sub(r"\b([Ww])ere(n['’]t)? I\b", r"\1as\2 I", told)


def _about_they(text: str) -> str:
    told = re.sub(r"\bam\b", "are", re.sub(r"\bAm\b", "Are", text))
    told = re.sub(rf"\bI{_TO_VERB} was(n't)?\b", r"I\1 were\2", told)
    told = re.sub(r"\b([Ww])as(n't)? I\b", r"\1ere\2 I", told)
    return _swapped(told, _FIRST_TO_THEY)


def _without_they(text: str) -> str:
    """What follows "they" in a text that begins with it, or with an adverb and "they"."""
    found = _THEY_FIRST.match(text)
    assert found is not None
    adverb, contracted = (part and part.lower() for part in found.groups())
    words = (adverb, _SPELT_OUT.get(contracted), text[found.end() :])
    return " ".join(word for word in words if word)


def _quotation(sentence: str) -> str:
    inner = re.sub('[“”"]', "'", sentence)
    return f"say: “{inner}”"


def _with_further_verbs(rest: str) -> str:
    """Puts further verbs of the person ("… and asks nobody") in the plural, where one is sure."""

    def one(match: re.Match[str]) -> str:
        joint, adverb, verb, object_ = match.groups()
        sure = adverb or object_ is not None or verb in _VERBS or verb == "goes"
        if not sure or _OTHER_SUBJECT.search(rest[: match.start()]):
            return match[0]
        being = verb in {"is", "isn't", "was", "wasn't"}  # "I … and are" would come of it
        return f"{joint}{' they' if being else ''}{adverb or ''} {_plural(verb)}"

    return _FURTHER_VERB.sub(one, rest)


def _plural(verb: str) -> str:
    """The plural of a third-person singular verb: has → have, tries → try, watches → watch."""
    if verb in _VERBS:
        return _VERBS[verb]
    if "'" in verb or not verb.endswith("s") or verb.endswith("ss"):
        return verb
    if verb.endswith("ies") and len(verb) > 4:
        return verb[:-3] + "y"
    if re.search(r"(?:ss|sh|ch|x|zz|o)es$", verb):
        return verb[:-2]
    return verb[:-1]


def _swapped(text: str, table: dict[str, str]) -> str:
    def one(match: re.Match[str]) -> str:
        word = match[0]
        new = table.get(word.lower().replace("’", "'"))
        if new is None:
            return word
        first = re.search(r"(?:^|[.!?]\s+)$", text[max(0, match.start() - 4) : match.start()])
        capital = word[0].isupper() and (first or word.lower()[:1] != "i")
        return new[0].upper() + new[1:] if capital else new

    return _WORD.sub(one, text)


def _outside_quotations(text: str, retell: Callable[[str], str]) -> str:
    parts = _QUOTED.split(text)
    return "".join(part if at % 2 else retell(part) for at, part in enumerate(parts))
