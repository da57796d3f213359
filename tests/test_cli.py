"""The command line as a whole, and the commands about context files and this machine."""

import json
import os
import re
from pathlib import Path

import pytest
from command_line import gamut, made_bundle, process, refused
from context_files import CONTENT, content, draft, removed, replaced, saved

from generators.context import check_context, read_context

CONTEXTS = sorted((Path(__file__).resolve().parent.parent / "conf" / "contexts").glob("*/*.yaml"))
LOW = CONTENT["axes"][0]["signs"]["low"]


def commands(*group: str) -> list[tuple[str, ...]]:
    """Every command that --help lists, also those of the groups among them."""
    listed = gamut(*group, "--help").out.partition("Commands:\n")[2]
    found = [(*group, name) for name in re.findall(r"^  (\w+) ", listed, re.M)]
    return [inner for command in found for inner in [command, *commands(*command)]]


def test_every_command_teaches_with_an_example() -> None:
    found = commands()
    assert {("evolve",), ("score",), ("context", "check"), ("context", "split")} <= set(found)
    for command in [(), *found]:
        said = gamut(*command, "--help")
        assert "Example: gamut " + " ".join(command) in said.out
        assert said.err == ""
        assert gamut(*command, "-h").out == said.out


def test_summaries_of_commands_are_not_cut_off() -> None:
    for group in ((), ("context",)):
        assert "..." not in gamut(*group, "--help").out.partition("Commands:\n")[2]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["evolv"], "evolv"),
        (["context", "chekc"], "chekc"),
        (["score"], "personas"),
        (["score", "a.csv", "--contxt", "b.yaml"], "--contxt"),
        (["score", "a.csv"], "--context"),
        (["generate", "a", "--context", "b.yaml", "-n", "many"], "-n"),
        (["generate", "a", "--context", "b.yaml", "-n", "0"], "-n"),
        (["generate", "a", "--context", "b.yaml", "--seed", "-1"], "--seed"),
        (["compare", "a", "b", "--context", "b.yaml", "--seeds", "0"], "--seeds"),
        (["doctor", "twice"], "twice"),
    ],
)
def test_unknown_words_are_named(words: list[str], said: str) -> None:
    refused(*words, said=("Error: ", said, "-h"))


@pytest.mark.parametrize("place", [0, 2])
def test_debug_adds_a_traceback_and_keeps_message_and_status(place: int) -> None:
    words = ["context", "split", "nowhere.yaml"]
    words.insert(place, "--debug")
    said = gamut(*words, status=2)
    assert "Traceback" in said.err
    assert said.err.splitlines()[-1].startswith("gamut: nowhere.yaml: cannot be read")


def test_a_fault_of_gamut_itself_is_called_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> str:
        raise LookupError("nothing there")

    monkeypatch.setattr("generators.context.split_context", broken)
    said = gamut("context", "split", "my.yaml", status=1)
    assert said.err.splitlines()[0] == "gamut: nothing there"
    assert "bug" in said.err
    assert "--debug" in said.err
    assert "Traceback" not in said.err


# ---- context check


def test_all_shipped_contexts_are_right() -> None:
    for path in CONTEXTS:
        assert check_context(read_context(path)) == []


def misspelt(data: dict) -> None:
    data["axes"][0]["low_lable"] = data["axes"][0].pop("low_label")


def keyed_one_way(data: dict) -> None:
    for item in data["axes"][1]["hidden"]["items"]:
        item["key"] = 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (misspelt, ("axes[0].low_lable", "did you mean `low_label`?")),
        (replaced("axes", to=CONTENT["axes"][:1]), ("axes: has 1; at least 2",)),
        (replaced("axes", 1, "id", to="zest"), ("axes[1].id", "`zest` is the id of axes[0]")),
        (keyed_one_way, ("axes[1].hidden.items", "keyed 1")),
        (replaced("axes", 0, "hidden", "low", 2, to=LOW[1]), ("axes[0].hidden.low[2]", LOW[1])),
        (removed("axes", 2, "high_label"), ("axes[2].high_label: missing",)),
        (replaced("schema", to="gamut/context/9"), ("schema", "update Gamut")),
    ],
)
def test_a_broken_context_is_named_with_its_field(
    change: object, said: tuple[str, ...], tmp_path: Path
) -> None:
    data = content()
    assert callable(change)
    change(data)
    path = saved(tmp_path, data)
    refused("context", "check", path, said=(f"gamut: {path}: ", *said))


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ("schema: gamut/context/1\nid: café\n".encode("latin-1"), ("line 2", "UTF-8")),
        (b"schema: !!python/object/apply:os.system [id]\n", ("line 1, column 9", "tag")),
        (b"schema: gamut/context/1\naxes: [\n", ("line 3", "not valid YAML")),
        (b"", ("schema",)),
    ],
)
def test_a_file_that_is_no_context_is_named_with_the_place(
    raw: bytes, said: tuple[str, ...], tmp_path: Path
) -> None:
    path = saved(tmp_path, raw)
    refused("context", "check", path, said=(f"gamut: {path}: ", *said))


def test_what_is_no_small_file_is_refused(tmp_path: Path) -> None:
    large = tmp_path / "large.yaml"
    with large.open("wb") as stream:
        stream.truncate(50_000_000)
    refused("context", "check", large, said=(str(large), "50.0 MB"))
    refused("context", "check", tmp_path, said=(str(tmp_path), "folder"))
    refused("context", "check", tmp_path / "no.yaml", said=("no.yaml", "no such file"))


