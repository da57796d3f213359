"""The texts of the trained heads: what is learnt from and what is held out, natural and spoilt.

Nothing comes from validation or test contexts. A third of the phrases and frames and a quarter of
the training contexts are held out of the monitoring run; the shipped heads are trained on all.
"""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import degree_texts
from degree_texts import Behaviour, Example, Frame
from fluency_corruptions import CORRUPTIONS, Placed, Pool, bare, marked, pool_of, written
from fluency_texts import HERE, about_me, about_them

from fitness import fluency
from generators.context import Context, load_context

HELD_FRAMES, HELD_CONTEXTS = 1 / 3, 1 / 4
COMPOSED = 14_000  # sentences of behaviours in frames
COMPOSED_HELD = 5_000  # of held-out frames, and half as many of held-out contexts, once monitored
MOST_OF_CONTEXTS = 6_000  # signs and statements as they stand
KINDS = {
    "shuffled": 1.0, "one swap": 2.2, "two swaps": 1.0, "half swapped": 0.7, "one word moved": 1.0,
    "small word missing": 2.0, "content words only": 0.5, "doubled words": 0.3, "cut off": 0.4,
    "two sentences mixed": 0.5, "salad": 0.5, "noun list": 0.7, "same words": 0.2, "glued": 1.0,
    "small word doubled": 0.5, "agreement": 0.4,
}  # fmt: skip
MILD = {"agreement": 0.6}  # target of a spoilt sentence where it is not 0
_SPOILT_SHARE = {"composed": 0.5, "context": 1.2, "prose": 4.0}  # spoilt sentences a natural one
_PROSE_COPIES = 2
_IMPERSONAL = ("formal and explanatory", "places, information, plain reporting")
_PERSONAL = re.compile(r"\b(?:I|me|my|she|he|her|his|him|you|your|we|our|us)\b", re.I)
_SMALL = frozenset(
    "a an the of to in on at for with my her his their is are was has have and".split()
)


@dataclass(frozen=True)
class Held:
    """What the monitoring run does not learn from: texts of frames and ids of contexts."""

    frames: frozenset[str]
    contexts: frozenset[str]


def training_contexts(folders: Sequence[Path]) -> list[Context]:
    """The contexts of some folders, each id once, in the order of their ids."""
    found: dict[str, Context] = {}
    for folder in folders:
        for path in sorted(folder.glob("*.yaml")):
            context = load_context(path)
            found.setdefault(context.id, context)
    return [found[name] for name in sorted(found)]


def held_out(contexts: Sequence[Context], lines: Sequence[Frame], seed: int) -> Held:
    """Draws what is held out; of fronts and tails nothing is, since they change nothing."""
    rng = random.Random(seed)
    names = [context.id for context in contexts]
    kinds = ("phrase", "frame", "share", "other", "about")
    drawn: set[str] = set()
    for kind in kinds:
        texts = [line.text for line in lines if line.kind == kind]
        drawn.update(rng.sample(texts, round(HELD_FRAMES * len(texts))))
    held_contexts = rng.sample(names, max(1, round(HELD_CONTEXTS * len(names))))
    return Held(frozenset(drawn), frozenset(held_contexts))


def hidden_texts(context: Context) -> list[str]:
    """The hidden statements and items of a context."""
    hidden = [axis.hidden for axis in context.axes if axis.hidden]
    statements = [text for h in hidden for text in (*h.low, *h.high)]
    return statements + [item.text for h in hidden for item in h.items]


def of_contexts(contexts: Sequence[Context], rng: random.Random) -> list[Example]:
    """Signs as notes and about I, they, she; hidden statements and items as they are."""
    found = []
    for context in contexts:
        for axis in context.axes:
            for sign in (*axis.signs.low, *axis.signs.high):
                degree = degree_texts.plain_degree(sign)
                she = f"{rng.choice(['She', 'He', rng.choice(degree_texts.NAMES)])} "
                told = [sign, about_me(sign), about_them(sign), she + sign[0].lower() + sign[1:]]
                found += [degree_texts.as_told(text, degree, False, "sign") for text in told]
        found += [
            degree_texts.as_told(text, degree_texts.plain_degree(text), False, "statement")
            for text in hidden_texts(context)
        ]
    return found


