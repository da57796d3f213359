"""Generators: a program, a context, a size and a seed give personas, or a named failure."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import conf
from generators.baselines import BASELINES, baseline
from generators.context import Context, load_context
from generators.errors import InputError
from generators.generator import GenerationError, Generator, generate
from generators.persona import Persona
from generators.program import Program, parse
from generators.sandbox import Outcome, Sandbox

FILES = sorted((Path(conf.__file__).parent / "contexts").glob("*/*.yaml"))
CONTEXTS = {file.stem: load_context(file) for file in FILES}
ELDERS = CONTEXTS["elders_devices"]
HEALTH = CONTEXTS["health_questions"]
RECORD = "{'name': 'Ann', 'description': 'Text.'}"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as opened:
        yield opened


def program(*lines: str) -> Program:
    return parse("def generate(context, n, rng):\n" + "".join(f"    {line}\n" for line in lines))


def failure(sandbox: Sandbox, made: Program, n: int = 2) -> GenerationError:
    with pytest.raises(GenerationError) as caught:
        generate(sandbox, made, ELDERS, n, 0)
    assert str(caught.value) == f"{caught.value.outcome}: {caught.value.reason}"
    return caught.value


@pytest.mark.parametrize("context", CONTEXTS.values(), ids=CONTEXTS)
@pytest.mark.parametrize("name", BASELINES)
def test_baselines_give_personas_for_every_context(
    sandbox: Sandbox, name: str, context: Context
) -> None:
    made = generate(sandbox, baseline(name), context, 12, 5)
    assert [p.id for p in made] == [f"p{i:05d}" for i in range(12)]
    assert all(isinstance(p, Persona) and p.name and p.description for p in made)
    assert made == generate(sandbox, baseline(name), context, 12, 5)
    assert made != generate(sandbox, baseline(name), context, 12, 6)
    if name not in ("census_marginals", "name_only"):
        axes = {axis.id for axis in context.axes}
        assert all(p.traits is not None and p.traits.keys() == axes for p in made)
        assert len({p.description for p in made}) == 12 or "graded" in name


def test_only_public_text_is_used(sandbox: Sandbox) -> None:
    for name in BASELINES:
        with_hidden = generate(sandbox, baseline(name), HEALTH, 10, 1)
        assert with_hidden == generate(sandbox, baseline(name), HEALTH.public(), 10, 1)


def test_a_large_population_is_made_in_chunks(sandbox: Sandbox) -> None:
    reached: list[int] = []
    made = generate(sandbox, baseline("sobol_mix"), ELDERS, 300, 2, progress=reached.append)
    assert reached == [256, 300]
    assert len({p.id for p in made}) == len(made) == 300
    first, second = made[:44], made[256:]
    assert [p.description for p in first] != [p.description for p in second]
    assert len({p.description for p in made}) > 250
    assert made[:256] == generate(sandbox, baseline("sobol_mix"), ELDERS, 256, 2)


def test_every_chunk_has_a_seed_of_its_own(sandbox: Sandbox) -> None:
    dump = program(
        "return [{'name': 'A', 'description': str(rng.random())} for i in range(n)]",
    )
    texts = [p.description for p in generate(sandbox, dump, ELDERS, 600, 2)]
    assert len(set(texts)) == 600
    assert texts[:3] != [p.description for p in generate(sandbox, dump, ELDERS, 3, 3)]


def test_traits_come_back_in_the_order_and_direction_of_the_context(sandbox: Sandbox) -> None:
    """The program says in words which pole it means; the traits must agree, whatever the view."""
    told = program(
        "records = []",
        "for i in range(n):",
        "    levels = [rng.random() for _ in context['axes']]",
        "    said = [a['high_label' if z > .5 else 'low_label']",
        "            for a, z in zip(context['axes'], levels)]",
        "    text = json.dumps([said, levels])",
        "    records.append({'name': 'Ann', 'description': text, 'levels': levels})",
        "return records",
    )
    told = parse("import json\n" + told.source)
    directions = set()
    for seed in range(8):
        for persona in generate(sandbox, told, HEALTH, 6, seed):
            labels, levels = json.loads(persona.description)
            assert persona.traits is not None
            assert list(persona.traits) == [axis.id for axis in HEALTH.axes]
            for axis in HEALTH.axes:
                trait = persona.traits[axis.id]
                assert (trait > 0.5) == (axis.high_label in labels)
                assert (trait < 0.5) == (axis.low_label in labels)
                at = labels.index(axis.high_label if trait > 0.5 else axis.low_label)
                directions.add((axis.id, at, abs(trait - levels[at]) < 1e-9))
    assert len(directions) > 2 * len(HEALTH.axes)  # views did differ in order and direction


def test_a_program_sees_nothing_hidden(sandbox: Sandbox) -> None:
    dump = parse(
        "import json\n"
        "def generate(context, n, rng):\n"
        "    return [{'name': 'A', 'description': json.dumps(context)}] * n\n"
    )
    for context in CONTEXTS.values():
        (persona,) = generate(sandbox, dump, context, 1, 0)
        seen = json.loads(persona.description)
        assert seen.keys() == {"description", "axes"}
        assert {key for axis in seen["axes"] for key in axis} == {
            "name",
            "low_label",
            "high_label",
            "signs",
        }
        assert "_" not in context.id or context.id not in persona.description  # else a plain word
        assert (context.title in persona.description) == (context.title in context.description)
        for axis in context.axes:
            assert "_" not in axis.id or axis.id not in persona.description
            assert axis.hidden is not None
            items = [item.text for item in axis.hidden.items]
            for secret in (*axis.hidden.low, *axis.hidden.high, *items):
                assert secret not in persona.description
                assert json.dumps(secret)[1:-1] not in persona.description


@pytest.mark.parametrize("n", [0, -3])
def test_nobody_is_not_a_population(sandbox: Sandbox, n: int) -> None:
    with pytest.raises(InputError, match="at least one persona"):
        generate(sandbox, baseline("name_only"), ELDERS, n, 0)


def test_a_negative_seed_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(InputError, match="seed: should be 0 or more, but is -1"):
        generate(sandbox, baseline("name_only"), ELDERS, 1, -1)


@pytest.mark.parametrize(
    ("returned", "reason"),
    [
        ("[]", "returned 0 personas; 2 were asked for"),
        (f"[{RECORD}]", "returned 1 personas; 2 were asked for"),
        (f"[{RECORD}] * 3", "returned 3 personas; 2 were asked for"),
        ("{'a': 1}", "not a list"),
        ("None", "not a list"),
        (f"[{RECORD}, 3]", "record 1: not an object with fields of: beliefs, "),
        (f"[{RECORD}, {{'id': 'p1', **{RECORD}}}]", "record 1: not an object"),
        (f"[{RECORD}, {{'traits': {{}}, **{RECORD}}}]", "record 1: not an object"),
        (f"[{RECORD}, {{'provenance': {{}}, **{RECORD}}}]", "record 1: not an object"),
        ("[{'name': 'Ann'}] * n", "record 0: description: "),
        ("[{'description': 'Text.'}] * n", "record 0: name: "),
        ("[{'name': 'Ann', 'description': '  '}] * n", "record 0: description: "),
        ("[{'name': 'Ann', 'description': 7}] * n", "record 0: description: "),
        ("[{'name': 'A\\nB', 'description': 'Text.'}] * n", "record 0: name: "),
        (f"[{{'beliefs': 'none', **{RECORD}}}] * n", "record 0: beliefs: "),
        (f"[{{'demographics': {{'age': [1]}}, **{RECORD}}}] * n", "record 0: demographics.age: "),
    ],
)
def test_wrong_returns_are_invalid(sandbox: Sandbox, returned: str, reason: str) -> None:
    error = failure(sandbox, program(f"return {returned}"))
    assert error.outcome is Outcome.INVALID
    assert reason in error.reason


@pytest.mark.parametrize(
    ("levels", "reason"),
    [
        ("[0.5]", "record 0: levels: 1 levels for 2 axes"),
        ("[0.5, 0.5, 0.5]", "record 0: levels: 3 levels for 2 axes"),
        ("[0.5, 1.5]", "record 0: levels.1: "),
        ("[-0.1, 0.5]", "record 0: levels.0: "),
        ("[10 ** 15, 0.5]", "record 0: levels.0: "),
        ("['0.5', 0.5]", "record 0: levels.0: "),
        ("[0.5, '0.5']", "record 0: levels.1: "),
        ("[True, 0.5]", "record 0: levels.0: "),
        ("[0.5, None]", "record 0: levels.1: "),
        ("[[0.5], 0.5]", "record 0: levels.0: "),
        ("'ab'", "record 0: levels: "),
        ("{'a': 0.5, 'b': 0.5}", "record 0: levels: "),
        ("0.5", "record 0: levels: "),
    ],
)
def test_wrong_levels_are_invalid(sandbox: Sandbox, levels: str, reason: str) -> None:
    for n in (2, 3):  # another n, another view: the answer may not depend on flipped poles
        error = failure(sandbox, program(f"return [{{'levels': {levels}, **{RECORD}}}] * n"), n)
        assert error.outcome is Outcome.INVALID
        assert error.reason.startswith(reason)
        assert not any(axis.id in error.reason for axis in ELDERS.axes)


def test_levels_and_other_fields_may_be_left_out(sandbox: Sandbox) -> None:
    fields = "'goal': 'Rest.', 'beliefs': ['One.'], 'demographics': {'age': 40}, 'levels': None"
    (persona,) = generate(sandbox, program(f"return [{{{fields}, **{RECORD}}}]"), ELDERS, 1, 0)
    assert persona.traits is None
    assert persona.goal == "Rest."
    assert persona.beliefs == ("One.",)
    assert persona.demographics == {"age": "40"}


@pytest.mark.parametrize(
    ("line", "outcome", "reason"),
    [
        ("return 1 / 0", Outcome.ERROR, "line 2"),
        ("return sobol(n, 2, -1)", Outcome.ERROR, "seed: Input should be greater than"),
        ("return missing", Outcome.ERROR, "missing"),
        ("while True: pass", Outcome.TIMEOUT, "computed for over"),
        ("return [{'name': 'Ann', 'description': float('nan')}] * n", Outcome.INVALID, "JSON"),
        ("return ['x' * 1000] * 10 ** 9", Outcome.MEMORY, ""),
    ],
)
def test_failures_keep_their_outcome(
    sandbox: Sandbox, line: str, outcome: Outcome, reason: str
) -> None:
    error = failure(sandbox, program(line))
    assert error.outcome is outcome
    assert reason in error.reason
    assert generate(sandbox, baseline("name_only"), ELDERS, 1, 0)


def test_a_generator_is_called_with_a_context_or_its_path() -> None:
    generator = Generator(baseline("covering_mix"))
    try:
        made = generator(ELDERS)
        assert len(made) == 25
        path = next(file for file in FILES if file.stem == "elders_devices")
        assert made == generator(path, n=25, seed=0) == generator(str(path))
        generator.close()
        assert generator(ELDERS, 25, 0) == made
    finally:
        generator.close()
