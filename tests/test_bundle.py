"""Bundles: written, read back, verified by running them again, and trusted or not."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bundle_files import (
    CONTEXTS,
    PROGRAM,
    altered,
    contents,
    made,
    parts,
    personas,
    refused,
    resum,
    zipped,
)
from context_files import content, saved
from hypothesis import example, given, settings
from hypothesis import strategies as st

import generators
from generators.bundle import read_bundle, trust, verify_bundle, write_bundle, write_pointer
from generators.bundle.plain import read_yaml, yaml_text
from generators.errors import InputError
from generators.generator import generate
from generators.persona import Persona, read_personas
from generators.program import parse
from generators.sandbox import Sandbox

FILES = {"program.py", "card.yaml", "scorecards.json", "personas.jsonl", "provenance.json"}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GAMUT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as opened:
        yield opened


@pytest.fixture
def stranger(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bundle of somebody else, on a machine without a jail."""
    made(tmp_path / "stranger")
    (cache / "made_here").unlink()
    state = {"level": "monty", "why": "bubblewrap (bwrap) is not installed"}
    monkeypatch.setattr(trust, "sandbox_state", lambda: state)
    return tmp_path / "stranger"


# Writing and reading


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    given = parts(personas=[p.model_copy(update={"id": f"x{i}"}) for i, p in enumerate(personas())])
    write_bundle(tmp_path / "b", **given)
    bundle = read_bundle(tmp_path / "b")
    assert bundle.name == str(tmp_path / "b")
    assert bundle.program == PROGRAM
    assert (bundle.card, list(bundle.scorecards)) == (given["card"], given["scorecards"])
    assert list(bundle.personas) == given["personas"]
    assert [p.context for p in bundle.populations] == CONTEXTS
    assert bundle.maps == ("first_coverage.json", "first_pairs.png")
    assert bundle.provenance == given["provenance"]
    assert bundle.files == len(contents(tmp_path / "b")) == 8


def test_the_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    first = contents(made(tmp_path / "a"))
    backwards = dict(reversed(parts()["provenance"].items()))
    assert contents(made(tmp_path / "b", provenance=backwards)) == first
    assert set(first) == FILES | {"SHA256SUMS", "maps/first_pairs.png", "maps/first_coverage.json"}
    sums = first["SHA256SUMS"].decode().splitlines()
    paths = [line.split("  ")[1] for line in sums]
    assert paths == sorted(set(first) - {"SHA256SUMS"})
    assert all(content.endswith(b"\n") for path, content in first.items() if "maps" not in path)
    assert b"0.30000000000000004" in first["scorecards.json"]
    assert "☕".encode() in first["personas.jsonl"]


def test_sha256sum_agrees(tmp_path: Path) -> None:
    folder = made(tmp_path / "b")
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=folder, check=True)


def test_ids_taken_in_several_populations_are_told_apart(tmp_path: Path) -> None:
    folder = made(tmp_path / "b")
    ids = [p.id for p in read_personas(folder / "personas.jsonl")]
    assert ids[:2] == ["first_context-0-p00000", "first_context-0-p00001"]
    assert ids[2] == "second_context-1-p00000"


def test_a_new_bundle_takes_the_place_of_an_older_one(tmp_path: Path) -> None:
    folder = made(tmp_path / "deep" / "b")
    (folder / "card.yaml").write_text("broken")
    made(folder, card={"name": "newer"}, maps={})
    assert read_bundle(folder).card == {"name": "newer"}
    assert read_bundle(folder).maps == ()
    assert [path.name for path in folder.parent.iterdir()] == ["b"]


def test_what_is_no_bundle_is_not_replaced(tmp_path: Path) -> None:
    kept = saved(tmp_path, "years of work", "thesis.txt")
    for target in (tmp_path, kept):
        with pytest.raises(InputError, match="there already"):
            made(target)
    (tmp_path / "empty").mkdir()
    made(tmp_path / "empty")
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    with pytest.raises(InputError, match="there already"):
        made(tmp_path / "link")
    assert kept.read_text() == "years of work"


