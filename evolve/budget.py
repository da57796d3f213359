"""What a search may spend: limits that compose, its pace, and the time that is left.

A limit compares what has been spent with what may be. A budget is several limits, and the first
one that is reached ends the search: no further candidate is begun, those in flight are finished.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

OF_MODELS = "the budget of the language models"
LEFT_BY_MODELS = f"what {OF_MODELS} leaves for a search"
_WINDOW = 60  # evaluations that a pace is measured over


@dataclass(frozen=True)
class Spent:
    """What limits are compared with. Another kind of limit adds a field here.

    Attributes:
        evaluations: candidates, those of earlier sittings with them.
        seconds: wall time of this sitting's search.
        models: share of the language model's budget that is spent, or needed for the end.
    """

    evaluations: int
    seconds: float
    models: float = 0.0


class Limit(Protocol):
    """One thing of which only so much may be spent."""

    def reached(self, spent: Spent) -> bool:
        """Whether nothing more may be begun."""
        ...

    def share(self, spent: Spent) -> float:
        """How much of it is spent, in [0, 1]."""
        ...

    def seconds_left(self, spent: Spent, pace: float | None) -> float | None:
        """Until it is reached, at so many evaluations a second; None where that is unknown."""
        ...


@dataclass(frozen=True)
class Evaluations:
    """So many candidates in all."""

    most: int

    def reached(self, spent: Spent) -> bool:
        """Whether nothing more may be begun."""
        return spent.evaluations >= self.most

    def share(self, spent: Spent) -> float:
        """How much of it is spent, in [0, 1]."""
        return min(1.0, spent.evaluations / self.most)

    def seconds_left(self, spent: Spent, pace: float | None) -> float | None:
        """Until it is reached, at so many evaluations a second; None where that is unknown."""
        left = max(0, self.most - spent.evaluations)
        return left / pace if pace else None

    def __str__(self) -> str:
        return f"{self.most:,} evaluations"


@dataclass(frozen=True)
class Minutes:
    """So much wall time for the search of one sitting."""

    most: float

    def reached(self, spent: Spent) -> bool:
        """Whether nothing more may be begun."""
        return spent.seconds >= self.most * 60

    def share(self, spent: Spent) -> float:
        """How much of it is spent, in [0, 1]."""
        return min(1.0, spent.seconds / (self.most * 60))

    def seconds_left(self, spent: Spent, pace: float | None) -> float | None:
        """Until it is reached, whatever the pace."""
        return max(0.0, self.most * 60 - spent.seconds)

    def __str__(self) -> str:
        return f"{self.most:g} minutes"


@dataclass(frozen=True)
class Models:
    """What the language model's budget leaves for the search: see `evolve.reserve`."""

    def reached(self, spent: Spent) -> bool:
        """Whether nothing more may be begun."""
        return spent.models > 1

    def share(self, spent: Spent) -> float:
        """How much of it is spent, in [0, 1]."""
        return min(1.0, spent.models)

    def seconds_left(self, spent: Spent, pace: float | None) -> float | None:
        """Not told: what candidates ask differs."""
        return None

    def __str__(self) -> str:
        return LEFT_BY_MODELS


@dataclass(frozen=True)
class Budget:
    """Several limits, of which the first one that is reached counts; itself a limit."""

    limits: tuple[Limit, ...]

    def first_reached(self, spent: Spent) -> Limit | None:
        """The limit that ends the search, None while it may go on."""
        return next((limit for limit in self.limits if limit.reached(spent)), None)

    def reached(self, spent: Spent) -> bool:
        """Whether nothing more may be begun."""
        return self.first_reached(spent) is not None

    def share(self, spent: Spent) -> float:
        """How much of what will end first is spent, in [0, 1]."""
        return max((limit.share(spent) for limit in self.limits), default=0.0)

    def seconds_left(self, spent: Spent, pace: float | None) -> float | None:
        """Until the first limit is reached, as far as can be told; None where nothing can be."""
        left = [limit.seconds_left(spent, pace) for limit in self.limits]
        return min((seconds for seconds in left if seconds is not None), default=None)

    def __str__(self) -> str:
        return " or ".join(str(limit) for limit in self.limits)


def budget_of(evaluations: int, minutes: float | None, models: bool = False) -> Budget:
    """The budget that a run's configuration names; `models`: its end needs a language model."""
    limits: list[Limit] = [Evaluations(evaluations)]
    limits += [Minutes(minutes)] if minutes else []
    return Budget((*limits, *([Models()] if models else [])))


class Pace:
    """How many evaluations a second get done, over the last minute's worth of them.

    It counts from the first one that is done: what comes before that is the start of the workers.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._moments: deque[float] = deque(maxlen=_WINDOW)
        self.count = 0

    def done(self) -> None:
        """One evaluation more is done."""
        self._moments.append(self._clock())
        self.count += 1

    def per_second(self) -> float | None:
        """Evaluations a second; None before two are done."""
        if len(self._moments) < 2:
            return None
        return (len(self._moments) - 1) / max(self._clock() - self._moments[0], 1e-9)


def in_words(seconds: float) -> str:
    """A duration as people say it: "40 s", "3 min", "2 h 10 min", "3 days 4 h"."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} days {hours} h" if hours else f"{days} days"
