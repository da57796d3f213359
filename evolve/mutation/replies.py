"""Replies of a model, read strictly: a whole program in a code block, or edits of the parent."""

import re
from enum import StrEnum

REWRITE, DIFF = "rewrite", "diff"
FORMS = (REWRITE, DIFF)

_DEFINED = "The blocks are defined already: call them, and never define them again."

_BLOCK = re.compile(r"^```[ \t]*(\w*)[ \t]*\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)
_EDIT = re.compile(
    r"^<{7} SEARCH[ \t]*\n(.*?)^={7}[ \t]*\n(.*?)^>{7} REPLACE[ \t]*$", re.MULTILINE | re.DOTALL
)
_MARK = re.compile(r"^(<{7} SEARCH|>{7} REPLACE)", re.MULTILINE)


class Failure(StrEnum):
    """Why a model's answer gave no program; a missing answer has a reason of the client's."""

    CUT_OFF = "cut off"  # the answer reached the most tokens that it may have
    NO_CODE = "no code block"
    MANY_BLOCKS = "several code blocks"
    NO_EDIT = "no edit"
    NOT_FOUND = "searched text not found"
    AMBIGUOUS = "searched text not unique"
    REFUSED = "not allowed"  # by the allow-list of programs, or too large
    FAILS = "does not run"
    SEEN = "seen before"


class ReplyError(Exception):
    """An answer that cannot be used. `failure` is its class; the text is for the model to read."""

    def __init__(self, failure: Failure, text: str) -> None:
        super().__init__(text)
        self.failure = failure


def how(form: str, parent: str) -> str:
    """What a model is told about the form of its answer.

    The example of an edit is of one of the parent's own lines, and changes nothing: small models
    copy what they are shown, and a copy should be found out as no new program.
    """
    if form == REWRITE:
        return (
            f"{_DEFINED} Answer with the whole new program in exactly one code block:\n"
            "```python\ndef generate(context, n, rng):\n    ...\n```"
        )
    lines = _lines(parent)
    line = next((line for line in lines[1:] if lines.count(line) == 1), lines[0])
    return (
        f"{_DEFINED} Answer with one or more edits of the program. Each begins with <<<<<<< SEARCH"
        " and whole lines that are copied from the program and occur there once; then comes"
        " =======, then what replaces them, then >>>>>>> REPLACE. This one only adds a comment; do"
        f" not copy it:\n<<<<<<< SEARCH\n{line}\n=======\n    # a comment\n{line}\n>>>>>>> REPLACE"
    )


def source_of(reply: str, form: str, parent: str) -> str:
    """The source that a reply stands for. Raises ReplyError where it keeps to no form.

    `parent`: the source that was shown, which edits apply to.
    """
    text = reply.replace("\r\n", "\n")
    return _rewritten(text) if form == REWRITE else _edited(text, parent)


def _rewritten(text: str) -> str:
    blocks = [code for name, code in _BLOCK.findall(text) if name.lower() in ("", "python", "py")]
    if not blocks:
        raise ReplyError(Failure.NO_CODE, "There is no closed ```python code block in the answer.")
    if len(blocks) > 1:
        raise ReplyError(
            Failure.MANY_BLOCKS,
            f"There are {len(blocks)} code blocks in the answer; give the whole program in one.",
        )
    return str(blocks[0])


def _edited(text: str, parent: str) -> str:
    edits = _EDIT.findall(text)
    if not edits or len(_MARK.findall(text)) != 2 * len(edits):
        raise ReplyError(
            Failure.NO_EDIT,
            "There is no complete edit in the answer: each needs the three marker lines"
            " <<<<<<< SEARCH, =======, >>>>>>> REPLACE.",
        )
    lines = _lines(parent)
    for searched, put in edits:
        lines = _replaced(lines, _lines(searched), _lines(put))
    return "\n".join(lines) + "\n"


def _replaced(lines: list[str], searched: list[str], put: list[str]) -> list[str]:
    """The lines with one run of them replaced."""
    size = len(searched)
    places = [k for k in range(len(lines) - size + 1) if lines[k : k + size] == searched]
    quoted = "\n".join(searched)
    if not size or not places:
        raise ReplyError(
            Failure.NOT_FOUND, f"These lines to search are not in the program:\n{quoted}"
        )
    if len(places) > 1:
        raise ReplyError(
            Failure.AMBIGUOUS,
            f"These lines to search occur {len(places)} times; copy more lines around:\n{quoted}",
        )
    return [*lines[: places[0]], *put, *lines[places[0] + size :]]


def _lines(text: str) -> list[str]:
    """Lines without what trails, and without empty lines at both ends."""
    lines = [line.rstrip() for line in text.split("\n")]
    while lines and not lines[0]:
        lines.pop(0)
    while lines and not lines[-1]:
        lines.pop()
    return lines
