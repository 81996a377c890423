"""Drafts in, verdicts out: titles against the account's live lists, and rows that share a phone."""

from importer.validator.duplicates import Folded, fold
from importer.validator.judge import compile_judge, gone_titles

__all__ = ["Folded", "compile_judge", "fold", "gone_titles"]
