"""A real HTTP server in a thread that speaks like a language model's, or misbehaves on purpose."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from generators.llm import Capabilities, Settings

ABLE = Capabilities(
    json_schema=True,
    top_logprobs=20,
    seed=True,
    seed_repeats=False,
    temperature=True,
    usage=True,
    context_length=None,
    prompt_caching=None,
    listed=True,
    latency=0.1,
    seconds_per_token=0.01,
)
FREE = {"model": "*", "input": 0, "output": 0, "as_of": "2026-11-01"}
QUICK = {"attempts": 3, "first_wait": 0.01, "longest_wait": 2.0}

Behaviour = Callable[["Handler", dict[str, Any]], None]


def answer(text: str | None = "Good morning.", **fields: Any) -> dict[str, Any]:
    """A well-formed chat completion; `fields` replace those of the same name."""
    plain: dict[str, Any] = {
        "id": "x",
        "object": "chat.completion",
        "model": "tiny-1",
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": text},
                "logprobs": None,
            }
        ],
        "usage": {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15},
    }
    return {**plain, **fields}


def words(body: dict[str, Any]) -> int:
    """True tokens of a prompt on this server: one a word."""
    return sum(len(message["content"].split()) for message in body["messages"])


class Handler(BaseHTTPRequestHandler):
    """One connection; what a behaviour does its mischief with."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "ModelServer"

    def do_POST(self) -> None:
        """A chat completion, as the server's behaviour has it."""
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with self.server.counting(body, dict(self.headers)):
            self.server.behaviour(self, body)

    def do_GET(self) -> None:
        """What the server says of itself."""
        said = self.server.pages.get(self.path)
        if said is None:
            self.send({"error": "no such page"}, status=404)
        else:
            self.send(said)

    def send(
        self, body: Any, status: int = 200, kind: str = "application/json", **headers: str
    ) -> None:
        """A whole response: JSON of anything, or text as it is."""
        content = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.begin(status, kind, len(content), **headers)
        self.wfile.write(content)

    def begin(self, status: int, kind: str, length: int, **headers: str) -> None:
        """The head of a response."""
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def hang_up(self) -> None:
        """Close the connection at once."""
        self.close_connection = True
        self.connection.close()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class ModelServer(ThreadingHTTPServer):
    """Counts what it is asked, and behaves as told.

    Attributes:
        behaviour: answers a request.
        bodies, headers: of the requests so far.
        most_at_once: requests that it had in hand at one moment.
        pages: what GET gives, by path.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, behaviour: Behaviour) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.behaviour = behaviour
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.pages: dict[str, Any] = {}
        self.most_at_once = self._now = 0
        self._lock = threading.Lock()
        self.ended = threading.Event()

    @property
    def url(self) -> str:
        """Its address as a client needs it."""
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    @contextmanager
    def counting(self, body: dict[str, Any], headers: dict[str, str]) -> Iterator[None]:
        """Notes a request while it is in hand."""
        with self._lock:
            self.bodies.append(body)
            self.headers.append(headers)
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        try:
            yield
        finally:
            with self._lock:
                self._now -= 1

    def handle_error(self, *_: Any) -> None:
        """A client that went away is what some tests are about."""


@contextmanager
def serving(*behaviours: Behaviour) -> Iterator[ModelServer]:
    """A server that behaves as the first says at the first request, …, as the last from then on."""
    left = list(behaviours)
    lock = threading.Lock()

    def one(handler: Handler, body: dict[str, Any]) -> None:
        with lock:
            now = left.pop(0) if len(left) > 1 else left[0]
        now(handler, body)

    server = ModelServer(one)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()


def says(body: Any, status: int = 200, kind: str = "application/json", **headers: str) -> Behaviour:
    """Always the same response."""
    return lambda handler, _: handler.send(body, status, kind, **headers)


def fine(handler: Handler, body: dict[str, Any]) -> None:
    """A good answer, with a true count of tokens."""
    usage = {"prompt_tokens": words(body), "completion_tokens": 2, "total_tokens": 2 + words(body)}
    handler.send(answer(usage=usage))


def slow(seconds: float) -> Behaviour:
    """A good answer after a while."""

    def behave(handler: Handler, body: dict[str, Any]) -> None:
        handler.server.ended.wait(seconds)
        fine(handler, body)

    return behave


def stalls(handler: Handler, _: dict[str, Any]) -> None:
    """Sends the head and a drop of the body now and then, and never ends."""
    handler.begin(200, "application/json", 10_000)
    while not handler.server.ended.wait(0.05):
        handler.wfile.write(b" ")


def half_closes(handler: Handler, _: dict[str, Any]) -> None:
    """Half of what it said it would send."""
    whole = json.dumps(answer()).encode()
    handler.begin(200, "application/json", len(whole))
    handler.wfile.write(whole[: len(whole) // 2])
    handler.hang_up()


def hangs_up(handler: Handler, _: dict[str, Any]) -> None:
    """Takes the request and closes the connection."""
    handler.hang_up()


def endless(handler: Handler, _: dict[str, Any]) -> None:
    """A reply that is larger than anybody can want."""
    handler.begin(200, "application/json", 10**12)
    while not handler.server.ended.is_set():
        handler.wfile.write(b"[" * 65_536)


def settings(server: ModelServer | str, **changes: Any) -> Settings:
    """Settings for a server, quick to retry, without a cache; `changes` replace what they name."""
    plain = {
        "base_url": server if isinstance(server, str) else server.url,
        "model": "tiny",
        "timeout": 5.0,
        "prices": [FREE],
        "retries": QUICK,
        "cache": {"mode": "off"},
        **changes,
    }
    return Settings.model_validate(plain)