def prose(name: str) -> list[Example]:
    """The sentences of a prose file; of the impersonal ones it is known that they are nobody's."""
    section, found = "", []
    for line in (HERE / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            section = line.strip("#- ")
            continue
        for sentence in fluency.sentences(line.replace("\\n", "\n")):
            own = None
            if sentence.startswith(("I ", "I'")):
                own = 1.0
            elif section in _IMPERSONAL and not _PERSONAL.search(sentence):
                own = 0.0
            plain = degree_texts.plain_degree(sentence)
            degree = plain if plain == 1.0 and not degree_texts.GRADED.search(sentence) else None
            found.append(Example(sentence, degree, 1.0, own, False, "prose"))
    return found


def composed(
    contexts: Sequence[Context], lines: Sequence[Frame], count: int, seed: int, held: bool = False
) -> list[Example]:
    """Behaviours of contexts in frames."""
    pool: list[Behaviour] = [b for c in contexts for b in degree_texts.behaviours(c)]
    return degree_texts.compose(pool, lines, count, random.Random(seed), held)


def training_set(
    contexts: Sequence[Context], lines: Sequence[Frame], held: Held, seed: int
) -> list[Example]:
    """What the monitoring run learns from, natural and spoilt."""
    kept = [c for c in contexts if c.id not in held.contexts]
    seen = [line for line in lines if line.text not in held.frames]
    rng = random.Random(seed)
    groups = {
        "composed": composed(kept, seen, COMPOSED, seed),
        "context": _some(of_contexts(kept, rng), rng),
        "prose": prose("fluency_prose.txt"),
    }
    return _natural_and_spoilt(groups, rng)


def rest_of_training_set(
    contexts: Sequence[Context], lines: Sequence[Frame], held: Held, seed: int
) -> list[Example]:
    """What the shipped heads learn from besides: the held-out frames and contexts."""
    late = [c for c in contexts if c.id in held.contexts]
    new = [line for line in lines if line.text in held.frames or line.kind in ("front", "tail")]
    rng = random.Random(seed)
    of_frames = composed(contexts, new, COMPOSED_HELD, seed)
    groups = {
        "composed": of_frames + composed(late, lines, COMPOSED_HELD // 2, seed + 1),
        "context": _some(of_contexts(late, rng), rng, HELD_CONTEXTS),
    }
    return _natural_and_spoilt(groups, rng)


def _some(examples: list[Example], rng: random.Random, share: float = 1.0) -> list[Example]:
    most = round(MOST_OF_CONTEXTS * share)
    return rng.sample(examples, most) if len(examples) > most else examples


def _natural_and_spoilt(groups: dict[str, list[Example]], rng: random.Random) -> list[Example]:
    examples: list[Example] = []
    pool = pool_of([e.text for part in groups.values() for e in part], lexicon())
    for kind, part in groups.items():
        examples += part * (_PROSE_COPIES if kind == "prose" else 1)
        examples += [_unmarked(e) for e in part if rng.random() < 0.15]
        share = _SPOILT_SHARE[kind]
        for example in part:
            for _ in range(int(share) + (rng.random() < share % 1)):
                bad = spoilt(example.text, rng.choices(*_weighted())[0], rng, pool)
                examples += [bad] if bad else []
    return examples


def lexicon() -> fluency.Lexicon:
    return fluency.load_model().lexicon


def _weighted() -> tuple[list[str], list[float]]:
    return list(KINDS), list(KINDS.values())


def _unmarked(example: Example) -> Example:
    """A natural sentence written as the spoilt ones are, so that marks do not give these away."""
    words = bare(example.text)
    text = written(list(zip(words, range(len(words)), strict=True)))
    return degree_texts.without_degree(Example(text, None, 1.0, None, example.held, example.source))


def spoilt(text: str, kind: str, rng: random.Random, pool: Pool) -> Example | None:
    """A sentence spoilt in one of KINDS, or None where that cannot be done."""
    words = marked(text) if rng.random() < 0.7 else bare(text)
    spoil = _OWN.get(kind) or CORRUPTIONS[kind]
    placed = spoil(words, rng, pool)
    if not placed or [word for word, _ in placed] == words:
        return None
    return Example(written(placed), None, MILD.get(kind, 0.0), None, False, kind)


def _glued(words: list[str], rng: random.Random, pool: Pool) -> Placed | None:
    """The beginning of one sentence and the end of another."""
    other = rng.choice(pool.sentences)
    if len(words) < 5 or len(other) < 5:
        return None
    first, second = rng.randint(2, len(words) - 2), rng.randint(2, len(other) - 2)
    return [(word, 0) for word in words[:first]] + [(word, -1) for word in other[second:]]


def _small_doubled(words: list[str], rng: random.Random, pool: Pool) -> Placed | None:
    small = [at for at, word in enumerate(words) if word.lower() in _SMALL]
    if not small:
        return None
    at = rng.choice(small)
    return [(word, 0) for word in (*words[: at + 1], *words[at:])]


def _agreement(words: list[str], rng: random.Random, pool: Pool) -> Placed | None:
    """ "I keeps", "she keep", "they is"."""
    for at, (subject, verb) in enumerate(pairwise(words)):
        if not verb.isalpha() or verb.endswith(("ed", "ly")):
            continue
        if subject in ("I", "they", "They") and not verb.endswith("s"):
            wrong = {"am": "is", "have": "has", "are": "is", "do": "does"}.get(verb, verb + "s")
        elif subject in ("she", "he", "She", "He") and verb.endswith("s") and verb != "was":
            wrong = {"is": "are", "has": "have", "does": "do"}.get(verb, verb[:-1])
        else:
            continue
        if pool.lexicon.of(verb)[1] in ("modal", "adv", "neg"):
            return None
        return [(word, 0) for word in (*words[: at + 1], wrong, *words[at + 2 :])]
    return None


_OWN = {"glued": _glued, "small word doubled": _small_doubled, "agreement": _agreement}