def test_a_failed_write_leaves_the_old_bundle_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = made(tmp_path / "runs" / "b")
    before = contents(folder)
    rename = Path.rename

    def full_disk(self: Path, target: Path) -> Path:
        if self.suffix == ".part":
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", full_disk)
    with pytest.raises(InputError, match="No space left"):
        made(folder, card={"name": "newer"})
    assert contents(folder) == before
    assert list(folder.parent.iterdir()) == [folder]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"personas": personas()[:3]}, "3 records"),
        ({"personas": personas()[::-1]}, "provenance.context: should be first_context"),
        (
            {"personas": personas(parse("def generate(context, n, rng):\n    return 1"))},
            "program_h",
        ),
        ({"card": {}}, "card.yaml"),
        ({"card": {"x": object()}}, "card.yaml: cannot be written"),
        ({"card": {"x": float("nan")}}, "card.yaml: cannot be written"),
        ({"scorecards": [{"context": "c"}]}, "scorecards.json"),
        ({"maps": {"../x.png": b""}}, '".."'),
        ({"maps": {"x.svg": b"<svg/>"}}, "maps/x.svg"),
        ({"maps": {"x.png": b"<svg/>"}}, "not a PNG"),
        ({"provenance": {**parts()["provenance"], "program_hash": "0" * 64}}, "program_hash"),
        ({"provenance": {**parts()["provenance"], "created": "today"}}, "created"),
    ],
)
def test_parts_that_do_not_agree_are_not_written(
    tmp_path: Path, changed: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError) as caught:
        made(tmp_path / "b", **changed)
    assert said in str(caught.value)
    assert not (tmp_path / "b").exists()


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(VALUES)
@example("\x85")
@example({"\u2028": "a\u2029b \x85"})
@settings(deadline=None)
def test_a_card_may_hold_whatever_json_holds(value: Any) -> None:
    card = {"value": value}
    assert read_yaml("b", "card.yaml", yaml_text(card)) == card


# Ways to name a bundle


@pytest.mark.parametrize("top", ["", "some folder/"])
def test_a_zip_is_read_at_its_root_or_in_one_folder(tmp_path: Path, top: str) -> None:
    folder = made(tmp_path / "b")
    file = zipped(tmp_path / "b.zip", contents(folder), top)
    assert read_bundle(str(file)).personas == read_bundle(folder).personas


def test_a_zip_made_by_python_with_entries_of_folders_is_read(tmp_path: Path) -> None:
    folder = made(tmp_path / "b")
    command = [sys.executable, "-m", "zipfile", "-c", "b.zip", "b/"]
    subprocess.run(command, cwd=tmp_path, check=True)
    assert read_bundle(tmp_path / "b.zip").card == read_bundle(folder).card


def test_a_pointer_opens_the_folder_beside_it(tmp_path: Path) -> None:
    made(tmp_path / "archive" / "2-3_elite")
    write_pointer(tmp_path / "archive" / "best", "2-3_elite")
    assert (tmp_path / "archive" / "best").read_text() == "2-3_elite\n"
    bundle = read_bundle(tmp_path / "archive" / "best")
    assert (bundle.program, bundle.name) == (PROGRAM, str(tmp_path / "archive" / "best"))
    refused(tmp_path, "is a run", "archive/best")


@pytest.mark.parametrize(
    "to",
    ["../b", "/etc", "inner/b", "..", ".", "", "b\0", "C:b", "a\\b", "link", "gone", "x" * 300],
)
def test_a_pointer_leads_nowhere_else(tmp_path: Path, to: str) -> None:
    made(tmp_path / "b")
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / "link").symlink_to(tmp_path / "b")
    saved(tmp_path, to, "archive/best")
    refused(tmp_path / "archive" / "best")
    if to not in ("link", "gone"):
        with pytest.raises(InputError, match="not the name of a folder"):
            write_pointer(tmp_path / "archive" / "best", to)


@pytest.mark.parametrize("name", ["nothing", "../gallery", "__init__.py", ""])
def test_an_unknown_name_of_the_gallery_lists_the_known_ones(name: str) -> None:
    refused(f"gallery:{name}", "no such bundle; known:")


