"""Variation: typed genetic programming on the syntax tree of a program, whoever wrote it.

A typed node is an expression whose kind is known: a call of a block, or an argument of one. Every
operator replaces typed nodes by expressions of the same kind, so a child fits the signatures of
the blocks by construction. All draw from `random` (as DEAP does), which the search seeds a ticket.
"""

import ast
import copy
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from evolve.grammar import Parameter, Signature, grow, signatures
from generators.program import Program, ProgramError, parse

MAX_SIZE = 500  # syntax nodes of a child, or as many as its parent has: the bound on bloat
GROW_DEPTH = 2
TRIES = 12  # draws before an operator gives up on a parent

Operator = Callable[[Program, Program], "Program | None"]
"""Takes a parent and a donor (mutations ignore it); gives a child, or None where it finds none."""


@dataclass(frozen=True)
class Node:
    """A typed node and its place: `holder.field`, or `holder.field[index]`.

    Attributes:
        expression: the syntax tree at that place.
        kind: name of its type.
        parameter: the parameter it is the argument of; None for a call that is no argument.
        scope: variables in reach there, by kind.
    """

    expression: ast.expr
    kind: str
    parameter: Parameter | None
    holder: ast.AST
    field: str
    index: int | None
    scope: dict[str, list[str]]

    @property
    def block(self) -> Signature | None:
        """The block called here, if any."""
        return _called(self.expression)

    def replace(self, expression: ast.expr) -> None:
        """Put another expression in this place of the tree."""
        if self.index is None:
            setattr(self.holder, self.field, expression)
        else:
            getattr(self.holder, self.field)[self.index] = expression


def typed_nodes(tree: ast.Module) -> list[Node]:
    """All typed nodes of `generate`, outermost first; nested functions are left alone."""
    main = next(s for s in tree.body if isinstance(s, ast.FunctionDef) and s.name == "generate")
    scope: dict[str, list[str]] = {}
    found: list[Node] = []
    for statement in main.body:
        found += _nodes_in(statement, {kind: list(names) for kind, names in scope.items()})
        _learn(scope, statement)
    return found


def subtree(parent: Program, _: Program) -> Program | None:
    """Replaces a call of a block by a new expression of its kind."""

    def change(node: Node) -> bool:
        node.replace(_parsed(grow(node.kind, GROW_DEPTH, node.scope)))
        return True

    return _changed(parent, lambda node: node.block is not None, change)


def point(parent: Program, _: Program) -> Program | None:
    """Swaps a block for another of its kind and keeps the arguments that fit."""

    def change(node: Node) -> bool:
        old = node.block
        assert old is not None
        others = [s for s in signatures().values() if s.returns == old.returns and s != old]
        if not others:
            return False
        given = list(_arguments(node.expression, old).items())
        node.replace(_call(random.choice(others), given, node.scope))
        return True

    return _changed(parent, lambda node: node.block is not None, change)


def insert(parent: Program, _: Program) -> Program | None:
    """Wraps an expression in a block that takes and gives its kind."""

    def change(node: Node) -> bool:
        wrappers = [
            s
            for s in signatures().values()
            if s.returns == node.kind and any(p.kind == node.kind for p in s.parameters)
        ]
        if not wrappers:
            return False
        block = random.choice(wrappers)
        inner = next(p for p in block.parameters if p.kind == node.kind)
        node.replace(_call(block, [(inner, node.expression)], node.scope))
        return True

    return _changed(parent, lambda node: not _constant(node), change)


def shrink(parent: Program, _: Program) -> Program | None:
    """Replaces a call by one of its own arguments of the same kind."""

    def change(node: Node) -> bool:
        block = node.block
        assert block is not None
        inner = [
            e for p, e in _arguments(node.expression, block).items() if p.kind == block.returns
        ]
        if not inner:
            return False
        node.replace(random.choice(inner))
        return True

    return _changed(parent, lambda node: node.block is not None, change)


def constant(parent: Program, _: Program) -> Program | None:
    """Moves a constant: a Gaussian step within its range, or another option."""

    def change(node: Node) -> bool:
        assert isinstance(node.expression, ast.Constant)
        assert node.parameter is not None
        node.replace(ast.Constant(node.parameter.move(node.expression.value)))
        return True

    return _changed(parent, _constant, change)


