"""Configuration: from Hydra's groups to what a run needs, with errors a user can act on."""

import errno
import fcntl
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from evolve.search import METHODS, MUTATIONS, SELECTIONS, Settings
from fitness.embedding import EMBEDDERS
from fitness.respondents import LLM, NLI, REASONING, RESPONDENTS
from fitness.respondents.nli import HELP as NLI_HELP
from generators.baselines import BASELINES, baseline
from generators.bundle import check_trust, read_bundle
from generators.context import Context, guide_and_report, load_context
from generators.errors import InputError
from generators.program import Program, parse

if TYPE_CHECKING:
    from generators.llm import Settings as LLMSettings

MOST_PERSONAS = 256


@dataclass(frozen=True)
class Config:
    """The resolved configuration of a run; the keys are those of `conf/config.yaml`."""

    seed: int
    population: int
    workers: int | str
    evaluations: int
    minutes: float | None
    start: tuple[str, ...]
    trust: bool
    force: bool
    contexts: Mapping[str, Any]
    respondent: str
    llm: "LLMSettings | None"
    embedder: Mapping[str, Any]
    replicates: int
    confirm: int
    report_replicates: int
    first_rung: int
    settings: Settings
    plain: Mapping[str, Any]


def from_plain(plain: Mapping[str, Any]) -> Config:
    """Check a resolved configuration. Raises InputError naming the key and what it may be."""
    search = dict(plain["search"])
    whole = {
        "population": _whole("population", plain["population"], 1, MOST_PERSONAS),
        "seed": _whole("seed", plain["seed"], 0, 2**32 - 1),
        "evaluations": _whole("budget.evaluations", plain["budget"]["evaluations"], 1, 10**9),
    }
    for key in ("replicates", "report_replicates", "first_rung"):
        search[key] = _whole(f"search.{key}", search[key], 1, 10_000)
    minutes = plain["budget"]["minutes"]
    if minutes is not None and not (isinstance(minutes, int | float) and minutes > 0):
        raise InputError(f"budget.minutes={minutes!r}: should be a number above 0, or null")
    llm = _language_model(plain.get("llm", {"name": "none"}))  # runs of earlier versions lack it
    respondent = _respondent(plain["respondent"])
    if respondent.startswith(f"{LLM}:") and llm is None:
        raise InputError("respondent=llm: no model is configured; choose llm=server or llm=local")
    return Config(
        **whole,
        workers=as_workers(plain["workers"]),
        minutes=minutes,
        start=tuple(str(path) for path in plain["start"]),
        trust=_flag("trust", plain["trust"]),
        force=_flag("force", plain.get("force", False)),  # runs of earlier versions lack it
        contexts=plain["contexts"],
        respondent=respondent,
        llm=llm,
        embedder={
            **plain["embedder"],
            "name": _known("embedder", plain["embedder"]["name"], EMBEDDERS),
        },
        replicates=search["replicates"],
        confirm=_whole("search.confirm", search["confirm"], 0, 10_000),
        report_replicates=search["report_replicates"],
        first_rung=search["first_rung"],
        settings=_settings(whole["seed"], search, llm),
        plain=plain,
    )


def _settings(seed: int, search: Mapping[str, Any], llm: "LLMSettings | None") -> Settings:
    """How the search goes; a method has only the keys that it heeds."""
    checks: dict[str, Callable[[str, Any], Any]] = {
        "in_flight": partial(_whole, low=1, high=10_000),
        "method": partial(_one_of, known=METHODS),
        "islands": partial(_whole, low=1, high=10_000),
        "island_size": partial(_whole, low=2, high=1_000_000),
        "random_programs": partial(_whole, low=0, high=10**9),
        "restart": _share,
        "migration_every": partial(_whole, low=0, high=1_000_000),
        "second_change": _share,
        "selection": partial(_one_of, known=SELECTIONS),
        "tournament_size": partial(_whole, low=2, high=1_000_000),
        "bandit": _flag,
        "mutation": partial(_one_of, known=MUTATIONS),
        "models": _names,
        "ask": _flag,
    }
    given = {
        key: check(f"search.{key}", search[key]) for key, check in checks.items() if key in search
    }
    settings = Settings(seed=seed, **given)
    if settings.ask and llm is None:
        raise InputError("search.ask=true: no model is configured; choose llm=server or llm=local")
    if settings.mutation == "none":
        for key, wanted in (("models", settings.models), ("method", settings.method == "llm")):
            if wanted:
                raise InputError(f"search.{key}={search[key]!r}: needs search.mutation=llm")
        return settings
    if llm is None:
        raise InputError(
            "search.mutation='llm': no model is configured; choose llm=server or llm=local"
        )
    return replace(settings, models=settings.models or (llm.model,))


