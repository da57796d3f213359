"""The report of a run: one HTML file that needs nothing else, no network and no script."""

import base64
import io
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from evolve.account import account
from evolve.archive import Offer
from evolve.finish import Entry
from evolve.operators import MAX_SIZE
from evolve.progress import REFRESH
from evolve.table import conclusion, elite_rows, rows
from evolve.timed import utc
from fitness.metrics import as_points, reference_lines, uncovered
from generators.errors import GamutError

if TYPE_CHECKING:
    from evolve.mutation.mutation import Mutation
    from evolve.run import Run
    from evolve.search import State

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem;
       color: #1a1a1a; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { text-align: left; padding: .3rem .9rem .3rem 0; border-bottom: 1px solid #ddd; }
td { font-variant-numeric: tabular-nums; }
pre { background: #f6f6f4; padding: 1rem; overflow-x: auto; font-size: 13px; }
img { max-width: 100%; }
.note { color: #555; }
"""
_LISTED = 15  # uncovered combinations a context


def write_report(run: "Run", entries: Sequence[Entry], file: Path) -> None:
    """Write a run's report; with no entries, what can be said while the search goes on."""
    parts = [*_head(run, entries)]
    if entries:
        parts += [*_results(run, entries), *_best(run, entries[0])]
    parts += [*_course(run, entries)]
    body = "\n".join(parts)
    again = "" if entries else f'<meta http-equiv="refresh" content="{REFRESH:.0f}">'
    page = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">{again}<title>Gamut: '
        f"{escape(run.folder.name)}</title><style>{_STYLE}</style></head><body>{body}</body></html>\n"
    )
    part = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        part.write_text(page, "utf-8")
        part.replace(file)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise GamutError(f"{file}: cannot be written ({error.strerror})") from error


def _head(run: "Run", entries: Sequence[Entry]) -> Iterable[str]:
    state = run.search.state
    yield f"<h1>Gamut run {escape(run.folder.name)}</h1>"
    yield (
        f"<p>{state.folded} of {run.config.evaluations} candidates, seed {run.setup.seed},"
        f" {run.setup.population} personas a context. Training contexts:"
        f" {escape(', '.join(c.id for c in run.setup.training))}. Report contexts:"
        f" {escape(', '.join(c.id for c in run.setup.report))}.</p>"
    )
    if entries:
        yield f"<p><strong>{escape(conclusion(entries))}</strong></p>"
    else:
        yield (
            f"<p><strong>The search is still going on</strong> as of {utc()}; this page is"
            " refreshed while it does. One that was stopped goes on by <code>gamut resume"
            f" {escape(run.folder.name)}</code>.</p>"
        )


def _results(run: "Run", entries: Sequence[Entry]) -> Iterable[str]:
    head, *lines = rows(entries, len(entries))
    yield "<h2>Rare combination coverage on the report contexts</h2>"
    yield _table(head, lines)
    yield (
        '<p class="note">Mean and 95 % interval over seeds. <em>Credited</em>: personas that pass'
        " every gate, on axes where the readers agree on their level and no single sentence decides"
        " the third they are read in."
        " <em>As read</em>: without these conditions; noise can earn it. <em>Words</em>: the length"
        " of a persona; longer texts are read more steadily. The best elite was chosen on the"
        " training contexts, on seeds that the search had not used.</p>"
    )


def _best(run: "Run", best: Entry) -> Iterable[str]:
    yield f"<h2>The best elite: {escape(best.name)}</h2>"
    yield f"<p>{escape(best.program.describe())}</p><pre>{escape(best.program.source)}</pre>"
    folder = run.folder / "archive" / best.name / "maps"
    contexts = {c.id: c for c in run.setup.report}
    for card in best.report["scorecards"]:
        context = contexts[card["context"]]
        yield f"<h3>{escape(context.title)}</h3><p>{escape(card['verdict'])}</p>"
        pictures = sorted(folder.glob(f"{context.id}_pairs.png")) or sorted(
            folder.glob(f"{context.id}_*.png")
        )
        for picture in pictures:
            data = base64.b64encode(picture.read_bytes()).decode()
            alt = f"coverage map of {escape(context.id)}"
            yield f'<img alt="{alt}" src="data:image/png;base64,{data}">'
        yield from _gaps(run, card)


def _gaps(run: "Run", card: dict[str, object]) -> Iterable[str]:
    context = next(c for c in run.setup.report if c.id == card["context"])
    axes, t = len(context.axes), min(3, len(context.axes))
    points = as_points(card["points"], axes, run.setup.population)  # type: ignore[arg-type]
    weights = run.setup.rare_weights(context)
    labels = [(a.name, a.low_label, a.high_label) for a in context.axes]
    found = uncovered(points, labels, t, weights, _LISTED)
    lines = reference_lines(points.asked, axes)
    name = f"combination_coverage_{t}"
    yield (
        f"<p>{found.total} of {found.possible} {t}-way combinations are covered by nobody"
        f" (perfectly read, uniform points leave {1 - lines['uniform'][name]:.0%} uncovered,"
        f" a covering design {1 - lines['covering_design'][name]:.0%}). The rarest of them:</p>"
    )
    yield "<ul>" + "".join(f"<li>{escape(c)}</li>" for c in found.combinations) + "</ul>"


def _course(run: "Run", entries: Sequence[Entry]) -> Iterable[str]:
    state = run.search.state
    yield "<h2>Course of the search</h2>"
    if state.best:
        yield _curve(state.best, state.folded)
    counts = ", ".join(f"{count} {status}" for status, count in sorted(state.statuses.items()))
    yield (
        f"<p>Candidates: {escape(counts or 'none yet')}. Archive: {state.offers[Offer.NEW_CELL]}"
        f" new cells, {state.offers[Offer.REPLACED]} elites replaced on evidence,"
        f" {state.offers[Offer.BESIDE]} kept beside the grid alone when they came."
        f" Spent: {escape(str(account(run.store)))}.</p>"
    )
    elites = [(e.elite, e.chosen_by) for e in entries if e.elite]
    head, *lines = elite_rows(elites or [(e, None) for e in state.archive.elites])
    yield _table(head, lines)
    yield (
        '<p class="note">What each elite is kept for: a cell of the grid (density: likeness to the'
        " reference population; words a persona), a step of the front (the most coverage of all"
        " texts no longer than that), or the best of a metric. <em>In training</em>: mean and 95 %"
        " interval over seeds, those on which it was confirmed included. <em>Chosen by</em>: the"
        " same of the foremost, on fresh seeds. <em>Calls</em>:"
        " calls of blocks a population; <em>tokens</em>, where programs may ask a language model:"
        " of prompts and answers a population.</p>"
    )
    yield from _operators(state)
    if state.mutation:
        yield from _models(state.mutation)


def _operators(state: "State") -> Iterable[str]:
    """What each operator gained and cost, and how the search chose among them over time."""
    quarters = [q for q in np.array_split(np.arange(state.folded), 4) if len(q)]
    made_by = [state.trail[q[0] : q[-1] + 1] for q in quarters]
    chosen = [Counter(name for made, _ in q for name in made.split("+")) for q in made_by]
    names = {name: arm for name, arm in state.operators.arms.items() if arm.tried}
    lines = []
    for name, arm in names.items():
        shares = [q[name] / max(1, sum(q[n] for n in names)) for q in chosen]
        counts = [str(arm.tried), str(arm.scored), str(arm.better)]
        gain = f"{arm.gain / arm.cost:.4f}"
        lines.append([name, *counts, gain, " ".join(f"{share:.0%}" for share in shares)])
    yield "<h2>Operators</h2>"
    yield _table(
        ["operator", "tried", "scored", "better than parent", "gain per cost", "share by quarter"],
        lines,
    )
    sizes = [[nodes for _, nodes in q] for q in made_by]
    medians = ", ".join(f"{np.median(q):.0f}" for q in sizes)
    yield (
        f"<p>Program size in syntax nodes, median by quarter of the search: {medians or 'none'};"
        f" the largest {max(map(max, sizes), default=0)}, at most {MAX_SIZE} unless the parent was"
        ' larger.</p><p class="note">Gain: by how much a child beat its parent in training, else 0.'
        " Cost: 1 is an average candidate; half of it is counted a candidate, half by the"
        " characters read; the tokens of models come on top. A child of two operators counts for"
        " both. No program is bred twice; duplicates make the personas that an earlier program made"
        " on the first rung, and are not scored.</p>"
    )


def _models(mutation: "Mutation") -> Iterable[str]:
    """What language models were asked, what they wrote, and what it was worth."""
    from evolve.mutation.report import failures, ideas_table, in_short, models_table

    yield f"<h2>Language models</h2><p>{escape(in_short(mutation))}.</p>"
    yield _table(*models_table(mutation))
    yield f"<p>Answers that could not be used: {escape(failures(mutation) or 'none')}.</p>"
    yield _table(*ideas_table(mutation))
    yield (
        '<p class="note">Counted as if every answer had been asked for: those from the cache took'
        " what they took when they were given. What was paid for in this run, with tries that"
        " failed, is in the manifest (llm_spent).</p>"
    )


def _curve(best: Sequence[tuple[int, float]], folded: int) -> str:
    """Best training value so far by candidate, as inline SVG."""
    from matplotlib.figure import Figure

    from fitness.map_figures import plain_settings

    tickets, values = zip(*best, (folded, best[-1][1]), strict=True)
    out = io.StringIO()
    with plain_settings():
        figure = Figure(figsize=(7.5, 3))
        axes = figure.subplots()
        axes.step(tickets, values, where="post", color="#0b5394")
        axes.set_xlabel("candidates")
        axes.set_ylabel("best elite, training")
        axes.spines[["top", "right"]].set_visible(False)
        figure.tight_layout()
        figure.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue()[out.getvalue().index("<svg") :]


def _table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    titles = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in line) + "</tr>" for line in lines
    )
    return f"<table><tr>{titles}</tr>{body}</table>"
