"""The command about this machine: doctor."""

import json
import os
import platform
from typing import Annotated, Any

import typer


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("doctor")(doctor)


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Say what this machine offers: sandbox, embedder, cores.

    Example: gamut doctor
    """
    found = _findings()
    if as_json:
        print(json.dumps(found, indent=1))
        return
    sandbox = found["sandbox"]
    print(f"gamut     {found['version']} on Python {found['python']}, {found['cores']} cores")
    print(
        f"sandbox   {sandbox['level']} ({sandbox['why'] or 'jailed by ' + str(sandbox['bwrap'])})"
    )
    print(f"embedder  {found['embedder']}")
    print(f"cache     {found['cache']}{'' if found['cache_writable'] else ' (not writable)'}")
    print("models    no language-model client in this version")


def _findings() -> dict[str, Any]:
    from importlib.metadata import version

    from joblib import cpu_count

    from fitness.encoders import MiniLM
    from generators.cache import cache_folder
    from generators.errors import GamutError
    from generators.sandbox import probe

    try:
        embedder = MiniLM().fingerprint
    except GamutError as error:
        embedder = f"unusable: {error}"
    folder = cache_folder()
    existing = next(p for p in (folder, *folder.parents) if p.exists())
    return {
        "version": version("persona-gamut"),
        "python": platform.python_version(),
        "cores": cpu_count(),
        "sandbox": probe(),
        "embedder": embedder,
        "cache": str(folder),
        "cache_writable": os.access(existing, os.W_OK),
        "models": None,
    }
