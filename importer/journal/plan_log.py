"""The journal of a plan: what the CRM said about each phone, and what sending each row would change."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import msgspec

from importer.issues import Issue, IssueCode
from importer.journal.database import JournalFile
from importer.journal.run_metadata import RunRecord
from importer.journal.staging import decode_issues, decode_payload, decode_steps, encode_issues
from importer.models.crm_lead import Id, Lookup
from importer.models.row import Payload, name_row
from importer.models.row_plan import Effect, FieldChange, PlanAction, RowPlan
from importer.planner.decide import Base
from importer.planner.undo_row import WrittenRow
from importer.state.field_memory import LeadMemory

_encode = msgspec.json.Encoder().encode
_decode_lookup = msgspec.json.Decoder(Lookup).decode
_decode_changes = msgspec.json.Decoder(tuple[FieldChange, ...]).decode

_PHONES = """SELECT phone FROM rows WHERE verdict = 'valid'
    UNION SELECT added.value FROM rows, json_each(rows.payload, '$.add_phones') AS added WHERE verdict = 'valid'"""
_ADD_PHONES = f"""INSERT INTO lookups (id, phone, checksum) SELECT id, phone, checksum(id, phone, NULL, NULL) FROM (
    SELECT (SELECT coalesce(max(id), 0) FROM lookups) + row_number() OVER (ORDER BY sample_order(phone)) AS id, phone
    FROM ({_PHONES}) WHERE phone NOT IN (SELECT phone FROM lookups))
    ORDER BY id LIMIT max(0, :phones - (SELECT count(*) FROM lookups))"""
_REMOVE_OPEN = "DELETE FROM lookups WHERE answer IS NULL"
_OPEN = "SELECT id, phone FROM lookups WHERE answer IS NULL AND id > :after ORDER BY id LIMIT :phones"
_SET_ANSWER = (
    "UPDATE lookups SET answer = ?2, lead_id = ?3, checksum = checksum(id, phone, ?2, ?3) WHERE id = ?1"
)
_ADD_ANSWER = """INSERT INTO lookups (id, phone, answer, lead_id, checksum)
    SELECT id, ?1, ?2, ?3, checksum(id, ?1, ?2, ?3)
    FROM (SELECT coalesce((SELECT max(id) FROM lookups), 0) + 1 AS id) WHERE true  -- max in a sum would read each row
    ON CONFLICT (phone) DO UPDATE SET answer = ?2, lead_id = ?3, checksum = checksum(lookups.id, ?1, ?2, ?3)"""
_ROWS = """SELECT number, payload FROM rows WHERE verdict = 'valid' AND number > :after ORDER BY number LIMIT :rows"""
_ADD_PLAN = """INSERT OR REPLACE INTO plans (number, action, touched, changes, steps, issues, checksum)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, checksum(?1, ?2, ?3, ?4, ?5, ?6))"""
_INDEX_LEADS = "CREATE INDEX IF NOT EXISTS lookups_by_lead ON lookups (phone, lead_id)"
_SHARED_LEADS = """SELECT rows.number, lookups.lead_id FROM lookups JOIN rows ON rows.phone = lookups.phone
    WHERE rows.verdict = 'valid' AND lookups.lead_id IN (
      SELECT lead_id FROM lookups JOIN rows ON rows.phone = lookups.phone
      WHERE rows.verdict = 'valid' AND lead_id IS NOT NULL GROUP BY lead_id HAVING count(*) > 1)
    ORDER BY lookups.lead_id, rows.number"""
_REACH_LEAD = """INSERT INTO reached_leads (lead_id, number, checksum) VALUES (?1, ?2, checksum(?1, ?2))
    ON CONFLICT (lead_id) DO NOTHING"""
_SETTLE_UNSENT = """INSERT OR IGNORE INTO results (number, status, attempts, http_status, note, issues, checksum)
    SELECT number, status, 0, NULL, note, issues, checksum(number, status, 0, NULL, note, issues) FROM (
      SELECT
        rows.number, plans.issues,
        CASE plans.action WHEN 'unchanged' THEN 'unchanged' WHEN 'conflict' THEN 'conflict' ELSE 'failed' END AS status,
        CASE
          WHEN NOT instr(rows.payload, '"customer_note":') THEN ''
          WHEN plans.action = 'unchanged' THEN 'sent' ELSE 'not_sent'
        END AS note
      FROM plans CROSS JOIN rows ON rows.number = plans.number  -- in this order: by phone, each row costs a page
      WHERE rows.verdict = 'valid' AND plans.action NOT IN ('create', 'update'))"""
_WRITTEN = """SELECT row_status.number, row_status.cells, row_status.phone,
      CASE WHEN tasks.state IN ('created', 'unknown') THEN tasks.type || ' ' || tasks.due_at ELSE '' END AS task,
      row_status.plan_action, row_status.plan_changes, row_status.plan_steps, row_status.plan_issues, lookups.answer
    FROM row_status JOIN lookups ON lookups.phone = row_status.phone LEFT JOIN tasks ON tasks.number = row_status.number
    WHERE row_status.number > :after AND plan_action IS NOT NULL AND lookups.answer IS NOT NULL AND (
      tasks.state IN ('created', 'unknown') OR (is_intended AND plan_action IN ('create', 'update')
        AND (status NOT IN ('refused', 'failed') OR json_array_length(plan_steps) > 1)))
    ORDER BY row_status.number LIMIT :rows"""
"""Rows of which a write has left, and may be in the CRM. Of a row that was refused, only the first of two requests can be."""
_COUNT_ACTIONS = "SELECT action, count(*) FROM plans GROUP BY action"
_COUNT_EFFECTS = """SELECT json_extract(change.value, '$[0]') AS field, json_extract(change.value, '$[1]') AS effect, count(*)
    FROM plans, json_each(plans.changes) AS change WHERE plans.action <> 'create' AND plans.touched > 0 AND effect <> 'same'
    GROUP BY field, effect ORDER BY field, effect"""


ALL_PHONES = 2**62


class PlannedRow(NamedTuple):
    """A valid row that is to be planned."""

    number: int
    payload: Payload

    @property
    def phones(self) -> tuple[str, ...]:
        """All phones of the row, the lead's own first."""
        return (self.payload["customer_phone"], *self.payload.get("add_phones", ()))


