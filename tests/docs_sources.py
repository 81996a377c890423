"""Writes the part of docs/sources/*.md that comes from the presets: python -m tests.docs_sources."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from importer.fields import FIELDS_BY_NAME, Kind
from importer.loader.mapping.presets import Preset, PresetEntry, load_presets

SOURCES = Path(__file__).parents[1] / "docs" / "sources"
BEGIN, END = "<!-- what follows is made from the preset -->\n", "<!-- until here -->\n"
PART = re.compile(f"(?<={re.escape(BEGIN)}).*?(?={re.escape(END)})", re.DOTALL)
ROWS = {
    "deleted": "were deleted in the old CRM", "test_row": "are test rows", "not_a_lead": "are not leads",
}  # fmt: skip


def build_part(preset: Preset) -> str:
    """Return what the page of a preset says about its columns and rows."""
    return "\n".join([*_list_columns(preset), "", *_list_other_rules(preset), ""])


def _list_columns(preset: Preset) -> Iterator[str]:
    yield "| column | goes to | |"
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
        yield f"{', '.join(f'`{value}`' for value in entry.empty)} count as empty"
    if entry.otherwise:
        money = FIELDS_BY_NAME[entry.field].kind is Kind.MONEY
        where = "some cells are not amounts" if money else "few of its values exist in your account"
        yield f"{FIELDS_BY_NAME[entry.otherwise].label}, if {where}"
    if entry.reason:
        yield entry.reason


def _list_other_rules(preset: Preset) -> Iterator[str]:
    if preset.others:
        yield f"Any other column is kept in {FIELDS_BY_NAME[preset.others].label}, under its own header."
    for field, value in preset.defaults.items():
        yield f'{FIELDS_BY_NAME[field].label} is "{value}", if the sheet does not say otherwise.'
    for field, pairs in preset.values.items():
        said = ", ".join(f"`{was}` becomes {means}" for was, means in pairs.items())
        yield f"{FIELDS_BY_NAME[field].label}: {said}."
    for row in preset.rows:
        where = "any column" if row.column == "*" else f"`{row.column}`"
        said = " or ".join([*(f"is `{v}`" for v in row.equals), *(f"begins with `{v}`" for v in row.begins)])
        yield f"Rows where {where} {said} {ROWS[row.code]}{f' ({row.reason})' if row.reason else ''}."


if __name__ == "__main__":
    for each in load_presets():
        page = SOURCES / f"{each.name}.md"
        page.write_text(PART.sub(lambda _, each=each: build_part(each), page.read_text("utf-8")), "utf-8")
