"""The sandbox's page for people: leads with their notes, and the account's lists."""

from __future__ import annotations

import math

from jinja2 import Environment, PackageLoader, select_autoescape
from starlette.requests import Request
from starlette.responses import Response

from importer.sandbox.account import Account
from importer.sandbox.store import Store

_PAGE_SIZE = 25
_CSP = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
_pages = Environment(
    loader=PackageLoader("importer.sandbox", "."), autoescape=select_autoescape(default=True)
)


def show_page(request: Request, store: Store, account: Account) -> Response:
    """Leads, newest first, with search and pages; nothing of a lead's text becomes markup."""
    text = request.query_params.get("text", "")
    page = (
        max(1, int(request.query_params.get("page", "1") or 1))
        if request.query_params.get("page", "1").isdigit()
        else 1
    )
    total = store.count(text)
    leads = [{**lead, "notes": store.notes(lead["id"])} for lead in store.leads(text, page, _PAGE_SIZE)]
    html = _pages.get_template("page.html").render(
        leads=leads,
        text=text,
        page=page,
        pages=max(1, math.ceil(total / _PAGE_SIZE)),
        total=total,
        lists=account.lists,
    )
    return Response(html, media_type="text/html", headers={"content-security-policy": _CSP})
