"""A run from the command line: made, killed, resumed, read back; real processes throughout."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import gamut as here
from command_line import refused
from small_run import OWN, ROOT, SMALL, TOTAL, archive_bytes, run

import evolve.run
import fitness
import generators
from evolve.evaluate import SCORED
from evolve.progress import Progress
from evolve.run import open_run
from evolve.setup import FOREMOST
from evolve.store import Store

CONTEXTS = ROOT / "conf" / "contexts"


def test_ends_with_a_table_of_elites_beside_every_baseline(finished: tuple[Path, str]) -> None:
    folder, printed = finished
    for name in ("covering_mix", "uniform_graded", "census_marginals", "name_only", "corners"):
        assert f"baseline {name}" in printed
    assert "(chosen)" in printed or "nothing better than" in printed
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
    listing = json.loads(here("archive", folder, "--json").out)
    index = json.loads((folder / "archive" / "index.json").read_text())
    assert [Path(e["bundle"]).name for e in listing] == [e["bundle"] for e in index]
    assert [e["best"] for e in index] == [True] + [False] * (len(index) - 1)
    assert {"bundle", "niche", "program_hash", "metrics", "baseline"} == set(listing[0])
    foremost = [e["chosen_by"]["mean"] for e in index if e["chosen_by"]]
    others = [e["training"]["mean"] for e in index if not e["chosen_by"]]
    assert len(foremost) == min(FOREMOST, len(index))
    assert foremost[1:] == sorted(foremost[1:], reverse=True)
    assert others == sorted(others, reverse=True)
    printed = here("archive", folder).out
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
    here("report", finished[0], "--out", tmp_path / "again.html")
    assert (tmp_path / "again.html").read_text() == (finished[0] / "report.html").read_text()


def test_two_workers_give_the_same_archive(finished: tuple[Path, str], tmp_path: Path) -> None:
    folder = tmp_path / "two"
    run("evolve", *SMALL, f"run_dir={folder}", "workers=2")
    assert archive_bytes(folder) == archive_bytes(finished[0])


def killed_and_resumed(kills: int, seed: int, undisturbed: Path) -> str:
    """Kill runs at random moments and compare what they end with; the transcript."""
    script = [sys.executable, str(ROOT / "benchmarks" / "kill_resume.py")]
    how = ["--kills", str(kills), "--seed", str(seed), "--undisturbed", str(undisturbed)]
    done = subprocess.run([*script, *how, *SMALL], capture_output=True, text=True, timeout=3000)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_killed_and_resumed_is_as_if_never_killed(finished: tuple[Path, str]) -> None:
    said = killed_and_resumed(3, 1, finished[0])
    assert said.count("killed after") == 3
    assert said.count("all gone") == 3
    assert "files the same, 0 different" in said


@pytest.mark.slow
def test_twenty_kills(finished: tuple[Path, str]) -> None:
    said = killed_and_resumed(20, 4, finished[0])
    assert said.count("killed after") == 20
    assert said.count("files the same, 0 different") == 4


def test_a_run_that_the_clock_ended_is_a_prefix_and_goes_on(
    finished: tuple[Path, str], tmp_path: Path
) -> None:
    folder = tmp_path / "short"
    budget = ["budget.evaluations=30", "budget.minutes=0.02"]
    done = run("evolve", *SMALL, *budget, f"run_dir={folder}", "workers=1")
    assert (folder / "archive" / "index.json").exists()
    assert "Spent: " in done.stderr
    whole = [c for c, _ in Store(finished[0] / "run.sqlite", read_only=True).candidates()]
    store = Store(folder / "run.sqlite", read_only=True)
    short = [c for c, _ in store.candidates()]
    assert 0 < len(short) < 30
    assert short == whole[: len(short)]
    assert [s.ended for s in store.sittings()] == ["0.02 minutes"]
    store.close()
    run("resume", folder, "--evaluations", str(TOTAL), "--minutes", "10")
    assert archive_bytes(folder) == archive_bytes(finished[0])
    assert f"{TOTAL} of {TOTAL} candidates" in (folder / "report.html").read_text()
    refused("resume", folder, "--evaluations", "20", said=(f"holds {TOTAL} already", "give more"))


def test_a_budget_of_nothing_is_refused(finished: tuple[Path, str]) -> None:
    refused("resume", finished[0], "--minutes", "0", said=("--minutes 0", "above 0"))


def test_what_was_spent_is_in_the_manifest_and_the_report(finished: tuple[Path, str]) -> None:
    spent = json.loads((finished[0] / "manifest.json").read_text())["spent"]
    assert spent["evaluations"] == TOTAL
    assert spent["sittings"] >= 1
    assert 0 < spent["worker_minutes"] < spent["minutes"] < 30
    verdicts = [v for _, v in Store(finished[0] / "run.sqlite", read_only=True).candidates()]
    assert spent["personas"] == sum(v["cost"].get("personas", 0) for v in verdicts) > 0
    assert spent["characters"] == sum(v["cost"].get("characters", 0) for v in verdicts) > 0
    assert f"Spent: {TOTAL} evaluations" in (finished[0] / "report.html").read_text()


def test_inputs_are_read_once_whatever_becomes_of_their_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, program, folder = tmp_path / "own.yaml", tmp_path / "mine.py", tmp_path / "run"
    shutil.copy(OWN, own)
    program.write_text(_MINE)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(evolve.run, "reference_rows", killed)
        words = [f"contexts={own}", f"start=[{program}]", f"run_dir={folder}"]
        here("evolve", *SMALL[1:], *words, status=130)
    own.unlink()
    program.unlink()
    run = open_run(folder, Progress(total=0, quiet=True))
    assert [context.id for context in run.setup.training] == ["elders_devices"]
    assert "start:mine.py" in [origin for origin, _ in run.search.start]


def test_what_a_killed_process_left_is_swept(finished: tuple[Path, str], tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(finished[0], folder)
    (folder / "archive").rename(folder / "archive.old")  # killed between its two renames
    (folder / "archive.part").mkdir()
    for name in ("config.part", "manifest.part", "run.part", ".report.html.123"):
        (folder / name).write_text("half")
    open_run(folder, Progress(total=0, quiet=True)).close()
    names = [{f.name for f in one.iterdir()} for one in (folder, finished[0])]
    assert names[0] == names[1] - {"run.sqlite-wal", "run.sqlite-shm"}
    assert archive_bytes(folder) == archive_bytes(finished[0])


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
    done = here("evolve", f"run_dir={tmp_path / 'run'}", *words, status=2)
    assert said in done.err
    assert "Traceback" not in done.err
    assert not (tmp_path / "run" / "run.sqlite").exists()


def test_a_directory_that_holds_a_run_or_cannot_be_written_is_refused(
    finished: tuple[Path, str], tmp_path: Path
) -> None:
    before = archive_bytes(finished[0])
    refused("evolve", f"run_dir={finished[0]}", said=("another run",))
    assert archive_bytes(finished[0]) == before
    (tmp_path / "notes.txt").write_text("mine")
    refused("evolve", f"run_dir={tmp_path}", said=("not empty",))
    under_a_file = tmp_path / "notes.txt" / "run"
    refused("evolve", f"run_dir={under_a_file}", said=("cannot be written",))
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_one_process_at_a_time_works_on_a_run(finished: tuple[Path, str]) -> None:
    held = open_run(finished[0], Progress(total=0, quiet=True))
    refused("resume", finished[0], said=("another process",))
    held.close()
    assert "Archive:" in here("resume", finished[0]).out


def test_no_run_and_unfinished_runs_are_named(tmp_path: Path) -> None:
    for command in ("resume", "archive", "report"):
        refused(command, tmp_path / "nothing", said=("no run here",))
    refused("archive", tmp_path, "--json", said=("no archive yet",))
