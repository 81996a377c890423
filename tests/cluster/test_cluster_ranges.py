"""A sheet whose ranges are judged on workers gives the rows that it gives here, whatever a worker does."""

from __future__ import annotations

import pickle
import threading

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from importer.cluster import cluster_ranges, range_task
from importer.cluster.cluster_ranges import ClusterRangePlaces, open_worker_ranges
from importer.cluster.range_task import (
    HeadMissing,
    KeptSheets,
    RangeAnswer,
    RangeNotJudged,
    decode_answer,
    decode_call,
)
from importer.errors import UsageError
from importer.loader.formats import text_ranges
from importer.loader.formats.dialect import find_dialect
from importer.loader.formats.text_ranges import TextRange
from importer.loader.table.table_reader import OpenOptions
from importer.models.mapping import ColumnChoice, Mapping
from importer.reader import range_places, worker_client
from importer.reader.parallel_client import ParallelClient
from importer.reader.protocol import RangesRequest
from importer.reader.range_places import RangeRefusedError, TextSheet
from importer.reader.row_processor import ProcessorConfig
from importer.reader.worker_client import WorkerClient
from tests.cluster.worker_threads import WorkerKilledError, WorkerThreads
from tests.reader.test_range_chain import HEADER, LEAD, LINES, list_later_line_ends, open_ranged, small_blocks

FIELDS = {"Name": "customer_name", "Phone": "customer_phone", "Note": "note"}
CONFIG = ProcessorConfig(
    mapping=Mapping(
        columns=tuple(
            ColumnChoice(index=at, header=header, field=field, source="option", confidence=1, reason="")
            for at, (header, field) in enumerate(FIELDS.items())
        )
    ),
    titles={},
    region="IN",
    unknown="reject",
)
NOTE = 'Dev,9845012348,"first\nsecond"\n'  # two lines: the reader takes it in another way


@pytest.fixture(autouse=True)
def small_sheets(monkeypatch):
    """Let sheets of any size travel, a block at a time. At the end, the workers close them."""
    monkeypatch.setattr(ClusterRangePlaces, "min_file_bytes", 1)
    monkeypatch.setattr(ClusterRangePlaces, "range_bytes", 1)
    monkeypatch.setattr(cluster_ranges, "_POLL_S", 0.02)
    with small_blocks():
        yield
    range_task._SHEETS.close_all()


@pytest.fixture
def pool(monkeypatch):
    """Return the pool that takes the place of DaskPool."""
    opened = WorkerThreads("")
    monkeypatch.setattr(cluster_ranges, "DaskPool", lambda address: opened)
    return opened


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("travels")


def write_leads(path, count=80):
    leads = (f"Asha {at},98450{at:05},call\n" + (NOTE if at % 10 == 0 else "") for at in range(count))
    path.write_text(HEADER + "".join(leads))
    return path


def read_in_order(path, config=CONFIG):
    with WorkerClient(path, OpenOptions()) as reader:
        return [row for batch in reader.judge(config) for row in batch], reader.end


def read_on_workers(path, config=CONFIG):
    with ParallelClient(
        path, OpenOptions(), ClusterRangePlaces("tcp://127.0.0.1:1", ("KEY_ACME",))
    ) as reader:
        return [row for batch in reader.judge(config) for row in batch], reader.end


def cut_at(patch, path, cuts):
    """Let a file be cut where a test says."""
    ranged = open_ranged(path)
    found = ParallelClient.find_cuts

    def find_cuts(client, range_bytes):
        return msgspec.structs.replace(
            found(client, range_bytes), offsets=tuple(cuts), head_bytes=ranged.measure_head()
        )

    patch.setattr(ParallelClient, "find_cuts", find_cuts)


@pytest.mark.slow
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    lines=st.lists(LINES, min_size=4, max_size=24),
    seed=st.randoms(use_true_random=False),
    lines_behind=st.sampled_from([1, 2, 3, 8]),
)
def test_every_cut_gives_the_rows_of_the_whole_file(folder, pool, lines, seed, lines_behind):
    """Whatever the file is like, wherever it is cut, and however few lines behind a range travel with it."""
    text = HEADER + LEAD * 3 + "".join(lines)
    if "\r" in text.replace("\r\n", ""):
        return
    sheet = folder / "sheet.csv"
    sheet.write_bytes(text.encode("utf-8", "surrogateescape").replace(b"\xed\xb3\xbf", b"\xff"))
    wanted = read_in_order(sheet)
    ends = list_later_line_ends(sheet)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_ranges, "_LINES_BEHIND", lines_behind)
        patch.setattr(text_ranges, "_MAX_LINE_BYTES", 200)
        assert read_on_workers(sheet) == wanted
        for cuts in (ends, [seed.choice(ends)]) if ends else ():
            cut_at(patch, sheet, cuts)
            assert read_on_workers(sheet) == wanted, cuts
    range_task._SHEETS.close_all()


