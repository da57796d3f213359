"""Commands about language models on this machine: models serve."""

import json
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from generators.llm import Settings
    from generators.llm.local import LocalServer

PROBE_CALLS = 40  # most for a probe, tries that fail with it
LLM = Annotated[
    str | None,
    typer.Option(
        help="A language model: the address of its server, up to and with /v1; or `local`, the"
        " server of `gamut models serve`.",
        metavar="URL|local",
        show_default=False,
    ),
]
MODEL = Annotated[
    str | None, typer.Option(help="What the server calls the model.", show_default=False)
]
KEY_ENV = Annotated[
    str | None,
    typer.Option(help="The environment variable that holds the key.", show_default=False),
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.callback()(_models)
    app.command("serve")(serve)


def named_model(
    llm: str | None, model: str | None, key_env: str | None, *, calls: int, cache: str
) -> "Settings | None":
    """Settings of the model that a command's options name, for so many calls; None for none."""
    from generators.errors import InputError

    if llm is None:
        if model or key_env:
            raise InputError("--llm is missing: give the address of the model's server")
        return None
    if model is None:
        raise InputError("--model is missing: give what the server calls the model")
    from generators.llm import settings_from
    from generators.llm.local import LOCAL_URL

    plain = {
        "name": "named",
        "base_url": LOCAL_URL if llm == "local" else llm,
        "model": model,
        "key_env": key_env,
        "allow_unknown_price": True,  # it costs what the calls cost that the user asks us for
        "budget": {"calls": calls},
        "cache": {"mode": cache},
    }
    return settings_from(plain)


def _models() -> None:
    """Language models on this machine."""


def serve(
    model: Annotated[Path, typer.Argument(help="A model in GGUF format.", metavar="MODEL.gguf")],
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0: any that is free.")] = 8712,
    slots: Annotated[int, typer.Option(min=1, max=64, help="Answers at a time.")] = 4,
    context: Annotated[
        int, typer.Option(min=256, help="Most tokens of a prompt with its answer.")
    ] = 4096,
    threads: Annotated[
        int | None,
        typer.Option(
            min=1, help="Of the processor; default: one a core. More than are free is slower."
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(help="What clients call the model; default: the file's name."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the address as JSON, for a script to read.")
    ] = False,
) -> None:
    """Serve a language model on this machine, until it is interrupted.

    llama.cpp's own server, by xllamacpp: pip install 'persona-gamut[local]'. It listens on the
    loopback address alone and wants no key. Answers are kept under the model's name, so give
    another file another name.

    Example: gamut models serve model.gguf
    """
    from joblib import cpu_count

    from generators.llm.local import LocalServer, ServerOptions

    options = ServerOptions(port, slots, context, threads or cpu_count(), name)
    stop = threading.Event()
    earlier = {number: _stopping(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        print(f"Loading {model}", file=sys.stderr, flush=True)
        with LocalServer(model, options) as server:
            _say(server, as_json)
            stop.wait()
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


def _stopping(number: int, stop: threading.Event) -> Any:
    """Have a signal end the wait; the handler that was there before."""
    return signal.signal(number, lambda *_: stop.set())


def _say(server: "LocalServer", as_json: bool) -> None:
    from generators.llm.local import LOCAL_URL

    if as_json:
        print(json.dumps({"base_url": server.base_url, "model": server.name}), flush=True)
        return
    address = "" if server.base_url == LOCAL_URL else f" llm.base_url={server.base_url}"
    url = "local" if server.base_url == LOCAL_URL else server.base_url
    print(f"Serving {server.name} at {server.base_url}; Ctrl-C ends it.")
    print(f"  gamut doctor --llm {url} --model {server.name}")
    print(f"  gamut evolve llm=local llm.model={server.name}{address}", flush=True)