def crossover(parent: Program, donor: Program) -> Program | None:
    """Replaces a call by one of the same kind from another program.

    The donor's variables become the parent's own of that kind (so that wording and record still
    speak of the same points); where it has none, they are written out.
    """
    gifts = [node for node in typed_nodes(donor.tree) if node.block is not None]

    def change(node: Node) -> bool:
        fitting = [gift.expression for gift in gifts if gift.kind == node.kind]
        for expression in random.sample(fitting, min(TRIES, len(fitting))):
            adopted = _adopted(expression, donor.tree, node.scope)
            if adopted is not None:
                node.replace(adopted)
                return True
        return False

    return _changed(parent, lambda node: node.block is not None, change)


OPERATORS: dict[str, Operator] = {
    "subtree": subtree,
    "point": point,
    "insert": insert,
    "shrink": shrink,
    "constant": constant,
    "crossover": crossover,
}


def random_program() -> Program:
    """A program grown from nothing: a placement, a wording, a telling."""
    scope = {"Axes": ["axes"], "Points": ["points"]}
    chain = [("sentences", "Sentences"), ("lines", "Lines"), ("texts", "Texts")]
    body = [
        f"    axes = {grow('Axes', random.choice([0, 0, 1]))}",
        f"    points = {grow('Points', random.choice([1, 2, 3]))}",
    ]
    for variable, kind in chain:
        body.append(f"    {variable} = {grow(kind, 1, scope)}")
        scope[kind] = [variable]
    body.append("    return people(texts, points, rng.getrandbits(31))")
    return parse("\n".join(["def generate(context, n, rng):", *body]), "random program")


def type_errors(tree: ast.Module) -> list[str]:
    """What does not fit the blocks' signatures, in words; empty for a well-typed program."""
    problems = []
    for node in typed_nodes(tree):
        block = _called(node.expression)
        if block is not None:
            problems += [f"{block.name}: {p}" for p in _misfits(node.expression, block)]
            if node.parameter is not None and block.returns != node.parameter.kind:
                problems.append(f"{block.name} where {node.parameter.kind} is due")
        elif isinstance(node.expression, ast.Constant) and node.parameter is not None:
            value, parameter = node.expression.value, node.parameter
            if (parameter.options and value not in parameter.options) or (
                parameter.low is not None
                and not (
                    isinstance(value, int | float)
                    and parameter.range[0] <= value <= parameter.range[1]
                )
            ):
                problems.append(f"{parameter.name}={value!r}")
    return problems


def _changed(
    parent: Program, wanted: Callable[[Node], bool], change: Callable[[Node], bool]
) -> Program | None:
    """A child with one wanted node changed, that differs from its parent and is not too large."""
    for _ in range(TRIES):
        tree = copy.deepcopy(parent.tree)
        nodes = [node for node in typed_nodes(tree) if wanted(node)]
        if not nodes:
            return None
        if not change(random.choice(nodes)):
            continue
        try:
            child = parse(ast.unparse(_pruned(ast.fix_missing_locations(tree))), "child")
        except ProgramError:
            continue
        if child.hash != parent.hash and child.nodes <= max(MAX_SIZE, parent.nodes):
            return child
    return None


def _pruned(tree: ast.Module) -> ast.Module:
    """Drops assignments whose variable is never read: dead code only slows and bloats."""
    main = next(s for s in tree.body if isinstance(s, ast.FunctionDef) and s.name == "generate")
    while True:
        read = {
            n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)
        }
        kept = [s for s in main.body if not _dead(s, read)]
        if len(kept) == len(main.body) or not kept:
            return tree
        main.body = kept


def _dead(statement: ast.stmt, read: set[str]) -> bool:
    return (
        isinstance(statement, ast.Assign)
        and isinstance(statement.targets[0], ast.Name)
        and len(statement.targets) == 1
        and statement.targets[0].id not in read
        and _kind_of(statement.value) is not None
    )


def _nodes_in(root: ast.AST, scope: dict[str, list[str]], in_block: bool = False) -> Iterator[Node]:
    """Typed nodes below `root`; `in_block`: its children were yielded as arguments of a block."""
    for field, value in ast.iter_fields(root):
        places = enumerate(value) if isinstance(value, list) else [(None, value)]
        for index, child in places:
            if not isinstance(child, ast.AST) or isinstance(child, ast.Lambda | ast.FunctionDef):
                continue
            block = _called(child)
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
        yield Node(argument, parameter.kind, parameter, call, "args", i, scope)
    for keyword in call.keywords:
        named = block.parameter(keyword.arg or "")
        if named is not None:
            yield Node(keyword.value, named.kind, named, keyword, "value", None, scope)


