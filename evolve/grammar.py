"""The grammar of programs: DEAP's typed primitives, built from the type hints of the blocks.

A block's annotation is the single source: which expressions may stand as its arguments, within
which range a constant may move, which choices a literal has. Expressions are grown as DEAP trees
and rendered as Python, so they can be spliced into any program, whoever wrote it.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from inspect import signature
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from annotated_types import Ge, Le
from deap import gp

from generators.blocks import ASKING, BLOCKS, EVERY
from generators.blocks.kinds import Kind

TERMINALS = {
    "Size": "n",
    "Dimension": "len(context['axes'])",
    "Axes": "context['axes']",
    "Seed": "rng.getrandbits(31)",
}
"""Expressions that every program can write for a kind, whatever its variables are called."""

_OF_A_MODEL = "retell"  # the one typed block that asks a language model
_asking: ContextVar[bool] = ContextVar("asking", default=False)

VARIABLE_SHARE = 0.8  # how often a variable in scope is taken where one fits


@dataclass(frozen=True)
class Parameter:
    """One argument of a block.

    Attributes:
        name: the keyword.
        kind: name of the type.
        low, high: range of a numeric constant, else None.
        integer: whether such a constant is whole.
        options: the choices of a literal, else empty.
    """

    name: str
    kind: str
    low: float | None = None
    high: float | None = None
    integer: bool = False
    options: tuple[str, ...] = ()

    @property
    def constant(self) -> bool:
        """Whether a constant is written here (and not an expression)."""
        return bool(self.options) or (self.low is not None and self.kind not in TERMINALS)

    def draw(self) -> int | float | str:
        """A constant drawn evenly from what is allowed."""
        if self.options:
            return random.choice(self.options)
        low, high = self.range
        if self.integer:
            return random.randint(int(low), int(high))
        return round(random.uniform(low, high), 3)

    def move(self, value: Any) -> int | float | str:
        """Another constant: a Gaussian step of a fifth of the range, or another option.

        One of the wrong type, which only a program written by hand can have, is drawn anew.
        """
        if self.options:
            return random.choice([o for o in self.options if o != value] or list(self.options))
        if not isinstance(value, int | float):
            return self.draw()
        low, high = self.range
        moved = min(high, max(low, random.gauss(value, (high - low) / 5)))
        if not self.integer:
            return round(moved, 3)
        if round(moved) == value:  # a step at least, inwards at the ends of the range
            moved = value + (1 if value <= low else -1 if value >= high else random.choice([-1, 1]))
        return round(moved)

    @property
    def range(self) -> tuple[float, float]:
        """Bounds of a numeric constant."""
        assert self.low is not None
        assert self.high is not None
        return self.low, self.high


@dataclass(frozen=True)
class Signature:
    """What a block takes and gives."""

    name: str
    parameters: tuple[Parameter, ...]
    returns: str

    def parameter(self, name: str) -> Parameter | None:
        """The parameter of that name, if there is one."""
        return next((p for p in self.parameters if p.name == name), None)


@cache
def signatures() -> dict[str, Signature]:
    """Signature of every block that is told by its types, by name; not all of them are grown."""
    found = {}
    for name, block in {**BLOCKS, _OF_A_MODEL: ASKING[_OF_A_MODEL]}.items():
        hints = get_type_hints(block, include_extras=True)
        parameters = tuple(_parameter(p, hints[p]) for p in signature(block).parameters)
        found[name] = Signature(name, parameters, _kind(hints["return"]))
    return found


@contextmanager
def asking(allowed: bool) -> Iterator[None]:
    """Whether what is grown meanwhile may ask a language model; else it never does."""
    before = _asking.set(allowed)
    try:
        yield
    finally:
        _asking.reset(before)


def grown_blocks() -> list[Signature]:
    """The blocks that may be grown now."""
    return _grown_blocks(_asking.get())


@cache
def _grown_blocks(asks: bool) -> list[Signature]:
    return [s for s in signatures().values() if asks or s.name != _OF_A_MODEL]


@cache
def _primitives(asks: bool) -> Any:
    """DEAP's typed primitive set of blocks, with constants and the usual expressions."""
    pset = gp.PrimitiveSetTyped("program", [], _type("People"))
    for block in _grown_blocks(asks):
        kinds = [_type(p.kind) for p in block.parameters]
        pset.addPrimitive(EVERY[block.name], kinds, _type(block.returns), name=block.name)
        for parameter in block.parameters:
            if parameter.constant and not pset.terminals[_type(parameter.kind)]:
                name = f"constant_{parameter.kind}"
                pset.addEphemeralConstant(name, parameter.draw, _type(parameter.kind))
    for kind, expression in TERMINALS.items():
        pset.addTerminal(expression, _type(kind), name=expression)
    return pset


