"""Read the values of a lead that the CRM showed, by the fields and in the shapes of an upsert."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from importer.fields import Dropdown
from importer.models.crm_lead import CrmLead, CrmTitle

TitleNames: TypeAlias = "Mapping[tuple[Dropdown, str], str]"
"""The account's titles by list and id: a stage that was renamed since is still the same stage."""


def get_value(lead: CrmLead, field: str, titles: TitleNames) -> Any:
    """Return the lead's value of a field that the API shows, in the shape that an upsert takes."""
    name, _, part = field.partition(".")
    if part:
        return (lead.address or {}).get(part)
    if read := _READERS.get(field):
        return read(lead, titles)
    return getattr(lead, name)


def _get_title(found: CrmTitle | None, dropdown: Dropdown, titles: TitleNames) -> str | None:
    if found is None:
        return None
    return titles.get((dropdown, str(found.id)), found.title)


_READERS: dict[str, Callable[[CrmLead, TitleNames], Any]] = {
    "lead_stage_name": lambda lead, titles: _get_title(lead.lead_stage, Dropdown.STAGE, titles),
    "lead_group_name": lambda lead, titles: _get_title(lead.lead_group, Dropdown.GROUP, titles),
    "email": lambda lead, _: list(lead.email or ()),
}


def get_listed_values(lead: CrmLead, field: str, titles: TitleNames) -> list[str]:
    """Return the labels or the phones of the lead: what `add_labels`, `remove_labels` and `add_phones` change."""
    if field == "add_phones":
        return sorted(lead.numbers)
    return [
        title
        for label in lead.labels or ()
        if (title := _get_title(label, Dropdown.LABEL, titles)) is not None
    ]
