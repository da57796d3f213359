"""What a run's end will take of its language model, kept back while it searches.

The end chooses the best elite and validates elites and baselines, with programs that ask a model,
or with a model that reads. A search that spent its whole budget would have no archive.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from evolve.directory import SPENT
from evolve.setup import CHOICE_SEEDS, FOREMOST
from fitness.respondents.llm import items_of, requests_of
from fitness.respondents.llm.questions import ROLE as RESPOND
from generators.asking import ROLE as ASK
from generators.baselines import BASELINES, baseline
from generators.blocks import asks
from generators.context import Context
from generators.errors import InputError
from generators.llm import Ledger
from generators.llm.settings import Limits
from generators.program import parse

if TYPE_CHECKING:
    from evolve.run import Run

ASKED = 2  # times that a program asks for each persona, at most or nearly


class Reserve:
    """Of one run. A call is counted as what the calls of its role took so far on average, and
    before there are any, as what was estimated before the run."""

    def __init__(self, run: "Run") -> None:
        """Raises InputError where the budget of a new run does not pay for one candidate and the
        end."""
        assert run.config.llm is not None
        self._run = run
        self._limits: dict[str, float] = {
            name: most for name, most in run.config.llm.budget if most is not None
        }
        self._answers = {c: self._calls_of(c) for c in {*run.setup.training, *run.setup.report}}
        self._baselines = {baseline(name).hash for name in BASELINES}
        self._asking: dict[str, bool] = {}
        self._estimate = json.loads((run.folder / "manifest.json").read_text()).get("estimate", {})
        self._ledger = Ledger(Limits(), run.folder / SPENT)
        if not run.store.count() and (short := self._short()):
            self.close()
            raise InputError(short)

    def close(self) -> None:
        """Close the ledger."""
        self._ledger.close()

    def share(self, in_flight: Iterable[str]) -> float:
        """Of the limit that is nearest: the share that is spent, or will be by the candidates in
        flight (their sources; empty before they are written) and one more, and by the end."""
        bills = self._bills([*in_flight, ""])
        return max((spent + needed) / self._limits[name] for name, spent, needed in bills)

    def _short(self) -> str:
        """Which limits do not pay for one candidate and the end; empty where all do."""
        said = [
            f"llm.budget.{name}={self._limits[name]:g}: {spent:.3g} are spent on probe and"
            f" calibration, and one candidate and the end of the run take about {needed:.3g}"
            for name, spent, needed in self._bills([""])
            if spent + needed > self._limits[name]
        ]
        if not said:
            return ""
        return (
            f"{'; '.join(said)}. Begin in another run_dir with a higher limit, or with fewer"
            " personas (population) or seeds (search.report_replicates)"
        )

    def _bills(self, candidates: Sequence[str]) -> list[tuple[str, float, float]]:
        """Of each limit: its name, what is spent, and what the calls to come will take."""
        spent, settled = self._ledger.spent()["total"], self._ledger.spent(in_flight=False)
        needed = dict.fromkeys(self._limits, 0.0)
        for role, calls in self._calls(candidates).items():
            line = settled.get(role) or self._estimate.get(role)
            for name in self._limits:
                if name == "calls":
                    needed[name] += calls
                elif line and line["calls"]:
                    needed[name] += calls * _amount(line, name) / line["calls"]
        return [(name, _amount(spent, name), needed[name]) for name in self._limits]

    def _calls(self, candidates: Sequence[str]) -> dict[str, int]:
        """Calls to come, by role, if each candidate is judged in full and becomes an elite."""
        setup, elites = self._run.setup, self._run.search.state.archive.elites
        a_candidate = setup.replicates + setup.confirm
        calls: dict[str, int] = {}
        if setup.interview:
            held = sum(elite.candidate.hash not in self._baselines for elite in elites)
            new = len(candidates)
            guided = min(FOREMOST, len(elites) + new) * CHOICE_SEEDS + new * a_candidate
            reported = (len(BASELINES) + held + new) * setup.report_replicates
            calls[RESPOND] = guided * sum(self._answers[c] for c in setup.training)
            calls[RESPOND] += reported * sum(self._answers[c] for c in setup.report)
        if setup.ask:
            new = sum(map(self._asks, candidates))
            asking = sum(self._asks(elite.candidate.source) for elite in elites) + new
            guided = min(FOREMOST, asking) * CHOICE_SEEDS + new * a_candidate
            populations = guided * len(setup.training)
            populations += asking * setup.report_replicates * len(setup.report)
            calls[ASK] = populations * setup.population * ASKED
        return calls

    def _calls_of(self, context: Context) -> int:
        """Questions put to a population in a context."""
        setup = self._run.setup
        if not setup.interview:
            return 0
        able = setup.interview["able"]["top_logprobs"]
        items = items_of(context)
        each = requests_of("", items[0][0], able, setup.interview["reasoning"])
        return setup.population * len(items) * len(each)

    def _asks(self, source: str) -> bool:
        """Whether a program asks; what is not written yet may."""
        if source not in self._asking:
            self._asking[source] = not source or asks(parse(source).blocks)
        return self._asking[source]


def _amount(line: Mapping[str, Any], name: str) -> float:
    """Of a line of `Ledger.spent`, what a limit of that name counts; 0 where it is not known."""
    if name == "tokens":
        return float(line["prompt_tokens"] + line["completion_tokens"])
    return float(line[name] or 0.0)
