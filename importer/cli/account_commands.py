"""The commands that need nothing but the account's lists: dropdowns, template. They load no reader and no sender of rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from importer.cli.console import print_json, print_line, print_wait
from importer.cli.logging_setup import load_credentials
from importer.errors import UsageError
from importer.fields import FIELDS
from importer.messages import help_messages, terminal_messages
from importer.models.mapping import AccountTitles, Title, get_unique_titles
from importer.pipeline.account_lists import fetch_account_titles
from importer.settings import Settings
from importer.untrusted_text import quote_command


@click.command("dropdowns", help=help_messages.COMMAND_HELP["dropdowns"])
@click.option("--json", "as_json", is_flag=True, help=help_messages.OPTION_JSON)
def dropdowns_command(**flags: Any) -> int:
    """Show the account's dropdown values."""
    lists = group_by_field(fetch_account_titles(load_credentials(), Settings(), print_wait))
    if flags["as_json"]:
        print_json(
            {
                name: [{"title": title.title, "active": title.active} for title in titles]
                for name, titles in lists.items()
            }
        )
        return 0
    for name, titles in lists.items():
        print_line(terminal_messages.LIST_TITLE.format(field=name, count=len(titles)), bold=True)
        for title in titles:
            text = terminal_messages.LIST_ENTRY if title.active else terminal_messages.DISABLED_LIST_ENTRY
            print_line(text.format(title=title.title))
    return 0


@click.command("template", help=help_messages.COMMAND_HELP["template"])
@click.argument("out", metavar="OUT.xlsx")
@click.option("--force", is_flag=True, help=help_messages.OPTION_FORCE)
def template_command(out: str, force: bool) -> int:
    """Write an empty sheet to fill in."""
    path = Path(out)
    _check_template_path(path, out, force=force)
    titles = fetch_account_titles(load_credentials(), Settings(), print_wait)
    from importer.report.template import write_template

    try:
        written = str(write_template(path, get_unique_titles(titles)))
    except (OSError, ValueError) as error:  # ValueError for a name that no file can have
        reason = error.strerror if isinstance(error, OSError) else error
        raise UsageError(*terminal_messages.CANNOT_WRITE_TEMPLATE.format(file=out, reason=reason)) from error
    command = quote_command("importer", "run", written)
    print_line(terminal_messages.TEMPLATE_WRITTEN.format(file=written, command=command), err=True)
    return 0


def _check_template_path(path: Path, out: str, *, force: bool) -> None:
    """Raise UsageError for a name that does not end in .xlsx, and for a file that exists, unless `force` is given."""
    if path.suffix.lower() != ".xlsx":
        better = str(path.with_suffix(".xlsx") if path.name else "leads.xlsx")
        command = quote_command("importer", "template", better)
        raise UsageError(*terminal_messages.TEMPLATE_IS_EXCEL.format(file=out, command=command))
    if path.exists() and not force:
        raise UsageError(*terminal_messages.TEMPLATE_EXISTS.format(file=out))


def group_by_field(titles: AccountTitles) -> dict[str, tuple[Title, ...]]:
    """Return the account's lists by the name of the field that takes their values."""
    return {
        field.name: titles.get(field.dropdown, ())
        for field in FIELDS
        if field.dropdown is not None and field.name != "remove_labels"
    }
