"""A run from the command line: made, killed, resumed, read back; real processes throughout."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import fitness
import generators
from evolve.evaluate import SCORED
from evolve.progress import Progress
from evolve.run import open_run
from evolve.store import Store

ROOT = Path(__file__).resolve().parent.parent
CONTEXTS = ROOT / "conf" / "contexts"
OWN = CONTEXTS / "train" / "elders_devices.yaml"
SMALL = [
    f"contexts={OWN}",
    "budget.evaluations=45",
    "population=9",
    "search.random_programs=8",
    "search.in_flight=6",
    "search.report_replicates=2",
]
Bytes = dict[str, bytes]


def gamut(*words: str | Path) -> list[str]:
    return [sys.executable, "-m", "evolve.cli", *map(str, words)]


def run(*words: str | Path, status: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(gamut(*words), capture_output=True, text=True, timeout=300)
    assert done.returncode == status, done.stderr + done.stdout
    return done


def archive_bytes(folder: Path) -> Bytes:
    """Everything in an archive but what may name time and place of the run."""
    skipped = {"provenance.json", "SHA256SUMS"}
    files = (p for p in sorted((folder / "archive").rglob("*")) if p.is_file())
    return {str(p.relative_to(folder)): p.read_bytes() for p in files if p.name not in skipped}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A small run that nobody disturbed, and what it printed."""
    folder = tmp_path_factory.mktemp("runs") / "undisturbed"
    done = run("evolve", *SMALL, f"run_dir={folder}", "workers=1")
    return folder, done.stdout


def test_ends_with_a_table_of_elites_beside_every_baseline(finished: tuple[Path, str]) -> None:
    folder, printed = finished
    for name in ("covering_mix", "uniform_graded", "census_marginals", "name_only", "corners"):
        assert f"baseline {name}" in printed
    assert "best in training" in printed or "nothing better than" in printed
    assert str(folder / "report.html") in printed
    assert {"config.yaml", "manifest.json", "run.sqlite", "report.html", "archive"} <= {
        p.name for p in folder.iterdir()
    }
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["sandbox"]["level"] in ("monty", "monty+bwrap")


def test_the_report_needs_no_network(finished: tuple[Path, str]) -> None:
    page = (finished[0] / "report.html").read_text()
    assert "<script" not in page
    assert not re.search(r"(?:src|href)=.http", page)
    assert "data:image/png;base64," in page
    assert "combinations are covered by nobody" in page
    assert "better than parent" in page
    assert "Program size in syntax nodes" in page


def test_archive_lists_its_elites_best_first(finished: tuple[Path, str]) -> None:
    folder = finished[0]
    listing = json.loads(run("archive", folder, "--json").stdout)
    index = json.loads((folder / "archive" / "index.json").read_text())
    assert [Path(e["bundle"]).name for e in listing] == [e["bundle"] for e in index]
    assert [e["best"] for e in index] == [True] + [False] * (len(index) - 1)
    assert {"bundle", "niche", "program_hash", "metrics", "baseline"} == set(listing[0])
    scores = [e["training"]["mean"] for e in index[1:]]
    assert scores == sorted(scores, reverse=True)
    printed = run("archive", folder).stdout
    assert "baseline covering_mix" in printed
    assert "also kept as" in printed


def test_index_names_what_each_elite_is_kept_for(finished: tuple[Path, str]) -> None:
    folder = finished[0] / "archive"
    index = json.loads((folder / "index.json").read_text())
    niches = [niche for entry in index for niche in entry["niche"]]
    assert len(set(niches)) == len(niches)
    assert len({entry["program_hash"] for entry in index}) == len(index)
    assert "best_credited_rare" in index[0]["niche"]
    assert {"best_credited_pairs", "best_as_read"} <= set(niches)
    assert any(niche.startswith("front_below_") for niche in niches)
    for entry in index:
        assert entry["bundle"] == entry["niche"][0]
        assert (folder / entry["bundle"] / "program.py").is_file()
        assert entry["training"]["low"] <= entry["training"]["mean"] <= entry["training"]["high"]
        assert entry["measures"]["host_calls"] >= 1


