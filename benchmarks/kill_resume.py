"""Kills a search at random moments, resumes it, and compares what it ends with.

    python benchmarks/kill_resume.py [--kills 20] [--seed 0] [--workers 2] [KEY=VALUE …]

One search runs undisturbed. Others with the same words are killed by SIGKILL while the run
directory is being made, while candidates are evaluated, and while the archive is validated and
written; each is resumed until it ends. Prints every kill with what was stored then, whether a
process stayed behind, and how the archives compare. The exit status is 1 where anything differs.

`--undisturbed RUN` compares with a finished run of the same words instead of making one.
"""

import argparse
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

WORDS = [
    f"contexts={Path(__file__).resolve().parent.parent}/conf/contexts/train/elders_devices.yaml",
    "budget.evaluations=45",
    "population=9",
    "search.random_programs=8",
    "search.in_flight=6",
    "search.report_replicates=2",
]
GAMUT = [sys.executable, "-m", "evolve.cli"]
MADE_ANEW = {"provenance.json", "SHA256SUMS"}  # of a bundle: they name time and place
A_RUN = 5  # kills of one run
PATIENCE = 30.0  # seconds that the processes of a killed run may take to end


@dataclass(frozen=True)
class Moment:
    """When to kill: so many seconds after something has come to pass in a run directory.

    `watch` is called when a process starts and gives what tells whether that has come to pass.
    """

    what: str
    watch: Callable[[Path], Callable[[], bool]]
    delay: float


def stored(folder: Path, query: str) -> int:
    """A number from a run's store as it is now; 0 where there is none yet."""
    file = folder / "run.sqlite"
    if not file.is_file():
        return 0
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as db:
            return int(db.execute(query).fetchone()[0])
    except sqlite3.Error:  # it is being made, or closed
        return 0


def tickets(folder: Path) -> int:
    return stored(folder, "SELECT COUNT(*) FROM candidates")


def reports(folder: Path) -> int:
    return stored(folder, "SELECT COUNT(*) FROM meta WHERE key LIKE 'report:%'")


def reaching(count: Callable[[Path], int], least: int) -> Callable[[Path], Callable[[], bool]]:
    """Watches a run until a count of it has grown, and to `least` at least."""

    def watch(folder: Path) -> Callable[[], bool]:
        enough = max(least, count(folder) + 1)
        return lambda: count(folder) >= enough

    return watch


def being_made(draw: random.Random) -> Moment:
    """Before the run directory is complete; some before there is one."""
    name = draw.choice(["", "config.yaml", "run.sqlite", "manifest.json"])
    if not name:
        return Moment("just started", lambda _: lambda: True, draw.uniform(0.0, 3.0))
    return Moment(f"{name} is there", lambda folder: (folder / name).exists, draw.uniform(0.0, 1.0))


def searching(draw: random.Random, total: int) -> Moment:
    """While candidates are evaluated."""
    least = draw.randrange(1, max(2, total - 10))
    watch = reaching(tickets, least)
    return Moment(f"{least} tickets or more are stored", watch, draw.uniform(0.0, 0.3))


def validating(draw: random.Random) -> Moment:
    """While elites and baselines are scored on the report contexts."""
    number = draw.randrange(1, 8)
    return Moment(f"{number} validated", reaching(reports, number), draw.uniform(0.0, 0.3))


def writing(draw: random.Random) -> Moment:
    """While bundles are written beside the old archive."""
    number = draw.randrange(1, 5)

    def watch(folder: Path) -> Callable[[], bool]:
        before = {file.stat().st_ino for file in folder.glob("archive.part")}

        def passed() -> bool:
            now = {file.stat().st_ino for file in folder.glob("archive.part")}
            return now != before and len(list(folder.glob("archive.part/*"))) > number

        return passed

    return Moment(f"{number} bundles are written", watch, draw.uniform(0.0, 0.3))


def written(draw: random.Random) -> Moment:
    """When the new archive has just taken its place; the report is not written then."""

    def watch(folder: Path) -> Callable[[], bool]:
        before = [file.stat().st_ino for file in folder.glob("archive")]
        return lambda: [file.stat().st_ino for file in folder.glob("archive")] not in (before, [])

    return Moment("the archive is there", watch, draw.uniform(0.0, 0.1))


def moments(kills: int, total: int, draw: random.Random) -> Iterator[list[Moment]]:
    """The kills of each run, in the order in which a run comes to them."""
    late = [validating, writing, written]
    for first in range(0, kills, A_RUN):
        count = min(A_RUN, kills - first)
        most = (count + 1) // 3  # of what takes longest
        chosen = sorted(draw.sample(range(len(late)), most))
        yield [
            *(being_made(draw) for _ in range(count - 2 * most)),
            *(searching(draw, total) for _ in range(most)),
            *(late[kind](draw) for kind in chosen),
        ]


