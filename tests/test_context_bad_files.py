"""Context files that are hostile or broken are refused before anything is built."""

import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from context_files import Write, content, refused, saved
from hypothesis import given, settings
from hypothesis import strategies as st

from generators.context import (
    load_context,
)
from generators.errors import InputError


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Saves data to a file of the test and gives its path."""
    return partial(saved, tmp_path)


# Files that are no context files


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    refused(tmp_path / "none.yaml", "there is no such file")
    refused(tmp_path, "folder")


@pytest.mark.parametrize("text", ["", "# nothing\n", "- a\n- b\n", "just words"])
def test_a_file_that_is_no_mapping(write: Write, text: str) -> None:
    refused(write(text), "mapping that starts with `schema: gamut/context/1`")


def test_bytes_that_are_not_utf8_are_named_by_line_and_offset(write: Write) -> None:
    refused(write(b"schema: gamut/context/1\ntitle: caf\xe9\n"), "line 2", "offset 34", "0xe9")
    refused(write("schema: x".encode("utf-16")), "looks like UTF-16")


def test_a_file_of_50_mb_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.yaml"
    with path.open("wb") as stream:
        stream.truncate(50_000_000)
    started = time.perf_counter()
    refused(path, "50.0 MB", "2.0 MB")
    assert time.perf_counter() - started < 1


def test_an_endless_device_is_refused() -> None:
    refused(Path("/dev/zero"), "too large")


@pytest.mark.parametrize(
    "tagged",
    [
        "!!python/object/apply:os.system ['touch pwned']",
        "!!python/name:os.system",
        "!!set {a, b}",
        "!!binary aGk=",
        "!mine text",
        "!!str text",
    ],
)
def test_tags_are_refused(write: Write, tagged: str) -> None:
    path = write(f"schema: gamut/context/1\nid: {tagged}\n")
    refused(path, "line 2", "tag", "take it out")
    assert not (path.parent / "pwned").exists()


def test_alias_bombs_are_refused_at_the_first_anchor(write: Write) -> None:
    lines = ["a0: &a0 [lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    refused(write("\n".join(lines)), "line 1", "anchors (&)")
    refused(write("<<: *base\n"), "aliases (*)")


def test_merge_keys_are_unknown_keys(write: Write) -> None:
    data = yaml.safe_dump(content()) + "<<: {title: other}\n"
    refused(write(data), "<<: unknown key")


def test_duplicate_keys_are_refused(write: Write) -> None:
    text = yaml.safe_dump(content(), sort_keys=False) + "title: Again\n"
    refused(write(text), "the key `title` is there twice", "line")
    refused(write("schema: 1\n'schema': 2\n"), "there twice")


def test_deep_nesting_is_refused(write: Write) -> None:
    refused(write("a: " + "[" * 500_000), "nest")
    refused(write("a: " + "{b: " * 100_000), "nest")
    refused(
        write("a: " + "[" * 13 + "]" * 13), "line 1, column 16: nested more than 12 levels deep"
    )


def test_two_documents_and_odd_keys_are_refused(write: Write) -> None:
    refused(write("a: 1\n---\nb: 2\n"), "line 2", "second document")
    refused(write("? [a, b]\n: 1\n"), "a key that is not text")


def test_broken_yaml_is_named_by_line(write: Write) -> None:
    refused(write("schema: gamut/context/1\nid: [a, b\ntitle: c\n"), "not valid YAML", "line 3")
    refused(write(b"id: \x00\n"), "not valid YAML")


def test_numbers_of_any_length_are_no_trouble(write: Write) -> None:
    refused(write(content() | {"id": int("9" * 4000)}), "id:", "snake_case")


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_load_or_are_refused(tmp_path_factory: Any, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(b"schema: gamut/context/1\n" + data)
    with pytest.raises(InputError, match=r"any\.yaml"):
        load_context(path)
