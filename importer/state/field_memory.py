"""What this tool wrote last to each field of a lead, as keyed fingerprints: it tells a person's edit from our own value.

A lead is one row of the account's memory (state/account_memory.py), in the commit that records its result. Nothing can
be read back from it: neither a phone nor a value.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import msgspec

from importer.planner.decide import Base
from importer.planner.values import canonicalize, fingerprint
from importer.state.account_memory import AccountMemory
from importer.state.account_memory import fingerprint as fingerprint_lead

_Fingerprints: TypeAlias = bytes | tuple[bytes, bytes, bytes]
"""Of the sheet's value, the one sent and the one shown: a single one where they are the same, as almost always."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[str, _Fingerprints]).decode
_SAVE = """INSERT INTO memory.leads (lead, run_id, written_at, fields) VALUES (?, ?, ?, ?) ON CONFLICT (lead)
    DO UPDATE SET run_id = excluded.run_id, written_at = excluded.written_at, fields = excluded.fields"""
_FIND = "SELECT lead, run_id, written_at, fields FROM memory.leads WHERE lead = ?1"
_FIND_SETTLED = f"""{_FIND} AND NOT EXISTS (SELECT 1 FROM memory.unsettled_leads WHERE lead = ?1)
    AND EXISTS (SELECT 1 FROM memory.policies WHERE policies.run_id = leads.run_id AND policies = ?2)"""
_UNSETTLE = """INSERT OR IGNORE INTO memory.unsettled_leads (lead, run_id)
    SELECT lead, ?2 FROM memory.leads WHERE lead = ?1"""
_SETTLE = "DELETE FROM memory.unsettled_leads WHERE lead = ?1 AND (run_id = ?2 OR ?3)"
_IS_UNDO = "SELECT run_id FROM memory.policies WHERE run_id = ? AND policies = ?"
UNDO = "undo"
"""What an undo does with fields that have a value in the CRM, in place of `Policies.describe`."""
_OPPOSITES = {"add_labels": "remove_labels", "remove_labels": "add_labels"}
"""A field, and the one whose last write it may undo: what was added before a removal need not be there any more."""


class LeadWrite(NamedTuple):
    """The values that the CRM took for fields of a lead: the sheet's, and those in the request.

    With `append`, a request also has the CRM's old lines. `written` has those of the sheet's fields that were sent.
    """

    phone: str
    sheet: Mapping[str, Any]
    written: Mapping[str, Any]


class LeadMemory(msgspec.Struct, frozen=True):
    """What is known about a lead: the run that wrote to it last, when, and what it wrote to each field."""

    run_id: str
    written_at: str
    fields: dict[str, Base]


