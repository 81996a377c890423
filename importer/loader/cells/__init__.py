"""Readers of cells, by the kind of value: from the text as typed to a value or a CellError."""
