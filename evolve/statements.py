"""Statement blocks: the first statements of one program's `generate` joined to the last of another.

Both are cut behind the last change of a variable of one kind, say the placement. What follows the
cut in one program goes on with the variables of the other, kind by kind. Whatever else either part
needs (variables, helper functions, constants, imports) comes with it. The programs may have been
written by anybody, so what a statement changes is judged widely: too much comes, not too little.
"""

import ast
import copy
from collections.abc import Iterable, Sequence
from itertools import count

from evolve.grammar import signatures
from evolve.nodes import arguments_of, called_block, kind_of, main_function
from generators.program import Program

_SCOPES = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_PARAMETERS = ("context", "n", "rng")


class Body:
    """The statements of a program's `generate`, and what each of them reads and changes.

    Attributes:
        statements: in order.
        mentions: the names in each.
        written: each as text.
        kinds: of the variables whose kind is told by what they are assigned or by where they go.
        last: by name, how many statements there are up to the last that changes it.
        cuts: the variables of a kind that `generate` itself assigns, outside branches and loops.
    """

    def __init__(self, program: Program) -> None:
        main = main_function(program.tree)
        self._outer = [s for s in program.tree.body if s is not main]
        self.statements = main.body
        self.mentions = [Mentions(s) for s in main.body]
        self.written = [ast.dump(s) for s in main.body]
        self.kinds = _kinds(main)
        self.last = {name: i + 1 for i, m in enumerate(self.mentions) for name in m.changes}
        targets = (t for s in main.body if isinstance(s, ast.Assign) for t in s.targets)
        assigned = {t.id for t in targets if isinstance(t, ast.Name)}
        self.cuts = sorted(assigned & self.kinds.keys())

    def cuts_of(self, kind: str) -> list[str]:
        """The variables of one kind that it can be cut behind."""
        return [name for name in self.cuts if self.kinds[name] == kind]

    def needed(self, names: Iterable[str], cut: int, without: Iterable[str] = ()) -> list[int]:
        """The statements before the cut that names depend on, left aside what some of them are."""
        wanted, given, taken = set(names), set(without), []
        for i in reversed(range(cut)):
            if self.mentions[i].changes & (wanted - given):
                taken.append(i)
                wanted |= self.mentions[i].reads
        return taken[::-1]

    def outside(self, names: Iterable[str]) -> list[ast.stmt]:
        """The statements outside `generate` that names depend on."""
        wanted, taken = set(names), []
        for statement in reversed(self._outer):
            mentions = Mentions(statement)
            if mentions.binds & wanted:
                taken.append(statement)
                wanted |= mentions.reads
        return taken[::-1]


