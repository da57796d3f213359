"""What requests will cost, before they are made."""

from collections.abc import Iterable, Mapping
from typing import Any

from generators.llm.caller import Pace
from generators.llm.capabilities import Capabilities
from generators.llm.ledger import BILLION, priced
from generators.llm.messages import Request
from generators.llm.settings import Settings
from generators.llm.tokens import own_prompt


def estimate(
    plan: Iterable[tuple[Request, int]],
    settings: Settings,
    paces: Mapping[str, Pace],
    able: Capabilities | None,
) -> dict[str, dict[str, Any]]:
    """By role and in `total`: calls, prompt and completion tokens, money, minutes.

    Prompts by our own count, answers as long as they may be, all prompts at their full price, no
    call tried twice. Minutes from the role's calls so far, else from the probe's, at the role's
    concurrency.
    """
    roles: dict[str, dict[str, Any]] = {}
    price = settings.price()
    for request, times in plan:
        prompt, completion = own_prompt(request) * times, request.max_tokens * times
        line = roles.setdefault(request.role, _nothing(price is not None))
        line["calls"] += times
        line["prompt_tokens"] += prompt
        line["completion_tokens"] += completion
        if price is not None:
            line["money"] += priced(prompt, completion, price).money / BILLION
        seconds = _seconds(request, paces.get(request.role), able)
        side_by_side = settings.role_concurrency.get(request.role, settings.concurrency)
        side_by_side = min(side_by_side, settings.concurrency)
        if times:
            line["minutes"] = _sum(
                line["minutes"], None if seconds is None else seconds * times / 60 / side_by_side
            )
    total = _nothing(price is not None)
    for line in roles.values():
        total = {name: _sum(total[name], line[name]) for name in total}
    return {**roles, "total": total}


def _seconds(request: Request, pace: Pace | None, able: Capabilities | None) -> float | None:
    """Of one such call; None where nothing was measured."""
    if pace is not None and pace.calls:
        return pace.seconds / pace.calls
    if able is None:
        return None
    return able.latency + request.max_tokens * able.seconds_per_token


def _nothing(priced_tokens: bool) -> dict[str, Any]:
    return {
        "calls": 0,
        "prompt_tokens": 0,
        "completion_tokens": 0,
        "money": 0.0 if priced_tokens else None,
        "minutes": 0.0,
    }


def _sum(a: Any, b: Any) -> Any:
    return None if a is None or b is None else a + b
