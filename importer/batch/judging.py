"""Decide whether a job must be judged, or is on disk already. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto

import msgspec

from importer.journal.run_metadata import PeekedRun
from importer.models.mapping import AccountTitles


class Judging(Enum):
    """What the check of a batch does with a job."""

    JUDGE = auto()
    KEEP = auto()  # its run is on disk, and nothing that it was judged by has changed
    REFUSE = auto()  # the file has changed since it was sent: its run is about another content


def decide_judging(
    found: PeekedRun | None,
    *,
    sha256: str,
    account: str,
    options: Mapping[str, object],
    titles: AccountTitles,
) -> Judging:
    """Return what to do with a job whose file has this content now. `found` is its run, None if there is none.

    What was sent stays as it is: a changed option holds for what is judged from now on. What was not sent is judged
    again whenever that could give another verdict.
    """
    if found is None:
        return Judging.JUDGE
    metadata = found.metadata
    if found.end.has_sent:
        return Judging.KEEP if metadata.sha256 == sha256 else Judging.REFUSE
    judged_by = (metadata.sha256, metadata.account, _to_plain(metadata.options), metadata.titles)
    return Judging.KEEP if judged_by == (sha256, account, _to_plain(options), titles) else Judging.JUDGE


def _to_plain(options: Mapping[str, object]) -> object:
    """Return the options as the journal gives them back."""
    return msgspec.json.decode(msgspec.json.encode(options))
