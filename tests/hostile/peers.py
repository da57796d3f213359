"""Programs of the kinds known to break other searches of this sort.

They run in any Python; `benchmarks/peer_failures.py` gives them to OpenEvolve.
"""

from __future__ import annotations

_HONEST = """
def personas(context, n):
    made = []
    for i in range(n):
        signs, levels = [], []
        for k, axis in enumerate(context["axes"]):
            high = i >> k & 1
            signs += axis["signs"]["high" if high else "low"][:4]
            levels.append(0.9 if high else 0.1)
        made.append({"name": "Person " + "ABCDEFGHIJ"[i % 10], "description": " ".join(signs),
                     "levels": levels})
    return made
"""


def _program(body: str, before: str = "") -> str:
    lines = "".join(f"    {line}\n" for line in body.strip().splitlines())
    return f"{before}{_HONEST}\ndef generate(context, n, rng):\n{lines}"


HONEST = _program("return personas(context, n)")

NOT_PYTHON = "Here is the improved program:\n```python\ndef generate(context, n, rng):\n"
EXITS = _program("import os\nos._exit(0)")
EXITS_POLITELY = _program("raise SystemExit")
HANGS = _program("while True:\n    pass")
NOT_A_NUMBER = _program(
    """
made = personas(context, n)
for record in made:
    record["levels"] = [float("nan")] * len(context["axes"])
return made
"""
)
FORGES = _program(
    """
import sys
for module in list(sys.modules.values()):
    for name in ("score", "objective"):
        if hasattr(module, name):
            setattr(module, name, lambda *a, **k: 10.0 ** 9)
return personas(context, n)
"""
)
ONE_TEXT = _program(
    """
text = personas(context, 1)[0]["description"]
return [{"name": record["name"], "description": text} for record in personas(context, n)]
"""
)
ONE_TEXT_CLAIMED = _program(
    """
made = personas(context, n)
for record in made:
    record["description"] = made[0]["description"]
return made
"""
)
STATES_ITS_SCORE = _program(
    """
made = personas(context, n)
for record in made:
    record["combined_score"] = 10.0 ** 9
return made
"""
)
TOO_FEW = _program("return personas(context, n)[:1]")
NOT_EVERYWHERE = _program(
    """
if len(context["axes"]) == 2:
    raise ValueError("two axes are too few")
return personas(context, n)
"""
)
