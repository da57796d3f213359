"""The gallery: bundles that ship with Gamut, each a NAME.zip in this folder.

Zips, not folders: pip puts a `__pycache__` beside every program.py that it installs, and a bundle
with a file too many is refused.
"""

from pathlib import Path

from generators.errors import InputError

_HERE = Path(__file__).parent


def names() -> list[str]:
    """The names that `gallery:NAME` knows."""
    return sorted(path.stem for path in _HERE.glob("*.zip"))


def shipped(name: str) -> Path:
    """Where the bundle of that name lies. InputError lists the known ones for another name."""
    known = names()
    if name not in known:
        listed = ", ".join(known) if known else "none ship with this version"
        raise InputError(f"gallery:{name[:80]}: no such bundle; known: {listed}")
    return _HERE / f"{name}.zip"
