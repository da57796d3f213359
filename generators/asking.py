"""What programs ask a language model: bounds, who answers, and what the answers took.

A program's run is given a table of answers (see `generators.sandbox.answers`). What it lacks is
asked here, in the trusted process, all at once; then the program runs again with the longer table.
The answers that it used are the recording from which the same personas are made without a model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from generators.blocks.kinds import LONGEST_PROMPT, MAX_PERSONAS
from generators.errors import GamutError
from generators.sandbox.limits import tidy

if TYPE_CHECKING:
    from generators.llm import Answer, LanguageModel, LLMError, Request

ROLE = "ask"
ROUNDS = 3  # of asking, for one run: a prompt may depend on answers of earlier rounds
TEMPERATURE = 0.7
MAX_TOKENS = 512  # of an answer
LONGEST_ANSWER = 3_000  # characters
_BILLION = 1_000_000_000  # as the ledger counts money; its imports take a quarter of a second
_OF_ALL, _EACH = 8, 2  # prompts a population, and a persona


class NoAnswersError(GamutError):
    """There is nobody to ask, or the recording does not hold what is asked."""


def most_prompts(n: int) -> int:
    """How many different prompts may be asked for n personas, made in chunks of at most 256."""
    return _OF_ALL * -(-n // MAX_PERSONAS) + _EACH * n


class Answers:
    """Answers the prompts of one population, from a recording or by a model.

    Attributes:
        table: what was asked and answered so far, by prompt: the recording.
        calls, prompt_tokens, completion_tokens: what that took when it was answered, as if none
            had come from the cache; a missing answer counts with our own count of its prompt.
        money: the same, in billionths of the currency; 0 where the price is not known.
    """

    def __init__(
        self, model: LanguageModel | None = None, recorded: Mapping[str, str] | None = None
    ) -> None:
        """`recorded`: where it is given, nothing else is an answer, and no model is asked."""
        self._model, self._recorded = model, recorded
        self.table: dict[str, str] = {}
        self.calls = self.prompt_tokens = self.completion_tokens = self.money = 0

    def to(self, prompts: Sequence[str]) -> dict[str, str]:
        """The answers by prompt; empty ones where there are none.

        Raises NoAnswersError; and BudgetSpent, NotRecorded, ServerDown, ServerRefuses of the model.
        """
        given = self._from_recording(prompts) if self._recorded is not None else self._new(prompts)
        self.table |= given
        return given

    def cost(self) -> dict[str, float]:
        """Calls, tokens and money, by the names that verdicts use."""
        return {
            "ask_calls": self.calls,
            "ask_prompt_tokens": self.prompt_tokens,
            "ask_completion_tokens": self.completion_tokens,
            "ask_money": self.money / _BILLION,
        }

    def _from_recording(self, prompts: Sequence[str]) -> dict[str, str]:
        assert self._recorded is not None
        missing = [prompt for prompt in prompts if prompt not in self._recorded]
        if missing:
            raise NoAnswersError(
                f"asks a language model what no answer is recorded for: {tidy(missing[0], 80)}"
            )
        return {prompt: self._recorded[prompt] for prompt in prompts}

    def _new(self, prompts: Sequence[str]) -> dict[str, str]:
        if self._model is None:
            raise NoAnswersError(
                "asks a language model; none is configured (gamut evolve: llm=server or llm=local,"
                " with search.ask=true; gamut generate: --llm URL --model NAME)"
            )
        from generators.llm import Request, chat

        requests = [Request(ROLE, chat(p), MAX_TOKENS, TEMPERATURE) for p in prompts]
        outcomes = self._model.ask_all(requests)
        for request, outcome in zip(requests, outcomes, strict=True):
            self._count(request, outcome)
        return {p: _text(outcome) for p, outcome in zip(prompts, outcomes, strict=True)}

    def _count(self, request: Request, outcome: Answer | LLMError) -> None:
        from generators.llm import Answer, Usage
        from generators.llm.ledger import priced
        from generators.llm.tokens import own_prompt

        assert self._model is not None
        usage = outcome.usage if isinstance(outcome, Answer) else Usage(own_prompt(request), 0)
        price = self._model.settings.price()
        self.calls += 1
        self.prompt_tokens += usage.prompt
        self.completion_tokens += usage.completion
        self.money += priced(usage.prompt, usage.completion, price, usage.cached or 0).money


def check_recorded(answers: Any, n: int) -> str:
    """What is wrong with recorded answers of n personas, as read from a file; empty if nothing."""
    if not isinstance(answers, dict) or not all(isinstance(a, str) for a in answers.values()):
        return "should be an object of texts by prompt"
    if len(answers) > most_prompts(n):
        return f"{len(answers)} answers are more than {n} personas may have asked for"
    if any(len(p) > LONGEST_PROMPT or len(a) > LONGEST_ANSWER for p, a in answers.items()):
        return f"over {LONGEST_PROMPT} characters of a prompt, or {LONGEST_ANSWER} of an answer"
    return ""


def _text(outcome: Answer | LLMError) -> str:
    """An answer as a program gets it: bounded Unicode text without control characters."""
    from generators.llm import Answer

    if not isinstance(outcome, Answer):
        return ""
    text = outcome.text.encode("utf-8", "replace").decode()
    return tidy(text, LONGEST_ANSWER, one_line=False).strip()
