"""Reads a bundle from a zip of unknown origin, in memory: nothing is ever unpacked to disk."""

import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Sequence
from typing import BinaryIO, cast

from generators.bundle.layout import (
    LARGEST_BUNDLE,
    MAPS,
    MOST_FILES,
    Entry,
    check_entries,
    printable,
    refusal,
    unsafe_path,
)
from generators.errors import InputError
from generators.input_file import size_in_words

_LARGEST_DIRECTORY = 1_000_000  # bytes; the list of 500 files needs a twentieth
_SIP = 65_536
_FREE = 1_000_000  # bytes to which any file may unpack, however well it was compressed
_MOST_RATIO = 200  # beyond that; text comes to about 5
_ENCRYPTED = 0x1

# What zipfile and zlib raise on bytes that are no proper zip.
_BROKEN = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OverflowError,
    OSError,
)


def read_zip(bundle: str, stream: BinaryIO) -> dict[str, bytes]:
    """The files of a bundle that lies in a zip, at its root or in one top folder."""
    size = os.fstat(stream.fileno()).st_size
    if size > LARGEST_BUNDLE + _LARGEST_DIRECTORY:
        most = size_in_words(LARGEST_BUNDLE)
        raise InputError(f"{bundle}: too large: {size_in_words(size)}, at most {most} are read")
    try:
        with zipfile.ZipFile(cast(BinaryIO, _Sipped(bundle, stream))) as archive:
            members = _members(archive.infolist())
            check_entries(bundle, [entry for entry, _ in members])
            return {e.path: _unpacked(bundle, archive, e, info) for e, info in members}
    except _BROKEN as error:
        raise InputError(
            f"{bundle}: not a zip that can be read: {printable(str(error))}"
        ) from error


class _Sipped:
    """A file that refuses to hand out much at once.

    zipfile reads the whole list of files before anyone can count it; a list of millions, which
    takes gigabytes once it is objects, is refused here.
    """

    def __init__(self, bundle: str, stream: BinaryIO) -> None:
        self._bundle = bundle
        self._stream = stream
        self.seek, self.tell, self.seekable = stream.seek, stream.tell, stream.seekable

    def read(self, size: int = -1) -> bytes:
        content = self._stream.read(
            min(size, _LARGEST_DIRECTORY) if size >= 0 else _LARGEST_DIRECTORY
        )
        if size > _LARGEST_DIRECTORY and len(content) == _LARGEST_DIRECTORY:
            raise InputError(f"{self._bundle}: lists more than {MOST_FILES} files")
        return content

    def close(self) -> None:
        """The caller closes the stream."""


def _members(infos: Sequence[zipfile.ZipInfo]) -> list[tuple[Entry, zipfile.ZipInfo]]:
    """The files with their paths in the bundle, without the top folder that may hold it all."""
    names = [info.orig_filename for info in infos]
    top = _top_folder(names)
    members = []
    for name, info in zip(names, infos, strict=True):
        path, fault = name.removeprefix(top), _fault(name, info)
        if name.endswith("/") and not fault:
            if path in ("", f"{MAPS}/") and not info.file_size:
                continue  # only says that there is this folder
            fault = f"is a folder; a bundle has no folder but {MAPS}/"
        members.append((Entry(path, info.file_size, fault), info))
    return members


def _top_folder(names: Sequence[str]) -> str:
    """The one folder, with its slash, in which everything lies; empty where there is none."""
    first = names[0].partition("/")[0] + "/" if names else ""
    inside = all(name.startswith(first) for name in names)
    return first if inside and first != f"{MAPS}/" else ""


def _fault(name: str, info: zipfile.ZipInfo) -> str:
    """Why an entry is refused whatever its place; empty where it is not."""
    mode = stat.S_IFMT(info.external_attr >> 16)
    if "\0" in name:
        return "has a NUL in its name"
    if unsafe := unsafe_path(name.removesuffix("/")):
        return unsafe
    if mode == stat.S_IFLNK:
        return "is a link; put the file itself there"
    if mode not in (0, stat.S_IFDIR if name.endswith("/") else stat.S_IFREG):
        return "is a device, a pipe or a folder, not a file"
    if info.flag_bits & _ENCRYPTED:
        return "is encrypted"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "is packed in a way other than stored or deflated"
    if info.file_size > max(_FREE, _MOST_RATIO * info.compress_size):
        return f"unpacks to more than {_MOST_RATIO} times its size"
    return ""


def _unpacked(bundle: str, archive: zipfile.ZipFile, entry: Entry, info: zipfile.ZipInfo) -> bytes:
    """The content of a member, read no further than one byte past the size it declares."""
    content = bytearray()
    try:
        with archive.open(info) as member:
            while len(content) <= entry.size and (sip := member.read(_SIP)):
                content += sip
    except _BROKEN as error:
        raise refusal(bundle, entry.path, f"cannot be unpacked: {error}") from error
    if len(content) != entry.size:
        raise refusal(bundle, entry.path, "does not hold as much as the zip says")
    return bytes(content)
