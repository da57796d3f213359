"""Hostile programs that want out: to the machine, to the host, to the next program."""

from __future__ import annotations

from generators.sandbox import Outcome
from hostile.blocks import host_blocks
from hostile.case import generate, module

_ALIASES = "x = (1,)\nfor _ in range(40):\n    x = (x, x)\n"
# Calls everything that it can find by any name with a value that hangs whoever converts it.
_CALL_ALL = """
        for name in found:
            try:
                eval(name + '(x)')
            except Exception as error:
                pass
"""

MACHINE = [
    generate(
        "reads a file", Outcome.ERROR, "PermissionError", "return [open('/etc/passwd').read()]"
    ),
    generate("writes a file", Outcome.ERROR, "PermissionError", "open('/tmp/x', 'w').write('x')"),
    generate(
        "path",
        Outcome.ERROR,
        "PermissionError",
        "import pathlib\nreturn [pathlib.Path('/').exists()]",
    ),
    generate("environment", Outcome.ERROR, "not supported", "import os\nreturn [dict(os.environ)]"),
    generate(
        "one variable", Outcome.ERROR, "not supported", "import os\nreturn [os.getenv('PATH')]"
    ),
    generate("shell", Outcome.ERROR, "AttributeError", "import os\nos.system('true')"),
    generate("process", Outcome.ERROR, "ModuleNotFoundError", "import subprocess"),
    generate("network", Outcome.ERROR, "ModuleNotFoundError", "import socket"),
    generate("foreign code", Outcome.ERROR, "ModuleNotFoundError", "import ctypes"),
    generate("dynamic import", Outcome.ERROR, "NameError", "return [__import__('os')]"),
    generate("frames", Outcome.ERROR, "AttributeError", "import sys\nreturn [sys._getframe()]"),
    generate("classes", Outcome.ERROR, "AttributeError", "return [().__class__.__bases__]"),
    generate("globals of a block", Outcome.ERROR, "AttributeError", "return [echo.__globals__]"),
    generate("closure of a block", Outcome.ERROR, "AttributeError", "return [echo.__closure__]"),
    generate("builtins", Outcome.ERROR, "NameError", "return [__builtins__]"),
    generate("debugger", Outcome.ERROR, "NameError", "breakpoint()"),
    generate("input", Outcome.ERROR, "NameError", "return [input()]"),
]

NAMES = [
    module(
        "looks for the host function and calls all it finds",
        Outcome.OK,
        "^$",
        f"""
        x = (1,)
        for _ in range(40):
            x = (x, x)
        found = [name for name in locals() if name not in {[*host_blocks(), "x"]}]
        {_CALL_ALL}
        def generate(context, n, rng):
            return [name for name in found if name.startswith('h_')]
        """,
        gives=[],
    ),
    generate("guesses the host function", Outcome.ERROR, "NameError", _ALIASES + "h_0123(x)"),
    generate(
        "uses the name under which it came in",
        Outcome.ERROR,
        "TypeError",
        _ALIASES + "__gamut_host('echo', x)",
    ),
    module(
        "replaces json, random and builtins",
        Outcome.OK,
        "^$",
        """
        x = (1,)
        for _ in range(40):
            x = (x, x)
        class Evil:
            def dumps(self, *args, **kwargs):
                return x
            def loads(self, *args, **kwargs):
                return x
            def Random(self, *args):
                return x
        json = random = Evil()
        def generate(context, n, rng):
            global json, random, __gamut_n, len, str, type
            json = random = Evil()
            len = str = type = __gamut_n = x
            rng.random()
            return [echo(1), context['description']]
        """,
        gives=[1, "People."],
    ),
    module(
        "patches the module json",
        Outcome.ERROR,
        "AttributeError",
        "import json\njson.dumps = lambda *a, **k: 1\n",
    ),
    module(
        "patches by setattr",
        Outcome.ERROR,
        "AttributeError",
        "import json\nsetattr(json, 'dumps', lambda *a, **k: 1)\n",
    ),
    module(
        "replaces its own result through locals",
        Outcome.OK,
        "^$",
        """
        names = locals()
        def generate(context, n, rng):
            names['__gamut'] = names['json'] = 7
            return [1]
        """,
        gives=[1],
    ),
    module(
        "a value at the end of the module",
        Outcome.OK,
        "^$",
        "def generate(context, n, rng):\n    return [1]\n" + _ALIASES + "{x: 1}\n",
        gives=[1],
    ),
    module(
        "generate is no function",
        Outcome.ERROR,
        "TypeError",
        "generate = 5\n",
    ),
    generate(
        "awaits a block",
        Outcome.ERROR,
        "",
        "async def f():\n    return await echo(1)\nimport asyncio\nreturn [asyncio.run(f())]",
    ),
    generate(
        "gathers blocks",
        Outcome.OK,
        "^$",
        """
        import asyncio
        async def f():
            return echo(1)
        async def g():
            return await asyncio.gather(*[f() for _ in range(50)])
        return list(asyncio.run(g()))
        """,
        gives=[1] * 50,
    ),
    generate(
        "awaits an unknown name",
        Outcome.ERROR,
        "",
        "import asyncio\nasync def f():\n    return await nobody(1)\nreturn [asyncio.run(f())]",
    ),
    generate(
        "swallows every error",
        Outcome.OK,
        "^$",
        """
        seen = []
        for act in (lambda: open('/etc/passwd'), lambda: numbers(0, 0), lambda: blunder()):
            try:
                act()
            except BaseException as error:
                seen.append(str(error)[:100])
        return seen
        """,
        gives=[
            "Permission denied: '/etc/passwd'",
            "numbers: n must be 1 to 256, not 0",
            "blunder: failed with OSError",
        ],
    ),
    generate(
        "runs text",
        Outcome.ERROR,
        "NameError|Permission",
        "exec('open(\"/etc/passwd\")')\nreturn []",
    ),
]