class FieldMemory:
    """The memory of fields as one run uses it. Writes happen within a transaction of the journal."""

    def __init__(self, memory: AccountMemory, base_url: str) -> None:
        self._sql = memory.sql
        self._salt = memory.salt
        self._base_url = base_url

    def read(self, phones: Sequence[str]) -> dict[str, LeadMemory]:
        """Return what is known about the leads with these primary phones."""
        return self._read(phones, _FIND)

    def read_settled(self, phones: Sequence[str], policies: str) -> dict[str, LeadMemory]:
        """Return the same of leads whose last row went in, sent by a run with these policies (`Policies.describe`)."""
        return self._read(phones, _FIND_SETTLED, policies)

    def count_known(self, phones: Sequence[str]) -> int:
        """Return how many of the leads with these primary phones were written before."""
        leads = [self._identify_lead(phone) for phone in phones]
        slots = ",".join("?" * len(leads))
        (known,) = self._sql.execute(
            f"SELECT count(*) FROM memory.leads WHERE lead IN ({slots})", leads
        ).fetchone()
        return int(known)

    def set_policies(self, run_id: str, policies: str) -> None:
        """Remember the policies of a run, before it sends."""
        self._sql.execute(
            "INSERT OR REPLACE INTO memory.policies (run_id, policies) VALUES (?, ?)", (run_id, policies)
        )

    def unsettle(self, phones: Iterable[str], *, run_id: str) -> None:
        """Remember that rows of known leads are about to leave, or did not go in: what the CRM has is not certain."""
        self._sql.executemany(_UNSETTLE, [(self._identify_lead(phone), run_id) for phone in phones])

    def remember(self, writes: Iterable[LeadWrite], *, run_id: str, written_at: str) -> None:
        """Remember what the CRM took."""
        new = {self._identify_lead(write.phone): write for write in writes}
        known = self._find(new)
        rows, settled = [], []
        for lead, write in new.items():
            fields = self._identify_write(write)
            if lead in known:
                before = _forget_opposites(known[lead][2], fields)
                # A row of another run that did not go in leaves its doubt on the fields that this one has not written.
                settled.append((lead, run_id, before.keys() <= fields.keys()))
                fields = before | fields
            rows.append((lead, run_id, written_at, _encode(fields)))
        self._save(rows)
        self._sql.executemany(_SETTLE, settled)

    def forget(self, writes: Iterable[tuple[str, Iterable[str]]], *, run_id: str, written_at: str) -> None:
        """Forget what was written to fields of leads that an undo has put back: their values are not ours any more."""
        new = {self._identify_lead(phone): tuple(fields) for phone, fields in writes}
        known = self._find(new)
        rows = []
        for lead, fields in new.items():
            undone = {*fields, *(_OPPOSITES[name] for name in fields if name in _OPPOSITES)}
            before = known[lead][2] if lead in known else {}
            left = {name: value for name, value in before.items() if name not in undone}
            rows.append((lead, run_id, written_at, _encode(left)))
        self._save(rows)
        self._sql.executemany(_SETTLE, [(lead, run_id, False) for lead in new])

    def find_undo_runs(self, run_ids: Collection[str]) -> frozenset[str]:
        """Return those of the runs that are undos."""
        found = (self._sql.execute(_IS_UNDO, (run_id, UNDO)).fetchone() for run_id in run_ids)
        return frozenset(row[0] for row in found if row is not None)

    def learn_shown(self, shown: Iterable[tuple[str, Mapping[str, Any]]], *, run_id: str) -> None:
        """Remember how the CRM shows what a run wrote: it counts as what we wrote from then on.

        A lead that another run wrote to since is left as it is.
        """
        values = {self._identify_lead(phone): fields for phone, fields in shown}
        rows = []
        for lead, (last_run_id, at, fields) in self._find(values).items():
            if last_run_id != run_id:
                continue
            learnt = {
                name: (*_unfold(fields[name])[:2], self._identify(name, value))
                for name, value in values[lead].items()
                if name in fields
            }
            rows.append((lead, run_id, at, _encode(fields | learnt)))
        self._save(rows)

    def _save(self, rows: list[tuple[bytes, str, str, bytes]]) -> None:
        # In the order of the table: neighbours share a page.
        self._sql.executemany(_SAVE, sorted(rows))

    def _read(self, phones: Sequence[str], query: str, *values: str) -> dict[str, LeadMemory]:
        by_lead = {self._identify_lead(phone): phone for phone in phones}
        return {
            by_lead[lead]: LeadMemory(
                run_id, at, {name: self._to_base(name, found) for name, found in fields.items()}
            )
            for lead, (run_id, at, fields) in self._find(by_lead, query, *values).items()
        }

    def _find(
        self, leads: Iterable[bytes], query: str = _FIND, *values: str
    ) -> dict[bytes, tuple[str, str, dict[str, _Fingerprints]]]:
        # One by one: a look-up by key takes SQLite 2 microseconds, and a list of keys would need as many variables.
        found = (self._sql.execute(query, (lead, *values)).fetchone() for lead in leads)
        return {row[0]: (row[1], row[2], _decode(row[3])) for row in found if row is not None}

    def _identify_lead(self, phone: str) -> bytes:
        return fingerprint_lead(self._salt, self._base_url, phone)

    def _identify(self, field: str, value: Any) -> bytes:
        return fingerprint(self._salt, field, canonicalize(field, value))

    def _identify_write(self, write: LeadWrite) -> dict[str, _Fingerprints]:
        found: dict[str, _Fingerprints] = {}
        for field, value in write.written.items():
            found[field] = written = self._identify(field, value)
            if write.sheet[field] != value:
                found[field] = (self._identify(field, write.sheet[field]), written, written)
        return found

    def _to_base(self, field: str, found: _Fingerprints) -> Base:
        return Base(*_unfold(found), key=self._salt, field=field)


def _unfold(found: _Fingerprints) -> tuple[bytes, bytes, bytes]:
    return (found, found, found) if isinstance(found, bytes) else found


def _forget_opposites(
    known: dict[str, _Fingerprints], written: Mapping[str, object]
) -> dict[str, _Fingerprints]:
    """Return what is known of a lead without fields that a write may have undone."""
    undone = {_OPPOSITES[name] for name in written if name in _OPPOSITES}
    return {name: value for name, value in known.items() if name not in undone}
