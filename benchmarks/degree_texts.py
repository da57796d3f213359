"""Composes the training text of the trained heads: behaviours told in frames of known degree.

A behaviour (a sign or item of a training context without any negation of its own) is put into a
phrase or a frame of `degree_phrases.txt`, told of the persona or of somebody else. So how far it is
meant, and of whom it is told, is known by construction.
"""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from fluency_texts import read_lines

from generators.blocks.clauses import clause, first_person
from generators.context import Context

LISTS = ("degree_phrases.txt", "degree_frames.txt")
NEGATIVE = re.compile(
    r"\b(?:not?|never|nobody|nothing|none|nowhere|neither|nor|cannot|hardly|barely|scarcely|rarely"
    r"|seldom|without|stops?|stopped|quits?|gives? up|gave up|given up|refuses?|unable|no longer"
    r"|used to|sometimes|occasionally|only|few|little|instead)\b|n['’]t\b",
    re.I,
)
_WORDS = {
    "never": 0.0, "hardly ever": 0.1, "hardly": 0.15, "barely": 0.15, "scarcely": 0.15,
    "rarely": 0.15, "seldom": 0.15, "occasionally": 0.35, "sometimes": 0.45, "often": 0.75,
    "usually": 0.8, "mostly": 0.8, "always": 1.0, "still": 1.0, "somewhat": 0.5, "fairly": 0.65,
    "quite": 0.7, "rather": 0.7, "now and then": 0.35, "once in a while": 0.3,
}  # fmt: skip
GRADED = re.compile(rf"\b(?:{'|'.join(_WORDS)})\b(?! than\b)", re.I)
_HEAD_NEGATION = re.compile(
    r"^(?:I |They |She |He )?(?:\w+ly )?(?:never|(?:do|does|did|have|has|had|will|would|could|can"
    r"|am|is|are|was|wo|ca)(?: not\b|n['’]t\b)|cannot\b|no longer\b)",
    re.I,
)
_SINGULAR = {"are": "is", "have": "has", "do": "does", "were": "was", "go": "goes"}
_MODALS = ("can", "could", "would", "will", "might", "may", "must", "should")
_NO_VERBS = ("were", "was", "still", "always", "also", "even", "just")
_FORMS = {
    "I": ("I", "me", "my", "myself"),
    "she": ("she", "her", "her", "herself"),
    "he": ("he", "him", "his", "himself"),
    "they": ("they", "them", "their", "themselves"),
}
NAMES = (
    "Maria Tom Aisha Elif Jonas Kofi Priya Hanna Marek Lucía Dmitri Wen Chloe Samuel Ingrid Omar "
    "Beatriz Nadia Piotr Yuki Harold Zanele Gregor Mina"
).split()


@dataclass(frozen=True)
class Behaviour:
    """What somebody does, as a clause about "they" without its subject."""

    words: str
    origin: str  # the text it comes from


@dataclass(frozen=True)
class Frame:
    """A line of the phrase list.

    Attributes:
        kind: phrase, frame, share, front, tail, other or about.
        degree: how far it lets a sentence be meant; None where that is not its matter.
        places: where a phrase may stand; the pronoun of an "other".
        text: the words, with slots.
    """

    kind: str
    degree: float | None
    places: str
    text: str


@dataclass(frozen=True)
class Subject:
    """Who a sentence is about: a noun, its pronoun, and whether this is the persona."""

    noun: str
    pronoun: str
    own: bool


@dataclass(frozen=True)
class Example:
    """A sentence with what is known of it; None is unknown and not learnt from.

    Attributes:
        text: the sentence.
        degree, well_formed, own: the three targets, in [0, 1].
        held: whether a held-out frame or context stands behind it.
        source: what it was made from, for the report.
    """

    text: str
    degree: float | None
    well_formed: float
    own: float | None
    held: bool
    source: str


