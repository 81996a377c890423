"""Connected items are one set, however they are connected."""

from hypothesis import given
from hypothesis import strategies as st

from importer.disjoint_sets import DisjointSets

PAIRS = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=30)


def find_reachable(start, pairs):
    found, waiting = {start}, [start]
    while waiting:
        item = waiting.pop()
        next_items = {b for a, b in pairs if a == item} | {a for a, b in pairs if b == item}
        waiting += next_items - found
        found |= next_items
    return found


@given(PAIRS)
def test_set_has_all_items_that_can_be_reached(pairs):
    sets = DisjointSets[int]()
    for one, other in pairs:
        sets.connect(one, other)
    assert all(one in sets and other in sets for one, other in pairs)
    for members in sets.list_sets():
        assert set(members) == find_reachable(members[0], pairs)
        assert members == sorted(members)
        assert {sets.find(member) for member in members} == {members[0]}
