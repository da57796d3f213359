"""Files that commands write: what cannot be written is told in one message, early where it can."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from generators.errors import InputError
from generators.input_file import why_unreadable


def check_file(out: Path | None) -> None:
    """Refuse, before any work is done for it, a file that has no folder or is one."""
    if out is None:
        return
    if out.is_dir():
        raise InputError(f"{out}: cannot be written: it is a folder; name a file")
    folder = out.parent
    if not folder.is_dir():
        raise InputError(f"{out}: cannot be written: there is no folder {folder}; make it first")


def check_folder(out: Path) -> None:
    """Refuse, before any work is done for it, a folder whose name a file has."""
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: is a file; name a folder")


@contextmanager
def writing(target: Path) -> Iterator[None]:
    """Turns a failure to write into an error that names the target."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{target}: cannot be written: {why_unreadable(error)}") from error
