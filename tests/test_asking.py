"""Programs that ask a language model: a real server answers, the sandbox stays shut."""

import hashlib
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bundle_files import parts, resum
from model_server import Behaviour, Handler, answer, serving, settings, words

from evolve.grammar import asking, grow, signatures
from evolve.mutation.language import block_list
from evolve.operators import OPERATORS, random_program
from generators.asking import LONGEST_ANSWER, MAX_TOKENS, Answers, most_prompts
from generators.blocks import host_blocks
from generators.bundle import read_bundle, verify_bundle, write_bundle
from generators.context import Context
from generators.errors import InputError
from generators.generator import GenerationError, generate
from generators.llm import BudgetSpent, LanguageModel
from generators.persona import Persona
from generators.program import Program, parse
from generators.sandbox import Outcome, Sandbox

PEOPLE = "[{'name': 'Ann', 'description': d} for d in said]"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as opened:
        yield opened


def program(*lines: str, returns: str = PEOPLE) -> Program:
    body = [*lines, f"return {returns}"]
    return parse("def generate(context, n, rng):\n" + "".join(f"    {line}\n" for line in body))


ONE_ROUND = program("said = ask_all([f'Who is {i}?' for i in range(n)])")
TWO_ROUNDS = program(
    "topic = ask('A topic?')", "said = ask_all([topic + str(i) for i in range(n)])"
)


def echoes(handler: Handler, body: dict[str, Any]) -> None:
    """Says what it was asked."""
    said = f"It was: {body['messages'][-1]['content']}"
    usage = {"prompt_tokens": words(body), "completion_tokens": 5}
    handler.send(answer(said, usage=usage))


def made(
    sandbox: Sandbox,
    asks: Program,
    context: Context,
    behaviour: Behaviour = echoes,
    n: int = 3,
    **changes: Any,
) -> tuple[list[Persona], Answers, int]:
    """Personas, what was answered, and how many questions of programs came to the server."""
    with serving(behaviour) as server, LanguageModel(settings(server, **changes)) as model:
        answers = Answers(model)
        personas = generate(sandbox, asks, context, n, 0, answers=answers)
        asked = [body for body in server.bodies if body["max_tokens"] == MAX_TOKENS]
        return personas, answers, len(asked)


def test_a_population_is_asked_for_in_one_round(sandbox: Sandbox, elders: Context) -> None:
    personas, answers, calls = made(sandbox, ONE_ROUND, elders)
    assert [p.description for p in personas] == [f"It was: Who is {i}?" for i in range(3)]
    assert calls == answers.calls == 3
    assert (answers.prompt_tokens, answers.completion_tokens) == (9, 15)
    assert answers.cost()["ask_money"] == 0


def test_a_prompt_may_depend_on_an_earlier_answer(sandbox: Sandbox, elders: Context) -> None:
    personas, answers, calls = made(sandbox, TWO_ROUNDS, elders)
    assert personas[2].description == "It was: It was: A topic?2"
    assert calls == len(answers.table) == 4
    again = generate(sandbox, TWO_ROUNDS, elders, 3, 0, answers=Answers(recorded=answers.table))
    assert again == personas


def test_money_is_counted_where_the_price_is_known(sandbox: Sandbox, elders: Context) -> None:
    price = {"model": "*", "input": 1_000_000, "output": 2_000_000, "as_of": "2026-11-01"}
    _, answers, _ = made(sandbox, ONE_ROUND, elders, prices=[price], budget={"money": 10**9})
    assert answers.cost()["ask_money"] == 9 + 2 * 15


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["said = [ask(f'{i}') for i in range(n + 1)][:n]"], "in over 3 rounds"),
        (["said = ask_all([str(i) for i in range(15)])[:n]"], f"over {most_prompts(3)} prompts"),
        (["said = ask_all(['x' * 4001] * n)"], "prompts.0: String should have at most 4000"),
        (["said = ask_all([''] * n)"], "prompts.0: String should have at least 1"),
        (["said = ask_all(['a'] * 300)"], "prompts: List should have at most 256"),
    ],
)
def test_too_much_is_a_failed_program(
    lines: list[str], said: str, sandbox: Sandbox, elders: Context
) -> None:
    with pytest.raises(GenerationError) as caught:
        made(sandbox, program(*lines), elders)
    assert said in caught.value.reason


@pytest.mark.parametrize("block", ["ask_all", "retell"])
def test_a_prompt_is_unicode_text(block: str) -> None:
    manner = ["plain prose"] if block == "retell" else []
    with pytest.raises(ValueError, match=r"unicode|Unicode"):
        host_blocks()[block](["\ud800"], *manner)


