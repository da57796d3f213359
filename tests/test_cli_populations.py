"""The commands about populations: score, map, compare."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from command_line import ELDERS, gamut, made_bundle, refused
from context_files import content, saved

TRAIN = ELDERS.parent
FOR_ELDERS = ("--context", ELDERS)
MIX, UNIFORM = "baseline:covering_mix", "baseline:uniform_graded"
LONG = "baseline:covering_long"
PLAIN = "I never touch a computer. My son reads the screen to me and writes my letters."


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_bundle(tmp_path_factory.mktemp("bundles") / "elite")


@pytest.fixture(scope="module")
def people(bundle: Path) -> Path:
    """A file of 12 personas."""
    path = bundle.parent / "people.jsonl"
    gamut("generate", bundle, *FOR_ELDERS, "-n", "12", "--out", path)
    return path


def written(folder: Path, *texts: str, name: str = "mine.jsonl", **fields: Any) -> Path:
    """A file of personas that have a description and the fields."""
    path = folder / name
    records = [{"description": text, **fields} for text in texts]
    path.write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    return path


def scored(path: Path, context: Path = ELDERS) -> dict[str, Any]:
    """What `score --json` prints."""
    said = gamut("score", path, "--context", context, "--json")
    card = json.loads(said.out)
    assert isinstance(card, dict)
    return card


# ---- score

ALL = {
    "hull_volume", "mean_pairwise", "min_pairwise", "dispersion", "kl", "missing",
    "combination_coverage_2",
}  # fmt: skip
WITH_THREE = {"combination_coverage_3", "rare_combination_coverage_3"}


@pytest.mark.parametrize(
    ("name", "axes", "metrics"),
    [
        ("elders_devices", 2, {"ball_coverage", "rare_combination_coverage_2"}),
        ("companion_daily", 3, {"ball_coverage", *WITH_THREE}),
        ("health_questions", 6, WITH_THREE),
    ],
)
def test_score_as_json_has_the_shape_of_the_contract(
    name: str, axes: int, metrics: set[str], people: Path
) -> None:
    card = scored(people, TRAIN / f"{name}.yaml")
    assert set(card) == {"context", "n", "axes", "points", "metrics", "gates", "verdict"}
    assert (card["context"], card["n"], len(card["axes"])) == (name, 12, axes)
    assert [len(row) for row in card["points"]] == [axes] * 12
    assert all(z is None or 0 <= z <= 1 for row in card["points"] for z in row)
    plain = {m for m in card["metrics"] if not m.startswith("credited_")} - {"fidelity"}
    assert plain == ALL | metrics
    assert all(set(measure) == {"value", "se"} for measure in card["metrics"].values())
    assert all(0 <= share <= 1 for share in card["gates"].values())
    assert card["verdict"].endswith(".")
    assert "\n" not in card["verdict"]


def test_a_text_that_is_silent_is_null_and_missing(tmp_path: Path) -> None:
    card = scored(written(tmp_path, "The sky is blue today. A cloud looks like a ship."))
    assert card["points"] == [[None, None]]
    assert card["metrics"]["missing"]["value"] == 1
    assert card["metrics"]["combination_coverage_2"]["value"] == 0


def test_every_format_is_read_alike(people: Path, tmp_path: Path) -> None:
    texts = [json.loads(line)["description"] for line in people.read_text("utf-8").splitlines()]
    as_json, as_csv, as_parquet = (tmp_path / f"p.{end}" for end in ("json", "csv", "parquet"))
    as_json.write_text(json.dumps([{"description": text} for text in texts]), "utf-8")
    with as_csv.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([["description"], *([text] for text in texts)])
    pq.write_table(pa.table({"description": texts, "age": list(range(12))}), as_parquet)
    cards = [scored(path)["points"] for path in (people, as_json, as_csv, as_parquet)]
    assert all(points == cards[0] for points in cards)
    assert any(z is not None for row in cards[0] for z in row)


def test_score_in_words_ends_with_the_verdict(people: Path) -> None:
    said = gamut("score", people, *FOR_ELDERS)
    assert said.out.splitlines()[-1] == scored(people)["verdict"]
    assert "gates failed" in said.out
    assert said.err == ""


def test_odd_texts_are_scored_all_the_same(tmp_path: Path) -> None:
    odd = {
        "another language": "Ich lebe allein, und mein Sohn hilft mir jede Woche mit der Post.",
        "another script": "私は毎日タブレットで孫と話し、電話で請求書を払います。",
        "control characters": f"\x1b[31m{PLAIN}\x00 \x07 \u202e",
        "long": (f"{PLAIN} " * 1_300)[:100_000],
    }
    assert len(odd["long"]) == 100_000
    card = scored(written(tmp_path, PLAIN, *odd.values()))
    assert card["n"] == 5
    assert card["points"][1] == card["points"][2] == [None, None]
    for gate in ("length", "language", "debris"):
        assert card["gates"][gate] > 0
    said = gamut("score", tmp_path / "mine.jsonl", *FOR_ELDERS).out
    assert said.replace("\n", "").isprintable()


@pytest.mark.parametrize(
    ("file", "raw", "said"),
    [
        ("a.jsonl", b'{"text": "I am kind."}\n', "line 1: description: missing"),
        ("a.jsonl", b'{"description": "Kind."}\n{"description": " "}\n', "line 2: description"),
        ("a.jsonl", b'{"description": "Kind."}\n{"descr', "line 2: not valid JSON"),
        ("a.jsonl", b'{"description": "%s"}' % (b"x" * 100_001), "line 1: description: is 100,001"),
        ("a.csv", b"text,age\nI am kind.,4\n", "no column `description`"),
        ("a.csv", "description\ncafé\n".encode("latin-1"), "UTF-8 at line 2"),
        ("a.jsonl", b"", "no persona in it"),
        ("a.json", b"[]", "no persona in it"),
        ("a.csv", b"description\n", "no persona in it"),
        ("a.parquet", b"PAR1", "not valid Parquet"),
        ("a.txt", b"I am kind.", "`.txt`; known are .jsonl, .json, .csv, .parquet"),
        ("a", b"I am kind.", "known are .jsonl"),
    ],
)
def test_a_file_that_holds_no_personas_is_named(
    file: str, raw: bytes, said: str, tmp_path: Path
) -> None:
    path = tmp_path / file
    path.write_bytes(raw)
    refused("score", path, *FOR_ELDERS, said=(f"gamut: {path}: ", said))
    refused("map", path, *FOR_ELDERS, "--out", tmp_path / "maps", said=(f"gamut: {path}: ", said))
    assert not (tmp_path / "maps").exists()


def test_what_cannot_score_is_named(people: Path, tmp_path: Path) -> None:
    data = content()
    del data["axes"][1]["hidden"]
    public, nowhere = saved(tmp_path, data), tmp_path / "no.yaml"
    maps = ("map", people, "--out", tmp_path / "maps")
    for words in (("score", people), maps, ("compare", people, people)):
        oracle = (*FOR_ELDERS, "--respondent", "oracle")
        refused(*words, *oracle, said=("'oracle'", "known: "))
        refused(*words, "--context", public, said=(f"{public}: ", "calm", "context split"))
        refused(*words, "--context", nowhere, said=(f"{nowhere}: ", "no such file"))
    refused("score", tmp_path / "no.jsonl", *FOR_ELDERS, said=("no.jsonl", "no such file"))


def test_a_context_of_ones_own_says_what_takes_long_on_standard_error(
    people: Path, tmp_path: Path
) -> None:
    own = saved(tmp_path, content("thrift", "mirth"))  # no other test has its reference made
    first = gamut("score", people, "--context", own, "--json")
    assert first.err.startswith(f"{own}: making its reference population, once\n")
    again = gamut("score", people, "--context", own, "--json")
    assert again.out == first.out
    assert "reference" not in again.err
    assert json.loads(again.out)["context"] == "secret_identity"


# ---- map


def test_map_draws_and_lists_what_nobody_covers(people: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "maps"
    said = gamut("map", people, *FOR_ELDERS, "--out", out)
    names = {path.name for path in out.iterdir()}
    assert names == {f"map_paper_life_lured_in.{kind}" for kind in ("png", "svg")} | {
        "coverage.json"
    }
    assert (out / "map_paper_life_lured_in.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (out / "map_paper_life_lured_in.svg").read_text("utf-8")
    found = json.loads((out / "coverage.json").read_text("utf-8"))["uncovered"]["2"]
    lines = said.out.splitlines()
    assert lines[0].startswith(f"{found['total']} of 9 2-way combinations are covered by nobody")
    assert lines[1 : 1 + found["total"]] == [f"- {words}" for words in found["combinations"]]
    assert lines[-1] == f"3 files in {out}"
    assert said.err == ""


def test_map_of_many_axes_lists_the_first_and_counts_the_rest(people: Path, tmp_path: Path) -> None:
    context = TRAIN / "companion_daily.yaml"
    said = gamut("map", people, "--context", context, "--out", tmp_path)
    assert {"pairs.png", "pairs.svg", "coverage.json"} <= {p.name for p in tmp_path.iterdir()}
    listed = [line for line in said.out.splitlines() if line.startswith("- ")]
    total = int(said.out.split()[0])
    assert len(listed) == min(total, 20)
    assert total <= 20 or f"… and {total - 20} more (coverage.json)" in said.out


def test_map_needs_a_folder_to_write_to(people: Path, tmp_path: Path) -> None:
    refused("map", people, *FOR_ELDERS, said=("--out",))
    for out in (people, people / "maps"):
        refused("map", people, *FOR_ELDERS, "--out", out, said=(f"gamut: {out}: ",))


# ---- compare


def compared(*words: str | Path) -> dict[str, Any]:
    """What `compare --json` prints, after a look at its figures."""
    found = json.loads(gamut("compare", *words, *FOR_ELDERS, "--json").out)
    for kind, prefix in (("credited", "credited_"), ("bare", "")):
        told = found[kind]
        assert told["metric"] == f"{prefix}rare_combination_coverage_2"
        assert told["difference"] == pytest.approx(told["a"] - told["b"])
        assert told["low"] <= told["difference"] <= told["high"]
    assert isinstance(found, dict)
    return found


def test_compare_baselines_over_seeds() -> None:
    found = compared(LONG, "baseline:name_only", "-n", "25", "--seeds", "6")
    assert (found["names"], found["seeds"], found["sizes"]) == (
        [LONG, "baseline:name_only"], 6, [25, 25],
    )  # fmt: skip
    assert found["credited"]["low"] > 0
    assert found["bare"]["low"] > 0
    assert found["words"].startswith(f"{LONG} covers more.")
    assert "95 % interval" in found["words"]
    assert "paired over 6 seeds" in found["words"]


def test_the_weaker_one_first_and_other_seeds() -> None:
    words = ("compare", "baseline:name_only", LONG, *FOR_ELDERS, "-n", "25")
    said = gamut(*words, "--seeds", "4", "--seed", "1").out
    assert said.startswith(f"{LONG} covers more.")
    assert said != gamut(*words, "--seeds", "4", "--seed", "7").out


def test_a_bundle_and_its_baseline_do_not_differ(bundle: Path) -> None:
    found = compared(bundle, MIX, "-n", "5", "--seeds", "2")
    for kind in ("credited", "bare"):
        assert (found[kind]["difference"], found[kind]["low"], found[kind]["high"]) == (0, 0, 0)
    assert found["words"].startswith("No difference is shown.")


def test_compare_files_with_one_another_and_with_generators(people: Path, tmp_path: Path) -> None:
    found = compared(people, people)
    assert (found["bare"]["difference"], found["seeds"], found["sizes"]) == (0, 1, [12, 12])
    assert found["bare"]["low"] < 0 < found["bare"]["high"]
    upper = shutil.copy(people, tmp_path / "PEOPLE.JSONL")
    assert compared(upper, MIX, "--seeds", "1")["sizes"] == [12, 12]
    unlike = compared(MIX, people, "-n", "30")
    assert unlike["sizes"] == [30, 12]
    assert "populations of 30 and 12 personas" in unlike["words"]


def test_what_cannot_be_compared_is_named(bundle: Path, people: Path, tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("mine")
    for name, said in (
        ("baseline:nope", "known: covering_mix"),
        ("covering_mix", "the baseline is baseline:covering_mix"),
        ("gallery:nothing", "no such bundle"),
        ("nothing", "baseline:NAME"),
        (str(notes), "neither a bundle nor personas"),
        (str(tmp_path / "no.csv"), "no such file"),
        (str(tmp_path), "program.py: is missing"),
    ):
        bare = name.removeprefix("baseline:")
        refused("compare", name, bundle, *FOR_ELDERS, said=(bare, said))
        refused("compare", bundle, name, *FOR_ELDERS, said=(bare, said))
    refused("compare", MIX, UNIFORM, *FOR_ELDERS, "--seeds", "1", said=("--seeds 1", "at least 2"))
    alone = written(tmp_path, PLAIN)
    refused("compare", people, alone, *FOR_ELDERS, said=("one persona", "2 or more"))
