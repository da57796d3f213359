"""What becomes of a question: a program, or a reason; one repair; costs; what ends a run."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from model_writers import FakeModel

from evolve.evaluate import DUPLICATE, FAILED
from evolve.mutation.mutation import Question
from evolve.mutation.replies import DIFF, REWRITE
from evolve.mutation.writer import Writer, Written
from generators.baselines import baseline
from generators.generator import GenerationError
from generators.llm import (
    Answer,
    BudgetSpent,
    LLMError,
    NotRecorded,
    Reason,
    Request,
    ServerDown,
    ServerRefuses,
    Usage,
    chat,
)
from generators.llm.settings import Price
from generators.program import Program, parse
from generators.sandbox import Outcome

PARENT = baseline("covering_mix")
CHILD = PARENT.source.replace("'axis'", "'mixed'")
PRICE = Price(model="tiny", input=1.0, output=2.0, cached_input=0.5, as_of="2026-11-01")  # type: ignore[arg-type]
REFUSAL = LLMError(Reason.REFUSAL, "mutate", "I would rather not")


def block(source: str) -> str:
    return f"```python\n{source}\n```"


GOOD = block(CHILD)


def asked(form: str = REWRITE, taken: frozenset[str] = frozenset(), room: int = 10**5) -> Question:
    request = Request("mutate", chat(block(PARENT.source), "You improve."), 500, 0.8, 7)
    return Question(7, "tiny", room, "surprise", form, request, request, PARENT.source, 500, taken)


def no_run(_: Program) -> None:
    """Every program runs."""


def fails(outcome: Outcome) -> Callable[[Program], None]:
    def run(program: Program) -> None:
        raise GenerationError(outcome, f"IndexError in {len(program.source)} characters")

    return run


def write(
    *answers: Any,
    question: Question | None = None,
    run: Callable[[Program], None] = no_run,
) -> tuple[Written, FakeModel]:
    model = FakeModel(*answers)
    writer = Writer({"tiny": model}, {"tiny": PRICE}, run, 1, lambda: None)
    try:
        return writer.submit(question or asked()).result(timeout=20), model
    finally:
        writer.close()


def test_a_good_answer_is_a_program_at_its_price() -> None:
    written, model = write(Answer(GOOD, "stop", Usage(1_000, 50, cached=900), "tiny"))
    assert written.program == parse(CHILD)
    assert (written.refused, written.failed, written.spent) == ((), "", False)
    assert len(model.asked) == 1
    assert written.cost == {
        "model_calls": 1, "prompt_tokens": 1_000, "completion_tokens": 50, "money": 0.00065
    }  # fmt: skip


@pytest.mark.parametrize(
    ("bad", "reason", "shown"),
    [
        ("No.", "no code block", "no closed ```python code block"),
        (f"{GOOD}\n{GOOD}", "several code blocks", "2 code blocks"),
        (block("import os"), "not allowed", "import of os is not allowed"),
        (block("def generate(:"), "not allowed", "not Python"),
        (block(CHILD + "\nX = [" + "1, " * 600 + "]"), "not allowed", "at most 500"),
        (Answer(GOOD, "length", Usage(1, 500), "tiny"), "cut off", "after 500 tokens"),
    ],
)
def test_one_repair_round_shows_the_error(bad: Any, reason: str, shown: str) -> None:
    written, model = write(bad, GOOD)
    assert written.program == parse(CHILD)
    assert written.refused == (reason,)
    assert written.failed == ""
    assert shown in model.asked[1].messages[3][1]
    assert written.cost["model_calls"] == 2


@pytest.mark.parametrize(
    ("answers", "question", "run", "reasons", "status"),
    [
        (["No.", "No."], asked(), no_run, ["no code block"] * 2, FAILED),
        (["No.", block("import os")], asked(), no_run, ["no code block", "not allowed"], FAILED),
        (["No.", GOOD], asked(DIFF), no_run, ["no edit"] * 2, FAILED),
        ([GOOD, GOOD], asked(), fails(Outcome.ERROR), ["does not run"] * 2, FAILED),
        ([GOOD, GOOD], asked(), fails(Outcome.INVALID), ["does not run"] * 2, FAILED),
        (
            [block(PARENT.source), GOOD],
            asked(taken=frozenset({PARENT.hash, parse(CHILD).hash})),
            no_run,
            ["seen before"] * 2,
            DUPLICATE,
        ),
        (["No."], asked(room=600), no_run, ["no code block"], FAILED),  # no room for a repair
        ([REFUSAL], asked(), no_run, ["refusal"], FAILED),
        (["No.", LLMError(Reason.EMPTY, "mutate", "")], asked(), no_run,
         ["no code block", "empty"], FAILED),
        ([LLMError(Reason.TIMEOUT, "mutate", "5 tries")], asked(), no_run, ["timeout"], FAILED),
        ([BudgetSpent("llm.budget.calls=1 is spent")], asked(), no_run, ["budget spent"], FAILED),
    ],
)  # fmt: skip
def test_what_fails_for_good_is_a_verdict_with_its_reason(
    answers: list[Any],
    question: Question,
    run: Callable[[Program], None],
    reasons: list[str],
    status: str,
) -> None:
    written, model = write(*answers, question=question, run=run)
    assert written.program is None
    assert list(written.refused) == reasons
    assert written.failed == reasons[-1]
    assert len(model.asked) == len(reasons)
    verdict = written.verdict(question)
    assert verdict["status"] == status
    assert reasons[-1] in verdict["reason"]
    assert verdict["model"]["refused"] == reasons
    assert verdict["model"]["spent"] == (reasons == ["budget spent"])
    assert verdict["cost"]["model_calls"] == len(reasons) - (reasons == ["budget spent"])


@pytest.mark.parametrize("outcome", [Outcome.TIMEOUT, Outcome.CRASH, Outcome.MEMORY, Outcome.ASKS])
def test_what_another_try_might_end_otherwise_is_left_to_evaluation(outcome: Outcome) -> None:
    written, model = write(GOOD, run=fails(outcome))
    assert written.program == parse(CHILD)
    assert len(model.asked) == 1


@pytest.mark.parametrize(
    "error", [NotRecorded("no recorded answer"), ServerRefuses("wrong key"), ServerDown("gone")]
)
def test_what_no_other_question_survives_ends_the_run(error: Exception) -> None:
    with pytest.raises(type(error)):
        write(error)


@pytest.fixture
def unpriced() -> Iterator[Writer]:
    writer = Writer({"tiny": FakeModel(GOOD)}, {}, no_run, 1, lambda: None)
    yield writer
    writer.close()


def test_money_is_not_made_up_where_the_price_is_not_known(unpriced: Writer) -> None:
    assert "money" not in unpriced.write(asked()).cost
