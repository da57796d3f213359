"""Personas: the record, and files of them that are read, refused and written."""

import io
import json
import math
import os
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from generators import persona as module
from generators.errors import InputError
from generators.persona import Persona, read_personas, write_personas

FULL: dict[str, Any] = {
    "id": "p1",
    "name": "Ana Ruiz",
    "description": "Ana fixes boats.\nShe talks to a machine every night — “for company”. ☕",
    "traits": {"isolation": 0.25, "trust": 1.0},
    "demographics": {"age": "34", "town": "Vigo"},
    "beliefs": ["Work is prayer.", "Banks lie."],
    "goal": "Sleep through.",
    "opening_message": "Are you there?",
    "communication_style": "terse",
    "memories": ["The storm of the year she was ten."],
    "safety_tags": ["grief"],
    "provenance": {"run": "demo", "seed": 3, "model": None},
}


def saved(tmp_path: Path, name: str, content: str | bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


def jsonl(*records: Any) -> str:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def refused(path: Path, *parts: str) -> str:
    """The message of the refusal, which names the file and all the parts."""
    with pytest.raises(InputError) as caught:
        read_personas(path)
    message = str(caught.value)
    for part in (str(path), *parts):
        assert part in message
    return message


# The record


def test_a_persona_needs_id_name_and_description_only() -> None:
    persona = Persona(id="a", name="A", description="  Likes rain. ")
    assert persona.description == "Likes rain."
    assert (persona.traits, persona.demographics, persona.goal) == (None, None, None)
    assert (persona.beliefs, persona.memories, persona.safety_tags) == ((), (), ())
    with pytest.raises(ValidationError, match="frozen"):
        persona.name = "B"


@pytest.mark.parametrize("level", [-0.01, 1.01, math.nan, math.inf, "0.5", True])
def test_traits_are_numbers_from_0_to_1(level: Any) -> None:
    with pytest.raises(ValidationError, match=r"traits\.x"):
        Persona(id="a", name="A", description="d", traits={"x": level})
    fine = Persona.model_validate({**FULL, "traits": {"x": 0, "y": 1, "z": None}})
    assert fine.traits == {"x": 0.0, "y": 1.0}


def test_demographics_become_text() -> None:
    raw = {**FULL, "demographics": {"age": 34, "height": 1.7, "married": True, "pets": None}}
    assert Persona.model_validate(raw).demographics == {
        "age": "34",
        "height": "1.7",
        "married": "true",
    }


@pytest.mark.parametrize("value", [math.nan, "\ud800", {1, 2}, object()])
def test_provenance_is_plain_json(value: Any) -> None:
    with pytest.raises(ValidationError, match="cannot be written as JSON"):
        Persona(id="a", name="A", description="d", provenance={"x": [value]})


# Files in every format


def table(records: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(records)


@pytest.mark.parametrize("ending", ["jsonl", "json", "wrapped.json", "JSONL"])
def test_every_json_form_is_read_in_full(tmp_path: Path, ending: str) -> None:
    records = [FULL, {"description": "Only this.", "id": "p2", "name": "B"}]
    text = jsonl(*records) if ending.lower() == "jsonl" else json.dumps(records)
    if ending.startswith("wrapped"):
        text = json.dumps({"personas": records, "made": "today"})
    first, second = read_personas(str(saved(tmp_path, f"people.{ending}", text)))
    assert first == Persona.model_validate(FULL)
    assert second == Persona(id="p2", name="B", description="Only this.")


def test_csv_is_read_with_its_quoting(tmp_path: Path) -> None:
    text = (
        "\ufeffid,description,mood,beliefs,traits,goal\r\n"
        '7,"Says ""hi"", then\nleaves.",glad,Banks lie.,"{""x"": 0.5}",\r\n'
        '\r\n8,Plain.,sad,"[""a"", ""b""]",,Sleep\r\n'
    )
    first, second = read_personas(saved(tmp_path, "people.csv", text))
    assert (first.id, first.description) == ("7", 'Says "hi", then\nleaves.')
    assert (first.beliefs, first.traits, first.goal) == (("Banks lie.",), {"x": 0.5}, None)
    assert (second.beliefs, second.traits, second.goal) == (("a", "b"), None, "Sleep")


def test_parquet_is_read_with_nested_columns(tmp_path: Path) -> None:
    path = tmp_path / "people.parquet"
    records = [
        {**FULL, "id": 1, "extra": [1]},
        {"id": 2, "name": "B", "description": "Two.", "traits": {"trust": 0.5}},
    ]
    pq.write_table(table(records), path)
    first, second = read_personas(path)
    assert first == Persona.model_validate({**FULL, "id": "1"})
    assert (second.id, second.traits, second.beliefs) == ("2", {"trust": 0.5}, ())


def test_parquet_with_arrow_maps_and_json_text(tmp_path: Path) -> None:
    path = tmp_path / "people.parquet"
    kind = pa.map_(pa.string(), pa.float64())
    columns = {
        "description": pa.array(["One."]),
        "traits": pa.array([[("x", 0.5)]], type=kind),
        "demographics": pa.array(['{"age": 5}']),
    }
    pq.write_table(pa.table(columns), path)
    (persona,) = read_personas(path)
    assert (persona.traits, persona.demographics) == ({"x": 0.5}, {"age": "5"})


def test_missing_ids_and_names_are_filled_in_without_a_clash(tmp_path: Path) -> None:
    records = [{"description": "a"}, {"description": "b", "id": "p1"}, {"description": "c"}]
    personas = read_personas(saved(tmp_path, "x.jsonl", jsonl(*records, {**FULL, "id": ""})))
    assert [p.id for p in personas] == ["p1x", "p1", "p3", "p4"]
    assert [p.name for p in personas] == ["Persona 1", "Persona 2", "Persona 3", "Ana Ruiz"]


def test_unknown_fields_are_ignored_and_blank_lines_skipped(tmp_path: Path) -> None:
    text = "\n" + jsonl({"description": "a", "mood": {"x": [1]}, "schema": "theirs/1"}) + "\n  \n"
    assert len(read_personas(saved(tmp_path, "x.jsonl", text))) == 1


# Files that are refused


@pytest.mark.parametrize(
    ("record", "parts"),
    [
        ({"id": "b"}, ["description: missing"]),
        ({"descripton": "b"}, ["description: missing", "`descripton` looks like it"]),
        ({"description": None}, ["description: missing", "its value is null"]),
        ({"description": None}, ["description: missing"]),
        ({"description": " \n "}, ["description: is empty"]),
        ({"description": "x" * 100_001}, ["description: is 100,001 characters", "100,000"]),
        ({"description": 5}, ["description: should be text"]),
        ({"description": "b", "traits": {"x": 1.5}}, ["traits.x:", "1.5"]),
        ({"description": "b", "traits": [0.5]}, ["traits: should be a mapping"]),
        ({"description": "b", "beliefs": "one"}, ["beliefs: should be a list"]),
        ({"description": "b", "beliefs": ["one", 2]}, ["beliefs[1]: should be text"]),
        ({"description": "b", "demographics": {"age": [3]}}, ["demographics.age: should be"]),
        ({"description": "b", "name": "a\nb"}, ["name: has a control character"]),
        ({"description": "b", "id": "i" * 301}, ["id: should have 1 to 300 characters"]),
        ({"description": "b\ud800"}, ["description:"]),
        ({"description": "b", "id": "a"}, ["id: 'a' is the id of line 1 too"]),
        ({"description": "b", "schema": "gamut/persona/2"}, ["schema:", "newer", "update Gamut"]),
        ({"description": "b", "schema": "gamut/context/1"}, ["schema:", "not a persona"]),
        (["b"], ["a record is a JSON object"]),
    ],
)
def test_a_wrong_record_is_named_by_line_and_field(
    tmp_path: Path, record: Any, parts: list[str]
) -> None:
    text = json.dumps({"id": "a", "description": "a"}) + "\n\n" + json.dumps(record) + "\n"
    refused(saved(tmp_path, "x.jsonl", text), "line 3: ", *parts)


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ('{"description": "a"', "not valid JSON"),
        ('{"description": NaN}', "NaN is no JSON number"),
        ('{"x": ' + "9" * 5000 + "}", "not valid JSON"),
        ("[" * 100_000, "list"),
        ('{"x": ' + "[" * 100_000, "not valid JSON"),
    ],
)
def test_broken_json_lines(tmp_path: Path, line: str, part: str) -> None:
    refused(saved(tmp_path, "x.jsonl", line + "\n"), part)
    refused(saved(tmp_path, "y.jsonl", jsonl(FULL) + line.lstrip("[") + "x\n"), "line 2: not valid")


