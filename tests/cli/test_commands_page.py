"""docs/commands.md, docs/mapping.md and docs/reports.md list the commands, options, fields, files and columns of the code.

`pytest tests/cli/test_commands_page.py --write-examples` writes the tables of these pages again. Read the diff then.
"""

import re
import shlex
from pathlib import Path

import click
import msgspec
import pytest

from importer.cli.main import Commands
from importer.fields import FIELDS, find_field
from importer.messages import help_messages
from importer.models.status import (
    PLAN_COLUMNS,
    REPORT_COLUMNS,
    SHEET_COLUMN,
    TASK_COLUMNS,
    VERIFICATION_COLUMNS,
)
from importer.report.summary import REPORT_FILES
from importer.settings import PER_CALL_OPTIONS, Settings

ROOT = Path(__file__).parents[2]
TABLE = re.compile(r"<!-- ([\w ]+) -->\n(.*?)<!-- end -->", re.DOTALL)
COMMANDS = Commands("importer")

DEFAULTS = {
    "--sheet": (), "--header-row": None, "--preset": None, "--map": None, "--column": {}, "--default": {}, "--region": "IN",
    "--create": True, "--duplicates": "merge", "--unknown": "reject",
    "--bad-cells": "reject", "--ranges": "info", "--rest": "info", "--rate": "auto", "--concurrency": 50, "--timeout": 30.0,
    "--existing": "overwrite", "--policy": {}, "--changed": False, "--look-up": "all", "--max-age": 300.0, "--on-drift": "keep",
    "--snapshot": False, "--edited": "lead", "--only": (), "--rows": None, "--mark-created": None,
    "--task": None, "--due": None, "--notify": None, "--hours": "10:00-19:00", "--days": "mon-sat", "--timezone": "Asia/Kolkata",
    "--per-day": None, "--open-tasks": "keep", "--task-for": "all",
    "--verify": False, "--sample": "all", "--wait": 0.0, "--max-wait": 900.0, "--limit": None, "--allow-empty": False, "--reports": "reports", "--run-id": None, "--yes": False, "--json": False,
    "--quiet": False, "--verbose": False, "--encoding": None, "--delimiter": None, "--save": None,
}  # fmt: skip
"""The options of check, plan, apply and run that users and scripts rely on, with their defaults."""

OF_UNDO = {"--edited", "--only", "--rows", "--mark-created"}
ABSENT = {
    "check": {
        *OF_UNDO,
        "--snapshot",
        "--existing",
        "--policy",
        "--look-up",
        "--max-age",
        "--on-drift",
        "--verify",
        "--sample",
        "--wait",
    },
    "plan": {*OF_UNDO, "--snapshot", "--max-age", "--on-drift", "--verify", "--sample", "--wait"},
    "run": {*OF_UNDO, "--look-up", "--max-age", "--on-drift"},
}
"""Options that a command does not have, because they would have no effect."""


def find_command(name):
    found = COMMANDS.get_command(click.Context(COMMANDS), name)
    assert found is not None
    return found


def list_options(name):
    return [option for option in find_command(name).params if isinstance(option, click.Option)]


def list_flags(name):
    return {flag for option in list_options(name) for flag in (*option.opts, *option.secondary_opts)}


# --- the options of the code


@pytest.mark.parametrize("name", ["check", "plan", "run"])
def test_check_plan_and_run_have_every_option_that_concerns_them(name):
    """An option cannot disappear, and a new one must be added to the list above."""
    assert list_flags(name) == {*DEFAULTS, "--no-create", "--config", "-q", "-v"} - ABSENT[name]


def test_options_have_the_promised_defaults():
    """The default of an option is part of what scripts rely on."""
    fields = {field.name: field.default for field in msgspec.structs.fields(Settings)}
    found = {f"--{name.replace('_', '-')}": default for name, default in fields.items()}
    assert {
        flag: {} if default is msgspec.NODEFAULT else default for flag, default in found.items()
    } == DEFAULTS


def test_flags_have_no_default_of_their_own():
    """A flag that was not given must not hide the value of importer.toml."""
    for option in list_options("run"):
        assert option.default in (None, (), 0) or repr(option.default).startswith("Sentinel"), option.name


def test_resume_and_retry_take_only_options_of_sending():
    """The rows and the mapping of a run are known, so options of reading would have no effect."""
    for name in ("resume", "retry"):
        given = {option.name for option in list_options(name)}
        assert given == {"rate", "concurrency", "timeout", "max_wait", "config"} | PER_CALL_OPTIONS - {
            "run_id",
            "save",
        }


