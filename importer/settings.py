"""What a run is told: flags over environment over importer.toml over defaults, frozen once made.

`Settings` is the one table of options: the command line, the config file and what `resume` and `retry` take
over are all read from its fields.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from difflib import get_close_matches
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, get_args

import msgspec
from msgspec import Meta

from importer.errors import UsageError
from importer.toml_file import parse_toml, read_short_text
from importer.untrusted_text import quote_command

CONFIG_NAME = "importer.toml"

DuplicatesPolicy: TypeAlias = Literal["merge", "first", "last", "reject"]
UnknownPolicy: TypeAlias = Literal["reject", "drop"]
Positive = Annotated[int, Meta(ge=1, le=1_000_000_000)]
Seconds = Annotated[float, Meta(gt=0, le=366 * 24 * 3600)]
PerSecond = Annotated[float, Meta(gt=0, le=100_000)]
RunId = Annotated[
    str,
    Meta(
        # No name of what else lies in the reports folder, nor of what Windows takes for a device.
        pattern=r"^(?!(?i:maps|notes\.sqlite.*|(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?)\Z)"
        r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9_-])?\Z"
    ),
]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The options of `check` and `run`, as INTERFACE.md lists them. Every field is a flag and a config key.

    `title` is what stands behind the flag in the help.
    """

    sheet: Annotated[
        str | None,
        Meta(title="NAME|NUMBER", description="The sheet of a workbook, by name or number (1 is the first)."),
    ] = None
    header_row: Annotated[Positive | None, Meta(title="N", description="The row that holds the headers.")] = (
        None
    )
    encoding: Annotated[
        str | None, Meta(title="NAME", description="The text encoding of a CSV file, such as cp1252.")
    ] = None
    delimiter: Annotated[
        str | None, Meta(title="CHAR", description="What parts the cells of a CSV file: , ; | or tab.")
    ] = None
    preset: Annotated[
        str | None,
        Meta(title="NAME", description="Read the sheet as this export (importer columns names it)."),
    ] = None
    map: Annotated[str | None, Meta(title="MAP.toml", description="A column mapping file.")] = None
    save: Annotated[
        str | None,
        Meta(
            title="MAP.toml",
            description="Save the mapping, answers included, as a map to be given back by --map.",
        ),
    ] = None
    column: Annotated[
        dict[str, str],
        Meta(
            title='"HEADER=FIELD"',
            description='Send a column to a field; "HEADER=" leaves it out. Repeatable.',
        ),
    ] = {}
    default: Annotated[
        dict[str, str],
        Meta(title='"FIELD=VALUE"', description="A value for rows whose cell is empty. Repeatable."),
    ] = {}
    region: Annotated[
        str,
        Meta(title="IN", pattern=r"^[A-Z]{2}\Z", description="Country of numbers without a country code."),
    ] = "IN"
    create: Annotated[bool, Meta(description="Create leads that the CRM does not have yet.")] = True
    duplicates: Annotated[
        DuplicatesPolicy,
        Meta(title="merge|first|last|reject", description="What becomes of rows that share a phone."),
    ] = "merge"
    unknown: Annotated[
        UnknownPolicy,
        Meta(
            title="reject|drop",
            description="Dropdown values that do not exist: refuse the row, or leave the value out.",
        ),
    ] = "reject"
    rate: Annotated[
        Literal["auto"] | PerSecond,
        Meta(title="auto|N", description="Requests a second; auto finds out what the account allows."),
    ] = "auto"
    concurrency: Annotated[
        int, Meta(title="N", ge=1, le=1000, description="Most requests in flight at once.")
    ] = 50
    timeout: Annotated[Seconds, Meta(title="SECONDS", description="Longest wait for one answer.")] = 30.0
    max_wait: Annotated[
        Seconds,
        Meta(
            title="SECONDS",
            description="Longest wait for a server that pushes back or a network that is gone.",
        ),
    ] = 900.0
    limit: Annotated[Positive | None, Meta(title="N", description="Only the first N data rows.")] = None
    reports: Annotated[str, Meta(title="DIR", description="The folder of the runs.")] = "reports"
    run_id: Annotated[RunId | None, Meta(title="ID", description="A name for the run.")] = None
    yes: Annotated[bool, Meta(description="Do not ask before the first write.")] = False
    json: Annotated[bool, Meta(description="The summary as JSON on standard output, nothing else there.")] = (
        False
    )
    quiet: Annotated[bool, Meta(description="Say nothing but the last line.")] = False
    verbose: Annotated[
        bool | int,
        Meta(description="Show decisions, and the traceback of an error. -vv also shows each request."),
    ] = False

    def replace(self, **values: Any) -> Settings:
        """The same settings with other values for some."""
        return msgspec.structs.replace(self, **values)