@pytest.mark.parametrize(
    ("name", "content", "parts"),
    [
        ("x.jsonl", json.dumps([FULL]), ["end its name with .json"]),
        ("x.json", jsonl(FULL, FULL), ["line 2", "end its name with .jsonl"]),
        ("x.json", json.dumps(FULL), ['{"personas": [...]}']),
        ("x.json", '[{"description": "a"}, 7]', ["record 2: a record is a JSON object"]),
        ("x.json", "[" * 100_000, ["not valid JSON"]),
        ("x.json", "[NaN]", ["NaN is no JSON number"]),
        ("x.csv", "id,descripton\n1,a\n", ["did you mean `descripton`?", "`id`"]),
        ("x.csv", "id;description\n1;a\n", ["no column `description`", "`id;description`"]),
        ("x.csv", "description,id,id\na,1,2\n", ["column `id` is there twice"]),
        ("x.csv", "description,id\n\na, b,1\n", ["line 3", "3 cells under 2 columns"]),
        ("x.csv", 'description\n"a\n\n', ["not valid CSV"]),
        ("x.csv", 'description,goal\n"a\nb",c\n,d\n', ["line 4: description: missing"]),
        ("x.csv", "description,traits\na,x=1\n", ["line 2: traits: not valid JSON"]),
        ("x.parquet", "PAR1 not so", ["not valid Parquet"]),
        ("x.parquet", "", ["not valid Parquet"]),
        ("x.yaml", "a: 1", ["`.yaml`", ".jsonl, .json, .csv, .parquet"]),
        ("x", "a", ["is none", ".jsonl, .json, .csv, .parquet"]),
    ],
)
def test_a_wrong_file_is_explained(
    tmp_path: Path, name: str, content: str, parts: list[str]
) -> None:
    refused(saved(tmp_path, name, content), *parts)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.jsonl", "\n \n"),
        ("x.jsonl", ""),
        ("x.json", "[]"),
        ("x.json", '{"personas": []}'),
        ("x.csv", "id,description\n"),
    ],
)
def test_no_persona_is_an_error(tmp_path: Path, name: str, content: str) -> None:
    refused(saved(tmp_path, name, content), "no persona in it")


