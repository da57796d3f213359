"""Keys: read from the environment, and kept out of everything that is shown or written."""

import json
import logging
import os
from collections.abc import Callable
from typing import Any

from generators.errors import InputError

_SHOWN = "[key]"


class Key:
    """A key that no repr, str, pickle or traceback shows."""

    def __init__(self, value: str) -> None:
        def reveal() -> str:
            return value

        def forms() -> tuple[str, ...]:  # as in JSON, as in a repr, as it is
            return json.dumps(value)[1:-1], repr(value)[1:-1], value

        self._reveal: Callable[[], str] = reveal  # shows nothing, and cannot be pickled
        self._forms: Callable[[], tuple[str, ...]] = forms

    @classmethod
    def from_environment(cls, variable: str | None) -> "Key | None":
        """The key that a variable holds; None where the server wants none.

        Raises InputError where the variable is not set.
        """
        if variable is None:
            return None
        value = os.environ.get(variable, "").strip()
        if not value:
            raise InputError(
                f"llm.key_env={variable}: this environment variable is not set; put the server's"
                " key into it, or set llm.key_env=null for a server that wants none"
            )
        if not value.isascii() or not value.isprintable():
            raise InputError(f"llm.key_env={variable}: its value cannot be a key")
        return cls(value)

    def reveal(self) -> str:
        """The key itself."""
        return self._reveal()

    def out_of(self, value: Any) -> Any:
        """Text, or plain JSON, in which this key is replaced wherever a server sent it back."""
        if isinstance(value, str):
            for form in self._forms():
                value = value.replace(form, _SHOWN)
            return value
        if isinstance(value, list):
            return [self.out_of(item) for item in value]
        if isinstance(value, dict):
            return {self.out_of(name): self.out_of(item) for name, item in value.items()}
        return value

    def __repr__(self) -> str:
        return _SHOWN


class _LogFilter(logging.Filter):
    """Takes a key out of what HTTP libraries log: at level DEBUG they log a server's headers."""

    def __init__(self, key: Key) -> None:
        super().__init__()
        self._key = key

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record through, without the key."""
        record.msg, record.args = self._key.out_of(record.getMessage()), ()
        return True


_LOGGERS = (
    "openai", "openai._base_client", "openai._response", "httpx2", "httpcore2.connection",
    "httpcore2.http11", "httpcore2.http2", "httpcore2.proxy", "httpcore2.socks",
)  # fmt: skip


def keep_out_of_logs(key: Key) -> Callable[[], None]:
    """Take a key out of what HTTP libraries log, until the function that this gives is called."""
    log_filter = _LogFilter(key)
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(log_filter)

    def end() -> None:
        for name in _LOGGERS:
            logging.getLogger(name).removeFilter(log_filter)

    return end
