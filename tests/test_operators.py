"""Variation: children fit the blocks, differ from their parents, are small, and run."""

import ast
import random
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from variation import FAMILY, HAND_WRITTEN, PARENTS, check, grown, runs, type_errors

from evolve.nodes import typed_nodes
from evolve.operators import (
    MAX_SIZE,
    OPERATORS,
    SWAPPED,
    constant,
    crossover,
    insert,
    point,
    shrink,
    subtree,
    swap,
)
from generators.baselines import baseline
from generators.program import MAX_DEPTH, Program, parse
from generators.sandbox import Sandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as opened:
        yield opened


def bred(name: str, seed: int, parents: list[Program] = PARENTS) -> tuple[Program, Program | None]:
    random.seed(f"{name} {seed}")
    parent, donor = random.choice(parents), random.choice(parents)
    return parent, OPERATORS[name](parent, donor)


def share_that_runs(sandbox: Sandbox, name: str, trials: int) -> float:
    """Share of trials whose child runs. An operator may find nothing to do on a parent: then
    another is drawn, as the search does, ten times at most."""
    good = 0
    for trial in range(trials):
        draws = (bred(name, 10 * trial + draw, FAMILY) for draw in range(10))
        parent, child = next(((p, c) for p, c in draws if c is not None), (None, None))
        if parent is not None and child is not None:
            check(parent, child)
            good += runs(sandbox, child, trial)
    return good / trials


@pytest.mark.parametrize("name", OPERATORS)
def test_children_run(sandbox: Sandbox, name: str) -> None:
    assert share_that_runs(sandbox, name, 40) >= 0.95


@pytest.mark.slow
@pytest.mark.parametrize("name", OPERATORS)
def test_many_children_run(sandbox: Sandbox, name: str) -> None:
    share = share_that_runs(sandbox, name, 500)
    print(f"{name}: {share:.1%} of 500 children run")
    assert share >= 0.95


@pytest.mark.parametrize("name", OPERATORS)
@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_children_are_well_typed_small_and_new(name: str, seed: int) -> None:
    parent, child = bred(name, seed, FAMILY)
    if child is not None:
        check(parent, child)
        again = bred(name, seed, FAMILY)
        assert again[1] is not None
        assert (again[0].hash, again[1].hash) == (parent.hash, child.hash)


@pytest.mark.parametrize("name", OPERATORS)
def test_parents_stay_as_they_are(name: str) -> None:
    before = [ast.unparse(parent.tree) for parent in FAMILY]
    for seed in range(40):
        bred(name, seed, FAMILY)
    assert [ast.unparse(parent.tree) for parent in FAMILY] == before


@pytest.mark.slow
def test_long_lineages_stay_alive_and_small(sandbox: Sandbox) -> None:
    """Children of children of children: nothing drifts out of what the sandbox takes."""
    random.seed(5)
    living, failed = list(FAMILY), 0
    for seed in range(600):
        operator = OPERATORS[random.choice(list(OPERATORS))]
        child = operator(random.choice(living), random.choice(living))
        if child is None:
            continue
        assert type_errors(child.tree) == []
        assert child.nodes <= MAX_SIZE
        if runs(sandbox, child, seed):
            living[random.randrange(len(living))] = child
        else:
            failed += 1
    assert failed < 30


def test_random_programs_run(sandbox: Sandbox) -> None:
    made = grown(60)
    assert len({program.hash for program in made}) > 50
    for seed, program in enumerate(made):
        assert type_errors(program.tree) == []
        assert program.nodes <= MAX_SIZE
        assert runs(sandbox, program, seed), program.source
    used = {block for program in made for block in program.blocks}
    assert {"uniform", "sobol", "covering_design", "sign_mix", "voice", "people"} <= used


def test_random_programs_repeat_by_seed() -> None:
    assert [p.hash for p in grown(5)] == [p.hash for p in grown(5)]


@pytest.mark.parametrize("name", OPERATORS)
def test_a_hand_written_program_can_be_varied(sandbox: Sandbox, name: str) -> None:
    assert type_errors(HAND_WRITTEN.tree) == []
    assert runs(sandbox, HAND_WRITTEN, 0)
    children, good = 0, 0
    for seed in range(24):
        random.seed(seed)
        child = OPERATORS[name](HAND_WRITTEN, random.choice([*PARENTS, HAND_WRITTEN]))
        if child is None:
            continue
        check(HAND_WRITTEN, child)
        assert ("def blend(" in child.source) == (child.source.count("blend(") == 2)
        children += 1
        good += runs(sandbox, child, seed)
    assert children >= 12
    assert good >= 0.8 * children


