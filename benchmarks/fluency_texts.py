"""The honest texts of the fluency gate: what it is trained on, and what it is reported on."""

import hashlib
import random
import re
from pathlib import Path

from generators.context import Context, load_context

HERE = Path(__file__).parent
CONTEXTS = HERE.parent / "conf" / "contexts"
PERSONAS = 100  # of each way to tell the signs
SENTENCES = 9  # a persona

_VERBS = {"is": "are", "has": "have", "does": "do", "was": "were", "isn't": "aren't"}
_VERBS |= {"hasn't": "haven't", "doesn't": "don't", "wasn't": "weren't", "goes": "go"}
_VERB = re.compile(r"s$|n't$|^(?:can|will|would|could|may)$")
_THEY = re.compile(r"\b[Tt]he(?:y|m|ir|irs|mselves)\b")
_FIRST = {"they": "I", "them": "me", "their": "my", "theirs": "mine", "themselves": "myself"}


def read_lines(name: str) -> list[str]:
    """The lines of a text beside this script without comments; "\\n" in them is a line break."""
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    return [line.replace("\\n", "\n") for line in lines if line and not line.startswith("#")]


def contexts(split: str) -> list[Context]:
    """The contexts of one split, in the order of their names."""
    return [load_context(path) for path in sorted((CONTEXTS / split).glob("*.yaml"))]


def training_paragraphs() -> list[str]:
    """The prose, and the sentences of the training contexts, each sign told in one of four ways."""
    signs, statements = _sentences_of("train")
    told = [
        (sign, about_them(sign), about_me(sign), f"She {sign[0].lower()}{sign[1:]}")[at % 4]
        for at, sign in enumerate(signs)
    ]
    return read_lines("fluency_prose.txt") + told + statements


def digest(paragraphs: list[str]) -> str:
    """The sha256 of some paragraphs."""
    return hashlib.sha256("\n".join(paragraphs).encode()).hexdigest()


def held_out() -> dict[str, list[str]]:
    """Honest personas by source, none of them trained on."""
    rng = random.Random(7)
    signs, statements = _sentences_of("validation")

    def drawn(lines: list[str], join: str = " ") -> list[str]:
        return [join.join(rng.sample(lines, SENTENCES)) for _ in range(PERSONAS)]

    return {
        "held-out prose": read_lines("fluency_heldout.txt"),
        "validation signs about them": drawn([about_them(sign) for sign in signs]),
        "validation signs about me": drawn([about_me(sign) for sign in signs]),
        "validation signs, a line each": drawn(signs, "\n"),
        "validation statements": drawn(statements),
    }


def _sentences_of(split: str) -> tuple[list[str], list[str]]:
    """The signs, and the hidden statements and items, of the contexts of one split."""
    signs, statements = [], []
    for context in contexts(split):
        for axis in context.axes:
            signs += [*axis.signs.low, *axis.signs.high]
            if axis.hidden:
                statements += [*axis.hidden.low, *axis.hidden.high]
                statements += [item.text for item in axis.hidden.items]
    return signs, statements


def about_them(sign: str) -> str:
    """A sign with the subject "They": "Never opens letters." → "They never open letters."."""
    words = sign.split(" ")
    words[0] = words[0].lower()
    for at, word in enumerate(words[:3]):
        if _VERB.search(word) and word not in ("always", "sometimes"):
            words[at] = _plural(word)
            break
    return f"They {' '.join(words)}"


def about_me(sign: str) -> str:
    """A sign with the subject "I" and the pronouns to match."""
    told = _THEY.sub(lambda match: _FIRST[match[0].lower()], about_them(sign))
    told = re.sub(r"\b(I(?: \w+ly| never| still)?) are\b", r"\1 am", told)
    told = re.sub(r"\b(I(?: \w+ly| never| still)?) were\b", r"\1 was", told)
    return re.sub(r"(?<=[.!?] )m([ey])\b", r"M\1", told)


def _plural(verb: str) -> str:
    if verb in _VERBS:
        return _VERBS[verb]
    if verb.endswith("ies") and len(verb) > 4:
        return f"{verb[:-3]}y"
    if re.search(r"(?:ss|sh|ch|x|zz)es$", verb):
        return verb[:-2]
    return verb[:-1] if verb.endswith("s") and not verb.endswith("ss") else verb
