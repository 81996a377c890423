"""report.html: one file for people, that says what to do next, needs no network and runs nothing of a stranger's."""

import base64
import hashlib
import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from importer.cli.summary_view import format_last_line
from importer.issues import Issue
from importer.journal.run_journal import Journal
from importer.journal.run_metadata import RunEnd, SecondMetrics, SendTotals
from importer.journal.staging import to_staged_row
from importer.models.delivery import DeliveryResult
from importer.models.mapping import Notice
from importer.models.status import NoteState, RowStatus, RunState
from importer.report import findings, report_page
from importer.report.charts import bars_chart, pace_chart
from importer.report.next_steps import list_next_steps
from importer.report.report_page import headline
from importer.report.report_writer import write_reports
from importer.report.summary import Summary
from tests.naughty import CANARY, TEXTS
from tests.report.made import STARTED, accepted, header_of, made, naughty_in, refused

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


def page_of(folder) -> Page:
    return Page((folder / "report.html").read_text("utf-8"))


@pytest.fixture
def page(tmp_path) -> Page:
    """A run in which rows went in, were throttled, refused, and not tried."""
    notices = (
        Notice("read", "3 rows are hidden in the sheet; they are read like the others."),
        Notice("ignored", 'Other sheets were not read: "Prices".'),
    )
    rows = [
        accepted(2, ["9845000002", "Asha Rao", "New"], lead_stage_name="New", lead_group_name="Dealers, South"),
        refused(14, ["12", "Ravi Kumar", "Warm led"], WARM, Issue("customer_phone", "too_short", "Phone", "12")),
        refused(15, ["9845000015", "Meena Iyer", "Warm led"], WARM),
        accepted(16, ["9845000016", "Imran Khan", "New"]),
    ]  # fmt: skip
    folder = tmp_path / "run-1"
    with Journal.create(folder, header_of(COLUMNS, notices=notices)) as journal:
        journal.stage([to_staged_row(row) for row in rows])
        journal.complete_staging()
        journal.begin_sending()
        done = DeliveryResult(
            number=2, status=RowStatus.ACCEPTED, attempts=2, http_status=200, note=NoteState.NONE
        )
        send_totals = SendTotals(requests=2, retries=1, throttled=1, seconds=2.0, rate_reached=1.0)
        journal.record(
            results=[done],
            pace=[SecondMetrics(0, 1, 1, 0), SecondMetrics(1, 1, 0, 1)],
            send_totals=send_totals,
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
    return page_of(folder)


@pytest.mark.parametrize(
    "said",
    [
        "The run stopped early: 1 of 4 rows of leads.csv went in so far. It can be resumed.",
        "The network was gone for 900 s.",
        "importer resume run-1",
        "2 requests in 2 s, at up to 1 a second.",
        "What became of the rows",
        "1 went in",
        "2 refused here, before anything was sent",
        "1 not tried yet",
        "Requests a second",
        'answered "too many requests", sent again later',
        "Problems by kind",
        "Stage: not in the account 2",
        "Problems by column",
        "Status 2",
        "Leads by stage",
        "New 1",
        "Leads by group",
        "Dealers, South 1",
        'Status Warm led The account has no stage "Warm led". Did you mean "Warm lead"?',
        'Ravi Kumar Status: The account has no stage "Warm led".',
        "Rows that were not tried yet (1) are not among these.",
        "3 rows are hidden in the sheet",
        'Other sheets were not read: "Prices".',
        "Went to",
        "Full name",
    ],
)
def test_the_page_says(page, said):
    assert said in page.text


def test_links_to_the_other_files(page):
    links = {value for tag, name, value in page.attributes if (tag, name) == ("a", "href")}
    assert links == {"results.csv", "failed_rows.csv", "failed_rows.xlsx", "summary.json"}
    assert ("input", "type", "search") in page.attributes


def test_rows_that_were_not_tried_are_counted_and_not_listed(page):
    """A long run that stopped early would hide what is wrong behind thousands of them."""
    assert "1 not tried yet" in page.text
    assert "9845000016" not in page.text
    assert "9845000015" in page.text


def test_the_page_stays_short_however_long_the_sheet(tmp_path, monkeypatch):
    """A sheet whose every row is faulty would make a page that no browser opens; what is left out is counted."""
    for room, name, most in (
        (findings, "MOST_ROWS", 3), (findings, "MOST_VALUES", 5), (report_page, "_SHOWN_VALUES", 2), (report_page, "_SHOWN_CELL", 9),
    ):  # fmt: skip
        monkeypatch.setattr(room, name, most)
    said = [Issue("lead_stage_name", "unknown", "Status", f"Stage {number}") for number in range(8)]
    rows = [
        refused(number, ["9845000002", "Asha Rao " * 50, issue.value], issue)
        for number, issue in enumerate(said, 2)
    ]
    made(tmp_path, header_of(COLUMNS), rows)
    page = page_of(tmp_path)
    assert "The first 3 of 8; failed_rows.csv holds all that can be mended." in page.text
    assert "And 3 other values." in page.text
    assert "Asha Rao" in page.text
    assert "Asha Rao Asha" not in page.text
    assert re.findall(r"Stage \d", page.text).count("Stage 2") == 1  # in its row alone
    assert "Stage 3" not in page.text


def test_warnings_are_in_no_chart_of_problems(tmp_path):
    """Rows that went in would else look like rows to mend."""
    warned = msgspec.structs.replace(
        accepted(2, ["9845000000", "Asha", "New"]),
        issues=(Issue("customer_phone", "maybe_shortened", "Phone", "9845000000"),),
    )
    made(tmp_path, header_of(COLUMNS), [warned])
    assert "Problems by" not in page_of(tmp_path).text


def test_where_all_went_in_nothing_points_to_rows_to_mend(tmp_path):
    made(tmp_path, header_of(COLUMNS), [accepted(2, ["9845000002", "Asha Rao", "New"])])
    html = (tmp_path / "report.html").read_text("utf-8")
    assert "failed_rows" not in html
    assert 'All files: <a href="results.csv">results.csv</a> (every row), <a href="summary.json">' in html


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            1,
            [
                "1 of the rows that can go in has a warning:",
                "1 row merged with a row of the same phone and another name",
            ],
        ),
        (
            2,
            [
                "2 of the rows that can go in have a warning:",
                "2 rows merged with a row of the same phone and another name",
            ],
        ),
    ],
)
def test_warnings_and_people_who_share_a_phone_are_counted(tmp_path, rows, said):
    """They stand in no table of the page: what did not go in is the first thing to look at."""
    warnings = (Issue("row", "merged", "", "row 9"), Issue("row", "other_name", "", "Asha", 'row 9 "Ravi"'))
    judged = [
        msgspec.structs.replace(accepted(n, ["98", "x", ""]), issues=warnings) for n in range(2, 2 + rows)
    ]
    made(tmp_path / "warned", header_of(COLUMNS), judged)
    made(tmp_path / "plain", header_of(COLUMNS), [accepted(2, ["98", "x", ""])])
    warned, plain = page_of(tmp_path / "warned"), page_of(tmp_path / "plain")
    assert all(sentence in warned.text for sentence in said)
    assert "a warning: see" not in plain.text
    assert "another name" not in plain.text


