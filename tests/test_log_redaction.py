"""The log filter: neither the API key nor a phone number is written to a log."""

import io
import logging
import re

import pytest

from importer.credentials import Secret
from importer.log_redaction import RedactingFilter

KEY = 'canary-KEY-7f3a9b"\\%'
PHONES = [
    "9845012345",
    "+919845012345",
    "+91 98450 12345",
    "+91-98450-12345",
    "98450 \u2013 12345",
    "(080) 4112 2009",
    "+91 (80) 4112.2009",
    "98450\u00a012345",
    "९८४५०१२३४५",
    "4112200",
]


@pytest.fixture
def log():
    """A logger below `importer`, whose handler has the filter; its `written()` is what was logged."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(RedactingFilter(Secret(KEY), {}))
    parent = logging.getLogger("importer_redaction_test")
    parent.addHandler(handler)
    parent.setLevel(logging.DEBUG)
    parent.propagate = False
    logger = parent.getChild("sender")
    logger.written = stream.getvalue
    yield logger
    parent.removeHandler(handler)


@pytest.mark.parametrize("secret", [KEY, *PHONES])
def test_secret_in_message_is_removed(log, secret):
    """It does not matter how the message is built."""
    log.info(f"sending {secret} now")  # noqa: G004 - people write it so
    log.info("sending %s now", secret)
    log.info("sending %(what)s now", {"what": secret})
    log.info("sending %s now", {"phones": [secret]})
    log.info({"what": secret})
    assert secret not in log.written()
    assert log.written().count("[key]" if secret == KEY else "[phone]") == 5


@pytest.mark.parametrize("secret", [KEY, *PHONES])
def test_secret_in_traceback_is_removed(log, secret):
    """Exceptions carry addresses, headers and bodies; a cause is printed too."""
    try:
        try:
            raise ValueError(secret)  # noqa: TRY301 - the cause of the next
        except ValueError as cause:
            raise RuntimeError(f"for {secret}") from cause
    except RuntimeError:
        log.exception("failed")
    assert secret not in log.written()
    assert re.search(r"RuntimeError: for \(?\[(key|phone)\]\n", log.written())
    assert "Traceback (most recent call last)" in log.written()


def test_traceback_is_not_kept_for_other_formatters():
    """A formatter that prints `exc_info` itself would write the values again."""
    try:
        raise ValueError(PHONES[0])  # noqa: TRY301 - only its traceback is wanted
    except ValueError as error:
        info = (type(error), error, error.__traceback__)
    record = logging.LogRecord("x", logging.ERROR, "x.py", 1, "failed", None, info)
    assert RedactingFilter(None, {}).filter(record)
    assert record.exc_info is None
    assert record.exc_text.endswith("ValueError: [phone]")


def test_secret_in_stack_is_removed():
    """`stack_info=True` shows lines of source code, which may hold a number."""
    record = logging.LogRecord(
        "x", logging.INFO, "x.py", 1, "m", None, None, sinfo=f"call({PHONES[0]}, {KEY})"
    )
    RedactingFilter(Secret(KEY), {}).filter(record)
    assert record.stack_info == "call([phone], [key])"


def test_arguments_that_do_not_fit_are_redacted(log):
    """Python's own error message about such a call would print the arguments as they are."""
    log.info("no placeholder", PHONES[0], KEY)  # noqa: PLE1205 - the mistake that is tested
    assert log.written() == "no placeholder ('[phone]', '[key]')\n"


def test_key_of_the_environment_is_removed():
    """The key may be logged before the credentials are read, also without its surrounding blanks."""
    redacting_filter = RedactingFilter(environ={"SUPERFONE_API_KEY": " env-canary\n"})
    assert redacting_filter.redact("key=env-canary;") == "key=[key];"


def test_key_that_is_found_later_is_removed():
    """A key from `.env` or the keyring is known only after logging was set up."""
    redacting_filter = RedactingFilter(None, {})
    redacting_filter.add_key(Secret("late-canary"))
    assert redacting_filter.redact("late-canary") == "[key]"


@pytest.mark.parametrize(
    "spelled",
    [KEY, repr(KEY), KEY.replace("\\", "\\\\").replace('"', '\\"'), "canary-KEY-7f3a9b%22%5C%25"],
    ids=["plain", "repr", "json", "url"],
)
def test_key_is_removed_in_every_spelling(spelled):
    """A dict that is logged shows its values by repr; a body is JSON; an address is quoted."""
    assert "7f3a9b" not in RedactingFilter(Secret(KEY), {}).redact(f"x {spelled} y")


@pytest.mark.parametrize(
    "text",
    [
        "429 for row 12345, waiting 30 s",
        "2026-11-25 10:15:01 started",
        "run 2026-11-25_leads resumed",
        "POST http://127.0.0.1:41869/superfone/v1/leads",
        "rate 12.5 -> 18.75",
        "rows 100, 200, 300",
        "line 12\nline 345678",
    ],
)
def test_other_numbers_are_kept(text):
    """A log without row numbers, dates and rates would help nobody."""
    assert RedactingFilter(Secret(KEY), {}).redact(text) == text


def test_without_key_nothing_else_changes():
    """An empty key would otherwise match between all characters."""
    assert RedactingFilter(Secret(""), {"SUPERFONE_API_KEY": ""}).redact("abc") == "abc"