def frames() -> list[Frame]:
    """The lines of the phrase list."""
    found = []
    for line in (line for name in LISTS for line in read_lines(name)):
        head, text = line.split(" | ", 1)
        kind, *rest = head.split()
        degree = float(rest.pop(0)) if kind in ("phrase", "frame") else None
        found.append(Frame(kind, degree, rest[0] if rest else "", text))
    return found


def chosen(text: str, rng: random.Random) -> str:
    """One wording of a line that offers several, as in "(a|b) {S} {vp}."."""
    return re.sub(r"\(([^()]*\|[^()]*)\)", lambda m: rng.choice(m[1].split("|")), text)


def behaviours(context: Context) -> list[Behaviour]:
    """The signs and items of a context that can be told in any frame: no negation, a plain verb."""
    found = []
    for axis in context.axes:
        texts = [*axis.signs.low, *axis.signs.high]
        texts += [item.text for item in axis.hidden.items] if axis.hidden else []
        for text in texts:
            words = clause(text)
            head = words.split(" ", 1)[0]
            graded = GRADED.search(" ".join(words.split()[:4]))
            plain = head.isalpha() and not head.endswith(("ly", "ed")) and head not in _MODALS
            plain = plain and head not in _NO_VERBS and "“" not in words
            if plain and not graded and not NEGATIVE.search(words):
                found.append(Behaviour(words, text))
    return found


def infinitive(words: str) -> str:
    """The clause as an infinitive without "to"."""
    head, _, rest = words.partition(" ")
    return f"{'be' if head == 'are' else head} {rest}".strip()


def gerund(words: str) -> str:
    """The clause as a gerund: "keep receipts" → "keeping receipts"."""
    head, _, rest = words.partition(" ")
    if head == "are":
        head = "be"
    if head.endswith("ie"):
        stem = head[:-2] + "y"
    elif head.endswith("e") and not head.endswith(("ee", "oe", "ye")) and len(head) > 2:
        stem = head[:-1]
    elif re.fullmatch(r"[^aeiou]*(?:qu)?[aeiou][^aeiouwxy]", head) or head in _DOUBLING:
        stem = head + head[-1]
    else:
        stem = head
    return f"{stem}ing {rest}".strip()


_DOUBLING = {"admit", "prefer", "refer", "begin", "forget", "regret", "commit", "submit", "upset"}
_DOUBLING |= {"travel", "cancel", "quarrel", "signal", "control", "program", "equip", "unplug"}


def singular(words: str) -> str:
    """The clause with its first verb in the third person singular."""
    head, _, rest = words.partition(" ")
    return f"{_third(head)} {rest}".strip()


def _third(verb: str) -> str:
    if verb in _SINGULAR:
        return _SINGULAR[verb]
    if verb.endswith("y") and verb[-2:-1] not in "aeiou":
        return f"{verb[:-1]}ies"
    return f"{verb}es" if verb.endswith(("s", "sh", "ch", "x", "z", "o")) else f"{verb}s"


def pronouned(words: str, pronoun: str) -> str:
    """A clause about "they" with the pronouns of somebody else."""
    if pronoun == "they":
        return words
    if pronoun == "I":
        return first_person(f"They {words}").partition(" ")[2]
    subject, object_, possessive, reflexive = _FORMS[pronoun]

    def clause_of(match: re.Match[str]) -> str:
        adverb, verb = match[1] or "", match[2]
        keeps = verb in _MODALS or verb.endswith(("ed", "n't")) or verb in _PASTS
        return f"{subject} {adverb}{verb if keeps else _third(verb)}"

    told = re.sub(r"\bthey (\w+ly |never |still )?([a-z]+)\b", clause_of, words)
    told = re.sub(r"\btheirs\b", "his" if pronoun == "he" else "hers", told)
    told = re.sub(r"\btheir\b", possessive, told)
    told = re.sub(r"\bthemselves\b", reflexive, told)
    return re.sub(r"\bthem\b", object_, told)