class ExplicitSettings(Settings, frozen=True, kw_only=True):
    """Settings that know what of them was said by flags: `flags` is no option itself."""

    flags: dict[str, Any] = {}


PER_CALL_OPTIONS = frozenset({"run_id", "save", "yes", "json", "quiet", "verbose", "reports"})
"""Options that concern one call of the command: resume and retry do not take them over."""

_OF_PAIRS = frozenset({"column", "default"})

_ON_DISK = frozenset({"reports", "save"})
"""Names of what lies on disk and is not written into the journal: bytes that are no letters do no harm in them."""


def resolve_settings(flags: Mapping[str, Any], config: Mapping[str, Any] | None = None) -> ExplicitSettings:
    """Settings from flags (None: not given) over the contents of importer.toml. Raises UsageError.

    The pairs of `--column` and `--default` stand behind the file's, which hold on: of two for one column or field the later
    one goes.
    """
    given = {name: _unquoted(name, value) for name, value in flags.items() if value is not None}
    known = {(key := name.replace("-", "_")): _unquoted(key, value) for name, value in (config or {}).items()}
    for name in (*known, *given):
        if name not in Settings.__struct_fields__:
            near = get_close_matches(name, Settings.__struct_fields__, n=1)
            where = ", which stands in the settings file" if name in known else ""
            raise UsageError(
                f'There is no option "{name}"{where}.',
                f'Did you mean "{near[0]}"?' if near else "See importer run --help.",
            )
    merged = {**known, **given}
    for name in _OF_PAIRS & known.keys() & given.keys():
        if isinstance(known[name], Mapping) and isinstance(given[name], Mapping):
            merged[name] = {**known[name], **given[name]}
    from_file = frozenset(known) - frozenset(given)
    _check_texts(merged, from_file)
    try:
        settings = msgspec.convert(merged, ExplicitSettings, strict=False)
    except msgspec.ValidationError as error:
        raise _makes_no_sense(str(error), merged, from_file) from None
    return msgspec.structs.replace(settings, flags=given)


def _unquoted(name: str, value: Any) -> Any:
    """The option with its texts as texts: a number may stand without quotes, as in `sheet = 2`."""
    if isinstance(value, Mapping):
        return {left: _as_text(right) for left, right in value.items()}
    return _as_text(value) if name == "sheet" else value


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def check_save_target(settings: Settings) -> None:
    """Raises UsageError where `save` names a file that is there already, and is not the map that was read."""
    save = settings.save
    if save and save != settings.map and Path(save).exists():
        raise UsageError(
            f"There is a file {save} already, and --save does not write over it.",
            f"Name another, or change that one: {quote_command('--map', save, '--save', save)}",
        )


def select_explicit(settings: Settings) -> Settings:
    """What flags said, and defaults for the rest: that alone goes before the mapping of an earlier run."""
    return resolve_settings(_flags(settings))


def describe_option(name: str) -> tuple[str, str]:
    """What stands behind an option in the help ("" for a switch), and what it is for."""
    field = next(field for field in msgspec.structs.fields(Settings) if field.name == name)
    metas = [meta for meta in get_args(field.type)[1:] if isinstance(meta, Meta)]
    title = next((meta.title for meta in metas if meta.title), "")
    return title, next(meta.description for meta in metas if meta.description)


def format_flag(name: str) -> str:
    """An option as it is typed: `--header-row`."""
    return f"--{name.replace('_', '-')}"


