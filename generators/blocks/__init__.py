"""Blocks: the typed vocabulary of programs, served to them by the sandbox.

A program calls a block by name; the sandbox carries the arguments over as JSON, `host_blocks`
checks them against the block's annotations and runs it. `evolve.grammar` builds the typed GP's
primitives from the same annotations, `generators.program.describe` its words from the docstrings.
"""

import inspect
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from pydantic import ConfigDict, ValidationError, validate_call

from generators.blocks import asking, placements, telling, wording

_MODULES: dict[Any, tuple[str, ...]] = {
    placements: (
        "uniform", "sobol", "halton", "latin_hypercube", "corners", "lattice", "maximin",
        "covering_design", "stretch", "antithetic", "thin", "mixture",
    ),
    wording: (
        "sign_mix", "graded_phrase", "behaviour", "if_then", "backstory", "motivation", "both",
        "sharpest",
    ),
    telling: ("in_order", "voice", "join", "people"),
}  # fmt: skip

BLOCKS: dict[str, Callable[..., Any]] = {
    name: getattr(module, name) for module, names in _MODULES.items() for name in names
}

ASKING: dict[str, Callable[..., Any]] = {
    name: getattr(asking, name) for name in ("ask", "ask_all", "retell")
}
"""Blocks that need a language model. Any program may call them; the search knows of them only where
it is allowed to ask."""

EVERY = {**BLOCKS, **ASKING}


def summary(name: str) -> str:
    """What a block does: the first line of its docstring."""
    return (inspect.getdoc(EVERY[name]) or "").partition("\n")[0]


def host_blocks() -> dict[str, Callable[..., Any]]:
    """The blocks as the sandbox serves them: strict about arguments, with short errors.

    Each raises ValueError where an argument is not of the annotated shape or range.
    """
    checked = ConfigDict(strict=True, allow_inf_nan=False)
    return {
        name: partial(_called, name, validate_call(config=checked)(block))
        for name, block in EVERY.items()
    }


def _called(name: str, block: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    try:
        return block(*args, **kwargs)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        argument, *inside = first["loc"]
        parameters = list(inspect.signature(EVERY[name]).parameters)
        if isinstance(argument, int) and argument < len(parameters):  # given by position
            argument = parameters[argument]
        where = ".".join(str(part) for part in (argument, *inside))
        what = first["msg"].removeprefix("Value error, ")
        raise ValueError(f"{name}: {where[:80]}: {what[:200]}") from None
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def asks(blocks: Iterable[str]) -> bool:
    """Whether a program that calls these blocks asks a language model."""
    return not ASKING.keys().isdisjoint(blocks)