def test_an_empty_csv_and_an_empty_parquet(tmp_path: Path) -> None:
    refused(saved(tmp_path, "x.csv", ""), "no column `description`")
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"description": pa.array([], type=pa.string())}), path)
    refused(path, "no persona in it")
    pq.write_table(pa.table({"text": ["a"]}), path)
    refused(path, "no column `description`", "`text`")
    pq.write_table(pa.table({"description": ["a", None]}), path)
    refused(path, "record 2: description: missing")


@pytest.mark.parametrize("name", ["x.jsonl", "x.json", "x.csv"])
def test_another_encoding_is_named_by_position(tmp_path: Path, name: str) -> None:
    good = {"x.jsonl": jsonl(FULL).encode(), "x.json": b"[\n", "x.csv": b"description\n"}[name]
    path = saved(tmp_path, name, good + b"caf\xe9\n")
    refused(path, "not UTF-8 at line 2", f"byte offset {len(good) + 3}", "0xe9")
    refused(saved(tmp_path, name, "id,description".encode("utf-16")), "looks like UTF-16")


@pytest.mark.parametrize("ending", ["jsonl", "json", "csv", "parquet"])
def test_missing_files_and_folders(tmp_path: Path, ending: str) -> None:
    refused(tmp_path / f"none.{ending}", "there is no such file")
    folder = tmp_path / f"folder.{ending}"
    folder.mkdir()
    refused(folder, "folder")