CALLS = [
    generate("flood of calls", Outcome.ERROR, "over 200 times", "while True:\n    echo(1)"),
    generate(
        "flood of calls that catches",
        Outcome.ERROR,
        "over 200 times",
        "while True:\n    try:\n        echo(1)\n    except BaseException:\n        pass",
    ),
    generate(
        "flood of unknown names",
        Outcome.ERROR,
        "limit",
        "while True:\n    try:\n        nobody\n    except BaseException:\n        pass",
    ),
    generate(
        "flood of files",
        Outcome.ERROR,
        "limit",
        "while True:\n    try:\n        open('/x')\n    except BaseException:\n        pass",
    ),
    generate("aliased tuple to a block", Outcome.TIMEOUT, "", _ALIASES + "echo(x)"),
    generate("aliased keyword to a block", Outcome.TIMEOUT, "", _ALIASES + "echo(value=x)"),
    generate("aliased key to a block", Outcome.ERROR, "TypeError", _ALIASES + "echo({(1, 2): 1})"),
    generate("long text to a block", Outcome.ERROR, "the limit is", "echo('a' * 2 * 10 ** 6)"),
    generate(
        "deep list to a block",
        Outcome.ERROR,
        "Recursion",
        "x = []\nfor _ in range(9999):\n    x = [x]\necho(x)",
    ),
    generate("not a number to a block", Outcome.ERROR, "NaN", "echo(float('nan'))"),
    generate("infinity to a block", Outcome.ERROR, "Infinity", "numbers(-float('inf'), 1)"),
    generate("huge integer to a block", Outcome.ERROR, "64 bits", "numbers(2, 10 ** 4000)"),
    generate("huger integer to a block", Outcome.ERROR, "digits", "numbers(2, 10 ** 5000)"),
    generate("wrong type to a block", Outcome.ERROR, "n must be", "numbers('2', 3)"),
    generate("too many from a block", Outcome.ERROR, "n must be", "numbers(3 * 10 ** 6, 1)"),
    generate("missing argument", Outcome.ERROR, "missing", "numbers(3)"),
    generate("unknown keyword", Outcome.ERROR, "unexpected keyword", "numbers(3, 1, __class__=1)"),
    generate(
        "flood of long texts",
        Outcome.ERROR,
        "exchanged over",
        "x = 'a' * 900000\nwhile True:\n    echo(x)",
    ),
    generate(
        "flood of refused texts",
        Outcome.ERROR,
        "exchanged over",
        "while True:\n    try:\n        echo('a' * 4000000)\n    except ValueError:\n        pass",
    ),
    generate("block without memory", Outcome.ERROR, "MemoryError$", "repeat('ab', 10 ** 11)"),
    generate("long result from a block", Outcome.ERROR, "the limit is", "repeat('ab', 10 ** 6)"),
    generate("block that returns no JSON", Outcome.ERROR, "JSON", "return [infinite()]"),
    generate(
        "block that fails",
        Outcome.ERROR,
        "line 2: ValueError: blunder: failed with OSError$",
        "return [blunder()]",
    ),
    generate(
        "block that says too much",
        Outcome.ERROR,
        r"line 2: ValueError: complain: no such file: <path> \[2Jx{50,200}…$",
        "return [complain()]",
    ),
    generate("block that babbles", Outcome.OK, "^$", "babble()\nreturn [1]", gives=[1]),
]

CASES = [*MACHINE, *NAMES, *CALLS]
