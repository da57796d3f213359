"""Progress of a search on standard error: a live view on a terminal, plain lines in a log."""

import math
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

from evolve.budget import Budget, Pace, Spent, in_words

if TYPE_CHECKING:
    from rich.console import RenderableType

    from evolve.search import State

EVERY = 10.0  # seconds between plain lines
REFRESH = 20.0  # seconds between refreshes of the report
_MEASURED = 9  # evaluations that the first estimate goes by: the baselines come first
_LONGER = 3.0  # measured: what follows takes up to so much longer to read than the baselines
_STOPPING = "Stopping: finishing what is in flight. Ctrl-C again stops at once."


@dataclass
class _View:
    """What the live view shows."""

    doing: str
    share: float
    counted: str = ""
    rest: str = ""
    below: str = ""


class Progress:
    """Says what is done, how far the search is, what the best is worth, and the time left.

    `total` is what is counted to before the search begins and its budget is known.
    """

    def __init__(
        self,
        total: int,
        quiet: bool = False,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.total = total
        self._quiet, self._clock = quiet, clock
        self._stream = stream or sys.stderr
        self._said = -math.inf
        self._told: set[str] = set()
        self._budget, self._before, self._began, self._pace = Budget(()), 0, clock(), Pace(clock)
        self._estimated = self._stops = False
        self._models = 0.0
        self._view = _View("starting", 0.0, f"0/{total}" if total else "")
        self._live = None if quiet or not self._stream.isatty() else self._begin_live()

    def close(self) -> None:
        """Take the live view away."""
        if self._live:
            self._live.stop()
            self._live = None

    def say(self, text: str) -> None:
        """Tell what is being done."""
        self._view = _View(text, self._view.share, self._view.counted)
        if not self._live:
            self._print(text)

    def tell(self, text: str) -> None:
        """Tell what should stay to be read, above the live view."""
        if self._live:
            self._live.console.print(text, markup=False, highlight=False)
        else:
            self._print(text)

    def once(self, text: str) -> None:
        """As `tell`, but what was told before is not told again."""
        if text not in self._told:
            self._told.add(text)
            self.tell(text)

    def stage(self, doing: str, done: int, total: int) -> None:
        """Show how far something after the search is; its first call starts its clock."""
        first = self._view.doing != doing
        if first:
            self._began = self._clock()
        each = (self._clock() - self._began) / done if done else None
        left = "" if each is None else f", about {in_words(each * (total - done))} left"
        self._view = _View(doing, done / total, f"{done}/{total}{left}")
        self._print_now_and_then(f"{doing}: {done}/{total}{left}", first)

    def begin(self, budget: Budget, done: int) -> None:
        """Start the clock of a search, with so many candidates done by earlier sittings."""
        self._budget, self._before, self._began = budget, done, self._clock()
        self._pace, self._said, self._estimated = Pace(self._clock), self._clock(), False

    def done(self) -> None:
        """One evaluation more is done."""
        self._pace.done()

    def stopping(self) -> None:
        """Say that the search is about to stop; safe to call from a handler of signals."""
        self._stops = True
        if not self._live and not self._quiet:
            os.write(2, f"\n{_STOPPING}\n".encode())

    def estimate(self, workers: int | str, afterwards: float) -> None:
        """Once the first few evaluations are done: how long the whole will take."""
        pace = self._pace.per_second()
        if self._estimated or self._stops or self._pace.count < _MEASURED or not pace:
            return
        self._estimated = True
        least, most = self._left(pace, afterwards), self._left(pace / _LONGER, afterwards)
        if least is None or most is None or most < EVERY:
            return
        said = in_words(least)
        if not self._before:  # they were baselines
            said += f" to {in_words(most)} (by the pace of the baselines, which give less to read)"
        where = f"{workers} worker{'' if workers == 1 else 's'}"
        if isinstance(workers, str):
            where = f"the workers at {workers}"
        self.tell(f"Estimate for {self._budget} on {where}, and validation: {said}")

    def update(
        self, state: "State", in_flight: int, afterwards: float = 0.0, models: float = 0.0
    ) -> None:
        """Show how far the search is; `afterwards` is validation's work, counted in evaluations,
        and `models` the share of the language model's budget that is spent or kept back."""
        self._models = models
        done = self._before + self._pace.count
        pace = self._pace.per_second()
        left = self._left(pace, afterwards)
        rest = "time left unknown" if left is None else f"about {in_words(left)} left"
        speed = f"{pace:.2g} a second, " if pace else ""
        kinds = ", ".join(f"{n} {status}" for status, n in sorted(state.statuses.items()))
        below = [_best(state), f"{len(state.archive.elites)} elites", kinds or "none judged yet"]
        if state.mutation:
            from evolve.mutation.report import in_short

            below.append(in_short(state.mutation))
        share = self._budget.share(self._spent())
        counted = f"{done}/{self.total}"
        self._view = _View("evolving", share, counted, speed + rest, ", ".join(below))
        if self._stops and self._live:
            self._live.refresh()  # or a search that ends at once never says that it was told to
        line = f"{counted} evaluated, {in_flight} in flight, {', '.join(below)}, {speed}{rest}"
        self._print_now_and_then(line)

    def _spent(self) -> Spent:
        done = self._before + self._pace.count
        return Spent(done, self._clock() - self._began, self._models)

    def _left(self, pace: float | None, afterwards: float) -> float | None:
        """Seconds until the search and what comes after it are done."""
        search = self._budget.seconds_left(self._spent(), pace)
        if search is None or pace is None:
            return None
        return search + afterwards / pace

    def _begin_live(self) -> Any:
        """None on a terminal that cannot move its cursor."""
        from rich.console import Console
        from rich.live import Live

        console = Console(file=self._stream)
        if console.is_dumb_terminal:
            return None
        live = Live(
            console=console,
            get_renderable=self._render,
            refresh_per_second=4,
            transient=True,
        )
        live.start()
        return live

    def _render(self) -> "RenderableType":
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        view = self._view
        line = Table.grid(padding=(0, 1))
        bar = ProgressBar(total=1.0, completed=view.share, width=24)
        line.add_row(Text(view.doing), bar, Text(view.counted), Text(view.rest))
        lines = [Text(_STOPPING)] if self._stops else []
        return Group(*lines, line, *([Text(view.below)] if view.below else []))

    def _print(self, text: str) -> None:
        if not self._quiet:
            print(text, file=self._stream, flush=True)

    def _print_now_and_then(self, text: str, now: bool = False) -> None:
        """A line of a log, at most every few seconds."""
        if self._live or (self._clock() - self._said < EVERY and not now):
            return
        self._said = self._clock()
        self._print(text)


def _best(state: "State") -> str:
    """What the best elite is worth on the training contexts, with its interval over seeds."""
    elites = state.archive.elites
    if not elites:
        return "none scored"
    found = elites[0].interval
    return f"best {found}" if math.isfinite(found.low) else f"best {found.mean:.3f}"
