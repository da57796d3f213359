"""Reports how the trained heads do on phrases, contexts and prose that they have not seen."""

import random
from collections.abc import Callable, Sequence
from typing import Any

import degree_texts
import heads_texts
import numpy as np
from degree_texts import Example, Frame
from fluency_corruptions import pool_of
from fluency_texts import read_lines
from numpy.typing import NDArray
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from fitness import fluency
from fitness.respondents.sentences import about_i, graded
from generators.context import Context

COUNT = 1500  # composed sentences a cell of the degree report
CUT = 0.5  # where "kept" is counted
SPOILT = (
    "shuffled", "noun list", "salad", "glued", "two swaps", "one swap", "small word missing",
    "small word doubled", "agreement",
)  # fmt: skip
GATES = ("heads", "fluency", "mean", "min", "max")

Array = NDArray[np.float64]
Answer = Callable[[Sequence[str]], Array]


def report(
    model: Any,
    states: Callable[[Sequence[str]], list[Any]],
    contexts: Sequence[Context],
    lines: Sequence[Frame],
    held: heads_texts.Held,
) -> dict[str, Any]:
    """Prints and returns all figures of a model trained without what is held."""
    import heads_model

    def answer(texts: Sequence[str]) -> Array:
        return heads_model.answers(model, states(texts))

    unseen = [c for c in contexts if c.id in held.contexts]
    seen = [c for c in contexts if c.id not in held.contexts]
    new = [line for line in lines if line.text in held.frames or line.kind in ("front", "tail")]
    old = [line for line in lines if line.text not in held.frames]
    figures: dict[str, Any] = {}
    for name, used, part in (
        ("seen frames, seen contexts", old, seen),
        ("seen frames, unseen contexts", old, unseen),
        ("unseen frames, seen contexts", new, seen),
        ("unseen frames, unseen contexts", new, unseen),
    ):
        examples = heads_texts.composed(part, used, COUNT, 5, held=True)
        figures[name] = degree_figures(examples, answer([e.text for e in examples]))
        print(name, figures[name], flush=True)
    figures["sentences by hand"] = probe_figures(answer)
    print("sentences by hand", figures["sentences by hand"], flush=True)
    figures["well-formedness"] = well_formed_figures(unseen, answer)
    return figures


def degree_figures(examples: Sequence[Example], answers: Array) -> dict[str, float]:
    """Spearman and mean absolute error of degree, AUC of own; by kind of phrase too."""
    known = [i for i, e in enumerate(examples) if e.degree is not None and e.source != "plain"]
    meant = np.array([examples[i].degree for i in known], dtype=float)
    read = answers[known, 0]
    figures = {"rho": float(spearmanr(meant, read).statistic), "mae": _mae(meant, read)}
    for name, low, high in (("low", 0.0, 0.29), ("middle", 0.3, 0.69), ("high", 0.7, 1.0)):
        part = (meant >= low) & (meant <= high)
        figures[f"mae_{name}"] = _mae(meant[part], read[part])
    figures |= _beside_words([examples[i].text for i in known], meant, read)
    negative = np.array([bool(degree_texts.NEGATIVE.search(examples[i].source)) for i in known])
    turned = (meant >= 0.7) & negative
    figures["mae_high_with_negative_words"] = _mae(meant[turned], read[turned])
    own = np.array([e.own for e in examples], dtype=float)
    figures["own_auc"] = float(roc_auc_score(own > 0.5, answers[:, 2]))
    figures["own_right"] = float(np.mean((own > 0.5) == (answers[:, 2] > 0.5)))
    return {key: round(value, 3) for key, value in figures.items()}


def probe_figures(answer: Answer) -> dict[str, float]:
    """The same figures of heads_probe.txt: sentences in no listed frame."""
    asked = [line.split(" | ", 1) for line in read_lines("heads_probe.txt")]
    answers = answer([text for _, text in asked])
    degrees = [head.split()[0] for head, _ in asked]
    known = [i for i, degree in enumerate(degrees) if degree != "-"]
    meant, read = np.array([float(degrees[i]) for i in known]), answers[known, 0]
    own = np.array([head.endswith("1") for head, _ in asked])
    figures = {
        "rho": float(spearmanr(meant, read).statistic), "mae": _mae(meant, read),
        **_beside_words([asked[i][1] for i in known], meant, read),
        "own_auc": float(roc_auc_score(own, answers[:, 2])),
        "own_right": float(np.mean(own == (answers[:, 2] > 0.5))),
        "natural_kept": _kept(answers[:, 1], CUT),
    }  # fmt: skip
    return {key: round(value, 3) for key, value in figures.items()}