def test_a_program_cannot_catch_its_asking(sandbox: Sandbox, elders: Context) -> None:
    swallows = program(
        "try:",
        "    said = ask_all(['a', 'b', 'c'])",
        "except BaseException:",
        "    said = ['x'] * n",
    )
    personas, _, calls = made(sandbox, swallows, elders)
    assert calls == 3
    assert personas[0].description == "It was: a"


def test_without_a_model_the_program_fails_and_says_why(sandbox: Sandbox, elders: Context) -> None:
    with pytest.raises(GenerationError, match="none is configured") as caught:
        generate(sandbox, ONE_ROUND, elders, 3, 0)
    assert caught.value.outcome is Outcome.ASKS


def test_a_missing_answer_is_an_empty_text(sandbox: Sandbox, elders: Context) -> None:
    def some(handler: Handler, body: dict[str, Any]) -> None:
        if "1?" in body["messages"][-1]["content"]:
            message = {"role": "assistant", "content": None, "refusal": "I will not."}
            handler.send(
                answer(choices=[{"index": 0, "finish_reason": "stop", "message": message}])
            )
        else:
            echoes(handler, body)

    keeps = program(
        "said = ask_all([f'Who is {i}?' for i in range(n)])",
        "said = [s or 'Nobody.' for s in said]",
    )
    personas, answers, _ = made(sandbox, keeps, elders, some)
    assert personas[1].description == "Nobody."
    assert answers.table["Who is 1?"] == ""
    with pytest.raises(GenerationError, match="description"):
        made(sandbox, ONE_ROUND, elders, some)


def test_retell_keeps_what_is_not_answered(sandbox: Sandbox, elders: Context) -> None:
    def some(handler: Handler, body: dict[str, Any]) -> None:
        text = body["messages"][-1]["content"]
        handler.send(answer("" if "second" in text else "Told anew."))

    texts = "['They are the first.', 'They are the second.', 'They ' + 'go ' * 2000]"
    retold = program(f"said = retell({texts}, 'plain prose')")
    personas, _, calls = made(sandbox, retold, elders, some)
    assert [p.description[:10] for p in personas] == ["Told anew.", "They are t", "They go go"]
    assert calls == 2


@pytest.mark.parametrize(
    "text",
    [
        'A "quote", a \\ and {"json": [1, 2]}\n\n```python\nimport os\n```',
        "nul \x00 escape \x1b[2J bell \x07 \u2028 \u202e ends",
        "half a pair \ud83d alone",
        "x" * 200_000,
        "')] + __import__('os')  # \n return 1",
        "[[" * 5000,
    ],
)
def test_whatever_is_answered_is_data(text: str, sandbox: Sandbox, elders: Context) -> None:
    personas, answers, _ = made(
        sandbox, ONE_ROUND, elders, lambda handler, _: handler.send(answer(text))
    )
    told = personas[0].description
    assert 0 < len(told) <= LONGEST_ANSWER
    assert told == answers.table["Who is 0?"]
    assert told.encode().decode() == told
    assert all(c.isprintable() or c in "\n\t" for c in told)
    assert told[:4] == text[:4]
    recorded = Answers(recorded=json.loads(json.dumps(answers.table)))
    assert generate(sandbox, ONE_ROUND, elders, 3, 0, answers=recorded) == personas


def test_a_spent_budget_is_no_failed_program(sandbox: Sandbox, elders: Context) -> None:
    with pytest.raises(BudgetSpent):
        made(sandbox, ONE_ROUND, elders, budget={"calls": 20}, n=30)


def test_each_chunk_asks_for_itself(sandbox: Sandbox, elders: Context) -> None:
    personas, answers, _ = made(sandbox, program("said = [ask('Who?')] * n"), elders, n=300)
    assert len(personas) == 300
    assert answers.calls == 2
    assert len(answers.table) == 1


