"""Reports what the fluency gate keeps: honest texts by source, corrupted ones by kind."""

import json
import random
from typing import TextIO

import numpy as np
from fluency_corruptions import CORRUPTIONS, Pool, bare, marked, pool_of, written
from fluency_texts import digest, held_out, training_paragraphs
from sklearn.metrics import roc_auc_score

from fitness import fluency


def report(out: TextIO) -> None:
    """Writes, for each source of honest text, what is kept of it and of its corruptions."""
    content = json.loads(fluency.WEIGHTS.read_text(encoding="utf-8"))
    if content["training_sha256"] != digest(training_paragraphs()):
        out.write("note: the weights were trained on other texts than there are now\n")
    for name, texts in held_out().items():
        honest = [fluency.sentences(text) for text in texts]
        flat = [sentence for sentences in honest for sentence in sentences]
        scores = [fluency.fluency(sentence) for sentence in flat]
        means = [fluency.text_fluency(text).mean for text in texts]
        kept = np.mean([fluency.is_fluent(text) for text in texts])
        out.write(f"\n{name}: {len(texts)} texts, kept {kept:.3f}, ")
        out.write(
            f"mean {np.mean(means):.2f}, lowest {' '.join(f'{m:.2f}' for m in sorted(means)[:4])}\n"
        )
        pool = pool_of(flat, fluency.load_model().lexicon)
        for kind in CORRUPTIONS:
            spoilt = [
                _spoilt(kind, sentences, pool, index) for index, sentences in enumerate(honest)
            ]
            spoilt = [sentences for sentences in spoilt if sentences]
            lower = [fluency.fluency(sentence) for sentences in spoilt for sentence in sentences]
            labels = [1] * len(scores) + [0] * len(lower)
            area = roc_auc_score(labels, scores + lower)
            passing = np.mean([fluency.is_fluent(" ".join(sentences)) for sentences in spoilt])
            out.write(f"  {kind:20} AUC {area:.3f}   texts kept {passing:.3f}\n")


def _spoilt(kind: str, sentences: tuple[str, ...], pool: Pool, seed: int) -> list[str]:
    rng = random.Random(seed)
    found = []
    for sentence in sentences:
        words = marked(sentence) if kind.endswith(("swap", "swaps", "swapped")) else bare(sentence)
        placed = CORRUPTIONS[kind](words, rng, pool)
        if placed and [word for word, _ in placed] != words:
            found.append(written(placed))
    return found