_PASTS = {"had", "did", "knew", "said", "went", "came", "made", "took", "felt", "got", "saw", "sat"}
_PASTS |= {"lost", "grew", "left", "thought", "bought", "kept", "found", "told", "read", "put"}


def told(frame: str, behaviour: Behaviour, subject: Subject, me: str = "me") -> str:
    """A frame filled; `me` is how a frame about somebody else calls the persona."""
    pronoun = subject.pronoun
    third = pronoun in ("she", "he")
    nominative, object_, possessive, reflexive = _FORMS[pronoun]
    words = behaviour.words
    told = pronouned(words, pronoun)
    filled = frame.format(
        S=subject.noun, p=nominative, o=object_, m=possessive, r=reflexive, me=me,
        vp=pronouned(singular(words), pronoun) if third else told,
        inf=infinitive(pronouned(words, pronoun) if pronoun != "I" else _as_i(words)),
        ing=gerund(words) if pronoun == "they" else pronouned_tail(gerund(words), pronoun),
        infp=infinitive(words),
        do="does" if third else "do", am={"I": "am", "they": "are"}.get(pronoun, "is"),
        have="has" if third else "have", was="were" if pronoun == "they" else "was",
        s="s" if third else "", es="es" if third else "",
    )  # fmt: skip
    return filled[:1].upper() + filled[1:]


def _as_i(words: str) -> str:
    """The clause about "I" with the infinitive "be" where "am" would stand."""
    head, _, rest = words.partition(" ")
    return f"{'be' if head == 'are' else head} {pronouned_tail(rest, 'I')}"


def pronouned_tail(words: str, pronoun: str) -> str:
    """Words after the verb with somebody's pronouns."""
    if pronoun == "I":
        return first_person(f"{words}")
    return pronouned(words, pronoun)


def with_phrase(phrase: Frame, place: str, rng: random.Random) -> str:
    """A phrase as a frame: in front, before the verb or at the end."""
    if place == "m":
        return f"{{S}} {phrase.text} {{vp}}."
    if place == "f":
        return f"{phrase.text}{rng.choice([',', ''])} {{S}} {{vp}}."
    return f"{{S}} {{vp}}{rng.choice([',', '', ''])} {phrase.text}."


def share(text: str, rng: random.Random) -> tuple[str, float]:
    """A phrase with a number in it, and its degree."""
    n = rng.randint(0, 10)
    tens = min(100, max(1, n * 10 + rng.randint(-4, 4)))
    word = "no one two three four five six seven eight nine ten".split()[n]
    filled = text.replace("{n10}", str(tens)).replace("{n}", word if rng.random() < 0.6 else str(n))
    return filled, tens / 100 if "{n10}" in text else n / 10


def surrounded(frame: str, front: Frame | None, tail: Frame | None) -> str:
    """A frame with a neutral situation in front and a neutral tail."""
    if front and not frame.startswith("{ing}"):
        rest = frame if frame.startswith(("I ", "{")) else frame[:1].lower() + frame[1:]
        frame = f"{front.text} {rest}"
    if tail and frame.endswith("{vp}."):
        frame = f"{frame[:-1]}{tail.text if tail.text.startswith(',') else ' ' + tail.text}."
    return frame


_CONTRACTED = (
    (r"\b(do|does|did|would|could|is|are|was|has|have) not\b", r"\1n't"), (r"\bcannot\b", "can't"),
    (r"\bwill not\b", "won't"), (r"\bI am\b", "I'm"), (r"\bI have (not|never|no)\b", r"I've \1"),
    (r"\bI would\b", "I'd"), (r"\bIt is\b", "It's"), (r"\bthere is\b", "there's"),
)  # fmt: skip


def contracted(text: str) -> str:
    """The sentence as it is spoken."""
    for pattern, spoken in _CONTRACTED:
        text = re.sub(pattern, spoken, text)
    return text