def test_a_gift_closes_over_its_variables(sandbox: Sandbox) -> None:
    donor = parse(
        "def generate(context, n, rng):\n"
        "    traits = context['axes']\n"
        "    where = halton(n, len(context['axes']), 1)\n"
        "    where_else = antithetic(where)\n"
        "    told = if_then(where_else, traits, 2, 3)\n"
        "    return people(join(in_order(told, 'turns', 4), 'plain', 5), where_else, 6)\n"
    )
    parent = baseline("sobol_mix")
    gifts = set()
    for seed in range(120):
        random.seed(seed)
        child = crossover(parent, donor)
        assert child is not None
        check(parent, child)
        assert runs(sandbox, child, seed)
        assert not {"traits", "where", "where_else", "told"} & {
            node.id for node in ast.walk(child.tree) if isinstance(node, ast.Name)
        }
        gifts |= set(child.blocks)
        if "if_then" in child.blocks and "sobol" in child.blocks and "lines = " in child.source:
            assert "if_then(points, axes" in child.source  # the parent's own points and axes
    assert {"halton", "antithetic", "if_then"} <= gifts


@pytest.mark.parametrize(
    "lines",
    [
        ["for i in range(2):", "    where = halton(n, 2, i)"],
        ["where = halton(n, 2, 1)", "where = stretch(where, 2.0)"],
        ["where = mine(n)"],
        ["where = stretch(where, 2.0)"],
        ["where, rest = halton(n, 2, 1), 3"],
    ],
)
def test_what_cannot_be_written_out_is_not_given(lines: list[str]) -> None:
    body = "".join(f"    {line}\n" for line in lines)
    donor = parse(
        f"def generate(context, n, rng):\n{body}"
        "    return people(['a'] * n, thin(where, where), 1)\n"
    )
    for seed in range(20):
        random.seed(seed)
        child = crossover(baseline("corners"), donor)
        if child is not None:
            assert "where" not in child.source


def test_doubling_variables_do_not_explode() -> None:
    doubled = "".join(f"    p{i} = thin(p{i - 1}, p{i - 1})\n" for i in range(1, 60))
    donor = parse(
        "def generate(context, n, rng):\n    p0 = sobol(n, 2, 1)\n"
        + doubled
        + "    return people(['a'] * n, p59, 1)\n"
    )
    before = time.process_time()
    random.seed(0)
    child = crossover(baseline("corners"), donor)
    assert time.process_time() - before < 5
    assert child is None or child.nodes <= MAX_SIZE


def test_dead_assignments_are_dropped() -> None:
    parent = parse(
        "def generate(context, n, rng):\n"
        "    axes = context['axes']\n"
        "    first = sobol(n, len(axes), 1)\n"
        "    second = stretch(first, 2.0)\n"
        "    kept = print(n)\n"
        "    points = uniform(n, len(context['axes']), 5)\n"
        "    return people(['a'] * n, points, 6)\n"
    )
    random.seed(0)
    child = next(c for c in (point(parent, parent) for _ in range(20)) if c is not None)
    for gone in ("axes =", "first", "second"):
        assert gone not in child.source
    assert "kept = print(n)" in child.source


def test_shrink_takes_an_argument_of_the_same_kind() -> None:
    parent = parse(
        "def generate(context, n, rng):\n"
        "    return people(['a'] * n, stretch(sobol(n, 2, 1), 2.0), 6)\n"
    )
    child = shrink(parent, parent)
    assert child is not None
    assert child.source.endswith("people(['a'] * n, sobol(n, 2, 1), 6)")
    assert shrink(child, child) is None


def test_insert_keeps_what_it_wraps() -> None:
    parent = parse("def generate(context, n, rng):\n    return people(['a'], sobol(n, 2, 1), 6)\n")
    for seed in range(10):
        random.seed(seed)
        child = insert(parent, parent)
        assert child is not None
        assert "sobol(n, 2, 1)" in child.source
        assert child.nodes > parent.nodes


def test_constants_move_within_their_range() -> None:
    parent = parse(
        "def generate(context, n, rng):\n"
        "    return people(['a'] * n, stretch(lattice(n, 2, 2, 7), 3.0), 6)\n"
    )
    seen: dict[str, set[float]] = {"levels": set(), "factor": set()}
    for seed in range(60):
        random.seed(seed)
        child = constant(parent, parent)
        assert child is not None
        for node in typed_nodes(child.tree):
            if node.parameter and node.parameter.name in seen:
                assert isinstance(node.expression, ast.Constant)
                seen[node.parameter.name].add(node.expression.value)  # type: ignore[arg-type]
    assert {2, 3} <= seen["levels"] <= {2, 3, 4, 5}
    assert len(seen["factor"]) > 5
    assert all(0.25 <= factor <= 3 for factor in seen["factor"])


