"""When failed calls are tried again, and when a failing server is left in peace."""

import asyncio
import random
from email.utils import formatdate

import pytest

from generators.llm import Reason
from generators.llm.retry import Failure, Gate, retry_after, wait_before
from generators.llm.settings import Breaker, Retries


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("3", 3), ("0.5", 0.5), ("-1", 0), ("", None), ("soon", None), ("nan", None), ("inf", None),
        (formatdate(1_000_060, usegmt=True), 60), (formatdate(999_000, usegmt=True), 0),
    ],
)  # fmt: skip
def test_retry_after_in_seconds_or_as_a_date(given: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": given}, lambda: 1_000_000) == seconds


def test_waits_double_with_jitter_up_to_the_longest() -> None:
    failure = Failure(Reason.TIMEOUT, "", again=True)
    retries = Retries(attempts=9, first_wait=1, longest_wait=10)
    for attempt, longest in ((1, 1), (2, 2), (4, 8), (5, 10), (2000, 10)):
        waits = [wait_before(attempt, failure, retries) for _ in range(50)]
        assert longest / 2 <= min(waits) < max(waits) <= longest
    asked = Failure(Reason.RATE_LIMIT, "", 7.0, again=True)
    assert 7 <= wait_before(1, asked, retries) <= 7.1


def test_one_call_tries_while_the_others_wait() -> None:
    ill = Failure(Reason.SERVER_ERROR, "ill", again=True)

    async def story() -> list[bool]:
        gate = Gate(Breaker(failures=2, pause=0.02, trials=3))
        for _ in range(2):
            gate.leave(await gate.enter(), ill)
        entered: list[bool] = []

        async def come() -> None:
            entered.append(await gate.enter())

        waiting = [asyncio.create_task(come()) for _ in range(4)]
        await asyncio.sleep(0.1)
        assert entered == [True]
        gate.leave(True, Failure(Reason.REJECTED, "it is well, but does not like the request"))
        await asyncio.gather(*waiting)
        return entered

    assert asyncio.run(story()) == [True, False, False, False]


def test_a_try_that_is_given_up_lets_another_one_try() -> None:
    async def story() -> bool:
        gate = Gate(Breaker(failures=1, pause=0.01, trials=3))
        gate.leave(await gate.enter(), Failure(Reason.SERVER_ERROR, "ill", again=True))
        assert await gate.enter()
        gate.abandon(True)
        return await asyncio.wait_for(gate.enter(), 1)

    assert asyncio.run(story())


def test_jitter_takes_nothing_from_the_randomness_of_the_search() -> None:
    random.seed(3)
    expected = random.random()
    random.seed(3)
    failure = Failure(Reason.SERVER_ERROR, "busy", again=True)
    wait_before(1, failure, Retries(attempts=2, first_wait=1, longest_wait=2))
    assert random.random() == expected
