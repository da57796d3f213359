"""Writes trait levels as text in many styles, to measure what a reader recovers from them.

Written for the benchmark and independently of all training text: the frames and phrase lists here
are read by no trained reader, so no reader may be tuned on them. A style turns the level of one
axis (0 = low pole, 1 = high pole) into sentences; `paragraph` mixes the sentences of all axes.

Content styles say the level by the share of high-pole content, without any word of degree:
  content_mix            5 or 6 signs, round(level * k) of the high pole; "I"
  content_mix_third      the same about a named person
  contrast               4 sentences, self against others; round(level * 4) have the self high
  past_vs_now            4 sentences, one pole then, the other now; round(level * 4) are high now
  biography              4 signs woven into a life with off-topic filler; round(level * 4) high
  reported               5 signs as told by people around them; round(level * 5) high
  diary                  5 clipped notes in the past tense; round(level * 5) high
  question_to_assistant  4 signs in a message that opens a chat; round(level * 4) high
Degree styles take one pole by coin flip, so content alone says nothing; the words say the degree
d = level if that pole is the high one, else 1 - level, by the nearest of the stated degrees:
  degree_adverb(_third)  two sentences with adverbs of frequency
  degree_idiom           two sentences with idioms of frequency
  negation               two frames of denial, litotes or denied doubt, often one around the label
  label_degree           two frames of extent around the label ("only a shade …")
  if_then_counts         two sentences "on n evenings out of ten", n = round(d * base)
Both poles at once:
  mixed_degree           a sign of each pole with its own adverb: level and 1 - level
  rule_and_exception     rule and exception of 0, .2, .5, .8 or 1 (nearest), poles in either order
"""

import re
from collections.abc import Callable, Sequence

import numpy as np

from generators.blocks.clauses import clause, first_person, of_oneself
from generators.context import Axis, Context
from generators.errors import InputError

Style = Callable[[Axis, float, np.random.Generator], list[str]]
Frames = tuple[tuple[str, float], ...]  # a frame about "they", and the degree that it says
STAND_IN = "Robin"  # the person's name in what a style returns; `paragraph` draws another

_THIRD = {"content_mix_third", "degree_adverb_third", "biography", "reported"}
NAMES = (
    "Adaeze Anselm Bahar Benedikt Carmen Dilnoza Edmund Farida Gwilym Hanne Ignacio Jolanta "
    "Kwabena Lorcan Mirela Noor Oskar Philippa Quentin Rukmini Soledad Tariq Ulrike Vikram Wanda"
).split()
_NUMBERS = "none one two three four five six seven eight nine ten eleven twelve".split()
# Clauses that no auxiliary or adverb may stand before ("rarely have lost", "used to never").
_STIFF = re.compile(
    r"(?:are|say:|do|can|could|never|still|only|hardly|no|not|always|often|\w+ly)\b"
    r"|have (?:\w+ed|\w+en|had|lost|kept|made|held)\b"
)
_DOUBLED = re.compile(r"[^aeiou]*[aeiou][^aeiouwxy]|(?:ad|com|per|sub)mit|(?:pre|re)fer|\w+[cv]el")
_IRREGULAR_VERBS = """
    are:was have:had do:did go:went bet:bet bring:brought buy:bought come:came cut:cut draw:drew
    drink:drank drive:drove eat:ate fall:fell feel:felt find:found flee:fled fly:flew
    forget:forgot freeze:froze get:got give:gave hang:hung hear:heard hide:hid hold:held keep:kept
    kneel:knelt lay:laid leave:left lend:lent let:let lie:lay lose:lost make:made meet:met
    pay:paid put:put quit:quit read:read rewrite:rewrote ride:rode ring:rang say:said see:saw
    seek:sought sell:sold send:sent set:set sing:sang sit:sat sleep:slept speak:spoke spend:spent
    stand:stood stick:stuck swear:swore take:took tear:tore tell:told throw:threw wake:woke
    wear:wore weep:wept withdraw:withdrew write:wrote retell:retold panic:panicked
"""
_IRREGULAR = dict(pair.split(":") for pair in _IRREGULAR_VERBS.split())


def _sentences(block: str) -> tuple[str, ...]:
    """The sentences of a block, parted by bars and line ends."""
    return tuple(part.strip() for part in re.split(r"[|\n]", block) if part.strip())


