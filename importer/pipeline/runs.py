"""The reports folder: runs by id, their locks, their history, and taking old ones away."""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from importer.credentials import Credentials
from importer.errors import DamagedJournalError, DiskWriteError, RunLockedError, RunNotFoundError, UsageError
from importer.journal.database import JOURNAL_NAME, STAGING_NAME, is_abandoned
from importer.journal.run_journal import Journal
from importer.journal.run_metadata import RunMetadata, peek_metadata
from importer.models.status import RowStatus, RunState
from importer.state.disk_errors import translate_write_errors

RESUMABLE = frozenset({RunState.RUNNING, RunState.STOPPED, RunState.INTERRUPTED})
"""States from which `importer resume` goes on."""

_WAIT_S = 30.0  # for a journal that is locked: what it says is wanted
_LOOKING_S = 0.5  # who only looks whether a file is held has its lock for a moment
_KILLED_EARLY = "it was killed while its sheet was checked; nothing was sent"


class RunLine(msgspec.Struct, frozen=True, kw_only=True):
    """One run in the history. `damage` says why nothing more is known of it."""

    run_id: str
    file: str = ""
    started_at: str = ""
    state: str = ""
    counts: dict[RowStatus, int] = {}
    resumable: bool = False
    damage: str = ""

    @property
    def started(self) -> datetime | None:
        """When the run began, where that is known."""
        return datetime.fromisoformat(self.started_at) if self.started_at else None


def fingerprint_account(credentials: Credentials) -> str:
    """16 hex digits that stand for the base address and key, and tell nothing of the key."""
    return hashlib.sha256(f"{credentials.base_url}\0{credentials.key.reveal()}".encode()).hexdigest()[:16]


def make_run_id(now: datetime) -> str:
    """An id that sorts by time and does not collide: `20261124-114500-3fa2`."""
    return f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def choose_run_folder(reports: Path, run_id: str) -> Path:
    """Where a new run lives. Raises UsageError when the id is taken.

    A run that was killed before its sheet was judged sent nothing: its id is free again.
    """
    folder = reports / run_id
    if folder.exists() and _was_killed_early(folder):
        shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        raise _taken(folder)
    return folder


@contextmanager
def make_run_folder(folder: Path) -> Iterator[None]:
    """Make the folder of a new run; where the block fails, it goes again. Raises UsageError, DiskWriteError.

    Of two commands with one --run-id the one that makes it has the id: the other must not take it away.
    """
    with translate_write_errors(folder):
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            raise _taken(folder) from None
    try:
        yield
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _taken(folder: Path) -> UsageError:
    return UsageError(f"There is a run {folder.name} in {folder.parent} already.", "Choose another --run-id.")


def find_run(reports: Path, run: str) -> Path:
    """The folder of a run named by its id or its folder. Raises RunNotFoundError.

    The locks and the memory of notes lie beside the folder, so `.`, `..` and links are answered in full.
    """
    for folder in (reports / run, Path(run)):
        if (folder / JOURNAL_NAME).is_file():
            return folder.resolve() if folder.name in ("", "..") or folder.is_symlink() else folder
        if (folder / STAGING_NAME).is_file():
            raise RunNotFoundError(
                f"Run {run} has judged no sheet: {_KILLED_EARLY}, or it is being checked right now.",
                "Start it again: importer run FILE",
            )
    raise RunNotFoundError(f"There is no run {run} in {reports}.", "importer runs lists the runs there are.")


def reports_beside(sheet: Path) -> Path | None:
    """The reports folder of the run in whose folder the sheet lies; None where it lies elsewhere."""
    if not (sheet.parent / JOURNAL_NAME).is_file():
        return None
    return sheet.absolute().parent.parent


def list_runs(reports: Path) -> list[RunLine]:
    """All runs of the folder, oldest first; those that were killed early too."""
    lines = [_line(path.parent) for path in reports.glob(f"*/{JOURNAL_NAME}")]
    early = {path.parent for path in reports.glob(f"*/{STAGING_NAME}")}
    lines += [
        RunLine(run_id=folder.name, damage=_KILLED_EARLY) for folder in early if _was_killed_early(folder)
    ]
    return sorted(lines, key=_age_order)


def _age_order(line: RunLine) -> tuple[float, str]:
    """By the moment, not by how the clock of its country showed it; what cannot tell when comes first."""
    return line.started.timestamp() if line.started else 0.0, line.run_id


def list_metadata(reports: Path) -> Iterator[RunMetadata]:
    """The headers of the runs that can be read, newest first."""
    for path in sorted(
        reports.glob(f"*/{JOURNAL_NAME}"), key=lambda path: path.stat().st_mtime, reverse=True
    ):
        if header := read_metadata(path.parent):
            yield header


def read_metadata(folder: Path) -> RunMetadata | None:
    """The header of the run in `folder`, or None: of a damaged one `importer runs` tells."""
    found = peek_metadata(folder, wait_s=_WAIT_S)
    return found[0] if found else None


def find_unfinished_run(reports: Path, *, sha256: str, account: str) -> str:
    """The run that began to send this file to this account and can go on; "" where a later one has ended."""
    begun = list(_sendings(reports, sha256=sha256, account=account))
    _, run_id, state = max(begun, default=(None, "", RunState.FINISHED))
    return run_id if state in RESUMABLE else ""


def has_been_sent(reports: Path, *, sha256: str, account: str) -> bool:
    """Whether a run has begun to send this file to this account, whatever became of it."""
    return any(_sendings(reports, sha256=sha256, account=account))


