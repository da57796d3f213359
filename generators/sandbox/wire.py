"""Frames of text over a socket: four bytes of length, then UTF-8. Nothing else ever crosses."""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import time

_HEADER = struct.Struct(">I")
LARGEST_FRAME = 1 << 28


class WireError(Exception):
    """The other side is gone, or does not keep to the protocol."""


class Wire:
    """One end of the line between the host and its driver. Not safe for several threads."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line

    def send(self, text: str, deadline: float | None = None) -> None:
        """Sends one frame; TimeoutError after `deadline` (monotonic seconds)."""
        data = text.encode()
        if len(data) > LARGEST_FRAME:
            raise WireError(f"a frame of {len(data)} bytes is too long")
        self._line.settimeout(_left(deadline))
        try:
            self._line.sendall(_HEADER.pack(len(data)) + data)
        except TimeoutError:
            raise
        except OSError as error:
            raise WireError(f"cannot send: {error}") from error

    def receive(self, largest: int = LARGEST_FRAME, deadline: float | None = None) -> str:
        """Waits for one frame; TimeoutError after `deadline`, WireError at the end of the line."""
        (length,) = _HEADER.unpack(self._exactly(_HEADER.size, deadline))
        if length > largest:
            raise WireError(f"a frame of {length} bytes where at most {largest} are allowed")
        try:
            return self._exactly(length, deadline).decode()
        except UnicodeDecodeError as error:
            raise WireError("a frame that is not UTF-8") from error

    def _exactly(self, count: int, deadline: float | None) -> bytes:
        parts = bytearray()
        while len(parts) < count:
            self._line.settimeout(_left(deadline))
            try:
                part = self._line.recv(min(count - len(parts), 1 << 20))
            except TimeoutError:
                raise
            except OSError as error:
                raise WireError(f"cannot receive: {error}") from error
            if not part:
                raise WireError("the other side has closed the line")
            parts += part
        return bytes(parts)

    def ended(self) -> bool:
        """Whether the other side has hung up (or speaks out of turn)."""
        watched = select.poll()
        watched.register(self._line, select.POLLIN)
        return bool(watched.poll(0))

    def hang_up(self, deadline: float) -> None:
        """Says that nothing more will come, then waits until the other side hangs up too."""
        with contextlib.suppress(OSError):  # TimeoutError is one; a line that is gone another
            self._line.shutdown(socket.SHUT_WR)
            self._line.settimeout(_left(deadline))
            while self._line.recv(1 << 20):
                self._line.settimeout(_left(deadline))

    def fileno(self) -> int:
        """The descriptor, to be watched for the end of the line."""
        return self._line.fileno()

    def close(self) -> None:
        """Closes this end."""
        self._line.close()


def _left(deadline: float | None) -> float | None:
    if deadline is None:
        return None
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("deadline passed")
    return left
