"""Hostile programs that want time, memory, depth or room for what they print and return."""

from __future__ import annotations

from generators.sandbox import Outcome
from hostile.case import generate, module

_ALIASES = "x = (1,)\nfor _ in range(40):\n    x = (x, x)\n"

TIME = [
    generate("loop", Outcome.TIMEOUT, "computed", "while True:\n    pass"),
    module("loop in the module", Outcome.TIMEOUT, "computed", "while True:\n    pass"),
    generate(
        "loop that catches everything",
        Outcome.TIMEOUT,
        "computed",
        """
        while True:
            try:
                while True:
                    pass
            except BaseException:
                pass
            finally:
                continue
        """,
    ),
    generate(
        "loop that calls blocks to restart the clock",
        Outcome.TIMEOUT,
        "computed",
        """
        while True:
            for _ in range(3000000):
                pass
            echo(1)
        """,
    ),
    generate("loop without bytecode", Outcome.TIMEOUT, "", "return [sum(range(10 ** 12))]"),
    generate("factorial", Outcome.TIMEOUT, "", "import math\nreturn [math.factorial(10 ** 7)]"),
    generate("square", Outcome.TIMEOUT, "killed|computed", "x = 3\nwhile True:\n    x *= x"),
    generate(
        "key derivation",
        Outcome.ERROR,
        "AttributeError",
        "import hashlib\nreturn [hashlib.pbkdf2(b'a', b'b', 10 ** 9)]",
    ),
    generate(
        "aliases compared", Outcome.TIMEOUT, "", _ALIASES + _ALIASES.replace("x", "y") + "x == y"
    ),
    generate(
        "catastrophic regular expression",
        Outcome.OK,
        "^$",
        "import re\nreturn [re.match('(a+)+b', 'a' * 40), re.match('(a|a)*c', 'a' * 40)]",
        gives=[None, None],
    ),
    generate(
        "recursive regular expression",
        Outcome.OK,
        "^$",
        "import re\nreturn [bool(re.match('(' * 50 + 'a' + ')*' * 50 + 'b', 'a' * 5000))]",
        gives=[False],
    ),
    generate("sleep", Outcome.OK, "^$", "import time\ntime.sleep(10 ** 6)\nreturn [1]", gives=[1]),
    generate(
        "endless tasks",
        Outcome.TIMEOUT,
        "",
        """
        import asyncio
        async def again():
            while True:
                await asyncio.sleep(0)
        async def many():
            await asyncio.gather(again(), again(), again())
        asyncio.run(many())
        """,
    ),
]

MEMORY = [
    generate("power", Outcome.MEMORY, "used over", "return [10 ** 10 ** 10]"),
    generate("shift", Outcome.MEMORY, "used over", "return [1 << (1 << 40)]"),
    generate("long text", Outcome.MEMORY, "used over", "return ['a' * 10 ** 11]"),
    generate("long list", Outcome.MEMORY, "used over", "return [0] * 10 ** 11"),
    generate(
        "growing list",
        Outcome.MEMORY,
        "used over",
        "x = []\nwhile True:\n    x.append('ab' * 9999)",
    ),
    generate("doubling list", Outcome.MEMORY, "used over", "x = [1]\nwhile True:\n    x += x"),
    generate(
        "product",
        Outcome.MEMORY,
        "used over",
        "import itertools\nreturn list(itertools.product(range(100), repeat=6))",
    ),
    generate("padding", Outcome.MEMORY, "used over", "return ['{:>99999999999}'.format(1)]"),
    generate(
        "caught again and again",
        Outcome.MEMORY,
        "used over",
        """
        while True:
            try:
                x = [str(i) * 10 ** 6 for i in range(1000)]
            except BaseException:
                pass
        """,
    ),
]

