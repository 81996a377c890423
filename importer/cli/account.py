"""options: the account's dropdown values."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click
import msgspec

from importer.access import find_access
from importer.cli.console import say, say_wait, show_json
from importer.fields import FIELDS
from importer.models import AccountTitles, Title
from importer.pipeline.asking import fetch_titles
from importer.settings import Settings


@click.command("options")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def options_command(**flags: Any) -> int:
    """Show the account's stages, groups, labels, products and source types."""
    titles = fetch_titles(find_access(os.environ, Path()), Settings(), say_wait)
    if flags["as_json"]:
        show_json(
            {name: list(map(msgspec.structs.asdict, found)) for name, found in by_field(titles).items()}
        )
        return 0
    for name, found in by_field(titles).items():
        say(f"{name} ({len(found)})", bold=True)
        for title in found:
            say(f"  {title.title}" + ("" if title.active else "  (disabled)"))
    return 0


def by_field(titles: AccountTitles) -> dict[str, tuple[Title, ...]]:
    """The lists under the names of the fields that take them."""
    return {
        field.name: titles.get(field.dropdown, ())
        for field in FIELDS
        if field.dropdown is not None and field.name != "remove_labels"
    }
