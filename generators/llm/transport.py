"""HTTP to a server, by the `openai` client: what was said, or what went wrong, never an exception.

Exceptions of HTTP clients hold the request with its headers, and so the key. They end here.
"""

import asyncio
import ipaddress
import json
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from generators.llm.errors import Reason
from generators.llm.keys import Key, keep_out_of_logs
from generators.llm.replies import by_status, excerpt
from generators.llm.retry import Failure, retry_after
from generators.llm.settings import Settings

if TYPE_CHECKING:
    import openai

MOST_BYTES = 8_000_000  # of a reply
_NO_KEY = "none"  # what the client sends to servers that want no key


class Transport:
    """Connections to one server. Belongs to one event loop; connects when first used."""

    def __init__(self, settings: Settings, key: Key | None) -> None:
        self._settings, self._key = settings, key
        self._client: openai.AsyncOpenAI | None = None
        self._logs_again: Callable[[], None] | None = None

    async def post(self, body: dict[str, Any]) -> str | Failure:
        """The text of the reply to a chat completion."""
        model, messages = body["model"], body["messages"]
        rest = {name: value for name, value in body.items() if name not in ("model", "messages")}

        async def send() -> str | Failure:
            completions = self._opened().chat.completions.with_streaming_response
            async with completions.create(
                model=model, messages=messages, extra_body=rest
            ) as response:
                return await _bounded(response)

        return await self._guarded(send)

    async def get(self, path: str) -> str | Failure:
        """The text of what is at a path; one that begins with / counts from the server's root."""
        parts = urlsplit(self._settings.base_url)
        root = f"{parts.scheme}://{parts.netloc}"
        address = root + path if path.startswith("/") else f"{self._settings.base_url}/{path}"

        async def fetch() -> str | Failure:
            import httpx2

            response = await self._opened().get(address, cast_to=httpx2.Response)
            return response.text

        return await self._guarded(fetch)

    def out_of(self, value: Any) -> Any:
        """Plain JSON, or text, without the key."""
        return value if self._key is None else self._key.out_of(value)

    async def close(self) -> None:
        """Close all connections."""
        if self._client is not None:
            await self._client.close()
        if self._logs_again is not None:
            self._logs_again()

    def _opened(self) -> "openai.AsyncOpenAI":
        if self._client is None:
            if self._key is not None:
                self._logs_again = keep_out_of_logs(self._key)
            self._client = _client(self._settings, self._key)
            self._client.chat.completions  # noqa: B018  (is imported when first named)
        return self._client

    async def _guarded(self, call: Any) -> str | Failure:
        """What a call gives, within the time for one call."""
        import httpx2
        import openai

        self._opened()  # imports, which take a second, are none of the server's time
        late = f"no whole answer within {self._settings.timeout:g} s"
        try:
            async with asyncio.timeout(self._settings.timeout):
                said = await call()
                return said if isinstance(said, Failure) else str(self.out_of(said))
        except (TimeoutError, openai.APITimeoutError, httpx2.TimeoutException):
            return Failure(Reason.TIMEOUT, late, uncertain=True, again=True)
        except openai.APIStatusError as error:
            wait = retry_after(error.response.headers)
            return by_status(error.status_code, self._readable(error.response.text), wait)
        except openai.APIConnectionError as error:
            return self._broken(error.__cause__ or error)
        except httpx2.InvalidURL as error:
            return Failure(Reason.REJECTED, f"{self._settings.base_url}: {error}", refused=True)
        except (httpx2.HTTPError, httpx2.StreamError, openai.OpenAIError) as error:
            return self._broken(error)

    def _readable(self, text: str) -> str:
        """What a server said, without the key, also where JSON hides it behind escapes."""
        with suppress(ValueError, RecursionError):
            text = json.dumps(self.out_of(json.loads(text)), ensure_ascii=False)
        return str(self.out_of(text))

    def _broken(self, error: BaseException) -> Failure:
        """A connection that could not be made, or broke."""
        import httpx2

        made = not isinstance(error, httpx2.ConnectError)
        what = f"{type(error).__name__}: {excerpt(str(self.out_of(str(error))))}"
        where = f"{self._settings.base_url}: {what}"
        return Failure(Reason.CONNECTION, where, uncertain=made, again=True)


async def _bounded(response: Any) -> str | Failure:
    """The text of a response, as long as it is not endless."""
    parts, size = [], 0
    async for part in response.iter_bytes():
        size += len(part)
        if size > MOST_BYTES:
            words = f"a reply of more than {MOST_BYTES:,} bytes"
            return Failure(Reason.MALFORMED, words, uncertain=True, again=True)
        parts.append(part)
    return b"".join(parts).decode("utf-8", "replace")


def _client(settings: Settings, key: Key | None) -> "openai.AsyncOpenAI":
    """A client that neither retries nor follows redirects, and goes past proxies to this machine.

    What the environment says of an organisation is told to OpenAI's own server alone.
    """
    import openai

    host = urlsplit(settings.base_url).hostname or ""
    here = _is_here(host)
    http = openai.DefaultAsyncHttpxClient(
        follow_redirects=False,
        trust_env=not here,
        verify=not (here and settings.base_url.startswith("http:")),  # no certificates to load
        timeout=settings.timeout + 5,
    )
    client = openai.AsyncOpenAI(
        api_key=_NO_KEY if key is None else key.reveal(),
        base_url=settings.base_url,
        max_retries=0,
        timeout=settings.timeout + 5,
        http_client=http,
    )
    if host != "api.openai.com":
        client.organization = client.project = None
    return client


def _is_here(host: str) -> bool:
    """Whether a host is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