DEPTH = [
    generate("recursion", Outcome.ERROR, "line 3: RecursionError", "def f():\n    return f()\nf()"),
    generate(
        "recursion caught",
        Outcome.TIMEOUT,
        "",
        """
        def f():
            try:
                f()
            except RecursionError:
                f()
            f()
        f()
        """,
    ),
    module("nested source", Outcome.ERROR, "SyntaxError", "x = " + "(" * 9000 + ")" * 9000),
    module("nested lists in the source", Outcome.ERROR, "", "x = " + "[" * 9000 + "]" * 9000),
    module("long sum in the source", Outcome.ERROR, "", "x = " + "-" * 30000 + "1"),
    module("not Python", Outcome.ERROR, "line 1: SyntaxError", "def generate(:"),
    module("zero bytes", Outcome.ERROR, "SyntaxError", "x = '\0'\n\0"),
    generate(
        "deep recursion of a long line",
        Outcome.ERROR,
        "Recursion",
        "f = lambda k: f(k) or '" + "a" * 60_000 + "'\nf(1)",
    ),
    module("half a surrogate", Outcome.REFUSED, "Unicode", "x = '\ud800'"),
    module("too long", Outcome.REFUSED, "64001 characters", "#" * 64_001),
    module("no generate", Outcome.ERROR, "generate", "x = 1"),
    module("wrong signature", Outcome.ERROR, "TypeError", "def generate():\n    return []"),
]

OUTPUT = [
    generate("prints", Outcome.MEMORY, "printed over", "while True:\n    print('a' * 1000)"),
    generate(
        "prints and catches",
        Outcome.MEMORY,
        "printed over",
        """
        try:
            print('a' * 10 ** 6)
        except BaseException:
            pass
        return [1]
        """,
    ),
    generate("long error", Outcome.ERROR, "^.{0,500}$", "raise ValueError('e' * 10 ** 7)"),
    generate(
        "error with a terminal's control characters",
        Outcome.ERROR,
        r"^line 2: ValueError: \[2J\]0;title here$",
        r"raise ValueError('\x1b[2J\x1b]0;title\x07\n\u202ehere')",
    ),
    generate(
        "endless own error",
        Outcome.ERROR,
        "^.{0,500}$",
        "raise ValueError(*['a' * 10 ** 6] * 10 ** 4)",
    ),
    generate(
        "raises a base exception", Outcome.ERROR, "KeyboardInterrupt", "raise KeyboardInterrupt"
    ),
    generate("exits", Outcome.ERROR, "", "raise SystemExit(0)"),
    generate(
        "poses as a timeout", Outcome.ERROR, "TimeoutError: mine", "raise TimeoutError('mine')"
    ),
]

RESULT = [
    generate("aliased tuple", Outcome.TIMEOUT, "", _ALIASES + "return [x]"),
    generate("aliased tuple as key", Outcome.INVALID, "keys must be", _ALIASES + "return {x: 1}"),
    generate("aliased tuple itself", Outcome.TIMEOUT, "", _ALIASES + "return x"),
    generate(
        "aliased list",
        Outcome.TIMEOUT,
        "",
        "x = [1]\nfor _ in range(40):\n    x = [x, x]\nreturn x",
    ),
    generate(
        "long text a thousand times", Outcome.MEMORY, "used over", "return ['a' * 10 ** 6] * 1000"
    ),
    generate(
        "result too long", Outcome.INVALID, "the limit is 4000000", "return ['a' * 5 * 10 ** 6]"
    ),
    generate(
        "deep result",
        Outcome.INVALID,
        "Recursion",
        "x = []\nfor _ in range(10 ** 5):\n    x = [x]\nreturn x",
    ),
    generate("circle", Outcome.INVALID, "Circular", "x = []\nx.append(x)\nreturn x"),
    generate("not a number", Outcome.INVALID, "JSON", "return [float('nan')]"),
    generate("infinity", Outcome.INVALID, "JSON", "return [{'a': [-float('inf')]}]"),
    generate("overflowing number", Outcome.INVALID, "JSON", "return [1e308 * 10]"),
    generate("huge integer", Outcome.INVALID, "digits", "return [10 ** 5000]"),
    generate("set", Outcome.INVALID, "set", "return [{1, 2}]"),
    generate("class instance", Outcome.INVALID, "A", "class A:\n    pass\nreturn [A()]"),
    generate("function", Outcome.INVALID, "function", "return [generate, echo, print]"),
    generate("dict, not list", Outcome.INVALID, "not a list", "return {'a': 1}"),
    generate("nothing", Outcome.INVALID, "not a list", "pass"),
    generate("coroutine", Outcome.INVALID, "", "async def f():\n    return 1\nreturn [f()]"),
]

CASES = [*TIME, *MEMORY, *DEPTH, *OUTPUT, *RESULT]
