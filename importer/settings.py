"""The options of a run: flags over importer.toml over defaults.

`Settings` is the one table of options. The command line, the settings file, and what `resume` and `retry` inherit are
all derived from its fields.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta

from importer.errors import UsageError
from importer.messages import settings_messages
from importer.messages.settings_messages import OPTION_HELP, OptionHelp
from importer.option_values import check_names, check_texts, explain_wrong_value
from importer.toml_file import parse_toml, read_short_text
from importer.untrusted_text import quote_command

CONFIG_NAME = "importer.toml"

DuplicatesPolicy: TypeAlias = Literal["merge", "first", "last", "reject"]
UnknownPolicy: TypeAlias = Literal["reject", "drop"]
BadCellsPolicy: TypeAlias = Literal["reject", "drop"]
ExistingMode: TypeAlias = Literal["overwrite", "fill", "keep", "append", "unedited", "careful"]
DriftPolicy: TypeAlias = Literal["keep", "replan", "force"]
LookUp: TypeAlias = Annotated[str, Meta(pattern=r"^(?:all|none|sample:[1-9][0-9]{0,8})\Z")]
Sample: TypeAlias = Annotated[str, Meta(pattern=r"^(?:all|[1-9][0-9]{0,8})\Z")]
EditedPolicy: TypeAlias = Literal["lead", "field", "force"]
RowRanges: TypeAlias = Annotated[
    str, Meta(pattern=r"^[1-9]\d{0,8}(?:-[1-9]\d{0,8})?(?:,[1-9]\d{0,8}(?:-[1-9]\d{0,8})?)*\Z")
]
"""Rows of a sheet, such as `2-40,57`."""
TaskTypeName: TypeAlias = Literal[
    "FOLLOW_UP_CALL", "FIRST_CALL", "CALLBACK_REQUEST", "SITE_VISIT", "REMINDER", "BOOKING"
]
OpenTasksPolicy: TypeAlias = Literal["keep", "replace"]
TaskFor: TypeAlias = Literal["all", "new"]
Notify: TypeAlias = Annotated[str, Meta(pattern=r"^[0-9]{1,4}[mhd]\Z")]
Hours: TypeAlias = Annotated[
    str, Meta(pattern=r"^(?:[01]?[0-9]|2[0-4]):[0-5][0-9]-(?:[01]?[0-9]|2[0-4]):[0-5][0-9]\Z")
]
_DAY = "(?:mon|tue|wed|thu|fri|sat|sun)"
Days: TypeAlias = Annotated[str, Meta(pattern=rf"^{_DAY}(?:-{_DAY})?(?:,{_DAY}(?:-{_DAY})?)*\Z")]
RangesPolicy: TypeAlias = Literal["info", "low", "high", "reject"]
RestPolicy: TypeAlias = Literal["info", "ignore"]
Positive = Annotated[int, Meta(ge=1, le=1_000_000_000)]
Seconds = Annotated[float, Meta(gt=0, le=366 * 24 * 3600)]
PerSecond = Annotated[float, Meta(gt=0, le=100_000)]
RunId = Annotated[
    str,
    Meta(
        # Not the names of other things in the reports folder, nor what Windows takes for a device (`nul`, `com1.txt`);
        # otherwise `2026-11-25_leads.v2`: letters, digits, . _ and -, no . at either end.
        pattern=r"^(?!(?i:maps|preparing|practice|notes\.sqlite.*|(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?)\Z)"
        r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9_-])?\Z"
    ),
]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The options of `check` and `run`. Every field is a flag and a key of the settings file.

    `importer.messages.settings_messages.OPTION_HELP` says what each of them is for.
    """

    sheet: tuple[str, ...] = ()
    header_row: Positive | None = None
    encoding: str | None = None
    delimiter: str | None = None
    preset: str | None = None
    map: str | None = None
    save: str | None = None
    column: dict[str, str] = {}
    default: dict[str, str] = {}
    region: Annotated[str, Meta(pattern=r"^[A-Z]{2}\Z")] = "IN"
    create: bool = True
    duplicates: DuplicatesPolicy = "merge"
    unknown: UnknownPolicy = "reject"
    bad_cells: BadCellsPolicy = "reject"
    ranges: RangesPolicy = "info"
    rest: RestPolicy = "info"
    existing: ExistingMode = "overwrite"
    policy: dict[str, str] = {}
    changed: bool = False
    task: TaskTypeName | None = None
    due: str | None = None
    notify: Notify | None = None
    hours: Hours = "10:00-19:00"
    days: Days = "mon-sat"
    timezone: str = "Asia/Kolkata"
    per_day: Positive | None = None
    open_tasks: OpenTasksPolicy = "keep"
    task_for: TaskFor = "all"
    snapshot: bool = False
    look_up: LookUp = "all"
    max_age: Annotated[float, Meta(ge=0, le=366 * 24 * 3600)] = 300.0
    on_drift: DriftPolicy = "keep"
    edited: EditedPolicy = "lead"
    only: tuple[str, ...] = ()
    rows: RowRanges | None = None
    mark_created: str | None = None
    verify: bool = False
    sample: Sample = "all"
    wait: Annotated[float, Meta(ge=0, le=366 * 24 * 3600)] = 0.0
    rate: Literal["auto"] | PerSecond = "auto"
    concurrency: Annotated[int, Meta(ge=1, le=1000)] = 50
    timeout: Seconds = 30.0
    max_wait: Seconds = 900.0
    limit: Positive | None = None
    allow_empty: bool = False
    reports: str = "reports"
    run_id: RunId | None = None
    yes: bool = False
    json: bool = False
    quiet: bool = False
    verbose: bool | int = False

    def replace(self, **values: Any) -> Settings:
        """Return the same settings with other values for some options."""
        return msgspec.structs.replace(self, **values)