def _sendings(reports: Path, *, sha256: str, account: str) -> Iterator[tuple[datetime, str, RunState]]:
    for path in reports.glob(f"*/{JOURNAL_NAME}"):
        match peek_metadata(path.parent):
            case (header, end) if (header.sha256, header.account) == (sha256, account):
                if end.state in RESUMABLE or end.state is RunState.FINISHED:
                    yield header.started, path.parent.name, end.state


def count_rows(folder: Path) -> dict[RowStatus, int]:
    """The rows of a run by status; nothing where it cannot be read."""
    return _line(folder).counts


def find_interrupted_run(reports: Path, *, sha256: str, account: str) -> str:
    """The same, for who does not hold the file: "" also while that run is being sent."""
    begun = find_unfinished_run(reports, sha256=sha256, account=account)
    return "" if begun and _is_held(reports, begun, sha256=sha256, account=account) else begun


def find_old_runs(reports: Path, older_than: timedelta, now: datetime) -> tuple[list[RunLine], list[RunLine]]:
    """The runs that started longer ago, and those that cannot be read and may have.

    Of a run that cannot be read its file tells the age: it started no later than it was last written to.
    """
    old, unsure = [], []
    for line in list_runs(reports):
        if now - (line.started or _last_written(reports / line.run_id)) > older_than:
            old.append(line)
        elif line.damage:
            unsure.append(line)
    return old, unsure


def purge(reports: Path, lines: Sequence[RunLine]) -> list[str]:
    """Take runs away, with all that is personal in them; answers with their ids.

    A run that is being sent right now stays. The ledger of notes stays too: it holds fingerprints, so that no
    note is sent twice. Raises DiskWriteError where a file of a run is in use.
    """
    gone = []
    for line in lines:
        folder = reports / line.run_id
        if _is_being_sent(folder):
            continue
        try:
            shutil.rmtree(folder)
        except OSError as error:
            raise DiskWriteError(
                f"{error.filename or folder} could not be removed: {error.strerror}.",
                "Close the program that has it open, and purge again.",
            ) from error
        gone.append(line.run_id)
    return gone


@contextmanager
def lock_run(
    reports: Path, run_id: str, *, sha256: str, account: str, wait_s: float = _LOOKING_S
) -> Iterator[None]:
    """Hold the file and account while the block runs. Raises RunLockedError, naming the run that has them; DiskWriteError.

    The lock is the operating system's, so it goes with its process, however that ends.
    """
    from filelock import FileLock, Timeout  # noqa: PLC0415 - only sending needs it

    locks = reports / ".locks"
    name = hashlib.sha256(f"{sha256}{account}".encode()).hexdigest()[:32]
    holder = locks / f"{name}.json"
    lock = FileLock(locks / f"{name}.lock")
    try:
        with translate_write_errors(reports):
            locks.mkdir(parents=True, exist_ok=True)
            try:
                lock.acquire(timeout=wait_s)
            except Timeout:
                raise RunLockedError(
                    f"Run {_holder_of(holder)} is sending this file to this account right now.",
                    "Wait until it has ended, or stop it and use importer resume.",
                ) from None
            holder.write_text(json.dumps({"run_id": run_id}), "utf-8")
        yield
        with suppress(OSError):  # who reads the name of a run that has ended harms nobody
            holder.unlink()
    finally:
        lock.release()


def now() -> datetime:
    """The time with its offset."""
    return datetime.now(UTC).astimezone()


def _was_killed_early(folder: Path) -> bool:
    """Whether the run ended before its first write: amid the judging, or just behind it."""
    staging = folder / STAGING_NAME
    if staging.is_file():
        return is_abandoned(staging)
    try:
        with Journal.open(folder) as journal:
            return journal.run_end.state is RunState.STAGING
    except DamagedJournalError:
        return False


def _last_written(folder: Path) -> datetime:
    files = [folder / name for name in (JOURNAL_NAME, STAGING_NAME) if (folder / name).is_file()]
    # Not the folder's own time: SQLite lays files beside the journal even to read it.
    return datetime.fromtimestamp((files or [folder])[0].stat().st_mtime, UTC)


def _is_being_sent(folder: Path) -> bool:
    header = read_metadata(folder)
    return header is not None and _is_held(
        folder.parent, folder.name, sha256=header.sha256, account=header.account
    )


def _is_held(reports: Path, run_id: str, *, sha256: str, account: str) -> bool:
    try:
        with lock_run(reports, run_id, sha256=sha256, account=account, wait_s=0):
            return False
    except RunLockedError:
        return True
    except DiskWriteError:
        return False


def _holder_of(holder: Path) -> str:
    try:
        return str(json.loads(holder.read_text("utf-8"))["run_id"])
    except (OSError, ValueError, KeyError):
        return "(of another process)"


def _line(folder: Path) -> RunLine:
    try:
        with Journal.open(folder) as journal:
            state = journal.run_end.state
            if state is RunState.STAGING:
                return RunLine(run_id=folder.name, damage=_KILLED_EARLY)
            if state is RunState.RUNNING and not _is_being_sent(folder):
                state = RunState.INTERRUPTED  # it was killed
            return RunLine(
                run_id=folder.name,
                file=journal.metadata.file,
                started_at=journal.metadata.started_at,
                state=state.value,
                counts=journal.counts(),
                resumable=state in RESUMABLE - {RunState.RUNNING},
            )
    except DamagedJournalError as error:
        return RunLine(run_id=folder.name, damage=error.message)
