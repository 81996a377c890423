"""Leads, notes, tasks and the log of requests, in one SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

_SCHEMA = """
CREATE TABLE IF NOT EXISTS leads (
  id INTEGER PRIMARY KEY, phone TEXT UNIQUE NOT NULL, fields TEXT NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS phones (
  phone TEXT NOT NULL, lead_id INTEGER NOT NULL, PRIMARY KEY (phone, lead_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS phones_of_lead ON phones (lead_id);
CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, lead_id INTEGER NOT NULL, text TEXT NOT NULL, at TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS notes_of_lead ON notes (lead_id);
CREATE TABLE IF NOT EXISTS tasks (id INTEGER PRIMARY KEY, lead_id INTEGER NOT NULL, fields TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS requests (
  id INTEGER PRIMARY KEY, at REAL NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL, phone TEXT, note TEXT,
  fault TEXT, status INTEGER, applied INTEGER NOT NULL
) STRICT;
"""

_MATCHING = """WHERE ? = '' OR instr(casefold(phone || ' ' || join_values(fields)), ?) OR id IN
  (SELECT lead_id FROM notes WHERE instr(casefold(text), ?))"""
_MAX_ID = 2**63 - 1  # SQLite's largest integer
_encode = msgspec.json.encode
_decode = msgspec.json.decode


class LeadStore:
    """The sandbox's storage. Writes are not synced to disk: tests crash the client, not the sandbox."""

    def __init__(self, path: Path | None) -> None:
        self.sql = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False)
        self.sql.execute("PRAGMA journal_mode = WAL")
        self.sql.execute("PRAGMA synchronous = OFF")
        self.sql.executescript(_SCHEMA)
        self.sql.create_function("casefold", 1, str.casefold, deterministic=True)
        self.sql.create_function("join_values", 1, _join_values, deterministic=True)
        self.on_change: Callable[[int, dict[str, Any] | None], None] | None = None
        """Called with the id of a lead that was written, and what it was before (None for a new one)."""

    def close(self) -> None:
        """Close the file. SQLite writes its journal back into it."""
        self.sql.close()

    def find_by_primary_phone(self, phone: str) -> tuple[int, dict[str, Any]] | None:
        """Return the id and fields of the lead with this primary phone."""
        found = self.sql.execute("SELECT id, fields FROM leads WHERE phone = ?", (phone,)).fetchone()
        return (found[0], _decode(found[1])) if found else None

    def find_by_any_phone(self, phone: str) -> list[dict[str, Any]]:
        """Return the leads with this phone, primary or added: the one whose primary phone it is first, then by age."""
        found = self.sql.execute(
            """SELECT leads.id, leads.phone, fields, created_at, updated_at FROM phones JOIN leads ON leads.id = lead_id
               WHERE phones.phone = ? ORDER BY leads.phone <> phones.phone, leads.id""",
            (phone,),
        )
        return [_to_lead(row) for row in found.fetchall()]

    def find_by_id(self, lead_id: int) -> dict[str, Any] | None:
        """Return a lead's fields and dates."""
        if lead_id > _MAX_ID:
            return None
        found = self.sql.execute(
            "SELECT id, phone, fields, created_at, updated_at FROM leads WHERE id = ?", (lead_id,)
        ).fetchone()
        return _to_lead(found) if found else None

    def save(
        self, lead_id: int | None, phone: str, fields: dict[str, Any], note: str | None, *, touch: bool = True
    ) -> None:
        """Write a lead, its phones and its note in one transaction. `touch` moves `updated_at`."""
        now = _get_time()
        before = self.find_by_id(lead_id) if lead_id is not None and self.on_change else None
        with self.sql:
            self.sql.execute("BEGIN")
            if lead_id is None:
                made = self.sql.execute(
                    "INSERT INTO leads (phone, fields, created_at, updated_at) VALUES (?, ?, ?, ?)",
                    (phone, _encode(fields).decode(), now, now),
                )
                assert made.lastrowid is not None
                lead_id = made.lastrowid
            else:
                self.sql.execute(
                    "UPDATE leads SET fields = ?, updated_at = iif(?, ?, updated_at) WHERE id = ?",
                    (_encode(fields).decode(), touch, now, lead_id),
                )
                self.sql.execute("DELETE FROM phones WHERE lead_id = ?", (lead_id,))
            for number in (phone, *fields.get("added_phones", ())):
                self.sql.execute("INSERT OR IGNORE INTO phones VALUES (?, ?)", (number, lead_id))
            if note is not None:
                self.sql.execute(
                    "INSERT INTO notes (lead_id, text, at) VALUES (?, ?, ?)", (lead_id, note, now)
                )
        if self.on_change:
            self.on_change(lead_id, before)

    def delete(self, lead_id: int) -> None:
        """Remove a lead with its phones, notes and tasks."""
        with self.sql:
            self.sql.execute("BEGIN")
            self.sql.execute("DELETE FROM leads WHERE id = ?", (lead_id,))
            for table in ("phones", "notes", "tasks"):
                self.sql.execute(f"DELETE FROM {table} WHERE lead_id = ?", (lead_id,))

    def read_phones(self, lead_id: int) -> list[str]:
        """Return all phones of a lead, the primary one first."""
        found = self.sql.execute(
            """SELECT phones.phone FROM phones JOIN leads ON leads.id = lead_id WHERE lead_id = ?
               ORDER BY phones.phone <> leads.phone, phones.phone""",
            (lead_id,),
        )
        return [row[0] for row in found]

    def read_notes(self, lead_id: int) -> list[str]:
        """Return the notes on a lead's timeline, oldest first."""
        return [
            row[0]
            for row in self.sql.execute("SELECT text FROM notes WHERE lead_id = ? ORDER BY id", (lead_id,))
        ]

    def read_timeline(self, lead_id: int) -> list[tuple[str, str]]:
        """Return the notes as (time, text), oldest first."""
        return self.sql.execute(
            "SELECT at, text FROM notes WHERE lead_id = ? ORDER BY id", (lead_id,)
        ).fetchall()

    def search_leads(self, text: str = "", page: int = 1, page_size: int = 25) -> list[dict[str, Any]]:
        """Return a page of the leads with `text` in a phone, a field or a note, newest first."""
        found = self.sql.execute(
            f"SELECT id, phone, fields, created_at, updated_at FROM leads {_MATCHING} ORDER BY id DESC LIMIT ? OFFSET ?",
            (*_get_search_values(text), page_size, (page - 1) * page_size),
        )
        return [_to_lead(row) for row in found]

    def all_leads(self) -> Iterator[dict[str, Any]]:
        """Yield every lead with its notes, phones and tasks. Tests compare them with the journal."""
        for row in self.sql.execute(
            "SELECT id, phone, fields, created_at, updated_at FROM leads ORDER BY id"
        ).fetchall():
            lead_id = row[0]
            yield {
                **_to_lead(row),
                "notes": self.read_notes(lead_id),
                "phones": self.read_phones(lead_id),
                "tasks": self.read_tasks(lead_id),
            }

    def count(self, text: str = "") -> int:
        """Return the number of leads with `text` in a phone, a field or a note."""
        found = self.sql.execute(f"SELECT count(*) FROM leads {_MATCHING}", _get_search_values(text))
        return int(found.fetchone()[0])

    def count_notes(self) -> int:
        """Return the number of notes of all leads."""
        return int(self.sql.execute("SELECT count(*) FROM notes").fetchone()[0])

    def add_task(self, lead_id: int, task: dict[str, Any]) -> None:
        """Store a task. Any type but a reminder closes the lead's open tasks (docs/api.md, "Tasks")."""
        if task["type"] != "REMINDER":
            self.complete_tasks(lead_id)
        self.sql.execute(
            "INSERT INTO tasks (lead_id, fields) VALUES (?, ?)", (lead_id, _encode(task).decode())
        )

    def complete_tasks(self, lead_id: int) -> None:
        """Close the lead's open tasks, but not its reminders."""
        for task_id, task in self._read_task_rows(lead_id):
            if task["type"] != "REMINDER" and task["status"] == "OPEN":
                body = _encode({**task, "status": "COMPLETED"}).decode()
                self.sql.execute("UPDATE tasks SET fields = ? WHERE id = ?", (body, task_id))

    def read_tasks(self, lead_id: int) -> list[dict[str, Any]]:
        """Return the lead's tasks, oldest first."""
        return [{"id": task_id, **task} for task_id, task in self._read_task_rows(lead_id)]

    def _read_task_rows(self, lead_id: int) -> list[tuple[int, dict[str, Any]]]:
        found = self.sql.execute(
            "SELECT id, fields FROM tasks WHERE lead_id = ? ORDER BY id", (lead_id,)
        ).fetchall()
        return [(task_id, _decode(fields)) for task_id, fields in found]

    def record_request(self, entry: tuple[Any, ...]) -> None:
        """Log one request: (at, method, path, phone, note, fault, status, applied)."""
        self.sql.execute(
            "INSERT INTO requests (at, method, path, phone, note, fault, status, applied) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            entry,
        )

    def ledger(self) -> list[dict[str, Any]]:
        """Return every request received, in order."""
        names = ("id", "at", "method", "path", "phone", "note", "fault", "status", "applied")
        return [
            dict(zip(names, row, strict=True))
            for row in self.sql.execute("SELECT * FROM requests ORDER BY id")
        ]


def _get_search_values(text: str) -> tuple[str, str, str]:
    return (text.casefold(),) * 3


def _join_values(fields: str) -> str:
    """Return the values that people see of a lead's fields, without field names and brackets, for the search."""
    return "\n".join(_walk_texts(_decode(fields)))


def _walk_texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _walk_texts(inner)
    elif value is not None:
        yield str(value)


def _to_lead(found: tuple[Any, ...]) -> dict[str, Any]:
    lead_id, phone, fields, created_at, updated_at = found
    return {
        "id": lead_id,
        "phone": phone,
        **_decode(fields),
        "created_at": created_at,
        "updated_at": updated_at,
    }


def _get_time() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
