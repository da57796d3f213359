"""Persona generators: contexts, personas, programs, the sandbox, bundles."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from generators.generator import Generator
    from generators.llm import LanguageModel

__all__ = ["load"]


def load(path: str | Path, *, trust: bool = False, model: LanguageModel | None = None) -> Generator:
    """The generator of a bundle: a folder, a .zip, archive/best of a run, or "gallery:NAME".

    `load(path)(context, n=25, seed=0)` gives personas, made in the sandbox. A bundle that was not
    made on this machine needs `trust=True` where the sandbox has no jail. A program that asks a
    language model needs `model`, a `generators.llm.LanguageModel`, which is the caller's to close.
    """
    from generators.bundle import load as load_bundle  # heavy; `import generators` stays cheap

    return load_bundle(path, trust=trust, model=model)
