"""Bundles of strangers: whatever is wrong with one is refused, named, and does no harm."""

import contextlib
import json
import os
import random
import socket
import stat
import struct
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bundle_files import GONE, LINES, altered, contents, made, png, refused, resum, tampered, zipped
from context_files import content

from generators.bundle import read_bundle
from generators.errors import InputError

BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAMUT_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return made(tmp_path / "b")


# Files that are missing, added or changed


@pytest.mark.parametrize(
    "name",
    ["program.py", "card.yaml", "scorecards.json", LINES, "provenance.json", "SHA256SUMS"],
)
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    refused(folder, f"{name}: is missing")


def test_a_missing_map_is_named(folder: Path) -> None:
    (folder / "maps" / "first_pairs.png").unlink()
    refused(folder, "maps/first_pairs.png: is missing, but listed in SHA256SUMS")


@pytest.mark.parametrize("name", sorted(["program.py", "card.yaml", LINES, "maps/first_pairs.png"]))
def test_a_changed_byte_is_found(folder: Path, name: str) -> None:
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    refused(folder, f"{name}: was changed")


@pytest.mark.parametrize(
    "name",
    [
        ".DS_Store", "notes.txt", "__init__.py", "program.pyc", "maps/x.svg", "maps/.x.png",
        "maps/x.png.py", "maps/con.png", "maps/\x1b[2J.png", "maps/é.png", "x.png",
    ],
)  # fmt: skip
def test_a_file_too_many_is_named(folder: Path, name: str) -> None:
    (folder / name).write_bytes(png())
    resum(folder)
    refused(folder, name.replace("\x1b", "�"))


@pytest.mark.parametrize("name", ["inner", "maps/inner", "MAPS"])
def test_a_folder_too_many_is_named(folder: Path, name: str) -> None:
    (folder / name).mkdir()
    refused(folder, f"{name}: is a folder")


def test_another_spelling_is_refused(folder: Path) -> None:
    (folder / "program.py").rename(folder / "Program.py")
    resum(folder)
    refused(folder, "Program.py: should be spelt program.py")


def test_names_that_are_one_to_some_systems_are_refused(folder: Path) -> None:
    (folder / "maps" / "FIRST_PAIRS.png").write_bytes(png())
    resum(folder)
    refused(folder, "only in capital letters")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: s.split("\n", 1)[1], "is not listed"),
        (lambda s: s + f"{'0' * 64}  gone.txt\n", "gone.txt: is missing"),
        (lambda s: s + s, "twice"),
        (lambda s: s.replace("  ", " *"), "line 1"),
        (lambda s: s + f"{'0' * 64}  ../../etc/passwd\n", "is missing"),
        (lambda s: s + "\x1b[2J\n", "is not a checksum"),
        (lambda s: "", "is not listed"),
    ],
)
def test_checksums_list_exactly_the_files(
    folder: Path, change: Callable[[str], str], said: str
) -> None:
    (folder / "SHA256SUMS").write_text(change((folder / "SHA256SUMS").read_text()))
    refused(folder, said)


# Things that are no files


@pytest.mark.parametrize("name", ["program.py", "maps/x.png"])
def test_a_pipe_does_not_hang(folder: Path, name: str) -> None:
    (folder / name).unlink(missing_ok=True)
    os.mkfifo(folder / name)
    refused(folder, f"{name}: is a pipe")
    refused(folder / name, "is a pipe")


@pytest.mark.parametrize("name", ["program.py", "maps", "maps/first_pairs.png"])
def test_links_inside_are_refused(folder: Path, name: str, tmp_path: Path) -> None:
    (folder / name).rename(tmp_path / "elsewhere")
    (folder / name).symlink_to(tmp_path / "elsewhere")
    refused(folder, f"{name}: is a link")


def test_a_link_of_the_user_to_a_bundle_is_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    assert read_bundle(tmp_path / "link").program == read_bundle(folder).program
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    refused(tmp_path / "loop")


def test_sockets_and_devices_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "program.py").unlink()
    monkeypatch.chdir(folder)  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as line:
        line.bind("program.py")
        refused(folder, "program.py: is a socket")
    refused("/dev/zero", "is a device")