def write_config(config: Config, file: Path) -> None:
    """Write the resolved configuration, complete or not at all.

    Raises FileExistsError where another process, begun at the same moment, was first.
    """
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        if file.exists():
            raise FileExistsError(errno.EEXIST, "another process has begun a run there", str(file))
        part = file.with_suffix(".part")
        part.write_text(yaml.safe_dump(dict(config.plain), sort_keys=False), "utf-8")
        part.replace(file)
    finally:
        os.close(folder)


def read_config(file: Path) -> Config:
    """The configuration that `write_config` wrote."""
    try:
        plain = yaml.safe_load(file.read_text("utf-8"))
        return from_plain(plain)
    except (OSError, ValueError, yaml.YAMLError, KeyError, TypeError) as error:
        raise InputError(f"{file}: not the configuration of a run ({error})") from None


def resolve_contexts(config: Config) -> tuple[tuple[Context, ...], tuple[Context, ...]]:
    """Contexts that guide the search, and that only report: ours by split, or two halves of the
    user's own file."""
    own = config.contexts.get("file")
    if own:
        guide, report = guide_and_report(load_context(own), config.seed)
        return (guide,), (report,)
    names = config.contexts
    return packaged_contexts(names["training"]), packaged_contexts(names["report"])


def packaged_contexts(named: str | Sequence[str]) -> tuple[Context, ...]:
    """The contexts that ship with Gamut: of a split (train, validation, test), or those named as
    SPLIT/ID. Raises InputError for a name that is none."""
    folder = Path(str(files("conf"))) / "contexts"
    if isinstance(named, str):
        paths = sorted((folder / named).glob("*.yaml"))
        if not paths:
            raise InputError(f"no contexts in the split {named!r}; known: train, validation, test")
    else:
        paths = [folder / f"{name}.yaml" for name in named]
    return tuple(load_context(path) for path in paths)


def start_programs(config: Config) -> list[tuple[str, Program]]:
    """The programs of the first tickets: all baselines, then those that the user named."""
    programs = [(f"baseline:{name}", baseline(name)) for name in BASELINES]
    for given in config.start:
        path = Path(given)
        if path.suffix == ".py" and path.is_file():
            program = parse(path.read_text("utf-8"), str(path))
        else:
            program = _bundled(given, config.trust)
        programs.append((f"start:{path.name}", program))
    return programs


def _bundled(path: str, trust: bool) -> Program:
    bundle = read_bundle(path)
    check_trust(bundle, trust)
    return bundle.program


def _whole(key: str, value: Any, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InputError(f"{key}={value!r}: should be a whole number from {low} to {high:,}")
    return value


def _share(key: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise InputError(f"{key}={value!r}: should be a number from 0 to 1")
    return float(value)


def _flag(key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise InputError(f"{key}={value!r}: should be true or false")
    return value


def _names(key: str, value: Any) -> tuple[str, ...]:
    """A list of different names; null is an empty one."""
    names = tuple(value) if isinstance(value, list) else value or ()
    if not all(isinstance(n, str) and n for n in names) or len(set(names)) < len(names):
        raise InputError(f"{key}={value!r}: should be a list of different names, or null")
    return tuple(names)


def as_workers(value: Any) -> int | str:
    """How many processes (null: one a core), or the address of a Dask scheduler."""
    from joblib import cpu_count  # knows of affinity and of containers' limits

    if value is None:
        return int(cpu_count())
    if isinstance(value, str):
        if not re.fullmatch(r"(tcp|tls)://\S+:\d+", value):
            raise InputError(
                f"workers={value}: should be a whole number, or the address of a Dask scheduler"
                " such as tcp://10.0.0.5:8786"
            )
        return value
    return _whole("workers", value, 1, 1_024)


def _respondent(given: Mapping[str, Any]) -> str:
    """The name of a respondent; behind a colon its model, or how a language model reasons."""
    name = _known("respondent", given["name"], {**RESPONDENTS, NLI: None, LLM: None})
    if name == LLM:
        return f"{LLM}:{_one_of('respondent.reasoning', given.get('reasoning', 'none'), REASONING)}"
    if name != NLI:
        return name
    if not given.get("model"):
        raise InputError(f"respondent.model is missing: {NLI_HELP}")
    return f"{NLI}:{given['model']}"


def _language_model(given: Mapping[str, Any]) -> "LLMSettings | None":
    """The settings of a language model, None where none is configured."""
    if dict(given) == {"name": "none"}:
        return None  # without a quarter of a second of imports
    from generators.llm.settings import settings_from

    return settings_from(given)


def _one_of(key: str, value: Any, known: Sequence[str]) -> str:
    if value not in known:
        raise InputError(f"{key}={value!r}: should be one of {', '.join(known)}")
    return str(value)


def _known(key: str, name: Any, registry: Mapping[str, Any]) -> str:
    if name not in registry:
        raise InputError(f"{key}={name!r} is not known; known: {', '.join(sorted(registry))}")
    return str(name)
