"""Rows to drafts: cells become the values of a lead's fields."""
