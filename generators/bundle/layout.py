"""The files of a bundle: which there may be, how large, and their checksums."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from generators.errors import InputError
from generators.input_file import size_in_words

PROGRAM = "program.py"
CARD = "card.yaml"
SCORECARDS = "scorecards.json"
PERSONAS = "personas.jsonl"
PROVENANCE = "provenance.json"
SUMS = "SHA256SUMS"
MAPS = "maps"
REQUIRED = (PROGRAM, CARD, SCORECARDS, PERSONAS, PROVENANCE, SUMS)

MOST_FILES = 500
LARGEST_FILE = 20_000_000  # bytes
LARGEST_CARD = 200_000  # reading YAML is slow
LARGEST_BUNDLE = 200_000_000

_MAP_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,199}\.(?:png|json)\Z")
_DRIVE = re.compile(r"[A-Za-z]:")
_SUM_LINE = re.compile(r"([0-9a-f]{64})  ([ -~]+)\Z")
# Names that Windows keeps for devices, whatever their ending.
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)\.", re.IGNORECASE)


@dataclass(frozen=True)
class Entry:
    """One thing found in the folder or zip of a bundle.

    Attributes:
        path: where it lies in the bundle, with slashes.
        size: bytes that it says it holds.
        fault: why it is refused whatever its name; empty where it is not.
    """

    path: str
    size: int
    fault: str = ""


def printable(text: str, bound: int = 300) -> str:
    """Text of a stranger, fit for an error message: one bounded line that moves no cursor."""
    shown = "".join(c if c.isprintable() else "�" for c in " ".join(text[: 2 * bound].split()))
    return shown if len(shown) <= bound else f"{shown[: bound - 1]}…"


def refusal(bundle: str, file: str, reason: str) -> InputError:
    """The error that names the bundle, the file in it and the reason."""
    return InputError(f"{bundle}: {printable(file, 120)}: {printable(reason)}")


def unsafe_path(path: str) -> str:
    """Why a path would lead out of the bundle on some system; empty where it would not."""
    if "\\" in path:
        return "has a backslash in its name"
    if path.startswith("/"):
        return "is an absolute path"
    if _DRIVE.match(path):
        return "has a drive letter"
    if any(part in ("", ".", "..") for part in path.split("/")):
        return 'has an empty part, "." or ".." in its path'
    return ""


def check_entries(bundle: str, entries: Iterable[Entry]) -> None:
    """Refuse a bundle that has too little, too much, or something that does not belong in it."""
    found = sorted(entries, key=lambda entry: entry.path)
    if len(found) > MOST_FILES:
        raise InputError(f"{bundle}: holds more than {MOST_FILES} files")
    _check_twins(bundle, found)
    paths = {entry.path for entry in found}
    for name in REQUIRED:
        if name not in paths and not any(name.casefold() == path.casefold() for path in paths):
            raise refusal(bundle, name, f"is missing; a bundle has {', '.join(REQUIRED)}")
    for entry in found:
        fault = entry.fault or unsafe_path(entry.path) or _misfit(entry.path)
        if fault:
            raise refusal(bundle, entry.path, fault)
    _check_sizes(bundle, found)


def largest(path: str) -> int:
    """How many bytes a file of a bundle may hold."""
    return LARGEST_CARD if path == CARD else LARGEST_FILE


def sums_text(files: Mapping[str, bytes]) -> str:
    """The text of SHA256SUMS for the files of a bundle (itself left out), as `sha256sum` has it."""
    lines = (f"{_digest(files[path])}  {path}\n" for path in sorted(files) if path != SUMS)
    return "".join(lines)


def check_sums(bundle: str, files: Mapping[str, bytes]) -> None:
    """Refuse a bundle whose SHA256SUMS does not list exactly its files, each with its checksum."""
    listed: dict[str, str] = {}
    for number, line in enumerate(files[SUMS].decode("utf-8", "replace").splitlines(), start=1):
        matched = _SUM_LINE.match(line)
        if not matched:
            raise refusal(bundle, SUMS, f"line {number} is not a checksum, two spaces and a path")
        digest, path = matched.groups()
        if path in listed:
            raise refusal(bundle, SUMS, f"lists {path} twice")
        listed[path] = digest
    present = files.keys() - {SUMS}
    for path in sorted(present - listed.keys()):
        raise refusal(bundle, path, f"is not listed in {SUMS}")
    for path in sorted(listed.keys() - present):
        raise refusal(bundle, path, f"is missing, but listed in {SUMS}")
    for path in sorted(present):
        if _digest(files[path]) != listed[path]:
            raise refusal(bundle, path, f"was changed: its checksum is not that in {SUMS}")


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _check_twins(bundle: str, entries: Iterable[Entry]) -> None:
    """Two names that are one to some file system would hide one file behind the other."""
    seen: dict[str, str] = {}
    for entry in entries:
        first = seen.setdefault(entry.path.casefold(), entry.path)
        if first is entry.path:
            continue
        if first == entry.path:
            raise refusal(bundle, entry.path, "is there twice")
        raise refusal(bundle, entry.path, f"differs from {first} only in capital letters")


def _misfit(path: str) -> str:
    """Why a file is none of a bundle's; empty where it is one."""
    if path in REQUIRED:
        return ""
    for name in REQUIRED:
        if path.casefold() == name.casefold():
            return f"should be spelt {name}"
    folder, _, name = path.partition("/")
    if folder != MAPS or not name:
        return "does not belong in a bundle; take it out, or upgrade Gamut if a newer one wrote it"
    if "/" in name:
        return f"lies in a folder inside {MAPS}/"
    if not _MAP_NAME.match(name) or _DEVICE.match(name):
        return f"{MAPS}/ holds .png and .json files named with letters, digits, _, . and -"
    return ""


def _check_sizes(bundle: str, entries: Iterable[Entry]) -> None:
    total = 0
    for entry in entries:
        if entry.size > largest(entry.path):
            size, most = size_in_words(entry.size), size_in_words(largest(entry.path))
            raise refusal(bundle, entry.path, f"too large: {size}, at most {most} are read")
        total += entry.size
    if total > LARGEST_BUNDLE:
        most = size_in_words(LARGEST_BUNDLE)
        raise InputError(f"{bundle}: too large: {size_in_words(total)}, at most {most} are read")
