"""The budget: never gone past, whatever a server says of what it took."""

import multiprocessing
import threading
from pathlib import Path
from typing import Any

import pytest
from model_server import (
    ABLE,
    Handler,
    answer,
    fine,
    half_closes,
    says,
    serving,
    settings,
    slow,
    words,
)

from generators.errors import InputError
from generators.llm import Answer, BudgetSpent, LanguageModel, Ledger, Request, chat
from generators.llm.ledger import Amount, priced
from generators.llm.settings import Limits, Price
from generators.llm.tokens import own_count, upper_bound, usage_of

PRICE = {"model": "tiny", "input": 1.0, "output": 4.0, "cached_input": 0.1, "as_of": "2026-11-01"}
SENTENCE = "The harbour was quiet that morning, and nobody spoke. "


def ask(text: str = "How are you?", **fields: Any) -> Request:
    return Request(**{"role": "respond", "messages": chat(text), "max_tokens": 16, **fields})


def distinct(number: int) -> list[Request]:
    return [ask(f"{i}: {SENTENCE * 3}", max_tokens=128) for i in range(number)]


class Teller:
    """A server that takes one token a word of the prompt and `made` for an answer, and says what
    it likes about it.
    """

    def __init__(self, usage: Any, made: int = 40) -> None:
        self.usage, self.made, self.took = usage, made, 0
        self._lock = threading.Lock()

    def __call__(self, handler: Handler, body: dict[str, Any]) -> None:
        with self._lock:
            self.took += words(body) + self.made
        handler.send(answer("Quite well, thank you. " * (self.made // 4), usage=self.usage))


LIES = {
    "zero": {"prompt_tokens": 0, "completion_tokens": 0},
    "hugely negative": {"prompt_tokens": -(10**12), "completion_tokens": -(10**12)},
    "nothing": None,
    "text": {"prompt_tokens": "many", "completion_tokens": "few"},
    "one": {"prompt_tokens": 1, "completion_tokens": 1},
    "a list": [1, 2],
    "huge": {"prompt_tokens": 10**15, "completion_tokens": 10**15},
    "not finite": {"prompt_tokens": float("inf"), "completion_tokens": float("nan")},
    "true and false": {"prompt_tokens": True, "completion_tokens": False},
}


@pytest.mark.parametrize("lie", LIES)
def test_a_server_that_lies_about_usage_does_not_get_past_the_budget(lie: str) -> None:
    limit, teller = 3_000, Teller(LIES[lie])
    with (
        serving(teller) as server,
        LanguageModel(settings(server, budget={"tokens": limit}), capabilities=ABLE) as model,
        pytest.raises(BudgetSpent, match=r"llm\.budget\.tokens=3000 is spent") as caught,
    ):
        model.ask_all(distinct(200))
    answered = [outcome for outcome in caught.value.answers if isinstance(outcome, Answer)]
    assert 0 < teller.took <= limit
    assert len(answered) == len(server.bodies) >= 6  # huge figures did not eat the budget either
    assert all(outcome.usage.counted_here for outcome in answered)
    spent = model.spent()["total"]
    assert teller.took <= spent["prompt_tokens"] + spent["completion_tokens"] <= limit
    assert spent["counted_here"] == len(answered)


def test_a_true_count_is_taken_as_it_is() -> None:
    teller = Teller({"prompt_tokens": 30, "completion_tokens": 40})
    with (
        serving(teller) as server,
        LanguageModel(settings(server, budget={"tokens": 3_000}), capabilities=ABLE) as model,
        pytest.raises(BudgetSpent) as caught,
    ):
        model.ask_all(distinct(200))
    answered = [outcome for outcome in caught.value.answers if outcome is not None]
    assert model.spent()["total"]["prompt_tokens"] == 30 * len(answered)
    assert model.spent()["total"]["counted_here"] == 0
    assert len(answered) > 30  # a reservation holds only while its call is in flight


def test_money_is_reserved_before_and_settled_after() -> None:
    usage = {
        "prompt_tokens": 30,
        "completion_tokens": 40,
        "prompt_tokens_details": {"cached_tokens": 20},
    }
    with serving(says(answer("word " * 40, usage=usage))) as server:
        chosen = settings(server, prices=[PRICE], budget={"money": 0.002}, concurrency=1)
        with LanguageModel(chosen, capabilities=ABLE) as model:
            with pytest.raises(BudgetSpent, match=r"llm\.budget\.money=0\.002 is spent"):
                model.ask_all(distinct(50))
            spent = model.spent()["respond"]
    each = (10 * 1.0 + 20 * 0.1 + 40 * 4.0) / 1e6
    assert spent["money"] == pytest.approx(each * spent["calls"])
    assert spent["money"] <= 0.002 < spent["money"] + (upper_bound(distinct(1)[0]) + 128 * 4) / 1e6
    assert len(server.bodies) == spent["calls"]


def test_calls_are_counted_tries_with_them() -> None:
    with (
        serving(says("ill", 500), fine) as server,
        LanguageModel(settings(server, budget={"calls": 4}), capabilities=ABLE) as model,
        pytest.raises(BudgetSpent, match=r"llm\.budget\.calls=4"),
    ):
        model.ask_all(distinct(30))
    assert len(server.bodies) == 4


def test_minutes_count_while_calls_are_in_flight() -> None:
    with serving(slow(0.1)) as server:
        chosen = settings(server, budget={"minutes": 0.25 / 60}, concurrency=2)
        with LanguageModel(chosen, capabilities=ABLE) as model:
            model.ask(ask())
            threading.Event().wait(0.3)  # nobody is asked, so no time is spent
            with pytest.raises(BudgetSpent, match=r"llm\.budget\.minutes"):
                model.ask_all(distinct(30))
    assert 4 <= len(server.bodies) <= 6
    assert 0.25 <= model.spent()["total"]["minutes"] * 60 < 0.6


def test_ask_raises_when_the_budget_is_spent_and_calls_nobody() -> None:
    with (
        serving(fine) as server,
        LanguageModel(settings(server, budget={"tokens": 50}), capabilities=ABLE) as model,
        pytest.raises(BudgetSpent, match="one more call for respond may take"),
    ):
        model.ask(ask())
    assert server.bodies == []


def test_a_call_whose_end_is_not_known_counts_as_all_that_it_may_have_cost() -> None:
    with (
        serving(half_closes) as server,
        LanguageModel(settings(server), capabilities=ABLE) as model,
    ):
        model.ask_all([ask()])
        spent = model.spent()["respond"]
    assert spent["completion_tokens"] == 3 * 16
    assert spent["prompt_tokens"] == 3 * upper_bound(ask())


def test_models_may_share_a_ledger(tmp_path: Path) -> None:
    ledger = Ledger(Limits(calls=3), tmp_path / "ledger.sqlite")
    with serving(fine) as server:
        one, two = (
            LanguageModel(settings(server, model=name), ledger=ledger, capabilities=ABLE)
            for name in "ab"
        )
        one.ask_all(distinct(2))
        two.ask(ask())
        with pytest.raises(BudgetSpent):
            one.ask(ask())
        one.close()
        assert two.spent()["total"]["calls"] == 3
        two.close()
    again = Ledger(Limits(calls=4), tmp_path / "ledger.sqlite")  # a run that is resumed
    assert again.spent()["total"]["calls"] == 3


def _spend(file: Path, done: Any) -> None:
    ledger, made = Ledger(Limits(calls=50), file), 0
    try:
        while True:
            ledger.settle(ledger.reserve("r", Amount(5, 5, 7)), Amount(1, 1, 1))
            made += 1
    except BudgetSpent:
        done.put(made)


def test_processes_share_one_budget(tmp_path: Path) -> None:
    method = multiprocessing.get_context("fork")
    done = method.Queue()
    file = tmp_path / "ledger.sqlite"
    processes = [method.Process(target=_spend, args=(file, done)) for _ in range(3)]
    for process in processes:
        process.start()
    assert sum(done.get(timeout=20) for _ in processes) == 50
    for process in processes:
        process.join()
    total = Ledger(Limits(), file).spent()["total"]
    assert (total["calls"], total["prompt_tokens"], total["money"]) == (50, 50, 50e-9)


def test_what_a_killed_process_had_reserved_counts_as_spent(tmp_path: Path) -> None:
    killed = Ledger(Limits(), tmp_path / "l")
    killed.reserve("r", Amount(60, 40))
    killed.close()
    again = Ledger(Limits(tokens=150), tmp_path / "l")
    assert again.spent()["total"]["prompt_tokens"] == 60
    with pytest.raises(BudgetSpent):
        again.reserve("r", Amount(60, 0))


def test_sums_of_money_are_exact() -> None:
    price = Price(model="m", input=0.1, output=0.3, as_of="2026-11-01")  # type: ignore[arg-type]
    assert priced(1, 0, price).money == 100
    assert priced(3, 1, price).money == 600
    ledger = Ledger(Limits(money=600e-9))
    for _ in range(6):
        ledger.settle(ledger.reserve("r", priced(1, 0, price)), priced(1, 0, price))
    with pytest.raises(BudgetSpent):
        ledger.reserve("r", priced(1, 0, price))


# ---- prices


def test_a_price_that_is_not_known_is_refused_unless_told_otherwise() -> None:
    url = "http://127.0.0.1:9/v1"
    with pytest.raises(InputError, match=r"no price for tiny.*allow_unknown_price=true"):
        LanguageModel(settings(url, prices=[{**PRICE, "model": "other"}]))
    allowed = settings(url, prices=[], allow_unknown_price=True)
    with LanguageModel(allowed, capabilities=ABLE) as model:
        assert model.spent()["total"]["money"] is None
        assert model.estimate([(ask(), 2)])["total"]["money"] is None
    with pytest.raises(ValueError, match="cannot be held without a price"):
        settings(url, prices=[], allow_unknown_price=True, budget={"money": 1})


# ---- estimate


def test_an_estimate_by_role_bounds_what_is_spent(tmp_path: Path) -> None:
    few = [ask(f"{i}: {SENTENCE}") for i in range(6)]
    cache = {"file": str(tmp_path / "a.sqlite")}
    with serving(fine) as server:
        chosen = settings(server, prices=[PRICE], cache=cache, concurrency=2)
        with LanguageModel(chosen, capabilities=ABLE) as model:
            plan = [*((request, 1) for request in few), (ask("New.", role="mutate"), 10)]
            before = model.estimate(plan)
            assert server.bodies == []
            model.ask_all(few)
            after = model.estimate(plan)
            spent = model.spent()["respond"]
    assert set(before) == {"respond", "mutate", "total"}
    assert before["respond"]["calls"] == spent["calls"] == 6
    assert before["mutate"]["calls"] == 10
    for name in ("prompt_tokens", "completion_tokens", "money"):
        assert spent[name] <= before["respond"][name]
        assert before["total"][name] == pytest.approx(
            before["respond"][name] + before["mutate"][name]
        )
    per_call = ABLE.latency + 16 * ABLE.seconds_per_token
    assert before["respond"]["minutes"] == pytest.approx(6 * per_call / 2 / 60)
    assert after["respond"] == {**before["respond"], **dict.fromkeys(before["respond"], 0)}


# ---- counting


def test_our_own_count_is_never_far_below_a_tokenizer_s() -> None:
    for text, true in ((SENTENCE * 10, 120), ("x = [1, 2, 3]\n" * 10, 110), ("你好世界" * 5, 20)):
        assert true <= own_count(text) <= 3 * true


def test_usage_is_believed_number_by_number() -> None:
    request = ask(SENTENCE)
    usage = usage_of({"prompt_tokens": 14, "completion_tokens": -1}, request, "Well. " * 6)
    assert (usage.prompt, usage.counted_here) == (14, True)
    assert usage.completion == own_count("Well. " * 6)
    thought = usage_of({"prompt_tokens": 14, "completion_tokens": 16}, request, "Well.")
    assert (thought.completion, thought.counted_here) == (16, False)  # it may have thought first
