"""Drafts in, verdicts out: titles against the account's live lists, and rows that share a phone."""
