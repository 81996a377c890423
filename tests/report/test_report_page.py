"""report.html: one file for people, which says what to do next, needs no network and runs nothing from the sheet."""

import base64
import hashlib
import re
from html import unescape
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path

import msgspec
import pytest

from importer.cli.summary_view import format_last_line
from importer.issues import Issue
from importer.journal.delivery_batch import DeliveryBatch
from importer.journal.run_journal import Journal
from importer.journal.run_metadata import RunEnd, SecondMetrics, SendTotals
from importer.journal.staging import to_staged_row
from importer.models.delivery import DeliveryResult
from importer.models.mapping import Notice, NoticeKind
from importer.models.status import NoteState, RowStatus, RunState
from importer.report import report_page
from importer.report.charts import draw_bar_chart, draw_rate_chart
from importer.report.next_steps import list_next_steps
from importer.report.report_page import format_headline
from importer.report.report_writer import write_reports
from importer.report.summary import Summary
from tests.naughty import CANARY, TEXTS
from tests.report.builders import (
    STARTED,
    build_accepted,
    build_metadata,
    build_naughty_run,
    build_rejected,
    write_run_reports,
)
from tests.support import make_account

COLUMNS = [("Phone", "customer_phone"), ("Name", "full_name"), ("Status", "lead_stage_name")]
WARM = Issue("lead_stage_name", "unknown", "Status", "Warm led", ' Did you mean "Warm lead"?')


