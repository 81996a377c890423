"""Nobody but the browser that was launched reaches the page, and no page of another site can act through it."""

import asyncio
import re
import socket
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from importer.ui.request_guard import PAGE_POLICY
from importer.ui.sessions import LAUNCH_CODE_S, Sessions
from tests.ui.browser import Browser, make_server


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Return one server for all requests that it only refuses."""
    page = make_server(tmp_path_factory.mktemp("guarded"))
    yield page
    page.listener.close()


@pytest.fixture(scope="module")
def browser(server):
    return Browser(server)


@pytest.fixture
def client(server):
    """Return a client without a session."""
    return TestClient(server.guard, base_url=f"http://127.0.0.1:{server.port}", follow_redirects=False)


# --- where it listens


def test_it_listens_on_this_machine_alone(server):
    """There is no option for another address, and a free port is taken."""
    assert server.listener.getsockname()[0] == "127.0.0.1"
    assert server.port > 0


def test_a_port_in_use_is_an_error_and_never_shared(server):
    from importer.ui.local_server import prepare_server

    with pytest.raises(OSError, match="in use"):
        prepare_server(server.workspace, server.port)


def test_there_is_no_option_for_another_address():
    from importer.cli.ui_commands import ui_command

    assert {option.name for option in ui_command.params} == {
        "file", "port", "browser", "practice", "reports", "verbose", "config",
    }  # fmt: skip


# --- Host


@pytest.mark.parametrize(
    "path", ["/", "/launch/x", "/favicon.ico", "PREFIX/", "PREFIX/static/page.css", "PREFIX/runs/a/events"]
)
@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:PORT",
        "127.0.0.1",
        "localhost",
        "127.0.0.1:1",
        "127.0.0.1:PORT.evil.example",
        "[::1]:PORT",
        "",
    ],
)
def test_another_host_is_a_400_before_any_route(browser, host, path):
    """A name that an attacker lets point to this machine (DNS rebinding) is not ours, whatever the cookie says."""
    address = path.replace("PREFIX", browser.prefix)
    answer = browser.client.get(address, headers={"host": host.replace("PORT", str(browser.server.port))})
    assert (answer.status_code, answer.text) == (400, "Bad Request")


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_both_names_of_this_machine_are_ours(browser, name):
    answer = browser.client.get(f"{browser.prefix}/", headers={"host": f"{name}:{browser.server.port}"})
    assert answer.status_code == 200


def test_two_hosts_are_a_400(browser):
    headers = [("host", f"127.0.0.1:{browser.server.port}"), ("host", "evil.example")]
    answers = []

    async def send(message):
        answers.append(message)

    scope = {
        "type": "http", "method": "GET", "path": f"{browser.prefix}/", "query_string": b"", "scheme": "http",
        "headers": [(name.encode(), value.encode()) for name, value in headers],
    }  # fmt: skip
    asyncio.run(browser.server.guard(scope, None, send))
    assert answers[0]["status"] == 400


def test_a_websocket_is_closed(browser):
    """Even with the right Host and the cookie: the page has none."""
    answers = []

    async def send(message):
        answers.append(message)

    cookie = f"importer-ui={browser.client.cookies['importer-ui']}"
    headers = [("host", f"127.0.0.1:{browser.server.port}"), ("origin", browser.origin), ("cookie", cookie)]
    scope = {
        "type": "websocket", "path": f"{browser.prefix}/", "query_string": b"", "scheme": "ws",
        "headers": [(name.encode(), value.encode()) for name, value in headers],
    }  # fmt: skip
    asyncio.run(browser.server.guard(scope, None, send))
    assert answers == [{"type": "websocket.close", "code": 1008}]


# --- the launch code and the cookie


def test_a_launch_code_opens_one_session(client, server):
    """The cookie is out of reach of scripts and of other sites, and goes to our path only."""
    url = server.make_launch_url()
    first, second = client.get(url), client.get(url)
    assert (first.status_code, second.status_code) == (200, 403)
    name, *attributes = first.headers["set-cookie"].split("; ")
    assert len(name.partition("=")[2]) >= 43  # 256 bits
    assert sorted(attributes) == ["HttpOnly", f"Path={server.sessions.prefix}/", "SameSite=Strict"]
    assert f'url={server.sessions.prefix}/"' in first.text


def test_a_launch_code_has_256_bits_and_expires():
    now = [0.0]
    sessions = Sessions(lambda: now[0])
    early, late = sessions.make_launch_code(), sessions.make_launch_code()
    assert len(early) >= 43
    now[0] = LAUNCH_CODE_S
    assert sessions.open_session(early) is not None
    now[0] += 0.001
    assert sessions.open_session(late) is None


def test_a_look_at_the_headers_does_not_use_up_the_code(client, server):
    url = server.make_launch_url()
    assert client.head(url).status_code == 403
    assert client.get(url).status_code == 200


@pytest.mark.parametrize(
    "path", ["/", "/favicon.ico", "/launch/", "/launch/x", "PREFIX", "PREFIX/", "PREFIX/static/page.css"]
)
def test_without_the_cookie_there_is_only_a_sentence(client, server, path):
    answer = client.get(path.replace("PREFIX", server.sessions.prefix))
    assert answer.status_code == 403
    assert "importer ui" in answer.text
    assert "<" not in answer.text


def test_a_cookie_of_another_start_opens_nothing(client, server):
    headers = {"cookie": f"importer-ui={'a' * 43}"}
    assert client.get(f"{server.sessions.prefix}/", headers=headers).status_code == 403


@pytest.mark.parametrize("other", ["a b=c", "x=1; y", 'prefs={"theme": "dark"}', "é=1", "="])
@pytest.mark.parametrize("is_first", [True, False])
def test_a_cookie_of_another_program_does_not_lock_the_user_out(other, is_first):
    """Browsers send the cookies of all ports of a machine, also those that no standard allows."""
    sessions = Sessions()
    cookie = sessions.open_session(sessions.make_launch_code()).cookie.partition(";")[0]
    header = f"{cookie}; {other}" if is_first else f"{other}; {cookie}"
    assert sessions.find_session(header) is not None
    assert sessions.find_session(other) is None


def test_each_start_has_a_path_of_its_own():
    assert len({Sessions().prefix for _ in range(50)}) == 50


# --- writes


WRITES = ["/paste", "/key", "/practice", "/language", "/link"]


@pytest.mark.parametrize("path", WRITES)
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": None},
        {"origin": "null"},
        {"origin": "http://evil.example"},
        {"origin": "https://127.0.0.1:PORT"},
        {"origin": "http://127.0.0.1:1"},
        {"origin": "http://localhost:PORT"},  # not the name that the page was opened by
        {"sec-fetch-site": None},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "none"},
    ],
)
def test_a_write_that_another_site_causes_is_a_403(browser, path, headers):
    sent = browser.make_headers()
    for name, value in headers.items():
        sent.pop(name)
        if value is not None:
            sent[name] = value.replace("PORT", str(browser.server.port))
    answer = browser.client.post(browser.prefix + path, content=f"token={browser.token}", headers=sent)
    assert (answer.status_code, answer.text) == (403, "Forbidden")


@pytest.mark.parametrize(
    "path", [*WRITES, "/runs/a/send", "/runs/a/stop", "/runs/a/columns", "/runs/a/discard"]
)
@pytest.mark.parametrize("content", ["", "token=", "token=x", "token=%00"])
def test_a_write_without_the_token_is_a_403(browser, path, content):
    answer = browser.client.post(browser.prefix + path, content=content, headers=browser.make_headers())
    assert answer.status_code == 403
    assert "earlier start of importer" in answer.text


def test_a_token_of_another_session_is_a_403(server):
    first, second = Browser(server), Browser(server)
    content = f"token={first.token}&practice=on"
    answer = second.client.post(f"{second.prefix}/practice", content=content, headers=second.make_headers())
    assert answer.status_code == 403


@pytest.mark.parametrize("token", [None, "", "x"])
def test_an_upload_without_the_token_is_a_403_and_leaves_nothing(browser, token):
    headers = browser.make_headers() | ({} if token is None else {"x-importer-token": token})
    answer = browser.client.put(f"{browser.prefix}/upload?name=a.csv", content=b"Phone\n1", headers=headers)
    assert answer.status_code == 403
    assert not (browser.server.workspace.reports / "preparing").exists()


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"])
def test_other_methods_are_a_405(browser, method):
    answer = browser.client.request(method, f"{browser.prefix}/", headers=browser.make_headers())
    assert answer.status_code == 405


def test_nothing_is_changed_by_a_get(browser):
    """A link, an image or a prefetch can cause one."""
    from importer.ui.web_app import build_app

    app = build_app(browser.server.workspace, browser.server.sessions)
    for route in app.routes:
        if route.methods - {"GET", "HEAD"}:
            assert route.methods <= {"POST", "PUT"}, route.path


def test_a_form_that_is_too_large_is_a_413(browser):
    from importer.ui.visit import MAX_BODY_BYTES

    answer = browser.write("/paste", [("table", "x" * MAX_BODY_BYTES)])
    assert answer.status_code == 413


# --- headers


ANSWERS = ["/", "/static/page.css", "/nothing", "/runs/none", "/runs/..%2f..%2fetc"]


@pytest.mark.parametrize("path", ANSWERS)
def test_every_answer_has_the_protecting_headers(browser, path):
    headers = browser.client.get(browser.prefix + path).headers
    assert headers["content-security-policy"] == PAGE_POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert not [name for name in headers if name.startswith("access-control")]


def test_refusals_have_the_headers_too(client):
    assert client.get("/", headers={"host": "evil.example"}).headers["content-security-policy"] == PAGE_POLICY
    assert client.get("/").headers["cache-control"] == "no-store"


def test_the_policy_allows_nothing_inline_and_nothing_from_elsewhere():
    sources = dict(part.strip().split(" ", 1) for part in PAGE_POLICY.split(";"))
    assert sources["default-src"] == "'none'"
    assert sources["frame-ancestors"] == "'none'"
    assert "unsafe" not in PAGE_POLICY
    assert {source for value in sources.values() for source in value.split()} == {"'self'", "'none'"}


TEMPLATES = sorted((Path(__file__).parents[2] / "importer" / "ui" / "templates").glob("*.html"))


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_templates_have_no_inline_code_and_escape_everything(template):
    """The browser would refuse it, so a page would silently lose a part."""
    text = template.read_text("utf-8")
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=|javascript:", text)
    assert "|safe" not in text
    assert "autoescape" not in text
    assert not re.search(r"https?://", text)


# --- it ends by itself


def test_it_ends_after_half_an_hour_without_use(tmp_path):
    from importer.ui.local_server import IDLE_S, IdleWatch

    server = make_server(tmp_path)
    now = [0.0]
    watch = IdleWatch(server.workspace, lambda: now[0])
    now[0] = IDLE_S
    assert not watch.is_idle()
    watch.record_use()
    now[0] += IDLE_S
    assert not watch.is_idle()
    now[0] += 1
    assert watch.is_idle()
    server.listener.close()


def test_a_run_under_way_is_use(tmp_path):
    import threading

    from importer.ui.local_server import IDLE_S, IdleWatch
    from importer.ui.run_task import TaskKind

    server, now, end = make_server(tmp_path), [0.0], threading.Event()
    watch = IdleWatch(server.workspace, lambda: now[0])
    server.workspace.tasks.start("run", TaskKind.SEND, lambda _: end.wait())
    now[0] = 10 * IDLE_S
    assert not watch.is_idle()
    end.set()
    server.workspace.tasks.find("run").join()
    now[0] += IDLE_S + 1
    assert watch.is_idle()
    server.listener.close()


def test_help_loads_nothing_of_the_page(run_python):
    """`importer --help` answers at once: neither Starlette nor Jinja2 is loaded for it."""
    loaded = run_python(
        "import sys; from importer.cli.main import main; main(['--help'])\n"
        "print([name for name in sys.modules if name.startswith(('importer.ui', 'starlette', 'uvicorn', 'jinja2'))])"
    )
    assert loaded.splitlines()[-1] == "[]"


def test_the_listener_is_closed_to_other_machines(server):
    """A connection by the machine's other addresses is refused by the system."""
    with socket.socket() as other, pytest.raises(OSError, match=r"refused|unreachable"):
        other.settimeout(2)
        other.connect(
            (socket.gethostbyname(socket.gethostname()).replace("127.0.0.1", "127.0.0.2"), server.port)
        )


def test_a_question_that_waits_is_no_run_under_way(tmp_path):
    """Its answers so far are on disk, so the check begins again when somebody comes back."""
    from importer.ui.local_server import IDLE_S, IdleWatch
    from importer.ui.run_task import TaskKind

    server, now = make_server(tmp_path), [0.0]
    watch = IdleWatch(server.workspace, lambda: now[0])
    server.workspace.tasks.start("run", TaskKind.CHECK, lambda task: task.prompter.choose_titles([]))
    task = server.workspace.tasks.find("run")
    while task.prompter.question is None:
        task.join(0.01)
    now[0] = IDLE_S + 1
    assert watch.is_idle()
    task.stop()
    task.join()
    assert task.failure is not None
    server.listener.close()
