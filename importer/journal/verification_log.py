"""The journal of a verification: which rows are read back, and what the CRM shows of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

import msgspec

from importer.journal.database import JournalFile
from importer.journal.delivery_batch import DeliveryBatch
from importer.journal.delivery_log import DeliveryLog
from importer.journal.plan_log import ALL_PHONES, commit_sample
from importer.journal.run_metadata import SendTotals
from importer.journal.staging import decode_payload, decode_steps, encode_issues
from importer.models.delivery import DeliveryResult, PendingRow
from importer.models.status import Verification
from importer.planner.lead_values import TitleNames
from importer.planner.verify_row import RowVerification, SentRow, merge_steps, verify_row

_KEY = "verification"
_BEGIN = """INSERT INTO verifications (number, outcome, issues, updated_at, read_at, checksum)
    SELECT number, 'cannot_tell', '', NULL, NULL, checksum(number, 'cannot_tell', '', NULL, NULL) FROM (
      SELECT rows.number FROM results JOIN rows ON rows.number = results.number WHERE results.status = 'accepted'
      ORDER BY sample_order(rows.phone) LIMIT :rows) WHERE true
    ON CONFLICT (number) DO UPDATE SET outcome = 'cannot_tell', issues = '', read_at = NULL,
      checksum = checksum(verifications.number, 'cannot_tell', '', verifications.updated_at, NULL)"""
_OPEN = """SELECT rows.number, rows.phone, rows.payload, plans.steps, verifications.updated_at
    FROM verifications JOIN rows ON rows.number = verifications.number
    LEFT JOIN plans ON plans.number = rows.number
    WHERE verifications.read_at IS NULL AND rows.number > :after ORDER BY rows.number LIMIT :rows"""
_SET = """UPDATE verifications SET outcome = ?2, issues = ?3, updated_at = coalesce(?4, updated_at), read_at = ?5,
    checksum = checksum(number, ?2, ?3, coalesce(?4, updated_at), ?5) WHERE number = ?1"""


class VerificationEnd(msgspec.Struct, frozen=True):
    """Why the last verification could not read all leads, and its exit code; "" and 0 if it could."""

    reason: str = ""
    exit_code: int = 0


class VerifiedRow(NamedTuple):
    """A row and what its look-up said."""

    number: int
    phone: str
    found: RowVerification


class VerificationLog:
    """What a verification reads and writes."""

    def __init__(self, file: JournalFile) -> None:
        self._file = file

    @property
    def is_empty(self) -> bool:
        """Whether no row was read back."""
        with self._file.translate_read_errors():
            (found,) = self._file.sql.execute("SELECT EXISTS (SELECT 1 FROM verifications)").fetchone()
            return not found

    @property
    def end(self) -> VerificationEnd:
        """How the last verification ended."""
        with self._file.translate_read_errors():
            return self._file.read_part(_KEY, VerificationEnd) or VerificationEnd()

    def write_end(self, end: VerificationEnd) -> None:
        """Write how a verification ended."""
        with self._file.commit():
            self._file.write_part(_KEY, end)

    def begin(self, sample: int | None) -> None:
        """Note the rows to read back: all that the CRM took, or a sample that is the same in each call."""
        with commit_sample(self._file):
            self._file.sql.execute(_BEGIN, {"rows": ALL_PHONES if sample is None else sample})
            self._file.write_part(_KEY, VerificationEnd())

    def count_open(self) -> int:
        """Return the number of rows that are still to be read back."""
        with self._file.translate_read_errors():
            found = self._file.sql.execute("SELECT count(*) FROM verifications WHERE read_at IS NULL")
            return int(found.fetchone()[0])

    def count_outcomes(self) -> dict[Verification, int]:
        """Return the number of rows by outcome. A row that was not read counts as one that nobody can tell about."""
        with self._file.translate_read_errors():
            found = dict(
                self._file.sql.execute("SELECT outcome, count(*) FROM verifications GROUP BY outcome")
            )
            return {outcome: found.get(outcome.value, 0) for outcome in Verification}

    def read_open(self, after: int, limit: int) -> list[tuple[int, SentRow]]:
        """Return the next rows to read back, each with what was sent: by the steps of its plan, or by its payload."""
        with self._file.translate_read_errors():
            found = self._file.sql.execute(_OPEN, {"after": after, "rows": limit}).fetchall()
            return [
                (number, SentRow(phone=phone, values=_read_values(payload, steps), updated_at=updated_at))
                for number, phone, payload, steps, updated_at in found
            ]

    def record(self, rows: Iterable[VerifiedRow], read_at: str) -> None:
        """Write within a commit what was found."""
        self._file.sql.executemany(
            _SET,
            [
                (
                    row.number,
                    row.found.outcome,
                    encode_issues(row.found.issues),
                    row.found.updated_at,
                    read_at,
                )
                for row in rows
            ],
        )


class VerificationJournal:
    """The journal as the sender sees it while leads are read back. A look-up changes nothing, so it needs no intent.

    The figures of the sending stay as they were: a verification is not part of it.
    """

    def __init__(
        self,
        file: JournalFile,
        log: VerificationLog,
        delivery: DeliveryLog,
        *,
        run_id: str,
        titles: TitleNames,
        is_exact: bool,
    ) -> None:
        self._file = file
        self._log = log
        self._delivery = delivery
        self._run_id = run_id
        self._titles = titles
        self._is_exact = is_exact
        self._sent: dict[int, SentRow] = {}

    def read_send_totals(self) -> SendTotals:
        """Return no totals: those of the sending are another matter."""
        return SendTotals()

    def read_pending(self, after: int, limit: int) -> list[PendingRow]:
        """Return the next rows to read back."""
        rows = self._log.read_open(after, limit)
        memory = self._delivery.fields.read([sent.phone for _, sent in rows])
        for number, sent in rows:
            known = memory.get(sent.phone)
            is_later = known is not None and known.run_id != self._run_id
            later = known.fields if known is not None and is_later else {}
            self._sent[number] = msgspec.structs.replace(sent, later_writes=later, is_exact=self._is_exact)
        return [PendingRow(number=number, phones=(sent.phone,), payload={}) for number, sent in rows]

    def record(self, batch: DeliveryBatch) -> list[PendingRow]:
        """Write what was found, and remember in the same commit how the CRM shows what was sent."""
        rows = [self._verify(result) for result in batch.results]
        if rows:
            with self._file.commit():
                self._log.record(rows, datetime.now().astimezone().isoformat(timespec="seconds"))
                self._delivery.fields.learn_shown(
                    ((row.phone, row.found.shown) for row in rows), run_id=self._run_id
                )
                not_shown = [row.phone for row in rows if row.found.outcome.is_failed]
                self._delivery.fields.unsettle(not_shown, run_id=self._run_id)
        return batch.intents

    def _verify(self, result: DeliveryResult) -> VerifiedRow:
        assert result.lookup is not None, "each look-up has an answer, be it an unclear one"
        sent = self._sent.pop(result.number)
        return VerifiedRow(result.number, sent.phone, verify_row(sent, result.lookup, self._titles))


def _read_values(payload: str, steps: str | None) -> Mapping[str, object]:
    return merge_steps([decode_payload(payload)] if steps is None else decode_steps(steps))
