"""Baselines that ask a language model for a population, as is common today.

They are our own code and run in our own process, but like programs they are given the public view
of a context alone. `one_shot_list` is told whom the users are and no trait, `name_only` keeps their
names alone, `formative_memories` goes two stages, after the baseline of the paper "Persona
Generators" (arXiv 2602.03545): a list of sketches that vary on the traits, then memories of each.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import ValidationError

from generators.context import Context, public_view
from generators.context.fold import plain_words
from generators.errors import GamutError, InputError
from generators.llm import LanguageModel, LLMError, Request, chat
from generators.llm.strict import ask_strictly, list_schema
from generators.persona import Persona

ROLE = "baseline"
AT_ONCE = 25  # people asked for in one call
NAMED = 100  # of those written so far, named in the next call
FRUITLESS = 3  # calls in a row without anybody new, after which the rest is given up
MEMORIES = 4  # asked for
FEWEST_MEMORIES = 2
_MEMORY_TOKENS = 130
_PROMPT = 1024  # tokens of a model's context that are left to the prompt
_CONTEXT = 8192  # tokens of a model's context where the server does not say

Say = Callable[[str], None]


def _silent(_: str) -> None:
    """Says nothing of how far it is."""


class Shortfall(GamutError):  # noqa: N818
    """The model wrote fewer people than were asked for. They are never made up by copies."""


@dataclass(frozen=True)
class _Listing:
    """A question for a list of people.

    Attributes:
        wanted: what is asked for, after "Give me N".
        fields: what each of them has, with words for the model; the last is what tells them apart.
        tokens: that one of them takes at most.
    """

    wanted: str
    fields: Mapping[str, str]
    tokens: int

    @property
    def telling(self) -> str:
        """The field that tells people apart."""
        return list(self.fields)[-1]

    def question(self, about: str, count: int, names: Sequence[str]) -> str:
        """What the model is asked, after those of `names`."""
        form = ", ".join(f'"{field}": {words}' for field, words in self.fields.items())
        others = f"\n\nYou gave me these already: {', '.join(names)}." if names else ""
        more = " more" if names else ""
        return (
            f"{about}{others}\n\nGive me {count}{more} {self.wanted}. Answer with JSON alone, an"
            f' object with a list of {count}: {{"users": [{{{form}}}, …]}}'
        )

    def read(self, value: Any) -> list[dict[str, str]]:
        """The people of an answer, those that cannot be used as empty mappings.

        Raises ValueError where there is no list, or none of them can be used.
        """
        users = value.get("users") if isinstance(value, dict) else None
        if not isinstance(users, list):
            raise ValueError('it should be an object with a list "users"')
        found = [self._user(user) for user in users]
        if not any(found):
            each = " and ".join(f'"{field}"' for field in self.fields)
            raise ValueError(f'"users" should be a list of objects with {each}, texts with words')
        return found

    def _user(self, user: Any) -> dict[str, str]:
        if not isinstance(user, dict):
            return {}
        given = {field: user.get(field) for field in self.fields}
        texts = {f: text.strip() for f, text in given.items() if isinstance(text, str)}
        if len(texts) < len(given) or not all(plain_words(text) for text in texts.values()):
            return {}
        try:
            Persona(id="p", name=texts["name"], description=texts[self.telling])
        except ValidationError:
            return {}
        return texts


_NAME = "first and last name"
_USERS = _Listing(
    "diverse users",
    {"name": _NAME, "description": "two or three sentences about this person"},
    120,
)
_NAMES = _Listing("diverse users, by name alone", {"name": _NAME}, 25)
_SKETCHES = _Listing(
    "fictional people who differ on these traits as much as can be: among them should be every"
    " combination of low, middle and high positions, the rare ones too",
    {"name": _NAME, "sketch": "one or two sentences that place this person on every trait"},
    100,
)


def one_shot_list(
    view: Mapping[str, Any], n: int, seed: int, model: LanguageModel, say: Say = _silent
) -> list[Persona]:
    """n personas from one question, "give me n diverse users", with nothing said of traits.

    At most `AT_ONCE` are asked for in a call, fewer where the model's context is short or an answer
    could not be used. Where fewer come, the rest is asked for in more calls. `view`: the payload of
    a public view; `say` is told how far it is. Raises Shortfall where too few are written, and what
    `LanguageModel.ask_all` raises.
    """
    users = _listed(_USERS, _about(view), n, seed, model, "one_shot_list", say)
    return [_persona(i, u["name"], u["description"]) for i, u in enumerate(users)]


def name_only(
    view: Mapping[str, Any], n: int, seed: int, model: LanguageModel, say: Say = _silent
) -> list[Persona]:
    """n personas who are a name that the model gave and nothing else. As `one_shot_list`."""
    users = _listed(_NAMES, _about(view), n, seed, model, "name_only", say)
    return [_persona(i, u["name"], f"{u['name']}.") for i, u in enumerate(users)]


def formative_memories(
    view: Mapping[str, Any], n: int, seed: int, model: LanguageModel, say: Say = _silent
) -> list[Persona]:
    """n personas in two stages: sketches that vary on the traits, then memories of each alone.

    The memories, told by themselves, are the description. As `one_shot_list`.
    """
    about = _about(view)
    traits = "\n".join(
        f"- {axis['name']}: from low ({axis['low_label']}) to high ({axis['high_label']})"
        for axis in view["axes"]
    )
    told = f"{about}\nThey differ on these traits:\n{traits}"
    sketches = _listed(_SKETCHES, told, n, seed, model, "formative_memories", say)
    questions = [_memories_of(about, sketch, _sample(seed, i)) for i, sketch in enumerate(sketches)]
    say(f"asking for the memories of {n}")
    found = ask_strictly(model, questions, _read_memories)
    lost = Counter(outcome.reason.value for outcome in found if isinstance(outcome, LLMError))
    if lost:
        raise _shortfall("formative_memories", n - lost.total(), n, len(questions), lost)
    return [
        _persona(i, sketch["name"], " ".join(memories), memories)
        for i, (sketch, memories) in enumerate(zip(sketches, found, strict=True))
        if isinstance(memories, tuple)
    ]


LLM_BASELINES: Mapping[str, Callable[..., list[Persona]]] = {
    "one_shot_list": one_shot_list,
    "name_only": name_only,
    "formative_memories": formative_memories,
}


def llm_baseline(
    name: str, context: Context, n: int, seed: int, model: LanguageModel, say: Say = _silent
) -> list[Persona]:
    """n personas of the baseline of that name, which is given the public view of a context.

    The model's name goes into their provenance. Raises InputError for another name, Shortfall, and
    what `LanguageModel.ask_all` raises.
    """
    if name not in LLM_BASELINES:
        known = ", ".join(f"llm:{known}" for known in LLM_BASELINES)
        raise InputError(f"llm:{name}: no such baseline; known: {known}")
    if n < 1:
        raise InputError(f"population size {n}: at least one persona must be asked for")
    made = LLM_BASELINES[name](public_view(context, seed).payload, n, seed, model, say)
    origin = {"generator": f"llm:{name}", "model": model.settings.model, "seed": seed}
    return [persona.model_copy(update={"provenance": origin}) for persona in made]


def _about(view: Mapping[str, Any]) -> str:
    return f"These are the users of an AI assistant: {view['description']}"


def _persona(number: int, name: str, text: str, memories: tuple[str, ...] = ()) -> Persona:
    return Persona(id=f"p{number:05d}", name=name, description=text, memories=memories)


def _sample(seed: int, call: int) -> int:
    """Which answer to take: every seed and call has its own."""
    return int(np.random.SeedSequence((seed, call)).generate_state(1)[0])


def _listed(
    listing: _Listing,
    about: str,
    n: int,
    seed: int,
    model: LanguageModel,
    name: str,
    say: Say,
) -> list[dict[str, str]]:
    """n people who differ, from as many calls as that takes, within bounds."""
    at_once = _at_once(model, listing.tokens)
    found: dict[tuple[str, ...], dict[str, str]] = {}
    lost: Counter[str] = Counter()
    calls, fruitless, most = 0, 0, 4 * -(-n // at_once) + 4
    while len(found) < n and calls < most and fruitless < FRUITLESS:
        count = min(at_once, n - len(found))
        say(f"asking for {count} people; {len(found)} of {n} are there")
        names = [user["name"] for user in found.values()][-NAMED:]
        request = Request(
            ROLE,
            chat(listing.question(about, count, names)),
            max_tokens=listing.tokens * count + 50,
            temperature=1.0,
            sample=_sample(seed, calls),
            json_schema=list_schema("users", count, listing.fields),
        )
        (users,) = ask_strictly(model, [request], listing.read)
        before, calls = len(found), calls + 1
        if isinstance(users, LLMError):
            lost[users.reason.value] += 1
            at_once = max(1, count // 2)  # it may have been too long to end
        else:
            _add(users, listing.telling, found, lost)
        fruitless = fruitless + 1 if len(found) == before else 0
    if len(found) < n:
        raise _shortfall(name, len(found), n, calls, lost)
    return list(found.values())[:n]


def _add(
    users: Sequence[dict[str, str]],
    telling: str,
    found: dict[tuple[str, ...], dict[str, str]],
    lost: Counter[str],
) -> None:
    """Add those who are new, by the words of what tells them apart."""
    for user in users:
        key = plain_words(user[telling]) if user else ()
        if not user:
            lost["unusable record"] += 1
        elif key in found:
            lost["said again"] += 1
        else:
            found[key] = user


def _at_once(model: LanguageModel, tokens: int) -> int:
    """How many people fit one answer."""
    room = (model.capabilities().context_length or _CONTEXT) - _PROMPT
    return max(1, min(AT_ONCE, room // tokens))


def _shortfall(name: str, got: int, n: int, calls: int, lost: Counter[str]) -> Shortfall:
    counted = ", ".join(f"{count} × {reason}" for reason, count in lost.most_common())
    left_out = f" (left out: {counted})" if counted else ""
    return Shortfall(
        f"llm:{name}: the model wrote {got} of {n} people in {calls}"
        f" call{'' if calls == 1 else 's'}{left_out}; ask for fewer, or another model"
    )


def _memories_of(about: str, sketch: Mapping[str, str], sample: int) -> Request:
    question = (
        f"{about}\n\nOne of them is {sketch['name']}. {sketch['sketch']}\n\n"
        f"Write {MEMORIES} formative memories of {sketch['name']}, from childhood to now, each of"
        " two or three sentences in the first person: what happened, and how it made this person"
        ' what he or she is. Answer with JSON alone: {"memories": [text, …]}'
    )
    return Request(
        ROLE,
        chat(question),
        max_tokens=_MEMORY_TOKENS * MEMORIES,
        temperature=1.0,
        sample=sample,
        json_schema=list_schema("memories", MEMORIES),
    )


def _read_memories(value: Any) -> tuple[str, ...]:
    found = value.get("memories") if isinstance(value, dict) else None
    if not isinstance(found, list) or not all(isinstance(text, str) for text in found):
        raise ValueError('it should be an object with a list "memories" of texts')
    if any("\ud800" <= char <= "\udfff" for text in found for char in text):
        raise ValueError("a memory has half of a character")
    texts = [text.strip() for text in found if plain_words(text)]
    if len(texts) < FEWEST_MEMORIES:
        raise ValueError(f"it has {len(texts)} memories; {MEMORIES} are wanted")
    return tuple(texts)