def test_fresh_seeds_are_spent_on_few_and_paid_for(finished: tuple[Path, str]) -> None:
    store = Store(finished[0] / "run.sqlite", read_only=True)
    verdicts = [v for _, v in store.candidates() if v["status"] == SCORED]
    for verdict in verdicts:
        looks = [*verdict["values"].values(), *verdict["fresh"].get("values", {}).values()]
        assert verdict["cost"]["personas"] == 9 * sum(map(len, looks))
        assert verdict["cost"]["host_calls"] > 0
    spent = [v["confirmed"] for v in verdicts]
    assert 0 < sum(spent) < 0.6 * len(spent)


def test_an_elite_serves_a_context_that_the_search_never_saw(finished: tuple[Path, str]) -> None:
    unseen = CONTEXTS / "train" / "money_trouble.yaml"
    generator = generators.load(str(finished[0] / "archive" / "best"))
    personas = generator(unseen, n=25, seed=0)
    assert len(personas) == 25
    card = fitness.score(personas, unseen)
    assert card.metrics["combination_coverage_3"].value > 0


def test_show_verify_generate(finished: tuple[Path, str], tmp_path: Path) -> None:
    best = finished[0] / "archive" / "best"
    assert "def generate(context, n, rng):" in run("show", best).stdout
    assert "verified" in run("verify", best).stdout
    out = tmp_path / "personas.jsonl"
    run("generate", best, "--context", OWN, "-n", "300", "--seed", "3", "--out", out)
    again = run("generate", best, "--context", OWN, "-n", "300", "--seed", "3").stdout
    assert out.read_text() == again
    assert len(again.splitlines()) == 300


def test_report_is_written_again_elsewhere(finished: tuple[Path, str], tmp_path: Path) -> None:
    run("report", finished[0], "--out", tmp_path / "again.html")
    assert (tmp_path / "again.html").read_text() == (finished[0] / "report.html").read_text()


def test_two_workers_give_the_same_archive(finished: tuple[Path, str], tmp_path: Path) -> None:
    folder = tmp_path / "two"
    run("evolve", *SMALL, f"run_dir={folder}", "workers=2")
    assert archive_bytes(folder) == archive_bytes(finished[0])


def kill_after(seconds: float, words: list[str], how: signal.Signals) -> int:
    """Start a run, signal it after a while, wait; its exit status."""
    with open(os.devnull, "w") as nowhere:
        process = subprocess.Popen(gamut(*words), stdout=nowhere, stderr=nowhere)
        time.sleep(seconds)
        process.send_signal(how)
        return process.wait(timeout=120)


def survives(folder: Path, moments: list[float], expected: Bytes) -> None:
    """Kill a run at each moment, resume it to its end, compare the archive."""
    words = ["evolve", *SMALL, f"run_dir={folder}", "workers=2"]
    for moment in moments:
        kill_after(moment, words, signal.SIGKILL)
        if (folder / "config.yaml").exists():
            words = ["resume", str(folder)]
    run(*words)
    assert archive_bytes(folder) == expected


def test_killed_and_resumed_is_as_if_never_killed(
    finished: tuple[Path, str], tmp_path: Path
) -> None:
    survives(tmp_path / "killed", [0.8, 3.0, 4.0], archive_bytes(finished[0]))


def test_a_killed_run_leaves_no_process_behind(tmp_path: Path) -> None:
    mark = f"GAMUT_TEST_MARK={tmp_path}"
    words = gamut("evolve", *SMALL, f"run_dir={tmp_path / 'run'}", "workers=2")
    environment = {**os.environ, "GAMUT_TEST_MARK": str(tmp_path)}
    process = subprocess.Popen(words, stderr=subprocess.DEVNULL, env=environment)
    deadline = time.monotonic() + 60
    while len(_marked(mark)) < 3:  # the run itself and its workers
        assert time.monotonic() < deadline
        time.sleep(0.1)
    process.kill()
    process.wait()
    while _marked(mark):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _marked(mark: str) -> list[str]:
    """The processes whose environment holds a mark."""
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark.encode() in environ.read_bytes():
                found.append(environ.parent.name)
        except OSError:  # it has just ended
            continue
    return found


