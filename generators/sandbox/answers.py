"""The answers that a program's run may use, and how it says which it lacks.

The driver has no network, and no time limit should wait for a language model. So a run is given a
table of answers by prompt. A block that needs one that is not there ends the run, and the host may
run the program again, from its seed, with a longer table (see `generators.asking`).
"""

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from types import MappingProxyType

ANSWERS: ContextVar[Mapping[str, str]] = ContextVar("answers", default=MappingProxyType({}))
"""Text by prompt, of the run that is going on in this process."""


class UnansweredError(Exception):
    """Ends a run: what it lacks. `prompts`: each once, in the order of asking."""

    def __init__(self, prompts: tuple[str, ...]) -> None:
        super().__init__(f"{len(prompts)} prompts without an answer")
        self.prompts = prompts


def look_up(prompts: Sequence[str]) -> list[str]:
    """The answers, in order. Raises UnansweredError, which no program can catch, where one is not
    in the table; ValueError for a prompt that is not Unicode text, which no server takes.
    """
    table = ANSWERS.get()
    missing = tuple(dict.fromkeys(prompt for prompt in prompts if prompt not in table))
    try:
        "".join(missing).encode()
    except UnicodeEncodeError:
        raise ValueError("a prompt is not Unicode text") from None
    if missing:
        raise UnansweredError(missing)
    return [table[prompt] for prompt in prompts]
