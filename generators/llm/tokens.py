"""Tokens, counted without a tokenizer: bounds, our own count, and whether a server's can be true.

A token is at least one byte, so bytes bound tokens from above. Our own count is meant to be a bit
too high: a word is a token for every three letters, and a digit, a capital and a sign are one each.
"""

import re
from collections.abc import Mapping
from typing import Any

from generators.llm.messages import Request, Usage, canonical

_MESSAGE, _TEMPLATE = 16, 128  # most tokens that a chat template puts around a message, and once
_WORD = re.compile("[A-Z]?[a-z]+")
_SINGLE = re.compile(
    r"[A-Z](?![a-z])|[0-9!-/:-@[-`{-~\x00-\x08\x0e-\x1f\x7f]|\n[ \t]*|[ \t]{2,}| (?=[0-9])"
)
_WORDS = 4  # a token never spans so many words


def upper_bound(request: Request) -> int:
    """Most tokens of the prompt: bytes of its messages and schema, and what a template adds."""
    texts = [text for _, text in request.messages]
    if request.json_schema is not None:
        texts.append(2 * canonical(request.json_schema))
    return sum(len(text.encode()) + _MESSAGE for text in texts) + _TEMPLATE


def own_count(text: str) -> int:
    """Our count of the tokens of a text."""
    letters = sum(-(-len(word) // 3) for word in _WORD.findall(text))
    wide = sum(len(character.encode(errors="replace")) for character in text if character > "\x7f")
    return letters + wide + len(_SINGLE.findall(text))


def own_prompt(request: Request) -> int:
    """Our count of the tokens of a prompt."""
    schema = "" if request.json_schema is None else canonical(request.json_schema)
    return own_count(schema) + sum(own_count(text) + _MESSAGE for _, text in request.messages)


def least_prompt(request: Request) -> int:
    """Fewer tokens than this the prompt cannot have."""
    return max(1, sum(len(text.split()) for _, text in request.messages) // _WORDS)


def usage_of(reported: Any, request: Request, text: str) -> Usage:
    """What a server reports, each number replaced by our own count where it cannot be true.

    It cannot where there is none, where it is no whole number, where it is below what the text
    must have, or above what bounds it. Reasoning counts as completion, so a short text may have
    cost as much as `max_tokens`; a text that is longer than allowed is counted by itself.
    """
    given = reported if isinstance(reported, Mapping) else {}
    prompt = _between(given.get("prompt_tokens"), least_prompt(request), upper_bound(request))
    most = max(request.max_tokens, len(text.encode(errors="replace")))
    least = len(text.split()) // _WORDS or int(bool(text))
    completion = _between(given.get("completion_tokens"), least, most)
    counted_here = prompt is None or completion is None
    if prompt is None:
        prompt = own_prompt(request)
    if completion is None:
        completion = max(own_count(text), 1)
    details = given.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, Mapping) else None
    return Usage(prompt, completion, _between(cached, 0, prompt), counted_here)


def _between(value: Any, low: int, high: int) -> int | None:
    """A whole number between two others, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        return None
    return value
