"""Where Gamut keeps what it can compute again."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """The folder named by GAMUT_CACHE, else `gamut` in the user's cache folder."""
    base = os.environ.get("GAMUT_CACHE")
    if base:
        return Path(base)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gamut"
