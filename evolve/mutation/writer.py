"""The writer: asks models for programs, beside the search's loop, and checks what they answer.

What becomes of a question depends on the question and on the answers alone. Answers come from the
client's cache where they are known, so a run that is killed, or replayed, gets the same again.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from evolve.evaluate import DUPLICATE, FAILED
from evolve.mutation.mutation import Question
from evolve.mutation.prompts import again
from evolve.mutation.replies import Failure, ReplyError, source_of
from evolve.store import Candidate
from evolve.tally import Tally, as_verdict
from generators.generator import GenerationError
from generators.llm import Answer, BudgetSpent, LLMError, Request, Usage
from generators.llm.ledger import BILLION, priced
from generators.llm.settings import Price
from generators.llm.tokens import own_prompt, upper_bound
from generators.program import Program, ProgramError, parse
from generators.sandbox import Outcome

CALLS = 2  # most for one candidate: the question, and a repair
SPENT = "budget spent"
_DETERMINED = (Outcome.ERROR, Outcome.INVALID)  # another try would end alike


class Asks(Protocol):
    """What the writer needs of a `LanguageModel`."""

    def ask(self, request: Request) -> Answer:
        """The answer to a request."""
        ...


@dataclass(frozen=True)
class Written:
    """What came of a question.

    Attributes:
        program: what was written; None where nothing can be used.
        refused: why each answer that could not be used could not, in order.
        failed: the last of them where there is no program; else empty.
        said: the same in words.
        spent: the model's budget is.
        cost: calls, tokens and, where the price is known, money, by name.
        reserved: what it might have taken at most, with a repair: calls, tokens, money.
    """

    program: Program | None
    refused: tuple[str, ...]
    failed: str
    said: str
    spent: bool
    cost: Mapping[str, float]
    reserved: Mapping[str, float]

    def candidate(self, bred: Candidate) -> Candidate:
        """The candidate that was bred without a program, with the one that was written."""
        assert self.program is not None
        return replace(bred, source=self.program.source, hash=self.program.hash)

    def told(self, verdict: Mapping[str, Any], question: Question) -> dict[str, Any]:
        """A verdict with what the model was, what it did, and what it cost."""
        model = {
            "name": question.model,
            "form": question.form,
            "refused": list(self.refused),
            "failed": self.failed,
            "spent": self.spent,
            "reserved": dict(self.reserved),
        }
        return {**verdict, "cost": {**verdict["cost"], **self.cost}, "model": model}

    def verdict(self, question: Question) -> dict[str, Any]:
        """The verdict on a candidate without a program."""
        status = DUPLICATE if self.failed == Failure.SEEN else FAILED
        reason = f"the model {question.model}: {self.failed}: {self.said}"
        return self.told(as_verdict(status, Tally(), reason), question)


@dataclass
class _Draft:
    """A question while it is worked on."""

    refused: list[str] = field(default_factory=list)
    said: str = ""
    spent: bool = False
    calls: int = 0
    prompt: int = 0
    completion: int = 0
    money: int = 0
    most_tokens: int = 0
    most_money: int = 0

    def ended(self, program: Program | None, price: Price | None) -> Written:
        cost: dict[str, float] = {
            "model_calls": self.calls,
            "prompt_tokens": self.prompt,
            "completion_tokens": self.completion,
        }
        if price is not None:
            cost["money"] = self.money / BILLION
        failed = "" if program else self.refused[-1]
        repaired = 1 if self.calls == CALLS else CALLS  # as if it had been
        most: dict[str, float] = {"calls": CALLS, "tokens": repaired * self.most_tokens}
        most["money"] = repaired * self.most_money / BILLION
        return Written(program, tuple(self.refused), failed, self.said, self.spent, cost, most)

    def count(self, request: Request, usage: Usage, price: Price | None) -> None:
        """Add what a call took, and what the client reserved for it."""
        most = priced(upper_bound(request), request.max_tokens, price)
        self.calls += 1
        self.prompt += usage.prompt
        self.completion += usage.completion
        self.money += priced(usage.prompt, usage.completion, price, usage.cached or 0).money
        self.most_tokens += most.prompt + most.completion
        self.most_money += most.money


class Writer:
    """Works on questions in threads of its own. Close it.

    `models` by name; `prices` of those whose price is known; `run` tries a program once, and raises
    GenerationError where it fails; it must be safe to call from several threads. `close` ends the
    models, and with them what they are asked.
    """

    def __init__(
        self,
        models: Mapping[str, Asks],
        prices: Mapping[str, Price],
        run: Callable[[Program], Any],
        threads: int,
        close: Callable[[], None],
    ) -> None:
        self._models, self._prices, self._run, self._close = models, prices, run, close
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="writer")

    def submit(self, question: Question) -> Future[Written]:
        """Begin to work on a question. The future raises what ends the run: see `LanguageModel`."""
        return self._threads.submit(self.write, question)

    def write(self, question: Question) -> Written:
        """Ask, check, and ask once more with what is wrong where the answer cannot be used."""
        draft, request = _Draft(), question.request
        price = self._prices.get(question.model)
        while draft.calls < CALLS:
            answer = self._answer(question.model, request, draft, price)
            if answer is None:
                break
            try:
                return draft.ended(self._checked(answer, question), price)
            except ReplyError as error:
                draft.refused.append(error.failure.value)
                draft.said = str(error)
            asked = (question.request, question.short)
            repair = again(asked, answer.text, draft.said, question.room)
            if repair is None:
                break
            request = repair
        return draft.ended(None, price)

    def close(self) -> None:
        """Give up what is not begun, end the models, wait for the threads. What is in flight is
        lost, and asked again when the run is resumed."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._close()
        self._threads.shutdown(wait=True)

    def _answer(
        self, name: str, request: Request, draft: _Draft, price: Price | None
    ) -> Answer | None:
        """The answer; None where there is none for good, which is noted.

        What is counted is what the answer took when it was given, from the cache or not; of a
        missing one, the prompt.
        """
        try:
            answer = self._models[name].ask(request)
        except BudgetSpent as error:
            draft.spent = True
            draft.refused.append(SPENT)
            draft.said = str(error)
            return None
        except LLMError as error:
            draft.refused.append(error.reason.value)
            draft.said = str(error)
            draft.count(request, Usage(own_prompt(request), 0), price)
            return None
        draft.count(request, answer.usage, price)
        return answer

    def _checked(self, answer: Answer, question: Question) -> Program:
        """The program of an answer. Raises ReplyError where it has none that is new and runs."""
        if answer.finish == "length":
            raise ReplyError(
                Failure.CUT_OFF,
                f"The answer was cut off after {answer.usage.completion} tokens; be shorter.",
            )
        try:
            program = parse(source_of(answer.text, question.form, question.parent), "the program")
        except ProgramError as error:
            raise ReplyError(Failure.REFUSED, str(error)) from None
        if program.nodes > question.limit:
            raise ReplyError(
                Failure.REFUSED,
                f"the program: {program.nodes} syntax nodes; at most {question.limit} are allowed",
            )
        if program.hash in question.taken:
            raise ReplyError(
                Failure.SEEN, "This program has been tried before; write one that differs."
            )
        try:
            self._run(program)
        except GenerationError as error:
            if error.outcome in _DETERMINED:
                raise ReplyError(Failure.FAILS, f"It does not run: {error.reason}") from None
        return program
