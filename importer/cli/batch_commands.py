"""The command batch: many files of many accounts, checked, asked about once, and sent."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from importer.cli.console import is_interactive, print_json, print_line, verbosity
from importer.cli.flags import add_verbose_option
from importer.cli.logging_setup import configure_logging
from importer.errors import UsageError
from importer.messages import batch_messages, help_messages
from importer.messages.settings_messages import OPTION_HELP
from importer.settings import Settings

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from importer.batch.account_processes import AccountProcesses
    from importer.batch.batch_context import AccountPlaces
    from importer.batch.batch_summary import BatchSummary
    from importer.batch.job_report import Goal
    from importer.batch.manifest import Manifest
    from importer.cli.batch_progress import BatchProgress
    from importer.cluster.cluster_session import ClusterSession

_MAX_PROBLEMS = 10


@click.command("batch", help=help_messages.COMMAND_HELP["batch"])
@click.argument("manifest")
@click.option("--check", "checks_only", is_flag=True, help=help_messages.OPTION_BATCH_CHECK)
@click.option("--plan", "plans_only", is_flag=True, help=help_messages.OPTION_BATCH_PLAN)
@click.option("--at-once", type=click.IntRange(1, 1000), metavar="N", help=help_messages.OPTION_AT_ONCE)
@click.option("--cluster", metavar="ADDRESS", help=help_messages.OPTION_CLUSTER)
@click.option("--only", multiple=True, metavar="ACCOUNT", help=help_messages.OPTION_ONLY)
@click.option("--keep-going", is_flag=True, help=help_messages.OPTION_KEEP_GOING)
@click.option("--reports", default=Settings().reports, metavar="DIR", help=help_messages.OPTION_BATCH_REPORTS)
@click.option("--yes", is_flag=True, help=OPTION_HELP["yes"].text)
@click.option("--json", "as_json", is_flag=True, help=OPTION_HELP["json"].text)
@add_verbose_option
def batch_command(
    manifest: str,
    *,
    checks_only: bool,
    plans_only: bool,
    at_once: int | None,
    cluster: str | None,
    only: tuple[str, ...],
    keep_going: bool,
    reports: str,
    yes: bool,
    as_json: bool,
    verbose: int | None = None,
) -> int:
    """Import all files of a manifest."""
    from importer.batch.account_processes import AccountProcesses, choose_places
    from importer.batch.batch_context import BatchOptions
    from importer.batch.coordinator import Batch
    from importer.batch.job_report import Goal
    from importer.batch.manifest import read_manifest
    from importer.cli.batch_progress import BatchProgress
    from importer.state.state_folder import find_state_folder

    if verbose:
        verbosity.set(verbose)
    configure_logging()
    goal = _choose_goal(checks_only=checks_only, plans_only=plans_only)
    asks = _should_confirm(goal is Goal.SEND and not yes)
    read = read_manifest(Path(manifest), Path(reports), os.environ)
    places = choose_places(at_once)
    options = BatchOptions(
        manifest=Path(manifest),
        reports=Path(reports),
        state_dir=find_state_folder(os.environ),
        goal=goal,
        judges_at_once=places.judging,
        sends_at_once=places.sending,
        keeps_going=keep_going,
        only=frozenset(only),
    )
    with BatchProgress(is_silent=as_json) as progress, ExitStack() as stack:
        processes = stack.enter_context(AccountProcesses(read))
        account_places: AccountPlaces = processes
        if cluster:
            session = stack.enter_context(_open_cluster(cluster, read, processes, at_once, progress))
            account_places = session.places
            options = msgspec.structs.replace(options, sends_at_once=session.sends_at_once)
        batch = Batch(read, options, account_places, progress)
        summary = batch.run(lambda found: not asks or _confirm(found, Path(reports)))
    _show_result(summary, goal, Path(reports), as_json=as_json)
    return summary.exit_code


def _open_cluster(
    address: str,
    manifest: Manifest,
    processes: AccountProcesses,
    at_once: int | None,
    progress: BatchProgress,
) -> AbstractContextManager[ClusterSession]:
    """Return the cluster of the batch. It is the only part that loads Dask."""
    from importer.cluster.cluster_session import open_cluster

    return open_cluster(
        address,
        manifest,
        processes=processes,
        at_once=at_once,
        on_worker_lost=progress.on_worker_lost,
    )


def _choose_goal(*, checks_only: bool, plans_only: bool) -> Goal:
    from importer.batch.job_report import Goal

    if checks_only and plans_only:
        raise UsageError(*batch_messages.CHECK_OR_PLAN)
    return Goal.CHECK if checks_only else Goal.PLAN if plans_only else Goal.SEND


def _should_confirm(asks: bool) -> bool:
    """Return whether to ask before the first write. Raises UsageError if nobody can be asked."""
    if asks and not is_interactive():
        raise UsageError(*batch_messages.CONFIRMATION_NEEDED)
    return asks


def _confirm(summary: BatchSummary, reports: Path) -> bool:
    """Show what was found, and ask the one question of the batch."""
    from importer.batch.job_report import JobState
    from importer.cli.prompts import confirm

    for line in _format_summary(summary, reports):
        print_line(line, err=True)
    jobs = [job for job in summary.jobs if job.leads and job.state in (JobState.CHECKED, JobState.PLANNED)]
    going_on = [job for job in summary.jobs if job.state in (JobState.STOPPED, JobState.INTERRUPTED)]
    if not jobs and not going_on:
        return True  # nothing is left to send
    leads = sum(job.leads for job in jobs) + sum(job.counts["pending"] for job in going_on)
    accounts = len({job.account for job in (*jobs, *going_on)})
    question = batch_messages.format_send_question(leads, len(jobs) + len(going_on), accounts)
    return confirm(question)


def _show_result(summary: BatchSummary, goal: Goal, reports: Path, *, as_json: bool) -> None:
    from importer.batch.batch_report import format_last_line

    if as_json:
        print_json(summary)
    else:
        for line in _format_summary(summary, reports):
            print_line(line)
    print_line(format_last_line(summary, goal), err=True, bold=sys.stderr.isatty())


def _format_summary(summary: BatchSummary, reports: Path) -> Iterator[str]:
    """Yield the counts, the accounts and files that need attention, and where the report is."""
    from importer.batch.batch_report import BATCH_PAGE, format_batch_headline, list_problems

    yield format_batch_headline(summary)
    problems, page = list_problems(summary, reports), reports / BATCH_PAGE
    yield from problems[:_MAX_PROBLEMS]
    if len(problems) > _MAX_PROBLEMS:
        yield batch_messages.MORE_PROBLEMS.format(count=len(problems) - _MAX_PROBLEMS, path=page)
    yield batch_messages.REPORT.format(path=page)
