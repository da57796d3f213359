"""Whose programs may run where: a stranger's needs a jail, or the user's word."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generators.bundle.content import Bundle, checked_bundle
from generators.bundle.source import GALLERY, read_files
from generators.cache import cache_folder
from generators.errors import InputError
from generators.generator import Generator
from generators.sandbox import probe

if TYPE_CHECKING:
    from generators.llm import LanguageModel

JAILED = "monty+bwrap"


def read_bundle(path: str | Path) -> Bundle:
    """The bundle in a folder or a .zip, at a pointer such as archive/best, or gallery:NAME.

    Everything is checked and nothing is run. InputError names the bundle, the file and the reason
    of a refusal.
    """
    return checked_bundle(str(path), read_files(path))


def load(
    path: str | Path, *, trust: bool = False, model: "LanguageModel | None" = None
) -> Generator:
    """The generator of a bundle: call it with a context, n and a seed to get personas.

    `model` answers a program that asks a language model; it is the caller's to close.
    """
    bundle = read_bundle(path)
    check_trust(bundle, trust)
    return Generator(bundle.program, model)


def check_trust(bundle: Bundle, trust: bool = False) -> None:
    """Raise InputError where the program of a stranger would run without a jail.

    Trusted are what the user trusts, the gallery, and programs that this user wrote a bundle of
    on this machine.
    """
    if trust or bundle.name.startswith(GALLERY) or is_made_here(bundle.program.hash):
        return
    state = sandbox_state()
    if state["level"] == JAILED:
        return
    why = f" ({state['why']})" if state.get("why") else ""
    raise InputError(
        f"{bundle.name}: was not made on this machine, and programs run without a jail here{why}."
        " Install bubblewrap; or, if you trust whoever made it, say so by --trust (in Python:"
        " trust=True)"
    )


@cache
def sandbox_state() -> Mapping[str, Any]:
    """What the sandbox offers here; asked once a process, as the answer takes a second."""
    return probe()


def note_made_here(program_hash: str) -> None:
    """Remember that this user made a bundle of a program here.

    A cache that cannot be written costs a --trust later and nothing else.
    """
    if is_made_here(program_hash):
        return
    try:
        file = _made_here()
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="ascii", newline="\n") as stream:
            stream.write(f"{program_hash}\n")
    except (OSError, RuntimeError):  # RuntimeError: the user has no home folder
        return


def is_made_here(program_hash: str) -> bool:
    """Whether this user made a bundle of a program here."""
    try:
        with _made_here().open(encoding="ascii", errors="replace") as stream:
            return any(line.rstrip("\n") == program_hash for line in stream)
    except (OSError, RuntimeError):
        return False


def _made_here() -> Path:
    return cache_folder() / "made_here"
