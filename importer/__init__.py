"""Bulk lead importer: spreadsheet rows in, leads in the Superfone CRM, and a report of every row."""

__version__ = "0.1.0"