def test_an_endless_line_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.jsonl"
    with path.open("wb") as stream:
        stream.truncate(50_000_000)
    started = time.perf_counter()
    refused(path, "line 1", "longer than 10,000,000 bytes")
    assert time.perf_counter() - started < 2
    monkeypatch.setattr(module, "LARGEST_JSON", 1000)
    refused(saved(tmp_path, "x.json", " " * 1001), "1,001 bytes", "JSON Lines")


@pytest.mark.parametrize("ending", ["jsonl", "json", "csv", "parquet"])
def test_more_personas_than_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    monkeypatch.setattr(module, "MOST_PERSONAS", 3)
    for count in (3, 4):
        records = [{"description": f"Number {n}."} for n in range(count)]
        path = tmp_path / f"x.{ending}"
        if ending == "parquet":
            pq.write_table(table(records), path)
        else:
            rows = "description\n" + "".join(f"{r['description']}\n" for r in records)
            texts = {"jsonl": jsonl(*records), "json": json.dumps(records), "csv": rows}
            path.write_text(texts[ending], encoding="utf-8")
        if count == 3:
            assert len(read_personas(path)) == 3
        else:
            refused(path, "more than 3 personas; split the file")


@pytest.mark.slow
def test_a_million_personas_are_read(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    with path.open("w", encoding="utf-8") as stream:
        stream.writelines(f'{{"description": "Person {n} likes rain."}}\n' for n in range(10**6))
    assert len(read_personas(path)) == 10**6
    with path.open("a", encoding="utf-8") as stream:
        stream.write('{"description": "One too many."}\n')
    refused(path, "more than 1,000,000 personas; split the file")


# Writing


def test_what_is_written_has_a_schema_and_the_set_fields_in_order() -> None:
    stream = io.StringIO()
    small = Persona(id="b", name="Bé", description="Small.")
    write_personas([Persona.model_validate(FULL), small], stream)
    first, second = stream.getvalue().splitlines()
    assert list(json.loads(first)) == ["schema", *FULL]
    assert json.loads(first) == {"schema": "gamut/persona/1", **FULL}
    assert second == (
        '{"schema": "gamut/persona/1", "id": "b", "name": "Bé", "description": "Small."}'
    )


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
FILLED = TEXT.filter(str.strip)
NAMES = st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=20)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.builds(
            Persona,
            id=NAMES,
            name=NAMES,
            description=FILLED,
            traits=st.none() | st.dictionaries(TEXT, st.floats(0, 1), max_size=3),
            demographics=st.none() | st.dictionaries(TEXT, TEXT, max_size=3),
            beliefs=st.lists(TEXT, max_size=3).map(tuple),
            goal=st.none() | TEXT,
            provenance=st.none() | st.dictionaries(TEXT, st.integers() | TEXT, max_size=2),
        ),
        min_size=1,
        max_size=5,
        unique_by=lambda p: p.id,
    )
)
def test_what_is_written_is_read_again(tmp_path_factory: Any, personas: list[Persona]) -> None:
    path = tmp_path_factory.getbasetemp() / "again.jsonl"
    write_personas(personas, path)
    assert read_personas(path) == personas


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    write_personas([Persona.model_validate(FULL)], path)
    before = path.read_bytes()

    def broken() -> Any:
        yield Persona.model_validate(FULL)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_personas(broken(), path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["x.jsonl"]


def test_a_link_stays_a_link_and_a_pipe_a_pipe(tmp_path: Path) -> None:
    target, link = tmp_path / "x.jsonl", tmp_path / "link.jsonl"
    target.touch()
    link.symlink_to(target)
    write_personas([Persona.model_validate(FULL)], str(link))
    assert link.is_symlink()
    assert len(read_personas(target)) == 1
    write_personas([Persona.model_validate(FULL)], "/dev/null")
    assert not Path("/dev/null").is_file()


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    one = [Persona.model_validate(FULL)]
    for name, part in (("none/x.jsonl", "no such"), ("x.csv", ".jsonl"), ("X.JSON", ".jsonl")):
        with pytest.raises(InputError, match=part):
            write_personas(one, tmp_path / name)
    with pytest.raises(InputError, match="folder"):
        write_personas(one, tmp_path)
