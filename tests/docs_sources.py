"""Describe the presets in words, for docs/sources/*.md. `python -m tests.docs_sources` writes that part of each page anew."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from importer.fields import FIELDS_BY_NAME, Kind
from importer.loader.mapping.presets import Preset, PresetEntry, load_presets

SOURCES = Path(__file__).parents[1] / "docs" / "sources"
BEGIN, END = "<!-- generated from the preset -->\n", "<!-- end -->\n"
PART = re.compile(f"(?<={re.escape(BEGIN)}).*?(?={re.escape(END)})", re.DOTALL)
ROWS = {
    "deleted": "were deleted in the old CRM", "test_row": "are test rows", "not_a_lead": "are not leads",
}  # fmt: skip


def describe_preset(preset: Preset) -> str:
    """Return what the page of a preset says about its columns and rows."""
    return "\n".join([*_describe_columns(preset), "", *_describe_rules(preset), ""])


def _describe_columns(preset: Preset) -> Iterator[str]:
    yield "| Column | Goes to | |"
    yield "|---|---|---|"
    entries = list(preset.list_entries())
    for header, entry in [e for e in entries if e[1].field] + [e for e in entries if not e[1].field]:
        goes = FIELDS_BY_NAME[entry.field].label if entry.field else "left out"
        yield f"| `{header}` | {goes} | {'; '.join(_describe_entry(entry))} |"


def _describe_entry(entry: PresetEntry) -> Iterator[str]:
    if entry.prefix:
        yield f"without `{entry.prefix}` in front"
    if entry.joiner:
        yield f"several values separated by `{entry.joiner.strip()}`"
    if entry.empty:
        verb = "counts" if len(entry.empty) == 1 else "count"
        yield f"{', '.join(f'`{value}`' for value in entry.empty)} {verb} as empty"
    if entry.otherwise:
        money = FIELDS_BY_NAME[entry.field].kind is Kind.MONEY
        where = "some cells are not amounts" if money else "few of its values exist in the account"
        yield f"{FIELDS_BY_NAME[entry.otherwise].label}, if {where}"
    if entry.reason:
        yield entry.reason


def _describe_rules(preset: Preset) -> Iterator[str]:
    if preset.others:
        yield f"Every other column goes to {FIELDS_BY_NAME[preset.others].label}, with its header."
    for field, value in preset.defaults.items():
        yield f'{FIELDS_BY_NAME[field].label} is "{value}", if the cell is empty.'
    for field, pairs in preset.values.items():
        text = ", ".join(f"`{was}` becomes {means}" for was, means in pairs.items())
        yield f"{FIELDS_BY_NAME[field].label}: {text}."
    for row in preset.rows:
        where = "any column" if row.column == "*" else f"`{row.column}`"
        text = " or ".join([*(f"is `{v}`" for v in row.equals), *(f"begins with `{v}`" for v in row.begins)])
        yield f"Rows where {where} {text} {ROWS[row.code]}{f' ({row.reason})' if row.reason else ''}."


if __name__ == "__main__":
    for each in load_presets():
        page = SOURCES / f"{each.name}.md"
        page.write_text(
            PART.sub(lambda _, each=each: describe_preset(each), page.read_text("utf-8")), "utf-8"
        )
