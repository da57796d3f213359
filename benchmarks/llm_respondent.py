"""How well a language model that answers as personas recovers known positions.

    gamut models serve q15.gguf --name qwen1.5
    python benchmarks/llm_respondent.py --model qwen1.5 --answers answers.sqlite
    python benchmarks/llm_respondent.py --model qwen1.5 --answers answers.sqlite --replay

Personas are written at Sobol positions in styles of recovery_styles.py; `by hand` are the
paragraphs of recovery_paragraphs.yaml, which no style wrote. Each style in validation contexts.
Printed per style: rank correlation of meant and read levels (mean over contexts and axes), beside
that of the default offline readers on the same texts; leakage (mean absolute rank correlation with
the levels of the other axes, and what it is for shuffled levels); the share of levels that are
missing, of those read in their own third, of firm ones, and how many of the firm ones are in their
own third; acquiescence; and the seconds that a population of 25 took. First what the anchors say.

Answers are kept in --answers; interrupted, the same command goes on; --replay asks nobody.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from judge import answering, cheapest, model_options, plain, say
from numpy.typing import NDArray
from recovery_styles import STYLES, paragraph
from respondents import BY_HAND, by_hand, name_in, own_third, rho
from scipy.stats import qmc

from fitness.embedding import Caches
from fitness.respondents import DEFAULT, open_respondent
from fitness.respondents.llm import LlmRespondent, Scale, measure_anchors
from generators.context import Context
from generators.errors import GamutError
from generators.llm import LanguageModel
from generators.persona import Persona

Array = NDArray[np.float64]
POPULATION = 25


@dataclass(frozen=True)
class Recovered:
    """One style in one context: levels meant [N, K], read by the model and by the offline readers
    (NaN if missing), which of the model's are firm, acquiescence, and seconds a persona, NaN where
    answers were there already."""

    meant: Array
    read: Array
    offline: Array
    firm: NDArray[np.bool_]
    acquiescence: float
    seconds: float


def main() -> int:
    text = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=text)
    model_options(parser)
    parser.add_argument("--style", nargs="*", choices=(*STYLES, BY_HAND),
                        default=["content_mix", BY_HAND])  # fmt: skip
    parser.add_argument("--contexts", type=int, default=2,
                        help="of the validation split, those of the fewest axes")  # fmt: skip
    parser.add_argument("--people", type=int, default=POPULATION, help="personas a context")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    contexts = cheapest(given.contexts)
    caches = Caches()
    lines: dict[str, dict[str, float]] = {}
    with answering(given) as model:
        anchors = measure_anchors(model)
        say(f"{given.model} {anchors.words()}")
        for style in given.style:
            found = []
            for context in contexts:
                say(f"{style}: {context.id}")
                meant, texts = written(style, context, given.people)
                if texts:
                    found.append(recovered(meant, texts, context, model, anchors.scale, caches))
            if found:
                lines[style] = figures(found)
            else:
                say(f"{style}: nothing is written so in these contexts")
    shown = {style: plain(line) for style, line in lines.items()}
    result = {"model": given.model, "anchors": anchors.as_json(), "styles": shown}
    print(json.dumps(result, indent=1) if given.json else table(lines))
    return 0


def written(style: str, context: Context, people: int) -> tuple[Array, list[str]]:
    """Levels [N, K] and texts of a style in a context."""
    if style == BY_HAND:
        entries: list[Any] = [e for e in by_hand() if e["context"] == context.id]
        meant = [[entry["levels"][axis.id] for axis in context.axes] for entry in entries]
        return np.array(meant), [entry["text"] for entry in entries]
    levels = qmc.Sobol(len(context.axes), rng=0).random(256)[:people]
    rng = np.random.default_rng(list(STYLES).index(style))
    return levels, [paragraph(context, row, style, rng) for row in levels]


def recovered(
    meant: Array,
    texts: Sequence[str],
    context: Context,
    model: LanguageModel,
    scale: Scale,
    caches: Caches,
) -> Recovered:
    """What the model reads of the texts, and what the offline readers do."""
    people = [Persona(id=f"p{i}", name=name_in(t), description=t) for i, t in enumerate(texts)]
    respondent = LlmRespondent(context, model, scale)
    began, had = time.perf_counter(), from_cache(model)
    interview = respondent.interview(people)
    seconds = (time.perf_counter() - began) / len(people)
    seconds = seconds if from_cache(model) == had else float("nan")
    reading = respondent.reading(interview)
    offline = open_respondent(DEFAULT, context, caches).read(people)
    levels, theirs = (np.array(r.levels, dtype=np.float64) for r in (reading, offline))
    firm = np.array(reading.firm)
    return Recovered(meant, levels, theirs, firm, interview.agreement(), seconds)


def from_cache(model: LanguageModel) -> int:
    """Answers that were there already."""
    return int(model.spent()["total"]["from_cache"])


def figures(found: Sequence[Recovered]) -> dict[str, float]:
    """What a style's line shows."""
    rng = np.random.default_rng(0)
    own = np.concatenate([own_third(r.meant, r.read).ravel() for r in found])
    firm = np.concatenate([r.firm.ravel() for r in found])
    return {
        "personas": sum(len(r.meant) for r in found),
        "rho": _mean([rho(r.meant[:, k], r.read[:, k]) for r in found for k in axes(r)]),
        "rho offline": _mean([rho(r.meant[:, k], r.offline[:, k]) for r in found for k in axes(r)]),
        "leakage": _mean([v for r in found for v in leaks(r.meant, r.read)]),
        "leakage by chance": _mean(
            [v for r in found for v in leaks(rng.permutation(r.meant), r.read)]
        ),
        "missing": _mean([np.isnan(r.read).mean() for r in found]),
        "own third": float(own.mean()),
        "firm": float(firm.mean()),
        "own third if firm": float(own[firm].mean()) if firm.any() else float("nan"),
        "acquiescence": _mean([r.acquiescence for r in found]),
        "seconds a population": POPULATION
        * _mean([r.seconds for r in found if not np.isnan(r.seconds)]),
    }


def leaks(meant: Array, read: Array) -> list[float]:
    """Absolute rank correlation of each axis as read with each other one as meant."""
    pairs = [(k, j) for k in range(meant.shape[1]) for j in range(meant.shape[1]) if j != k]
    return [abs(rho(meant[:, k], read[:, j])) for k, j in pairs]


def axes(found: Recovered) -> range:
    return range(found.meant.shape[1])


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else float("nan")


def table(lines: dict[str, dict[str, float]]) -> str:
    """A column a style."""
    names = list(next(iter(lines.values())))
    rows = [f"{'':22}" + "".join(f"{style:>14}" for style in lines)]
    for name in names:
        shown = [f"{line[name]:14.0f}" if line[name] >= 5 else f"{line[name]:14.2f}"
                 for line in lines.values()]  # fmt: skip
        rows.append(f"{name:22}" + "".join(shown))
    return "\n".join(rows)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except GamutError as error:
        sys.exit(f"llm_respondent.py: {error}")
