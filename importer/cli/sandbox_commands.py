"""The commands to practise with: sandbox and demo, which run a CRM on this machine."""

from __future__ import annotations

import os
import time
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, build_opener

import click
import msgspec

from importer.cli.console import print_line
from importer.cli.summary_view import show_result
from importer.cli.terminal_observer import TerminalObserver
from importer.credentials import API_KEY_VARIABLE, BASE_URL_VARIABLE, Credentials, Secret
from importer.errors import UsageError, raise_as_nothing_sent
from importer.loader.table.table_reader import OpenOptions
from importer.messages import help_messages, terminal_messages
from importer.option_values import format_flag
from importer.pipeline.context import RunContext
from importer.pipeline.plan import apply, plan
from importer.reader.source import open_file
from importer.sandbox.sandbox_settings import SandboxOptions
from importer.settings import resolve_settings
from importer.state.disk_errors import translate_write_errors
from importer.untrusted_text import quote_command, quote_for_powershell

_DEMO_DB = "demo-crm.sqlite"
_DEMO_PAGE = "demo-crm.html"
_DEMO_LATENCY_S = 0.02
_DEMO_RATE = 40


def _add_sandbox_options(command: Any) -> Any:
    """Add an option for each field of `SandboxOptions`."""
    for field in reversed(msgspec.structs.fields(SandboxOptions)):
        text = next(m.description for m in field.type.__metadata__ if getattr(m, "description", None))
        default = terminal_messages.SANDBOX_DEFAULT_NONE if field.default is None else field.default
        command = click.option(
            format_flag(field.name),
            field.name,
            metavar="VALUE",
            help=text + help_messages.OPTION_DEFAULT.format(value=default),
        )(command)
    return command


@click.command("sandbox", help=help_messages.COMMAND_HELP["sandbox"])
@_add_sandbox_options
def sandbox_command(**flags: Any) -> int:
    """Start a CRM on this machine until Ctrl-C."""
    import sqlite3

    from importer.sandbox.server import serve

    options = _parse_sandbox_options({name: value for name, value in flags.items() if value is not None})
    try:
        serve(options, lambda base_url: _show_address(base_url, options.api_key))
    except sqlite3.Error as error:
        raise UsageError(*terminal_messages.SANDBOX_DB_ERROR.format(file=options.db, reason=error)) from error
    except OSError as error:
        raise UsageError(
            *terminal_messages.SANDBOX_PORT_ERROR.format(port=options.port, reason=error.strerror)
        ) from error
    return 0


def _show_address(base_url: str, api_key: str) -> None:
    """Print the base URL on standard output, for scripts, and the next steps on standard error, for people."""
    from importer.sandbox.server import get_page_url

    click.echo(terminal_messages.SANDBOX_LISTENING.format(base_url=base_url))
    print_line(terminal_messages.SANDBOX_PAGE.format(url=get_page_url(base_url)), err=True)
    command = format_shell_variables({BASE_URL_VARIABLE: base_url, API_KEY_VARIABLE: api_key})
    print_line(terminal_messages.SANDBOX_SET_UP.format(command=command), err=True)


def _parse_sandbox_options(given: dict[str, Any]) -> SandboxOptions:
    """Return the options. Raises UsageError for a value that is not valid."""
    try:
        return msgspec.convert(given, SandboxOptions, strict=False)
    except msgspec.ValidationError as error:
        name = str(error).replace("`", "").partition(" - at $.")[2]
        raise UsageError(
            *help_messages.WRONG_SANDBOX_OPTION.format(
                option=format_flag(name), expected=_describe_expected_value(name), value=given[name]
            )
        ) from None


def _describe_expected_value(name: str) -> str:
    """Return what an option of the sandbox takes: `a whole number from 0 to 65535`, `replace or merge`."""
    types = msgspec.inspect
    kind = next(types.type_info(f.type) for f in msgspec.structs.fields(SandboxOptions) if f.name == name)
    kind = kind.type if isinstance(kind, types.Metadata) else kind
    if isinstance(kind, types.LiteralType):
        return " or ".join(str(value) for value in kind.values)
    assert isinstance(kind, types.IntType | types.FloatType)  # any text is valid for the others
    is_whole = isinstance(kind, types.IntType)
    return help_messages.format_expected_number(is_whole=is_whole, minimum=kind.ge, maximum=kind.le)


