"""Drafts in, verdicts out: titles against the account's live lists, and rows that share a phone."""

from importer.validator.duplicates import Duplicates, Folded, fold
from importer.validator.judge import Unknown, compile_judge

__all__ = ["Duplicates", "Folded", "Unknown", "compile_judge", "fold"]
