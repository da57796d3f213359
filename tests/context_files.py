"""Builds context files for the tests: valid ones, and changes that make them wrong."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from generators.context import (
    load_context,
)
from generators.errors import InputError

SYLLABLES = [a + b for a in "bdfgklmnprtv" for b in ("ab", "ed", "iz", "ok", "um")]


def words(count: int, seed: str) -> str:
    """Made-up words, other ones for every seed."""
    rng = random.Random(seed)
    return " ".join("".join(rng.sample(SYLLABLES, 3)) for _ in range(count))


def axis(name: str, statements: int = 8, items: int = 10) -> dict[str, Any]:
    """A valid axis whose sentences have no word in common."""

    def sentences(start: str, kind: str, count: int) -> list[str]:
        return [f"{start} {words(5, f'{name}{kind}{n}')}." for n in range(count)]

    return {
        "id": name,
        "name": f"sense of {name}",
        "low_label": f"hardly {name} minded",
        "high_label": f"wholly {name} driven",
        "signs": {
            "low": sentences("Keeps", "sl", 6),
            "high": sentences("Has", "sh", 6),
        },
        "hidden": {
            "low": sentences("I never", "hl", statements),
            "high": sentences("I do not", "hh", statements),
            "items": [
                {"text": f"I often {words(4, f'{name}item{n}')}.", "key": 1 if n % 2 else -1}
                for n in range(items)
            ],
        },
    }


def content(*names: str) -> dict[str, Any]:
    """A valid context file as Python data."""
    return {
        "schema": "gamut/context/1",
        "id": "secret_identity",
        "title": "Secret Headline",
        "description": "People who talk to a machine.",
        "axes": [axis(name) for name in names or ("zest", "calm", "trust")],
    }


Write = Callable[..., Path]


def saved(folder: Path, data: dict[str, Any] | str | bytes, name: str = "my.yaml") -> Path:
    """The path of a new file with data (as YAML), text or bytes in it."""
    if isinstance(data, dict):
        data = yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode("utf-8"))
    return path


def refused(path: Path, *parts: str) -> str:
    """The message of the refusal, which names the file and all the parts."""
    with pytest.raises(InputError) as caught:
        load_context(path)
    message = str(caught.value)
    for part in (str(path), *parts):
        assert part in message
    return message


A0 = ("axes", 0)
CONTENT = content()
Change = Callable[[dict[str, Any]], None]


def replaced(*path: Any, to: Any) -> Change:
    def change(data: Any) -> None:
        for part in path[:-1]:
            data = data[part]
        data[path[-1]] = to

    return change


def removed(*path: Any) -> Change:
    def change(data: Any) -> None:
        for part in path[:-1]:
            data = data[part]
        del data[path[-1]]

    return change


def draft(count: int, items: int = 0) -> dict[str, Any]:
    """A file with one list of first-person statements a pole."""
    data = content("zest", "calm")
    for part in data["axes"]:
        name = part["id"]
        made = part.pop("hidden")["items"][:items]
        del part["signs"]
        part["statements"] = {
            pole: [f"I {words(5, f'{name}{pole}{n}')}." for n in range(count)]
            for pole in ("low", "high")
        }
        if items:
            part["items"] = made
    return data