def subject_of_persona(rng: random.Random) -> Subject:
    """The persona: mostly "I", since that is how a reader tells sentences."""
    draw = rng.random()
    if draw < 0.6:
        return Subject("I", "I", True)
    pronoun = rng.choice(["she", "he", "they"])
    if draw < 0.85 or pronoun == "they":
        return Subject(pronoun, pronoun, True)
    return Subject(rng.choice(NAMES), pronoun, True)


def plain_degree(text: str) -> float | None:
    """The degree of a sentence as it stands in a context; None where it is not certain."""
    if _HEAD_NEGATION.match(text):
        return 0.0
    found = GRADED.match(re.sub(r"^(?:I|They|She|He) ", "", text))
    if found:
        return _WORDS[found[0].lower()]
    return None if NEGATIVE.search(text) else 1.0


def compose(
    pool: Sequence[Behaviour],
    lines: Sequence[Frame],
    count: int,
    rng: random.Random,
    held: bool,
) -> list[Example]:
    """Sentences of behaviours in frames, with degree and whose they are."""
    kinds = {kind: [f for f in lines if f.kind == kind] for kind in sorted({f.kind for f in lines})}
    made = []
    while len(made) < count:
        behaviour, draw = rng.choice(pool), rng.random()
        subject = subject_of_persona(rng)
        if draw < 0.12 and kinds.get("about"):
            made.append(_about(behaviour, kinds, rng, held))
            continue
        if draw < 0.27 and kinds.get("other"):
            other = rng.choice(kinds["other"])
            subject = Subject(other.text, other.places, False)
        frame, degree, source = _graded(kinds, rng)
        frame = chosen(frame, rng)
        if subject.own and subject.pronoun != "I" and re.search(r"\bI\b", frame):
            subject = Subject("I", "I", True)
        front = rng.choice(kinds["front"]) if rng.random() < 0.25 else None
        tail = rng.choice(kinds["tail"]) if rng.random() < 0.2 else None
        text = told(surrounded(frame, front, tail), behaviour, subject)
        text = contracted(text) if rng.random() < 0.4 else text
        if text.startswith("I ") and rng.random() < 0.05:
            text = text[2:3].upper() + text[3:]
        made.append(Example(text, degree, 1.0, float(subject.own), held, source))
    return made


def _graded(kinds: dict[str, list[Frame]], rng: random.Random) -> tuple[str, float, str]:
    draw = rng.random()
    if draw < 0.08 and kinds.get("share"):
        phrase, degree = share(rng.choice(kinds["share"]).text, rng)
        line = Frame("share", degree, "fe", phrase)
        return with_phrase(line, rng.choice("fe"), rng), degree, "share"
    if draw < 0.43 and kinds.get("phrase"):
        line = rng.choice(kinds["phrase"])
        assert line.degree is not None
        return with_phrase(line, rng.choice(line.places), rng), line.degree, line.text
    if draw < 0.53:
        return "{S} {vp}.", 1.0, "plain"
    line = rng.choice(kinds["frame"])
    assert line.degree is not None
    return line.text, line.degree, line.text


def _about(
    behaviour: Behaviour, kinds: dict[str, list[Frame]], rng: random.Random, held: bool
) -> Example:
    """A sentence in which somebody else does it, the persona being named or not."""
    other, line = rng.choice(kinds["other"]), rng.choice(kinds["about"])
    me = rng.choice(["me", "me", "me", "her", "him", rng.choice(NAMES)])
    text = told(line.text, behaviour, Subject(other.text, other.places, False), me)
    denied = "{me}" in line.text
    return Example(text, 0.1 if denied else None, 1.0, 0.0, held, line.text)


def as_told(text: str, degree: float | None, held: bool, source: str) -> Example:
    """A sentence of a context as it stands; it speaks of the persona."""
    return Example(text, degree, 1.0, 1.0, held, source)


def without_degree(example: Example) -> Example:
    """The same for learning well-formedness only."""
    return replace(example, degree=None, own=None)
