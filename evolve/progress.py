"""Progress of a search on standard error: a live bar on a terminal, plain lines in a log."""

import sys
import time

from evolve.evaluate import DUPLICATE
from evolve.search import State

EVERY = 10.0  # seconds between plain lines


class Progress:
    """Says how far a search is, what the best is worth, and the time left."""

    def __init__(self, total: int, quiet: bool = False) -> None:
        self.total = total
        self._quiet = quiet
        self._live = not quiet and sys.stderr.isatty()
        self._began = self._said = time.monotonic()
        self._done_before = 0

        if self._live:
            from rich import progress
            from rich.console import Console

            columns = (
                progress.TextColumn("{task.description}"),
                progress.BarColumn(),
                progress.MofNCompleteColumn(),
                progress.TextColumn("{task.fields[best]}"),
                progress.TimeElapsedColumn(),
                progress.TextColumn("left"),
                progress.TimeRemainingColumn(),
            )
            self._rich = progress.Progress(*columns, console=Console(stderr=True))
            self._task = self._rich.add_task("starting", total=self.total, best="")
            self._rich.start()

    def close(self) -> None:
        """Take the bar away."""
        if self._live:
            self._rich.stop()

    def say(self, text: str) -> None:
        """Tell what is being done."""
        if self._live:
            self._rich.update(self._task, description=text)
        elif not self._quiet:
            print(text, file=sys.stderr, flush=True)

    def begin(self, done: int) -> None:
        """Start the clock, with so many candidates done by an earlier process."""
        self._done_before, self._began = done, time.monotonic()

    def update(self, state: State, in_flight: int) -> None:
        """Show how far the search is."""
        best = f"best {state.best[-1][1]:.3f}" if state.best else ""
        repeats = f"{state.statuses[DUPLICATE]} duplicates"
        if self._live:
            shown = f"{best}, {repeats}" if best else ""
            self._rich.update(
                self._task, description="evolving", completed=state.folded, best=shown
            )
            return
        now = time.monotonic()
        if self._quiet or now - self._said < EVERY:
            return
        self._said = now
        done = state.folded - self._done_before
        each = (now - self._began) / done if done > 0 else None
        left = (
            "time left unknown"
            if each is None
            else f"{(self.total - state.folded) * each:.0f} s left"
        )
        elites = len(state.archive.elites)
        print(
            f"{state.folded}/{self.total} evaluated ({repeats}),"
            f" {in_flight} in flight, {elites} elites, {best or 'none scored'}, {left}",
            file=sys.stderr,
            flush=True,
        )