@pytest.mark.slow
def test_twenty_kills(finished: tuple[Path, str], tmp_path: Path) -> None:
    draw, expected = random.Random(4), archive_bytes(finished[0])
    for number in range(20):
        survives(tmp_path / f"run{number}", [draw.uniform(0.1, 12.0)], expected)


def test_ctrl_c_leaves_a_run_that_resume_finishes(
    finished: tuple[Path, str], tmp_path: Path
) -> None:
    folder = tmp_path / "interrupted"
    words = gamut("evolve", *SMALL, f"run_dir={folder}", "workers=2")
    process = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    while not (folder / "manifest.json").exists():
        time.sleep(0.05)
    time.sleep(2.5)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the whole process group
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    assert errors.splitlines()[-1] == f"gamut resume {folder}"
    run("resume", folder)
    assert archive_bytes(folder) == archive_bytes(finished[0])


def test_minutes_stop_a_run_which_still_ends_with_an_archive(tmp_path: Path) -> None:
    folder = tmp_path / "short"
    run("evolve", *SMALL, f"run_dir={folder}", "budget.evaluations=100000", "budget.minutes=0.08")
    assert (folder / "archive" / "index.json").exists()


def test_a_start_program_takes_part(tmp_path: Path) -> None:
    program = tmp_path / "mine.py"
    program.write_text(_MINE)
    folder = tmp_path / "started"
    words = [*SMALL, f"run_dir={folder}", f"start=[{program}]", "budget.evaluations=11"]
    run("evolve", *words)
    store = Store(folder / "run.sqlite", read_only=True)
    assert "start:mine.py" in [candidate.operator for candidate, _ in store.candidates()]


_MINE = """
def generate(context, n, rng):
    text = 'I keep to myself and I like it that way. Nobody asks me how I am doing these days.'
    return [{'name': f'Person {i}', 'description': text} for i in range(n)]
"""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["population=0"], "population=0: should be a whole number from 1 to 256"),
        (["population=many"], "population='many'"),
        (["budget.evaluations=0"], "budget.evaluations=0"),
        (["budget.minutes=-1"], "budget.minutes=-1"),
        (["search=annealing"], "gp"),
        (["respondent=oracle"], "projection"),
        (["embedder=word2vec"], "minilm"),
        (["popultion=3"], "popultion"),
        (["search.islands=0"], "search.islands=0"),
        (["start=[nowhere/at/all]"], "nowhere/at/all"),
        (["contexts=nowhere.yaml"], "nowhere.yaml"),
        (["seed=-1"], "seed=-1"),
    ],
)
def test_wrong_words_get_one_short_message(words: list[str], said: str, tmp_path: Path) -> None:
    done = run("evolve", f"run_dir={tmp_path / 'run'}", *words, status=2)
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run" / "run.sqlite").exists()


def test_a_directory_that_holds_a_run_or_cannot_be_written_is_refused(
    finished: tuple[Path, str], tmp_path: Path
) -> None:
    before = archive_bytes(finished[0])
    assert "another run" in run("evolve", f"run_dir={finished[0]}", status=2).stderr
    assert archive_bytes(finished[0]) == before
    (tmp_path / "notes.txt").write_text("mine")
    assert "not empty" in run("evolve", f"run_dir={tmp_path}", status=2).stderr
    under_a_file = tmp_path / "notes.txt" / "run"
    assert "cannot be written" in run("evolve", f"run_dir={under_a_file}", status=2).stderr
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_one_process_at_a_time_works_on_a_run(finished: tuple[Path, str]) -> None:
    held = open_run(finished[0], Progress(total=0, quiet=True))
    assert "another process" in run("resume", finished[0], status=2).stderr
    assert held.lock is not None
    held.lock.close()
    assert "Archive:" in run("resume", finished[0]).stdout


def test_no_run_and_unfinished_runs_are_named(tmp_path: Path) -> None:
    for command in ("resume", "archive", "report"):
        assert "no run here" in run(command, tmp_path / "nothing", status=2).stderr
    assert "no archive yet" in run("archive", tmp_path, "--json", status=2).stderr