def _frames(block: str) -> Frames:
    """The frames of a block of "frame = degree"."""
    parts = (part.rsplit(" = ", 1) for part in _sentences(block))
    return tuple((f"{frame}.", float(degree)) for frame, degree in parts)


_ADVERBS = _frames("""
    They never {do} = 0 | At no time of the year do they {do} = 0 | They hardly ever {do} = 0.06
    They very seldom {do} = 0.1 | They rarely {do} = 0.14 | They only infrequently {do} = 0.2
    Occasionally they {do} = 0.27 | Now and again they {do} = 0.32 | They sometimes {do} = 0.4
    Roughly half of the time they {do} = 0.5 | As often as not they {do} = 0.5
    They fairly often {do} = 0.62 | They frequently {do} = 0.72 | They usually {do} = 0.8
    They nearly always {do} = 0.92 | They continually {do} = 0.97 | They invariably {do} = 1
""")
_IDIOMS = _frames("""
    Pigs will fly before they {do} = 0 | Not for all the tea in China would they {do} = 0
    On the thirtieth of February they {do} = 0 | Once in a blue moon they {do} = 0.06
    About as often as it snows in Cairo they {do} = 0.04 | When the planets line up they {do} = 0.1
    Every other leap year they {do} = 0.08 | Once or twice in a long season they {do} = 0.17
    If you catch them on an odd day they {do} = 0.22 | Every so often they {do} = 0.3
    In fits and starts they {do} = 0.37 | Off and on they {do} = 0.42
    It is the toss of a coin whether they {do} = 0.5
    Six of one and half a dozen of the other: they {do}, or they let it be = 0.5
    Two times in three they {do} = 0.67 | More often than not they {do} = 0.62
    Better than every second time they {do} = 0.6 | By and large they {do} = 0.76
    As sure as Monday follows Sunday, give or take a Monday, they {do} = 0.84
    Come rain or shine they {do} = 0.96 | Like clockwork they {do} = 0.93
    You could set your watch by it: they {do} = 0.95 | Day in, day out, they {do} = 0.98
    Morning, noon and night they {do} = 1 | Come hell or high water they {do} = 1
""")
_DENIALS = _frames("""
    It is simply not the case that they {do} = 0
    Nobody has yet seen the day on which they {do} = 0
    Whoever claims that they {do} has the wrong person = 0
    It would be a lie to write that they {do} = 0
    They don't make a habit of it, but it is not unheard of that they {do} = 0.22
    Not often, though not never either, they {do} = 0.2
    They can't quite deny that, on no few days, they {do} = 0.58
    Neither yes nor no would be a fair answer to whether they {do} = 0.5
    They don't {do} any more than they leave it undone = 0.5 | Not infrequently they {do} = 0.68
    It is no rarity that they {do} = 0.74 | There are not many days on which they don't {do} = 0.85
    There is no denying that they {do} = 1 | Not a week goes by in which they don't {do} = 0.95
    It cannot be doubted for one moment that they {do} = 1
""")
_LABEL_DENIALS = _frames("""
    They could not be accused of {being} = 0 | They are anything but {label} = 0
    They are far from {being} = 0.02
    Nobody in their right mind would describe them as {label} = 0
    They are not particularly {label} = 0.2 | They are neither {label} nor the reverse of it = 0.5
    It would not be wholly wrong to picture them as {label} = 0.64
    They would not quarrel with whoever called them {label} = 0.82
    They are nothing if not {label} = 1
""")
_EXTENTS = _frames("""
    They are not in the slightest {label} = 0
    They are, at the very most by a hair's breadth, {label} = 0.07
    They are only a shade {label} = 0.15 | They are, in small part, {label} = 0.22
    They are, to a limited degree, {label} = 0.32 | They are halfway towards {being} = 0.5
    They are moderately {label}, no more and no less = 0.5
    They are, for the greater part, {label} = 0.68
    They are to a considerable degree {label} = 0.77 | They are, but for a remnant, {label} = 0.9
    They are through and through {label} = 1 | They are {label} without the smallest reservation = 1
""")
_CONTRASTS = _sentences("""
    Unlike my cousin, who {one}, I {do}. | Whereas my old classmates {many}, I {do}.
    The man next door {one}; I, on the other hand, {do}. | Where somebody else would {many}, I {do}.
    I {do}, in contrast to my workmate, who {one}.
    My twin {one}, and that is where we part: I {do}.
""")
_PAST_NOW = _sentences("""
    They used to {then}; these days they {now}.
    Up to the year of the flood they {past}, but now they {now}.
    In another life, it seems, they {past}. Today they {now}.
    There was a time when they would {then}, and it is over: they {now}.
    Gone is the person who {past}; what remains are mornings when they {now}.
""")
_WOVEN = _sentences("""
    After the years on the dredger came a room above the tile shop, and there they {a} and {b}.
    By the time the second bridge was opened they had settled down: they {a}, and they {b}.
    With a lodger in the attic and a clock that runs slow, they {a}; on other days they {b}.
    Life in Harbour Lane has its own pace, in which they {a} and in which they {b}.
    That was the winter of the broken boiler, and since it ended they {a}, just as they {b}.
    Between shifts they {a}, and when the buses have stopped they {b}.
""")
_FILLER = _sentences("""
    The street has four lime trees and one of them leans.
    A great-uncle once repaired the organ in the parish church.
    From the landing one can see the crane and a strip of grey water.
    The radio on the shelf picks up two stations and a hum.
    The stairs were painted blue in the year of the eclipse.
    Pigeons nest behind the sign of the old cinema.
    In spring the tram is diverted past the cement works.
    The bicycle in the hall belonged to the tenant before. | It rained on most of that August.
    The school has since been turned into a carpet warehouse.
""")
_TOLD = _sentences("""
    Robin's sister says that they {do}. | According to the woman from the kiosk, they {do}.
    A workmate has mentioned over the photocopier that they {do}.
    As an old friend tells it, they {do}. | The landlord, asked about Robin, replies that they {do}.
    Word on the staircase is that they {do}. | Robin's godfather wrote in a letter that they {do}.
    The caretaker swears to it: they {do}. | From what an aunt let slip, they {do}.
    The boy who brings the papers thinks it funny that they {do}.
""")
_ASKED = _sentences("""
    They {do}. | You should know that they {do}. | Is it odd that they {do}?
    Does it change your answer that they {do}?
""")
_RULES = {
    0.5: _sentences("In one half of life they {rule}, in the other they {rest}."),
    0.8: _sentences("""The rule is that they {rule}; the exception is that they {rest}.
        | They {rule}, apart from the odd lapse in which they {rest}."""),
    1.0: _sentences("""The rule is that they {rule}, and it knows no exception.
        | They {rule}, and there has been no lapse from it."""),
}
_NAMING = ("Robin has lived by the canal for nine years.", "People talk about Robin.")
_GREETING = ("Hello, I have not written to a machine before.", "Good evening, bear with me.")
_CLOSING = ("What would you do in my place?", "Where would you begin?")


