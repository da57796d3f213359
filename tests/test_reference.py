"""The reference populations that ship with Gamut are those that the present code makes."""

from pathlib import Path

import numpy as np
import pytest

from evolve.config import packaged_contexts
from fitness.embedding import Caches
from fitness.reference import kept_rows, make_reference
from fitness.respondents import Agreement
from generators.context import Context
from generators.sandbox import Sandbox

SPLITS = ("train", "validation", "test")
CONTEXTS = [context for split in SPLITS for context in packaged_contexts(split)]


@pytest.mark.parametrize("context", CONTEXTS, ids=lambda c: c.id)
def test_every_shipped_context_has_its_reference(context: Context, caches: Caches) -> None:
    rows = kept_rows(context, Agreement(context, caches))
    assert rows is not None, "run benchmarks/references.py"
    assert len(rows) == 1_000


def test_a_shipped_reference_can_be_made_again(caches: Caches) -> None:
    """On another kind of processor to within .027 at most and .001 on the mean, as far as seen."""
    context = next(c for c in CONTEXTS if c.id == "companion_daily")
    reader = Agreement(context, caches)
    with Sandbox() as sandbox:
        made = np.array(make_reference(context, reader, sandbox), dtype=float)
    kept = np.array(kept_rows(context, reader), dtype=float)
    assert (np.isnan(made) == np.isnan(kept)).mean() > 0.999
    assert np.nanmax(np.abs(made - kept)) < 0.05
    assert np.nanmean(np.abs(made - kept)) < 0.003


def test_the_splits_share_no_sentence() -> None:
    seen: dict[str, str] = {}
    for split in SPLITS:
        for context in packaged_contexts(split):
            for axis in context.axes:
                assert axis.hidden is not None
                items = [item.text for item in axis.hidden.items]
                poles = (axis.signs.low, axis.signs.high, axis.hidden.low, axis.hidden.high, items)
                for sentence in (s for pole in poles for s in pole):
                    assert seen.setdefault(sentence, context.id) == context.id, sentence


def test_the_forty_contexts_are_as_planned() -> None:
    folder = Path(__file__).parent.parent / "conf" / "contexts"
    counts = {split: len(list((folder / split).glob("*.yaml"))) for split in SPLITS}
    assert counts == {"train": 24, "validation": 8, "test": 8}
    sizes = [len(context.axes) for context in CONTEXTS]
    assert sum(size >= 5 for size in sizes) >= 6
    assert max(sizes) == 10
