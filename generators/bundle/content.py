"""What a bundle holds, checked part by part and against one another."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from generators.asking import check_recorded
from generators.bundle.layout import (
    CARD,
    MAPS,
    PERSONAS,
    PROGRAM,
    PROVENANCE,
    SCORECARDS,
    check_sums,
    refusal,
)
from generators.bundle.plain import read_json, read_text, read_yaml
from generators.context import Context
from generators.input_file import problems_in
from generators.persona import SCHEMA as PERSONA_SCHEMA
from generators.persona import Persona
from generators.program import Program, ProgramError, parse

SCHEMA = "gamut/bundle/1"
MOST_PERSONAS = 10_000  # recorded ones; `verify` makes them all again
MOST_POPULATIONS = 100

_PNG_START = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
_PNG_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"
_MOST_PIXELS = 100_000_000  # an image of more would fill the memory of whoever looks at it

Number = Annotated[float, Field(allow_inf_nan=False)]
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Seed = Annotated[int, Field(strict=True, ge=0, lt=2**64)]
Count = Annotated[int, Field(strict=True, ge=1, le=MOST_PERSONAS)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Text = Annotated[str, Field(min_length=1, max_length=300)]
Model = TypeVar("Model", bound=BaseModel)


def _public(context: Context) -> Context:
    if any(axis.hidden for axis in context.axes):
        raise ValueError("has a hidden part; a bundle holds the public part of a context only")
    return context


def _moment(text: str) -> str:
    datetime.fromisoformat(text)
    return text


class Population(BaseModel):
    """One of the recorded populations: n personas made for a context with a seed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    context: Annotated[Context, AfterValidator(_public)]
    n: Count
    seed: Seed


class Provenance(BaseModel):
    """What provenance.json must hold; more may stand in it."""

    model_config = ConfigDict(frozen=True, extra="allow")

    schema_tag: Literal["gamut/bundle/1"] = Field(alias="schema")
    gamut_version: Text
    program_hash: Hash
    run_seed: Seed
    created: Annotated[Text, AfterValidator(_moment)]
    populations: Annotated[tuple[Population, ...], Field(max_length=MOST_POPULATIONS)]


class _Measure(BaseModel):
    value: Number | None
    se: Number | None


class _Scorecard(BaseModel):
    """What each record of scorecards.json must hold; more may stand in it."""

    model_config = ConfigDict(extra="allow")

    context: Text
    n: Count
    axes: Annotated[list[Text], Field(min_length=2, max_length=12)]
    points: list[list[Share | None]]
    metrics: dict[str, _Measure]
    gates: dict[str, Share]
    verdict: str


@dataclass(frozen=True)
class Bundle:
    """An elite and all that is known about it.

    Attributes:
        name: the bundle as the user named it.
        program: the elite itself.
        card: what a user should know before using it.
        scorecards: as `gamut score --json` prints them, one a context.
        personas: what the program made, population after population.
        populations: for which contexts it made them, how many and with which seed.
        maps: names of the files in maps/.
        provenance: where the bundle comes from, as written.
        files: how many files it has, checksums included.
    """

    name: str
    program: Program
    card: Mapping[str, Any]
    scorecards: tuple[Mapping[str, Any], ...]
    personas: tuple[Persona, ...]
    populations: tuple[Population, ...]
    maps: tuple[str, ...]
    provenance: Mapping[str, Any]
    files: int


def checked_bundle(name: str, files: Mapping[str, bytes]) -> Bundle:
    """The bundle made of its files; InputError names the file and the reason of a refusal."""
    check_sums(name, files)
    provenance, known = _provenance(name, files)
    program = _program(name, files, known.program_hash)
    return Bundle(
        name=name,
        program=program,
        card=_card(name, files),
        scorecards=_scorecards(name, files),
        personas=_personas(name, files, known),
        populations=known.populations,
        maps=_maps(name, files),
        provenance=provenance,
        files=len(files),
    )


def _provenance(bundle: str, files: Mapping[str, bytes]) -> tuple[dict[str, Any], Provenance]:
    content = read_json(bundle, PROVENANCE, read_text(bundle, PROVENANCE, files[PROVENANCE]))
    if not isinstance(content, dict):
        raise refusal(bundle, PROVENANCE, "should be a JSON object")
    kind, _, version = str(content.get("schema")).rpartition("/")
    if kind == "gamut/bundle" and version.isdecimal() and int(version[:9]) > 1:
        reason = f"schema {kind}/{version} is newer than this Gamut knows ({SCHEMA}); upgrade Gamut"
        raise refusal(bundle, PROVENANCE, reason)
    return content, _validated(bundle, PROVENANCE, "", Provenance, content)


def _program(bundle: str, files: Mapping[str, bytes], recorded: str) -> Program:
    source = read_text(bundle, PROGRAM, files[PROGRAM])
    try:
        program = parse(source, f"{bundle}: {PROGRAM}")
    except ProgramError as error:
        # The name is said already; what follows it may hold a stranger's text.
        reason = str(error).removeprefix(f"{bundle}: {PROGRAM}").lstrip(",: ")
        raise refusal(bundle, PROGRAM, reason) from error
    if program.hash != recorded:
        raise refusal(bundle, PROGRAM, f"is not the program of {PROVENANCE}: program_hash differs")
    return program