def test_most_ranges_are_judged_on_workers(folder, pool, monkeypatch):
    """The head stays here, and each worker gets it once for each of its places."""
    sheet = write_leads(folder / "many.csv")
    here = []
    judge = WorkerClient.judge_range
    monkeypatch.setattr(
        WorkerClient, "judge_range", lambda client, part: here.append(client.path) or judge(client, part)
    )
    assert read_on_workers(sheet) == read_in_order(sheet)
    calls = [decode_call(task.body) for _, task in pool.ranges]
    assert len(calls) > 10
    assert {worker for worker, _ in pool.ranges} == set(pool.workers)
    assert 1 <= sum(call.head is not None for call in calls) <= 4
    assert sum(path != sheet for path in here) == len(calls)


def test_headers_are_decided_by_the_rows_that_decide_on_them_here(folder, pool):
    """A column without a header counts where enough of the first rows have it: all of these rows travel with the head."""
    sheet = folder / "unnamed.csv"
    wide = "Asha,9845012345,call,Pune\n"
    sheet.write_text(HEADER + LEAD + (wide * 2 + LEAD) * 60)
    assert read_on_workers(sheet) == read_in_order(sheet)
    assert len(pool.ranges) > 10


def test_range_that_looks_behind_what_travels_is_refused(folder, pool, monkeypatch):
    """The end of what has travelled is not the end of the file: there the note goes on, and here it would be faulty."""
    sheet = folder / "behind.csv"
    before = HEADER + LEAD * 6
    sheet.write_text(before + 'Dev,9845012348,"a\nb\nc\nd\ne\nf"\n' + LEAD * 20)
    dialect = find_dialect(sheet, encoding=None, delimiter=None)
    request = RangesRequest(str(sheet), OpenOptions(), dialect, CONFIG)
    part = TextRange(len(before), len(before) + len('Dev,9845012348,"a\n'))
    place = open_worker_ranges(pool, TextSheet(sheet, request, len(HEADER + LEAD * 3), 60), ())[0]
    with pytest.raises(RangeRefusedError):
        place.judge_range(TextRange(0, len(before)))
    with WorkerClient(sheet, OpenOptions(), first_request=request) as here:
        wanted = here.judge_range(part)
    assert place.judge_range(part) == wanted
    monkeypatch.setattr(text_ranges, "_LINES_BEHIND", 0)
    with pytest.raises(RangeRefusedError):
        place.judge_range(part)
    monkeypatch.setattr(text_ranges.RangeBytes, "show", lambda *_: True)
    assert place.judge_range(part) != wanted


@pytest.mark.parametrize("behaviour", ["killed", "gone", "hung", "away"])
def test_worker_that_is_lost_costs_no_row(folder, pool, monkeypatch, behaviour):
    """Its range is judged here, and it gets no other one."""
    sheet = write_leads(folder / "lost.csv")
    if behaviour == "hung":
        monkeypatch.setattr(cluster_ranges, "MAX_RANGE_S", 0.3)
    lost, wakes, waited_out = [], threading.Event(), []
    run = WorkerThreads.run

    def fail(self, work, request, place):
        if place.address != "worker-b":
            return run(self, work, request, place)
        lost.append(request)
        if behaviour == "killed":
            raise WorkerKilledError
        if behaviour == "gone":
            self.workers = ("worker-a",)
        if behaviour == "away":
            self.is_connected = False
        waited_out.append(not wakes.wait(5))
        return b""

    monkeypatch.setattr(WorkerThreads, "run", fail)
    try:
        assert read_on_workers(sheet) == read_in_order(sheet)
    finally:
        wakes.set()
    assert 1 <= len(lost) <= 2  # one for each of its places
    assert not any(waited_out)


def test_nobody_waits_for_a_worker_once_the_reading_has_ended(folder, pool, monkeypatch):
    """Ctrl-C ends a check in the middle, whatever a worker is doing."""
    wakes, waited_out = threading.Event(), []
    run = WorkerThreads.run

    def hang(self, work, request, place):
        if place.address == "worker-b":
            waited_out.append(not wakes.wait(5))
        return run(self, work, request, place)

    monkeypatch.setattr(WorkerThreads, "run", hang)
    places = ClusterRangePlaces("", ())
    try:
        with ParallelClient(write_leads(folder / "ended.csv"), OpenOptions(), places) as reader:
            assert next(reader.judge(CONFIG))
    finally:
        wakes.set()
    assert not any(waited_out)


