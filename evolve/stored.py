"""Reads a run back from its directory, without evaluating anything."""

import json
from pathlib import Path
from typing import Any

from evolve.finish import Entry, stored_entries
from evolve.progress import Progress
from evolve.run import Run, open_run
from generators.bundle import read_bundle
from generators.errors import InputError


def stored_results(folder: Path) -> tuple[Run, list[Entry]]:
    """A finished run with its elites and baselines; best elite first."""
    if not (folder / "run.sqlite").is_file():
        raise InputError(f"{folder}: no run here (run.sqlite is missing)")
    run = open_run(folder, Progress(total=0, quiet=True), to_write=False)
    for candidate, verdict in run.store.candidates():
        if candidate.ticket != run.search.state.folded:
            break  # what comes after a gap was in flight when the run was killed
        run.search.fold(candidate, verdict)
    return run, stored_entries(run)


def archive_listing(folder: Path) -> list[dict[str, Any]]:
    """The elites of a run as `gamut archive --json` prints them, best first."""
    index = folder / "archive" / "index.json"
    if not index.is_file():
        raise InputError(f"{folder}: no archive yet; finish the run by `gamut resume {folder}`")
    listing = []
    for entry in json.loads(index.read_text("utf-8")):
        path = folder / "archive" / entry["bundle"]
        cards = read_bundle(path).scorecards
        listing.append(
            {
                "bundle": str(path),
                "niche": entry["niche"],
                "program_hash": entry["program_hash"],
                "metrics": {card["context"]: card["metrics"] for card in cards},
                "baseline": entry["baseline"],
            }
        )
    return listing
