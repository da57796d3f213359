"""Keys: read from the environment, and kept out of everything that is shown or written."""

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

        self._reveal: Callable[[], str] = reveal  # shows nothing, and cannot be pickled

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
            return value.replace(self.reveal(), _SHOWN)
        if isinstance(value, list):
            return [self.out_of(item) for item in value]
        if isinstance(value, dict):
            return {self.out_of(name): self.out_of(item) for name, item in value.items()}
        return value

    def __repr__(self) -> str:
        return _SHOWN
