"""The command ui: the whole journey in the browser, on this machine."""

from __future__ import annotations

import os
import webbrowser
from pathlib import Path
from typing import Any

import click

from importer.cli.console import print_line
from importer.cli.flags import add_page_options, read_settings
from importer.cli.logging_setup import configure_logging
from importer.cli.run_commands import find_source
from importer.errors import UsageError
from importer.messages import help_messages, ui_messages


@click.command("ui", help=help_messages.COMMAND_HELP["ui"])
@click.argument("file", required=False)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, metavar="N", help=help_messages.OPTION_UI_PORT
)
@click.option("--browser/--no-browser", default=True, help=help_messages.OPTION_UI_BROWSER)
@click.option("--practice", is_flag=True, help=help_messages.OPTION_UI_PRACTICE)
@add_page_options
def ui_command(file: str | None, port: int, browser: bool, practice: bool, **flags: Any) -> int:
    """Open the page in the browser and serve it until Ctrl-C."""
    from importer.ui.accounts import Accounts
    from importer.ui.local_server import open_preparation, prepare_server, serve
    from importer.ui.practice import PracticeCrm
    from importer.ui.workspace import Workspace

    reports = Path(read_settings(flags).reports)
    configure_logging()
    crm = PracticeCrm(reports)
    accounts = Accounts(os.environ, Path(), crm, configure_logging)
    accounts.is_practice = practice
    workspace = Workspace(reports, accounts)
    path = _find_file(file) if file else None
    try:
        page = prepare_server(workspace, port)
    except OSError as error:
        raise UsageError(*ui_messages.PORT_ERROR.format(port=port, reason=error.strerror)) from error
    if path is not None:
        page = page._replace(start=open_preparation(workspace, path))

    def announce() -> None:
        url = page.make_launch_url()
        text = ui_messages.OPENED if browser and webbrowser.open(url) else ui_messages.OPEN_THIS
        print_line(text.format(url=url))
        print_line(ui_messages.LINK_ONCE, err=True)
        print_line(ui_messages.STOP_WITH, err=True)

    try:
        serve(page, announce=announce, say=lambda text: print_line(text, err=True))
    finally:
        crm.close()
    return 0


def _find_file(file: str) -> Path:
    """Return the file. Raises UnreadableFileError if it is not there, UsageError for standard input."""
    source = find_source(file)
    if not isinstance(source, Path):
        raise UsageError(*ui_messages.NEEDS_A_FILE)
    return source