def _signs(axis: Axis, high: bool, count: int, rng: np.random.Generator) -> list[str]:
    """Signs of one pole, those first whose clause may follow an adverb or an auxiliary."""
    pole = axis.signs.high if high else axis.signs.low
    drawn = [pole[int(index)] for index in rng.permutation(len(pole))]
    drawn.sort(key=lambda sign: _STIFF.match(clause(sign)) is not None)
    return [drawn[at % len(drawn)] for at in range(count)]


def _pairs(axis: Axis, level: float, count: int, rng: np.random.Generator) -> list[tuple[str, str]]:
    """Pairs of a sign and one of the other pole; the first are high in round(level * count)."""
    tops = rng.permutation(count) < int(level * count + 0.5)
    low, high = _signs(axis, False, count, rng), _signs(axis, True, count, rng)
    both = zip(tops, low, high, strict=True)
    return [(up, down) if top else (down, up) for top, down, up in both]


def _mixed(axis: Axis, level: float, count: int, rng: np.random.Generator) -> list[str]:
    return [sign for sign, _ in _pairs(axis, level, count, rng)]


def _nearest(frames: Frames, degree: float, count: int, rng: np.random.Generator) -> list[str]:
    """The frames that say a degree best; near ones take turns by chance."""
    blur = rng.uniform(0, 0.05, len(frames))
    ranked = sorted(range(len(frames)), key=lambda at: abs(frames[at][1] - degree) + blur[at])
    return [frames[at][0] for at in ranked[:count]]


