"""-v prints decisions and -vv each request, on standard error, without the key and without phones."""

import json
import logging
import os

import pytest

from importer.cli.console import verbosity
from importer.cli.logging_setup import configure_logging
from importer.sender.client import Client
from tests.support import KEY, write_csv

PHONE = "+919845012345"
SHEET = [["Phone", "Name"], ["98450 12345", "Asha"]]
LOGGER = logging.getLogger("importer.sender.client")


@pytest.fixture
def canary(monkeypatch):
    """Logs the key and a phone with every request, as a careless line of code would."""
    exchange = Client._exchange

    async def log_and_exchange(client, request, *rest):
        LOGGER.info("waiting before %s", request.method)
        LOGGER.debug("request with key %s for %s", KEY, PHONE)
        LOGGER.debug("headers %s, phones %s and %s", {"x-api-key": KEY}, [PHONE], "98450 12345")
        return await exchange(client, request, *rest)

    monkeypatch.setattr(Client, "_exchange", log_and_exchange)


@pytest.fixture
def sheet(importer):
    return write_csv(importer.folder / "x.csv", SHEET)


def find_log_lines(result):
    return [line for line in result.err.splitlines() if " client: " in line]


def test_run_without_v_prints_no_log(importer, crm, canary, sheet):
    """Standard error stays the one last line."""
    result = importer("run", sheet, "--yes")
    assert result.code == 0
    assert len(result.err.splitlines()) == 1


def test_v_prints_decisions_and_no_requests(importer, crm, canary, sheet):
    """-v is for people who wonder what the run is waiting for."""
    result = importer("run", sheet, "--yes", "-v")
    lines = find_log_lines(result)
    assert any(line.endswith(" client: waiting before POST") for line in lines)
    assert not any("request with key" in line for line in lines)


@pytest.mark.parametrize("flags", [["-vv"], ["-v", "-v"], ["-vvv"], ["--verbose", "--verbose"]], ids=" ".join)
def test_vv_prints_each_request_without_key_and_phones(importer, crm, canary, sheet, flags):
    """Guarantee: the key and phones are in no log."""
    result = importer("run", sheet, "--yes", *flags)
    assert result.code == 0
    lines = find_log_lines(result)
    assert any("request with key" in line for line in lines)
    for line in lines:
        assert KEY not in line
        assert "98450" not in line
    assert KEY not in result.out + result.err


def test_key_of_a_key_file_is_redacted_too(importer, crm, canary, sheet, monkeypatch):
    """The log learns the key wherever it was found."""
    monkeypatch.delenv("SUPERFONE_API_KEY")
    env = importer.folder / ".env"
    env.write_text(f"SUPERFONE_API_KEY={KEY}\n")
    env.chmod(0o600)
    result = importer("check", sheet, "-vv")
    assert any("request with key" in line for line in find_log_lines(result))
    assert KEY not in result.err


def test_log_leaves_standard_output_alone(importer, crm, canary, sheet):
    """A script that reads --json gets the same output with and without -vv."""
    quiet, verbose = (importer("check", sheet, "--json", *flags) for flags in ([], ["-vv"]))
    assert json.loads(quiet.out)["counts"] == json.loads(verbose.out)["counts"]
    assert len(quiet.out.splitlines()) == len(verbose.out.splitlines())


def test_verbose_of_the_settings_file_prints_the_log(importer, crm, canary, sheet):
    """`verbose` may be true, or the number of v's."""
    for value, prints_requests in (("true", False), ("1", False), ("2", True)):
        (importer.folder / "importer.toml").write_text(f"verbose = {value}\n")
        lines = find_log_lines(importer("check", sheet))
        assert lines
        assert any("request with key" in line for line in lines) == prints_requests


def test_log_of_one_command_does_not_last(importer, crm, canary, sheet):
    """A program that calls the command twice gets no log of the second call."""
    importer("check", sheet, "-vv")
    assert find_log_lines(importer("check", sheet)) == []


def test_log_lines_cannot_control_the_terminal(capsys):
    """A log line can quote a server or a cell."""
    token = verbosity.set(2)
    try:
        configure_logging()
        LOGGER.debug("answer \x1b[2J\u202e\nAll rows went in")
    finally:
        verbosity.reset(token)
        configure_logging()
    err = capsys.readouterr().err
    assert "\x1b" not in err
    assert "\u202e" not in err


@pytest.mark.skipif(os.name == "nt", reason="pseudo-terminals are POSIX")
@pytest.mark.parametrize(("flags", "has_bar"), [([], True), (["-v"], False)], ids=["without -v", "with -v"])
def test_progress_bar_and_log_are_not_mixed(importer, crm, sheet, flags, has_bar):
    """With -v there is no bar that log lines could break."""
    from tests.cli.terminal import Terminal

    terminal = Terminal(importer.folder, "run", sheet, "--yes", *flags)
    assert terminal.wait_for_exit() == 0
    terminal.close()
    assert ("Sending 100%" in terminal.plain) == has_bar
