"""Turns a public sign into a clause about "they", and a text about "they" into one about "I".

A sign leaves its subject out ("Has dinner with friends.") or, in a user's own context, speaks in
the first person ("I have dinner with friends."). Inside a program every sentence is about "they",
since that needs one verb form for "they" and "I" alike. What cannot be retold for certain ("My
mates and I would notice if they called.") is quoted instead, and a quotation is never changed.
"""

import re
from functools import lru_cache

_VERBS = {
    "is": "are", "isn't": "aren't", "was": "were", "wasn't": "weren't", "has": "have",
    "hasn't": "haven't", "does": "do", "doesn't": "don't", "aches": "ache", "caches": "cache",
    "axes": "axe", "hoes": "hoe", "shoes": "shoe", "toes": "toe", "tiptoes": "tiptoe",
    "canoes": "canoe", "focuses": "focus", "refocuses": "refocus", "biases": "bias",
    "gases": "gas", "buses": "bus", "quizzes": "quiz", "waltzes": "waltz", "blitzes": "blitz",
    "unties": "untie", "belies": "belie", "underlies": "underlie",
}  # fmt: skip
_LY = r"(?!family|rely|reply|apply|comply|supply|fly|multiply|bully|rally|tally)\w+ly"
_ADVERB = (
    rf"(?:{_LY}|never|still|often|always|seldom|only|sometimes|almost|even|just|now|once|also"
    r"|soon|first|either|ever|again|already|then|not|no longer|quite|perhaps|maybe|too)"
)
# Words that a sign without a subject does not begin with: what follows them is a whole sentence.
_SENTENCE = re.compile(
    r"(?:the|an?|this|that|these|those|there|it|he|she|we|you|his|her|its|our|your|one|no|nobody"
    r"|none|nothing|no[- ]one|some|somebody|someone|something|any|anybody|anyone|anything|every"
    r"|everybody|everyone|everything|each|all|both|most|many|few|half|more|less|other|others|such"
    r"|people|friends|family|parents|children|kids|neighbours|colleagues|when|whenever|while"
    r"|where|wherever|what|whatever|who|whoever|how|why|if|unless|since|because|although|though"
    r"|as|after|before|until|at|on|in|by|for|from|with|without|to|of|yes|oh|please|let)\b(?!-)",
    re.I,
)
_FIRST_TO_THEY = {
    "i": "they", "i'm": "they're", "i've": "they've", "i'd": "they'd", "i'll": "they'll",
    "me": "them", "my": "their", "mine": "theirs", "myself": "themselves",
}  # fmt: skip
_THEY_TO_FIRST = {
    "they": "I", "they're": "I'm", "they've": "I've", "they'd": "I'd", "they'll": "I'll",
    "them": "me", "their": "my", "theirs": "mine", "themselves": "myself", "themself": "myself",
}  # fmt: skip
_FULL = {"'m": " am", "'ve": " have", "'ll": " will", "'d": " would"}
_QUOTED = r'“[^”]*”|"[^"]*"'
_TOKEN = re.compile(rf"{_QUOTED}|[A-Za-z]+(?:'[A-Za-z]+)*")
_SELF = re.compile(r"\b(?:I|me|my|mine|myself)\b")
# Whose "they" or "was" is it? Or it speaks of more people than one, or to somebody.
_UNSURE = re.compile(
    r"\b(?:they|them|their|theirs|themselves|we|us|our|ours|ourselves|let's|you|your|yours)\b"
    rf"|(?:\band|\bbut|\bor|\bnor|\byet|\bthen|,)(?: {_ADVERB})? wasn?\b"
    r"|\bI(?: \w+ly)? (?:are|were)|\band I\b(?= \w+)|\bI and\b",
    re.I,
)
_RETOLD = rf"\bI((?: {_ADVERB}){{0,2}}|, [^,.;:]+,)"  # "I", and what may stand before its verb
_COORDINATED = re.compile(
    rf"(?P<before>,|\b(?:and|but|or)(?: then)?)(?P<adverb> {_ADVERB})? (?P<verb>[a-z']+s|\w+n't)\b"
    r"(?P<after>(?= (?:the|an?|their|them|themselves|nobody|nothing|everybody|everything|it)\b)?)"
)
_OTHER_SUBJECT = re.compile(
    r"\b(?:who|whom|whose|which|that|what|whatever|when|whenever|where|wherever|how|why|whether"
    r"|because|while|since|as|if|until|unless|before|after|so)\b"
)
_SURE_VERBS = {"is", "isn't", "was", "wasn't", "has", "hasn't", "does", "doesn't", "goes"}


@lru_cache(maxsize=20_000)
def clause(sign: str) -> str:
    """The sign as a clause that follows "they": no subject, no full stop, lower case.

    A first-person sentence comes back word for word from `first_person`, contractions apart.
    """
    text = re.sub(r"[‘’]", "'", sign.strip()).rstrip(".").strip()
    plain = re.sub(_QUOTED, "", text)
    if not _SELF.search(plain) and not re.match(r"they\b", text, re.I):
        return _quoted(text) if _SENTENCE.match(text) else _without_subject(text)
    if re.match(r"they\b", text, re.I) and not _SELF.search(plain):
        return _lower_start(re.sub(r"^they(?:'re\b)?", lambda m: "are" if "'" in m[0] else "", text, flags=re.I).strip())
    return text
