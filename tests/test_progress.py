"""What a search says of itself: time left, pace, counts; as a live view and as lines of a log."""

import io
import re
from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from evolve.budget import Budget, Evaluations, Minutes, Pace, Spent, budget_of, in_words
from evolve.progress import EVERY, Progress
from evolve.statistics import interval


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Screen(io.StringIO):
    """Looks like a terminal."""

    def isatty(self) -> bool:
        return True


def state(folded: int, values: dict[str, list[float]] | None = None) -> Any:
    """As much of a search's state as progress looks at."""
    table = values or {"a": [0.3, 0.4], "b": [0.5, 0.6]}
    found = SimpleNamespace(verdict={"values": table}, interval=interval(table))
    elites = [found, found] if folded else []
    statuses = Counter({"scored": folded, "dropped": 2, "failed": 1} if folded else {})
    archive = SimpleNamespace(elites=elites)
    return SimpleNamespace(folded=folded, statuses=statuses, archive=archive, mutation=None)


def test_the_first_limit_that_is_reached_ends_a_search() -> None:
    budget = budget_of(100, 10.0)
    assert not budget.reached(Spent(99, 599.0))
    assert str(budget.first_reached(Spent(100, 10.0))) == "100 evaluations"
    assert str(budget.first_reached(Spent(3, 600.0))) == "10 minutes"
    assert str(budget) == "100 evaluations or 10 minutes"
    assert str(budget_of(1000, None)) == "1,000 evaluations"
    assert budget_of(100, None).first_reached(Spent(99, 1e9)) is None


def test_the_time_left_is_that_of_the_limit_which_comes_first() -> None:
    budget = budget_of(100, 10.0)
    assert budget.seconds_left(Spent(50, 60.0), pace=1.0) == pytest.approx(50.0)
    assert budget.seconds_left(Spent(50, 60.0), pace=0.01) == pytest.approx(540.0)
    assert budget.seconds_left(Spent(50, 60.0), pace=None) == pytest.approx(540.0)
    assert budget_of(100, None).seconds_left(Spent(50, 60.0), pace=None) is None
    assert budget.seconds_left(Spent(200, 6000.0), pace=1.0) == 0.0
    assert budget.share(Spent(50, 60.0)) == pytest.approx(0.5)
    assert budget.share(Spent(5, 540.0)) == pytest.approx(0.9)


def test_budgets_compose() -> None:
    inner = Budget((Evaluations(100), Minutes(5)))
    outer = Budget((inner, Minutes(3)))
    assert str(outer.first_reached(Spent(0, 200.0))) == "3 minutes"
    assert outer.reached(Spent(100, 0.0))
    assert Budget(()).seconds_left(Spent(1, 1.0), 1.0) is None
    assert not Budget(()).reached(Spent(1, 1.0))