def descendants(pid: int) -> dict[int, str]:
    """The processes below one, itself with them: number and moment of start."""
    parents: dict[int, list[int]] = {}
    started: dict[int, str] = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = file.read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        number = int(file.parent.name)
        parents.setdefault(int(fields[1]), []).append(number)
        started[number] = fields[19]
    found, waiting = {}, [pid]
    while waiting:
        number = waiting.pop()
        found[number] = started.get(number, "")
        waiting += parents.get(number, [])
    return found


def alive(processes: dict[int, str]) -> list[int]:
    """Which of these processes are still there, and not only as an entry that nobody reads."""
    found = []
    for number, began in processes.items():
        try:
            fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[19] == began and fields[0] != "Z":
            found.append(number)
    return found


def kill_at(moment: Moment, words: list[str], folder: Path) -> str:
    """Start a command, kill it at a moment; what was stored then, or how it ended before."""
    began = time.monotonic()
    with open(os.devnull, "w") as nowhere:
        process = subprocess.Popen(words, stdout=nowhere, stderr=nowhere)
        passed, due = moment.watch(folder), None
        while process.poll() is None and (due is None or time.monotonic() < due):
            if due is None and passed():
                due = time.monotonic() + moment.delay
            time.sleep(0.02)
        family = descendants(process.pid)
        if process.poll() is not None:
            return f"it had ended, with status {process.returncode}"
        process.kill()
        process.wait()
    killed = time.monotonic()
    while alive(family) and time.monotonic() < killed + PATIENCE:
        time.sleep(0.05)
    left = alive(family)
    gone = f"ORPHANS: {left}" if left else f"all gone {time.monotonic() - killed:.1f} s later"
    return (
        f"killed after {killed - began:4.1f} s, {moment.what}: {tickets(folder)} tickets and"
        f" {reports(folder)} validations stored; {len(family)} process(es), {gone}"
    )


def content(folder: Path) -> dict[str, bytes]:
    """All files of an archive but those that name time and place."""
    archive = folder / "archive"
    files = (file for file in sorted(archive.rglob("*")) if file.is_file())
    return {
        str(file.relative_to(archive)): file.read_bytes()
        for file in files
        if file.name not in MADE_ANEW
    }


def compared(folder: Path, undisturbed: Path) -> tuple[bool, str]:
    """Whether two runs ended alike, and how many files of their archives are the same."""
    mine, other = content(folder), content(undisturbed)
    same = [name for name in other if mine.get(name) == other[name]]
    differing = sorted((mine.keys() | other.keys()) - set(same))
    names = [{file.name for file in run.iterdir()} for run in (folder, undisturbed)]
    litter = sorted((names[0] ^ names[1]) - {"run.sqlite-wal", "run.sqlite-shm"})  # of our looks
    said = f"{len(same)} files the same, {len(differing)} different"
    if differing:
        said += f" ({', '.join(differing[:5])} …)"
    if litter:
        said += f"; the run directories differ in {', '.join(litter)}"
    return bool(same) and not differing and not litter, said


def command(folder: Path, begin: list[str]) -> tuple[str, list[str]]:
    """What a user types now: the search again, or `gamut resume` once there is a run."""
    if (folder / "config.yaml").exists():
        return "resumed", [*GAMUT, "resume", str(folder)]
    return "begun  ", [*begin, f"run_dir={folder}"]


def killed_and_resumed(folder: Path, begin: list[str], planned: list[Moment], other: Path) -> bool:
    """Kill one run at each moment, resume it to its end; whether all was well."""
    well = True
    for moment in planned:
        how, words = command(folder, begin)
        said = kill_at(moment, words, folder)
        well = well and said.startswith("killed") and "ORPHANS" not in said
        print(f"  {how}  {said}", flush=True)
    how, words = command(folder, begin)
    done = subprocess.run(words, capture_output=True, text=True)
    alike, said = compared(folder, other)
    print(f"  {how}  ended with status {done.returncode}: {tickets(folder)} tickets; {said}")
    print(done.stderr if done.returncode else "", end="", flush=True)
    return well and alike and done.returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--undisturbed", type=Path)
    parser.add_argument("words", nargs="*", help="of `gamut evolve`, instead of the built-in ones")
    given = parser.parse_args()
    place = Path(tempfile.mkdtemp(prefix="gamut-kills-"))
    undisturbed = given.undisturbed or place / "undisturbed"
    begin = [*GAMUT, "evolve", *(given.words or WORDS), f"workers={given.workers}"]
    if given.undisturbed is None:
        print("undisturbed run", flush=True)
        subprocess.run([*begin, f"run_dir={undisturbed}"], check=True, capture_output=True)
    draw, well = random.Random(given.seed), True
    for number, planned in enumerate(moments(given.kills, tickets(undisturbed), draw), 1):
        print(f"run {number}", flush=True)
        well = killed_and_resumed(place / f"run{number}", begin, planned, undisturbed) and well
    print("all archives are those of the undisturbed run" if well else "SOMETHING DIFFERS")
    shutil.rmtree(place)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
