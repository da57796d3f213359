"""Programs: what the allow-list refuses and accepts, what a hash depends on, what is described."""

import re
import threading
from collections.abc import Callable
from importlib.resources import files

import pytest

from generators.baselines import BASELINES, baseline
from generators.blocks import BLOCKS
from generators.errors import GamutError, InputError
from generators.program import MAX_DEPTH, MAX_NODES, MAX_SOURCE, ProgramError, parse

HEAD = "def generate(context, n, rng):\n"
PLAIN = HEAD + "    return people(['a'] * n, uniform(n, 2, 1), 2)\n"


def body(*lines: str) -> str:
    return HEAD + "".join(f"    {line}\n" for line in lines)


def refused(source: str) -> str:
    with pytest.raises(ProgramError) as caught:
        parse(source, "mine")
    message = str(caught.value)
    assert message.startswith("mine")
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("source", "line", "reason"),
    [
        ("import os\n" + PLAIN, 1, "import of os is not allowed; known: collections, functools"),
        ("import json, socket\n" + PLAIN, 1, "import of socket"),
        ("import json.decoder\n" + PLAIN, 1, "import of json.decoder"),
        ("from os import path\n" + PLAIN, 1, "import of os"),
        ("from . import math\n" + PLAIN, 1, "import of ."),
        ("from .math import sin\n" + PLAIN, 1, "import of .math"),
        ("from random import _os\n" + PLAIN, 1, "the name _os"),
        ("import random as sobol\n" + PLAIN, 1, "sobol is the name of a block"),
        ("import random as __random\n" + PLAIN, 1, "the name __random"),
        ("class A:\n    pass\n" + PLAIN, 1, "a class is not allowed"),
        ("print('hello')\n" + PLAIN, 1, "only functions, imports and assignments"),
        ("if True:\n    pass\n" + PLAIN, 1, "only functions, imports and assignments"),
        ("for i in []:\n    pass\n" + PLAIN, 1, "only functions, imports and assignments"),
        ("async def f():\n    pass\n" + PLAIN, 1, "an async function"),
        ("def sobol():\n    pass\n" + PLAIN, 1, "sobol is the name of a block"),
        ("def __f():\n    pass\n" + PLAIN, 1, "the name __f"),
        (body("eval('1')"), 2, "the name eval"),
        (body("x = open"), 2, "the name open"),
        (body("return __import__('os')"), 2, "the name __import__"),
        (body("return rng._os"), 2, "the attribute _os"),
        (body("return ().__class__"), 2, "the attribute __class__"),
        (body("", "x = getattr(rng, 'a')"), 3, "the name getattr"),
        (body("global x"), 2, "global is not allowed"),
        (body("with x: pass"), 2, "with is not allowed"),
        (body("del x"), 2, "del is not allowed"),
        (body("yield 1"), 2, "yield"),
        (body("x = yield from []"), 2, "yield from"),
        (body("try: pass", "except* ValueError: pass"), 2, "except*"),
        (body("sobol = 1"), 2, "sobol is the name of a block"),
        (body("for sobol in []: pass"), 2, "sobol is the name of a block"),
        (body("x = [sobol for sobol in []]"), 2, "sobol is the name of a block"),
        (body("x = (sobol := 1)"), 2, "sobol is the name of a block"),
        (body("f = lambda sobol: 1"), 2, "sobol is the name of a block"),
        (body("try: pass", "except ValueError as sobol: pass"), 3, "sobol is the name of a block"),
        (body("match n:", "    case sobol: pass"), 3, "sobol is the name of a block"),
        (body("match n:", "    case [*sobol]: pass"), 3, "sobol is the name of a block"),
        (body("match n:", "    case {**sobol}: pass"), 3, "sobol is the name of a block"),
        (body("def f(*sobol): pass"), 2, "sobol is the name of a block"),
        (body("return ["), 2, "not Python: '[' was never closed"),
        (body("return 1") + "  x = 2\n", 3, "not Python: "),
        (body("return " + "9" * 5_000), 2, "not Python: "),
    ],
)
def test_refused_with_line_and_reason(source: str, line: int, reason: str) -> None:
    message = refused(source)
    assert message.startswith(f"mine, line {line}: {reason}"), message


