"""The search group: methods with the keys that they heed, and errors that name the key."""

from pathlib import Path
from typing import Any

import pytest
import yaml

import conf
from evolve.config import from_plain
from evolve.job import _for_hydra
from evolve.search import METHODS, Settings
from generators.errors import InputError

CONF = Path(str(conf.__file__)).parent


MODEL = {"name": "server", "base_url": "http://127.0.0.1:1/v1", "model": "tiny"}
NAMED = {"respondent": {"name": "projection"}, "embedder": {"name": "minilm"}}


def read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((CONF / f"{name}.yaml").read_text())
    return found


def configured(file: str = "gp", /, **search: Any) -> Settings:
    """The settings of a file with some keys changed."""
    plain = read("config")
    groups: dict[str, Any] = {"search": read(f"search/{file}"), **NAMED}
    if file == "llm":
        groups["llm"] = {**MODEL}
    groups["search"].update(search)
    return from_plain({**plain, **groups, "contexts": {}, "workers": 1}).settings


def test_every_method_has_its_file() -> None:
    assert {file.stem for file in (CONF / "search").glob("*.yaml")} == set(METHODS)
    for method in METHODS:
        assert configured(method).method == method


def test_the_control_arms_neither_migrate_nor_start_over() -> None:
    for method in ("random", "hillclimb"):
        settings = configured(method)
        assert (settings.migration_every, settings.restart, settings.second_change) == (0, 0, 0)
    climber = configured("hillclimb")
    assert (climber.islands, climber.island_size) == (1, 1)


def test_the_default_is_lexicase_with_the_bandit() -> None:
    assert configured().selection == "lexicase"
    assert configured().bandit
    assert configured(selection="tournament", tournament_size=7).tournament_size == 7


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("method", "annealing", "should be one of gp, random, hillclimb"),
        ("selection", "best", "should be one of lexicase, tournament"),
        ("tournament_size", 1, "should be a whole number from 2"),
        ("bandit", "yes", "should be true or false"),
        ("migration_every", -1, "should be a whole number from 0"),
        ("second_change", 1.5, "should be a number from 0 to 1"),
        ("in_flight", 0, "should be a whole number from 1"),
    ],
)
def test_wrong_values_are_named(key: str, value: Any, said: str) -> None:
    with pytest.raises(InputError) as error:
        configured(**{key: value})
    assert str(error.value).startswith(f"search.{key}={value!r}: {said}")


def test_a_run_of_an_earlier_version_goes_on_as_it_was_configured() -> None:
    plain = read("search/gp")
    new = ("method", "selection", "tournament_size", "bandit")
    old = {key: value for key, value in plain.items() if key not in new}
    everything = {**read("config"), **NAMED, "search": old, "contexts": {}, "workers": 1}
    found = from_plain(everything).settings
    assert (found.method, found.selection, found.bandit) == ("gp", "lexicase", False)
    assert (found.islands, found.in_flight) == (old["islands"], old["in_flight"])


@pytest.mark.parametrize(
    ("word", "read"),
    [
        ("llm.cache.file=a.sqlite", "llm.cache.file='{here}/a.sqlite'"),
        ("llm.cache.file=null", "llm.cache.file=null"),
        ("respondent.model=there.onnx", "respondent.model='{here}/there.onnx'"),
        ("respondent.model=org/model", "respondent.model=org/model"),
    ],
)
def test_files_are_named_in_full(
    word: str, read: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("there.onnx").touch()
    assert _for_hydra(word) == [read.format(here=tmp_path.resolve())]
