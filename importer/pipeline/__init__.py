"""The flow of a run: open, match columns, judge, ask, deduplicate, confirm, send, report; and resume and retry."""
