"""Readers of cells: one module for each kind of value, from the text as typed to a value or a CellError."""
