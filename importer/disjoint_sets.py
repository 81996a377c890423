"""Puts items that are connected, directly or by way of others, into one set (union-find)."""

from __future__ import annotations

from typing import Generic, TypeVar

_Item = TypeVar("_Item", str, int)


class DisjointSets(Generic[_Item]):
    """Sets of items. The smallest item of a set names it."""

    def __init__(self) -> None:
        self._parents: dict[_Item, _Item] = {}

    def __contains__(self, item: _Item) -> bool:
        return item in self._parents

    def find(self, item: _Item) -> _Item:
        """Return the smallest item of the set of `item`, which is a set of its own if it is new."""
        parents = self._parents
        parents.setdefault(item, item)
        while (parent := parents[item]) != item:
            parents[item] = parents[parent]  # halve the way, so that later searches are short
            item = parent
        return item

    def connect(self, one: _Item, other: _Item) -> _Item:
        """Make one set of the sets of both items, and return its smallest item."""
        first, second = sorted((self.find(one), self.find(other)))
        self._parents[second] = first
        return first

    def list_sets(self) -> list[list[_Item]]:
        """Return the items of each set, in order."""
        sets: dict[_Item, list[_Item]] = {}
        for item in sorted(self._parents):
            sets.setdefault(self.find(item), []).append(item)
        return list(sets.values())
