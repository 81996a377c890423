"""Refusals in a row with the same words: bad rows, or an account that is banned?"""

from __future__ import annotations

from importer.models.delivery import CrmResponse, DeliveryOutcome

_MANY = 50


class RefusalStreak:
    """Counts them; the server's answer to a plain question tells the two cases apart."""

    def __init__(self) -> None:
        self._words = ""
        self._in_a_row = 0

    def saw(self, reply: CrmResponse) -> bool:
        """Whether it is time to ask: fifty rows in a row were refused with the same words."""
        if reply.outcome is not DeliveryOutcome.REFUSED or reply.message != self._words:
            self._words, self._in_a_row = reply.message, 0
        self._in_a_row += reply.outcome is DeliveryOutcome.REFUSED
        return self._in_a_row == _MANY
