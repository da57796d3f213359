"""What the populations of one candidate add up to: its verdict."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from fitness.scoring import Judged
from generators.asking import Answers
from generators.context import Context
from generators.persona import Persona

TOKENS = 1_000.0  # of answers that count as much as an average candidate does
PROMPT = 0.25  # what a token of a prompt counts beside one of an answer: so are most priced
SCORES = ("values", "pairs", "as_read", "fidelity")  # metrics of a verdict, by its keys


class Tally:
    """Collects what the populations of one candidate were worth.

    Attributes:
        scores: a table (context: a value a seed) of each metric; a failed population scores 0.
        density, words, gates: sums over populations that were `judged`, so many.
        runs: of the program, failed ones included.
        cost: of all of them; what was asked of a language model with it, where programs `ask`.
        reason: why the first population failed, or failed a gate.
        digest: of the personas of the first rung.
        shown: what a model should see of them, by context; see `evolve.mutation.looks`.
    """

    def __init__(self, ask: bool = False) -> None:
        self.scores: dict[str, dict[str, list[float]]] = {name: {} for name in SCORES}
        self.density = self.words = 0.0
        self.gates: Counter[str] = Counter()
        self.judged = self.runs = 0
        self.cost: dict[str, float] = {"personas": 0, "characters": 0, "host_calls": 0}
        self.cost |= Answers().cost() if ask else {}
        self.reason = self.digest = ""
        self.shown: dict[str, Any] = {}

    def ran(self, host_calls: int, asked: Mapping[str, float]) -> None:
        """Count a run of the program, and what it asked, by the names of costs."""
        self.runs += 1
        self.cost["host_calls"] += host_calls
        for name in self.cost.keys() & asked.keys():
            self.cost[name] += asked[name]

    def failed(self, context: Context, reason: str) -> None:
        """Count a run that gave no personas: it scores nothing."""
        self._score(context, dict.fromkeys(SCORES, 0.0))
        self.reason = self.reason or reason

    def add(
        self,
        context: Context,
        scores: Mapping[str, float],
        density: float,
        judged: Judged,
        personas: Sequence[Persona],
    ) -> None:
        """Count a population that was read."""
        self._score(context, scores)
        self.judged += 1
        self.density += density
        self.words += words_each(personas)
        self.gates.update(judged.gates)
        self.cost["personas"] += len(personas)
        self.cost["characters"] += sum(len(p.description) for p in personas)
        for gate, reason in judged.reasons.items():
            if not self.reason and judged.gates.get(gate, 0.0) > 0.2:
                self.reason = f"{context.id}: {reason}"

    def measures(self) -> dict[str, float]:
        """Means over populations."""
        count = max(self.judged, 1)
        calls = self.cost["host_calls"] / max(self.runs, 1)
        means = {"density": self.density / count, "words": self.words / count, "host_calls": calls}
        if "ask_calls" in self.cost:
            tokens = self.cost["ask_prompt_tokens"] + self.cost["ask_completion_tokens"]
            means["tokens"] = tokens / max(self.runs, 1)
        return means

    def tables(self) -> dict[str, dict[str, list[float]]]:
        """The scores, rounded, as a verdict keeps them."""
        return {
            name: {context: [round(v, 9) for v in some] for context, some in table.items()}
            for name, table in self.scores.items()
        }

    def _score(self, context: Context, scores: Mapping[str, float]) -> None:
        for name, value in scores.items():
            self.scores[name].setdefault(context.id, []).append(value)


def as_verdict(status: str, done: Tally, reason: str) -> dict[str, Any]:
    """The verdict that is stored, plain JSON; nothing of it is confirmed yet."""
    gates = {gate: round(s / max(done.judged, 1), 6) for gate, s in sorted(done.gates.items())}
    return {
        "status": status,
        **done.tables(),
        "fresh": {},
        "confirmed": False,
        "measures": done.measures(),
        "gates": {gate: share for gate, share in gates.items() if share > 0},
        "reason": reason,
        "cost": dict(done.cost) if done.judged or done.cost.get("ask_calls") else {},
        "digest": done.digest,
    }


def tokens_counted(prompt: float, completion: float) -> float:
    """What tokens of a language model count, in average candidates."""
    return float(PROMPT * prompt + completion) / TOKENS


def words_each(personas: Sequence[Persona]) -> float:
    """Mean words of a description."""
    return sum(len(p.description.split()) for p in personas) / len(personas)
