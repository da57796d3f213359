"""Drafts a context with a language model: traits, their two poles, and statements of each.

What the model gives is sifted, and what is left out is counted; nothing is made up for what it does
not give. `split` then makes signs, hidden statements and items of the statements.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter, ValidationError

from generators.context.fold import is_first_person, plain_words
from generators.context.model import SCHEMA, LongText, Sentence
from generators.context.overlap import near_pairs
from generators.errors import InputError
from generators.llm import BudgetSpent, LanguageModel, LLMError, Request, chat
from generators.llm.strict import ask_strictly, list_schema

ROLE = "draft"
WISHED = 18  # statements a pole
AT_ONCE = 6  # statements asked for in one call
AXIS_CALLS = 3  # most calls for traits, repairs apart
FEWEST_WORDS, MOST_WORDS = 4, 30  # of a statement
TITLE = 80  # most characters of a title
SUBJECTS = (
    (
        "an ordinary day at home, from morning to night",
        "family, friends, neighbours and strangers",
        "work, money, errands and appointments",
        "what they ask for help with, and whom",
    ),
    (
        "what happened to them in the past year",
        "things that they own, carry, wear or keep",
        "what they think of at night, and what they do in a bad moment",
        "what other people say about them",
    ),
)  # of the first round of questions, and of the second where statements are still missing
_POLES = ("low", "high")
_GOES_ON = re.compile(r"[.!?…]\s+\w")
_TEMPERATURE = 0.8


@dataclass(frozen=True)
class _Trait:
    """A trait that the model named; its label of a pole is `labels[pole]`."""

    name: str
    labels: Mapping[str, str]
    statements: Mapping[str, list[str]] = field(default_factory=lambda: {p: [] for p in _POLES})


@dataclass(frozen=True)
class Drafted:
    """What came of a draft.

    Attributes:
        content: a context file to split, as plain data; it may have too few axes or statements.
        short: of what there is less than was wished, in words.
        dropped: what the model wrote and was left out, and answers that are missing, by reason.
    """

    content: dict[str, Any]
    short: tuple[str, ...]
    dropped: Mapping[str, int]


def draft_context(
    description: str,
    axes: int,
    model: LanguageModel,
    seed: int = 0,
    say: Callable[[str], None] = lambda _: None,
) -> Drafted:
    """A draft of a context for people who are described, on so many axes.

    `seed` takes other answers of the model. Where the budget is spent, what there is by then is the
    draft. Raises InputError for a description that no context may have, and what else
    `LanguageModel.ask_all` raises.
    """
    about = f"These people all use an AI assistant: {_described(description)}"
    dropped: Counter[str] = Counter()
    traits: list[_Trait] = []
    stopped = []
    try:
        say(f"asking for {axes} traits")
        traits = _traits(about, axes, model, seed, dropped)
        for number, trait in enumerate(traits, start=1):
            say(f"trait {number} of {len(traits)}, {trait.name}: asking for statements")
            others = [s for other in traits for pole in _POLES for s in other.statements[pole]]
            _fill(trait, others, about, model, seed, dropped)
    except BudgetSpent as error:
        stopped = [f"the rest was not asked for: {error}"]
    short = (*stopped, *_short(traits, axes))
    return Drafted(_content(description, traits), short, dict(dropped))


def _described(description: str) -> str:
    try:
        return TypeAdapter(LongText).validate_python(description)
    except ValidationError as error:
        reason = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
        raise InputError(f"the description {reason}") from None


def _traits(
    about: str, wished: int, model: LanguageModel, seed: int, dropped: Counter[str]
) -> list[_Trait]:
    """At most as many traits as wished, with different names."""
    found: dict[tuple[str, ...], _Trait] = {}
    for call in range(AXIS_CALLS):
        if len(found) >= wished:
            break
        left, names = wished - len(found), [trait.name for trait in found.values()]
        schema = list_schema("axes", left, ("name", "low_label", "high_label"))
        request = _request(_axes_question(about, left, names), 150 * wished, seed + call, schema)
        (given,) = ask_strictly(model, [request], lambda value: _entries(value, "axes"))
        if isinstance(given, LLMError):
            dropped[f"answers: {given.reason.value}"] += 1
            continue
        for entry in given:
            trait = _trait(entry)
            if trait is None:
                dropped["traits without a name and two different labels"] += 1
            elif found.setdefault(plain_words(trait.name), trait) is not trait:
                dropped["traits said again"] += 1
    return list(found.values())[:wished]


def _axes_question(about: str, count: int, names: Sequence[str]) -> str:
    others = f" They are other traits than these: {', '.join(names)}." if names else ""
    return (
        f"{about}\n\nName {count} traits on which these people differ from one another, and which"
        " matter for how an assistant should treat them. A stranger who watched somebody's days"
        " should be able to tell both ends apart. The traits are independent of one another."
        f"{others}"
        " A trait has a name of two to four words, and two labels of three to ten words: what"
        " somebody at the low end is like, and what somebody at the high end is like, in words of"
        " their own that complete “This person is …”. Answer with JSON alone:"
        ' {"axes": [{"name": …, "low_label": …, "high_label": …}, …]}'
    )


def _trait(entry: Any) -> _Trait | None:
    """The trait of an answer's entry; None where it is not one."""
    texts = [
        _sentence(entry.get(name) if isinstance(entry, dict) else None)
        for name in ("name", "low_label", "high_label")
    ]
    name, low, high = (text.rstrip(".") for text in texts)
    if not (name and low and high) or plain_words(low) == plain_words(high):
        return None
    return _Trait(name, {"low": low, "high": high})


