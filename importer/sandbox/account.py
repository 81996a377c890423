"""The account behind a sandbox: its dropdown lists and team, read from a TOML file that people can change."""

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
"""Defined by Superfone (API page, "Dropdown lists")."""

Row = dict[str, Any]


class Account:
    """Lists by the last part of their address; each row as the API shows it."""

    def __init__(self, seed: dict[str, Any]) -> None:
        labels = seed["labels"]
        self.lists: dict[str, list[Row]] = {
            "source-type": [{"title": title} for title in SOURCE_TYPES],
            "lead-stage": _numbered(seed["stages"], {"type": "NONE", "is_editable": True}, positions=True),
            "lead-group": _numbered(seed["groups"], {"type": "NONE"}),
            "label": _numbered(
                [{"title": title} for title in labels["active"]]
                + [{"title": title, "status": "DISABLED"} for title in labels["disabled"]],
                {"colour": "#2563eb", "text_colour": "#ffffff"},
            ),
            "product": _numbered(seed["products"], {"description": "", "currency": "INR", "link": None}),
        }
        self.members: list[Row] = _numbered(seed["members"], {})

    def named(self, name: str, title: str) -> list[Row]:
        """The active rows of a list that have exactly this title."""
        rows = self.lists[name]
        return [row for row in rows if row["title"] == title and row.get("status", "ACTIVE") == "ACTIVE"]

    def titled(self, name: str, title: str | None) -> Row | None:
        """The row of a list with this title, active ones first: a lead keeps a stage that was disabled later."""
        found = [row for row in self.lists[name] if row["title"] == title]
        return min(found, key=lambda row: row.get("status", "ACTIVE"), default=None)

    def member(self, phone: str | None) -> Row | None:
        """The team member with this phone."""
        return next((row for row in self.members if row["phone"] == phone), None)


def load_default_account() -> Account:
    """The account of `account.toml`."""
    text = resources.files(__package__).joinpath("account.toml").read_text("utf-8")
    return Account(tomllib.loads(text))


def _numbered(rows: list[Row], common: Row, *, positions: bool = False) -> list[Row]:
    return [
        {"id": number, "status": "ACTIVE", **common, **({"position": number} if positions else {}), **row}
        for number, row in enumerate(rows, 1)
    ]
