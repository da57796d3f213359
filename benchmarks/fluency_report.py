"""Reports what the fluency gate keeps: honest texts by source, corrupted ones by kind."""

import random
from typing import TextIO

import numpy as np
from fluency_corruptions import CORRUPTIONS, Pool, bare, marked, pool_of, written
from sklearn.metrics import roc_auc_score
from train_fluency import contexts, read_lines

from fitness import fluency
from generators.blocks.clauses import clause, first_person

PERSONAS = 100  # of each way to tell the signs
SENTENCES = 9  # a persona


def report(out: TextIO) -> None:
    """Writes a table: a row a kind of corruption, two columns a source of honest text."""
    for name, texts in sources().items():
        honest = [fluency.sentences(text) for text in texts]
        flat = [sentence for sentences in honest for sentence in sentences]
        scores = [fluency.fluency(sentence) for sentence in flat]
        means = [fluency.text_fluency(text)[0] for text in texts]
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


def sources() -> dict[str, list[str]]:
    """Honest texts, none of them trained on."""
    rng = random.Random(7)
    signs, said = [], []
    for context in contexts("validation"):
        for axis in context.axes:
            signs += [*axis.signs.low, *axis.signs.high]
            if axis.hidden:
                said += [*axis.hidden.low, *axis.hidden.high]
    they = [f"They {clause(sign)}." for sign in signs]

    def drawn(lines: list[str], join: str = " ") -> list[str]:
        return [join.join(rng.sample(lines, SENTENCES)) for _ in range(PERSONAS)]

    return {
        "held-out prose": read_lines("fluency_heldout.txt"),
        "validation signs, they": drawn(they),
        "validation signs, I": [first_person(text) for text in drawn(they)],
        "validation signs, a line each": drawn(signs, "\n"),
        "validation statements": drawn(said),
    }


def _spoilt(kind: str, sentences: tuple[str, ...], pool: Pool, seed: int) -> list[str]:
    rng = random.Random(seed)
    found = []
    for sentence in sentences:
        words = marked(sentence) if kind.endswith(("swap", "swaps", "swapped")) else bare(sentence)
        placed = CORRUPTIONS[kind](words, rng, pool)
        if placed and [word for word, _ in placed] != words:
            found.append(written(placed))
    return found
