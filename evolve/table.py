"""The results of a run as a table, and in a sentence."""

from collections.abc import Sequence
from io import StringIO

from evolve.archive import Elite
from evolve.finish import Entry
from evolve.statistics import Interval
from generators.baselines import baseline

SHOWN = 5  # elites
WIDTH = 130
COVERING_MIX = "covering_mix"


def rows(entries: Sequence[Entry], shown: int = SHOWN) -> list[list[str]]:
    """Heading, the best elites, and every baseline by what it is worth."""
    rival = strongest_baseline(entries)
    table = [["", "credited", "as read", f"credited, lead over {rival.baseline}", "words"]]
    elites = [e for e in entries if e.elite and not e.baseline]
    for entry in elites[:shown]:
        mark = " (chosen)" if entry is entries[0] else ""
        table.append([f"{entry.name}{mark}", *_cells(entry, rival)])
    for entry in sorted((e for e in entries if e.baseline), key=lambda e: -e.credited.mean):
        table.append([f"baseline {entry.baseline}", *_cells(entry, rival)])
    return table


def elite_rows(elites: Sequence[tuple[Elite, Interval | None]]) -> list[list[str]]:
    """Heading, and every elite, with what it was chosen by, by what a user may choose by."""
    head = ["", "also kept as", "in training", "chosen by", "density", "words", "calls"]
    table = [[*head, "made by", "ticket"]]
    for elite, chosen_by in elites:
        measures = elite.verdict["measures"]
        table.append(
            [
                elite.name,
                ", ".join(niche.name for niche in elite.niches[1:]),
                str(elite.interval),
                str(chosen_by or ""),
                f"{measures['density']:.2f}",
                f"{measures['words']:.0f}",
                f"{measures['host_calls']:.0f}",
                elite.candidate.operator,
                str(elite.candidate.ticket),
            ]
        )
    counts = [elite.verdict["measures"].get("tokens") for elite, _ in elites]
    if any(count is not None for count in counts):  # programs may ask a model
        tokens = [f"{count or 0:,.0f}" for count in counts]
        table = [[*row, cell] for row, cell in zip(table, ["tokens", *tokens], strict=True)]
    return table


def results_table(entries: Sequence[Entry], shown: int = SHOWN) -> str:
    """The best elites beside every baseline, with intervals, as plain text."""
    title = "Rare combination coverage on the report contexts (mean, 95 % interval)"
    return plain_text(title, rows(entries, shown))


def elites_table(entries: Sequence[Entry]) -> str:
    """All elites by what they are kept for, as plain text."""
    title = "What each elite is kept for (density: likeness to the reference; words a persona)"
    return plain_text(title, elite_rows([(e.elite, e.chosen_by) for e in entries if e.elite]))


def plain_text(title: str, table: Sequence[Sequence[str]]) -> str:
    """A table with a heading in its first row, without lines or colours, as wide as it needs."""
    from rich.console import Console
    from rich.table import Table

    drawn = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for name in table[0]:
        drawn.add_column(name, no_wrap=True)
    for line in table[1:]:
        drawn.add_row(*(cell.replace("[", "\\[") for cell in line))
    out = StringIO()
    widest = max(WIDTH, Console(width=10_000).measure(drawn).maximum)
    Console(file=out, width=widest, color_system=None).print(drawn)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def conclusion(entries: Sequence[Entry]) -> str:
    """Whether the search beat the baselines, in words."""
    best, rival = entries[0], strongest_baseline(entries)
    if all(entry.credited.mean == 0 for entry in entries):
        return (
            "No program earns any credit on the report contexts: most levels cannot be read there,"
            " or hang on one sentence. More hidden statements (8 a pole in each half) and signs"
            " (10 a pole) help; `gamut show` says what is missing."
        )
    if best.baseline:
        return f"The search found nothing better than the baseline {best.baseline}."
    said = _against(best, rival)
    if rival.baseline != COVERING_MIX:
        mix = next(e for e in entries if e.program.hash == baseline(COVERING_MIX).hash)
        said += f" {_against(best, mix)}"
    failed = sorted({context for entry in entries for context in entry.report["failed"]})
    return said + (f" Programs failed on {', '.join(failed)} (see the cards)." if failed else "")


def strongest_baseline(entries: Sequence[Entry]) -> Entry:
    """The baseline that earned the most on the report contexts: a choice that favours it."""
    return max((e for e in entries if e.baseline), key=lambda e: (e.credited.mean, e.baseline))


def _against(best: Entry, rival: Entry) -> str:
    lead = best.lead(rival)
    if lead.low > 0:
        return f"The best elite leads {rival.baseline} by {lead}: the interval lies above zero."
    if lead.high < 0:
        return f"The best elite trails {rival.baseline} by {lead}: the baseline wins."
    return f"The best elite and {rival.baseline} differ by {lead}: no difference is shown."


def _cells(entry: Entry, rival: Entry) -> list[str]:
    lead = "" if entry is rival else str(entry.lead(rival))
    return [str(entry.credited), str(entry.bare), lead, f"{entry.report['words']:.0f}"]
