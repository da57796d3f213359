"""Variation: typed genetic programming on the syntax tree of a program, whoever wrote it.

Every operator replaces typed nodes by expressions of the same kind, so a child fits the signatures
of the blocks by construction. All draw from `random` (as DEAP does), seeded a ticket.
"""

import ast
import copy
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from evolve.grammar import Parameter, Signature, grow, grown_blocks, signatures
from evolve.nodes import Node, arguments_of, blocks_in, kind_of, main_function, typed_nodes
from evolve.statements import Body, join
from generators.program import Program, ProgramError, parse

MAX_SIZE = 500  # syntax nodes of a child, or as many as its parent has: the bound on bloat
GROW_DEPTH = 2
SWAPPED = ("Points", "Sentences")  # placements and wordings
TRIES = 12  # draws before an operator gives up on a parent

Operator = Callable[[Program, Program], "Program | None"]
"""Takes a parent and a donor (mutations ignore it); gives a child, or None where it finds none."""


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
        others = [s for s in grown_blocks() if s.returns == old.returns and s != old]
        if not others:
            return False
        given = list(arguments_of(node.expression, old).items())
        node.replace(_call(random.choice(others), given, node.scope))
        return True

    return _changed(parent, lambda node: node.block is not None, change)


def swap(parent: Program, _: Program) -> Program | None:
    """Swaps the whole placement, or a whole wording, for a block that makes another one.

    Unlike `point`, which changes one call within them. Arguments that fit are kept.
    """

    def wanted(node: Node) -> bool:
        whole = node.outer is None or node.outer.returns != node.kind
        return node.block is not None and node.kind in SWAPPED and whole

    def change(node: Node) -> bool:
        present = list(blocks_in(node.expression))
        names = {block.name for _, block in present}
        others = [s for s in _makers(node.kind) if s.name not in names]
        if not others:
            return False
        given = [pair for call, block in present for pair in arguments_of(call, block).items()]
        node.replace(_call(random.choice(others), given, node.scope))
        return True

    return _changed(parent, wanted, change)


def insert(parent: Program, _: Program) -> Program | None:
    """Wraps an expression in a block that takes and gives its kind."""

    def change(node: Node) -> bool:
        wrappers = [
            s
            for s in grown_blocks()
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
            e for p, e in arguments_of(node.expression, block).items() if p.kind == block.returns
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
    gifts = [node for node in _typed(donor)[1] if node.block is not None]

    def change(node: Node) -> bool:
        fitting = [gift.expression for gift in gifts if gift.kind == node.kind]
        for expression in random.sample(fitting, min(TRIES, len(fitting))):
            adopted = _adopted(expression, donor.tree, node.scope)
            if adopted is not None:
                node.replace(adopted)
                return True
        return False

    return _changed(parent, lambda node: node.block is not None, change)


def graft(parent: Program, donor: Program) -> Program | None:
    """Joins the first statements of one program to the last of the other, whichever begins.

    So one's placement goes on with the other's wording, or one's texts with the other's records.
    """
    bodies = _body(parent), _body(donor)
    kinds = set.intersection(*({body.kinds[name] for name in body.cuts} for body in bodies))
    for _ in range(TRIES if kinds else 0):
        head, tail = random.sample(bodies, 2)
        kind = random.choice(sorted(kinds))
        first, last = (random.choice(body.cuts_of(kind)) for body in (head, tail))
        tree = join(head, tail, first, last)
        child = tree and _child(tree, parent)
        if child:
            return child
    return None


OPERATORS: dict[str, Operator] = {
    "subtree": subtree,
    "point": point,
    "swap": swap,
    "insert": insert,
    "shrink": shrink,
    "constant": constant,
    "crossover": crossover,
    "graft": graft,
}

CROSSOVERS = ("crossover", "graft")  # those that take something from the donor


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


def _changed(
    parent: Program, wanted: Callable[[Node], bool], change: Callable[[Node], bool]
) -> Program | None:
    """A child with one wanted node changed, that differs from its parent and is not too large."""
    tree, nodes = _typed(parent)
    fitting = [node for node in nodes if wanted(node)]
    for _ in range(TRIES if fitting else 0):
        node = random.choice(fitting)
        with _restored(tree, node):
            child = _child(tree, parent) if change(node) else None
        if child:
            return child
    return None


@lru_cache(maxsize=512)
def _typed(program: Program) -> tuple[ast.Module, list[Node]]:
    """A tree of a program and its typed nodes, to be left as they are; a parent is varied often."""
    tree = ast.parse(program.source)
    return tree, typed_nodes(tree)


@lru_cache(maxsize=512)
def _body(program: Program) -> Body:
    return Body(program)


@contextmanager
def _restored(tree: ast.Module, node: Node) -> Iterator[None]:
    """Takes back what is done to a node of a tree, and to the statements of `generate`."""
    main = main_function(tree)
    body, expression = main.body, node.expression
    try:
        yield
    finally:
        main.body = body
        node.replace(expression)


def _child(tree: ast.Module, parent: Program) -> Program | None:
    """The program of a tree; None where it is too large, not allowed, or its parent again."""
    source = ast.unparse(_pruned(tree))
    if source == parent.source:
        return None
    try:
        child = parse(source, "child")
    except ProgramError:
        return None
    small = child.nodes <= max(MAX_SIZE, parent.nodes)
    return child if small and child.hash != parent.hash else None


def _pruned(tree: ast.Module) -> ast.Module:
    """Drops assignments whose variable is never read: dead code only slows and bloats."""
    main = main_function(tree)
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
        and kind_of(statement.value) is not None
    )


def _makers(kind: str) -> list[Signature]:
    """The blocks that give a kind without taking it."""
    return [
        block
        for block in grown_blocks()
        if block.returns == kind and all(p.kind != kind for p in block.parameters)
    ]


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


def _adopted(
    expression: ast.expr, tree: ast.Module, scope: dict[str, list[str]]
) -> ast.expr | None:
    """An expression of another program in terms of the variables in scope; None where it can't be.

    A variable becomes the latest in scope of its kind, or else what it was assigned. Only variables
    of `generate` that are assigned once, by a typed expression, can be replaced.
    """
    main = main_function(tree)
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
            kind = kind_of(values[0]) if len(values) == 1 else None
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
