"""Programs to beat. Each is a real program and runs through the sandbox like any other.

Their names tell placement × wording. `covering_mix` is the strongest on paper: were it read without
error, it would need no search; `covering_long` gives more to read. `corners_long` is the strongest
as texts are read, and what a search must beat. Two stand for what is common today: `name_only` and
`census_marginals`. `middle` is a control: it places everyone alike, so what it covers is misread.
"""

from functools import cache
from importlib.resources import files

from generators.errors import InputError
from generators.program import Program, parse

BASELINES = (
    "covering_mix", "covering_long", "sobol_mix", "sobol_graded", "uniform_graded", "corners",
    "corners_long", "middle", "census_marginals", "name_only",
)  # fmt: skip


@cache
def baseline(name: str) -> Program:
    """The baseline of that name. Raises InputError, naming the known ones, for another name."""
    if name not in BASELINES:
        raise InputError(f"no baseline {name!r}; known: {', '.join(BASELINES)}")
    return parse((files(__name__) / f"{name}.py").read_text("utf-8"), name)
