"""The commands plan, apply, verify and undo: see what sending would change, send that, read it back, take it back."""

from __future__ import annotations

import os
from typing import Any

import click

from importer.cli.console import is_interactive
from importer.cli.flags import add_apply_options, add_plan_options, add_undo_options, add_verify_options
from importer.cli.logging_setup import load_credentials
from importer.cli.run_commands import (
    REPEATED_AFTER_RUN,
    continue_run,
    find_source,
    make_context,
    make_observer,
    resolve_file_settings,
    show_result,
)
from importer.messages import help_messages
from importer.reader.source import make_open_options, open_file
from importer.state.state_folder import find_state_folder


@click.command("plan", help=help_messages.COMMAND_HELP["plan"])
@click.argument("file")
@add_plan_options
def plan_command(file: str, **flags: Any) -> int:
    """Plan the import of a file."""
    settings, next_options = resolve_file_settings(file, flags, only=REPEATED_AFTER_RUN)
    source = find_source(file)
    asks = is_interactive() and not (settings.yes or settings.json or settings.quiet)
    credentials = load_credentials()
    options = make_open_options(settings, asks=asks)
    with open_file(source, options) as sheet, make_observer(settings) as observer:
        from importer.pipeline.plan import plan

        summary = plan(sheet, make_context(settings, credentials, observer, asks=asks))
    return show_result(summary, settings, next_options, observer)


@click.command("apply", help=help_messages.COMMAND_HELP["apply"])
@click.argument("run")
@add_apply_options
def apply_command(run: str, **flags: Any) -> int:
    """Send a plan."""
    from importer.pipeline.plan import apply

    return continue_run(apply, run, flags, confirmed_command="apply")


@click.command("verify", help=help_messages.COMMAND_HELP["verify"])
@click.argument("run")
@add_verify_options
def verify_command(run: str, **flags: Any) -> int:
    """Read the leads of a run back."""
    from importer.pipeline.resume import verify

    return continue_run(verify, run, flags)


@click.command("undo", help=help_messages.COMMAND_HELP["undo"])
@click.argument("run")
@add_undo_options
def undo_command(run: str, **flags: Any) -> int:
    """Put the leads of a run back to what they were."""
    from importer.pipeline.undo import explain_purged_run, undo

    with explain_purged_run(run, find_state_folder(os.environ)):
        return continue_run(undo, run, flags, confirmed_command="undo")
