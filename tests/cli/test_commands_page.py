"""docs/commands.md and docs/mapping.md say what the code does; the options are those of INTERFACE.md.

`pytest tests/cli/test_commands_page.py --write-examples` writes the pages' tables anew: then read the diff.
"""

import re
from pathlib import Path

import click
import msgspec
import pytest

from importer.cli.main import Commands
from importer.fields import FIELDS, find_field
from importer.settings import PER_CALL_OPTIONS, Settings

ROOT = Path(__file__).parents[2]
INTERFACE = Path("/work/shared/INTERFACE.md")
TABLE = re.compile(r"<!-- ([\w ]+) -->\n(.*?)<!-- end -->", re.DOTALL)

OPTIONS = {
    "--sheet": None, "--header-row": None, "--preset": None, "--map": None, "--column": {}, "--default": {}, "--region": "IN",
    "--create": True, "--duplicates": "merge", "--unknown": "reject", "--rate": "auto", "--concurrency": 50, "--timeout": 30.0,
    "--max-wait": 900.0, "--limit": None, "--reports": "reports", "--run-id": None, "--yes": False, "--json": False,
    "-q": False, "-v": False,
}  # fmt: skip
"""INTERFACE.md's options of check and run, with its defaults (where it names none, they are ours)."""

COMMANDS = Commands("importer")


def command(name):
    found = COMMANDS.get_command(click.Context(COMMANDS), name)
    assert found is not None
    return found


def options_of(name):
    return [option for option in command(name).params if isinstance(option, click.Option)]


def field_of(flag):
    return {"-q": "quiet", "-v": "verbose"}.get(flag, flag.removeprefix("--").replace("-", "_"))


@pytest.mark.parametrize("name", ["check", "run"])
def test_every_option_of_the_interface_is_a_flag_and_a_config_key(name):
    flags = {flag for option in options_of(name) for flag in (*option.opts, *option.secondary_opts)}
    assert set(OPTIONS) | {"--no-create", "--config"} <= flags
    defaults = {field.name: field.default for field in msgspec.structs.fields(Settings)}
    for flag, default in OPTIONS.items():
        shown = defaults[field_of(flag)]
        assert (shown if shown is not msgspec.NODEFAULT else {}) == default, flag


def test_no_flag_has_a_default_of_its_own():
    """A flag that was not given must say so, or importer.toml would never be heard."""
    for option in options_of("run"):
        assert option.default in (None, (), 0) or repr(option.default).startswith("Sentinel"), option.name


def test_the_committed_list_is_the_interfaces():
    if not INTERFACE.exists():
        pytest.skip("the interface lies beside the project, not in it")
    text = (
        INTERFACE.read_text("utf-8")
        .partition("Options of `check` and `run`")[2]
        .partition("Settings from")[0]
    )
    named = {
        flag for span in re.findall(r"`([^`]*)`", text) for flag in re.findall(r"^(--[a-z-]+|-[qv])\b", span)
    }
    assert named - {"--config"} == set(OPTIONS)
    rows = re.findall(r"^\| `importer (\w+)", INTERFACE.read_text("utf-8"), re.MULTILINE)
    assert set(rows) <= set(COMMANDS.summaries)


def table(name):
    if name == "commands":
        rows = [
            (f"`importer {c} {_arguments(c)}`".replace(" `", "`"), said)
            for c, (said, _) in COMMANDS.summaries.items()
        ]
        return _table(("command", "what it does"), rows)
    if name == "fields":
        return _table(
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
    rows = [(_flags(option), option.help or "") for option in options_of(name.removeprefix("options of "))]
    return _table(("option", "what it does"), rows)


def _arguments(name):
    return " ".join(
        p.metavar or p.name.upper() for p in command(name).params if isinstance(p, click.Argument)
    )


def _flags(option):
    names = ", ".join(f"`{flag}`" for flag in (*option.opts, *option.secondary_opts))
    behind = option.metavar or ""
    return f"{names[:-1]} {behind}`" if behind else names


def _escaped(cell):
    return re.sub(r"(?<!\\)\|", r"\\|", cell)


def _table(head, rows):
    lines = [f"| {' | '.join(_escaped(cell) for cell in row)} |" for row in (head, *rows)]
    return "\n".join([lines[0], "|---" * len(head) + "|", *lines[1:]]) + "\n"


@pytest.mark.parametrize("page", ["commands.md", "mapping.md"])
def test_the_tables_of_a_page_are_what_the_code_says(page, request):
    path = ROOT / "docs" / page
    text = path.read_text("utf-8")
    written = TABLE.sub(lambda found: f"<!-- {found[1]} -->\n{table(found[1])}<!-- end -->", text)
    if request.config.getoption("--write-examples"):
        path.write_text(written, "utf-8")
    assert text == written


def test_the_examples_of_a_map_can_be_read(tmp_path):
    from importer.loader.mapping.map_file import read_map

    page = (ROOT / "docs" / "mapping.md").read_text("utf-8")
    examples = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert len(examples) == 2
    for example in examples:
        (tmp_path / "m.toml").write_text(example, "utf-8")
        for entry in read_map(tmp_path / "m.toml").list_entries().values():
            assert entry.field == "" or find_field(entry.field)


def test_resume_and_retry_take_only_what_makes_sense_for_known_rows():
    for name in ("resume", "retry"):
        given = {option.name for option in options_of(name)}
        assert given == {"rate", "concurrency", "timeout", "patience", "config"} | PER_CALL_OPTIONS - {
            "run_id",
            "save",
        }
