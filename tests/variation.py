"""Programs to vary, and what must hold for their children."""

import ast
import random
from pathlib import Path

import conf
from evolve.grammar import Signature
from evolve.nodes import arguments_of, called_block, typed_nodes
from evolve.operators import MAX_SIZE, random_program
from generators.baselines import BASELINES, baseline
from generators.context import load_context, public_view
from generators.program import Program, parse
from generators.sandbox import Sandbox

TRAIN = Path(conf.__file__).parent / "contexts/train"
PAYLOADS = [
    public_view(load_context(TRAIN / f"{name}.yaml"), seed=1).payload
    for name in ("elders_devices", "companion_daily")  # two and three axes
]
HAND_WRITTEN = parse('''
"""Written by somebody else: a helper, loops, keyword arguments, a variable that changes."""
import math
PLACES = ["a town", "a village"]

def blend(one, other, share=0.5):
    return [[share * a + (1 - share) * b for a, b in zip(p, q)] for p, q in zip(one, other)]

def generate(context, n, rng):
    axes = context["axes"]
    k = len(axes)
    seeds = [rng.getrandbits(31) for _ in range(4)]
    base = latin_hypercube(n=n, k=k, seed=seeds[0])
    far = maximin(seed=seeds[1], n=n, k=k)
    points = blend(base, far, share=0.3)
    for i in range(2):
        points = stretch(points=points, factor=1.2)
    if n > 3:
        points = mixture(points, corners(n, k, 7), 0.25, seed=seeds[2])
    sentences = sign_mix(points=points, axes=sharpest(axes, share=0.5), count=3, seed=seeds[3])
    extra = [behaviour([p], axes, 1, rng.getrandbits(31))[0] for p in points]
    sentences = both(sentences, others=extra)
    lines = voice(lines=in_order(sentences, order="mixed", seed=1), person="first")
    records = people(join(lines=lines, style="plain", seed=2), points, seed=rng.getrandbits(31))
    return [dict(r, goal=f"Leave {PLACES[i % 2]}.") for i, r in enumerate(records)]
''')


def grown(count: int) -> list[Program]:
    """Random programs, the same each time."""
    random.seed(2024)
    return [random_program() for _ in range(count)]


PARENTS = [*map(baseline, BASELINES), *grown(20)]
FAMILY = [*PARENTS, HAND_WRITTEN]


def runs(sandbox: Sandbox, program: Program, seed: int) -> bool:
    """Whether a program makes four personas."""
    verdict = sandbox.run(program.source, PAYLOADS[seed % 2], 4, seed)
    return verdict.value is not None and len(verdict.value) == 4


def type_errors(tree: ast.Module) -> list[str]:
    """What does not fit the blocks' signatures, in words; empty for a well-typed program."""
    problems = []
    for node in typed_nodes(tree):
        block = called_block(node.expression)
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


def _misfits(expression: ast.expr, block: Signature) -> list[str]:
    given = arguments_of(expression, block)
    missing = [p.name for p in block.parameters if p not in given]
    return [f"no {name}" for name in missing]


def check(parent: Program, child: Program) -> None:
    """What holds for every child."""
    assert type_errors(child.tree) == []
    assert child.hash != parent.hash
    assert child.nodes <= MAX_SIZE
    assert parse(child.source).hash == child.hash
