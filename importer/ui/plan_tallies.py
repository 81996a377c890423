"""The counts of a plan by any policy: one pass over its rows, kept as long as the plan is the same."""

from __future__ import annotations

import threading

from importer.journal.run_journal import Journal
from importer.pipeline.context import RunContext
from importer.pipeline.plan_rows import tally_policies
from importer.planner.policy_tally import PolicyTally
from importer.settings import Settings

_MAX_KEPT = 4  # plans


class PlanTallies:
    """Counts a plan when a page first asks for it. It reads the memory of the account, but needs neither key nor network."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], PolicyTally] = {}
        self._lock = threading.Lock()

    def get(self, journal: Journal) -> PolicyTally:
        """Return the counts of the plan of a journal. Another look-up or edit makes another plan."""
        key = journal.run_id, journal.run.end.finished_at or ""
        with self._lock:
            if key not in self._kept:
                self._kept[key] = tally_policies(journal, RunContext(settings=Settings()))
                for old in list(self._kept)[:-_MAX_KEPT]:
                    del self._kept[old]
            return self._kept[key]