class Page(HTMLParser):
    """What a browser would make of the page: tags, attributes, text outside of style and script."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html, self.tags, self.attributes, self.texts = html, [], [], []
        self.feed(html)
        self.text = " ".join(" ".join(self.texts).split())

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attributes]

    def handle_data(self, text):
        if self.tags[-1:] not in (["style"], ["script"]):
            self.texts.append(text)


def parse_page(folder) -> Page:
    return Page((folder / "report.html").read_text("utf-8"))


@pytest.fixture
def page(tmp_path) -> Page:
    """A run in which rows went in, were throttled, refused, and not tried."""
    notices = (
        Notice(NoticeKind.READ, "3 rows are hidden in the sheet; they are read like the others."),
        Notice(NoticeKind.IGNORED, 'Other sheets were not read: "Prices".'),
    )
    rows = [
        build_accepted(2, ["9845000002", "Asha Rao", "New"], lead_stage_name="New", lead_group_name="Dealers, South"),
        build_rejected(14, ["12", "Ravi Kumar", "Warm led"], WARM, Issue("customer_phone", "too_short", "Phone", "12")),
        build_rejected(15, ["9845000015", "Meena Iyer", "Warm led"], WARM),
        build_accepted(16, ["9845000016", "Imran Khan", "New"]),
    ]  # fmt: skip
    folder = tmp_path / "run-1"
    with Journal.create(folder, build_metadata(COLUMNS, notices=notices)) as journal:
        journal.stage([to_staged_row(row) for row in rows])
        journal.staging.complete()
        journal.begin_sending(make_account(tmp_path))
        done = DeliveryResult(
            number=2, status=RowStatus.ACCEPTED, attempts=2, http_status=200, note=NoteState.NONE
        )
        send_totals = SendTotals(requests=2, retries=1, throttled=1, seconds=2.0, rate_reached=1.0)
        journal.delivery.record(
            DeliveryBatch(
                results=[done],
                metrics=[SecondMetrics(0, 1, 1, 0), SecondMetrics(1, 1, 0, 1)],
                send_totals=send_totals,
            )
        )
        journal.end(
            RunEnd(
                state=RunState.STOPPED,
                exit_code=3,
                finished_at=STARTED,
                reason="The network was gone for 900 s.",
            )
        )
        write_reports(journal, folder)
    return parse_page(folder)


@pytest.mark.parametrize(
    "sentence",
    [
        "The run stopped early. 1 of 4 rows of leads.csv went in so far. You can resume it.",
        "The network was gone for 900 s.",
        "importer resume run-1",
        "2 requests in 2 s, at up to 1 per second.",
        "Rows by status",
        "1 went in",
        "2 rejected by importer, so not sent",
        "1 not tried yet",
        "Requests per second",
        'answered "too many requests", sent again later',
        "Problems by kind",
        "Stage: not in the account 2",
        "Problems by column",
        "Status 2",
        "Leads by stage",
        "New 1",
        "Leads by group",
        "Dealers, South 1",
        'Status Warm led "Warm led" does not exist in your account. Did you mean "Warm lead"?',
        'Ravi Kumar Status: "Warm led" does not exist in your account.',
        "Rows that were not tried yet (1) are not in this list.",
        "3 rows are hidden in the sheet",
        'Other sheets were not read: "Prices".',
        "Went to",
        "Full name",
    ],
)
def test_page_contains_sentence(page, sentence):
    """Each part of the page says what the run did."""
    assert sentence in page.text


def test_page_links_to_other_files(page):
    """All other reports are one click away, and rows can be searched."""
    links = {value for tag, name, value in page.attributes if (tag, name) == ("a", "href")}
    assert links == {"results.csv", "failed_rows.csv", "failed_rows.xlsx", "summary.json"}
    assert ("input", "type", "search") in page.attributes


def test_pending_rows_are_counted_but_not_listed(page):
    """Thousands of rows of a stopped run would hide the rows that have a problem."""
    assert "1 not tried yet" in page.text
    assert "9845000016" not in page.text
    assert "9845000015" in page.text


def test_page_of_long_sheet_is_limited(tmp_path, monkeypatch):
    """No browser opens a page with a million rows. The page says how many it leaves out."""
    for module, name, limit in (
        (report_page, "MAX_LISTED_ROWS", 3), (report_page, "_MAX_COUNTED_VALUES", 5), (report_page, "_MAX_SHOWN_VALUES", 2), (report_page, "_MAX_CELL", 9),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, limit)
    sentence = [Issue("lead_stage_name", "unknown", "Status", f"Stage {number}") for number in range(8)]
    rows = [
        build_rejected(number, ["9845000002", "Asha Rao " * 50, issue.value], issue)
        for number, issue in enumerate(sentence, 2)
    ]
    write_run_reports(tmp_path, build_metadata(COLUMNS), rows)
    page = parse_page(tmp_path)
    assert "The first 3 of 8; failed_rows.csv holds all that can be fixed." in page.text
    assert "And 3 other values." in page.text
    assert "Asha Rao" in page.text
    assert "Asha Rao Asha" not in page.text
    assert re.findall(r"Stage \d", page.text).count("Stage 2") == 1  # in its row alone
    assert "Stage 3" not in page.text


def test_warnings_are_not_in_problem_charts(tmp_path):
    """Rows that went in would look like rows to fix."""
    warned = msgspec.structs.replace(
        build_accepted(2, ["9845000000", "Asha", "New"]),
        issues=(Issue("customer_phone", "maybe_shortened", "Phone", "9845000000"),),
    )
    write_run_reports(tmp_path, build_metadata(COLUMNS), [warned])
    assert "Problems by" not in parse_page(tmp_path).text


def test_page_has_no_link_if_every_row_went_in(tmp_path):
    """If every row went in, there is nothing to fix."""
    write_run_reports(
        tmp_path, build_metadata(COLUMNS), [build_accepted(2, ["9845000002", "Asha Rao", "New"])]
    )
    html = (tmp_path / "report.html").read_text("utf-8")
    assert "failed_rows" not in html
    assert 'All files: <a href="results.csv">results.csv</a> (every row), <a href="summary.json">' in html


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (
            1,
            [
                "1 row that can go in has a warning. See _problems in results.csv",
                "1 row was merged with a row of the same phone but another name.",
            ],
        ),
        (
            2,
            [
                "2 rows that can go in have a warning. See _problems in results.csv",
                "2 rows were merged with a row of the same phone but another name.",
            ],
        ),
    ],
)
def test_warnings_and_other_names_are_counted(tmp_path, rows, sentence):
    """Rows that went in are not listed, so the page says how many of them need a second look."""
    warnings = (Issue("row", "merged", "", "row 9"), Issue("row", "other_name", "", "Asha", 'row 9 "Ravi"'))
    judged = [
        msgspec.structs.replace(build_accepted(n, ["98", "x", ""]), issues=warnings)
        for n in range(2, 2 + rows)
    ]
    write_run_reports(tmp_path / "warned", build_metadata(COLUMNS), judged)
    write_run_reports(tmp_path / "plain", build_metadata(COLUMNS), [build_accepted(2, ["98", "x", ""])])
    warned, plain = parse_page(tmp_path / "warned"), parse_page(tmp_path / "plain")
    assert all(sentence in warned.text for sentence in sentence)
    assert "a warning" not in plain.text
    assert "another name" not in plain.text


def test_page_needs_no_network_and_has_strict_policy(page):
    """No address but that of the SVG namespace, no inline style or handler, nothing that the policy does not hash."""
    assert set(re.findall(r"\w+://[^\s\"'<]*", page.html)) == {"http://www.w3.org/2000/svg"}
    (policy,) = [
        value for tag, name, value in page.attributes if (tag, name) == ("meta", "content") and "src" in value
    ]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    assert page.tags.count("script") == 1
    assert not [
        name for _, name, _ in page.attributes if name.startswith("on") or name in ("style", "src", "action")
    ]


def test_policy_hashes_every_style_and_script(page):
    """A chart whose style is not allowed would be black. Inside SVG, &gt; in a style is >."""
    found = re.findall(r"<(style|script)\b[^>]*>(.*?)</\1>", page.html, re.DOTALL)
    assert len(found) > 6
    for tag, content in found:
        text = unescape(content) if tag == "style" else content
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in unescape(page.html)


@pytest.mark.parametrize("place", ["cell", "header", "file", "server", "sheet", "title"])
def test_untrusted_text_stays_text(tmp_path, place):
    """No text from a cell, header, file name or server becomes a tag, an attribute, a script or a control character."""
    write_run_reports(
        tmp_path / "plain", build_metadata(COLUMNS), [build_rejected(2, ["12", "x", "y"], WARM)]
    )
    write_run_reports(tmp_path / "naughty", *build_naughty_run(place))
    plain, page = parse_page(tmp_path / "plain"), parse_page(tmp_path / "naughty")
    assert set(page.tags) <= set(plain.tags)
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    assert page.tags.count("script") == 1
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page.html)
    assert "7*7" in page.text


def test_naughty_texts_contain_canary():
    """The tests with naughty texts would pass without any of them."""
    assert sum(CANARY in text for text in TEXTS) > 10


def build_summary(state: str, **counts: int) -> Summary:
    """Each duplicate is one of an accepted row."""
    every = dict.fromkeys([status.value for status in RowStatus], 0) | counts
    failed = sum(every.values()) - every["accepted"] - every["duplicate"]
    given = {
        "schema_version": 1, "run_id": "run-1", "folder": "reports/run-1", "command": "run", "kind": "import", "parent": "", "file": "my leads.csv", "sha256": "",
        "started_at": STARTED, "finished_at": STARTED, "state": state, "reason": "", "rows": sum(every.values()),
        "counts": every, "requests": 0, "retries": 0, "throttled": 0, "seconds": 0.0, "rate_reached": 0.0, "columns": {}, "defaults": {},
        "problems": {}, "failed_rows": failed, "workbook_rows": failed, "warned_rows": 0, "nameless": 0,
        "went_in": every["accepted"] + every["duplicate"], "undelivered": every["failed"] + every["unknown"],
        "to_fix": every["invalid"] + every["refused"], "edited": 0,
        "ignored": [], "files": {name: name for name in ("failed_rows.csv", "failed_rows.xlsx")}, "exit_code": 0,
    }  # fmt: skip
    return msgspec.convert(given, Summary)


@pytest.mark.parametrize(
    ("summary", "sentence", "commands"),
    [
        (build_summary("finished", accepted=3, duplicate=1), "All 4 rows of my leads.csv went in.", []),
        (
            build_summary("finished", accepted=3, invalid=1),
            "3 of 4 rows of my leads.csv went in. 1 did not.",
            ["", "importer run reports/run-1/failed_rows.xlsx"],
        ),
        (
            build_summary("finished", accepted=3, failed=1, unknown=1),
            "3 of 5 rows of my leads.csv went in. 2 did not.",
            ["importer retry run-1"],
        ),
        (
            build_summary("finished", accepted=3, failed=1, refused=1),
            "3 of 5 rows of my leads.csv went in. 2 did not.",
            ["importer retry run-1", "", "importer run reports/run-1/failed_rows.xlsx"],
        ),
        (
            build_summary("checked", accepted=3, invalid=1),
            "3 of 4 rows of my leads.csv can go in. 1 cannot yet. Nothing was sent.",
            [
                "importer plan 'my leads.csv'",
                "importer run 'my leads.csv'",
                "",
                "importer run reports/run-1/failed_rows.xlsx",
            ],
        ),
        (
            build_summary("interrupted", accepted=1, pending=2),
            "The run stopped early. 1 of 3 rows of my leads.csv went in so far. You can resume it.",
            ["importer resume run-1"],
        ),
    ],
    ids=["all-went-in", "one-to-fix", "two-to-retry", "retry-and-fix", "check", "interrupted"],
)
def test_headline_and_next_steps(summary, sentence, commands):
    """Each ending of a run has one headline and the commands to type next."""
    assert format_headline(summary) == sentence
    assert [
        step.command for step in list_next_steps(summary, Path("reports/run-1"), {"limit": None})
    ] == commands


def test_undelivered_rows_need_no_fix():
    """The last line suggests what the page suggests: send the rows again as they are."""
    line = format_last_line(build_summary("finished", accepted=3, failed=1), Path("reports/run-1"), "")
    assert "mend" not in line
    assert "fix" not in line
    assert line.endswith("importer retry run-1")


def test_rate_chart_of_long_run_is_averaged():
    """Hours of sending become about 60 bars; a pause is visible as a gap."""
    svg = draw_rate_chart(
        [SecondMetrics(second, 40, 2, 0) for second in range(36_000) if not 9_000 < second < 18_000]
    )
    assert 60 < svg.count("<rect") < 140
    assert "10:00" not in draw_rate_chart([SecondMetrics(0, 1, 0, 0)])


def test_bar_chart_sums_up_beyond_eight_bars():
    """The rest is one bar; a single other value keeps its own name."""
    svg = draw_bar_chart({f"Stage {n}": n for n in range(1, 21)}, "#000000", "x")
    assert "12 others  78" in svg
    assert "Stage 13  13" in svg
    assert "Stage 12  12" not in svg
    assert "others" not in draw_bar_chart({f"Stage {n}": n for n in range(9)}, "#000000", "x")


def test_chart_does_not_contain_date():
    """Pygal adds the date of drawing; then `importer report` would not write the same page again."""
    assert "<!--" not in draw_bar_chart({"x": 1}, "#000000", "x")


def test_pages_share_their_frame():
    """The policy and the other lines of the head stand once: a page that had its own could forget one."""
    packages = [resources.files(f"importer.{name}") for name in ("report", "batch")]
    pages = [file for package in packages for file in package.iterdir() if file.name.endswith(".html")]
    assert [file.name for file in pages if "<head>" in file.read_text("utf-8")] == ["page.html"]
    assert len(pages) == 3
