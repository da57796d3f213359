"""Trains the polarity maps of the two offline readers (fitness/respondents/polarity.npz, .json).

    python benchmarks/train_polarity.py              cross-validates, trains on everything, writes
    python benchmarks/train_polarity.py --validate   only the cross-validation

A map is one matrix on an encoder's frozen vectors, near the identity, that draws sentences of one
pole of an axis together and away from the other pole's: learnt from many axes so that it holds on
axes not seen (metric learning on episodes, after Snell, Swersky & Zemel 2017, prototypical
networks). Learns from conf/contexts/train and from axis_bank, axes written for this alone; an
episode parts the sentences of an axis into statements that are given and sentences to be placed.
Cross-validation holds out whole contexts; the map of each fold ships too, and is what the readers
use on the contexts that it was learnt without. Needs torch==2.13.0 besides Gamut's own packages.
"""

import argparse
import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evolve.config import packaged_contexts
from fitness.embedding import Caches, SentenceCache
from fitness.encoders.heads import text_digest
from fitness.respondents import polarity as shipped
from fitness.respondents.sentence_reader import pole_contents
from fitness.respondents.sentences import about_i, graded
from generators.blocks.clauses import of_oneself

BANK = Path(__file__).with_name("axis_bank")
SEED = 7
GIVEN = 13  # sentences a pole that are given in an episode: as many as a context's axis has
RATE, DECAY, DROPOUT, BATCH = 1e-3, 3e-3, 0.3, 4
EPOCHS = 6
FOLDS = 4

Array = NDArray[np.float64]


@dataclass(frozen=True)
class TrainingAxis:
    """An axis to learn from: contents of its poles that are given and that are to be placed.

    In a context, hidden statements are given and signs are placed, as in use; the two are mixed in
    training episodes. An axis of the bank has no such parts.
    """

    group: str
    low: tuple[str, ...]
    high: tuple[str, ...]
    signs: tuple[tuple[str, ...], tuple[str, ...]] | None


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--validate", action="store_true", help="write nothing")
    parser.add_argument("--bank", type=float, default=1.0, help="share of the bank to use")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    options = parser.parse_args()
    contexts, bank = context_axes("train"), bank_axes()
    bank = bank[:: round(1 / options.bank)] if options.bank else []
    print(f"{len(contexts)} axes of contexts, {len(bank)} of the bank")
    caches = Caches()
    maps, figures = {}, {}
    for name, cache in (("projection", caches.first), ("nearest", caches.second)):
        learner = Learner(cache)
        figures[name], folds = cross_validate(learner, contexts, bank, options.epochs)
        maps |= {f"{name}-{fold}": matrix for fold, matrix in enumerate(folds)}
        print(f"{name}: {figures[name]}", flush=True)
        if not options.validate:
            maps[name] = learner.fit([*contexts, *bank], options.epochs)
    if not options.validate:
        write(maps, figures, caches, contexts, bank)


def fold_of(contexts: Sequence[TrainingAxis]) -> dict[str, int]:
    """The fold that each context is held out in."""
    names = np.random.default_rng(SEED).permutation(sorted({axis.group for axis in contexts}))
    return {str(name): number % FOLDS for number, name in enumerate(names)}


def context_axes(split: str) -> list[TrainingAxis]:
    """The axes of the contexts of a split."""
    found = []
    for context in packaged_contexts(split):
        for axis in context.axes:
            assert axis.hidden is not None
            low, high = pole_contents(axis.hidden)
            signs = [
                tuple(about_i(of_oneself(sign)) for sign in pole)
                for pole in (axis.signs.low, axis.signs.high)
            ]
            found.append(TrainingAxis(context.id, tuple(low), tuple(high), (signs[0], signs[1])))
    return found


def bank_axes() -> list[TrainingAxis]:
    """The axes of the bank, a file a group; lines are `@ axis`, `- low`, `+ high`."""
    found = []
    for file in sorted(BANK.glob("*.txt")):
        poles: dict[str, tuple[list[str], list[str]]] = {}
        axis = ""
        for line in file.read_text("utf-8").splitlines():
            if line.startswith("@ "):
                axis = line.split("|")[0][2:].strip()
                poles[axis] = ([], [])
            elif line[:2] in ("- ", "+ "):
                told = graded(about_i(line[2:].strip()))
                denied = told.degree is not None and told.degree < 0.5
                poles[axis][(line[0] == "+") ^ denied].append(told.text)
        found += [TrainingAxis(file.stem, tuple(a), tuple(b), None) for a, b in poles.values()]
    return found