class ExplicitSettings(Settings, frozen=True, kw_only=True):
    """Settings that know which options were given as flags. `flags` holds those; it is not an option itself."""

    flags: dict[str, Any] = {}


PER_CALL_OPTIONS = frozenset({"run_id", "save", "yes", "json", "quiet", "verbose", "reports"})
"""Options that concern one call of the command: resume and retry do not inherit them."""

SENDING_OPTIONS = frozenset({"rate", "concurrency", "timeout", "max_wait"})
"""Options about how fast a CRM is used and how long it is waited for. They say nothing about the sheet."""

_FOLDED_OPTIONS: dict[str, Callable[[str], str]] = {
    "task": lambda text: text.upper().replace("-", "_").replace(" ", "_"),
    "days": lambda text: text.lower().replace(" ", ""),
}
"""Options whose case and spaces do not matter."""

PAIR_OPTIONS = frozenset({"column", "default", "policy"})
_REPEATED_OPTIONS = frozenset({"sheet", "only"})


def resolve_settings(flags: Mapping[str, Any], config: Mapping[str, Any] | None = None) -> ExplicitSettings:
    """Return the settings from flags (None: not given) over the contents of importer.toml. Raises UsageError.

    The pairs of `--column` and `--default` are added to those of the file. If both have the same header or field, the
    flag wins.
    """
    given = {name: _normalize_value(name, value) for name, value in flags.items() if value is not None}
    in_file = {
        (key := name.replace("-", "_")): _normalize_value(key, value)
        for name, value in (config or {}).items()
    }
    check_names(given, in_file, Settings.__struct_fields__)
    merged = {**in_file, **given}
    for name in PAIR_OPTIONS & in_file.keys() & given.keys():
        if isinstance(in_file[name], Mapping) and isinstance(given[name], Mapping):
            merged[name] = {**in_file[name], **given[name]}
    only_in_file = frozenset(in_file) - frozenset(given)
    check_texts(merged, only_in_file)
    try:
        settings = msgspec.convert(merged, ExplicitSettings, strict=False)
    except msgspec.ValidationError as error:
        raise explain_wrong_value(str(error), merged, only_in_file) from None
    return msgspec.structs.replace(settings, flags=given)


def select_explicit(settings: Settings) -> Settings:
    """Return the options that were given as flags, with defaults for the rest.

    Only these override the mapping of an earlier run when one of its reports is imported again.
    """
    return resolve_settings(_get_flags(settings))


def is_explicit(settings: Settings, name: str) -> bool:
    """Return whether an option was given as a flag, be it with its default."""
    return name in _get_flags(settings)


def get_inheritable(settings: Settings) -> dict[str, object]:
    """Return the options that resume and retry inherit from a run, as plain values."""
    return {name: value for name, value in _to_builtins(settings).items() if name not in PER_CALL_OPTIONS}


def merge_run_settings(
    settings: Settings, run: Mapping[str, object], *, flags_only: frozenset[str] = frozenset()
) -> Settings:
    """Return the options of an earlier run, overridden by the flags in `settings`.

    A flag overrides even if its value is the default. The settings file does not override the options of the run.
    Options in `flags_only` are not inherited.

    Raises UsageError if the run has an option that this version does not know.
    """
    flags = _get_flags(settings)
    current = {
        name: value
        for name, value in _to_builtins(settings).items()
        if name in flags or name not in flags_only
    }
    inherited = {
        name: value for name, value in run.items() if name not in flags_only | PER_CALL_OPTIONS | flags.keys()
    }
    return msgspec.structs.replace(resolve_settings({**current, **inherited}), flags=flags)


def check_save_target(settings: Settings) -> None:
    """Raise UsageError if `save` names a file that exists and is not the map that was read."""
    save = settings.save
    if save and save != settings.map and Path(save).exists():
        options = quote_command("--map", save, "--save", save)
        raise UsageError(*settings_messages.SAVE_TARGET_EXISTS.format(save=save, options=options))


def is_run_id(text: str) -> bool:
    """Return whether the text can be a run id, and so the name of a folder on every system."""
    try:
        msgspec.convert(text, RunId)
    except msgspec.ValidationError:
        return False
    return True


def describe_option(name: str) -> OptionHelp:
    """Return the placeholder of an option ("" for a switch) and its help."""
    return OPTION_HELP[name]


def read_config(path: Path | None) -> dict[str, Any]:
    """Return the contents of the settings file: `path`, or importer.toml in the working folder if it exists.

    Raises UsageError if it cannot be read.
    """
    chosen = path or Path(CONFIG_NAME)
    if path is None and not chosen.exists():
        return {}
    try:
        return parse_toml(read_short_text(chosen))
    except (OSError, ValueError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or error
        raise UsageError(*settings_messages.UNREADABLE_CONFIG.format(path=chosen, reason=reason)) from None


def _get_flags(settings: Settings) -> dict[str, Any]:
    return settings.flags if isinstance(settings, ExplicitSettings) else {}


def _to_builtins(settings: Settings) -> dict[str, object]:
    values: dict[str, object] = msgspec.to_builtins(settings)
    return {name: values[name] for name in Settings.__struct_fields__}


def _normalize_value(name: str, value: Any) -> Any:
    """Return the option with numbers as text where text is wanted: `sheet = 2` needs no quotes in the settings file."""
    if isinstance(value, Mapping):
        return {left: _to_text(right) for left, right in value.items()}
    if name in _REPEATED_OPTIONS:
        return tuple(map(_to_text, value)) if isinstance(value, list | tuple) else (_to_text(value),)
    if name in _FOLDED_OPTIONS and isinstance(value, str):
        return _FOLDED_OPTIONS[name](value.strip())
    return value


def _to_text(value: Any) -> Any:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
