"""Trains the heads of the projection reader (fitness/encoders/heads.onnx, heads.json).

    python benchmarks/train_heads.py              trains, reports, writes the weights
    python benchmarks/train_heads.py --monitor    only the monitoring run and its report

Three small heads on the frozen encoder's token states: how far a sentence is meant, whether it is
well formed, and whether it speaks of the persona. Learns from conf/contexts/train, from
fluency_prose.txt and from degree_phrases.txt. Two runs: one without the held-out frames and
contexts, for the report; one on everything, which is shipped. Needs torch==2.13.0, onnx,
onnxscript and scikit-learn besides Gamut's own packages; about twenty minutes on one core.
One seed, so two runs on one machine give the same weights.
"""

import argparse
import hashlib
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import degree_texts
import heads_texts
import numpy as np
from degree_texts import Example
from fluency_texts import CONTEXTS
from heads_report import report

from fitness.encoders import MiniLM
from fitness.encoders import heads as shipped
from generators.context import Context

SEED = 20


def main() -> None:
    """Monitors, then trains on everything and writes."""
    import heads_model

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--monitor", action="store_true", help="do not write weights")
    parser.add_argument("--contexts", type=Path, nargs="+", default=[CONTEXTS / "train"])
    options = parser.parse_args()
    contexts = heads_texts.training_contexts(options.contexts)
    states, lines = TokenStates(), degree_texts.frames()
    held = heads_texts.held_out(contexts, lines, SEED)
    print(f"{len(contexts)} contexts, held out: {', '.join(sorted(held.contexts))}")
    print(f"{len(lines)} lines of phrases, {len(held.frames)} held out")
    examples = heads_texts.training_set(contexts, lines, held, SEED)
    monitor = heads_model.fit(states.data(examples), SEED)
    figures = report(monitor, states.of, contexts, lines, held)
    if options.monitor:
        return
    examples += heads_texts.rest_of_training_set(contexts, lines, held, SEED + 1)
    final = heads_model.fit(states.data(examples), SEED)
    heads_model.export(final, shipped.WEIGHTS)
    card = model_card(states.encoder, contexts, examples, held, figures)
    shipped.CARD.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    print(f"wrote {shipped.WEIGHTS} ({shipped.WEIGHTS.stat().st_size:,} bytes)")


class TokenStates:
    """The frozen encoder's states in its middle and at its end, each distinct text once."""

    def __init__(self) -> None:
        self.encoder = MiniLM(heads=False)
        self._known: dict[str, Any] = {}

    def of(self, texts: Sequence[str]) -> list[Any]:
        """Float16 [T, 768] a text."""
        began, new = time.monotonic(), 0
        for text in texts:
            if text not in self._known:
                self._known[text] = self._encoded(text)
                new += 1
        if new > 5000:
            print(f"{new} sentences encoded in {time.monotonic() - began:.0f} s", flush=True)
        return [self._known[text] for text in texts]

    def data(self, examples: Sequence[Example]) -> Any:
        """Examples as token states and targets."""
        import heads_model

        targets = [[e.degree, e.well_formed, e.own] for e in examples]
        states = self.of([e.text for e in examples])
        return heads_model.Data(states, np.array(targets, dtype=np.float32))

    def _encoded(self, text: str) -> Any:
        end, middle = self.encoder.both_states(text)
        return np.concatenate([middle, end], axis=-1).astype(np.float16)


def model_card(
    encoder: MiniLM,
    contexts: Sequence[Context],
    examples: Sequence[Example],
    held: heads_texts.Held,
    figures: dict[str, Any],
) -> dict[str, Any]:
    """What heads.json says of the weights."""
    texts = [text for context in contexts for text in heads_texts.hidden_texts(context)]
    return {
        "schema": shipped.SCHEMA,
        "seed": SEED,
        "weights_sha256": hashlib.sha256(shipped.WEIGHTS.read_bytes()).hexdigest(),
        "encoder": encoder.fingerprint,
        "sentences": len(examples),
        "with_degree": sum(e.degree is not None for e in examples),
        "spoilt": sum(e.well_formed < 1 for e in examples),
        "held_out_of_monitoring": {
            "contexts": sorted(held.contexts),
            "phrases_and_frames": len(held.frames),
        },
        "metrics_of_the_monitoring_run": figures,
        "contexts": {context.id: context.hash for context in contexts},
        "texts": sorted({shipped.text_digest(text) for text in texts}),
    }


if __name__ == "__main__":
    main()
