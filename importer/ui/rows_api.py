"""What the script of the rows asks for: edits, a block from the clipboard, the same text in many rows, undo."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import NamedTuple

import msgspec
from starlette.responses import Response

from importer.errors import StaleEditError, UsageError
from importer.journal.row_index import CellProblem
from importer.journal.row_search import PAGE_ROWS
from importer.messages import ui_messages
from importer.pipeline.edit_rows import CellEdit, EditResult, RowVersion
from importer.ui.row_data import LookUp, RowData, SameOffer, StoredNumber, to_row_data
from importer.ui.row_editors import OpenRows
from importer.ui.rows_screen import can_edit, describe_look_up
from importer.ui.visit import Visit, write


class CellChange(msgspec.Struct):
    """A new text for a cell of a row that the page has seen in this version."""

    row: RowVersion
    column: int
    text: str


class Block(msgspec.Struct):
    """A block of cells from the clipboard. `rows` are those of the page from the focused one on, in its order."""

    rows: list[RowVersion]
    column: int
    text: str


class SameChange(msgspec.Struct):
    """The text for all cells that have the same text and the same problem."""

    row: RowVersion
    offer: SameOffer


class Place(msgspec.Struct):
    """Whether a row is left out."""

    row: RowVersion
    is_left_out: bool


class Undo(msgspec.Struct):
    """The step to undo."""

    step: StoredNumber


class Outcome(NamedTuple):
    """What a change did, the offer that follows from it, and how many pasted cells found no place."""

    result: EditResult
    offer: SameOffer | None = None
    cells_left_out: int = 0


class Changed(msgspec.Struct):
    """What the page shows anew: rows, counts by part, and the step that can be undone."""

    rows: list[RowData]
    counts: dict[str, int]
    step: int | None
    undo: str
    said: str
    look_up: LookUp
    offer: SameOffer | None = None


def change_cell(visit: Visit) -> Response:
    """Write one cell, and offer to do the same in the other rows with the same fault."""
    change = visit.read_json(CellChange)

    def work(rows: OpenRows) -> Outcome:
        offer = _build_offer(visit, rows, change)
        edit = CellEdit(change.row.number, change.column, change.text)
        return Outcome(rows.editor.edit_cells([edit], [change.row]), offer)

    return _answer(visit, work, [change.row])


def _build_offer(visit: Visit, rows: OpenRows, change: CellChange) -> SameOffer | None:
    """Return an offer about the other rows that have what the cell has now."""
    found = rows.grid.read_rows([change.row.number])
    if not found or not 0 <= change.column < len(found[0].cells):
        return None
    cell = found[0].cells[change.column]
    issue = next((issue for issue in cell.issues if issue.same_rows > 1), None)
    if issue is None or change.text == cell.text:
        return None
    others = issue.same_rows - 1
    question = visit.t.count("rows.same", others, text=change.text, cell=cell.text)
    return SameOffer(others, change.column, issue.code, cell.text, change.text, question)


def paste_block(visit: Visit) -> Response:
    """Write a block of cells, as spreadsheets put it on the clipboard: tabs, line breaks, quotes around both."""
    block = visit.read_json(Block)
    # An empty line is a row with an empty cell.
    lines = [line or [""] for line in csv.reader(io.StringIO(block.text, newline=""), delimiter="\t")]
    if not lines or len(block.rows) > PAGE_ROWS:
        raise UsageError(*ui_messages.BODY_NOT_VALID)

    def work(rows: OpenRows) -> Outcome:
        targets = block.rows[: len(lines)]
        edits = [
            CellEdit(row.number, at, text)
            for row, line in zip(targets, lines, strict=False)
            for at, text in enumerate(line, block.column)
            if at in rows.columns
        ]
        return Outcome(
            rows.editor.edit_cells(edits, targets), cells_left_out=sum(map(len, lines)) - len(edits)
        )

    return _answer(visit, work, block.rows[: len(lines)])


def change_same(visit: Visit) -> Response:
    """Write a text into all rows that have the same text and the same problem."""
    change = visit.read_json(SameChange)
    problem = CellProblem(change.offer.code, change.offer.column, change.offer.cell)

    def work(rows: OpenRows) -> Outcome:
        return Outcome(rows.editor.edit_same(change.row, problem, change.offer.text))

    return _answer(visit, work, [change.row])


def move_row(visit: Visit) -> Response:
    """Leave a row out, or take it back."""
    place = visit.read_json(Place)

    def work(rows: OpenRows) -> Outcome:
        move = rows.editor.leave_out if place.is_left_out else rows.editor.take_back
        return Outcome(move([place.row]))

    return _answer(visit, work, [place.row])


def undo_step(visit: Visit) -> Response:
    """Undo a step."""
    step = visit.read_json(Undo).step
    return _answer(visit, lambda rows: Outcome(rows.editor.undo(step)))


def _answer(
    visit: Visit,
    work: Callable[[OpenRows], Outcome],
    seen: Sequence[RowVersion] = (),
) -> Response:
    """Change the rows, and return what the page must show anew.

    A row that somebody else changed is 409, with the rows that the page has `seen` as they are now.
    """
    if not can_edit(visit):
        raise UsageError(*ui_messages.RUN_IN_USE)
    with visit.workspace.editors.open(visit.folder) as rows:
        try:
            outcome = work(rows)
        except StaleEditError as error:
            found = rows.grid.read_rows([row.number for row in seen])
            current = [to_row_data(row, rows.journal.metadata.sheets, visit.t.translate) for row in found]
            refused = {"message": error.message, "advice": error.advice, "rows": current}
            return visit.to_json(refused, HTTPStatus.CONFLICT)
        return visit.to_json(_build_changed(visit, rows, outcome))


def _build_changed(visit: Visit, rows: OpenRows, outcome: Outcome) -> Changed:
    result = outcome.result
    index, sheets = rows.editor.index, rows.journal.metadata.sheets
    shown = rows.grid.read_rows(result.changed[:PAGE_ROWS])
    last = rows.journal.edits.find_last_step()
    count = len(rows.journal.edits.read_step(last)) if last else 0
    return Changed(
        rows=[to_row_data(row, sheets, visit.t.translate) for row in shown],
        counts={"all": index.parts.total(), **{part.value: rows_ for part, rows_ in index.parts.items()}},
        step=last,
        undo=visit.t.count("rows.undo", count) if last else "",
        said=_describe_outcome(visit, outcome),
        look_up=describe_look_up(visit, rows),
        offer=outcome.offer,
    )


def _describe_outcome(visit: Visit, outcome: Outcome) -> str:
    said = visit.t.count("rows.changed", len(outcome.result.changed))
    left_out = outcome.cells_left_out
    return f"{said} {visit.t.count('rows.left_out_cells', left_out)}" if left_out else said


ROUTES = [
    write("/runs/{run_id}/cells", change_cell, method="PUT"),
    write("/runs/{run_id}/block", paste_block, method="PUT"),
    write("/runs/{run_id}/same", change_same, method="PUT"),
    write("/runs/{run_id}/place", move_row, method="PUT"),
    write("/runs/{run_id}/step", undo_step, method="PUT"),
]