def _sentence(given: Any) -> str:
    """A text that a context file may have, on one line; empty for anything else."""
    if not isinstance(given, str):
        return ""
    try:
        return TypeAdapter(Sentence).validate_python(" ".join(given.split()))
    except ValidationError:
        return ""


def _fill(
    trait: _Trait,
    others: Sequence[str],
    about: str,
    model: LanguageModel,
    seed: int,
    dropped: Counter[str],
) -> None:
    """Ask for statements of both poles; a second time, on other subjects, where few are good."""
    for subjects in SUBJECTS:
        poles = [pole for pole in _POLES if len(trait.statements[pole]) < WISHED]
        asked = [(pole, subject) for pole in poles for subject in subjects]
        questions = [
            _request(
                _statements_question(about, trait, pole, subject),
                60 * AT_ONCE + 100,
                seed,
                list_schema("statements", AT_ONCE),
            )
            for pole, subject in asked
        ]
        answers = ask_strictly(model, questions, lambda value: _entries(value, "statements"))
        for (pole, _), given in zip(asked, answers, strict=True):
            if isinstance(given, LLMError):
                dropped[f"answers: {given.reason.value}"] += 1
                continue
            for text in given:
                written = [*others, *trait.statements["low"], *trait.statements["high"]]
                _sift(text, trait.statements[pole], written, dropped)


def _statements_question(about: str, trait: _Trait, pole: str, subject: str) -> str:
    label = trait.labels[pole]
    other = trait.labels["high" if pole == "low" else "low"]
    kept = trait.statements[pole]
    before = "".join(f"\n- {text}" for text in kept)
    others = f"\n\nThese are written already, so write about other things:{before}" if kept else ""
    return (
        f"{about} They differ in {trait.name}: some are {other}, and some are {label}.{others}\n\n"
        f"Write {AT_ONCE} short sentences that one of these people, who is {label}, says of his or"
        f" her own life, and that nobody says who is {other}. They are about: {subject}. Each is in"
        " the first person (I, my, me), plain and concrete, has 8 to 20 words, and tells one thing"
        " that this person does or lives through, another one each time. One of them says what this"
        f" person does not do. Never use the words “{trait.name}”, “{label}” or “{other}”. Answer"
        ' with JSON alone: {"statements": [text, …]}'
    )


def _sift(text: Any, kept: list[str], written: Sequence[str], dropped: Counter[str]) -> None:
    """Keep a statement, or count why not."""
    sentence = _sentence(text)
    if sentence and not sentence.endswith((".", "!", "?", "…")):
        sentence = _sentence(f"{sentence}.")
    if not sentence or len(plain_words(sentence)) < FEWEST_WORDS:
        dropped["statements that are no sentence"] += 1
    elif len(plain_words(sentence)) > MOST_WORDS or _GOES_ON.search(sentence):
        dropped["statements that are long, or several sentences"] += 1
    elif "as an ai " in f"{sentence.lower()} ":
        dropped["statements of an AI"] += 1  # small models forget whose they are
    elif not is_first_person(sentence):
        dropped["statements not in the first person"] += 1
    elif any(near_pairs([sentence], written)):
        dropped["statements nearly the same as another"] += 1
    else:
        kept.append(sentence)


def _request(question: str, tokens: int, sample: int, schema: Mapping[str, Any]) -> Request:
    return Request(ROLE, chat(question), tokens, _TEMPERATURE, sample, json_schema=schema)


def _entries(value: Any, name: str) -> list[Any]:
    """The list in an answer. Raises ValueError where there is none, or an empty one."""
    found = value.get(name) if isinstance(value, dict) else None
    if not isinstance(found, list) or not found:
        raise ValueError(f'it should be an object with a list "{name}" that is not empty')
    return found


def _content(description: str, traits: Sequence[_Trait]) -> dict[str, Any]:
    description = description.strip()
    title = " ".join(description.split()).rstrip(".")
    if len(title) > TITLE:
        title = title[:TITLE].rsplit(" ", 1)[0] + " …"
    names: list[str] = []
    for trait in traits:
        name = stem = _identifier(trait.name, "axis")
        while name in names:
            name = f"{stem}_{len(names)}"
        names.append(name)
    return {
        "schema": SCHEMA,
        "id": _identifier(" ".join(title.split()[:5]), "context"),
        "title": title,
        "description": description,
        "axes": [
            {
                "id": name,
                "name": trait.name,
                "low_label": trait.labels["low"],
                "high_label": trait.labels["high"],
                "statements": {pole: trait.statements[pole] for pole in _POLES},
            }
            for name, trait in zip(names, traits, strict=True)
        ],
    }


def _identifier(text: str, otherwise: str) -> str:
    """The words of a text in snake_case."""
    words = re.sub(r"[^a-z0-9]+", "_", "_".join(plain_words(text))).strip("_")[:40].strip("_")
    return words if words[:1].isalpha() else f"{otherwise}_{words}".rstrip("_")


def _short(traits: Sequence[_Trait], wished: int) -> list[str]:
    """Of what there is less than was wished."""
    found = [f"{len(traits)} axes of {wished}"] if len(traits) < wished else []
    return found + [
        f"axes[{number}] {trait.name}, {pole} pole: {len(trait.statements[pole])} statements of"
        f" {WISHED}"
        for number, trait in enumerate(traits)
        for pole in _POLES
        if len(trait.statements[pole]) < WISHED
    ]