def _card(bundle: str, files: Mapping[str, bytes]) -> dict[str, Any]:
    card = read_yaml(bundle, CARD, read_text(bundle, CARD, files[CARD]))
    if not isinstance(card, dict) or not card:
        raise refusal(bundle, CARD, "should be a mapping (key: value lines)")
    return card


def _scorecards(bundle: str, files: Mapping[str, bytes]) -> tuple[dict[str, Any], ...]:
    cards = read_json(bundle, SCORECARDS, read_text(bundle, SCORECARDS, files[SCORECARDS]))
    if not isinstance(cards, list):
        raise refusal(bundle, SCORECARDS, "should be a list of scorecards")
    for index, card in enumerate(cards):
        known = _validated(bundle, SCORECARDS, f"[{index}]", _Scorecard, card)
        if any(len(row) != len(known.axes) for row in known.points):
            reason = f"[{index}].points: a row should have {len(known.axes)} levels, one an axis"
            raise refusal(bundle, SCORECARDS, reason)
    return tuple(cards)


def _personas(bundle: str, files: Mapping[str, bytes], known: Provenance) -> tuple[Persona, ...]:
    origins = [
        {"context": p.context.id, "seed": p.seed, "program_hash": known.program_hash}
        for p in known.populations
        for _ in range(p.n)
    ]
    begins = [sum(p.n for p in known.populations[:k]) for k in range(len(known.populations))]
    sizes = dict(zip(begins, (p.n for p in known.populations), strict=True))
    # Not splitlines: a text may hold other characters that Python takes for the end of a line.
    lines = read_text(bundle, PERSONAS, files[PERSONAS]).removesuffix("\n").split("\n")
    lines = [] if lines == [""] else lines
    if len(lines) != len(origins) or len(lines) > MOST_PERSONAS:
        said = f"has {len(lines):,} records; the populations of {PROVENANCE} have {len(origins):,}"
        raise refusal(bundle, PERSONAS, f"{said} (at most {MOST_PERSONAS:,} are read)")
    personas: list[Persona] = []
    ids: set[str] = set()
    for number, (line, origin) in enumerate(zip(lines, origins, strict=True), start=1):
        persona = _persona(bundle, f"line {number}: ", line)
        if persona.id in ids:
            raise refusal(bundle, PERSONAS, f"line {number}: id: {persona.id} is there twice")
        ids.add(persona.id)
        recorded = persona.provenance or {}
        for key, value in origin.items():
            if recorded.get(key) != value:
                said = f"line {number}: provenance.{key}: should be {value}"
                raise refusal(bundle, PERSONAS, f"{said} by {PROVENANCE}")
        if "answers" in recorded:
            fault = _fault_of_answers(recorded["answers"], sizes.get(number - 1))
            if fault:
                raise refusal(bundle, PERSONAS, f"line {number}: provenance.answers: {fault}")
        personas.append(persona)
    return tuple(personas)


def _fault_of_answers(answers: Any, size: int | None) -> str:
    """What is wrong with the answers that a population of a size was made with."""
    if size is None:
        return "stands with the first persona of a population, and with no other"
    return check_recorded(answers, size)


def _persona(bundle: str, where: str, line: str) -> Persona:
    record = read_json(bundle, PERSONAS, line, where)
    if not isinstance(record, dict) or record.get("schema") != PERSONA_SCHEMA:
        raise refusal(bundle, PERSONAS, f"{where}should be an object with schema {PERSONA_SCHEMA}")
    fields = {key: value for key, value in record.items() if key != "schema"}
    unknown = sorted(fields.keys() - Persona.model_fields.keys())
    if unknown:
        raise refusal(bundle, PERSONAS, f"{where}unknown key {unknown[0]!r}")
    return _validated(bundle, PERSONAS, where, Persona, fields)


def _maps(bundle: str, files: Mapping[str, bytes]) -> tuple[str, ...]:
    paths = sorted(path for path in files if path.startswith(f"{MAPS}/"))
    for path in paths:
        if path.endswith(".json"):
            read_json(bundle, path, read_text(bundle, path, files[path]))
        elif not _is_png(files[path]):
            raise refusal(bundle, path, "is not a PNG image of a reasonable size")
    return tuple(path.removeprefix(f"{MAPS}/") for path in paths)


def _is_png(content: bytes) -> bool:
    """Whether it starts and ends as a PNG, nothing after it, and is not too many pixels."""
    start = len(_PNG_START)
    width, height = (int.from_bytes(content[i : i + 4]) for i in (start, start + 4))
    framed = content.startswith(_PNG_START) and content.endswith(_PNG_END)
    return framed and 0 < width * height <= _MOST_PIXELS


def _validated(bundle: str, file: str, where: str, model: type[Model], content: Any) -> Model:
    try:
        return model.model_validate(content)
    except ValidationError as error:
        problems = problems_in(error, model)
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        dot = "." if where.endswith("]") else ""
        raise refusal(bundle, file, f"{where}{dot}{problems[0]}{more}") from error