class RowToPlan(NamedTuple):
    """A row whose phones were looked up, and what this tool remembers of its lead."""

    number: int
    payload: Payload
    lookups: Mapping[str, Lookup]
    lead: LeadMemory | None

    @property
    def bases(self) -> Mapping[str, Base]:
        """What this tool wrote last to the lead, by field."""
        return {} if self.lead is None else self.lead.fields


class PlanLog:
    """What a plan reads and writes: phones to look up, answers, and the plan of each row."""

    def __init__(self, file: JournalFile, run: RunRecord) -> None:
        self._file = file
        self._run = run

    @property
    def is_empty(self) -> bool:
        """Whether no row was planned."""
        with self._file.translate_read_errors():
            (found,) = self._file.sql.execute("SELECT EXISTS (SELECT 1 FROM plans)").fetchone()
            return not found

    # --- look-ups

    def add_phones(self, sample: int | None = None) -> None:
        """Note the phones to look up: all of the valid rows, or a sample that is the same in each call.

        Answers that are there already are kept. Phones that no row has any more are not asked for.
        """
        with commit_sample(self._file):
            self._file.sql.execute(_REMOVE_OPEN)
            self._file.sql.execute(_ADD_PHONES, {"phones": ALL_PHONES if sample is None else sample})

    def read_open_phones(self, after: int, limit: int) -> list[tuple[int, str]]:
        """Return the next phones without an answer, each with its id."""
        with self._file.translate_read_errors():
            return self._file.sql.execute(_OPEN, {"after": after, "phones": limit}).fetchall()

    def count_phones(self) -> tuple[int, int]:
        """Return the number of phones to look up, and how many of them were answered."""
        with self._file.translate_read_errors():
            found = self._file.sql.execute("SELECT count(*), count(answer) FROM lookups").fetchone()
            return int(found[0]), int(found[1])

    def set_answers(self, answers: Iterable[tuple[int, Lookup]]) -> None:
        """Write the answers for phones by their ids, in one commit."""
        with self._file.commit():
            self._file.sql.executemany(
                _SET_ANSWER, [(key, *_encode_lookup(lookup)) for key, lookup in answers]
            )

    def record_lookups(self, answers: Mapping[str, Lookup]) -> None:
        """Write answers by phone within a commit. A phone that was looked up before gets the new answer."""
        self._file.sql.executemany(
            _ADD_ANSWER, [(phone, *_encode_lookup(lookup)) for phone, lookup in answers.items()]
        )

    def read_lookups(self, phones: Sequence[str]) -> dict[str, Lookup]:
        """Return the answers for phones that have one."""
        with self._file.translate_read_errors():
            found = self._file.sql.execute(
                "SELECT phone, answer FROM lookups WHERE answer IS NOT NULL"
                " AND phone IN (SELECT value FROM json_each(?))",
                (_encode(phones).decode(),),
            ).fetchall()
            return {phone: _decode_lookup(answer) for phone, answer in found}

    # --- plans

    def read_rows(self, after: int, limit: int) -> list[PlannedRow]:
        """Return the next valid rows, in file order."""
        with self._file.translate_read_errors():
            found = self._file.sql.execute(_ROWS, {"after": after, "rows": limit}).fetchall()
            return [PlannedRow(number, decode_payload(payload)) for number, payload in found]

    def write_plans(self, plans: Iterable[tuple[int, RowPlan]]) -> None:
        """Write the plans of rows in one commit, in place of earlier ones."""
        with self._file.commit():
            self.record_plans(plans)

    def record_plans(self, plans: Iterable[tuple[int, RowPlan]]) -> None:
        """Do the same within a commit."""
        self._file.sql.executemany(
            _ADD_PLAN,
            [
                (
                    number,
                    plan.action,
                    sum(change.effect is not Effect.SAME for change in plan.changes),
                    _encode(plan.changes).decode(),
                    _encode(plan.steps).decode(),
                    encode_issues(plan.issues),
                )
                for number, plan in plans
            ],
        )

    def remove_plans(self) -> None:
        """Remove all plans within a commit, because a row was changed. The answers of the CRM stay."""
        self._file.sql.execute("DELETE FROM plans")

    def find_shared_leads(self) -> dict[int, int]:
        """Return the rows whose phones reach one lead, each with another row of the lead."""
        with self._file.translate_read_errors():
            found = self._file.sql.execute(_SHARED_LEADS).fetchall()
        rows_by_lead: dict[str, list[int]] = {}
        for number, lead_id in found:
            rows_by_lead.setdefault(lead_id, []).append(number)
        return {
            number: next(one for one in numbers if one != number)
            for numbers in rows_by_lead.values()
            for number in numbers
        }

    def hold_back_shared_leads(self) -> None:
        """Make such rows conflicts: two rows would write to one lead, and nobody knows which is right.

        All look-ups are there now. The index has their leads, for this and for the reports.
        """
        with self._file.commit():
            self._file.sql.execute(_INDEX_LEADS)
        others = self.find_shared_leads()
        plans = self.read_plans(list(others))
        # A row of a sample has no plan if one of its phones was not looked up.
        self.write_plans((number, self._hold_back(plan, others[number])) for number, plan in plans.items())

    def hold_back_if_reached(self, number: int, plan: RowPlan, lead_id: Id) -> RowPlan:
        """Return the plan of a row that has reached a lead, a conflict if another row has reached it before.

        Within a commit: after a kill the same row is still the first.
        """
        self._file.sql.execute(_REACH_LEAD, (str(lead_id), number))
        (first,) = self._file.sql.execute(
            "SELECT number FROM reached_leads WHERE lead_id = ?", (str(lead_id),)
        ).fetchone()
        return plan if first == number else self._hold_back(plan, first)

    def _hold_back(self, plan: RowPlan, other: int) -> RowPlan:
        name = name_row(other, self._run.metadata.sheets)
        issue = Issue("row", IssueCode.SAME_LEAD, "", "", name)
        return RowPlan(action=PlanAction.CONFLICT, changes=plan.changes, issues=(issue,))

    def read_plans(self, numbers: Sequence[int]) -> dict[int, RowPlan]:
        """Return the plans of rows that have one, by row number."""
        with self._file.translate_read_errors():
            found = self._file.sql.execute(
                "SELECT number, action, changes, steps, issues FROM plans WHERE number IN (SELECT value FROM json_each(?))",
                (_encode(numbers).decode(),),
            ).fetchall()
            return {number: decode_plan(*parts) for number, *parts in found}

    def read_all_plans(self) -> Iterator[tuple[int, RowPlan]]:
        """Yield the plan of each row that has one, in file order."""
        with self._file.translate_read_errors():
            for number, *parts in self._file.sql.execute(
                "SELECT number, action, changes, steps, issues FROM plans ORDER BY number"
            ):
                yield number, decode_plan(*parts)

    def read_written(self, after: int, limit: int) -> list[WrittenRow]:
        """Return the next rows that were written to a lead, or may have been, each with the lead before that."""
        with self._file.translate_read_errors():
            found = self._file.sql.execute(_WRITTEN, {"after": after, "rows": limit}).fetchall()
            return [
                WrittenRow(number, line, phone, decode_plan(*plan), _decode_lookup(answer).lead, task)
                for number, line, phone, task, *plan, answer in found
            ]

    def settle_unsent(self) -> None:
        """Give each planned row that is not sent its result."""
        with self._file.commit():
            self._file.sql.execute(_SETTLE_UNSENT)

    def count_actions(self) -> dict[PlanAction, int]:
        """Return the number of planned rows by action."""
        with self._file.translate_read_errors():
            found = dict(self._file.sql.execute(_COUNT_ACTIONS).fetchall())
            return {action: found.get(action.value, 0) for action in PlanAction}

    def count_effects(self) -> list[tuple[str, str, int]]:
        """Return the number of rows by field and effect."""
        with self._file.translate_read_errors():
            return list(self._file.sql.execute(_COUNT_EFFECTS))


def decode_plan(action: str, changes: str, steps: str, issues: str) -> RowPlan:
    """Return a plan from the columns of the table `plans`."""
    return RowPlan(
        action=PlanAction(action),
        changes=_decode_changes(changes),
        steps=decode_steps(steps),
        issues=decode_issues(issues),
    )


def _encode_lookup(lookup: Lookup) -> tuple[str, str | None]:
    return _encode(lookup).decode(), None if lookup.lead is None else str(lookup.lead.id)


@contextmanager
def commit_sample(file: JournalFile) -> Iterator[None]:
    """Run the block in one transaction, in which SQL can sort by `sample_order(phone)`."""
    file.sql.create_function("sample_order", 1, _hash_phone, deterministic=True)
    file.sql.execute("PRAGMA temp_store = FILE")  # the phones of a million rows need too much memory
    with file.commit():
        yield
    file.sql.execute("PRAGMA temp_store = MEMORY")


def _hash_phone(phone: str) -> int:
    """Return a number that orders phones at random, and the same way each time."""
    return zlib.crc32(phone.encode())