def test_the_gallery_is_found_by_name_and_trusted(
    tmp_path: Path, stranger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zipped(tmp_path / "demo.zip", contents(stranger))
    monkeypatch.setattr("generators.gallery._HERE", tmp_path)
    assert generators.load("gallery:demo").program == PROGRAM
    refused("gallery:other", "known: demo")


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    refused(tmp_path / "gone", "no such bundle")


# Loading and trust


def test_importing_generators_is_cheap() -> None:
    heavy = "{'numpy', 'pydantic', 'yaml', 'pydantic_monty'} & set(sys.modules)"
    code = f"import sys, generators; sys.exit(bool({heavy}) or not callable(generators.load))"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_three_lines_make_personas(tmp_path: Path) -> None:
    folder = made(tmp_path / "b")
    file = saved(tmp_path, content())
    generator = generators.load(folder)
    people = generator(file, n=3, seed=1)
    generator.close()
    assert len(people) == 3
    assert set(people[0].traits or {}) == {"zest", "calm", "trust"}


def test_a_stranger_without_a_jail_needs_a_word_of_trust(stranger: Path) -> None:
    with pytest.raises(InputError) as caught:
        generators.load(stranger)
    for part in (str(stranger), "--trust", "trust=True", "bwrap) is not installed"):
        assert part in str(caught.value)
    assert generators.load(stranger, trust=True).program == PROGRAM


def test_a_jail_is_enough(stranger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust, "sandbox_state", lambda: {"level": "monty+bwrap", "why": ""})
    assert generators.load(stranger).program == PROGRAM


def test_what_was_made_here_is_trusted_wherever_it_lies(stranger: Path, cache: Path) -> None:
    made(stranger.with_name("own"))
    made(stranger.with_name("own"))
    assert (cache / "made_here").read_text() == f"{PROGRAM.hash}\n"
    assert generators.load(stranger).program == PROGRAM


def test_a_cache_that_cannot_be_used_does_no_harm(
    stranger: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = saved(cache, "", "file")
    monkeypatch.setenv("GAMUT_CACHE", str(blocked))
    made(stranger.with_name("own"))
    with pytest.raises(InputError, match="--trust"):
        generators.load(stranger.with_name("own"))


# Verifying


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory, sandbox: Sandbox) -> Path:
    """A bundle whose personas its program has really made."""
    people: list[Persona] = []
    for seed, context in enumerate(CONTEXTS):
        origin = {"context": context.id, "seed": seed, "program_hash": PROGRAM.hash}
        some = generate(sandbox, PROGRAM, context, 2, seed)
        people += [p.model_copy(update={"provenance": origin}) for p in some]
    folder = tmp_path_factory.mktemp("lived")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GAMUT_CACHE", str(folder / "cache"))
        return made(folder / "b", personas=people)


def test_a_bundle_that_is_as_recorded_verifies(lived: Path, sandbox: Sandbox) -> None:
    found = verify_bundle(lived, sandbox)
    assert (found.ok, found.mismatches) == (True, ())
    assert "8 files" in found.checked[0]
    assert found.checked[-1] == "second_context, 2 personas, seed 1: made again as recorded"


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("description", "Somebody else.", "persona 2: description: recorded 'Somebody else.'"),
        ("name", "Nobody", "persona 2: name: recorded 'Nobody', made again"),
        ("traits", {"zest": 0.123, "calm": 0.5}, "persona 2: traits: zest: recorded 0.123,"),
        ("goal", "Rest.", "persona 2: goal: recorded 'Rest.', made again None"),
    ],
)
def test_the_first_difference_is_told_in_words(
    tmp_path: Path, lived: Path, sandbox: Sandbox, field: str, value: Any, said: str
) -> None:
    folder = copied(lived, tmp_path / "b")
    lines = (folder / "personas.jsonl").read_text().split("\n")
    lines[1] = json.dumps({**json.loads(lines[1]), field: value})
    (folder / "personas.jsonl").write_text("\n".join(lines))
    resum(folder)
    found = verify_bundle(folder, sandbox)
    assert not found.ok
    assert len(found.mismatches) == 1
    assert f"first_context, 2 personas, seed 0: {said}" in found.mismatches[0]
    assert found.checked[-1].startswith("second_context")


def test_the_last_bits_of_a_level_are_no_difference(
    tmp_path: Path, lived: Path, sandbox: Sandbox
) -> None:
    folder = copied(lived, tmp_path / "b")
    lines = (folder / "personas.jsonl").read_text().split("\n")
    record = json.loads(lines[0])
    record["traits"] = {axis: level + 1e-15 for axis, level in record["traits"].items()}
    (folder / "personas.jsonl").write_text("\n".join([json.dumps(record), *lines[1:]]))
    resum(folder)
    assert verify_bundle(folder, sandbox).ok


def test_a_program_that_fails_does_not_verify(tmp_path: Path, sandbox: Sandbox) -> None:
    broken = parse("def generate(context, n, rng):\n    return [1 // 0]")
    provenance = {**parts()["provenance"], "program_hash": broken.hash}
    folder = made(tmp_path / "b", program=broken, personas=personas(broken), provenance=provenance)
    found = verify_bundle(folder, sandbox)
    assert not found.ok
    assert "does not make them" in found.mismatches[0]
    assert "ZeroDivisionError" in found.mismatches[0]


def test_nothing_recorded_is_nothing_verified(tmp_path: Path, sandbox: Sandbox) -> None:
    provenance = {**parts()["provenance"], "populations": []}
    folder = made(tmp_path / "b", personas=[], provenance=provenance)
    assert not verify_bundle(folder, sandbox).ok


def test_a_broken_bundle_is_refused_before_anything_runs(tmp_path: Path, sandbox: Sandbox) -> None:
    folder = altered(tmp_path / "b", "provenance.json", "program_hash", to="f" * 64)
    with pytest.raises(InputError, match="program_hash differs"):
        verify_bundle(folder, sandbox)


def copied(source: Path, target: Path) -> Path:
    for path, content_ in contents(source).items():
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        (target / path).write_bytes(content_)
    return target
