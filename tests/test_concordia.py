"""Concordia's two-method generators as ours: what they are told, what they must give."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from command_line import ELDERS, gamut

from generators.concordia import ConcordiaGenerator
from generators.context import Context, load_context
from generators.context.model import hidden_sentences
from generators.errors import GamutError, InputError
from generators.persona import write_personas


class Evolved:
    """As much of one of Concordia's generators as its protocol says."""

    def __init__(self, spoil: Callable[[list[Any]], Any] = lambda found: found) -> None:
        self.spoil = spoil
        self.told: list[str] = []
        self.lock = threading.Lock()

    def generate_diverse_persona_characteristics(
        self, initial_context: str, diversity_axes: Sequence[str], num_personas: int
    ) -> Any:
        self.told += [initial_context, *diversity_axes]
        return self.spoil(
            [
                {"name": f"Ann {k}", "axis_position": dict.fromkeys(diversity_axes, k / 9),
                 "description": "unsaid", "initial_context": initial_context}
                for k in range(num_personas)
            ]
        )  # fmt: skip

    def generate_single_persona_memories(self, persona_details: dict[str, Any]) -> Any:
        with self.lock:
            self.told.append(str(persona_details))
        name = persona_details["name"]
        kinds = {"no list": "text", "blank": [" "], "none": [], "number": [3]}
        return kinds.get(name, [f"I am {name}.", " ", "I like tea. "])


def renamed(name: Any) -> Callable[[list[Any]], list[Any]]:
    """Gives the second persona another name."""
    return lambda found: [found[0], {**found[1], "name": name}, *found[2:]]


def test_memories_are_what_a_persona_is(companion: Context) -> None:
    personas = ConcordiaGenerator(Evolved())(companion, n=4, seed=1)
    assert [p.name for p in personas] == ["Ann 0", "Ann 1", "Ann 2", "Ann 3"]
    assert personas[2].memories == ("I am Ann 2.", "I like tea.")
    assert personas[2].description == "I am Ann 2. I like tea."
    assert personas[2].provenance == {"generator": "test_concordia.Evolved", "seed": 1}


def test_it_is_told_the_public_part_alone(companion: Context) -> None:
    evolved = Evolved()
    ConcordiaGenerator(evolved)(companion, n=2)
    said = " ".join(evolved.told)
    for axis in companion.axes:
        assert all(told in said for told in (axis.name, axis.low_label, axis.high_label))
        assert axis.name in evolved.told
    assert not [text for _, text in hidden_sentences(companion) if text in said]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda found: found[:-1], "stage 1 gave 2 personas; 3 were asked for"),
        (lambda found: None, "stage 1 gave no list; 3 were asked for"),
        (lambda found: [*found[:2], "Ann"], "persona 2: stage 1 gave no dictionary"),
        (renamed("no list"), "persona 1: stage 2 gave no list of texts"),
        (renamed("number"), "persona 1: stage 2 gave no list of texts"),
        (renamed("blank"), "persona 1: stage 2 gave no text, so there is nothing to score"),
        (renamed("none"), "persona 1: stage 2 gave no text"),
        (renamed("x\ny"), "persona 1: name: "),
    ],
)
def test_what_it_fails_to_give_is_an_error(
    spoil: Callable[[list[Any]], Any], said: str, companion: Context
) -> None:
    with pytest.raises(GamutError) as error:
        ConcordiaGenerator(Evolved(spoil))(companion, n=3)
    assert str(error.value).startswith("test_concordia.Evolved: ")
    assert said in str(error.value)


def test_of_too_many_the_first_are_taken(companion: Context) -> None:
    many = ConcordiaGenerator(Evolved(lambda found: found * 2))
    assert [p.name for p in many(companion, n=2)] == ["Ann 0", "Ann 1"]


def test_a_persona_without_a_name_is_numbered(companion: Context) -> None:
    named = ConcordiaGenerator(Evolved(lambda found: [{**f, "name": f["name"]} for f in found]))
    assert named(companion, n=1)[0].name == "Ann 0"

    class Nameless(Evolved):
        def generate_single_persona_memories(self, persona_details: dict[str, Any]) -> Any:
            return ["I have no name."]

    nameless = Nameless(lambda found: [{} for _ in found])
    assert ConcordiaGenerator(nameless)(companion, n=2)[1].name == "Persona 1"


def test_an_object_without_the_methods_is_refused() -> None:
    with pytest.raises(InputError, match="has no method `generate_diverse_persona_"):
        ConcordiaGenerator(object())  # type: ignore[arg-type]


def test_what_it_writes_is_compared_as_a_file(tmp_path: Path) -> None:
    file = tmp_path / "concordia.jsonl"
    write_personas(ConcordiaGenerator(Evolved())(load_context(ELDERS), n=3), file)
    said = gamut("compare", file, file, "--context", ELDERS)
    assert "one population of 3 a side" in said.out
