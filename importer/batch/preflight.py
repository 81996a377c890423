"""Before anything is judged: open the accounts, see that no two of them are one, and that the disk has room."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from itertools import combinations
from pathlib import Path

from importer.batch.account_work import FetchedLists, ListsRequest, OpenedAccount
from importer.batch.manifest import Job, Manifest
from importer.errors import ImporterError, NothingSentError, UsageError
from importer.messages import batch_messages
from importer.settings import Settings
from importer.state.account_identity import is_same_account
from importer.state.state_folder import find_account

_MAX_LISTS_WAIT_S = 60.0
_JOURNAL_SHARE = 4  # a journal takes up to four times its CSV
_WORKBOOK_SHARE = 20  # a workbook is compressed to about a fifth


def open_accounts(
    manifest: Manifest,
    jobs: Sequence[Job],
    state_dir: Path,
    fetch: Callable[[ListsRequest], Future[FetchedLists]],
) -> tuple[dict[str, OpenedAccount], dict[str, str]]:
    """Return the opened accounts of the jobs by name, and why the others cannot be opened. `fetch` begins to fetch lists.

    Raises UsageError if two names are one account: its jobs would have no order.
    """
    first_jobs = {job.account: job for job in reversed(jobs)}
    futures: dict[str, Future[FetchedLists]] = {}
    for name in dict.fromkeys(job.account for job in jobs):
        request = ListsRequest(
            account=manifest.accounts[name],
            folder=manifest.folder,
            settings=_limit_wait(first_jobs[name].settings),
        )
        futures[name] = fetch(request)
    opened: dict[str, OpenedAccount] = {}
    failed: dict[str, str] = {}
    for name, future in futures.items():
        try:
            found = future.result()
        except ImporterError as error:
            failed[name] = str(error)
        except Exception as error:  # noqa: BLE001 - a bug, or a place of a key that nobody thought of: it is this account's
            failed[name] = batch_messages.ACCOUNT_FAILED.format(kind=type(error).__name__)
        else:
            state = find_account(state_dir, found.identity, found.titles)
            opened[name] = OpenedAccount(found.identity, found.titles, state)
    _check_accounts_differ(opened)
    return opened, failed


def _limit_wait(settings: Settings) -> Settings:
    """Return the settings with a short wait for a CRM that pushes back: all other accounts wait for this one here."""
    return settings.replace(max_wait=min(settings.max_wait, _MAX_LISTS_WAIT_S))


def _check_accounts_differ(opened: Mapping[str, OpenedAccount]) -> None:
    for (name, one), (other_name, other) in combinations(opened.items(), 2):
        if is_same_account(one.identity, one.titles, other.identity, other.titles):
            raise UsageError(*batch_messages.SAME_ACCOUNT.format(name=name, other=other_name))


def check_free_space(jobs: Iterable[Job], reports: Path) -> None:
    """Raise NothingSentError if the disk has less room than the journals of these jobs may take."""
    needed = sum(map(_estimate_journal_bytes, jobs))
    free = shutil.disk_usage(_find_existing_folder(reports)).free
    if needed > free:
        raise NothingSentError(*batch_messages.format_no_space(reports, needed, free))


def _estimate_journal_bytes(job: Job) -> int:
    """Return about how much the journal takes; 0 if there is one, or no file."""
    if job.folder.exists():
        return 0
    with suppress(OSError, ValueError):
        is_text = job.file.suffix.casefold() in (".csv", ".tsv", ".txt", ".vcf")
        return job.file.stat().st_size * (_JOURNAL_SHARE if is_text else _WORKBOOK_SHARE)
    return 0


def _find_existing_folder(path: Path) -> Path:
    return next(folder for folder in (path.absolute(), *path.absolute().parents) if folder.exists())
