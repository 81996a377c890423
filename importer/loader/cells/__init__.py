"""Cells to values: one module a kind, each a pure function from the text as typed to a value or a fault."""

from importer.loader.cells.fault import Fault

__all__ = ["Fault"]
