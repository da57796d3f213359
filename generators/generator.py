"""Generators: a program with the sandbox around it, called with a context, a size and a seed."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from generators.asking import ROUNDS, Answers, NoAnswersError, most_prompts
from generators.blocks.kinds import MAX_PERSONAS
from generators.context import Context, View, load_context, public_view
from generators.errors import GamutError, InputError
from generators.persona import Level, Persona
from generators.program import Program
from generators.sandbox import Outcome, Sandbox, Verdict

if TYPE_CHECKING:
    from generators.llm import LanguageModel

_FROM_PROGRAMS = frozenset(
    {
        "name", "description", "levels", "demographics", "beliefs", "goal", "opening_message",
        "communication_style", "memories",
    }
)  # fmt: skip


_LEVELS = TypeAdapter(dict[str, list[Level]])


class GenerationError(GamutError):
    """A program did not yield the personas asked for. `outcome` says how it failed."""

    def __init__(self, outcome: Outcome, reason: str) -> None:
        super().__init__(f"{outcome}: {reason}")
        self.outcome = outcome
        self.reason = reason


def generate(
    sandbox: Sandbox,
    program: Program,
    context: Context,
    n: int,
    seed: int,
    progress: Callable[[int], None] | None = None,
    answers: Answers | None = None,
) -> list[Persona]:
    """n personas of a program for a context, in chunks of at most 256.

    The same program, public context, n, seed and answers give the same personas. `answers` answers
    a program that asks a language model; None: nobody does. Raises GenerationError where the
    program fails, times out, asks in vain or too much, or returns anything but n valid records;
    and what ends all asking (BudgetSpent, ServerDown, …).
    """
    answers = answers or Answers()
    if n < 1:
        raise InputError(f"population size {n}: at least one persona must be asked for")
    if seed < 0:
        raise InputError(f"seed: should be 0 or more, but is {seed}")
    personas: list[Persona] = []
    while len(personas) < n:
        chunk, size = len(personas) // MAX_PERSONAS, min(MAX_PERSONAS, n - len(personas))
        chunk_seed = int(np.random.SeedSequence((seed, chunk)).generate_state(1)[0])
        personas += _chunk(sandbox, program, context, size, chunk_seed, len(personas), answers)
        if progress:
            progress(len(personas))
    return personas


def _chunk(
    sandbox: Sandbox,
    program: Program,
    context: Context,
    n: int,
    seed: int,
    first: int,
    answers: Answers,
) -> list[Persona]:
    view = public_view(context, seed)
    verdict = _answered(sandbox, program, view, n, seed, answers)
    if verdict.outcome is not Outcome.OK:
        raise GenerationError(verdict.outcome, verdict.reason)
    records = verdict.value
    if not isinstance(records, list) or len(records) != n:
        size = f"{len(records)} personas" if isinstance(records, list) else "no list"
        raise GenerationError(Outcome.INVALID, f"returned {size}; {n} were asked for")
    return [_persona(record, first + i, context, view) for i, record in enumerate(records)]


def _answered(
    sandbox: Sandbox, program: Program, view: View, n: int, seed: int, answers: Answers
) -> Verdict:
    """The verdict on a program; while it asks, it is answered and run again from its seed."""
    known: dict[str, str] = {}
    for round_ in range(ROUNDS + 1):
        verdict = sandbox.run(program.source, view.payload, n, seed, known)
        if verdict.outcome is not Outcome.ASKS:
            return verdict
        if round_ == ROUNDS:
            reason = f"asks in over {ROUNDS} rounds; ask for all personas at once, by ask_all"
            raise GenerationError(Outcome.ASKS, reason)
        if len(known) + len(verdict.asks) > most_prompts(n):
            reason = f"asks over {most_prompts(n)} prompts for {n} personas"
            raise GenerationError(Outcome.ASKS, reason)
        try:
            known |= answers.to(verdict.asks)
        except NoAnswersError as error:
            raise GenerationError(Outcome.ASKS, str(error)) from None
    raise AssertionError("the last round returns or raises")


def _persona(record: Any, number: int, context: Context, view: View) -> Persona:
    """A checked persona of what a program returned; the host adds id and traits by axis id."""
    where = f"record {number}"
    if not isinstance(record, dict) or not record.keys() <= _FROM_PROGRAMS:
        known = ", ".join(sorted(_FROM_PROGRAMS))
        raise GenerationError(Outcome.INVALID, f"{where}: not an object with fields of: {known}")
    fields = {key: value for key, value in record.items() if key != "levels"}
    levels = record.get("levels")
    try:
        if levels is not None:
            fields["traits"] = _traits(levels, context, view)
        return Persona.model_validate({"id": f"p{number:05d}", **fields})
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise GenerationError(Outcome.INVALID, f"{where}: {field}: {first['msg']}") from None
    except GamutError as error:
        raise GenerationError(Outcome.INVALID, f"{where}: levels: {error}") from None


def _traits(levels: Any, context: Context, view: View) -> dict[str, float]:
    """Levels in the program's order and direction as traits by axis id."""
    checked = _LEVELS.validate_python({"levels": levels})["levels"]
    names = [axis.id for axis in context.axes]
    return dict(zip(names, view.restore(checked), strict=True))


class Generator:
    """A program ready to use: `generator(context, n, seed)` gives personas, through the sandbox.

    `context` is a Context or the path of a context file; only its public part is used. `model`
    answers a program that asks a language model; it is the caller's to close. The sandbox starts
    with the first call and ends with `close` or the process.
    """

    def __init__(self, program: Program, model: "LanguageModel | None" = None) -> None:
        self.program, self.model = program, model
        self._sandbox: Sandbox | None = None

    def __call__(
        self,
        context: Context | str | Path,
        n: int = 25,
        seed: int = 0,
        progress: Callable[[int], None] | None = None,
    ) -> list[Persona]:
        if not isinstance(context, Context):
            context = load_context(context)
        if self._sandbox is None:
            self._sandbox = Sandbox()
        answers = Answers(self.model)
        return generate(self._sandbox, self.program, context, n, seed, progress, answers)

    def close(self) -> None:
        """End the sandbox's processes. Calling the generator again starts new ones."""
        if self._sandbox is not None:
            self._sandbox.close()
            self._sandbox = None
