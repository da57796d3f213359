"""What programs are written in, in words for a model: blocks, kinds, and what Python lacks here."""

from functools import cache

from evolve.grammar import Parameter, Signature, asking, grown_blocks
from evolve.operators import MAX_SIZE
from generators.blocks import summary
from generators.program import MODULES

TASK = """\
You improve a small Python program that writes fictional people (personas), with whom AI systems \
are tested. It defines generate(context, n, rng) and returns a list of exactly n records \
{"name": str, "description": str, "levels": [a number from 0 to 1 for each axis]}. Only the \
descriptions are read, by readers who know nothing of the program; levels say what was meant.

context is {"description": str, "axes": [{"name", "low_label", "high_label", "signs": {"low": \
[sentences], "high": [sentences]}}, ...]}. A sign is a sentence about "they" without its subject \
("Has dinner with friends most evenings."). The program must serve any context: the axes, how many \
there are, their order and which pole is called low change from call to call. So never write words \
of a context into it; take them from context at run time. rng is a random.Random; draw from it \
alone, seeds for blocks by rng.getrandbits(31).

A population is good when its descriptions cover many rare combinations of levels (low, middle, \
high) of two and three axes. The score is between 0 and 1. A person counts on an axis only if \
independent readers agree on the level and no single sentence decides it; not at all if the text \
repeats another person's, states a level as a number or score, is not fluent English, shows most \
signs of both poles of an axis, or is too short or too long."""

KINDS = """\
Kinds: Points = n rows of K levels in [0, 1]; Axes = context["axes"] or a list like it; \
Sentences = [n][K][any number of sentences]; Lines = [n][sentences in order of telling]; \
Texts = n strings; People = what generate returns. All are plain lists, so \
Python code may make or change them."""


def lacks() -> str:
    """What the language of programs has not, and its bounds."""
    modules = ", ".join(sorted(MODULES))
    return (
        f"The language is Python with these modules alone: {modules}. It has no classes, no yield,"
        " no async, no with, no del, no global or nonlocal, no next() on generator expressions, no"
        " getattr, open or eval; no names or attributes that begin with an"
        " underscore; no numpy. re.sub takes no function, str has no translate. Outside functions"
        " only imports, assignments and functions may stand. Do not give your own functions or"
        " variables the name of a block. Blocks need no import. A call of a block is slow, so call"
        " it for all people at once, never for each. A program may have at most"
        f" {MAX_SIZE} syntax nodes (about {MAX_SIZE // 9} lines)."
    )


ASKS = """\
Blocks that ask a language model (they cost; at most 2 prompts a person, in at most 3 rounds; an \
answer may be "", so keep a text of your own for that; write all that matters into the prompt):
ask(prompt: str) -> str  # Asks one thing.
ask_all(prompts: list of str) -> list of str  # Asks many things at once: use it for people."""


def block_list(explained: bool, asks: bool = False) -> str:
    """The blocks' signatures, a line each, with their one-line summaries if `explained`; with
    those that ask a language model where the search may."""
    with asking(asks):
        lines = _block_list(explained, tuple(grown_blocks()))
    return f"{lines}\n{ASKS}" if asks else lines


@cache
def _block_list(explained: bool, signatures: tuple[Signature, ...]) -> str:
    lines = []
    for signature in signatures:
        said = f"  # {summary(signature.name)}" if explained else ""
        lines.append(f"{_written(signature)}{said}")
    return "\n".join(["Blocks:", *lines])


def _written(signature: Signature) -> str:
    given = ", ".join(f"{p.name}: {_type(p)}" for p in signature.parameters)
    return f"{signature.name}({given}) -> {signature.returns}"


def _type(parameter: Parameter) -> str:
    if parameter.options:
        return " | ".join(repr(option) for option in parameter.options)
    if not parameter.constant:
        return {"Size": "n", "Dimension": "number of axes", "Seed": "seed"}.get(
            parameter.kind, parameter.kind
        )
    low, high = parameter.range
    kind = "int" if parameter.integer else "float"
    return f"{kind} {low:g}..{high:g}"
