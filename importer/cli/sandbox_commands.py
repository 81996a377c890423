"""sandbox, demo: a CRM on this machine, to try things out."""

from __future__ import annotations

import time
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, build_opener

import click
import msgspec

from importer.cli.console import print_line
from importer.cli.summary_view import format_shell_variables, show_result
from importer.cli.terminal_observer import TerminalObserver
from importer.credentials import API_KEY_VARIABLE, BASE_URL_VARIABLE, Credentials, Secret
from importer.errors import UsageError, raise_as_nothing_sent
from importer.journal.database import translate_write_errors
from importer.loader.table.table_reader import OpenOptions
from importer.pipeline.context import RunContext
from importer.pipeline.run import run
from importer.reader.source import open_file
from importer.sandbox.sandbox_options import SandboxOptions
from importer.settings import format_flag, resolve_settings
from importer.untrusted_text import quote_command

_DEMO_DB = "demo-crm.sqlite"
_DEMO_PAGE = "demo-crm.html"


def _sandbox_options(command: Any) -> Any:
    for field in reversed(msgspec.structs.fields(SandboxOptions)):
        said = next(m.description for m in field.type.__metadata__ if getattr(m, "description", None))
        command = click.option(
            format_flag(field.name),
            field.name,
            metavar="VALUE",
            help=f"{said} [default: {'none' if field.default is None else field.default}]",
        )(command)
    return command


@click.command("sandbox")
@_sandbox_options
def sandbox_command(**flags: Any) -> int:
    """Start a local stand-in for the CRM, on loopback; Ctrl-C ends it."""
    import sqlite3

    from importer.sandbox.server import get_page_url, serve

    def announce(base_url: str) -> None:
        click.echo(f"LISTENING {base_url}")
        print_line(f"Its page: {get_page_url(base_url)}   Ctrl-C ends it.", err=True)
        pointed = format_shell_variables({BASE_URL_VARIABLE: base_url, API_KEY_VARIABLE: options.api_key})
        print_line(f"Point importer at it, in another window: {pointed}", err=True)

    given = {name: value for name, value in flags.items() if value is not None}
    try:
        options = msgspec.convert(given, SandboxOptions, strict=False)
    except msgspec.ValidationError as error:
        name = str(error).replace("`", "").partition(" - at $.")[2]
        raise UsageError(
            f"{format_flag(name)} takes {_wanted(name)}, not {given[name]!r}.", "See importer sandbox --help."
        ) from None
    try:
        serve(options, announce)
    except sqlite3.Error as error:
        raise UsageError(
            f"{options.db} cannot keep the leads: {error}.", "Name another file with --db."
        ) from error
    except OSError as error:
        raise UsageError(
            f"Cannot listen on port {options.port}: {error.strerror}.", "Choose another --port."
        ) from error
    return 0


def _wanted(name: str) -> str:
    """What an option of the sandbox takes, where not every text will do: `a whole number from 0 to 65535`."""
    types = msgspec.inspect
    kind = next(types.type_info(f.type) for f in msgspec.structs.fields(SandboxOptions) if f.name == name)
    kind = kind.type if isinstance(kind, types.Metadata) else kind
    number = "a whole number" if isinstance(kind, types.IntType) else "a number"
    if not isinstance(kind, types.IntType | types.FloatType) or kind.ge is None:
        return number
    return (
        f"{number}, {kind.ge:g} or more" if kind.le is None else f"{number} from {kind.ge:g} to {kind.le:g}"
    )


@click.command("demo")
@click.option(
    "--reports", default="reports", metavar="DIR", help="The folder of the runs. [default: reports]"
)
@click.option(
    "--stay/--no-stay", default=False, help="Keep the sandbox open to look at its page, until Ctrl-C."
)
def demo_command(reports: str, stay: bool) -> int:
    """Start a sandbox, import a sample sheet into it, and say where the report lies."""
    from importer.sandbox.server import run_sandbox

    database = Path(reports) / _DEMO_DB
    with raise_as_nothing_sent(), translate_write_errors(Path(reports)):
        database.parent.mkdir(parents=True, exist_ok=True)
        for old in Path(reports).glob(f"{_DEMO_DB}*"):
            old.unlink()
    options = SandboxOptions(db=str(database), latency=0.02)
    with run_sandbox(options) as sandbox:
        print_line(f"A sandbox CRM answers at {sandbox.base_url} (no real account is touched).", err=True)
        settings = resolve_settings({"reports": reports, "yes": True, "rate": 40})
        credentials = Credentials(sandbox.base_url, Secret(options.api_key))
        with open_file(sample(), OpenOptions()) as sheet, TerminalObserver(settings) as observer:
            summary = run(sheet, RunContext(settings=settings, credentials=credentials, observer=observer))
        show_result(summary, settings, other_names=observer.other_names)
        _show_page(sandbox.page_url, database, Path(reports) / _DEMO_PAGE, stay=stay)
    return 0


def sample() -> Path:
    """The sample sheet: beside the source, or in the installed package."""
    beside = Path(__file__).parents[2] / "samples" / "event_signups.xlsx"
    return (
        beside
        if beside.exists()
        else Path(str(resources.files("importer").joinpath("samples/event_signups.xlsx")))
    )


def _show_page(page_url: str, database: Path, page: Path, *, stay: bool) -> None:
    """Where the leads can be seen: on the sandbox's own page, of which a copy stays when it ends."""
    if stay:
        print_line(f"The leads in the sandbox: {page_url}  (Ctrl-C ends it)", err=True)
        while True:
            time.sleep(3600)  # on Windows Ctrl-C comes through no lock that is waited for
    # No proxy: those of an office do not know this machine.
    with build_opener(ProxyHandler({})).open(f"{page_url}?copy") as answer:
        page.write_bytes(answer.read())
    print_line(f"The leads in the sandbox: {page}", err=True)
    # On its own port again: resume and retry go to the address of their run alone.
    again = quote_command(
        "importer", "sandbox", "--db", str(database), "--port", str(urlsplit(page_url).port)
    )
    print_line(f"To go on with it: {again}", err=True)
