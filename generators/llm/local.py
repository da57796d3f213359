"""A language model on this machine: llama.cpp's own server, by `xllamacpp` (extra `local`).

The settings are those that were measured best on two cores: one cache for all slots, no cache in
RAM besides, every layer on the CPU. A prompt that begins like the one before it in its slot is read
from there on.
"""

import socket
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from generators.errors import GamutError, InputError

HOST, PORT = "127.0.0.1", 8712  # the port is also in conf/llm/local.yaml
LOCAL_URL = f"http://{HOST}:{PORT}/v1"
_HELP = "pip install 'persona-gamut[local]' (and the system's libgomp1, where that is missing)"


@dataclass(frozen=True)
class ServerOptions:
    """How a server is started.

    Attributes:
        port: 0: any that is free.
        slots: answers at a time; each keeps the beginning of its last prompt.
        context: most tokens of one prompt with its answer.
        threads: of the processor; more than there are free cores makes it slower.
        name: what clients call the model; None: the file's name.
    """

    port: int = PORT
    slots: int = 4
    context: int = 4096
    threads: int = 2
    name: str | None = None


class LocalServer:
    """llama.cpp's server, for as long as this is open; only this machine reaches it.

    Attributes:
        base_url: for `llm.base_url`.
        name: for `llm.model`.
    """

    def __init__(self, model: Path, options: ServerOptions) -> None:
        """Starts it; returns when it answers. Raises InputError for a file that is no GGUF, without
        the extra, or for a port that is taken.
        """
        _check_gguf(model)
        _check_port(options.port)
        self.name = options.name or model.stem
        self._server: Any = _started(model, options, self.name)
        self.base_url = f"{self._server.listening_address}/v1"

    def close(self) -> None:
        """Stop it."""
        self._server = None  # it ends with the last name for it

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _check_gguf(file: Path) -> None:
    try:
        with file.open("rb") as opened:
            magic = opened.read(4)
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror}") from None
    if magic != b"GGUF":
        raise InputError(f"{file}: no model in GGUF format, which is what llama.cpp reads")


def _check_port(port: int) -> None:
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            free.bind((HOST, port))
        except OSError as error:
            raise InputError(
                f"port {port} of {HOST} cannot be used ({error.strerror}); a server may already"
                " listen there: use it, or give another --port"
            ) from None


def _started(file: Path, options: ServerOptions, name: str) -> Any:
    try:
        import xllamacpp
    except ImportError as error:
        raise InputError(f"models on this machine need: {_HELP} ({error})") from None
    given = xllamacpp.CommonParams()
    given.model.path = str(file)
    given.model_alias = {name}
    given.hostnames, given.port = [HOST], options.port
    given.n_parallel, given.n_ctx = options.slots, options.slots * options.context
    given.kv_unified = True
    given.cpuparams.n_threads = given.cpuparams_batch.n_threads = options.threads
    given.cache_ram_mib, given.n_gpu_layers = 0, 0
    given.fit_params, given.verbosity, given.ui = False, 1, False
    try:
        return xllamacpp.Server(given)
    except RuntimeError as error:
        raise GamutError(f"{file}: llama.cpp does not serve it: {error}") from None