@pytest.fixture(scope="module")
def recorded(sandbox: Sandbox, elders: Context, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of a program that asked, twice."""
    populations, personas = [], []
    for seed in (3, 4):
        with serving(echoes) as server, LanguageModel(settings(server)) as model:
            answers = Answers(model)
            people = generate(sandbox, TWO_ROUNDS, elders, 2, seed, answers=answers)
        origin = {"context": elders.id, "seed": seed, "program_hash": TWO_ROUNDS.hash}
        first = {**origin, "answers": answers.table}
        personas += [
            person.model_copy(update={"provenance": where})
            for person, where in zip(people, (first, origin), strict=True)
        ]
        context = elders.public().model_dump(mode="json", by_alias=True)
        populations.append({"context": context, "n": 2, "seed": seed})
    given = parts(program=TWO_ROUNDS, personas=personas, scorecards=[])
    given["provenance"].update(program_hash=TWO_ROUNDS.hash, populations=populations)
    folder = tmp_path_factory.mktemp("bundles") / "asked"
    write_bundle(folder, **given)
    return folder


def test_a_bundle_is_verified_without_a_model(recorded: Path, sandbox: Sandbox) -> None:
    found = verify_bundle(recorded, sandbox)
    assert found.ok, found.mismatches
    assert len(found.checked) == 4


def change(recorded: Path, folder: Path, line: int, to: Any) -> Path:
    """A copy of the bundle whose answers in a line are changed, with checksums that fit."""
    for file in recorded.rglob("*"):
        if file.is_file():
            place = folder / file.relative_to(recorded)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(file.read_bytes())
    lines = (folder / "personas.jsonl").read_text().splitlines()
    record = json.loads(lines[line])
    record["provenance"]["answers"] = to(record["provenance"].get("answers", {}))
    lines[line] = json.dumps(record)
    (folder / "personas.jsonl").write_text("\n".join(lines) + "\n")
    resum(folder)
    return folder


@pytest.mark.parametrize(
    ("to", "said"),
    [
        (lambda a: {p: f"{t}!" if p != "A topic?" else t for p, t in a.items()}, "description"),
        (lambda a: {p: t for p, t in a.items() if p == "A topic?"}, "no answer is recorded for"),
        (lambda a: {**a, "More?": "More."}, "1 recorded answers are to nothing"),
        (lambda a: {}, "no answer is recorded for: A topic?"),
    ],
)
def test_a_tampered_recording_is_noticed(
    recorded: Path, sandbox: Sandbox, tmp_path: Path, to: Any, said: str
) -> None:
    found = verify_bundle(change(recorded, tmp_path / "b", 0, to), sandbox)
    assert len(found.mismatches) == 1
    assert said in found.mismatches[0]


@pytest.mark.parametrize(
    ("line", "to", "said"),
    [
        (0, lambda a: {"q": 1}, "an object of texts"),
        (0, lambda a: [*a], "an object of texts"),
        (0, lambda a: {str(k): "" for k in range(13)}, "13 answers are more than 2 personas"),
        (2, lambda a: {"q": "x" * 3001}, "over 4000 characters of a prompt, or 3000"),
        (1, lambda a: a, "stands with the first persona"),
    ],
)
def test_a_recording_that_cannot_be_is_refused(
    recorded: Path, tmp_path: Path, line: int, to: Any, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        read_bundle(change(recorded, tmp_path / "b", line, to))


def test_the_default_grammar_is_what_it_was() -> None:
    """The hashes were taken before there were blocks that ask."""
    random.seed(1984)
    programs: list[Program] = [random_program() for _ in range(120)]
    for operator in OPERATORS.values():
        children = (operator(programs[k], programs[k + 12]) for k in range(12))
        programs += [child for child in children if child]
    told = "\n".join(p.source for p in programs)
    assert hashlib.sha256(told.encode()).hexdigest() == (
        "5c574b290c7da00f9287cc98dd3e3d30ce6eaf209652a43b4d4390cec6547fc5"
    )
    shown = block_list(True) + block_list(False)
    assert hashlib.sha256(shown.encode()).hexdigest() == (
        "997f5a3f279127bd366897f1f5fe11364b4d4813d1fc88fdc390f95d75bf0a4f"
    )


def test_retell_is_grown_where_it_may_be_and_varied_where_it_stands() -> None:
    random.seed(1)
    with asking(True):
        asks = [p for p in (random_program() for _ in range(30)) if "retell" in p.blocks]
        assert len(asks) > 5
        assert any("retell" in grow("Texts", 2) for _ in range(20))
    assert not any("retell" in grow("Texts", 2) for _ in range(20))
    manner = signatures()["retell"].parameter("manner")
    assert manner is not None
    assert len(manner.options) == 3
    for operator in OPERATORS.values():  # of a program to start from, in a run that does not ask
        assert any(operator(asks[k], asks[-1 - k]) for k in range(4))
    assert "ask_all" not in block_list(True)
    assert "ask_all(prompts" in block_list(True, asks=True)
    assert "retell(texts: Texts" in block_list(True, asks=True)
