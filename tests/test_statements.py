"""Statement blocks of two programs joined: with all that they need, and no names that clash."""

import random
from collections.abc import Iterator

import pytest
from variation import check, runs

from evolve.operators import graft
from generators.baselines import baseline
from generators.program import Program, parse
from generators.sandbox import Sandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as opened:
        yield opened


HELPED = parse(
    "import math\n"
    "STEPS = [0.1, 0.9]\n"
    "def draw(n, k, rng):\n"
    "    return [[rng.choice(STEPS) for _ in range(k)] for _ in range(n)]\n"
    "def generate(context, n, rng):\n"
    "    k = len(context['axes'])\n"
    "    where = draw(n, k, rng)\n"
    "    for i in range(2):\n"
    "        where[0] = [math.floor(z) for z in where[0]]\n"
    "    told = motivation(where, context['axes'], 2, 4)\n"
    "    lines = in_order(told, 'turns', 5)\n"
    "    return people(join(voice(lines, 'first'), 'plain', 6), where, 7)\n"
)
ALSO_HELPED = parse(
    "STEPS = ['Leave.', 'Stay.']\n"
    "def draw(k):\n"
    "    return [STEPS[i % 2] for i in range(k)]\n"
    "def generate(context, n, rng):\n"
    "    k = draw(n)\n"
    "    axes = sharpest(context['axes'], 0.5)\n"
    "    points = corners(n, len(axes), 1)\n"
    "    sentences = []\n"
    "    for p in points:\n"
    "        sentences.append(sign_mix([p], axes, 3, 2)[0])\n"
    "    texts = join(voice(in_order(sentences, 'axis', 3), 'first'), 'plain', 8)\n"
    "    records = people(texts, points, 9)\n"
    "    return [dict(r, goal=k[i]) for i, r in enumerate(records)]\n"
)


def grafts(parent: Program, donor: Program, seeds: int = 60) -> set[Program]:
    found = set()
    for seed in range(seeds):
        random.seed(seed)
        child = graft(parent, donor)
        if child is not None:
            check(parent, child)
            found.add(child)
    return found


def test_a_graft_brings_what_its_statements_need(sandbox: Sandbox) -> None:
    children = grafts(HELPED, ALSO_HELPED)
    sources = {child.source for child in children}
    assert all(runs(sandbox, child, seed) for seed, child in enumerate(children))
    placed = [s for s in sources if "where = draw(n, k, rng)" in s and "goal=" in s]
    assert placed  # one's placement, the other's records
    for source in placed:
        assert "where[0] = " in source  # changed in place after it was assigned
        assert "import math" in source
        assert "rng.choice(STEPS)" in source
        assert "def draw_2(k)" in source  # two helpers of one name, two constants of one name
    told = [s for s in sources if "sentences.append" in s and "goal=" not in s]
    assert told
    assert all("import math" not in s and "STEPS" not in s for s in told if "where" not in s)


def test_a_graft_speaks_of_the_points_that_it_records() -> None:
    for child in grafts(baseline("sobol_mix"), baseline("corners"), 20):
        assert ("sobol(" in child.source) != ("corners(" in child.source)


@pytest.mark.parametrize(
    "lines",
    [
        [
            "k = 2",
            "if n > 9:",
            "    k = 3",
            "    return []",
            "points = uniform(n, k, 1)",
        ],  # returns
        ["if n > 1:", "    points = uniform(n, 2, 1)"],
        ["points = uniform(n, 2, 1)", "points = sign_mix(points, [], 1, 1)"],
    ],
)
def test_what_cannot_be_cut_gives_no_beginning(lines: list[str]) -> None:
    body = "".join(f"    {line}\n" for line in lines)
    odd = parse(f"def generate(context, n, rng):\n{body}    return people(['a'] * n, points, 1)\n")
    for child in grafts(odd, baseline("sobol_mix")):
        assert "uniform(" not in child.source


def test_a_clash_of_imports_or_parameters_gives_no_child() -> None:
    import_ = "import random as draw\n"
    other = parse(import_ + ALSO_HELPED.source.replace("def draw(k)", "def deal(k)").replace(
        "k = draw(n)", "k = [draw.choice(STEPS) for _ in deal(n)]"
    ))  # fmt: skip
    for child in grafts(HELPED, other):
        assert not ("def draw(" in child.source and import_ in child.source)
