"""Trains the fluency gate's weights (fitness/fluency.json) and reports what they tell apart.

    python benchmarks/train_fluency.py            trains, reports, writes the weights
    python benchmarks/train_fluency.py --report   only reports on the weights there are

Trained on `fluency_prose.txt` (written for this project) and on the training contexts; reported
on `fluency_heldout.txt` and on the validation contexts, which are never trained on. Needs
scikit-learn; one seed, so two runs on one machine write the same bytes.
"""

import argparse
import base64
import json
import random
import sys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from fluency_corruptions import CORRUPTIONS, Placed, Pool, bare, marked, pool_of, written
from fluency_report import report
from fluency_texts import digest, read_lines, training_paragraphs
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from fitness import fluency

SEED = 20
FOLDS = 5
COPIES = 3  # tries at each kind of corruption of a sentence; each succeeds with half its weight
STRENGTH = 0.1  # scikit-learn's C of the junctions' regression; .03 to .3 do equally well
JUNCTION_KINDS = {
    "shuffled": 1.7, "one swap": 2.0, "two swaps": 1.5, "half swapped": 1.0, "one word moved": 1.0,
    "small word missing": 0.7, "content words only": 0.5, "doubled words": 0.3, "cut off": 0.5,
    "two sentences mixed": 0.3, "salad": 0.3, "noun list": 0.3, "same words": 0.1,
}  # fmt: skip
SENTENCE_KINDS = {
    "shuffled": 1.3, "one swap": 1.0, "two swaps": 0.7, "half swapped": 0.7, "cut off": 0.4,
    "content words only": 0.5, "doubled words": 0.3, "two sentences mixed": 0.7, "salad": 0.7,
    "noun list": 0.5, "same words": 0.2,
}  # fmt: skip

Weights = tuple[fluency.Floats, float]


@dataclass(frozen=True)
class Example:
    """The junctions of one sentence: int array [J, F], and which of them are broken, bool [J]."""

    features: Any
    broken: Any


