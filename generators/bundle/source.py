"""Opens what a user names as a bundle: a folder, a zip, a pointer to a folder, a gallery name."""

import os
import re
import stat
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from generators.bundle.layout import MAPS, MOST_FILES, Entry, check_entries, refusal
from generators.bundle.zipped import read_zip
from generators.errors import InputError
from generators.gallery import shipped
from generators.input_file import why_unreadable

GALLERY = "gallery:"
_FOLDER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,199}\Z")
_LONGEST_POINTER = 250

_KINDS = {
    stat.S_IFLNK: "is a link; put the file itself there",
    stat.S_IFIFO: "is a pipe, not a file",
    stat.S_IFSOCK: "is a socket, not a file",
    stat.S_IFCHR: "is a device, not a file",
    stat.S_IFBLK: "is a device, not a file",
    stat.S_IFDIR: f"is a folder; a bundle has no folder but {MAPS}/",
}


def read_files(path: str | Path) -> dict[str, bytes]:
    """The content of every file of a bundle by its path in it; nothing is interpreted yet.

    InputError names the bundle, the file and the reason where anything is not as it should be.
    """
    name = str(path)
    given = shipped(name.removeprefix(GALLERY)) if name.startswith(GALLERY) else Path(path)
    try:
        # The way to a bundle may lead over links of the user's own; inside it there are none.
        real = Path(os.path.realpath(given))
        is_folder = real.is_dir()
        if not is_folder and not os.path.lexists(real):
            raise InputError(f"{name}: there is no such bundle")
        return _read_folder(name, real) if is_folder else _read_file(name, real)
    except OSError as error:
        raise InputError(f"{name}: cannot be read: {why_unreadable(error)}") from error


def list_folder(folder: Path) -> list[Entry]:
    """What a folder holds, `maps/` included, as far as the most that a bundle may hold."""
    return list(islice(_entries(folder, ""), MOST_FILES + 1))


def write_pointer(file: str | Path, folder: str) -> None:
    """Write a pointer: a text file that opens the bundle folder of that name beside it."""
    if not _FOLDER_NAME.match(folder):
        raise InputError(f"{file}: {folder!r} is not the name of a folder beside it")
    part = Path(file).with_name(f".{Path(file).name}.{os.getpid()}.part")
    part.write_text(f"{folder}\n", encoding="utf-8")
    part.replace(file)


def _read_file(bundle: str, file: Path) -> dict[str, bytes]:
    """A zip, or the folder that a pointer opens."""
    with _open_plain(bundle, file) as stream:
        if stream.read(2) == b"PK" or file.suffix.lower() == ".zip":
            return read_zip(bundle, stream)
        stream.seek(0)
        return _read_folder(bundle, file.parent / _pointed_to(bundle, stream, file.parent))


def _pointed_to(bundle: str, stream: BinaryIO, beside: Path) -> str:
    """The folder that a pointer file names: one that lies beside it, and no link."""
    content = stream.read(_LONGEST_POINTER + 1).decode("utf-8", "replace").strip()
    if not _FOLDER_NAME.match(content):
        raise InputError(
            f"{bundle}: is no bundle: give its folder, a .zip of it, or a file that holds the"
            " name of a bundle folder beside it"
        )
    mode = (beside / content).lstat().st_mode if os.path.lexists(beside / content) else 0
    if not stat.S_ISDIR(mode):
        raise refusal(bundle, content, "the file points to it, but it is no folder beside it")
    return content


def _read_folder(bundle: str, folder: Path) -> dict[str, bytes]:
    entries = list_folder(folder)
    if (folder / "archive" / "best").is_file():
        raise InputError(f"{bundle}: is a run, not a bundle; its best is {bundle}/archive/best")
    check_entries(bundle, entries)
    return {entry.path: _read_plain(bundle, folder, entry) for entry in entries}


def _entries(folder: Path, prefix: str) -> Iterator[Entry]:
    with os.scandir(folder) as found:
        for item in found:
            status = item.stat(follow_symlinks=False)
            path, kind = prefix + item.name, stat.S_IFMT(status.st_mode)
            if kind == stat.S_IFDIR and path == MAPS:
                yield from _entries(folder / MAPS, f"{MAPS}/")
                continue
            fault = "" if kind == stat.S_IFREG else _KINDS.get(kind, "is not a file")
            yield Entry(path, status.st_size, fault)


def _read_plain(bundle: str, folder: Path, entry: Entry) -> bytes:
    with _open_plain(f"{bundle}: {entry.path}", folder / entry.path) as stream:
        content = stream.read(entry.size + 1)
    if len(content) != entry.size:
        raise refusal(bundle, entry.path, "changed while it was read")
    return content


def _open_plain(named: str, path: Path) -> BinaryIO:
    """Opens a plain file for reading; never waits for a pipe and never follows a link."""
    flags = os.O_RDONLY
    for flag in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY", "O_NOCTTY"):
        flags |= getattr(os, flag, 0)
    stream = open(os.open(path, flags), "rb")  # noqa: SIM115, the caller closes it
    kind = stat.S_IFMT(os.fstat(stream.fileno()).st_mode)
    if kind != stat.S_IFREG:
        stream.close()
        raise InputError(f"{named}: {_KINDS.get(kind, 'is not a file')}")
    return stream
