"""Rows that somebody before the CRM turns away: is it this one row, or a wall? The CRM's own lists tell."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from importer.errors import BlockedError, ServerUnavailableError
from importer.models.delivery import CrmResponse
from importer.sender.client import to_stop_error

MOST_IN_A_ROW = 25
"""A firewall dislikes a word here and there, or one that a few rows share. So many with none let through between
them are a wall, and each row more would be refused for nothing."""


class BlockDetector:
    """Judges rows that were turned away. `ask` answers whether the CRM gives its lists, or raises what stops the run."""

    def __init__(self, ask: Callable[[], Awaitable[bool]], clock: Callable[[], float]) -> None:
        self._ask = ask
        self._clock = clock
        self._one_question = asyncio.Lock()
        self._answered_at = float("-inf")
        self._in_a_row = 0

    def met_the_crm(self) -> None:
        """The CRM itself took or refused a row: whoever stands before it lets rows through."""
        self._in_a_row = 0

    async def judge(self, reply: CrmResponse, left_at: float) -> None:
        """Return where the row alone is refused. Raises what stops the run: a ban, a wall, or nobody to ask.

        Workers that meet a stranger at once share one question: an answer that came after a request had left
        holds for that request.
        """
        async with self._one_question:
            if self._answered_at <= left_at:
                await self._hear_the_crm(reply)
                self._answered_at = self._clock()
            self._in_a_row += 1
            if self._in_a_row > MOST_IN_A_ROW:
                raise _wall(reply)

    async def _hear_the_crm(self, reply: CrmResponse) -> None:
        try:
            is_welcome = await self._ask()
        except ServerUnavailableError as nobody:
            raise to_stop_error(reply) from nobody
        if not is_welcome:
            raise banned(reply.message)


def banned(words: str) -> BlockedError:
    """The CRM refuses whatever it is asked."""
    return BlockedError(
        f'The CRM refuses every request, also for its lists: "{words}".',
        "Ask Superfone about the account. Rows that were refused can go again with importer retry.",
    )


def _wall(reply: CrmResponse) -> BlockedError:
    return BlockedError(
        f"More than {MOST_IN_A_ROW} rows in a row were turned away with {reply.status} ({reply.message}), though the CRM "
        "gives its lists.",
        "Ask Superfone whether the API key may write leads, and whoever runs your network about a firewall. "
        "Rows that were turned away can go again with importer retry.",
    )
