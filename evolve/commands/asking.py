"""Options of commands that ask a language model, and the model that they name."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from generators.llm import LanguageModel, Settings

LLM = Annotated[
    str | None,
    typer.Option(
        help="The language model's server: its address, up to and with /v1; or `local`, the server"
        " of `gamut models serve`.",
        metavar="URL|local",
        show_default=False,
    ),
]
MODEL = Annotated[
    str | None, typer.Option(help="What the server calls the model.", show_default=False)
]
KEY_ENV = Annotated[
    str | None,
    typer.Option(help="The environment variable that holds the key.", show_default=False),
]
SET = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="Any other setting of the model, as `gamut evolve` takes it: llm.budget.money=2,"
        " llm.cache.mode=replay, 'llm.prices=[…]'.",
        metavar="llm.KEY=VALUE",
        show_default=False,
    ),
]


@contextmanager
def asked_model(
    llm: str | None, model: str | None, key_env: str | None, given: Sequence[str] | None
) -> Iterator["LanguageModel"]:
    """The model that the options name; what it cost is said on standard error at the end.

    Raises InputError where they name none, or one that no call could be made to.
    """
    from generators.llm import LanguageModel

    with LanguageModel(named_settings(llm, model, key_env, given or ())) as opened:
        try:
            yield opened
        finally:
            spent = opened.spent()["total"]
            tokens = spent["prompt_tokens"] + spent["completion_tokens"]
            money = spent["money"]
            cost = f", {money:.4f} {opened.settings.currency}" if money else ""
            kept = f"; {spent['from_cache']} answers from the cache" if spent["from_cache"] else ""
            said = f"{opened.settings.model}: {spent['calls']} calls, {tokens:,} tokens{cost}{kept}"
            print(said, file=sys.stderr, flush=True)


def named_settings(
    llm: str | None, model: str | None, key_env: str | None, given: Sequence[str]
) -> "Settings":
    """The config group `llm` with what the options change. Raises InputError for what is wrong."""
    from generators.errors import InputError
    from generators.llm import settings_from

    if llm is None:
        raise InputError("--llm is missing: give the address of a language model's server")
    if model is None:
        raise InputError("--model is missing: give what the server calls the model")
    plain = _group("local" if llm == "local" else "server")
    plain |= {"model": model, "key_env": key_env}
    if llm != "local":
        plain["base_url"] = llm
    for word in given:
        _set(plain, word)
    settings = settings_from(plain)
    assert settings is not None
    return settings


def _group(name: str) -> dict[str, Any]:
    """What a file of the config group `llm` says, as plain JSON."""
    from hydra import compose, initialize_config_module
    from omegaconf import OmegaConf

    with initialize_config_module("conf", version_base="1.3"):
        group = compose("config", overrides=[f"llm={name}"]).llm
    plain: dict[str, Any] = OmegaConf.to_container(group)  # type: ignore[assignment]
    return plain


def _set(plain: dict[str, Any], word: str) -> None:
    """Change one key, however deep. Unknown ones are refused by the settings themselves."""
    import yaml

    from generators.errors import InputError

    path, equals, text = word.partition("=")
    first, *keys = path.split(".")
    if not equals or first != "llm" or not all(keys) or not keys:
        raise InputError(f"--set {word}: should be llm.KEY=VALUE, e.g. llm.budget.calls=100")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        raise InputError(f"--set {word}: the value cannot be read; is a quote missing?") from None
    node = plain
    for key in keys[:-1]:
        if not isinstance(node.get(key), dict):
            node[key] = {}
        node = node[key]
    node[keys[-1]] = value