@pytest.mark.parametrize(
    "source",
    [
        "",
        "def generate(context, n): return []",
        "def generate(n, context, rng): return []",
        "def generate(context, n, rng, more): return []",
        "def generate(context, n, rng, *more): return []",
        "def generate(context, n, rng, **more): return []",
        "def generate(context, n, rng, *, more): return []",
        "generate = lambda context, n, rng: []",
        "def make():\n    def generate(context, n, rng): return []",
        PLAIN + PLAIN,
    ],
)
def test_generate_is_defined_once_with_three_parameters(source: str) -> None:
    assert refused(source) == "mine: define generate(context, n, rng) exactly once"


@pytest.mark.parametrize(
    "source",
    [
        PLAIN,
        "import math, random\nfrom itertools import product as pairs\n" + PLAIN,
        "X: int = 3\nY = [i for i in range(3)]\n" + PLAIN,
        "def helper(a, *b, c=1, **d):\n    return {**d, 'a': f'{a!r:>3}'}\n" + PLAIN,
        "def generate(context: dict, n: int, rng) -> list[dict]:\n    return []\n",
        body("def inner(x): return x + n", "return [inner(i) for i in range(n)]"),
        body("while n > 0: n -= 1", "else: n = 1", "return [lambda: n]"),
        body("try: x = 1 / 0", "except ZeroDivisionError as error: raise", "finally: pass"),
        body("match n:", "    case [1, *rest] | {'a': rest}: pass", "    case _: pass"),
        body("_x, (y, *z) = 1, (2, 3)", "return (w := y) if z else -w ** 2"),
        body("assert n, 'none'", "print(n)", "return sorted({1: 2}, key=lambda k: -k)[::2]"),
    ],
)
def test_accepted_and_normal_form_is_a_fixed_point(source: str) -> None:
    program = parse(source)
    assert parse(program.source).source == program.source
    assert parse(program.source).hash == program.hash
    assert program.nodes == parse(program.source).nodes


@pytest.mark.parametrize(
    "same",
    [
        PLAIN + "# a comment\n",
        PLAIN.replace("'a'", '"a"').replace("(n, 2", "( n,2"),
        PLAIN.replace("\n", "\r\n"),
        '"""A docstring."""\n"another string"\n' + PLAIN,
        PLAIN.replace(HEAD, HEAD + '    """What it does."""\n    "and more"\n'),
        PLAIN.replace("    return", "\treturn"),
        PLAIN.replace("return people(", "return (people)("),
    ],
)
def test_comments_and_layout_do_not_change_the_hash(same: str) -> None:
    assert parse(same).hash == parse(PLAIN).hash
    assert re.fullmatch("[0-9a-f]{64}", parse(PLAIN).hash)


def test_another_program_has_another_hash() -> None:
    assert parse(PLAIN.replace("2, 1", "2, 3")).hash != parse(PLAIN).hash


def test_a_function_of_a_docstring_alone_still_parses() -> None:
    program = parse('def helper():\n    """Nothing."""\n' + PLAIN)
    assert "pass" in program.source
    assert parse(program.source).hash == program.hash


def test_sizes_are_bounded() -> None:
    assert "characters; at most" in refused(PLAIN + "#" * MAX_SOURCE)
    assert "syntax nodes; at most" in refused(PLAIN + f"X = [{'1,' * MAX_NODES}]")
    wide = "".join(" " * i + "if n:\n" for i in range(1, 60))
    steps = " " * 60 + "x=1;" * 500
    assert "once it is normalised" in refused(HEAD + wide + steps)


NESTED: dict[str, Callable[[int], str]] = {
    "brackets": lambda n: "(" * n + "1" + ")" * n,
    "lists": lambda n: "[" * n + "]" * n,
    "dicts": lambda n: "{1:" * n + "1" + "}" * n,
    "calls": lambda n: "n" + "()" * n,
    "indices": lambda n: "n" + "[0]" * n,
    "attributes": lambda n: "n" + ".a" * n,
    "minus": lambda n: "-" * n + "1",
    "not": lambda n: "not " * n + "1",
    "sums": lambda n: "1+" * n + "1",
    "powers": lambda n: "2**" * n + "2",
    "lambdas": lambda n: "lambda:" * n + "1",
    "choices": lambda n: "1 if 1 else " * n + "1",
}