def _flip(level: float, rng: np.random.Generator) -> tuple[bool, float]:
    """A pole by coin flip (is it the high one?) and the degree of it that says the level."""
    high = bool(rng.random() < 0.5)
    return high, level if high else 1 - level


def _some(frames: Sequence[str], count: int, rng: np.random.Generator) -> list[str]:
    order = rng.permutation(len(frames))
    return [frames[int(order[at % len(frames)])] for at in range(count)]


def _verb_first(sign: str) -> str:
    """A sign as it follows a name: small first letter, no full stop."""
    return sign[:1].lower() + sign[1:].rstrip(".")


def _mine(sign: str) -> str:
    """A sign's clause as it follows "I"."""
    return of_oneself(sign).removeprefix("I ").removesuffix(".")


def _past(text: str) -> str:
    """A plural clause with its first verb in the past tense."""
    verb, space, rest = text.partition(" ")
    past = _IRREGULAR.get(verb, f"{verb}d" if verb.endswith("e") else f"{verb}ed")
    if re.search(r"[^aeiou]y$", verb) and verb not in _IRREGULAR:
        past = f"{verb[:-1]}ied"
    elif _DOUBLED.fullmatch(verb) and verb not in _IRREGULAR:
        past = f"{verb}{verb[-1]}ed"
    return past + space + rest


def _label_frame(frame: str, axis: Axis, high: bool) -> str:
    label = axis.high_label if high else axis.low_label
    being = label if label.split()[0].endswith("ing") else f"being {label}"
    return first_person(frame.format(label=label, being=being))


def _content(frames: Sequence[str], counts: Sequence[int], third: bool = False) -> Style:
    """A style that says the level by which pole its `counts` signs are of."""

    def style(axis: Axis, level: float, rng: np.random.Generator) -> list[str]:
        signs = _mixed(axis, level, int(rng.choice(counts)), rng)
        told = zip(_some(frames, len(signs), rng), signs, strict=True)
        texts = [frame.format(do=clause(sign), one=_verb_first(sign)) for frame, sign in told]
        return texts if third else [first_person(text) for text in texts]

    return style


def _degree(frames: Frames, third: bool = False) -> Style:
    """A style that says the level by two frames of degree around signs of one pole."""

    def style(axis: Axis, level: float, rng: np.random.Generator) -> list[str]:
        high, degree = _flip(level, rng)
        told = zip(_nearest(frames, degree, 2, rng), _signs(axis, high, 2, rng), strict=True)
        texts = [frame.format(do=clause(sign)) for frame, sign in told]
        return texts if third else [first_person(text) for text in texts]

    return style


def negation(axis: Axis, level: float, rng: np.random.Generator) -> list[str]:
    high, degree = _flip(level, rng)
    told = zip(_nearest(_DENIALS, degree, 2, rng), _signs(axis, high, 2, rng), strict=True)
    texts = [first_person(frame.format(do=clause(sign))) for frame, sign in told]
    if rng.random() < 0.6:
        frame = _nearest(_LABEL_DENIALS, degree, 1, rng)[0]
        texts.append(_label_frame(frame, axis, high))
    return texts


def label_degree(axis: Axis, level: float, rng: np.random.Generator) -> list[str]:
    high, degree = _flip(level, rng)
    return [_label_frame(frame, axis, high) for frame in _nearest(_EXTENTS, degree, 2, rng)]


def if_then_counts(axis: Axis, level: float, rng: np.random.Generator) -> list[str]:
    high, degree = _flip(level, rng)
    first, second = (_mine(sign) for sign in _signs(axis, high, 2, rng))
    one, base = str(rng.choice(["evening", "weekend"])), int(rng.choice([10, 12]))
    times, days = int(degree * base + 0.5), int(degree * 10 + 0.5)
    number = f"{_NUMBERS[times]} {one}{'s' * (times > 1)}" if times else f"not one {one}"
    often = {0: "not once", 1: "once", 2: "twice"}.get(days, f"{_NUMBERS[days]} times")
    return [
        f"On {number} out of {_NUMBERS[base]} {'I' if times else 'would I'} {first}.",
        f"If somebody looked in on ten days, {often} {'I would' if days else 'would I'} {second}.",
    ]


