"""The queue keeps rows of one phone apart and in file order (docs/guarantees.md, "One phone, one request at a time")."""

from hypothesis import given
from hypothesis import strategies as st

from importer.models.delivery import PendingRow
from importer.sender.phone_queue import PhoneQueue


def build_row(number, *phones):
    return PendingRow(number=number, phones=phones or (f"+{number}",), payload={})


def build_queue(rows):
    def fetch(after, limit):
        return [r for r in rows if r.number > after][:limit]

    queue = PhoneQueue(fetch)
    queue.add(queue.fetch())
    return queue


def list_numbers(rows):
    return [r.number for r in rows]


def test_rows_of_one_phone_go_one_by_one():
    """The second row of a phone waits until the first is released."""
    rows = [build_row(1, "+a"), build_row(2, "+b"), build_row(3, "+a"), build_row(4, "+c")]
    queue = build_queue(rows)
    assert list_numbers(queue.take(10)) == [1, 2, 4]
    assert list_numbers(queue.take(10)) == []
    queue.release(rows[0])
    assert list_numbers(queue.take(10)) == [3]


def test_additional_phones_count_too():
    """Every phone of a row counts, not only the lead's own."""
    rows = [build_row(1, "+a", "+x"), build_row(2, "+b", "+a"), build_row(3, "+x")]
    queue = build_queue(rows)
    assert list_numbers(queue.take(10)) == [1]
    queue.release(rows[0])
    assert list_numbers(queue.take(10)) == [2, 3]


def test_waiting_row_is_not_overtaken():
    """Row 3 shares a phone with row 2, which waits for row 1: row 3 must wait too."""
    rows = [build_row(1, "+a"), build_row(2, "+a", "+b"), build_row(3, "+b")]
    queue = build_queue(rows)
    assert list_numbers(queue.take(10)) == [1]
    queue.release(rows[0])
    assert list_numbers(queue.take(10)) == [2]
    queue.release(rows[1])
    assert list_numbers(queue.take(10)) == [3]
    assert queue.is_empty


def test_waiting_rows_do_not_hold_back_others():
    """Thousands of rows with the office's number wait in line, and rows with other phones pass them."""
    rows = [build_row(n, f"+{n}", "+office") for n in range(3000)] + [build_row(n) for n in range(3000, 4000)]
    queue = build_queue(rows)
    out = []
    while len(out) < 1001:
        while queue.needs_rows(64):
            queue.add(queue.fetch())
        out += queue.take(64)
    assert [r.number for r in out[:2]] == [0, 3000]
    assert len(out) == 1001
    for waiting in range(1, 3000):
        queue.release(rows[waiting - 1])
        assert list_numbers(queue.take(64)) == [waiting]
    assert queue.is_empty


@given(
    st.lists(st.lists(st.sampled_from("abcde"), min_size=1, max_size=3, unique=True), max_size=40),
    st.randoms(),
)
def test_file_order_is_kept_for_each_phone(phones, rng):
    """Whatever phones rows share, two rows of one phone are never out together and go in file order."""
    rows = [build_row(n, *own) for n, own in enumerate(phones)]
    queue = build_queue(rows)
    out, released = [], []
    while not queue.is_empty or out:
        taken = queue.take(rng.randint(1, 5))
        phones_out = [phone for r in out for phone in r.phones]
        for r in taken:
            assert not set(r.phones) & set(phones_out)
            phones_out += r.phones
        out += taken
        if out:
            done = out.pop(rng.randrange(len(out)))
            released.append(done)
            queue.release(done)
    for phone in "abcde":
        order = [r.number for r in released if phone in r.phones]
        assert order == sorted(order)
    assert len(released) == len(rows)
