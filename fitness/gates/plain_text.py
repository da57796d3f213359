"""Checks of a text alone, whatever the context: its length, debris and language."""

import re
import unicodedata

MOST_CHARACTERS = 20_000  # of a text that are read; 2,000 words have about 12,000
FEWEST_WORDS = 8  # a name, an age and a trade are six; a description says something beyond
MOST_WORDS = 2_000  # about 2,700 tokens: what a small model's window holds beside a conversation

# Shares of the English words below: own honest texts .22 to .55, the tersest profile .16, other
# languages at most .06, noun lists 0 (see tests and benchmarks/fluency_report.py).
FEWEST_ENGLISH = 0.1
LANGUAGE_WORDS = 20  # words from which on a language is judged
FOREIGN_LETTERS = 0.3  # share of letters of other scripts than Latin's

# Frequent in English and rare in other languages that use these letters, so without "a", "in",
# "me", "no", "is", "was", "of", "we", "had", "on", "so", "am", "for", "at", "her", "he", "by".
ENGLISH = frozenset(
    "the and to that with they their them this have has it its not but are were been from his him "
    "she who which what when where why how if because about into than then there would could "
    "should cannot my your you our out up very never always every other another only just after "
    "before until without through own same some any most more much few both each two first last "
    "i i'm i've i'd don't doesn't it's isn't can't won't didn't they're she's he's nobody someone "
    "something nothing somebody does be".split()
)

_CONTROL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u2028\u2029\u202a-\u202e\u2060-\u2064"
    "\u2066-\u2069\ufeff\ufff9-\ufffd\ud800-\udfff\ue000-\uf8ff\U000e0000-\U000e007f]"
)
_DEBRIS = re.compile(
    r"""
      \bas\ an?\ (?:large\ )?(?:ai|artificial\ intelligence|language\ model)
        (?:\ (?:language\ )?(?:model|assistant))?,?\ i\b
    | \bi(?:'m|\ am)\ (?:just\ |only\ |sorry,?\ but\ i(?:'m|\ am)\ )?an?\ (?:large\ )?
        (?:ai|language\ model|virtual\ assistant)\b
    | \bi(?:'m|\ am)\ (?:sorry|afraid),?\ (?:but\ )?i\ (?:can(?:not|'t)|am\ unable|won't)\b
    | \bi\ (?:can(?:not|'t)|won't|will\ not|am\ unable\ to|am\ not\ able\ to)
        \ (?:help|assist|comply|fulfil+|provide|generate|create|produce|complete|continue)
        \ (?:you\ )?(?:with\ )?(?:that|this|your|the|such|a\ persona|personas|content)\b
    | ^\W*(?:sure|certainly|of\ course|absolutely|okay|ok|great)\b[,!.:]*\ (?:here|below)\b
    | ^\W*here\ (?:is|are)\ (?:a|the|your|an|some|\d+|five|ten)\b[^.]{0,40}\bpersonas?\b
    | \b(?:let\ me\ know\ if\ you|i\ hope\ this\ helps|feel\ free\ to\ ask)\b
    | ```|~~~|<\||\|>|</?s>|\[/?inst\]|<</?sys>>|<think>|\[(?:insert|your|name|todo|placeholder)\b
    | \{\{|\}\}|\{%|\$\{|\{[a-z_][\w.\[\]'"]*\}|%\([a-z_]+\)s|%s\b|<[a-z_]+(?:\ name)?>
    | \blorem\ ipsum\b|\b(?:system|user|assistant|human)\ ?:\ |\btodo:|\bplaceholder\b
    | ^\W*(?:none|null|nan|undefined|n/a)\W*$
    """,
    re.IGNORECASE | re.VERBOSE,
)


def bad_length(text: str) -> bool:
    """Whether a text is too short or too long to be a description."""
    if len(text) > MOST_CHARACTERS:
        return True
    return not FEWEST_WORDS <= len(text.split()) <= MOST_WORDS


def has_control_characters(text: str) -> bool:
    """Whether a text has characters that nobody sees: controls, overrides of direction, tags."""
    return not text.isprintable() and _CONTROL.search(text) is not None


def has_debris(sentence: str) -> bool:
    """Whether a sentence is what a language model or a template left behind."""
    return _DEBRIS.search(sentence.replace("’", "'")) is not None


def english_words(sentence: str) -> tuple[int, int]:
    """The number of a sentence's words, and of those that are frequent English ones."""
    words = [w.strip(".,;:!?\"()“”‘’'*-—…") for w in sentence.lower().replace("’", "'").split()]
    words = [word for word in words if word]
    return len(words), sum(word in ENGLISH for word in words)


def foreign_letters(text: str) -> float:
    """The share of the letters of a text that are not Latin."""
    if text.isascii():
        return 0.0
    letters = [c for c in unicodedata.normalize("NFKC", text) if c.isalpha()]
    foreign = sum(c > "\u024f" and not "\u1e00" <= c <= "\u1eff" for c in letters)
    return foreign / len(letters) if letters else 0.0
