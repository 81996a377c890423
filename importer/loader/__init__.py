"""Spreadsheet rows in, lead drafts out."""