def contrast(axis: Axis, level: float, rng: np.random.Generator) -> list[str]:
    pairs = _pairs(axis, level, 4, rng)
    return [
        frame.format(do=_mine(own), one=_verb_first(other), many=clause(other))
        for frame, (own, other) in zip(_some(_CONTRASTS, 4, rng), pairs, strict=True)
    ]


def past_vs_now(axis: Axis, level: float, rng: np.random.Generator) -> list[str]:
    pairs = _pairs(axis, level, 4, rng)
    return [
        first_person(frame.format(then=clause(gone), past=_past(clause(gone)), now=clause(present)))
        for frame, (present, gone) in zip(_some(_PAST_NOW, 4, rng), pairs, strict=True)
    ]


def biography(axis: Axis, level: float, rng: np.random.Generator) -> list[str]:
    a, b, c, d = (clause(sign) for sign in _mixed(axis, level, 4, rng))
    first, second = _some(_WOVEN, 2, rng)
    return [first.format(a=a, b=b), second.format(a=c, b=d), *_some(_FILLER, 1, rng)]


def diary(axis: Axis, level: float, rng: np.random.Generator) -> list[str]:
    """Clipped notes without a subject; `paragraph` puts them in order and dates them."""
    return [f"{_past(_mine(sign))}." for sign in _mixed(axis, level, 5, rng)]


def mixed_degree(axis: Axis, level: float, rng: np.random.Generator) -> list[str]:
    parts = []
    for high, degree in rng.permutation([(1.0, level), (0.0, 1 - level)]):
        frame = _nearest(_ADVERBS, float(degree), 1, rng)[0]
        sign = _signs(axis, bool(high), 1, rng)[0]
        parts.append(first_person(frame.format(do=clause(sign))))
    return parts


def rule_and_exception(axis: Axis, level: float, rng: np.random.Generator) -> list[str]:
    high = level > 0.5 if level != 0.5 else bool(rng.random() < 0.5)
    degree = min(_RULES, key=lambda stated: abs(stated - max(level, 1 - level)))
    rules, rests = _signs(axis, high, 2, rng), _signs(axis, not high, 2, rng)
    frames = _some(_RULES[degree], 2, rng)
    return [
        first_person(frame.format(rule=clause(rule), rest=clause(rest)))
        for frame, rule, rest in zip(frames, rules, rests, strict=True)
    ]


STYLES: dict[str, Style] = {
    "content_mix": _content(("They {do}.",), (5, 6)),
    "content_mix_third": _content(("Robin {one}.", "They {do}.", "They {do}."), (5, 6), third=True),
    "degree_adverb": _degree(_ADVERBS),
    "degree_adverb_third": _degree(_ADVERBS, third=True),
    "degree_idiom": _degree(_IDIOMS),
    "negation": negation,
    "label_degree": label_degree,
    "if_then_counts": if_then_counts,
    "contrast": contrast,
    "past_vs_now": past_vs_now,
    "biography": biography,
    "reported": _content(_TOLD, (5,), third=True),
    "mixed_degree": mixed_degree,
    "rule_and_exception": rule_and_exception,
    "diary": diary,
    "question_to_assistant": _content(_ASKED, (4,)),
}


def paragraph(
    context: Context, levels: Sequence[float], style: str, rng: np.random.Generator
) -> str:
    """One person with a level for each axis of the context, as a description in one style."""
    if style not in STYLES:
        raise InputError(f"style: {style!r} is unknown; choose one of {', '.join(STYLES)}")
    if len(levels) != len(context.axes):
        raise InputError(f"levels: {len(levels)} for the {len(context.axes)} axes of {context.id}")
    texts = [
        text
        for axis, level in zip(context.axes, levels, strict=True)
        for text in STYLES[style](axis, float(level), rng)
    ]
    texts = [texts[int(index)] for index in rng.permutation(len(texts))]
    texts = list(dict.fromkeys(texts))  # two axes may draw the same filler
    if style == "diary":  # two notes a day
        texts = [f"{at // 2 + 1} May: {text}" for at, text in enumerate(texts)]
    elif style in _THIRD:
        texts = [*_some(_NAMING, 1, rng), *texts]
    elif style == "question_to_assistant":
        texts = [*_some(_GREETING, 1, rng), *texts, *_some(_CLOSING, 1, rng)]
    name = NAMES[int(rng.integers(len(NAMES)))]
    return re.sub(rf"\b{STAND_IN}\b", name, " ".join(texts))