class Learner:
    """Learns a map on the vectors of one encoder, less their centre."""

    def __init__(self, cache: SentenceCache) -> None:
        self._cache = cache
        self._centre = shipped.centre(cache)
        self.width = cache.embedder.width

    def placed(self, sentences: Sequence[str]) -> Any:
        """Unit vectors about the centre, [M, d]."""
        import torch

        return torch.tensor(shipped.centred(self._cache.vectors(sentences), self._centre)).float()

    def fit(self, axes: Sequence[TrainingAxis], epochs: int) -> Array:
        """The map [d, d] learnt from some axes."""
        import torch
        from torch.nn.functional import binary_cross_entropy_with_logits

        torch.manual_seed(SEED)
        torch.set_num_threads(1)
        told = [self._both(axis) for axis in axes]
        start = torch.eye(self.width)
        mapped = start.clone().requires_grad_(True)
        scale = torch.tensor(8.0, requires_grad=True)
        optimiser = torch.optim.Adam(
            [{"params": [mapped], "lr": RATE}, {"params": [scale], "lr": 0.05}]
        )
        draws = np.random.default_rng(SEED)
        order = np.concatenate([draws.permutation(len(told)) for _ in range(epochs)])
        batches = [order[at : at + BATCH] for at in range(0, len(order), BATCH)]
        fading = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.0, len(batches))
        for batch in batches:
            loss = DECAY * ((mapped - start) ** 2).sum()
            for at in batch:
                logit, side = episode(mapped, told[at])
                loss = loss + binary_cross_entropy_with_logits(scale * logit, side) / BATCH
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            fading.step()
        found: Array = mapped.detach().numpy().astype(np.float64)
        return found

    def accuracy(self, mapped: Array, axis: TrainingAxis) -> float:
        """Share of an axis' signs read on their own side, from its hidden statements."""
        import torch

        assert axis.signs is not None
        matrix = torch.tensor(mapped).float()
        low, high = self.placed(axis.low), self.placed(axis.high)
        middle = (
            contrast(matrix, low, high, low).mean() + contrast(matrix, low, high, high).mean()
        ) / 2
        sides = [
            (contrast(matrix, low, high, self.placed(pole)) - middle > 0) == (number == 1)
            for number, pole in enumerate(axis.signs)
        ]
        return float(torch.cat(sides).float().mean())

    def _both(self, axis: TrainingAxis) -> tuple[Any, Any]:
        extra = axis.signs or ((), ())
        return self.placed((*axis.low, *extra[0])), self.placed((*axis.high, *extra[1]))


def episode(mapped: Any, poles: tuple[Any, Any]) -> tuple[Any, Any]:
    """Some sentences of an axis given, the rest placed: their contrasts and their sides, [M]."""
    import torch

    parts = [pole[torch.randperm(len(pole))] for pole in poles]
    given = [min(GIVEN, len(pole) * 2 // 3) for pole in parts]
    low, high = (dropped(pole[:g]) for pole, g in zip(parts, given, strict=True))
    asked = [dropped(pole[g:]) for pole, g in zip(parts, given, strict=True)]
    side = torch.cat([torch.zeros(len(asked[0])), torch.ones(len(asked[1]))])
    return contrast(mapped, low, high, torch.cat(asked)), side


def dropped(vectors: Any) -> Any:
    """Vectors with some of their numbers left out, so that no few of them decide."""
    import torch

    return torch.nn.functional.dropout(vectors, DROPOUT)


def contrast(mapped: Any, low: Any, high: Any, asked: Any) -> Any:
    """Mean cosine with the high statements less that with the low ones, under a map, [M]."""
    from torch.nn.functional import normalize

    told_low, told_high, told = (normalize(v @ mapped.T, dim=1) for v in (low, high, asked))
    return (told @ told_high.T).mean(dim=1) - (told @ told_low.T).mean(dim=1)


def cross_validate(
    learner: Learner, contexts: Sequence[TrainingAxis], bank: Sequence[TrainingAxis], epochs: int
) -> tuple[dict[str, float], list[Array]]:
    """Accuracy of signs on contexts held out, with the map and without one; the map a fold."""
    held = fold_of(contexts)
    plain = np.eye(learner.width)
    scores: list[tuple[float, float]] = []
    maps = []
    for fold in range(FOLDS):
        rest = [axis for axis in contexts if held[axis.group] != fold]
        mapped = learner.fit([*rest, *bank], epochs)
        maps.append(mapped)
        scores += [
            (learner.accuracy(plain, axis), learner.accuracy(mapped, axis))
            for axis in contexts
            if held[axis.group] == fold
        ]
    before, after = np.mean(scores, axis=0)
    error = np.std([b - a for a, b in scores], ddof=1) / np.sqrt(len(scores))
    figures = {
        "axes held out": len(scores),
        "without a map": round(float(before), 4),
        "with the map": round(float(after), 4),
        "standard error of the gain": round(float(error), 4),
    }
    return figures, maps


def folds_by_text(
    contexts: Sequence[TrainingAxis], bank: Sequence[TrainingAxis]
) -> dict[str, int | None]:
    """For each text learnt from, by digest, the fold without it; None where there is none."""
    held = fold_of(contexts)
    found: dict[str, set[int | None]] = {}
    for axis in (*contexts, *bank):
        for text in (*axis.low, *axis.high):
            found.setdefault(text_digest(text), set()).add(held.get(axis.group))
    return {text: folds.pop() if len(folds) == 1 else None for text, folds in sorted(found.items())}


def write(
    maps: dict[str, Array],
    figures: dict[str, Any],
    caches: Caches,
    contexts: Sequence[TrainingAxis],
    bank: Sequence[TrainingAxis],
) -> None:
    """The weights and their card."""
    np.savez_compressed(
        shipped.WEIGHTS, **{name: matrix.astype(np.float16) for name, matrix in maps.items()}
    )
    card = {
        "schema": shipped.SCHEMA,
        "seed": SEED,
        "weights_sha256": hashlib.sha256(shipped.WEIGHTS.read_bytes()).hexdigest(),
        "encoders": {
            "projection": caches.first.embedder.fingerprint.partition("/")[0],
            "nearest": caches.second.embedder.fingerprint,
        },
        "made": time.strftime("%Y-%m-%d"),
        "axes": {"contexts": len(contexts), "bank": len(bank)},
        "cross_validation": figures,
        "texts": folds_by_text(contexts, bank),
    }
    shipped.CARD.write_text(json.dumps(card, indent=1) + "\n", "utf-8")
    print(f"wrote {shipped.WEIGHTS.name} ({shipped.WEIGHTS.stat().st_size:,} bytes)")


if __name__ == "__main__":
    main()
