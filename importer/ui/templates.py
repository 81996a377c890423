"""Renders the pages. Whatever comes from a cell, a file name or a server is text in them, and never markup."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from importer.messages import format_count
from importer.untrusted_text import sanitize


def render_template(name: str, **values: Any) -> str:
    """Return a page."""
    return _load_environment().get_template(name).render(values)


@cache
def _load_environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("importer.ui", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=show_text,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["count"] = format_count
    return environment


def show_text(value: Any) -> Any:
    """Return text as a page shows it: without characters that reverse or hide the text beside them. Line breaks stay: a cell may have them."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return value if value.isprintable() else "\n".join(map(sanitize, value.splitlines()))
