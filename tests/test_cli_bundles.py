"""The commands about bundles: generate, show, verify."""

import json
import shutil
from pathlib import Path

import pytest
from bundle_files import altered, contents, made, parts, personas, zipped
from command_line import ELDERS, gamut, made_bundle, refused
from context_files import content, saved

from generators.program import parse

FOR_ELDERS = ("--context", ELDERS)
MIX = "baseline:covering_mix"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_bundle(tmp_path_factory.mktemp("bundles") / "elite")


# ---- generate


def test_generate_writes_the_same_to_a_file_and_to_standard_output(
    bundle: Path, tmp_path: Path
) -> None:
    out = tmp_path / "people.jsonl"
    to_file = gamut("generate", bundle, *FOR_ELDERS, "-n", "7", "--seed", "2", "--out", out)
    printed = gamut("generate", bundle, *FOR_ELDERS, "-n", "7", "--seed", "2")
    assert (to_file.out, to_file.err) == ("", f"7 personas: {out}\n")
    assert (printed.out, printed.err) == (out.read_text("utf-8"), "")
    assert gamut("generate", bundle, *FOR_ELDERS, "-n", "7").out != printed.out
    records = [json.loads(line) for line in printed.out.splitlines()]
    assert all(record["schema"] == "gamut/persona/1" for record in records)
    assert all(set(record["traits"]) == {"paper_life", "lured_in"} for record in records)


def test_generate_makes_ten_thousand_in_chunks(bundle: Path, tmp_path: Path) -> None:
    out = tmp_path / "people.jsonl"
    gamut("generate", bundle, *FOR_ELDERS, "-n", "10000", "--out", out)
    records = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert len({record["id"] for record in records}) == len(records) == 10_000
    first, second = ({r["description"] for r in records[i : i + 256]} for i in (0, 256))
    assert first != second


def test_generate_needs_only_the_public_part(bundle: Path, tmp_path: Path) -> None:
    data = content("zest", "calm")
    whole = saved(tmp_path, data, "whole.yaml")
    for axis in data["axes"]:
        del axis["hidden"]
    public = saved(tmp_path, data, "public.yaml")
    made_for = [gamut("generate", bundle, "--context", c, "-n", "5").out for c in (whole, public)]
    assert made_for[0] == made_for[1]


def test_a_zip_is_the_same_bundle(bundle: Path, tmp_path: Path) -> None:
    path = zipped(tmp_path / "elite.zip", contents(bundle))
    from_zip, from_folder = (gamut("generate", b, *FOR_ELDERS, "-n", "3") for b in (path, bundle))
    assert from_zip.out == from_folder.out
    assert gamut("show", path).out == gamut("show", bundle).out
    assert gamut("verify", path).out.endswith("verified\n")


@pytest.mark.parametrize("command", ["generate", "show", "verify"])
def test_a_bundle_that_is_not_right_is_refused(command: str, bundle: Path, tmp_path: Path) -> None:
    words = FOR_ELDERS if command == "generate" else ()
    for file in ("program.py", "card.yaml", "maps/first_pairs.png"):
        other = shutil.copytree(bundle, tmp_path / f"changed-{Path(file).stem}")
        changed = bytearray((other / file).read_bytes())
        changed[len(changed) // 2] ^= 1
        (other / file).write_bytes(changed)
        refused(command, other, *words, said=(f"gamut: {other}: {file}: ",))
        (other / file).unlink()
        refused(command, other, *words, said=(f"gamut: {other}: {file}: ", "missing"))
    refused(command, "gallery:nothing", *words, said=("gallery:nothing: no such bundle",))
    refused(command, tmp_path / "no", *words, said=(f"{tmp_path / 'no'}: there is no such bundle",))


def test_generate_refuses_a_file_that_cannot_be_written_before_it_works(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def called(*_: object, **__: object) -> None:
        raise AssertionError("the program was run")

    monkeypatch.setattr("generators.generator.Generator.__call__", called)
    for out, said in (
        (tmp_path / "no" / "people.jsonl", f"no folder {tmp_path / 'no'}"),
        (tmp_path, "folder"),
        (tmp_path / "people.csv", "JSON Lines"),
    ):
        refused("generate", bundle, *FOR_ELDERS, "--out", out, said=(f"gamut: {out}: ", said))
    assert list(tmp_path.iterdir()) == []


def fruitless(folder: Path) -> Path:
    """A bundle whose program yields nobody."""
    program = parse("def generate(context, n, rng):\n    return []")
    recorded = parts()["provenance"] | {"program_hash": program.hash}
    return made(folder, program=program, personas=personas(program), provenance=recorded)


def test_a_program_that_fails_is_named_and_leaves_no_file(tmp_path: Path) -> None:
    bundle, out = fruitless(tmp_path / "bad"), tmp_path / "people.jsonl"
    said = gamut("generate", bundle, *FOR_ELDERS, "--out", out, status=1)
    assert said.err.startswith(f"gamut: {bundle}: its program does not make them: ")
    assert "0 personas; 25 were asked for" in said.err
    assert [path.name for path in tmp_path.iterdir()] == ["bad"]
    said = gamut("compare", bundle, MIX, *FOR_ELDERS, "-n", "2", "--seeds", "2", status=1)
    assert said.err.startswith(f"gamut: {bundle}: its program does not make them: ")
    said = gamut("verify", bundle, status=1)
    assert said.err == ""
    assert said.out.endswith("NOT as recorded\n")


def test_without_a_jail_a_strangers_program_needs_trust(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("generators.bundle.trust.is_made_here", lambda _: False)
    monkeypatch.setattr("generators.bundle.trust.sandbox_state", lambda: {"level": "monty"})
    words = [("generate", bundle, *FOR_ELDERS, "-n", "2"), ("verify", bundle)]
    words.append(("compare", bundle, MIX, *FOR_ELDERS, "-n", "2", "--seeds", "2"))
    for command in words:
        refused(*command, said=(str(bundle), "--trust"))
        gamut(*command, "--trust")


# ---- show and verify


def test_show_as_json_has_every_part(bundle: Path) -> None:
    shown = json.loads(gamut("show", bundle, "--json").out)
    assert set(shown) == {"card", "scorecards", "program", "provenance"}
    assert shown["program"] in gamut("show", bundle).out
    assert shown["provenance"]["populations"][0]["seed"] == 3


def test_show_spells_out_what_a_terminal_would_act_on(tmp_path: Path) -> None:
    strange = "\x1b]0;mine\x07 \x9b2J \u202egnirts"
    bundle = altered(tmp_path / "strange", "scorecards.json", 0, "verdict", to=strange)
    assert gamut("show", bundle).out.replace("\n", "").isprintable()
    assert "\\x1b]0;mine\\x07 \\x9b2J \\u202egnirts" in gamut("show", bundle).out


def test_verify_in_words_and_as_json(bundle: Path) -> None:
    assert gamut("verify", bundle).out.splitlines()[-1] == "verified"
    found = json.loads(gamut("verify", bundle, "--json").out)
    assert set(found) == {"ok", "checked", "mismatches"}
    assert found["ok"] is True
    assert found["mismatches"] == []
