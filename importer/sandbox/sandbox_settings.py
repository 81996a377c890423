"""What a sandbox is set up with: its options, and its account, read from a TOML file that people can change."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from importer.messages.settings_messages import SANDBOX_OPTION_HELP
from importer.sandbox.request_limit import LimitKind

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
Share = Annotated[float, Meta(ge=0, le=1)]


def _describe(name: str) -> Meta:
    return Meta(description=SANDBOX_OPTION_HELP[name])


class SandboxOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Every field is an option of `importer sandbox`. Its description is the option's help."""

    port: Annotated[int, Meta(ge=0, le=65535, description=SANDBOX_OPTION_HELP["port"])] = 0
    db: Annotated[str | None, Meta(description=SANDBOX_OPTION_HELP["db"])] = None
    api_key: Annotated[str, Meta(description=SANDBOX_OPTION_HELP["api_key"])] = "sandbox-key"
    latency: Annotated[float, Meta(ge=0, description=SANDBOX_OPTION_HELP["latency"])] = 0.0
    rate_limit: Annotated[float, Meta(ge=0, description=SANDBOX_OPTION_HELP["rate_limit"])] = 0.0
    limit_kind: Annotated[LimitKind, Meta(description=SANDBOX_OPTION_HELP["limit_kind"])] = LimitKind.SLIDING
    bucket_size: Annotated[float, Meta(ge=0, description=SANDBOX_OPTION_HELP["bucket_size"])] = 0.0
    retry_after: Annotated[str, Meta(description=SANDBOX_OPTION_HELP["retry_after"])] = "seconds"
    concurrency_limit: Annotated[int, Meta(ge=0, description=SANDBOX_OPTION_HELP["concurrency_limit"])] = 0
    error_share: Annotated[Share, Meta(description=SANDBOX_OPTION_HELP["error_share"])] = 0.0
    drop_before: Annotated[Share, Meta(description=SANDBOX_OPTION_HELP["drop_before"])] = 0.0
    drop_after: Annotated[Share, Meta(description=SANDBOX_OPTION_HELP["drop_after"])] = 0.0
    seed: Annotated[int, Meta(description=SANDBOX_OPTION_HELP["seed"])] = 0
    # What docs/api.md leaves open ("Left open by the documentation"): importer must be right in each case.
    email: Annotated[Literal["replace", "merge"], _describe("email")] = "replace"
    address: Annotated[Literal["merge", "replace"], _describe("address")] = "merge"
    empty_text: Annotated[Literal["value", "ignore", "clear"], _describe("empty_text")] = "value"
    texts: Annotated[Literal["keep", "trim", "lower", "cut"], _describe("texts")] = "keep"
    no_change: Annotated[Literal["moves", "keeps"], _describe("no_change")] = "moves"
    shared_phone: Annotated[Literal["primary", "oldest", "newest"], _describe("shared_phone")] = "primary"
    read_lag: Annotated[float, Meta(ge=0, description=SANDBOX_OPTION_HELP["read_lag"])] = 0.0

    @property
    def database(self) -> Path | None:
        """The SQLite file, or None for a sandbox in memory."""
        return Path(self.db) if self.db else None


class Account:
    """The account's team, and its dropdown lists by the last part of their URL. Each row is as the API shows it."""

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
