"""Asking: a language model writes, or writes anew, parts of a population. Only where there is one.

A prompt is answered once: the same prompt has the same answer, wherever it stands. An answer that
is missing (a refusal, an error) is an empty text, so a program goes on with what it has. Answers
are text of a stranger: bounded, without control characters, and nothing more is known of them.
"""

from typing import Literal

from generators.blocks.kinds import LONGEST_PROMPT, Prompt, Prompts, Replies, Reply, Texts
from generators.sandbox.answers import look_up

_RETELL = """\
Rewrite this description of a person as {manner}. Keep what they do, and how often, how much and \
how surely; leave nothing out and make nothing milder. Keep telling it as "{person}". Use no \
headings, lists, numbers or scores. Answer with the rewritten text alone.

{text}"""


def ask(prompt: Prompt) -> Reply:
    """Asks the language model one thing; of several, ask all at once by ask_all."""
    return look_up([prompt])[0]


def ask_all(prompts: Prompts) -> Replies:
    """Asks the language model many things at once; an answer a prompt, empty where it gave none."""
    return look_up(prompts)


def retell(
    texts: Texts, manner: Literal["plain prose", "a letter to a friend", "the story of one day"]
) -> Texts:
    """Has the language model rewrite each description in some manner.

    A text that is too long to ask about, or that gets no answer, stays as it is.
    """
    prompts = [
        _RETELL.format(manner=manner, person="They" if "They " in text else "I", text=text)
        for text in texts
    ]
    asked = [prompt for prompt in prompts if len(prompt) <= LONGEST_PROMPT]
    told = dict(zip(asked, look_up(asked), strict=True))
    return [told.get(prompt) or text for prompt, text in zip(prompts, texts, strict=True)]
