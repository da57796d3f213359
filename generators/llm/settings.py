"""The config group `llm`: which server and model, what may be spent, how patient to be."""

import datetime
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from generators.errors import InputError
from generators.input_file import problems_in

NONE = "none"
_HOST = r"([\w.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?"
_OURS = frozenset(
    "model messages max_tokens max_completion_tokens temperature seed logprobs top_logprobs"
    " response_format stream n".split()
)

_Limit = Annotated[float, Field(gt=0, allow_inf_nan=False)]
_Whole = Annotated[int, Field(ge=1)]
_Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
_Cost = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Price(_Group):
    """What a model costs: money a million tokens, on a day.

    Attributes:
        model: its name, as in `Settings.model`; "*" for every model of this server.
        input, output: of prompt and answer.
        cached_input: of prompt tokens that the server had cached; null: as `input`.
        as_of: the day that somebody looked this price up.
    """

    model: str
    input: _Cost
    output: _Cost
    cached_input: _Cost | None = None
    as_of: datetime.date


class Limits(_Group):
    """What may be spent in all, by every process that shares a ledger; null: no limit.

    Attributes:
        money: in the currency of the price table.
        tokens: of prompts and answers.
        calls: HTTP requests for an answer, those that fail with them.
        minutes: in which calls were in flight, added up over processes.
    """

    money: _Limit | None = None
    tokens: _Whole | None = None
    calls: _Whole | None = None
    minutes: _Limit | None = None


class Retries(_Group):
    """How often to try again, and how long to wait.

    Attributes:
        attempts: tries of one request in all.
        first_wait: seconds before the second; doubled from then on, with jitter.
        longest_wait: most seconds; a server that asks for more (Retry-After) is not waited for.
    """

    attempts: _Whole = 5
    first_wait: _Seconds = 0.5
    longest_wait: _Seconds = 60.0


class Breaker(_Group):
    """When to leave a failing server in peace.

    Attributes:
        failures: calls that fail in a row before all calls pause.
        pause: seconds until one call tries; doubled each time that it fails too.
        trials: failed tries after which everything that waits is given up.
    """

    failures: _Whole = 8
    pause: _Seconds = 5.0
    trials: _Whole = 3


class Caching(_Group):
    """Where answers are kept.

    Attributes:
        mode: off; readwrite; or replay, which asks nobody and opens no connection.
        file: null: `answers.sqlite` in Gamut's cache folder.
    """

    mode: Literal["off", "readwrite", "replay"] = "readwrite"
    file: Path | None = None


class Settings(_Group):
    """A language model and how to use it.

    Attributes:
        name: of the config group's file.
        base_url: of the server, up to and with /v1.
        model: what the server calls it; answers are kept under this name.
        key_env: the environment variable that holds the key; null: the server wants none.
        timeout: seconds for one call, from first to last byte.
        concurrency: calls at a time.
        role_concurrency: fewer for some roles.
        limit_field: what the server calls the most tokens of an answer.
        extra: fields that every request's body has besides; part of the cache's key.
        currency, prices: of tokens.
        allow_unknown_price: ask a model without a price all the same; its money is not counted.
        budget, retries, breaker, cache: see there.
    """

    name: str = "server"
    base_url: str
    model: Annotated[str, Field(min_length=1)]
    key_env: str | None = None
    timeout: _Seconds = 120.0
    concurrency: _Whole = 8
    role_concurrency: dict[str, _Whole] = {}
    limit_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    extra: dict[str, Any] = {}
    currency: str = "USD"
    prices: tuple[Price, ...] = ()
    allow_unknown_price: bool = False
    budget: Limits = Limits()
    retries: Retries = Retries()
    breaker: Breaker = Breaker()
    cache: Caching = Caching()

    @field_validator("role_concurrency", "extra", mode="before")
    @classmethod
    def _nothing(cls, given: Any) -> Any:
        return {} if given is None else given  # as in the file: a command line cannot add to {}

    @field_validator("base_url")
    @classmethod
    def _plain_address(cls, url: str) -> str:
        if any(mark in url for mark in "@?#"):
            raise ValueError("has a user, a password, a query or a fragment; keys go into key_env")
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not re.fullmatch(_HOST, parts.netloc):
            raise ValueError("should be an address such as http://127.0.0.1:8080/v1")
        return url.rstrip("/")

    @field_validator("key_env")
    @classmethod
    def _names_a_variable(cls, name: str | None) -> str | None:
        if name is not None and not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name):
            raise ValueError("should be the name of an environment variable, never a key itself")
        return name

    @field_validator("extra")
    @classmethod
    def _plain_fields(cls, extra: dict[str, Any]) -> dict[str, Any]:
        ours = sorted(_OURS & set(extra))
        if ours:
            raise ValueError(f"{', '.join(ours)}: the client sets these itself")
        try:
            json.dumps(extra, allow_nan=False)
        except TypeError as error:
            raise ValueError(f"should be plain JSON: {error}") from None
        return extra

    @model_validator(mode="after")
    def _money_can_be_counted(self) -> Self:
        self.check_money()
        return self

    def check_money(self) -> None:
        """Raises ValueError, which Pydantic words, where the money of the model cannot be held."""
        if self.price() is None and self.allow_unknown_price and self.budget.money is not None:
            raise ValueError(
                f"allow_unknown_price: budget.money={self.budget.money:g} cannot be held without a"
                " price; set budget.money=null, and limit tokens or calls"
            )

    def price(self) -> Price | None:
        """The price of the model, None where the table has none."""
        for wanted in (self.model, "*"):
            for price in self.prices:
                if price.model == wanted:
                    return price
        return None


def settings_from(plain: Mapping[str, Any]) -> Settings | None:
    """Settings from the config group `llm`, None for `none`.

    Raises InputError naming each key that is wrong.
    """
    if plain.get("name") == NONE:
        if len(plain) > 1:
            keys = ", ".join(f"llm.{key}" for key in plain if key != "name")
            raise InputError(f"{keys}: no model is configured; choose llm=server or llm=local")
        return None
    try:
        given = {k: v for k, v in plain.items() if v is not None or k not in ("base_url", "model")}
        return Settings.model_validate(given)
    except ValidationError as error:
        problems = [f"llm.{problem}" for problem in problems_in(error, Settings)]
    raise InputError("\n".join(problems))
