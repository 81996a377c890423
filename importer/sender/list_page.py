"""One page of an account's list: its shape, and the error where the answer is no such page."""

from __future__ import annotations

from typing import Any

import msgspec

from importer.errors import BlockedError, ServerUnavailableError
from importer.messages import sending_messages
from importer.models.delivery import CrmResponse, DeliveryOutcome
from importer.models.mapping import Title
from importer.sender.response_classifier import build_stop_error

MAX_PAGE_BYTES = 8 * 1024 * 1024  # fifty products may have long descriptions


class ListRow(msgspec.Struct):
    """A row of a list. Without a title no sheet can name it, so it is left out. A status of null means ACTIVE.

    If that is wrong, the CRM refuses the rows that name it. One bad entry of a list must not block every import.
    """

    title: str | None = None
    status: str | None = None
    id: Any = None  # source types have none
    org_id: Any = None  # documented for a lead's own stage and group only
    type: Any = None  # of stages and groups
    position: Any = None  # of stages

    def to_title(self) -> Title:
        """Return the row as the other packages know it. Only the title must be there, and of its kind."""
        return Title(
            self.title or "",
            self.status in (None, "ACTIVE"),
            id="" if self.id is None else str(self.id),
            org_id="" if self.org_id is None else str(self.org_id),
            position=self.position if isinstance(self.position, int | float) else None,
            is_final=isinstance(self.type, str) and self.type.startswith("FINAL_"),
        )


class ListData(msgspec.Struct):
    """The rows and totals of a page."""

    rows: list[ListRow]
    total_pages: int
    total_items: int = 0


class _ListPage(msgspec.Struct):
    data: ListData


_decode_page = msgspec.json.Decoder(_ListPage).decode


def parse_list_page(response: CrmResponse, body: bytes) -> ListData:
    """Return the rows and totals of a page. Raise where the response is not a page of a list."""
    if response.status == 200 and len(body) > MAX_PAGE_BYTES:
        raise BlockedError(*sending_messages.LIST_PAGE_TOO_LARGE.format(megabytes=MAX_PAGE_BYTES // 1024**2))
    if response.is_web_page:
        raise build_stop_error(response)
    if response.status == 200:
        try:
            return _decode_page(body).data
        except (ValueError, RecursionError):  # not JSON, not UTF-8, or of another shape
            raise BlockedError(*sending_messages.NOT_A_LIST) from None
    if response.outcome is DeliveryOutcome.TURNED_AWAY:
        raise build_stop_error(response)
    if response.status is None:
        raise ServerUnavailableError(*sending_messages.UNREACHABLE.format(cause=response.message))
    raise ServerUnavailableError(
        *sending_messages.LISTS_UNAVAILABLE.format(status=response.status, message=response.message)
    )
