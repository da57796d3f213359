"""The question that a model is asked about a parent: what it sees, and what is cut first.

The parent is always shown whole, with all its constants; so are its gate failures, the idea, the
form of the answer, and, for an idea about two programs, the other one. Where the model's context is
too short, these go, the first first: the people, the other program, what each block does, the
contexts, the combinations that nobody covers. If the rest does not fit either, this parent is not
for this model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evolve.archive import BEST
from evolve.mutation.ideas import IDEAS, OF_TWO
from evolve.mutation.language import KINDS, TASK, block_list, lacks
from evolve.mutation.replies import how
from evolve.niches import record
from evolve.statistics import Interval, interval
from generators.context import Context
from generators.llm import Request, chat
from generators.llm.tokens import own_count, own_prompt

CUTS = ("people", "other program", "block summaries", "contexts", "gaps")
UNKNOWN_ROOM = 8_192  # tokens of context of a model whose server does not say
TEMPERATURE = 0.8
SIGNS = 2  # of a pole, as examples
ROLE = "mutate"


@dataclass(frozen=True)
class Seen:
    """A scored program as a model sees it: its source and its verdict."""

    source: str
    verdict: Mapping[str, Any]

    @property
    def score(self) -> Interval:
        """What is maximised, over training contexts and seeds."""
        return interval(record(self.verdict, BEST))


@dataclass(frozen=True)
class Subject:
    """What a question is about.

    Attributes:
        parent: what is to be changed.
        other: another scored program, None where there is no other.
        contexts: training contexts that findings are shown of.
        idea, form: names of what is to be done and of how to answer.
        limit: most syntax nodes of the answer's program.
        asks: whether the program may ask a language model.
    """

    parent: Seen
    other: Seen | None
    contexts: Sequence[Context]
    idea: str
    form: str
    limit: int
    asks: bool = False


def question(subject: Subject, room: int, sample: int) -> Request | None:
    """The request, as much of it as `room` tokens hold with the answer; None where not enough."""
    for cut in range(len(CUTS) + 1):
        request = _request(subject, CUTS[cut:], sample)
        if fits(request, room):
            return request
    return None


def shortest(subject: Subject, sample: int) -> Request:
    """The request without all that may be cut."""
    return _request(subject, (), sample)


def _request(subject: Subject, shown: Sequence[str], sample: int) -> Request:
    reply = 400 + 2 * own_count(subject.parent.source)
    messages = chat(_user(subject, shown), _system(shown, subject.asks))
    return Request(ROLE, messages, reply, TEMPERATURE, sample)


def again(requests: Sequence[Request], reply: str, error: str, room: int) -> Request | None:
    """The request that shows a model what is wrong with its answer; None: it does not fit.

    `requests`: what was asked, then what may be shown in its place where that is too long.
    """
    said = (
        f"This answer cannot be used: {error}\nMend it, keep to the task and the rules, and answer"
        " in the same form, complete."
    )
    for request in requests:
        messages = (*request.messages, ("assistant", reply), ("user", said))
        repair = Request(ROLE, messages, request.max_tokens, TEMPERATURE, request.sample)
        if fits(repair, room):
            return repair
    return None


def fits(request: Request, room: int) -> bool:
    """Whether prompt and answer fit so many tokens, by the client's own count, which errs high."""
    return own_prompt(request) + request.max_tokens <= room


def _system(shown: Sequence[str], asks: bool) -> str:
    """What all questions begin with, so that a server's prompt cache works."""
    return "\n\n".join([TASK, lacks(), KINDS, block_list("block summaries" in shown, asks)])


def _user(subject: Subject, shown: Sequence[str]) -> str:
    parent, other = subject.parent, subject.other
    findings = [_findings(context, parent.verdict, shown) for context in subject.contexts]
    parts = [
        f"The program, with a score of {parent.score} (mean over {_seeds(parent)} populations of"
        f" training contexts, 95 % interval):\n```python\n{parent.source}\n```",
        *filter(None, findings),
    ]
    if other and ("other program" in shown or subject.idea in OF_TWO):
        parts.append(
            f"Another program, with a score of {other.score}:\n```python\n{other.source}\n```"
        )
    parts.append(
        f"Your task: {IDEAS[subject.idea]}\nAt most {subject.limit} syntax nodes."
        f" {how(subject.form, parent.source)}"
    )
    return "\n\n".join(parts)


def _seeds(seen: Seen) -> int:
    return sum(len(values) for values in record(seen.verdict, BEST).values())


def _findings(context: Context, verdict: Mapping[str, Any], shown: Sequence[str]) -> str:
    """What came of the parent in one context."""
    said = [f"In the context “{context.title}”:"]
    look = verdict["shown"].get(context.id)
    if look is None:
        return f"{said[0]} it failed ({verdict['reason']})."
    if "contexts" in shown:
        said += [_axis(axis) for axis in context.axes]
    if "gaps" in shown and look["gaps"]:
        head = (
            f"{look['open']} of {look['possible']} combinations are covered by nobody. The rarest:"
        )
        said += [head, *(f"- {words}" for words in look["gaps"])]
    said += [f"Gate failed by {words}" for words in look["gates"]]
    if "people" in shown:
        for person in look["people"]:
            said.append(f"A person: “{person['text']}”\n  read as: {person['read']}")
    return "\n".join(said) if len(said) > 1 else ""


def _axis(axis: Any) -> str:
    signs = " / ".join(" ".join(some[:SIGNS]) for some in (axis.signs.low, axis.signs.high))
    return f"- {axis.name}: low “{axis.low_label}”, high “{axis.high_label}”; signs such as {signs}"
