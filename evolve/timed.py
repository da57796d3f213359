"""Evaluations with the time they took, measured where they run: waiting in a queue costs nobody."""

import time
from datetime import UTC, datetime
from typing import Any

from evolve.evaluate import evaluate_in_worker
from evolve.store import Times


def utc() -> str:
    """Now, in ISO 8601 to the millisecond, as the store keeps moments."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def timed_evaluation(store: str, source: str, *how: Any) -> tuple[dict[str, Any], Times]:
    """`evaluate_in_worker` with its times; a worker's first one loads the models, too."""
    started, began = utc(), time.monotonic()
    verdict = evaluate_in_worker(store, source, *how)
    return verdict, Times(started, time.monotonic() - began)
