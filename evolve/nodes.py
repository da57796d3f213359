"""Typed nodes: the expressions of a program whose kind is known, whoever wrote it.

A typed node is a call of a block, or an argument of one. What the operators change are these.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from evolve.grammar import Parameter, Signature, signatures


@dataclass(frozen=True)
class Node:
    """A typed node and its place: `holder.field`, or `holder.field[index]`.

    Attributes:
        expression: the syntax tree at that place.
        kind: name of its type.
        parameter: the parameter it is the argument of; None for a call that is no argument.
        scope: variables in reach there, by kind.
        outer: the block it is an argument of; None for a call that is no argument.
    """

    expression: ast.expr
    kind: str
    parameter: Parameter | None
    holder: ast.AST
    field: str
    index: int | None
    scope: dict[str, list[str]]
    outer: Signature | None = None

    @property
    def block(self) -> Signature | None:
        """The block called here, if any."""
        return called_block(self.expression)

    def replace(self, expression: ast.expr) -> None:
        """Put another expression in this place of the tree."""
        if self.index is None:
            setattr(self.holder, self.field, expression)
        else:
            getattr(self.holder, self.field)[self.index] = expression


def typed_nodes(tree: ast.Module) -> list[Node]:
    """All typed nodes of `generate`, outermost first; nested functions are left alone."""
    main = main_function(tree)
    scope: dict[str, list[str]] = {}
    found: list[Node] = []
    for statement in main.body:
        found += _nodes_in(statement, {kind: list(names) for kind, names in scope.items()})
        _learn(scope, statement)
    return found


def main_function(tree: ast.Module) -> ast.FunctionDef:
    """The function `generate` of a program."""
    return next(s for s in tree.body if isinstance(s, ast.FunctionDef) and s.name == "generate")


def called_block(node: Any) -> Signature | None:
    """The block that a node calls; None too where arguments are starred, so none can be told."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        return None
    if any(isinstance(a, ast.Starred) for a in node.args) or None in [k.arg for k in node.keywords]:
        return None
    return signatures().get(node.func.id)


def blocks_in(expression: ast.expr) -> Iterator[tuple[ast.expr, Signature]]:
    """The calls of blocks in an expression, outermost first."""
    for node in ast.walk(expression):
        block = called_block(node)
        if block is not None and isinstance(node, ast.expr):
            yield node, block


def arguments_of(expression: ast.expr, block: Signature) -> dict[Parameter, ast.expr]:
    """What a call gives each parameter of its block."""
    assert isinstance(expression, ast.Call)
    return {
        node.parameter: node.expression
        for node in _arguments_in(expression, block, {})
        if node.parameter is not None
    }


def kind_of(expression: ast.expr) -> str | None:
    """Name of an expression's type; None where it cannot be told."""
    block = called_block(expression)
    if block is not None:
        return block.returns
    return "Axes" if ast.unparse(expression) == "context['axes']" else None


def _nodes_in(root: ast.AST, scope: dict[str, list[str]], in_block: bool = False) -> Iterator[Node]:
    """Typed nodes below `root`; `in_block`: its children were yielded as arguments of a block."""
    for field, value in ast.iter_fields(root):
        places = enumerate(value) if isinstance(value, list) else [(None, value)]
        for index, child in places:
            if not isinstance(child, ast.AST) or isinstance(child, ast.Lambda | ast.FunctionDef):
                continue
            block = called_block(child)
            if block is None:
                yield from _nodes_in(child, scope, in_block and isinstance(child, ast.keyword))
                continue
            assert isinstance(child, ast.Call)
            if not in_block:
                yield Node(child, block.returns, None, root, field, index, scope)
            yield from _arguments_in(child, block, scope)
            yield from _nodes_in(child, scope, in_block=True)


def _arguments_in(call: ast.Call, block: Signature, scope: dict[str, list[str]]) -> Iterator[Node]:
    for i, (parameter, argument) in enumerate(zip(block.parameters, call.args, strict=False)):
        yield Node(argument, parameter.kind, parameter, call, "args", i, scope, block)
    for keyword in call.keywords:
        named = block.parameter(keyword.arg or "")
        if named is not None:
            yield Node(keyword.value, named.kind, named, keyword, "value", None, scope, block)


def _learn(scope: dict[str, list[str]], statement: ast.stmt) -> None:
    """Notes what kinds variables hold after a statement of `generate`."""
    stored = {n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and _is_stored(n)}
    for names in scope.values():
        names[:] = [name for name in names if name not in stored]
    if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
        kind = kind_of(statement.value)
        if kind is not None:
            scope.setdefault(kind, []).append(statement.targets[0].id)


def _is_stored(name: ast.Name) -> bool:
    return not isinstance(name.ctx, ast.Load)
