"""Accepts or rejects drafts: checks titles against the account's live lists, and merges rows that share a phone."""
