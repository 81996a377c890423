"""The work for one account as values that can be pickled: what is asked, what comes of it, and the link to the program.

Any concurrent.futures.Executor can run the work: fetch_lists here, judge_job.py and send_job.py. A key is never among the
values: its reference is resolved where the request is made.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

import msgspec

from importer.batch.job_report import JobReport
from importer.batch.key_reference import read_key
from importer.batch.manifest import Account, Job
from importer.credentials import Credentials
from importer.errors import (
    KeyRefusedError,
    RunInterruptedError,
)
from importer.messages import batch_messages
from importer.models.mapping import AccountTitles
from importer.pipeline.account_lists import fetch_account_titles
from importer.pipeline.context import RunObserver
from importer.pipeline.local_sender import Sender
from importer.reader.range_places import RangePlaces
from importer.sender.adaptive_rate import LearntRate
from importer.sender.send_loop import Progress, StopRequest
from importer.settings import Settings
from importer.state.account_identity import AccountIdentity, identify_account
from importer.state.state_folder import AccountState


class Link(Protocol):
    """The way between the work for an account and the program that started it."""

    def get_stop_request(self) -> StopRequest:
        """Return what the program wants."""

    def report_progress(self, progress: Progress) -> None:
        """Tell the program how far the present job is."""

    def report_judged(self, rows: int) -> None:
        """Tell the program how many rows of the present job are judged."""

    def open_sender(self, request: SendRequest) -> Sender | None:
        """Return what sends the rows of a job from another place, None to send them from here."""


class FetchedLists(msgspec.Struct, frozen=True):
    """Who an account is, without its key, and its lists."""

    identity: AccountIdentity
    titles: AccountTitles


class OpenedAccount(msgspec.Struct, frozen=True):
    """What must be known of an account to judge its jobs: who it is, its lists, and its state. Not its key."""

    identity: AccountIdentity
    titles: AccountTitles
    state: AccountState


class ListsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Fetch the lists of an account. `folder` is that of the manifest."""

    account: Account
    folder: Path
    settings: Settings


class JudgeRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Judge a job. `range_places` judge ranges of a large CSV, None for processes of this computer."""

    job: Job
    opened: OpenedAccount
    state_dir: Path
    range_places: RangePlaces | None = None


class JudgedJob(msgspec.Struct, frozen=True):
    """A job after its check, and whether it may be sent: False if its file cannot be read, or has changed since."""

    report: JobReport
    is_ready: bool


class SendRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Send a job, or look up its leads for a plan.

    `titles` are the account's lists and `opened_account` its state if that was a short time ago. `learnt_rate` is what the
    job before has learnt.
    """

    job: Job
    account: Account
    identity: AccountIdentity
    folder: Path
    state_dir: Path
    titles: AccountTitles = {}
    opened_account: AccountState | None = None
    learnt_rate: LearntRate | None = None
    plans_only: bool = False


class SentJob(msgspec.Struct, frozen=True):
    """How a job ended, and what its sending has learnt for the next one."""

    report: JobReport
    learnt_rate: LearntRate | None


def fetch_lists(request: ListsRequest) -> FetchedLists:
    """Return the account that the key opens. Raises MissingKeyError, RunStoppedError."""
    credentials = find_credentials(request.account, request.folder)
    try:
        titles = fetch_account_titles(credentials, request.settings, lambda _: None)
    except KeyRefusedError as error:
        advice = batch_messages.REFUSED_KEY.format(account=request.account.name, key=request.account.key)
        raise KeyRefusedError(error.message, advice) from None
    return FetchedLists(identify_account(credentials), titles)


def find_credentials(account: Account, folder: Path) -> Credentials:
    """Return the address of an account, and its key from its place. Raises MissingKeyError."""
    return Credentials(account.base_url, read_key(account.key, folder, os.environ))


def raise_if_stopping(link: Link) -> None:
    """Raise RunInterruptedError if the program wants to stop."""
    if link.get_stop_request() is not StopRequest.NO:
        raise RunInterruptedError(batch_messages.CHECK_INTERRUPTED)


class LinkedObserver(RunObserver):
    """Passes on how far a job is, keeps what its sending has learnt, and ends a check when the program stops."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self.learnt_rate: LearntRate | None = None

    def on_rows_judged(self, rows: int) -> None:
        """Report the rows. Raises RunInterruptedError if the program stops."""
        self._link.report_judged(rows)
        raise_if_stopping(self._link)

    def on_worker_wait(self, seconds: float) -> None:
        """End the wait if the program stops."""
        del seconds
        raise_if_stopping(self._link)

    def on_progress(self, progress: Progress) -> None:
        """Report the progress of the sending."""
        self._link.report_progress(progress)

    def on_look_up_progress(self, progress: Progress) -> None:
        """Report the progress of the look-ups."""
        self._link.report_progress(progress)

    def on_rate_learnt(self, learnt: LearntRate) -> None:
        """Keep it for the next job of the account."""
        self.learnt_rate = learnt
