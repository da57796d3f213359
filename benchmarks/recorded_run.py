"""The recorded run: a small search whose programs a real model wrote, which the tests replay.

    gamut models serve q15.gguf --name qwen1.5
    python benchmarks/recorded_run.py --model qwen1.5

Runs `gamut evolve search=llm` on one context against the server, and writes beside the tests what
it takes to run it again without one: the model's answers, packed, and the checksums of the archive
that came of them. To be done anew whenever prompts, readers or the search change, which
tests/test_recorded_run.py then says. The last bits of a sentence's vector depend on the processor,
and prompts tell what was read: where this machine gives other vectors than the one that recorded,
that test is skipped.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from recordings import pack

from fitness.embedding import Caches
from generators.context import load_context

ROOT = Path(__file__).resolve().parent.parent
CONTEXT = ROOT / "conf" / "contexts" / "train" / "elders_devices.yaml"
ANSWERS = ROOT / "tests" / "gold" / "recorded_run.sqlite.xz"
EXPECTED = ROOT / "tests" / "gold" / "recorded_run.json"
KEPT = (".py", ".yaml", ".json", ".jsonl")  # pictures are drawn otherwise by other versions
_OF_THE_TIME = {"provenance.json"}


def words(folder: Path, answers: Path, model: str) -> list[str]:
    """What the run is begun with, but for where its model is."""
    return [
        "evolve", "search=llm", "llm=local", f"llm.model={model}", f"llm.cache.file={answers}",
        f"contexts={CONTEXT}", f"run_dir={folder}", "respondent=projection", "population=9",
        "budget.evaluations=17", "search.in_flight=2", "search.islands=1", "search.confirm=1",
        "search.report_replicates=2", "llm.concurrency=2", "workers=1", "seed=3",
    ]  # fmt: skip


def checksums(folder: Path) -> dict[str, str]:
    """SHA-256 of what an archive says, by file."""
    files = sorted((folder / "archive").rglob("*"))
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in files
        if file.suffix in KEPT and file.name not in _OF_THE_TIME
    }


def vectors() -> str:
    """SHA-256 of what this machine's encoders make of the signs of the context."""
    caches, found = Caches(), hashlib.sha256()
    axes = load_context(CONTEXT).axes
    signs = [sign for axis in axes for pole in (axis.signs.low, axis.signs.high) for sign in pole]
    for cache in (caches.first, caches.second):
        found.update(cache.embedder.embed(signs).tobytes())
    return found.hexdigest()


def main() -> None:
    text = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=text)
    parser.add_argument("--model", required=True, help="what the server calls the model")
    parser.add_argument("--answers", type=Path, help="file of answers, to go on after a stop")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        answers = given.answers or Path(folder) / "answers.sqlite"
        run = Path(folder) / "run"
        command = [sys.executable, "-m", "evolve.cli", *words(run, answers, given.model)]
        subprocess.run(command, check=True)
        count = pack(answers, ANSWERS)
        expected = {"model": given.model, "vectors": vectors(), "archive": checksums(run)}
        EXPECTED.write_text(json.dumps(expected, indent=1) + "\n", "utf-8")
    print(f"{count} answers, {ANSWERS.stat().st_size:,} bytes: {ANSWERS.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
