"""The config group `llm`: every file of it is valid, and what is wrong is named."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from command_line import refused
from hydra import compose, initialize_config_dir
from model_server import FREE, fine, serving
from omegaconf import OmegaConf

import conf
from evolve.config import from_plain
from evolve.directory import SPENT, manifest
from generators.errors import InputError
from generators.llm import Ledger, settings_from
from generators.llm.settings import Limits

CONF = Path(str(conf.__file__)).parent


def composed(*words: str) -> dict[str, Any]:
    """The group as Hydra composes it."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("config", overrides=list(words))
    found = OmegaConf.to_container(config.llm, resolve=True)
    assert isinstance(found, dict)
    return {str(key): value for key, value in found.items()}


def test_no_model_is_the_default() -> None:
    assert composed() == {"name": "none"}
    assert settings_from(composed()) is None
    with pytest.raises(InputError, match=r"llm\.model: no model is configured"):
        settings_from(composed("+llm.model=x"))


def test_a_server_needs_an_address_and_a_model() -> None:
    with pytest.raises(InputError) as caught:
        settings_from(composed("llm=server"))
    assert str(caught.value).splitlines() == [
        "llm.base_url: missing; it is required", "llm.model: missing; it is required",
    ]  # fmt: skip
    words = ["llm=server", "llm.base_url=https://a.example/v1/", "llm.model=a/b:c"]
    price = "llm.prices=[{model: 'a/b:c', input: 1, output: 2, as_of: 2026-11-01}]"
    found = settings_from(
        composed(*words, price, "llm.role_concurrency={mutate: 2}", "llm.extra={a: 1}")
    )
    assert found is not None
    assert (found.base_url, found.model, found.budget.money) == ("https://a.example/v1", "a/b:c", 1)
    assert (found.role_concurrency, found.extra) == ({"mutate": 2}, {"a": 1})
    paid = found.price()
    assert paid is not None
    assert (paid.output, paid.as_of.isoformat()) == (2, "2026-11-01")


def test_a_local_server_needs_a_model_and_costs_nothing() -> None:
    found = settings_from(composed("llm=local", "llm.model=tiny"))
    assert found is not None
    assert found.base_url == "http://127.0.0.1:8712/v1"
    paid = found.price()
    assert paid is not None
    assert (paid.input, paid.output, found.budget.money, found.name) == (0, 0, None, "local")


def test_the_files_show_every_key_that_there_is() -> None:
    found = yaml.safe_load((CONF / "llm" / "server.yaml").read_text())
    model = settings_from({**found, "base_url": "http://a/v1", "model": "m", "prices": [FREE]})
    assert model is not None
    whole = model.model_dump()
    assert set(found) == set(whole)
    for group in ("budget", "retries", "breaker", "cache"):
        assert set(found[group]) == set(whole[group])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"timeout": 0}, "llm.timeout: input should be greater than 0"),
        ({"concurency": 3}, "llm.concurency: unknown key; did you mean `concurrency`?"),
        ({"budget": {"money": -1}}, "llm.budget.money: input should be greater than 0"),
        ({"budget": {"money": float("inf")}}, "llm.budget.money: input should be a finite number"),
        ({"cache": {"mode": "on"}}, "llm.cache.mode: "),
        ({"base_url": "model.example/v1"}, "llm.base_url: should be an address such as"),
        ({"extra": {"messages": []}}, "llm.extra: messages: the client sets these itself"),
        ({"prices": [{**FREE, "as_of": None}]}, "llm.prices[0].as_of: "),
        ({"prices": [{**FREE, "input": -1}]}, "llm.prices[0].input: "),
        ({"role_concurrency": {"mutate": 0}}, "llm.role_concurrency.mutate: "),
    ],
)
def test_what_is_wrong_is_named(given: dict[str, Any], said: str) -> None:
    plain = {"name": "server", "base_url": "http://a/v1", "model": "m", "prices": [FREE]}
    with pytest.raises(InputError) as caught:
        settings_from({**plain, **given})
    assert str(caught.value).startswith(said)


def test_a_search_refuses_a_wrong_model_before_it_writes_anything(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    words = ["evolve", f"run_dir={folder}", "llm=server"]
    refused(*words, said=("llm.base_url: missing", "llm.model: missing"))
    refused(*words, "llm.base_url=http://a/v1", "llm.model=m", "llm.timeout=-1", said=("timeout",))
    known = [*words, "llm.base_url=http://127.0.0.1:9/v1", "llm.model=m"]
    refused(*known, said=("llm.prices: no price for m",))
    free = "llm.prices=[{model: m, input: 0, output: 0, as_of: 2026-11-01}]"
    refused(*known, free, "llm.key_env=NO_SUCH_KEY", said=("NO_SUCH_KEY", "not set"))
    assert not folder.exists()


def test_the_manifest_says_what_the_model_can_do(tmp_path: Path) -> None:
    with initialize_config_dir(str(CONF), version_base="1.3"), serving(fine) as server:
        words = ["llm=local", "llm.model=tiny", f"llm.base_url={server.url}", "llm.cache.mode=off"]
        plain = OmegaConf.to_container(compose("config", overrides=words))
        assert isinstance(plain, dict)
        config = from_plain({str(key): value for key, value in plain.items()})
        said = manifest(config, tmp_path)["llm"]
        assert manifest(replace(config, llm=None), tmp_path)["llm"] is None
    assert (said["model"], said["base_url"]) == ("tiny", server.url)
    assert said["top_logprobs"] == 0
    assert "samples" in said["fallbacks"]["top_logprobs"]
    assert Ledger(Limits(), tmp_path / SPENT).spent()["probe"]["calls"] == len(server.bodies) == 5
