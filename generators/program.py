"""Programs: Python source that defines `generate(context, n, rng)`; the one representation.

The allow-list keeps programs small and readable and gives a clear reason early. It is not the
security boundary: that is the sandbox, through which every program runs.
"""

import ast
import hashlib
import inspect
from dataclasses import dataclass
from functools import cached_property

from generators.blocks import EVERY, summary
from generators.errors import GamutError

MAX_SOURCE = 64_000
MAX_NODES = 4_000
LONGEST_DESCRIPTION = 2_000  # characters
MAX_DEPTH = 100  # levels of the syntax tree; whatever walks or copies one recurses
MODULES = frozenset({"math", "random", "itertools", "collections", "functools", "re", "json"})

_FORBIDDEN_NAMES = frozenset(
    {
        "eval", "exec", "compile", "open", "input", "globals", "locals", "vars", "dir", "getattr",
        "setattr", "delattr", "breakpoint", "memoryview", "help", "exit", "quit", "id", "hash",
    }
)  # fmt: skip
_FORBIDDEN_NODES: dict[type[ast.AST], str] = {
    ast.ClassDef: "a class",
    ast.AsyncFunctionDef: "an async function",
    ast.Await: "await",
    ast.AsyncFor: "an async loop",
    ast.AsyncWith: "an async with",
    ast.Yield: "yield (the sandbox has no generators)",
    ast.YieldFrom: "yield from (the sandbox has no generators)",
    ast.Global: "global",
    ast.Nonlocal: "nonlocal",
    ast.Delete: "del",
    ast.With: "with",
    ast.TryStar: "except*",
}


class ProgramError(GamutError):
    """A program that the allow-list refuses; the message names the line and the reason."""


@dataclass(frozen=True)
class Program:
    """A checked program. `source` is normalised, so equal programs have equal hashes."""

    source: str

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the normalised source, hexadecimal."""
        return hashlib.sha256(self.source.encode()).hexdigest()

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree. Do not change it; operators work on a copy."""
        return ast.parse(self.source)

    @cached_property
    def nodes(self) -> int:
        """Size: number of nodes of the syntax tree."""
        return sum(1 for _ in ast.walk(self.tree))

    @cached_property
    def blocks(self) -> tuple[str, ...]:
        """The blocks it calls, in the order of their lines, repeats included."""
        return tuple(ast.unparse(call.func) for call in self._block_calls())

    def describe(self) -> str:
        """What the program does, in plain words: a sentence a block, with its settings."""
        said = " ".join(dict.fromkeys(_sentence(c) for c in self._block_calls()))
        if len(said) > LONGEST_DESCRIPTION:
            said = f"{said[:LONGEST_DESCRIPTION]} …"
        return said or "Writes personas with code of its own; calls no block."

    def _block_calls(self) -> list[ast.Call]:
        calls = [n for n in ast.walk(self.tree) if isinstance(n, ast.Call)]
        calls = [c for c in calls if isinstance(c.func, ast.Name) and c.func.id in EVERY]
        return sorted(calls, key=lambda c: (c.end_lineno or 0, c.end_col_offset or 0))


def parse(source: str, name: str = "program") -> Program:
    """Check a source text against the allow-list and normalise it.

    Raises ProgramError, with the line and the reason, where it does not parse, is too large, uses
    something that programs may not use, or does not define `generate(context, n, rng)`.
    """
    if len(source) > MAX_SOURCE:
        raise ProgramError(f"{name}: {len(source)} characters; at most {MAX_SOURCE} are allowed")
    try:
        tree = ast.parse(source)  # bounds its own recursion, within 1 MB of stack
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ProgramError(_not_python(error, name)) from None
    _check(tree, name)
    try:
        normalised = ast.unparse(_without_docstrings(tree))
    except ValueError as error:  # a number of thousands of digits, an f-string with a backslash
        raise ProgramError(f"{name}: cannot be normalised: {error}") from None
    if len(normalised) > MAX_SOURCE:
        raise ProgramError(f"{name}: over {MAX_SOURCE} characters once it is normalised")
    return Program(normalised)


def _not_python(error: Exception, name: str) -> str:
    if isinstance(error, MemoryError | RecursionError):  # how the parser of Python says it
        return f"{name}: nested too deeply; at most {MAX_DEPTH} levels are allowed"
    line = getattr(error, "lineno", None)
    where = f"{name}, line {line}" if line else name
    return f"{where}: not Python: {getattr(error, 'msg', error)}"


