"""The accounts of a torture: a practice CRM that also sees which worker each request comes from, and what it got in the end."""

from __future__ import annotations

import time
from collections import defaultdict
from typing import Any, NamedTuple

from importer.sandbox.sandbox_settings import SandboxOptions
from tests.batch.accounts import Accounts

SENDER_HEADER = "x-torture-worker"


class SeenRequest(NamedTuple):
    """A request that writes: who sent it, when, and of whom requests were unanswered then."""

    at: float
    sender: int
    unanswered: frozenset[int]


class TracedAccounts(Accounts):
    """Knows the senders by a header that the workers of the torture add (torture_hooks.py)."""

    def __init__(self, port: int, options: dict[str, SandboxOptions]) -> None:
        super().__init__(port, options)
        self.seen: dict[str, list[SeenRequest]] = defaultdict(list)
        self._unanswered: dict[str, list[int]] = defaultdict(list)

    async def answer(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request, and write down whose it is if it writes."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await super().answer(scope, receive, send)
            return
        name = scope["path"].split("/", 2)[1]
        sender, unanswered = int(dict(scope["headers"])[SENDER_HEADER.encode()]), self._unanswered[name]
        self.seen[name].append(SeenRequest(time.monotonic(), sender, frozenset(unanswered)))
        unanswered.append(sender)
        try:
            await super().answer(scope, receive, send)
        finally:
            unanswered.remove(sender)

    def count_double_senders(self, name: str) -> int:
        """Return how many requests came while one of another worker was unanswered."""
        return sum(bool(seen.unanswered - {seen.sender}) for seen in self.seen[name])

    def find_busiest_second(self, name: str) -> int:
        """Return the most requests within one second, wherever it begins."""
        times = [seen.at for seen in self.seen[name]]
        most = first = 0
        for last, at in enumerate(times):
            while at - times[first] >= 1:
                first += 1
            most = max(most, last - first + 1)
        return most
