"""Strict reading of JSON and YAML of unknown origin: plain values only, no bombs, nothing twice."""

import json
import math
from collections import Counter
from typing import Any, NoReturn

import yaml

from generators.bundle.layout import refusal

DEEPEST = 40  # levels of nesting

# libyaml where PyYAML was built with it: the same events, several times faster.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_text(bundle: str, file: str, content: bytes) -> str:
    """A file of a bundle as text; InputError where it is not UTF-8."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise refusal(bundle, file, f"is not UTF-8 at byte {error.start}") from error


def read_json(bundle: str, file: str, text: str, where: str = "") -> Any:
    """The value of a JSON text: finite numbers, no key twice, not nested too deeply."""
    try:
        value = json.loads(
            text,
            parse_constant=_no_number,
            parse_float=_finite,
            object_pairs_hook=_without_twins,
        )
        _check_depth(value)
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise refusal(bundle, file, f"{where}is not valid JSON: {reason}") from error
    return value


def read_yaml(bundle: str, file: str, text: str) -> Any:
    """The value of a YAML text: what JSON could hold as well. No aliases, tags or dates."""
    try:
        _check_events(text)
        _check_keys(yaml.compose(text, Loader=_Loader))
        value = _plain(yaml.load(text, Loader=_Loader))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        reason = getattr(error, "problem", None) or str(error)
        raise refusal(bundle, file, f"is not valid YAML: {where}{reason}") from error
    except (ValueError, RecursionError) as error:
        raise refusal(bundle, file, f"is not valid YAML: {error}") from error
    return value


def json_text(value: Any) -> str:
    """A value as JSON text with sorted keys and a final newline: equal values, equal bytes."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, indent=1, sort_keys=True) + "\n"


def yaml_text(value: Any) -> str:
    """A value as YAML text, keys in their order, since people read it from the top."""
    plain = json.loads(json.dumps(value, allow_nan=False))  # tuples become lists, odd types fail
    return str(yaml.dump(plain, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100))


class _Dumper(yaml.SafeDumper):
    """Quotes text with one of Unicode's own line breaks, which YAML would fold into a space."""

    def represent_text(self, text: str) -> yaml.ScalarNode:
        quoted = '"' if any(mark in text for mark in "\x85\u2028\u2029") else None
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=quoted)


_Dumper.add_representer(str, _Dumper.represent_text)


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"{digits[:40]} is too large a number")
    return value


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    _check_twins([key for key, _ in pairs])
    return dict(pairs)


def _check_twins(keys: list[str]) -> None:
    if len(set(keys)) == len(keys):
        return
    twin = Counter(keys).most_common(1)[0][0]
    raise ValueError(f"the key {twin[:60]!r} is there twice")


def _check_depth(value: Any) -> None:
    """Refuse what is nested too deeply for those who walk it later; itself it does not recurse."""
    level, depth = [value], 0
    while level:
        if depth >= DEEPEST:
            raise ValueError(f"nested more than {DEEPEST} levels deep")
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if inner and isinstance(inner, dict | list)
        ]
        depth += 1


def _check_events(text: str) -> None:
    """Refuse anchors, aliases (so alias bombs), tags and deep nesting before anything is built."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        line = f"line {event.start_mark.line + 1}: " if event.start_mark else ""
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise ValueError(f"{line}anchors (&) and aliases (*) are not used here")
        if getattr(event, "tag", None) is not None:
            raise ValueError(f"{line}tags (!) are not used here")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                raise ValueError(f"{line}nested more than {DEEPEST} levels deep")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _check_keys(node: yaml.Node | None) -> None:
    """Refuse a key that is there twice in one mapping; a loader would take the last one."""
    if isinstance(node, yaml.MappingNode):
        _check_twins([str(key.value) for key, _ in node.value])
        for pair in node.value:
            for part in pair:
                _check_keys(part)
    elif isinstance(node, yaml.SequenceNode):
        for part in node.value:
            _check_keys(part)


def _plain(value: Any) -> Any:
    """The value, if JSON can hold it; `_check_events` has bounded its depth."""
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise ValueError(f"the key {str(key)[:60]!r} is not text; put it in quotes")
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} is not a number to use here")
    if value is None or isinstance(value, str | int | float):
        return value
    raise ValueError(f"{str(value)[:60]!r} is not text, number or truth value; put it in quotes")
