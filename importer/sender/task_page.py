"""One page of a lead's tasks, as the API lists them (docs/api.md, "Tasks")."""

from __future__ import annotations

import msgspec

from importer.models.task import CrmTask, TaskPage


class _Row(msgspec.Struct):
    """A task. The documentation names no fields, so that a value of another kind must not stop the reading."""

    type: object = None
    due_date: object = None
    customer_note: object = None
    status: object = None

    def to_task(self) -> CrmTask:
        """Return the task with texts only."""
        note = self.customer_note
        return CrmTask(
            type=_to_text(self.type),
            due_date=_to_text(self.due_date),
            customer_note=note if isinstance(note, str) else None,
            status=_to_text(self.status),
        )


class _Data(msgspec.Struct):
    rows: list[_Row]
    total_pages: int


class _Answer(msgspec.Struct):
    data: _Data
    message: str


_decode = msgspec.json.Decoder(_Answer).decode


def parse_task_page(body: bytes) -> TaskPage | None:
    """Return the page, None for a body that is not a page of the API."""
    try:
        data = _decode(body).data
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return TaskPage(tuple(row.to_task() for row in data.rows), data.total_pages)


def _to_text(value: object) -> str:
    return value if isinstance(value, str) else ""
