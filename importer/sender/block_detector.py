"""Decide whether a refusal is about one row, or whether the account is blocked. The CRM's own lists show it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from importer.errors import BlockedError, ImporterError, ServerUnavailableError
from importer.messages import sending_messages
from importer.models.delivery import CrmResponse, DeliveryOutcome
from importer.sender.client import Client
from importer.sender.response_classifier import build_stop_error
from importer.sender.stop_control import RowAbandoned, StopControl
from importer.sender.traffic_control import TrafficControl

_log = logging.getLogger(__name__)

MAX_TURNED_AWAY = 25
"""A firewall may block a word that a few rows share. After so many rows in a row, with none let through between
them, it blocks all of them, and each further row would be refused for nothing."""

_REFUSALS_TO_PROBE = 50


class BlockDetector:
    """Check final responses. What it finds stops the run."""

    def __init__(
        self, client: Client, traffic: TrafficControl, stop: StopControl, clock: Callable[[], float]
    ) -> None:
        self._client = client
        self._traffic = traffic
        self._stop = stop
        self._clock = clock
        self._probe_lock = asyncio.Lock()
        self._probed_at = float("-inf")
        self._turned_away = 0  # in a row
        self._refusals = RefusalStreak()

    async def check(self, response: CrmResponse, left_at: float) -> None:
        """Return where the response is about its row alone.

        A row that was turned away is not settled where this raises. A row that the CRM itself refused keeps its
        result: where the account is blocked, the error is recorded and stops the run after it.

        Raises:
            BlockedError, KeyRefusedError: the account is blocked.
            RowAbandoned: the run stops for another reason.
        """
        match response.outcome:
            case DeliveryOutcome.TURNED_AWAY:
                await self._check_turned_away(response, left_at)
            case DeliveryOutcome.APPLIED | DeliveryOutcome.REFUSED:
                self._turned_away = 0
                if self._refusals.record(response):
                    await self._check_refusals(response)
            case DeliveryOutcome.NOT_APPLIED | DeliveryOutcome.MAY_HAVE_ARRIVED:
                pass  # the CRM said nothing about the row

    async def _check_turned_away(self, response: CrmResponse, left_at: float) -> None:
        """Probe once for all workers: an answer that came after a request had left holds for that request."""
        async with self._probe_lock:
            if self._probed_at <= left_at:
                await self._require_access(response)
                self._probed_at = self._clock()
            self._turned_away += 1
            if self._turned_away > MAX_TURNED_AWAY:
                raise _build_rows_blocked_error(response)

    async def _require_access(self, response: CrmResponse) -> None:
        _log.info("probe access: a row was turned away with %s", response.status)
        try:
            has_access = await self._probe_access()
        except ServerUnavailableError as error:
            raise build_stop_error(response) from error
        _log.info("probe access: %s", "the CRM gives its lists" if has_access else "the CRM refuses")
        if not has_access:
            raise _build_account_blocked_error(response.message)

    async def _probe_access(self) -> bool:
        """Return whether the CRM gives a list. The probe leaves when a request may leave."""
        await self._traffic.acquire_slot()
        asked_at = self._clock()
        has_access = not self._stop.is_stopping and await self._client.probe_access(
            self._stop.sleep_unless_stopping
        )
        if self._stop.is_stopping:
            raise RowAbandoned
        self._traffic.record_probe_success(asked_at)
        return has_access

    async def _check_refusals(self, response: CrmResponse) -> None:
        """Stop the run where the CRM refuses every request. The refused row keeps its result."""
        _log.info("probe access: %d rows in a row were refused with the same message", _REFUSALS_TO_PROBE)
        try:
            if await self._client.probe_access(self._stop.sleep_unless_stopping):
                return
            error: ImporterError = _build_account_blocked_error(response.message)
        except (ServerUnavailableError, RowAbandoned):
            return  # no answer: the next rows go on, and find out
        except ImporterError as stop_error:
            error = stop_error
        self._stop.record_error(error)


class RefusalStreak:
    """Count refusals in a row with the same message: they may be bad rows, or a blocked account."""

    def __init__(self) -> None:
        self._message = ""
        self._count = 0

    def record(self, response: CrmResponse) -> bool:
        """Record a response. Return whether it is time to probe the account."""
        is_refused = response.outcome is DeliveryOutcome.REFUSED
        if not is_refused or response.message != self._message:
            self._message, self._count = response.message, 0
        self._count += is_refused
        return self._count == _REFUSALS_TO_PROBE


def _build_account_blocked_error(message: str) -> BlockedError:
    return BlockedError(*sending_messages.ACCOUNT_BLOCKED.format(message=message))


def _build_rows_blocked_error(response: CrmResponse) -> BlockedError:
    return BlockedError(
        *sending_messages.ROWS_BLOCKED.format(
            count=MAX_TURNED_AWAY, status=response.status, message=response.message
        )
    )
