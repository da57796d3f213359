"""What was spent on language models, and what may be: reserved before a call, settled after.

A reservation is an upper bound of what a call may cost, and a call begins only where it still fits.
So a budget holds to the last token unless a server charges more than it was allowed to. A ledger in
a file is shared by all processes of a run and outlives them: a run that is resumed does not begin a
new budget, and what a killed process had reserved counts as spent, because it may have been.

Money is counted in whole billionths of the currency, so that sums are exact.
"""

import math
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generators.errors import GamutError, InputError
from generators.llm.database import open_shared, version_of
from generators.llm.errors import BudgetSpent
from generators.llm.settings import Limits, Price

SCHEMA_VERSION = 1
BILLION = 1_000_000_000

_AMOUNTS = "calls INTEGER NOT NULL, prompt INTEGER NOT NULL, completion INTEGER NOT NULL,"
_AMOUNTS += " money INTEGER NOT NULL"
_TABLES = (
    f"spent (role TEXT PRIMARY KEY, {_AMOUNTS}, seconds REAL NOT NULL)",
    f"reserved (id INTEGER PRIMARY KEY, role TEXT NOT NULL, {_AMOUNTS})",
)
_SUMS = "coalesce(sum(calls), 0), coalesce(sum(prompt + completion), 0), coalesce(sum(money), 0)"


@dataclass(frozen=True)
class Amount:
    """Tokens of a call and their price in billionths; `money` 0 where the price is not known."""

    prompt: int
    completion: int
    money: int = 0


def priced(prompt: int, completion: int, price: Price | None, cached: int = 0) -> Amount:
    """Tokens with what they cost, rounded up; `cached` of the prompt at their own price."""
    if price is None:
        return Amount(prompt, completion)
    rate = price.input if price.cached_input is None else price.cached_input
    cached = min(max(cached, 0), prompt)
    millionths = (prompt - cached) * price.input + cached * rate + completion * price.output
    return Amount(prompt, completion, math.ceil(round(millionths * 1000, 6)))


class Ledger:
    """Spending by role, under limits. Safe to share between threads, and by its file, processes."""

    def __init__(
        self,
        limits: Limits,
        file: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`file`: None keeps it in memory. Raises GamutError where the file cannot be used."""
        self.limits, self.file = limits, file
        self._clock, self._lock = clock, threading.Lock()
        self._in_flight, self._busy_since = 0, 0.0
        with self._explained():
            self._db = open_shared(file, _TABLES, SCHEMA_VERSION)
            if version_of(self._db) != SCHEMA_VERSION:
                raise InputError(f"{file}: no ledger of this version of Gamut; use another file")

    @property
    def in_flight(self) -> int:
        """Reservations of this process that are not settled."""
        return self._in_flight

    def reserve(self, role: str, most: Amount) -> int:
        """Take an upper bound of a call out of what is left; the number to settle it by.

        Raises BudgetSpent, naming the limit, where it does not fit.
        """
        with self._writing():
            self._refuse_beyond(role, most)
            values = (role, 1, most.prompt, most.completion, most.money)
            row = self._db.execute(
                "INSERT INTO reserved (role, calls, prompt, completion, money)"
                " VALUES (?, ?, ?, ?, ?)",
                values,
            )
            if self._in_flight == 0:
                self._busy_since = self._clock()
            self._in_flight += 1
            return int(row.lastrowid or 0)

    def settle(self, number: int, actual: Amount | None) -> None:
        """Say what a reserved call cost; None: nobody knows, so it counts as reserved."""
        with self._writing():
            role, *most = self._db.execute(
                "SELECT role, prompt, completion, money FROM reserved WHERE id = ?", (number,)
            ).fetchone()
            self._db.execute("DELETE FROM reserved WHERE id = ?", (number,))
            cost = actual or Amount(*most)
            now = self._clock()
            self._db.execute(
                "INSERT INTO spent VALUES (?, 1, ?, ?, ?, ?) ON CONFLICT (role) DO UPDATE SET"
                " calls = calls + 1, prompt = prompt + excluded.prompt,"
                " completion = completion + excluded.completion, money = money + excluded.money,"
                " seconds = seconds + excluded.seconds",
                (role, cost.prompt, cost.completion, cost.money, now - self._busy_since),
            )
            self._busy_since = now
            self._in_flight -= 1

    def spent(self, *, in_flight: bool = True) -> dict[str, dict[str, Any]]:
        """By role, and `total`: calls, prompt and completion tokens, money, minutes.

        What is in flight counts as what it may cost at most, or is left out.
        """
        reserved = "UNION ALL SELECT role, calls, prompt, completion, money, 0 FROM reserved"
        query = (
            "SELECT role, sum(calls), sum(prompt), sum(completion), sum(money), sum(seconds) FROM"
            " (SELECT role, calls, prompt, completion, money, seconds FROM spent"
            f" {reserved if in_flight else ''}) GROUP BY role ORDER BY role"
        )
        with self._writing():
            rows = self._db.execute(query).fetchall()
        roles = {row[0]: row[1:] for row in rows}
        total = [sum(column) for column in zip(*roles.values(), strict=True)] or [0, 0, 0, 0, 0.0]
        return {role: _plain(values) for role, values in (*roles.items(), ("total", total))}

    def close(self) -> None:
        """Close its file."""
        self._db.close()

    def _refuse_beyond(self, role: str, most: Amount) -> None:
        spent = self._db.execute(f"SELECT {_SUMS} FROM spent").fetchone()
        held = self._db.execute(f"SELECT {_SUMS} FROM reserved").fetchone()
        calls, tokens, money = (a + b for a, b in zip(spent, held, strict=True))
        limits = self.limits
        wanted = (
            ("calls", limits.calls, calls, 1, 1),
            ("tokens", limits.tokens, tokens, most.prompt + most.completion, 1),
            ("money", limits.money, money, most.money, BILLION),
        )
        for name, limit, used, more, unit in wanted:
            if limit is not None and used + more > round(limit * unit):
                raise BudgetSpent(
                    f"llm.budget.{name}={limit:g} is spent: {used / unit:g} are used or reserved,"
                    f" and one more call for {role} may take {more / unit:g}"
                )
        seconds = self._db.execute("SELECT coalesce(sum(seconds), 0) FROM spent").fetchone()[0]
        if self._in_flight:
            seconds += self._clock() - self._busy_since
        if limits.minutes is not None and seconds >= limits.minutes * 60:
            raise BudgetSpent(
                f"llm.budget.minutes={limits.minutes:g} is spent: calls were in flight for"
                f" {seconds / 60:.2f} minutes"
            )

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """One transaction, of one thread."""
        with self._lock, self._explained():
            self._db.execute("BEGIN IMMEDIATE")
            with self._db:
                yield

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            raise GamutError(
                f"{self.file or 'the ledger'}: cannot keep what is spent ({error}); make the file"
                " and its folder writable"
            ) from error


def _plain(values: Any) -> dict[str, Any]:
    calls, prompt, completion, money, seconds = values
    return {
        "calls": calls,
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "money": money / BILLION,
        "minutes": seconds / 60,
    }
