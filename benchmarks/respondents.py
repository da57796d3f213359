"""How well the readers recover known positions, style by style, and whether they err together.

    python benchmarks/respondents.py [--split validation] [--people 200] [--json]
    python benchmarks/respondents.py --split train --gain 1 2 3

Personas are written at Sobol positions in each style of recovery_styles.py, shared out among the
contexts of a split; `by hand` are the paragraphs of recovery_paragraphs.yaml. Printed per style and
reader: rank correlation of meant and read levels and the error (means over contexts and axes), and
for the default respondent leakage (mean |rank correlation| with the levels of the other axes), the
share of levels that are missing, the correlation of the two readers' errors, the share of levels
read in their own third, that of firm ones, and how many of the firm ones are in their own third.
The interval is over contexts and axes. Look at the test split once; log it in docs/test_looks.md.

With --gain: error of each reader on content mixes for each gain, which is how the gains were
chosen, on the training contexts.
"""

import argparse
import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray
from recovery_styles import NAMES, STYLES, paragraph
from scipy import stats
from scipy.stats import qmc

from evolve.config import packaged_contexts
from fitness.embedding import Caches
from fitness.metrics import levels_of
from fitness.respondents import Agreement
from generators.context import Context
from generators.persona import Persona

Array = NDArray[np.float64]
PARAGRAPHS = Path(__file__).with_name("recovery_paragraphs.yaml")
BY_HAND = "by hand"
READERS = ("projection", "nearest", "agreement")


@dataclass(frozen=True)
class Recovered:
    """One style in one context: levels meant [N, K], read by each reader (NaN if missing), and
    which of those of both together are firm."""

    meant: Array
    read: dict[str, Array]
    firm: NDArray[np.bool_]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--split", choices=("train", "validation", "test"), default="validation")
    parser.add_argument("--people", type=int, default=200, help="personas a style")
    parser.add_argument("--style", nargs="*", choices=(*STYLES, BY_HAND))
    parser.add_argument("--gain", type=float, nargs="*")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    contexts = packaged_contexts(options.split)
    caches = Caches()
    respondents = {context.id: Agreement(context, caches) for context in contexts}
    if options.gain:
        compare_gains(options.gain, contexts, respondents)
        return
    table = {}
    for style in options.style or (*STYLES, BY_HAND):
        began = time.perf_counter()
        found = recover(style, contexts, respondents, options.people)
        if found:
            people = sum(len(r.meant) for r in found)
            table[style] = figures(found)
            table[style]["people"] = people
            table[style]["ms"] = (time.perf_counter() - began) / people * 1e3
            if not options.json:
                show(style, table[style], first=len(table) == 1)
    written = [f for style, f in table.items() if style != BY_HAND]
    means = {r: float(np.mean([f[f"rho {r}"] for f in written])) for r in READERS}
    if options.json:
        print(json.dumps({"split": options.split, "styles": table, "mean rho": means}, indent=1))
    else:
        said = ", ".join(f"{reader} {mean:.2f}" for reader, mean in means.items())
        print(f"mean rank correlation of {len(written)} styles: {said}")