@click.command("demo", help=help_messages.COMMAND_HELP["demo"])
@click.option("--reports", default="reports", metavar="DIR", help=help_messages.OPTION_DEMO_REPORTS)
@click.option("--stay/--no-stay", default=False, help=help_messages.OPTION_STAY)
def demo_command(reports: str, stay: bool) -> int:
    """Import a sample sheet into a sandbox."""
    from importer.sandbox.lead_edits import add_demo_leads
    from importer.sandbox.server import run_sandbox

    database = Path(reports) / _DEMO_DB
    _remove_old_demo(Path(reports))
    options = SandboxOptions(db=str(database), latency=_DEMO_LATENCY_S)
    with run_sandbox(options) as sandbox, TemporaryDirectory() as state:
        print_line(terminal_messages.DEMO_STARTED.format(base_url=sandbox.base_url), err=True)
        add_demo_leads(sandbox.sandbox.store)
        settings = resolve_settings(
            {"reports": reports, "yes": True, "rate": _DEMO_RATE, "existing": "careful"}
        )
        credentials = Credentials(sandbox.base_url, Secret(options.api_key))
        with open_file(find_sample_sheet(), OpenOptions()) as sheet, TerminalObserver(settings) as observer:
            # This CRM is new each time: nothing about it is worth remembering.
            context = RunContext(
                settings=settings, credentials=credentials, observer=observer, state_dir=Path(state)
            )
            planned = plan(sheet, context)
            show_result(planned, settings, other_names=observer.other_names)
            print_line(terminal_messages.DEMO_APPLIES, err=True)
            summary = apply(planned.run_id, context)
        show_result(summary, settings)
        if stay:
            _wait_for_ctrl_c(sandbox.page_url)
        _save_page(sandbox.page_url, Path(reports) / _DEMO_PAGE)
        _show_restart(sandbox.page_url, database)
    return 0


def _remove_old_demo(reports: Path) -> None:
    """Remove the CRM of an earlier demo, so that each demo shows a first import."""
    with raise_as_nothing_sent(), translate_write_errors(reports):
        reports.mkdir(parents=True, exist_ok=True)
        for old in reports.glob(f"{_DEMO_DB}*"):
            old.unlink()


def find_sample_sheet() -> Path:
    """Return the sample sheet: beside the source, or in the installed package."""
    beside = Path(__file__).parents[2] / "samples" / "event_signups.xlsx"
    if beside.exists():
        return beside
    return Path(str(resources.files("importer").joinpath("samples/event_signups.xlsx")))


def _wait_for_ctrl_c(page_url: str) -> NoReturn:
    """Print the page's URL and wait until Ctrl-C."""
    print_line(terminal_messages.DEMO_LEADS_UNTIL_CTRL_C.format(page=page_url), err=True)
    while True:
        time.sleep(3600)  # on Windows, Ctrl-C interrupts a sleep but not the wait for a lock


def _save_page(page_url: str, page: Path) -> None:
    """Save a copy of the sandbox's page, which can be read when the sandbox has stopped."""
    # Without proxy: the proxy of an office does not know this machine.
    with build_opener(ProxyHandler({})).open(f"{page_url}?copy") as response:
        page.write_bytes(response.read())
    print_line(terminal_messages.DEMO_LEADS.format(page=page), err=True)


def _show_restart(page_url: str, database: Path) -> None:
    """Print the command that starts the sandbox again, on the same port: resume and retry need the URL of their run."""
    port = str(urlsplit(page_url).port)
    command = quote_command("importer", "sandbox", "--db", str(database), "--port", port)
    print_line(terminal_messages.DEMO_RESTART.format(command=command), err=True)


def format_shell_variables(values: dict[str, str], *, windows: bool = os.name == "nt") -> str:
    """Return the line that sets environment variables, for PowerShell on Windows and for any other shell elsewhere."""
    if windows:
        return "; ".join(f"$env:{name}={quote_for_powershell(value)}" for name, value in values.items())
    return f"export {quote_command(*(f'{name}={value}' for name, value in values.items()))}"
