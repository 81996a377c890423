"""The application: every screen's routes, the files of the page, and the error pages."""

from __future__ import annotations

from http import HTTPStatus
from importlib import resources

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from importer.ui import (
    columns_screen,
    plan_screen,
    progress_screen,
    questions_screen,
    result_screen,
    rows_api,
    rows_screen,
    runs_screen,
    sheet_screen,
)
from importer.ui.sessions import Sessions
from importer.ui.visit import PageNotFoundError, Visit
from importer.ui.workspace import Workspace

SCREENS = (
    runs_screen,
    sheet_screen,
    columns_screen,
    questions_screen,
    rows_screen,
    rows_api,
    plan_screen,
    progress_screen,
    result_screen,
)
_MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_TOKENS_FILE = "tokens.css"
"""The colours and sizes that all our pages share. It lies in the package itself."""


def build_app(workspace: Workspace, sessions: Sessions) -> Starlette:
    """Return the application. It must be behind `RequestGuard`."""
    routes: list[BaseRoute] = [route for screen in SCREENS for route in screen.ROUTES]
    not_found = {HTTPStatus.NOT_FOUND.value: _show_not_found, PageNotFoundError: _show_not_found}
    app = Starlette(routes=[*routes, Route("/static/{name}", _show_file)], exception_handlers=not_found)
    app.state.workspace = workspace
    app.state.sessions = sessions
    return app


async def _show_not_found(request: Request, error: Exception) -> Response:
    """Answer an address that no route has, or that names no run, with a page of ours."""
    del error
    return await run_in_threadpool(Visit(request).show_not_found)


async def _show_file(request: Request) -> Response:
    """Return a style sheet or script of ours. Only the names in the folder can be asked for."""
    name: str = request.path_params["name"]
    found = _list_files().get(name)
    if found is None:
        return PlainTextResponse("Not Found", 404)
    media_type = next(kind for suffix, kind in _MEDIA_TYPES.items() if name.endswith(suffix))
    return Response(found, media_type=media_type)


def _list_files() -> dict[str, bytes]:
    """Return our files by name."""
    package = resources.files("importer")
    folder = [
        one for one in package.joinpath("ui", "static").iterdir() if one.name.endswith(tuple(_MEDIA_TYPES))
    ]
    return {one.name: one.read_bytes() for one in (*folder, package.joinpath(_TOKENS_FILE))}
