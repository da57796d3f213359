"""Concordia's persona generators as callables, so that they can be scored beside Gamut's.

    from concordia.contrib.persona_generators import persona_generator_five
    generator = persona_generator_five.TwoStagePersonaGenerator(model)  # a model of Concordia's
    personas = ConcordiaGenerator(generator)("my_context.yaml", n=25, seed=0)
    write_personas(personas, "concordia.jsonl")                         # then: gamut score, compare

Any object with the two methods will do; Concordia itself is not imported here. Its code is the
user's choice and runs in the user's own process, outside the sandbox: load none that you do not
trust. It is given the public part of a context alone.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

from pydantic import ValidationError

from generators.context import Context, load_context, public_view
from generators.errors import GamutError, InputError
from generators.persona import Persona


class TwoStages(Protocol):
    """Concordia's protocol of persona generators (arXiv 2602.03545)."""

    def generate_diverse_persona_characteristics(
        self, initial_context: str, diversity_axes: Sequence[str], num_personas: int
    ) -> list[dict[str, Any]]:
        """Stage 1: characteristics of each persona, usually with `name` and `description`."""
        ...

    def generate_single_persona_memories(self, persona_details: dict[str, Any]) -> list[str]:
        """Stage 2: memories or rules of one persona, of what stage 1 gave for it."""
        ...


class ConcordiaGenerator:
    """A generator of Concordia's, called like one of ours: `generator(context, n, seed)`.

    What Concordia's agents remember is what stage 2 gave, so that alone, joined, is the
    description; without it a persona is an error. `threads`: stage 2 of so many personas at a time,
    as Concordia does it.
    """

    def __init__(self, generator: TwoStages, threads: int = 8) -> None:
        """Raises InputError for an object without the two methods."""
        for method in (
            "generate_diverse_persona_characteristics",
            "generate_single_persona_memories",
        ):
            if not callable(getattr(generator, method, None)):
                raise InputError(f"{type(generator).__name__}: has no method `{method}`")
        self._generator, self._threads = generator, threads
        self._name = f"{type(generator).__module__}.{type(generator).__qualname__}"

    def __call__(self, context: Context | str | Path, n: int = 25, seed: int = 0) -> list[Persona]:
        """n personas. `seed` orders the axes; Concordia's protocol has no seed of its own.

        Of more than n the first are taken, as Concordia does. Raises GamutError where fewer come,
        or one of them has no text. What the object itself raises is passed on.
        """
        if n < 1:
            raise InputError(f"population size {n}: at least one persona must be asked for")
        if not isinstance(context, Context):
            context = load_context(context)
        view = public_view(context, seed).payload
        found = self._generator.generate_diverse_persona_characteristics(
            initial_context=_told(view),
            diversity_axes=[axis["name"] for axis in view["axes"]],
            num_personas=n,
        )
        if not isinstance(found, list) or len(found) < n:
            size = f"{len(found)} personas" if isinstance(found, list) else "no list"
            raise GamutError(f"{self._name}: stage 1 gave {size}; {n} were asked for")
        found = found[:n]
        for number, details in enumerate(found):
            if not isinstance(details, dict):
                raise GamutError(f"{self._name}: persona {number}: stage 1 gave no dictionary")
        with ThreadPoolExecutor(self._threads) as pool:
            memories = list(pool.map(self._generator.generate_single_persona_memories, found))
        return [
            self._persona(number, details, remembered, seed)
            for number, (details, remembered) in enumerate(zip(found, memories, strict=True))
        ]

    def _persona(self, number: int, details: dict[str, Any], memories: Any, seed: int) -> Persona:
        where = f"{self._name}: persona {number}"
        if not isinstance(memories, list | tuple) or not all(isinstance(m, str) for m in memories):
            raise GamutError(f"{where}: stage 2 gave no list of texts")
        texts = tuple(text.strip() for text in memories if text.strip())
        if not texts:
            raise GamutError(f"{where}: stage 2 gave no text, so there is nothing to score")
        try:
            return Persona(
                id=f"p{number:05d}",
                name=details.get("name") or f"Persona {number}",
                description=" ".join(texts),
                memories=texts,
                provenance={"generator": self._name, "seed": seed},
            )
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            field = ".".join(str(part) for part in first["loc"])
            raise GamutError(f"{where}: {field}: {first['msg']}") from None


def _told(view: dict[str, Any]) -> str:
    """The context in words, with what the ends of each axis mean."""
    axes = [
        f"{axis['name'].capitalize()} goes from {axis['low_label']} to {axis['high_label']}."
        for axis in view["axes"]
    ]
    return " ".join([view["description"], *axes])
