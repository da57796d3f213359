"""Loads context files: plain YAML only, checked before anything is built from it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import yaml
from pydantic import ValidationError

from generators.context.model import SCHEMA, WHOLE, Context
from generators.context.overlap import overlaps
from generators.errors import InputError
from generators.input_file import (
    decode_utf8,
    did_you_mean,
    problems_in,
    read_bounded,
    refuse,
)

LARGEST_FILE = 2_000_000
DEEPEST = 12  # levels of nesting; a context has seven

_INTEGER = re.compile(r"[-+]?[0-9]{1,9}\Z")
_NULL = {"", "~", "null", "Null", "NULL"}
# libyaml where PyYAML was built with it: the same events, several times faster.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_context(path: str | Path) -> Context:
    """The context in a file; InputError names the file, each field and the reason.

    A hidden text that repeats a sign refuses the file: a program could recite the test.
    """
    context = read_context(path)
    found = overlaps(context)
    if found:
        raise refuse(Path(path), found, "hidden texts repeat signs, which programs see")
    return context


def read_context(path: str | Path) -> Context:
    """As `load_context`, but hidden texts may repeat signs; `check_context` reports those."""
    path = Path(path)
    content = read_mapping(path)
    try:
        return Context.model_validate(content, context=WHOLE)
    except ValidationError as error:
        raise refuse(path, problems_in(error, Context), "not a valid context") from error


def dump_context(context: Context) -> str:
    """A context as the YAML text of a context file."""
    content = context.model_dump(mode="json", by_alias=True, exclude_none=True)
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=2**20)


def read_mapping(path: Path) -> dict[str, Any]:
    """The YAML mapping in a context file, with the right schema tag (which stays in it)."""
    content = read_bounded(path, LARGEST_FILE, "A context of 12 axes needs about 100 kB.")
    text = decode_utf8(content, path)
    try:
        parsed = _Builder(path, yaml.parse(text, Loader=_Loader)).document()
    except yaml.YAMLError as error:
        raise InputError(f"{path}: not valid YAML: {_yaml_problem(error)}") from error
    if not isinstance(parsed, dict):
        raise InputError(f"{path}: a context file is a mapping that starts with `schema: {SCHEMA}`")
    _check_schema(parsed, path)
    return parsed


def _check_schema(content: dict[str, Any], path: Path) -> None:
    tag = content.get("schema")
    if tag == SCHEMA:
        return
    if "schema" not in content:
        near = [key for key in content if did_you_mean(key, ["schema"])]
        hint = f" (the key `{near[0]}` looks like it)" if near else ""
        raise InputError(f"{path}: schema: missing{hint}; write `schema: {SCHEMA}`")
    version = re.fullmatch(r"gamut/context/(\d{1,9})", str(tag))
    if version and int(version[1]) > 1:
        raise InputError(
            f"{path}: schema: {tag} is newer than this Gamut knows ({SCHEMA}); update Gamut"
        )
    raise InputError(f"{path}: schema: should be {SCHEMA}, but is {str(tag)[:60]!r}")


def _yaml_problem(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    return f"{where}{problem}"


class _Builder:
    """Builds dicts, lists, text, whole numbers and None from YAML events, and nothing else.

    Own building rather than a YAML constructor: tags, anchors and aliases (so also alias bombs),
    duplicate keys and deep nesting are refused at the event, and "No" or "2024-01-01" stays text.
    """

    def __init__(self, path: Path, events: Iterator[Any]) -> None:
        self._path = path
        self._events = events

    def document(self) -> Any:
        """The one document of the file."""
        value: Any = None
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._refuse(event, "a second document (---); a context file has one")
                value = self._value(next(self._events), 0)
        return value

    def _value(self, event: Any, depth: int) -> Any:
        if depth > DEEPEST:
            self._refuse(event, f"nested more than {DEEPEST} levels deep")
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            self._refuse(event, "anchors (&) and aliases (*) are not used here; write it out")
        if event.tag is not None:
            self._refuse(event, f"the tag {event.tag[:60]!r}; tags are not used here, take it out")
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(depth)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(depth)
        return self._scalar(event)

    def _mapping(self, depth: int) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for event in self._events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key = self._value(event, depth + 1) if not self._is_text(event) else event.value
            if not isinstance(key, str):
                self._refuse(event, "a key that is not text")
            if key in mapping:
                self._refuse(event, f"the key `{key[:60]}` is there twice")
            mapping[key] = self._value(next(self._events), depth + 1)
        return mapping

    def _sequence(self, depth: int) -> list[Any]:
        values: list[Any] = []
        for event in self._events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            values.append(self._value(event, depth + 1))
        return values

    @staticmethod
    def _is_text(event: Any) -> bool:
        return isinstance(event, yaml.ScalarEvent) and event.anchor is None and event.tag is None

    @staticmethod
    def _scalar(event: Any) -> str | int | None:
        text: str = event.value
        if event.style in ("'", '"', "|", ">"):
            return text
        if text in _NULL:
            return None
        return int(text) if _INTEGER.match(text) else text

    def _refuse(self, event: Any, what: str) -> NoReturn:
        mark = event.start_mark
        raise InputError(f"{self._path}: line {mark.line + 1}, column {mark.column + 1}: {what}")
