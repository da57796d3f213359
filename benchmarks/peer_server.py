"""A model server without a model: answers each chat request at once with the next program.

Speaks as much of OpenAI's chat completions as a client needs, over HTTP on loopback, with kept
connections and one write an answer, so that what is measured is the client's side.
"""

import json
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class ProgramServer:
    """Serves programs in the order given, each once; then answers 410. A context manager.

    Attributes:
        url: base URL for a client, ending in /v1.
    """

    def __init__(self, programs: Sequence[str]) -> None:
        left, lock = iter(programs), threading.Lock()

        class Answer(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                with lock:
                    program = next(left, None)
                status, body = (410, b"{}") if program is None else (200, _completion(program))
                head = f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\n"
                head += f"Content-Length: {len(body)}\r\n\r\n"
                self.wfile.write(head.encode() + body)

            def log_message(self, *_: object) -> None:
                """Nothing: what is served is known."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> "ProgramServer":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _completion(program: str) -> bytes:
    """A whole program as the answer of a model."""
    message = {"role": "assistant", "content": f"```python\n{program}\n```"}
    usage = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    answer = {
        "id": "none",
        "object": "chat.completion",
        "created": 0,
        "model": "none",
        "choices": [choice],
        "usage": usage,
    }
    return json.dumps(answer).encode()