@pytest.mark.parametrize("odd", ["'three'", "None", "1e999", "True", "3j", "b'x'", "..."])
def test_odd_constants_of_other_people_are_replaced(odd: str) -> None:
    parent = parse(
        f"def generate(context, n, rng):\n    return people(['a'], stretch([[0.5]], {odd}), 6)\n"
    )
    random.seed(1)
    child = constant(parent, parent)
    assert child is not None
    assert type_errors(child.tree) == []


def test_programs_without_blocks_have_no_children() -> None:
    bare = parse("def generate(context, n, rng):\n    return [{}] * n\n")
    for operator in OPERATORS.values():
        assert operator(bare, baseline("corners")) is None
    assert crossover(baseline("corners"), bare) is None


def test_starred_calls_are_left_alone() -> None:
    starred = parse(
        "def generate(context, n, rng):\n"
        "    where = [n, 2, 1]\n"
        "    return people(['a'] * n, sobol(*where), **{'seed': 1})\n"
    )
    assert typed_nodes(starred.tree) == []
    assert subtree(starred, starred) is None


def test_variables_that_change_their_kind_are_not_taken() -> None:
    program = parse(
        "def generate(context, n, rng):\n"
        "    a = b = sobol(n, 2, 1)\n"
        "    c = sobol(n, 2, 2)\n"
        "    for c in range(3):\n        pass\n"
        "    d = sobol(n, 2, 3)\n"
        "    d += [[0.5, 0.5]]\n"
        "    return people(['a'] * n, stretch(a, 2.0), 1)\n"
    )
    assert typed_nodes(program.tree)[-1].scope == {"Points": ["a"]}


@pytest.mark.parametrize("name", OPERATORS)
def test_large_and_deep_programs_of_other_people_can_be_varied(name: str) -> None:
    chain = "".join(f"    p{i} = thin(p{i - 1}, sobol(n, 2, {i}))\n" for i in range(1, 120))
    large = parse(
        f"def generate(context, n, rng):\n    p0 = sobol(n, 2, 0)\n{chain}"
        "    return people(['a'] * n, p119, 1)\n"
    )
    half = MAX_DEPTH // 2 - 6
    deep = parse(
        f"def generate(context, n, rng):\n    x = {'[' * 2 * half + ']' * 2 * half}\n"
        f"    y = {'stretch(' * 2 * half}sobol(n, 2, 1){', 2.0)' * 2 * half}\n"
        "    return people(['a'] * n, y, 1)\n"
    )
    for parent in (large, deep):
        random.seed(0)
        child = OPERATORS[name](parent, parent)
        if child is not None:
            assert type_errors(child.tree) == []
            assert child.nodes <= max(MAX_SIZE, parent.nodes)
    assert subtree(large, large) is not None


PLAIN = (
    "def generate(context, n, rng):\n"
    "    points = stretch(antithetic(sobol(n, len(context['axes']), 5)), 2.0)\n"
    "    told = both(sign_mix(points, context['axes'], 7, 8), "
    "if_then(points, context['axes'], 2, 9))\n"
    "    return people(join(in_order(told, 'axis', 1), 'plain', 2), points, 3)\n"
)


def test_swap_exchanges_a_whole_placement_or_wording_and_keeps_its_arguments() -> None:
    parent = parse(PLAIN)
    made: dict[str, set[str]] = {kind: set() for kind in SWAPPED}
    for seed in range(60):
        random.seed(seed)
        child = swap(parent, parent)
        assert child is not None
        old = parent.source.splitlines()
        new = child.source.splitlines()
        changed = [i for i, line in enumerate(new) if line != old[i]]
        assert len(new) == len(old)
        assert len(changed) == 1
        kept = "(n, len(context['axes'])" if changed == [1] else "(points, context['axes']"
        assert kept in new[changed[0]]
        made[SWAPPED[changed[0] - 1]].add(new[changed[0]].split(" = ")[1].partition("(")[0])
    assert made["Points"] == {
        "uniform", "halton", "latin_hypercube", "corners", "lattice", "maximin", "covering_design",
    }  # fmt: skip
    assert made["Sentences"] == {"graded_phrase", "behaviour", "backstory", "motivation"}


def test_swap_keeps_how_many_sentences_there_are() -> None:
    parent = parse(PLAIN.replace("both(sign_mix(points, context['axes'], 7, 8), ", "(").strip())
    random.seed(0)
    children = {child.source for child in (swap(parent, parent) for _ in range(60)) if child}
    assert any("sign_mix(points, context['axes'], 2, 9)" in source for source in children)