def break_answer(change):
    """Return what a worker does that answers with something else."""
    run = WorkerThreads.run

    def answer(self, work, request, place):
        found = decode_answer(run(self, work, request, place))
        return change(found) if isinstance(found, RangeAnswer) else range_task.encode(found)

    return answer


def change_batches(change):
    def apply(found):
        batches = [msgspec.structs.replace(batch, **change(batch)) for batch in found.judged.batches]
        return range_task.encode(RangeAnswer(found.judged._replace(batches=batches)))

    return apply


def change_end(change):
    def apply(found):
        end = msgspec.structs.replace(found.judged.end, **change(found.judged.end))
        return range_task.encode(RangeAnswer(found.judged._replace(end=end)))

    return apply


def lengthen_a_column(found):
    message = msgspec.msgpack.decode(range_task.encode(found))
    message["judged"][0][0][1].append("one more")
    return range_task.encode(message)


WRONG_ANSWERS = {
    "no message": lambda found: b"junk",
    "an object": lambda found: found,
    "another message": lambda found: range_task.encode({"type": "RangeAnswer", "judged": [[], 1, True]}),
    "columns of two lengths": lambda found: range_task.encode(found).replace(
        b"\xa5valid", b"\xa5valid\xa5valid", 1
    ),
    "a row twice": change_batches(lambda batch: {"numbers": [batch.numbers[0]] * len(batch)}),
    "a row of another range": change_batches(lambda batch: {"numbers": [n + 1000 for n in batch.numbers]}),
    "no progress": change_end(lambda end: {"offset": 1}),
    "behind the file": change_end(lambda end: {"offset": 1 << 40, "read_to": 1 << 40}),
}


@pytest.mark.parametrize("change", WRONG_ANSWERS.values(), ids=WRONG_ANSWERS)
def test_wrong_answer_does_not_count(folder, pool, monkeypatch, change):
    """Rows only come from an answer of the right types that can be one to the call. The others are judged here."""
    sheet = write_leads(folder / "wrong.csv")
    wanted = read_in_order(sheet)
    monkeypatch.setattr(WorkerThreads, "run", break_answer(change))
    assert read_on_workers(sheet) == wanted
    assert 1 <= len(pool.ranges) <= 4


def test_neither_key_nor_path_nor_cell_shows_where_a_task_travels(folder, pool, monkeypatch):
    """No key and no place of this computer is in it. What Dask may log of it has no cell."""
    monkeypatch.setenv("KEY_ACME", "canary-key")
    sheet = write_leads(folder / "canary-path.csv")
    read_on_workers(sheet)
    tasks = [task for _, task in pool.ranges]
    pickled = pickle.dumps(tasks)
    assert b"9845000045" in pickled
    assert not [word for word in (b"canary", str(folder).encode(), b"SUPERFONE") if word in pickled]
    assert "9845000045" not in repr(tasks)
    assert "Asha" not in repr(tasks)


def test_reading_process_of_a_worker_sees_no_key(folder, pool, monkeypatch):
    """A worker has keys in its environment. The names of these variables travel with the head."""
    started = []
    start = worker_client.start_process
    monkeypatch.setattr(
        worker_client, "start_process", lambda hidden: started.append(set(hidden)) or start(hidden)
    )
    read_on_workers(write_leads(folder / "hidden.csv"))
    assert started == [{"SUPERFONE_API_KEY"}, {"SUPERFONE_API_KEY", "KEY_ACME"}]


def test_number_of_ranges_in_memory_is_bounded(folder, pool, monkeypatch):
    """Two for each worker and one here, however many the file has and however slowly its rows are staged."""
    sheet = write_leads(folder / "bounded.csv", 200)
    taken, most = 0, 0
    judge = range_places.SharedRanges.judge
    begun = []
    monkeypatch.setattr(
        range_places.SharedRanges, "judge", lambda shared, part: begun.append(part) or judge(shared, part)
    )
    with ParallelClient(sheet, OpenOptions(), ClusterRangePlaces("", ())) as reader:
        for batch in reader.judge(CONFIG):
            most = max(
                most, len(begun) * 2 - taken
            )  # rows of ranges that were begun; each has one block of two
            taken += len(batch)
    assert len(begun) > 50
    assert most <= 2 * 5 + 8  # the first range has more blocks


