"""Personas: the record that generators make, and files of them, ours or anyone's."""

import csv
import itertools
import json
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import IO, Annotated, Any, NoReturn

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
)

from generators.errors import GamutError, InputError
from generators.input_file import (
    decode_utf8,
    did_you_mean,
    problems_in,
    read_bounded,
    refuse,
    why_unreadable,
)

SCHEMA = "gamut/persona/1"
LONGEST_TEXT = 100_000  # characters of a description or another field
LONGEST_NAME = 300
MOST_PERSONAS = 1_000_000
LONGEST_LINE = 10_000_000  # bytes of one record in a file
LARGEST_JSON = 2_000_000_000  # bytes; a JSON file is read whole


def _text(text: str) -> str:
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"is {len(text):,} characters long; at most {LONGEST_TEXT:,} are allowed")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(f"has half a character (a surrogate) at {error.start + 1}") from error
    return text


def _description(text: str) -> str:
    text = _text(text.strip())
    if not text:
        raise ValueError("is empty; it is the text that a model is prompted with")
    return text


def _name(text: str) -> str:
    text = text.strip()
    if not text or len(text) > LONGEST_NAME:
        raise ValueError(f"should have 1 to {LONGEST_NAME} characters, but has {len(text):,}")
    if not text.isprintable():
        raise ValueError("has a control character or a line break")
    return text


def _scalar_text(value: Any) -> Any:
    """Other people's files hold numbers and truth values as ids and demographics."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def _without_nulls(value: Any) -> Any:
    """A mapping without empty entries; a column of a table has one for every key it knows."""
    if isinstance(value, list) and all(isinstance(e, tuple) and len(e) == 2 for e in value):
        value = dict(value)  # an Arrow map
    if isinstance(value, dict):
        return {key: entry for key, entry in value.items() if entry is not None}
    return value


def _json_object(value: dict[str, Any]) -> dict[str, Any]:
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"cannot be written as JSON: {error}") from error
    return value


Level = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False, strict=True)]
Text = Annotated[str, AfterValidator(_text)]
Name = Annotated[str, BeforeValidator(_scalar_text), AfterValidator(_name)]
Value = Annotated[Text, BeforeValidator(_scalar_text)]


class Persona(BaseModel):
    """One person; `description` is what a model is prompted with, all else is optional.

    Unknown fields are ignored, as files of other people have their own.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: Name
    name: Name
    description: Annotated[str, AfterValidator(_description)]
    traits: Annotated[dict[Text, Level] | None, BeforeValidator(_without_nulls)] = None
    demographics: Annotated[dict[Text, Value] | None, BeforeValidator(_without_nulls)] = None
    beliefs: tuple[Text, ...] = ()
    goal: Text | None = None
    opening_message: Text | None = None
    communication_style: Text | None = None
    memories: tuple[Text, ...] = ()
    safety_tags: tuple[Text, ...] = ()
    provenance: Annotated[dict[str, Any], AfterValidator(_json_object)] | None = None


_FIELDS = tuple(Persona.model_fields)
_LISTS = ("beliefs", "memories", "safety_tags")
_MAPPINGS = ("traits", "demographics", "provenance")
Record = tuple[str, dict[str, Any]]  # where it stands ("line 3"), its fields


def read_personas(path: str | Path) -> list[Persona]:
    """The personas in a JSONL, JSON, CSV or Parquet file; a missing id or name is filled in.

    InputError names the file, the line or record, and the field.
    """
    path = Path(path)
    personas: list[Persona] = []
    given: dict[str, str] = {}  # id: where it was first
    filled: list[int] = []
    for index, (where, record) in enumerate(_limited(path, _reader(path)(path))):
        persona = _validated(path, where, index + 1, record)
        personas.append(persona)
        if record.get("id") in (None, ""):
            filled.append(index)
        elif given.setdefault(persona.id, where) != where:
            raise InputError(
                f"{path}: {where}: id: {persona.id!r} is the id of {given[persona.id]} too"
            )
    if not personas:
        raise InputError(f"{path}: no persona in it; each needs at least a `description`")
    _part_ids(personas, filled, given)
    return personas


