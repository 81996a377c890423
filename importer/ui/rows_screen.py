"""Screen 4: the rows, what is wrong with them, and a form for each. Without a script, everything is done here."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from starlette.responses import Response

from importer.errors import StaleEditError
from importer.journal.row_index import CellProblem, RowPart
from importer.journal.row_search import Direction, RowPage, RowView
from importer.pipeline.edit_rows import CellEdit, RowVersion
from importer.pipeline.grid_rows import GridRow
from importer.ui.row_data import MAX_SEARCH_CHARS, LookUp, PageRequest, list_codes, parse_number, to_row_data
from importer.ui.row_editors import OpenRows
from importer.ui.visit import PageNotFoundError, Visit, show, write

LOOK_UPS_PER_S = 20
"""What most accounts allow: for the time that the look-up may take, before it starts."""


def show_rows(visit: Visit) -> Response:
    """Show a page of rows."""
    if not can_edit(visit):
        return visit.go_to_run()
    with visit.workspace.editors.open(visit.folder) as rows:
        request = PageRequest.parse(visit.query, rows)
        if request.start is None:
            rows.search.sort_again()  # on the pages behind it the order stays, also after edits
        page = rows.search.find_page(request.view, request.start, request.direction)
        return visit.render("rows.html", step="rows", **_describe_page(visit, rows, request, page))


def _describe_page(visit: Visit, rows: OpenRows, request: PageRequest, page: RowPage) -> dict[str, Any]:
    metadata, index = rows.journal.metadata, rows.editor.index
    last_step = rows.journal.edits.find_last_step()
    return {
        "file": metadata.file,
        "crm": visit.name_crm(metadata.base_url),
        "rows": [
            to_row_data(row, metadata.sheets, visit.t.translate) for row in rows.grid.read_rows(page.numbers)
        ],
        "headers": rows.headers,
        "labels": [visit.t.translate(label) for label in rows.labels],
        "columns": rows.columns,
        "titles": rows.titles,
        "single_titles": rows.single_titles,
        "name_column": rows.name_column,
        "request": request,
        "max_search": MAX_SEARCH_CHARS,
        "parts": [("all", index.parts.total()), *((part, index.parts[part]) for part in RowPart)],
        "codes": list_codes(rows, visit.t.translate),
        "total": rows.search.count(request.view),
        "previous": _format_previous(request, page),
        "next": _format_next(request, page),
        "searched_to": page.searched_to,
        "next_problem": _find_next_problem(rows, page.numbers[-1] if page.numbers else None),
        "last_step": last_step,
        "undo_count": len(rows.journal.edits.read_step(last_step)) if last_step else 0,
        "look_up": describe_look_up(visit, rows),
        "edited": rows.journal.edits.count_rows(),
    }


def describe_look_up(visit: Visit, rows: OpenRows) -> LookUp:
    """Return what the button of the next step is for, as the rows are now."""
    parts = rows.editor.index.parts
    count = parts[RowPart.READY] + parts[RowPart.WARNED]
    if not count:
        return LookUp(0, visit.t("rows.nothing_to_send"))
    duration = max(count - rows.journal.plans.count_phones()[1], 0) / LOOK_UPS_PER_S
    return LookUp(
        count, visit.t.count("rows.look_up_hint", count, duration=visit.t.format_duration(duration))
    )


def _format_previous(request: PageRequest, page: RowPage) -> str | None:
    """Return the query of the page before this one, None on the first."""
    is_first = request.start is None if request.direction is Direction.FORWARD else not page.has_more
    return None if is_first or not page.numbers else request.format(before=page.numbers[0])


def _format_next(request: PageRequest, page: RowPage) -> str | None:
    """Return the query of the page after this one, or of the rest of a search; None on the last."""
    if page.searched_to is not None and not page.has_more:
        return request.format(after=page.searched_to)
    is_last = request.start is None if request.direction is Direction.BACKWARD else not page.has_more
    return None if is_last or not page.numbers else request.format(after=page.numbers[-1])


def _find_next_problem(rows: OpenRows, after: int | None) -> int | None:
    """Return the next row to fix behind a row, or the first of all."""
    for start in (after, None):
        if numbers := rows.search.find_page(RowView(part=RowPart.TO_FIX), start, rows=1).numbers:
            return numbers[0]
    return None


def can_edit(visit: Visit) -> bool:
    """Return whether the run waits to be sent, and nothing works with it."""
    place = visit.workspace.find_place(visit.run_id)
    return place.running is None and place.can_edit


# --- one row


def show_row(visit: Visit) -> Response:
    """Show the form of one row."""
    if not can_edit(visit):
        return visit.go_to_run()
    with visit.workspace.editors.open(visit.folder) as rows:
        return _render_row(visit, rows, _read_row(visit, rows))


def save_row(visit: Visit) -> Response:
    """Do what a button of the form asks for: save it, leave the row out, or take it back."""
    if not can_edit(visit):
        return visit.go_to_run()
    with visit.workspace.editors.open(visit.folder) as rows:
        row = _read_row(visit, rows)
        version = parse_number(visit.form.get("version"))
        seen = RowVersion(row.number, -1 if version is None else version)
        try:
            _change_row(visit, rows, row, seen)
        except StaleEditError as error:
            return _render_row(visit, rows, _read_row(visit, rows), error)
    return visit.redirect(f"/runs/{visit.run_id}/rows?{visit.form.get('back')}#row-{row.number}")


def _change_row(visit: Visit, rows: OpenRows, row: GridRow, seen: RowVersion) -> None:
    match visit.form.get("action"):
        case "leave_out":
            rows.editor.leave_out([seen])
        case "take_back":
            rows.editor.take_back([seen])
        case _:
            texts = _read_changed_cells(visit)
            rows.editor.edit_cells([CellEdit(row.number, at, text) for at, text in texts.items()], [seen])
            for column, code in visit.form.get_prefixed("same:").items():
                if (at := parse_number(column)) in texts:
                    problem = CellProblem(code, at, row.cells[at].text)
                    rows.editor.edit_same(RowVersion(row.number, seen.version + 1), problem, texts[at])


def _read_changed_cells(visit: Visit) -> dict[int, str]:
    """Return the texts that a person changed in the form, by column.

    A form cannot show every character, so a cell that comes back as it was shown stays exactly as it is.
    """
    shown = visit.form.get_prefixed("shown:")
    return {
        at: _normalize_breaks(text)
        for column, text in visit.form.get_prefixed("cell:").items()
        if (at := parse_number(column)) is not None
        and _normalize_breaks(text) != _normalize_breaks(shown.get(column, ""))
    }


def _normalize_breaks(text: str) -> str:
    return text.replace("\r\n", "\n")


def _read_row(visit: Visit, rows: OpenRows) -> GridRow:
    """Return the row in the address. Raises PageNotFoundError."""
    number = parse_number(visit.path["number"])
    found = rows.grid.read_rows([number]) if number is not None else []
    if not found:
        raise PageNotFoundError
    return found[0]


def _render_row(visit: Visit, rows: OpenRows, row: GridRow, error: StaleEditError | None = None) -> Response:
    metadata = rows.journal.metadata
    return visit.render(
        "row.html",
        status=HTTPStatus.OK if error is None else HTTPStatus.CONFLICT,
        step="rows",
        file=metadata.file,
        row=to_row_data(row, metadata.sheets, visit.t.translate),
        same={
            at: next((issue for issue in cell.issues if issue.same_rows > 1), None)
            for at, cell in enumerate(row.cells)
        },
        headers=rows.headers,
        labels=[visit.t.translate(label) for label in rows.labels],
        columns=rows.columns,
        titles=rows.titles,
        error=error,
        back=visit.form.get("back") or visit.query.get("back", ""),
    )


def undo(visit: Visit) -> Response:
    """Undo a step, and show the rows again."""
    if not can_edit(visit):
        return visit.go_to_run()
    step = parse_number(visit.form.get("step"))
    with visit.workspace.editors.open(visit.folder) as rows:
        try:
            rows.editor.undo(step or 0)
        except StaleEditError as error:
            return visit.show_error(error, HTTPStatus.CONFLICT)
    return visit.redirect(f"/runs/{visit.run_id}/rows?{visit.form.get('back')}")


ROUTES = [
    show("/runs/{run_id}/rows", show_rows),
    show("/runs/{run_id}/rows/{number}", show_row),
    write("/runs/{run_id}/rows/{number}", save_row),
    write("/runs/{run_id}/step", undo),
]
