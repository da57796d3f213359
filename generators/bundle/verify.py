"""Verifies a bundle: that its files are whole, and that its program makes the personas again."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generators.asking import Answers
from generators.bundle.content import Bundle, Population
from generators.bundle.trust import read_bundle
from generators.generator import GenerationError, generate
from generators.persona import Persona
from generators.sandbox import Sandbox

# Ids are qualified when a bundle is written, and the provenance is added then.
_COMPARED = tuple(name for name in Persona.model_fields if name not in ("id", "provenance"))
_SAME_LEVEL = 1e-9  # the last bits of a level may differ between processors
_EXCERPT = 40


@dataclass(frozen=True)
class Verification:
    """What came of it.

    Attributes:
        bundle: the bundle as the user named it.
        checked: what was found to be as recorded, a sentence each.
        mismatches: what was not: the first difference of each population, in words.
    """

    bundle: str
    checked: tuple[str, ...]
    mismatches: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether everything was as recorded."""
        return not self.mismatches


def verify_bundle(path: str | Path, sandbox: Sandbox) -> Verification:
    """Read a bundle, then make each of its populations again and compare.

    InputError where the bundle cannot be read. This runs its program: `check_trust` first.
    """
    bundle = read_bundle(path)
    checked = [
        f"{bundle.files} files have the right form, and their checksums are those recorded",
        "the program passes the allow-list and has the recorded hash",
    ]
    mismatches = []
    if not bundle.populations:
        mismatches.append("no population is recorded, so there is nothing to compare")
    first = 0
    for population in bundle.populations:
        recorded = bundle.personas[first : first + population.n]
        first += population.n
        said = f"{population.context.id}, {population.n} personas, seed {population.seed}"
        difference = _difference(bundle, population, recorded, sandbox)
        if difference:
            mismatches.append(f"{said}: {difference}")
        else:
            checked.append(f"{said}: made again as recorded")
    return Verification(bundle.name, tuple(checked), tuple(mismatches))


def _difference(
    bundle: Bundle, population: Population, recorded: Sequence[Persona], sandbox: Sandbox
) -> str:
    """The first difference between a recorded population and a new one; empty where none is.

    A program that asks a language model is told the recorded answers.
    """
    what = population.context, population.n, population.seed
    asked = (recorded[0].provenance or {}).get("answers", {})
    answers = Answers(recorded=asked)
    try:
        made = generate(sandbox, bundle.program, *what, answers=answers)
    except GenerationError as error:
        return f"the program does not make them: {error}"
    for number, (old, new) in enumerate(zip(recorded, made, strict=True), start=1):
        for field in _COMPARED:
            said = _unlike(getattr(old, field), getattr(new, field))
            if said:
                return f"persona {number}: {field}: {said}"
    unused = len(asked) - len(answers.table)
    return f"{unused} recorded answers are to nothing that the program asks" if unused else ""


def _unlike(old: Any, new: Any) -> str:
    """How two values differ, in words; empty where they do not."""
    if old == new:
        return ""
    if isinstance(old, str) and isinstance(new, str):
        at = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), None)
        at = min(len(old), len(new)) if at is None else at
        pair = (repr(text[at : at + _EXCERPT]) for text in (old, new))
        return "recorded {}, made again {} (from character {})".format(*pair, at + 1)
    if isinstance(old, dict) and isinstance(new, dict) and old.keys() == new.keys():
        return next((f"{key}: {said}" for key in old if (said := _unlike(old[key], new[key]))), "")
    if isinstance(old, float) and isinstance(new, float):
        if math.isclose(old, new, rel_tol=0, abs_tol=_SAME_LEVEL):
            return ""
        return f"recorded {old:.6g}, made again {new:.6g}"
    return f"recorded {_short(old)}, made again {_short(new)}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 2 * _EXCERPT else f"{text[: 2 * _EXCERPT]}…"
