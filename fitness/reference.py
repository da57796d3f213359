"""The reference population of a context: what "rare" is rare among.

A thousand personas of the pooled naive baselines, read by the respondent: where a population ends
up that nobody steered. Twelve contexts ship with theirs (`conf/reference/`); for any other it is
made on demand and kept in the cache folder.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from fitness.metrics import as_points
from fitness.respondents import Respondent, Row
from generators.baselines import baseline
from generators.cache import cache_folder
from generators.context import Context
from generators.errors import GamutError
from generators.generator import generate
from generators.sandbox import Sandbox

NAIVE = ("uniform_graded", "sobol_graded", "sobol_mix", "census_marginals", "name_only")
SIZE = 1_000
_SEED = 20_260_101


def reference_rows(context: Context, respondent: Respondent, sandbox: Sandbox) -> list[Row]:
    """The reference points of a context, a row a persona: shipped, from the cache, or made now."""
    rows = kept_rows(context, respondent)
    if rows is None:
        rows = make_reference(context, respondent, sandbox)
        write_reference(_cached_file(context, respondent), context, respondent, rows)
    return rows


def kept_rows(context: Context, respondent: Respondent) -> list[Row] | None:
    """The reference points that are shipped or in the cache; None where they must be made."""
    for file in (shipped_file(context), _cached_file(context, respondent)):
        rows = _rows_in(file, context, respondent)
        if rows is not None:
            return rows
    return None


def make_reference(context: Context, respondent: Respondent, sandbox: Sandbox) -> list[Row]:
    """A thousand personas, as many from each naive baseline, read by the respondent."""
    rows: list[Row] = []
    for name in NAIVE:
        personas = generate(sandbox, baseline(name), context, SIZE // len(NAIVE), _SEED)
        rows += respondent.read(personas).levels
    return [[None if z is None else round(z, 4) for z in row] for row in rows]


def write_reference(
    file: Path, context: Context, respondent: Respondent, rows: Sequence[Row]
) -> None:
    """Write a reference file; where the place is not writable, it is made again next time."""
    record = {
        "schema": "gamut/reference/1",
        "context": context.id,
        "context_hash": context.hash,
        "respondent": respondent.fingerprint,
        "made_from": list(NAIVE),
        "points": rows,
    }
    part = file.with_suffix(f".part{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(record, separators=(",", ":")) + "\n", "utf-8")
        part.replace(file)
    except OSError:
        return


def shipped_file(context: Context) -> Path:
    """Where the reference of a context that comes with Gamut lies."""
    return Path(str(files("conf"))) / "reference" / f"{context.id}.json"


def _cached_file(context: Context, respondent: Respondent) -> Path:
    key = f"{context.hash}\n{respondent.fingerprint}"
    name = f"{context.id}-{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"
    return cache_folder() / "reference" / name


def _rows_in(file: Path, context: Context, respondent: Respondent) -> list[Row] | None:
    """The rows of a reference file; None where it is absent, damaged or made for something else."""
    try:
        record = json.loads(file.read_text("utf-8"))
        made_for = record["context_hash"], record["respondent"], tuple(record["made_from"])
        if made_for != (context.hash, respondent.fingerprint, NAIVE):
            return None
        rows: list[Row] = record["points"]
        as_points(rows, len(context.axes))
    except (OSError, ValueError, LookupError, TypeError, GamutError):
        return None
    return rows