def main() -> None:
    """Trains unless told only to report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--report", action="store_true", help="do not train")
    if not parser.parse_args().report:
        content = trained(training_paragraphs())
        fluency.WEIGHTS.write_text(json.dumps(content, indent=0) + "\n", encoding="utf-8")
        print(f"wrote {fluency.WEIGHTS} ({fluency.WEIGHTS.stat().st_size:,} bytes)")
        fluency.load_model.cache_clear()
    report(sys.stdout)


def trained(paragraphs: list[str]) -> dict[str, Any]:
    """The content of the weights file."""
    lines = read_lines("fluency_words.txt")
    lexicon = fluency.Lexicon(lines)
    folds = _folds(paragraphs)
    print(f"{len(paragraphs)} paragraphs, {sum(map(len, folds))} sentences", flush=True)
    examples = [
        list(_examples(fold, lexicon, JUNCTION_KINDS, index)) for index, fold in enumerate(folds)
    ]
    rows, labels = [], []
    for index, fold in enumerate(folds):
        # Levels of sentences that the junctions' weights have not seen, as when in use.
        weights = _fit_junctions(
            [e for other in range(FOLDS) if other != index for e in examples[other]]
        )
        for example in _examples(fold, lexicon, SENTENCE_KINDS, FOLDS + index):
            rows.append(fluency.summary(_levels(weights, example)))
            labels.append(not example.broken.any())
    last, last_intercept = _fit_sentences(np.array(rows), np.array(labels))
    table, intercept = _fit_junctions([example for fold in examples for example in fold])
    step = float(np.abs(table).max()) / 127
    packed = np.round(table / step).astype(np.int8)
    content = {
        "schema": fluency.SCHEMA,
        "seed": SEED,
        "training": "own prose (benchmarks/fluency_prose.txt) and the contexts in "
        f"conf/contexts/train: {sum(map(len, folds))} sentences and their corruptions",
        "training_sha256": digest(paragraphs),
        "words": lines,
        "step": step,
        "intercept": round(float(intercept), 6),
        "sentence": [round(float(weight), 6) for weight in last],
        "sentence_intercept": round(last_intercept, 6),
        "weights": base64.b64encode(zlib.compress(packed.tobytes(), 9)).decode(),
    }
    return {**content, "checksum": fluency.checksum(content)}


def _folds(paragraphs: Sequence[str]) -> list[list[str]]:
    """The sentences in folds; those of one paragraph stay together, none comes twice."""
    order = list(dict.fromkeys(paragraphs))
    random.Random(SEED).shuffle(order)
    return [
        list(
            dict.fromkeys(s for paragraph in order[at::FOLDS] for s in fluency.sentences(paragraph))
        )
        for at in range(FOLDS)
    ]


def _examples(
    sentences: Sequence[str], lexicon: fluency.Lexicon, kinds: dict[str, float], seed: int
) -> Iterator[Example]:
    """Each sentence, followed by corruptions of it."""
    rng = random.Random(SEED * 1000 + seed)
    pool = pool_of(sentences, lexicon)
    for sentence in sentences:
        tokens = fluency.classify(sentence, lexicon)
        if not tokens:
            continue
        yield Example(fluency.junctions(tokens), np.zeros(len(tokens) + 1, bool))
        for kind, weight in kinds.items():
            for _ in range(COPIES):
                if rng.random() < weight / 2:
                    example = _corrupted(kind, sentence, rng, pool)
                    if example:
                        yield example


def _corrupted(kind: str, sentence: str, rng: random.Random, pool: Pool) -> Example | None:
    words = marked(sentence) if rng.random() < 0.5 else bare(sentence)
    placed = CORRUPTIONS[kind](words, rng, pool)
    tokens = fluency.classify(written(placed), pool.lexicon) if placed else []
    if not placed or not tokens:
        return None
    broken = _broken(placed, len(words), len(tokens), pool.lexicon)
    return Example(fluency.junctions(tokens), broken) if broken.any() else None


def _broken(placed: Placed, length: int, tokens: int, lexicon: fluency.Lexicon) -> Any:
    """Per junction of the tokens: do its two sides come from words that were not neighbours?"""
    places: list[tuple[int, int]] = [(-1, 0)]
    for number, (word, place) in enumerate(placed):
        parts = len(fluency.classify(word + " x", lexicon)) - 1
        places += [(place if place >= 0 else -9, number + 1)] * parts
    places = [*places[: tokens + 1], (length, len(placed) + 1)]
    return np.array(
        [left[1] != right[1] and right[0] != left[0] + 1 for left, right in pairwise(places)]
    )


def _fit_junctions(examples: Sequence[Example]) -> Weights:
    """Whole junctions of honest sentences against broken ones of corrupted sentences.

    The whole junctions of a corrupted sentence are left out: their surroundings are not.
    """
    whole = np.concatenate([e.features for e in examples if not e.broken.any()])
    broken = np.concatenate([e.features[e.broken] for e in examples if e.broken.any()])
    rows = np.concatenate([whole, broken])
    starts = np.arange(0, rows.size + 1, rows.shape[1])
    matrix = csr_matrix((np.ones(rows.size), rows.ravel(), starts), (len(rows), 2**fluency.BITS))
    matrix.sum_duplicates()
    labels = np.arange(len(rows)) < len(whole)
    balance = np.where(labels, len(broken) / len(whole), 1.0)
    model = LogisticRegression(C=STRENGTH, max_iter=200, tol=1e-3)
    model.fit(matrix, labels, sample_weight=balance)
    return model.coef_[0], float(model.intercept_[0])


def _levels(weights: Weights, example: Example) -> list[float]:
    table, intercept = weights
    levels: list[float] = (intercept + table[example.features].sum(axis=1)).tolist()
    return levels


def _fit_sentences(rows: Any, labels: Any) -> Weights:
    centre, scale = rows.mean(axis=0), rows.std(axis=0)
    balance = np.where(labels, (~labels).sum() / labels.sum(), 1.0)
    model = LogisticRegression(C=1.0, max_iter=1000)
    model.fit((rows - centre) / scale, labels, sample_weight=balance)
    weights = model.coef_[0] / scale
    return weights, float(model.intercept_[0] - weights @ centre)


if __name__ == "__main__":
    main()
