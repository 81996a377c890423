"""The sandbox's account: its dropdown lists and team, read from a TOML file that people can change."""

from __future__ import annotations

import tomllib
from importlib import resources
from typing import Any

SOURCE_TYPES = (
    "CSV_UPLOAD",
    "FACEBOOK_INTEGRATION",
    "PHONE_CONTACT",
    "WHATSAPP_MESSAGE",
    "WHATSAPP_INTEGRATION",
    "PABBLY",
    "OTHERS",
)
"""Fixed by Superfone (docs/api.md, "Dropdown lists")."""

Row = dict[str, Any]


class Account:
    """The account's lists, by the last part of their URL. Each row is as the API shows it."""

    def __init__(self, seed: dict[str, Any]) -> None:
        labels = seed["labels"]
        self.lists: dict[str, list[Row]] = {
            "source-type": [{"title": title} for title in SOURCE_TYPES],
            "lead-stage": _add_ids(seed["stages"], {"type": "NONE", "is_editable": True}, positions=True),
            "lead-group": _add_ids(seed["groups"], {"type": "NONE"}),
            "label": _add_ids(
                [{"title": title} for title in labels["active"]]
                + [{"title": title, "status": "DISABLED"} for title in labels["disabled"]],
                {"colour": "#2563eb", "text_colour": "#ffffff"},
            ),
            "product": _add_ids(seed["products"], {"description": "", "currency": "INR", "link": None}),
        }
        self.members: list[Row] = _add_ids(seed["members"], {})

    def find_active(self, name: str, title: str) -> list[Row]:
        """Return the active rows of a list that have exactly this title."""
        rows = self.lists[name]
        return [row for row in rows if row["title"] == title and row.get("status", "ACTIVE") == "ACTIVE"]

    def find_by_title(self, name: str, title: str | None) -> Row | None:
        """Return the row of a list with this title, active ones first: a lead keeps a stage that was disabled later."""
        found = [row for row in self.lists[name] if row["title"] == title]
        return min(found, key=lambda row: row.get("status", "ACTIVE"), default=None)

    def find_member(self, phone: str | None) -> Row | None:
        """Return the team member with this phone."""
        return next((row for row in self.members if row["phone"] == phone), None)


def load_default_account() -> Account:
    """Return the account that `account.toml` describes."""
    text = resources.files(__package__).joinpath("account.toml").read_text("utf-8")
    return Account(tomllib.loads(text))


def _add_ids(rows: list[Row], common: Row, *, positions: bool = False) -> list[Row]:
    return [
        {"id": number, "status": "ACTIVE", **common, **({"position": number} if positions else {}), **row}
        for number, row in enumerate(rows, 1)
    ]
