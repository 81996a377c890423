"""Which requests a row needs: one upsert, a look-up, or what a plan leaves to send."""

from __future__ import annotations

from typing import Protocol

from importer.models.delivery import CrmResponse, DeliveryResult
from importer.models.status import NoteState, RowStatus
from importer.sender.client import Client
from importer.sender.in_flight_row import InFlightRow, build_result


class RowRequests(Protocol):
    """The requests of a row, one after another. Pace, retries and outages are not their concern."""

    noun: str
    """What a row is called in the log."""

    async def send(self, client: Client, flight: InFlightRow) -> CrmResponse:
        """Send the next request of the row. Raises what stops the run."""

    async def finish(self, flight: InFlightRow, response: CrmResponse) -> DeliveryResult | None:
        """Take the final response to a request. Return the row's result, or None if another request follows."""


class UpsertRequests:
    """One upsert a row. `create` allows the CRM to create new leads."""

    noun = "row"

    def __init__(self, *, create: bool) -> None:
        self._create = create

    async def send(self, client: Client, flight: InFlightRow) -> CrmResponse:
        """Send the lead."""
        return await client.upsert(flight.build_body(create=self._create))

    async def finish(self, flight: InFlightRow, response: CrmResponse) -> DeliveryResult | None:
        """Build the row's result, unless another body of the row follows."""
        if flight.take_next_body(response):
            return None
        return build_result(
            flight.row,
            response,
            attempts=flight.earlier_attempts + flight.attempts,
            may_have_arrived=flight.may_have_arrived,
        )


class LookupRequests:
    """One look-up a phone: the "rows" are phones."""

    noun = "look-up"

    async def send(self, client: Client, flight: InFlightRow) -> CrmResponse:
        """Read the lead of the phone."""
        flight.is_reading = True
        return await client.look_up(flight.row.phones[0])

    async def finish(self, flight: InFlightRow, response: CrmResponse) -> DeliveryResult:
        """Return what the CRM said, also where it said nothing clear."""
        return DeliveryResult(
            number=flight.row.number,
            status=RowStatus.ACCEPTED,
            attempts=flight.attempts,
            http_status=response.status,
            note=NoteState.NONE,
            lookup=response.lookup,
        )