def test_warnings_do_not_make_a_context_wrong(tmp_path: Path) -> None:
    data = content()
    data["axes"][0]["low_label"] += "."
    del data["axes"][1]["hidden"]
    path = saved(tmp_path, data)
    lines = gamut("context", "check", path).out.splitlines()
    assert lines[0].startswith(f"{path}: warning: axes[0].low_label: ")
    assert lines[1].startswith(f"{path}: warning: axes[1].hidden: missing")
    assert lines[2].startswith(f"{path}: admission not checked: ")
    assert lines[3:] == [f"{path}: ok, 2 to look at"]


def test_check_as_json_has_a_record_a_file(tmp_path: Path) -> None:
    right = saved(tmp_path, content(), "right.yaml")
    data = content()
    data["axes"][0]["hidden"]["high"][0] = LOW[0]
    leaking, absent = saved(tmp_path, data, "leaking.yaml"), tmp_path / "absent.yaml"
    said = gamut("context", "check", right, leaking, absent, "--json", status=2)
    records = json.loads(said.out)
    keys = {"file", "id", "error", "findings", "admission"}
    assert [set(record) for record in records] == [keys] * 3
    assert [axis["axis"] for axis in records[0].pop("admission")] == ["zest", "calm", "trust"]
    assert records[0] == {
        "file": str(right), "id": "secret_identity", "error": None, "findings": [],
    }  # fmt: skip
    (finding,) = records[1]["findings"]
    assert set(finding) == {"level", "where", "message"}
    assert (finding["level"], finding["where"]) == ("error", "axes[0].hidden.high[0]")
    assert records[2]["id"] is None
    assert "no such file" in records[2]["error"]
    assert len([line for line in said.err.splitlines() if line.startswith("gamut: ")]) == 2


# ---- context split


def test_what_split_writes_passes_check(tmp_path: Path) -> None:
    path, out = saved(tmp_path, draft(14), "draft.yaml"), tmp_path / "my.yaml"
    assert gamut("context", "split", path, "--out", out, "--seed", "4").out == f"{out}\n"
    assert gamut("context", "split", path, "--seed", "4").out == out.read_text("utf-8")
    assert gamut("context", "split", path).out != out.read_text("utf-8")
    assert f"{out}: ok" in gamut("context", "check", out).out
    given = draft(14)["axes"][0]["statements"]["low"]
    assert all(sentence in out.read_text("utf-8") for sentence in given)


def test_split_says_what_it_needs(tmp_path: Path) -> None:
    refused("context", "split", saved(tmp_path, content()), said=("my.yaml", "`statements`"))
    data = draft(14)
    data["axes"][1]["statements"]["high"] = data["axes"][1]["statements"]["high"][:5]
    refused("context", "split", saved(tmp_path, data), said=("axes[1].statements.high", "has 5"))
    path = saved(tmp_path, draft(14))
    refused("context", "split", path, "--seed", "-1", said=("seed", "-1"))
    refused("context", "split", path, "--out", tmp_path, said=(str(tmp_path), "folder"))
    nowhere = tmp_path / "no" / "my.yaml"
    refused("context", "split", path, "--out", nowhere, said=(str(nowhere), "no folder"))


# ---- doctor


def test_doctor_as_json() -> None:
    found = json.loads(gamut("doctor", "--json").out)
    assert set(found) == {
        "version", "python", "cores", "sandbox", "embedder", "cache", "cache_writable", "models",
    }  # fmt: skip
    assert found["sandbox"]["level"] in ("monty", "monty+bwrap")
    assert found["cores"] >= 1
    assert found["cache"] == os.environ["GAMUT_CACHE"]
    assert found["cache_writable"] is True


def test_doctor_in_words_names_what_it_found() -> None:
    said = gamut("doctor").out
    found = json.loads(gamut("doctor", "--json").out)
    for value in (found["version"], found["sandbox"]["level"], found["embedder"], found["cache"]):
        assert value in said


# ---- real processes: pipes and encodings


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_bundle(tmp_path_factory.mktemp("bundles") / "elite")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As much of a run as `gamut archive --json` reads."""
    run = tmp_path_factory.mktemp("runs")
    made_bundle(run / "archive" / "elite")
    entry = {"bundle": "elite", "niche": [0, 1], "program_hash": "f" * 64, "baseline": True}
    (run / "archive" / "index.json").write_text(json.dumps([entry] * 3))
    return run


def test_a_reader_that_goes_away_is_nothing_to_complain_of(archive: Path, bundle: Path) -> None:
    generate = ("generate", bundle, "--context", CONTEXTS[0], "-n", "600")
    for words in (("archive", archive, "--json"), ("show", bundle), generate):
        reading, writing = os.pipe()
        os.close(reading)
        done = process(*words, stdout=writing)
        os.close(writing)
        assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device here")
def test_a_full_disk_is_said_once(bundle: Path) -> None:
    with open("/dev/full", "wb") as full:
        done = process("show", bundle, stdout=full)
    assert done.returncode == 1
    assert done.stderr.decode() == "gamut: No space left on device\n"


def test_results_are_utf8_whatever_the_locale(bundle: Path) -> None:
    done = process("show", bundle, PYTHONIOENCODING="ascii", LC_ALL="C")
    assert (done.returncode, done.stderr) == (0, b"")
    assert "“much”. ☕" in done.stdout.decode("utf-8")


def test_a_file_whose_name_is_not_text_can_be_checked(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/my\xff.yaml"))
    try:
        saved(tmp_path, content(), path.name)
    except OSError:
        pytest.skip("file names are text here")
    done = process("context", "check", path)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"ok" in done.stdout