def recover(
    style: str, contexts: Sequence[Context], respondents: dict[str, Agreement], people: int
) -> list[Recovered]:
    """The personas of one style, read; contexts without any are left out."""
    found = []
    for number, context in enumerate(contexts):
        if style == BY_HAND:
            entries = [e for e in by_hand() if e["context"] == context.id]
            axes = [axis.id for axis in context.axes]
            meant = np.array([[e["levels"][axis] for axis in axes] for e in entries])
            texts = [e["text"] for e in entries]
        else:
            share = -(-people // len(contexts))
            meant = qmc.Sobol(len(context.axes), rng=number).random(256)[:share]
            rng = np.random.default_rng((number, list(STYLES).index(style)))
            texts = [paragraph(context, levels, style, rng) for levels in meant]
        if texts:
            found.append(read_all(meant, texts, respondents[context.id]))
    return found


def read_all(meant: Array, texts: Sequence[str], respondent: Agreement) -> Recovered:
    """The personas of one style, by each reader and by both together."""
    personas = [
        Persona(id=f"p{i}", name=name_in(text), description=text) for i, text in enumerate(texts)
    ]
    readings = {r.name: r.read(personas) for r in (*respondent.readers, respondent)}
    levels = {name: np.array(found.levels, dtype=np.float64) for name, found in readings.items()}
    return Recovered(meant, levels, np.array(readings[respondent.name].firm))


def name_in(text: str) -> str:
    """The name that a text tells of, as a persona record would have it; else another one."""
    words = re.findall(r"[A-Z][a-z]+", text)
    return next((word for word in words if word in NAMES), "Nobody")


def by_hand() -> list[dict[str, object]]:
    """The hand-written paragraphs."""
    entries: list[dict[str, object]] = yaml.safe_load(PARAGRAPHS.read_text("utf-8"))
    return entries


def figures(found: Sequence[Recovered]) -> dict[str, float]:
    """What a style's line shows."""
    line: dict[str, float] = {}
    for reader in READERS:
        rhos = [rho(r.meant[:, k], r.read[reader][:, k]) for r in found for k in axes_of(r)]
        errors = np.concatenate([np.abs(r.read[reader] - r.meant).ravel() for r in found])
        line[f"rho {reader}"] = float(np.mean(rhos))
        line[f"error {reader}"] = float(np.nanmean(errors))
    both = READERS[-1]
    line["reach"] = float(1.96 * np.std(rhos, ddof=1) / np.sqrt(len(rhos)))
    leaks = [
        abs(rho(r.meant[:, k], r.read[both][:, j]))
        for r in found
        for k in axes_of(r)
        for j in axes_of(r)
        if j != k
    ]
    line["leakage"] = float(np.mean(leaks))
    line["missing"] = float(
        np.mean(np.concatenate([np.isnan(r.read[both]).ravel() for r in found]))
    )
    line["errors together"] = errors_together(found)
    own = np.concatenate([own_third(r.meant, r.read[both]).ravel() for r in found])
    firm = np.concatenate([r.firm.ravel() for r in found])
    line["own third"] = float(own.mean())
    line["firm"] = float(firm.mean())
    line["own third if firm"] = float(own[firm].mean()) if firm.any() else float("nan")
    return line


def own_third(meant: Array, read: Array) -> NDArray[np.bool_]:
    """Which levels are read in the third that they were meant in; what is missing is not."""
    same: NDArray[np.bool_] = levels_of(meant) == levels_of(np.nan_to_num(read, nan=-1.0))
    return same & ~np.isnan(read)


def errors_together(found: Sequence[Recovered]) -> float:
    """Correlation of the two readers' errors over all that both read.

    An error is what is left of the levels read on an axis after a straight line in the levels
    meant: every weak reader draws levels to the middle, which is no error that two share.
    """
    left: list[list[Array]] = [[], []]
    for r in found:
        for k in axes_of(r):
            pair = [r.read[name][:, k] for name in READERS[:2]]
            known = ~np.isnan(pair[0]) & ~np.isnan(pair[1])
            if known.sum() < 3:
                continue
            meant = r.meant[known, k]
            for kept, read in zip(left, pair, strict=True):
                slope, start = np.polyfit(meant, read[known], 1)
                kept.append(read[known] - slope * meant - start)
    one, other = (np.concatenate(kept) for kept in left)
    return float(np.corrcoef(one, other)[0, 1])


def axes_of(recovered: Recovered) -> range:
    return range(recovered.meant.shape[1])


def rho(meant: Array, read: Array) -> float:
    """Spearman's rank correlation over what is read; 0 where that says nothing."""
    known = ~np.isnan(read)
    if known.sum() < 3 or np.ptp(read[known]) == 0:
        return 0.0
    return float(stats.spearmanr(meant[known], read[known]).statistic)


def show(style: str, line: dict[str, float], first: bool) -> None:
    """One line of the table."""
    if first:
        print(
            f"{'':24}{'rank correlation':>34}{'error':>17}\n"
            f"{'style':24}{'proj':>6}{'near':>6}{'both':>6} ±95%  "
            f"{'proj':>12}{'near':>6}{'both':>6}{'leak':>6}{'miss':>6}{'together':>9}"
            f"{'third':>6}{'firm':>6}{'right':>6}{'people':>8}{'ms':>5}"
        )
    rhos = "".join(f"{line[f'rho {reader}']:6.2f}" for reader in READERS)
    errors = "".join(f"{line[f'error {reader}']:6.2f}" for reader in READERS)
    print(
        f"{style:24}{rhos} ±{line['reach']:.2f} {errors:>24}{line['leakage']:6.2f}"
        f"{line['missing']:6.2f}{line['errors together']:9.2f}{line['own third']:6.2f}"
        f"{line['firm']:6.2f}{line['own third if firm']:6.2f}"
        f"{line['people']:8.0f}{line['ms']:5.0f}",
        flush=True,
    )


def compare_gains(
    gains: Sequence[float], contexts: Sequence[Context], respondents: dict[str, Agreement]
) -> None:
    """Error of each reader on content mixes for each gain."""
    for gain in gains:
        for respondent in respondents.values():
            for reader in respondent.readers:
                reader.gain = gain
        line = figures(recover("content_mix", contexts, respondents, 200))
        said = ", ".join(f"{reader} {line[f'error {reader}']:.3f}" for reader in READERS)
        print(
            f"gain {gain:.1f}: error {said}; firm {line['firm']:.3f},"
            f" of which in their own third {line['own third if firm']:.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