@pytest.mark.parametrize("count", [250, 5_000, 10_000])
@pytest.mark.parametrize("shape", NESTED)
def test_deep_nesting_is_refused(shape: str, count: int) -> None:
    message = refused(body("return " + NESTED[shape](count)))
    assert re.search(r"nested|characters; at most", message), message


@pytest.mark.parametrize("count", [150, 4_000])
def test_long_chains_of_branches_are_refused(count: int) -> None:
    source = body("if n: pass", *["elif n: pass"] * count)
    assert re.search(r"nested too deeply|characters", refused(source))


def test_deep_nesting_is_refused_in_a_thread_too() -> None:
    """Where stacks are smallest, on Windows, they have 2 MB; the parser needs less than 1."""
    said: list[str] = []
    old = threading.stack_size(2 << 20)
    try:
        thread = threading.Thread(
            target=lambda: said.extend(
                refused(body("return " + NESTED[shape](10_000))) for shape in NESTED
            )
        )
        thread.start()
        thread.join()
    finally:
        threading.stack_size(old)
    assert len(said) == len(NESTED)


def test_nesting_up_to_the_bound_is_fine() -> None:
    program = parse(body("return " + "-" * (MAX_DEPTH // 2) + "1"))
    assert parse(program.source).hash == program.hash


@pytest.mark.parametrize(
    "source",
    [
        "\0",
        PLAIN + "\0",
        "\ufeff\ufeff" + PLAIN,
        PLAIN + "'\ud800'",
        body("return 0x" + "f" * 10_000),
        body("return f'{1:{2:{3}}}'") + "}",
        "# -*- coding: nonsense -*-\n" + body("return $"),
        "😀",
    ],
)
def test_odd_sources_are_refused_without_another_error(source: str) -> None:
    refused(source)


def test_errors_are_gamut_errors() -> None:
    with pytest.raises(GamutError):
        parse("1")


@pytest.mark.parametrize("name", BASELINES)
def test_baselines_are_described_in_plain_words(name: str) -> None:
    said = baseline(name).describe()
    assert re.fullmatch(r"(?:[A-Z][^.]*(?:\([\w ,:.']+\))?\. ?)+", said)
    assert not re.search(r"[_{}\[\]=]|None", said)
    assert 50 < len(said) < 800


def test_a_description_tells_blocks_in_order_with_their_settings() -> None:
    said = baseline("covering_mix").describe()
    placed, worded = said.index("Places personas"), said.index("Writes signs")
    assert placed < worded < said.index("Gives each description")
    assert "(strength: 3)" in said
    assert "(count: 3)" in said
    assert said.count("Places personas") == 1


def test_describing_needs_no_block_and_bounds_settings() -> None:
    assert "calls no block" in parse(body("return []")).describe()
    long = parse(body(f"return people(texts='{'x' * 5_000}', points=[], seed=1)"))
    assert len(long.describe()) < 200


def test_blocks_are_listed_in_the_order_of_their_calls() -> None:
    source = body("p = stretch(sobol(n, 2, 1), 2.0)", "return people(['a'] * n, p, 1)")
    assert parse(source).blocks == ("sobol", "stretch", "people")
    assert set(baseline("sobol_mix").blocks) <= set(BLOCKS)


@pytest.mark.parametrize("name", BASELINES)
def test_baselines_are_normalised_and_small(name: str) -> None:
    program = baseline(name)
    source = files("generators.baselines").joinpath(f"{name}.py").read_text("utf-8")
    assert parse(source).hash == parse(program.source).hash == program.hash
    assert program.nodes < 500


def test_unknown_baselines_name_the_known_ones() -> None:
    with pytest.raises(InputError, match="no baseline 'best'; known: covering_mix, "):
        baseline("best")
