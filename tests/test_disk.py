"""A full disk, a folder that may only be read, a damaged store: one clear message, nothing lost."""

import ctypes
import os
import random
import resource
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from command_line import gamut as here
from small_run import TOTAL, archive_bytes, gamut

from evolve.store import Store

KEPT = 40  # tickets of a run that goes on
_CAP_DAC_OVERRIDE, _PR_CAPBSET_DROP = 1, 24


@pytest.fixture
def halfway(finished: tuple[Path, str], tmp_path: Path) -> Path:
    """The run of `finished` as it was when its last tickets were in flight."""
    folder = tmp_path / "run"
    shutil.copytree(finished[0], folder)
    shutil.rmtree(folder / "archive")
    with closing(sqlite3.connect(folder / "run.sqlite")) as db, db:
        db.execute("DELETE FROM candidates WHERE ticket >= ?", (KEPT,))
    return folder


def everything(folder: Path) -> dict[str, bytes]:
    """All files of a run but those that SQLite lays beside a store that is open."""
    files = (f for f in sorted(folder.rglob("*")) if f.is_file())
    return {
        str(f.relative_to(folder)): f.read_bytes()
        for f in files
        if not f.name.startswith("run.sqlite-")
    }


def told(done: subprocess.CompletedProcess[str]) -> str:
    """The one message of a command that failed."""
    assert done.returncode == 1, done.stderr + done.stdout
    assert "Traceback" not in done.stderr
    assert "this is a bug" not in done.stderr
    (message,) = [line for line in done.stderr.splitlines() if line.startswith("gamut: ")]
    return message


# ---- full


def small_files(folder: Path) -> subprocess.CompletedProcess[str]:
    """No file may grow beyond what the store's log grows to with a ticket or two."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))

    return subprocess.run(
        gamut("resume", folder), capture_output=True, text=True, preexec_fn=limit, timeout=120
    )


def small_disk(folder: Path, spare: int = 70) -> subprocess.CompletedProcess[str]:
    """The run on a disk of its own with so many KB to spare; copied back afterwards."""
    disk = folder.with_name("disk")
    disk.mkdir()
    size = sum(-(-f.stat().st_size // 4096) * 4 for f in folder.rglob("*")) + spare
    script = (
        f"set -e; mount -t tmpfs -o size={size}k none {disk}\n"
        f"cp -r {folder}/. {disk}/; rm -r {folder}; set +e\n"
        f"{' '.join(gamut('resume', disk))}; status=$?\n"
        f"cp -r {disk} {folder}; exit $status"
    )
    return subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", script],
        capture_output=True,
        text=True,
        timeout=120,
    )


def mounts() -> bool:
    """Whether this machine lets us mount a disk of our own."""
    tried = ["unshare", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"]
    return shutil.which("unshare") is not None and subprocess.run(tried).returncode == 0


FULL = [small_disk, small_files] if mounts() else [small_files]


@pytest.mark.parametrize(
    "fill", [FULL[0], *(pytest.param(way, marks=pytest.mark.slow) for way in FULL[1:])]
)
def test_a_full_disk_keeps_what_was_stored_and_the_run_goes_on(
    fill: Callable[[Path], subprocess.CompletedProcess[str]],
    halfway: Path,
    finished: tuple[Path, str],
) -> None:
    message = told(fill(halfway))
    assert "run.sqlite: cannot be written: " in message
    assert "What was stored before is kept" in message
    assert "gamut resume " in message
    store = Store(halfway / "run.sqlite", read_only=True)
    store.check()
    assert KEPT <= store.count() < TOTAL
    store.close()
    here("resume", halfway)
    assert archive_bytes(halfway) == archive_bytes(finished[0])


@pytest.mark.slow
def test_a_disk_that_fills_while_the_archive_is_written(
    halfway: Path, finished: tuple[Path, str]
) -> None:
    if not mounts():
        pytest.skip("this machine lets nobody mount a disk")
    message = told(small_disk(halfway, spare=250))
    assert "No space left on device. What was stored before is kept" in message
    assert not (halfway / "archive").exists()
    here("resume", halfway)
    assert archive_bytes(halfway) == archive_bytes(finished[0])


# ---- read-only


def bound_by_modes() -> None:
    """In a new process: file modes bind root as they bind everybody."""
    if os.geteuid() == 0:
        ctypes.CDLL(None).prctl(_PR_CAPBSET_DROP, _CAP_DAC_OVERRIDE, 0, 0, 0)


def read_only(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        gamut(*words), capture_output=True, text=True, preexec_fn=bound_by_modes, timeout=120
    )


def test_a_run_that_may_only_be_read_is_shown_but_does_not_go_on(
    finished: tuple[Path, str], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(finished[0], folder)
    for left in folder.glob("run.sqlite-*"):
        left.unlink()
    before = everything(folder)
    places = [folder, *folder.rglob("*")]
    try:
        for place in places:
            place.chmod(0o555 if place.is_dir() else 0o444)
        message = told(read_only("resume", folder))
        assert "cannot be written (Permission denied)" in message
        assert "make the folder and what is in it writable" in message
        shown = read_only("archive", folder)
        assert shown.returncode == 0, shown.stderr
        assert "baseline covering_mix" in shown.stdout
    finally:
        for place in places:
            place.chmod(0o755)
    assert everything(folder) == before


def test_a_store_that_may_only_be_read_keeps_a_run_from_going_on(
    halfway: Path, finished: tuple[Path, str]
) -> None:
    before = everything(halfway)
    (halfway / "run.sqlite").chmod(0o444)
    message = told(read_only("resume", halfway))
    assert "run.sqlite: cannot be written" in message
    assert "make the file and its folder writable" in message
    assert everything(halfway) == before


# ---- damaged


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7])
def test_a_damaged_store_is_told_and_nothing_is_changed(share: float, halfway: Path) -> None:
    file = halfway / "run.sqlite"
    with file.open("rb+") as stream:
        stream.seek(int(file.stat().st_size * share) // 4096 * 4096)
        stream.write(random.Random(0).randbytes(4096))
    before = everything(halfway)
    for words in (["resume"], ["archive"], ["report"], ["resume", "--evaluations", "90"]):
        said = here(words[0], halfway, *words[1:], status=1).err
        assert f"gamut: {file}: damaged: " in said
        assert "Nothing was changed. Put a copy of this file back, or begin again" in said
        assert len(said.splitlines()) == 1
        assert everything(halfway) == before
