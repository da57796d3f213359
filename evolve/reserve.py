"""What a run's end will take of its language model, kept back while it searches.

The end chooses the best elite and validates elites and baselines, with programs that ask a model,
or with a model that reads. A search that spent its whole budget would have no archive.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from evolve.directory import SPENT
from evolve.setup import CHOICE_SEEDS, FOREMOST
from generators.asking import ROLE as ASK
from generators.baselines import BASELINES, baseline
from generators.blocks import ASKING
from generators.context import Context
from generators.errors import InputError
from generators.llm import Ledger
from generators.llm.settings import Limits
from generators.program import parse

if TYPE_CHECKING:
    from evolve.archive import Elite
    from evolve.run import Run


class Reserve:
    """Of one run. A call is counted as what the calls of its role took so far, on average."""

    def __init__(self, run: "Run") -> None:
        """Raises InputError where the budget does not even pay for the end of the run."""
        assert run.config.llm is not None
        self._run, self._limits = run, run.config.llm.budget
        self._answers = {c: self._calls_of(c) for c in {*run.setup.training, *run.setup.report}}
        self._baselines = {baseline(name).hash for name in BASELINES}
        self._asking: dict[str, bool] = {}
        self._ledger = Ledger(Limits(), run.folder / SPENT)
        if not run.store.count() and (short := self._short()):
            self.close()
            raise InputError(short)

    def close(self) -> None:
        """Close the ledger."""
        self._ledger.close()

    def share(self, in_flight: int) -> float:
        """Of the limit that is nearest: the share that is spent, or will be by the candidates in
        flight and one more, and by the end."""
        return max((share for _, share, _ in self._shares(in_flight + 1)), default=0.0)

    def _short(self) -> str:
        """Which limit does not pay for the end, in words; empty where all do."""
        short = [(name, needed) for name, share, needed in self._shares(0) if share > 1]
        if not short:
            return ""
        name, needed = short[0]
        limit = getattr(self._limits, name)
        return (
            f"llm.budget.{name}={limit:g}: validating the baselines at the end of the run takes"
            f" about {needed:.3g} of it already; raise it, or take fewer personas (population), or"
            " seeds (search.report_replicates)"
        )

    def _shares(self, candidates: int) -> list[tuple[str, float, float]]:
        """Each limit that is set: its name, the share spent or needed, and what is needed."""
        limits = {name: limit for name, limit in self._limits if limit is not None}
        if not limits:
            return []
        spent = self._ledger.spent()
        needed = dict.fromkeys(limits, 0.0)
        for role, calls in self._calls(candidates).items():
            if calls and (line := spent.get(role)):
                for name in limits:
                    needed[name] += calls * _amount(line, name) / line["calls"]
        used = spent["total"]
        return [
            (name, (_amount(used, name) + needed[name]) / limit, needed[name])
            for name, limit in limits.items()
        ]

    def _calls(self, candidates: int) -> dict[str, float]:
        """Calls to come, by role, if each candidate is judged in full and becomes an elite."""
        setup, elites = self._run.setup, self._run.search.state.archive.elites
        training = sum(self._answers[c] for c in setup.training)
        report = sum(self._answers[c] for c in setup.report) * setup.report_replicates
        calls: dict[str, float] = {}
        if setup.interview:
            held = sum(elite.candidate.hash not in self._baselines for elite in elites)
            chosen = min(FOREMOST, len(elites) + candidates) * CHOICE_SEEDS
            reported = len(BASELINES) + held + candidates
            searched = candidates * setup.replicates
            calls["respond"] = (chosen + searched) * training + reported * report
        if setup.ask:
            asking = sum(map(self._asks, elites)) + candidates
            chosen = min(FOREMOST, asking) * CHOICE_SEEDS + candidates * setup.replicates
            populations = chosen * len(setup.training)
            populations += asking * len(setup.report) * setup.report_replicates
            calls[ASK] = populations * setup.population  # as if each persona were asked for once
        return calls

    def _calls_of(self, context: Context) -> int:
        """Questions put to a population in a context."""
        setup = self._run.setup
        if not setup.interview:
            return 0
        from fitness.respondents.llm import items_of, requests_of

        able = setup.interview["able"]["top_logprobs"]
        items = items_of(context)
        each = requests_of("", items[0][0], able, setup.interview["reasoning"])
        return setup.population * len(items) * len(each)

    def _asks(self, elite: "Elite") -> bool:
        candidate = elite.candidate
        if candidate.hash not in self._asking:
            blocks = parse(candidate.source).blocks
            self._asking[candidate.hash] = not ASKING.keys().isdisjoint(blocks)
        return self._asking[candidate.hash]


def _amount(line: Mapping[str, Any], name: str) -> float:
    """Of a line of `Ledger.spent`, what a limit of that name counts."""
    if name == "tokens":
        return float(line["prompt_tokens"] + line["completion_tokens"])
    return float(line[name])