def test_every_command_has_a_summary_and_a_help_text():
    """A command without a text would be empty in --help."""
    assert list(COMMANDS.modules) == list(help_messages.COMMAND_SUMMARIES)
    assert set(COMMANDS.modules) == set(help_messages.COMMAND_HELP)
    for name in COMMANDS.modules:
        assert find_command(name).help == help_messages.COMMAND_HELP[name]


# --- the tables of the pages


def write_table(name):
    """Return the table that belongs between the comments `<!-- name -->` and `<!-- end -->`."""
    if name == "commands":
        rows = [
            (f"`importer {command} {format_arguments(command)}`".replace(" `", "`"), summary)
            for command, summary in help_messages.COMMAND_SUMMARIES.items()
        ]
        return format_table(("command", "what it does"), rows)
    if name == "fields":
        return format_table(
            ("field", "is", "several columns", "can be cleared"),
            [
                (
                    f"`{f.name}`",
                    f"{f.label}: {f.kind.value}",
                    "yes" if f.takes_many_columns else "",
                    "yes" if f.nullable else "",
                )
                for f in FIELDS
            ],
        )
    command, _, alone = name.removeprefix("options of ").partition(" ")
    known = list_flags("run") if alone else set()
    rows = [
        (format_flags(option), option.help or "")
        for option in list_options(command)
        if not known & {*option.opts}
    ]
    return format_table(("option", "what it does"), rows)


def format_arguments(name):
    arguments = [p for p in find_command(name).params if isinstance(p, click.Argument)]
    names = [argument.metavar or argument.name.upper() for argument in arguments]
    return " ".join(
        name if argument.required else f"[{name}]" for name, argument in zip(names, arguments, strict=True)
    )


def format_flags(option):
    names = ", ".join(f"`{flag}`" for flag in (*option.opts, *option.secondary_opts))
    metavar = option.metavar or ""
    return f"{names[:-1]} {metavar}`" if metavar else names


def escape_pipes(cell):
    return re.sub(r"(?<!\\)\|", r"\\|", cell)


def format_table(head, rows):
    lines = [f"| {' | '.join(escape_pipes(cell) for cell in row)} |" for row in (head, *rows)]
    return "\n".join([lines[0], "|---" * len(head) + "|", *lines[1:]]) + "\n"


@pytest.mark.parametrize("page", ["commands.md", "mapping.md"])
def test_tables_of_a_page_match_the_code(page, request):
    """A page never lists an option or a field that does not exist, and never lacks one."""
    path = ROOT / "docs" / page
    text = path.read_text("utf-8")
    written = TABLE.sub(lambda found: f"<!-- {found[1]} -->\n{write_table(found[1])}<!-- end -->", text)
    if request.config.getoption("--write-examples"):
        path.write_text(written, "utf-8")
    assert text == written


def test_commands_page_has_options_of_commands_with_more_than_the_shared_ones():
    """Every option of every command is in some table, or in the sentence about its command."""
    page = (ROOT / "docs" / "commands.md").read_text("utf-8")
    for name in COMMANDS.modules:
        for flag in list_flags(name):
            assert f"`{flag}" in page, (name, flag)


def test_scheduled_commands_of_the_page_can_be_typed():
    """Lines for cron, systemd and Task Scheduler name options that exist."""
    page = (ROOT / "docs" / "again.md").read_text("utf-8")
    lines = re.findall(r"importer watch (inbox [^\n`#]*)", page)
    assert len(lines) >= 5
    for line in lines:
        find_command("watch").make_context("watch", shlex.split(line))


def test_example_maps_can_be_read(tmp_path):
    """A reader can copy the examples of docs/mapping.md as they are."""
    from importer.loader.mapping.map_file import read_map

    page = (ROOT / "docs" / "mapping.md").read_text("utf-8")
    examples = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert len(examples) == page.count("```toml") > 1
    for example in examples:
        (tmp_path / "m.toml").write_text(example, "utf-8")
        for entry in read_map(tmp_path / "m.toml").list_entries().values():
            assert entry.field == "" or find_field(entry.field)


def test_page_about_reports_names_every_file_and_column():
    """A new file or column needs its line in docs/reports.md."""
    named = re.findall(r"^\| `([\w.]+)` \|", (ROOT / "docs/reports.md").read_text("utf-8"), re.MULTILINE)
    columns = (SHEET_COLUMN, *REPORT_COLUMNS, *PLAN_COLUMNS, *VERIFICATION_COLUMNS, *TASK_COLUMNS)
    assert {*REPORT_FILES, *columns} - set(named) == set()