def _beside_words(texts: Sequence[str], meant: Array, read: Array) -> dict[str, float]:
    """The listed degree words alone, and these where one is found and the head elsewhere."""
    found = [graded(about_i(text)).degree for text in texts]
    listed = np.array([degree is not None for degree in found])
    words = np.array([1.0 if degree is None else degree for degree in found])
    both = np.where(listed, words, read)
    return {
        "rho_words": float(spearmanr(meant, words).statistic),
        "mae_words": _mae(meant, words),
        "rho_where_no_words": float(spearmanr(meant[~listed], read[~listed]).statistic),
        "mae_where_no_words": _mae(meant[~listed], read[~listed]),
        "mae_of_1_where_no_words": _mae(meant[~listed], words[~listed]),
        "rho_words_else_head": float(spearmanr(meant, both).statistic),
        "mae_words_else_head": _mae(meant, both),
    }


def worst(examples: Sequence[Example], answers: Array, count: int = 30) -> None:
    """Prints the phrases whose degree is read worst."""
    errors: dict[str, list[float]] = {}
    for example, read in zip(examples, answers[:, 0], strict=True):
        if example.degree is not None:
            errors.setdefault(example.source, []).append(read - example.degree)
    ordered = sorted(errors.items(), key=lambda item: -abs(np.mean(item[1])))
    for source, found in ordered[:count]:
        print(f"  {np.mean(found):+.2f} ({len(found)}) {source}")


def well_formed_figures(contexts: Sequence[Context], answer: Answer) -> dict[str, Any]:
    """AUC and shares kept of natural and spoilt sentences, by gate."""
    rng = random.Random(9)
    natural = {
        "held-out prose": [e.text for e in heads_texts.prose("fluency_heldout.txt")],
        "unseen contexts": [e.text for e in heads_texts.of_contexts(contexts, rng)],
    }
    figures: dict[str, Any] = {}
    for name, texts in natural.items():
        pool = pool_of(texts, heads_texts.lexicon())
        sets = {"natural": texts}
        for kind in SPOILT:
            made = [heads_texts.spoilt(text, kind, rng, pool) for text in texts]
            sets[kind] = [e.text for e in made if e]
        scores = {kind: _gates(some, answer) for kind, some in sets.items()}
        figures[name] = {gate: _separated(scores, gate) for gate in GATES}
        for gate in GATES:
            print(name, gate, figures[name][gate], flush=True)
    return figures


def _gates(texts: Sequence[str], answer: Answer) -> dict[str, Array]:
    ours = answer(texts)[:, 1]
    theirs = np.array([fluency.fluency(text) for text in texts])
    return {
        "heads": ours, "fluency": theirs, "mean": (ours + theirs) / 2,
        "min": np.minimum(ours, theirs), "max": np.maximum(ours, theirs),
    }  # fmt: skip


def _separated(scores: dict[str, dict[str, Array]], gate: str) -> dict[str, list[float]]:
    """Per kind: AUC against natural, share kept at CUT, and at the cut that keeps 95 % of natural
    sentences."""
    natural = scores["natural"][gate]
    fair = float(np.quantile(natural, 0.05))
    figures = {"natural": [1.0, _kept(natural, CUT), 0.95]}
    for kind in SPOILT:
        read = scores[kind][gate]
        labels = np.r_[np.ones(len(natural)), np.zeros(len(read))]
        auc = float(roc_auc_score(labels, np.r_[natural, read]))
        figures[kind] = [round(auc, 3), _kept(read, CUT), _kept(read, fair)]
    return figures


def _kept(values: Array, cut: float) -> float:
    return round(float(np.mean(values >= cut)), 3)


def _mae(meant: Array, read: Array) -> float:
    return float(np.mean(np.abs(meant - read))) if len(meant) else float("nan")
