"""The sandbox's web page: leads with their notes and tasks, and the account's lists."""

from __future__ import annotations

import math
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, select_autoescape
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from importer.sandbox.lead_store import LeadStore
from importer.sandbox.sandbox_settings import Account

_PAGE_SIZE = 25
_COPY_SIZE = 1000
_CSP = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'"
_CONTROL_CHARACTERS = [*range(9), 11, 12, *range(14, 32), *range(127, 160)]
_DIRECTION_MARKS = [0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
_HIDDEN_CHARACTERS = dict.fromkeys([*_CONTROL_CHARACTERS, *_DIRECTION_MARKS], "\ufffd")
_LIST_TITLES = {
    "lead-stage": "Stages",
    "lead-group": "Groups",
    "label": "Labels",
    "product": "Products",
    "source-type": "Source types",
}


def show_page(request: Request, store: LeadStore, account: Account) -> Response:
    """Return the page of leads, newest first, with a search. All text of a lead is escaped.

    `?copy` returns one page without links, which the demo saves as a file.
    """
    copy = "copy" in request.query_params
    size = _COPY_SIZE if copy else _PAGE_SIZE
    text = request.query_params.get("text", "").strip()
    total = store.count(text)
    pages = max(1, math.ceil(total / size))
    page = min(_parse_page_number(request.query_params.get("page", "1")), pages)
    html = _pages.get_template("leads_page.html").render(
        leads=[_add_timeline(lead, store) for lead in store.search_leads(text, page, size)],
        text=text,
        page=page,
        pages=pages,
        total=total,
        notes=store.count_notes(),
        copy=copy,
        lists=[(title, account.lists[name]) for name, title in _LIST_TITLES.items()],
        members={row["phone"]: row for row in account.members},
        policy=_CSP,
        tokens=Markup(_read_tokens()),  # noqa: S704 - our own style sheet, not a text of a lead
    )
    headers = {"content-security-policy": f"{_CSP}; frame-ancestors 'none'", "cache-control": "no-store"}
    return Response(html, media_type="text/html", headers=headers)


def _read_tokens() -> str:
    """Return the colours and fonts that all our pages share."""
    return resources.files("importer").joinpath("tokens.css").read_text("utf-8")


def _add_timeline(lead: dict[str, Any], store: LeadStore) -> dict[str, Any]:
    return {**lead, "timeline": store.read_timeline(lead["id"]), "tasks": store.read_tasks(lead["id"])}


def _parse_page_number(given: str) -> int:
    return max(1, int(given)) if given.isascii() and given.isdigit() and len(given) < 10 else 1


def format_rupees(amount: float) -> str:
    """Return an amount in Indian digit grouping: `₹1,20,000`, `₹12,00,000.50`."""
    whole, _, paise = f"{abs(amount):.2f}".partition(".")
    head, tail = whole[:-3], whole[-3:]
    pairs = [head[max(0, end - 2) : end] for end in range(len(head), 0, -2)][::-1]
    sign = "-" if amount < 0 else ""
    return f"{sign}₹{','.join([*pairs, tail])}{'' if paise == '00' else f'.{paise}'}"


def _replace_hidden_characters(value: Any) -> Any:
    """Return text without invisible characters, some of which reverse or hide the text beside them."""
    return (
        value.translate(_HIDDEN_CHARACTERS)
        if isinstance(value, str) and not isinstance(value, Markup)
        else value
    )


_pages = Environment(
    loader=PackageLoader("importer.sandbox", "."),
    autoescape=select_autoescape(default=True),
    finalize=_replace_hidden_characters,
    trim_blocks=True,
    lstrip_blocks=True,
)
_pages.filters["rupees"] = format_rupees