@pytest.mark.parametrize("kind", ["limit", "UTF-16", "small", "old Mac"])
def test_other_sheets_do_not_travel(folder, pool, monkeypatch, kind):
    sheet, config = write_leads(folder / "stays.csv"), CONFIG
    if kind == "limit":
        config = msgspec.structs.replace(CONFIG, limit=30)
    elif kind == "small":
        monkeypatch.undo()
    elif kind == "UTF-16":
        sheet.write_bytes(sheet.read_text().encode("utf-16"))
    else:
        sheet.write_bytes(sheet.read_bytes().replace(b"\n", b"\r"))
    monkeypatch.setattr(cluster_ranges, "DaskPool", lambda address: pytest.fail("it travels"))
    assert read_on_workers(sheet, config) == read_in_order(sheet, config)


def test_without_a_scheduler_the_sheet_is_judged_here(folder, monkeypatch):
    def refuse(address):
        raise UsageError("No cluster.")

    monkeypatch.setattr(cluster_ranges, "DaskPool", refuse)
    sheet = write_leads(folder / "alone.csv")
    assert read_on_workers(sheet) == read_in_order(sheet)


def take_calls(folder, pool, name):
    """Return the calls of a sheet: the first has its head."""
    read_on_workers(write_leads(folder / name))
    calls = [decode_call(task.body) for _, task in pool.ranges]
    range_task._SHEETS.close_all()
    return sorted(calls, key=lambda call: call.head is None)


def test_worker_that_was_started_again_asks_for_the_head(folder, pool, monkeypatch):
    """It has forgotten the sheet, and the place stays."""
    sheet = write_leads(folder / "again.csv")
    run, calls = WorkerThreads.run, []

    def forget(self, work, request, place):
        calls.append(decode_call(request.body).head)
        if len(calls) % 4 == 0:
            range_task._SHEETS.close_all()
        return run(self, work, request, place)

    monkeypatch.setattr(cluster_ranges, "_RANGES_AHEAD", 1)  # no other range is judged meanwhile
    monkeypatch.setattr(WorkerThreads, "workers", ("worker-a",))
    monkeypatch.setattr(WorkerThreads, "run", forget)
    assert read_on_workers(sheet) == read_in_order(sheet)
    assert 3 <= sum(head is not None for head in calls) < len(calls) / 2


def test_idle_sheet_is_closed_and_leaves_nothing(folder, pool):
    """Nobody has to tell a worker that a sheet is finished, not even a coordinator that was killed."""
    first, *_, later = take_calls(folder, pool, "idle.csv")
    kept = KeptSheets(max_idle_s=0.05)
    assert isinstance(kept.answer(first), RangeAnswer)
    sheet = kept._sheets[first.sheet]
    assert sheet._path.exists()
    sheet.timer.join()
    assert not sheet._path.parent.exists()
    assert sheet._client.is_dead
    assert isinstance(kept.answer(later), HeadMissing)


def test_sheet_in_use_is_not_idle(folder, pool):
    """Its time begins anew with each range."""
    first, *_, later = take_calls(folder, pool, "in-use.csv")
    kept = KeptSheets()
    kept.answer(first)
    timer = kept._sheets[first.sheet].timer
    assert isinstance(kept.answer(later), RangeAnswer)
    assert timer.finished.is_set()
    kept.close_all()


def test_worker_of_another_version_judges_nothing(folder, pool):
    """One that has joined the cluster later was not asked for its versions. Another phonenumbers knows other numbers."""
    first = take_calls(folder, pool, "version.csv")[0]
    other = msgspec.structs.replace(first.head, versions={**first.head.versions, "phonenumbers": "1"})
    kept = KeptSheets()
    assert isinstance(kept.answer(msgspec.structs.replace(first, head=other)), RangeNotJudged)
    assert not kept._sheets


def test_range_that_kills_its_reading_process_harms_no_worker(folder, pool, monkeypatch):
    """The worker answers, and begins the next sheet with a new process."""
    first = take_calls(folder, pool, "hostile.csv")[0]
    kept = KeptSheets()
    judge = WorkerClient.judge_range

    def die(client, part):
        client.kill()
        return judge(client, part)

    with monkeypatch.context() as patch:
        patch.setattr(WorkerClient, "judge_range", die)
        assert kept.answer(first) == RangeNotJudged("UnreadableFileError")
    assert not kept._sheets
    assert isinstance(kept.answer(first), RangeAnswer)
    kept.close_all()
