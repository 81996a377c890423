"""Cells to values: one module a kind, each a pure function from the text as typed to a value or a fault."""
