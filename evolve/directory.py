"""What a run directory holds besides its store: the lock, the manifest, leavings of killed runs."""

import fcntl
import json
import os
import platform
import shutil
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

from evolve.config import Config
from fitness.embedding import Caches
from generators.errors import GamutError, InputError
from generators.sandbox import probe

SPENT = "llm.sqlite"
"""What a run has spent on language models, for `Ledger`: its workers and sittings share it."""


def lock_run(file: Path) -> IO[bytes]:
    """The file, open and locked until it is closed or the process ends, however it ends."""
    try:
        opened = file.open("rb+")  # a lock on a network's file system needs the right to write
    except OSError as error:
        raise GamutError(
            f"{file}: cannot be written ({error.strerror}), so this run cannot go on; make the"
            " folder and what is in it writable"
        ) from None
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        opened.close()
        raise InputError(f"{file.parent}: another process is working on this run") from None
    return opened


def sweep(folder: Path) -> None:
    """Remove what a killed process left half done, and put an archive back that it moved aside."""
    archive, old = folder / "archive", folder / "archive.old"
    if old.exists() and not archive.exists():
        old.rename(archive)
    for left in (folder / "archive.part", old):
        shutil.rmtree(left, ignore_errors=True)
    for left in (*folder.glob("*.part"), *folder.glob(".report.html.*")):
        left.unlink()


def write_manifest(folder: Path, content: dict[str, Any]) -> None:
    """Write manifest.json, complete or not at all."""
    file = folder / "manifest.json"
    part = file.with_suffix(".part")
    part.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    part.replace(file)


def add_to_manifest(folder: Path, key: str, content: Any) -> None:
    """Say one thing more in the manifest."""
    written = json.loads((folder / "manifest.json").read_text("utf-8"))
    write_manifest(folder, {**written, key: content})


def manifest(config: Config, folder: Path) -> dict[str, Any]:
    """What a run was made with: versions, seed, sandbox level, checksums, cores; and what its
    language model can do, with what is done instead of what it cannot.
    """
    parts = ("persona-gamut", "pydantic-monty", "deap", "ribs", "numpy", "scipy", "onnxruntime")
    return {
        "schema": "gamut/manifest/1",
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "versions": {"python": platform.python_version(), **{p: version(p) for p in parts}},
        "seed": config.seed,
        "sandbox": probe(),
        "embedder": Caches(config.embedder).first.embedder.fingerprint,
        "cores": os.cpu_count(),
        "llm": _language_model(config, folder),
    }


def able_in(probed: Mapping[str, Any]) -> dict[str, Any]:
    """What a model can do, as `Capabilities.plain` gave it, out of what the manifest says of it."""
    return {key: value for key, value in probed.items() if key not in ("base_url", "model")}


def _language_model(config: Config, folder: Path) -> dict[str, Any] | None:
    """What the model was found able to do; None where none is configured."""
    if config.llm is None:
        return None
    from generators.llm import LanguageModel

    with LanguageModel(config.llm, ledger=folder / SPENT) as model:
        able = model.capabilities().plain()
    return {"base_url": config.llm.base_url, "model": config.llm.model, **able}