def read_config(path: Path | None) -> dict[str, Any]:
    """The contents of the config file: `path`, or importer.toml in the working folder if there is one."""
    chosen = path or Path(CONFIG_NAME)
    if path is None and not chosen.exists():
        return {}
    try:
        return parse_toml(read_short_text(chosen))
    except (OSError, ValueError) as error:
        said = (isinstance(error, OSError) and error.strerror) or error
        raise UsageError(
            f"Cannot read the settings in {chosen}: {said}.", "Mend the file, or name another by --config."
        ) from None


def get_inheritable(settings: Settings) -> dict[str, object]:
    """What resume and retry take over from a run, in plain values."""
    return {name: value for name, value in _plain(settings).items() if name not in PER_CALL_OPTIONS}


def merge_run_settings(
    settings: Settings, run: Mapping[str, object], *, but: frozenset[str] = frozenset()
) -> Settings:
    """`settings` where flags named them, else those of an earlier run; those of `but` by flags alone.

    A flag counts also where it names the default. The settings file does not come before what the run was told.
    Raises UsageError when the earlier run has an option that this version does not know.
    """
    flags = _flags(settings)
    now = {name: value for name, value in _plain(settings).items() if name in flags or name not in but}
    kept = {name: value for name, value in run.items() if name not in but | PER_CALL_OPTIONS | flags.keys()}
    return msgspec.structs.replace(resolve_settings({**now, **kept}), flags=flags)


def _flags(settings: Settings) -> dict[str, Any]:
    return settings.flags if isinstance(settings, ExplicitSettings) else {}


def _plain(settings: Settings) -> dict[str, object]:
    plain: dict[str, object] = msgspec.to_builtins(settings)
    return {name: plain[name] for name in Settings.__struct_fields__}


_WANTED = {
    "region": "the two letters of a country, such as IN",
    "rate": "auto, or a number above 0 (100000 at most)",
    "run_id": "letters, digits, . _ and - (100 at most, no . at the end, and none of the names kept for other things)",
    "column": 'pairs of a header and a field, such as "Contact No.=customer_phone"',
    "default": 'pairs of a field and a value, such as "source=Trade fair"',
    "concurrency": "a whole number from 1 to 1000",
}
_WANTED_IN_FILE = {
    "column": 'a table: [column] in a line of its own, below it lines such as "Contact No." = "customer_phone"',
    "default": 'a table: [default] in a line of its own, below it lines such as source = "Trade fair"',
}
_WANTED_BEHIND = {
    "N": "a whole number from 1 to 1000000000",
    "SECONDS": "a number of seconds above 0 (a year at most)",
    "": "true or false",
}


def _check_texts(given: Mapping[str, Any], from_file: frozenset[str]) -> None:
    """Raises UsageError for what no file and no journal can hold: a NUL, or bytes of the shell that are no letters."""
    for name, value in given.items():
        for text in chain.from_iterable(value.items()) if isinstance(value, Mapping) else (value,):
            if isinstance(text, str) and not _is_text(text, on_disk=name in _ON_DISK):
                raise UsageError(
                    f"{_named(name, from_file)} holds what is no text: {text!r}.",
                    "Rename the file." if name == "map" else "Type it again.",
                )


def _is_text(text: str, *, on_disk: bool) -> bool:
    """Whether it can be written down. A name on disk may hold bytes that are no letters."""
    try:
        os.fsencode(text) if on_disk else text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def _named(name: str, from_file: frozenset[str]) -> str:
    return f'"{name}" in the settings file' if name in from_file else format_flag(name)


def _makes_no_sense(message: str, given: Mapping[str, Any], from_file: frozenset[str]) -> UsageError:
    """`--rate takes auto, or a number above 0, not 'fast'.`, or the key of the settings file."""
    found = re.search(r"`\$\.(\w+)", message)
    name = found[1] if found else ""
    if name not in given:
        return UsageError(f"{message}.", "See importer run --help.")
    title, _ = describe_option(name)
    in_file = _WANTED_IN_FILE.get(name) if name in from_file else None
    wanted = in_file or _WANTED.get(name) or _WANTED_BEHIND.get(title) or " or ".join(title.split("|"))
    return UsageError(f"{_named(name, from_file)} takes {wanted}, not {given[name]!r}.")