def grow(kind: str, depth: int, scope: Mapping[str, Sequence[str]] | None = None) -> str:
    """A random expression of a kind, as Python source, at most `depth` calls deep where it can be.

    `scope` lists the variables in reach by kind. DEAP's own generators need a terminal for every
    type, which a kind such as Texts does not have; this one takes the shallowest block instead.
    Draws from `random`, like all of DEAP.
    """
    return str(gp.PrimitiveTree(_grown(kind, depth, scope or {})))


def _grown(kind: str, depth: int, scope: Mapping[str, Sequence[str]]) -> list[Any]:
    pset, type_ = _primitives(_asking.get()), _type(kind)
    variables, terminals = scope.get(kind, ()), pset.terminals[type_]
    blocks = pset.primitives[type_]
    if variables and (depth <= 0 or not blocks or random.random() < VARIABLE_SHARE):
        return [gp.Terminal(random.choice(variables), True, type_)]
    if terminals and (depth <= 0 or not blocks or random.random() < 0.5):
        terminal = random.choice(terminals)
        return [terminal() if isinstance(terminal, type) else terminal]
    if depth <= 0:
        shallowest = min(_depth_of(block, scope) for block in blocks)
        blocks = [block for block in blocks if _depth_of(block, scope) == shallowest]
    block = random.choice(blocks)
    tree = [block]
    for argument in block.args:
        tree += _grown(argument.__name__, depth - 1, scope)
    return tree


def _depth_of(block: Any, scope: Mapping[str, Sequence[str]]) -> int:
    """How many calls deep the shallowest expression with this block outermost is."""
    return _shallowest(_asking.get())[block.name] - (
        1 if any(a.__name__ in scope for a in block.args) else 0
    )


@cache
def _shallowest(asks: bool) -> dict[str, int]:
    """Depth of the shallowest expression that each block can head."""
    pset = _primitives(asks)
    kinds: dict[str, int] = {}
    depths: dict[str, int] = {}
    known = -1
    while known < len(depths):
        known = len(depths)
        for block in _grown_blocks(asks):
            needed = [
                0 if pset.terminals[_type(p.kind)] else kinds.get(p.kind) for p in block.parameters
            ]
            if block.name not in depths and None not in needed:
                depth = 1 + max((d for d in needed if d is not None), default=0)
                depths[block.name] = depth
                kinds[block.returns] = min(depth, kinds.get(block.returns, depth))
    return depths


@cache
def _type(kind: str) -> type:
    """The class that stands for a kind inside DEAP."""
    return type(kind, (), {})


def _parameter(name: str, hint: Any) -> Parameter:
    if get_origin(hint) is Literal:
        options = get_args(hint)
        return Parameter(name, "_or_".join(options), options=options)
    low = next((m.ge for m in hint.__metadata__ if isinstance(m, Ge)), None)
    high = next((m.le for m in hint.__metadata__ if isinstance(m, Le)), None)
    bounds = [None if b is None else float(b) for b in (low, high)]  # type: ignore[arg-type]
    return Parameter(name, _kind(hint), bounds[0], bounds[1], get_args(hint)[0] is int)


def _kind(hint: Any) -> str:
    assert get_origin(hint) is Annotated, hint
    return next(m.name for m in hint.__metadata__ if isinstance(m, Kind))
