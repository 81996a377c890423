"""One request as a screen sees it: what was asked for, and the ways to answer.

A screen is a module with plain functions from a `Visit` to an answer, and a list of their routes. They run in a thread pool,
so they may read files. Cookie, Host, Origin and token have been checked before.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar
from urllib.parse import parse_qsl, urlsplit

import msgspec
from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from importer.errors import DiskWriteError, ImporterError, RunLockedError, UsageError
from importer.messages import ui_messages
from importer.settings import RunId
from importer.ui.request_guard import SESSION_KEY
from importer.ui.run_pages import find_page, list_steps
from importer.ui.sessions import Session, Sessions
from importer.ui.templates import render_template
from importer.ui.texts import LANGUAGES, Texts, choose_language

if TYPE_CHECKING:
    from importer.ui.workspace import Workspace

_logger = logging.getLogger(__name__)
_T = TypeVar("_T")

MAX_BODY_BYTES = 4 << 20
"""Of a form or JSON: a page of 200 rows has a tenth of that."""
TOKEN_HEADER, TOKEN_FIELD = "x-importer-token", "token"


class PageNotFoundError(Exception):
    """There is no such page."""


class Form:
    """The fields of a form, each with all of its values. Raises UsageError for more fields than any page has."""

    def __init__(self, body: str) -> None:
        try:
            self._pairs = parse_qsl(body, keep_blank_values=True, max_num_fields=100_000)
        except ValueError:
            raise UsageError(*ui_messages.BODY_NOT_VALID) from None
        self._last = dict(
            self._pairs
        )  # a question may have thousands of fields, which are asked for one by one

    def __contains__(self, name: str) -> bool:
        """Return whether the form has the field."""
        return name in self._last

    def get(self, name: str, default: str = "") -> str:
        """Return the last value of a field."""
        return self._last.get(name, default)

    def get_all(self, name: str) -> list[str]:
        """Return all values of a field, in order."""
        return [value for key, value in self._pairs if key == name]

    def get_prefixed(self, prefix: str) -> dict[str, str]:
        """Return the fields whose names begin with `prefix`, by the rest of their names."""
        return {key.removeprefix(prefix): value for key, value in self._pairs if key.startswith(prefix)}


class Visit:
    """One request. `path` and `query` are the values in its address."""

    def __init__(self, request: Request, body: bytes = b"") -> None:
        self.workspace: Workspace = request.app.state.workspace
        self.session: Session = request.scope[SESSION_KEY]
        self.path: dict[str, str] = request.path_params
        self.query = request.query_params
        self.headers = request.headers
        self.body = body
        self._sessions: Sessions = request.app.state.sessions
        language = self.session.language or choose_language(request.headers.get("accept-language", ""))
        self.t = Texts(language)

    @property
    def run_id(self) -> str:
        """The run in the address. Raises PageNotFoundError for a name that no run can have."""
        try:
            return msgspec.convert(self.path["run_id"], RunId)
        except msgspec.ValidationError:
            raise PageNotFoundError from None

    @property
    def folder(self) -> Path:
        """The folder of the run in the address."""
        return self.workspace.reports / self.run_id

    @cached_property
    def form(self) -> Form:
        """The fields of the form that was sent."""
        return Form(self.body.decode("utf-8", "replace"))

    def read_json(self, kind: type[_T]) -> _T:
        """Return the JSON that was sent. Raises UsageError if it is not what is wanted."""
        try:
            return msgspec.json.decode(self.body, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise UsageError(*ui_messages.BODY_NOT_VALID) from None

    @property
    def wants_json(self) -> bool:
        """Whether a script of ours has sent this, and not a form."""
        return TOKEN_HEADER in self.headers

    # --- answers

    def url(self, path: str) -> str:
        """Return the address of a page of ours."""
        return f"{self._sessions.prefix}{path}"

    def redirect(self, path: str) -> Response:
        """Send the browser to a page of ours, which it reads anew."""
        return RedirectResponse(self.url(path), HTTPStatus.SEE_OTHER)

    def to_json(self, value: object, status: int = 200) -> Response:
        """Answer with JSON."""
        return Response(msgspec.json.encode(value), status, media_type="application/json")

    def render(self, template: str, *, status: int = 200, **values: Any) -> Response:
        """Answer with a page. Pages about a run show why its last task has failed, or the `failure` that is given."""
        values = {**self._describe_run(values.pop("step", "")), **values}
        token = Markup('<input type="hidden" name="{}" value="{}">').format(TOKEN_FIELD, self.session.token)
        content = render_template(
            template,
            t=self.t,
            url=self.url,
            static=lambda name: self.url(f"/static/{name}"),
            token=self.session.token,
            token_field=token,
            languages=LANGUAGES,
            is_practice=self.workspace.accounts.is_practice,
            **values,
        )
        return Response(content, status, media_type="text/html")

    def _describe_run(self, step: str) -> dict[str, Any]:
        """Return what the frame of a page shows about the run in its address, with `step` as where the page is."""
        if not step:
            return {"run_id": self.path.get("run_id", ""), "steps": [], "failure": None}
        place = self.workspace.find_place(self.run_id)
        has_failed = place.task is not None and place.running is None
        return {
            "run_id": self.run_id,
            "steps": list_steps(place, self.run_id, step),
            "failure": place.task.failure if place.task is not None and has_failed else None,
        }

    def go_to_run(self) -> Response:
        """Send the browser to the page that the run in the address is at. Raises PageNotFoundError if there is none.

        A run that could not even begin has no folder: then its failure is raised.
        """
        place = self.workspace.find_place(self.run_id)
        if path := find_page(place, self.run_id):
            return self.redirect(path)
        raise place.task.failure if place.task is not None and place.task.failure else PageNotFoundError

    def show_error(self, error: ImporterError, status: int) -> Response:
        """Answer with an error: as JSON to our scripts, else as a page."""
        if self.wants_json:
            return self.to_json({"message": error.message, "advice": error.advice}, status)
        back = f"/runs/{self.path['run_id']}" if "run_id" in self.path else "/"
        return self.render("error.html", status=status, error=error, back=back)

    def show_not_found(self) -> Response:
        """Answer that there is no such page."""
        return self.render("not_found.html", status=HTTPStatus.NOT_FOUND)

    def name_crm(self, base_url: str) -> str:
        """Return where the leads of a run go, as the page names it."""
        is_practice = self.workspace.accounts.is_practice_address(base_url)
        return self.t("common.practice") if is_practice else urlsplit(base_url).netloc

    def make_launch_code(self) -> str:
        """Return a code that opens the page in another browser."""
        return self._sessions.make_launch_code()

    def make_nonce(self, *parts: str) -> str:
        """Return a text for a form that holds only for exactly these parts."""
        return self.session.make_nonce(*parts)

    def has_nonce(self, given: str, *parts: str) -> bool:
        """Return whether a form was made for these parts."""
        return self.session.has_nonce(given, *parts)


Handler: TypeAlias = Callable[[Visit], Response]


def show(path: str, handler: Handler) -> Route:
    """Return the route of a page that only shows."""

    async def endpoint(request: Request) -> Response:
        return await run_in_threadpool(_answer, handler, Visit(request))

    return Route(path, endpoint, methods=["GET"])


def write(path: str, handler: Handler, *, method: str = "POST") -> Route:
    """Return the route of something that changes. The token of the session's pages must come with it."""

    async def endpoint(request: Request) -> Response:
        body = await _read_body(request)
        if body is None:
            error = UsageError(*ui_messages.BODY_TOO_LARGE)
            return Visit(request).show_error(error, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        return await run_in_threadpool(_answer, check_token, Visit(request, body))

    def check_token(visit: Visit) -> Response:
        if not has_token(visit):
            return visit.show_error(UsageError(*ui_messages.FORM_EXPIRED), HTTPStatus.FORBIDDEN)
        return handler(visit)

    return Route(path, endpoint, methods=[method])


def has_token(visit: Visit) -> bool:
    """Return whether a write comes from a page of this session: in a header from scripts, in a field from forms."""
    given = visit.headers.get(TOKEN_HEADER)
    return visit.session.has_token(visit.form.get(TOKEN_FIELD) if given is None else given)


def _answer(handler: Handler, visit: Visit) -> Response:
    """Call the handler, and answer what it raises."""
    try:
        return handler(visit)
    except PageNotFoundError:
        return visit.show_not_found()
    except RunLockedError as error:
        return visit.show_error(error, HTTPStatus.CONFLICT)
    except DiskWriteError as error:
        return visit.show_error(error, HTTPStatus.INSUFFICIENT_STORAGE)
    except ImporterError as error:
        return visit.show_error(error, HTTPStatus.BAD_REQUEST)
    except Exception as error:
        _logger.exception("A page failed")
        text = ui_messages.INTERNAL_ERROR.format(kind=type(error).__name__)
        return visit.show_error(ImporterError(*text), HTTPStatus.INTERNAL_SERVER_ERROR)


async def _read_body(request: Request) -> bytes | None:
    """Return the body, or None for one that is too large."""
    body = bytearray()
    chunks: AsyncIterator[bytes] = request.stream()
    async for chunk in chunks:
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            return None
    return bytes(body)
