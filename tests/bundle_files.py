"""Builds bundles for the tests: a right one, and changes that make it wrong."""

import hashlib
import json
import stat
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest
from context_files import content

from generators.bundle import read_bundle, write_bundle
from generators.context import Context
from generators.errors import InputError
from generators.persona import Persona
from generators.program import Program, parse

PROGRAM = parse("""
def generate(context, n, rng):
    made = []
    for _ in range(n):
        levels = [rng.random() for _ in context["axes"]]
        signs = [
            rng.choice(axis["signs"]["high" if level > 0.5 else "low"])
            for axis, level in zip(context["axes"], levels)
        ]
        text = " ".join(signs)
        made.append({"name": "Ana Ruiz", "description": text, "levels": levels})
    return made
""")
LINES = "personas.jsonl"
GONE = object()
CONTEXTS = [
    Context.model_validate({**content("zest", "calm"), "id": name}).public()
    for name in ("first_context", "second_context")
]


def png(width: int = 1, height: int = 1) -> bytes:
    """A grey picture; its header may lie about the size."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    picture = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0\0"))
    return b"\x89PNG\r\n\x1a\n" + picture + chunk(b"IEND", b"")


def scorecard(context: Context) -> dict[str, Any]:
    """A scorecard as `gamut score --json` prints it."""
    return {
        "context": context.id,
        "n": 2,
        "axes": [axis.id for axis in context.axes],
        "points": [[0.1, None], [0.25, 1.0]],
        "metrics": {
            "dispersion": {"value": 0.1 + 0.2, "se": 1e-17},
            "kl": {"value": 3, "se": None},
        },
        "gates": {"leak": 0.5},
        "verdict": "Covers — “much”. ☕",
    }


def personas(program: Program = PROGRAM) -> list[Persona]:
    """Two people a context, as a program might have made them."""
    made = []
    for seed, context in enumerate(CONTEXTS):
        origin = {"context": context.id, "seed": seed, "program_hash": program.hash}
        for number in range(2):
            text = f"Ana {number}\u2028keeps “boats” in {context.id}. ☕"
            traits = {axis.id: 0.1 * number for axis in context.axes}
            made.append(
                Persona(
                    id=f"p{number:05d}", name="Ana", description=text, traits=traits,
                    provenance=origin,
                )
            )  # fmt: skip
    return made


def parts(**changed: Any) -> dict[str, Any]:
    """What `write_bundle` takes, with some of it changed."""
    populations = [
        {"context": context.model_dump(mode="json", by_alias=True), "n": 2, "seed": seed}
        for seed, context in enumerate(CONTEXTS)
    ]
    return {
        "program": PROGRAM,
        "card": {"name": "elite", "baseline": None, "share": 0.1, "on": True, "axes": ["a", "b"]},
        "scorecards": [scorecard(context) for context in CONTEXTS],
        "personas": personas(),
        "maps": {"first_pairs.png": png(), "first_coverage.json": b'{"cells": [1, 2]}\n'},
        "provenance": {
            "schema": "gamut/bundle/1",
            "gamut_version": "0.1.0",
            "program_hash": PROGRAM.hash,
            "run": "demo",
            "run_seed": 7,
            "created": "2026-01-02T03:04:05Z",
            "populations": populations,
        },
        **changed,
    }


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a bundle folder by its path in it."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def resum(folder: Path) -> None:
    """Make the checksums right again, as whoever tampers with a bundle would."""
    lines = [
        f"{hashlib.sha256(content).hexdigest()}  {path}\n"
        for path, content in sorted(contents(folder).items())
        if path != "SHA256SUMS"
    ]
    (folder / "SHA256SUMS").write_text("".join(lines))


def made(folder: Path, **changed: Any) -> Path:
    """A right bundle in a folder."""
    write_bundle(folder, **parts(**changed))
    return folder


def tampered(folder: Path, file: str, text: str | bytes) -> Path:
    """A bundle with another content of one file and checksums that fit."""
    made(folder)
    (folder / file).write_bytes(text if isinstance(text, bytes) else text.encode())
    resum(folder)
    return folder


def altered(folder: Path, file: str, *keys: str | int, to: Any) -> Path:
    """A bundle with one value of a JSON file, or of the first JSON line, changed or taken out."""
    first, *others = (made(folder) / file).read_text().split("\n" if file == LINES else "\0")
    value = place = json.loads(first)
    for key in keys[:-1]:
        place = place[key]
    if to is GONE:
        del place[keys[-1]]
    else:
        place[keys[-1]] = to
    return tampered(folder, file, "\n".join([json.dumps(value), *others]))


def refused(path: str | Path, *said: str) -> str:
    """The message of the refusal, which names the bundle and all the parts."""
    with pytest.raises(InputError) as caught:
        read_bundle(path)
    message = str(caught.value)
    for part in (str(path), *said):
        assert part in message
    assert message.isprintable()
    return message


def zipped(file: Path, files: dict[str, bytes], top: str = "", mode: int = 0) -> Path:
    """A zip of files, deflated; `mode` marks every entry as that kind of file."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            info = zipfile.ZipInfo(top + path)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (
                mode or (stat.S_IFDIR if path.endswith("/") else stat.S_IFREG)
            ) << 16
            archive.writestr(info, content)
    return file