def test_pace_leaves_out_how_long_the_workers_took_to_start() -> None:
    clock = Clock()
    pace = Pace(clock)
    clock.now += 30  # they start
    pace.done()
    assert pace.per_second() is None
    for _ in range(10):
        clock.now += 0.5
        pace.done()
    assert pace.per_second() == pytest.approx(2.0)
    assert pace.count == 11
    for _ in range(100):  # what was long ago is forgotten
        clock.now += 2.0
        pace.done()
    assert pace.per_second() == pytest.approx(0.5)
    clock.now += 1000  # nothing gets done any more, and the pace falls
    assert (pace.per_second() or 0.0) < 0.06


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (89, "89 s"), (90, "2 min"), (3000, "50 min"), (3600, "1 h"), (7800, "2 h 10 min"),
     (200_000, "2 days 7 h")],
)  # fmt: skip
def test_durations_as_people_say_them(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


def searched(progress: Progress, clock: Clock, evaluations: int, each: float) -> None:
    for _ in range(evaluations):
        clock.now += each
        progress.done()
        progress.estimate(workers=2, afterwards=20.0)


def test_lines_of_a_log_count_and_tell_the_time_left() -> None:
    clock, log = Clock(), io.StringIO()
    progress = Progress(total=300, stream=log, clock=clock)
    progress.begin(budget_of(300, None), done=0)
    progress.update(state(0), in_flight=16)
    assert log.getvalue() == ""  # not yet
    clock.now += EVERY
    progress.update(state(0), in_flight=16)
    searched(progress, clock, 41, each=0.5)
    progress.update(state(30), in_flight=16, afterwards=20.0)
    none, estimate, some = log.getvalue().splitlines()
    assert none == (
        "0/300 evaluated, 16 in flight, none scored, 0 elites, none judged yet, time left unknown"
    )
    assert estimate.startswith(
        "Estimate for 300 evaluations on 2 workers, and validation: 3 min to 8 min"
    )
    assert some.startswith("41/300 evaluated, 16 in flight, best 0.450 [0.2")
    assert "2 elites, 2 dropped, 1 failed, 30 scored, 2 a second, about 2 min left" in some


def test_the_estimate_is_told_once_and_as_a_range_only_for_baselines() -> None:
    clock, log = Clock(), io.StringIO()
    progress = Progress(total=300, stream=log, clock=clock)
    progress.begin(budget_of(300, None), done=100)
    searched(progress, clock, 30, each=6.0)
    (line,) = log.getvalue().splitlines()
    assert line == "Estimate for 300 evaluations on 2 workers, and validation: 21 min"


def test_the_clock_of_a_budget_bounds_the_time_left() -> None:
    clock, log = Clock(), io.StringIO()
    progress = Progress(total=10**6, stream=log, clock=clock)
    progress.begin(budget_of(10**6, 5.0), done=0)
    searched(progress, clock, 60, each=1.0)
    progress.update(state(60), in_flight=2, afterwards=30.0)
    last = log.getvalue().splitlines()[-1]
    assert last.endswith("1 a second, about 4 min left")  # 240 s of search, 30 s of validation


def test_stages_after_the_search_have_clocks_of_their_own() -> None:
    clock, log = Clock(), io.StringIO()
    progress = Progress(total=3, stream=log, clock=clock)
    for done in range(4):
        progress.stage("validating", done, 4)
        clock.now += EVERY
    progress.stage("writing bundles", 0, 2)
    assert log.getvalue().splitlines() == [
        "validating: 0/4",
        "validating: 1/4, about 30 s left",
        "validating: 2/4, about 20 s left",
        "validating: 3/4, about 10 s left",
        "writing bundles: 0/2",
    ]


def test_the_live_view_shows_counts_and_is_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "110")
    clock, screen = Clock(), Screen()
    progress = Progress(total=300, stream=screen, clock=clock)
    progress.say("reading context grief")
    progress.begin(budget_of(300, None), done=0)
    searched(progress, clock, 150, each=0.5)
    progress.update(state(140), in_flight=16)
    progress.tell("density0_words0 is left out")
    progress.close()
    shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", screen.getvalue())
    assert re.search(r"evolving +━+.* 150/300 +2 a second, about 75 s left", shown)
    assert "best 0.450 [" in shown
    assert "2 elites, 2 dropped, 1 failed, 140 scored" in shown
    assert "density0_words0 is left out" in shown
    assert screen.getvalue().endswith("\x1b[2K")  # the last line of the view is erased


def test_a_terminal_that_cannot_move_its_cursor_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    screen = Screen()
    Progress(total=3, stream=screen).say("reading context grief")
    assert screen.getvalue() == "reading context grief\n"


def test_quiet_is_quiet() -> None:
    log = io.StringIO()
    progress = Progress(total=3, quiet=True, stream=log)
    progress.say("a")
    progress.tell("b")
    progress.stage("c", 1, 2)
    progress.close()
    assert log.getvalue() == ""