class Mentions(ast.NodeVisitor):
    """The names in some statements.

    Attributes:
        reads: that are read, but for those of nested functions and comprehensions.
        binds: that are given a value.
        changes: these, and those whose value may be changed in place.
        inner: that nested functions and comprehensions have to themselves.
    """

    def __init__(self, *nodes: ast.AST) -> None:
        self.reads: set[str] = set()
        self.binds: set[str] = set()
        self.changes: set[str] = set()
        self.inner: set[str] = set()
        for node in nodes:
            self.visit(node)
        self.changes |= self.binds

    @property
    def every(self) -> set[str]:
        """All of them."""
        return self.reads | self.binds | self.inner

    def visit_Name(self, node: ast.Name) -> None:
        (self.reads if isinstance(node.ctx, ast.Load) else self.binds).add(node.id)

    def visit_arg(self, node: ast.arg) -> None:
        self.binds.add(node.arg)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._nested(node)
        self.binds.add(node.name)

    def generic_visit(self, node: ast.AST) -> None:
        self.binds |= _named(node)
        if isinstance(node, _SCOPES):
            self._nested(node)
        else:
            super().generic_visit(node)

    def _nested(self, node: ast.AST) -> None:
        inside = Mentions(*ast.iter_child_nodes(node))
        self.reads |= inside.reads - inside.binds
        self.inner |= inside.binds | inside.inner

    def visit_Expr(self, node: ast.Expr) -> None:
        """A call for its effect may change whatever it is given."""
        self.generic_visit(node)
        names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
        self.changes |= names.difference(_PARAMETERS)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self._part(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        self._part(node)

    def _part(self, node: ast.Attribute | ast.Subscript) -> None:
        self.generic_visit(node)
        whole: ast.expr = node
        while isinstance(whole, ast.Attribute | ast.Subscript):
            whole = whole.value
        if not isinstance(node.ctx, ast.Load) and isinstance(whole, ast.Name):
            self.changes.add(whole.id)


def join(head: Body, tail: Body, first: str, last: str) -> ast.Module | None:
    """A program that begins like one and ends like another.

    They are cut behind the last change of `first` in the head and of `last` in the tail, variables
    of one kind. None where the tail does not read it, where one of the two programs would come
    out, or where an early return or a clash of names that are no variables is in the way.
    """
    cut, start = head.last[first], tail.last[last]
    by_age = sorted(head.cuts, key=lambda name: (head.last[name], name))
    given = {head.kinds[name]: name for name in by_age if head.last[name] <= cut}
    given[head.kinds[first]] = first
    adopted = {
        name: given[kind]
        for name, kind in tail.kinds.items()
        if kind in given and tail.last.get(name, start + 1) <= start
    }
    wanted = Mentions(*tail.statements[start:]).reads
    if last not in wanted:
        return None
    behind = [*tail.needed(wanted, start, adopted), *range(start, len(tail.statements))]
    back = [tail.statements[i] for i in behind]
    wanted = Mentions(*back).reads
    adopted = {old: name for old, name in adopted.items() if old in wanted}
    ahead = head.needed(adopted.values(), cut)
    front = [head.statements[i] for i in ahead]
    written = [head.written[i] for i in ahead] + [tail.written[i] for i in behind]
    alike = written in (head.written, tail.written) and all(k == v for k, v in adopted.items())
    before = [*front, *(tail.statements[i] for i in behind if i < start)]
    if alike or any(isinstance(n, ast.Return) for s in before for n in ast.walk(s)):
        return None
    return _composed(head, tail, front, back, adopted)


def _composed(
    head: Body,
    tail: Body,
    front: Sequence[ast.stmt],
    back: Sequence[ast.stmt],
    adopted: dict[str, str],
) -> ast.Module | None:
    """The program of these statements; what clashes with a name of the head gets another name."""
    mine, theirs = Mentions(*front), Mentions(*back)
    outside = head.outside(mine.reads)
    known = {ast.dump(statement) for statement in outside}
    added = [s for s in tail.outside(theirs.reads) if ast.dump(s) not in known]
    busy = mine.every | Mentions(*outside).every
    own = (theirs.binds | theirs.inner) - adopted.keys() - set(_PARAMETERS)
    outer = _other_names(Mentions(*added).binds & busy, busy | theirs.every)
    inner = _other_names(own & busy, busy | theirs.every)
    if _fixed(added) & {*outer} or _fixed(back) & {*outer, *inner}:
        return None
    tree = ast.parse("def generate(context, n, rng): pass")
    main_function(tree).body = [
        *map(copy.deepcopy, front),
        *_renamed(back, {**outer, **inner, **adopted}),
    ]
    tree.body[:0] = [*map(copy.deepcopy, outside), *_renamed(added, outer)]
    return tree


def _other_names(names: set[str], used: set[str]) -> dict[str, str]:
    """New names, alike, that are not used yet."""
    found: dict[str, str] = {}
    for name in sorted(names):
        stem = name.rstrip("_0123456789") or name
        numbered = (f"{stem}_{i}" for i in count(2))
        found[name] = next(new for new in numbered if new not in used | {*found.values()})
    return found


def _fixed(statements: Iterable[ast.stmt]) -> set[str]:
    """Names that `_renamed` cannot change everywhere: imports, patterns, parameters, errors."""
    nodes = [node for statement in statements for node in ast.walk(statement)]
    functions = (node for node in nodes if isinstance(node, ast.FunctionDef))
    parameters = {a.arg for f in functions for a in ast.walk(f.args) if isinstance(a, ast.arg)}
    return parameters.union(*map(_named, nodes))


def _named(node: ast.AST) -> set[str]:
    """What an import, a pattern or a caught error gives a value to."""
    if isinstance(node, ast.alias):
        return {node.asname or node.name}
    if isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
        return {node.name} if node.name else set()
    return {node.rest} if isinstance(node, ast.MatchMapping) and node.rest else set()


def _renamed(statements: Iterable[ast.stmt], names: dict[str, str]) -> list[ast.stmt]:
    """Copies of statements with other names."""

    class Rename(ast.NodeVisitor):
        def visit_Name(self, node: ast.Name) -> None:
            node.id = names.get(node.id, node.id)

        def visit_arg(self, node: ast.arg) -> None:
            node.arg = names.get(node.arg, node.arg)

        def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
            node.name = names.get(node.name, node.name)
            self.generic_visit(node)

    copies = [copy.deepcopy(statement) for statement in statements]
    for statement in copies:
        Rename().visit(statement)
    return copies


def _kinds(main: ast.FunctionDef) -> dict[str, str]:
    """Kinds of variables: what a block that they are assigned gives, or one that they go to takes.

    A variable of two kinds has none.
    """
    made = {block.returns for block in signatures().values()}
    found: dict[str, set[str]] = {}
    for node in ast.walk(main):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            kind = kind_of(node.value)
            found.setdefault(node.targets[0].id, set()).update([kind] if kind else [])
        block = called_block(node)
        if block is not None and isinstance(node, ast.Call):
            for parameter, given in arguments_of(node, block).items():
                if isinstance(given, ast.Name):
                    found.setdefault(given.id, set()).add(parameter.kind)
    told = {name: kinds.pop() for name, kinds in found.items() if len(kinds) == 1}
    return {name: kind for name, kind in told.items() if kind in made}
