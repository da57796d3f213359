"""Writes a bundle: all of it or nothing, and the same bytes for the same content."""

import io
import os
import secrets
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from generators.bundle.content import checked_bundle
from generators.bundle.layout import (
    CARD,
    MAPS,
    PERSONAS,
    PROGRAM,
    PROVENANCE,
    SCORECARDS,
    SUMS,
    Entry,
    check_entries,
    sums_text,
)
from generators.bundle.plain import json_text, yaml_text
from generators.bundle.source import list_folder
from generators.bundle.trust import note_made_here
from generators.errors import InputError
from generators.input_file import why_unreadable
from generators.persona import Persona, write_personas
from generators.program import Program


def write_bundle(
    folder: str | Path,
    *,
    program: Program,
    card: Mapping[str, Any],
    scorecards: Sequence[Mapping[str, Any]],
    personas: Sequence[Persona],
    maps: Mapping[str, bytes],
    provenance: Mapping[str, Any],
) -> None:
    """Write a bundle folder, in the place of an older bundle if there is one.

    `provenance` holds what `content.Provenance` asks for; `personas` come in the order of its
    `populations`, each with the provenance {"context", "seed", "program_hash"}. Ids that are
    taken in several populations are written with context and seed before them. InputError where
    the parts do not agree: what is written can be read.
    """
    target = Path(folder)
    files = _rendered(str(target), program, card, scorecards, personas, maps, provenance)
    check_entries(str(target), [Entry(path, len(content)) for path, content in files.items()])
    checked_bundle(str(target), files)
    try:
        _place(files, target)
    except OSError as error:
        raise InputError(f"{target}: cannot be written: {why_unreadable(error)}") from error
    note_made_here(program.hash)


def _rendered(
    name: str,
    program: Program,
    card: Mapping[str, Any],
    scorecards: Sequence[Mapping[str, Any]],
    personas: Sequence[Persona],
    maps: Mapping[str, bytes],
    provenance: Mapping[str, Any],
) -> dict[str, bytes]:
    records = io.StringIO()
    write_personas(_with_own_ids(personas), records)
    texts = {PROGRAM: program.source + "\n", PERSONAS: records.getvalue()}
    parts = ((CARD, yaml_text, card), (SCORECARDS, json_text, scorecards))
    for file, text_of, value in (*parts, (PROVENANCE, json_text, provenance)):
        try:
            texts[file] = text_of(value)
        except (TypeError, ValueError, RecursionError) as error:
            raise InputError(f"{name}: {file}: cannot be written: {error}") from error
    files = {file: text.encode("utf-8") for file, text in texts.items()}
    files |= {f"{MAPS}/{file}": bytes(content) for file, content in maps.items()}
    return {**files, SUMS: sums_text(files).encode("ascii")}


def _with_own_ids(personas: Sequence[Persona]) -> list[Persona]:
    """The personas with ids that are unique in the file, as every file of personas has them."""
    if len({persona.id for persona in personas}) == len(personas):
        return list(personas)
    named = []
    for persona in personas:
        origin = persona.provenance or {}
        identifier = f"{origin.get('context')}-{origin.get('seed')}-{persona.id}"
        named.append(persona.model_copy(update={"id": identifier}))
    return named


def _place(files: Mapping[str, bytes], target: Path) -> None:
    """Write beside the target, then rename; an older bundle goes only when the new one stands."""
    _check_replaceable(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = f".{target.name[:100]}.{os.getpid()}.{secrets.token_hex(4)}"
    part, old = target.with_name(f"{beside}.part"), target.with_name(f"{beside}.old")
    try:
        part.mkdir()
        for path, content in files.items():
            file = part / path
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(content)
        swap(part, target, old)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)


def swap(part: Path, target: Path, old: Path) -> None:
    """Put a folder in the place of another one, which is left at `old`.

    No system renames a full folder over another one, so the older one steps aside first.
    """
    if not target.exists():
        part.rename(target)
        return
    target.rename(old)
    try:
        part.rename(target)
    except OSError:
        old.rename(target)
        raise


def _check_replaceable(target: Path) -> None:
    """Refuse to replace anything but an empty folder or a bundle; its checksums may be wrong."""
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise InputError(f"{target}: is there already and is no folder; choose another name")
    entries = list_folder(target) if target.is_dir() else []
    if not entries:
        return
    try:
        check_entries(str(target), entries)
    except InputError as error:
        raise InputError(
            f"{target}: is there already and is no bundle, so it is not replaced; choose another"
            f" name ({error})"
        ) from error
