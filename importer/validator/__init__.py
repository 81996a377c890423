"""Drafts in, verdicts out: titles against the account's live lists, and rows that share a phone."""

from importer.validator.duplicates import fold, is_typed_as
from importer.validator.judge import compile_gone, compile_judge

__all__ = ["compile_gone", "compile_judge", "fold", "is_typed_as"]
