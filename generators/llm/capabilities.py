"""What a server can do, and what is done where it cannot."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

FALLBACKS = {
    "json_schema": "the schema is written into the prompt, and the reply is parsed strictly",
    "top_logprobs": "answers have no logprobs; whoever needs them asks several samples instead",
    "seed": "no seed is sent; only the answer cache repeats an answer",
    "temperature": "no temperature is sent; the server's own is used",
    "usage": "tokens are counted by Gamut, a little too high",
    "context_length": "a prompt that is too long is found out when the server refuses it",
    "prompt_caching": "every call is taken to pay for its whole prompt",
}


@dataclass(frozen=True)
class Capabilities:
    """What one model on one server was found able to do.

    Attributes:
        json_schema: it holds its answers to a JSON schema.
        top_logprobs: most alternatives that it gives log-probabilities of; 0: it gives none.
        seed: it takes a seed. That is no promise that the seed repeats an answer: see
            `seed_repeats`, for which two equal calls were made.
        temperature: it takes a temperature.
        usage: it reports tokens that can be true.
        context_length: most tokens of prompt and answer; None: it does not say.
        prompt_caching: it said that it had the beginning of a repeated prompt; None: it says
            nothing about it. Some hosted servers only begin at 1,024 tokens, which is not tried.
        listed: whether the model is in the server's list; None: there is no list.
        latency, seconds_per_token: of an answer, measured on short ones.
    """

    json_schema: bool
    top_logprobs: int
    seed: bool
    seed_repeats: bool
    temperature: bool
    usage: bool
    context_length: int | None
    prompt_caching: bool | None
    listed: bool | None
    latency: float
    seconds_per_token: float

    def fallbacks(self) -> dict[str, str]:
        """What is done instead, by feature that is missing."""
        return {name: text for name, text in FALLBACKS.items() if not getattr(self, name)}

    def plain(self) -> dict[str, Any]:
        """As plain JSON, with the fallbacks, for the manifest."""
        return {**asdict(self), "fallbacks": self.fallbacks()}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "Capabilities":
        """What `plain` wrote. Raises TypeError for anything else."""
        return cls(**{name: value for name, value in plain.items() if name != "fallbacks"})