def _check(tree: ast.Module, name: str) -> None:
    level: list[ast.AST] = [tree]
    nodes = depth = 0
    while level:  # the levels of the tree in turn: without recursion
        nodes, depth = nodes + len(level), depth + 1
        for node in level:
            reason = _refusal(node)
            if reason:
                raise ProgramError(f"{name}, line {getattr(node, 'lineno', 1)}: {reason}")
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    if nodes > MAX_NODES:
        raise ProgramError(f"{name}: {nodes} syntax nodes; at most {MAX_NODES} are allowed")
    if depth > MAX_DEPTH:
        raise ProgramError(f"{name}: nested too deeply; at most {MAX_DEPTH} levels are allowed")
    for statement in tree.body:
        if not isinstance(
            statement, ast.FunctionDef | ast.Import | ast.ImportFrom | ast.Assign | ast.AnnAssign
        ) and not _bare_constant(statement):
            raise ProgramError(
                f"{name}, line {statement.lineno}: only functions, imports and assignments may"
                " stand outside a function"
            )
    mains = [s for s in tree.body if isinstance(s, ast.FunctionDef) and s.name == "generate"]
    if len(mains) != 1 or _parameters(mains[0].args) != ["context", "n", "rng"]:
        raise ProgramError(f"{name}: define generate(context, n, rng) exactly once")


def _parameters(given: ast.arguments) -> list[str]:
    """The names of all parameters of a function, starred ones with their stars."""
    names = [a.arg for a in [*given.posonlyargs, *given.args, *given.kwonlyargs]]
    starred = [("*", given.vararg), ("**", given.kwarg)]
    return names + [stars + a.arg for stars, a in starred if a is not None]


def _refusal(node: ast.AST) -> str:
    """Why a node is not allowed; empty where it is."""
    forbidden = _FORBIDDEN_NODES.get(type(node))
    if forbidden:
        return f"{forbidden} is not allowed in a program"
    if isinstance(node, ast.Import):
        bad = [a.name for a in node.names if a.name not in MODULES]
        return _import_refusal(bad[0]) if bad else ""
    if isinstance(node, ast.ImportFrom):
        module = "." * node.level + (node.module or "")
        return "" if module in MODULES else _import_refusal(module)
    if isinstance(node, ast.Name) and (node.id in _FORBIDDEN_NAMES or node.id.startswith("__")):
        return f"the name {node.id} is not allowed"
    if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
        return f"the attribute {node.attr} is not allowed: it begins with an underscore"
    own = _bound(node)
    if own in EVERY:
        return f"{own} is the name of a block; call yours something else"
    if own.startswith("__") or (isinstance(node, ast.alias) and node.name.startswith("_")):
        return f"the name {own} is not allowed"
    return ""


def _bound(node: ast.AST) -> str:
    """The name that a node gives a value to; empty where it gives none."""
    if isinstance(node, ast.Name):
        return "" if isinstance(node.ctx, ast.Load) else node.id
    if isinstance(node, ast.alias):
        return node.asname or node.name
    if isinstance(node, ast.arg):
        return node.arg
    if isinstance(node, ast.MatchMapping):
        return node.rest or ""
    if isinstance(node, ast.FunctionDef | ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
        return node.name or ""
    return ""


def _import_refusal(module: str) -> str:
    return f"import of {module} is not allowed; known: {', '.join(sorted(MODULES))}"


def _without_docstrings(tree: ast.Module) -> ast.Module:
    """Comments go with unparsing; docstrings go here, so that neither changes a hash."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef):  # any constant could become a docstring
            node.body = [s for s in node.body if not _bare_constant(s)] or [ast.Pass()]
    return tree


def _bare_constant(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _sentence(call: ast.Call) -> str:
    assert isinstance(call.func, ast.Name)
    names = list(inspect.signature(EVERY[call.func.id]).parameters)
    given = [*zip(names, call.args, strict=False), *((k.arg, k.value) for k in call.keywords)]
    settings = [f"{name}: {v.value!s:.40}" for name, v in given if isinstance(v, ast.Constant)]
    words = summary(call.func.id)
    return f"{words[:-1]} ({', '.join(settings)})." if settings else words