def write_personas(personas: Iterable[Persona], target: str | Path | IO[str]) -> None:
    """Write personas as JSON Lines, to a file (all of it or nothing) or to a text stream."""
    if not isinstance(target, str | Path):
        target.writelines(_lines(personas))
        return
    path = Path(target)
    if path.suffix.lower() in _READERS and path.suffix.lower() != ".jsonl":
        raise InputError(f"{path}: personas are written as JSON Lines; end the name with .jsonl")
    try:
        _write_file(personas, path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {why_unreadable(error)}") from error


def _write_file(personas: Iterable[Persona], path: Path) -> None:
    if path.exists() and not path.is_file():  # a pipe or terminal; a folder fails here
        with path.open("w", encoding="utf-8", newline="\n") as stream:
            stream.writelines(_lines(personas))
        return
    whole = Path(os.path.realpath(path))  # a link stays a link
    part = whole.with_name(f".{whole.name[:200]}.{os.getpid()}.part")
    try:
        with part.open("w", encoding="utf-8", newline="\n") as stream:
            stream.writelines(_lines(personas))
        part.replace(whole)
    finally:
        part.unlink(missing_ok=True)


def _lines(personas: Iterable[Persona]) -> Iterator[str]:
    for persona in personas:
        fields = persona.model_dump(mode="json", exclude_defaults=True)
        yield json.dumps({"schema": SCHEMA, **fields}, ensure_ascii=False, allow_nan=False) + "\n"


def _limited(path: Path, records: Iterator[Record]) -> Iterator[Record]:
    yield from itertools.islice(records, MOST_PERSONAS)
    if next(records, None) is not None:
        _refuse_number(path)


def _refuse_number(path: Path) -> NoReturn:
    raise InputError(f"{path}: more than {MOST_PERSONAS:,} personas; split the file")


def _validated(path: Path, where: str, number: int, record: dict[str, Any]) -> Persona:
    """The persona of a record; a missing id or name is made of its number."""
    _check_schema(path, where, record.get("schema"))
    fields = {name: record[name] for name in _FIELDS if record.get(name) is not None}
    for name, filling in (("id", f"p{number}"), ("name", f"Persona {number}")):
        if fields.get(name, "") == "":
            fields[name] = filling
    try:
        return Persona.model_validate(fields)
    except ValidationError as error:
        problems = problems_in(error, Persona)
        if "description" not in fields:
            hint = [key for key in record if did_you_mean(key, ["description"])]
            found = f" (the key `{hint[0]}` looks like it)" if hint else ""
            if "description" in record:
                found = " (its value is null)"
            problems = [f"{problem}{found}" for problem in problems]
        raise refuse(path, [f"{where}: {problem}" for problem in problems], "not valid") from error


def _part_ids(personas: list[Persona], filled: Iterable[int], given: Collection[str]) -> None:
    """Lengthen those of the filled-in ids that are also given ones."""
    for index in filled:
        name = personas[index].id
        if name in given:
            while name in given:
                name += "x"
            personas[index] = personas[index].model_copy(update={"id": name})


def _check_schema(path: Path, where: str, tag: Any) -> None:
    """Refuse records of a newer Gamut and of other kinds; another's `schema` is their own."""
    if not isinstance(tag, str) or tag == SCHEMA or not tag.startswith("gamut/"):
        return
    newer = re.fullmatch(r"gamut/persona/\d+", tag)
    what = "newer than this Gamut knows; update Gamut" if newer else "not a persona record"
    raise InputError(f"{path}: {where}: schema: {tag[:60]} is {what} ({SCHEMA} is read)")


def _parsed(path: Path, where: str, text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise InputError(
            f"{path}: {where}: not valid JSON: {error.msg} (column {error.colno})"
        ) from error
    except (ValueError, RecursionError) as error:  # NaN, a number of 5,000 digits, deep nesting
        raise InputError(f"{path}: {where}: not valid JSON: {error}") from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _object(path: Path, where: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"{path}: {where}: a record is a JSON object with a `description`")
    return value


def _text_lines(path: Path) -> Iterator[str]:
    """The lines of a file, with their ends, one at a time."""
    offset = 0
    try:
        with path.open("rb") as stream:
            for number in itertools.count(1):
                line = stream.readline(LONGEST_LINE + 1)
                if not line:
                    return
                if len(line) > LONGEST_LINE:
                    raise InputError(f"{path}: line {number}: longer than {LONGEST_LINE:,} bytes")
                yield decode_utf8(line, path, first_line=number, first_offset=offset)
                offset += len(line)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {why_unreadable(error)}") from error


def _read_jsonl(path: Path) -> Iterator[Record]:
    for number, line in enumerate(_text_lines(path), start=1):
        text, where = line.strip(), f"line {number}"
        if number == 1 and text.startswith("["):
            raise InputError(
                f"{path}: a JSON list, not one JSON object a line; end its name with .json"
            )
        if text:
            yield where, _object(path, where, _parsed(path, where, text))


def _read_json(path: Path) -> Iterator[Record]:
    content = read_bounded(path, LARGEST_JSON, "Write it as JSON Lines (.jsonl).")
    text = decode_utf8(content, path)
    try:
        parsed = json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        lines = error.msg == "Extra data" and text.lstrip().startswith("{")
        advice = "; is it JSON Lines? Then end its name with .jsonl" if lines else ""
        raise InputError(
            f"{path}: line {error.lineno}, column {error.colno}: "
            f"not valid JSON: {error.msg}{advice}"
        ) from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not valid JSON: {error}") from error
    if isinstance(parsed, dict):
        parsed = parsed.get("personas")
    if not isinstance(parsed, list):
        raise InputError(f'{path}: should be a list of personas or {{"personas": [...]}}')
    for number, value in enumerate(parsed, start=1):
        yield f"record {number}", _object(path, f"record {number}", value)


def _read_csv(path: Path) -> Iterator[Record]:
    rows = csv.reader(_text_lines(path), strict=True)
    try:
        header = [name.strip() for name in next(rows, [])]
        _check_columns(path, header)
        start = rows.line_num + 1
        for row in rows:
            where, start = f"line {start}", rows.line_num + 1
            if len(row) > len(header):
                raise InputError(
                    f"{path}: {where}: {len(row)} cells under {len(header)} columns; "
                    "put a text that has a comma in double quotes"
                )
            if row:
                cells = zip(header, row, strict=False)
                yield where, {name: _cell(path, where, name, cell) for name, cell in cells if cell}
    except csv.Error as error:
        raise InputError(f"{path}: line {rows.line_num}: not valid CSV: {error}") from error


def _check_columns(path: Path, columns: list[str]) -> None:
    if "description" not in columns:
        shown = ", ".join(f"`{name[:60]}`" for name in columns[:20]) or "none"
        raise InputError(
            f"{path}: no column `description`{did_you_mean('description', columns)}; "
            f"columns (parted by commas) are: {shown}"
        )
    twice = sorted({name for name in columns if name in _FIELDS and columns.count(name) > 1})
    if twice:
        raise InputError(f"{path}: the column `{twice[0]}` is there twice")


def _cell(path: Path, where: str, name: str, cell: Any) -> Any:
    """The value of a table's cell; lists and mappings may be JSON in it."""
    if not isinstance(cell, str) or name not in _LISTS + _MAPPINGS:
        return cell
    if name in _LISTS and not cell.lstrip().startswith("["):
        return [cell]
    return _parsed(path, f"{where}: {name}", cell)


def _read_parquet(path: Path) -> Iterator[Record]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise GamutError(f"{path}: reading Parquet needs pyarrow: pip install pyarrow") from error
    try:
        with pq.ParquetFile(path) as table:
            columns = list(table.schema_arrow.names)
            _check_columns(path, columns)
            if table.metadata.num_rows > MOST_PERSONAS:
                _refuse_number(path)
            known = [name for name in columns if name in (*_FIELDS, "schema")]
            numbers = itertools.count(1)
            for batch in table.iter_batches(columns=known, batch_size=4096, use_threads=False):
                for number, row in zip(numbers, batch.to_pylist(), strict=False):
                    where = f"record {number}"
                    yield where, {name: _cell(path, where, name, v) for name, v in row.items()}
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {why_unreadable(error)}") from error
    except pa.ArrowException as error:
        raise InputError(f"{path}: not valid Parquet: {str(error)[:200]}") from error


_READERS: dict[str, Callable[[Path], Iterator[Record]]] = {
    ".jsonl": _read_jsonl,
    ".json": _read_json,
    ".csv": _read_csv,
    ".parquet": _read_parquet,
}


def _reader(path: Path) -> Callable[[Path], Iterator[Record]]:
    ending = path.suffix.lower()
    if ending not in _READERS:
        given = f"`{ending}`" if ending else "none"
        raise InputError(
            f"{path}: the ending of the name tells the format and is {given}; "
            f"known are {', '.join(_READERS)}"
        )
    return _READERS[ending]
