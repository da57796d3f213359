"""Reading what a user gives: bounded bytes, UTF-8, and pydantic's errors in plain words."""

import difflib
import os
import typing
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from generators.errors import InputError

SHOWN_PROBLEMS = 10


def size_in_words(count: int) -> str:
    """A number of bytes as people write it, e.g. "50.0 MB"."""
    if count >= 1_000_000_000:
        return f"{count / 1_000_000_000:.1f} GB"
    return f"{count / 1_000_000:.1f} MB" if count >= 1_000_000 else f"{count:,} bytes"


def read_bounded(path: Path, limit: int, advice: str) -> bytes:
    """The bytes of a file that holds at most `limit`; a larger one is refused before reading.

    A pipe has no size to ask for, so no more than one byte past the limit is ever read.
    """
    try:
        with path.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            if size <= limit:
                content = stream.read(limit + 1)
                if len(content) <= limit:
                    return content
                size = 0
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {why_unreadable(error)}") from error
    given = f"the file holds {size_in_words(size)}" if size else "the file goes on"
    raise InputError(
        f"{path}: too large: {given}, at most {size_in_words(limit)} are read. {advice}"
    )


def why_unreadable(error: OSError) -> str:
    """The reason of a failed open or read in a few words."""
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, IsADirectoryError):
        return "it is a folder; name a file"
    return error.strerror or str(error)


def decode_utf8(content: bytes, path: Path, *, first_line: int = 1, first_offset: int = 0) -> str:
    """Bytes as text, without a byte-order mark; what is not UTF-8 is named by line and offset."""
    try:
        return content.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = first_line + content.count(b"\n", 0, error.start)
        utf16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
        raise InputError(
            f"{path}: not UTF-8 at line {line}, byte offset {first_offset + error.start} "
            f"(byte 0x{content[error.start]:02x}){', it looks like UTF-16' if utf16 else ''}. "
            "Save the file as UTF-8."
        ) from error


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """ "; did you mean `axes`?" where a known word is near, else ""."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean `{near[0]}`?" if near else ""


def field_path(location: Sequence[str | int]) -> str:
    """pydantic's location as people write it: axes[1].hidden.items[3].key."""
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path


def problems_in(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """Each problem of a validation as "field path: reason", a misspelt key told once."""
    details = error.errors(include_url=False)
    missing = {tuple(e["loc"]) for e in details if e["type"] == "missing"}
    explained: set[tuple[str | int, ...]] = set()
    problems: list[tuple[tuple[str | int, ...], str]] = []
    for detail in details:
        location = tuple(detail["loc"])
        if detail["type"] == "extra_forbidden":
            fields = _fields_at(model, location[:-1])
            absent = [name for name in fields if (*location[:-1], name) in missing]
            word = str(location[-1])
            near = difflib.get_close_matches(word, absent, n=1, cutoff=0.6)
            explained.update((*location[:-1], name) for name in near)
            hint = did_you_mean(word, near or fields) or f"; known here: {', '.join(fields)}"
            problems.append((location, f"unknown key{hint}"))
        else:
            problems.append((location, _reason(detail)))
    return [
        f"{field_path(location)}: {reason}" if location else reason
        for location, reason in problems
        if not (location in explained and location in missing)
    ]


def refuse(path: Path, problems: Sequence[str], what: str) -> InputError:
    """One error for all problems of a file; a long list is cut and the rest counted."""
    shown = [f"  {problem}" for problem in problems[:SHOWN_PROBLEMS]]
    if len(problems) > SHOWN_PROBLEMS:
        shown.append(f"  and {len(problems) - SHOWN_PROBLEMS} more")
    if len(problems) == 1:
        return InputError(f"{path}: {problems[0]}")
    return InputError("\n".join([f"{path}: {what}:", *shown]))


def _fields_at(model: type[BaseModel], location: Sequence[str | int]) -> list[str]:
    """The keys that a file may have where `location` points inside `model`."""
    for part in location:
        if isinstance(part, int):
            continue
        named = {field.alias or name: field for name, field in model.model_fields.items()}
        inner = _model_within(named[part].annotation) if part in named else None
        if inner is None:
            return []
        model = inner
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_within(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_model_within(argument) for argument in typing.get_args(annotation))
    return next((model for model in found if model is not None), None)


_WORDED = {
    "missing": "missing; it is required",
    "dict_type": "should be a mapping (key: value lines)",
    "model_type": "should be a mapping (key: value lines)",
    "tuple_type": "should be a list (lines that start with -)",
    "list_type": "should be a list (lines that start with -)",
}


def _reason(detail: Mapping[str, Any]) -> str:
    """Why a value is refused: our own words, or pydantic's with the value."""
    kind, given = str(detail["type"]), detail["input"]
    if kind in _WORDED:
        return _WORDED[kind]
    if kind == "string_type":
        return f"should be text, but is {_shown(given)}; put it in double quotes"
    message = str(detail["msg"])
    if kind == "value_error":
        return message.removeprefix("Value error, ")
    return f"{message[:1].lower()}{message[1:]}, but is {_shown(given)}"


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    text = "empty" if value is None else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