def _arguments(expression: ast.expr, block: Signature) -> dict[Parameter, ast.expr]:
    assert isinstance(expression, ast.Call)
    return {
        node.parameter: node.expression
        for node in _arguments_in(expression, block, {})
        if node.parameter is not None
    }


def _misfits(expression: ast.expr, block: Signature) -> list[str]:
    given = _arguments(expression, block)
    missing = [p.name for p in block.parameters if p not in given]
    return [f"no {name}" for name in missing]


def _call(
    block: Signature, given: list[tuple[Parameter, ast.expr]], scope: dict[str, list[str]]
) -> ast.Call:
    """A call of a block that takes, in turn, the given arguments that fit, and grows the rest."""
    left = list(given)
    arguments = []
    for parameter in block.parameters:
        fitting = next((g for g in left if g[0].kind == parameter.kind), None)
        if fitting is not None:
            left.remove(fitting)
            arguments.append(fitting[1])
        else:
            arguments.append(_parsed(_argument(parameter, scope)))
    return ast.Call(ast.Name(block.name, ast.Load()), arguments, [])


def _argument(parameter: Parameter, scope: dict[str, list[str]]) -> str:
    return repr(parameter.draw()) if parameter.constant else grow(parameter.kind, 1, scope)


def _constant(node: Node) -> bool:
    return (
        isinstance(node.expression, ast.Constant)
        and node.parameter is not None
        and node.parameter.constant
    )


def _called(node: Any) -> Signature | None:
    """The block that a node calls; None too where arguments are starred, so none can be told."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        return None
    if any(isinstance(a, ast.Starred) for a in node.args) or None in [k.arg for k in node.keywords]:
        return None
    return signatures().get(node.func.id)


def _kind_of(expression: ast.expr) -> str | None:
    block = _called(expression)
    if block is not None:
        return block.returns
    return "Axes" if ast.unparse(expression) == "context['axes']" else None


def _learn(scope: dict[str, list[str]], statement: ast.stmt) -> None:
    """Notes what kinds variables hold after a statement of `generate`."""
    stored = {n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and _is_stored(n)}
    for names in scope.values():
        names[:] = [name for name in names if name not in stored]
    if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
        kind = _kind_of(statement.value)
        if kind is not None:
            scope.setdefault(kind, []).append(statement.targets[0].id)


def _is_stored(name: ast.Name) -> bool:
    return not isinstance(name.ctx, ast.Load)


def _adopted(
    expression: ast.expr, tree: ast.Module, scope: dict[str, list[str]]
) -> ast.expr | None:
    """An expression of another program in terms of the variables in scope; None where it can't be.

    A variable becomes the latest in scope of its kind, or else what it was assigned. Only variables
    of `generate` that are assigned once, by a typed expression, can be replaced.
    """
    main = next(s for s in tree.body if isinstance(s, ast.FunctionDef) and s.name == "generate")
    assigned: dict[str, list[ast.expr]] = {}
    for statement in ast.walk(main):
        if isinstance(statement, ast.Name) and isinstance(statement.ctx, ast.Store):
            assigned.setdefault(statement.id, [])
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            assigned.setdefault(statement.targets[0].id, []).append(statement.value)
    free = {"context", "n", "rng", "len", *signatures()}

    class Adopt(ast.NodeTransformer):
        """Replaces names; raises KeyError at one that cannot be replaced, or at too many."""

        seen = 0

        def visit(self, node: ast.AST) -> Any:
            self.seen += 1  # variables that double one another grow without end
            if self.seen > MAX_SIZE:
                raise KeyError(node)
            return super().visit(node)

        def visit_Name(self, node: ast.Name) -> ast.expr:
            if node.id in free:
                return node
            values = assigned[node.id]
            kind = _kind_of(values[0]) if len(values) == 1 else None
            if kind is None:
                raise KeyError(node.id)
            if scope.get(kind):
                return ast.Name(scope[kind][-1], ast.Load())
            replaced: ast.expr = self.visit(copy.deepcopy(values[0]))
            return replaced

    try:
        adopted: ast.expr = Adopt().visit(copy.deepcopy(expression))
    except (KeyError, RecursionError):
        return None
    return adopted


def _parsed(source: str) -> ast.expr:
    return ast.parse(source, mode="eval").body
