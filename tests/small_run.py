"""A small search as real processes: its words, how to run it, and what it leaves."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OWN = ROOT / "conf" / "contexts" / "train" / "elders_devices.yaml"
TOTAL = 45  # evaluations
SMALL = [
    f"contexts={OWN}",
    f"budget.evaluations={TOTAL}",
    "population=9",
    "search.random_programs=8",
    "search.in_flight=6",
    "search.report_replicates=2",
]
Bytes = dict[str, bytes]


def gamut(*words: str | Path) -> list[str]:
    """A command line of its own process."""
    return [sys.executable, "-m", "evolve.cli", *map(str, words)]


def run(*words: str | Path, status: int = 0) -> subprocess.CompletedProcess[str]:
    """Run a command; its exit status must be that."""
    done = subprocess.run(gamut(*words), capture_output=True, text=True, timeout=300)
    assert done.returncode == status, done.stderr + done.stdout
    return done


def archive_bytes(folder: Path) -> Bytes:
    """Everything in an archive but what may name time and place of the run."""
    skipped = {"provenance.json", "SHA256SUMS"}
    files = (p for p in sorted((folder / "archive").rglob("*")) if p.is_file())
    return {str(p.relative_to(folder)): p.read_bytes() for p in files if p.name not in skipped}