@pytest.mark.parametrize("content", [b"", b"print(1)", b"\0" * 300, b"\xff\xfe", b"PK", b"PK\5\6"])
def test_a_file_that_is_no_bundle_is_refused(tmp_path: Path, content: bytes) -> None:
    for name in ("b", "b.zip"):
        (tmp_path / name).write_bytes(content)
        refused(tmp_path / name)


# Too much


def test_too_many_files_are_not_all_listed(folder: Path) -> None:
    for number in range(600):
        (folder / "maps" / f"{number}.json").touch()
    refused(folder, "more than 500 files")


def test_large_files_are_refused_before_they_are_read(folder: Path) -> None:
    os.truncate(folder / LINES, 1 << 40)
    refused(folder, LINES, "at most 20.0 MB are read")


def test_many_large_files_are_refused_before_they_are_read(folder: Path) -> None:
    for number in range(11):
        (folder / "maps" / f"{number}.json").touch()
        os.truncate(folder / "maps" / f"{number}.json", 19_000_000)
    refused(folder, "at most 200.0 MB are read")


# Zips


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("../program.py", '".."'),
        ("maps/../../x.png", '".."'),
        ("maps//x.png", "empty part"),
        ("./x", '"."'),
        ("/etc/passwd", "absolute"),
        ("C:/x.png", "drive letter"),
        ("c:x.png", "drive letter"),
        ("maps\\x.png", "backslash"),
        ("..\\..\\x", "backslash"),
        ("PROGRAM.py", "only in capital letters"),
        ("maps/a/b.png", "lies in a folder inside maps/"),
        ("x/", "is a folder"),
        ("__MACOSX/._program.py", "does not belong"),
        ("x.pkl", "does not belong"),
    ],
)
def test_paths_in_a_zip_stay_in_the_bundle(
    folder: Path, tmp_path: Path, path: str, said: str
) -> None:
    refused(zipped(tmp_path / "b.zip", {**contents(folder), path: b""}), said)


@pytest.mark.parametrize("top", ["../", "/", "a/../", "C:/", "a\\", "./"])
def test_the_top_folder_of_a_zip_is_no_way_out(folder: Path, tmp_path: Path, top: str) -> None:
    refused(zipped(tmp_path / "b.zip", contents(folder), top))


def test_two_top_folders_are_refused(folder: Path, tmp_path: Path) -> None:
    files = {f"a/{name}": content for name, content in contents(folder).items()}
    refused(zipped(tmp_path / "b.zip", {**files, "b/program.py": b"x"}), "program.py: is missing")


def test_an_entry_that_is_there_twice_is_refused(folder: Path, tmp_path: Path) -> None:
    file = zipped(tmp_path / "b.zip", contents(folder))
    with (
        zipfile.ZipFile(file, "a") as archive,
        pytest.warns(UserWarning, match="Duplicate"),
    ):
        archive.writestr("program.py", "other")
    refused(file, "program.py: is there twice")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK])
def test_entries_that_are_no_files_are_refused(folder: Path, tmp_path: Path, kind: int) -> None:
    refused(zipped(tmp_path / "b.zip", contents(folder), mode=kind | 0o777), "is a ")


def test_a_bomb_is_refused_unread(folder: Path, tmp_path: Path) -> None:
    files = {**contents(folder), "maps/x.json": b" " * 19_000_000}
    refused(zipped(tmp_path / "b.zip", files), "maps/x.json", "200 times")
    files = {**contents(folder), "maps/x.json": b" " * 21_000_000}
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    refused(tmp_path / "c.zip", "maps/x.json", "at most 20.0 MB")


def test_what_a_zip_declares_is_not_believed(folder: Path, tmp_path: Path) -> None:
    bomb = {**contents(folder), "maps/x.json": b" " * 50_000_000}
    raw = zipped(tmp_path / "b.zip", bomb).read_bytes()
    (tmp_path / "b.zip").write_bytes(
        raw.replace(struct.pack("<I", 50_000_000), struct.pack("<I", 1_000))
    )
    tracemalloc.start()
    refused(tmp_path / "b.zip", "maps/x.json")
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


def test_a_zip_with_too_many_entries_is_refused_unlisted(tmp_path: Path) -> None:
    for count in (501, 30_000):
        with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
            for number in range(count):
                archive.writestr(f"{number}", b"")
        started = time.monotonic()
        refused(tmp_path / "b.zip", "more than 500 files")
        assert time.monotonic() - started < 1


@pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_packings_are_refused(folder: Path, tmp_path: Path, packing: int) -> None:
    with zipfile.ZipFile(tmp_path / "b.zip", "w", packing) as archive:
        for path, content in contents(folder).items():
            archive.writestr(path, content)
    refused(tmp_path / "b.zip", "stored or deflated")


def test_an_encrypted_entry_is_refused(folder: Path, tmp_path: Path) -> None:
    raw = bytearray(zipped(tmp_path / "b.zip", contents(folder)).read_bytes())
    raw[raw.index(b"PK\1\2") + 8] |= 1
    (tmp_path / "b.zip").write_bytes(raw)
    refused(tmp_path / "b.zip", "is encrypted")


def test_a_broken_zip_is_refused_or_whole(folder: Path, tmp_path: Path) -> None:
    raw = zipped(tmp_path / "b.zip", contents(folder)).read_bytes()
    whole, rng = read_bundle(tmp_path / "b.zip"), random.Random(1)
    for _ in range(1_000):
        broken = bytearray(raw)
        for _ in range(rng.choice((1, 1, 3, 10))):
            at = rng.choice((rng.randrange(len(raw)), rng.randrange(len(raw) * 3 // 4, len(raw))))
            broken[at] = rng.choice((0, 255, rng.randrange(256)))
        cut = broken[: rng.randrange(len(raw))] if rng.random() < 0.1 else broken
        (tmp_path / "b.zip").write_bytes(cut)
        with contextlib.suppress(InputError):
            read = read_bundle(tmp_path / "b.zip")
            assert (read.program, read.personas) == (whole.program, whole.personas)


# What stands in the files


def test_a_newer_bundle_asks_for_an_upgrade(tmp_path: Path) -> None:
    newer = altered(tmp_path / "b", "provenance.json", "schema", to="gamut/bundle/2")
    refused(newer, "provenance.json", "gamut/bundle/2 is newer", "upgrade Gamut")
    made(tmp_path / "c")
    (tmp_path / "c" / "later.json").write_text("{}")
    refused(tmp_path / "c", "later.json", "upgrade Gamut")


HIDDEN = content("zest")["axes"][0]["hidden"]
FIRST = ("populations", 0, "context")


@pytest.mark.parametrize(
    ("file", "keys", "to", "said"),
    [
        ("provenance.json", ["schema"], GONE, "schema: missing"),
        ("provenance.json", ["schema"], "gamut/context/1", "schema"),
        ("provenance.json", ["program_hash"], "0" * 64, "program.py: is not the program"),
        ("provenance.json", ["program_hash"], "../x", "program_hash"),
        ("provenance.json", ["run_seed"], -1, "run_seed"),
        ("provenance.json", ["gamut_version"], GONE, "gamut_version: missing"),
        ("provenance.json", ["populations"], GONE, "populations: missing"),
        ("provenance.json", ["populations", 0, "n"], 3, "4 records"),
        ("provenance.json", ["populations", 0, "n"], 10**30, "populations[0].n"),
        ("provenance.json", ["populations", 0, "seed"], 5, "provenance.seed: should be 5"),
        ("provenance.json", ["populations", 0, "seed"], 10**400, "populations[0].seed"),
        ("provenance.json", [*FIRST, "axes"], [], "populations[0].context.axes"),
        ("provenance.json", [*FIRST, "axes", 0, "hidden"], HIDDEN, "hidden part"),
        ("provenance.json", [*FIRST, "\x1b[2J"], 1, "unknown key"),
        ("scorecards.json", [0, "n"], "many", "[0].n"),
        ("scorecards.json", [0, "points", 0], [0.1], "[0].points: a row should have 2"),
        ("scorecards.json", [0, "points", 0, 0], 1.5, "[0].points[0][0]"),
        ("scorecards.json", [0, "metrics", "kl", "value"], 10**400, "[0].metrics.kl.value"),
        ("scorecards.json", [0, "metrics", "kl"], 3, "[0].metrics.kl"),
        ("scorecards.json", [0, "verdict"], GONE, "[0].verdict: missing"),
        (LINES, ["schema"], "gamut/persona/2", "line 1: should be an object with schema"),
        (LINES, ["description"], "", "line 1: description: is empty"),
        (LINES, ["surprise"], 1, "line 1: unknown key 'surprise'"),
        (LINES, ["provenance"], GONE, "provenance.context: should be first_context"),
        (LINES, ["provenance", "program_hash"], "0" * 64, "line 1: provenance.program_hash"),
        (LINES, ["id"], "first_context-0-p00001", "is there twice"),
        (LINES, ["traits", "zest"], 7, "line 1: traits.zest"),
    ],
)
def test_what_is_not_as_it_should_be_is_named(
    tmp_path: Path, file: str, keys: list[str | int], to: Any, said: str
) -> None:
    refused(altered(tmp_path / "b", file, *keys, to=to), said)


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("program.py", "import os\n", "line 1: import of os is not allowed"),
        ("program.py", "def generate(context, n, rng):\n    return eval('1')\n", "eval"),
        ("program.py", "x = (" * 300, "not Python"),
        ("program.py", "x = " + "-" * 60_000 + "1", "program.py"),
        ("program.py", "x = 'a\0b'", "program.py"),
        ("program.py", b"\xff\xfe", "is not UTF-8 at byte 0"),
        ("card.yaml", "!!python/object/apply:os.system [echo]", "tags"),
        ("card.yaml", "!!python/name:os.system", "tags"),
        ("card.yaml", b"\x80\x04cos\nsystem\n(S'touch owned'\ntR.", "is not UTF-8"),
        ("card.yaml", BOMB, "anchors"),
        ("card.yaml", "[" * 100_000, "nest"),
        ("card.yaml", "name: a\nname: b\n", "'name' is there twice"),
        ("card.yaml", "when: 2024-01-01\n", "put it in quotes"),
        ("card.yaml", "when: 2024-99-99\n", "card.yaml"),
        ("card.yaml", "1: a\n", "is not text"),
        ("card.yaml", "x: .nan\n", "nan is not a number"),
        ("card.yaml", "x: " + "9" * 10_000, "card.yaml"),
        ("card.yaml", "just text", "should be a mapping"),
        ("card.yaml", "", "should be a mapping"),
        ("card.yaml", "a: [", "line"),
        ("card.yaml", "a: 1\n---\nb: 2\n", "card.yaml"),
        ("card.yaml", "a: " + "x" * 1_000_000, "at most 200,000 bytes"),
        ("scorecards.json", "[" * 100_000, "nested too deeply"),
        ("scorecards.json", "[" * 100 + "]" * 100, "nested more than 40"),
        ("scorecards.json", "[NaN]", "NaN is no JSON number"),
        ("scorecards.json", "[1e999]", "too large a number"),
        ("scorecards.json", "[" + "9" * 5_000 + "]", "scorecards.json"),
        ("scorecards.json", '[{"n": 1, "n": 2}]', "'n' is there twice"),
        ("scorecards.json", "{}", "should be a list"),
        ("scorecards.json", "[1]", "[0]"),
        ("provenance.json", "[]", "should be a JSON object"),
        ("provenance.json", "\ufeff{}", "not valid JSON"),
        (LINES, "", "0 records"),
        (LINES, "\n\n\n\n", "line 1: is not valid JSON"),
        (LINES, "1\n" * 4, "line 1: should be an object"),
        ("maps/first_coverage.json", "{", "maps/first_coverage.json: is not valid JSON"),
        ("maps/first_pairs.png", "<script>", "not a PNG"),
        ("maps/first_pairs.png", png() + b"<script>", "not a PNG"),
        ("maps/first_pairs.png", png(50_000, 50_000), "not a PNG image of a reasonable size"),
        ("maps/first_pairs.png", b"", "not a PNG"),
    ],
)
def test_files_of_another_kind_are_refused(
    tmp_path: Path, file: str, text: str | bytes, said: str
) -> None:
    refused(tampered(tmp_path / "b", file, text), file, said)


def test_a_large_card_and_large_records_are_read_quickly(tmp_path: Path) -> None:
    folder = made(tmp_path / "b", card={"text": ["word " * 100] * 300})
    (folder / "scorecards.json").write_text(json.dumps([[[]] * 500_000]))
    resum(folder)
    started = time.monotonic()
    refused(folder, "scorecards.json")
    assert time.monotonic() - started < 5