def test_the_page_stands_alone_under_a_strict_policy(page):
    """No address but that of SVG's own names, no inline style or handler, nothing that the policy does not hash."""
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


def test_the_policy_knows_every_style_and_script_of_the_page(page):
    """A chart whose style the policy does not know would be a black box. Inside SVG, &gt; in a style is >."""
    found = re.findall(r"<(style|script)\b[^>]*>(.*?)</\1>", page.html, re.DOTALL)
    assert len(found) > 6
    for tag, content in found:
        told = unescape(content) if tag == "style" else content
        digest = base64.b64encode(hashlib.sha256(told.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in unescape(page.html)


@pytest.mark.parametrize("place", ["cell", "header", "file", "server", "sheet", "title"])
def test_strangers_texts_are_texts(tmp_path, place):
    """Every naughty text in each place: no tag, attribute or script is of its making, no control comes through."""
    made(tmp_path / "plain", header_of(COLUMNS), [refused(2, ["12", "x", "y"], WARM)])
    made(tmp_path / "naughty", *naughty_in(place))
    plain, page = page_of(tmp_path / "plain"), page_of(tmp_path / "naughty")
    assert set(page.tags) <= set(plain.tags)
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    assert page.tags.count("script") == 1
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page.html)
    assert "7*7" in page.text


def test_the_canary_is_among_the_texts():
    assert sum(CANARY in text for text in TEXTS) > 10


def summary_in(state: str, **counts: int) -> Summary:
    """Each duplicate is one of an accepted row."""
    every = dict.fromkeys([status.value for status in RowStatus], 0) | counts
    failed = sum(every.values()) - every["accepted"] - every["duplicate"]
    given = {
        "schema_version": 1, "run_id": "run-1", "command": "run", "parent": "", "file": "my leads.csv", "sha256": "",
        "started_at": STARTED, "finished_at": STARTED, "state": state, "reason": "", "rows": sum(every.values()),
        "counts": every, "requests": 0, "retries": 0, "throttled": 0, "seconds": 0.0, "rate_reached": 0.0, "columns": {},
        "problems": {}, "failed_rows": failed, "workbook_rows": failed, "warned_rows": 0,
        "went_in": every["accepted"] + every["duplicate"], "undelivered": every["failed"] + every["unknown"],
        "to_fix": every["invalid"] + every["refused"],
        "ignored": [], "files": {name: name for name in ("failed_rows.csv", "failed_rows.xlsx")}, "exit_code": 0,
    }  # fmt: skip
    return msgspec.convert(given, Summary)


@pytest.mark.parametrize(
    ("summary", "said", "commands"),
    [
        (summary_in("finished", accepted=3, duplicate=1), "All 4 rows of my leads.csv went in.", []),
        (
            summary_in("finished", accepted=3, invalid=1),
            "3 of 4 rows of my leads.csv went in. 1 did not.",
            ["", "importer run reports/run-1/failed_rows.xlsx"],
        ),
        (
            summary_in("finished", accepted=3, failed=1, unknown=1),
            "3 of 5 rows of my leads.csv went in. 2 did not.",
            ["importer retry run-1"],
        ),
        (
            summary_in("finished", accepted=3, failed=1, refused=1),
            "3 of 5 rows of my leads.csv went in. 2 did not.",
            ["importer retry run-1", "", "importer run reports/run-1/failed_rows.xlsx"],
        ),
        (
            summary_in("checked", accepted=3, invalid=1),
            "3 of 4 rows of my leads.csv can go in. 1 cannot yet. Nothing was sent.",
            ["importer run 'my leads.csv'", "", "importer run reports/run-1/failed_rows.xlsx"],
        ),
        (
            summary_in("interrupted", accepted=1, pending=2),
            "The run stopped early: 1 of 3 rows of my leads.csv went in so far. It can be resumed.",
            ["importer resume run-1"],
        ),
    ],
)
def test_one_sentence_and_what_to_do_next(summary, said, commands):
    assert headline(summary) == said
    assert [
        step.command for step in list_next_steps(summary, Path("reports/run-1"), {"limit": None})
    ] == commands


def test_rows_that_only_the_network_failed_need_no_mending():
    """The last line says what the page says: send them again, as they are."""
    line = format_last_line(summary_in("finished", accepted=3, failed=1), Path("reports/run-1"), "")
    assert "mend" not in line
    assert line.endswith("importer retry run-1")


def test_a_long_run_is_as_many_bars_as_can_be_seen():
    """Hours of sending, averaged; a pause is a gap and not left out."""
    drawn = pace_chart(
        [SecondMetrics(second, 40, 2, 0) for second in range(36_000) if not 9_000 < second < 18_000]
    )
    assert 60 < drawn.count("<rect") < 140
    assert "10:00" not in pace_chart([SecondMetrics(0, 1, 0, 0)])


def test_beyond_eight_bars_the_rest_is_one():
    drawn = bars_chart({f"Stage {n}": n for n in range(1, 21)}, "#000000", "x")
    assert "12 others  78" in drawn
    assert "Stage 13  13" in drawn
    assert "Stage 12  12" not in drawn
    assert "others" not in bars_chart({f"Stage {n}": n for n in range(9)}, "#000000", "x")


def test_charts_are_the_same_on_another_day():
    """Pygal writes the day into what it draws: then `importer report` would not give the same page again."""
    assert "<!--" not in bars_chart({"x": 1}, "#000000", "x")
