"""The results of the fixed suite, as a table and as JSON."""

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from evolve.bench import MEASURES, RIVAL, Line, Suite, rival
from evolve.table import plain_text
from evolve.words import printable

HEAD = ("", "credited", f"lead over {RIVAL}", "as read", "missing", "pairs", "words")


def bench_table(lines: Sequence[Line], suite: Suite, where: str) -> str:
    """A row a program, the most credited first, and below it what the columns mean."""
    mix = rival(lines)
    title = (
        f"Rare combination coverage on {where}: {suite.size} personas, {suite.seeds} seeds a"
        " context (mean, 95 % interval)"
    )
    table = plain_text(title, [HEAD, *(_row(line, mix) for line in lines)])
    return "\n".join([table, "", *_notes(suite), *_failures(lines)])


def bench_json(lines: Sequence[Line], suite: Suite, split: str | None) -> dict[str, Any]:
    """The same for a script, with every value by context and seed."""
    mix = rival(lines)
    return {
        "split": split,
        "contexts": [context.id for context in suite.contexts],
        "n": suite.size,
        "seeds": suite.seeds,
        "seed": suite.seed,
        "respondent": suite.respondent,
        "gamut_version": version("persona-gamut"),
        "lines": [
            {
                "name": line.name,
                "program_hash": line.program.hash,
                **{measure: line.estimate(measure).as_json() for measure in MEASURES},
                "lead": None if line is mix else line.lead(mix).as_json(),
                "words": round(line.words, 1),
                "failed": dict(line.failed),
                "values": {measure: dict(line.values[measure]) for measure in MEASURES},
            }
            for line in lines
        ],
    }


def _row(line: Line, mix: Line) -> list[str]:
    """The cells of a line, as HEAD names them."""
    return [
        printable(line.name),
        str(line.estimate("credited")),
        "" if line is mix else str(line.lead(mix)),
        str(line.estimate("as_read")),
        f"{line.estimate('missing').mean:.2f}",
        f"{line.estimate('pairs').mean:.3f}",
        f"{line.words:.0f}",
    ]


def _notes(suite: Suite) -> list[str]:
    return [
        "Contexts, which the intervals take as given:"
        f" {', '.join(context.id for context in suite.contexts)}.",
        "Credited: personas that pass every gate, on axes where the readers agree and no single"
        " sentence decides;",
        "pairs: the same of combinations of two axes. As read: without these conditions; noise can"
        " earn it.",
        "Missing: share of levels that cannot be read. Rare: what few of the 1,000 read personas of"
        " naive",
        "baselines have, the reference population of each context. Lead: paired by context and"
        " seed.",
    ]


def _failures(lines: Sequence[Line]) -> list[str]:
    """One line a program that failed, with its first reason."""
    return [
        f"{printable(line.name)} failed on {', '.join(line.failed)}, which counts as nothing:"
        f" {printable(next(iter(line.failed.values())))}"
        for line in lines
        if line.failed
    ]
