"""Tokens, counted without a tokenizer: bounds, our own count, and whether a server's can be true.

A token is at least one byte, so bytes bound tokens from above. Our own count is meant to be a bit
too high: a word is a token for every three letters, and a digit, a capital and a sign are one each.
"""

import re
from collections.abc import Mapping
from typing import Any, TypeGuard

from generators.llm.messages import Request, Usage, canonical

_MESSAGE, _TEMPLATE = 16, 128  # most tokens that a chat template puts around a message, and once
_WORD = re.compile("[A-Z]?[a-z]+")
_SINGLE = re.compile(
    r"[A-Z](?![a-z])|[0-9!-/:-@[-`{-~\x00-\x08\x0e-\x1f\x7f]|\n[ \t]*|[ \t]{2,}| (?=[0-9])"
)
_WORDS = 2  # tokens hardly ever span so many words


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


def least_tokens(request: Request) -> int:
    """Fewer tokens than this the prompt cannot have."""
    return sum(len(text.split()) for _, text in request.messages) // _WORDS


def usage_of(reported: Any, request: Request, text: str) -> Usage:
    """What a server reports, as far as it can be true.

    A number that is missing, or lower than the text must have taken, is replaced by our own count;
    one that is higher than anything it can have taken, by the most that it can. Reasoning counts as
    completion, so a short text may have cost as much as `max_tokens`.
    """
    given = reported if isinstance(reported, Mapping) else {}
    prompt, true_prompt = _believed(
        given.get("prompt_tokens"),
        max(1, least_tokens(request)),
        own_prompt(request),
        upper_bound(request),
    )
    completion, true_completion = _believed(
        given.get("completion_tokens"),
        len(text.split()) // _WORDS or int(bool(text)),
        max(own_count(text), 1),
        max(request.max_tokens, own_count(text)),
    )
    details = given.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, Mapping) else None
    known = cached if _whole(cached) and 0 <= cached <= prompt else None
    return Usage(prompt, completion, known, not (true_prompt and true_completion))


def _believed(value: Any, least: int, ours: int, most: int) -> tuple[int, bool]:
    """The number to count, and whether it is the server's."""
    if not _whole(value) or value < least:
        return ours, False
    return (int(value), True) if value <= most else (most, False)


def _whole(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)
